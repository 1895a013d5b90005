/* SPDX-License-Identifier: Apache-2.0
 *
 * check.c - what the run has left behind: output, changelog, and the store of a new instance.
 */
#include "world.h"

#include "base/clock.h"

#include <inttypes.h>

typedef void entry_fn(struct world *world, const ks_entry *entry);

static void read_topic(struct world *world, const char *topic, entry_fn *visit)
{
    ks_reader *reader = ks_log_reader(world->log, NULL);
    int64_t    total  = 0, end;

    for (int32_t p = 0; p < world->plan.partitions; p++) {
        if (ks_reader_assign(reader, topic, p, 0) != KS_OK ||
            ks_log_end_offset(world->log, topic, p, &end) != KS_OK)
            tally_complain(&world->tally, "%s: %s", topic,
                           ks_error_message(ks_reader_error(reader)));
        else
            total += end;
    }
    for (ks_entry entry; world_is_sound(world) && ks_reader_next(reader, 0, &entry); total--) {
        world_note(world, "%s-%d@%" PRId64 " %.*s=%" PRId64 " at %" PRId64, topic,
                   (int)entry.partition, entry.offset, KS_BYTES_ARG(entry.record.key),
                   ks_bytes_i64(entry.record.value, -1), entry.record.timestamp_ms);
        visit(world, &entry);
    }
    if (total != 0)
        tally_complain(&world->tally, "%s: %" PRId64 " records were not read", topic, total);
    ks_reader_free(reader);
}

static void take_output(struct world *world, const ks_entry *entry)
{
    tally_output(&world->tally, entry->record.key, ks_bytes_i64(entry->record.value, -1));
}

static void take_changelog(struct world *world, const ks_entry *entry)
{
    tally_changelog(&world->tally, entry->record.key, ks_bytes_i64(entry->record.value, -1));
}

static void take_moved(struct world *world, const ks_entry *entry)
{
    int n = tally_number(&world->tally, entry->record.key);

    if (n >= 0)
        world->tally.words[n].moved++;
}

/* Totals are never ahead of the input, whatever is replayed. */
static void take_total(struct world *world, const ks_entry *entry)
{
    int     n     = tally_number(&world->tally, entry->record.key);
    int64_t count = ks_bytes_i64(entry->record.value, -1);

    if (n < 0 || world->plan.rule == TALLY_AT_LEAST_ONCE)
        return;
    if (count < 1 || count > world->tally.words[n].in)
        tally_complain(&world->tally, "w%d: a total of %" PRId64 ", in %" PRId64, n, count,
                       world->tally.words[n].in);
}

static bool is_running(const struct world *world)
{
    return world->instances[0].app != NULL &&
           ks_app_get_state(world->instances[0].app) == KS_APP_RUNNING;
}

/* Start an instance on what lies there, and ask its store. */
static void read_store(struct world *world)
{
    ks_snapshot *snapshot;
    ks_status    status = KS_EUNAVAILABLE;
    int          steps  = 0;

    world_start(world, 0);
    do {
        world_step(world, 0);
        ks__manual_clock_advance(&world->clock, 7);
    } while (!is_running(world) && world_is_sound(world) && steps++ < 20000);
    if (is_running(world))
        status = ks_app_snapshot(world->instances[0].app, STORE,
                                 KS_QUERIED(.freshness = KS_FRESH), &snapshot);
    if (status != KS_OK) {
        tally_complain(&world->tally, "no snapshot: %s", ks_status_name(status));
        return;
    }
    ks_iter *rows = ks_snapshot_all(snapshot, KS_ASCENDING);
    for (ks_record row; ks_iter_next(rows, &row);) {
        world_note(world, "row %.*s=%" PRId64 " at %" PRId64, KS_BYTES_ARG(row.key),
                   ks_bytes_i64(row.value, -1), row.timestamp_ms);
        tally_row(&world->tally, row.key, ks_bytes_i64(row.value, -1));
    }
    if (ks_error_status(ks_snapshot_error(snapshot)) != KS_OK)
        tally_complain(&world->tally, "snapshot: %s",
                       ks_error_message(ks_snapshot_error(snapshot)));
    ks_snapshot_free(snapshot);
}

void check_all(struct world *world)
{
    read_topic(world, OUTPUT, take_output);
    read_topic(world, TOTALS, take_total);
    if (world->tally.kept && repartition_of(&world->plan) != NULL &&
        ks_log_partitions(world->log, repartition_of(&world->plan)) > 0)
        read_topic(world, repartition_of(&world->plan), take_moved);
    if (ks_log_partitions(world->log, APPLICATION "-" STORE "-changelog") > 0)
        read_topic(world, APPLICATION "-" STORE "-changelog", take_changelog);
    if (world_is_sound(world))
        read_store(world);
    if (world_is_sound(world))
        tally_settle(&world->tally);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * check.c - what the run has left behind: topics, and the store of a new instance.
 */
#include "base/clock.h"
#include "world.h"

#include <inttypes.h>
#include <stdio.h>

#define RUN_STEPS 20000
#define STEP_MS   7

/* Text as it is, other bytes in hexadecimal. */
static void show(ks_bytes bytes, char *out, size_t size)
{
    const unsigned char *b = bytes.data;
    size_t               used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < bytes.size && used + 4 < size; i++)
        used += (size_t)snprintf(out + used, size - used,
                                 b[i] >= ' ' && b[i] < 127 ? "%c" : "~%02x", b[i]);
}

/* A value is a number, or bytes. */
static void note_record(struct world *world, const char *place, const ks_record *record)
{
    char key[64], value[64];

    show(record->key, key, sizeof(key));
    if (record->value.size == sizeof(int64_t))
        snprintf(value, sizeof(value), "%" PRId64, ks_bytes_i64(record->value, -1));
    else
        show(record->value, value, sizeof(value));
    world_note(world, "%s %s=%s at %" PRId64, place, key, value, record->timestamp_ms);
}

static void note_entry(struct world *world, const char *topic, const ks_entry *entry)
{
    char place[160];

    snprintf(place, sizeof(place), "%s-%d@%" PRId64, topic, (int)entry->partition, entry->offset);
    note_record(world, place, &entry->record);
}

void check_topic(struct world *world, const char *topic, entry_fn *visit)
{
    ks_reader *reader;
    int64_t    total = 0, end;

    if (!world_is_sound(world) || ks_log_partitions(world->log, topic) <= 0)
        return;
    reader = ks_log_reader(world->log, NULL);
    for (int32_t p = 0; p < world->plan.partitions; p++) {
        if (ks_reader_assign(reader, topic, p, 0) != KS_OK ||
            ks_log_end_offset(world->log, topic, p, &end) != KS_OK)
            tally_complain(&world->tally, "%s: %s", topic,
                           ks_error_message(ks_reader_error(reader)));
        else
            total += end;
    }
    for (ks_entry entry; world_is_sound(world) && ks_reader_next(reader, 0, &entry); total--) {
        note_entry(world, topic, &entry);
        visit(world, &entry);
    }
    if (total != 0)
        tally_complain(&world->tally, "%s: %" PRId64 " records were not read", topic, total);
    ks_reader_free(reader);
}

static bool is_running(const struct world *world)
{
    return world->instances[0].app != NULL &&
           ks_app_get_state(world->instances[0].app) == KS_APP_RUNNING;
}

static void visit_rows(struct world *world, ks_snapshot *snapshot, row_fn *visit)
{
    ks_iter *rows = ks_snapshot_all(snapshot, KS_ASCENDING);

    for (ks_record row; ks_iter_next(rows, &row);) {
        note_record(world, "row", &row);
        visit(world, &row);
    }
    if (ks_error_status(ks_snapshot_error(snapshot)) != KS_OK)
        tally_complain(&world->tally, "snapshot: %s",
                       ks_error_message(ks_snapshot_error(snapshot)));
}

void check_store(struct world *world, const char *store, row_fn *visit)
{
    ks_snapshot *snapshot;
    ks_status    status = KS_EUNAVAILABLE;
    int          steps  = 0;

    if (!world_is_sound(world))
        return;
    world_start(world, 0);
    do {
        world_step(world, 0);
        ks__manual_clock_advance(&world->clock, STEP_MS);
    } while (!is_running(world) && world_is_sound(world) && steps++ < RUN_STEPS);
    if (is_running(world))
        status = ks_app_snapshot(world->instances[0].app, store,
                                 KS_QUERIED(.freshness = KS_FRESH), &snapshot);
    if (status != KS_OK) {
        tally_complain(&world->tally, "no snapshot: %s", ks_status_name(status));
        return;
    }
    visit_rows(world, snapshot, visit);
    ks_snapshot_free(snapshot);
}

void check_all(struct world *world)
{
    world->shape->check(world);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * check.c - what a round has left behind: output, changelog, and the store of a new app.
 */
#include "round.h"
#include "support/words.h"

#include <inttypes.h>

#define OPEN_LIMIT_MS 30000

static void read_topic(struct round *round, const char *topic,
                       void (*take)(struct round *, ks_bytes, int64_t))
{
    ks_reader *reader = ks_log_reader(round->log, NULL);
    int64_t    left = 0, end;

    for (int32_t p = 0; p < PARTITIONS; p++)
        if (ks_reader_assign(reader, topic, p, 0) == KS_OK &&
            ks_log_end_offset(round->log, topic, p, &end) == KS_OK)
            left += end;
    for (ks_entry entry; ks_reader_next(reader, 0, &entry); left--)
        take(round, entry.record.key, ks_bytes_i64(entry.record.value, -1));
    if (left != 0)
        tally_complain(&round->tally, "%s: %" PRId64 " records were not read: %s", topic, left,
                       ks_error_message(ks_reader_error(reader)));
    ks_reader_free(reader);
}

static void read_rows(struct round *round, ks_app *app)
{
    ks_snapshot *snapshot;
    ks_status    status = ks_app_snapshot(app, "counts", KS_QUERIED(.freshness = KS_FRESH),
                                          &snapshot);

    if (status != KS_OK) {
        tally_complain(&round->tally, "no snapshot: %s",
                       ks_error_message(ks_app_call_error(app)));
        return;
    }
    ks_iter *rows = ks_snapshot_all(snapshot, KS_ASCENDING);
    for (ks_record row; ks_iter_next(rows, &row);) {
        tally_row(&round->tally, row.key, ks_bytes_i64(row.value, -1));
        outcome_row(&round->outcome, &round->tally, &row);
    }
    ks_snapshot_free(snapshot);
}

/* The state as the next start finds it: an app of this process opens it and is asked. */
static void read_store(struct round *round)
{
    ks_config   *config   = ks_config_new();
    ks_topology *topology = words_topology("lines", "counts");
    int64_t      end      = now_ms() + OPEN_LIMIT_MS;

    ks_config_set(config, "application.id", APPLICATION);
    ks_config_set(config, "bootstrap.servers", round->address);
    ks_config_set(config, "state.dir", round->state);
    ks_config_set(config, "processing.guarantee", round->guarantee);
    ks_app *app = ks_app_new(topology, config);
    while (ks_app_get_state(app) != KS_APP_RUNNING && now_ms() < end &&
           ks_app_step(app, 10) == KS_OK)
        sleep_us(500);
    if (ks_app_get_state(app) == KS_APP_RUNNING)
        read_rows(round, app);
    else
        tally_complain(&round->tally, "does not run again: %s, %s",
                       ks_app_state_name(ks_app_get_state(app)),
                       ks_error_message(ks_app_error(app)));
    ks_app_free(app);
    ks_topology_free(topology);
    ks_config_free(config);
}

static void take_output(struct round *round, ks_bytes word, int64_t count)
{
    tally_output(&round->tally, word, count);
    outcome_output(&round->outcome, &round->tally, word, count);
}

static void take_change(struct round *round, ks_bytes word, int64_t count)
{
    tally_changelog(&round->tally, word, count);
}

/* A record that the counting task has to count, which is all that bounds it at least once. */
static void take_moved(struct round *round, ks_bytes word, int64_t count)
{
    int n = tally_number(&round->tally, word);

    (void)count;
    if (n >= 0)
        round->tally.words[n].seen = ++round->tally.words[n].moved;
}

void round_check(struct round *round)
{
    if (round->tally.kept)
        read_topic(round, APPLICATION "-by-repartition", take_moved);
    read_topic(round, "counts", take_output);
    read_topic(round, APPLICATION "-counts-changelog", take_change);
    read_store(round);
    tally_settle(&round->tally);
}

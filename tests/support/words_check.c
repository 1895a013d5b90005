/* SPDX-License-Identifier: Apache-2.0
 *
 * words_check.c - read topics and store of word count into a tally.
 */
#include "support/words_check.h"

#include "base/clock.h"
#include "runtime/app.h"
#include "support/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define OPEN_STEPS 60000 /* of half a millisecond, or none where the clock is moved by hand */

struct check {
    const struct words_place   *place;
    struct tally               *tally;
    const struct words_witness *witness;
};

/* ---- topics ---- */

static void read_topic(struct check *check, const char *topic,
                       void (*take)(struct check *, ks_bytes, int64_t))
{
    ks_log    *log = check->place->log;
    ks_reader *reader = ks_log_reader(log, NULL);
    int64_t    left = 0, end;

    for (int32_t p = 0; p < check->place->partitions; p++)
        if (ks_reader_assign(reader, topic, p, 0) == KS_OK &&
            ks_log_end_offset(log, topic, p, &end) == KS_OK)
            left += end;
    for (ks_entry entry; ks_reader_next(reader, 0, &entry); left--)
        take(check, entry.record.key, ks_bytes_i64(entry.record.value, -1));
    if (left != 0)
        tally_complain(check->tally, "%s: %" PRId64 " records were not read: %s", topic, left,
                       ks_error_message(ks_reader_error(reader)));
    ks_reader_free(reader);
}

static void take_output(struct check *check, ks_bytes word, int64_t count)
{
    tally_output(check->tally, word, count);
    if (check->witness->output != NULL)
        check->witness->output(word, count, check->witness->user);
}

static void take_change(struct check *check, ks_bytes word, int64_t count)
{
    tally_changelog(check->tally, word, count);
}

/* A record that the counting task has to count, which is all that bounds it at least once. */
static void take_moved(struct check *check, ks_bytes word, int64_t count)
{
    int n = tally_number(check->tally, word);

    (void)count;
    if (n >= 0)
        check->tally->words[n].seen = ++check->tally->words[n].moved;
}

static void read_internal(struct check *check, const char *suffix,
                          void (*take)(struct check *, ks_bytes, int64_t))
{
    char topic[128];

    snprintf(topic, sizeof(topic), "%s-%s", check->place->application, suffix);
    read_topic(check, topic, take);
}

/* ---- store ---- */

static void read_rows(struct check *check, ks_app *app)
{
    ks_snapshot *snapshot;

    if (ks_app_snapshot(app, "counts", KS_QUERIED(.freshness = KS_FRESH), &snapshot) != KS_OK) {
        tally_complain(check->tally, "no snapshot: %s",
                       ks_error_message(ks_app_call_error(app)));
        return;
    }
    ks_iter *rows = ks_snapshot_all(snapshot, KS_ASCENDING);
    for (ks_record row; ks_iter_next(rows, &row);) {
        tally_row(check->tally, row.key, ks_bytes_i64(row.value, -1));
        if (check->witness->row != NULL)
            check->witness->row(&row, check->witness->user);
    }
    ks_snapshot_free(snapshot);
}

/* Until it runs, or cannot. */
static void step_until_running(ks_app *app, struct ks__manual_clock *clock)
{
    for (int i = 0; i < OPEN_STEPS && ks_app_get_state(app) != KS_APP_RUNNING; i++) {
        if (ks_app_step(app, clock == NULL ? 10 : 0) != KS_OK)
            return;
        if (clock == NULL)
            nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
        else
            ks__manual_clock_advance(clock, 5);
    }
}

/* The state as the next start finds it: an app of this process opens it and is asked. */
static void read_store(struct check *check)
{
    const struct words_place *place = check->place;
    ks_config                *config = ks_config_new();
    ks_topology              *topology = words_topology("lines", "counts");

    ks_config_set(config, "application.id", place->application);
    ks_config_set(config, "bootstrap.servers", place->address);
    ks_config_set(config, "state.dir", place->state);
    ks_config_set(config, "processing.guarantee", place->guarantee);
    ks_app *app = ks_app_new(topology, config);
    if (place->clock != NULL)
        ks__app_set_clock(app, &place->clock->clock);
    step_until_running(app, place->clock);
    if (ks_app_get_state(app) == KS_APP_RUNNING)
        read_rows(check, app);
    else
        tally_complain(check->tally, "does not run again: %s, %s",
                       ks_app_state_name(ks_app_get_state(app)),
                       ks_error_message(ks_app_error(app)));
    ks_app_free(app);
    ks_topology_free(topology);
    ks_config_free(config);
}

void words_check(const struct words_place *place, struct tally *tally,
                 const struct words_witness *witness)
{
    static const struct words_witness nobody = { NULL, NULL, NULL };
    struct check check = { place, tally, witness != NULL ? witness : &nobody };

    if (tally->kept)
        read_internal(&check, "by-repartition", take_moved);
    read_topic(&check, "counts", take_output);
    read_internal(&check, "counts-changelog", take_change);
    read_store(&check);
    tally_settle(tally);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * topologies_windows.c - words counted by window: every update, or only what a closed window ends
 * with. Nothing is late, so the counts of all windows add up to what went in, once for each window
 * that a word lies in.
 */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SIZE_MS    500
#define ADVANCE_MS 250      /* of hopping windows: each word lies in two */
#define LENGTH     4096     /* windows that a run may reach */

struct windows {
    int64_t start_ms;                           /* of the first */
    int64_t out[TALLY_WORDS][LENGTH];           /* the last count that came out */
    int64_t changelog[TALLY_WORDS][LENGTH];
};

static bool is_hopping(const struct world *world)
{
    return world->plan.shape == SHAPE_WINDOWS && world->plan.buffered == 7;
}

/* ---- topology ---- */

static ks_table *count_windows(ks_builder *b, struct world *world, ks_windowed_stream *w)
{
    (void)b;
    return ks_windowed_stream_aggregate(
        w, KS_AGGREGATE(.add = words_add_one, .user = world),
        KS_MATERIALIZED(.store = STORE, .value = ks_serde_i64()));
}

static void send(ks_table *counts)
{
    ks_stream_to(ks_table_to_stream(counts, KS_NAMED("changes")), OUTPUT, NULL);
}

static void build_windows(ks_builder *b, struct world *world)
{
    ks_grouped_stream  *groups = words_grouped(b, world);
    ks_windowed_stream *w =
        is_hopping(world)
            ? ks_grouped_stream_windowed_by(groups, KS_HOPPING(.size_ms    = SIZE_MS,
                                                               .advance_ms = ADVANCE_MS,
                                                               .grace_ms   = GRACE_MS))
            : ks_grouped_stream_windowed_by(groups, KS_TUMBLING(.size_ms  = SIZE_MS,
                                                                .grace_ms = GRACE_MS));

    send(count_windows(b, world, w));
}

static void build_suppress(ks_builder *b, struct world *world)
{
    ks_windowed_stream *w = ks_grouped_stream_windowed_by(
        words_grouped(b, world), KS_TUMBLING(.size_ms = SIZE_MS, .grace_ms = GRACE_MS));
    ks_table *counts = count_windows(b, world, w);

    send(ks_table_suppress(counts, KS_SUPPRESSED(.name = "last", .until_close = KS_ON)));
}

static void build_final(ks_builder *b, struct world *world)
{
    ks_windowed_stream *w = ks_grouped_stream_windowed_by(
        words_grouped(b, world),
        KS_TUMBLING(.size_ms = SIZE_MS, .grace_ms = GRACE_MS, .emit = KS_EMIT_ON_CLOSE));

    send(count_windows(b, world, w));
}

/* ---- input ---- */

/* A word of each kind far ahead reaches every partition behind the repartition, and closes what is
 * open there. */
static void close_windows(struct world *world, int64_t ahead_ms)
{
    for (int n = 0; n < TALLY_WORDS; n++) {
        char      text[8];
        ks_record record = { .timestamp_ms = ks__clock_wall_ms(&world->clock.clock) + ahead_ms };

        record.value = (ks_bytes){ text, (size_t)snprintf(text, sizeof(text), "w%d", n) };
        shape_append(world, INPUT, n % world->plan.partitions, &record);
    }
}

/* ---- what came out ---- */

static struct windows *windows_of(struct world *world)
{
    if (world->windows == NULL)
        world->windows = calloc(1, sizeof(*world->windows));
    if (world->windows == NULL)
        tally_complain(&world->tally, "no memory for windows");
    return world->windows;
}

static int64_t big_endian(const void *bytes)
{
    const unsigned char *b = bytes;
    int64_t              n = 0;

    for (int i = 0; i < 8; i++)
        n = n << 8 | b[i];
    return n;
}

/* The cell of a windowed key, which ends in its start, and `more` bytes; NULL = one of those that
 * only close. */
static int64_t *cell_of(struct world *world, int64_t cells[TALLY_WORDS][LENGTH], ks_bytes key,
                        size_t more)
{
    const int64_t first = INT64_C(1700000000000) - 1000;
    ks_bytes      word = { key.data, key.size - 8 - more };
    int           n;
    int64_t       at;

    if (key.size < 10 + more) {
        tally_complain(&world->tally, "a key of %zu bytes", key.size);
        return NULL;
    }
    n  = tally_number(&world->tally, word);
    at = (big_endian((const char *)key.data + word.size) - first) / ADVANCE_MS;
    if (n < 0 || at * ADVANCE_MS >= BEYOND_MS / 2)
        return NULL;
    if (at < 0 || at >= LENGTH) {
        tally_complain(&world->tally, "w%d: a window %" PRId64 " ms after the start", n,
                       at * ADVANCE_MS);
        return NULL;
    }
    return &cells[n][at];
}

static bool updates(const struct world *world)
{
    return world->plan.shape == SHAPE_WINDOWS;
}

static void take_output(struct world *world, const ks_entry *entry)
{
    struct windows *windows = windows_of(world);
    int64_t         count   = ks_bytes_i64(entry->record.value, -1);
    int64_t        *cell = windows != NULL ? cell_of(world, windows->out, entry->record.key, 0)
                                           : NULL;

    if (cell == NULL)
        return;
    if (world->spoiled) {
        world->spoiled = false;
        return;
    }
    if (world->plan.rule == TALLY_EXACTLY_ONCE &&
        (!updates(world) ? *cell != 0 : world->tally.contiguous ? count != *cell + 1
                                                                : count <= *cell))
        tally_complain(&world->tally, "%.*s: the output of a window goes from %" PRId64 " to %"
                       PRId64, (int)entry->record.key.size - 8,
                       (const char *)entry->record.key.data, *cell, count);
    *cell = count;
}

static void take_change(struct world *world, const ks_entry *entry)
{
    struct windows *windows = windows_of(world);
    int64_t        *cell = windows != NULL
                               ? cell_of(world, windows->changelog, entry->record.key, 4)
                               : NULL;

    if (cell != NULL && entry->record.value.data != NULL)
        *cell = ks_bytes_i64(entry->record.value, -1);
}

static void take_moved(struct world *world, const ks_entry *entry)
{
    int n = tally_number(&world->tally, entry->record.key);

    if (n >= 0 && entry->record.timestamp_ms < INT64_C(1700000000000) + BEYOND_MS / 2)
        world->tally.words[n].moved++;
}

static int64_t sum_of(const int64_t *cells, int times)
{
    int64_t sum = 0;

    for (int i = 0; i < LENGTH; i++)
        sum += cells[i];
    return sum / times;
}

/* Of a store by window there is no snapshot: its changelog stands for it. */
static void check_windows(struct world *world)
{
    struct windows *windows = windows_of(world);
    int             times   = is_hopping(world) ? 2 : 1;

    check_topic(world, OUTPUT, take_output);
    if (world->tally.kept)
        check_topic(world, APPLICATION "-by-repartition", take_moved);
    check_topic(world, APPLICATION "-" STORE "-changelog", take_change);
    for (int n = 0; windows != NULL && n < TALLY_WORDS; n++) {
        world->tally.words[n].out       = sum_of(windows->out[n], times);
        world->tally.words[n].changelog = sum_of(windows->changelog[n], times);
        world->tally.words[n].row       = world->tally.words[n].changelog;
    }
    if (world_is_sound(world))
        tally_settle(&world->tally);
}

const struct shape_class windows_shape = {
    .name = "windows", .build = build_windows, .write = words_write, .check = check_windows,
    .consumed = { INPUT, APPLICATION "-by-repartition" },
};
const struct shape_class suppress_shape = {
    .name = "suppress", .build = build_suppress, .write = words_write, .close = close_windows,
    .check = check_windows, .consumed = { INPUT, APPLICATION "-by-repartition" },
};
const struct shape_class final_shape = {
    .name = "final", .build = build_final, .write = words_write, .close = close_windows,
    .check = check_windows, .consumed = { INPUT, APPLICATION "-by-repartition" },
};

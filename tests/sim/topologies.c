/* SPDX-License-Identifier: Apache-2.0
 *
 * topologies.c - three ways to count words, each with the number of times that user code saw one;
 * each also with an asynchronous step before.
 */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>

static void saw(struct world *world, ks_bytes word)
{
    int n = tally_number(&world->tally, word);

    if (n >= 0)
        world->tally.words[n].seen++;
}

static ks_status split(ks_ctx *ctx, const ks_record *line, void *user)
{
    (void)user;
    for (ks_bytes rest = line->value, word; ks_bytes_word(&rest, &word);)
        ks_ctx_forward_value(ctx, word);
    return KS_OK;
}

static ks_status by_word(ks_ctx *ctx, const ks_record *word, ks_bytes *key, void *user)
{
    (void)ctx, (void)user;
    *key = word->value;
    return KS_OK;
}

/* ---- answers ---- */

/* The record goes on as it is, once the seed says so. */
static ks_status wait_for_answer(ks_ctx *ctx, const ks_record *record, ks_pending *pending,
                                 void *user)
{
    struct world *world = user;

    if (world->waiting_count == WAITING_MOST)
        return ks_ctx_fail(ctx, "too many wait");
    world->waiting[world->waiting_count++] = (struct waiting){ pending, record };
    return KS_OK;
}

void world_answer(struct world *world, int n)
{
    const struct waiting one = world->waiting[n];

    world->waiting[n] = world->waiting[--world->waiting_count];
    ks_pending_complete(one.pending, one.record->value);
}

static ks_stream *answered(struct world *world, ks_stream *words)
{
    if (!world->plan.async)
        return words;
    words = ks_stream_select_key(words, by_word, NULL, KS_NAMED("word"));
    return ks_stream_map_async(words, wait_for_answer, world,
                               KS_ASYNC(.name = "ask", .max_pending = world->plan.buffered % 50 + 1,
                                        .timeout_ms = INT64_MAX));
}

/* ---- aggregate, count ---- */

ks_status words_add_one(ks_ctx *ctx, const ks_record *word, ks_bytes *count, void *user)
{
    saw(user, word->key);
    *count = ks_ctx_i64(ctx, ks_bytes_i64(*count, 0) + 1);
    return KS_OK;
}

static ks_stream *words_of_lines(ks_builder *b, struct world *world)
{
    ks_stream *lines = ks_builder_stream(b, INPUT, KS_CONSUMED(.value = ks_serde_utf8()));

    return answered(world, ks_stream_flat_map_values(lines, split, NULL, KS_NAMED("split")));
}

ks_grouped_stream *words_grouped(ks_builder *b, struct world *world)
{
    return ks_stream_group_by(words_of_lines(b, world), by_word, NULL,
                              KS_GROUPED(.name = "by", .key = ks_serde_utf8()));
}

static void build_aggregate(ks_builder *b, struct world *world)
{
    ks_table *counts = ks_grouped_stream_aggregate(
        words_grouped(b, world), KS_AGGREGATE(.add = words_add_one, .user = world),
        KS_MATERIALIZED(.store = STORE, .value = ks_serde_i64()));

    ks_stream_to(ks_table_to_stream(counts, KS_NAMED("changes")), OUTPUT, NULL);
}

static ks_status see(ks_ctx *ctx, const ks_record *word, void *user)
{
    (void)ctx;
    saw(user, word->key);
    return KS_OK;
}

static void build_count(ks_builder *b, struct world *world)
{
    ks_stream *keyed = ks_stream_select_key(words_of_lines(b, world), by_word, NULL,
                                            KS_NAMED("key"));
    ks_stream *moved = ks_stream_repartition(keyed, KS_REPARTITIONED(.name = "by",
                                                                     .key  = ks_serde_utf8()));

    moved = ks_stream_peek(moved, see, world, KS_NAMED("see"));
    ks_table *counts = ks_grouped_stream_count(ks_stream_group_by_key(moved, NULL),
                                               KS_MATERIALIZED(.store = STORE));
    ks_stream_to(ks_table_to_stream(counts, KS_NAMED("changes")), OUTPUT, NULL);
}

/* ---- processor ---- */

struct counter {
    ks_kv_store    *counts;
    const ks_child *out, *totals;
    struct world   *world;
};

/* Tell all totals, and touch each row while iterating. */
static ks_status tell_totals(ks_ctx *ctx, int64_t now_ms, void *user)
{
    struct counter *counter = user;
    ks_iter        *rows    = ks_kv_store_all(counter->counts, KS_ASCENDING);

    for (ks_record row; ks_iter_next(rows, &row);) {
        ks_record total = { .key = row.key, .value = row.value, .timestamp_ms = now_ms };

        ks_kv_store_put(counter->counts, row.key, row.value);
        ks_ctx_forward_to(ctx, counter->totals, &total);
    }
    return KS_OK;
}

static ks_status counter_open(ks_ctx *ctx, void *self, void *user)
{
    struct counter *counter = self;

    *counter = (struct counter){ .counts = ks_ctx_kv_store(ctx, STORE),
                                 .out    = ks_ctx_child(ctx, "to-out"),
                                 .totals = ks_ctx_child(ctx, "to-totals"),
                                 .world  = user };
    ks_ctx_schedule(ctx, 40, KS_WALL_CLOCK_TIME, tell_totals, counter);
    return KS_OK;
}

static ks_status counter_process(ks_ctx *ctx, const ks_record *record, void *self)
{
    struct counter *counter = self;
    ks_record       row, change = *record;

    saw(counter->world, record->key);
    ks_kv_store_get(counter->counts, record->key, &row);
    change.value = ks_ctx_i64(ctx, ks_bytes_i64(row.value, 0) + 1);
    ks_kv_store_put(counter->counts, record->key, change.value);
    ks_ctx_forward_to(ctx, counter->out, &change);
    return KS_OK;
}

static const ks_processor counter = KS_PROCESSOR(
    .state_size = sizeof(struct counter), .open = counter_open, .process = counter_process);

static void build_processor(ks_builder *b, struct world *world)
{
    ks_stream *input = ks_builder_stream(b, INPUT, KS_CONSUMED(.key = ks_serde_utf8()));
    ks_stream *words = answered(world, input);

    ks_builder_add_store(b, KS_KV_STORE(STORE, .key = ks_serde_utf8(), .value = ks_serde_i64(),
                                        .cache = world->plan.caches ? KS_ON : KS_OFF));
    ks_stream *changes = ks_stream_process(words, &counter, world,
                                           KS_CONNECTED(.name = "counter", .stores = { STORE }));
    ks_stream_to(changes, OUTPUT, KS_PRODUCED(.name = "to-out"));
    ks_stream_to(changes, TOTALS, KS_PRODUCED(.name = "to-totals"));
}

/* ---- input ---- */

void words_write(struct world *world)
{
    char      text[64];
    int       words  = random_below(&world->random, 6);
    size_t    size   = 0;
    ks_record record = { .timestamp_ms = shape_time_ms(world) };

    for (int i = 0; i < words; i++) {
        int n = random_below(&world->random, TALLY_WORDS);

        size += (size_t)snprintf(text + size, sizeof(text) - size, "%sw%d", i > 0 ? " " : "", n);
        world->tally.words[n].in++;
    }
    record.value = (ks_bytes){ text, size };
    shape_append(world, INPUT, random_below(&world->random, world->plan.partitions), &record);
}

static void write_word(struct world *world)
{
    char      text[8];
    int       n      = random_below(&world->random, TALLY_WORDS);
    ks_record record = { .timestamp_ms = shape_time_ms(world) };

    record.key = record.value = (ks_bytes){ text, (size_t)snprintf(text, sizeof(text), "w%d", n) };
    world->tally.words[n].in++;
    shape_append(world, INPUT, -1, &record);
}

/* ---- output ---- */

static void take_output(struct world *world, const ks_entry *entry)
{
    if (world->spoiled) {
        world->spoiled = false;
        return;
    }
    tally_output(&world->tally, entry->record.key, ks_bytes_i64(entry->record.value, -1));
}

static void take_change(struct world *world, const ks_entry *entry)
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

static void take_row(struct world *world, const ks_record *row)
{
    tally_row(&world->tally, row->key, ks_bytes_i64(row->value, -1));
}

static void check_words(struct world *world)
{
    check_topic(world, OUTPUT, take_output);
    check_topic(world, TOTALS, take_total);
    if (world->tally.kept)
        check_topic(world, APPLICATION "-by-repartition", take_moved);
    check_topic(world, APPLICATION "-" STORE "-changelog", take_change);
    check_store(world, STORE, take_row);
    if (world_is_sound(world))
        tally_settle(&world->tally);
}

const struct shape_class aggregate_shape = {
    .name = "aggregate", .build = build_aggregate, .write = words_write, .check = check_words,
    .consumed = { INPUT, APPLICATION "-by-repartition" },
};
const struct shape_class count_shape = {
    .name = "count", .build = build_count, .write = words_write, .check = check_words,
    .consumed = { INPUT, APPLICATION "-by-repartition" },
};
const struct shape_class processor_shape = {
    .name = "processor", .build = build_processor, .write = write_word, .check = check_words,
    .consumed = { INPUT },
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * topologies_numbers.c - inputs with a number each: joined, kept for a while, or looked up, every
 * number comes out once.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WITHIN_MS 100
#define CLOSER    "-1"      /* the number of inputs that only let time pass */

struct text {
    char text[24];
};

/* A record of word `n` with this value, to a topic by key. */
static void append(struct world *world, const char *topic, int n, const char *value,
                   int64_t time_ms)
{
    char      key[8];
    ks_record record = { .value = ks_bytes_text(value), .timestamp_ms = time_ms };

    record.key = (ks_bytes){ key, (size_t)snprintf(key, sizeof(key), "w%d", n) };
    shape_append(world, topic, -1, &record);
}

static struct text number_text(int id)
{
    struct text text;

    snprintf(text.text, sizeof(text.text), "%d", id);
    return text;
}

/* A new input; its number is its value. */
static void write_number(struct world *world, int sides)
{
    int     n       = random_below(&world->random, TALLY_WORDS);
    int64_t time_ms = shape_time_ms(world);
    int     id      = effects_input(&world->effects, n, time_ms, sides);

    if (id < 0) {
        tally_complain(&world->tally, "no memory for numbers");
        return;
    }
    if (sides & EFFECT_LEFT)
        append(world, INPUT, n, number_text(id).text, time_ms);
    if (sides & EFFECT_RIGHT)
        append(world, OTHERS, n, number_text(id).text, time_ms);
}

/* The number is what the value begins with. */
static void take_output(struct world *world, const ks_entry *entry)
{
    const ks_bytes value = entry->record.value;
    struct text    text;

    if (value.data == NULL || value.size >= sizeof(text.text)) {
        tally_complain(&world->tally, "an output of %zu bytes", value.size);
        return;
    }
    memcpy(text.text, value.data, value.size);
    text.text[value.size] = '\0';
    if (strncmp(text.text, CLOSER, 2) == 0)
        return;
    if (world->spoiled) {
        world->spoiled = false;
        return;
    }
    effects_output(&world->effects, &world->tally, atoi(text.text), value);
}

static void close_in(struct world *world, const char *topic, int64_t ahead_ms)
{
    for (int n = 0; n < TALLY_WORDS; n++)
        append(world, topic, n, CLOSER, ks__clock_wall_ms(&world->clock.clock) + ahead_ms);
}

/* ---- join ---- */

/* Only equal numbers; other pairs of a word are dropped. */
static ks_status join_numbers(ks_ctx *ctx, const ks_record *left, const ks_record *right,
                              ks_bytes *out, void *user)
{
    (void)user;
    if (right->value.data == NULL) {
        *out = ks_ctx_text(ctx, "%.*s alone", KS_BYTES_ARG(left->value));
        return KS_OK;
    }
    *out = left->value;
    return ks_bytes_equal(left->value, right->value) ? KS_OK : KS_SKIP;
}

static void build_join(ks_builder *b, struct world *world)
{
    ks_stream *left = ks_builder_stream(b, INPUT, KS_CONSUMED(.key = ks_serde_utf8()));
    ks_stream *right = ks_builder_stream(b, OTHERS, KS_CONSUMED(.key = ks_serde_utf8()));

    (void)world;
    ks_stream_to(ks_stream_left_join_stream(left, right,
                                            KS_WITHIN(.difference_ms = WITHIN_MS,
                                                      .grace_ms      = GRACE_MS),
                                            join_numbers, NULL,
                                            KS_STREAM_JOINED(.name = "j", .store = "j")),
                 OUTPUT, NULL);
}

static void write_join(struct world *world)
{
    int what = random_below(&world->random, 100);

    write_number(world, what < 60 ? EFFECT_LEFT | EFFECT_RIGHT
                        : what < 80 ? EFFECT_LEFT : EFFECT_RIGHT);
}

static bool meets_any(const struct effects *effects, const struct effect *left)
{
    for (int i = 0; i < effects->size; i++)
        if ((effects->of[i].sides & EFFECT_RIGHT) != 0 && effects->of[i].word == left->word &&
            llabs(effects->of[i].time_ms - left->time_ms) <= WITHIN_MS)
            return true;
    return false;
}

static void check_join(struct world *world)
{
    for (int id = 0; id < world->effects.size; id++) {
        const struct effect *effect = &world->effects.of[id];
        struct text          text   = number_text(id);

        if (effect->sides == EFFECT_RIGHT)
            continue;
        /* At most once partners may be lost; at least once the two may come the other way round
         * the second time, and what had waited the first time still does. */
        if (world->plan.rule != TALLY_EXACTLY_ONCE)
            effects_allow(&world->effects, id);
        if (effect->sides == EFFECT_LEFT && meets_any(&world->effects, effect))
            continue;
        if (effect->sides == EFFECT_LEFT)
            strcat(text.text, " alone");
        effects_expect(&world->effects, id, text.text);
    }
    check_topic(world, OUTPUT, take_output);
    if (world_is_sound(world))
        effects_settle(&world->effects, &world->tally);
}

static void close_join(struct world *world, int64_t ahead_ms)
{
    close_in(world, INPUT, ahead_ms);
    close_in(world, OTHERS, ahead_ms);
}

const struct shape_class join_shape = {
    .name = "join", .build = build_join, .write = write_join, .close = close_join,
    .check = check_join, .consumed = { INPUT, OTHERS },
};

/* ---- buffer ---- */

struct buffer {
    ks_kv_store *waiting;
    bool         stream_time;
};

/* Let go what waits; rows are deleted while iterating. */
static ks_status let_go(ks_ctx *ctx, int64_t now_ms, void *user)
{
    struct buffer *buffer = user;
    ks_iter       *rows   = ks_kv_store_all(buffer->waiting, KS_ASCENDING);

    for (ks_record row; ks_iter_next(rows, &row);) {
        ks_record out = { .key = row.value, .value = row.key, .timestamp_ms = now_ms };

        ks_kv_store_delete(buffer->waiting, row.key);
        ks_ctx_forward(ctx, &out);
    }
    return KS_OK;
}

static ks_status buffer_open(ks_ctx *ctx, void *self, void *user)
{
    const struct world *world  = user;
    struct buffer      *buffer = self;

    buffer->waiting = ks_ctx_kv_store(ctx, STORE);
    ks_ctx_schedule(ctx, 60, world->plan.buffered == 7 ? KS_WALL_CLOCK_TIME : KS_STREAM_TIME,
                    let_go, buffer);
    return KS_OK;
}

static ks_status buffer_process(ks_ctx *ctx, const ks_record *record, void *self)
{
    struct buffer *buffer = self;

    (void)ctx;
    ks_kv_store_put(buffer->waiting, record->value, record->key);
    return KS_OK;
}

static const ks_processor buffer = KS_PROCESSOR(
    .state_size = sizeof(struct buffer), .open = buffer_open, .process = buffer_process);

static void build_buffer(ks_builder *b, struct world *world)
{
    ks_stream *in = ks_builder_stream(b, INPUT, KS_CONSUMED(.key = ks_serde_utf8()));

    /* At most once a cached deletion is stored behind what was sent (docs/concepts.md). */
    const bool cached = world->plan.caches && world->plan.rule != TALLY_AT_MOST_ONCE;

    ks_builder_add_store(b, KS_KV_STORE(STORE, .cache = cached ? KS_ON : KS_OFF));
    ks_stream_to(ks_stream_process(in, &buffer, world,
                                   KS_CONNECTED(.name = "buffer", .stores = { STORE })),
                 OUTPUT, NULL);
}

static void write_left(struct world *world)
{
    write_number(world, EFFECT_LEFT);
}

static void close_left(struct world *world, int64_t ahead_ms)
{
    close_in(world, INPUT, ahead_ms);
}

static void expect_all(struct world *world)
{
    for (int id = 0; id < world->effects.size; id++)
        effects_expect(&world->effects, id, number_text(id).text);
    check_topic(world, OUTPUT, take_output);
    if (world_is_sound(world))
        effects_settle(&world->effects, &world->tally);
}

/* One that only closes may still wait. */
static void take_row(struct world *world, const ks_record *row)
{
    if (!ks_bytes_equal(row->key, ks_bytes_text(CLOSER)))
        tally_complain(&world->tally, "%.*s still waits", KS_BYTES_ARG(row->key));
}

static void check_buffer(struct world *world)
{
    expect_all(world);
    /* At least once a record may be put again behind those that let time pass. */
    if (world->plan.rule == TALLY_EXACTLY_ONCE)
        check_store(world, STORE, take_row);
}

const struct shape_class buffer_shape = {
    .name = "buffer", .build = build_buffer, .write = write_left, .close = close_left,
    .check = check_buffer, .consumed = { INPUT },
};

/* ---- global table ---- */

/* The first input fills the table: it is read to its end before anything is joined with it. */
static void write_global(struct world *world)
{
    if (world->effects.size == 0)
        for (int n = 0; n < TALLY_WORDS; n++)
            append(world, OTHERS, n, "known", ks__clock_wall_ms(&world->clock.clock));
    if (random_percent(&world->random, 20))
        append(world, OTHERS, random_below(&world->random, TALLY_WORDS), "known again",
               shape_time_ms(world));
    write_number(world, EFFECT_LEFT);
}

static ks_status take_left(ks_ctx *ctx, const ks_record *left, const ks_record *right,
                           ks_bytes *out, void *user)
{
    (void)user;
    if (right->value.size < strlen("known"))
        return ks_ctx_fail(ctx, "a row that nobody wrote");
    *out = left->value;
    return KS_OK;
}

static ks_status own_key(ks_ctx *ctx, const ks_record *record, ks_bytes *io, void *user)
{
    (void)ctx, (void)record, (void)io, (void)user;
    return KS_OK;
}

static void build_global(ks_builder *b, struct world *world)
{
    ks_stream       *in = ks_builder_stream(b, INPUT, KS_CONSUMED(.key = ks_serde_utf8()));
    ks_global_table *known = ks_builder_global_table(b, OTHERS, NULL,
                                                     KS_MATERIALIZED(.store = "known"));

    (void)world;
    ks_stream_to(ks_stream_join_global(in, known, own_key, take_left, NULL, KS_JOINED(.name = "j")),
                 OUTPUT, NULL);
}

const struct shape_class global_shape = {
    .name = "global", .build = build_global, .write = write_global, .check = expect_all,
    .consumed = { INPUT },
};

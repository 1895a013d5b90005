/* SPDX-License-Identifier: Apache-2.0
 *
 * topology.c - a program for the library, through the public headers only.
 */
#include "engine.h"

#include <string.h>

/* ---- functions of the program, as plan.h says them ---- */

static int digit_of(const ks_record *record)
{
    return record->value.size == 1 ? *(const char *)record->value.data - '0' : -1;
}

static ks_bytes digit(ks_ctx *ctx, int number)
{
    return ks_ctx_text(ctx, "%d", number % 10);
}

static bool is_even(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx, (void)user;
    return digit_of(record) >= 0 && digit_of(record) % 2 == 0;
}

static ks_status add_3(ks_ctx *ctx, ks_record *record, void *user)
{
    (void)user;
    if (record->value.data != NULL)
        record->value = digit(ctx, digit_of(record) + 3);
    return KS_OK;
}

static ks_status twice(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)user;
    ks_ctx_forward_value(ctx, record->value);
    ks_ctx_forward_value(ctx, record->value.data == NULL ? KS_NULL
                                                         : digit(ctx, digit_of(record) + 1));
    return KS_OK;
}

static ks_status letter(ks_ctx *ctx, const ks_record *record, ks_bytes *io, void *user)
{
    (void)user;
    *io = record->value.data == NULL ? KS_NULL
                                     : ks_ctx_text(ctx, "%c", 'a' + digit_of(record) % 4);
    return KS_OK;
}

static ks_status foreign(ks_ctx *ctx, const ks_record *record, ks_bytes *io, void *user)
{
    *io = KS_NULL;
    return digit_of(record) >= 8 ? KS_OK : letter(ctx, record, io, user);
}

static ks_bytes shown(ks_bytes value)
{
    return value.data != NULL ? value : KS_TEXT("null");
}

static ks_status reduce(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    (void)user;
    *acc = ks_ctx_text(ctx, "%.*s+%.*s", KS_BYTES_ARG(shown(*acc)),
                       KS_BYTES_ARG(shown(record->value)));
    return KS_OK;
}

static ks_status aggregate(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    (void)user;
    *acc = digit_of(record) == 9 ? KS_NULL
                                 : ks_ctx_text(ctx, "%.*s,%.*s", KS_BYTES_ARG(shown(*acc)),
                                               KS_BYTES_ARG(shown(record->value)));
    return KS_OK;
}

static ks_status merge(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    (void)user;
    *acc = ks_ctx_text(ctx, "%.*s&%.*s", KS_BYTES_ARG(shown(*acc)),
                       KS_BYTES_ARG(shown(record->value)));
    return KS_OK;
}

static ks_status subtract(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    (void)user;
    *acc = ks_ctx_text(ctx, "%.*s-%.*s", KS_BYTES_ARG(shown(*acc)),
                       KS_BYTES_ARG(shown(record->value)));
    return KS_OK;
}

static ks_status join(ks_ctx *ctx, const ks_record *left, const ks_record *right, ks_bytes *out,
                      void *user)
{
    (void)user;
    *out = ks_ctx_text(ctx, "%.*s|%.*s", KS_BYTES_ARG(shown(left->value)),
                       KS_BYTES_ARG(shown(right->value)));
    return KS_OK;
}

static ks_status by_parity(ks_ctx *ctx, ks_record *record, void *user)
{
    (void)ctx, (void)user;
    record->key = digit_of(record) % 2 == 0 ? KS_TEXT("even") : KS_TEXT("odd");
    return KS_OK;
}

/* The last character of what a table holds: a text or, counted, a number. */
static char last_of(const ks_record *record, void *user)
{
    if (user != NULL)
        return (char)('0' + ks_bytes_i64(record->value, 0) % 10);
    return ((const char *)record->value.data)[record->value.size - 1];
}

static bool ends_even(ks_ctx *ctx, const ks_record *record, void *user)
{
    char last = last_of(record, user);

    (void)ctx;
    return last >= '0' && last <= '9' && (last - '0') % 2 == 0;
}

static ks_status by_size(ks_ctx *ctx, ks_record *record, void *user)
{
    char last = last_of(record, user);

    (void)ctx;
    record->key    = last >= '0' && last <= '4' ? KS_TEXT("low") : KS_TEXT("high");
    record->value  = KS_TEXT("x");
    record->window = NULL;
    return KS_OK;
}

/* What goes out is plain text: "a@5/10", and numbers in digits. */
static ks_status show(ks_ctx *ctx, ks_record *record, void *user)
{
    if (record->window != NULL)
        record->key = ks_ctx_text(ctx, "%.*s@%lld/%lld", KS_BYTES_ARG(record->key),
                                  (long long)record->window->start_ms,
                                  (long long)record->window->end_ms);
    if (user != NULL && record->value.data != NULL)
        record->value = ks_ctx_text(ctx, "%lld", (long long)ks_bytes_i64(record->value, -1));
    return KS_OK;
}

/* ---- the graph ---- */

static char is_number[] = "number"; /* a user that is not NULL */

static ks_stream *add_steps(ks_stream *s, const struct plan *plan)
{
    for (int i = 0; i < plan->step_count; i++) {
        switch (plan->steps[i]) {
        case STEP_KEEP_EVEN: s = ks_stream_filter(s, is_even, NULL, NULL); break;
        case STEP_ADD_3:     s = ks_stream_map_values(s, add_3, NULL, NULL); break;
        case STEP_TWICE:     s = ks_stream_flat_map_values(s, twice, NULL, NULL); break;
        default:             s = ks_stream_select_key(s, letter, NULL, NULL); break;
        }
    }
    return s;
}

static ks_windowed_stream *windowed(ks_grouped_stream *g, const struct plan *plan)
{
    ks_emit emit = plan->on_close ? KS_EMIT_ON_CLOSE : KS_EMIT_ON_UPDATE;

    switch (plan->windowing) {
    case WINDOW_TUMBLING:
        return ks_grouped_stream_windowed_by(
            g, KS_TUMBLING(.size_ms = plan->size_ms, .grace_ms = plan->grace_ms, .emit = emit));
    case WINDOW_HOPPING:
        return ks_grouped_stream_windowed_by(
            g, KS_HOPPING(.size_ms = plan->size_ms, .advance_ms = plan->advance_ms,
                          .grace_ms = plan->grace_ms, .emit = emit,
                          .slices = plan->slices ? KS_ON : KS_DEFAULT));
    case WINDOW_COUNTED:
        return ks_grouped_stream_windowed_by(
            g, KS_COUNTED(.emit = emit, .count = plan->size_ms,
                          .advance = plan->advance_ms < plan->size_ms ? plan->advance_ms : 0));
    case WINDOW_SLIDING:
        return ks_grouped_stream_windowed_by(
            g, KS_SLIDING(.difference_ms = plan->size_ms, .grace_ms = plan->grace_ms));
    default:
        return ks_grouped_stream_windowed_by(
            g, KS_SESSIONS(.gap_ms = plan->size_ms, .grace_ms = plan->grace_ms, .emit = emit));
    }
}

static ks_table *windowed_core(ks_windowed_stream *w, const struct plan *plan)
{
    if (plan->core == CORE_COUNT)
        return ks_windowed_stream_count(w, NULL);
    if (plan->core == CORE_REDUCE)
        return ks_windowed_stream_reduce(w, reduce, NULL, NULL);
    if (plan->windowing == WINDOW_SESSION)
        return ks_windowed_stream_aggregate(
            w, KS_AGGREGATE(.initial = KS_TEXT("i"), .add = aggregate, .merge = merge), NULL);
    return ks_windowed_stream_aggregate(
        w, KS_AGGREGATE(.initial = KS_TEXT("i"), .add = aggregate), NULL);
}

static ks_table *plain_core(ks_grouped_stream *g, const struct plan *plan)
{
    if (plan->core == CORE_COUNT)
        return ks_grouped_stream_count(g, NULL);
    if (plan->core == CORE_REDUCE)
        return ks_grouped_stream_reduce(g, reduce, NULL, NULL);
    return ks_grouped_stream_aggregate(
        g, KS_AGGREGATE(.initial = KS_TEXT("i"), .add = aggregate), NULL);
}

static void finish(ks_stream *s, bool number)
{
    ks_stream_to(ks_stream_map(s, show, number ? is_number : NULL, NULL), "out", NULL);
}

static void aggregation(ks_stream *s, const struct plan *plan)
{
    ks_grouped_stream *g      = ks_stream_group_by_key(s, KS_GROUPED(.name = "key"));
    bool               number = plan->core == CORE_COUNT;
    void              *user   = number ? is_number : NULL;
    ks_table *t = plan_is_windowed(plan) ? windowed_core(windowed(g, plan), plan)
                                         : plain_core(g, plan);

    if (plan->end == END_FILTER)
        t = ks_table_filter(t, ends_even, user, NULL);
    if (plan->end == END_SUPPRESS_CLOSE)
        t = ks_table_suppress(t, KS_SUPPRESSED(.until_close = KS_ON));
    if (plan->end == END_SUPPRESS_LIMIT)
        t = ks_table_suppress(t, KS_SUPPRESSED(.until_close = KS_OFF, .limit_ms = plan->limit_ms));
    if (plan->end == END_GROUP) {
        t = ks_grouped_table_count(ks_table_group_by(t, by_size, user,
                                                          KS_GROUPED(.name = "group")), NULL);
        number = true;
    }
    finish(ks_table_to_stream(t, NULL), number);
}

static void stream_join(ks_builder *b, ks_stream *s, const struct plan *plan)
{
    if (plan->core == CORE_STREAM_TABLE) {
        ks_table *t = ks_builder_table(b, "b", NULL, NULL);

        finish(plan->join == JOIN_INNER
                   ? ks_stream_join_table(s, t, join, NULL, KS_JOINED(.name = "join"))
                   : ks_stream_left_join_table(s, t, join, NULL, KS_JOINED(.name = "join")),
               false);
    } else {
        ks_stream            *o = ks_builder_stream(b, "b", NULL);
        const ks_join_windows w = { .struct_size = sizeof(w), .before_ms = plan->before_ms,
                                    .after_ms = plan->after_ms, .grace_ms = plan->grace_ms };

        const ks_stream_joined named = { .struct_size = sizeof(named), .name = "join" };

        finish(plan->join == JOIN_INNER
                   ? ks_stream_join_stream(s, o, &w, join, NULL, &named)
               : plan->join == JOIN_LEFT
                   ? ks_stream_left_join_stream(s, o, &w, join, NULL, &named)
                   : ks_stream_outer_join_stream(s, o, &w, join, NULL, &named), false);
    }
}

static void table_core(ks_builder *b, const struct plan *plan)
{
    ks_table *l = ks_builder_table(b, "a", NULL, NULL), *t;

    if (plan->core == CORE_TABLE_TABLE) {
        ks_table *r = ks_builder_table(b, "b", NULL, NULL);

        t = plan->join == JOIN_INNER  ? ks_table_join(l, r, join, NULL, NULL)
            : plan->join == JOIN_LEFT ? ks_table_left_join(l, r, join, NULL, NULL)
                                      : ks_table_outer_join(l, r, join, NULL, NULL);
    } else if (plan->core == CORE_FOREIGN) {
        ks_table *r = ks_builder_table(b, "b", NULL, NULL);

        const ks_table_joined named = { .struct_size = sizeof(named), .name = "fk" };

        t = plan->join == JOIN_INNER ? ks_table_join_on(l, r, foreign, join, NULL, &named)
                                     : ks_table_left_join_on(l, r, foreign, join, NULL, &named);
    } else {
        ks_grouped_table *g = ks_table_group_by(l, by_parity, NULL, KS_GROUPED(.name = "group"));

        t = plan->core == CORE_TABLE_COUNT
                ? ks_grouped_table_count(g, NULL)
                : ks_grouped_table_aggregate(
                      g, KS_AGGREGATE(.initial = KS_TEXT("i"), .add = reduce, .subtract = subtract),
                      NULL);
    }
    finish(ks_table_to_stream(t, NULL), plan->core == CORE_TABLE_COUNT);
}

/* Every other program is optimized: the model knows nothing of it. */
static void configure(ks_builder *b, const struct plan *plan)
{
    ks_config *config = ks_config_new();

    if (plan->seed % 2 == 0)
        ks_config_set(config, "topology.optimization", "all");
    ks_builder_configure(b, config);
    ks_config_free(config);
}

ks_topology *topology_of(const struct plan *plan)
{
    ks_builder  *b = ks_builder_new();
    ks_topology *topology;

    configure(b, plan);
    if (plan->core >= CORE_TABLE_TABLE) {
        table_core(b, plan);
    } else {
        ks_stream *s = add_steps(ks_builder_stream(b, "a", NULL), plan);

        if (plan->core == CORE_NONE)
            finish(s, false);
        else if (plan_is_join(plan))
            stream_join(b, s, plan);
        else
            aggregation(s, plan);
    }
    ks_builder_build(b, &topology);
    ks_builder_free(b);
    return topology;
}

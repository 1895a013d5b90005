/* SPDX-License-Identifier: Apache-2.0
 *
 * windowed_stream.c - cutting a grouped stream into windows, and folding what is in them.
 *
 * Not here: what specifications mean (windowing.c), the operators (window_*.c).
 */
#include "dsl/ops/windowed.h"

#include "serde/serde.h"

ks_windowed_stream *ks_grouped_stream_windowed_by(ks_grouped_stream  *g,
                                                  const ks_windowing *windowing)
{
    ks_windowed_stream  made = { .group = g };
    ks_windowed_stream *w;
    struct ks__call     call;
    ks_named            none;

    if (!ks__enter(g, KS__KIND_GROUPED_STREAM, __func__, NULL, &none, sizeof(none), &call))
        return ks__inert(g);
    made.head = (struct ks__handle){ KS__KIND_WINDOWED_STREAM, g->head.builder };
    if (!ks__windowing_read(g->head.builder, &call, windowing, &made.windows))
        return ks__inert(g);
    w = ks__owned_copy(g->head.builder->owned, &made, sizeof(made));
    if (w == NULL)
        ks__latch_no_memory(g->head.builder);
    return w != NULL ? w : ks__inert(g);
}

/* ---- aggregations ---- */

/* Windows are no node: the call comes after the one that they cut. */
static bool enter(ks_windowed_stream *w, const char *function, const ks_materialized *materialized,
                  ks_materialized *options, struct ks__call *call)
{
    if (!ks__enter(w, KS__KIND_WINDOWED_STREAM, function, materialized, options, sizeof(*options),
                   call))
        return false;
    call->after = w->group->node->name;
    return true;
}

static bool agree_key(ks_windowed_stream *w, const struct ks__call *call, ks_materialized *options)
{
    return ks__agree(w->head.builder, call, "key", &options->key,
                     &(struct ks__found){ w->group->key, w->group->node->name,
                                          "KS_MATERIALIZED" });
}

/* The slices lie in a store beside the table's. */
static void add_slices(ks_windowed_stream *w, const struct ks__call *call,
                       const ks_materialized *options)
{
    ks_builder               *b     = w->head.builder;
    struct ks__logical       *node  = w->table->node;
    struct ks__windowed_args *args  = node->args;
    const int64_t             keep  = ks__time_add(w->windows.size_ms, w->windows.grace_ms);
    struct ks__store_spec     store = { .kind         = KS__STORE_WINDOW,
                                        .key          = options->key,
                                        .value        = options->value,
                                        .topic_config = options->topic_config,
                                        .changelog    = options->changelog != KS_OFF,
                                        .retention_ms = keep,
                                        .keep_ms      = keep,
                                        .window_ms    = ks__slice_ms(&w->windows),
                                        .holders      = 1,
                                        .owed         = true };

    store.slices_of = node->table->store.name;
    store.name = args->beside = ks__join_text(b, store.slices_of, KS__SLICES_SUFFIX);
    store.cut  = ks__windowing_cut(b, &w->windows);
    if (store.name != NULL && ks__store_add(b, call, &store))
        ks__logical_use_store(b, node, store.name);
}

/* What of the options is for windows of time only. */
static bool check_counted(ks_windowed_stream *w, const struct ks__call *call,
                          const ks_materialized *options)
{
    if (options->retention_ms == 0 && options->history_ms == 0 && options->versioned != KS_ON &&
        options->ttl_ms == 0)
        return true;
    return ks__latch(w->head.builder, call, KS_EINVAL,
                     "counted windows are kept until they are full; leave .retention_ms,"
                     " .history_ms, .versioned and .ttl_ms out") != NULL;
}

/* Windows of so many records: their rows have key and window in one, as time gives them no place.
 * How many records a key had lies beside. */
static ks_table *add_counted(ks_windowed_stream *w, const struct ks__call *call,
                             const ks_materialized *options, struct ks__windowed_args *args,
                             void *user)
{
    ks_builder           *b      = w->head.builder;
    ks_materialized       whole  = *options;
    struct ks__store_spec counts = { .kind      = KS__STORE_KV,
                                     .key       = options->key,
                                     .value     = ks_serde_i64(),
                                     .topic_config = options->topic_config,
                                     .changelog = options->changelog != KS_OFF };

    whole.key   = ks_serde_windowed(options->key, w->windows.size_ms);
    whole.cache = KS_OFF; /* a full window leaves the store: its result must have left before */
    if (whole.key == NULL)
        return ks__latch_no_memory(b), ks__inert(w);
    if (!check_counted(w, call, options))
        return ks__inert(w);
    w->table = ks__aggregation_add(
        w->group, call, &whole,
        &(struct ks__aggregation){ .class     = ks__windowed_class(&args->windows,
                                                                   args->fold == KS__FOLD_REDUCE),
                                   .args      = args,
                                   .args_size = sizeof(*args),
                                   .user      = user,
                                   .value     = options->value,
                                   .cut       = ks__windowing_cut(b, &w->windows),
                                   .key       = whole.key });
    if (b->error.status != KS_OK)
        return ks__inert(w);
    counts.name = ks__join_text(b, w->table->node->table->store.name, "-records");
    ((struct ks__windowed_args *)w->table->node->args)->beside = counts.name;
    if (counts.name != NULL && ks__store_add(b, call, &counts))
        ks__logical_use_store(b, w->table->node, counts.name);
    return w->table;
}

static ks_table *add(ks_windowed_stream *w, const struct ks__call *call,
                     const ks_materialized *options, struct ks__windowed_args *args, void *user)
{
    struct ks__store_spec store;
    const ks_serde       *key = ks__windowing_serde(&w->windows, options->key);

    if (w->windows.kind == KS__WINDOWS_COUNTED)
        return add_counted(w, call, options, args, user);
    args->holds = w->windows.final;
    if (args->fold != KS__FOLD_AGGREGATE)
        args->windows.slices = args->windows.slices_asked == KS_ON;
    if (key == NULL)
        return ks__latch_no_memory(w->head.builder), ks__inert(w);
    if (!ks__windowing_store(w->head.builder, call, &args->windows, options->retention_ms, 1,
                             &store))
        return ks__inert(w);
    w->table = ks__aggregation_add(
        w->group, call, options,
        &(struct ks__aggregation){ .class     = ks__windowed_class(&args->windows,
                                                                   args->fold == KS__FOLD_REDUCE),
                                   .args      = args,
                                   .args_size = sizeof(*args),
                                   .user      = user,
                                   .value     = options->value,
                                   .timed     = &store,
                                   .key       = key });
    if (w->head.builder->error.status == KS_OK && args->windows.slices)
        add_slices(w, call, options);
    return w->table;
}

ks_table *ks_windowed_stream_count(ks_windowed_stream *w, const ks_materialized *materialized)
{
    struct ks__windowed_args args = { .fold = KS__FOLD_COUNT };
    struct ks__call          call;
    ks_materialized          options;
    bool                     given;

    if (!enter(w, __func__, materialized, &options, &call))
        return ks__inert(w);
    args.windows = w->windows;
    given        = ks__is_materialized(&options);
    if (!agree_key(w, &call, &options) ||
        !ks__aggregation_counts(w->head.builder, &call, &options))
        return ks__inert(w);
    if (given && options.store == NULL && w->windows.kind != KS__WINDOWS_SLIDING)
        ks__generate_store(w->head.builder, "KSTREAM-AGGREGATE-"); /* taken, never used: D2 */
    return add(w, &call, &options, &args, NULL);
}

ks_table *ks_windowed_stream_reduce(ks_windowed_stream *w, ks_fold_fn *reduce, void *user,
                                    const ks_materialized *materialized)
{
    struct ks__windowed_args args = { .fold = KS__FOLD_REDUCE, .add = reduce };
    struct ks__call          call;
    ks_materialized          options;

    if (!enter(w, __func__, materialized, &options, &call) ||
        !ks__need(w->head.builder, &call, reduce != NULL, "a fold") ||
        !agree_key(w, &call, &options) ||
        !ks__agree(w->head.builder, &call, "value", &options.value,
                   &(struct ks__found){ w->group->value, w->group->node->name,
                                        "KS_MATERIALIZED" }))
        return ks__inert(w);
    args.windows = w->windows;
    return add(w, &call, &options, &args, user);
}

ks_table *ks_windowed_stream_aggregate(ks_windowed_stream *w, const ks_aggregate *aggregate,
                                       const ks_materialized *materialized)
{
    struct ks__windowed_args args = { .fold = KS__FOLD_AGGREGATE };
    struct ks__call          call;
    ks_materialized          options;
    ks_aggregate             functions;
    ks_builder              *b;

    if (!enter(w, __func__, materialized, &options, &call))
        return ks__inert(w);
    b            = w->head.builder;
    args.windows = w->windows;
    if (!ks__aggregation_functions(b, &call, aggregate, &functions) ||
        !ks__need(b, &call, functions.add != NULL, "KS_AGGREGATE(.add)") ||
        !ks__windowing_functions(b, &call, &functions, &args) || !agree_key(w, &call, &options) ||
        !ks__aggregation_initial(b, &call, options.value, functions.initial, &args.initial))
        return ks__inert(w);
    args.add = functions.add;
    return add(w, &call, &options, &args, functions.user);
}

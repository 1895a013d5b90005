/* SPDX-License-Identifier: Apache-2.0
 *
 * cogroup.c - several grouped streams folded into one table.
 *
 *      group ─(repartition?)─> aggregate 0 ─┐
 *      group ─(repartition?)─> aggregate 1 ─┼─> merge ─> table       all write one store
 *      group ─(repartition?)─> aggregate 2 ─┘
 *
 * The first aggregation keeps the store and hears of its flushes; all have the same children, so
 * what a cache holds back may leave from any of them.
 */
#include "dsl/ops/derived.h"
#include "dsl/ops/windowed.h"

#include "serde/serde.h"
#include "topology/lent.h"

#include <stdio.h>

#define AGGREGATE_PREFIX "COGROUPKSTREAM-AGGREGATE-"
#define MERGE_PREFIX     "COGROUPKSTREAM-MERGE-"

#define KS__COGROUP_MAX 64u /* KS__HOLDERS_MAX of the store */

/* One stream of a cogroup. */
struct input {
    ks_grouped_stream *group;
    ks_fold_fn        *add;
    void              *user;
    struct input      *next;
    struct ks__logical *repartition; /* of the group; all tables of the cogroup read it */
};

struct ks_cogrouped_stream {
    struct ks__handle head;
    struct input     *inputs, **end;
    unsigned          count;
};

struct ks_windowed_cogrouped_stream {
    struct ks__handle    head;
    ks_cogrouped_stream *group;
    struct ks__windowing windows;
    struct ks__logical **nodes;   /* of the aggregation declared last; NULL = none yet */
    unsigned             node_count;
    struct ks__sources   sources;
};

/* ---- the operators ---- */

struct cogroup_args {
    struct ks__table_args table; /* must be first */
    ks_fold_fn           *add;
    ks_bytes              initial;
    bool                  first;
};

static void cogroup_open(void *state, ks_ctx *ctx)
{
    const struct cogroup_args *args = ctx->op->node->args;

    if (args->first)
        ks__table_open(state, ctx);
    else
        ks__table_open_shared(state, ctx);
}

static void cogroup_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    struct ks__table_state    *t      = state;
    const struct cogroup_args *args   = ctx->op->node->args;
    struct ks__record          change = { .record = record->record };
    struct ks__kv_slot         slot;
    struct ks__row             row;
    ks_bytes                   old;
    ks_status                  status;

    if (!ks__aggregation_read(t, record, &slot, &row))
        return;
    old                        = row.value.data != NULL ? row.value : args->initial;
    change.record.value        = old;
    change.record.timestamp_ms = ks__aggregation_time(record, &row);
    status = args->add(ctx, &record->record, &change.record.value, ctx->op->node->user);
    if (ks__ctx_accept_bytes(ctx, status, change.record.value))
        ks__table_update_found(t, &slot, &change, old);
}

static const struct ks__op_class cogroup_class = {
    .name       = "cogroup",
    .prefix     = AGGREGATE_PREFIX,
    .traits     = KS__OP_KEEPS_KEY | KS__OP_TABLE,
    .state_size = sizeof(struct ks__table_state),
    .open       = cogroup_open,
    .process    = cogroup_process,
    .row        = ks__table_stored_row,
    .keyed_store = ks__table_keyed_store,
};

static void merge_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    (void)state;
    ks__forward(ctx, record);
}

static bool merge_row(void *state, ks_ctx *ctx, const struct ks__row_key *key, struct ks__row *row)
{
    const struct ks__derived_state *derived = state;

    return ks__table_row_of(ctx, derived->parent, key, row);
}

static const struct ks__op_class merge_class = {
    .name       = "cogroup merge",
    .prefix     = MERGE_PREFIX,
    .traits     = KS__OP_KEEPS_KEY | KS__OP_KEEPS_TYPES | KS__OP_TABLE | KS__OP_STATELESS,
    .state_size = sizeof(struct ks__derived_state),
    .open       = ks__derived_open,
    .process    = merge_process,
    .row        = merge_row,
};

/* ---- the nodes ---- */

/* What a cogroup becomes: plain or in windows. */
struct plan {
    ks_cogrouped_stream        *c;
    const struct ks__call      *call;
    const ks_materialized      *options;
    const ks_aggregate         *functions;
    ks_bytes                    initial;
    const struct ks__windowing *windows; /* NULL = plain */
    const struct ks__store_spec *timed;
    const ks_serde             *key;     /* of the table */
    const char                 *store;
    struct ks__logical        **nodes;   /* made by add_nodes() */
    struct ks__sources          sources;
};

static const char *name_with(ks_builder *b, const struct ks__call *call, const char *suffix,
                             const char *prefix)
{
    return ks__choose_name(b, call->name != NULL ? ks__join_text(b, call->name, suffix) : NULL,
                           prefix);
}

static const char *aggregate_name(const struct plan *plan, unsigned n)
{
    char        suffix[32];
    ks_builder *b = plan->c->head.builder;

    snprintf(suffix, sizeof(suffix), "-cogroup-agg-%u", n);
    return name_with(b, plan->call, suffix, AGGREGATE_PREFIX);
}

static struct ks__logical *add_aggregate(const struct plan *plan, const struct input *input,
                                         unsigned n, struct ks__logical *parent)
{
    const bool                    timed = plan->windows != NULL;
    const struct cogroup_args     plain = { .add = input->add, .initial = plan->initial,
                                            .first = n == 0 };
    const struct ks__windowed_args windowed = {
        .windows    = timed ? *plan->windows : (struct ks__windowing){ .final = false },
        .fold       = KS__FOLD_AGGREGATE,
        .add        = input->add,
        .merge      = plan->functions->merge,
        .merge_user = plan->functions->user,
        .initial    = plan->initial,
        .holder     = n,
        .holds      = timed && plan->timed->holders > 0,
    };

    return ks__logical_add(
        plan->c->head.builder, plan->call,
        &(struct ks__logical_seed){
            .kind         = KS__LOGICAL_PROCESSOR,
            .name         = aggregate_name(plan, n),
            .class        = timed ? ks__windowed_class(plan->windows, false) : &cogroup_class,
            .args         = timed ? (const void *)&windowed : &plain,
            .args_size    = timed ? sizeof(windowed) : sizeof(plain),
            .user         = input->user,
            .parents      = &parent,
            .parent_count = 1 });
}

/* The first node gets the table; the others share it. */
static bool share_table(const struct plan *plan, struct ks__logical *first,
                        struct ks__logical *node)
{
    ks_builder *b = plan->c->head.builder;

    if (node == NULL)
        return false;
    if (node != first) {
        node->table = first->table;
        return true;
    }
    if (!ks__aggregation_attach(b, plan->call, node, plan->options,
                                &(struct ks__aggregation){ .value = plan->options->value,
                                                           .store = plan->store,
                                                           .timed = plan->timed }))
        return false;
    node->table->keeper = node;
    return true;
}

static ks_table *add_merge(const struct plan *plan, struct ks__logical *const *nodes,
                           struct ks__sources sources)
{
    const struct ks__table_args args = { .store = NULL };
    const struct ks__table_part part = { .rows = KS__ROWS_DERIVED };
    ks_builder                 *b    = plan->c->head.builder;
    struct ks__logical         *node = ks__logical_add(
        b, plan->call,
        &(struct ks__logical_seed){ .kind         = KS__LOGICAL_PROCESSOR,
                                    .name         = name_with(b, plan->call, "-cogroup-merge",
                                                              MERGE_PREFIX),
                                    .class        = &merge_class,
                                    .args         = &args,
                                    .args_size    = sizeof(args),
                                    .parents      = nodes,
                                    .parent_count = plan->c->count });

    if (!ks__table_attach(b, plan->call, node, &part))
        return ks__inert(b);
    node->table->store.name = plan->store; /* to be asked for, not to be made again */
    node->table->queryable  = plan->options->store != NULL;
    ks__logical_view(node, nodes[0]);
    ks__copartition(b, sources, node->name);
    return ks__table_make(b, node, plan->key, plan->options->value, sources);
}

/* Repartitions first, then aggregations, then the merge: D2. */
static ks_table *add_nodes(struct plan *plan)
{
    ks_builder          *b       = plan->c->head.builder;
    const size_t         size    = plan->c->count * sizeof(struct ks__logical *);
    struct ks__logical **nodes   = ks__arena_zalloc(&b->owned->arena, size);
    struct ks__sources   sources = { NULL, 0 }, own;
    unsigned             n       = 0;

    if (nodes == NULL)
        return ks__latch_no_memory(b), ks__inert(b);
    plan->store = ks__store_name(b, plan->call, plan->options, AGGREGATE_PREFIX);
    for (struct input *input = plan->c->inputs; input != NULL; input = input->next) {
        if (!ks__aggregation_input(input->group, plan->call, plan->store, &input->repartition,
                                   &nodes[n++], &own))
            return ks__inert(b);
        sources = ks__sources_union(b, sources, own);
    }
    n = 0;
    for (const struct input *input = plan->c->inputs; input != NULL; input = input->next, n++) {
        nodes[n] = add_aggregate(plan, input, n, nodes[n]);
        if (!share_table(plan, nodes[0], nodes[n]))
            return ks__inert(b);
    }
    plan->nodes   = nodes;
    plan->sources = sources;
    return add_merge(plan, nodes, sources);
}

/* ---- declaration ---- */

static bool append(ks_cogrouped_stream *c, const struct ks__call *call, ks_grouped_stream *g,
                   ks_fold_fn *add, void *user)
{
    ks_builder     *b = c->head.builder;
    const ks_serde *key = g->key;
    struct input   *input;

    if (!ks__need(b, call, add != NULL, "a fold") ||
        (c->inputs != NULL &&
         !ks__agree(b, call, "key", &key,
                    &(struct ks__found){ c->inputs->group->key, c->inputs->group->node->name,
                                         NULL })))
        return false;
    if (c->count == KS__COGROUP_MAX)
        return ks__latch(b, call, KS_EINVAL, "a cogroup has at most %u streams",
                         KS__COGROUP_MAX) != NULL;
    input = ks__owned_copy(b->owned, &(struct input){ .group = g, .add = add, .user = user },
                           sizeof(*input));
    if (input == NULL)
        return ks__latch_no_memory(b) != NULL;
    *c->end = input;
    c->end  = &input->next;
    c->count++;
    return true;
}

ks_cogrouped_stream *ks_grouped_stream_cogroup(ks_grouped_stream *g, ks_fold_fn *add, void *user)
{
    ks_cogrouped_stream *c;
    struct ks__call      call;
    ks_named             none;

    if (!ks__enter(g, KS__KIND_GROUPED_STREAM, __func__, NULL, &none, sizeof(none), &call))
        return ks__inert(g);
    c = ks__arena_zalloc(&g->head.builder->owned->arena, sizeof(*c));
    if (c == NULL)
        return ks__latch_no_memory(g->head.builder), ks__inert(g);
    c->head = (struct ks__handle){ KS__KIND_COGROUPED_STREAM, g->head.builder };
    c->end  = &c->inputs;
    return append(c, &call, g, add, user) ? c : ks__inert(g);
}

ks_cogrouped_stream *ks_cogrouped_stream_cogroup(ks_cogrouped_stream *c, ks_grouped_stream *g,
                                                 ks_fold_fn *add, void *user)
{
    struct ks__call call;
    ks_named        none;

    if (!ks__enter(c, KS__KIND_COGROUPED_STREAM, __func__, NULL, &none, sizeof(none), &call) ||
        !ks__enter_other(c->head.builder, &call, g, KS__KIND_GROUPED_STREAM, "the other group") ||
        !append(c, &call, g, add, user))
        return ks__inert(c);
    return c;
}

/* The options that both kinds have; `.add` stands with each stream. */
static bool read_options(struct plan *plan, struct ks__call *call, const ks_aggregate *aggregate,
                         ks_aggregate *functions, ks_materialized *options)
{
    ks_cogrouped_stream *c = plan->c;
    ks_builder          *b = c->head.builder;

    plan->call      = call;
    plan->options   = options;
    plan->functions = functions;
    return ks__aggregation_functions(b, call, aggregate, functions) &&
           ks__aggregation_refuse(b, call, functions->add != NULL, ".add") &&
           ks__aggregation_refuse(b, call, functions->combine != NULL, ".combine") &&
           ks__aggregation_of(c->inputs->group, call, functions, options, &plan->initial);
}

ks_table *ks_cogrouped_stream_aggregate(ks_cogrouped_stream *c, const ks_aggregate *aggregate,
                                        const ks_materialized *materialized)
{
    struct plan     plan = { .c = c };
    struct ks__call call;
    ks_materialized options;
    ks_aggregate    functions;

    if (!ks__enter(c, KS__KIND_COGROUPED_STREAM, __func__, materialized, &options,
                   sizeof(options), &call) ||
        !read_options(&plan, &call, aggregate, &functions, &options) ||
        !ks__aggregation_refuse_special(c->head.builder, &call, &functions))
        return ks__inert(c);
    plan.key = options.key;
    return add_nodes(&plan);
}

ks_windowed_cogrouped_stream *ks_cogrouped_stream_windowed_by(ks_cogrouped_stream *c,
                                                              const ks_windowing  *windowing)
{
    ks_windowed_cogrouped_stream  made = { .group = c };
    ks_windowed_cogrouped_stream *w;
    struct ks__call               call;
    ks_named                      none;

    if (!ks__enter(c, KS__KIND_COGROUPED_STREAM, __func__, NULL, &none, sizeof(none), &call) ||
        !ks__windowing_read(c->head.builder, &call, windowing, &made.windows))
        return ks__inert(c);
    if (made.windows.kind == KS__WINDOWS_COUNTED) {
        ks__latch(c->head.builder, &call, KS_EINVAL,
                  "a cogroup has no counted windows: merge the streams and group them once");
        return ks__inert(c);
    }
    if (made.windows.slices_asked == KS_ON) {
        ks__latch(c->head.builder, &call, KS_EINVAL,
                  "the streams of a cogroup close windows each at its own time, so they have no"
                  " slices in common; leave .slices out");
        return ks__inert(c);
    }
    made.head = (struct ks__handle){ KS__KIND_WINDOWED_COGROUPED_STREAM, c->head.builder };
    w         = ks__owned_copy(c->head.builder->owned, &made, sizeof(made));
    if (w == NULL)
        return ks__latch_no_memory(c->head.builder), ks__inert(c);
    return w;
}

ks_table *ks_windowed_cogrouped_stream_aggregate(ks_windowed_cogrouped_stream *w,
                                                 const ks_aggregate           *aggregate,
                                                 const ks_materialized        *materialized)
{
    struct plan              plan = { .call = NULL };
    struct ks__windowed_args args = { .holds = false };
    struct ks__store_spec    store;
    struct ks__call          call;
    ks_materialized          options;
    ks_aggregate             functions;
    ks_table                *table;

    if (!ks__enter(w, KS__KIND_WINDOWED_COGROUPED_STREAM, __func__, materialized, &options,
                   sizeof(options), &call))
        return ks__inert(w);
    plan.c       = w->group;
    plan.windows = &w->windows;
    args.windows = w->windows;
    if (!read_options(&plan, &call, aggregate, &functions, &options) ||
        !ks__windowing_functions(w->head.builder, &call, &functions, &args) ||
        !ks__windowing_store(w->head.builder, &call, &w->windows, options.retention_ms,
                             w->group->count, &store))
        return ks__inert(w);
    plan.timed = &store;
    plan.key   = ks__windowing_serde(&w->windows, options.key);
    if (plan.key == NULL)
        return ks__latch_no_memory(w->head.builder), ks__inert(w);
    table         = add_nodes(&plan);
    w->nodes      = plan.nodes;
    w->node_count = w->group->count;
    w->sources    = plan.sources;
    return table;
}

/* The type that all streams have; NULL = they differ. */
static const ks_serde *common_value(const ks_cogrouped_stream *c)
{
    const ks_serde *value = c->inputs->group->value;

    for (const struct input *input = c->inputs; input != NULL; input = input->next)
        if (input->group->value == NULL || !ks__serde_fits(input->group->value, value))
            return NULL;
    return value;
}

ks_stream *ks_windowed_cogrouped_stream_late(ks_windowed_cogrouped_stream *w,
                                             const ks_named               *named)
{
    struct ks__call call;
    ks_named        options;
    const ks_serde *key;

    if (!ks__enter(w, KS__KIND_WINDOWED_COGROUPED_STREAM, __func__, named, &options,
                   sizeof(options), &call))
        return ks__inert(w);
    if (w->nodes == NULL) {
        ks__latch(w->head.builder, &call, KS_ESTATE,
                  "nothing is left out yet: declare the aggregation of the windows first");
        return ks__inert(w);
    }
    key = w->group->inputs->group->key;
    return ks__late_add(w->head.builder, &call, &options,
                        &(struct ks__late){ .parents      = w->nodes,
                                            .parent_count = w->node_count,
                                            .key          = key,
                                            .windowed     = ks__windowing_serde(&w->windows, key),
                                            .value        = common_value(w->group),
                                            .sources      = w->sources });
}

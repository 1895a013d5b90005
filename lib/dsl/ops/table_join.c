/* SPDX-License-Identifier: Apache-2.0
 *
 * table_join.c - two tables joined by key: a change on either side gives a change of the result.
 *
 *      left  ─change─> this side  ──┐
 *        ^ rows          v          ├─> result [store?] ─> ...
 *        v rows          ^          │
 *      right ─change─> other side ──┘
 *
 * A side joins what comes (and, if asked, what was before) with the row across. Without a row
 * across there is a result only if the side may stand alone: the left one in a left join, both in
 * an outer one. Without a store a row of the result is computed from both tables.
 *
 * Invariants
 *   TJ1  The time of a result is the larger of both rows'.
 *   TJ2  Records out of order (versioned tables) are dropped.
 *   TJ3  Old values are asked of both tables as soon as the result is asked for them.
 */
#include "dsl/ops/derived.h"
#include "topology/lent.h"

#define MERGE "KTABLE-MERGE-"
#define ABSENT_MS (-1)

enum join_kind { JOIN_INNER, JOIN_LEFT, JOIN_OUTER };

struct table_join_args {
    struct ks__table_args table;
    ks_joiner_fn         *join;
    enum join_kind        kind;
    bool                  other; /* the right side */
};

/* ---- joining ---- */

static ks_record side_of(const struct ks__row_key *key, const struct ks__row *row)
{
    return (ks_record){ .key          = key->key,
                        .value        = row->value,
                        .timestamp_ms = row->value.data != NULL ? row->timestamp_ms : ABSENT_MS,
                        .headers      = row->headers,
                        .window       = key->window };
}

/* KS_SKIP = null. */
static ks_bytes joined(ks_ctx *ctx, const struct ks__row_key *key, const struct ks__row *left,
                       const struct ks__row *right)
{
    const struct table_join_args *args = ctx->op->node->args;
    const ks_record               l    = side_of(key, left);
    const ks_record               r    = side_of(key, right);
    ks_bytes                      out  = KS_NULL;
    ks_status                     status;

    if (ctx->error->status != KS_OK)
        return KS_NULL;
    status = args->join(ctx, &l, &r, &out, ctx->op->node->user);
    if (status == KS_SKIP && ctx->error->status == KS_OK)
        return KS_NULL;
    return ks__ctx_accept_bytes(ctx, status, out) ? out : KS_NULL;
}

/* ---- a side ---- */

struct table_join_side {
    struct ks__op *across;
    bool           sends_old;
    bool           alone;       /* it may stand without the other one */
    bool           other_alone; /* the other one without it */
};

static void side_open(void *state, ks_ctx *ctx)
{
    struct table_join_side       *self = state;
    const struct table_join_args *args = ctx->op->node->args;
    const bool                    left = args->kind != JOIN_INNER;
    const bool                    both = args->kind == JOIN_OUTER;

    self->sends_old   = args->table.sends_old;
    self->alone       = args->other ? both : left;
    self->other_alone = args->other ? left : both;
    self->across      = ks__table_view(ctx, 0);
}

/* The result for one value of this side. */
static ks_bytes result(ks_ctx *ctx, const struct table_join_side *self,
                       const struct ks__row_key *key, const struct ks__row *mine,
                       const struct ks__row *across)
{
    const struct table_join_args *args = ctx->op->node->args;

    if (mine->value.data == NULL && (across->value.data == NULL || !self->other_alone))
        return KS_NULL;
    return args->other ? joined(ctx, key, across, mine) : joined(ctx, key, mine, across);
}

static void side_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct table_join_side *self = state;
    const struct ks__row_key      key  = ks__row_key_of(&record->record);
    struct ks__record             out  = { .record = record->record, .has_old = self->sends_old };
    struct ks__row                mine = { record->record.value, record->record.timestamp_ms,
                                           record->record.headers };
    struct ks__row                across;
    bool                          found;

    if (key.key.data == NULL || record->stale) {
        ks__ctx_drop(ctx, record->stale ? KS__DROP_STALE : KS__DROP_NULL_KEY);
        return;
    }
    found = ks__table_row_of(ctx, self->across, &key, &across);
    if (!found && (!self->alone || (mine.value.data == NULL && record->old.data == NULL)))
        return;
    if (found && across.timestamp_ms > out.record.timestamp_ms)
        out.record.timestamp_ms = across.timestamp_ms;
    out.record.value = result(ctx, self, &key, &mine, &across);
    mine.value       = record->old;
    if (self->sends_old)
        out.old = result(ctx, self, &key, &mine, &across);
    if (ctx->error->status == KS_OK)
        ks__forward(ctx, &out);
}

#define SIDE(prefix_)                                                                         \
    {                                                                                         \
        .name = "table-table join", .prefix = (prefix_), .traits = KS__OP_KEEPS_KEY,          \
        .state_size = sizeof(struct table_join_side), .open = side_open,                      \
        .process = side_process                                                               \
    }

static const struct ks__op_class this_class  = SIDE("KTABLE-JOINTHIS-");
static const struct ks__op_class other_class = SIDE("KTABLE-JOINOTHER-");

/* ---- the result ---- */

struct table_join {
    struct ks__table_state table; /* must be first */
    struct ks__op         *left, *right;
};

static void merge_open(void *state, ks_ctx *ctx)
{
    struct table_join *self = state;

    ks__table_open(state, ctx);
    if (self->table.store != NULL || ctx->error->status != KS_OK)
        return;
    self->left  = ks__table_view(ctx, 0);
    self->right = ks__table_view(ctx, 1);
}

static void merge_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    (void)ctx;
    ks__table_update(state, record, record->old);
}

static bool merge_row(void *state, ks_ctx *ctx, const struct ks__row_key *key, struct ks__row *row)
{
    const struct table_join      *self = state;
    const struct table_join_args *args = ctx->op->node->args;
    const struct ks__row_key      now  = { key->key, key->window, KS__NOW };
    struct ks__row                left, right;
    bool                          has_left, has_right;

    if (self->table.store != NULL)
        return ks__table_stored_row(state, ctx, key, row);
    has_left  = ks__table_row_of(ctx, self->left, &now, &left);
    has_right = ks__table_row_of(ctx, self->right, &now, &right);
    if ((!has_left && (!has_right || args->kind != JOIN_OUTER)) ||
        (!has_right && args->kind == JOIN_INNER))
        return false;
    row->value        = joined(ctx, &now, &left, &right);
    row->timestamp_ms = has_left ? left.timestamp_ms : right.timestamp_ms;
    if (has_right && right.timestamp_ms > row->timestamp_ms)
        row->timestamp_ms = right.timestamp_ms;
    return row->value.data != NULL && ctx->error->status == KS_OK;
}

static const struct ks__op_class merge_class = {
    .name       = "table-table join result",
    .prefix     = MERGE,
    .traits     = KS__OP_KEEPS_KEY | KS__OP_TABLE,
    .state_size = sizeof(struct table_join),
    .open       = merge_open,
    .process    = merge_process,
    .row        = merge_row,
};

/* ---- declaration ---- */

struct join_call {
    struct ks__call        call;
    ks_materialized        options;
    ks_materialized        typed;
    struct table_join_args args;
    void                  *user;
};

static const char *side_name(ks_builder *b, const struct join_call *join, const char *suffix,
                             const char *prefix)
{
    const char *generated = ks__generate(b, prefix); /* D2 */

    return join->call.name != NULL ? ks__join_text(b, join->call.name, suffix) : generated;
}

static struct ks__logical *add_node(ks_builder *b, const struct join_call *join, const char *name,
                                    const struct ks__op_class *class,
                                    struct ks__logical *const *parents, size_t count)
{
    return ks__logical_add(b, &join->call,
                           &(struct ks__logical_seed){ .kind         = KS__LOGICAL_PROCESSOR,
                                                       .name         = name,
                                                       .class        = class,
                                                       .args         = &join->args,
                                                       .args_size    = sizeof(join->args),
                                                       .user         = join->user,
                                                       .parents      = parents,
                                                       .parent_count = count });
}

/* A side after `mine`, which reads the rows of `across`. */
static struct ks__logical *add_side(struct join_call *join, ks_table *mine, ks_table *across,
                                    const char *name, bool other)
{
    const struct ks__table_part part = { .rows = KS__ROWS_DERIVED, .join = KS__JOIN_SIDE };
    ks_builder                 *b    = mine->head.builder;
    struct ks__logical         *node;

    join->args.other = other;
    node = add_node(b, join, name, other ? &other_class : &this_class, &mine->node, 1);
    if (!ks__table_attach(b, &join->call, node, &part))
        return NULL;
    ks__logical_view(node, across->node);
    return node;
}

static ks_table *declare(ks_table *l, ks_table *r, struct join_call *join)
{
    ks_builder           *b       = l->head.builder;
    const char           *store   = ks__derived_store(b, &join->call, &join->options, MERGE);
    const char           *name    = ks__choose_name(b, join->call.name, MERGE);
    const char           *left    = side_name(b, join, "-join-this", this_class.prefix);
    const char           *right   = side_name(b, join, "-join-other", other_class.prefix);
    struct ks__sources    sources = ks__sources_union(b, l->sources, r->sources);
    struct ks__table_part part    = { .rows         = KS__ROWS_DERIVED,
                                      .materialized = store != NULL,
                                      .join         = KS__JOIN_RESULT };
    struct ks__logical   *sides[2];
    struct ks__logical   *node;

    ks__table_make_readable(l->node);
    ks__table_make_readable(r->node);
    if (join->args.kind != JOIN_INNER)
        ks__table_send_old(l->node, true);
    if (join->args.kind == JOIN_OUTER)
        ks__table_send_old(r->node, true);
    sides[0] = add_side(join, l, r, left, false);
    sides[1] = sides[0] != NULL ? add_side(join, r, l, right, true) : NULL;
    if (sides[1] == NULL)
        return ks__inert(b);
    node = add_node(b, join, name, &merge_class, sides, 2);
    ks__table_store(&part, store, &join->options, join->typed.key, join->typed.value);
    if (!ks__table_attach(b, &join->call, node, &part))
        return ks__inert(b);
    ks__logical_view(node, l->node);
    ks__logical_view(node, r->node);
    ks__copartition(b, sources, node->name);
    return ks__table_make(b, node, join->typed.key, join->typed.value, sources);
}

static ks_table *append_join(ks_table *l, ks_table *r, const struct table_join_args *args,
                             void *user, const ks_materialized *materialized,
                             const char *function)
{
    struct join_call join = { .args = *args, .user = user };
    ks_builder      *b;

    if (!ks__enter(l, KS__KIND_TABLE, function, materialized, &join.options, sizeof(join.options),
                   &join.call))
        return ks__inert(l);
    b          = l->head.builder;
    join.typed = join.options;
    if (!ks__enter_other(b, &join.call, r, KS__KIND_TABLE, "the other table") ||
        !ks__need(b, &join.call, args->join != NULL, "a joiner") ||
        !ks__agree_keys(b, &join.call, &join.typed.key,
                        &(struct ks__found){ l->key, l->node->name, "KS_MATERIALIZED" },
                        &(struct ks__found){ r->key, r->node->name, "KS_MATERIALIZED" }))
        return ks__inert(l);
    return declare(l, r, &join);
}

ks_table *ks_table_join(ks_table *l, ks_table *r, ks_joiner_fn *join, void *user,
                        const ks_materialized *materialized)
{
    const struct table_join_args args = { .join = join, .kind = JOIN_INNER };

    return append_join(l, r, &args, user, materialized, __func__);
}

ks_table *ks_table_left_join(ks_table *l, ks_table *r, ks_joiner_fn *join, void *user,
                             const ks_materialized *materialized)
{
    const struct table_join_args args = { .join = join, .kind = JOIN_LEFT };

    return append_join(l, r, &args, user, materialized, __func__);
}

ks_table *ks_table_outer_join(ks_table *l, ks_table *r, ks_joiner_fn *join, void *user,
                              const ks_materialized *materialized)
{
    const struct table_join_args args = { .join = join, .kind = JOIN_OUTER };

    return append_join(l, r, &args, user, materialized, __func__);
}

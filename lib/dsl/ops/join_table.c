/* SPDX-License-Identifier: Apache-2.0
 *
 * join_table.c - each record of a stream with the row of its key in a table.
 *
 *      stream ─(repartition?)─> join ─> ...        only the stream triggers
 *      table ────── rows ─────────^
 */
#include "dsl/ops/table.h"

#include "topology/lent.h"

struct join_table_args {
    ks_joiner_fn *join;
    bool          left;
};

struct join_table {
    struct ks__op *table;
};

static void join_table_open(void *state, ks_ctx *ctx)
{
    struct join_table *self = state;

    self->table = ks__table_view(ctx, 0);
}

static void join_table_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct join_table      *self = state;
    const struct join_table_args *args = ctx->op->node->args;
    const bool                    keyed = record->record.key.data != NULL;
    struct ks__record             out   = { .record = record->record };
    ks_record                     right = { .key = record->record.key, .timestamp_ms = -1 };
    struct ks__row_key            key   = ks__row_key_of(&record->record);
    struct ks__row                row;
    ks_status                     status;

    if (record->record.value.data == NULL || (!keyed && !args->left)) {
        ks__ctx_drop(ctx, keyed ? KS__DROP_NULL_VALUE : KS__DROP_NULL_KEY);
        return;
    }
    if (keyed && ks__table_row_of(ctx, self->table, &key, &row)) {
        right.value        = row.value;
        right.timestamp_ms = row.timestamp_ms;
        right.headers      = row.headers;
    }
    if (ctx->error->status != KS_OK || (right.value.data == NULL && !args->left))
        return;
    out.record.value = KS_NULL;
    status = args->join(ctx, &record->record, &right, &out.record.value, ctx->op->node->user);
    if (ks__ctx_accept_bytes(ctx, status, out.record.value))
        ks__forward(ctx, &out);
}

#define JOIN_TABLE(prefix_)                                                                   \
    {                                                                                         \
        .name = "stream-table join", .prefix = (prefix_), .traits = KS__OP_KEEPS_KEY,         \
        .state_size = sizeof(struct join_table), .open = join_table_open,                     \
        .process = join_table_process                                                         \
    }

static const struct ks__op_class inner_class = JOIN_TABLE("KSTREAM-JOIN-");
static const struct ks__op_class left_class  = JOIN_TABLE("KSTREAM-LEFTJOIN-");

static bool agree(const ks_stream *s, const ks_table *t, const struct ks__call *call,
                  ks_joined *options)
{
    ks_builder *b = s->head.builder;

    return ks__agree(b, call, "key", &options->key,
                     &(struct ks__found){ s->key, s->node->name, "KS_JOINED" }) &&
           ks__agree(b, call, "key", &options->key,
                     &(struct ks__found){ t->key, t->node->name, "KS_JOINED" }) &&
           ks__agree(b, call, "value", &options->value,
                     &(struct ks__found){ s->value, s->node->name, "KS_JOINED" }) &&
           ks__agree(b, call, "other", &options->other,
                     &(struct ks__found){ t->value, t->node->name, "KS_JOINED" });
}

/* The stream with equal keys together. A second join of the same stream uses the topic again,
 * unless it has a name of its own. */
static bool gather(ks_stream *s, const struct ks__call *call, const ks_joined *options,
                   ks_stream *gathered)
{
    const bool          own_name = call->name != NULL;
    struct ks__logical *node     = ks__repartition_add(
        s->head.builder, call, s->node,
        &(struct ks__repartition_seed){ .prefix = own_name ? call->name : s->node->name,
                                        .key    = options->key,
                                        .value  = options->value,
                                        .again  = own_name ? NULL : s->repartition });

    if (node == NULL)
        return false;
    s->repartition    = node;
    *gathered         = *s;
    gathered->node    = node;
    gathered->rekeyed = false;
    gathered->sources = ks__sources_of(s->head.builder, node);
    return true;
}

static ks_stream *append_join(ks_stream *s, ks_table *t, const struct join_table_args *args,
                              void *user, const ks_joined *joined, const char *function)
{
    const struct ks__op_class *class = args->left ? &left_class : &inner_class;
    struct ks__call            call;
    ks_joined                  options;
    ks_stream                  input;
    ks_stream                 *out;

    if (!ks__enter(s, KS__KIND_STREAM, function, joined, &options, sizeof(options), &call) ||
        !ks__enter_other(s->head.builder, &call, t, KS__KIND_TABLE, "the table") ||
        !ks__need(s->head.builder, &call, args->join != NULL, "a joiner") ||
        !agree(s, t, &call, &options))
        return ks__inert(s);
    input = *s;
    if (s->rekeyed && !gather(s, &call, &options, &input))
        return ks__inert(s);
    ks__table_make_readable(t->node);
    input.sources = ks__sources_union(s->head.builder, input.sources, t->sources);
    out           = ks__stream_append(&input, &call, class, args, sizeof(*args), user);
    if (s->head.builder->error.status != KS_OK)
        return ks__inert(s);
    ks__copartition(s->head.builder, input.sources, out->node->name);
    ks__logical_view(out->node, t->node);
    out->node->null_keys = args->left;
    return ks__stream_typed(out, options.key, options.out);
}

ks_stream *ks_stream_join_table(ks_stream *s, ks_table *t, ks_joiner_fn *join, void *user,
                                const ks_joined *joined)
{
    return append_join(s, t, &(struct join_table_args){ join, false }, user, joined, __func__);
}

ks_stream *ks_stream_left_join_table(ks_stream *s, ks_table *t, ks_joiner_fn *join, void *user,
                                     const ks_joined *joined)
{
    return append_join(s, t, &(struct join_table_args){ join, true }, user, joined, __func__);
}

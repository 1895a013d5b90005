/* SPDX-License-Identifier: Apache-2.0
 *
 * join_global.c - each record of a stream with the row of a chosen key in a global table.
 *
 * Every task sees the whole table, so no repartition is needed. Both functions get `user`.
 */
#include "dsl/dsl.h"

#include "topology/lent.h"

struct join_global_args {
    ks_selector_fn *select;
    ks_joiner_fn   *join;
    const char     *store;
    bool            left;
};

struct join_global {
    struct ks_kv_store *store;
};

static void join_global_open(void *state, ks_ctx *ctx)
{
    struct join_global            *self = state;
    const struct join_global_args *args = ctx->op->node->args;

    self->store = ctx->ops->kv_store(ctx, args->store, false);
}

static void join_global_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct join_global      *self  = state;
    const struct join_global_args *args  = ctx->op->node->args;
    struct ks__record              out   = { .record = record->record };
    ks_record                      right = { .key = record->record.key, .timestamp_ms = -1 };
    struct ks__row                 row;
    ks_status                      status;

    if (record->record.value.data == NULL) {
        ks__ctx_drop(ctx, KS__DROP_NULL_VALUE);
        return;
    }
    status = args->select(ctx, &record->record, &right.key, ctx->op->node->user);
    if (!ks__ctx_accept_bytes(ctx, status, right.key))
        return;
    if (right.key.data == NULL && !args->left) {
        ks__ctx_drop(ctx, KS__DROP_NULL_KEY);
        return;
    }
    if (right.key.data != NULL && ks__kv_get(self->store, right.key, &row)) {
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

/* Inner and left have the same prefix, as in Kafka Streams. */
static const struct ks__op_class join_global_class = {
    .name       = "stream-global join",
    .prefix     = "KSTREAM-LEFTJOIN-",
    .traits     = KS__OP_KEEPS_KEY,
    .state_size = sizeof(struct join_global),
    .open       = join_global_open,
    .process    = join_global_process,
};

/* `.key` is the stream's: the table's key is what the selector makes. */
static bool agree(const ks_stream *s, const ks_global_table *t, const struct ks__call *call,
                  ks_joined *options)
{
    ks_builder *b = s->head.builder;

    return ks__agree(b, call, "key", &options->key,
                     &(struct ks__found){ s->key, s->node->name, "KS_JOINED" }) &&
           ks__agree(b, call, "value", &options->value,
                     &(struct ks__found){ s->value, s->node->name, "KS_JOINED" }) &&
           ks__agree(b, call, "other", &options->other,
                     &(struct ks__found){ t->value, t->node->name, "KS_JOINED" });
}

static ks_stream *append_join(ks_stream *s, ks_global_table *t, struct join_global_args *args,
                              void *user, const ks_joined *joined, const char *function)
{
    struct ks__call call;
    ks_joined       options;
    ks_stream      *out;

    if (!ks__enter(s, KS__KIND_STREAM, function, joined, &options, sizeof(options), &call) ||
        !ks__enter_other(s->head.builder, &call, t, KS__KIND_GLOBAL_TABLE, "the table") ||
        !ks__need(s->head.builder, &call, args->select != NULL, "a selector") ||
        !ks__need(s->head.builder, &call, args->join != NULL, "a joiner") ||
        !agree(s, t, &call, &options))
        return ks__inert(s);
    args->store = t->store;
    out         = ks__stream_append(s, &call, &join_global_class, args, sizeof(*args), user);
    if (s->head.builder->error.status != KS_OK)
        return ks__inert(s);
    out->node->null_keys = args->left;
    return ks__stream_typed(out, options.key, options.out);
}

ks_stream *ks_stream_join_global(ks_stream *s, ks_global_table *t, ks_selector_fn *select,
                                 ks_joiner_fn *join, void *user, const ks_joined *joined)
{
    struct join_global_args args = { .select = select, .join = join };

    return append_join(s, t, &args, user, joined, __func__);
}

ks_stream *ks_stream_left_join_global(ks_stream *s, ks_global_table *t, ks_selector_fn *select,
                                      ks_joiner_fn *join, void *user, const ks_joined *joined)
{
    struct join_global_args args = { .select = select, .join = join, .left = true };

    return append_join(s, t, &args, user, joined, __func__);
}

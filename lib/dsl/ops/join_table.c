/* SPDX-License-Identifier: Apache-2.0
 *
 * join_table.c - each record of a stream with the row of its key in a table.
 *
 *      stream ─(repartition?)─> join ─> ...        only the stream triggers
 *      table ────── rows ─────────^
 *
 * With a grace period records wait in a store, in the order of their time, until the stream is so
 * far ahead; one that comes later than that is joined at once.
 */
#include "dsl/ops/table.h"

#include "dsl/ops/idle.h"
#include "dsl/ops/join_buffer.h"
#include "topology/lent.h"

#define STREAM_TIME "stream time" /* a clock of the operator */

struct join_table_args {
    ks_joiner_fn *join;
    bool          left;
    const char   *buffer;   /* store of the records that wait; NULL = none do */
    int64_t       grace_ms; /* how long they wait */
};

struct join_table {
    struct ks__op      *table;
    struct ks_kv_store *buffer;
};

static void join_table_open(void *state, ks_ctx *ctx)
{
    struct join_table            *self = state;
    const struct join_table_args *args = ctx->op->node->args;

    self->table = ks__table_view(ctx, 0);
    if (args->buffer != NULL)
        self->buffer = ctx->ops->kv_store(ctx, args->buffer, true);
    if (args->buffer == NULL)
        return;
    ctx->ops->share_clock(ctx, STREAM_TIME, NULL);
    ks__join_buffer_open(ctx);
}

/* With the row of its key, of its time if the table is versioned. */
static void join(ks_ctx *ctx, void *state, const ks_record *record)
{
    const struct join_table      *self  = state;
    const struct join_table_args *args  = ctx->op->node->args;
    struct ks__record             out   = { .record = *record };
    ks_record                     right = { .key = record->key, .timestamp_ms = -1 };
    struct ks__row_key            key   = { record->key, record->window, record->timestamp_ms };
    struct ks__row                row;
    ks_status                     status;

    if (key.key.data != NULL && ks__table_row_of(ctx, self->table, &key, &row)) {
        right.value        = row.value;
        right.timestamp_ms = row.timestamp_ms;
        right.headers      = row.headers;
    }
    if (ctx->error->status != KS_OK || (right.value.data == NULL && !args->left))
        return;
    out.record.value = KS_NULL;
    status = args->join(ctx, record, &right, &out.record.value, ctx->op->node->user);
    if (ks__ctx_accept_bytes(ctx, status, out.record.value))
        ks__forward(ctx, &out);
}

/* The time of the operator, this record included. */
static int64_t advance(ks_ctx *ctx, const ks_record *record)
{
    int64_t now_ms = ctx->ops->clock(ctx, STREAM_TIME, -1);

    ks__idle_record(ctx);
    if (record->timestamp_ms <= now_ms)
        return now_ms;
    ctx->ops->set_clock(ctx, STREAM_TIME, record->timestamp_ms);
    return record->timestamp_ms;
}

static void join_table_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct join_table      *self  = state;
    const struct join_table_args *args  = ctx->op->node->args;
    const bool                    keyed = record->record.key.data != NULL;
    const int64_t due_ms = self->buffer != NULL ? advance(ctx, &record->record) - args->grace_ms
                                                : INT64_MAX;
    ks_bytes own;

    if (record->record.value.data == NULL || (!keyed && !args->left)) {
        ks__ctx_drop(ctx, keyed ? KS__DROP_NULL_VALUE : KS__DROP_NULL_KEY);
        return;
    }
    if (!keyed || record->record.timestamp_ms < due_ms) {
        join(ctx, state, &record->record);
        return;
    }
    own = ks__join_buffer_put(ctx, self->buffer, &record->record);
    ks__join_buffer_release(ctx, self->buffer, own, due_ms, join, state);
}

static bool nothing_waits(struct ks_kv_store *buffer)
{
    ks_iter   *it = ks__kv_range(buffer, KS_NULL, KS_NULL, KS_ASCENDING);
    ks_record  row;
    const bool found = ks_iter_next(it, &row);

    ks_iter_close(it);
    return !found;
}

/* While nothing comes: what waits is joined all the same. */
static bool join_table_idle(void *state, ks_ctx *ctx)
{
    const struct join_table      *self = state;
    const struct join_table_args *args = ctx->op->node->args;
    int64_t                       now, then;

    if (self->buffer == NULL)
        return false;
    now  = ctx->ops->clock(ctx, STREAM_TIME, -1);
    then = ks__idle_time(ctx, now);
    if (then == now || nothing_waits(self->buffer))
        return false;
    ctx->ops->set_clock(ctx, STREAM_TIME, then);
    ks__idle_went_on(ctx);
    ks__join_buffer_release(ctx, self->buffer, KS_NULL, then - args->grace_ms, join, state);
    return true;
}

#define JOIN_TABLE(prefix_)                                                                   \
    {                                                                                         \
        .name = "stream-table join", .prefix = (prefix_), .traits = KS__OP_KEEPS_KEY,         \
        .state_size = sizeof(struct join_table), .open = join_table_open,                     \
        .process = join_table_process, .idle = join_table_idle                                \
    }

static const struct ks__op_class inner_class = JOIN_TABLE("KSTREAM-JOIN-");
static const struct ks__op_class left_class  = JOIN_TABLE("KSTREAM-LEFTJOIN-");

static bool agree(const ks_stream *s, const ks_table *t, const struct ks__call *call,
                  ks_joined *options)
{
    ks_builder *b = s->head.builder;

    return ks__agree_keys(b, call, &options->key,
                          &(struct ks__found){ s->key, s->node->name, "KS_JOINED" },
                          &(struct ks__found){ t->key, t->node->name, "KS_JOINED" }) &&
           ks__agree(b, call, "value", &options->value,
                     &(struct ks__found){ s->value, s->node->name, "KS_JOINED" }) &&
           ks__agree(b, call, "other", &options->other,
                     &(struct ks__found){ t->value, t->node->name, "KS_JOINED" });
}

static bool wants_buffer(const ks_joined *options)
{
    return options->grace_ms != 0 || options->buffer == KS_ON;
}

/* Who waits reads the row of a time gone by, which only a history has. */
static bool check_grace(const ks_table *t, const struct ks__call *call, const ks_joined *options)
{
    ks_builder   *b = t->head.builder;
    const int64_t history_ms = ks__table_history_ms(t->node);

    if (options->grace_ms < 0)
        return ks__latch(b, call, KS_EINVAL, ".grace_ms is %lld; it must not be negative",
                         (long long)options->grace_ms) != NULL;
    if (wants_buffer(options) && !ks__table_is_versioned(t->node))
        return ks__latch(b, call, KS_EINVAL,
                         "records can wait only for a versioned table; give it a history"
                         " (KS_MATERIALIZED(.store, .history_ms)), or leave .grace_ms and .buffer"
                         " out") != NULL;
    if (options->grace_ms > history_ms)
        return ks__latch(b, call, KS_EINVAL,
                         "records wait for %lld ms but \"%s\" keeps a history of %lld ms; shorten"
                         " .grace_ms or lengthen KS_MATERIALIZED(.history_ms)",
                         (long long)options->grace_ms, t->node->name,
                         (long long)history_ms) != NULL;
    return true;
}

/* The store of the records that wait, once the join has its name. */
static void add_buffer(ks_stream *out, const struct ks__call *call, const ks_joined *options)
{
    ks_builder             *b    = out->head.builder;
    struct join_table_args *args = out->node->args;
    const char             *name = ks__join_text(b, out->node->name, "-Buffer");

    if (name == NULL || !ks__store_add(b, call,
                                       &(struct ks__store_spec){ .name      = name,
                                                                 .kind      = KS__STORE_KV,
                                                                 .changelog = true }))
        return;
    args->buffer   = name;
    args->grace_ms = options->grace_ms;
    ks__logical_use_store(b, out->node, name);
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
        !agree(s, t, &call, &options) || !check_grace(t, &call, &options))
        return ks__inert(s);
    input = *s;
    if (s->rekeyed &&
        !ks__stream_gather(s, &call,
                           &(struct ks__gathering){ call.name, options.key, options.value },
                           &input))
        return ks__inert(s);
    ks__table_make_readable(t->node);
    input.sources = ks__sources_union(s->head.builder, input.sources, t->sources);
    out           = ks__stream_append(&input, &call, class, args, sizeof(*args), user);
    if (s->head.builder->error.status != KS_OK)
        return ks__inert(s);
    ks__copartition(s->head.builder, input.sources, out->node->name);
    ks__logical_view(out->node, t->node);
    out->node->null_keys = args->left;
    if (wants_buffer(&options))
        add_buffer(out, &call, &options);
    return ks__stream_typed(out, options.key, options.out);
}

ks_stream *ks_stream_join_table(ks_stream *s, ks_table *t, ks_joiner_fn *join_fn, void *user,
                                const ks_joined *joined)
{
    return append_join(s, t, &(struct join_table_args){ .join = join_fn }, user, joined, __func__);
}

ks_stream *ks_stream_left_join_table(ks_stream *s, ks_table *t, ks_joiner_fn *join_fn, void *user,
                                     const ks_joined *joined)
{
    return append_join(s, t, &(struct join_table_args){ .join = join_fn, .left = true }, user,
                       joined, __func__);
}

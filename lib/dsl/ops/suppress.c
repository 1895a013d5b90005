/* SPDX-License-Identifier: Apache-2.0
 *
 * suppress.c - hold the changes of a table back: until some time has passed, or until their window
 * is closed.
 *
 *      change ─> buffer ─(first time <= stream time - wait, or too many)─> last change of the key
 *
 * The stream time is that of the changes which come here. A change leaves with the old value that
 * it came with, so what subtracts it sees the one before the last change held, as in Kafka Streams.
 */
#include "dsl/ops/idle.h"
#include "dsl/ops/suppress_buffer.h"
#include "dsl/ops/windowed.h"

#include "serde/serde.h"
#include "serde/windowed_key.h"

#define SUPPRESS    "KTABLE-SUPPRESS-"
#define STREAM_TIME "stream time" /* a clock of the operator */

struct suppress_args {
    struct ks__table_args table; /* without a store: that of the buffer is not one of rows */
    const char           *buffer;
    const ks_serde       *windowed; /* puts key and window into one; NULL = plain keys */
    int64_t               wait_ms;
    bool                  until_close;
    bool                  fails; /* when full; else it emits early */
    int64_t               max_records;
    int64_t               max_bytes; /* of keys and values; both 0 = no limit */
};

struct suppress {
    struct ks__table_state table; /* must be first */
    struct ks__op         *parent;
    struct ks_kv_store    *buffer;
    int64_t                now_ms; /* during a release */
};

static void suppress_open(void *state, ks_ctx *ctx)
{
    struct suppress            *self = state;
    const struct suppress_args *args = ctx->op->node->args;

    ks__table_open(state, ctx);
    self->buffer = ctx->ops->kv_store(ctx, args->buffer, true);
    ctx->ops->share_clock(ctx, STREAM_TIME, NULL);
    if (ctx->error->status == KS_OK)
        self->parent = ks__table_view(ctx, 0);
}

/* Key and window in one; null = an error is set. */
static ks_bytes whole_key(ks_ctx *ctx, ks_bytes key, const ks_window *window)
{
    const struct suppress_args *args = ctx->op->node->args;
    ks_bytes                    whole;

    if (args->windowed == NULL || window == NULL)
        return key;
    if (ks__windowed_key_write(args->windowed, key, window, ctx->arena, &whole))
        return whole;
    ks__ctx_raise(ctx, KS_ENOMEM, "no memory for a windowed key");
    return KS_NULL;
}

/* ---- release ---- */

static bool is_too_much(const struct suppress_args *args, const struct ks__held_sizes *sizes)
{
    return (args->max_records > 0 && sizes->count > args->max_records) ||
           (args->max_bytes > 0 && sizes->bytes > args->max_bytes);
}

static bool wanted(ks_ctx *ctx, void *user, const struct ks__held_sizes *sizes)
{
    const struct suppress      *self = user;
    const struct suppress_args *args = ctx->op->node->args;

    return sizes->first_ms <= self->now_ms - args->wait_ms ||
           (!args->fails && is_too_much(args, sizes));
}

static void take(ks_ctx *ctx, void *user, const struct ks__held *held)
{
    const struct suppress      *self = user;
    const struct suppress_args *args = ctx->op->node->args;
    struct ks__record           out  = { .record  = { .key          = held->key,
                                                      .value        = held->value,
                                                      .timestamp_ms = held->timestamp_ms,
                                                      .headers      = held->headers },
                                         .has_old = self->table.sends_old };
    ks_window                   window;

    if (args->until_close && held->value.data == NULL)
        return;
    if (args->windowed != NULL) {
        if (!ks__windowed_key_read(args->windowed, held->key, &out.record.key, &window)) {
            ks__ctx_raise(ctx, KS_ECORRUPT, "a key that was held back is not windowed");
            return;
        }
        out.record.window = &window;
    }
    if (out.has_old)
        out.old = held->old;
    ks__forward(ctx, &out);
}

static void suppress_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    struct suppress            *self = state;
    const struct suppress_args *args = ctx->op->node->args;
    const ks_record            *r    = &record->record;
    struct ks__held             held = { .key          = whole_key(ctx, r->key, r->window),
                                         .time_ms      = r->timestamp_ms,
                                         .value        = r->value,
                                         .old          = record->old,
                                         .timestamp_ms = r->timestamp_ms,
                                         .headers      = r->headers };
    struct ks__held_sizes       sizes;

    if (held.key.data == NULL)
        return;
    if (args->until_close)
        held.time_ms = r->window->end_ms;
    ks__idle_record(ctx);
    self->now_ms = ctx->ops->clock(ctx, STREAM_TIME, -1);
    if (r->timestamp_ms > self->now_ms) {
        self->now_ms = r->timestamp_ms;
        ctx->ops->set_clock(ctx, STREAM_TIME, self->now_ms);
    }
    if (!ks__held_put(ctx, self->buffer, &held))
        return;
    ks__held_release(ctx, self->buffer,
                     &(struct ks__held_taker){ .wanted = wanted, .take = take, .user = self });
    sizes = ks__held_sizes(self->buffer);
    if (ctx->error->status == KS_OK && is_too_much(args, &sizes))
        ks__ctx_raise(ctx, KS_EFULL,
                      "the buffer holds %lld changes of %lld bytes, more than it may",
                      (long long)sizes.count, (long long)sizes.bytes);
}

static bool suppress_idle(void *state, ks_ctx *ctx)
{
    struct suppress *self = state;
    const int64_t    now  = ctx->ops->clock(ctx, STREAM_TIME, -1);

    self->now_ms = ks__idle_time(ctx, now);
    if (self->now_ms == now || ks__held_sizes(self->buffer).count == 0)
        return false;
    ctx->ops->set_clock(ctx, STREAM_TIME, self->now_ms);
    ks__idle_went_on(ctx);
    ks__held_release(ctx, self->buffer,
                     &(struct ks__held_taker){ .wanted = wanted, .take = take, .user = self });
    return true;
}

/* What was there before the changes that are held; else the parent's row. */
static bool suppress_row(void *state, ks_ctx *ctx, const struct ks__row_key *key,
                         struct ks__row *row)
{
    const struct suppress *self  = state;
    const ks_bytes         whole = whole_key(ctx, key->key, key->window);
    struct ks__held        held;

    if (whole.data == NULL)
        return false;
    if (!ks__held_get(ctx, self->buffer, whole, &held))
        return ks__table_row_of(ctx, self->parent, key, row);
    *row = (struct ks__row){ .value = held.prior, .timestamp_ms = -1 };
    return row->value.data != NULL;
}

static const struct ks__op_class suppress_class = {
    .name       = "suppress",
    .prefix     = SUPPRESS,
    .traits     = KS__OP_KEEPS_KEY | KS__OP_KEEPS_TYPES | KS__OP_TABLE,
    .state_size = sizeof(struct suppress),
    .open       = suppress_open,
    .process    = suppress_process,
    .idle       = suppress_idle,
    .row        = suppress_row,
};

/* ---- declaration ---- */

/* How long after its end a window is final: the longest of what is above; -1 = nothing windowed. */
static int64_t close_wait_ms(const struct ks__logical *node)
{
    int64_t longest = -1;

    if (ks__windowed_is(node->class)) {
        const struct ks__windowed_args *args = node->args;

        return args->windows.kind == KS__WINDOWS_SESSION
                   ? ks__time_add(args->windows.size_ms, args->windows.grace_ms)
                   : args->windows.grace_ms;
    }
    for (size_t i = 0; i < node->parent_count; i++) {
        const int64_t wait = close_wait_ms(node->parents[i]);

        if (wait > longest)
            longest = wait;
    }
    return longest;
}

static bool check(ks_table *t, const struct ks__call *call, const ks_suppressed *options,
                  struct suppress_args *args)
{
    ks_builder *b = t->head.builder;

    if (options->limit_ms < 0 || options->max_records < 0 || options->max_bytes < 0)
        return ks__latch(b, call, KS_EINVAL, "limits must not be negative") != NULL;
    if (options->until_close == KS_DEFAULT && options->limit_ms == 0)
        return ks__latch(b, call, KS_EINVAL,
                         "needs an end of holding back: KS_SUPPRESSED(.until_close = KS_ON), or"
                         " .limit_ms (of 0: with .until_close = KS_OFF)") != NULL;
    if (ks__table_is_versioned(t->node))
        return ks__latch(b, call, KS_EINVAL, "a versioned table cannot be suppressed") != NULL;
    args->wait_ms = options->limit_ms;
    args->fails   = options->full == KS_WHEN_FULL_FAIL;
    if (options->until_close != KS_ON)
        return true;
    if (options->limit_ms != 0 || options->full == KS_WHEN_FULL_EMIT_EARLY)
        return ks__latch(b, call, KS_EINVAL,
                         "until a window closes nothing leaves early; leave .limit_ms and .full"
                         " out") != NULL;
    args->until_close = true;
    args->fails       = true;
    args->wait_ms     = close_wait_ms(t->node);
    if (args->wait_ms < 0 || args->windowed == NULL)
        return ks__latch(b, call, KS_EINVAL,
                         "only windows close, but \"%s\" is no windowed table; use"
                         " KS_SUPPRESSED(.limit_ms = ...)",
                         t->node->name) != NULL;
    return true;
}

/* Names as in Kafka Streams: a given one takes no index. */
static bool add_buffer(ks_builder *b, const struct ks__call *call,
                       const ks_suppressed *options, struct suppress_args *args,
                       const char **name)
{
    *name        = call->name != NULL ? call->name : ks__generate(b, SUPPRESS);
    args->buffer = call->name != NULL ? ks__join_text(b, call->name, "-store")
                                      : ks__generate_store(b, SUPPRESS);
    return *name != NULL && args->buffer != NULL &&
           ks__store_add(b, call,
                         &(struct ks__store_spec){ .name      = args->buffer,
                                                   .kind      = KS__STORE_KV,
                                                   .changelog = options->changelog != KS_OFF,
                                                   .topic_config = options->topic_config });
}

ks_table *ks_table_suppress(ks_table *t, const ks_suppressed *suppressed)
{
    struct ks__table_part       part = { .rows = KS__ROWS_DERIVED };
    struct suppress_args        args = { .buffer = NULL };
    struct ks__call             call;
    struct ks__logical         *node;
    ks_suppressed               options;
    ks_builder                 *b;
    const char                 *name;

    if (!ks__enter(t, KS__KIND_TABLE, __func__, suppressed, &options, sizeof(options), &call))
        return ks__inert(t);
    b                = t->head.builder;
    args.windowed    = ks__serde_is_windowed(t->key) ? t->key : NULL;
    args.max_records = options.max_records;
    args.max_bytes   = options.max_bytes;
    if (!check(t, &call, &options, &args) || !add_buffer(b, &call, &options, &args, &name))
        return ks__inert(b);
    node = ks__logical_add(b, &call,
                           &(struct ks__logical_seed){ .kind         = KS__LOGICAL_PROCESSOR,
                                                       .name         = name,
                                                       .class        = &suppress_class,
                                                       .args         = &args,
                                                       .args_size    = sizeof(args),
                                                       .parents      = &t->node,
                                                       .parent_count = 1 });
    part.buffer = args.buffer;
    if (!ks__table_attach(b, &call, node, &part))
        return ks__inert(b);
    /* The value before those that are held is the row of the suppressed table. */
    ks__table_send_old(t->node, true);
    ks__logical_use_store(b, node, args.buffer);
    ks__logical_view(node, t->node);
    return ks__table_make(b, node, t->key, t->value, t->sources);
}

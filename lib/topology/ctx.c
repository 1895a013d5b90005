/* SPDX-License-Identifier: Apache-2.0
 *
 * ctx.c - what user code can ask of its context: forward, fail, where and when, schedule, stores.
 *
 *      user code --ks_ctx_x--> ctx --ks__ctx_ops--> the task (runtime/)
 *
 * Invariants
 *   X1  The first failure stays (error.h E1); after it the calls here do nothing.
 *   X2  A user's ks_record is never cast to an internal one: forwarding copies it, its window too.
 *   X3  Leave to forward is the caller's of this very callback: while children run it is withdrawn.
 *
 * Not here: arena memory and headers (ctx_memory.c), decoding (ctx_decode.c).
 * Threads: the task's.
 */
#include "topology/graph.h"
#include "topology/op.h"

#include <kstream/sys/store.h>
#include <string.h>

/* ---- the engine's side ---- */

void ks__forward_to(ks_ctx *ctx, struct ks__op *child, const struct ks__record *record)
{
    struct ks__op           *self = ctx->op;
    const struct ks__record *mine = ctx->record;

    if (ctx->error->status != KS_OK)
        return;
    ctx->record = record;
    ctx->op     = child;
    ks__counter_add(&child->processed, 1);
    child->class->process(child->state, ctx, record);
    if (ctx->error->status != KS_OK && !ctx->failed)
        ctx->ops->failed(ctx, child, record);
    ctx->op     = self;
    ctx->record = mine;
}

void ks__forward_aside(ks_ctx *ctx, const struct ks__record *record)
{
    const struct ks__op *self = ctx->op;

    for (unsigned i = 0; i < self->aside_count; i++)
        ks__forward_to(ctx, self->children[self->child_count + i], record);
}

bool ks__ctx_accept(ks_ctx *ctx, ks_status status)
{
    if (ctx->error->status != KS_OK)
        return false;
    if (status == KS_OK)
        return true;
    if (status == KS_SKIP)
        ks__ctx_drop(ctx, KS__DROP_USER);
    else if (strcmp(ks_status_name(status), "KS_?") == 0)
        ks__ctx_raise(ctx, KS_EUSER, "the callback returned %d, which is no ks_status",
                      (int)status);
    else
        ks__ctx_raise(ctx, status, "the callback returned %s", ks_status_name(status));
    return false;
}

bool ks__ctx_forgive(ks_ctx *ctx, const struct ks__record *part, bool own)
{
    const ks_record *raw    = ctx->raw;
    const ks_origin  origin = ctx->origin;

    if (ctx->error->status == KS_OK)
        return true;
    if (ctx->failed)
        return false;
    if (!own) { /* it is not what was read last that is left out */
        ctx->raw    = NULL;
        ctx->origin = (ks_origin){ .topic = NULL };
    }
    ctx->ops->failed(ctx, ctx->op, part);
    ctx->raw    = raw;
    ctx->origin = origin;
    return ctx->error->status == KS_OK && !ctx->failed;
}

static const char *name_of(const ks_ctx *ctx)
{
    return ctx->op != NULL ? ctx->op->node->name : "";
}

void ks__ctx_raise(ks_ctx *ctx, ks_status status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    ks__error_vset(ctx->error, status, format, arguments);
    va_end(arguments);
    ks__error_set_node(ctx->error, name_of(ctx));
}

/* ---- failures ---- */

ks_status ks_ctx_fail(ks_ctx *ctx, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    ks__error_vset(ctx->error, KS_EUSER, format, arguments);
    va_end(arguments);
    ks__error_set_node(ctx->error, name_of(ctx));
    return KS_EUSER;
}

ks_status ks_ctx_fail_text(ks_ctx *ctx, const char *text)
{
    return ks_ctx_fail(ctx, "%s", text != NULL ? text : "");
}

/* ---- forwarding ---- */

/* A user's record as one of ours (X2). */
struct forwarded {
    struct ks__record record;
    ks_window         window;
};

static bool may_forward(ks_ctx *ctx, const ks_record *record)
{
    if (ctx->error->status != KS_OK)
        return false;
    if (!ctx->may_forward)
        ks__ctx_raise(ctx, KS_EINVAL, "this callback may not forward records");
    else if (record == NULL)
        ks__ctx_raise(ctx, KS_EINVAL, "a NULL record was forwarded");
    else if (record->timestamp_ms < 0)
        ks__ctx_raise(ctx, KS_EINVAL, "a record with the negative timestamp %lld was forwarded",
                      (long long)record->timestamp_ms);
    else
        return true;
    return false;
}

static void take(const ks_ctx *ctx, const ks_record *record, struct forwarded *out)
{
    const ks_record *present = ctx->record != NULL ? &ctx->record->record : NULL;

    out->record = (struct ks__record){ .record = *record };
    if (ctx->keep_key && present != NULL) {
        out->record.record.key    = present->key;
        out->record.record.window = present->window;
        if (!ctx->free_time)
            out->record.record.timestamp_ms = present->timestamp_ms;
    }
    if (ctx->op->class->traits & KS__OP_PLAIN_KEYS)
        out->record.record.window = NULL;
    if (out->record.record.window != NULL) {
        out->window               = *out->record.record.window;
        out->record.record.window = &out->window;
    }
}

/* Send it to one child, or to all (NULL). What was decoded on the way may lie in the caller's own
 * memory, which may hold something else next time: it is not found again. */
static void forward_user(ks_ctx *ctx, const ks_child *child, const ks_record *record)
{
    const bool          keep_key  = ctx->keep_key;
    const bool          free_time = ctx->free_time;
    struct ks__decoded *decoded   = ctx->decoded;
    struct forwarded    copy;

    take(ctx, record, &copy);
    ctx->may_forward = false; /* X3 */
    ctx->keep_key    = false;
    ctx->free_time   = false;
    if (child != NULL)
        ks__forward_to(ctx, (struct ks__op *)(uintptr_t)child, &copy.record);
    else
        ks__forward(ctx, &copy.record);
    ctx->may_forward = true;
    ctx->keep_key    = keep_key;
    ctx->free_time   = free_time;
    ctx->decoded     = decoded;
}

void ks_ctx_forward(ks_ctx *ctx, const ks_record *record)
{
    if (may_forward(ctx, record))
        forward_user(ctx, NULL, record);
}

void ks_ctx_forward_value(ks_ctx *ctx, ks_bytes value)
{
    ks_record record;

    if (ctx->record == NULL) {
        ks__ctx_raise(ctx, KS_EINVAL, "ks_ctx_forward_value() needs a record being processed");
        return;
    }
    record       = ctx->record->record;
    record.value = value;
    ks_ctx_forward(ctx, &record);
}

void ks_ctx_forward_to(ks_ctx *ctx, const ks_child *child, const ks_record *record)
{
    if (!may_forward(ctx, record))
        return;
    if (child == NULL)
        ks__ctx_raise(ctx, KS_EINVAL, "a record was forwarded to a NULL child");
    else
        forward_user(ctx, child, record);
}

const ks_child *ks_ctx_child(ks_ctx *ctx, const char *name)
{
    struct ks__op *self = ctx->op;

    for (unsigned i = 0; name != NULL && self != NULL && i < self->child_count; i++)
        if (strcmp(self->children[i]->node->name, name) == 0)
            return (const ks_child *)self->children[i];
    ks__ctx_raise(ctx, KS_ENOTFOUND, "no child is named \"%s\"", name != NULL ? name : "");
    return NULL;
}

/* ---- what belongs to the operator ---- */

void *ks_ctx_local(ks_ctx *ctx, size_t size, void (*close)(void *local))
{
    struct ks__op *op = ctx->op;

    if (op->local != NULL)
        return op->local;
    op->local = ks__zalloc(size);
    if (op->local == NULL)
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for %zu bytes of the operator's own", size);
    else
        op->local_close = close;
    return op->local;
}

void *ks_ctx_user(ks_ctx *ctx)
{
    return ctx->op->node->user;
}

static struct ks_kv_store *connected_store(ks_ctx *ctx, const char *name, enum ks__store_kind kind,
                                           const char *function)
{
    if (ctx->error->status != KS_OK)
        return NULL;
    if (name == NULL) {
        ks__ctx_raise(ctx, KS_EINVAL, "%s() needs a name", function);
        return NULL;
    }
    return ctx->ops->store(ctx, name, kind, true);
}

ks_kv_store *ks_ctx_kv_store(ks_ctx *ctx, const char *name)
{
    return connected_store(ctx, name, KS__STORE_KV, __func__);
}

/* The handles of all kinds are those of the room that keeps them. */
ks_window_store *ks_ctx_window_store(ks_ctx *ctx, const char *name)
{
    return (ks_window_store *)connected_store(ctx, name, KS__STORE_WINDOW, __func__);
}

ks_session_store *ks_ctx_session_store(ks_ctx *ctx, const char *name)
{
    return (ks_session_store *)connected_store(ctx, name, KS__STORE_SESSION, __func__);
}

ks_versioned_store *ks_ctx_versioned_store(ks_ctx *ctx, const char *name)
{
    return (ks_versioned_store *)connected_store(ctx, name, KS__STORE_VERSIONED, __func__);
}

void *ks_ctx_user_store(ks_ctx *ctx, const char *name)
{
    if (ctx->error->status != KS_OK)
        return NULL;
    if (name != NULL)
        return ctx->ops->user_store(ctx, name);
    ks__ctx_raise(ctx, KS_EINVAL, "%s() needs a name", __func__);
    return NULL;
}

/* ---- where and when ---- */

bool ks_ctx_origin(ks_ctx *ctx, ks_origin *out)
{
    if (ctx->origin.topic == NULL) {
        *out = (ks_origin){ .topic = NULL };
        return false;
    }
    *out = ctx->origin;
    return true;
}

const char *ks_ctx_task(ks_ctx *ctx)
{
    return ctx->task_id;
}

int32_t ks_ctx_partition(ks_ctx *ctx)
{
    return ctx->partition;
}

int64_t ks_ctx_stream_time_ms(ks_ctx *ctx)
{
    return ctx->stream_time_ms;
}

int64_t ks_ctx_wall_time_ms(ks_ctx *ctx)
{
    return ctx->wall_time_ms;
}

/* ---- punctuation, commit ---- */

static ks_punctuation *schedule(ks_ctx *ctx, int64_t start_ms, int64_t interval_ms,
                                ks_time_kind kind, ks_punctuator_fn *fn, void *user)
{
    const bool known = kind == KS_STREAM_TIME || kind == KS_WALL_CLOCK_TIME;

    if (ctx->error->status != KS_OK)
        return NULL;
    if (interval_ms < 1)
        ks__ctx_raise(ctx, KS_EINVAL, "punctuation every %lld ms: at least 1 ms is needed",
                      (long long)interval_ms);
    else if (fn == NULL || !known)
        ks__ctx_raise(ctx, KS_EINVAL, "punctuation without a %s",
                      fn == NULL ? "function" : "known kind of time");
    else
        return ctx->ops->schedule(ctx, start_ms, interval_ms, kind, fn, user);
    return NULL;
}

ks_punctuation *ks_ctx_schedule(ks_ctx *ctx, int64_t interval_ms, ks_time_kind kind,
                                ks_punctuator_fn *fn, void *user)
{
    return schedule(ctx, -1, interval_ms, kind, fn, user);
}

ks_punctuation *ks_ctx_schedule_at(ks_ctx *ctx, int64_t start_ms, int64_t interval_ms,
                                   ks_time_kind kind, ks_punctuator_fn *fn, void *user)
{
    if (start_ms >= 0)
        return schedule(ctx, start_ms, interval_ms, kind, fn, user);
    if (ctx->error->status == KS_OK)
        ks__ctx_raise(ctx, KS_EINVAL, "punctuation from %lld ms on: the start must not be negative",
                      (long long)start_ms);
    return NULL;
}

void ks_punctuation_cancel(ks_ctx *ctx, ks_punctuation *punctuation)
{
    if (punctuation != NULL)
        ctx->ops->cancel(ctx, punctuation);
}

void ks_ctx_commit(ks_ctx *ctx)
{
    ctx->ops->commit(ctx);
}

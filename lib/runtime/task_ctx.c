/* SPDX-License-Identifier: Apache-2.0
 *
 * task_ctx.c - what the task does for operators and user code: struct ks__ctx_ops.
 *
 * Threads: the task's.
 */
#include "runtime/task_parts.h"
#include "runtime/user_store.h"

#include <string.h>

static void failed(ks_ctx *ctx, struct ks__op *op, const struct ks__record *record)
{
    ks__task_failed(ctx->task, op, KS_FAILURE_PROCESSING, record);
}

static void send(ks_ctx *ctx, struct ks__op *sink, const char *topic, const ks_record *record)
{
    ks__collector_send(ctx->task, sink, topic, record);
}

static void dropped(ks_ctx *ctx, enum ks__drop why)
{
    ks__task_count_drop(ctx->task, ctx->op, why);
}

static void commit(ks_ctx *ctx)
{
    ctx->task->commit_asked = true;
    ctx->task->dirty        = true;
}

static struct ks__op *op_of(ks_ctx *ctx, const struct ks__node *node)
{
    return ctx->task->by_node[node->index];
}

/* ---- stores ---- */

static bool is_connected(const struct ks__node *node, const char *store)
{
    for (size_t i = 0; i < node->store_count; i++)
        if (strcmp(node->stores[i], store) == 0)
            return true;
    return false;
}

static const char *kind_name(enum ks__store_kind kind)
{
    switch (kind) {
    case KS__STORE_KV:
        return "key-value store";
    case KS__STORE_WINDOW:
        return "window store";
    case KS__STORE_SESSION:
        return "session store";
    case KS__STORE_VERSIONED:
        return "versioned store";
    case KS__STORE_USER:
        return "store of your own";
    }
    return "store";
}

static void raise_unconnected(ks_ctx *ctx, const char *name)
{
    ks__ctx_raise(ctx, KS_ENOTFOUND, "store \"%s\" is not connected to this processor; add it to "
                  "KS_CONNECTED(.stores = { \"%s\" })", name, name);
}

static struct ks_kv_store *store_of_kind(ks_ctx *ctx, const char *name, enum ks__store_kind kind,
                                         bool connected_only)
{
    const struct ks__task_options *options = &ctx->task->options;
    struct ks_kv_store            *store   = NULL;

    for (size_t i = 0; i < ctx->task->store_count && store == NULL; i++)
        if (strcmp(ctx->task->stores[i].spec->name, name) == 0)
            store = ctx->task->stores[i].store;
    if (store != NULL && connected_only && !is_connected(ctx->op->node, name)) {
        raise_unconnected(ctx, name);
        return NULL;
    }
    if (ks__task_user_store(ctx->task, name) != NULL && is_connected(ctx->op->node, name)) {
        ks__ctx_raise(ctx, KS_ETYPE, "store \"%s\" is one of your own: ks_ctx_user_store()", name);
        return NULL;
    }
    if (store == NULL && options->global_store != NULL)
        store = options->global_store(options->global_user, name, ctx->error);
    if (ks__error_is_set(ctx->error))
        return NULL;
    if (store == NULL && ks__topology_store(options->topology, name) != NULL)
        raise_unconnected(ctx, name);
    else if (store == NULL)
        ks__ctx_raise(ctx, KS_ENOTFOUND, "the topology has no store \"%s\"", name);
    else if (ks__kv_spec(store)->kind != kind) {
        ks__ctx_raise(ctx, KS_ETYPE, "store \"%s\" is no %s", name, kind_name(kind));
        store = NULL;
    }
    return store;
}

static void *user_store(ks_ctx *ctx, const char *name)
{
    struct ks_store_ctx *own = ks__task_user_store(ctx->task, name);

    if (own != NULL && is_connected(ctx->op->node, name))
        return ks__user_store_self(own);
    if (own == NULL && ks__topology_store(ctx->task->options.topology, name) == NULL)
        ks__ctx_raise(ctx, KS_ENOTFOUND, "the topology has no store \"%s\"", name);
    else if (own == NULL && is_connected(ctx->op->node, name))
        ks__ctx_raise(ctx, KS_ETYPE, "store \"%s\" is no %s", name, kind_name(KS__STORE_USER));
    else
        raise_unconnected(ctx, name);
    return NULL;
}

static struct ks_kv_store *kv_store(ks_ctx *ctx, const char *name, bool connected_only)
{
    return store_of_kind(ctx, name, KS__STORE_KV, connected_only);
}

/* ---- punctuation ---- */

/* Can this be what the schedule was due at next? Else it is of another clock, grid or interval. */
static bool is_due_time(const ks_punctuation *model, int64_t start_ms, int64_t now, int64_t kept)
{
    if (kept < 0)
        return false;
    if (start_ms >= 0)
        return kept >= start_ms && (kept - start_ms) % model->interval_ms == 0 &&
               (kept == start_ms || kept <= now || kept - now <= model->interval_ms);
    return kept <= now || kept - now <= model->interval_ms;
}

static int64_t first_due(const struct ks__task *task, const ks_punctuation *model,
                         int64_t start_ms)
{
    const bool    stream = model->kind == KS_STREAM_TIME;
    const int64_t now    = stream ? task->ctx.stream_time_ms : task->ctx.wall_time_ms;
    int64_t       kept   = -1;

    if (model->kept != NULL && task->state != NULL)
        kept = ks__state_number(task->state, model->kept, -1);
    if (is_due_time(model, start_ms, now, kept))
        return kept;
    if (start_ms >= 0)
        return start_ms >= now ? start_ms
                               : ks__punctuation_after(start_ms, model->interval_ms, now);
    return stream ? 0 : now + model->interval_ms;
}

static ks_punctuation *schedule(ks_ctx *ctx, int64_t start_ms, int64_t interval_ms,
                                ks_time_kind kind, ks_punctuator_fn *fn, void *user)
{
    struct ks__task    *task  = ctx->task;
    struct ks__task_op *more  = ks__task_more(task, ctx->op);
    ks_punctuation      model = { .op = ctx->op, .kind = kind, .interval_ms = interval_ms,
                                  .fn = fn, .user = user };
    ks_punctuation     *made  = NULL;

    if (ctx->in_open)
        model.kept = ks__format("punctuation/%s/%u/%s", ctx->op->node->name, more->scheduled++,
                                kind == KS_STREAM_TIME ? "stream" : "wall");
    if (!ctx->in_open || model.kept != NULL) {
        model.due_ms = first_due(task, &model, start_ms);
        model.moved  = true;
        made         = ks__punctuations_add(&task->punctuations, &model);
    }
    if (made == NULL)
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for a punctuation");
    task->stream_due_ms = ks__punctuations_due(&task->punctuations, KS_STREAM_TIME);
    return made;
}

static void cancel(ks_ctx *ctx, ks_punctuation *punctuation)
{
    struct ks__task *task = ctx->task;

    ks__punctuations_cancel(&task->punctuations, punctuation);
    task->stream_due_ms = ks__punctuations_due(&task->punctuations, KS_STREAM_TIME);
    task->dirty         = true;
}

/* ---- clocks ---- */

/* The clock of this name at the present operator; NULL = no memory, latched. */
static struct ks__task_clock *find_clock(ks_ctx *ctx, const char *what)
{
    struct ks__task       *task = ctx->task;
    struct ks__task_op    *more = ks__task_more(task, ctx->op);
    struct ks__task_clock *clock;

    for (clock = more->clocks; clock != NULL; clock = clock->next)
        if (clock->what == what || strcmp(clock->what, what) == 0)
            return clock;
    clock = ks__zalloc(sizeof(*clock));
    if (clock != NULL)
        clock->name = ks__format("node/%s/%s", ctx->op->node->name, what);
    if (clock == NULL || clock->name == NULL) {
        ks__free(clock);
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for a clock");
        return NULL;
    }
    clock->what  = what;
    clock->value = INT64_MIN;
    if (task->state != NULL)
        clock->value = ks__state_number(task->state, clock->name, INT64_MIN);
    clock->known = clock->value != INT64_MIN;
    clock->next  = more->clocks;
    more->clocks = clock;
    return clock;
}

static int64_t clock_value(ks_ctx *ctx, const char *what, int64_t otherwise)
{
    const struct ks__task_clock *clock = find_clock(ctx, what);

    return clock != NULL && clock->known ? clock->value : otherwise;
}

static void set_clock(ks_ctx *ctx, const char *what, int64_t value)
{
    struct ks__task_clock *clock = find_clock(ctx, what);

    if (clock == NULL)
        return;
    clock->value = value;
    clock->known = true;
    clock->moved = true;
}

static void share_clock(ks_ctx *ctx, const char *what, const char *key)
{
    struct ks__task_clock *clock = find_clock(ctx, what);

    if (clock != NULL)
        ks__task_share_clock(ctx->task, clock, key);
}

/* ---- what others answer ---- */

static struct ks__wake *wake(ks_ctx *ctx)
{
    return ctx->task->options.wake;
}

static int64_t mono_ms(ks_ctx *ctx)
{
    return ctx->task->mono_ms;
}

/* ---- end of the record ---- */

static void at_record_end(ks_ctx *ctx, void (*destroy)(void *object), void *object)
{
    struct ks__task *task = ctx->task;

    if (!KS__GROW(&task->ends, &task->end_capacity, task->end_count + 1)) {
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory to remember what to destroy");
        destroy(object);
        return;
    }
    task->ends[task->end_count++] = (struct ks__task_end){ destroy, object };
}

const struct ks__ctx_ops ks__task_ctx_ops = {
    .failed        = failed,
    .send          = send,
    .dropped       = dropped,
    .kv_store      = kv_store,
    .store         = store_of_kind,
    .user_store    = user_store,
    .op_of         = op_of,
    .schedule      = schedule,
    .cancel        = cancel,
    .commit        = commit,
    .at_record_end = at_record_end,
    .clock         = clock_value,
    .set_clock     = set_clock,
    .share_clock   = share_clock,
    .wake          = wake,
    .mono_ms       = mono_ms,
};

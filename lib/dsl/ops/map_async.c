/* SPDX-License-Identifier: Apache-2.0
 *
 * map_async.c - change the value of a record by an answer that comes later.
 *
 *      record --copy--> bucket of its key --start--> ... --answer--> first of its key? --> leaves
 *                                                                     `no: with the one before it
 *
 * By input order all records are taken as of one key. Nothing here outlives the task: what is held
 * is read again.
 *
 * Not here: the meeting with other threads (pending.c); commits and positions
 * (runtime/task_hold.c).
 */
#include "dsl/dsl.h"
#include "dsl/ops/pending.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/murmur2.h"

#include <string.h>

#define DEFAULT_PENDING    100
#define DEFAULT_TIMEOUT_MS 5000
#define BUCKETS_MOST       4096u

struct async_args {
    ks_start_fn   *start;
    size_t         max_pending;
    int64_t        timeout_ms;
    ks_async_order order;
};

struct bucket {
    struct ks_pending *first, *last;
};

struct async {
    const struct async_args *args;
    struct ks__desk         *desk;
    struct bucket           *buckets;
    size_t                   bucket_count; /* a power of two */
    size_t                   count;        /* held */
    struct ks_pending       *earliest, *latest;    /* without an answer, by due time */
    struct ks_pending       *ready, **ready_end;   /* may leave, by next_answered */
    struct ks_pending       *leaving;      /* lends its bytes to the end of the record */
    struct ks_pending       *spare;
    uint64_t                 step; /* ks_ctx.step of the record before */
    uint64_t                 nth;  /* of its step */
};

/* ---- lists ---- */

static void watch(struct async *self, struct ks_pending *pending)
{
    pending->earlier = self->latest;
    pending->later   = NULL;
    if (self->latest != NULL)
        self->latest->later = pending;
    else
        self->earliest = pending;
    self->latest = pending;
}

static void unwatch(struct async *self, struct ks_pending *pending)
{
    if (pending->earlier != NULL)
        pending->earlier->later = pending->later;
    else
        self->earliest = pending->later;
    if (pending->later != NULL)
        pending->later->earlier = pending->earlier;
    else
        self->latest = pending->earlier;
}

static void enqueue(struct async *self, struct ks_pending *pending)
{
    const ks_bytes key = pending->record.record.key;
    struct bucket *bucket;

    pending->bucket = 0;
    if (self->bucket_count > 1)
        pending->bucket = ks__hash64(key.data, key.size, 0) & (self->bucket_count - 1);
    bucket          = &self->buckets[pending->bucket];
    pending->before = bucket->last;
    pending->after  = NULL;
    if (bucket->last != NULL)
        bucket->last->after = pending;
    else
        bucket->first = pending;
    bucket->last = pending;
    self->count++;
}

static void dequeue(struct async *self, struct ks_pending *pending)
{
    struct bucket *bucket = &self->buckets[pending->bucket];

    if (pending->before != NULL)
        pending->before->after = pending->after;
    else
        bucket->first = pending->after;
    if (pending->after != NULL)
        pending->after->before = pending->before;
    else
        bucket->last = pending->before;
    self->count--;
}

/* Must one leave before the other? */
static bool in_one_order(const struct async *self, const struct ks_pending *one,
                         const struct ks_pending *other)
{
    return self->args->order == KS_ASYNC_BY_INPUT ||
           ks_bytes_equal(one->record.record.key, other->record.record.key);
}

static bool is_first(const struct async *self, const struct ks_pending *pending)
{
    const struct ks_pending *before = pending->before;

    while (before != NULL && !in_one_order(self, before, pending))
        before = before->before;
    return before == NULL;
}

static struct ks_pending *next_of(const struct async *self, const struct ks_pending *pending)
{
    struct ks_pending *after = pending->after;

    while (after != NULL && !in_one_order(self, after, pending))
        after = after->after;
    return after;
}

/* ---- life ---- */

static void async_open(void *state, ks_ctx *ctx)
{
    struct async *self = state;

    self->args         = ctx->op->node->args;
    self->bucket_count = 1;
    self->step         = UINT64_MAX;
    self->ready_end    = &self->ready;
    while (self->args->order == KS_ASYNC_BY_KEY && self->bucket_count < self->args->max_pending &&
           self->bucket_count < BUCKETS_MOST)
        self->bucket_count *= 2;
    self->buckets = ks__zalloc_array(self->bucket_count, sizeof(*self->buckets));
    self->desk    = ks__desk_new(ctx->ops->wake(ctx));
    if (self->buckets == NULL || self->desk == NULL)
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for pending records");
}

/* The operator is done with it. */
static void settle(struct async *self, struct ks_pending *pending)
{
    if (!ks__pending_settle(pending))
        return;
    pending->next_answered = self->spare;
    self->spare            = pending;
}

static void end_leaving(struct async *self)
{
    if (self->leaving != NULL)
        settle(self, self->leaving);
    self->leaving = NULL;
}

static void async_forget(void *state)
{
    struct async      *self = state;
    struct ks_pending *all  = NULL;

    if (self->desk == NULL || self->buckets == NULL)
        return;
    end_leaving(self);
    for (size_t i = 0; i < self->bucket_count; i++) {
        struct bucket *bucket = &self->buckets[i];

        if (bucket->last != NULL)
            bucket->last->after = all;
        if (bucket->first != NULL)
            all = bucket->first;
        *bucket = (struct bucket){ NULL, NULL };
    }
    all = ks__desk_settle(self->desk, all);
    while (all != NULL) {
        struct ks_pending *alone = all;

        all                  = alone->after;
        alone->next_answered = self->spare;
        self->spare          = alone;
    }
    self->earliest  = self->latest = NULL;
    self->ready     = NULL;
    self->ready_end = &self->ready;
    self->count     = 0;
}

static void async_close(void *state, ks_ctx *ctx)
{
    struct async *self = state;

    (void)ctx;
    async_forget(self);
    while (self->spare != NULL) {
        struct ks_pending *gone = self->spare;

        self->spare = gone->next_answered;
        ks__pending_release(gone);
    }
    ks__free(self->buckets);
    ks__desk_release(self->desk);
}

/* ---- in ---- */

static struct ks_pending *take_spare(struct async *self)
{
    struct ks_pending *spare = self->spare;

    if (spare == NULL)
        return ks__pending_new(self->desk);
    self->spare = spare->next_answered;
    return spare;
}

static uint64_t mix(uint64_t bits)
{
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
    return bits ^ (bits >> 31);
}

/* They leave in any order, so which of its origin one is has to be said on its way in. The same in
 * every run: rows of operators below keep it. */
static uint64_t branch_of(struct async *self, const ks_ctx *ctx)
{
    const char *name = ctx->op->node->name;
    uint64_t    here;

    self->nth  = self->step == ctx->step ? self->nth + 1 : 1;
    self->step = ctx->step;
    here       = (uint64_t)ks__murmur2(name, strlen(name)) << 32 | (self->nth & UINT32_MAX);
    here       = mix(here + mix(ctx->branch));
    return here != 0 ? here : 1;
}

static int64_t later_by(int64_t now_ms, int64_t by_ms)
{
    return by_ms < INT64_MAX - now_ms ? now_ms + by_ms : INT64_MAX;
}

static void async_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    struct async      *self    = state;
    struct ks_pending *pending = take_spare(self);
    ks_status          status;

    if (pending == NULL || !ks__pending_fill(pending, ctx, record)) {
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for a pending record");
        if (pending != NULL)
            settle(self, pending);
        return;
    }
    ks__pending_begin(pending);
    pending->branch = branch_of(self, ctx);
    pending->due_ms = later_by(ctx->ops->mono_ms(ctx), self->args->timeout_ms);
    enqueue(self, pending);
    watch(self, pending);
    status = self->args->start(ctx, &pending->record.record, pending, ctx->op->node->user);
    if (ks__pending_started(pending, !ks__ctx_accept(ctx, status), status != KS_OK))
        return;
    unwatch(self, pending);
    dequeue(self, pending);
    settle(self, pending);
}

/* ---- out ---- */

/* Its answer is known: it may leave if no one must leave before. */
static void now_answered(struct async *self, struct ks_pending *pending)
{
    unwatch(self, pending);
    pending->answered = true;
    if (!is_first(self, pending))
        return;
    pending->next_answered = NULL;
    *self->ready_end       = pending;
    self->ready_end        = &pending->next_answered;
}

static void look(struct async *self, int64_t mono_ms)
{
    struct ks_pending *pending = ks__desk_take(self->desk);

    while (pending != NULL) {
        struct ks_pending *next = pending->next_answered;

        now_answered(self, pending);
        pending = next;
    }
    while (self->earliest != NULL && self->earliest->due_ms <= mono_ms) {
        pending = self->earliest;
        if (!ks__pending_time_out(pending))
            break; /* it is on the desk by now */
        now_answered(self, pending);
    }
}

/* The first one that may leave, with the next of its key behind it. NULL = none. */
static struct ks_pending *next_ready(struct async *self)
{
    struct ks_pending *pending = self->ready, *next;

    if (pending == NULL)
        return NULL;
    self->ready = pending->next_answered;
    if (self->ready == NULL)
        self->ready_end = &self->ready;
    next = next_of(self, pending);
    dequeue(self, pending);
    if (next != NULL && next->answered) {
        next->next_answered = self->ready;
        if (self->ready == NULL)
            self->ready_end = &next->next_answered;
        self->ready = next;
    }
    return pending;
}

static void fail(ks_ctx *ctx, const struct ks_pending *pending)
{
    const struct async_args *args = ctx->op->node->args;

    if (pending->answer == KS__ANSWER_NO_MEMORY)
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for an answer");
    else if (pending->answer == KS__ANSWER_TIMEOUT)
        ks__ctx_raise(ctx, KS_EUSER, "no answer within %lld ms (.timeout_ms)",
                      (long long)args->timeout_ms);
    else
        ks__ctx_raise(ctx, KS_EUSER, "%.*s", (int)pending->reply_size,
                      (const char *)pending->reply);
    ctx->record = &pending->record;
    ctx->ops->failed(ctx, ctx->op, &pending->record);
    ctx->record = NULL;
}

static void leave(ks_ctx *ctx, struct ks_pending *pending)
{
    struct ks__record out = pending->record;

    ctx->raw    = pending->has_raw ? &pending->raw : NULL;
    ctx->origin = pending->origin;
    ctx->branch = pending->branch;
    ctx->now_ms = pending->record.record.timestamp_ms;
    if (pending->answer == KS__ANSWER_REFUSED)
        return;
    if (pending->answer != KS__ANSWER_VALUE) {
        fail(ctx, pending);
        return;
    }
    out.record.value = KS_NULL;
    if (!pending->is_null)
        out.record.value = (ks_bytes){ pending->reply != NULL ? (const void *)pending->reply : "",
                                       pending->reply_size };
    ks__forward(ctx, &out);
}

static bool async_let_go(void *state, ks_ctx *ctx, int64_t mono_ms)
{
    struct async      *self = state;
    struct ks_pending *pending;

    end_leaving(self);
    if (self->ready == NULL)
        look(self, mono_ms);
    pending = next_ready(self);
    if (pending == NULL)
        return false;
    leave(ctx, pending);
    ctx->raw      = NULL;
    self->leaving = pending;
    return true;
}

/* ---- questions ---- */

static size_t async_pending(const void *state)
{
    return ((const struct async *)state)->count;
}

static bool async_busy(const void *state)
{
    const struct async *self = state;

    return self->count >= self->args->max_pending;
}

static int64_t async_due_ms(const void *state)
{
    const struct async *self = state;

    return self->earliest != NULL ? self->earliest->due_ms : INT64_MAX;
}

static int64_t async_oldest(const void *state, const char *topic, int32_t partition)
{
    const struct async *self   = state;
    int64_t             oldest = INT64_MAX;

    for (size_t i = 0; i < self->bucket_count && self->count > 0; i++)
        for (const struct ks_pending *p = self->buckets[i].first; p != NULL; p = p->after)
            if (p->origin.topic == topic && p->origin.partition == partition &&
                p->origin.offset < oldest)
                oldest = p->origin.offset;
    return oldest;
}

static const struct ks__op_holding async_holding = {
    .pending = async_pending,
    .busy    = async_busy,
    .let_go  = async_let_go,
    .due_ms  = async_due_ms,
    .oldest  = async_oldest,
    .forget  = async_forget,
};

static const struct ks__op_class map_async_class = {
    .name       = "map_async",
    .prefix     = "KSTREAM-MAPASYNC-",
    .traits     = KS__OP_KEEPS_KEY | KS__OP_STATELESS,
    .state_size = sizeof(struct async),
    .open       = async_open,
    .process    = async_process,
    .close      = async_close,
    .holding    = &async_holding,
};

/* ---- declaration ---- */

static bool check(ks_builder *b, const struct ks__call *call, const ks_async *options)
{
    if (options->max_pending < 0)
        ks__latch(b, call, KS_EINVAL, ".max_pending must be at least 1 (0 = %d), found %d",
                  DEFAULT_PENDING, (int)options->max_pending);
    else if (options->timeout_ms < 0)
        ks__latch(b, call, KS_EINVAL, ".timeout_ms must be at least 1 (0 = %d), found %lld",
                  DEFAULT_TIMEOUT_MS, (long long)options->timeout_ms);
    else if (options->order != KS_ASYNC_BY_KEY && options->order != KS_ASYNC_BY_INPUT)
        ks__latch(b, call, KS_EINVAL, ".order must be KS_ASYNC_BY_KEY or KS_ASYNC_BY_INPUT, "
                  "found %d", (int)options->order);
    return b->error.status == KS_OK;
}

ks_stream *ks_stream_map_async(ks_stream *s, ks_start_fn *start, void *user,
                               const ks_async *async)
{
    struct async_args args = { .start = start };
    struct ks__call   call;
    ks_async          options;
    ks_stream        *out;

    if (!ks__enter(s, KS__KIND_STREAM, __func__, async, &options, sizeof(options), &call) ||
        !ks__need(s->head.builder, &call, start != NULL, "a function that starts") ||
        !check(s->head.builder, &call, &options) ||
        !ks__stream_carry_key(s, &call, &options.key))
        return ks__inert(s);
    args.max_pending = options.max_pending > 0 ? (size_t)options.max_pending : DEFAULT_PENDING;
    args.timeout_ms  = options.timeout_ms > 0 ? options.timeout_ms : DEFAULT_TIMEOUT_MS;
    args.order       = options.order;
    out = ks__stream_append(s, &call, &map_async_class, &args, sizeof(args), user);
    ks__stream_effect(out, KS__EFFECT_VALUE);
    return ks__stream_typed(out, options.key, options.value);
}

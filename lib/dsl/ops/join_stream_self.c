/* SPDX-License-Identifier: Apache-2.0
 *
 * join_stream_self.c - joining the records of a stream with those of the same stream: one store.
 *
 *      stream ──> keep ──> join ──> ...       keep: to the join first, then into the store
 *                   └── store ──^ reads twice: the record as the left side, then as the right one
 *
 * The results are those of the join with two stores, in the same order: the record as left side
 * with what is kept, then as right side; in between, before the first result of a later time, the
 * record with itself, unless it is older than what two stores would keep. A record that meets
 * itself is never without partner, so there is nothing to wait for; an outer side sends one alone
 * at once that is too old or has no key (Kafka Streams drops it here, not so with two stores).
 *
 * Kafka: KStreamKStreamSelfJoin. Threads: the task's.
 */
#include "dsl/ops/join_stream.h"

#include "state/window_store.h"
#include "topology/lent.h"

#define TIME_CLOCK "time"

struct self_join {
    const struct ks__join_self_args *args;
    struct ks_kv_store              *store;
};

static void self_open(void *state, ks_ctx *ctx)
{
    struct self_join *self = state;

    self->args  = ctx->op->node->args;
    self->store = ctx->ops->store(ctx, self->args->store, KS__STORE_WINDOW, true);
    ctx->ops->share_clock(ctx, TIME_CLOCK, NULL);
}

/* The time of this operator, with that of the record. */
static int64_t advance(ks_ctx *ctx, int64_t time_ms)
{
    const int64_t now = ctx->ops->clock(ctx, TIME_CLOCK, -1);

    if (time_ms <= now)
        return now;
    ctx->ops->set_clock(ctx, TIME_CLOCK, time_ms);
    return time_ms;
}

/* `mine` is the record that came: its key and headers go on. */
static void send(const struct self_join *self, ks_ctx *ctx, const ks_record *mine,
                 const ks_record *left, const ks_record *right)
{
    struct ks__record out = { .record = *mine };
    ks_status         status;

    out.record.value        = KS_NULL;
    out.record.timestamp_ms = left->timestamp_ms > right->timestamp_ms ? left->timestamp_ms
                                                                       : right->timestamp_ms;
    status = self->args->join(ctx, left, right, &out.record.value, ctx->op->node->user);
    if (ks__ctx_accept_bytes(ctx, status, out.record.value))
        ks__forward(ctx, &out);
}

static ks_iter *partners(const struct self_join *self, const ks_record *record,
                         const struct ks__join_span *span)
{
    const ks_window reach = ks__join_reach(span, record->timestamp_ms);

    return ks__window_fetch(self->store, record->key, reach.start_ms, reach.end_ms, KS_ASCENDING);
}

static bool next_partner(ks_ctx *ctx, ks_iter *it, const ks_record *record, ks_record *other)
{
    if (ctx->error->status != KS_OK || !ks_iter_next(it, other))
        return false;
    other->timestamp_ms = other->window->start_ms;
    other->window       = record->window;
    return true;
}

static void send_alone(const struct self_join *self, ks_ctx *ctx, const ks_record *record,
                       bool left)
{
    const ks_record nobody = { .key = record->key, .timestamp_ms = -1, .window = record->window };

    if (ctx->error->status == KS_OK)
        send(self, ctx, record, left ? record : &nobody, left ? &nobody : record);
}

static void join_as_left(const struct self_join *self, ks_ctx *ctx, const ks_record *record,
                         bool with_itself)
{
    ks_iter *it    = partners(self, record, &self->args->span);
    bool     alone = self->args->left_outer && !with_itself;

    for (ks_record other; next_partner(ctx, it, record, &other); alone = false)
        send(self, ctx, record, record, &other);
    ks_iter_close(it);
    if (alone)
        send_alone(self, ctx, record, true);
}

/* With itself where the results would come out of order, or at the end. */
static void join_as_right(const struct self_join *self, ks_ctx *ctx, const ks_record *record,
                          bool with_itself)
{
    const struct ks__join_span span = ks__join_mirror(&self->args->span);
    ks_iter                   *it   = partners(self, record, &span);
    bool                       alone = self->args->right_outer && !with_itself;

    for (ks_record other; next_partner(ctx, it, record, &other); alone = false) {
        if (with_itself && record->timestamp_ms < other.timestamp_ms) {
            send(self, ctx, record, record, record);
            with_itself = false;
        }
        if (ctx->error->status == KS_OK)
            send(self, ctx, record, &other, record);
    }
    ks_iter_close(it);
    if (with_itself && ctx->error->status == KS_OK)
        send(self, ctx, record, record, record);
    if (alone)
        send_alone(self, ctx, record, false);
}

/* No key, no partner. */
static void without_key(const struct self_join *self, ks_ctx *ctx, const ks_record *record)
{
    if (self->args->left_outer)
        send_alone(self, ctx, record, true);
    if (self->args->right_outer)
        send_alone(self, ctx, record, false);
    else
        ks__ctx_drop(ctx, KS__DROP_NULL_KEY);
}

/* Would the other store of two hold the record itself, within reach? Kafka Streams does not ask
 * whether it is within reach: windows that begin after it or end before it. */
static bool meets_itself(const struct ks__join_span *span, int64_t record_ms, int64_t time_ms)
{
    const int64_t kept_ms = ks__time_add(ks__time_add(span->before_ms, span->after_ms),
                                         span->grace_ms);

    return span->before_ms >= 0 && span->after_ms >= 0 &&
           record_ms > ks__time_add(ks__time_sub(time_ms, kept_ms), 1);
}

static void self_process(void *state, ks_ctx *ctx, const struct ks__record *in)
{
    const struct self_join *self   = state;
    const ks_record        *record = &in->record;
    bool                    with_itself;

    if (record->value.data == NULL) {
        ks__ctx_drop(ctx, record->key.data == NULL ? KS__DROP_NULL_KEY : KS__DROP_NULL_VALUE);
        return;
    }
    if (record->key.data == NULL) {
        without_key(self, ctx, record);
        return;
    }
    with_itself = meets_itself(&self->args->span, record->timestamp_ms,
                               advance(ctx, record->timestamp_ms));
    join_as_left(self, ctx, record, with_itself);
    if (ctx->error->status == KS_OK)
        join_as_right(self, ctx, record, with_itself);
}

const struct ks__op_class ks__join_self_class = {
    .name       = "self join",
    .prefix     = "KSTREAM-MERGE-",
    .traits     = KS__OP_KEEPS_KEY,
    .state_size = sizeof(struct self_join),
    .open       = self_open,
    .process    = self_process,
};

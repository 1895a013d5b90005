/* SPDX-License-Identifier: Apache-2.0
 *
 * join_stream_op.c - joining the records of two streams that lie close in time.
 *
 *      left ──> keep ──> join this ──┐            keep: to the join first, then into its own store
 *                 |         ^ reads  ├─> merge    join: with all of the other store within reach
 *      right ─> keep ──> join other ─┘            waiting: [time][left][key] -> list of values
 *
 * Outer sides: a record without partner waits until none can come any more; then it leaves, in the
 * order of time, right before left, key. A partner takes all waiting records of its key, time and
 * side along. When to look is throttled by the wall clock, and by the smallest time that waits.
 *
 * Stream time, that smallest time and the next look are shared by the two sides: clocks of the
 * merge that both lead to.
 *
 * Layouts on the changelog are Kafka's (TimestampedKeyAndJoinSide, a list of LeftOrRightValue).
 * Kafka: KStreamJoinWindow, KStreamKStreamJoin. Threads: the task's.
 */
#include "dsl/ops/join_stream.h"

#include "dsl/ops/idle.h"

#include "base/buffer.h"
#include "base/reader.h"
#include "state/window_store.h"
#include "topology/lent.h"

#include <string.h>

#define TIME_CLOCK    "time"
#define WAITING_CLOCK "waiting"   /* smallest time that may be waiting */
#define NEXT_CLOCK    "next-emit"
#define UNKNOWN       INT64_MIN   /* after a move to another host */

/* ---- keep ---- */

struct keep {
    struct ks_kv_store *store;
};

static void keep_open(void *state, ks_ctx *ctx)
{
    const struct ks__join_keep_args *args = ctx->op->node->args;

    ((struct keep *)state)->store = ctx->ops->store(ctx, args->store, KS__STORE_WINDOW, true);
}

static void keep_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct keep *keep = state;

    ks__forward(ctx, record);
    if (record->record.key.data == NULL || ctx->error->status != KS_OK)
        return;
    ks__window_put(keep->store, record->record.key, record->record.timestamp_ms,
                   &(struct ks__row){ .value        = record->record.value,
                                      .timestamp_ms = record->record.timestamp_ms });
}

const struct ks__op_class ks__join_keep_class = {
    .name       = "join window",
    .prefix     = "KSTREAM-WINDOWED-",
    .traits     = KS__OP_KEEPS_KEY | KS__OP_KEEPS_TYPES,
    .state_size = sizeof(struct keep),
    .open       = keep_open,
    .process    = keep_process,
};

/* ---- join ---- */

struct side {
    const struct ks__join_side_args *args;
    struct ks_kv_store              *other;
    struct ks_kv_store              *waiting;
    struct ks__op                   *shared; /* whose clocks both sides use */
};

static void side_open(void *state, ks_ctx *ctx)
{
    struct side   *side = state;
    struct ks__op *op   = ctx->op;

    side->args   = ctx->op->node->args;
    side->shared = ctx->op->children[0];
    side->other  = ctx->ops->store(ctx, side->args->other, KS__STORE_WINDOW, true);
    if (side->args->waiting != NULL)
        side->waiting = ctx->ops->store(ctx, side->args->waiting, KS__STORE_KV, true);
    ctx->op = side->shared;
    ctx->ops->share_clock(ctx, TIME_CLOCK, NULL);
    ctx->op = op;
}

static int64_t clock(const struct side *side, ks_ctx *ctx, const char *what, int64_t otherwise)
{
    struct ks__op *op = ctx->op;
    int64_t        value;

    ctx->op = side->shared;
    value   = ctx->ops->clock(ctx, what, otherwise);
    ctx->op = op;
    return value;
}

static void set_clock(const struct side *side, ks_ctx *ctx, const char *what, int64_t value)
{
    struct ks__op *op = ctx->op;

    ctx->op = side->shared;
    ctx->ops->set_clock(ctx, what, value);
    ctx->op = op;
}

/* Join two values and send the result; a null `other` = no partner. */
static void send(const struct side *side, ks_ctx *ctx, const ks_record *mine,
                 const ks_record *other, bool mine_is_left)
{
    struct ks__record out = { .record = *mine };
    ks_status         status;

    out.record.value = KS_NULL;
    if (other->timestamp_ms > mine->timestamp_ms)
        out.record.timestamp_ms = other->timestamp_ms;
    status           = side->args->join(ctx, mine_is_left ? mine : other,
                                        mine_is_left ? other : mine, &out.record.value,
                                        ctx->op->node->user);
    if (ks__ctx_accept_bytes(ctx, status, out.record.value))
        ks__forward(ctx, &out);
}

static void send_alone(const struct side *side, ks_ctx *ctx, const ks_record *mine, bool is_left)
{
    const ks_record nobody = { .key = mine->key, .timestamp_ms = -1, .window = mine->window };

    send(side, ctx, mine, &nobody, is_left);
}

/* ---- waiting records ---- */

#define WAITING_HEAD 9 /* time and side */

static ks_bytes waiting_key(ks_ctx *ctx, ks_bytes key, int64_t time_ms, bool left)
{
    uint8_t *text = ks__arena_alloc(ctx->arena, WAITING_HEAD + key.size);

    if (text == NULL) {
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for a record that waits for its partner");
        return KS_NULL;
    }
    ks__put_be64(text, (uint64_t)time_ms);
    text[8] = left;
    if (key.size != 0)
        memcpy(text + WAITING_HEAD, key.data, key.size);
    return (ks_bytes){ text, WAITING_HEAD + key.size };
}

/* The list with one more value behind: { 1, count, { size, left, value } ... }. */
static ks_bytes longer_list(ks_ctx *ctx, ks_bytes list, ks_bytes value, bool left)
{
    const size_t before = list.data != NULL && list.size >= 5 ? list.size : 5;
    uint8_t     *text   = ks__arena_alloc(ctx->arena, before + 5 + value.size);

    if (text == NULL) {
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for a record that waits for its partner");
        return KS_NULL;
    }
    memset(text, 0, 5);
    if (list.data != NULL && list.size >= 5)
        memcpy(text, list.data, list.size);
    text[0] = 1;
    ks__put_be32(text + 1, ks__get_be32(text + 1) + 1);
    ks__put_be32(text + before, (uint32_t)(value.size + 1));
    text[before + 4] = left;
    if (value.size != 0)
        memcpy(text + before + 5, value.data, value.size);
    return (ks_bytes){ text, before + 5 + value.size };
}

static void wait(const struct side *side, ks_ctx *ctx, const ks_record *record)
{
    const bool     left = side->args->left;
    const ks_bytes key  = waiting_key(ctx, record->key, record->timestamp_ms, left);
    const int64_t  least = clock(side, ctx, WAITING_CLOCK, INT64_MAX);
    struct ks__row row;

    if (key.data == NULL)
        return;
    ks__kv_get(side->waiting, key, &row);
    row.value        = longer_list(ctx, row.value, record->value, left);
    row.timestamp_ms = record->timestamp_ms;
    row.headers      = NULL;
    if (ctx->error->status != KS_OK)
        return;
    ks__kv_put(side->waiting, key, &row);
    if (record->timestamp_ms < least)
        set_clock(side, ctx, WAITING_CLOCK, record->timestamp_ms);
}

/* The partner that came: what waited of it will not be sent alone. */
static void cancel(const struct side *side, ks_ctx *ctx, ks_bytes key, int64_t time_ms)
{
    const ks_bytes waiting = waiting_key(ctx, key, time_ms, !side->args->left);
    struct ks__row row;

    if (waiting.data != NULL && ks__kv_get(side->waiting, waiting, &row))
        ks__kv_put(side->waiting, waiting,
                   &(struct ks__row){ .value = KS_NULL, .timestamp_ms = time_ms });
}

/* ---- release ---- */

/* Send all values of a waiting entry. */
static void release_entry(const struct side *side, ks_ctx *ctx, const ks_record *cause,
                          const ks_record *entry)
{
    struct ks__reader in    = ks__reader_of(entry->value);
    const uint8_t     flag  = ks__reader_u8(&in);
    const uint32_t    count = ks__reader_u32(&in);
    const uint8_t    *head  = entry->key.data;

    for (uint32_t i = 0; i < count && flag == 1 && !in.failed; i++) {
        ks_bytes  item   = ks__reader_bytes(&in, ks__reader_u32(&in));
        ks_record record = *cause;

        if (item.size < 1)
            break;
        record.key          = (ks_bytes){ head + WAITING_HEAD, entry->key.size - WAITING_HEAD };
        record.value        = (ks_bytes){ (const uint8_t *)item.data + 1, item.size - 1 };
        record.timestamp_ms = (int64_t)ks__get_be64(head);
        send_alone(side, ctx, &record, head[8] != 0);
        if (!ks__ctx_forgive(ctx, &(struct ks__record){ .record = record }, false))
            return;
    }
    if (in.failed)
        ks__ctx_raise(ctx, KS_ECORRUPT, "a record that waits for its partner is damaged");
    ks__kv_put(side->waiting, entry->key,
               &(struct ks__row){ .value = KS_NULL, .timestamp_ms = cause->timestamp_ms });
}

/* How many values wait in an entry. */
static uint32_t waiting_count(const ks_record *entry)
{
    struct ks__reader in = ks__reader_of(entry->value);

    ks__reader_u8(&in);
    return ks__reader_u32(&in);
}

/* Everything whose time is up, and the smallest time that was looked at last: of values, not of
 * entries, so the second value of an entry ends a look as another entry does. */
static int64_t release_all(const struct side *side, ks_ctx *ctx, const ks_record *cause,
                           int64_t time_ms)
{
    const struct ks__join_span mine    = side->args->span;
    const struct ks__join_span others  = ks__join_mirror(&mine);
    const struct ks__join_span *left   = side->args->left ? &mine : &others;
    const struct ks__join_span *right  = side->args->left ? &others : &mine;
    int64_t                     least  = INT64_MAX;
    bool                        is_open[2] = { false, false };
    ks_iter *it = ks__kv_range(side->waiting, KS_NULL, KS_NULL, KS_ASCENDING);

    for (ks_record row; ctx->error->status == KS_OK && ks_iter_next(it, &row);) {
        const uint8_t *head = row.key.data;
        const bool     is_left = row.key.size >= WAITING_HEAD && head[8] != 0;

        if (row.key.size < WAITING_HEAD)
            continue;
        least = (int64_t)ks__get_be64(head);
        if (is_open[0] && is_open[1])
            break;
        if (ks__join_is_closed(is_left ? left : right, least, time_ms))
            release_entry(side, ctx, cause, &row);
        else
            is_open[is_left] = true; /* later ones of this side are open too */
        if (is_open[0] && is_open[1] && waiting_count(&row) > 1)
            break;
    }
    ks_iter_close(it);
    return least;
}

static bool nothing_waits(const struct side *side)
{
    ks_iter  *it = ks__kv_range(side->waiting, KS_NULL, KS_NULL, KS_ASCENDING);
    ks_record row;
    bool      found = ks_iter_next(it, &row);

    ks_iter_close(it);
    return !found;
}

static void release(const struct side *side, ks_ctx *ctx, const ks_record *cause, int64_t time_ms)
{
    const struct ks__join_span *span  = &side->args->span;
    int64_t                     least = clock(side, ctx, WAITING_CLOCK, UNKNOWN);
    int64_t                     next;

    if (least == UNKNOWN && nothing_waits(side))
        least = INT64_MAX;
    /* Kafka's sum wraps: with nothing waiting it looks all the same, and puts off the next look. */
    if (least != UNKNOWN &&
        (int64_t)((uint64_t)least + (uint64_t)span->after_ms + (uint64_t)span->grace_ms) >= time_ms)
        return;
    next = clock(side, ctx, NEXT_CLOCK, INT64_MIN);
    /* Further away than it can be put off: of before the wall clock was set back. */
    if (ctx->wall_time_ms < next && next - ctx->wall_time_ms <= ctx->join_emit_ms)
        return;
    if (ctx->join_emit_ms > 0)
        set_clock(side, ctx, NEXT_CLOCK, ks__time_add(ctx->wall_time_ms, ctx->join_emit_ms));
    least = release_all(side, ctx, cause, time_ms);
    if (ctx->error->status == KS_OK)
        set_clock(side, ctx, WAITING_CLOCK, least);
}

/* ---- a record ---- */

/* Join with everything within reach; true = there was a partner. */
static bool join_partners(const struct side *side, ks_ctx *ctx, const ks_record *record)
{
    const ks_window reach = ks__join_reach(&side->args->span, record->timestamp_ms);
    ks_iter *it = ks__window_fetch(side->other, record->key, reach.start_ms, reach.end_ms,
                                   KS_ASCENDING);
    bool     found = false;

    for (ks_record other; ctx->error->status == KS_OK && ks_iter_next(it, &other);) {
        found              = true;
        other.timestamp_ms = other.window->start_ms;
        if (side->waiting != NULL)
            cancel(side, ctx, record->key, other.timestamp_ms);
        other.window = record->window;
        send(side, ctx, record, &other, side->args->left);
    }
    ks_iter_close(it);
    return found;
}

static int64_t advance(const struct side *side, ks_ctx *ctx, int64_t time_ms)
{
    const int64_t  now = clock(side, ctx, TIME_CLOCK, -1);
    struct ks__op *op  = ctx->op;

    ctx->op = side->shared;
    ks__idle_record(ctx);
    ctx->op = op;

    if (time_ms <= now)
        return now;
    set_clock(side, ctx, TIME_CLOCK, time_ms);
    return time_ms;
}

static void side_process(void *state, ks_ctx *ctx, const struct ks__record *in)
{
    const struct side *side    = state;
    const ks_record   *record  = &in->record;
    const int64_t      time_ms = advance(side, ctx, record->timestamp_ms);
    ks_window          reach;

    if (record->value.data == NULL || (record->key.data == NULL && !side->args->outer)) {
        ks__ctx_drop(ctx, record->key.data == NULL ? KS__DROP_NULL_KEY : KS__DROP_NULL_VALUE);
        return;
    }
    if (record->key.data == NULL) {
        send_alone(side, ctx, record, side->args->left);
        return;
    }
    if (side->waiting != NULL && record->timestamp_ms == time_ms)
        release(side, ctx, record, time_ms);
    if (ctx->error->status != KS_OK || join_partners(side, ctx, record) ||
        ctx->error->status != KS_OK || !side->args->outer)
        return;
    reach = ks__join_reach(&side->args->span, record->timestamp_ms);
    if (reach.end_ms < time_ms)
        send_alone(side, ctx, record, side->args->left);
    else
        wait(side, ctx, record);
}

/* While nothing comes to either side; the left one looks, for both. */
static bool side_idle(void *state, ks_ctx *ctx)
{
    static const ks_record nothing = { .timestamp_ms = -1 };
    const struct side     *side    = state;
    struct ks__op         *op      = ctx->op;
    int64_t                now, then;

    if (side->waiting == NULL || !side->args->left)
        return false;
    now     = clock(side, ctx, TIME_CLOCK, -1);
    ctx->op = side->shared;
    then    = ks__idle_time(ctx, now);
    ctx->op = op;
    if (then == now || nothing_waits(side))
        return false;
    set_clock(side, ctx, TIME_CLOCK, then);
    ctx->op = side->shared;
    ks__idle_went_on(ctx);
    ctx->op = op;
    release(side, ctx, &nothing, then);
    return true;
}

const struct ks__op_class ks__join_side_class = {
    .name       = "stream-stream join",
    .prefix     = "KSTREAM-JOINTHIS-",
    .traits     = KS__OP_KEEPS_KEY,
    .state_size = sizeof(struct side),
    .open       = side_open,
    .process    = side_process,
    .idle       = side_idle,
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * join_on_left.c - a foreign-key join where the left table is: subscribe to right rows, resolve
 * answers.
 *
 *      old key   new key    inner join sends                   left join sends
 *      -         x          if available x                     always x
 *      x         x          if available x                     always x
 *      x         y          delete silently x, always y        delete silently x, always y
 *      x         -          delete and answer x                delete silently x, always (null)
 *      -         -          nothing (dropped if a row came)    always (null)
 */
#include "dsl/ops/join_on.h"
#include "serde/murmur3.h"
#include "serde/subscription.h"
#include "topology/lent.h"

/* The hash of a value, in the arena; null for null. */
static ks_bytes hash_of(ks_ctx *ctx, ks_bytes value)
{
    uint8_t *hash;

    if (value.data == NULL)
        return KS_NULL;
    hash = ks__arena_alloc(ctx->arena, KS__MURMUR3_BYTES);
    if (hash == NULL) {
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for a hash");
        return KS_NULL;
    }
    ks__murmur3(value.data, value.size, hash);
    return (ks_bytes){ hash, KS__MURMUR3_BYTES };
}

ks_bytes ks__join_on_foreign(ks_ctx *ctx, const ks_record *record, ks_bytes value)
{
    const struct ks__join_on_args *args = ctx->op->node->args;
    ks_record                      row  = *record;
    ks_bytes                       key  = KS_NULL;
    ks_status                      status;

    if (value.data == NULL || ctx->error->status != KS_OK)
        return KS_NULL;
    row.value = value;
    status    = args->foreign(ctx, &row, &key, ctx->op->node->user);
    if (status == KS_SKIP && ctx->error->status == KS_OK)
        return KS_NULL;
    return ks__ctx_accept_bytes(ctx, status, key) ? key : KS_NULL;
}

/* ---- subscribe ---- */

static void send(ks_ctx *ctx, const ks_record *record, ks_bytes foreign,
                 enum ks__instruction instruction)
{
    struct ks__record             out          = { .record = *record };
    const struct ks__subscription subscription = { .instruction = instruction,
                                                   .hash        = hash_of(ctx, record->value),
                                                   .primary     = record->key,
                                                   .partition   = ctx->partition };

    if (ctx->error->status != KS_OK)
        return;
    out.record.key = foreign;
    if (ks__subscription_write(&subscription, ctx->arena, &out.record.value))
        ks__forward(ctx, &out);
    else
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for a subscription");
}

static void subscribe_left(ks_ctx *ctx, const ks_record *record, ks_bytes old, ks_bytes new)
{
    if (old.data != NULL && !ks_bytes_equal(old, new))
        send(ctx, record, old, KS__DELETE_SILENTLY);
    send(ctx, record, new, KS__ANSWER_ALWAYS);
}

static void subscribe_inner(ks_ctx *ctx, const ks_record *record, ks_bytes old, ks_bytes new)
{
    if (new.data == NULL) {
        if (record->value.data != NULL)
            ks__ctx_drop(ctx, KS__DROP_NULL_KEY);
        if (old.data != NULL)
            send(ctx, record, old, KS__DELETE_AND_ANSWER);
        return;
    }
    if (old.data == NULL || ks_bytes_equal(old, new)) {
        send(ctx, record, new, KS__ANSWER_IF_AVAILABLE);
        return;
    }
    send(ctx, record, old, KS__DELETE_SILENTLY);
    send(ctx, record, new, KS__ANSWER_ALWAYS);
}

static void subscribe_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct ks__join_on_args *args = ctx->op->node->args;
    ks_bytes                       old, new;

    (void)state;
    if (record->record.key.data == NULL || record->stale) {
        ks__ctx_drop(ctx, record->stale ? KS__DROP_STALE : KS__DROP_NULL_KEY);
        return;
    }
    if (record->record.value.data == NULL && record->old.data == NULL)
        return;
    old = ks__join_on_foreign(ctx, &record->record, record->old);
    new = ks__join_on_foreign(ctx, &record->record, record->record.value);
    if (ctx->error->status != KS_OK)
        return;
    if (args->left)
        subscribe_left(ctx, &record->record, old, new);
    else
        subscribe_inner(ctx, &record->record, old, new);
}

const struct ks__op_class ks__join_on_subscribe_class = {
    .name    = "foreign-key join, subscribe",
    .prefix  = "KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-",
    .traits  = KS__OP_STATELESS,
    .process = subscribe_process,
};

/* ---- resolve ---- */

struct resolve {
    struct ks__op *left;
};

static void resolve_open(void *state, ks_ctx *ctx)
{
    struct resolve *self = state;

    self->left = ks__table_view(ctx, 0);
}

/* The result for the present left row; null = a deletion. */
static ks_bytes resolved(ks_ctx *ctx, const ks_record *record, const struct ks__row *row,
                         ks_bytes value)
{
    const struct ks__join_on_args *args = ctx->op->node->args;
    const ks_record                left = { .key          = record->key,
                                            .value        = row->value,
                                            .timestamp_ms = row->timestamp_ms,
                                            .headers      = row->headers };
    ks_record                      right = { .value = value, .timestamp_ms = -1 };
    ks_bytes                       out   = KS_NULL;
    ks_status                      status;

    if (row->value.data == NULL || (value.data == NULL && !args->left))
        return KS_NULL;
    right.key = ks__join_on_foreign(ctx, &left, left.value);
    if (value.data != NULL)
        right.timestamp_ms = record->timestamp_ms;
    if (ctx->error->status != KS_OK)
        return KS_NULL;
    status = args->join(ctx, &left, &right, &out, ctx->op->node->user);
    if (status == KS_SKIP && ctx->error->status == KS_OK)
        return KS_NULL;
    return ks__ctx_accept_bytes(ctx, status, out) ? out : KS_NULL;
}

static void resolve_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct resolve    *self = state;
    const struct ks__row_key key  = ks__row_key_of(&record->record);
    struct ks__record        out  = { .record = record->record };
    struct ks__answer        answer;
    struct ks__row           row;
    ks_bytes                 hash;

    if (record->record.key.data == NULL ||
        !ks__answer_read(record->record.value, &answer)) {
        ks__ctx_raise(ctx, KS_EDATA, "an answer of a foreign-key join is damaged");
        return;
    }
    ks__table_row_of(ctx, self->left, &key, &row);
    hash = hash_of(ctx, row.value);
    if (ctx->error->status != KS_OK)
        return;
    if ((hash.data == NULL) != (answer.hash.data == NULL) ||
        !ks_bytes_equal(hash, answer.hash)) {
        ks__ctx_drop(ctx, KS__DROP_STALE); /* FK1 */
        return;
    }
    out.record.value = resolved(ctx, &record->record, &row, answer.value);
    if (ctx->error->status == KS_OK)
        ks__forward(ctx, &out);
}

const struct ks__op_class ks__join_on_resolve_class = {
    .name       = "foreign-key join, resolve",
    .prefix     = "KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-RESOLVER-PROCESSOR-",
    .traits     = KS__OP_STATELESS,
    .state_size = sizeof(struct resolve),
    .open       = resolve_open,
    .process    = resolve_process,
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * join_on_right.c - a foreign-key join where the right table is: keep subscriptions, answer them.
 *
 * An answer to a subscription has the larger time of both rows; an answer to a change on the right
 * has that of the right row alone, as in Kafka Streams.
 */
#include "dsl/ops/join_on.h"
#include "serde/subscription.h"

ks_status ks__join_on_route(ks_ctx *ctx, const ks_record *record, ks_partitions *out, void *user)
{
    (void)record, (void)user;
    if (ctx->record->partition > 0)
        ks_partitions_add(out, ctx->record->partition - 1);
    return KS_OK;
}

static bool read(ks_ctx *ctx, ks_bytes bytes, struct ks__subscription *subscription)
{
    if (ks__subscription_read(bytes, subscription))
        return true;
    ks__ctx_raise(ctx, KS_EDATA, "a subscription of a foreign-key join is damaged");
    return false;
}

static void answer(ks_ctx *ctx, const ks_record *record,
                   const struct ks__subscription *subscription, ks_bytes value)
{
    const struct ks__answer answer = { subscription->hash, value };
    struct ks__record       out    = { .record    = *record,
                                       .partition = subscription->partition + 1 };

    out.record.key = subscription->primary;
    if (ks__answer_write(&answer, ctx->arena, &out.record.value))
        ks__forward(ctx, &out);
    else
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for an answer");
}

/* ---- register: a subscription comes, goes, or changes ---- */

struct subscriptions {
    struct ks_kv_store *store;
};

static void subscriptions_open(void *state, ks_ctx *ctx)
{
    struct subscriptions          *self = state;
    const struct ks__join_on_args *args = ctx->op->node->args;

    self->store = ctx->ops->kv_store(ctx, args->store, true);
}

static void register_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct subscriptions *self = state;
    struct ks__row              row  = { record->record.value, record->record.timestamp_ms, NULL };
    struct ks__subscription     subscription;
    ks_bytes                    key;

    if (!read(ctx, record->record.value, &subscription))
        return;
    if (record->record.key.data == NULL) {
        if (subscription.instruction == KS__ANSWER_ALWAYS)
            ks__forward(ctx, record);
        else
            ks__ctx_drop(ctx, KS__DROP_NULL_KEY);
        return;
    }
    if (!ks__subscription_key_write(record->record.key, subscription.primary, ctx->arena, &key)) {
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for a key");
        return;
    }
    if (subscription.instruction == KS__DELETE_SILENTLY ||
        subscription.instruction == KS__DELETE_AND_ANSWER)
        row.value = KS_NULL;
    ks__kv_put(self->store, key, &row);
    if (ctx->error->status == KS_OK)
        ks__forward(ctx, record);
}

const struct ks__op_class ks__join_on_register_class = {
    .name       = "foreign-key join, register",
    .prefix     = "KTABLE-FK-JOIN-SUBSCRIPTION-PROCESSOR-",
    .traits     = KS__OP_KEEPS_KEY,
    .state_size = sizeof(struct subscriptions),
    .open       = subscriptions_open,
    .process    = register_process,
};

/* ---- ask: the right row of a new subscription ---- */

struct ask {
    struct ks__op *right;
};

static void ask_open(void *state, ks_ctx *ctx)
{
    struct ask *self = state;

    self->right = ks__table_view(ctx, 0);
}

static void ask_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct ask        *self  = state;
    const struct ks__row_key key   = { record->record.key, NULL, KS__NOW };
    ks_record                about = record->record;
    struct ks__row           row   = { .value = KS_NULL };
    struct ks__subscription  subscription;

    if (!read(ctx, record->record.value, &subscription))
        return;
    if (key.key.data != NULL && ks__table_row_of(ctx, self->right, &key, &row) &&
        row.timestamp_ms > about.timestamp_ms)
        about.timestamp_ms = row.timestamp_ms;
    if (ctx->error->status != KS_OK || subscription.instruction == KS__DELETE_SILENTLY ||
        (subscription.instruction == KS__ANSWER_IF_AVAILABLE && row.value.data == NULL))
        return;
    answer(ctx, &about, &subscription,
           subscription.instruction == KS__DELETE_AND_ANSWER ? KS_NULL : row.value);
}

const struct ks__op_class ks__join_on_ask_class = {
    .name       = "foreign-key join, ask",
    .prefix     = "KTABLE-FK-JOIN-SUBSCRIPTION-PROCESSOR-",
    .traits     = KS__OP_STATELESS,
    .state_size = sizeof(struct ask),
    .open       = ask_open,
    .process    = ask_process,
};

/* ---- notify: a right row has changed ---- */

static void notify_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct subscriptions *self = state;
    ks_bytes                    prefix, foreign;
    ks_iter                    *it;

    if (record->record.key.data == NULL || record->stale) {
        ks__ctx_drop(ctx, record->stale ? KS__DROP_STALE : KS__DROP_NULL_KEY);
        return;
    }
    if (!ks__subscription_key_write(record->record.key, KS_NULL, ctx->arena, &prefix)) {
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for a key");
        return;
    }
    it = ks__kv_prefix(self->store, prefix, KS_ASCENDING);
    for (ks_record row; ctx->error->status == KS_OK && ks_iter_next(it, &row);) {
        struct ks__subscription subscription;

        if (!read(ctx, row.value, &subscription) ||
            !ks__subscription_key_read(row.key, &foreign, &subscription.primary))
            break;
        answer(ctx, &record->record, &subscription, record->record.value);
    }
    ks_iter_close(it);
}

const struct ks__op_class ks__join_on_notify_class = {
    .name       = "foreign-key join, notify",
    .prefix     = "KTABLE-FK-JOIN-SUBSCRIPTION-PROCESSOR-",
    .traits     = KS__OP_STATELESS,
    .state_size = sizeof(struct subscriptions),
    .open       = subscriptions_open,
    .process    = notify_process,
};

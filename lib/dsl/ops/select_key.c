/* SPDX-License-Identifier: Apache-2.0
 *
 * select_key.c - a new key for each record; also the first half of group_by.
 */
#include "dsl/dsl.h"

#include "topology/lent.h"

static void select_key_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct ks__select_key_args *args = ctx->op->node->args;
    struct ks__record                 out  = { .record = record->record };
    ks_status                         status;

    (void)state;
    status = args->select(ctx, &record->record, &out.record.key, ctx->op->node->user);
    if (!ks__ctx_accept_bytes(ctx, status, out.record.key))
        return;
    out.record.window = NULL;
    ks__forward(ctx, &out);
}

const struct ks__op_class ks__select_key_class = {
    .name    = "select_key",
    .prefix  = "KSTREAM-KEY-SELECT-",
    .traits  = KS__OP_STATELESS,
    .process = select_key_process,
};

ks_stream *ks_stream_select_key(ks_stream *s, ks_selector_fn *select, void *user,
                                const ks_named *named)
{
    const struct ks__select_key_args args = { select };
    struct ks__call                  call;
    ks_named                         options;
    ks_stream                       *out;

    if (!ks__enter(s, KS__KIND_STREAM, __func__, named, &options, sizeof(options), &call) ||
        !ks__need(s->head.builder, &call, select != NULL, "a selector") ||
        !ks__agree(s->head.builder, &call, "value", &options.value,
                   &(struct ks__found){ s->value, s->node->name, "KS_NAMED" }))
        return ks__inert(s);
    out = ks__stream_append(s, &call, &ks__select_key_class, &args, sizeof(args), user);
    ks__stream_effect(out, KS__EFFECT_KEY);
    return ks__stream_rekeyed(ks__stream_typed(out, options.key, options.value));
}

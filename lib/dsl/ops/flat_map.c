/* SPDX-License-Identifier: Apache-2.0
 *
 * flat_map.c - any number of records out of one; the function forwards them.
 */
#include "dsl/dsl.h"

struct flat_map_args {
    ks_visitor_fn *expand;
};

/* Let the function forward; what it forwards keeps key and time if `keep_key`. */
static void expand(ks_ctx *ctx, const struct ks__record *record, bool keep_key)
{
    const struct flat_map_args *args = ctx->op->node->args;
    ks_status                   status;

    ctx->may_forward = true;
    ctx->keep_key    = keep_key;
    status           = args->expand(ctx, &record->record, ctx->op->node->user);
    ctx->may_forward = false;
    ctx->keep_key    = false;
    ks__ctx_accept(ctx, status);
}

static void flat_map_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    (void)state;
    expand(ctx, record, false);
}

static const struct ks__op_class flat_map_class = {
    .name    = "flat_map",
    .prefix  = "KSTREAM-FLATMAP-",
    .traits  = KS__OP_PLAIN_KEYS | KS__OP_STATELESS,
    .process = flat_map_process,
};

static void flat_map_values_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    (void)state;
    expand(ctx, record, true);
}

static const struct ks__op_class flat_map_values_class = {
    .name    = "flat_map_values",
    .prefix  = "KSTREAM-FLATMAPVALUES-",
    .traits  = KS__OP_KEEPS_KEY | KS__OP_STATELESS,
    .process = flat_map_values_process,
};

ks_stream *ks_stream_flat_map(ks_stream *s, ks_visitor_fn *expand_fn, void *user,
                              const ks_named *named)
{
    const struct flat_map_args args = { expand_fn };
    struct ks__call            call;
    ks_named                   options;
    ks_stream                 *out;

    if (!ks__enter(s, KS__KIND_STREAM, __func__, named, &options, sizeof(options), &call) ||
        !ks__need(s->head.builder, &call, expand_fn != NULL, "a visitor"))
        return ks__inert(s);
    out = ks__stream_append(s, &call, &flat_map_class, &args, sizeof(args), user);
    ks__stream_effect(out, KS__EFFECT_KEY);
    return ks__stream_rekeyed(ks__stream_typed(out, options.key, options.value));
}

ks_stream *ks_stream_flat_map_values(ks_stream *s, ks_visitor_fn *expand_fn, void *user,
                                     const ks_named *named)
{
    const struct flat_map_args args = { expand_fn };
    struct ks__call            call;
    ks_named                   options;
    ks_stream                 *out;

    if (!ks__enter(s, KS__KIND_STREAM, __func__, named, &options, sizeof(options), &call) ||
        !ks__need(s->head.builder, &call, expand_fn != NULL, "a visitor") ||
        !ks__stream_carry_key(s, &call, &options.key))
        return ks__inert(s);
    out = ks__stream_append(s, &call, &flat_map_values_class, &args, sizeof(args), user);
    ks__stream_effect(out, KS__EFFECT_VALUE);
    return ks__stream_typed(out, options.key, options.value);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * map.c - change a record (map), or its value alone (map_values).
 *
 * The function edits a copy of the record; the bytes in it are still those of the input.
 */
#include "dsl/dsl.h"

#include "topology/lent.h"

struct map_args {
    ks_mapper_fn *map;
};

/* ---- map ---- */

static void map_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct map_args *args = ctx->op->node->args;
    struct ks__record      out  = { .record = record->record };
    ks_status              status;

    (void)state;
    status = args->map(ctx, &out.record, ctx->op->node->user);
    if (!ks__ctx_accept_bytes(ctx, status, out.record.value) ||
        !ks__check_lent(ctx, out.record.key))
        return;
    if (out.record.timestamp_ms < 0) {
        ks__ctx_raise(ctx, KS_EINVAL, "the mapper left the negative timestamp %lld",
                      (long long)out.record.timestamp_ms);
        return;
    }
    out.record.window = NULL;
    ks__forward(ctx, &out);
}

static const struct ks__op_class map_class = {
    .name    = "map",
    .prefix  = "KSTREAM-MAP-",
    .traits  = KS__OP_STATELESS,
    .process = map_process,
};

ks_stream *ks_stream_map(ks_stream *s, ks_mapper_fn *map, void *user, const ks_named *named)
{
    const struct map_args args = { map };
    struct ks__call       call;
    ks_named              options;
    ks_stream            *out;

    if (!ks__enter(s, KS__KIND_STREAM, __func__, named, &options, sizeof(options), &call) ||
        !ks__need(s->head.builder, &call, map != NULL, "a mapper"))
        return ks__inert(s);
    out = ks__stream_append(s, &call, &map_class, &args, sizeof(args), user);
    ks__stream_effect(out, KS__EFFECT_KEY);
    return ks__stream_rekeyed(ks__stream_typed(out, options.key, options.value));
}

/* ---- map_values ---- */

static void map_values_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct map_args *args = ctx->op->node->args;
    struct ks__record      out  = { .record = record->record };
    ks_status              status;

    (void)state;
    status = args->map(ctx, &out.record, ctx->op->node->user);
    if (!ks__ctx_accept_bytes(ctx, status, out.record.value))
        return;
    out.record.key          = record->record.key;
    out.record.timestamp_ms = record->record.timestamp_ms;
    out.record.window       = record->record.window;
    ks__forward(ctx, &out);
}

static const struct ks__op_class map_values_class = {
    .name    = "map_values",
    .prefix  = "KSTREAM-MAPVALUES-",
    .traits  = KS__OP_KEEPS_KEY | KS__OP_STATELESS,
    .process = map_values_process,
};

ks_stream *ks_stream_map_values(ks_stream *s, ks_mapper_fn *map, void *user, const ks_named *named)
{
    const struct map_args args = { map };
    struct ks__call       call;
    ks_named              options;
    ks_stream            *out;

    if (!ks__enter(s, KS__KIND_STREAM, __func__, named, &options, sizeof(options), &call) ||
        !ks__need(s->head.builder, &call, map != NULL, "a mapper") ||
        !ks__stream_carry_key(s, &call, &options.key))
        return ks__inert(s);
    out = ks__stream_append(s, &call, &map_values_class, &args, sizeof(args), user);
    ks__stream_effect(out, KS__EFFECT_VALUE);
    return ks__stream_typed(out, options.key, options.value);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * peek.c - look at each record and pass it on (peek) or not (foreach).
 */
#include "dsl/dsl.h"

struct peek_args {
    ks_visitor_fn *see;
};

static bool see(ks_ctx *ctx, const struct ks__record *record)
{
    const struct peek_args *args = ctx->op->node->args;

    return ks__ctx_accept(ctx, args->see(ctx, &record->record, ctx->op->node->user));
}

static void peek_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    (void)state;
    if (see(ctx, record))
        ks__forward(ctx, record);
}

static void foreach_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    (void)state;
    (void)see(ctx, record);
}

static const struct ks__op_class peek_class = {
    .name    = "peek",
    .prefix  = "KSTREAM-PEEK-",
    .traits  = KS__OP_KEEPS_KEY | KS__OP_KEEPS_TYPES | KS__OP_STATELESS,
    .process = peek_process,
};

static const struct ks__op_class foreach_class = {
    .name    = "foreach",
    .prefix  = "KSTREAM-FOREACH-",
    .traits  = KS__OP_KEEPS_KEY | KS__OP_KEEPS_TYPES | KS__OP_STATELESS,
    .process = foreach_process,
};

static ks_stream *append_see(ks_stream *s, const struct ks__op_class *class, ks_visitor_fn *see_fn,
                             void *user, const ks_named *named, const char *function)
{
    const struct peek_args args = { see_fn };
    struct ks__call        call;
    ks_named               options;

    if (!ks__enter(s, KS__KIND_STREAM, function, named, &options, sizeof(options), &call) ||
        !ks__need(s->head.builder, &call, see_fn != NULL, "a visitor") ||
        !ks__stream_carry(s, &call, &options))
        return ks__inert(s);
    return ks__stream_typed(ks__stream_append(s, &call, class, &args, sizeof(args), user),
                            options.key, options.value);
}

ks_stream *ks_stream_peek(ks_stream *s, ks_visitor_fn *see_fn, void *user, const ks_named *named)
{
    return append_see(s, &peek_class, see_fn, user, named, __func__);
}

void ks_stream_foreach(ks_stream *s, ks_visitor_fn *see_fn, void *user, const ks_named *named)
{
    append_see(s, &foreach_class, see_fn, user, named, __func__);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * filter.c - keep the records for which a predicate holds, or does not.
 */
#include "dsl/dsl.h"

struct filter_args {
    ks_predicate_fn *keep;
    bool             invert;
};

static void filter_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct filter_args *args = ctx->op->node->args;
    bool                      keep = args->keep(ctx, &record->record, ctx->op->node->user);

    (void)state;
    if (ctx->error->status == KS_OK && keep != args->invert)
        ks__forward(ctx, record);
}

static const struct ks__op_class filter_class = {
    .name    = "filter",
    .prefix  = "KSTREAM-FILTER-",
    .traits  = KS__OP_KEEPS_KEY | KS__OP_KEEPS_TYPES | KS__OP_STATELESS,
    .process = filter_process,
};

static ks_stream *append_filter(ks_stream *s, const struct filter_args *args, void *user,
                                const ks_named *named, const char *function)
{
    struct ks__call call;
    ks_named        options;
    ks_stream      *out;

    if (!ks__enter(s, KS__KIND_STREAM, function, named, &options, sizeof(options), &call) ||
        !ks__need(s->head.builder, &call, args->keep != NULL, "a predicate") ||
        !ks__stream_carry(s, &call, &options))
        return ks__inert(s);
    out = ks__stream_append(s, &call, &filter_class, args, sizeof(*args), user);
    return ks__stream_typed(out, options.key, options.value);
}

ks_stream *ks_stream_filter(ks_stream *s, ks_predicate_fn *keep, void *user, const ks_named *named)
{
    return append_filter(s, &(struct filter_args){ keep, false }, user, named, __func__);
}

ks_stream *ks_stream_filter_not(ks_stream *s, ks_predicate_fn *drop, void *user,
                                const ks_named *named)
{
    return append_filter(s, &(struct filter_args){ drop, true }, user, named, __func__);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * pass.c - operators that let records through as they are: branches, merges, null-key filters.
 */
#include "dsl/dsl.h"

static void pass_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    (void)state;
    ks__forward(ctx, record);
}

const struct ks__op_class ks__pass_class = {
    .name    = "pass",
    .prefix  = "KSTREAM-MERGE-",
    .traits  = KS__OP_KEEPS_KEY | KS__OP_KEEPS_TYPES | KS__OP_STATELESS,
    .process = pass_process,
};

static void null_key_filter_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct ks__null_key_filter_args *args = ctx->op->node->args;

    (void)state;
    if (record->record.key.data != NULL || args->pass)
        ks__forward(ctx, record);
}

const struct ks__op_class ks__null_key_filter_class = {
    .name    = "null-key filter",
    .prefix  = "KSTREAM-FILTER-",
    .traits  = KS__OP_KEEPS_KEY | KS__OP_KEEPS_TYPES | KS__OP_STATELESS,
    .process = null_key_filter_process,
};

/* ---- merge ---- */

/* Types of the two streams, then the declared ones. */
static bool agree(const ks_stream *s, ks_stream *both, const struct ks__call *call,
                  ks_named *options)
{
    ks_builder *b = s->head.builder;

    return ks__agree(b, call, "key", &both->key,
                     &(struct ks__found){ s->key, s->node->name, NULL }) &&
           ks__agree(b, call, "value", &both->value,
                     &(struct ks__found){ s->value, s->node->name, NULL }) &&
           ks__stream_carry(both, call, options);
}

ks_stream *ks_stream_merge(ks_stream *s, ks_stream *other, const ks_named *named)
{
    struct ks__call     call;
    ks_named            options;
    ks_stream           both;
    struct ks__logical *parents[2];
    struct ks__logical *node;
    ks_builder         *b;

    if (!ks__enter(s, KS__KIND_STREAM, __func__, named, &options, sizeof(options), &call) ||
        !ks__enter_other(s->head.builder, &call, other, KS__KIND_STREAM, "the other stream"))
        return ks__inert(s);
    b          = s->head.builder;
    both       = *s;
    both.key   = other->key;
    both.value = other->value;
    if (!agree(s, &both, &call, &options))
        return ks__inert(s);
    both.key     = options.key;
    both.value   = options.value;
    both.rekeyed = s->rekeyed || other->rekeyed;
    both.sources = ks__sources_union(b, s->sources, other->sources);
    parents[0]   = s->node;
    parents[1]   = other->node;
    node         = ks__logical_add(
        b, &call,
        &(struct ks__logical_seed){ .kind         = KS__LOGICAL_PROCESSOR,
                                    .name         = ks__choose_name(b, call.name,
                                                                    ks__pass_class.prefix),
                                    .class        = &ks__pass_class,
                                    .parents      = parents,
                                    .parent_count = 2 });
    if (node != NULL)
        node->merges = true;
    return ks__stream_make(&both, node);
}

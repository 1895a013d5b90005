/* SPDX-License-Identifier: Apache-2.0
 *
 * group.c - grouping a stream by its key or by a chosen one. No operator of its own: group_by is
 * select_key, and what is made of the group decides about the topic between.
 */
#include "dsl/dsl.h"

static bool agree(ks_stream *s, const struct ks__call *call, ks_grouped *options, bool key_too)
{
    ks_builder *b = s->head.builder;

    return (!key_too || ks__agree(b, call, "key", &options->key,
                                  &(struct ks__found){ s->key, s->node->name, "KS_GROUPED" })) &&
           ks__agree(b, call, "value", &options->value,
                     &(struct ks__found){ s->value, s->node->name, "KS_GROUPED" });
}

static ks_grouped_stream *make_group(const ks_stream *s, const struct ks__call *call,
                                     const ks_grouped *options)
{
    ks_builder        *b = s->head.builder;
    ks_grouped_stream *g;

    if (b->error.status != KS_OK)
        return ks__inert(b);
    g = ks__owned_copy(b->owned,
                       &(ks_grouped_stream){ .head    = { KS__KIND_GROUPED_STREAM, b },
                                             .node    = s->node,
                                             .key     = options->key,
                                             .value   = options->value,
                                             .sources = s->sources,
                                             .rekeyed = s->rekeyed,
                                             .name    = call->name },
                       sizeof(*g));
    if (g == NULL)
        ks__latch_no_memory(b);
    return g != NULL ? g : ks__inert(b);
}

ks_grouped_stream *ks_stream_group_by_key(ks_stream *s, const ks_grouped *grouped)
{
    struct ks__call call;
    ks_grouped      options;

    if (!ks__enter(s, KS__KIND_STREAM, __func__, grouped, &options, sizeof(options), &call) ||
        !agree(s, &call, &options, true))
        return ks__inert(s);
    return make_group(s, &call, &options);
}

ks_grouped_stream *ks_stream_group_by(ks_stream *s, ks_selector_fn *select, void *user,
                                      const ks_grouped *grouped)
{
    const struct ks__select_key_args args = { select };
    struct ks__call                  call;
    ks_grouped                       options;
    ks_stream                       *keyed;

    if (!ks__enter(s, KS__KIND_STREAM, __func__, grouped, &options, sizeof(options), &call) ||
        !ks__need(s->head.builder, &call, select != NULL, "a selector") ||
        !agree(s, &call, &options, false))
        return ks__inert(s);
    keyed = ks__stream_append(s, &call, &ks__select_key_class, &args, sizeof(args), user);
    ks__stream_effect(ks__stream_rekeyed(keyed), KS__EFFECT_KEY);
    return make_group(keyed, &call, &options);
}

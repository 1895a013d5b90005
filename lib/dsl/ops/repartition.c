/* SPDX-License-Identifier: Apache-2.0
 *
 * repartition.c - an explicit topic between two parts of a stream.
 *
 * Not here: the nodes it is made of (dsl/repartition.c).
 */
#include "dsl/dsl.h"

static bool agree(const ks_stream *s, const struct ks__call *call, ks_repartitioned *options)
{
    ks_builder *b = s->head.builder;

    if (options->partitions < 0)
        return ks__latch(b, call, KS_EINVAL, ".partitions is %d; it must not be negative",
                         (int)options->partitions) != NULL;
    return ks__agree(b, call, "key", &options->key,
                     &(struct ks__found){ s->key, s->node->name, "KS_REPARTITIONED" }) &&
           ks__agree(b, call, "value", &options->value,
                     &(struct ks__found){ s->value, s->node->name, "KS_REPARTITIONED" });
}

ks_stream *ks_stream_repartition(ks_stream *s, const ks_repartitioned *repartitioned)
{
    struct ks__repartition_seed seed;
    const char                 *name;
    struct ks__call             call;
    ks_repartitioned            options;
    struct ks__logical         *node;
    ks_stream                  *out;

    if (!ks__enter(s, KS__KIND_STREAM, __func__, repartitioned, &options, sizeof(options), &call) ||
        !agree(s, &call, &options))
        return ks__inert(s);
    name = call.name != NULL ? call.name : ks__generate(s->head.builder, "KSTREAM-REPARTITION-");
    seed = (struct ks__repartition_seed){
        .prefix           = name,
        .key              = options.key,
        .value            = options.value,
        .partitions       = options.partitions,
        .partitioner      = options.partitioner,
        .partitioner_user = options.user,
        .asked_for        = true,
    };
    node = ks__repartition_add(s->head.builder, &call, s->node, &seed);
    out  = ks__stream_typed(ks__stream_make(s, node), options.key, options.value);
    if (s->head.builder->error.status == KS_OK) {
        out->rekeyed = false;
        out->sources = ks__sources_of(s->head.builder, node);
    }
    return out;
}

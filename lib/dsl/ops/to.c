/* SPDX-License-Identifier: Apache-2.0
 *
 * to.c - write a stream to a topic, or to one chosen per record.
 *
 * Not here: the operator (topology/ops_basic.c), partitions and appends (runtime).
 */
#include "dsl/dsl.h"

static void add_sink(ks_stream *s, const struct ks__call *call, struct ks__sink_args *args,
                     ks_produced *options)
{
    ks_builder *b = s->head.builder;

    if (!ks__agree(b, call, "key", &options->key,
                   &(struct ks__found){ s->key, s->node->name, "KS_PRODUCED" }) ||
        !ks__agree(b, call, "value", &options->value,
                   &(struct ks__found){ s->value, s->node->name, "KS_PRODUCED" }))
        return;
    args->key              = options->key;
    args->value            = options->value;
    args->partitioner      = options->partitioner;
    args->partitioner_user = options->user;
    ks__logical_add(b, call,
                    &(struct ks__logical_seed){
                        .kind         = KS__LOGICAL_SINK,
                        .name         = ks__choose_name(b, options->name, ks__sink_class.prefix),
                        .class        = &ks__sink_class,
                        .args         = args,
                        .args_size    = sizeof(*args),
                        .user         = args->choose_user,
                        .parents      = &s->node,
                        .parent_count = 1 });
}

void ks_stream_to(ks_stream *s, const char *topic, const ks_produced *produced)
{
    struct ks__sink_args args = { 0 };
    struct ks__call      call;
    ks_produced          options;

    if (!ks__enter(s, KS__KIND_STREAM, __func__, produced, &options, sizeof(options), &call))
        return;
    options.name = call.name;
    if (!ks__need(s->head.builder, &call, topic != NULL, "a topic") ||
        !ks__check_name(s->head.builder, &call, "the topic", topic))
        return;
    args.topic.name = ks__owned_text(s->head.builder->owned, topic);
    if (args.topic.name == NULL) {
        ks__latch_no_memory(s->head.builder);
        return;
    }
    call.name = call.name != NULL ? call.name : args.topic.name; /* for messages */
    add_sink(s, &call, &args, &options);
}

void ks_stream_to_chosen(ks_stream *s, ks_selector_fn *choose, void *user,
                         const ks_produced *produced)
{
    const struct ks__sink_args none = { .choose = choose, .choose_user = user };
    struct ks__sink_args       args = none;
    struct ks__call            call;
    ks_produced                options;

    if (!ks__enter(s, KS__KIND_STREAM, __func__, produced, &options, sizeof(options), &call) ||
        !ks__need(s->head.builder, &call, choose != NULL, "a selector"))
        return;
    options.name = call.name;
    add_sink(s, &call, &args, &options);
}

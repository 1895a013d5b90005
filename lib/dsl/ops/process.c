/* SPDX-License-Identifier: Apache-2.0
 *
 * process.c - processors of the user: in the DSL, and the whole Topology API beneath it.
 *
 * Not here: the operator (topology/ops_basic.c).
 */
#include "dsl/dsl.h"

#include <kstream/processor.h>

#include <string.h>

/* ---- what both have in common ---- */

static bool read_processor(ks_builder *b, const struct ks__call *call,
                           const ks_processor *processor, struct ks__processor_args *args)
{
    return ks__need(b, call, processor != NULL, "a processor") &&
           ks__enter_functions(b, call, processor, &args->processor, sizeof(args->processor)) &&
           ks__need(b, call, args->processor.process != NULL, "a process function");
}

static void use_stores(ks_builder *b, struct ks__logical *node, const ks_connected *options)
{
    for (size_t i = 0; node != NULL && i < KS_CONNECTED_MAX; i++)
        if (options->stores[i] != NULL)
            ks__logical_use_store(b, node, options->stores[i]);
}

/* ---- DSL ---- */

static ks_stream *append_processor(ks_stream *s, struct ks__processor_args *args, void *user,
                                   const ks_processor *processor, const ks_connected *connected,
                                   const char *function)
{
    const char         *prefix = args->fixed_key ? "KSTREAM-PROCESSVALUES-"
                                                 : ks__processor_class.prefix;
    struct ks__call     call;
    ks_connected        options;
    struct ks__logical *node;
    ks_builder         *b;

    if (!ks__enter(s, KS__KIND_STREAM, function, connected, &options, sizeof(options), &call) ||
        !read_processor(s->head.builder, &call, processor, args))
        return ks__inert(s);
    b = s->head.builder;
    if (options.parents[0] != NULL) {
        ks__latch(b, &call, KS_EINVAL, "the parent is the stream; leave out .parents");
        return ks__inert(s);
    }
    if (args->fixed_key && !ks__stream_carry_key(s, &call, &options.key))
        return ks__inert(s);
    /* A given name takes no index here: Kafka Streams is not consistent in this. */
    node = ks__logical_add(
        b, &call,
        &(struct ks__logical_seed){ .kind         = KS__LOGICAL_PROCESSOR,
                                    .name         = call.name != NULL ? call.name
                                                                      : ks__generate(b, prefix),
                                    .class        = &ks__processor_class,
                                    .args         = args,
                                    .args_size    = sizeof(*args),
                                    .user         = user,
                                    .parents      = &s->node,
                                    .parent_count = 1 });
    use_stores(b, node, &options);
    return ks__stream_typed(ks__stream_make(s, node), options.key, options.value);
}

ks_stream *ks_stream_process(ks_stream *s, const ks_processor *processor, void *user,
                             const ks_connected *connected)
{
    struct ks__processor_args args = { .fixed_key = false };

    s = ks__stream_rekeyed(append_processor(s, &args, user, processor, connected, __func__));
    return ks__stream_effect(s, KS__EFFECT_ANY);
}

ks_stream *ks_stream_process_values(ks_stream *s, const ks_processor *processor, void *user,
                                    const ks_connected *connected)
{
    struct ks__processor_args args = { .fixed_key = true };

    return append_processor(s, &args, user, processor, connected, __func__);
}

/* ---- stores ---- */

void ks_builder_connect(ks_builder *b, const char *node, const char *store)
{
    struct ks__call     call;
    ks_named            options;
    struct ks__logical *found;

    if (!ks__enter(b, KS__KIND_BUILDER, __func__, NULL, &options, sizeof(options), &call) ||
        !ks__need(b, &call, node != NULL, "a node") ||
        !ks__need(b, &call, store != NULL, "a store"))
        return;
    found = ks__find_node(b, node);
    if (found == NULL)
        ks__latch(b, &call, KS_ENOTFOUND, "there is no node \"%s\"", node);
    else if (found->class != &ks__processor_class)
        ks__latch(b, &call, KS_EINVAL, "\"%s\" is not a processor", node);
    else if (ks__map_get(&b->store_names, ks_bytes_text(store)) == NULL)
        ks__latch(b, &call, KS_ENOTFOUND, "there is no store \"%s\"", store);
    else
        ks__logical_use_store(b, found, store);
}

/* ---- Topology API ---- */

struct parents {
    struct ks__logical *nodes[KS_CONNECTED_MAX];
    size_t              count;
};

/* Parents must be there already, so no cycle can be made. */
static bool find_parents(ks_builder *b, const struct ks__call *call, const ks_connected *options,
                         struct parents *parents)
{
    parents->count = 0;
    for (size_t i = 0; i < KS_CONNECTED_MAX && options->parents[i] != NULL; i++) {
        const char         *name  = options->parents[i];
        struct ks__logical *found = ks__find_node(b, name);

        if (strcmp(name, call->name) == 0)
            return ks__latch(b, call, KS_ETOPOLOGY, "is its own parent: that is a cycle") != NULL;
        if (found == NULL)
            return ks__latch(b, call, KS_ENOTFOUND, "there is no parent \"%s\"; add it before",
                             name) != NULL;
        if (found->kind == KS__LOGICAL_SINK || found->kind == KS__LOGICAL_GLOBAL ||
            found->keeper != NULL)
            return ks__latch(b, call, KS_ETOPOLOGY, "the parent \"%s\" has no children", name) !=
                   NULL;
        parents->nodes[parents->count++] = found;
    }
    if (parents->count == 0)
        return ks__latch(b, call, KS_ETOPOLOGY, "has no parent: nothing would reach it") != NULL;
    return true;
}

/* The name is an argument, not an option. */
static bool enter_named(ks_builder *b, const char *function, const char *name,
                        const void *options, void *copy, size_t size, struct ks__call *call)
{
    if (!ks__enter(b, KS__KIND_BUILDER, function, options, copy, size, call))
        return false;
    call->name = NULL;
    if (!ks__need(b, call, name != NULL, "a name"))
        return false;
    call->name = ks__owned_text(b->owned, name);
    if (call->name == NULL)
        return ks__latch_no_memory(b) != NULL;
    return ks__check_name(b, call, "the name", call->name);
}

static void add_source(ks_builder *b, const struct ks__call *call,
                       const struct ks__source_args *args)
{
    struct ks__logical *node;

    if (!ks__claim_topics(b, call, args, NULL))
        return;
    node = ks__logical_add(b, call,
                           &(struct ks__logical_seed){ .kind      = KS__LOGICAL_SOURCE,
                                                       .name      = call->name,
                                                       .class     = &ks__source_class,
                                                       .args      = args,
                                                       .args_size = sizeof(*args) });
    if (node != NULL)
        node->exclusive = true;
}

void ks_builder_add_source(ks_builder *b, const char *name, const char *const *topics,
                           size_t count, const ks_consumed *consumed)
{
    struct ks__source_args args;
    struct ks__call        call;
    ks_consumed            options;

    if (enter_named(b, __func__, name, consumed, &options, sizeof(options), &call) &&
        ks__source_args_make(b, &call, topics, count, &options, &args))
        add_source(b, &call, &args);
}

void ks_builder_add_source_pattern(ks_builder *b, const char *name, const char *pattern,
                                   const ks_consumed *consumed)
{
    struct ks__source_args args;
    struct ks__call        call;
    ks_consumed            options;

    if (enter_named(b, __func__, name, consumed, &options, sizeof(options), &call) &&
        ks__source_args_match(b, &call, pattern, &options, &args))
        add_source(b, &call, &args);
}

void ks_builder_add_processor(ks_builder *b, const char *name, const ks_processor *processor,
                              void *user, const ks_connected *connected)
{
    struct ks__processor_args args = { .fixed_key = false };
    struct ks__call           call;
    ks_connected              options;
    struct parents            parents;

    if (!enter_named(b, __func__, name, connected, &options, sizeof(options), &call) ||
        !read_processor(b, &call, processor, &args) ||
        !find_parents(b, &call, &options, &parents))
        return;
    use_stores(b,
               ks__logical_add(b, &call,
                               &(struct ks__logical_seed){ .kind  = KS__LOGICAL_PROCESSOR,
                                                           .name  = call.name,
                                                           .class = &ks__processor_class,
                                                           .args  = &args,
                                                           .args_size    = sizeof(args),
                                                           .user         = user,
                                                           .parents      = parents.nodes,
                                                           .parent_count = parents.count }),
               &options);
}

/* Common to both ways to say the topic, which `args` has. */
static void add_sink(ks_builder *b, struct ks__call *call, struct ks__sink_args *args,
                     const ks_produced *options, const ks_connected *connected)
{
    ks_connected   edges;
    struct parents parents;

    if (!ks__enter_more(b, call, connected, &edges, sizeof(edges)))
        return;
    if (edges.stores[0] != NULL) {
        ks__latch(b, call, KS_EINVAL, "a sink has no stores; leave out .stores");
        return;
    }
    if (!find_parents(b, call, &edges, &parents))
        return;
    args->key              = options->key;
    args->value            = options->value;
    args->partitioner      = options->partitioner;
    args->partitioner_user = options->user;
    ks__logical_add(b, call,
                    &(struct ks__logical_seed){ .kind         = KS__LOGICAL_SINK,
                                                .name         = call->name,
                                                .class        = &ks__sink_class,
                                                .args         = args,
                                                .args_size    = sizeof(*args),
                                                .user         = args->choose_user,
                                                .parents      = parents.nodes,
                                                .parent_count = parents.count });
}

void ks_builder_add_sink(ks_builder *b, const char *name, const char *topic,
                         const ks_produced *produced, const ks_connected *connected)
{
    struct ks__sink_args args = { 0 };
    struct ks__call      call;
    ks_produced          options;

    if (!enter_named(b, __func__, name, produced, &options, sizeof(options), &call) ||
        !ks__need(b, &call, topic != NULL, "a topic") ||
        !ks__check_name(b, &call, "the topic", topic))
        return;
    args.topic.name = ks__owned_text(b->owned, topic);
    if (args.topic.name == NULL)
        ks__latch_no_memory(b);
    else
        add_sink(b, &call, &args, &options, connected);
}

void ks_builder_add_sink_chosen(ks_builder *b, const char *name, ks_selector_fn *choose, void *user,
                                const ks_produced *produced, const ks_connected *connected)
{
    struct ks__sink_args args = { 0 };
    struct ks__call      call;
    ks_produced          options;

    args.choose      = choose;
    args.choose_user = user;
    if (!enter_named(b, __func__, name, produced, &options, sizeof(options), &call) ||
        !ks__need(b, &call, choose != NULL, "a selector"))
        return;
    add_sink(b, &call, &args, &options, connected);
}

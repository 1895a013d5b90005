/* SPDX-License-Identifier: Apache-2.0
 *
 * fed_store.c - stores that a processor of the user fills from a topic: global and read-only ones.
 *
 *      global      topic -> source -> processor -> store      outside tasks (runtime/global.c)
 *      read-only   topic -> source -> processor -> store <- other processors  in a task
 *
 * Not here: who may write to them (state/kv_store.c).
 */
#include "dsl/dsl.h"

#include <kstream/processor.h>

#define SOURCE_SUFFIX    "-source"
#define PROCESSOR_PREFIX "KTABLE-SOURCE-" /* Kafka's */

/* What both kinds are told, and what becomes of it. */
struct fed {
    const ks_store_options   *store;
    const char               *topic;
    const ks_consumed        *consumed;
    const ks_processor       *processor;
    const char               *name;
    const char               *source_name;
    struct ks__call           call;
    struct ks__source_args    source;
    struct ks__processor_args keeper;
    struct ks__store_spec     spec;
};

static bool read_store(ks_builder *b, struct fed *fed)
{
    ks_store_options options;

    if (!ks__enter_more(b, &fed->call, fed->store, &options, sizeof(options)) ||
        !ks__need(b, &fed->call, options.name != NULL, "a name for the store") ||
        !ks__check_name(b, &fed->call, "the store", options.name))
        return false;
    if (options.cache == KS_ON || options.changelog != KS_DEFAULT ||
        options.topic_config != NULL)
        return ks__latch(b, &fed->call, KS_EINVAL,
                         "the topic is the changelog of the store, and it has no cache; leave out "
                         ".changelog and .cache") != NULL;
    if (options.max_rows != 0)
        return ks__latch(b, &fed->call, KS_EINVAL,
                         "the store is what its topic says, however many rows; leave out "
                         ".max_rows") != NULL;
    if (options.ttl_ms != 0)
        return ks__latch(b, &fed->call, KS_EINVAL,
                         "its topic says when a row goes, by a null value; leave out .ttl_ms") !=
               NULL;
    fed->spec = (struct ks__store_spec){ .name  = ks__owned_text(b->owned, options.name),
                                         .kind  = KS__STORE_KV,
                                         .key   = options.key,
                                         .value = options.value,
                                         .plain = true };
    return fed->spec.name != NULL || ks__latch_no_memory(b) != NULL;
}

static bool read_processor(ks_builder *b, struct fed *fed)
{
    return ks__need(b, &fed->call, fed->processor != NULL, "a processor") &&
           ks__enter_more(b, &fed->call, fed->processor, &fed->keeper.processor,
                          sizeof(fed->keeper.processor)) &&
           ks__need(b, &fed->call, fed->keeper.processor.process != NULL, "a process function");
}

/* As Kafka Streams takes its indexes: none where both names are given. */
static bool choose_names(ks_builder *b, struct fed *fed, const char *source)
{
    const char *generated = NULL;

    if (source != NULL && fed->call.name != NULL) {
        if (!ks__check_name(b, &fed->call, "the source", source))
            return false;
        fed->source_name = ks__owned_text(b->owned, source);
        fed->name        = fed->call.name;
    } else if (source != NULL) {
        return ks__latch(b, &fed->call, KS_EINVAL, "the source has a name, so the processor needs "
                         "one too: KS_CONSUMED(.name = ..., .source = ...)") != NULL;
    } else {
        generated        = ks__generate(b, ks__source_class.prefix);
        fed->source_name = fed->call.name != NULL
                               ? ks__join_text(b, fed->call.name, SOURCE_SUFFIX)
                               : generated;
        fed->name        = ks__choose_name(b, fed->call.name, PROCESSOR_PREFIX);
    }
    if (fed->source_name == NULL || fed->name == NULL)
        return ks__latch_no_memory(b) != NULL;
    return b->error.status == KS_OK;
}

static bool begin(ks_builder *b, struct fed *fed, const char *function)
{
    ks_consumed options;
    const char *source;

    if (!ks__enter(b, KS__KIND_BUILDER, function, fed->consumed, &options, sizeof(options),
                   &fed->call) ||
        !read_store(b, fed) || !read_processor(b, fed))
        return false;
    if (options.reset_before_ms != 0 ||
        (options.reset != KS_RESET_DEFAULT && options.reset != KS_RESET_EARLIEST))
        return ks__latch(b, &fed->call, KS_EINVAL, "the store is filled from the earliest record "
                         "on; leave out .reset") != NULL;
    options.reset  = KS_RESET_EARLIEST;
    source         = options.source;
    options.source = NULL;
    if (!ks__source_args_make(b, &fed->call, &fed->topic, fed->topic != NULL, &options,
                              &fed->source) ||
        !ks__claim_topics(b, &fed->call, &fed->source, NULL) || !choose_names(b, fed, source))
        return false;
    fed->spec.source_topic = fed->source.topics[0].name;
    fed->spec.keeper       = fed->name;
    return true;
}

void ks_builder_add_global_store(ks_builder *b, const ks_store_options *store, const char *topic,
                                 const ks_consumed *consumed, const ks_processor *processor,
                                 void *user)
{
    struct fed           fed = { .store = store, .topic = topic, .consumed = consumed,
                                 .processor = processor };
    struct ks__table_part part = { .rows = KS__ROWS_SOURCE };
    struct ks__logical   *node;

    if (!begin(b, &fed, __func__))
        return;
    if (fed.source.time != KS_TIME_DEFAULT || fed.source.extractor != NULL) {
        ks__latch(b, &fed.call, KS_EINVAL, "a global store's records keep their own time; leave "
                  "out .time and .extractor");
        return;
    }
    part.store        = fed.spec;
    part.store.global = true;
    part.materialized = part.queryable = true;
    node = ks__logical_add(b, &fed.call,
                           &(struct ks__logical_seed){ .kind      = KS__LOGICAL_GLOBAL,
                                                       .name      = fed.name,
                                                       .class     = &ks__processor_class,
                                                       .args      = &fed.source,
                                                       .args_size = sizeof(fed.source),
                                                       .user      = user });
    if (!ks__table_attach(b, &fed.call, node, &part) ||
        !ks__take_node_name(b, &fed.call, fed.source_name, node))
        return;
    node->source_name = fed.source_name;
    node->keeper      = ks__owned_copy(b->owned, &fed.keeper, sizeof(fed.keeper));
    if (node->keeper == NULL)
        ks__latch_no_memory(b);
}

/* It is restored from the bytes of the topic. */
static bool unite_types(ks_builder *b, struct fed *fed)
{
    return ks__agree(b, &fed->call, "key", &fed->spec.key,
                     &(struct ks__found){ fed->source.key, fed->topic, NULL }) &&
           ks__agree(b, &fed->call, "value", &fed->spec.value,
                     &(struct ks__found){ fed->source.value, fed->topic, NULL });
}

void ks_builder_add_read_only_store(ks_builder *b, const ks_store_options *store,
                                    const char *topic, const ks_consumed *consumed,
                                    const ks_processor *processor, void *user)
{
    struct fed          fed = { .store = store, .topic = topic, .consumed = consumed,
                                .processor = processor };
    struct ks__logical *source;
    struct ks__logical *node;

    if (!begin(b, &fed, __func__) || !unite_types(b, &fed))
        return;
    fed.spec.changelog = true;
    source = ks__logical_add(b, &fed.call,
                             &(struct ks__logical_seed){ .kind      = KS__LOGICAL_SOURCE,
                                                         .name      = fed.source_name,
                                                         .class     = &ks__source_class,
                                                         .args      = &fed.source,
                                                         .args_size = sizeof(fed.source) });
    if (source == NULL)
        return;
    source->exclusive = true;
    node = ks__logical_add(b, &fed.call,
                           &(struct ks__logical_seed){ .kind         = KS__LOGICAL_PROCESSOR,
                                                       .name         = fed.name,
                                                       .class        = &ks__processor_class,
                                                       .args         = &fed.keeper,
                                                       .args_size    = sizeof(fed.keeper),
                                                       .user         = user,
                                                       .parents      = &source,
                                                       .parent_count = 1 });
    if (node == NULL || !ks__store_add(b, &fed.call, &fed.spec))
        return;
    node->keeper = node->args;
    ks__logical_use_store(b, node, fed.spec.name);
}

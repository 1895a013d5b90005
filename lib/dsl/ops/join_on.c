/* SPDX-License-Identifier: Apache-2.0
 *
 * join_on.c - declaring a foreign-key join: five operators, two topics, a store, the result.
 *
 * The topic of subscriptions is partitioned as the right table, that of answers as the left one.
 */
#include "dsl/ops/join_on.h"
#include "serde/serde.h"

#define REGISTRATION "KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-"
#define RESPONSE     "KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-"
#define STORE        "KTABLE-FK-JOIN-SUBSCRIPTION-"
#define OUTPUT       "KTABLE-FK-JOIN-OUTPUT-"
#define SINK         "KTABLE-SINK-"
#define SOURCE       "KTABLE-SOURCE-"
#define TOPIC_SUFFIX "-topic"

struct join_on {
    ks_builder             *b;
    struct ks__call         call;
    ks_table_joined         options;
    struct ks__join_on_args args;
    void                   *user;
    ks_table               *left;
    ks_table               *right;
};

/* "<name><suffix>", or generated; an index is taken in any case (D2). */
static const char *name_of(const struct join_on *join, const char *suffix, const char *prefix)
{
    const char *generated = ks__generate(join->b, prefix);

    return join->call.name != NULL ? ks__join_text(join->b, join->call.name, suffix) : generated;
}

static const char *topic_of(const struct join_on *join, const char *suffix, const char *prefix)
{
    const char *name = name_of(join, suffix, prefix);

    return name != NULL ? ks__join_text(join->b, name, TOPIC_SUFFIX) : NULL;
}

static struct ks__logical *add(const struct join_on *join, const char *name,
                               const struct ks__op_class *class, struct ks__logical *parent)
{
    if (parent == NULL)
        return NULL;
    return ks__logical_add(join->b, &join->call,
                           &(struct ks__logical_seed){ .kind         = KS__LOGICAL_PROCESSOR,
                                                       .name         = name,
                                                       .class        = class,
                                                       .args         = &join->args,
                                                       .args_size    = sizeof(join->args),
                                                       .user         = join->user,
                                                       .parents      = &parent,
                                                       .parent_count = 1 });
}

/* A topic behind `parents`; the logical node is its source. */
static struct ks__logical *add_topic(const struct join_on *join, const char *source,
                                     const struct ks__repartition_part *part,
                                     struct ks__logical *const *parents, size_t count)
{
    struct ks__logical *node;

    if (part->topic == NULL || part->sink_name == NULL || parents[0] == NULL)
        return NULL;
    node = ks__logical_add(join->b, &join->call,
                           &(struct ks__logical_seed){ .kind         = KS__LOGICAL_REPARTITION,
                                                       .name         = source,
                                                       .class        = &ks__source_class,
                                                       .parents      = parents,
                                                       .parent_count = count });
    if (node == NULL || !ks__take_node_name(join->b, &join->call, part->sink_name, node))
        return NULL;
    node->repartition = ks__owned_copy(join->b->owned, part, sizeof(*part));
    return node->repartition != NULL ? node : ks__latch_no_memory(join->b);
}

/* ---- the parts ---- */

/* left ─> subscribe ─> topic; the topic's source. */
static struct ks__logical *add_subscriptions(struct join_on *join)
{
    struct ks__repartition_part part = { .key              = join->right->key,
                                         .partitioner      = join->options.partitioner,
                                         .partitioner_user = join->options.user };
    struct ks__logical         *subscribe;
    const char                 *name;
    const char                 *source;

    part.topic = topic_of(join, "-subscription-registration", REGISTRATION);
    name       = name_of(join, "-subscription-registration-processor", REGISTRATION);
    subscribe  = add(join, name, &ks__join_on_subscribe_class, join->left->node);
    part.sink_name = name_of(join, "-subscription-registration-sink", SINK);
    source         = name_of(join, "-subscription-registration-source", SOURCE);
    return add_topic(join, source, &part, &subscribe, 1);
}

/* The store of the subscriptions. */
static bool add_store(struct join_on *join)
{
    ks_builder *b = join->b;
    const char *generated = ks__generate_store(b, STORE);

    join->args.store = join->call.name != NULL
                           ? ks__join_text(b, join->call.name, "-subscription-store")
                           : generated;
    return join->args.store != NULL &&
           ks__store_add(b, &join->call,
                         &(struct ks__store_spec){ .name      = join->args.store,
                                                   .kind      = KS__STORE_KV,
                                                   .changelog = true });
}

/* topic ─> register ─> ask, right ─> notify, both ─> topic of the answers; its source. */
static struct ks__logical *add_answers(struct join_on *join, struct ks__logical *subscriptions)
{
    struct ks__repartition_part part = { .key         = join->left->key,
                                         .partitioner = ks__join_on_route };
    struct ks__logical         *registers, *asks[2];
    const char                 *source;

    registers = add(join, name_of(join, "-subscription-receive", ks__join_on_register_class.prefix),
                    &ks__join_on_register_class, subscriptions);
    asks[0]   = add(join, name_of(join, "-subscription-join-foreign", ks__join_on_ask_class.prefix),
                    &ks__join_on_ask_class, registers);
    asks[1] = add(join,
                  name_of(join, "-foreign-join-subscription", ks__join_on_notify_class.prefix),
                  &ks__join_on_notify_class, join->right->node);
    if (asks[0] == NULL || asks[1] == NULL)
        return NULL;
    ks__logical_use_store(join->b, registers, join->args.store);
    ks__logical_use_store(join->b, asks[1], join->args.store);
    ks__logical_view(asks[0], join->right->node);
    part.topic     = topic_of(join, "-subscription-response", RESPONSE);
    part.sink_name = name_of(join, "-subscription-response-sink", SINK);
    source         = name_of(join, "-subscription-response-source", SOURCE);
    return add_topic(join, source, &part, asks, 2);
}

/* topic of the answers ─> resolve ─> result. */
static struct ks__logical *add_result(struct join_on *join, struct ks__logical *answers)
{
    ks_builder                 *b    = join->b;
    const struct ks__table_args args = { .store = NULL };
    const ks_materialized       options = { .store     = join->options.store,
                                            .cache     = join->options.cache,
                                            .changelog = join->options.changelog,
                                            .topic_config = join->options.topic_config };
    struct ks__table_part       part    = { .rows = KS__ROWS_SOURCE };
    struct ks__logical         *resolve, *node;
    const char                 *name;

    name    = name_of(join, "-subscription-response-resolver", ks__join_on_resolve_class.prefix);
    resolve = add(join, name, &ks__join_on_resolve_class, answers);
    if (resolve == NULL)
        return NULL;
    ks__logical_view(resolve, join->left->node);
    name = name_of(join, "-result", OUTPUT);
    node = ks__logical_add(b, &join->call,
                           &(struct ks__logical_seed){ .kind         = KS__LOGICAL_PROCESSOR,
                                                       .name         = name,
                                                       .class        = &ks__table_source_class,
                                                       .args         = &args,
                                                       .args_size    = sizeof(args),
                                                       .parents      = &resolve,
                                                       .parent_count = 1 });
    ks__table_store(&part, ks__store_name(b, &join->call, &options, OUTPUT), &options,
                    join->options.key, join->options.value);
    part.materialized = part.queryable;
    return ks__table_attach(b, &join->call, node, &part) ? node : NULL;
}

static ks_table *declare(struct join_on *join)
{
    ks_builder         *b = join->b;
    struct ks__sources  sources;
    struct ks__logical *subscriptions, *answers, *node;

    ks__table_send_old(join->right->node, true);
    ks__table_send_old(join->left->node, true);
    ks__table_make_readable(join->right->node);
    ks__table_make_readable(join->left->node);
    subscriptions = add_subscriptions(join);
    if (subscriptions == NULL || !add_store(join))
        return ks__inert(b);
    answers = add_answers(join, subscriptions);
    node    = answers != NULL ? add_result(join, answers) : NULL;
    if (node == NULL)
        return ks__inert(b);
    ks__copartition(b, ks__sources_union(b, join->right->sources,
                                         ks__sources_of(b, subscriptions)), node->name);
    sources = ks__sources_union(b, join->left->sources, ks__sources_of(b, answers));
    ks__copartition(b, sources, node->name);
    return ks__table_make(b, node, join->options.key, join->options.value, sources);
}

static ks_table *append_join(ks_table *l, ks_table *r, const struct ks__join_on_args *args,
                             void *user, const ks_table_joined *options, const char *function)
{
    struct join_on join = { .args = *args, .user = user, .left = l, .right = r };

    if (!ks__enter(l, KS__KIND_TABLE, function, options, &join.options, sizeof(join.options),
                   &join.call))
        return ks__inert(l);
    join.b = l->head.builder;
    if (!ks__enter_other(join.b, &join.call, r, KS__KIND_TABLE, "the other table") ||
        !ks__need(join.b, &join.call, args->foreign != NULL, "a selector of the foreign key") ||
        !ks__need(join.b, &join.call, args->join != NULL, "a joiner") ||
        !ks__agree(join.b, &join.call, "key", &join.options.key,
                   &(struct ks__found){ l->key, l->node->name, "KS_TABLE_JOINED" }))
        return ks__inert(l);
    if (ks__serde_is_windowed(join.options.key)) {
        ks__latch(join.b, &join.call, KS_ETYPE,
                  "the left table has windowed keys; a foreign-key join needs plain ones");
        return ks__inert(l);
    }
    return declare(&join);
}

ks_table *ks_table_join_on(ks_table *l, ks_table *r, ks_selector_fn *foreign, ks_joiner_fn *join,
                           void *user, const ks_table_joined *options)
{
    const struct ks__join_on_args args = { .foreign = foreign, .join = join };

    return append_join(l, r, &args, user, options, __func__);
}

ks_table *ks_table_left_join_on(ks_table *l, ks_table *r, ks_selector_fn *foreign,
                                ks_joiner_fn *join, void *user, const ks_table_joined *options)
{
    const struct ks__join_on_args args = { .foreign = foreign, .join = join, .left = true };

    return append_join(l, r, &args, user, options, __func__);
}

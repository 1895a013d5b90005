/* SPDX-License-Identifier: Apache-2.0
 *
 * table_source.c - a topic, or a stream, read as a table: the latest record of a key is its row.
 *
 * Latest is by arrival, also when timestamps go back. A deletion goes downstream even if there was
 * no row.
 */
#include "dsl/ops/table.h"

#include "serde/serde.h"

#define SOURCE_SUFFIX "-source"
#define TO_TABLE      "KSTREAM-TOTABLE-"

struct table_source_args {
    struct ks__table_args table;
};

static void table_source_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    struct ks__table_state *t      = state;
    struct ks__record       change = { .record = record->record };
    struct ks__row          old    = { 0 };

    if (record->record.key.data == NULL) {
        ks__ctx_drop(ctx, KS__DROP_NULL_KEY);
        return;
    }
    if (t->store != NULL && ks__table_wants_old(t))
        ks__table_read(t, &record->record, &old);
    ks__table_update(t, &change, old.value);
}

const struct ks__op_class ks__table_source_class = {
    .name       = "table",
    .prefix     = "KTABLE-SOURCE-",
    .traits     = KS__OP_KEEPS_KEY | KS__OP_KEEPS_TYPES | KS__OP_TABLE,
    .state_size = sizeof(struct ks__table_state),
    .open       = ks__table_open,
    .process    = table_source_process,
    .row        = ks__table_stored_row,
    .keyed_store = ks__table_keyed_store,
};

/* ---- from a topic ---- */

/* Two options structs that speak of the same types. */
static bool unite_options(ks_builder *b, struct ks__call *call, ks_consumed *consumed,
                          ks_materialized *materialized, const char *topic)
{
    if (call->name == NULL && materialized->name != NULL) {
        call->name = ks__owned_text(b->owned, materialized->name);
        if (call->name == NULL)
            return ks__latch_no_memory(b) != NULL;
        if (!ks__check_name(b, call, "the name", call->name))
            return false;
    }
    if (!ks__agree(b, call, "key", &materialized->key,
                   &(struct ks__found){ consumed->key, topic, NULL }) ||
        !ks__agree(b, call, "value", &materialized->value,
                   &(struct ks__found){ consumed->value, topic, NULL }))
        return false;
    if (consumed->key == NULL) /* else it fits, and says how the topic is read */
        consumed->key = materialized->key;
    consumed->value = materialized->value;
    return true;
}

struct topic_table {
    struct ks__call        call;
    struct ks__source_args args;
    ks_materialized        materialized;
    const char            *store;
    const char            *source_name;
    const char            *table_name;
};

/* Options, names and indexes: store, source, table, in this order. */
static bool begin(struct topic_table *table, ks_builder *b, const char *function,
                  const char *topic, const ks_consumed *consumed,
                  const ks_materialized *materialized)
{
    struct ks__call *call = &table->call;
    ks_consumed      options;
    const char      *generated;

    if (!ks__enter(b, KS__KIND_BUILDER, function, consumed, &options, sizeof(options), call) ||
        !ks__enter_more(b, call, materialized, &table->materialized, sizeof(ks_materialized)))
        return false;
    if (!unite_options(b, call, &options, &table->materialized, topic) ||
        !ks__source_args_make(b, call, &topic, topic != NULL, &options, &table->args) ||
        !ks__claim_topics(b, call, &table->args, NULL))
        return false;
    table->store = ks__store_name(b, call, &table->materialized,
                                  ks__join_text(b, table->args.topics[0].name, "-"));
    generated          = ks__generate(b, ks__source_class.prefix);
    table->source_name = call->name != NULL ? ks__join_text(b, call->name, SOURCE_SUFFIX)
                                            : generated;
    table->table_name  = ks__choose_name(b, call->name, ks__table_source_class.prefix);
    return b->error.status == KS_OK;
}

static struct ks__table_part source_part(const ks_materialized *options, const char *store,
                                         const ks_serde *key, const ks_serde *value)
{
    struct ks__table_part part = { .rows = KS__ROWS_SOURCE };

    ks__table_store(&part, store, options, key, value);
    part.materialized = part.queryable;
    return part;
}

static ks_table *make_topic_table(ks_builder *b, struct topic_table *table)
{
    struct table_source_args args   = { { .store = NULL } };
    struct ks__table_part    part   = source_part(&table->materialized, table->store,
                                                  ks__serde_plain(table->args.key),
                                                  table->args.value);
    struct ks__logical      *source = ks__logical_add(
        b, &table->call,
        &(struct ks__logical_seed){ .kind      = KS__LOGICAL_SOURCE,
                                    .name      = table->source_name,
                                    .class     = &ks__source_class,
                                    .args      = &table->args,
                                    .args_size = sizeof(table->args) });
    struct ks__logical      *node;

    if (source == NULL)
        return ks__inert(b);
    if (table->args.key == ks__serde_plain(table->args.key)) /* else its keys are others */
        part.topic = table->args.topics[0].name;
    source->exclusive = true;
    node = ks__logical_add(b, &table->call,
                           &(struct ks__logical_seed){ .kind         = KS__LOGICAL_PROCESSOR,
                                                       .name         = table->table_name,
                                                       .class        = &ks__table_source_class,
                                                       .args         = &args,
                                                       .args_size    = sizeof(args),
                                                       .parents      = &source,
                                                       .parent_count = 1 });
    if (!ks__table_attach(b, &table->call, node, &part))
        return ks__inert(b);
    return ks__table_make(b, node, ks__serde_plain(table->args.key), table->args.value,
                          ks__sources_of(b, source));
}

ks_table *ks_builder_table(ks_builder *b, const char *topic, const ks_consumed *consumed,
                           const ks_materialized *materialized)
{
    struct topic_table table = { 0 };

    if (!begin(&table, b, __func__, topic, consumed, materialized))
        return ks__inert(b);
    return make_topic_table(b, &table);
}

/* ---- global ---- */

ks_global_table *ks_builder_global_table(ks_builder *b, const char *topic,
                                         const ks_consumed     *consumed,
                                         const ks_materialized *materialized)
{
    struct topic_table    table = { 0 };
    struct ks__table_part part;
    struct ks__logical   *node;
    ks_global_table      *t;

    if (!begin(&table, b, __func__, topic, consumed, materialized))
        return ks__inert(b);
    part = source_part(&table.materialized, table.store, table.args.key, table.args.value);
    part.materialized    = true;
    part.store.global    = true;
    part.store.cache     = false;
    part.store.changelog = false;
    part.store.source_topic = table.args.topics[0].name;
    node = ks__logical_add(b, &table.call,
                           &(struct ks__logical_seed){ .kind      = KS__LOGICAL_GLOBAL,
                                                       .name      = table.table_name,
                                                       .class     = &ks__table_source_class,
                                                       .args      = &table.args,
                                                       .args_size = sizeof(table.args) });
    if (!ks__table_attach(b, &table.call, node, &part) ||
        !ks__take_node_name(b, &table.call, table.source_name, node))
        return ks__inert(b);
    node->source_name = table.source_name;
    t = ks__owned_copy(b->owned,
                       &(ks_global_table){ .head      = { KS__KIND_GLOBAL_TABLE, b },
                                           .node      = node,
                                           .key       = ks__serde_plain(table.args.key),
                                           .value     = table.args.value,
                                           .store     = table.store,
                                           .queryable = part.queryable },
                       sizeof(*t));
    if (t == NULL)
        ks__latch_no_memory(b);
    return t != NULL ? t : ks__inert(b);
}

/* ---- from a stream ---- */

static bool carry(const ks_stream *s, const struct ks__call *call, ks_materialized *options)
{
    ks_builder *b = s->head.builder;

    return ks__agree(b, call, "key", &options->key,
                     &(struct ks__found){ s->key, s->node->name, "KS_MATERIALIZED" }) &&
           ks__agree(b, call, "value", &options->value,
                     &(struct ks__found){ s->value, s->node->name, "KS_MATERIALIZED" });
}

ks_table *ks_stream_to_table(ks_stream *s, const ks_materialized *materialized)
{
    struct table_source_args args = { { .store = NULL } };
    struct ks__table_part    part;
    struct ks__call          call;
    struct ks__logical      *parent;
    struct ks__logical      *node;
    struct ks__sources       sources;
    ks_materialized          options;
    ks_builder              *b;
    const char              *name;
    const char              *store;

    if (!ks__enter(s, KS__KIND_STREAM, __func__, materialized, &options, sizeof(options), &call) ||
        !carry(s, &call, &options))
        return ks__inert(s);
    b       = s->head.builder;
    name    = ks__choose_name(b, call.name, TO_TABLE);
    store   = ks__store_name(b, &call, &options, TO_TABLE);
    parent  = s->node;
    sources = s->sources;
    if (s->rekeyed) {
        parent  = ks__repartition_add(b, &call, s->node,
                                      &(struct ks__repartition_seed){ .prefix = name,
                                                                      .key    = options.key,
                                                                      .value  = options.value });
        sources = ks__sources_of(b, parent);
    }
    if (parent == NULL || store == NULL)
        return ks__inert(s);
    node = ks__logical_add(b, &call,
                           &(struct ks__logical_seed){ .kind         = KS__LOGICAL_PROCESSOR,
                                                       .name         = name,
                                                       .class        = &ks__table_source_class,
                                                       .args         = &args,
                                                       .args_size    = sizeof(args),
                                                       .parents      = &parent,
                                                       .parent_count = 1 });
    part = source_part(&options, store, options.key, options.value);
    if (!ks__table_attach(b, &call, node, &part))
        return ks__inert(s);
    return ks__table_make(b, node, options.key, options.value, sources);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * tables.c - which tables have a store, which send old values.
 *
 *      source table    a store if named, or once somebody reads its rows or asks for old values
 *      aggregation     always a store
 *      filter, map     a store if named; else rows and old values are computed from the parent's
 *      join            a store if named; old values come from the parents in any case, by force
 *
 * Old values are asked for at the declaration of who needs them, so a table filter sees only what
 * was asked before it was declared, unless somebody later forces it. That is Kafka Streams' rule.
 */
#include "dsl/dsl.h"

#include "window/window.h"

/* How much longer windows of a table stay that others read, whose time may lag behind its own. */
#define VIEWED_MS KS_DAYS(1)

bool ks__is_materialized(const ks_materialized *options)
{
    return options->store != NULL || options->key != NULL || options->value != NULL ||
           options->cache != KS_DEFAULT || options->changelog != KS_DEFAULT ||
           options->history_ms != 0 || options->versioned != KS_DEFAULT ||
           options->ttl_ms != 0 || options->topic_config != NULL;
}

void ks__table_store(struct ks__table_part *part, const char *name, const ks_materialized *options,
                     const ks_serde *key, const ks_serde *value)
{
    const bool versioned = options->history_ms != 0 || options->versioned == KS_ON;

    part->store = (struct ks__store_spec){
        .name      = name,
        .kind      = versioned ? KS__STORE_VERSIONED : KS__STORE_KV,
        .key       = key,
        .value     = value,
        .cache     = options->cache != KS_OFF && !versioned,
        .topic_config = options->topic_config,
        .changelog = options->changelog != KS_OFF,
        .history_ms = options->history_ms,
        .ttl_ms    = options->ttl_ms,
    };
    part->queryable          = options->store != NULL;
    part->given_retention_ms = options->retention_ms;
    part->given_history      = versioned;
}

/* Windows are kept for a time, versions have a history, rows have neither. */
static bool check_retention(ks_builder *b, const struct ks__call *call,
                            const struct ks__table_part *part)
{
    const bool timed = part->store.kind == KS__STORE_WINDOW ||
                       part->store.kind == KS__STORE_SESSION;

    if (!timed && part->given_retention_ms != 0)
        return ks__latch(b, call, KS_EINVAL,
                         "only windows have a retention; leave KS_MATERIALIZED(.retention_ms)"
                         " out") != NULL;
    if (timed && part->given_history)
        return ks__latch(b, call, KS_EINVAL,
                         "windows have no history; leave KS_MATERIALIZED(.history_ms, .versioned)"
                         " out") != NULL;
    return true;
}

static bool check_history(ks_builder *b, const struct ks__call *call,
                          const struct ks__table_part *part)
{
    if (part->store.kind != KS__STORE_VERSIONED)
        return true;
    if (part->store.history_ms < 0)
        return ks__latch(b, call, KS_EINVAL, "the history must not be negative") != NULL;
    if (!part->queryable)
        return ks__latch(b, call, KS_EINVAL,
                         "a versioned table needs a name for its store; use"
                         " KS_MATERIALIZED(.store = ..., .history_ms = ...)") != NULL;
    if (part->store.global)
        return ks__latch(b, call, KS_EINVAL, "a global table cannot be versioned") != NULL;
    return true;
}

static bool check_ttl(ks_builder *b, const struct ks__call *call,
                      const struct ks__table_part *part)
{
    const char *why = NULL;

    if (part->store.ttl_ms == 0)
        return true;
    if (part->store.kind == KS__STORE_VERSIONED)
        why = "a versioned table has a history instead";
    else if (part->store.kind != KS__STORE_KV)
        why = "windows have a retention instead";
    else if (part->store.global)
        why = "a global table has no stream time";
    else if (part->of_table)
        why = "what is subtracted later would be missing; give the table that is grouped one";
    else if (part->join != KS__JOIN_NONE)
        why = "the result of a join follows its tables; give them one";
    if (why != NULL)
        ks__latch(b, call, KS_EINVAL, "KS_MATERIALIZED(.ttl_ms) cannot be used here: %s", why);
    else if (!part->materialized)
        ks__latch(b, call, KS_EINVAL, "rows with a time to live need a store with a name; use"
                  " KS_MATERIALIZED(.store = ..., .ttl_ms = ...)");
    return b->error.status == KS_OK && ks__check_ttl(b, call, part->store.ttl_ms);
}

bool ks__table_attach(ks_builder *b, const struct ks__call *call, struct ks__logical *node,
                      const struct ks__table_part *part)
{
    if (node == NULL)
        return false;
    node->table = ks__owned_copy(b->owned, part, sizeof(*part));
    if (node->table == NULL)
        return ks__latch_no_memory(b) != NULL;
    if (!check_retention(b, call, part) || !check_history(b, call, part) ||
        !check_ttl(b, call, part) || !ks__topic_lines(b, call, &node->table->store))
        return false;
    /* A generated name is taken at once: nobody else may have it. */
    return part->store.name == NULL || ks__take_store_name(b, call, part->store.name);
}

bool ks__table_send_old(struct ks__logical *node, bool force)
{
    struct ks__table_part *part = node->table;

    if (part->sends_old)
        return true;
    if (part->rows == KS__ROWS_SOURCE && !part->materialized) {
        if (!force)
            return false;
        part->materialized = true;
    }
    if (part->join == KS__JOIN_RESULT) {
        for (size_t i = 0; i < node->parent_count; i++)
            ks__table_send_old(node->parents[i], true);
    } else if (part->rows == KS__ROWS_DERIVED && !part->materialized) {
        force = force || part->join == KS__JOIN_SIDE;
        for (size_t i = 0; i < node->view_count; i++)
            if (!ks__table_send_old(node->views[i], force))
                return false;
    }
    part->sends_old = true;
    return true;
}

/* The store that the rows come from, one to one; NULL = more than one. */
static const struct ks__store_spec *store_of_rows(const struct ks__logical *node)
{
    while (!node->table->materialized && node->table->rows == KS__ROWS_DERIVED) {
        if (node->table->join != KS__JOIN_NONE)
            return NULL;
        node = node->views[0];
    }
    return &node->table->store;
}

static bool has_versions(const struct ks__store_spec *store)
{
    return store != NULL && store->kind == KS__STORE_VERSIONED;
}

bool ks__table_is_versioned(const struct ks__logical *node)
{
    return has_versions(store_of_rows(node));
}

int64_t ks__table_history_ms(const struct ks__logical *node)
{
    const struct ks__store_spec *store = store_of_rows(node);

    return has_versions(store) ? store->history_ms : 0;
}

void ks__table_make_readable(struct ks__logical *node)
{
    struct ks__table_part *part = node->table;

    if (part->rows == KS__ROWS_SOURCE)
        part->materialized = true;
    if (!part->viewed && part->store.retention_ms > 0)
        part->store.keep_ms = ks__time_add(part->store.keep_ms, VIEWED_MS);
    part->viewed = true;
    if (part->rows == KS__ROWS_DERIVED && !part->materialized)
        for (size_t i = 0; i < node->view_count; i++)
            ks__table_make_readable(node->views[i]);
}

const char *ks_table_store_name(const ks_table *t)
{
    const struct ks__table_part *part;

    if (t == NULL || t->head.kind != KS__KIND_TABLE)
        return NULL;
    part = t->node->table;
    return part->queryable ? part->store.name : NULL;
}

const char *ks_global_table_store_name(const ks_global_table *t)
{
    if (t == NULL || t->head.kind != KS__KIND_GLOBAL_TABLE)
        return NULL;
    return t->queryable ? t->store : NULL;
}

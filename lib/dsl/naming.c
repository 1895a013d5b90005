/* SPDX-License-Identifier: Apache-2.0
 *
 * naming.c - names of nodes and stores: generated as Kafka Streams does, checked, taken once.
 *
 *      KSTREAM-FILTER-0000000003        prefix + one counter for everything, ten digits
 *      in-STATE-STORE-0000000000        stores of tables
 */
#include "dsl/dsl.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 249 /* Kafka's limit for topics */

static const char *keep(ks_builder *b, const char *text)
{
    const char *kept = ks__owned_text(b->owned, text);

    return kept != NULL ? kept : ks__latch_no_memory(b);
}

static const char *print_name(ks_builder *b, const char *prefix, const char *middle)
{
    char *text = ks__format("%s%s%010u", prefix, middle, b->next_index++);
    const char *kept;

    if (text == NULL)
        return ks__latch_no_memory(b);
    kept = keep(b, text);
    ks__free(text);
    return kept;
}

const char *ks__generate(ks_builder *b, const char *prefix)
{
    return print_name(b, prefix, "");
}

const char *ks__generate_store(ks_builder *b, const char *prefix)
{
    return print_name(b, prefix, "STATE-STORE-");
}

const char *ks__choose_name(ks_builder *b, const char *given, const char *prefix)
{
    const char *generated = ks__generate(b, prefix); /* D2: the index is taken in any case */

    return given != NULL ? given : generated;
}

const char *ks__store_name(ks_builder *b, const struct ks__call *call,
                           const ks_materialized *options, const char *prefix)
{
    if (prefix == NULL)
        return NULL;
    if (options->store == NULL)
        return ks__generate_store(b, prefix);
    return ks__check_name(b, call, "the store's name", options->store) ? keep(b, options->store)
                                                                       : NULL;
}

const char *ks__join_text(ks_builder *b, const char *text, const char *suffix)
{
    char       *joined = ks__format("%s%s", text, suffix);
    const char *kept;

    if (joined == NULL)
        return ks__latch_no_memory(b);
    kept = keep(b, joined);
    ks__free(joined);
    return kept;
}

/* ---- checks ---- */

static bool is_legal(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '_' || c == '-';
}

bool ks__check_name(ks_builder *b, const struct ks__call *call, const char *what,
                    const char *name)
{
    if (name == NULL || name[0] == '\0')
        return ks__latch(b, call, KS_EINVAL, "%s is empty", what) != NULL;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return ks__latch(b, call, KS_EINVAL, "%s must not be \"%s\"", what, name) != NULL;
    if (strlen(name) > NAME_MAX_BYTES)
        return ks__latch(b, call, KS_EINVAL, "%s is longer than %d characters", what,
                         NAME_MAX_BYTES) != NULL;
    for (const char *c = name; *c != '\0'; c++)
        if (!is_legal(*c))
            return ks__latch(b, call, KS_EINVAL,
                             "%s \"%s\" may hold only letters, digits, '.', '_' and '-'", what,
                             name) != NULL;
    return true;
}

static struct ks__map_entry *take(ks_builder *b, struct ks__map *names, const char *name,
                                  bool *inserted)
{
    struct ks__map_entry *entry = ks__map_put(names, ks_bytes_text(name), inserted);

    if (entry == NULL)
        ks__latch_no_memory(b);
    return entry;
}

bool ks__take_node_name(ks_builder *b, const struct ks__call *call, const char *name,
                        struct ks__logical *node)
{
    bool                  inserted = false;
    struct ks__map_entry *entry    = take(b, &b->names, name, &inserted);

    if (entry == NULL)
        return false;
    if (!inserted)
        return ks__latch(b, call, KS_EEXISTS, "a node is already named \"%s\"", name) != NULL;
    *(struct ks__logical **)ks__map_payload(entry) = node;
    return true;
}

bool ks__take_store_name(ks_builder *b, const struct ks__call *call, const char *name)
{
    bool inserted = false;

    if (take(b, &b->store_names, name, &inserted) == NULL)
        return false;
    if (!inserted)
        ks__latch(b, call, KS_EEXISTS, "a store is already named \"%s\"", name);
    return inserted;
}

struct ks__logical *ks__find_node(const ks_builder *b, const char *name)
{
    struct ks__map_entry *entry = ks__map_get(&b->names, ks_bytes_text(name));

    return entry != NULL ? *(struct ks__logical **)ks__map_payload(entry) : NULL;
}

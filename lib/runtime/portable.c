/* SPDX-License-Identifier: Apache-2.0
 *
 * portable.c - which types may stand on which topics.
 */
#include "runtime/portable.h"

#include "serde/serde.h"

#include <string.h>

static ks_status check(const struct ks__node *node, const struct ks__topic_ref *topic,
                       const char *what, const ks_serde *serde, ks_error *error)
{
    if (topic->internal || !ks__serde_is_local(serde))
        return KS_OK;
    return ks__error_set(error, KS_ETYPE,
                         "%s: the %s of topic \"%s\" is a %s, whose bytes mean something on this "
                         "host only; encode it with a map_values, or declare it KS_STRUCT_AS_IS",
                         node->name, what, topic->name != NULL ? topic->name : "(chosen)",
                         ks_serde_name(serde));
}

static ks_status check_source(const struct ks__node *node, ks_error *error)
{
    const struct ks__source_args *args   = node->args;
    ks_status                     status = KS_OK;

    for (size_t i = 0; i < args->topic_count && status == KS_OK; i++) {
        status = check(node, &args->topics[i], "key", args->key, error);
        if (status == KS_OK)
            status = check(node, &args->topics[i], "value", args->value, error);
    }
    return status;
}

static ks_status check_sink(const struct ks__node *node, ks_error *error)
{
    const struct ks__sink_args *args = node->args;
    ks_status                   status = check(node, &args->topic, "key", args->key, error);

    return status != KS_OK ? status : check(node, &args->topic, "value", args->value, error);
}

ks_status ks__check_portable(const struct ks_topology *topology, const char *kind,
                             ks_error *error)
{
    ks_status status = KS_OK;

    if (strcmp(kind, "memory") == 0 || strcmp(kind, "embedded") == 0)
        return KS_OK;
    for (size_t i = 0; i < topology->node_count && status == KS_OK; i++) {
        const struct ks__node *node = topology->nodes[i];

        if (node->kind == KS__NODE_SOURCE)
            status = check_source(node, error);
        else if (node->kind == KS__NODE_SINK)
            status = check_sink(node, error);
    }
    return status;
}

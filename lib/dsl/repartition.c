/* SPDX-License-Identifier: Apache-2.0
 *
 * repartition.c - sending a stream through a topic of its own, so that equal keys meet.
 *
 *      parent ─> <topic>-filter ─> <topic>-sink ─> topic ─> <topic>-source ─> ...
 *
 * The filter drops null keys, silently, unless a left join downstream wants them (build decides).
 * Three indexes are taken: for sink, filter and source, in this order. The generated names are used
 * when the prefix itself was generated for a stream's operator.
 */
#include "dsl/dsl.h"

#include <string.h>

#define SUFFIX "-repartition"

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t tail   = strlen(end);

    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* KSTREAM, anything, a dash and ten digits. */
static bool is_generated(const char *name)
{
    size_t length = strlen(name);

    if (strncmp(name, "KSTREAM", 7) != 0 || length < 18 || name[length - 11] != '-')
        return false;
    return strspn(name + length - 10, "0123456789") == 10;
}

static bool name_parts(ks_builder *b, const char *prefix, struct ks__repartition_part *part,
                       const char **source_name)
{
    const char *sink   = ks__generate(b, "KSTREAM-SINK-");
    const char *filter = ks__generate(b, "KSTREAM-FILTER-");
    const char *source = ks__generate(b, "KSTREAM-SOURCE-");

    if (prefix == NULL)
        return false;
    part->topic = ends_with(prefix, SUFFIX) ? prefix : ks__join_text(b, prefix, SUFFIX);
    if (part->topic == NULL)
        return false;
    if (is_generated(prefix)) {
        part->sink_name   = sink;
        part->filter_name = filter;
        *source_name      = source;
    } else {
        part->sink_name   = ks__join_text(b, part->topic, "-sink");
        part->filter_name = ks__join_text(b, part->topic, "-filter");
        *source_name      = ks__join_text(b, part->topic, "-source");
    }
    return b->error.status == KS_OK;
}

struct ks__logical *ks__repartition_add(ks_builder *b, const struct ks__call *call,
                                        struct ks__logical *parent,
                                        const struct ks__repartition_seed *seed)
{
    struct ks__repartition_part  part = { .partitions       = seed->partitions,
                                          .key              = seed->key,
                                          .value            = seed->value,
                                          .partitioner      = seed->partitioner,
                                          .partitioner_user = seed->partitioner_user,
                                          .movable          = !seed->asked_for &&
                                                              seed->partitioner == NULL };
    const char                  *source_name = NULL;
    struct ks__logical          *node;

    if (!name_parts(b, seed->prefix, &part, &source_name))
        return NULL;
    if (seed->again != NULL) {
        if (!seed->stays)
            ks__logical_touch(b, seed->again);
        return seed->again;
    }
    node = ks__logical_add(b, call,
                           &(struct ks__logical_seed){ .kind         = KS__LOGICAL_REPARTITION,
                                                       .name         = source_name,
                                                       .class        = &ks__source_class,
                                                       .parents      = &parent,
                                                       .parent_count = 1 });
    if (node == NULL || !ks__take_node_name(b, call, part.filter_name, node) ||
        !ks__take_node_name(b, call, part.sink_name, node))
        return NULL;
    node->repartition = ks__owned_copy(b->owned, &part, sizeof(part));
    return node->repartition != NULL ? node : ks__latch_no_memory(b);
}

bool ks__stream_gather(ks_stream *s, const struct ks__call *call,
                       const struct ks__gathering *how, ks_stream *gathered)
{
    const bool          own_name = how->prefix != NULL;
    struct ks__logical *node     = ks__repartition_add(
        s->head.builder, call, s->node,
        &(struct ks__repartition_seed){ .prefix = own_name ? how->prefix : s->node->name,
                                        .key    = how->key,
                                        .value  = how->value,
                                        .again  = own_name ? NULL : s->repartition,
                                        .stays  = true });

    if (node == NULL)
        return false;
    s->repartition    = node;
    *gathered         = *s;
    gathered->node    = node;
    gathered->rekeyed = false;
    gathered->sources = ks__sources_of(s->head.builder, node);
    return true;
}

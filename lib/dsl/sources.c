/* SPDX-License-Identifier: Apache-2.0
 *
 * sources.c - topics that are read: as streams here, as tables in ops/table_source.c.
 *
 * A topic has one source. A second stream of exactly the same topics with the same options shares
 * the first one's source (its own index is taken all the same); any other overlap is refused.
 */
#include "dsl/dsl.h"

#include "serde/serde.h"
#include "topology/pattern.h"

#include <string.h>

/* What is the same however the topics are given. */
static bool fill_args(ks_builder *b, const struct ks__call *call, const ks_consumed *options,
                      const struct ks__topic_ref *topics, size_t count,
                      struct ks__source_args *args)
{
    if (options->source != NULL)
        return ks__latch(b, call, KS_EINVAL, "the source's name is .name; leave out .source") !=
               NULL;
    if (options->reset_before_ms < 0)
        return ks__latch(b, call, KS_EINVAL, ".reset_before_ms must not be negative") != NULL;
    if (options->reset_before_ms > 0 && options->reset != KS_RESET_DEFAULT)
        return ks__latch(b, call, KS_EINVAL, "give .reset or .reset_before_ms, not both") != NULL;
    *args = (struct ks__source_args){
        .topics          = topics,
        .topic_count     = count,
        .key             = options->key,
        .value           = options->value,
        .time            = options->time,
        .extractor       = options->extractor,
        .extractor_user  = options->user,
        .reset           = options->reset,
        .reset_before_ms = options->reset_before_ms,
    };
    return true;
}

bool ks__source_args_make(ks_builder *b, const struct ks__call *call, const char *const *topics,
                          size_t count, const ks_consumed *options, struct ks__source_args *args)
{
    struct ks__topic_ref *list;

    if (!ks__need(b, call, topics != NULL && count > 0, "a topic"))
        return false;
    list = ks__arena_zalloc(&b->owned->arena, count * sizeof(*list));
    if (list == NULL)
        return ks__latch_no_memory(b) != NULL;
    for (size_t i = 0; i < count; i++) {
        if (!ks__check_name(b, call, "the topic", topics[i]))
            return false;
        list[i].name = ks__owned_text(b->owned, topics[i]);
        if (list[i].name == NULL)
            return ks__latch_no_memory(b) != NULL;
        for (size_t k = 0; k < i; k++)
            if (strcmp(list[k].name, list[i].name) == 0)
                return ks__latch(b, call, KS_EINVAL, "the topic \"%s\" is named twice",
                                 topics[i]) != NULL;
    }
    return fill_args(b, call, options, list, count, args);
}

bool ks__source_args_match(ks_builder *b, const struct ks__call *call, const char *text,
                           const ks_consumed *options, struct ks__source_args *args)
{
    struct ks__topic_ref *ref;
    struct ks__pattern   *pattern;
    ks_error              error = { .status = KS_OK };

    if (!ks__need(b, call, text != NULL && text[0] != '\0', "a pattern"))
        return false;
    pattern = ks__pattern_new(text, &error);
    if (pattern == NULL)
        return ks__latch(b, call, error.status, "%s", ks_error_message(&error)) != NULL;
    if (!ks__owned_add(b->owned, pattern, ks__pattern_free)) {
        ks__pattern_free(pattern);
        return ks__latch_no_memory(b) != NULL;
    }
    ref = ks__arena_zalloc(&b->owned->arena, sizeof(*ref));
    if (ref == NULL || (ref->name = ks__owned_text(b->owned, text)) == NULL)
        return ks__latch_no_memory(b) != NULL;
    ref->pattern = pattern;
    return fill_args(b, call, options, ref, 1, args);
}

/* ---- overlap ---- */

/* Two patterns overlap where their texts are the same; what else they both match is found out when
 * the topics are known. */
static bool overlaps(const struct ks__topic_ref *a, const struct ks__topic_ref *b)
{
    return ks__topic_ref_means(a, b) || ks__topic_ref_means(b, a);
}

/* How many topics of `a` are in `b`, and the first of them. */
static size_t overlap(const struct ks__source_args *a, const struct ks__source_args *b,
                      const char **first)
{
    size_t common = 0;

    for (size_t i = 0; i < a->topic_count; i++)
        for (size_t k = 0; k < b->topic_count; k++)
            if (overlaps(&a->topics[i], &b->topics[k])) {
                if (common++ == 0)
                    *first = a->topics[i].name;
                break;
            }
    return common;
}

/* By a pattern and by name. */
static bool differ_in_kind(const struct ks__source_args *a, const struct ks__source_args *b)
{
    return (a->topics[0].pattern != NULL) != (b->topics[0].pattern != NULL);
}

static bool same_options(const struct ks__source_args *a, const struct ks__source_args *b)
{
    return a->reset == b->reset && a->reset_before_ms == b->reset_before_ms &&
           a->time == b->time && a->extractor == b->extractor &&
           a->extractor_user == b->extractor_user && ks__serde_reads_alike(a->key, b->key) &&
           ks__serde_fits(a->value, b->value);
}

/* Only sources of streams are shared, not those of tables or of the Topology API. */
static bool is_stream_source(const struct ks__logical *node)
{
    return node->kind == KS__LOGICAL_SOURCE && !node->exclusive;
}

bool ks__claim_topics(ks_builder *b, const struct ks__call *call,
                      const struct ks__source_args *args, struct ks__logical **same)
{
    for (size_t i = 0; i < b->node_count; i++) {
        struct ks__logical           *node = b->nodes[i];
        const struct ks__source_args *other = node->args;
        const char                   *shared = NULL;
        size_t                        common;

        if ((node->kind != KS__LOGICAL_SOURCE && node->kind != KS__LOGICAL_GLOBAL) ||
            node->merged_into != NULL)
            continue;
        common = overlap(args, other, &shared);
        if (common == 0)
            continue;
        if (differ_in_kind(args, other))
            return ks__latch(b, call, KS_ETOPOLOGY, "%s \"%s\" %s one that \"%s\" reads",
                             args->topics[0].pattern != NULL ? "pattern" : "topic",
                             args->topics[0].name,
                             args->topics[0].pattern != NULL ? "matches" : "is", node->name) !=
                   NULL;
        if (same == NULL || !is_stream_source(node))
            return ks__latch(b, call, KS_ETOPOLOGY, "the topic \"%s\" is already read by \"%s\"",
                             shared, node->name) != NULL;
        if (common != args->topic_count || common != other->topic_count)
            return ks__latch(b, call, KS_ETOPOLOGY, "the topics overlap with those of \"%s\"",
                             node->name) != NULL;
        if (!same_options(args, other))
            return ks__latch(b, call, KS_ETOPOLOGY,
                             "the topics are already read by \"%s\" with other options",
                             node->name) != NULL;
        *same = node;
    }
    return true;
}

/* ---- streams ---- */

static ks_stream *make_stream(ks_builder *b, const struct ks__call *call,
                              const struct ks__source_args *args)
{
    struct ks__logical *same = NULL;
    struct ks__logical *node;
    ks_stream          *s;

    if (!ks__claim_topics(b, call, args, &same))
        return ks__inert(b);
    node = ks__logical_add(
        b, call,
        &(struct ks__logical_seed){ .kind      = KS__LOGICAL_SOURCE,
                                    .name      = ks__choose_name(b, call->name,
                                                                 ks__source_class.prefix),
                                    .class     = &ks__source_class,
                                    .args      = args,
                                    .args_size = sizeof(*args) });
    s = node != NULL ? ks__arena_zalloc(&b->owned->arena, sizeof(*s)) : NULL;
    if (s == NULL) {
        ks__latch_no_memory(b);
        return ks__inert(b);
    }
    node->merged_into = same;
    *s = (ks_stream){ .head    = { KS__KIND_STREAM, b },
                      .node    = node,
                      .key     = ks__serde_plain(args->key),
                      .value   = args->value,
                      .sources = ks__sources_of(b, node) };
    return s;
}

ks_stream *ks_builder_stream_of(ks_builder *b, const char *const *topics, size_t count,
                                const ks_consumed *consumed)
{
    struct ks__call        call;
    struct ks__source_args args;
    ks_consumed            options;

    if (!ks__enter(b, KS__KIND_BUILDER, __func__, consumed, &options, sizeof(options), &call) ||
        !ks__source_args_make(b, &call, topics, count, &options, &args))
        return ks__inert(b);
    return make_stream(b, &call, &args);
}

ks_stream *ks_builder_stream(ks_builder *b, const char *topic, const ks_consumed *consumed)
{
    struct ks__call        call;
    struct ks__source_args args;
    ks_consumed            options;

    if (!ks__enter(b, KS__KIND_BUILDER, __func__, consumed, &options, sizeof(options), &call) ||
        !ks__source_args_make(b, &call, &topic, topic != NULL, &options, &args))
        return ks__inert(b);
    return make_stream(b, &call, &args);
}

ks_stream *ks_builder_stream_pattern(ks_builder *b, const char *pattern,
                                     const ks_consumed *consumed)
{
    struct ks__call        call;
    struct ks__source_args args;
    ks_consumed            options;

    if (!ks__enter(b, KS__KIND_BUILDER, __func__, consumed, &options, sizeof(options), &call) ||
        !ks__source_args_match(b, &call, pattern, &options, &args))
        return ks__inert(b);
    return make_stream(b, &call, &args);
}

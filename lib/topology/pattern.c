/* SPDX-License-Identifier: Apache-2.0
 *
 * pattern.c - topics by a regular expression: matching, and a topology with the topics of today.
 */
#include "topology/pattern.h"

#include <regex.h>
#include <stdlib.h>
#include <stddef.h>
#include <string.h>

struct ks__pattern {
    regex_t regex;
};

/* ---- one pattern ---- */

struct ks__pattern *ks__pattern_new(const char *text, ks_error *error)
{
    struct ks__pattern *pattern = ks__zalloc(sizeof(*pattern));
    char               *whole   = ks__format("^(%s)$", text);
    char                reason[128];
    int                 code;

    if (pattern == NULL || whole == NULL) {
        ks__free(pattern);
        ks__free(whole);
        ks__error_no_memory(error, "a pattern");
        return NULL;
    }
    code = regcomp(&pattern->regex, whole, REG_EXTENDED | REG_NOSUB);
    ks__free(whole);
    if (code == 0)
        return pattern;
    regerror(code, &pattern->regex, reason, sizeof(reason));
    ks__free(pattern);
    ks__error_set(error, KS_EINVAL, "\"%s\" is no extended regular expression: %s", text, reason);
    return NULL;
}

void ks__pattern_free(void *pattern)
{
    if (pattern == NULL)
        return;
    regfree(&((struct ks__pattern *)pattern)->regex);
    ks__free(pattern);
}

bool ks__pattern_matches(const struct ks__pattern *pattern, const char *topic)
{
    return regexec(&pattern->regex, topic, 0, NULL, 0) == 0;
}

bool ks__topic_ref_means(const struct ks__topic_ref *ref, const struct ks__topic_ref *topic)
{
    if (ref->pattern != NULL && topic->pattern == NULL)
        return !topic->internal && ks__pattern_matches(ref->pattern, topic->name);
    return ref->internal == topic->internal && strcmp(ref->name, topic->name) == 0;
}

bool ks__topology_has_patterns(const struct ks_topology *topology)
{
    for (size_t i = 0; i < topology->subtopology_count; i++)
        for (size_t n = 0; n < topology->subtopologies[i].input_count; n++)
            if (topology->subtopologies[i].inputs[n].pattern != NULL)
                return true;
    return topology->whole != NULL;
}

/* ---- the topics of today ---- */

struct resolving {
    const struct ks_topology *from;
    struct ks_topology       *to;
    const char              **names; /* sorted; in the arena of `to` */
    size_t                    count;
    ks_error                 *error;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "<id>-NAME" or "<id>-NAME<suffix>" */
static bool is_named(const char *topic, const char *id, const char *name, const char *suffix)
{
    const size_t id_size = strlen(id), size = strlen(name);

    return strncmp(topic, id, id_size) == 0 && topic[id_size] == '-' &&
           strncmp(topic + id_size + 1, name, size) == 0 &&
           strcmp(topic + id_size + 1 + size, suffix) == 0;
}

static bool is_internal(const struct ks_topology *topology, const char *topic, const char *id)
{
    for (size_t i = 0; i < topology->repartition_count; i++)
        if (is_named(topic, id, topology->repartitions[i].topic, ""))
            return true;
    for (size_t i = 0; i < topology->store_count; i++)
        if (is_named(topic, id, topology->stores[i]->name, "-changelog"))
            return true;
    return false;
}

static ks_status read_names(struct resolving *r, const struct ks__buffer *buffer, const char *id)
{
    const char *const end   = (const char *)buffer->data + buffer->size;
    size_t            count = 0;

    for (size_t i = 0; i < buffer->size; i++)
        count += buffer->data[i] == 0;
    r->names = ks__arena_zalloc(&r->to->arena, (count + 1) * sizeof(*r->names));
    if (r->names == NULL)
        return ks__error_no_memory(r->error, "topics");
    for (const char *at = (const char *)buffer->data; count > 0 && at < end; at += strlen(at) + 1) {
        char *copy;

        if (is_internal(r->from, at, id))
            continue;
        copy = ks__arena_zalloc(&r->to->arena, strlen(at) + 1);
        if (copy == NULL)
            return ks__error_no_memory(r->error, "topics");
        memcpy(copy, at, strlen(at));
        r->names[r->count++] = copy;
    }
    qsort(r->names, r->count, sizeof(*r->names), by_name);
    return KS_OK;
}

static size_t matches(const struct resolving *r, const struct ks__topic_ref *refs, size_t count)
{
    size_t sum = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t n = 0; refs[i].pattern != NULL && n < r->count; n++)
            sum += ks__pattern_matches(refs[i].pattern, r->names[n]);
    return sum + count;
}

/* The list with every pattern replaced by the topics that it matches. */
static ks_status replace(struct resolving *r, const struct ks__topic_ref **refs, size_t *count)
{
    const struct ks__topic_ref *from = *refs;
    const size_t                room = matches(r, from, *count);
    struct ks__topic_ref       *to   = ks__arena_zalloc(&r->to->arena, room * sizeof(*to));
    size_t                      size = 0;

    if (to == NULL && room > 0)
        return ks__error_no_memory(r->error, "topics");
    for (size_t i = 0; i < *count; i++) {
        if (from[i].pattern == NULL)
            to[size++] = from[i];
        for (size_t n = 0; from[i].pattern != NULL && n < r->count; n++)
            if (ks__pattern_matches(from[i].pattern, r->names[n]))
                to[size++] = (struct ks__topic_ref){ .name = r->names[n] };
    }
    *refs  = to;
    *count = size;
    return KS_OK;
}

/* PT1: the pattern that matches the name, once. */
static ks_status check_once(const struct resolving *r, const char *name)
{
    const char *first = NULL;

    for (size_t i = 0; i < r->from->subtopology_count; i++)
        for (size_t n = 0; n < r->from->subtopologies[i].input_count; n++) {
            const struct ks__topic_ref *ref = &r->from->subtopologies[i].inputs[n];

            if (ref->pattern == NULL || !ks__pattern_matches(ref->pattern, name))
                continue;
            if (first != NULL)
                return ks__error_set(r->error, KS_ETOPOLOGY,
                                     "topic \"%s\" is matched by two patterns, \"%s\" and \"%s\"; "
                                     "one source reads a topic", name, first, ref->name);
            first = ref->name;
        }
    return KS_OK;
}

static ks_status resolve(struct resolving *r)
{
    struct ks_topology *to     = r->to;
    ks_status           status = KS_OK;

    to->subtopologies = ks__arena_zalloc(&to->arena, (to->subtopology_count + 1) *
                                                         sizeof(*to->subtopologies));
    to->copartitions  = ks__arena_zalloc(&to->arena, (to->copartition_count + 1) *
                                                         sizeof(*to->copartitions));
    if (to->subtopologies == NULL || to->copartitions == NULL)
        return ks__error_no_memory(r->error, "topics");
    for (size_t i = 0; i < r->count && status == KS_OK; i++)
        status = check_once(r, r->names[i]);
    for (size_t i = 0; i < to->subtopology_count && status == KS_OK; i++) {
        to->subtopologies[i] = r->from->subtopologies[i];
        status = replace(r, &to->subtopologies[i].inputs, &to->subtopologies[i].input_count);
    }
    for (size_t i = 0; i < to->copartition_count && status == KS_OK; i++) {
        to->copartitions[i] = r->from->copartitions[i];
        status = replace(r, &to->copartitions[i].topics, &to->copartitions[i].topic_count);
    }
    return status;
}

/* All but the count of references, which other threads change. */
static void copy_all(struct ks_topology *to, const struct ks_topology *from)
{
    const size_t at = offsetof(struct ks_topology, error);

    memcpy((char *)to + at, (const char *)from + at, sizeof(*to) - at);
}

ks_status ks__topology_resolve(const struct ks_topology *topology, const struct ks__buffer *names,
                               const char *application_id, struct ks_topology **out,
                               ks_error *error)
{
    struct ks_topology *to     = ks__zalloc(sizeof(*to));
    struct resolving    r      = { .from = topology, .to = to, .error = error };
    ks_status           status = KS_ENOMEM;

    *out = NULL;
    if (to == NULL)
        return ks__error_no_memory(error, "topics");
    copy_all(to, topology);
    to->arena = (struct ks__arena){ .next = NULL };
    to->owned = NULL;
    to->whole = ks__topology_ref(topology);
    atomic_init(&to->references, 1);
    if (ks__arena_init(&to->arena, 0, 0) != KS_OK)
        ks__error_no_memory(error, "topics");
    else
        status = read_names(&r, names, application_id);
    if (status == KS_OK)
        status = resolve(&r);
    if (status != KS_OK)
        ks_topology_free(to);
    else
        *out = to;
    return status;
}

bool ks__topology_same_inputs(const struct ks_topology *one, const struct ks_topology *other)
{
    for (size_t i = 0; i < one->subtopology_count; i++) {
        const struct ks__subtopology *a = &one->subtopologies[i], *b = &other->subtopologies[i];

        if (a->input_count != b->input_count)
            return false;
        for (size_t n = 0; n < a->input_count; n++)
            if (strcmp(a->inputs[n].name, b->inputs[n].name) != 0)
                return false;
    }
    return true;
}

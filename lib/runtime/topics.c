/* SPDX-License-Identifier: Apache-2.0
 *
 * topics.c - from the topology to the topics it needs, and their creation.
 *
 *      MATCH (patterns) -> LIST -> FIND (the user's) -> COUNT -> CREATE -> VERIFY (ours) -> DONE
 *
 * The rules for counts are those of Kafka's RepartitionTopics and CopartitionedTopicsEnforcer.
 */
#include "runtime/topics.h"

#include "runtime/topic_config.h"

#include <inttypes.h>
#include <string.h>

enum phase {
    PHASE_MATCH,
    PHASE_LIST,
    PHASE_FIND,
    PHASE_COUNT,
    PHASE_CREATE,
    PHASE_VERIFY,
    PHASE_DONE
};

/* ---- names ---- */

char *ks__topic_full_name(const struct ks__topic_ref *ref, const char *application_id)
{
    return ref->internal ? ks__format("%s-%s", application_id, ref->name) : ks__strdup(ref->name);
}

bool ks__topic_is(const struct ks__topic_ref *ref, const char *application_id, const char *name)
{
    size_t size = strlen(application_id);

    if (!ref->internal)
        return strcmp(ref->name, name) == 0;
    return strncmp(name, application_id, size) == 0 && name[size] == '-' &&
           strcmp(name + size + 1, ref->name) == 0;
}

static struct ks__planned_topic *find(const struct ks__topics *topics, const char *name)
{
    for (size_t i = 0; i < topics->count; i++)
        if (strcmp(topics->topics[i].name, name) == 0)
            return &topics->topics[i];
    return NULL;
}

static struct ks__planned_topic *find_ref(const struct ks__topics *topics,
                                          const struct ks__topic_ref *ref)
{
    for (size_t i = 0; i < topics->count; i++)
        if (ks__topic_is(ref, topics->settings->application_id, topics->topics[i].name))
            return &topics->topics[i];
    return NULL;
}

int32_t ks__topics_partitions(const struct ks__topics *topics, const char *name)
{
    const struct ks__planned_topic *topic = find(topics, name);

    return topic != NULL ? topic->partitions : 0;
}

/* ---- life ---- */

void ks__topics_init(struct ks__topics *topics, const struct ks_topology *topology,
                     const struct ks__settings *settings)
{
    *topics = (struct ks__topics){ .given = topology, .topology = topology, .settings = settings };
}

void ks__topics_release(struct ks__topics *topics)
{
    for (size_t i = 0; i < topics->count; i++)
        ks__free(topics->topics[i].name);
    ks__free(topics->topics);
    ks__free(topics->tasks);
    ks__free(topics->inputs);
    ks_topology_free(topics->resolved);
    ks__topics_init(topics, topics->given, topics->settings);
}

/* ---- match ---- */

static ks_status resolve(const struct ks__topics *topics, struct ks__cluster *cluster,
                         struct ks_topology **out, int timeout_ms, ks_error *error)
{
    struct ks__buffer names  = { .data = NULL };
    ks_status         status = ks__cluster_topics(cluster, &names, timeout_ms, error);

    if (status == KS_OK)
        status = ks__topology_resolve(topics->given, &names, topics->settings->application_id, out,
                                      error);
    ks__buffer_release(&names);
    return status;
}

static ks_status match(struct ks__topics *topics, struct ks__cluster *cluster, int timeout_ms,
                       ks_error *error)
{
    ks_status status;

    if (!ks__topology_has_patterns(topics->given))
        return KS_OK;
    status = resolve(topics, cluster, &topics->resolved, timeout_ms, error);
    if (status == KS_OK)
        topics->topology = topics->resolved;
    return status;
}

ks_status ks__topics_look(const struct ks__topics *topics, struct ks__cluster *cluster,
                          bool *changed, int timeout_ms, ks_error *error)
{
    struct ks_topology *now = NULL;
    ks_status           status;

    *changed = false;
    if (topics->resolved == NULL)
        return KS_OK;
    status = resolve(topics, cluster, &now, timeout_ms, error);
    if (status == KS_OK)
        *changed = !ks__topology_same_inputs(now, topics->resolved);
    ks_topology_free(now);
    return status;
}

/* ---- list ---- */

/* Takes `name`. */
static struct ks__planned_topic *add(struct ks__topics *topics, char *name)
{
    struct ks__planned_topic *known = name != NULL ? find(topics, name) : NULL;

    if (name == NULL || known != NULL || !KS__GROW(&topics->topics, &topics->capacity,
                                                   topics->count + 1)) {
        ks__free(name);
        return known;
    }
    topics->topics[topics->count] = (struct ks__planned_topic){ .name = name };
    return &topics->topics[topics->count++];
}

static bool list_inputs(struct ks__topics *topics)
{
    for (size_t i = 0; i < topics->topology->subtopology_count; i++) {
        const struct ks__subtopology *part = &topics->topology->subtopologies[i];

        for (size_t n = 0; n < part->input_count; n++) {
            const char *id = topics->settings->application_id;
            struct ks__planned_topic *topic =
                add(topics, ks__topic_full_name(&part->inputs[n], id));

            if (topic == NULL)
                return false;
            topic->internal = part->inputs[n].internal;
        }
    }
    topics->input_count = topics->count;
    for (size_t i = 0; i < topics->topology->global_count; i++)
        if (add(topics, ks__strdup(topics->topology->globals[i].topic)) == NULL)
            return false;
    return true;
}

static bool list_explicit_counts(struct ks__topics *topics)
{
    for (size_t i = 0; i < topics->topology->repartition_count; i++) {
        const struct ks__repartition *part = &topics->topology->repartitions[i];
        struct ks__topic_ref          ref = { .name = part->topic, .internal = true };
        struct ks__planned_topic     *topic;

        topic = add(topics, ks__topic_full_name(&ref, topics->settings->application_id));
        if (topic == NULL)
            return false;
        topic->internal = true;
        if (part->partitions > 0) {
            topic->fixed      = true;
            topic->partitions = part->partitions;
        }
    }
    return true;
}

static ks_status list(struct ks__topics *topics, ks_error *error)
{
    if (!list_inputs(topics) || !list_explicit_counts(topics))
        return ks__error_no_memory(error, "topics");
    topics->tasks  = ks__zalloc_array(topics->topology->subtopology_count + 1,
                                      sizeof(*topics->tasks));
    topics->inputs = ks__zalloc_array(topics->input_count + 1, sizeof(*topics->inputs));
    if (topics->tasks == NULL || topics->inputs == NULL)
        return ks__error_no_memory(error, "topics");
    for (size_t i = 0; i < topics->input_count; i++)
        topics->inputs[i] = topics->topics[i].name;
    return KS_OK;
}

/* ---- find ---- */

static ks_status find_next(struct ks__topics *topics, struct ks__cluster *cluster, int timeout_ms,
                           ks_error *error)
{
    struct ks__planned_topic *topic = &topics->topics[topics->index];
    ks_status                 status;

    if (topic->internal)
        return KS_OK;
    status = ks__cluster_partitions(cluster, topic->name, &topic->partitions, timeout_ms, error);
    if (status == KS_OK && topic->partitions == 0)
        return ks__error_set(error, KS_ENOTFOUND,
                             "unknown topic \"%s\": it must be created before the application runs",
                             topic->name);
    return status;
}

/* ---- count ---- */

/* The largest count of the inputs of a sub-topology that are known so far. A repartition topic that
 * is written and read by one sub-topology gets what the other inputs say. */
static int32_t widest_input(const struct ks__topics *topics, size_t subtopology)
{
    const struct ks__subtopology *part = &topics->topology->subtopologies[subtopology];
    int32_t                       widest = 0;

    for (size_t n = 0; n < part->input_count; n++) {
        const struct ks__planned_topic *topic = find_ref(topics, &part->inputs[n]);

        if (topic != NULL && topic->partitions > widest)
            widest = topic->partitions;
    }
    return widest;
}

/* One round over the repartition topics; true = one more is known. */
static bool count_repartitions(struct ks__topics *topics)
{
    bool found = false;

    for (size_t i = 0; i < topics->topology->repartition_count; i++) {
        const struct ks__repartition *part = &topics->topology->repartitions[i];
        struct ks__topic_ref          ref = { .name = part->topic, .internal = true };
        struct ks__planned_topic     *topic = find_ref(topics, &ref);
        int32_t                       widest;

        if (topic == NULL || topic->fixed || part->from < 0)
            continue;
        widest = widest_input(topics, (size_t)part->from);
        if (widest > topic->partitions) {
            topic->partitions = widest;
            found             = true;
        }
    }
    return found;
}

/* The count that a co-partitioned set must have: that of the topics which cannot be changed, else
 * the largest. `*given` = the topic that gives it, NULL = none is bound. */
static int32_t count_of_set(const struct ks__topics *topics, const struct ks__copartition *set,
                            const struct ks__planned_topic **given)
{
    int32_t widest = 0;

    *given = NULL;
    for (size_t n = 0; n < set->topic_count; n++) {
        const struct ks__planned_topic *topic = find_ref(topics, &set->topics[n]);

        if (topic == NULL)
            continue;
        if ((!topic->internal || topic->fixed) && (*given == NULL || !topic->internal))
            *given = topic;
        if (topic->partitions > widest)
            widest = topic->partitions;
    }
    return *given != NULL ? (*given)->partitions : widest;
}

static ks_status copartition(struct ks__topics *topics, const struct ks__copartition *set,
                             bool *changed, ks_error *error)
{
    const struct ks__planned_topic *given;
    int32_t                         wanted = count_of_set(topics, set, &given);

    for (size_t n = 0; n < set->topic_count && wanted > 0; n++) {
        struct ks__planned_topic *topic = find_ref(topics, &set->topics[n]);

        if (topic == NULL || topic->partitions == wanted)
            continue;
        if ((!topic->internal || topic->fixed) && given != NULL) {
            ks__error_set(error, KS_ETOPOLOGY,
                          "topics \"%s\" (%" PRId32 " partitions) and \"%s\" (%" PRId32 ") of "
                          "\"%s\" must have equally many partitions; repartition one of them",
                          given->name, given->partitions, topic->name, topic->partitions,
                          set->node != NULL ? set->node : "");
            ks__error_set_node(error, set->node);
            return KS_ETOPOLOGY;
        }
        topic->partitions = wanted;
        *changed          = true;
    }
    return KS_OK;
}

/* Repeat until nothing changes: a repartition topic may feed another. Counts of copartitioned ones
 * are set last in a round, so that a round which changes nothing satisfies both rules. */
static ks_status count_all(struct ks__topics *topics, ks_error *error)
{
    size_t rounds = topics->count * 2 + 2;
    bool   changed = true;

    for (size_t round = 0; changed && round < rounds; round++) {
        changed = count_repartitions(topics);
        for (size_t i = 0; i < topics->topology->copartition_count; i++) {
            ks_status status = copartition(topics, &topics->topology->copartitions[i], &changed,
                                           error);

            if (status != KS_OK)
                return status;
        }
    }
    for (size_t i = 0; i < topics->topology->subtopology_count; i++)
        topics->tasks[i] = widest_input(topics, i);
    for (size_t i = 0; i < topics->count; i++)
        if (topics->topics[i].partitions == 0 && topics->resolved == NULL)
            return ks__error_set(error, KS_ETOPOLOGY,
                                 "the number of partitions of \"%s\" cannot be found: it depends "
                                 "on itself", topics->topics[i].name);
    return KS_OK;
}

/* ---- names of ours ---- */

#define NAME_MAX_BYTES 249 /* Kafka's limit */

/* Before anything is created: what a log says of a long name does not tell where it comes from. */
static ks_status check_names(const struct ks__topics *topics, ks_error *error)
{
    for (size_t i = 0; i < topics->count; i++) {
        const struct ks__planned_topic *topic = &topics->topics[i];

        if (topic->internal && strlen(topic->name) > NAME_MAX_BYTES)
            return ks__error_set(error, KS_ETOPOLOGY,
                                 "internal topic \"%s\" has a name of %zu characters, %d is the "
                                 "limit; shorten application.id or the name of the store or "
                                 "operator", topic->name, strlen(topic->name), NAME_MAX_BYTES);
    }
    return KS_OK;
}

/* ---- create and verify ---- */

/* Those that are there come first. */
static void list_present(struct ks__topics *topics)
{
    size_t absent = topics->input_count;

    topics->present_count = 0;
    for (size_t i = 0; i < topics->input_count; i++)
        if (topics->topics[i].partitions > 0)
            topics->inputs[topics->present_count++] = topics->topics[i].name;
        else
            topics->inputs[--absent] = topics->topics[i].name;
}

static char *changelog_name(const struct ks__topics *topics, const char *store, const char *suffix)
{
    return ks__format("%s-%s%s-changelog", topics->settings->application_id, store, suffix);
}

/* Those of slices, or all others. */
static ks_status list_changelogs_of(struct ks__topics *topics, bool slices, ks_error *error)
{
    for (size_t i = 0; i < topics->topology->subtopology_count; i++) {
        const struct ks__subtopology *part = &topics->topology->subtopologies[i];

        for (size_t n = 0; n < part->store_count; n++) {
            const struct ks__store_spec *store = part->stores[n];
            struct ks__planned_topic    *topic;

            if (!store->changelog || store->global || store->source_topic != NULL ||
                (store->slices_of != NULL) != slices)
                continue;
            topic = add(topics, changelog_name(topics, store->name, ""));
            if (topic == NULL)
                return ks__error_no_memory(error, "topics");
            topic->internal   = true;
            topic->store      = store;
            topic->partitions = topics->tasks[i];
        }
    }
    return KS_OK;
}

/* Slices first: where the windows' changelog is, that of their slices is, too. */
static ks_status list_changelogs(struct ks__topics *topics, ks_error *error)
{
    ks_status status = list_changelogs_of(topics, true, error);

    if (status == KS_OK)
        status = list_changelogs_of(topics, false, error);
    list_present(topics);
    return status;
}

/* ---- windows with and without slices ---- */

/* Is there a topic of this name, which is freed? */
static ks_status is_there(struct ks__cluster *cluster, char *name, bool *there, int timeout_ms,
                          ks_error *error)
{
    int32_t   partitions = 0;
    ks_status status;

    *there = false;
    if (name == NULL)
        return ks__error_no_memory(error, "topics");
    status = ks__cluster_partitions(cluster, name, &partitions, timeout_ms, error);
    *there = partitions > 0;
    ks__free(name);
    return status;
}

/* A store of its own may happen to have such a name. */
static bool has_store(const struct ks__topics *topics, const char *name, const char *suffix)
{
    const size_t size = strlen(name);

    for (size_t i = 0; i < topics->topology->store_count; i++)
        if (strncmp(topics->topology->stores[i]->name, name, size) == 0 &&
            strcmp(topics->topology->stores[i]->name + size, suffix) == 0)
            return true;
    return false;
}

/* Windows put together from slices are rows when they are closed, others before: taken for each
 * other they lose records, so what is of the other kind is not touched. `present`: the changelog of
 * the store itself is there. */
static ks_status check_slices(const struct ks__topics *topics, struct ks__cluster *cluster,
                              bool present, int timeout_ms, ks_error *error)
{
    const struct ks__planned_topic *topic = &topics->topics[topics->index];
    const struct ks__store_spec    *store = topic->store;
    bool                            wrong = false;
    ks_status                       status = KS_OK;

    if (store == NULL || store->kind != KS__STORE_WINDOW || store->cut == NULL || store->sliced)
        return KS_OK;
    if (store->slices_of == NULL && !has_store(topics, store->name, KS__SLICES_SUFFIX))
        status = is_there(cluster, changelog_name(topics, store->name, KS__SLICES_SUFFIX), &wrong,
                          timeout_ms, error);
    else if (store->slices_of != NULL && !present)
        status = is_there(cluster, changelog_name(topics, store->slices_of, ""), &wrong,
                          timeout_ms, error);
    if (wrong && store->slices_of != NULL) { /* or did another one make both just now? */
        status = is_there(cluster, ks__strdup(topic->name), &present, timeout_ms, error);
        wrong  = !present;
    }
    if (status != KS_OK || !wrong)
        return status;
    return ks__error_set(error, KS_ETOPOLOGY,
                         "store \"%s\" has rows of windows %s slices, the topology's are %s "
                         "slices: taken for each other they lose records; go back, name another "
                         "store, or delete its changelogs",
                         store->slices_of != NULL ? store->slices_of : store->name,
                         store->slices_of != NULL ? "without" : "put together from",
                         store->slices_of != NULL ? "put together from" : "without");
}

static ks_status create(struct ks__topics *topics, struct ks__cluster *cluster, int timeout_ms,
                        ks_error *error)
{
    struct ks__planned_topic *topic  = &topics->topics[topics->index];
    struct ks__topic_spec     spec   = { .name = topic->name, .partitions = topic->partitions };
    struct ks__buffer         text   = { .data = NULL };
    ks_status status = ks__topic_config(topic->store, topics->settings, &text, &spec, error);

    if (status == KS_OK)
        status = ks__cluster_create(cluster, &spec, 1, timeout_ms, error);
    ks__buffer_release(&text);
    return status;
}

/* Look first: a name that is there needs no right to create. */
static ks_status create_next(struct ks__topics *topics, struct ks__cluster *cluster, int timeout_ms,
                             ks_error *error)
{
    struct ks__planned_topic *topic = &topics->topics[topics->index];
    int32_t                   there = 0;
    ks_error                  ignored = { .status = KS_OK };
    ks_status                 status;

    if (!topic->internal || topic->partitions == 0)
        return KS_OK;
    status = ks__cluster_partitions(cluster, topic->name, &there, timeout_ms, error);
    if (status == KS_OK)
        status = check_slices(topics, cluster, there > 0, timeout_ms, error);
    if (status != KS_OK || there > 0)
        return status;
    status = create(topics, cluster, timeout_ms, &ignored);
    if (status == KS_OK || status == KS_EEXISTS || status == KS_EAGAIN)
        return status == KS_EAGAIN ? status : KS_OK;
    return ks__error_set(error, status, "cannot create internal topic \"%s\": %s", topic->name,
                         ks_error_message(&ignored));
}

static ks_status verify_next(struct ks__topics *topics, struct ks__cluster *cluster, int timeout_ms,
                             ks_error *error)
{
    const struct ks__planned_topic *topic = &topics->topics[topics->index];
    int32_t                         there = 0;
    ks_status                       status;

    if (!topic->internal || topic->partitions == 0)
        return KS_OK;
    status = ks__cluster_partitions(cluster, topic->name, &there, timeout_ms, error);
    if (status == KS_OK && there == 0)
        return KS_EAGAIN;   /* just created, not known everywhere yet */
    if (status == KS_OK && there != topic->partitions)
        return ks__error_set(error, KS_ETOPOLOGY,
                             "internal topic \"%s\" has %" PRId32 " partitions, the topology needs "
                             "%" PRId32 "; reset the application or give it another id",
                             topic->name, there, topic->partitions);
    return status;
}

/* ---- the machine ---- */

static ks_status one_item(struct ks__topics *topics, struct ks__cluster *cluster, int timeout_ms,
                          ks_error *error)
{
    ks_status status = KS_OK;

    if (topics->phase == PHASE_FIND)
        status = find_next(topics, cluster, timeout_ms, error);
    else if (topics->phase == PHASE_CREATE)
        status = create_next(topics, cluster, timeout_ms, error);
    else
        status = verify_next(topics, cluster, timeout_ms, error);
    if (status == KS_OK)
        topics->index++;
    return status;
}

static ks_status one_round(struct ks__topics *topics, struct ks__cluster *cluster, int timeout_ms,
                           ks_error *error)
{
    ks_status status = KS_OK;

    if (topics->phase == PHASE_MATCH)
        status = match(topics, cluster, timeout_ms, error);
    else if (topics->phase == PHASE_LIST)
        status = list(topics, error);
    else if (topics->phase == PHASE_COUNT) {
        status = count_all(topics, error);
        if (status == KS_OK)
            status = list_changelogs(topics, error);
        if (status == KS_OK)
            status = check_names(topics, error);
    } else if (topics->index < topics->count)
        return one_item(topics, cluster, timeout_ms, error);
    if (status == KS_OK) {
        topics->phase++;
        topics->index = 0;
    }
    return status;
}

ks_status ks__topics_plan(struct ks__topics *topics, struct ks__cluster *cluster, int timeout_ms,
                          ks_error *error)
{
    ks_status status = KS_OK;

    while (status == KS_OK && topics->phase != PHASE_DONE)
        status = one_round(topics, cluster, timeout_ms, error);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * local_log.c - topics and offsets of a local log, and waking those who wait.
 *
 * A topic to create, or records to forget, are handed over like a commit. A cluster has no session
 * to keep them in, so what is not decided within the time stays in a list of the cluster, where the
 * next call with the same arguments finds it.
 */
#include "log/local.h"

#include "base/assert.h"
#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SESSION_TIMEOUT_MS 45000            /* session.timeout.ms of Kafka's consumer             */
#define RECORD_LIMIT       1000000          /* message.max.bytes of librdkafka                    */

/* A number among the properties handed through; `otherwise` when it is not set or none. */
static int64_t property(const struct ks__cluster_options *options, const char *name,
                        int64_t otherwise)
{
    for (size_t i = 0; i < options->property_count; i++) {
        const struct ks__config_pair *pair = &options->properties[i];
        char                         *end;
        long long                     value;

        if (strcmp(pair->name, name) != 0)
            continue;
        value = strtoll(pair->value, &end, 10);
        if (*end == '\0' && value > 0)
            return value;
    }
    return otherwise;
}

void ks__local_cluster_init(struct ks__local_cluster *cluster,
                            const struct ks__cluster_class *class,
                            const struct ks__cluster_options *options, struct ks__local_log *log)
{
    cluster->base.class         = class;
    memcpy(cluster->base.id, log->id, sizeof(log->id));
    cluster->log                = log;
    cluster->clock              = options->clock != NULL ? options->clock : ks__clock_real();
    cluster->session_timeout_ms = property(options, "session.timeout.ms", SESSION_TIMEOUT_MS);
    cluster->record_limit       = (size_t)property(options, "message.max.bytes", RECORD_LIMIT);
    if (options->log != NULL)
        cluster->logger = *options->log;
}

void ks__local_make_id(char out[KS__CLUSTER_ID_BYTES])
{
    static atomic_uint_fast64_t made;
    const struct ks__clock     *clock   = ks__clock_real();
    const int64_t               seed[4] = { ks__clock_wall_ms(clock), ks__clock_mono_ns(clock),
                                            (int64_t)getpid(),
                                            (int64_t)atomic_fetch_add(&made, 1) };
    uint8_t                     hash[16];

    ks__hash128(seed, sizeof(seed), hash);
    for (size_t i = 0; i < sizeof(hash); i++)
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

/* ---- waking ---- */

static void wake(const struct ks__local_session *session)
{
    if (session->wake != NULL)
        ks__wake_set((struct ks__wake *)(uintptr_t)session->wake);
}

void ks__local_wake_readers(const struct ks__local_topic *topic, int32_t partition)
{
    for (struct ks__local_source *s = topic->readers[partition]; s != NULL; s = s->next_reader)
        if (atomic_load(&s->hungry) && atomic_exchange(&s->hungry, false))
            wake((const struct ks__local_session *)s->base.session);
}

void ks__local_changed(struct ks__local_log *log)
{
    atomic_fetch_add(&log->changes, 1);
    ks__mutex_lock(&log->mutex);
    for (const struct ks__local_session *s = log->sessions; s != NULL; s = s->next)
        wake(s);
    ks__mutex_unlock(&log->mutex);
}

/* ---- requests ---- */

struct ks__local_request {
    struct ks__handover       handover;     /* the first member                                   */
    struct ks__local_request *next;         /* of the cluster                                     */
    struct ks__topic_spec     spec;         /* of a topic to create; `name` NULL = trim           */
    char                     *name;         /* the copy's own                                     */
    struct ks__local_topic   *topic;
    int32_t                   partition;
    int64_t                   offset;
};

static ks_status call_create(struct ks__local_log *log, struct ks__handover *handover)
{
    const struct ks__local_request *request = (const struct ks__local_request *)handover;
    ks_status status = log->class->create(log, &request->spec, &handover->error);

    if (status == KS_OK)
        ks__local_changed(log);
    return status;
}

static ks_status call_trim(struct ks__local_log *log, struct ks__handover *handover)
{
    const struct ks__local_request *request = (const struct ks__local_request *)handover;

    return log->class->trim(log, request->topic, request->partition, request->offset,
                            &handover->error);
}

/* About the same thing, though maybe with another offset. */
static bool is_alike(const struct ks__local_request *one, const struct ks__local_request *other)
{
    if (one->handover.call != other->handover.call)
        return false;
    if (one->spec.name != NULL)
        return strcmp(one->spec.name, other->spec.name) == 0;
    return one->topic == other->topic && one->partition == other->partition;
}

static struct ks__local_request **place_of(struct ks__local_cluster *cluster,
                                           const struct ks__local_request *wanted)
{
    struct ks__local_request **at = &cluster->requests;

    while (*at != NULL && !is_alike(*at, wanted))
        at = &(*at)->next;
    return at;
}

static bool is_asked_for(struct ks__local_cluster *cluster, const struct ks__local_request *wanted)
{
    bool found;

    ks__mutex_lock(&cluster->log->mutex);
    found = *place_of(cluster, wanted) != NULL;
    ks__mutex_unlock(&cluster->log->mutex);
    return found;
}

/* Take it off the list; NULL = there is none like it. */
static struct ks__local_request *take(struct ks__local_cluster *cluster,
                                      const struct ks__local_request *wanted)
{
    struct ks__local_request **at, *found;

    ks__mutex_lock(&cluster->log->mutex);
    at    = place_of(cluster, wanted);
    found = *at;
    if (found != NULL)
        *at = found->next;
    ks__mutex_unlock(&cluster->log->mutex);
    return found;
}

static ks_status keep(struct ks__local_cluster *cluster, struct ks__local_request *request)
{
    ks__mutex_lock(&cluster->log->mutex);
    request->next     = cluster->requests;
    cluster->requests = request;
    ks__mutex_unlock(&cluster->log->mutex);
    return KS_EAGAIN;
}

static void request_free(struct ks__handover *handover)
{
    struct ks__local_request *request = (struct ks__local_request *)handover;

    ks__free(request->name);
    ks__free(request);
}

static struct ks__local_request *request_copy(const struct ks__local_request *from)
{
    struct ks__local_request *copy = ks__zalloc(sizeof(*copy));

    if (copy == NULL)
        return NULL;
    *copy      = *from;
    copy->name = ks__strdup(from->spec.name);
    if (from->spec.name == NULL || copy->name != NULL) {
        copy->spec.name = copy->name;
        return copy;
    }
    ks__free(copy);
    return NULL;
}

static ks_status answer(const struct ks__local_request *request, ks_error *error)
{
    if (request->handover.status != KS_OK && error != NULL)
        ks__error_copy(error, &request->handover.error);
    return request->handover.status;
}

/* Have it done, or go on waiting for what was asked before. */
static ks_status ask(struct ks__local_cluster *cluster, const struct ks__local_request *wanted,
                     int timeout_ms, ks_error *error)
{
    struct ks__local_request *request, now;
    ks_status                 status;

    if (!ks__local_may_keep(cluster->log, timeout_ms)) {
        now = *wanted;
        (void)ks__local_hand_over(cluster->log, &now.handover, -1);
        return answer(&now, error);
    }
    request = take(cluster, wanted);
    if (request != NULL) {
        if (ks__local_await(cluster->log, &request->handover, timeout_ms) != KS_OK)
            return keep(cluster, request);
        if (request->offset != wanted->offset) {
            request_free(&request->handover);
            request = NULL;
        }
    }
    if (request == NULL) {
        request = request_copy(wanted);
        if (request == NULL)
            return ks__error_no_memory(error, "a request to the log");
        if (ks__local_hand_over(cluster->log, &request->handover, timeout_ms) != KS_OK)
            return keep(cluster, request);
    }
    status = answer(request, error);
    request_free(&request->handover);
    return status;
}

void ks__local_cluster_release(struct ks__local_cluster *cluster)
{
    while (cluster->requests != NULL) {
        struct ks__local_request *request = cluster->requests;

        cluster->requests = request->next;
        ks__local_orphan(cluster->log, &request->handover, request_free);
    }
}

/* ---- topics ---- */

ks_status ks__local_check_name(const char *what, const char *name, ks_error *error)
{
    size_t length = name != NULL ? strlen(name) : 0;

    if (length == 0 || length > KS__LOCAL_NAME_LIMIT)
        return ks__error_set(error, KS_EINVAL, "the name of a %s has 1 to %u characters, not %zu",
                             what, KS__LOCAL_NAME_LIMIT, length);
    return KS_OK;
}

static ks_status check_topic(const struct ks__topic_spec *spec, ks_error *error)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-";
    ks_status         status    = ks__local_check_name("topic", spec->name, error);

    if (status != KS_OK)
        return status;
    if (spec->name[strspn(spec->name, allowed)] != '\0' || strcmp(spec->name, ".") == 0 ||
        strcmp(spec->name, "..") == 0)
        return ks__error_set(error, KS_EINVAL,
                             "\"%s\" is no name of a topic: letters, digits, '.', '_', '-'",
                             spec->name);
    if (spec->partitions < 1 || spec->partitions > 10000)
        return ks__error_set(error, KS_EINVAL,
                             "topic \"%s\": %d partitions are out of range, 1 to 10000", spec->name,
                             (int)spec->partitions);
    return KS_OK;
}

static ks_status create_one(struct ks__local_cluster *cluster, const struct ks__topic_spec *spec,
                            int timeout_ms, ks_error *error)
{
    const struct ks__local_request wanted = { .handover.call = call_create, .spec = *spec };
    struct ks__local_topic        *there;
    ks_status                      status = check_topic(spec, error);

    if (status != KS_OK)
        return status;
    status = ks__local_find(cluster->log, spec->name, &there, error);
    if (status != KS_OK)
        return status;
    if (there != NULL && !is_asked_for(cluster, &wanted))
        return KS_EEXISTS;                      /* to see that is to read */
    return ask(cluster, &wanted, timeout_ms, error);
}

ks_status ks__local_create(struct ks__cluster *cluster, const struct ks__topic_spec *topics,
                           size_t count, int timeout_ms, ks_error *error)
{
    ks_status first = KS_OK;

    for (size_t i = 0; i < count; i++) {
        ks_status status = create_one((struct ks__local_cluster *)cluster, &topics[i], timeout_ms,
                                      error);

        if (status != KS_OK && status != KS_EEXISTS)
            return status;
        if (status != KS_OK)
            first = status;
    }
    return first;
}

ks_status ks__local_find(struct ks__local_log *log, const char *name, struct ks__local_topic **out,
                         ks_error *error)
{
    *out = NULL;
    if (name == NULL || strlen(name) > KS__LOCAL_NAME_LIMIT)
        return KS_OK;                           /* nobody could have created it */
    return log->class->find(log, name, out, error);
}

ks_status ks__local_partitions(struct ks__cluster *cluster, const char *topic, int32_t *partitions,
                               int timeout_ms, ks_error *error)
{
    struct ks__local_log   *log = ((struct ks__local_cluster *)cluster)->log;
    struct ks__local_topic *found;
    ks_status               status = ks__local_find(log, topic, &found, error);

    (void)timeout_ms;
    *partitions = status == KS_OK && found != NULL ? found->partitions : 0;
    return status;
}

ks_status ks__local_topics(struct ks__cluster *cluster, struct ks__buffer *names, int timeout_ms,
                           ks_error *error)
{
    struct ks__local_log *log = ((struct ks__local_cluster *)cluster)->log;

    (void)timeout_ms;
    return log->class->topics(log, names, error);
}

static ks_status find_partition(struct ks__local_log *log, const char *name, int32_t partition,
                                struct ks__local_topic **out, ks_error *error)
{
    ks_status status = ks__local_find(log, name, out, error);

    if (status != KS_OK)
        return status;
    if (*out == NULL)
        return ks__error_set(error, KS_ENOTFOUND,
                             "topic \"%s\" does not exist; create it first", name);
    if (partition < 0 || partition >= (*out)->partitions)
        return ks__error_set(error, KS_ENOTFOUND, "topic \"%s\" has no partition %d", name,
                             (int)partition);
    return KS_OK;
}

ks_status ks__local_offset(struct ks__cluster *cluster, const char *topic, int32_t partition,
                           enum ks__offset_kind kind, int64_t time_ms, int64_t *offset,
                           int timeout_ms, ks_error *error)
{
    struct ks__local_log   *log = ((struct ks__local_cluster *)cluster)->log;
    struct ks__local_topic *found;
    ks_status               status = find_partition(log, topic, partition, &found, error);

    (void)timeout_ms;
    if (status != KS_OK)
        return status;
    return log->class->offset(log, found, partition, kind, time_ms, offset, error);
}

ks_status ks__local_committed(struct ks__cluster *cluster, const char *group, const char *topic,
                              int32_t partition, int64_t *offset, char **metadata, int timeout_ms,
                              ks_error *error)
{
    struct ks__local_log *log    = ((struct ks__local_cluster *)cluster)->log;
    ks_status             status = ks__local_check_name("group", group, error);

    (void)timeout_ms;
    if (status == KS_OK)
        status = ks__local_check_name("topic", topic, error);
    if (status != KS_OK)
        return status;
    return log->class->committed(log, group, topic, partition, offset, metadata, error);
}

ks_status ks__local_trim(struct ks__cluster *cluster, const char *topic, int32_t partition,
                         int64_t offset, int timeout_ms, ks_error *error)
{
    struct ks__local_cluster *local  = (struct ks__local_cluster *)cluster;
    struct ks__local_request  wanted = { .handover.call = call_trim, .partition = partition,
                                         .offset = offset };
    ks_status                 status = find_partition(local->log, topic, partition, &wanted.topic,
                                                      error);

    return status != KS_OK ? status : ask(local, &wanted, timeout_ms, error);
}

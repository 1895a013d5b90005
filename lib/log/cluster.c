/* SPDX-License-Identifier: Apache-2.0
 *
 * cluster.c - from an address to one of the three logs, or to one of the user's own, and from each
 * call to its log.
 *
 * Every call first asks the fault hook of the tests, if there is one.
 * Threads: see cluster.h. The hook is changed only while no other thread is inside the library.
 */
#include "log/cluster.h"

#include "base/assert.h"
#include "base/fork.h"

#include <stdatomic.h>
#include <string.h>

/* ---- faults ---- */

static _Atomic(ks__cluster_fault_fn *) fault_fn;
static void                           *fault_user;

void ks__cluster_set_fault(ks__cluster_fault_fn *fn, void *user)
{
    atomic_store(&fault_fn, NULL);
    fault_user = user;
    atomic_store(&fault_fn, fn);
}

static inline ks_status fault(const char *call)
{
    ks__cluster_fault_fn *fn = atomic_load_explicit(&fault_fn, memory_order_relaxed);

    return fn == NULL ? KS_OK : fn(call, fault_user);
}

static ks_status fault_told(const char *call, ks_error *error)
{
    ks_status status = fault(call);

    if (status != KS_OK)
        ks__error_set(error, status, "%s: the test's hook answers %s", call,
                      ks_status_name(status));
    return status;
}

/* ---- addresses ---- */

/* One HOST:PORT of a list: something, a colon, digits. */
static bool is_host_and_port(const char *from, size_t size)
{
    size_t port = size;

    while (port > 0 && from[port - 1] >= '0' && from[port - 1] <= '9')
        port--;
    return port < size && port > 1 && from[port - 1] == ':';
}

static bool is_broker_list(const char *address)
{
    for (;;) {
        size_t size = strcspn(address, ",");

        if (!is_host_and_port(address, size))
            return false;
        if (address[size] == '\0')
            return true;
        address += size + 1;
    }
}

static const struct ks__cluster_class *class_of(const char *address)
{
    static const struct ks__cluster_class *const local[] = { &ks__cluster_memory,
                                                             &ks__cluster_embedded };

    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
        size_t length = strlen(local[i]->scheme);

        if (strncmp(address, local[i]->scheme, length) == 0)
            return address[length] != '\0' ? local[i] : NULL;
    }
    return is_broker_list(address) ? &ks__cluster_kafka : NULL;
}

const char *ks__cluster_kind_of(const char *address)
{
    const struct ks__cluster_class *class = class_of(address);

    return class != NULL ? class->kind : NULL;
}

/* ---- cluster ---- */

static ks_status born_here(struct ks__cluster *cluster, ks_status status)
{
    if (status == KS_OK)
        cluster->forks = ks__fork_count();
    return status;
}

ks_status ks__cluster_open(struct ks__cluster **out, const char *address,
                           const struct ks__cluster_options *options, ks_error *error)
{
    static const struct ks__cluster_options none;
    const struct ks__cluster_class         *class;
    ks_status                               status = fault_told("open", error);

    *out = NULL;
    if (status != KS_OK)
        return status;
    if (address != NULL && ks__user_takes(address)) {
        status = ks__user_open(out, address, options != NULL ? options : &none, error);
        return born_here(*out, status);
    }
    class = address != NULL ? class_of(address) : NULL;
    if (class == NULL)
        return ks__error_set(error, KS_EINVAL,
                             "\"%s\" is no address of a log; it must be \"memory:NAME\", "
                             "\"embedded:DIRECTORY\" or \"HOST:PORT[,HOST:PORT...]\", or "
                             "begin with a scheme that was given to ks_log_register()",
                             address != NULL ? address : "");
    status = class->open(out, address + strlen(class->scheme), options != NULL ? options : &none,
                         error);
    return born_here(*out, status);
}

void ks__cluster_close(struct ks__cluster *cluster)
{
    if (cluster != NULL && !ks__is_forked(cluster->forks))      /* else all of it is the parent's */
        cluster->class->close(cluster);
}

const char *ks__cluster_kind(const struct ks__cluster *cluster)
{
    return cluster->class->kind;
}

const char *ks__cluster_id(const struct ks__cluster *cluster)
{
    return cluster->id;
}

ks_status ks__cluster_create(struct ks__cluster *cluster, const struct ks__topic_spec *topics,
                             size_t count, int timeout_ms, ks_error *error)
{
    ks_status status = fault_told("create", error);

    return status != KS_OK ? status
                           : cluster->class->create(cluster, topics, count, timeout_ms, error);
}

ks_status ks__cluster_partitions(struct ks__cluster *cluster, const char *topic,
                                 int32_t *partitions, int timeout_ms, ks_error *error)
{
    ks_status status = fault_told("partitions", error);

    *partitions = 0;
    return status != KS_OK
               ? status
               : cluster->class->partitions(cluster, topic, partitions, timeout_ms, error);
}

ks_status ks__cluster_topics(struct ks__cluster *cluster, struct ks__buffer *names, int timeout_ms,
                             ks_error *error)
{
    ks_status status = fault_told("topics", error);

    ks__buffer_clear(names);
    if (status == KS_OK)
        status = cluster->class->topics(cluster, names, timeout_ms, error);
    if (status == KS_OK && names->failed)
        status = ks__error_no_memory(error, "the names of the topics");
    return status;
}

ks_status ks__cluster_offset(struct ks__cluster *cluster, const char *topic, int32_t partition,
                             enum ks__offset_kind kind, int64_t time_ms, int64_t *offset,
                             int timeout_ms, ks_error *error)
{
    ks_status status = fault_told("offset", error);

    *offset = KS__OFFSET_NONE;
    return status != KS_OK ? status
                           : cluster->class->offset(cluster, topic, partition, kind, time_ms,
                                                    offset, timeout_ms, error);
}

ks_status ks__cluster_committed(struct ks__cluster *cluster, const char *group, const char *topic,
                                int32_t partition, int64_t *offset, char **metadata,
                                int timeout_ms, ks_error *error)
{
    ks_status status = fault_told("committed", error);

    *offset = KS__OFFSET_NONE;
    if (metadata != NULL)
        *metadata = NULL;
    return status != KS_OK ? status
                           : cluster->class->committed(cluster, group, topic, partition, offset,
                                                       metadata, timeout_ms, error);
}

ks_status ks__cluster_trim(struct ks__cluster *cluster, const char *topic, int32_t partition,
                           int64_t offset, int timeout_ms, ks_error *error)
{
    ks_status status = fault_told("trim", error);

    return status != KS_OK
               ? status
               : cluster->class->trim(cluster, topic, partition, offset, timeout_ms, error);
}

/* ---- session ---- */

static const struct ks__cluster_class *class_in(const struct ks__session *session)
{
    return session->cluster->class;
}

ks_status ks__session_open(struct ks__session **out, struct ks__cluster *cluster,
                           const struct ks__session_options *options, ks_error *error)
{
    static const struct ks__session_options none;
    ks_status                               status = fault_told("session", error);

    *out = NULL;
    return status != KS_OK ? status
                           : cluster->class->session_open(out, cluster,
                                                          options != NULL ? options : &none,
                                                          error);
}

void ks__session_close(struct ks__session *session)
{
    if (session != NULL && !ks__is_forked(session->cluster->forks))
        class_in(session)->session_close(session);
}

void ks__session_abandon(struct ks__session *session)
{
    if (session == NULL)
        return;
    if (class_in(session)->abandon != NULL)
        class_in(session)->abandon(session);
    else
        class_in(session)->session_close(session);
}

const ks_error *ks__session_error(const struct ks__session *session)
{
    return &session->error;
}

ks_status ks__session_subscribe(struct ks__session *session, const char *const *topics,
                                size_t count, int timeout_ms)
{
    ks_status status = fault("subscribe");

    return status != KS_OK ? status
                           : class_in(session)->subscribe(session, topics, count, timeout_ms);
}

bool ks__session_poll(struct ks__session *session, struct ks__event *event)
{
    *event = (struct ks__event){ .kind = KS__EVENT_NONE };
    if (fault("poll") != KS_OK)
        return false;
    return class_in(session)->poll(session, event);
}

int64_t ks__session_next_ms(const struct ks__session *session)
{
    return class_in(session)->next_ms != NULL ? class_in(session)->next_ms(session) : 0;
}

ks_status ks__session_acknowledge(struct ks__session *session, int timeout_ms)
{
    ks_status status = fault("acknowledge");

    return status != KS_OK ? status : class_in(session)->acknowledge(session, timeout_ms);
}

ks_status ks__session_start(struct ks__session *session, const char *topic, int32_t partition,
                            int64_t offset, struct ks__source **out)
{
    ks_status status = fault("start");

    *out = NULL;
    return status != KS_OK ? status
                           : class_in(session)->start(session, topic, partition, offset, out);
}

void ks__session_stop(struct ks__session *session, struct ks__source *source)
{
    if (source != NULL)
        class_in(session)->stop(session, source);
}

ks_status ks__source_fetch(struct ks__source *source, size_t limit, struct ks__batch *batch)
{
    ks_status status = fault("fetch");

    *batch = (struct ks__batch){ .source = source };
    return status != KS_OK ? status : class_in(source->session)->fetch(source, limit, batch);
}

void ks__batch_release(struct ks__batch *batch)
{
    if (batch->held != NULL)
        class_in(batch->source->session)->release(batch);
    batch->records = NULL;
    batch->count   = 0;
    batch->held    = NULL;
}

int64_t ks__source_lag(const struct ks__source *source)
{
    return class_in(source->session)->lag(source);
}

ks_status ks__session_topic(struct ks__session *session, const char *name, struct ks__topic **out,
                            int timeout_ms)
{
    ks_status status = fault("topic");

    *out = NULL;
    return status != KS_OK ? status : class_in(session)->topic(session, name, out, timeout_ms);
}

int32_t ks__topic_partitions(const struct ks__topic *topic)
{
    return topic->partitions;
}

const char *ks__topic_name(const struct ks__topic *topic)
{
    return topic->name;
}

ks_status ks__topic_append(struct ks__topic *topic, int32_t partition, const ks_record *record)
{
    ks_status status = fault("append");

    ks__assert(partition >= 0 && partition < topic->partitions);
    return status != KS_OK ? status : class_in(topic->session)->append(topic, partition, record);
}

ks_status ks__session_flush(struct ks__session *session, int timeout_ms)
{
    ks_status status = fault("flush");

    return status != KS_OK ? status : class_in(session)->flush(session, timeout_ms);
}

bool ks__session_push(struct ks__session *session)
{
    return class_in(session)->push != NULL && fault("push") == KS_OK &&
           class_in(session)->push(session);
}

void ks__topic_hold(struct ks__topic *topic)
{
    if (class_in(topic->session)->hold != NULL)
        class_in(topic->session)->hold(topic);
}

int64_t ks__topic_appended(const struct ks__topic *topic, int32_t partition)
{
    return class_in(topic->session)->appended(topic, partition);
}

ks_status ks__session_commit_offsets(struct ks__session *session,
                                     const struct ks__position *positions, size_t count,
                                     int timeout_ms)
{
    ks_status status = fault("commit_offsets");

    return status != KS_OK
               ? status
               : class_in(session)->commit_offsets(session, positions, count, timeout_ms);
}

ks_status ks__session_begin(struct ks__session *session, int timeout_ms)
{
    ks_status status = fault("begin");

    return status != KS_OK ? status : class_in(session)->begin(session, timeout_ms);
}

ks_status ks__session_commit(struct ks__session *session, const struct ks__position *positions,
                             size_t count, int timeout_ms)
{
    ks_status status = fault("commit");

    return status != KS_OK ? status
                           : class_in(session)->commit(session, positions, count, timeout_ms);
}

ks_status ks__session_abort(struct ks__session *session, int timeout_ms)
{
    ks_status status = fault("abort");

    return status != KS_OK ? status : class_in(session)->abort(session, timeout_ms);
}

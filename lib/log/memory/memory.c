/* SPDX-License-Identifier: Apache-2.0
 *
 * memory.c - the registry of memory logs, their topics, groups, positions and commits.
 */
#include "log/memory/memory.h"

#include "base/assert.h"
#include "base/buffer.h"

#include <string.h>

struct memory_position {
    int64_t offset;
    char   *metadata;
};

static struct ks__mutex       registry_mutex = KS__MUTEX_INIT;
static struct ks__memory_log *registry;

static struct ks__memory_log *memory_of(struct ks__local_log *log)
{
    return (struct ks__memory_log *)log;
}

/* ---- topics ---- */

/* Where the topic is, or where it would have to be put in. With the mutex held. */
static size_t topic_place(const struct ks__memory_log *log, const char *name, bool *found)
{
    size_t low = 0, high = log->topic_count;

    *found = false;
    while (low < high) {
        size_t middle  = low + (high - low) / 2;
        int    compare = strcmp(log->topics[middle]->base.name, name);

        if (compare == 0) {
            *found = true;
            return middle;
        }
        if (compare < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void topic_free(struct ks__memory_topic *topic)
{
    for (int32_t i = 0; i < topic->base.partitions; i++)
        ks__memory_partition_release(&topic->parts[i]);
    ks__free(topic->base.readers);
    ks__free(topic->base.name);
    ks__free(topic);
}

static struct ks__memory_topic *topic_new(const struct ks__topic_spec *spec)
{
    size_t                   count = (size_t)spec->partitions;
    struct ks__memory_topic *topic = ks__zalloc(sizeof(*topic) + count * sizeof(topic->parts[0]));

    if (topic == NULL)
        return NULL;
    topic->base.partitions = spec->partitions;
    topic->base.compacted  = spec->compacted;
    topic->base.name       = ks__strdup(spec->name);
    topic->base.readers    = ks__zalloc_array(count, sizeof(*topic->base.readers));
    for (size_t i = 0; i < count; i++)
        atomic_init(&topic->parts[i].end, 0);
    if (topic->base.name == NULL || topic->base.readers == NULL) {
        topic_free(topic);
        return NULL;
    }
    return topic;
}

static ks_status insert_topic(struct ks__memory_log *log, const struct ks__topic_spec *spec,
                              ks_error *error)
{
    bool                     found;
    size_t                   at = topic_place(log, spec->name, &found);
    struct ks__memory_topic *topic;

    if (found)
        return KS_EEXISTS;
    topic = topic_new(spec);
    if (topic == NULL || !KS__GROW(&log->topics, &log->topic_capacity, log->topic_count + 1)) {
        if (topic != NULL)
            topic_free(topic);
        return ks__error_no_memory(error, spec->name);
    }
    memmove(&log->topics[at + 1], &log->topics[at],
            (log->topic_count - at) * sizeof(log->topics[0]));
    log->topics[at] = topic;
    log->topic_count++;
    return KS_OK;
}

static ks_status create(struct ks__local_log *log, const struct ks__topic_spec *spec,
                        ks_error *error)
{
    ks_status status;

    ks__mutex_lock(&log->mutex);
    status = insert_topic(memory_of(log), spec, error);
    ks__mutex_unlock(&log->mutex);
    return status;
}

static ks_status find(struct ks__local_log *log, const char *name, struct ks__local_topic **out,
                      ks_error *error)
{
    struct ks__memory_log *memory = memory_of(log);
    bool                   found;
    size_t                 at;

    (void)error;
    ks__mutex_lock(&log->mutex);
    at   = topic_place(memory, name, &found);
    *out = found ? &memory->topics[at]->base : NULL;
    ks__mutex_unlock(&log->mutex);
    return KS_OK;
}

static ks_status topics(struct ks__local_log *log, struct ks__buffer *names, ks_error *error)
{
    struct ks__memory_log *memory = memory_of(log);

    (void)error;
    ks__mutex_lock(&log->mutex);
    for (size_t i = 0; i < memory->topic_count; i++)
        ks__buffer_append(names, memory->topics[i]->base.name,
                          strlen(memory->topics[i]->base.name) + 1);
    ks__mutex_unlock(&log->mutex);
    return KS_OK;
}

static struct ks__memory_partition *part_of(struct ks__local_topic *topic, int32_t partition)
{
    return &((struct ks__memory_topic *)topic)->parts[partition];
}

static ks_status offset_of(struct ks__local_log *log, struct ks__local_topic *topic,
                           int32_t partition, enum ks__offset_kind kind, int64_t time_ms,
                           int64_t *offset, ks_error *error)
{
    struct ks__memory_partition *part = part_of(topic, partition);

    (void)error;
    ks__mutex_lock(&log->mutex);
    switch (kind) {
    case KS__OFFSET_BEGIN:
        *offset = part->begin;
        break;
    case KS__OFFSET_END:
    case KS__OFFSET_HIGH:
        *offset = atomic_load(&part->end);
        break;
    case KS__OFFSET_AT:
        *offset = ks__memory_partition_at(part, time_ms);
        break;
    }
    ks__mutex_unlock(&log->mutex);
    return KS_OK;
}

static ks_status trim(struct ks__local_log *log, struct ks__local_topic *topic, int32_t partition,
                      int64_t offset, ks_error *error)
{
    struct ks__memory_partition *part   = part_of(topic, partition);
    ks_status                    status = KS_OK;

    ks__mutex_lock(&log->mutex);
    if (offset < 0 || offset > atomic_load(&part->end))
        status = ks__error_set(error, KS_EOFFSET, "%s-%d ends at %lld, cannot begin at %lld",
                               topic->name, (int)partition, (long long)atomic_load(&part->end),
                               (long long)offset);
    else
        ks__memory_partition_trim(part, offset);
    ks__mutex_unlock(&log->mutex);
    return status;
}

/* ---- positions ---- */

static ks_bytes position_key(struct ks__buffer *key, const char *group, const char *topic,
                             int32_t partition)
{
    ks__buffer_clear(key);
    ks__buffer_append(key, group, strlen(group) + 1);
    ks__buffer_append(key, topic, strlen(topic) + 1);
    ks__buffer_append_be32(key, (uint32_t)partition);
    return ks__buffer_bytes(key);
}

static ks_status committed(struct ks__local_log *log, const char *group, const char *topic,
                           int32_t partition, int64_t *offset, char **metadata, ks_error *error)
{
    struct ks__buffer           key    = { .data = NULL };
    ks_bytes                    bytes  = position_key(&key, group, topic, partition);
    ks_status                   status = key.failed ? KS_ENOMEM : KS_OK;
    const struct ks__map_entry *entry;

    ks__mutex_lock(&log->mutex);
    entry = status == KS_OK ? ks__map_get(&memory_of(log)->positions, bytes) : NULL;
    if (entry != NULL) {
        const struct memory_position *position = ks__map_payload(entry);

        *offset = position->offset;
        if (metadata != NULL && position->offset != KS__OFFSET_NONE) {
            *metadata = ks__strdup(position->metadata);
            status    = *metadata != NULL ? KS_OK : KS_ENOMEM;
        }
    }
    ks__mutex_unlock(&log->mutex);
    ks__buffer_release(&key);
    return status == KS_OK ? KS_OK : ks__error_no_memory(error, "committed offset");
}

/* An entry for the position with room for its metadata: in `made`, to be put in by the commit. */
struct prepared {
    struct memory_position *place;
    char                   *metadata;
};

static ks_status prepare_position(struct ks__memory_log *log, const struct ks__local_commit *commit,
                                  size_t n, struct ks__buffer *key, struct prepared *made)
{
    const struct ks__position *position = &commit->positions[n];
    ks_bytes bytes = position_key(key, commit->group, position->topic, position->partition);
    struct ks__map_entry *entry;
    bool                  inserted;

    made->metadata = ks__strdup(position->metadata != NULL ? position->metadata : "");
    entry          = key->failed ? NULL : ks__map_put(&log->positions, bytes, &inserted);
    if (entry == NULL || made->metadata == NULL)
        return KS_ENOMEM;
    made->place = ks__map_payload(entry);
    if (inserted)
        made->place->offset = KS__OFFSET_NONE;
    return KS_OK;
}

static void put_position(const struct ks__position *position, struct prepared *made)
{
    char *old = made->place->metadata;

    made->place->offset   = position->offset;
    made->place->metadata = made->metadata;
    made->metadata        = old;            /* freed with what is left over */
}

/* ---- commit ---- */

static ks_status check(struct ks__memory_log *log, const struct ks__local_commit *commit)
{
    if (commit->transactional_id != NULL) {
        const struct ks__map_entry *entry =
            ks__map_get(&log->epochs, ks_bytes_text(commit->transactional_id));

        if (entry == NULL || *(const int64_t *)ks__map_payload(entry) != commit->epoch)
            return ks__local_fenced(commit);
    }
    return ks__local_groups_check(&log->groups, commit);
}

static ks_status prepare(struct ks__memory_log *log, const struct ks__local_commit *commit,
                         struct prepared *made)
{
    struct ks__buffer key    = { .data = NULL };
    ks_status         status = KS_OK;

    for (const struct ks__appends *s = commit->appends; s != NULL && status == KS_OK; s = s->next)
        status = ks__memory_partition_prepare(part_of(s->topic, s->partition), s);
    for (size_t i = 0; i < commit->position_count && status == KS_OK; i++)
        status = prepare_position(log, commit, i, &key, &made[i]);
    ks__buffer_release(&key);
    return status == KS_OK ? KS_OK : ks__error_no_memory(commit->error, "commit");
}

static void apply(const struct ks__local_commit *commit, struct prepared *made)
{
    for (struct ks__appends *s = commit->appends; s != NULL; s = s->next) {
        struct ks__memory_partition *part = part_of(s->topic, s->partition);

        ks__memory_partition_publish(part, s);
        if (s->topic->compacted)
            ks__memory_partition_compact(part);
        ks__local_wake_readers(s->topic, s->partition);
    }
    for (size_t i = 0; i < commit->position_count; i++)
        put_position(&commit->positions[i], &made[i]);
}

static ks_status commit_all(struct ks__local_log *log, struct ks__local_commit *commit)
{
    struct prepared *made = ks__zalloc_array(commit->position_count, sizeof(*made));
    const bool       grouped = ks__local_groups_concern(commit);
    ks_status        status;

    if (made == NULL)
        return ks__error_no_memory(commit->error, "commit");
    if (grouped)
        ks__mutex_lock(&memory_of(log)->groups.mutex);
    ks__mutex_lock(&log->mutex);
    status = check(memory_of(log), commit);
    if (status == KS_OK)
        status = prepare(memory_of(log), commit, made);
    if (status == KS_OK)
        apply(commit, made);
    ks__mutex_unlock(&log->mutex);
    if (grouped)
        ks__mutex_unlock(&memory_of(log)->groups.mutex);
    for (size_t i = 0; i < commit->position_count; i++)
        ks__free(made[i].metadata);
    ks__free(made);
    return status;
}

static ks_status fence(struct ks__local_log *log, const char *id, int64_t *epoch, ks_error *error)
{
    struct ks__map_entry *entry;

    ks__mutex_lock(&log->mutex);
    entry = ks__map_put(&memory_of(log)->epochs, ks_bytes_text(id), NULL);
    if (entry != NULL)
        *epoch = ++*(int64_t *)ks__map_payload(entry);
    ks__mutex_unlock(&log->mutex);
    return entry != NULL ? KS_OK : ks__error_no_memory(error, id);
}

/* ---- groups ---- */

static ks_status group_begin(struct ks__local_log *log, const char *name, struct ks__group **group,
                             ks_error *error)
{
    return ks__local_groups_begin(&memory_of(log)->groups, name, group, error);
}

static ks_status group_end(struct ks__local_log *log, struct ks__group *group, bool changed,
                           ks_error *error)
{
    (void)group, (void)changed, (void)error;
    ks__local_groups_end(&memory_of(log)->groups);
    return KS_OK;
}

static ks_status serial(struct ks__local_log *log, uint64_t *number, ks_error *error)
{
    (void)error;
    *number = ks__local_groups_serial(&memory_of(log)->groups);
    return KS_OK;
}

static const struct ks__local_class memory_class = {
    .create = create, .find = find, .topics = topics, .offset = offset_of,
    .committed = committed, .trim = trim, .fence = fence, .commit = commit_all,
    .group_begin = group_begin, .group_end = group_end,
    .serial = serial, .fetch = ks__memory_fetch, .lag = ks__memory_lag,
};

/* ---- registry ---- */

static void log_free(struct ks__memory_log *log)
{
    for (struct ks__map_entry *e = ks__map_oldest(&log->positions); e != NULL; e = ks__map_newer(e))
        ks__free(((struct memory_position *)ks__map_payload(e))->metadata);
    ks__map_release(&log->positions);
    ks__map_release(&log->epochs);
    for (size_t i = 0; i < log->topic_count; i++)
        topic_free(log->topics[i]);
    ks__local_groups_release(&log->groups);
    ks__free(log->topics);
    ks__free(log->name);
    ks__mutex_release(&log->base.mutex);
    ks__free(log);
}

static struct ks__memory_log *log_new(const char *name)
{
    struct ks__memory_log *log = ks__zalloc(sizeof(*log));

    if (log == NULL)
        return NULL;
    log->base.class = &memory_class;
    ks__local_make_id(log->base.id);
    log->name       = ks__strdup(name);
    atomic_init(&log->base.changes, 0);
    ks__map_init(&log->positions, sizeof(struct memory_position));
    ks__map_init(&log->epochs, sizeof(int64_t));
    if (log->name == NULL || ks__mutex_init(&log->base.mutex) != KS_OK) {
        ks__free(log->name);
        ks__free(log);
        return NULL;
    }
    if (ks__local_groups_init(&log->groups) != KS_OK) {
        ks__mutex_release(&log->base.mutex);
        ks__free(log->name);
        ks__free(log);
        return NULL;
    }
    return log;
}

/* The log of the name, made when missing, with a reference more; NULL = no memory. */
static struct ks__memory_log *log_acquire(const char *name)
{
    struct ks__memory_log *log;

    ks__mutex_lock(&registry_mutex);
    for (log = registry; log != NULL && strcmp(log->name, name) != 0; log = log->next)
        ;
    if (log == NULL) {
        log = log_new(name);
        if (log != NULL) {
            log->next = registry;
            registry  = log;
        }
    }
    if (log != NULL)
        log->references++;
    ks__mutex_unlock(&registry_mutex);
    return log;
}

static void unlist(struct ks__memory_log *log)
{
    struct ks__memory_log **at = &registry;

    while (*at != log)
        at = &(*at)->next;
    *at            = log->next;
    log->forgotten = true;
}

void ks__memory_log_forget(const char *name)
{
    ks__mutex_lock(&registry_mutex);
    for (struct ks__memory_log *log = registry; log != NULL; log = log->next)
        if (strcmp(log->name, name) == 0) {
            unlist(log);
            break;
        }
    ks__mutex_unlock(&registry_mutex);
}

static ks_status cluster_open(struct ks__cluster **out, const char *name,
                              const struct ks__cluster_options *options, ks_error *error)
{
    struct ks__local_cluster *cluster = ks__zalloc(sizeof(*cluster));
    struct ks__memory_log    *log     = cluster != NULL ? log_acquire(name) : NULL;

    if (log == NULL) {
        ks__free(cluster);
        return ks__error_no_memory(error, "memory log");
    }
    ks__local_cluster_init(cluster, &ks__cluster_memory, options, &log->base);
    *out = &cluster->base;
    return KS_OK;
}

static void cluster_close(struct ks__cluster *base)
{
    struct ks__memory_log *log = memory_of(((struct ks__local_cluster *)base)->log);
    bool                   last;

    ks__local_cluster_release((struct ks__local_cluster *)base);
    ks__mutex_lock(&registry_mutex);
    last = --log->references == 0;
    if (last && !log->forgotten)
        unlist(log);
    ks__mutex_unlock(&registry_mutex);
    if (last)
        log_free(log);
    ks__free(base);
}

const struct ks__cluster_class ks__cluster_memory = {
    .kind = "memory", .scheme = "memory:", .open = cluster_open, .close = cluster_close,
    KS__LOCAL_CLUSTER_CALLS
};

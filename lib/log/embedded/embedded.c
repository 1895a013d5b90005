/* SPDX-License-Identifier: Apache-2.0
 *
 * embedded.c - opening an embedded log, its topics, offsets, epochs and groups.
 *
 * Not here: who writes (queue.c), commits (commit.c), reading (read.c), rows (rows.c), other
 * processes (waiters.c).
 */
#include "log/embedded/embedded.h"

#include "base/assert.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define FORMAT 1u                           /* of rows and chunks                                 */

static struct ks__mutex         registry_mutex = KS__MUTEX_INIT;
static struct ks__embedded_log *registry;

static struct ks__embedded_log *embedded_of(struct ks__local_log *log)
{
    return (struct ks__embedded_log *)log;
}

/* Tell the other processes that a group or a topic changed. */
static void poke_groups(struct ks__embedded_log *log)
{
    const struct ks__poke poke = { .partition = KS__POKE_GROUPS };

    ks__waiters_poke(&log->waiters, &poke, 1);
}

/* A text for a failure that has none yet; returns the status. */
static ks_status told(ks_error *error, ks_status status, const char *what)
{
    return ks__error_set(error, status, "%s: %s", what, ks_status_text(status));
}

/* ---- topics ---- */

static void topic_free(struct ks__embedded_topic *topic)
{
    if (topic == NULL)
        return;
    ks__free(topic->base.readers);
    ks__free(topic->base.name);
    ks__free(topic);
}

/* With base.mutex held. */
static struct ks__embedded_topic *known_topic(const struct ks__embedded_log *log, const char *name)
{
    for (size_t i = 0; i < log->topic_count; i++)
        if (strcmp(log->topics[i]->base.name, name) == 0)
            return log->topics[i];
    return NULL;
}

static struct ks__embedded_topic *topic_new(const char *name, uint32_t id, int32_t partitions,
                                            bool compacted)
{
    size_t                     count = (size_t)partitions;
    struct ks__embedded_topic *topic = ks__zalloc(sizeof(*topic) + count * sizeof(topic->parts[0]));

    if (topic == NULL)
        return NULL;
    topic->base.name       = ks__strdup(name);
    topic->base.readers    = ks__zalloc_array(count, sizeof(*topic->base.readers));
    topic->base.partitions = partitions;
    topic->base.compacted  = compacted;
    topic->id              = id;
    for (size_t i = 0; i < count; i++)
        atomic_init(&topic->parts[i].end, 0);
    if (topic->base.name == NULL || topic->base.readers == NULL) {
        topic_free(topic);
        return NULL;
    }
    return topic;
}

/* Remember a topic, unless another thread did; gives the one that is known then. */
static ks_status remember(struct ks__embedded_log *log, struct ks__embedded_topic *topic,
                          struct ks__local_topic **out)
{
    struct ks__embedded_topic *other;
    ks_status                  status = KS_OK;

    ks__mutex_lock(&log->base.mutex);
    other = known_topic(log, topic->base.name);
    if (other == NULL && !KS__GROW(&log->topics, &log->topic_capacity, log->topic_count + 1))
        status = KS_ENOMEM;
    else if (other == NULL)
        log->topics[log->topic_count++] = topic;
    ks__mutex_unlock(&log->base.mutex);
    if (other != NULL || status != KS_OK)
        topic_free(topic);
    *out = other != NULL ? &other->base : status == KS_OK ? &topic->base : NULL;
    return status;
}

/* Read a topic that is not known yet, with the ends of its partitions. */
static ks_status load(struct ks__embedded_log *log, struct ks__txn *txn, const char *name,
                      struct ks__embedded_topic **out)
{
    uint32_t  id;
    int32_t   partitions;
    bool      compacted;
    ks_status status = ks__row_get_topic(log, txn, name, &id, &partitions, &compacted);

    *out = NULL;
    if (status != KS_OK || partitions == 0)
        return status;
    *out = topic_new(name, id, partitions, compacted);
    if (*out == NULL)
        return KS_ENOMEM;
    for (int32_t i = 0; i < partitions && status == KS_OK; i++) {
        int64_t end;

        status = ks__row_bounds(log, txn, id, i, NULL, &end);
        if (status == KS_OK)
            atomic_init(&(*out)->parts[i].end, end);
    }
    if (status != KS_OK) {
        topic_free(*out);
        *out = NULL;
    }
    return status;
}

static ks_status find(struct ks__local_log *base, const char *name, struct ks__local_topic **out,
                      ks_error *error)
{
    struct ks__embedded_log   *log = embedded_of(base);
    struct ks__embedded_topic *topic;
    struct ks__txn            *txn;
    ks_status                  status;

    ks__mutex_lock(&base->mutex);
    topic = known_topic(log, name);
    ks__mutex_unlock(&base->mutex);
    *out = topic != NULL ? &topic->base : NULL;
    if (topic != NULL)
        return KS_OK;
    status = ks__txn_begin_read(log->env, &txn, error);
    if (status != KS_OK)
        return status;
    status = load(log, txn, name, &topic);
    ks__txn_abort(txn);
    if (status == KS_OK && topic != NULL)
        status = remember(log, topic, out);
    return status == KS_OK ? KS_OK : told(error, status, name);
}

static ks_status topics(struct ks__local_log *base, struct ks__buffer *names, ks_error *error)
{
    struct ks__embedded_log *log = embedded_of(base);
    struct ks__txn          *txn;
    ks_status                status = ks__txn_begin_read(log->env, &txn, error);

    if (status != KS_OK)
        return status;
    status = ks__row_list_topics(log, txn, names);
    ks__txn_abort(txn);
    return status == KS_OK ? KS_OK : told(error, status, "topics");
}

static ks_status create(struct ks__local_log *base, const struct ks__topic_spec *spec,
                        ks_error *error)
{
    struct ks__embedded_log *log = embedded_of(base);
    struct ks__txn          *txn;
    uint32_t                 id;
    int32_t                  partitions;
    bool                     compacted;
    ks_status                status = ks__txn_begin_write(log->env, &txn, error);

    if (status != KS_OK)
        return status;
    status = ks__row_get_topic(log, txn, spec->name, &id, &partitions, &compacted);
    if (status == KS_OK && partitions > 0) {
        ks__txn_abort(txn);
        return KS_EEXISTS;
    }
    if (status == KS_OK)
        status = ks__row_put_topic(log, txn, spec, &id);
    if (status != KS_OK) {
        ks__txn_abort(txn);
        return told(error, status, spec->name);
    }
    status = ks__txn_commit(txn);
    if (status == KS_OK)
        poke_groups(log);
    return status;
}

/* ---- offsets and positions ---- */

void ks__embedded_publish(struct ks__embedded_log *log, struct ks__local_topic *topic,
                          int32_t partition, int64_t end)
{
    _Atomic int64_t *known = &((struct ks__embedded_topic *)topic)->parts[partition].end;

    if (atomic_load(known) >= end)
        return;
    ks__mutex_lock(&log->base.mutex);
    if (atomic_load(known) < end) {
        atomic_store(known, end);
        ks__local_wake_readers(topic, partition);
    }
    ks__mutex_unlock(&log->base.mutex);
}

static ks_status offset_of(struct ks__local_log *base, struct ks__local_topic *topic,
                           int32_t partition, enum ks__offset_kind kind, int64_t time_ms,
                           int64_t *offset, ks_error *error)
{
    struct ks__embedded_log *log = embedded_of(base);
    uint32_t                 id  = ((struct ks__embedded_topic *)topic)->id;
    struct ks__txn          *txn;
    ks_status                status = ks__txn_begin_read(log->env, &txn, error);

    if (status != KS_OK)
        return status;
    switch (kind) {
    case KS__OFFSET_BEGIN:
        status = ks__row_bounds(log, txn, id, partition, offset, NULL);
        break;
    case KS__OFFSET_END:
    case KS__OFFSET_HIGH:
        status = ks__row_bounds(log, txn, id, partition, NULL, offset);
        break;
    case KS__OFFSET_AT:
        status = ks__embedded_offset_at(log, txn, topic, partition, time_ms, offset, error);
        break;
    }
    ks__txn_abort(txn);
    return status == KS_OK ? KS_OK : told(error, status, topic->name);
}

static ks_status committed(struct ks__local_log *base, const char *group, const char *topic,
                           int32_t partition, int64_t *offset, char **metadata, ks_error *error)
{
    struct ks__embedded_log *log = embedded_of(base);
    struct ks__txn          *txn;
    ks_bytes                 text   = KS_NULL;
    ks_status                status = ks__txn_begin_read(log->env, &txn, error);

    if (status != KS_OK)
        return status;
    status = ks__row_get_position(log, txn, group, topic, partition, offset, &text);
    if (status == KS_OK && metadata != NULL && text.data != NULL) {
        *metadata = ks__strndup(text.data, text.size);
        status    = *metadata != NULL ? KS_OK : KS_ENOMEM;
    }
    ks__txn_abort(txn);
    return status == KS_OK ? KS_OK : told(error, status, group);
}

static ks_status fence(struct ks__local_log *base, const char *id, int64_t *epoch, ks_error *error)
{
    struct ks__embedded_log *log = embedded_of(base);
    struct ks__txn          *txn;
    ks_status                status = ks__txn_begin_write(log->env, &txn, error);

    if (status != KS_OK)
        return status;
    status = ks__row_get_epoch(log, txn, id, epoch);
    if (status == KS_OK)
        status = ks__row_put_epoch(log, txn, id, ++*epoch);
    if (status == KS_OK)
        return ks__txn_commit(txn);
    ks__txn_abort(txn);
    return told(error, status, id);
}

/* ---- groups ---- */

/* Members of processes that died have not been seen for ever. */
static void find_dead(const struct ks__embedded_log *log, struct ks__group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        struct ks__member *member = group->members[i];

        if (member->process != NULL && !ks__waiters_is_alive(&log->waiters, member->process))
            member->seen_ms = INT64_MIN / 2;
    }
}

static ks_status group_begin(struct ks__local_log *base, const char *name, struct ks__group **group,
                             ks_error *error)
{
    struct ks__embedded_log *log = embedded_of(base);
    bool                     found;
    ks_status                status;

    status = ks__txn_begin_write(log->env, &log->group_txn, error);
    if (status == KS_OK) {
        status = ks__row_get_group(log, log->group_txn, name, &log->group, &found);
        if (status != KS_OK) {
            ks__group_release(&log->group);
            ks__txn_abort(log->group_txn);
        }
    }
    if (status != KS_OK)
        return told(error, status, name);
    find_dead(log, &log->group);
    *group = &log->group;
    return KS_OK;
}

static ks_status group_read(struct ks__local_log *base, const char *name, struct ks__group *group,
                            ks_error *error)
{
    struct ks__embedded_log *log = embedded_of(base);
    struct ks__txn          *txn;
    bool                     found;
    ks_status                status = ks__txn_begin_read(log->env, &txn, error);

    if (status != KS_OK)
        return status;
    status = ks__row_get_group(log, txn, name, group, &found);
    ks__txn_abort(txn);
    if (status != KS_OK) {
        ks__group_release(group);
        return told(error, status, name);
    }
    find_dead(log, group);
    return KS_OK;
}

static ks_status group_end(struct ks__local_log *base, struct ks__group *group, bool changed,
                           ks_error *error)
{
    struct ks__embedded_log *log    = embedded_of(base);
    ks_status                status = KS_OK;

    if (changed)
        status = ks__row_put_group(log, log->group_txn, group);
    if (changed && status == KS_OK)
        status = ks__txn_commit(log->group_txn);
    else
        ks__txn_abort(log->group_txn);
    log->group_txn = NULL;
    if (status != KS_OK)
        told(error, status, group->name);
    ks__group_release(group);
    if (changed && status == KS_OK)
        poke_groups(log);
    return status;
}

static ks_status serial(struct ks__local_log *base, uint64_t *number, ks_error *error)
{
    struct ks__embedded_log *log    = embedded_of(base);
    ks_status                status = ks__row_serial(log, log->group_txn, number);

    return status == KS_OK ? KS_OK : told(error, status, "serial");
}

static const struct ks__local_class embedded_class = {
    .create = create, .find = find, .topics = topics, .offset = offset_of, .committed = committed,
    .trim = ks__embedded_trim, .fence = fence, .hand_over = ks__embedded_hand_over,
    .await = ks__embedded_await, .orphan = ks__embedded_orphan,
    .group_begin = group_begin, .group_end = group_end, .group_read = group_read, .serial = serial,
    .fetch = ks__embedded_fetch, .lag = ks__embedded_lag,
    .source_release = ks__embedded_source_release,
};

/* ---- the directory ---- */

/* Raise the known end of a partition that another process wrote to. What we do not know yet, nobody
 * here reads. */
static void raise_end(struct ks__embedded_log *log, const struct ks__poke *poke)
{
    struct ks__embedded_topic *topic = NULL;

    ks__mutex_lock(&log->base.mutex);
    for (size_t i = 0; i < log->topic_count && topic == NULL; i++)
        if (log->topics[i]->id == poke->topic)
            topic = log->topics[i];
    ks__mutex_unlock(&log->base.mutex);
    if (topic != NULL && poke->partition < topic->base.partitions)
        ks__embedded_publish(log, &topic->base, poke->partition, poke->end);
}

/* Records came in more partitions than were told: all who wait look again. */
static void wake_all(struct ks__embedded_log *log)
{
    atomic_fetch_add(&log->foreign, 1);
    ks__mutex_lock(&log->base.mutex);
    for (size_t i = 0; i < log->topic_count; i++)
        for (int32_t j = 0; j < log->topics[i]->base.partitions; j++)
            ks__local_wake_readers(&log->topics[i]->base, j);
    ks__mutex_unlock(&log->base.mutex);
}

/* Other processes wrote. */
static void poked(void *user, const struct ks__poke *pokes, size_t count)
{
    struct ks__embedded_log *log    = user;
    bool                     groups = false, all = false;

    for (size_t i = 0; i < count; i++) {
        if (pokes[i].partition >= 0)
            raise_end(log, &pokes[i]);
        groups |= pokes[i].partition == KS__POKE_GROUPS;
        all |= pokes[i].partition == KS__POKE_ALL;
    }
    if (all)
        wake_all(log);
    if (groups)
        ks__local_changed(&log->base);
}

static ks_status check_directory(const char *path, ks_error *error)
{
    struct stat stat;

    if (ks__io_lstat(AT_FDCWD, path, &stat) != 0)
        return ks__error_set_errno(error, errno == EACCES ? KS_EACCESS : KS_EIO, errno,
                                   "the log's directory %s", path);
    if (S_ISLNK(stat.st_mode))
        return ks__error_set(error, KS_EACCESS,
                             "the log's directory %s is a symbolic link; name the directory itself",
                             path);
    if (!S_ISDIR(stat.st_mode))
        return ks__error_set(error, KS_EIO, "%s is no directory, so no log can lie in it", path);
    if (stat.st_uid != geteuid())
        return ks__error_set(error, KS_EACCESS,
                             "the log's directory %s belongs to user %lu, not to us (%lu)", path,
                             (unsigned long)stat.st_uid, (unsigned long)geteuid());
    if (access(path, R_OK | W_OK | X_OK) != 0)
        return ks__error_set_errno(error, KS_EACCESS, errno, "the log's directory %s", path);
    return KS_OK;
}

/* The path without slashes at its end: lstat() would follow a link through them. */
static char *plain_path(const char *path)
{
    size_t size = strlen(path);

    while (size > 1 && path[size - 1] == '/')
        size--;
    return ks__strndup(path, size);
}

static ks_status prepare_directory(const char *path, ks_error *error)
{
    struct stat stat;

    if (ks__io_lstat(AT_FDCWD, path, &stat) != 0 && errno == ENOENT &&
        ks__io_make_path(path, 0700) != 0)
        return ks__error_set_errno(error,
                                   errno == EACCES || errno == EROFS ? KS_EACCESS : KS_EIO, errno,
                                   "the log's directory %s cannot be made", path);
    return check_directory(path, error);
}

/* ---- registry ---- */

static void log_free(struct ks__embedded_log *log)
{
    ks__waiters_close(&log->waiters);
    for (size_t i = 0; i < log->topic_count; i++)
        topic_free(log->topics[i]);
    ks__free(log->topics);
    ks__embedded_compact_stop(log);
    ks__buffer_release(&log->scratch);
    ks__embedded_queue_release(&log->queue);
    ks__mutex_release(&log->base.mutex);
    ks__free(log);
}

static struct ks__embedded_log *log_new(struct ks__env *env)
{
    struct ks__embedded_log *log = ks__zalloc(sizeof(*log));

    if (log == NULL)
        return NULL;
    log->base.class = &embedded_class;
    log->env        = env;
    log->waiters    = (struct ks__waiters){ .own = KS__PRIVATE_FD_NONE, .stop = { .fd = -1 } };
    atomic_init(&log->base.changes, 0);
    atomic_init(&log->foreign, 0);
    if (ks__mutex_init(&log->base.mutex) == KS_OK) {
        if (ks__embedded_queue_init(&log->queue) == KS_OK)
            return log;
        ks__mutex_release(&log->base.mutex);
    }
    ks__free(log);
    return NULL;
}

/* Make the log's identity, unless another process has made it just now. */
static ks_status make_identity(struct ks__embedded_log *log, ks_error *error)
{
    struct ks__txn *txn;
    ks_status       status = ks__txn_begin_write(log->env, &txn, error);

    if (status != KS_OK)
        return status;
    status = ks__row_get_identity(log, txn, log->base.id);
    if (status == KS_OK && log->base.id[0] == '\0') {
        ks__local_make_id(log->base.id);
        status = ks__row_put_identity(log, txn, log->base.id);
        if (status == KS_OK)
            return ks__txn_commit(txn);
    }
    ks__txn_abort(txn);
    return status;
}

/* One that is there is read without waiting for who writes. */
static ks_status identify(struct ks__embedded_log *log, ks_error *error)
{
    struct ks__txn *txn;
    ks_status       status = ks__txn_begin_read(log->env, &txn, error);

    if (status == KS_OK) {
        status = ks__row_get_identity(log, txn, log->base.id);
        ks__txn_abort(txn);
    }
    if (status == KS_OK && log->base.id[0] == '\0')
        status = make_identity(log, error);
    if (status == KS_OK)
        return KS_OK;
    return ks__error_set(error, status, "the identity of the log cannot be read");
}

static ks_status start(struct ks__embedded_log *log, const char *directory, ks_error *error)
{
    ks_status status = ks__env_database(log->env, "meta", &log->meta, error);

    if (status == KS_OK)
        status = ks__env_database(log->env, "records", &log->records, error);
    if (status == KS_OK)
        status = identify(log, error);
    if (status == KS_OK)
        status = ks__waiters_open(&log->waiters, directory, poked, log, error);
    log->base.process = log->waiters.name;
    return status;
}

/* The log on this env, made when missing; takes over the reference to the env when it fails or the
 * log has one already. With the registry's mutex held. */
static ks_status acquire(struct ks__env *env, const char *directory, struct ks__embedded_log **out,
                         ks_error *error)
{
    struct ks__embedded_log *log;
    ks_status                status;

    for (log = registry; log != NULL && log->env != env; log = log->next)
        ;
    if (log != NULL) {
        log->references++;
        *out = log;
        return ks__env_close(env, error);
    }
    log = log_new(env);
    if (log == NULL) {
        ks__env_close(env, NULL);
        return ks__error_no_memory(error, directory);
    }
    status = start(log, directory, error);
    if (status != KS_OK) {
        log_free(log);
        ks__env_close(env, NULL);
        return status;
    }
    log->references = 1;
    log->next       = registry;
    registry        = log;
    *out            = log;
    return KS_OK;
}

static ks_status open_log(const char *directory, const struct ks__cluster_options *options,
                          struct ks__embedded_log **out, ks_error *error)
{
    struct ks__env_options env_options = { .map_bytes = KS__ENV_LOG_MAP_BYTES, .max_databases = 4,
                                           .format = FORMAT, .no_sync = options->no_sync,
                                           .keep_always = true, .shared = true,
                                           .share_in_process = true };
    struct ks__env        *env;
    ks_status              status = prepare_directory(directory, error);

    if (status != KS_OK)
        return status;
    ks__mutex_lock(&registry_mutex);
    status = ks__env_open(&env, directory, &env_options, error);
    if (status == KS_OK)
        status = acquire(env, directory, out, error);
    ks__mutex_unlock(&registry_mutex);
    return status;
}

static ks_status cluster_open(struct ks__cluster **out, const char *rest,
                              const struct ks__cluster_options *options, ks_error *error)
{
    struct ks__local_cluster *cluster   = ks__zalloc(sizeof(*cluster));
    char                     *directory = plain_path(rest);
    struct ks__embedded_log  *log       = NULL;
    ks_status                 status    = KS_ENOMEM;

    if (cluster == NULL || directory == NULL)
        ks__error_no_memory(error, "embedded log");
    else
        status = open_log(directory, options, &log, error);
    ks__free(directory);
    if (status != KS_OK) {
        ks__free(cluster);
        return status;
    }
    ks__local_cluster_init(cluster, &ks__cluster_embedded, options, &log->base);
    *out = &cluster->base;
    return KS_OK;
}

static void cluster_close(struct ks__cluster *base)
{
    struct ks__local_cluster *cluster = (struct ks__local_cluster *)base;
    struct ks__embedded_log  *log     = embedded_of(cluster->log);
    ks_error                  error   = { .status = KS_OK };
    bool                      last;

    ks__local_cluster_release(cluster);
    ks__mutex_lock(&registry_mutex);
    last = --log->references == 0;
    if (last) {
        struct ks__embedded_log **at = &registry;

        while (*at != log)
            at = &(*at)->next;
        *at = log->next;
        ks__embedded_queue_stop(log);
        ks__waiters_close(&log->waiters);
        if (ks__env_close(log->env, &error) != KS_OK)
            KS__LOG_AT_ERROR(&cluster->logger, "log", "close: %s", error.message);
    }
    ks__mutex_unlock(&registry_mutex);
    if (last)
        log_free(log);
    ks__free(cluster);
}

const struct ks__cluster_class ks__cluster_embedded = {
    .kind = "embedded", .scheme = "embedded:", .open = cluster_open, .close = cluster_close,
    KS__LOCAL_CLUSTER_CALLS
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * user.c - topics, offsets and commits of a log of the user's own.
 *
 * Not here: reading (read.c), addresses, opening and closing (registry.c).
 */
#include "log/user/user.h"

#include <stdio.h>
#include <string.h>

static struct ks_log_ctx *ctx_of(struct ks__local_log *log)
{
    return (struct ks_log_ctx *)log;
}

ks_status ks__user_leave(struct ks_log_ctx *ctx, ks_status status, const char *hook,
                         ks_error *error)
{
    if (status != KS_OK && status != KS_EOFFSET && error != NULL && !ks_error_is_fatal(error)) {
        ks__error_clear(error);
        ks__error_set(error, status, "%s: %s: %s", ctx->address, hook,
                      ks__error_is_set(&ctx->error) ? ctx->error.message
                                                    : ks_status_text(status));
    }
    ks__mutex_unlock(&ctx->hooks);
    return status;
}

/* ---- topics ---- */

void ks__user_topic_free(struct ks__user_topic *topic)
{
    ks__free(topic->base.name);
    ks__free(topic->base.readers);
    ks__free(topic);
}

static struct ks__user_topic *topic_new(const char *name, const ks_log_topic *found)
{
    const size_t           count = (size_t)found->partitions;
    struct ks__user_topic *topic = ks__zalloc(sizeof(*topic) + count * sizeof(topic->ends[0]));

    if (topic == NULL)
        return NULL;
    topic->base.name       = ks__strdup(name);
    topic->base.partitions = found->partitions;
    topic->base.compacted  = found->compacted;
    topic->base.readers    = ks__zalloc_array(count, sizeof(*topic->base.readers));
    if (topic->base.name != NULL && topic->base.readers != NULL)
        return topic;
    ks__user_topic_free(topic);
    return NULL;
}

static struct ks__user_topic *known(const struct ks_log_ctx *ctx, const char *name)
{
    for (size_t i = 0; i < ctx->topic_count; i++)
        if (strcmp(ctx->topics[i]->base.name, name) == 0)
            return ctx->topics[i];
    return NULL;
}

/* Under `hooks`, so that nobody else adds it meanwhile. */
static ks_status add(struct ks_log_ctx *ctx, const char *name, const ks_log_topic *found,
                     struct ks__local_topic **out)
{
    struct ks__user_topic *topic = topic_new(name, found);
    bool                   added = false;

    if (topic == NULL)
        return KS_ENOMEM;
    ks__mutex_lock(&ctx->base.mutex);
    if (KS__GROW(&ctx->topics, &ctx->topic_capacity, ctx->topic_count + 1)) {
        ctx->topics[ctx->topic_count++] = topic;
        *out                            = &topic->base;
        added                           = true;
    }
    ks__mutex_unlock(&ctx->base.mutex);
    if (!added)
        ks__user_topic_free(topic);
    return added ? KS_OK : KS_ENOMEM;
}

static ks_status find(struct ks__local_log *log, const char *name, struct ks__local_topic **out,
                      ks_error *error)
{
    struct ks_log_ctx     *ctx   = ctx_of(log);
    ks_log_topic           found = { .name = name };
    struct ks__user_topic *topic;
    ks_status              status;

    ks__mutex_lock(&log->mutex);
    topic = known(ctx, name);
    ks__mutex_unlock(&log->mutex);
    *out = topic != NULL ? &topic->base : NULL;
    if (topic != NULL)
        return KS_OK;
    ks__user_enter(ctx);
    topic = known(ctx, name);
    if (topic != NULL) {
        *out = &topic->base;
        return ks__user_leave(ctx, KS_OK, "find", error);
    }
    status = ctx->class->find(ctx, name, &found, ctx->self);
    if (status == KS_OK && found.partitions > 0)
        status = add(ctx, name, &found, out);
    return ks__user_leave(ctx, status, "find", error);
}

static ks_status create(struct ks__local_log *log, const struct ks__topic_spec *spec,
                        ks_error *error)
{
    struct ks_log_ctx *ctx   = ctx_of(log);
    const ks_log_topic topic = { spec->name, spec->partitions, spec->compacted,
                                 spec->retention_ms };
    ks_log_topic       there = { .name = spec->name };
    ks_status          status;

    ks__user_enter(ctx);
    status = ctx->class->find(ctx, spec->name, &there, ctx->self);
    if (status == KS_OK && there.partitions > 0) {
        ks__mutex_unlock(&ctx->hooks);
        return KS_EEXISTS;
    }
    if (status == KS_OK)
        status = ctx->class->create(ctx, &topic, ctx->self);
    return ks__user_leave(ctx, status, "create", error);
}

void ks_log_names_add(ks_log_names *names, const char *name)
{
    ks__buffer_append((struct ks__buffer *)(void *)names, name, strlen(name) + 1);
}

static ks_status topics(struct ks__local_log *log, struct ks__buffer *names, ks_error *error)
{
    struct ks_log_ctx *ctx = ctx_of(log);
    ks_status          status;

    if (ctx->class->list == NULL)
        return ks__error_set(error, KS_ESTATE,
                             "%s: the class of this log has no list: topics cannot be read by a "
                             "pattern", ctx->address);
    ks__user_enter(ctx);
    status = ctx->class->list(ctx, (ks_log_names *)(void *)names, ctx->self);
    return ks__user_leave(ctx, status, "list", error);
}

static ks_status offset_of(struct ks__local_log *log, struct ks__local_topic *topic,
                           int32_t partition, enum ks__offset_kind kind, int64_t time_ms,
                           int64_t *offset, ks_error *error)
{
    struct ks_log_ctx *ctx   = ctx_of(log);
    int64_t            begin = 0, end = 0;
    ks_status          status;

    if (kind == KS__OFFSET_AT)
        return ks__user_at(ctx, topic, partition, time_ms, offset, error);
    ks__user_enter(ctx);
    status = ctx->class->range(ctx, topic->name, partition, &begin, &end, ctx->self);
    if (status == KS_OK)
        *offset = kind == KS__OFFSET_BEGIN ? begin : end;
    return ks__user_leave(ctx, status, "range", error);
}

static ks_status trim(struct ks__local_log *log, struct ks__local_topic *topic, int32_t partition,
                      int64_t offset, ks_error *error)
{
    struct ks_log_ctx *ctx   = ctx_of(log);
    int64_t            begin = 0, end = 0;
    ks_status          status;

    ks__user_enter(ctx);
    status = ctx->class->range(ctx, topic->name, partition, &begin, &end, ctx->self);
    if (status == KS_OK && (offset < 0 || offset > end)) {
        ks__mutex_unlock(&ctx->hooks);
        return ks__error_set(error, KS_EOFFSET, "%s-%d ends at %lld, cannot begin at %lld",
                             topic->name, (int)partition, (long long)end, (long long)offset);
    }
    if (status == KS_OK && offset > begin)
        status = ctx->class->trim(ctx, topic->name, partition, offset, ctx->self);
    return ks__user_leave(ctx, status, "trim", error);
}

/* ---- values ---- */

static void position_key(struct ks__buffer *key, const char *group, const char *topic,
                         int32_t partition)
{
    ks__buffer_clear(key);
    ks__buffer_append_u8(key, 'o');
    ks__buffer_append(key, group, strlen(group) + 1);
    ks__buffer_append(key, topic, strlen(topic) + 1);
    ks__buffer_append_be32(key, (uint32_t)partition);
}

static void epoch_key(struct ks__buffer *key, const char *id)
{
    ks__buffer_clear(key);
    ks__buffer_append_u8(key, 'e');
    ks__buffer_append_text(key, id);
}

static ks_status damaged(struct ks_log_ctx *ctx, const char *what)
{
    return ks__error_set(&ctx->error, KS_ECORRUPT, "get gave no %s as it was committed", what);
}

static ks_status committed(struct ks__local_log *log, const char *group, const char *topic,
                           int32_t partition, int64_t *offset, char **metadata, ks_error *error)
{
    struct ks_log_ctx *ctx   = ctx_of(log);
    struct ks__buffer  key   = { .data = NULL };
    ks_bytes           value = KS_NULL;
    ks_status          status;

    position_key(&key, group, topic, partition);
    ks__user_enter(ctx);
    status = key.failed ? KS_ENOMEM
                        : ctx->class->get(ctx, ks__buffer_bytes(&key), &value, ctx->self);
    if (status == KS_OK && value.data != NULL && value.size < 8) {
        status = damaged(ctx, "offset");
    } else if (status == KS_OK && value.data != NULL) {
        const char *text = value.data;

        *offset = (int64_t)ks__get_be64(text);
        if (metadata != NULL) {
            *metadata = ks__strndup(text + 8, value.size - 8);
            status    = *metadata != NULL ? KS_OK : KS_ENOMEM;
        }
    }
    ks__buffer_release(&key);
    return ks__user_leave(ctx, status, "get", error);
}

/* 0 = there was none. Under `hooks`. */
static ks_status get_epoch(struct ks_log_ctx *ctx, const char *id, struct ks__buffer *key,
                           int64_t *epoch)
{
    ks_bytes  value = KS_NULL;
    ks_status status;

    *epoch = 0;
    epoch_key(key, id);
    if (key->failed)
        return KS_ENOMEM;
    status = ctx->class->get(ctx, ks__buffer_bytes(key), &value, ctx->self);
    if (status != KS_OK || value.data == NULL)
        return status;
    if (value.size != 8)
        return damaged(ctx, "epoch");
    *epoch = (int64_t)ks__get_be64(value.data);
    return KS_OK;
}

static ks_status fence(struct ks__local_log *log, const char *id, int64_t *epoch, ks_error *error)
{
    struct ks_log_ctx *ctx = ctx_of(log);
    struct ks__buffer  key = { .data = NULL };
    uint8_t            number[8];
    ks_status          status;

    ks__user_enter(ctx);
    status = get_epoch(ctx, id, &key, epoch);
    if (status == KS_OK) {
        const ks_log_value value = { ks__buffer_bytes(&key), { number, sizeof(number) } };
        ks_log_commit      commit = { .values = &value, .value_count = 1 };

        ks__put_be64(number, (uint64_t)++*epoch);
        status = ctx->class->commit(ctx, &commit, ctx->self);
    }
    ks__buffer_release(&key);
    return ks__user_leave(ctx, status, "commit", error);
}

/* ---- commit ---- */

/* A commit as the hook gets it; all of it is one block of memory. */
struct unit {
    ks_log_commit     commit;
    ks_log_append    *appends;
    ks_log_value     *values;
    const ks_record **records;
    struct ks__buffer bytes;                /* keys and values of positions                       */
};

static void unit_release(struct unit *unit)
{
    ks__free(unit->appends);
    ks__free(unit->values);
    ks__free(unit->records);
    ks__buffer_release(&unit->bytes);
}

static void put_appends(struct unit *unit, const struct ks__local_commit *commit)
{
    const ks_record **record = unit->records;
    ks_log_append    *append = unit->appends;

    for (const struct ks__appends *s = commit->appends; s != NULL; s = s->next, append++) {
        *append = (ks_log_append){ .topic = s->topic->name, .partition = s->partition,
                                   .records = record, .first_offset = KS__OFFSET_NONE };
        for (const struct ks__segment *in = s->first; in != NULL; in = in->next)
            for (uint32_t i = 0; i < in->count; i++)
                *record++ = &in->records[i].record;
        append->count = (size_t)(record - append->records);
    }
    unit->commit.appends      = unit->appends;
    unit->commit.append_count = (size_t)(append - unit->appends);
}

/* Key and value of a position lie one behind the other in the buffer, which may move until all are
 * in. */
static bool put_values(struct unit *unit, const struct ks__local_commit *commit)
{
    struct ks__buffer key = { .data = NULL };
    size_t            at  = 0;

    for (size_t i = 0; i < commit->position_count; i++) {
        const struct ks__position *position = &commit->positions[i];
        const char *metadata = position->metadata != NULL ? position->metadata : "";

        position_key(&key, commit->group, position->topic, position->partition);
        unit->bytes.failed |= key.failed;
        ks__buffer_append_bytes(&unit->bytes, ks__buffer_bytes(&key));
        ks__buffer_append_be64(&unit->bytes, (uint64_t)position->offset);
        ks__buffer_append_text(&unit->bytes, metadata);
        unit->values[i].key.size   = key.size;
        unit->values[i].value.size = 8 + strlen(metadata);
    }
    ks__buffer_release(&key);
    for (size_t i = 0; !unit->bytes.failed && i < commit->position_count; i++) {
        unit->values[i].key.data   = unit->bytes.data + at;
        unit->values[i].value.data = unit->bytes.data + at + unit->values[i].key.size;
        at += unit->values[i].key.size + unit->values[i].value.size;
    }
    unit->commit.values      = unit->values;
    unit->commit.value_count = commit->position_count;
    return !unit->bytes.failed;
}

static bool unit_init(struct unit *unit, const struct ks__local_commit *commit)
{
    size_t appends = 0, records = 0;

    *unit = (struct unit){ .appends = NULL };
    for (const struct ks__appends *s = commit->appends; s != NULL; s = s->next, appends++)
        records += s->records;
    unit->appends = ks__zalloc_array(appends, sizeof(*unit->appends));
    unit->values  = ks__zalloc_array(commit->position_count, sizeof(*unit->values));
    unit->records = ks__zalloc_array(records, sizeof(*unit->records));
    if (unit->appends == NULL || unit->values == NULL || unit->records == NULL)
        return false;
    put_appends(unit, commit);
    return put_values(unit, commit);
}

/* Is the producer the latest of its id? Under `hooks`. */
static ks_status check_epoch(struct ks_log_ctx *ctx, const struct ks__local_commit *commit)
{
    struct ks__buffer key = { .data = NULL };
    int64_t           epoch;
    ks_status         status;

    if (commit->transactional_id == NULL)
        return KS_OK;
    status = get_epoch(ctx, commit->transactional_id, &key, &epoch);
    ks__buffer_release(&key);
    if (status != KS_OK || epoch == commit->epoch)
        return status;
    return ks__local_fenced(commit);
}

/* Did the hook say where everything came to lie? */
static ks_status check_offsets(struct ks_log_ctx *ctx, const struct unit *unit)
{
    for (size_t i = 0; i < unit->commit.append_count; i++)
        if (unit->appends[i].first_offset < 0)
            return ks__error_set(&ctx->error, KS_ELOG,
                                 "it stored records of %s-%d and set no first_offset",
                                 unit->appends[i].topic, (int)unit->appends[i].partition);
    return KS_OK;
}

static ks_status store(struct ks_log_ctx *ctx, const struct ks__local_commit *commit,
                       struct unit *unit)
{
    ks_status status;

    ks__user_enter(ctx);
    status = check_epoch(ctx, commit);
    if (status == KS_OK)
        status = ctx->class->commit(ctx, &unit->commit, ctx->self);
    if (status == KS_OK)
        status = check_offsets(ctx, unit);
    return ks__user_leave(ctx, status, "commit", commit->error);
}

static void tell_readers(struct ks_log_ctx *ctx, const struct ks__local_commit *commit,
                         const struct unit *unit)
{
    const ks_log_append *append = unit->appends;

    ks__mutex_lock(&ctx->base.mutex);
    for (struct ks__appends *s = commit->appends; s != NULL; s = s->next, append++) {
        s->end = append->first_offset + (int64_t)append->count;
        atomic_store(&((struct ks__user_topic *)s->topic)->ends[s->partition], s->end);
        ks__local_wake_readers(s->topic, s->partition);
    }
    ks__mutex_unlock(&ctx->base.mutex);
}

static ks_status commit_all(struct ks__local_log *log, struct ks__local_commit *commit)
{
    struct ks_log_ctx *ctx     = ctx_of(log);
    const bool         grouped = ks__local_groups_concern(commit);
    struct unit        unit;
    ks_status          status = KS_ENOMEM;

    if (unit_init(&unit, commit)) {
        if (grouped)
            ks__mutex_lock(&ctx->groups.mutex);
        status = ks__local_groups_check(&ctx->groups, commit);
        if (status == KS_OK)
            status = store(ctx, commit, &unit);
        if (grouped)
            ks__mutex_unlock(&ctx->groups.mutex);
        if (status == KS_OK)
            tell_readers(ctx, commit, &unit);
    } else {
        ks__error_no_memory(commit->error, "commit");
    }
    unit_release(&unit);
    return status;
}

/* ---- groups ---- */

static ks_status group_begin(struct ks__local_log *log, const char *name, struct ks__group **group,
                             ks_error *error)
{
    return ks__local_groups_begin(&ctx_of(log)->groups, name, group, error);
}

static ks_status group_end(struct ks__local_log *log, struct ks__group *group, bool changed,
                           ks_error *error)
{
    (void)group, (void)changed, (void)error;
    ks__local_groups_end(&ctx_of(log)->groups);
    return KS_OK;
}

static ks_status serial(struct ks__local_log *log, uint64_t *number, ks_error *error)
{
    (void)error;
    *number = ks__local_groups_serial(&ctx_of(log)->groups);
    return KS_OK;
}

const struct ks__local_class ks__user_class = {
    .create = create, .find = find, .topics = topics, .offset = offset_of,
    .committed = committed, .trim = trim, .fence = fence, .commit = commit_all,
    .group_begin = group_begin, .group_end = group_end,
    .serial = serial, .fetch = ks__user_fetch, .lag = ks__user_lag,
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * local_write.c - staging appends, and handing them over with positions.
 *
 *      append ---> staged segment of the partition ---> ... ---> commit ---> the log's own
 *
 * A segment is handed over without another copy where the log can use it as it is; a staged
 * partition therefore asks for segments about as large as the last commit needed.
 */
#include "log/local.h"

#include "base/assert.h"

#include <string.h>

#define FIRST_RECORDS 16u                   /* of the first segment of a partition                */
#define STAGED_LIMIT  (16u << 20)           /* bytes outside transactions: then flush             */

/* ---- handles ---- */

ks_status ks__local_topic(struct ks__session *base, const char *name, struct ks__topic **out,
                          int timeout_ms)
{
    struct ks__local_session *session = (struct ks__local_session *)base;
    struct ks__local_topic   *found;
    struct ks__local_writer  *writer;
    ks_status                 status;

    (void)timeout_ms;
    for (writer = session->writers; writer != NULL; writer = writer->next)
        if (strcmp(writer->base.name, name) == 0) {
            *out = &writer->base;
            return KS_OK;
        }
    status = ks__local_find(session->log, name, &found, &base->error);
    if (status != KS_OK)
        return status;
    if (found == NULL)
        return KS_ENOTFOUND;
    writer = ks__zalloc(sizeof(*writer) + (size_t)found->partitions * sizeof(writer->parts[0]));
    if (writer == NULL)
        return KS_ENOMEM;
    writer->base  = (struct ks__topic){ base, found->name, found->partitions };
    writer->topic = found;
    writer->next  = session->writers;
    for (int32_t i = 0; i < found->partitions; i++)
        writer->parts[i] = (struct ks__staged){ .topic = found, .partition = i,
                                                .want = FIRST_RECORDS, .end = KS__OFFSET_NONE };
    session->writers = writer;
    *out             = &writer->base;
    return KS_OK;
}

int64_t ks__local_appended(const struct ks__topic *topic, int32_t partition)
{
    return ((const struct ks__local_writer *)topic)->parts[partition].end;
}

/* ---- staging ---- */

/* A segment with room for the record behind the others. */
static ks_status add_segment(struct ks__local_session *session, struct ks__staged *staged,
                             size_t need)
{
    size_t              bytes = (size_t)staged->want * KS__SEGMENT_BYTES / KS__SEGMENT_RECORDS;
    struct ks__segment *segment = ks__segment_new(staged->want, need > bytes ? need : bytes);

    if (segment == NULL)
        return KS_ENOMEM;
    if (staged->want < KS__SEGMENT_RECORDS)
        staged->want *= 2;
    if (staged->last != NULL) {
        staged->last->next = segment;
    } else {
        staged->first   = segment;
        staged->next    = session->staged;
        session->staged = staged;
    }
    staged->last = segment;
    return KS_OK;
}

static ks_status refuse_large(struct ks__local_session *session, const char *topic, size_t size,
                              size_t limit)
{
    ks_error *error = &session->base.error;

    if (!ks_error_is_fatal(error))
        ks__error_clear(error);
    return ks__error_set(error, KS_ETOOBIG,
                         "topic \"%s\": a record has %zu bytes, the limit is %zu "
                         "(message.max.bytes)", topic, size, limit);
}

ks_status ks__local_append(struct ks__topic *topic, int32_t partition, const ks_record *record)
{
    struct ks__local_session       *session = (struct ks__local_session *)topic->session;
    const struct ks__local_cluster *cluster =
        (const struct ks__local_cluster *)session->base.cluster;
    struct ks__staged *staged = &((struct ks__local_writer *)topic)->parts[partition];
    size_t             need   = ks__segment_need(record);

    if (session->transactional_id != NULL && (!session->in_transaction || session->must_abort))
        return KS_ESTATE;
    if (need > cluster->record_limit)
        return refuse_large(session, topic->name, need, cluster->record_limit);
    if (session->transactional_id == NULL && session->staged_bytes > STAGED_LIMIT)
        return KS_EAGAIN;
    if (staged->last == NULL || !ks__segment_fits(staged->last, need)) {
        ks_status status = add_segment(session, staged, need);

        if (status != KS_OK)
            return status;
    }
    ks__segment_append(staged->last, record, 0);
    staged->records++;
    session->staged_bytes += need + sizeof(struct ks__log_record);
    return KS_OK;
}

/* Forget the segments; what the log has taken is gone from the list already. */
static void clear(struct ks__staged *staged)
{
    while (staged->first != NULL) {
        struct ks__segment *segment = staged->first;

        staged->first = segment->next;
        ks__segment_drop(segment);
    }
    staged->last    = NULL;
    staged->records = 0;
}

void ks__local_drop_staged(struct ks__local_session *session)
{
    while (session->staged != NULL) {
        struct ks__staged *staged = session->staged;

        session->staged = staged->next;
        staged->next    = NULL;
        clear(staged);
    }
    session->staged_bytes = 0;
}

/* The next segments shall be as large as this commit needed. */
static void adapt(struct ks__local_session *session)
{
    for (struct ks__staged *s = session->staged; s != NULL; s = s->next) {
        s->want = FIRST_RECORDS;
        while (s->want < KS__SEGMENT_RECORDS && s->want < s->records)
            s->want *= 2;
    }
}

/* ---- handing over ---- */

static ks_status hand_over(struct ks__local_session *session, struct ks__staged *staged,
                           const struct ks__position *positions, size_t count)
{
    struct ks__local_commit commit = {
        .staged         = staged,
        .positions      = positions,
        .position_count = count,
        .group          = session->group,
        .member_id      = session->member_id,
        .generation     = session->generation,
        .transactional_id = session->in_transaction ? session->transactional_id : NULL,
        .epoch            = session->epoch,
        .error            = &session->base.error,
    };
    ks_status status = KS_OK;

    if (count > 0 && session->group == NULL)
        return ks__error_set(&session->base.error, KS_EINVAL, "positions need a group");
    if (staged == NULL && count == 0)
        return KS_OK;
    for (size_t i = 0; i < count && status == KS_OK; i++)
        status = ks__local_check_name("topic", positions[i].topic, &session->base.error);
    if (status != KS_OK)
        return status;
    if (!ks_error_is_fatal(&session->base.error))
        ks__error_clear(&session->base.error);
    if (staged != NULL)
        adapt(session);
    status = session->log->class->commit(session->log, &commit);
    if (status == KS_OK && staged != NULL)
        ks__local_drop_staged(session);
    return status;
}

ks_status ks__local_flush(struct ks__session *base, int timeout_ms)
{
    struct ks__local_session *session = (struct ks__local_session *)base;

    (void)timeout_ms;
    if (session->transactional_id != NULL)      /* decided by the commit */
        return session->must_abort ? base->error.status : KS_OK;
    return hand_over(session, session->staged, NULL, 0);
}

/* ---- pushing ---- */

static size_t bytes_of(const struct ks__staged *staged)
{
    size_t bytes = 0;

    for (; staged != NULL; staged = staged->next)
        for (const struct ks__segment *s = staged->first; s != NULL; s = s->next)
            bytes += s->used + s->count * sizeof(struct ks__log_record);
    return bytes;
}

/* Put the partitions that are held, or those that are not, from one list in front of the other. */
static void move_staged(struct ks__staged **from, struct ks__staged **to, bool held)
{
    while (*from != NULL)
        if ((*from)->held == held) {
            struct ks__staged *moved = *from;

            *from       = moved->next;
            moved->next = *to;
            *to         = moved;
        } else {
            from = &(*from)->next;
        }
}

void ks__local_hold(struct ks__topic *topic)
{
    for (int32_t i = 0; i < topic->partitions; i++)
        ((struct ks__local_writer *)topic)->parts[i].held = true;
}

bool ks__local_push(struct ks__session *base)
{
    struct ks__local_session *session = (struct ks__local_session *)base;
    struct ks__staged        *held    = NULL;
    bool                      any;

    if (session->transactional_id != NULL || session->staged == NULL)
        return false;
    move_staged(&session->staged, &held, true);
    any = session->staged != NULL;
    (void)hand_over(session, session->staged, NULL, 0); /* failed: still staged, for the flush */
    move_staged(&held, &session->staged, true);
    session->staged_bytes = bytes_of(session->staged);
    return any;
}

ks_status ks__local_commit_offsets(struct ks__session *base, const struct ks__position *positions,
                                   size_t count, int timeout_ms)
{
    (void)timeout_ms;
    return hand_over((struct ks__local_session *)base, NULL, positions, count);
}

/* ---- transactions ---- */

ks_status ks__local_begin(struct ks__session *base, int timeout_ms)
{
    struct ks__local_session *session = (struct ks__local_session *)base;

    (void)timeout_ms;
    if (ks_error_is_fatal(&base->error))
        return base->error.status;
    if (session->transactional_id == NULL || session->in_transaction)
        return KS_ESTATE;
    session->in_transaction = true;
    session->must_abort     = false;
    return KS_OK;
}

ks_status ks__local_commit_transaction(struct ks__session *base,
                                       const struct ks__position *positions, size_t count,
                                       int timeout_ms)
{
    struct ks__local_session *session = (struct ks__local_session *)base;
    ks_status                 status;

    (void)timeout_ms;
    if (!session->in_transaction)
        return KS_ESTATE;
    if (session->must_abort)
        return base->error.status;
    status = hand_over(session, session->staged, positions, count);
    if (status == KS_OK) {
        session->in_transaction = false;
        return KS_OK;
    }
    if (status == KS_EFENCED) {
        session->must_abort = true;
        ks__error_add_flags(&base->error, KS__ERROR_REQUIRES_ABORT);
    }
    return status;
}

ks_status ks__local_abort(struct ks__session *base, int timeout_ms)
{
    struct ks__local_session *session = (struct ks__local_session *)base;

    (void)timeout_ms;
    if (session->transactional_id != NULL && !session->in_transaction)
        return KS_ESTATE;
    ks__local_drop_staged(session);
    session->in_transaction = false;
    session->must_abort     = false;
    if (ks_error_is_fatal(&base->error))
        return base->error.status;
    ks__error_clear(&base->error);
    return KS_OK;
}

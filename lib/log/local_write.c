/* SPDX-License-Identifier: Apache-2.0
 *
 * local_write.c - staging appends, and handing them over with positions.
 *
 *      append ---> staged segment of the partition ---> sent ---> commit ---> the log's own
 *                         ^                               |
 *                         `----------- failed ------------'
 *
 * A segment is handed over without another copy where the log can use it as it is; a staged
 * partition therefore asks for segments about as large as the last commit needed. Outside
 * transactions appends go on while others are being stored.
 *
 * One hand-over at a time: who comes with another call first takes in what came of the one before.
 * A push that failed goes back to what is staged, and the next flush tells why if it fails too.
 */
#include "log/local.h"

#include "base/assert.h"
#include "base/clock.h"

#include <stddef.h>
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
        writer->parts[i] = (struct ks__staged){ .sent = { .topic = found, .partition = i },
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

static void list_staged(struct ks__local_session *session, struct ks__staged *staged)
{
    staged->next    = session->staged;
    session->staged = staged;
}

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
        staged->first = segment;
        list_staged(session, staged);
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

static const char none_open[] = "no transaction is open: begin one first";

/* A call in the wrong order changes nothing; a fatal error stays what it was. */
static ks_status out_of_order(struct ks__local_session *session, const char *why)
{
    if (!ks_error_is_fatal(&session->base.error))
        ks__error_clear(&session->base.error);
    return ks__error_set(&session->base.error, KS_ESTATE, "%s", why);
}

ks_status ks__local_append(struct ks__topic *topic, int32_t partition, const ks_record *record)
{
    struct ks__local_session       *session = (struct ks__local_session *)topic->session;
    const struct ks__local_cluster *cluster =
        (const struct ks__local_cluster *)session->base.cluster;
    struct ks__staged *staged = &((struct ks__local_writer *)topic)->parts[partition];
    size_t             need   = ks__segment_need(record);

    if (session->transactional_id != NULL && !session->in_transaction)
        return out_of_order(session, none_open);
    if (session->transactional_id != NULL && session->must_abort)
        return KS_ESTATE;
    if (session->transactional_id != NULL && session->writing.pending)
        return KS_EAGAIN;                       /* the transaction is being committed */
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

/* What the log has taken is gone from the list already. */
static void drop_segments(struct ks__segment **first)
{
    while (*first != NULL) {
        struct ks__segment *segment = *first;

        *first = segment->next;
        ks__segment_drop(segment);
    }
}

static void clear_sent(struct ks__appends *sent)
{
    drop_segments(&sent->first);
    sent->last    = NULL;
    sent->records = 0;
    sent->next    = NULL;
}

void ks__local_drop_staged(struct ks__local_session *session)
{
    while (session->staged != NULL) {
        struct ks__staged *staged = session->staged;

        session->staged = staged->next;
        staged->next    = NULL;
        drop_segments(&staged->first);
        staged->last    = NULL;
        staged->records = 0;
    }
    while (session->commit.appends != NULL) {
        struct ks__appends *sent = session->commit.appends;

        session->commit.appends = sent->next;
        clear_sent(sent);
    }
    session->staged_bytes = 0;
}

static size_t bytes_of(const struct ks__staged *staged)
{
    size_t bytes = 0;

    for (; staged != NULL; staged = staged->next)
        for (const struct ks__segment *s = staged->first; s != NULL; s = s->next)
            bytes += s->used + s->count * sizeof(struct ks__log_record);
    return bytes;
}

/* ---- handing over ---- */

/* The next segments shall be as large as this commit needed. */
static void adapt(struct ks__staged *staged)
{
    staged->want = FIRST_RECORDS;
    while (staged->want < KS__SEGMENT_RECORDS && staged->want < staged->records)
        staged->want *= 2;
}

/* Everything staged goes into the commit, but what is held when `all` is not asked. */
static void send(struct ks__local_session *session, bool all)
{
    struct ks__staged **at = &session->staged;

    while (*at != NULL) {
        struct ks__staged *staged = *at;

        if (staged->held && !all) {
            at = &staged->next;
            continue;
        }
        adapt(staged);
        staged->sent.first   = staged->first;
        staged->sent.last    = staged->last;
        staged->sent.records = staged->records;
        staged->sent.next    = session->commit.appends;
        session->commit.appends = &staged->sent;
        staged->first = staged->last = NULL;
        staged->records = 0;
        *at             = staged->next;
        staged->next    = NULL;
    }
}

/* They could not be stored: in front of what was staged meanwhile. */
static void take_back(struct ks__local_session *session, struct ks__staged *staged)
{
    struct ks__appends *sent = &staged->sent;

    sent->last->next = staged->first;
    if (staged->first == NULL) {
        staged->last = sent->last;
        list_staged(session, staged);
    }
    staged->first = sent->first;
    staged->records += sent->records;
    sent->first = sent->last = NULL;
    sent->records = 0;
    sent->next    = NULL;
}

/* It is decided: take in what came of it. */
static ks_status take_in(struct ks__local_session *session)
{
    struct ks__handover *writing = &session->writing;
    struct ks__appends  *sent    = session->commit.appends;
    const bool           stored  = sent != NULL && writing->status == KS_OK;

    session->commit.appends = NULL;
    while (sent != NULL) {
        struct ks__staged  *staged = (struct ks__staged *)sent;
        struct ks__appends *next   = sent->next;

        if (stored) {
            staged->end = sent->end;
            clear_sent(sent);
        } else {
            take_back(session, staged);
        }
        sent = next;
    }
    if (stored)
        session->staged_bytes = bytes_of(session->staged);
    if (writing->status == KS_OK || ks_error_is_fatal(&session->base.error))
        return writing->status;
    ks__error_copy(&session->base.error, &writing->error);
    return writing->status;
}

/* KS_OK: nothing is handed over any more, and what came of it, if something was, is in `*result`.
 * KS_EAGAIN: it is not decided yet. */
static ks_status settle(struct ks__local_session *session, int timeout_ms, ks_status *result)
{
    *result = KS_OK;
    if (!session->writing.pending)
        return KS_OK;
    if (ks__local_await(session->log, &session->writing, timeout_ms) != KS_OK)
        return KS_EAGAIN;
    *result = take_in(session);
    return KS_OK;
}

static size_t text_bytes(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

static char *put_text(char **at, const char *text)
{
    const size_t size = text_bytes(text);
    char        *copy = *at;

    if (size == 0)
        return NULL;
    memcpy(copy, text, size);
    *at += size;
    return copy;
}

/* What the caller lends is needed for longer than the call. The block is kept for the next time. */
static ks_status copy_lent(struct ks__local_session *session)
{
    struct ks__local_commit *commit = &session->commit;
    struct ks__position     *positions;
    size_t                   size = commit->position_count * sizeof(*positions);
    char                    *at;

    size += text_bytes(commit->member_id);
    for (size_t i = 0; i < commit->position_count; i++)
        size += text_bytes(commit->positions[i].topic) + text_bytes(commit->positions[i].metadata);
    if (size > session->copy_bytes) {
        ks__free(session->copy);
        session->copy       = ks__alloc(size);
        session->copy_bytes = session->copy != NULL ? size : 0;
        if (session->copy == NULL)
            return ks__error_no_memory(&session->base.error, "commit");
    }
    positions = session->copy;
    at        = (char *)session->copy + commit->position_count * sizeof(*positions);
    for (size_t i = 0; i < commit->position_count; i++) {
        const struct ks__position *lent = &commit->positions[i];

        positions[i] = (struct ks__position){ .partition = lent->partition,
                                              .offset    = lent->offset };
        positions[i].topic    = put_text(&at, lent->topic);
        positions[i].metadata = put_text(&at, lent->metadata);
    }
    commit->positions = positions;
    commit->member_id = put_text(&at, commit->member_id);
    return KS_OK;
}

static ks_status check_positions(struct ks__local_session *session,
                                 const struct ks__position *positions, size_t count)
{
    ks_status status = KS_OK;

    if (count > 0 && session->group == NULL)
        return ks__error_set(&session->base.error, KS_EINVAL, "positions need a group");
    for (size_t i = 0; i < count && status == KS_OK; i++)
        status = ks__local_check_name("topic", positions[i].topic, &session->base.error);
    return status;
}

/* Hand over positions, and appends unless it is about positions alone; nothing else is handed over.
 * KS_EAGAIN: undecided. */
static ks_status hand_over(struct ks__local_session *session, enum ks__local_writing what,
                           const struct ks__position *positions, size_t count, int timeout_ms)
{
    ks_status status = check_positions(session, positions, count);

    if (status != KS_OK)
        return status;
    if (!ks_error_is_fatal(&session->base.error))
        ks__error_clear(&session->base.error);
    session->commit = (struct ks__local_commit){
        .positions      = positions,
        .position_count = count,
        .group          = session->group,
        .member_id      = session->member_id,
        .instance_id    = session->instance_id,
        .generation     = session->generation,
        .transactional_id = session->in_transaction ? session->transactional_id : NULL,
        .epoch            = session->is_fenced ? session->epoch : 0,
        .error            = &session->writing.error,
    };
    if (ks__local_may_keep(session->log, timeout_ms)) {
        status = copy_lent(session);
        if (status != KS_OK)
            return status;
    }
    if (what != KS__WROTE_OFFSETS)
        send(session, what != KS__WROTE_PUSH);
    if (session->commit.appends == NULL && count == 0)
        return KS_OK;
    session->wrote          = what;
    session->writing.commit = &session->commit;
    session->writing.wake   = session->wake;
    status = ks__local_hand_over(session->log, &session->writing, timeout_ms);
    return status == KS_OK ? take_in(session) : status;
}

/* What is left of the time of a call that waits more than once. */
static int left_of(int timeout_ms, int64_t begun_ms)
{
    int64_t left;

    if (timeout_ms <= 0)
        return timeout_ms;
    left = timeout_ms - (ks__clock_mono_ms(ks__clock_real()) - begun_ms);
    return left > 0 ? (int)left : 0;
}

static int64_t begin_of(int timeout_ms)
{
    return timeout_ms > 0 ? ks__clock_mono_ms(ks__clock_real()) : 0;
}

/* The call that is to be made now: what it handed over already, or else hand it over. */
static ks_status write_call(struct ks__local_session *session, enum ks__local_writing what,
                            const struct ks__position *positions, size_t count, int timeout_ms)
{
    const bool    again = session->writing.pending && session->wrote == what;
    const int64_t begun = begin_of(timeout_ms);
    ks_status     result;

    if (settle(session, timeout_ms, &result) != KS_OK)
        return KS_EAGAIN;
    return again ? result
                 : hand_over(session, what, positions, count, left_of(timeout_ms, begun));
}

/* ---- outside transactions ---- */

ks_status ks__local_flush(struct ks__session *base, int timeout_ms)
{
    struct ks__local_session *session = (struct ks__local_session *)base;
    const int64_t             begun   = begin_of(timeout_ms);
    ks_status                 status  = KS_OK;

    if (session->transactional_id != NULL)      /* decided by the commit */
        return session->must_abort ? base->error.status : KS_OK;
    do                                          /* what was appended since the first call as well */
        status = write_call(session, KS__WROTE_FLUSH, NULL, 0, left_of(timeout_ms, begun));
    while (status == KS_OK && session->staged != NULL);
    return status;
}

void ks__local_hold(struct ks__topic *topic)
{
    for (int32_t i = 0; i < topic->partitions; i++)
        ((struct ks__local_writer *)topic)->parts[i].held = true;
}

static bool has_unheld(const struct ks__local_session *session)
{
    for (const struct ks__staged *s = session->staged; s != NULL; s = s->next)
        if (!s->held)
            return true;
    return false;
}

bool ks__local_push(struct ks__session *base)
{
    struct ks__local_session *session = (struct ks__local_session *)base;
    ks_status                 result;

    if (session->transactional_id != NULL)
        return false;
    if (settle(session, 0, &result) != KS_OK)
        return true;                            /* as soon as that is done */
    if (!has_unheld(session))
        return false;
    /* Failed: still staged, for the flush. */
    (void)hand_over(session, KS__WROTE_PUSH, NULL, 0, 0);
    return true;
}

ks_status ks__local_commit_offsets(struct ks__session *base, const struct ks__position *positions,
                                   size_t count, int timeout_ms)
{
    return write_call((struct ks__local_session *)base, KS__WROTE_OFFSETS, positions, count,
                      timeout_ms);
}

/* ---- transactions ---- */

ks_status ks__local_fenced(const struct ks__local_commit *commit)
{
    ks__error_set(commit->error, KS_EFENCED,
                  "a newer producer with the transactional id \"%s\" has taken over",
                  commit->transactional_id);
    ks__error_add_flags(commit->error, KS__ERROR_FATAL);
    return KS_EFENCED;
}

static ks_status call_fence(struct ks__local_log *log, struct ks__handover *handover)
{
    struct ks__local_session *session = (struct ks__local_session *)(void *)(
        (char *)handover - offsetof(struct ks__local_session, fence));

    return log->class->fence(log, session->transactional_id, &session->epoch, &handover->error);
}

ks_status ks__local_fence(struct ks__local_session *session, int timeout_ms)
{
    struct ks__handover *fence = &session->fence;
    ks_status            status;

    if (fence->pending) {
        status = ks__local_await(session->log, fence, timeout_ms);
    } else {
        fence->call = call_fence;
        fence->wake = session->wake;
        status      = ks__local_hand_over(session->log, fence, timeout_ms);
    }
    if (status != KS_OK)
        return status;
    session->is_fenced = fence->status == KS_OK;
    return fence->status;
}

/* Older sessions of the id must be stale before anything is written. */
static ks_status fence_first(struct ks__local_session *session, int timeout_ms)
{
    ks_status status = ks__local_fence(session, timeout_ms);

    if (status == KS_OK || status == KS_EAGAIN)
        return status;
    ks__error_clear(&session->base.error);
    ks__error_copy(&session->base.error, &session->fence.error);
    return status;
}

ks_status ks__local_begin(struct ks__session *base, int timeout_ms)
{
    struct ks__local_session *session = (struct ks__local_session *)base;

    if (ks_error_is_fatal(&base->error))
        return base->error.status;
    if (session->transactional_id == NULL)
        return out_of_order(session, "the session has no transactional id");
    if (session->in_transaction)
        return out_of_order(session, "a transaction is open already: commit or abort it first");
    if (!session->is_fenced) {
        ks_status status = fence_first(session, timeout_ms);

        if (status != KS_OK)
            return status;
    }
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

    if (!session->in_transaction)
        return out_of_order(session, none_open);
    if (session->must_abort)
        return base->error.status;
    status = write_call(session, KS__WROTE_COMMIT, positions, count, timeout_ms);
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

/* The commit that was handed over before is decided by now. */
static ks_status too_late(struct ks__local_session *session)
{
    session->in_transaction = false;
    ks__error_clear(&session->base.error);
    return ks__error_set(&session->base.error, KS_ESTATE,
                         "the transaction was committed before it could be aborted");
}

ks_status ks__local_abort(struct ks__session *base, int timeout_ms)
{
    struct ks__local_session *session = (struct ks__local_session *)base;
    const bool committing = session->writing.pending && session->wrote == KS__WROTE_COMMIT;
    ks_status  result;

    if (session->transactional_id != NULL && !session->in_transaction)
        return out_of_order(session, none_open);
    if (settle(session, timeout_ms, &result) != KS_OK)
        return KS_EAGAIN;
    if (committing && result == KS_OK)
        return too_late(session);
    ks__local_drop_staged(session);
    session->in_transaction = false;
    session->must_abort     = false;
    if (ks_error_is_fatal(&base->error))
        return base->error.status;
    ks__error_clear(&base->error);
    return KS_OK;
}

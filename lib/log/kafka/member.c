/* SPDX-License-Identifier: Apache-2.0
 *
 * member.c - membership of a group: rebalances as events, and committing offsets alone.
 *
 *      librdkafka --rebalance--> waiting ---poll---> told ---acknowledge---> owned, answered
 *
 * librdkafka waits for its answer, rd_kafka_assign(), and the group waits for librdkafka: up to
 * max.poll.interval.ms of the member. The answer to an assignment is always the empty list, so
 * this handle never fetches (see kafka.h).
 *
 * Threads: the session's. The callbacks run inside its polls.
 */
#include "log/kafka/kafka.h"

#include "base/assert.h"
#include "base/clock.h"

#include <inttypes.h>
#include <string.h>

#define CLOSE_MS 5000 /* how long leaving the group may take */
#define POLL_MAX 100  /* errors of the group told per poll */

/* ---- rebalances ---- */

/* Answer a rebalance: an assignment by the empty list, everything else by none. */
static void answer(struct ks__kafka_session *session, enum ks__event_kind kind)
{
    rd_kafka_topic_partition_list_t *nothing = rd_kafka_topic_partition_list_new(0);
    rd_kafka_resp_err_t code =
        rd_kafka_assign(session->member->rk, kind == KS__EVENT_ASSIGNED ? nothing : NULL);

    rd_kafka_topic_partition_list_destroy(nothing);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        KS__LOG_AT_WARN(&session->cluster->log, "kafka", "group \"%s\": assign: %s",
                        session->options.group, rd_kafka_err2str(code));
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct ks__kafka_session    *session = ((struct ks__kafka_client *)opaque)->user;
    struct ks__kafka_rebalance  *entry   = ks__zalloc(sizeof(*entry));
    struct ks__kafka_rebalance **link    = &session->rebalances;

    if (entry == NULL) {
        ks__error_no_memory(ks__kafka_error(session), "a rebalance");
        ks__error_add_flags(&session->base.error, KS__ERROR_FATAL);
        return;
    }
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        entry->kind = KS__EVENT_ASSIGNED;
    else if (code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS && !rd_kafka_assignment_lost(rk))
        entry->kind = KS__EVENT_REVOKED;
    else
        entry->kind = KS__EVENT_LOST;
    entry->partitions = rd_kafka_topic_partition_list_copy(partitions);
    while (*link != NULL)
        link = &(*link)->next;
    *link = entry;
}

static void drop_rebalance(struct ks__kafka_session *session)
{
    struct ks__kafka_rebalance *first = session->rebalances;

    session->rebalances = first->next;
    rd_kafka_topic_partition_list_destroy(first->partitions);
    ks__free(first);
    ks__free(session->told);
    session->told = NULL;
}

static bool tell(struct ks__kafka_session *session, struct ks__event *event)
{
    const rd_kafka_topic_partition_list_t *list = session->rebalances->partitions;
    size_t                                 count = (size_t)list->cnt;

    ks__free(session->told);
    session->told = ks__zalloc_array(count + 1, sizeof(*session->told));
    if (session->told == NULL)
        return false; /* the next poll tries again */
    for (size_t i = 0; i < count; i++)
        session->told[i] = (struct ks__event_partition){ .topic     = list->elems[i].topic,
                                                         .partition = list->elems[i].partition };
    *event = (struct ks__event){ .kind       = session->rebalances->kind,
                                 .partitions = session->told,
                                 .count      = count };
    return true;
}

/* ---- the handle ---- */

ks_status ks__kafka_member_need(struct ks__kafka_session *session)
{
    struct ks__kafka_setting settings[] = {
        { "group.id", session->options.group },
        { "group.instance.id", session->options.instance_id },
        { "client.id", session->options.client_id },
        { "isolation.level", session->options.read_uncommitted ? "read_uncommitted" : NULL },
    };
    struct ks__kafka_client_options options = { .role          = KS__KAFKA_MEMBER,
                                                .settings      = settings,
                                                .setting_count = 4,
                                                .rebalanced    = on_rebalance };
    ks_status                       status;

    if (session->member != NULL)
        return KS_OK;
    if (session->options.group == NULL)
        return ks__error_set(ks__kafka_error(session), KS_EINVAL, "the session has no group");
    if ((status = ks__kafka_session_client(session, &session->member, &options)) != KS_OK)
        return status;
    session->member_queue = rd_kafka_queue_get_consumer(session->member->rk);
    session->commit_queue = rd_kafka_queue_new(session->member->rk);
    if (session->options.wake != NULL) {
        ks__kafka_queue_wake(session->member_queue, session->options.wake);
        ks__kafka_queue_wake(session->commit_queue, session->options.wake);
    }
    return KS_OK;
}

ks_status ks__kafka_subscribe(struct ks__session *base, const char *const *topics, size_t count,
                              int timeout_ms)
{
    struct ks__kafka_session        *session = (struct ks__kafka_session *)base;
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_resp_err_t              code;
    ks_status                        status;

    (void)timeout_ms;                           /* the assignment comes as an event */
    if (session->subscribed)
        return ks__error_set(ks__kafka_error(session), KS_ESTATE, "subscribed already");
    if ((status = ks__kafka_member_need(session)) != KS_OK)
        return status;
    list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, topics[i], RD_KAFKA_PARTITION_UA);
    code = rd_kafka_subscribe(session->member->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ks__kafka_fail(ks__kafka_error(session), code, "cannot join group \"%s\"",
                              session->options.group);
    session->subscribed = true;
    return KS_OK;
}

/* What the group says beside rebalances. Refusals end the session, the rest passes. */
static void read_error(struct ks__kafka_session *session, const rd_kafka_message_t *message)
{
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    if (ks__kafka_status(message->err) == KS_EACCESS ||
        message->err == RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL ||
        message->err == RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT) {
        ks__kafka_fail(ks__kafka_error(session), message->err, "group \"%s\": %s",
                       session->options.group, rd_kafka_message_errstr(message));
        ks__error_add_flags(&session->base.error, KS__ERROR_FATAL);
        return;
    }
    KS__LOG_AT_WARN(&session->cluster->log, "kafka", "group \"%s\": %s", session->options.group,
                    rd_kafka_message_errstr(message));
}

bool ks__kafka_member_poll(struct ks__kafka_session *session, struct ks__event *event)
{
    rd_kafka_message_t *message;

    for (int i = 0; i < POLL_MAX; i++) {
        if ((message = rd_kafka_consumer_poll(session->member->rk, 0)) == NULL)
            break;
        read_error(session, message);
        rd_kafka_message_destroy(message);
    }
    return session->rebalances != NULL && session->told == NULL && tell(session, event);
}

ks_status ks__kafka_acknowledge(struct ks__session *base, int timeout_ms)
{
    struct ks__kafka_session   *session = (struct ks__kafka_session *)base;
    struct ks__kafka_rebalance *first   = session->rebalances;

    (void)timeout_ms;
    if (first == NULL || session->told == NULL)
        return KS_OK; /* a failure needs no answer */
    if (session->owned != NULL)
        rd_kafka_topic_partition_list_destroy(session->owned);
    session->owned = first->kind == KS__EVENT_ASSIGNED
                         ? rd_kafka_topic_partition_list_copy(first->partitions)
                         : NULL;
    answer(session, first->kind);
    drop_rebalance(session);
    return KS_OK;
}

/* ---- offsets ---- */

rd_kafka_topic_partition_list_t *ks__kafka_positions(const struct ks__position *positions,
                                                     size_t count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);

    for (size_t i = 0; i < count; i++) {
        rd_kafka_topic_partition_t *one = rd_kafka_topic_partition_list_add(
            list, positions[i].topic, positions[i].partition);
        size_t size = positions[i].metadata != NULL ? strlen(positions[i].metadata) : 0;

        one->offset = positions[i].offset;
        if (size == 0)
            continue;
        /* The list frees it with free(), so it must not come from our allocator. */
        if ((one->metadata = rd_kafka_mem_malloc(NULL, size)) == NULL) {
            rd_kafka_topic_partition_list_destroy(list);
            return NULL;
        }
        memcpy(one->metadata, positions[i].metadata, size);
        one->metadata_size = size;
    }
    return list;
}

ks_status ks__kafka_member_check(struct ks__kafka_session *session,
                                 const struct ks__position *positions, size_t count,
                                 ks_error *error)
{
    const struct ks__kafka_rebalance *next = session->rebalances;
    bool lost = next != NULL && next->kind == KS__EVENT_LOST;

    if (!session->subscribed)
        return KS_OK;
    for (size_t i = 0; i < count; i++)
        if (lost || session->owned == NULL ||
            rd_kafka_topic_partition_list_find(session->owned, positions[i].topic,
                                               positions[i].partition) == NULL)
            return ks__error_set(error, KS_EFENCED,
                                 "\"%s\" %" PRId32 " is not this member's partition",
                                 positions[i].topic, positions[i].partition);
    return KS_OK;
}

static ks_status start_commit(struct ks__kafka_session *session,
                              const struct ks__position *positions, size_t count)
{
    rd_kafka_topic_partition_list_t *list = ks__kafka_positions(positions, count);
    rd_kafka_resp_err_t              code;

    if (list == NULL)
        return ks__error_no_memory(ks__kafka_error(session), "offsets");
    code = rd_kafka_commit_queue(session->member->rk, list, session->commit_queue, NULL, NULL);
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ks__kafka_fail(ks__kafka_error(session), code, "cannot commit offsets");
    session->committing = true;
    return KS_OK;
}

static ks_status read_commit(struct ks__kafka_session *session, rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t              code = rd_kafka_event_error(event);
    rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);

    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && list != NULL && i < list->cnt; i++)
        code = list->elems[i].err;
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? KS_OK
               : ks__kafka_fail(ks__kafka_error(session), code, "offsets were not committed");
}

ks_status ks__kafka_commit_offsets(struct ks__session *base, const struct ks__position *positions,
                                   size_t count, int timeout_ms)
{
    struct ks__kafka_session *session = (struct ks__kafka_session *)base;
    rd_kafka_event_t         *event;
    ks_status                 status = ks__kafka_member_need(session);

    if (status != KS_OK || count == 0)
        return status;
    if (!session->committing) {
        status = ks__kafka_member_check(session, positions, count, ks__kafka_error(session));
        if (status == KS_OK)
            status = start_commit(session, positions, count);
        if (status != KS_OK)
            return status;
    }
    if ((event = rd_kafka_queue_poll(session->commit_queue, timeout_ms)) == NULL)
        return KS_EAGAIN;
    session->committing = false;
    status              = read_commit(session, event);
    rd_kafka_event_destroy(event);
    return status;
}

/* ---- the end ---- */

/* Leave the group, serving what librdkafka still asks meanwhile. */
static void leave(struct ks__kafka_session *session)
{
    const struct ks__clock *clock    = ks__clock_real();
    int64_t                 until_ms = ks__clock_mono_ms(clock) + CLOSE_MS;
    rd_kafka_queue_t       *queue    = rd_kafka_queue_new(session->member->rk);
    rd_kafka_error_t       *error    = rd_kafka_consumer_close_queue(session->member->rk, queue);

    if (error != NULL) {
        rd_kafka_error_destroy(error); /* after a fatal error there is nothing to leave */
        rd_kafka_queue_destroy(queue);
        return;
    }
    while (!rd_kafka_consumer_closed(session->member->rk) && ks__clock_mono_ms(clock) < until_ms) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 50);

        if (event != NULL && rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
            answer(session, KS__EVENT_REVOKED);
        if (event != NULL)
            rd_kafka_event_destroy(event);
        while (session->rebalances != NULL) {
            answer(session, KS__EVENT_REVOKED);
            drop_rebalance(session);
        }
    }
    rd_kafka_queue_destroy(queue);
}

void ks__kafka_member_close(struct ks__kafka_session *session)
{
    if (session->member == NULL)
        return;
    ks__kafka_queue_wake(session->member_queue, NULL);
    ks__kafka_queue_wake(session->commit_queue, NULL);
    while (session->rebalances != NULL) {
        answer(session, KS__EVENT_REVOKED);
        drop_rebalance(session);
    }
    leave(session);
    if (session->owned != NULL)
        rd_kafka_topic_partition_list_destroy(session->owned);
    rd_kafka_queue_destroy(session->member_queue);
    rd_kafka_queue_destroy(session->commit_queue);
    ks__kafka_client_free(session->member);
}

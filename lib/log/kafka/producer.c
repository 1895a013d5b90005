/* SPDX-License-Identifier: Apache-2.0
 *
 * producer.c - appending: topics, records, delivery reports, flush.
 *
 *      append ---> librdkafka's queue ---> broker ---> delivery report ---> `appended`, or
 *      KS_EAGAIN when it is full                                            `undelivered` handler
 *
 * Reports are served by polls: of the session, of a full append, of a flush.
 *
 * Threads: the session's, or its worker's while that has the producer (K2).
 */
#include "log/kafka/kafka.h"

#include "base/assert.h"

#include <inttypes.h>
#include <string.h>

/* ---- delivery reports ---- */

static bool was_purged(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__PURGE_QUEUE || code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
}

static ks_headers *headers_of(const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *theirs;
    ks_headers         *headers;

    if (rd_kafka_message_headers(message, &theirs) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        (headers = ks_headers_new()) == NULL)
        return NULL;
    for (size_t i = 0; i < rd_kafka_header_cnt(theirs); i++) {
        const char *name;
        ks_bytes    value;

        (void)rd_kafka_header_get_all(theirs, i, &name, &value.data, &value.size);
        if (ks_headers_add(headers, name, value) != KS_OK)
            break;
    }
    return headers;
}

/* Show the record to the handler; unless that lets it go, the flush or commit will fail. */
static void on_failure(struct ks__kafka_session *session, const rd_kafka_message_t *message)
{
    struct ks__kafka_topic   *topic = rd_kafka_topic_opaque(message->rkt);
    rd_kafka_timestamp_type_t type;
    ks_error                  error   = { .status = KS_OK };
    ks_headers               *headers = headers_of(message);
    struct ks__undelivered    failed  = {
        .topic               = topic->name,
        .partition           = message->partition,
        .record.key          = { message->key, message->key_len },
        .record.value        = { message->payload, message->len },
        .record.timestamp_ms = rd_kafka_message_timestamp(message, &type),
        .record.headers      = headers,
        .error               = &error,
    };

    ks__kafka_fail(&error, message->err, "a record for \"%s\" %" PRId32 " was not stored",
                   topic->name, message->partition);
    if (session->options.undelivered == NULL ||
        session->options.undelivered(&failed, session->options.undelivered_user) != KS_OK)
        ks__error_copy(&session->delivery_error, &error);
    ks_headers_free(headers);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct ks__kafka_session *session = ((struct ks__kafka_client *)opaque)->user;
    struct ks__kafka_topic   *topic   = rd_kafka_topic_opaque(message->rkt);

    (void)rk;
    ks__counter_add(&session->undelivered, -1);
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (message->offset >= 0)
            ks__counter_raise(&topic->appended[message->partition], message->offset + 1);
    } else if (!was_purged(message->err)) {
        on_failure(session, message);
    }
}

/* ---- the handle ---- */

static ks_status new_producer(struct ks__kafka_session *session, struct ks__kafka_client **out)
{
    bool                     transactional = session->options.transactional_id != NULL;
    struct ks__kafka_setting settings[]    = {
        { "client.id", session->options.client_id },
        { "transactional.id", session->options.transactional_id },
        { "transaction.timeout.ms", transactional ? "10000" : NULL },
        /* Each commit meets "concurrent transactions" once: 100 ms would mean 10 a second. */
        { "retry.backoff.ms", transactional ? "5" : NULL },
    };
    struct ks__kafka_client_options options = { .role          = KS__KAFKA_PRODUCER,
                                                .settings      = settings,
                                                .setting_count = 4,
                                                .delivered     = on_delivery };

    return ks__kafka_session_client(session, out, &options);
}

static void watch_queue(struct ks__kafka_session *session)
{
    session->producer_queue = rd_kafka_queue_get_main(session->producer->rk);
    if (session->options.wake != NULL)
        ks__kafka_queue_wake(session->producer_queue, session->options.wake);
}

ks_status ks__kafka_producer_need(struct ks__kafka_session *session)
{
    ks_status status;

    if (session->producer != NULL)
        return KS_OK;
    status = new_producer(session, &session->producer);
    if (status == KS_OK)
        watch_queue(session);
    return status;
}

/* A handle of the topic in the present producer. */
static rd_kafka_topic_t *topic_handle(struct ks__kafka_session *session,
                                      struct ks__kafka_topic *topic)
{
    rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(session->producer->rk);

    rd_kafka_topic_conf_set_opaque(conf, topic);
    return rd_kafka_topic_new(session->producer->rk, topic->name, conf);
}

static void free_producer(struct ks__kafka_session *session)
{
    for (struct ks__kafka_topic *topic = session->topics; topic != NULL; topic = topic->next) {
        if (topic->rkt != NULL)
            rd_kafka_topic_destroy(topic->rkt);
        topic->rkt = NULL;
    }
    if (session->producer == NULL)
        return;
    ks__kafka_queue_wake(session->producer_queue, NULL);
    rd_kafka_queue_destroy(session->producer_queue);
    ks__kafka_client_free(session->producer);
    session->producer = NULL;
}

ks_status ks__kafka_producer_renew(struct ks__kafka_session *session, ks_error *error)
{
    free_producer(session);
    if (new_producer(session, &session->producer) != KS_OK)
        return ks__error_set(error, KS_ELOG, "no new producer after a suspect end of transaction");
    watch_queue(session);
    ks__counter_set(&session->undelivered, 0);
    for (struct ks__kafka_topic *topic = session->topics; topic != NULL; topic = topic->next)
        if ((topic->rkt = topic_handle(session, topic)) == NULL)
            return ks__error_no_memory(error, "a topic to write to");
    return KS_OK;
}

void ks__kafka_producer_close(struct ks__kafka_session *session)
{
    struct ks__kafka_topic *topic;

    session->options.undelivered = NULL; /* what is dropped now is nobody's failure */
    if (session->producer != NULL) {
        rd_kafka_purge(session->producer->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                                  RD_KAFKA_PURGE_F_NON_BLOCKING);
        rd_kafka_flush(session->producer->rk, 0);
    }
    free_producer(session);
    while ((topic = session->topics) != NULL) {
        session->topics = topic->next;
        ks__free(topic->appended);
        ks__free(topic->name);
        ks__free(topic);
    }
}

/* ---- topics ---- */

static ks_status topic_new(struct ks__kafka_session *session, const char *name, int32_t partitions,
                           struct ks__topic **out)
{
    struct ks__kafka_topic *topic = ks__zalloc(sizeof(*topic));

    if (topic == NULL)
        return ks__error_no_memory(ks__kafka_error(session), "a topic to write to");
    topic->name     = ks__strdup(name);
    topic->appended = ks__zalloc_array((size_t)partitions, sizeof(*topic->appended));
    if (topic->name == NULL || topic->appended == NULL ||
        (topic->rkt = topic_handle(session, topic)) == NULL) {
        ks__free(topic->name);
        ks__free(topic->appended);
        ks__free(topic);
        return ks__error_no_memory(ks__kafka_error(session), "a topic to write to");
    }
    topic->base.session    = &session->base;
    topic->base.name       = topic->name;
    topic->base.partitions = partitions;
    topic->next            = session->topics;
    session->topics        = topic;
    *out                   = &topic->base;
    return KS_OK;
}

ks_status ks__kafka_topic(struct ks__session *base, const char *name, struct ks__topic **out,
                          int timeout_ms)
{
    struct ks__kafka_session *session = (struct ks__kafka_session *)base;
    ks_error                  error   = { .status = KS_OK };
    int32_t                   partitions;
    ks_status                 status;

    *out = NULL;
    for (struct ks__kafka_topic *topic = session->topics; topic != NULL; topic = topic->next)
        if (strcmp(topic->name, name) == 0) {
            *out = &topic->base;
            return KS_OK;
        }
    if (ks__kafka_turn_is_busy(session))
        return KS_EAGAIN;
    status = ks__kafka_partitions(base->cluster, name, &partitions, timeout_ms, &error);
    if (status == KS_OK && partitions == 0)
        status = ks__error_set(&error, KS_ENOTFOUND, "there is no topic \"%s\"", name);
    if (status != KS_OK) {
        if (status != KS_EAGAIN)
            ks__error_copy(ks__kafka_error(session), &error);
        return status;
    }
    status = ks__kafka_producer_need(session);
    return status == KS_OK ? topic_new(session, name, partitions, out) : status;
}

int64_t ks__kafka_appended(const struct ks__topic *base, int32_t partition)
{
    const struct ks__kafka_topic *topic = (const struct ks__kafka_topic *)base;
    int64_t                       next  = ks__counter_read(&topic->appended[partition]);

    return next > 0 ? next : KS__OFFSET_NONE;
}

/* ---- append ---- */

/* NULL with `*failed`: no memory. */
static rd_kafka_headers_t *their_headers(const ks_headers *headers, bool *failed)
{
    rd_kafka_headers_t *theirs;

    *failed = false;
    if (headers == NULL || headers->count == 0)
        return NULL;
    theirs = rd_kafka_headers_new(headers->count);
    for (size_t i = 0; i < headers->count; i++) {
        const struct ks__header *item = &headers->items[i];

        if (rd_kafka_header_add(theirs, item->name, -1, item->value.data,
                                (ssize_t)item->value.size) != RD_KAFKA_RESP_ERR_NO_ERROR)
            *failed = true;
    }
    if (!*failed)
        return theirs;
    rd_kafka_headers_destroy(theirs);
    return NULL;
}

/* librdkafka takes 0 for "now": the first millisecond of 1970 goes out as the second. */
static int64_t timestamp_of(const ks_record *record)
{
    if (record->timestamp_ms < 0)
        return 0;
    return record->timestamp_ms > 0 ? record->timestamp_ms : 1;
}

static rd_kafka_error_t *produce(struct ks__kafka_session *session, struct ks__kafka_topic *topic,
                                 int32_t partition, const ks_record *record,
                                 rd_kafka_headers_t *headers)
{
    rd_kafka_vu_t arguments[] = {
        { .vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic->rkt },
        { .vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition },
        { .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
        { .vtype = RD_KAFKA_VTYPE_KEY,
          .u.mem = { .ptr = (void *)(uintptr_t)record->key.data, .size = record->key.size } },
        { .vtype = RD_KAFKA_VTYPE_VALUE,
          .u.mem = { .ptr = (void *)(uintptr_t)record->value.data, .size = record->value.size } },
        { .vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = timestamp_of(record) },
        { .vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers },
    };
    size_t count = sizeof(arguments) / sizeof(arguments[0]) - (headers == NULL ? 1 : 0);

    return rd_kafka_produceva(session->producer->rk, arguments, count);
}

static ks_status refuse(struct ks__kafka_session *session, rd_kafka_error_t *object)
{
    ks_error  error = { .status = KS_OK };
    ks_status status;

    if (rd_kafka_error_code(object) == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        rd_kafka_error_destroy(object);
        ks__kafka_client_poll(session->producer, 0);
        return KS_EAGAIN;
    }
    status = ks__kafka_fail_object(&error, object, "cannot append");
    if (ks__error_is_set(&session->producer->fatal)) {
        status = session->producer->fatal.status;
        error  = session->producer->fatal;
    }
    ks__error_copy(ks__kafka_error(session), &error);
    return status;
}

ks_status ks__kafka_append(struct ks__topic *base, int32_t partition, const ks_record *record)
{
    struct ks__kafka_topic   *topic   = (struct ks__kafka_topic *)base;
    struct ks__kafka_session *session = (struct ks__kafka_session *)base->session;
    rd_kafka_headers_t       *headers;
    rd_kafka_error_t         *error;
    bool                      failed;

    if (session->options.transactional_id != NULL && session->phase != KS__KAFKA_OPEN)
        return ks__error_set(ks__kafka_error(session), KS_ESTATE,
                             "no transaction is open: begin one first");
    headers = their_headers(record->headers, &failed);
    if (failed)
        return ks__error_no_memory(ks__kafka_error(session), "headers");
    error = produce(session, topic, partition, record, headers);
    if (error == NULL) {
        ks__counter_add(&session->undelivered, 1);
        return KS_OK;
    }
    if (headers != NULL)
        rd_kafka_headers_destroy(headers); /* theirs on success only */
    return refuse(session, error);
}

/* ---- flush ---- */

ks_status ks__kafka_delivery_result(struct ks__kafka_session *session)
{
    ks_status status = session->delivery_error.status;

    if (status == KS_OK)
        return KS_OK;
    ks__error_copy(ks__kafka_error(session), &session->delivery_error);
    ks__error_clear(&session->delivery_error);
    return status != KS_EAGAIN ? status : KS_ELOG;
}

ks_status ks__kafka_flush(struct ks__session *base, int timeout_ms)
{
    struct ks__kafka_session *session = (struct ks__kafka_session *)base;

    if (session->producer == NULL)
        return KS_OK;
    if (ks__kafka_turn_is_busy(session))
        return KS_EAGAIN;
    (void)rd_kafka_flush(session->producer->rk, timeout_ms);
    if (ks__counter_read(&session->undelivered) > 0)
        return KS_EAGAIN;
    return ks__kafka_delivery_result(session);
}

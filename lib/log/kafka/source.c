/* SPDX-License-Identifier: Apache-2.0
 *
 * source.c - reading partitions: each has a queue of its own in the session's reader.
 *
 *      broker ---> librdkafka's queue of the partition ---fetch---> batch ---release---> spare
 *
 * Records point into librdkafka's messages, which the batch keeps until it is released.
 *
 * "Caught up" is an end-of-partition event as the last thing in the queue, or a queue that is empty
 * with the position at the high watermark of the last answer. The watermark never proves the
 * contrary: under read_committed the position may have to stay below it.
 *
 * Memory: librdkafka's bounds hold per partition; partitions share the budget of the session.
 * Before 2.2 a full queue is looked at again only after up to a second, so there the bound is what
 * a partition gives per second: each may hold the whole budget, 64 MiB if none was given.
 *
 * Threads: the session's.
 */
#include "log/kafka/kafka.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_PARTITIONS   16
#define DEFAULT_FETCH_BYTES  (16 * 1024 * 1024)
#define UNSHARED_FETCH_BYTES (64 * 1024 * 1024)
#define LEAST_KBYTES         64
#define SHARES_SINCE         0x02020000 /* fetch.queue.backoff.ms */
#define BATCH_MAX            4096
#define START_WAIT_MS        1000 /* for the metadata of a topic that nobody has asked about */

struct ks__kafka_source {
    struct ks__source        base;
    char                    *topic;
    int32_t                  partition;
    rd_kafka_topic_t        *rkt;
    rd_kafka_queue_t        *queue;
    int64_t                  next_offset;
    bool                     caught_up;
    rd_kafka_resp_err_t      failed;    /* why the partition cannot be read on */
    size_t                   lent;      /* batches out */
    struct ks__kafka_source *next;
};

struct ks__kafka_batch {
    struct ks__kafka_batch *next;       /* among the spare ones */
    rd_kafka_message_t    **messages;
    struct ks__log_record  *records;
    size_t                  count, capacity;
    struct ks__arena        arena;      /* lists of headers; made by the first of them */
    bool                    has_arena;
};

/* ---- the reader ---- */

static int64_t kbytes_per_partition(const struct ks__session_options *options)
{
    bool    shared     = rd_kafka_version() >= SHARES_SINCE;
    int64_t otherwise  = shared ? DEFAULT_FETCH_BYTES : UNSHARED_FETCH_BYTES;
    int64_t bytes      = options->fetch_bytes > 0 ? options->fetch_bytes : otherwise;
    int64_t partitions = options->expected_partitions > 0 ? options->expected_partitions
                                                          : DEFAULT_PARTITIONS;
    int64_t kbytes     = bytes / 1024 / (shared ? partitions : 1);

    return kbytes > LEAST_KBYTES ? kbytes : LEAST_KBYTES;
}

static ks_status need_reader(struct ks__kafka_session *session)
{
    char                     kbytes[32];
    struct ks__kafka_setting settings[] = {
        { "client.id", session->options.client_id },
        { "isolation.level",
          session->options.read_uncommitted ? "read_uncommitted" : "read_committed" },
        { "queued.max.messages.kbytes", kbytes },
        { "queued.min.messages", "1000000" }, /* the bytes are the bound */
    };
    struct ks__kafka_client_options options = { .role          = KS__KAFKA_READER,
                                                .settings      = settings,
                                                .setting_count = 4 };

    if (session->reader != NULL)
        return KS_OK;
    snprintf(kbytes, sizeof(kbytes), "%" PRId64, kbytes_per_partition(&session->options));
    return ks__kafka_session_client(session, &session->reader, &options);
}

/* ---- start and stop ---- */

/* Unknown topics are told at once where brokers answer in time; else fetch finds out. */
static ks_status check_partition(struct ks__kafka_session *session, const char *topic,
                                 int32_t partition)
{
    struct ks__kafka_cluster *cluster = session->cluster;
    int32_t                   partitions;
    ks_status                 status = KS_OK;

    ks__mutex_lock(&cluster->worker.mutex);
    partitions = ks__kafka_known(cluster, topic);
    ks__mutex_unlock(&cluster->worker.mutex);
    if (partition >= partitions)
        status = ks__kafka_partitions(&cluster->base, topic, &partitions, START_WAIT_MS, NULL);
    if (status == KS_OK && (partition < 0 || partition >= partitions))
        return ks__error_set(ks__kafka_error(session), KS_ENOTFOUND,
                             "topic \"%s\" has no partition %" PRId32, topic, partition);
    return KS_OK;
}

static void source_free(struct ks__kafka_source *source)
{
    if (source->queue != NULL)
        rd_kafka_queue_destroy(source->queue);
    if (source->rkt != NULL)
        rd_kafka_topic_destroy(source->rkt);
    ks__free(source->topic);
    ks__free(source);
}

static struct ks__kafka_source *source_new(struct ks__kafka_session *session, const char *topic,
                                           int32_t partition, int64_t offset)
{
    struct ks__kafka_source *source = ks__zalloc(sizeof(*source));

    if (source == NULL)
        return NULL;
    source->base.session = &session->base;
    source->partition    = partition;
    source->next_offset  = offset;
    source->topic        = ks__strdup(topic);
    source->rkt          = rd_kafka_topic_new(session->reader->rk, topic, NULL);
    source->queue        = rd_kafka_queue_new(session->reader->rk);
    if (source->topic != NULL && source->rkt != NULL)
        return source;
    source_free(source);
    return NULL;
}

static bool is_started(const struct ks__kafka_session *session, const char *topic,
                       int32_t partition)
{
    for (const struct ks__kafka_source *s = session->sources; s != NULL; s = s->next)
        if (s->partition == partition && strcmp(s->topic, topic) == 0)
            return true;
    return false;
}

ks_status ks__kafka_start(struct ks__session *base, const char *topic, int32_t partition,
                          int64_t offset, struct ks__source **out)
{
    struct ks__kafka_session *session = (struct ks__kafka_session *)base;
    struct ks__kafka_source  *source;
    ks_status                 status = need_reader(session);

    *out = NULL;
    if (status == KS_OK)
        status = check_partition(session, topic, partition);
    if (status != KS_OK)
        return status;
    if (is_started(session, topic, partition))
        return ks__error_set(ks__kafka_error(session), KS_ESTATE,
                             "\"%s\" %" PRId32 " is being read already", topic, partition);
    if ((source = source_new(session, topic, partition, offset)) == NULL)
        return ks__error_no_memory(ks__kafka_error(session), "a partition to read");
    if (session->options.wake != NULL)
        ks__kafka_queue_wake(source->queue, session->options.wake);
    if (rd_kafka_consume_start_queue(source->rkt, partition, offset, source->queue) != 0) {
        status = ks__kafka_fail(ks__kafka_error(session), rd_kafka_last_error(),
                                "cannot read \"%s\" %" PRId32, topic, partition);
        source_free(source);
        return status;
    }
    source->next     = session->sources;
    session->sources = source;
    *out             = &source->base;
    return KS_OK;
}

static void stop(struct ks__kafka_session *session, struct ks__kafka_source *source)
{
    struct ks__kafka_source **link = &session->sources;

    ks__assert(source->lent == 0);
    while (*link != source)
        link = &(*link)->next;
    *link = source->next;
    ks__kafka_queue_wake(source->queue, NULL);
    rd_kafka_consume_stop(source->rkt, source->partition);
    source_free(source);
}

void ks__kafka_stop(struct ks__session *base, struct ks__source *source)
{
    stop((struct ks__kafka_session *)base, (struct ks__kafka_source *)source);
}

/* ---- batches ---- */

static void batch_free(struct ks__kafka_batch *batch)
{
    if (batch->has_arena)
        ks__arena_release(&batch->arena);
    ks__free(batch->messages);
    ks__free(batch->records);
    ks__free(batch);
}

static bool batch_reserve(struct ks__kafka_batch *batch, size_t capacity)
{
    rd_kafka_message_t   **messages;
    struct ks__log_record *records;

    if (batch->capacity >= capacity)
        return true;
    messages = ks__zalloc_array(capacity, sizeof(rd_kafka_message_t *));
    records  = ks__zalloc_array(capacity, sizeof(*records));
    if (messages == NULL || records == NULL) {
        ks__free(messages);
        ks__free(records);
        return false;
    }
    ks__free(batch->messages);
    ks__free(batch->records);
    batch->messages = messages;
    batch->records  = records;
    batch->capacity = capacity;
    return true;
}

static struct ks__kafka_batch *batch_take(struct ks__kafka_session *session, size_t capacity)
{
    struct ks__kafka_batch *batch = session->spare_batches;

    if (batch != NULL)
        session->spare_batches = batch->next;
    else if ((batch = ks__zalloc(sizeof(*batch))) == NULL)
        return NULL;
    if (batch_reserve(batch, capacity))
        return batch;
    batch_free(batch);
    return NULL;
}

static void batch_give(struct ks__kafka_session *session, struct ks__kafka_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        rd_kafka_message_destroy(batch->messages[i]);
    batch->count = 0;
    if (batch->has_arena)
        ks__arena_reset(&batch->arena);
    batch->next            = session->spare_batches;
    session->spare_batches = batch;
}

/* ---- records ---- */

static const ks_headers *headers_of(struct ks__kafka_batch *batch, rd_kafka_message_t *message,
                                    bool *failed)
{
    rd_kafka_headers_t *theirs;
    ks_headers         *list;
    size_t              count;

    if (rd_kafka_message_headers(message, &theirs) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return NULL;
    if (!batch->has_arena)
        batch->has_arena = ks__arena_init(&batch->arena, 0, 0) == KS_OK;
    count = rd_kafka_header_cnt(theirs);
    list  = batch->has_arena ? ks__arena_zalloc(&batch->arena, sizeof(*list)) : NULL;
    if (list != NULL)
        list->items = ks__arena_zalloc(&batch->arena, count * sizeof(*list->items));
    if (list == NULL || list->items == NULL) {
        *failed = true;
        return NULL;
    }
    for (list->count = 0; list->count < count; list->count++) {
        struct ks__header *item = &list->items[list->count];

        (void)rd_kafka_header_get_all(theirs, list->count, &item->name, &item->value.data,
                                      &item->value.size);
    }
    return list;
}

/* Turn a message into the batch's next record; false = no memory. */
static bool add_record(struct ks__kafka_batch *batch, rd_kafka_message_t *message)
{
    struct ks__log_record  *record = &batch->records[batch->count];
    rd_kafka_timestamp_type_t type;
    bool                    failed = false;

    *record = (struct ks__log_record){
        .record.key          = { message->key, message->key_len },
        .record.value        = { message->payload, message->len },
        .record.timestamp_ms = rd_kafka_message_timestamp(message, &type),
        .offset              = message->offset,
    };
    record->record.headers = headers_of(batch, message, &failed);
    batch->messages[batch->count++] = message;
    return !failed;
}

static ks_status tell_failure(const struct ks__kafka_source *source)
{
    struct ks__kafka_session *session = (struct ks__kafka_session *)source->base.session;
    ks_status status = ks__kafka_fail(ks__kafka_error(session), source->failed,
                                      "cannot read \"%s\" %" PRId32 " at %" PRId64, source->topic,
                                      source->partition, source->next_offset);

    return status != KS_EAGAIN ? status : KS_ELOG;
}

/* One thing out of the queue. Takes the message. False = no memory. */
static bool take_message(struct ks__kafka_source *source, struct ks__kafka_batch *batch,
                         rd_kafka_message_t *message)
{
    bool is_record = message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
    bool is_failed = source->failed != RD_KAFKA_RESP_ERR_NO_ERROR;

    if (is_record && !is_failed && message->offset >= source->next_offset) { /* G1 */
        source->next_offset = message->offset + 1;
        source->caught_up   = false;
        return add_record(batch, message);
    }
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (message->offset > source->next_offset)
            source->next_offset = message->offset; /* past control records */
        source->caught_up = true;
    } else if (!is_record && !ks__kafka_is_transient(message->err)) {
        source->failed = message->err;
    }
    rd_kafka_message_destroy(message);
    return true;
}

static bool is_at_watermark(const struct ks__kafka_source *source)
{
    struct ks__kafka_session *session = (struct ks__kafka_session *)source->base.session;
    int64_t                   low, high;

    return rd_kafka_get_watermark_offsets(session->reader->rk, source->topic, source->partition,
                                          &low, &high) == RD_KAFKA_RESP_ERR_NO_ERROR &&
           high >= 0 && source->next_offset >= high;
}

ks_status ks__kafka_fetch(struct ks__source *base, size_t limit, struct ks__batch *out)
{
    struct ks__kafka_source  *source  = (struct ks__kafka_source *)base;
    struct ks__kafka_session *session = (struct ks__kafka_session *)base->session;
    size_t                    wanted  = limit < BATCH_MAX ? limit : BATCH_MAX;
    struct ks__kafka_batch   *batch;
    ssize_t                   taken;
    bool                      memory = true;

    *out = (struct ks__batch){ .source = base, .next_offset = source->next_offset };
    if (source->failed != RD_KAFKA_RESP_ERR_NO_ERROR)
        return tell_failure(source);
    if (wanted == 0)
        return KS_OK;
    if ((batch = batch_take(session, wanted)) == NULL)
        return ks__error_no_memory(ks__kafka_error(session), "a batch");
    taken = rd_kafka_consume_batch_queue(source->queue, 0, batch->messages, wanted);
    for (ssize_t i = 0; i < taken; i++)
        memory = take_message(source, batch, batch->messages[i]) && memory;
    if (taken < (ssize_t)wanted && !source->caught_up)
        source->caught_up = is_at_watermark(source);
    out->records     = batch->records;
    out->count       = batch->count;
    out->next_offset = source->next_offset;
    out->caught_up   = source->caught_up;
    if (batch->count > 0) {
        out->held = batch;
        source->lent++;
    } else {
        batch_give(session, batch);
    }
    if (!memory) { /* headers would be missing: better end than show such records */
        ks__kafka_release(out);
        *out           = (struct ks__batch){ .source = base };
        source->failed = RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE;
        return ks__error_no_memory(ks__kafka_error(session), "headers");
    }
    return out->count == 0 && source->failed != RD_KAFKA_RESP_ERR_NO_ERROR ? tell_failure(source)
                                                                           : KS_OK;
}

void ks__kafka_release(struct ks__batch *batch)
{
    struct ks__kafka_source *source = (struct ks__kafka_source *)batch->source;

    if (batch->held == NULL)
        return;
    ks__assert(source->lent > 0);
    source->lent--;
    batch_give((struct ks__kafka_session *)source->base.session, batch->held);
    batch->held = NULL;
}

int64_t ks__kafka_lag(const struct ks__source *base)
{
    const struct ks__kafka_source *source  = (const struct ks__kafka_source *)base;
    struct ks__kafka_session      *session = (struct ks__kafka_session *)base->session;
    int64_t                        low, high;

    if (source->caught_up)
        return 0;
    if (rd_kafka_get_watermark_offsets(session->reader->rk, source->topic, source->partition, &low,
                                       &high) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        high < 0)
        return -1;
    return high > source->next_offset ? high - source->next_offset : 0;
}

void ks__kafka_reader_close(struct ks__kafka_session *session)
{
    struct ks__kafka_batch *batch;

    while (session->sources != NULL)
        stop(session, session->sources);
    while ((batch = session->spare_batches) != NULL) {
        session->spare_batches = batch->next;
        batch_free(batch);
    }
    ks__kafka_client_free(session->reader);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * writer.c - ks_writer: append, flush, transactions.
 */
#include "base/clock.h"
#include "base/murmur2.h"
#include "log/client.h"

#include <string.h>

struct destination {
    struct ks__topic *topic;
    int32_t           next;                 /* partition of the next record without a key         */
};

struct ks_writer {
    ks_log             *log;
    struct ks__session *session;            /* NULL = could not be opened: `error`                */
    struct destination *destinations;
    size_t              count, capacity;
    size_t              last;               /* used last                                          */
    bool                transactional;
    ks_error            error;              /* the last failure                                   */
};

/* ---- life ---- */

ks_writer *ks_log_writer(ks_log *log, const ks_writer_options *options)
{
    struct ks__session_options session = { .client_id = "ks_writer" };
    ks_writer                 *writer  = ks__zalloc(sizeof(*writer));

    if (writer == NULL)
        return NULL;
    writer->log = ks__log_hold(log);
    if (options != NULL)
        session.transactional_id = options->transactional_id;
    writer->transactional = session.transactional_id != NULL;
    if (log == NULL)
        ks__error_set(&writer->error, KS_EINVAL, "a writer needs a log");
    else if (log->cluster == NULL)
        ks__error_copy(&writer->error, &log->error);
    else
        ks__session_open(&writer->session, log->cluster, &session, &writer->error);
    return writer;
}

void ks_writer_free(ks_writer *writer)
{
    if (writer == NULL)
        return;
    ks__session_close(writer->session);
    ks__free(writer->destinations);
    ks__log_drop(writer->log);
    ks__free(writer);
}

const ks_error *ks_writer_error(const ks_writer *writer)
{
    return writer != NULL ? &writer->error : NULL;
}

/* The status of a call, for its caller; the error is the last failure until a call succeeds. */
static inline ks_status answer(ks_writer *writer, ks_status status, const char *what)
{
    if (status == KS_OK) {
        if (writer->error.status != KS_OK)
            ks__error_clear(&writer->error);
        return KS_OK;
    }
    return ks__client_fail(&writer->error, status, ks__session_error(writer->session), what);
}

static ks_status refuse(ks_writer *writer, ks_status status, const char *why)
{
    ks__error_clear(&writer->error);
    return ks__error_set(&writer->error, status, "%s", why);
}

/* ---- append ---- */

static ks_status find_destination(ks_writer *writer, const char *name, struct destination **out)
{
    struct ks__topic *topic;
    ks_status         status;

    for (size_t i = 0; i < writer->count; i++) {
        size_t at = (writer->last + i) % writer->count;

        if (strcmp(ks__topic_name(writer->destinations[at].topic), name) == 0) {
            writer->last = at;
            *out         = &writer->destinations[at];
            return KS_OK;
        }
    }
    status = ks__session_topic(writer->session, name, &topic, KS__CLIENT_TIMEOUT_MS);
    if (status != KS_OK)
        return status;
    if (!KS__GROW(&writer->destinations, &writer->capacity, writer->count + 1))
        return KS_ENOMEM;
    writer->last                        = writer->count++;
    writer->destinations[writer->last] = (struct destination){ .topic = topic };
    *out                                = &writer->destinations[writer->last];
    return KS_OK;
}

static int32_t choose_partition(struct destination *to, ks_bytes key)
{
    int32_t count = ks__topic_partitions(to->topic);

    if (key.data != NULL)
        return ks__partition_of(key, count);
    to->next = (to->next + 1) % count;
    return to->next;
}

ks_status ks_writer_append(ks_writer *writer, const char *topic, int32_t partition,
                           const ks_record *record)
{
    struct destination *to;
    ks_record           stamped;
    ks_status           status;

    if (writer == NULL)
        return KS_EINVAL;
    if (writer->session == NULL)
        return writer->error.status;
    if (topic == NULL || record == NULL)
        return refuse(writer, KS_EINVAL, "ks_writer_append() needs a topic and a record");
    status = find_destination(writer, topic, &to);
    if (status == KS_ENOTFOUND)
        return ks__client_no_topic(&writer->error, topic);
    if (status != KS_OK)
        return answer(writer, status, topic);
    if (partition < -1 || partition >= ks__topic_partitions(to->topic)) {
        ks__error_clear(&writer->error);
        return ks__error_set(&writer->error, KS_ENOTFOUND,
                             "topic \"%s\" has no partition %d, only 0 to %d", topic,
                             (int)partition, (int)ks__topic_partitions(to->topic) - 1);
    }
    stamped = *record;
    if (stamped.timestamp_ms < 0)
        stamped.timestamp_ms = ks__clock_wall_ms(ks__clock_real());
    if (partition < 0)
        partition = choose_partition(to, record->key);
    status = ks__topic_append(to->topic, partition, &stamped);
    if (status == KS_ESTATE && ks_error_requires_abort(ks__session_error(writer->session)))
        return refuse(writer, status, "the transaction failed: call ks_writer_abort()");
    return answer(writer, status, topic);
}

ks_status ks_writer_append_text(ks_writer *writer, const char *topic, const char *key,
                                const char *value, int64_t timestamp_ms)
{
    ks_record record = { .key = ks_bytes_text(key), .value = ks_bytes_text(value),
                         .timestamp_ms = timestamp_ms };

    return ks_writer_append(writer, topic, -1, &record);
}

/* ---- flush and transactions ---- */

static ks_status finish(ks_writer *writer, ks_status status, const char *what)
{
    if (status == KS_EAGAIN)
        status = KS_ETIMEOUT;
    return answer(writer, status, what);
}

ks_status ks_writer_flush(ks_writer *writer, int timeout_ms)
{
    if (writer == NULL)
        return KS_EINVAL;
    if (writer->session == NULL)
        return writer->error.status;
    return finish(writer, ks__session_flush(writer->session, timeout_ms), "flush");
}

/* KS_OK when transactions are possible. */
static ks_status check_transactional(ks_writer *writer)
{
    if (writer == NULL)
        return KS_EINVAL;
    if (writer->session == NULL)
        return writer->error.status;
    if (writer->transactional)
        return KS_OK;
    return refuse(writer, KS_ESTATE,
                  "transactions need a transactional id: KS_WRITER(.transactional_id = ...)");
}

ks_status ks_writer_begin(ks_writer *writer)
{
    ks_status status = check_transactional(writer);

    if (status != KS_OK)
        return status;
    return finish(writer, ks__session_begin(writer->session, KS__CLIENT_TIMEOUT_MS), "begin");
}

ks_status ks_writer_commit(ks_writer *writer, int timeout_ms)
{
    ks_status status = check_transactional(writer);

    if (status != KS_OK)
        return status;
    return finish(writer, ks__session_commit(writer->session, NULL, 0, timeout_ms), "commit");
}

ks_status ks_writer_abort(ks_writer *writer, int timeout_ms)
{
    ks_status status = check_transactional(writer);

    if (status != KS_OK)
        return status;
    return finish(writer, ks__session_abort(writer->session, timeout_ms), "abort");
}

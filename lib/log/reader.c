/* SPDX-License-Identifier: Apache-2.0
 *
 * reader.c - ks_reader: records of several partitions, one at a time, round and round.
 *
 *      inputs   [t-0: batch, at 3 of 9] [t-1: empty] [u-0: ...]
 *                 ^ drawn from until its batch ends, then the next one is asked
 *
 * Revoked partitions are given back at once: what was read and not committed comes again to whoever
 * gets them. Threads: one at a time.
 */
#include "log/client.h"

#include "base/clock.h"
#include "base/wake.h"

#include <string.h>

#define BATCH_LIMIT 1000u                   /* records                                            */
#define NAP_MS      100                     /* membership is looked after at least as often       */

struct input {
    char              *topic;
    int32_t            partition;
    struct ks__source *source;
    struct ks__batch   batch;
    size_t             at;                  /* next record of the batch                           */
    int64_t            position;            /* offset after the last one given out                */
};

struct ks_reader {
    ks_log             *log;
    struct ks__session *session;            /* NULL = could not be opened: `error`                */
    struct ks__wake     wake;
    char               *group;
    ks_reset            reset;
    char              **topics;             /* subscribed to                                      */
    size_t              topic_count, topic_capacity;
    bool                joined;
    struct input       *inputs;
    size_t              count, capacity;
    size_t              present;            /* input being drawn from                             */
    bool                settled;            /* the group has said which partitions are ours       */
    ks_error            unchosen;           /* why the last subscribe or assign failed            */
    ks_error            error;              /* of reading and committing                          */
};

/* ---- life ---- */

static void open_session(ks_reader *reader, const ks_reader_options *options)
{
    struct ks__session_options session = { .client_id = "ks_reader", .group = reader->group,
                                           .wake = &reader->wake };

    if (options != NULL)
        session.read_uncommitted = options->uncommitted;
    if (reader->log == NULL)
        ks__error_set(&reader->error, KS_EINVAL, "a reader needs a log");
    else if (reader->log->cluster == NULL)
        ks__error_copy(&reader->error, &reader->log->error);
    else
        ks__session_open(&reader->session, reader->log->cluster, &session, &reader->error);
}

ks_reader *ks_log_reader(ks_log *log, const ks_reader_options *options)
{
    ks_reader *reader = ks__zalloc(sizeof(*reader));

    if (reader == NULL)
        return NULL;
    reader->reset = options != NULL ? options->reset : KS_RESET_DEFAULT;
    if (options != NULL && options->group != NULL) {
        reader->group = ks__strdup(options->group);
        if (reader->group == NULL) {
            ks__free(reader);
            return NULL;
        }
    }
    reader->log = ks__log_hold(log);
    if (ks__wake_init(&reader->wake) != KS_OK)
        ks__error_set(&reader->error, KS_EIO, "no descriptor is left for a reader");
    else
        open_session(reader, options);
    return reader;
}

static void drop_input(ks_reader *reader, size_t at)
{
    struct input *input = &reader->inputs[at];

    ks__batch_release(&input->batch);
    ks__session_stop(reader->session, input->source);
    ks__free(input->topic);
    memmove(input, input + 1, (reader->count - at - 1) * sizeof(*input));
    reader->count--;
}

void ks_reader_free(ks_reader *reader)
{
    if (reader == NULL)
        return;
    while (reader->count > 0)
        drop_input(reader, reader->count - 1);
    ks__session_close(reader->session);
    ks__wake_release(&reader->wake);
    for (size_t i = 0; i < reader->topic_count; i++)
        ks__free(reader->topics[i]);
    ks__free(reader->topics);
    ks__free(reader->inputs);
    ks__free(reader->group);
    ks__log_drop(reader->log);
    ks__free(reader);
}

const ks_error *ks_reader_error(const ks_reader *reader)
{
    if (reader == NULL)
        return NULL;
    return reader->error.status == KS_OK ? &reader->unchosen : &reader->error;
}

static ks_status fail(ks_reader *reader, ks_status status, const char *what)
{
    return ks__client_fail(&reader->error, status, ks__session_error(reader->session), what);
}

/* The status of choosing what to read, for its caller: a failure stays until it succeeds. */
static ks_status chosen(ks_reader *reader, ks_status status, const char *topic)
{
    ks__error_clear(&reader->unchosen);
    return ks__client_fail(&reader->unchosen, status, ks__session_error(reader->session), topic);
}

static ks_status refuse(ks_error *error, ks_status status, const char *why)
{
    ks__error_clear(error);
    return ks__error_set(error, status, "%s", why);
}

/* ---- inputs ---- */

static ks_status add_input(ks_reader *reader, const char *topic, int32_t partition, int64_t offset)
{
    struct input input = { .partition = partition, .position = offset };
    ks_status    status;

    if (!KS__GROW(&reader->inputs, &reader->capacity, reader->count + 1))
        return KS_ENOMEM;
    input.topic = ks__strdup(topic);
    if (input.topic == NULL)
        return KS_ENOMEM;
    status = ks__session_start(reader->session, topic, partition, offset, &input.source);
    if (status != KS_OK) {
        ks__free(input.topic);
        return status;
    }
    input.batch.source              = input.source;
    reader->inputs[reader->count++] = input;
    return KS_OK;
}

static ks_status reset_offset(ks_reader *reader, const char *topic, int32_t partition,
                              int64_t *offset)
{
    enum ks__offset_kind kind =
        reader->reset == KS_RESET_LATEST ? KS__OFFSET_END : KS__OFFSET_BEGIN;

    if (reader->reset == KS_RESET_NONE) {
        ks__error_clear(&reader->error);
        return ks__error_set(&reader->error, KS_EOFFSET,
                             "%s-%d: there is no valid position and the reset is none", topic,
                             (int)partition);
    }
    return ks__cluster_offset(reader->log->cluster, topic, partition, kind, 0, offset,
                              KS__CLIENT_TIMEOUT_MS, &reader->error);
}

static ks_status start_assigned(ks_reader *reader, const struct ks__event_partition *part)
{
    int64_t   offset;
    ks_status status = ks__cluster_committed(reader->log->cluster, reader->group, part->topic,
                                             part->partition, &offset, NULL,
                                             KS__CLIENT_TIMEOUT_MS, &reader->error);

    if (status == KS_OK && offset == KS__OFFSET_NONE)
        status = reset_offset(reader, part->topic, part->partition, &offset);
    if (status == KS_OK)
        status = add_input(reader, part->topic, part->partition, offset);
    return status;
}

static void drop_all(ks_reader *reader)
{
    while (reader->count > 0)
        drop_input(reader, reader->count - 1);
    reader->present = 0;
}

/* ---- membership ---- */

static ks_status join(ks_reader *reader)
{
    ks_status status;

    if (reader->joined || reader->topic_count == 0)
        return KS_OK;
    do
        status = ks__session_subscribe(reader->session, (const char *const *)reader->topics,
                                       reader->topic_count, KS__CLIENT_TIMEOUT_MS);
    while (status == KS_EAGAIN);
    reader->joined = status == KS_OK;
    return status;
}

static ks_status handle_event(ks_reader *reader, const struct ks__event *event)
{
    ks_status status = KS_OK;

    switch (event->kind) {
    case KS__EVENT_NONE:
        break;
    case KS__EVENT_ASSIGNED:
        drop_all(reader);
        for (size_t i = 0; i < event->count && status == KS_OK; i++)
            status = start_assigned(reader, &event->partitions[i]);
        reader->settled = status == KS_OK;
        break;
    case KS__EVENT_REVOKED:
    case KS__EVENT_LOST:
        drop_all(reader);
        reader->settled = false;
        break;
    case KS__EVENT_FAILED:
        ks__error_clear(&reader->error);
        ks__error_copy(&reader->error, event->error);
        return event->error->status;
    }
    return status;
}

static ks_status look_after_membership(ks_reader *reader)
{
    struct ks__event event;
    ks_status        status = join(reader);

    while (status == KS_OK && ks__session_poll(reader->session, &event)) {
        status = handle_event(reader, &event);
        if (status == KS_OK)
            do
                status = ks__session_acknowledge(reader->session, KS__CLIENT_TIMEOUT_MS);
            while (status == KS_EAGAIN);
    }
    return status;
}

/* ---- public: where to read ---- */

/* KS_OK when there is such a topic. */
static ks_status find_topic(ks_reader *reader, const char *topic)
{
    ks_error  error  = { .status = KS_OK };
    int32_t   count  = 0;
    ks_status status = ks__cluster_partitions(reader->log->cluster, topic, &count,
                                              KS__CLIENT_TIMEOUT_MS, &error);

    ks__error_clear(&reader->unchosen);
    if (status != KS_OK)
        return ks__client_fail(&reader->unchosen, status, &error, topic);
    return count > 0 ? KS_OK : ks__client_no_topic(&reader->unchosen, topic);
}

ks_status ks_reader_subscribe(ks_reader *reader, const char *topic)
{
    ks_status status;

    if (reader == NULL)
        return KS_EINVAL;
    if (reader->session == NULL)
        return reader->error.status;
    if (topic == NULL)
        return refuse(&reader->unchosen, KS_EINVAL, "ks_reader_subscribe() needs a topic");
    if (reader->group == NULL)
        return refuse(&reader->unchosen, KS_EINVAL, "subscribing needs a group");
    if (reader->joined || reader->count > 0)
        return refuse(&reader->unchosen, KS_ESTATE,
                      "subscribe before reading, and do not assign as well");
    status = find_topic(reader, topic);
    if (status != KS_OK)
        return status;
    if (!KS__GROW(&reader->topics, &reader->topic_capacity, reader->topic_count + 1))
        return chosen(reader, KS_ENOMEM, topic);
    reader->topics[reader->topic_count] = ks__strdup(topic);
    if (reader->topics[reader->topic_count] == NULL)
        return chosen(reader, KS_ENOMEM, topic);
    reader->topic_count++;
    return chosen(reader, KS_OK, topic);
}

/* The topic, or that partition of it, does not exist. */
static ks_status refuse_place(ks_reader *reader, const char *topic, int32_t partition)
{
    ks_error  none  = { .status = KS_OK };
    int32_t   count = 0;
    ks_status status = ks__cluster_partitions(reader->log->cluster, topic, &count,
                                              KS__CLIENT_TIMEOUT_MS, &none);

    if (status != KS_OK || count == 0)
        return ks__client_no_topic(&reader->unchosen, topic);
    ks__error_clear(&reader->unchosen);
    return ks__error_set(&reader->unchosen, KS_ENOTFOUND,
                         "topic \"%s\" has no partition %d, only 0 to %d", topic, (int)partition,
                         (int)count - 1);
}

ks_status ks_reader_assign(ks_reader *reader, const char *topic, int32_t partition, int64_t offset)
{
    ks_status status;

    if (reader == NULL)
        return KS_EINVAL;
    if (reader->session == NULL)
        return reader->error.status;
    if (topic == NULL)
        return refuse(&reader->unchosen, KS_EINVAL, "ks_reader_assign() needs a topic");
    if (reader->topic_count > 0)
        return refuse(&reader->unchosen, KS_ESTATE,
                      "a reader that subscribes cannot assign as well");
    for (size_t i = 0; i < reader->count; i++)
        if (reader->inputs[i].partition == partition &&
            strcmp(reader->inputs[i].topic, topic) == 0) {
            drop_input(reader, i);
            break;
        }
    status = add_input(reader, topic, partition, offset);
    if (status == KS_ENOTFOUND)
        return refuse_place(reader, topic, partition);
    return chosen(reader, status, topic);
}

/* ---- public: read ---- */

/* The position is not in the log any more: go on where the reset says. */
static ks_status restart(ks_reader *reader, size_t at)
{
    struct input *input = &reader->inputs[at];
    int64_t       offset;
    ks_status     status = reset_offset(reader, input->topic, input->partition, &offset);

    if (status != KS_OK)
        return status;
    ks__batch_release(&input->batch);
    ks__session_stop(reader->session, input->source);
    input->source = NULL;
    status = ks__session_start(reader->session, input->topic, input->partition, offset,
                               &input->source);
    input->batch    = (struct ks__batch){ .source = input->source };
    input->position = offset;
    input->at       = 0;
    return status;
}

/* Give out the next record of the input, if it has one. */
static bool draw(struct input *input, ks_entry *out)
{
    const struct ks__log_record *record;

    if (input->at >= input->batch.count)
        return false;
    record          = &input->batch.records[input->at++];
    input->position = record->offset + 1;
    *out = (ks_entry){ .record = record->record, .topic = input->topic,
                       .partition = input->partition, .offset = record->offset };
    return true;
}

/* One round over all inputs; `*found` when there was a record. */
static ks_status try_all(ks_reader *reader, ks_entry *out, bool *found)
{
    *found = false;
    for (size_t i = 0; i < reader->count; i++) {
        size_t        at    = reader->present % reader->count;
        struct input *input = &reader->inputs[at];
        ks_status     status;

        if (draw(input, out)) {
            *found = true;
            return KS_OK;
        }
        ks__batch_release(&input->batch);
        input->at = 0;
        status    = ks__source_fetch(input->source, BATCH_LIMIT, &input->batch);
        if (status == KS_EOFFSET) {
            status = restart(reader, at);
            if (status == KS_OK)
                status = ks__source_fetch(input->source, BATCH_LIMIT, &input->batch);
        }
        if (status != KS_OK)
            return status;
        if (draw(input, out)) {
            *found = true;
            return KS_OK;
        }
        if (input->batch.next_offset > input->position)
            input->position = input->batch.next_offset;     /* skipped: trimmed or compacted */
        reader->present = at + 1;
    }
    return KS_OK;
}

/* True while there is time left; `*nap_ms` = how long to wait at once. */
static bool has_time(int64_t begun_ms, int timeout_ms, int64_t *nap_ms)
{
    int64_t left = timeout_ms - (ks__clock_mono_ms(ks__clock_real()) - begun_ms);

    *nap_ms = timeout_ms < 0 || left > NAP_MS ? NAP_MS : left;
    return timeout_ms < 0 || left > 0;
}

bool ks_reader_next(ks_reader *reader, int timeout_ms, ks_entry *out)
{
    int64_t   begun = -1, nap_ms;
    bool      found = false;
    ks_status status;

    if (reader == NULL || out == NULL || reader->session == NULL)
        return false;
    *out = (ks_entry){ .offset = KS__OFFSET_NONE };
    if (reader->error.status != KS_OK)
        ks__error_clear(&reader->error);
    if (reader->present < reader->count && draw(&reader->inputs[reader->present], out))
        return true;
    for (;;) {
        ks__wake_drain(&reader->wake);
        status = look_after_membership(reader);
        if (status == KS_OK)
            status = try_all(reader, out, &found);
        if (found)
            return true;
        if (status != KS_OK && status != KS_EAGAIN) {
            if (!ks__error_is_set(&reader->error))
                fail(reader, status, "read");
            return false;
        }
        if (begun < 0)
            begun = ks__clock_mono_ms(ks__clock_real());
        if (timeout_ms == 0 || !has_time(begun, timeout_ms, &nap_ms))
            return false;
        ks__wake_wait(&reader->wake, nap_ms);
    }
}

/* ---- public: is there more ---- */

/* True when all that lies before `end` was given out; else what is there already is taken. */
static ks_status is_through(struct input *input, int64_t end, bool *through)
{
    ks_status status;

    *through = input->position >= end;
    if (*through)
        return KS_OK;
    ks__batch_release(&input->batch);
    input->at = 0;
    status    = ks__source_fetch(input->source, BATCH_LIMIT, &input->batch);
    if (status != KS_OK || input->batch.count > 0)
        return status == KS_EOFFSET ? KS_OK : status;  /* the next read starts anew */
    if (input->batch.next_offset > input->position)
        input->position = input->batch.next_offset;     /* nothing but holes before it */
    *through = input->position >= end;
    return KS_OK;
}

static ks_status look_for_end(ks_reader *reader, bool *at_end)
{
    ks_status status = KS_OK;

    *at_end = (reader->topic_count == 0 || reader->settled) && reader->unchosen.status == KS_OK;
    for (size_t i = 0; i < reader->count && *at_end; i++)
        *at_end = reader->inputs[i].at >= reader->inputs[i].batch.count;
    for (size_t i = 0; i < reader->count && *at_end && status == KS_OK; i++) {
        struct input *input = &reader->inputs[i];
        int64_t       end;

        status = ks__cluster_offset(reader->log->cluster, input->topic, input->partition,
                                    KS__OFFSET_END, 0, &end, KS__CLIENT_TIMEOUT_MS,
                                    &reader->error);
        if (status == KS_OK)
            status = is_through(input, end, at_end);
    }
    return status;
}

bool ks_reader_at_end(ks_reader *reader)
{
    bool      at_end = false;
    ks_status status;

    if (reader == NULL || reader->session == NULL)
        return false;
    ks__error_clear(&reader->error);
    status = look_after_membership(reader);
    if (status == KS_OK)
        status = look_for_end(reader, &at_end);
    if (status == KS_OK || status == KS_EAGAIN)
        return status == KS_OK && at_end;
    if (!ks__error_is_set(&reader->error))
        fail(reader, status, "read");
    return false;
}

/* ---- public: commit ---- */

ks_status ks_reader_commit(ks_reader *reader)
{
    struct ks__position *positions;
    ks_status            status;

    if (reader == NULL)
        return KS_EINVAL;
    if (reader->session == NULL)
        return reader->error.status;
    if (reader->group == NULL)
        return refuse(&reader->error, KS_EINVAL, "committing needs a group");
    if (reader->count == 0)
        return KS_OK;
    positions = ks__zalloc_array(reader->count, sizeof(*positions));
    if (positions == NULL)
        return fail(reader, KS_ENOMEM, "commit");
    for (size_t i = 0; i < reader->count; i++)
        positions[i] = (struct ks__position){ reader->inputs[i].topic, reader->inputs[i].partition,
                                              reader->inputs[i].position, NULL };
    status = ks__session_commit_offsets(reader->session, positions, reader->count,
                                        KS__CLIENT_TIMEOUT_MS);
    ks__free(positions);
    if (status == KS_EAGAIN)
        status = KS_ETIMEOUT;
    if (status == KS_OK)
        ks__error_clear(&reader->error);
    return status == KS_OK ? KS_OK : fail(reader, status, "commit");
}

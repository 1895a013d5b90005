/* SPDX-License-Identifier: Apache-2.0
 *
 * read.c - fetch a batch, find an offset by time, trim.
 *
 *      read transaction: chunk, chunk, ... ──copy──> segment of the source ──lent──> batch
 *
 * The segment is used again when the batch before has been released.
 */
#include "log/embedded/embedded.h"

#include "base/assert.h"

#include <string.h>

#define CHUNK_LIMIT 64u                     /* chunks of a batch                                  */
#define BATCH_BYTES (256u * 1024u)          /* no further chunk is begun behind so many           */
#define TRIM_STEP   256u                    /* chunks removed in one transaction                  */

/* What a source keeps. */
struct embedded_source {
    struct ks__segment *segment;            /* of the last batch                                  */
    uint64_t            foreign;            /* pokes seen                                         */
};

struct found_chunk {
    struct ks__chunk chunk;
    int64_t          base;
};

static struct ks__embedded_log *log_of(const struct ks__local_source *source)
{
    return (struct ks__embedded_log *)((struct ks__local_session *)source->base.session)->log;
}

static struct ks__embedded_topic *topic_of(const struct ks__local_source *source)
{
    return (struct ks__embedded_topic *)source->topic;
}

/* ---- chunks ---- */

/* Stand on the chunk that holds the offset, or the next one; false = none, or a failure. */
static bool seek(struct ks__db_cursor *cursor, uint32_t topic, int32_t partition, int64_t offset,
                 struct found_chunk *out, ks_status *status)
{
    uint8_t  key[KS__RECORD_KEY_BYTES];
    ks_bytes at, value;
    bool     stands;

    ks__record_key(key, topic, partition, offset);
    stands = ks__db_cursor_seek_back(cursor, (ks_bytes){ key, sizeof(key) }, &at, &value);
    if (stands && ks__record_key_is(at, topic, partition, &out->base)) {
        *status = ks__chunk_open(value, &out->chunk);
        if (*status != KS_OK || out->base + out->chunk.span > offset)
            return *status == KS_OK;
    }
    stands = ks__db_cursor_seek(cursor, (ks_bytes){ key, sizeof(key) }, &at, &value);
    if (!stands || !ks__record_key_is(at, topic, partition, &out->base)) {
        *status = stands ? KS_OK : ks__db_cursor_status(cursor);
        return false;
    }
    *status = ks__chunk_open(value, &out->chunk);
    return *status == KS_OK;
}

static bool next(struct ks__db_cursor *cursor, uint32_t topic, int32_t partition,
                 struct found_chunk *out, ks_status *status)
{
    ks_bytes at, value;

    if (!ks__db_cursor_next(cursor, &at, &value)) {
        *status = ks__db_cursor_status(cursor);
        return false;
    }
    if (!ks__record_key_is(at, topic, partition, &out->base))
        return false;
    *status = ks__chunk_open(value, &out->chunk);
    return *status == KS_OK;
}

/* ---- fetch ---- */

/* An empty segment with such room: the old one, when nobody reads it any more. */
static struct ks__segment *renew(struct embedded_source *own, uint32_t records, size_t bytes)
{
    struct ks__segment *old = own->segment;

    if (old != NULL && atomic_load_explicit(&old->references, memory_order_acquire) == 1 &&
        old->capacity >= records && old->size >= bytes) {
        old->count = 0;
        old->used  = 0;
        return old;
    }
    ks__segment_drop(old);
    own->segment = ks__segment_new(records, bytes);
    return own->segment;
}

/* Copy the chunks from the cursor's place on. */
static ks_status copy_chunks(struct ks__local_source *source, struct ks__db_cursor *cursor,
                             size_t limit)
{
    struct embedded_source *own = source->own;
    uint32_t                id  = topic_of(source)->id;
    struct found_chunk      chunks[CHUNK_LIMIT];
    size_t                  count = 0, records = 0, bytes = 0;
    ks_status               status = KS_OK;
    bool more = seek(cursor, id, source->partition, source->next, &chunks[0], &status);

    while (more) {
        records += chunks[count].chunk.count;
        bytes += ks__chunk_need(&chunks[count].chunk);
        count++;
        more = count < CHUNK_LIMIT && records < limit && bytes < BATCH_BYTES &&
               next(cursor, id, source->partition, &chunks[count], &status);
    }
    if (status != KS_OK)
        return status;
    if (renew(own, (uint32_t)(records < limit ? records : limit), bytes) == NULL)
        return KS_ENOMEM;
    for (size_t i = 0; i < count && status == KS_OK; i++)
        status = ks__chunk_decode(&chunks[i].chunk, chunks[i].base, source->next, own->segment);
    return status;
}

/* With a read transaction: bounds, then the records. */
static ks_status read_batch(struct ks__local_source *source, struct ks__txn *txn, size_t limit,
                            int64_t *end)
{
    struct ks__embedded_log *log = log_of(source);
    struct ks__db_cursor    *cursor;
    int64_t                  begin;
    ks_status status = ks__row_bounds(log, txn, topic_of(source)->id, source->partition, &begin,
                                      end);

    if (status != KS_OK)
        return status;
    if (source->next < begin || source->next > *end)
        return KS_EOFFSET;
    status = ks__db_cursor_open(txn, log->records, &cursor);
    if (status != KS_OK)
        return status;
    status = copy_chunks(source, cursor, limit);
    ks__db_cursor_close(cursor);
    return status;
}

static void fill(struct ks__local_source *source, struct ks__batch *batch, int64_t end)
{
    struct embedded_source *own = source->own;

    batch->records = own->segment->records;
    batch->count   = own->segment->count;
    if (batch->count > 0) {
        ks__segment_hold(own->segment);
        batch->held        = own->segment;
        batch->next_offset = batch->records[batch->count - 1].offset + 1;
    } else {
        batch->next_offset = end;
    }
    batch->caught_up = batch->next_offset >= end;
}

ks_status ks__embedded_fetch(struct ks__local_source *source, size_t limit,
                             struct ks__batch *batch)
{
    struct ks__embedded_log *log   = log_of(source);
    ks_error                *error = &source->base.session->error;
    struct embedded_source  *own   = source->own;
    _Atomic int64_t         *known = &topic_of(source)->parts[source->partition].end;
    uint64_t                 foreign;
    struct ks__txn          *txn;
    int64_t                  end;
    ks_status                status;

    if (own == NULL)
        source->own = own = ks__zalloc(sizeof(*own));
    if (own == NULL)
        return KS_ENOMEM;
    atomic_store(&source->hungry, true);        /* before the look: nothing is missed */
    foreign = atomic_load(&log->foreign);
    if (own->segment != NULL && foreign == own->foreign && atomic_load(known) == source->next) {
        batch->caught_up = true;
        return KS_OK;
    }
    status = ks__txn_begin_read(log->env, &txn, error);
    if (status != KS_OK)
        return status;
    status = read_batch(source, txn, limit, &end);
    ks__txn_abort(txn);
    if (status != KS_OK)
        return status == KS_EOFFSET ? status
                                    : ks__error_set(error, status, "%s-%d: %s",
                                                    source->topic->name, (int)source->partition,
                                                    ks_status_text(status));
    own->foreign = foreign;
    atomic_store(&source->hungry, false);
    ks__embedded_publish(log, source->topic, source->partition, end);
    fill(source, batch, end);
    if (!batch->caught_up)
        return KS_OK;
    atomic_store(&source->hungry, true);
    if (atomic_load(known) > batch->next_offset || atomic_load(&log->foreign) != foreign)
        batch->caught_up = false;               /* came while we read; nobody would wake us */
    return KS_OK;
}

int64_t ks__embedded_lag(const struct ks__local_source *source)
{
    int64_t end = atomic_load(&topic_of(source)->parts[source->partition].end);

    return end > source->next ? end - source->next : 0;
}

void ks__embedded_source_release(struct ks__local_source *source)
{
    struct embedded_source *own = source->own;

    if (own != NULL)
        ks__segment_drop(own->segment);
    ks__free(own);
}

/* ---- by time ---- */

/* The first record of the chunk at or after the time, behind `begin`; false = none. */
static ks_status search(const struct found_chunk *at, int64_t begin, int64_t time_ms,
                        int64_t *offset, bool *found)
{
    struct ks__segment *copy = ks__segment_new(at->chunk.count, ks__chunk_need(&at->chunk));
    ks_status           status;

    if (copy == NULL)
        return KS_ENOMEM;
    status = ks__chunk_decode(&at->chunk, at->base, begin, copy);
    for (uint32_t i = 0; status == KS_OK && i < copy->count && !*found; i++)
        if (copy->records[i].record.timestamp_ms >= time_ms) {
            *offset = copy->records[i].offset;
            *found  = true;
        }
    ks__segment_drop(copy);
    return status;
}

ks_status ks__embedded_offset_at(struct ks__embedded_log *log, struct ks__txn *txn,
                                 const struct ks__local_topic *topic, int32_t partition,
                                 int64_t time_ms, int64_t *offset, ks_error *error)
{
    uint32_t              id = ((const struct ks__embedded_topic *)topic)->id;
    struct ks__db_cursor *cursor;
    struct found_chunk    at;
    bool                  found = false, more;
    int64_t               begin;
    ks_status             status = ks__row_bounds(log, txn, id, partition, &begin, offset);

    if (status == KS_OK)
        status = ks__db_cursor_open(txn, log->records, &cursor);
    if (status != KS_OK)
        return ks__error_set(error, status, "%s: %s", topic->name, ks_status_text(status));
    for (more = seek(cursor, id, partition, begin, &at, &status); more && status == KS_OK && !found;
         more = !found && next(cursor, id, partition, &at, &status))
        status = search(&at, begin, time_ms, offset, &found);
    ks__db_cursor_close(cursor);
    return status == KS_OK ? KS_OK : ks__error_set(error, status, "%s: %s", topic->name,
                                                   ks_status_text(status));
}

/* ---- trim ---- */

/* Remove some of the chunks that end before `offset`; KS_EAGAIN = there may be more. */
static ks_status remove_some(struct ks__embedded_log *log, struct ks__txn *txn, uint32_t id,
                             int32_t partition, int64_t offset, size_t *gone)
{
    struct ks__db_cursor *cursor;
    struct found_chunk    at;
    ks_status             status = ks__db_cursor_open(txn, log->records, &cursor);

    if (status != KS_OK)
        return status;
    while (status == KS_OK && *gone < TRIM_STEP && seek(cursor, id, partition, 0, &at, &status) &&
           at.base + at.chunk.span <= offset) {
        status = ks__db_cursor_delete(cursor);
        ++*gone;
    }
    ks__db_cursor_close(cursor);
    return status == KS_OK && *gone == TRIM_STEP ? KS_EAGAIN : status;
}

/* A step of it: others that write need not wait for all. */
ks_status ks__embedded_trim(struct ks__local_log *base, struct ks__local_topic *topic,
                            int32_t partition, int64_t offset, ks_error *error)
{
    struct ks__embedded_log *log = (struct ks__embedded_log *)base;
    const uint32_t           id  = ((const struct ks__embedded_topic *)topic)->id;
    size_t                   gone = 0;
    struct ks__txn          *txn;
    int64_t                  begin, end;
    ks_status                status = ks__txn_begin_write(log->env, &txn, error), left;

    if (status != KS_OK)
        return status;
    status = ks__row_bounds(log, txn, id, partition, &begin, &end);
    if (status == KS_OK && (offset < 0 || offset > end))
        status = ks__error_set(error, KS_EOFFSET, "%s-%d ends at %lld, cannot begin at %lld",
                               topic->name, (int)partition, (long long)end, (long long)offset);
    if (status == KS_OK && offset > begin)
        status = ks__row_put_begin(log, txn, id, partition, offset);
    left = status;
    if (status == KS_OK)
        left = remove_some(log, txn, id, partition, offset, &gone);
    if (left != KS_OK && left != KS_EAGAIN)
        status = left;
    if (status != KS_OK || (gone == 0 && offset <= begin)) {
        ks__txn_abort(txn);
        return status;
    }
    status = ks__txn_commit(txn);
    return status == KS_OK ? left : status;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * compact.c - drop records of compacted topics that newer ones of their keys have superseded.
 *
 *      begin ........ clean .................. to .. last chunk
 *                       `---- 1 collect ------'               last offset of each key
 *        `------------------ 2 rewrite -------'               who is older than that goes
 *
 * A run goes on in bounded steps, one after each group of commits: reading some chunks, or one
 * transaction that rewrites some. It begins once as much as was kept the last time, and no less
 * than COMPACT_FIRST records, has come in behind the clean part. The keys of a run are bounded, so
 * it may take several runs to get to the end.
 *
 * Every step leaves a log that is right: a record goes only when a newer one of its key is there,
 * and that one goes only for a still newer one. So a crash costs the run and nothing else, and so
 * does a failure (a full disk: the next commit tells it); other processes may do the same at the
 * same time. Offsets stay, with holes. Tombstones stay for ever,
 * and so do records without a key. The last chunk is never touched: it says where the partition
 * ends (E2).
 *
 * Threads: the one that writes (commit.c).
 */
#include "log/embedded/embedded.h"

#include "base/assert.h"
#include "base/map.h"

#define COMPACT_FIRST 65536                 /* records                                            */
#define STEP_CHUNKS   1024u
#define STEP_BYTES    (4u << 20)
#define KEYS_BYTES    (64u << 20)           /* of the keys of a run                               */
#define LEAVE_RECORDS 256u                  /* a chunk of so many is not put together with others */

enum phase { PHASE_COLLECT, PHASE_REWRITE };

struct ks__compaction {
    struct ks__embedded_topic *topic;
    int32_t                    partition;
    enum phase                 phase;
    struct ks__map             last;        /* key -> offset of its last record                   */
    int64_t                    next;        /* the step goes on at the chunk of this offset       */
    int64_t                    to;          /* base of the first chunk that is left alone         */
    int64_t                    kept;        /* records before `to` after the rewrite              */
};

/* A step of the rewrite. */
struct rewrite {
    struct ks__compaction   *run;
    struct ks__embedded_log *log;
    struct ks__txn          *txn;
    struct ks__segment      *out;           /* NULL = nothing to write yet                        */
    int64_t                  begin;         /* of the partition                                   */
};

/* ---- chunks ---- */

/* The first chunk that begins at or behind `from`; false = none, or a failure. */
static bool chunk_at(struct ks__db_cursor *cursor, const struct ks__compaction *run, int64_t from,
                     struct ks__chunk *chunk, int64_t *base, ks_status *status)
{
    uint8_t  bytes[KS__RECORD_KEY_BYTES];
    ks_bytes key, value;

    ks__record_key(bytes, run->topic->id, run->partition, from);
    if (!ks__db_cursor_seek(cursor, (ks_bytes){ bytes, sizeof(bytes) }, &key, &value)) {
        *status = ks__db_cursor_status(cursor);
        return false;
    }
    if (!ks__record_key_is(key, run->topic->id, run->partition, base))
        return false;
    *status = ks__chunk_open(value, chunk);
    return *status == KS_OK;
}

static ks_status decode(const struct ks__chunk *chunk, int64_t base, int64_t from,
                        struct ks__segment **out)
{
    *out = ks__segment_new(chunk->count, ks__chunk_need(chunk));
    return *out == NULL ? KS_ENOMEM : ks__chunk_decode(chunk, base, from, *out);
}

/* ---- collect ---- */

static ks_status note(struct ks__compaction *run, const struct ks__log_record *record)
{
    struct ks__map_entry *entry;
    bool                  inserted;

    if (record->record.key.data == NULL)
        return KS_OK;
    entry = ks__map_put(&run->last, record->record.key, &inserted);
    if (entry == NULL)
        return KS_ENOMEM;
    *(int64_t *)ks__map_payload(entry) = record->offset;
    return KS_OK;
}

static ks_status note_chunk(struct ks__compaction *run, const struct ks__chunk *chunk, int64_t base)
{
    struct ks__segment *segment;
    ks_status           status = decode(chunk, base, base, &segment);

    for (uint32_t i = 0; status == KS_OK && i < segment->count; i++)
        status = note(run, &segment->records[i]);
    ks__segment_drop(segment);
    return status;
}

/* Up to the last chunk, or as many keys as may be kept. */
static ks_status collect(struct ks__embedded_log *log, struct ks__compaction *run,
                         struct ks__txn *txn)
{
    struct ks__db_cursor *cursor;
    struct ks__chunk      chunk;
    size_t                chunks = 0, bytes = 0;
    int64_t               base, end;
    ks_status status = ks__row_bounds(log, txn, run->topic->id, run->partition, NULL, &end);

    if (status == KS_OK)
        status = ks__db_cursor_open(txn, log->records, &cursor);
    if (status != KS_OK)
        return status;
    while (status == KS_OK && run->phase == PHASE_COLLECT && chunks < STEP_CHUNKS &&
           bytes < STEP_BYTES) {
        if (!chunk_at(cursor, run, run->next, &chunk, &base, &status)) {
            run->to    = run->next;
            run->phase = PHASE_REWRITE;
        } else if (base + chunk.span >= end || run->last.held_bytes > KEYS_BYTES) {
            run->to    = base;
            run->phase = PHASE_REWRITE;
        } else {
            status    = note_chunk(run, &chunk, base);
            run->next = base + chunk.span;
            chunks++;
            bytes += chunk.body.size;
        }
    }
    if (run->phase == PHASE_REWRITE)
        run->next = 0;
    ks__db_cursor_close(cursor);
    return status;
}

/* ---- rewrite ---- */

static bool is_last(const struct ks__compaction *run, const struct ks__log_record *record)
{
    const struct ks__map_entry *entry;

    if (record->record.key.data == NULL)
        return true;
    entry = ks__map_get(&run->last, record->record.key);
    return entry == NULL || *(const int64_t *)ks__map_payload(entry) <= record->offset;
}

static ks_status write_out(struct rewrite *step)
{
    struct ks__segment *out = step->out;
    uint8_t             key[KS__RECORD_KEY_BYTES];
    ks_status           status;

    if (out == NULL)
        return KS_OK;
    step->out = NULL;
    ks__record_key(key, step->run->topic->id, step->run->partition, out->records[0].offset);
    status = ks__chunk_encode_holes(&step->log->scratch, out);
    if (status == KS_OK)
        status = ks__txn_put(step->txn, step->log->records, (ks_bytes){ key, sizeof(key) },
                             ks__buffer_bytes(&step->log->scratch));
    ks__segment_drop(out);
    return status;
}

static ks_status keep(struct rewrite *step, const struct ks__log_record *record)
{
    size_t    need   = ks__segment_need(&record->record);
    ks_status status = KS_OK;

    if (step->out != NULL && (!ks__segment_fits(step->out, need) ||
                              record->offset - step->out->records[0].offset >= INT32_MAX))
        status = write_out(step);
    if (status == KS_OK && step->out == NULL) {
        step->out = ks__segment_new(KS__SEGMENT_RECORDS,
                                    need > KS__SEGMENT_BYTES ? need : KS__SEGMENT_BYTES);
        if (step->out == NULL)
            return KS_ENOMEM;
    }
    if (status == KS_OK)
        ks__segment_append(step->out, &record->record, record->offset);
    return status;
}

/* One chunk, on which the cursor stands. */
static ks_status rewrite_chunk(struct rewrite *step, struct ks__db_cursor *cursor,
                               const struct ks__chunk *chunk, int64_t base)
{
    struct ks__segment *in;
    uint32_t            count  = 0;
    ks_status           status = decode(chunk, base, step->begin, &in);

    for (uint32_t i = 0; status == KS_OK && i < in->count; i++)
        count += is_last(step->run, &in->records[i]);
    step->run->kept += count;
    if (status == KS_OK && count == chunk->count && count >= LEAVE_RECORDS)
        status = write_out(step);               /* it stays as it is */
    else if (status == KS_OK) {
        status = ks__db_cursor_delete(cursor);
        for (uint32_t i = 0; status == KS_OK && i < in->count; i++)
            if (is_last(step->run, &in->records[i]))
                status = keep(step, &in->records[i]);
    }
    ks__segment_drop(in);
    return status;
}

/* Some chunks before `to`; `*done` = they were the last ones. */
static ks_status rewrite(struct rewrite *step, bool *done)
{
    struct ks__compaction *run = step->run;
    struct ks__db_cursor  *cursor;
    struct ks__chunk       chunk;
    size_t                 chunks = 0, bytes = 0;
    int64_t                base;
    ks_status status = ks__row_bounds(step->log, step->txn, run->topic->id, run->partition,
                                      &step->begin, NULL);

    if (status == KS_OK)
        status = ks__db_cursor_open(step->txn, step->log->records, &cursor);
    if (status != KS_OK)
        return status;
    for (*done = false; status == KS_OK && chunks < STEP_CHUNKS && bytes < STEP_BYTES; chunks++) {
        *done = !chunk_at(cursor, run, run->next, &chunk, &base, &status) || base >= run->to;
        if (status != KS_OK || *done)
            break;
        run->next = base + chunk.span;
        bytes += chunk.body.size;
        status = rewrite_chunk(step, cursor, &chunk, base);
    }
    if (status == KS_OK)
        status = write_out(step);
    ks__segment_drop(step->out);
    ks__db_cursor_close(cursor);
    if (status == KS_OK && *done)
        status = ks__row_put_clean(step->log, step->txn, run->topic->id, run->partition, run->to,
                                   run->kept);
    return status;
}

/* ---- runs ---- */

static void end_run(struct ks__embedded_log *log)
{
    if (log->compaction == NULL)
        return;
    ks__map_release(&log->compaction->last);
    ks__free(log->compaction);
    log->compaction = NULL;
}

static ks_status step_read(struct ks__embedded_log *log, struct ks__compaction *run)
{
    struct ks__txn *txn;
    ks_status       status = ks__txn_begin_read(log->env, &txn, NULL);

    if (status != KS_OK)
        return status;
    status = collect(log, run, txn);
    ks__txn_abort(txn);
    return status;
}

static ks_status step_write(struct ks__embedded_log *log, struct ks__compaction *run, bool *done)
{
    struct rewrite step   = { .run = run, .log = log };
    ks_status      status = ks__txn_begin_write(log->env, &step.txn, NULL);

    if (status != KS_OK)
        return status;
    status = rewrite(&step, done);
    if (status == KS_OK)
        return ks__txn_commit(step.txn);
    ks__txn_abort(step.txn);
    return status;
}

/* Ask the rows where the clean part ends and from which end on a run is worth it. */
static ks_status look_at_rows(struct ks__embedded_log *log, struct ks__embedded_topic *topic,
                              int32_t partition, int64_t *clean)
{
    struct ks__txn *txn;
    int64_t         kept   = 0;
    ks_status       status = ks__txn_begin_read(log->env, &txn, NULL);

    if (status != KS_OK)
        return status;
    status = ks__row_get_clean(log, txn, topic->id, partition, clean, &kept);
    ks__txn_abort(txn);
    topic->parts[partition].compact_at = *clean + (kept > COMPACT_FIRST ? kept : COMPACT_FIRST);
    return status;
}

void ks__embedded_compact_due(struct ks__embedded_log *log, struct ks__local_topic *base,
                              int32_t partition, int64_t end)
{
    struct ks__embedded_topic *topic = (struct ks__embedded_topic *)base;
    struct ks__compaction     *run;
    int64_t                    clean;

    if (log->compaction != NULL || end < topic->parts[partition].compact_at ||
        look_at_rows(log, topic, partition, &clean) != KS_OK ||
        end < topic->parts[partition].compact_at)
        return;
    run = ks__zalloc(sizeof(*run));
    if (run == NULL)
        return;
    *run = (struct ks__compaction){ .topic = topic, .partition = partition, .next = clean };
    ks__map_init(&run->last, sizeof(int64_t));
    log->compaction = run;
}

void ks__embedded_compact_step(struct ks__embedded_log *log)
{
    struct ks__compaction *run  = log->compaction;
    bool                   done = false;
    ks_status              status;

    if (run == NULL)
        return;
    status = run->phase == PHASE_COLLECT ? step_read(log, run) : step_write(log, run, &done);
    if (status == KS_OK && !done)
        return;
    /* After a failure the same is tried again once as much has come in: nothing is lost by it. */
    run->topic->parts[run->partition].compact_at =
        status == KS_OK ? 0
                        : atomic_load(&run->topic->parts[run->partition].end) + COMPACT_FIRST;
    end_run(log);
}

void ks__embedded_compact_stop(struct ks__embedded_log *log)
{
    end_run(log);
}

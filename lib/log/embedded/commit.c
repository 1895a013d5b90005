/* SPDX-License-Identifier: Apache-2.0
 *
 * commit.c - group commit: who gets to write applies all commits that wait, in one transaction.
 *
 *      thread 1  commit ──> queue ──> writes {1}, syncs ─────────┐
 *      thread 2  commit ──> queue ........ waits .............. writes {2, 3}, syncs
 *      thread 3  commit ──> queue ........ waits ....................... decided by 2
 *
 * Nobody waits to fill a group: it is what came in while the one before was written. Each commit is
 * checked inside the transaction; when the transaction itself fails, every commit of the group is
 * tried alone, so that one that is too large does not take the others with it.
 */
#include "log/embedded/embedded.h"

#include "base/assert.h"

#include <string.h>

struct ks__embedded_wait {
    struct ks__embedded_wait *next;
    struct ks__local_commit  *commit;
    ks_status                 status;
    bool                      decided;
};

/* ---- one commit, inside a transaction ---- */

static ks_status check_epoch(struct ks__embedded_log *log, struct ks__txn *txn,
                             const struct ks__local_commit *commit)
{
    int64_t   epoch;
    ks_status status = ks__row_get_epoch(log, txn, commit->transactional_id, &epoch);

    if (status != KS_OK || epoch == commit->epoch)
        return status;
    ks__error_set(commit->error, KS_EFENCED,
                  "a newer producer with the transactional id \"%s\" has taken over",
                  commit->transactional_id);
    ks__error_add_flags(commit->error, KS__ERROR_FATAL);
    return KS_EFENCED;
}

static ks_status check_generation(struct ks__embedded_log *log, struct ks__txn *txn,
                                  const struct ks__local_commit *commit)
{
    struct ks__group group;
    bool             found;
    ks_status        status = ks__row_get_group(log, txn, commit->group, &group, &found);

    if (status == KS_OK &&
        !ks__group_may_commit(found ? &group : NULL, commit->member_id, commit->generation))
        status = ks__error_set(commit->error, KS_EFENCED,
                               "group \"%s\" has given the partitions to other members",
                               commit->group);
    ks__group_release(&group);
    return status;
}

static ks_status check(struct ks__embedded_log *log, struct ks__txn *txn,
                       const struct ks__local_commit *commit)
{
    ks_status status = KS_OK;

    if (commit->transactional_id != NULL)
        status = check_epoch(log, txn, commit);
    if (status == KS_OK && (commit->position_count > 0 || commit->member_id != NULL))
        status = check_generation(log, txn, commit);
    return status;
}

/* Append what is staged for one partition; its first offset is in `base` afterwards. */
static ks_status append(struct ks__embedded_log *log, struct ks__txn *txn,
                        struct ks__staged *staged)
{
    uint32_t  topic = ((struct ks__embedded_topic *)staged->topic)->id;
    int64_t   offset;
    ks_status status = ks__row_bounds(log, txn, topic, staged->partition, NULL, &offset);

    staged->base = offset;
    for (const struct ks__segment *s = staged->first; s != NULL && status == KS_OK; s = s->next) {
        uint8_t key[KS__RECORD_KEY_BYTES];

        ks__record_key(key, topic, staged->partition, offset);
        status = ks__chunk_encode(&log->scratch, s);
        if (status == KS_OK)
            status = ks__txn_put(txn, log->records, (ks_bytes){ key, sizeof(key) },
                                 ks__buffer_bytes(&log->scratch));
        offset += s->count;
    }
    return status;
}

static ks_status apply(struct ks__embedded_log *log, struct ks__txn *txn,
                       const struct ks__local_commit *commit)
{
    ks_status status = KS_OK;

    for (struct ks__staged *s = commit->staged; s != NULL && status == KS_OK; s = s->next)
        status = append(log, txn, s);
    for (size_t i = 0; i < commit->position_count && status == KS_OK; i++)
        status = ks__row_put_position(log, txn, commit->group, &commit->positions[i]);
    return status;
}

/* ---- a group ---- */

/* Write the commits of the list from `first` on, `limit` of them. KS_OK: each one's status is its
 * own. Otherwise nothing was written, and the commits that passed their checks have no status yet.
 * */
static ks_status write_group(struct ks__embedded_log *log, struct ks__embedded_wait *first,
                             size_t limit, ks_error *error)
{
    struct ks__txn *txn;
    bool            any    = false;
    ks_status       status = ks__txn_begin_write(log->env, &txn, error);
    size_t          left   = limit;

    if (status != KS_OK)
        return status;
    for (struct ks__embedded_wait *w = first; w != NULL && left > 0 && status == KS_OK;
         w = w->next, left--) {
        w->status = check(log, txn, w->commit);
        if (w->status == KS_EFENCED)
            continue;
        status = w->status == KS_OK ? apply(log, txn, w->commit) : w->status;
        any    = true;
    }
    if (status != KS_OK || !any) {
        ks__txn_abort(txn);
        return status;
    }
    return ks__txn_commit(txn);
}

static void write_singly(struct ks__embedded_log *log, struct ks__embedded_wait *list)
{
    for (struct ks__embedded_wait *w = list; w != NULL; w = w->next) {
        ks_status status = write_group(log, w, 1, w->commit->error);

        if (status != KS_OK)
            w->status = ks__error_set(w->commit->error, status, "commit: %s",
                                      ks_status_text(status));
    }
}

/* Tell readers, here and in other processes. */
static void publish(struct ks__embedded_log *log, const struct ks__embedded_wait *list)
{
    struct ks__poke pokes[KS__POKE_LIMIT];
    size_t          count = 0;

    for (const struct ks__embedded_wait *w = list; w != NULL; w = w->next)
        for (struct ks__staged *s = w->commit->staged; w->status == KS_OK && s != NULL;
             s = s->next) {
            s->end = s->base + (int64_t)s->records;
            ks__embedded_publish(log, s->topic, s->partition, s->end);
            if (s->topic->compacted)
                ks__embedded_compact_due(log, s->topic, s->partition, s->end);
            if (count < KS__POKE_LIMIT)
                pokes[count] = (struct ks__poke){ ((struct ks__embedded_topic *)s->topic)->id,
                                                  s->partition, s->end };
            count++;
        }
    if (count > 0)
        ks__waiters_poke(&log->waiters, pokes, count);
}

static void write_all(struct ks__embedded_log *log, struct ks__embedded_wait *list)
{
    ks_error error = { .status = KS_OK };

    if (write_group(log, list, SIZE_MAX, &error) != KS_OK)
        write_singly(log, list);
    publish(log, list);
}

/* ---- the queue ---- */

ks_status ks__embedded_commit(struct ks__local_log *base, struct ks__local_commit *commit)
{
    struct ks__embedded_log *log = (struct ks__embedded_log *)base;
    struct ks__embedded_wait mine = { .commit = commit };

    ks__mutex_lock(&log->queue_mutex);
    *log->queue_end = &mine;
    log->queue_end  = &mine.next;
    while (!mine.decided && log->writing)
        ks__condition_wait(&log->decided, &log->queue_mutex);
    if (!mine.decided) {
        struct ks__embedded_wait *list = log->queue, *next;

        log->queue     = NULL;
        log->queue_end = &log->queue;
        log->writing   = true;
        ks__mutex_unlock(&log->queue_mutex);
        write_all(log, list);
        ks__mutex_lock(&log->queue_mutex);
        for (; list != NULL; list = next) {
            next          = list->next;     /* gone once its thread sees that it is decided */
            list->decided = true;
        }
        ks__condition_broadcast(&log->decided);
        if (log->compaction != NULL) {          /* a step of it, while those who were told go on */
            ks__mutex_unlock(&log->queue_mutex);
            ks__embedded_compact_step(log);
            ks__mutex_lock(&log->queue_mutex);
        }
        log->writing = false;
        ks__condition_broadcast(&log->decided);
    }
    ks__mutex_unlock(&log->queue_mutex);
    return mine.status;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * commit.c - group commit: commits that wait are applied in one transaction.
 *
 *      list of queue.c   commit commit commit call commit commit
 *      transactions      `------- 1 --------' `2-' `---- 3 ----'
 *
 * Each commit is checked inside the transaction; one that is stale fails alone. When the
 * transaction itself fails, every commit of the group is tried alone, so that one that is too large
 * does not take the others with it.
 *
 * Threads: the one that writes (queue.c).
 */
#include "log/embedded/embedded.h"

/* ---- one commit, inside a transaction ---- */

static ks_status check_epoch(struct ks__embedded_log *log, struct ks__txn *txn,
                             const struct ks__local_commit *commit)
{
    int64_t   epoch;
    ks_status status = ks__row_get_epoch(log, txn, commit->transactional_id, &epoch);

    if (status != KS_OK || epoch == commit->epoch)
        return status;
    return ks__local_fenced(commit);
}

static ks_status check_generation(struct ks__embedded_log *log, struct ks__txn *txn,
                                  const struct ks__local_commit *commit)
{
    struct ks__group group;
    bool             found;
    ks_status        status = ks__row_get_group(log, txn, commit->group, &group, &found);

    if (status == KS_OK)
        status = ks__local_check_member(found ? &group : NULL, commit);
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

/* Append to one partition; where that ends is in `end` afterwards. */
static ks_status append(struct ks__embedded_log *log, struct ks__txn *txn,
                        struct ks__appends *appends)
{
    uint32_t  topic = ((struct ks__embedded_topic *)appends->topic)->id;
    int64_t   offset;
    ks_status status = ks__row_bounds(log, txn, topic, appends->partition, NULL, &offset);

    for (const struct ks__segment *s = appends->first; s != NULL && status == KS_OK; s = s->next) {
        uint8_t key[KS__RECORD_KEY_BYTES];

        ks__record_key(key, topic, appends->partition, offset);
        status = ks__chunk_encode(&log->scratch, s);
        if (status == KS_OK)
            status = ks__txn_put(txn, log->records, (ks_bytes){ key, sizeof(key) },
                                 ks__buffer_bytes(&log->scratch));
        offset += s->count;
    }
    appends->end = offset;
    return status;
}

static ks_status apply(struct ks__embedded_log *log, struct ks__txn *txn,
                       const struct ks__local_commit *commit)
{
    ks_status status = KS_OK;

    for (struct ks__appends *s = commit->appends; s != NULL && status == KS_OK; s = s->next)
        status = append(log, txn, s);
    for (size_t i = 0; i < commit->position_count && status == KS_OK; i++)
        status = ks__row_put_position(log, txn, commit->group, &commit->positions[i]);
    return status;
}

/* ---- a group ---- */

/* Commits of the list, from `first` to before `end`. */
struct group {
    struct ks__handover *first, *end;
};

/* KS_OK: each one's status is its own. Otherwise nothing was written, and the commits that passed
 * their checks have no status yet. */
static ks_status write_group(struct ks__embedded_log *log, struct group group, ks_error *error)
{
    struct ks__txn *txn;
    bool            any    = false;
    ks_status       status = ks__txn_begin_write(log->env, &txn, error);

    if (status != KS_OK)
        return status;
    for (struct ks__handover *h = group.first; h != group.end && status == KS_OK; h = h->next) {
        h->status = check(log, txn, h->commit);
        if (h->status == KS_EFENCED)
            continue;
        status = h->status == KS_OK ? apply(log, txn, h->commit) : h->status;
        any    = true;
    }
    if (status != KS_OK || !any) {
        ks__txn_abort(txn);
        return status;
    }
    return ks__txn_commit(txn);
}

static void write_singly(struct ks__embedded_log *log, struct group group)
{
    for (struct ks__handover *h = group.first; h != group.end; h = h->next) {
        ks_status status;

        ks__error_clear(&h->error);
        status = write_group(log, (struct group){ h, h->next }, &h->error);
        if (status != KS_OK)
            h->status = ks__error_set(&h->error, status, "commit: %s", ks_status_text(status));
    }
}

/* Tell readers, here and in other processes. */
static void publish(struct ks__embedded_log *log, struct group group)
{
    struct ks__poke pokes[KS__POKE_LIMIT];
    size_t          count = 0;

    for (const struct ks__handover *h = group.first; h != group.end; h = h->next)
        for (struct ks__appends *s = h->commit->appends; h->status == KS_OK && s != NULL;
             s = s->next) {
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

void ks__embedded_write(struct ks__embedded_log *log, struct ks__handover *list)
{
    while (list != NULL) {
        struct group group = { list, list };
        ks_error     error = { .status = KS_OK };

        while (group.end != NULL && group.end->commit != NULL)
            group.end = group.end->next;
        if (group.end == group.first) {
            list->status = list->call(&log->base, list);
            list         = list->next;
            continue;
        }
        if (write_group(log, group, &error) != KS_OK)
            write_singly(log, group);
        publish(log, group);
        list = group.end;
    }
}

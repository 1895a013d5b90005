/* SPDX-License-Identifier: Apache-2.0
 *
 * expiry.h - rows of a key-value store with a time to live.
 *
 *      put --first of its key, or earlier than before--> index [time, 8][key]
 *      stream time --past time + ttl of the first entry--> its row: not later -> deleted
 *                                                                   later     -> entry at its time
 *                                                                   gone      -> nothing
 *
 * A row is dead once the stream time of the task is past its timestamp + ttl: every read hides it
 * from then on, whether it has been deleted yet or not. So that snapshots hide the same rows, the
 * time below which rows are dead is kept with the state ("horizon/STORE").
 *
 * Invariants
 *   X1  Every row has an entry in the index that is not later than the row. An update costs one
 *       only if its time goes back; entries that are no longer needed go when they are due.
 *   X2  Index and rows are written, dropped and restored together.
 *   X3  An entry is due exactly when a row of its time is dead: time < stream time - ttl. The sum
 *       time + ttl may not fit, and stopped at INT64_MAX it would be reached too early.
 *
 * Threads: the task's.
 */
#ifndef KS_STATE_EXPIRY_H
#define KS_STATE_EXPIRY_H

#include "state/parts.h"

struct ks__expiry {
    struct ks_kv_store   *index;
    struct ks__store_spec index_spec;
    int64_t               ttl_ms;
    bool                  known;    /* the next member is right */
    int64_t               first_ms; /* time of the first entry; INT64_MAX = none */
    int64_t               kept_ms;  /* the horizon as it is kept; INT64_MIN = not known */
    struct ks__buffer     from;     /* no entry lies before; empty = look from the begin */
    struct ks__buffer     next;     /* none but those added since lies before; empty = unknown */
    size_t                added;    /* so many of them are left before `next` */
    ks__kv_expire_fn     *fn;       /* NULL = rows are just deleted */
    void                 *user;
};

/* Give a store that is being opened what it needs; NULL in store->expiry if it has no ttl. */
ks_status ks__expiry_open(struct ks_kv_store *store, ks_error *error);
void      ks__expiry_free(struct ks_kv_store *store);
/* Rows with a smaller timestamp are dead; INT64_MIN = none is. */
int64_t ks__expiry_horizon(const struct ks_kv_store *store);
/* A row is about to be put. */
void ks__expiry_note(struct ks_kv_store *store, const struct ks__kv_slot *slot,
                     const struct ks__row *row);
/* Keep the horizon, before a seal. */
void ks__expiry_keep(struct ks_kv_store *store);
/* What is remembered beside the state may be wrong now. */
void ks__expiry_forget(struct ks_kv_store *store);
/* A row that comes straight from the changelog. */
ks_status ks__expiry_restore(struct ks__disk_writer *index, const struct ks_kv_store *store,
                             ks_bytes key, int64_t timestamp_ms, ks_error *error);

#endif

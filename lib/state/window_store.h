/* SPDX-License-Identifier: Apache-2.0
 *
 * window_store.h - what operators see of a window or session store.
 *
 *      window    a row per key and start (join stores: per put)        time = start
 *      session   a row per key, start and end                          time = end
 *
 * The handles are those of key-value stores (state/store.h) whose spec is of the kind. Rows are
 * lent and iterators see what S1 and S2 say; a row that retention hides is absent for every read.
 *
 * Rows of an iterator have the plain key, and `window` set.
 * Threads: the task's.
 */
#ifndef KS_STATE_WINDOW_STORE_H
#define KS_STATE_WINDOW_STORE_H

#include "state/store.h"

/* Where a row was found, so that the put that follows need not look again. To the end of the
 * record. */
struct ks__window_slot {
    struct ks__kv_slot kv;
    ks_bytes           key;     /* borrowed */
    int64_t            time_ms;
    int64_t            start_ms; /* sessions */
};

/* ---- window stores ---- */

/* False, and `*row` cleared, when there is none. */
bool ks__window_find(struct ks_kv_store *store, ks_bytes key, int64_t start_ms,
                     struct ks__window_slot *slot, struct ks__row *row);
/* A null value deletes; in a store with duplicates it does nothing. */
void ks__window_put_slot(struct ks_kv_store *store, struct ks__window_slot *slot,
                         const struct ks__row *row);
void ks__window_put(struct ks_kv_store *store, ks_bytes key, int64_t start_ms,
                    const struct ks__row *row);
/* Rows of one key with a start in [from, to], by start, then arrival. */
ks_iter *ks__window_fetch(struct ks_kv_store *store, ks_bytes key, int64_t from_ms, int64_t to_ms,
                          ks_order order);

/* ---- session stores ---- */

bool ks__session_find(struct ks_kv_store *store, ks_bytes key, ks_window session,
                      struct ks__window_slot *slot, struct ks__row *row);
void ks__session_put(struct ks_kv_store *store, ks_bytes key, ks_window session,
                     const struct ks__row *row);
/* Sessions of one key with end >= end_from and start <= start_to, by end. */
ks_iter *ks__session_fetch(struct ks_kv_store *store, ks_bytes key, int64_t end_from_ms,
                           int64_t start_to_ms, ks_order order);

/* May a record join a closed session that ends then? Not if Kafka Streams' retention hides it,
 * whatever is kept longer here: its final result is sent. To be asked before the put. */
bool ks__session_merges(struct ks_kv_store *store, int64_t end_ms);

/* ---- both ---- */

/* Rows of all keys (from, to inclusive; null = open) with a time in [from_ms, to_ms]. */
ks_iter *ks__window_all(struct ks_kv_store *store, ks_bytes key_from, ks_bytes key_to,
                        int64_t from_ms, int64_t to_ms, ks_order order);
/* Rows of all keys with a time in the range, by time (sessions: end, start), then key. Only for
 * stores with an index (spec->by_time). What is owed as a final result is seen also if retention
 * hides it; with Kafka's retention only the row on the edge, and all sessions. */
ks_iter *ks__window_by_time(struct ks_kv_store *store, int64_t from_ms, int64_t to_ms);

/* A holder (0 .. spec->holders - 1) is done with all that a stream time of `time_ms` closes. */
void ks__window_release(struct ks_kv_store *store, unsigned holder, int64_t time_ms);

/* The largest time of a row put so far, -1 = none. On another host that of the changelog. */
int64_t ks__window_time(struct ks_kv_store *store);

/* As ks__kv_on_flush(). */
typedef void ks__window_flush_fn(void *user, ks_bytes key, ks_window window,
                                 const struct ks__row *now, const struct ks__row *before);
void ks__window_on_flush(struct ks_kv_store *store, ks__window_flush_fn *fn, void *user);

#endif

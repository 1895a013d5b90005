/* SPDX-License-Identifier: Apache-2.0
 *
 * versioned.h - what operators see of a versioned store: the history of each key.
 *
 *      key a     x@10 ──── deleted@25 ─ y@30 ────>        as of 20: x    as of 27: none    now: y
 *
 * A version is valid from its time up to that of the next. The time of the store is the largest
 * that was put; a put more than `history` before it is refused, and what ended so long ago is
 * forgotten. The handle is that of a key-value store (state/store.h) whose spec is of the kind.
 *
 * Invariants
 *   VS1  A put goes to its place in time; the same time replaces. A deletion is a version too.
 *   VS2  The latest version can be read at any age, older ones back to the time of the store less
 *        the history.
 *   VS3  The changelog has the puts as they came, as that of Kafka Streams; restoring puts them
 *        again.
 *
 * Threads: the task's.
 */
#ifndef KS_STATE_VERSIONED_H
#define KS_STATE_VERSIONED_H

#include "state/store.h"

/* Put a version at row->timestamp_ms; a null value is a deletion. The answer is the time at which
 * it ends: KS_VALID_NOW = it is the latest, KS_NOT_PUT = refused. */
int64_t ks__versioned_put(struct ks_kv_store *store, ks_bytes key, const struct ks__row *row);
/* The latest version; false, and `*out` cleared, if there is none or it is a deletion. */
bool ks__versioned_get(struct ks_kv_store *store, ks_bytes key, ks_versioned *out);
/* That which was valid at a time. */
bool ks__versioned_as_of(struct ks_kv_store *store, ks_bytes key, int64_t as_of_ms,
                         ks_versioned *out);
/* The versions that were valid at some time of [from, to], deletions left out, by their start. A
 * row's window is [start, end), the end of the latest KS_VALID_NOW. */
ks_iter *ks__versioned_history(struct ks_kv_store *store, ks_bytes key, int64_t from_ms,
                               int64_t to_ms, ks_order order);
/* As ks__versioned_put() without a word to the changelog. */
void ks__versioned_restore(struct ks_kv_store *store, ks_bytes key, const struct ks__row *row);

#endif

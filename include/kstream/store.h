/* SPDX-License-Identifier: Apache-2.0
 *
 * store.h - state stores inside callbacks, and the rows of queries.
 *
 * One row type for all: ks_record (key, value, timestamp, headers; window in window and session
 * stores). Rows are lent to the end of the record, even if the same key is written again meanwhile.
 * Keys are ordered by unsigned bytes, a key before those that it begins. A failure is kept in the
 * context and fails the record; the calls give false or nothing then. All accept NULL, which is an
 * empty store that takes nothing.
 *
 * Stores come from ks_ctx_kv_store() and its like, looked up in `open`, and are the task's: there
 * is no lock. The same calls serve ks_driver_kv_store() and its like in tests; there failures are
 * kept in the driver, and rows live to its next call. From other threads: query.h.
 *
 *      for (ks_record row; ks_iter_next(it, &row);)
 *          if (is_old(&row))
 *              ks_kv_store_delete(store, row.key);       // allowed while iterating
 */
#ifndef KSTREAM_STORE_H
#define KSTREAM_STORE_H

#include <kstream/record.h>

typedef struct ks_kv_store        ks_kv_store;
typedef struct ks_window_store    ks_window_store;    /* a row per key and start of a window */
typedef struct ks_session_store   ks_session_store;   /* a row per key and session */
typedef struct ks_versioned_store ks_versioned_store; /* the history of each key */
typedef struct ks_iter            ks_iter;

typedef enum ks_order { KS_ASCENDING = 0, KS_DESCENDING = 1 } ks_order;

/**
 * Read the row of a key; false, and `*row` zeroed, if there is none.
 *
 * Ownership: lends to the end of the record.
 * Threads:   inside the callbacks of the operator that the store is connected to.
 * Errors:    kept in ctx: KS_EINVAL for a null key, KS_EIO, KS_ECORRUPT.
 * Kafka:     TimestampedKeyValueStore#get.
 * Since:     0.1
 */
KS_API bool ks_kv_store_get(ks_kv_store *store, ks_bytes key, ks_record *row);

/**
 * Write a row (a null value deletes it), with the time of the record or punctuation being
 * processed; or with the time and headers of `row` (put_record); or only if there is none (true =
 * there was none).
 *
 * Reads of this task see it at once, the changelog with the next commit. To delete what is not
 * there is fine.
 *
 * Ownership: copies key and value.
 * Threads:   as ks_kv_store_get().
 * Errors:    kept in ctx: KS_EINVAL for a null key, KS_ESTATE for a global store, KS_ETOOBIG,
 *            KS_ENOMEM.
 * Kafka:     KeyValueStore#put, putIfAbsent, delete.
 * Since:     0.1
 */
KS_API void ks_kv_store_put(ks_kv_store *store, ks_bytes key, ks_bytes value);
KS_API void ks_kv_store_put_record(ks_kv_store *store, const ks_record *row);
KS_API bool ks_kv_store_put_if_absent(ks_kv_store *store, ks_bytes key, ks_bytes value);
KS_API void ks_kv_store_delete(ks_kv_store *store, ks_bytes key);

/**
 * Iterate over the keys from `from` to `to` (both inclusive, null = open), over all, or over a
 * prefix (null = all), in the order of keys or against it.
 *
 * An iterator sees the store as it was when it was opened; writing while iterating is fine. A range
 * that ends before it begins is empty.
 *
 * Ownership: lends; closed at the end of the record, or earlier by ks_iter_close().
 * Threads:   as ks_kv_store_get().
 * Errors:    NULL (which iterates over nothing), kept in ctx.
 * Kafka:     KeyValueStore#range, reverseRange, all, reverseAll, prefixScan.
 * Since:     0.1
 */
KS_API ks_iter *ks_kv_store_range(ks_kv_store *store, ks_bytes from, ks_bytes to, ks_order order);
KS_API ks_iter *ks_kv_store_all(ks_kv_store *store, ks_order order);
KS_API ks_iter *ks_kv_store_prefix(ks_kv_store *store, ks_bytes prefix, ks_order order);

/**
 * Estimate the number of rows; exact when nothing is uncommitted and no row has outlived its ttl.
 *
 * Ownership: none.
 * Threads:   as ks_kv_store_get().
 * Errors:    0, kept in ctx.
 * Kafka:     KeyValueStore#approximateNumEntries.
 * Since:     0.1
 */
KS_API uint64_t ks_kv_store_count(ks_kv_store *store);

/**
 * Read the row of a key and a window's start; write or delete it (a null value deletes).
 *
 * Rows can be read until the store has seen a start that is a retention later; a put that comes
 * after that is dropped and counted. Row times are those of the record or punctuation being
 * processed; `row->window` is [start, start + `.size_ms`). In a store with duplicates a put never
 * replaces, and get gives nothing.
 *
 * Ownership: as for key-value stores.
 * Threads:   as ks_kv_store_get().
 * Errors:    kept in ctx: KS_EINVAL for a null key or a negative start, else as ks_kv_store_put().
 * Kafka:     WindowStore#fetch(key, time), put(key, value, windowStart).
 * Since:     0.1
 */
KS_API bool ks_window_store_get(ks_window_store *store, ks_bytes key, int64_t start_ms,
                                ks_record *row);
KS_API void ks_window_store_put(ks_window_store *store, ks_bytes key, ks_bytes value,
                                int64_t start_ms);
KS_API void ks_window_store_delete(ks_window_store *store, ks_bytes key, int64_t start_ms);

/**
 * Iterate over the rows of one key, or of a range of keys (inclusive, null = open), whose start
 * lies in [starts.start_ms, starts.end_ms], by key, then start, then arrival.
 *
 * `row.key` is the plain key, `row.window` the window.
 *
 * Ownership: as ks_kv_store_range().
 * Threads:   as ks_kv_store_get().
 * Errors:    NULL, kept in ctx.
 * Kafka:     WindowStore#fetch, backwardFetch, fetchAll, all.
 * Since:     0.1
 */
KS_API ks_iter *ks_window_store_fetch(ks_window_store *store, ks_bytes key, int64_t from_ms,
                                      int64_t to_ms, ks_order order);
KS_API ks_iter *ks_window_store_range(ks_window_store *store, ks_bytes from, ks_bytes to,
                                      ks_window starts, ks_order order);
KS_API ks_iter *ks_window_store_all(ks_window_store *store, ks_order order);

/**
 * Read, write or delete (a null value) the row of a key and a session.
 *
 * Rows can be read until the store has seen an end that is a retention later; a put that comes
 * after that is dropped and counted.
 *
 * Ownership: as for key-value stores.
 * Threads:   as ks_kv_store_get().
 * Errors:    kept in ctx: KS_EINVAL for a null key or a session that ends before it starts, else as
 *            ks_kv_store_put().
 * Kafka:     SessionStore#fetchSession, put, remove.
 * Since:     0.1
 */
KS_API bool ks_session_store_get(ks_session_store *store, ks_bytes key, ks_window session,
                                 ks_record *row);
KS_API void ks_session_store_put(ks_session_store *store, ks_bytes key, ks_window session,
                                 ks_bytes value);
KS_API void ks_session_store_delete(ks_session_store *store, ks_bytes key, ks_window session);

/**
 * Iterate over the sessions of a key that end at `end_from_ms` or later and start at `start_to_ms`
 * or earlier (both inclusive: what overlaps or touches [end_from_ms, start_to_ms]), by end, then
 * start; or over all sessions of a range of keys (inclusive, null = open), by key, end, start.
 *
 * Ownership: as ks_kv_store_range().
 * Threads:   as ks_kv_store_get().
 * Errors:    NULL, kept in ctx.
 * Kafka:     SessionStore#findSessions, backwardFindSessions, fetch.
 * Since:     0.1
 */
KS_API ks_iter *ks_session_store_find(ks_session_store *store, ks_bytes key, int64_t end_from_ms,
                                      int64_t start_to_ms, ks_order order);
KS_API ks_iter *ks_session_store_range(ks_session_store *store, ks_bytes from, ks_bytes to,
                                       ks_order order);

/* A version of a key: valid from its timestamp, until (exclusive) another one. */
typedef struct ks_versioned {
    ks_bytes value;
    int64_t  timestamp_ms;
    int64_t  valid_to_ms; /* KS_VALID_NOW = it is the latest */
} ks_versioned;

#define KS_VALID_NOW INT64_MAX
#define KS_NOT_PUT   INT64_MIN

/**
 * Read the latest version of a key, or the one that was valid at a time.
 *
 * False, and `*version` zeroed, if there is none, if it is a deletion, or if it ended longer ago
 * than the history of the store; the latest version can be read at any age.
 *
 * Ownership: lends to the end of the record.
 * Threads:   as ks_kv_store_get().
 * Errors:    kept in ctx: KS_EINVAL for a null key, KS_EIO, KS_ECORRUPT.
 * Kafka:     VersionedKeyValueStore#get(key), get(key, asOfTimestamp).
 * Since:     0.1
 */
KS_API bool ks_versioned_store_get(ks_versioned_store *store, ks_bytes key, ks_versioned *version);
KS_API bool ks_versioned_store_as_of(ks_versioned_store *store, ks_bytes key, int64_t as_of_ms,
                                     ks_versioned *version);

/**
 * Iterate over the versions of a key that were valid at some time of [from_ms, to_ms], by the time
 * at which they begin; deletions are left out, and what is older than the history.
 *
 * `row.timestamp_ms` and `row.window->start_ms` are where a version begins, `row.window->end_ms` is
 * where it ends (exclusive), KS_VALID_NOW for the latest. All: 0 to INT64_MAX.
 *
 * Ownership: as ks_kv_store_range().
 * Threads:   as ks_kv_store_get().
 * Errors:    NULL, kept in ctx: KS_EINVAL for a null key, or a time that ends before it begins.
 * Kafka:     MultiVersionedKeyQuery, VersionedRecordIterator; KIP-968.
 * Since:     0.1
 */
KS_API ks_iter *ks_versioned_store_history(ks_versioned_store *store, ks_bytes key,
                                           int64_t from_ms, int64_t to_ms, ks_order order);

/**
 * Put a version at its place in time; a null value is a deletion. The same time replaces.
 *
 * The answer is the time at which it ends: KS_VALID_NOW = it is the latest, KS_NOT_PUT = it is
 * older than the history of the store allows: nothing was written, the put is counted as a drop.
 *
 * Ownership: copies key and value.
 * Threads:   as ks_kv_store_get().
 * Errors:    KS_NOT_PUT, kept in ctx: KS_EINVAL for a null key or a negative time, else as
 *            ks_kv_store_put().
 * Kafka:     VersionedKeyValueStore#put, delete(key, timestamp), which returns what it deletes.
 * Since:     0.1
 */
KS_API int64_t ks_versioned_store_put(ks_versioned_store *store, ks_bytes key, ks_bytes value,
                                      int64_t timestamp_ms);
KS_API int64_t ks_versioned_store_delete(ks_versioned_store *store, ks_bytes key,
                                         int64_t timestamp_ms);

/**
 * Step an iterator: true and the next row, or false at the end (and for NULL). Closing is needed
 * only to give memory and pages back early; a closed iterator must not be used.
 *
 * Ownership: in a callback rows live to the end of the record, in a snapshot to ks_snapshot_free(),
 *            in the test driver to the next pipe or advance.
 * Threads:   that of its store or snapshot.
 * Errors:    false; kept where the iterator came from.
 * Kafka:     KeyValueIterator#next.
 * Since:     0.1
 */
KS_API bool ks_iter_next(ks_iter *it, ks_record *row);
KS_API void ks_iter_close(ks_iter *it);

#endif

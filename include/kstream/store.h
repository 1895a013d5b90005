/* SPDX-License-Identifier: Apache-2.0
 *
 * store.h - state stores inside callbacks, and the rows of queries.
 *
 * One row type for all: ks_record (value, timestamp, headers, window). Rows are lent to the end of
 * the record, even if the same key is written again meanwhile. Keys are ordered by unsigned bytes,
 * shorter first. A failure is kept in the context; the calls give false or nothing then. All accept
 * NULL.
 *
 *      for (ks_record row; ks_iter_next(it, &row);)
 *          if (is_old(&row))
 *              ks_kv_store_delete(store, row.key);       // allowed while iterating
 */
#ifndef KSTREAM_STORE_H
#define KSTREAM_STORE_H

#include <kstream/record.h>

typedef struct ks_kv_store ks_kv_store;
typedef struct ks_iter     ks_iter;

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
 * written).
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
 * prefix.
 *
 * An iterator sees the store as it was when it was opened.
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
 * Estimate the number of rows; exact when nothing is uncommitted.
 *
 * Ownership: none.
 * Threads:   as ks_kv_store_get().
 * Errors:    0, kept in ctx.
 * Kafka:     KeyValueStore#approximateNumEntries.
 * Since:     0.1
 */
KS_API uint64_t ks_kv_store_count(ks_kv_store *store);

/**
 * Step an iterator: true and the next row, or false at the end (and for NULL).
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

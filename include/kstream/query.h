/* SPDX-License-Identifier: Apache-2.0
 *
 * query.h - read the stores of a running app from any thread, without stopping it.
 *
 * A snapshot is a view of one store over all partitions of this instance, or some; each partition
 * is as it was at one moment. Rows of one partition come in key order, partition after
 * partition. A global store is one partition, 0.
 *
 *      ks_snapshot *snapshot;
 *      if (ks_app_snapshot(app, "counts", NULL, &snapshot) == KS_OK) {
 *          ks_record row;
 *          if (ks_snapshot_get(snapshot, KS_TEXT("kafka"), &row))
 *              printf("%" PRId64 "\n", ks_bytes_i64(row.value, 0));
 *      }
 *      ks_snapshot_free(snapshot);
 *
 * Every kind of store of the library can be read, with the calls of its kind; a snapshot of another
 * kind answers nothing and KS_ETYPE. What retention hides from operators is hidden here too.
 *
 * Committed (default): what lies in LMDB, at most the larger of commit.interval.ms and
 * state.flush.ms old; never waits. Fresh: everything processed so far, committed or not; the view
 * is taken on the owning thread between two batches. A snapshot pins pages of the database: keep it
 * for seconds, not for ever.
 */
#ifndef KSTREAM_QUERY_H
#define KSTREAM_QUERY_H

#include <kstream/app.h>
#include <kstream/options.h>
#include <kstream/store.h>

typedef struct ks_snapshot ks_snapshot;

typedef enum ks_freshness { KS_COMMITTED = 0, KS_FRESH = 1 } ks_freshness;

typedef struct ks_queried {
    size_t       struct_size KS_SIZEOF(ks_queried);
    const char  *site KS_ZERO;
    ks_freshness freshness KS_ZERO;
    int          timeout_ms KS_ZERO; /* of fresh, and of `seen`; 0 = 1000 */
    const int32_t *partitions KS_ZERO; /* only these; borrowed for the call */
    size_t         partition_count KS_ZERO; /* 0 = all of this instance */
    const ks_origin *seen KS_ZERO; /* the effects of these records must be in it; borrowed */
    size_t           seen_count KS_ZERO;
} ks_queried;
#define KS_QUERIED(...) KS_LITERAL_(ks_queried, __VA_ARGS__)

/**
 * Open a snapshot of a store, by its name.
 *
 * Fresh, from the thread that steps the app, is taken inline; from another one it waits for the
 * step to end.
 *
 * With `seen` it is taken when every record named there, and all before it in its partition, has
 * been processed by the tasks of the store, for KS_COMMITTED also committed to LMDB: so who has
 * written a record reads what it did. The topics are those that the tasks of the store read, which
 * is a repartition topic where there is one. Until then the call waits, at most `timeout_ms`, which
 * for KS_COMMITTED should be longer than commit.interval.ms and state.flush.ms together; in an app
 * that is stepped, and in callbacks, it does not wait: step on, and call again.
 *
 * Ownership: borrows `queried`; `*out` is freed with ks_snapshot_free(), before or after the app;
 *            NULL after a failure.
 * Threads:   any; the snapshot is used by one at a time.
 * Errors:    KS_ENOTFOUND for an unknown store, KS_EUNAVAILABLE while no task of it runs here
 *            (before the start, rebalance, restore, after the end) or one of the partitions is not
 *            here, KS_ETYPE for a store of your own, KS_EBUSY if so many snapshots of a task are
 *            open that LMDB has no place for a reader left: free some, call again; KS_ETIMEOUT if
 *            no thread answers in time or `seen` is not reached, KS_EINVAL for NULL, KS_ENOMEM:
 *            ks_app_call_error().
 * Kafka:     KafkaStreams#store, KafkaStreams#query (IQv2), PositionBound.
 * Since:     0.1
 */
KS_API ks_status ks_app_snapshot(ks_app *app, const char *store, const ks_queried *queried,
                                 ks_snapshot **out);
KS_API void      ks_snapshot_free(ks_snapshot *snapshot);

/**
 * Tell which records of the inputs are in the snapshot: the offset of the last one of a topic and
 * partition; or the n-th of all such positions.
 *
 * The offset may be one that the log has used for a mark of its own. Where a store was filled from
 * its changelog under exactly_once_v2, committed snapshots know positions from the first commit on.
 *
 * Ownership: lends the topic, until ks_snapshot_free().
 * Threads:   the snapshot's.
 * Errors:    false, and the output cleared (offset -1), for none: no input, not read so far, past
 *            the last.
 * Kafka:     QueryResult#getPosition, Position#getPartitionPositions.
 * Since:     0.1
 */
KS_API bool ks_snapshot_position(const ks_snapshot *snapshot, const char *topic, int32_t partition,
                                 int64_t *offset);
KS_API bool ks_snapshot_position_at(const ks_snapshot *snapshot, size_t n, ks_origin *position);

/**
 * Read a row, a range of keys (inclusive, null = open), all rows, their number.
 *
 * get and count are for key-value stores; range and all give the rows of window and session stores
 * as well, with `row.window` set. With KS_DESCENDING each partition comes from its end. The first
 * failure is kept: ks_snapshot_error() tells it for the rest of the snapshot's life, nothing clears
 * it, and other calls go on.
 *
 * Ownership: rows and iterators live until ks_snapshot_free().
 * Threads:   the snapshot's.
 * Errors:    false, NULL, 0; ks_snapshot_error(): KS_ETYPE for another kind of store.
 * Kafka:     ReadOnlyKeyValueStore#get, range, all, approximateNumEntries.
 * Since:     0.1
 */
KS_API bool            ks_snapshot_get(ks_snapshot *snapshot, ks_bytes key, ks_record *row);
KS_API ks_iter        *ks_snapshot_range(ks_snapshot *snapshot, ks_bytes from, ks_bytes to,
                                         ks_order order);
KS_API ks_iter        *ks_snapshot_all(ks_snapshot *snapshot, ks_order order);
KS_API uint64_t        ks_snapshot_count(ks_snapshot *snapshot);
KS_API const ks_error *ks_snapshot_error(const ks_snapshot *snapshot);

/**
 * Read a window store: the row of a key and a start; the rows of a key, or of a range of keys
 * (inclusive, null = open), whose start lies in a range of times (inclusive).
 *
 * Ownership: as ks_snapshot_get().
 * Threads:   the snapshot's.
 * Errors:    as ks_snapshot_get().
 * Kafka:     ReadOnlyWindowStore#fetch, backwardFetch, fetchAll, all; WindowKeyQuery,
 *            WindowRangeQuery.
 * Since:     0.1
 */
KS_API bool     ks_snapshot_window_get(ks_snapshot *snapshot, ks_bytes key, int64_t start_ms,
                                       ks_record *row);
KS_API ks_iter *ks_snapshot_window_fetch(ks_snapshot *snapshot, ks_bytes key, int64_t from_ms,
                                         int64_t to_ms, ks_order order);
KS_API ks_iter *ks_snapshot_window_range(ks_snapshot *snapshot, ks_bytes from, ks_bytes to,
                                         ks_window starts, ks_order order);

/**
 * Read a session store: one session; those of a key that end at `end_from_ms` or later and start at
 * `start_to_ms` or earlier (0 and INT64_MAX: all of the key).
 *
 * Ownership: as ks_snapshot_get().
 * Threads:   the snapshot's.
 * Errors:    as ks_snapshot_get().
 * Kafka:     ReadOnlySessionStore#fetchSession, findSessions, fetch; WindowRangeQuery.
 * Since:     0.1
 */
KS_API bool     ks_snapshot_session_get(ks_snapshot *snapshot, ks_bytes key, ks_window session,
                                        ks_record *row);
KS_API ks_iter *ks_snapshot_session_find(ks_snapshot *snapshot, ks_bytes key, int64_t end_from_ms,
                                         int64_t start_to_ms, ks_order order);

/**
 * Read a versioned store: the latest version of a key, the one that was valid at a time, or all
 * that were valid at some time of [from_ms, to_ms]: see ks_versioned_store_history().
 *
 * Ownership: as ks_snapshot_get().
 * Threads:   the snapshot's.
 * Errors:    as ks_snapshot_get(); KS_EINVAL for a time that ends before it begins.
 * Kafka:     VersionedKeyQuery, MultiVersionedKeyQuery.
 * Since:     0.1
 */
KS_API bool     ks_snapshot_versioned_get(ks_snapshot *snapshot, ks_bytes key,
                                          ks_versioned *version);
KS_API bool     ks_snapshot_versioned_as_of(ks_snapshot *snapshot, ks_bytes key, int64_t as_of_ms,
                                            ks_versioned *version);
KS_API ks_iter *ks_snapshot_versioned_history(ks_snapshot *snapshot, ks_bytes key, int64_t from_ms,
                                              int64_t to_ms, ks_order order);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * table.h - ks_table: a stream of changes, read as the latest row per key.
 *
 * A table has a store only if one was named, or if something downstream has to read or to retract
 * old rows; otherwise rows are computed from the parents when they are looked up. A record with a
 * null value is a deletion. Options are one struct: `.name` the operator, `.store` the store.
 *
 *      ks_table *large = ks_table_filter(balances, is_large, NULL,
 *                                        KS_MATERIALIZED(.store = "large"));
 */
#ifndef KSTREAM_TABLE_H
#define KSTREAM_TABLE_H

#include <kstream/builder.h>

typedef struct ks_grouped_table ks_grouped_table;

/**
 * Keep the rows for which `keep` holds (or, filter_not, does not); a row that leaves is a deletion.
 *
 * The function is never called for a deletion. Where nobody knows old rows, above a table without a
 * store, a deletion goes downstream for every row that does not pass; where they are known only for
 * one that passed before.
 *
 * Ownership: copies `materialized`; keeps `keep` and `user`.
 * Threads:   the builder's; `keep` runs on all stream threads.
 * Errors:    latches KS_EINVAL if `keep` is NULL.
 * Kafka:     KTable#filter, filterNot(Predicate, Named, Materialized); node KTABLE-FILTER-.
 * Since:     0.1
 */
KS_API ks_table *ks_table_filter(ks_table *t, ks_predicate_fn *keep, void *user,
                                 const ks_materialized *materialized);
KS_API ks_table *ks_table_filter_not(ks_table *t, ks_predicate_fn *drop, void *user,
                                     const ks_materialized *materialized);

/**
 * Change the value of each row; the function is never called for a deletion. KS_SKIP = null.
 *
 * Ownership: copies `materialized`; keeps `map` and `user`.
 * Threads:   the builder's; `map` runs on all stream threads.
 * Errors:    latches KS_EINVAL if `map` is NULL.
 * Kafka:     KTable#mapValues(ValueMapperWithKey, Named, Materialized); node KTABLE-MAPVALUES-.
 * Since:     0.1
 */
KS_API ks_table *ks_table_map_values(ks_table *t, ks_mapper_fn *map, void *user,
                                     const ks_materialized *materialized);

/**
 * Join two tables by key; each change on either side gives a change of the result.
 *
 * Inner: rows that are on both sides. Left: every left row; outer: every row of either side; the
 * absent side has a null value and timestamp -1. A row whose joiner gives null, or KS_SKIP, is a
 * deletion. The time of a result is the larger of both rows'. Both tables are read by the present
 * row, so their order of arrival counts, not their time; records of versioned tables that come out
 * of order are dropped. `.value` declares what the joiner makes.
 *
 * Ownership: copies `materialized`; keeps `join` and `user`.
 * Threads:   the builder's; `join` runs on all stream threads.
 * Errors:    latches KS_EINVAL if `join` is NULL or the tables are of two builders, KS_ETYPE if
 *            their keys differ; unequal numbers of partitions fail the app's start.
 * Kafka:     KTable#join, leftJoin, outerJoin(KTable, ValueJoiner, Named, Materialized); nodes
 *            KTABLE-MERGE-, KTABLE-JOINTHIS-, KTABLE-JOINOTHER-.
 * Since:     0.1
 */
KS_API ks_table *ks_table_join(ks_table *l, ks_table *r, ks_joiner_fn *join, void *user,
                               const ks_materialized *materialized);
KS_API ks_table *ks_table_left_join(ks_table *l, ks_table *r, ks_joiner_fn *join, void *user,
                                    const ks_materialized *materialized);
KS_API ks_table *ks_table_outer_join(ks_table *l, ks_table *r, ks_joiner_fn *join, void *user,
                                     const ks_materialized *materialized);

/**
 * Join each left row with the right row whose key is its foreign key; changes on either side count.
 *
 * `foreign` chooses the foreign key of a left row (`*io` comes in null; null = none). Inner: rows
 * with a right row; left: every left row. In the joiner left->key is the primary key, right->key
 * the foreign one, right->timestamp_ms the time of the result. A left row is sent to where its
 * right row is and the answer back, through two topics; an answer counts only if the left value has
 * not changed meanwhile, by bytes: `foreign` and values must be deterministic. The time of a result
 * is the larger of both rows', after a change on the right that of the right row alone. Deletions
 * may be sent for results that never were.
 *
 * Ownership: copies `options`; keeps the functions and `user`.
 * Threads:   the builder's; the functions run on all stream threads.
 * Errors:    latches KS_EINVAL if a function is NULL, KS_ETYPE if the left keys are windowed.
 * Kafka:     KTable#join, leftJoin(KTable, Function, ValueJoiner, TableJoined, Materialized); nodes
 *            KTABLE-FK-JOIN-.
 * Since:     0.1
 */
KS_API ks_table *ks_table_join_on(ks_table *l, ks_table *r, ks_selector_fn *foreign,
                                  ks_joiner_fn *join, void *user, const ks_table_joined *options);
KS_API ks_table *ks_table_left_join_on(ks_table *l, ks_table *r, ks_selector_fn *foreign,
                                       ks_joiner_fn *join, void *user,
                                       const ks_table_joined *options);

/**
 * Hold changes back and let only the last of each key leave: when a time has passed, or once its
 * window is final (KS_SUPPRESSED(.until_close = KS_ON)).
 *
 * Time is the largest timestamp of the changes that came; nothing leaves without a record, unless
 * idle.advance.ms is set. With a limit of 0 changes leave at once. The first change of a key starts
 * its time, later ones replace the change. Changes leave in the order of time, then key. Until a
 * window closes deletions do not leave; sliding windows and sessions may send a second final result
 * for a record that comes exactly at their end plus grace. The buffer is part of the state, so
 * without limits it grows on disk, not in memory.
 *
 * Ownership: copies `suppressed`.
 * Threads:   the builder's.
 * Errors:    latches KS_EINVAL without `.until_close` or `.limit_ms` (also for NULL), as Kafka
 *            Streams forces that choice; for a versioned table, a negative limit, and with
 *            `.until_close` for a table that is not in windows of time, for `.limit_ms`, and for
 *            `.full` that emits early. A full buffer that may not emit early fails the record:
 *            KS_EFULL.
 * Kafka:     KTable#suppress(Suppressed); node KTABLE-SUPPRESS-.
 * Since:     0.1
 */
KS_API ks_table *ks_table_suppress(ks_table *t, const ks_suppressed *suppressed);

/**
 * Choose another key, and perhaps another value, for each row, to aggregate by.
 *
 * The mapper sees every row that comes and every row that goes; rows for which it leaves a null key
 * or a null value are left out. It must give the same answer for the same row. The rows go through
 * a topic, which carries old and new value of a group as one record. `.key` and `.value` of the
 * options are those after the mapper.
 *
 * Ownership: copies `grouped`; keeps `map` and `user`.
 * Threads:   the builder's; `map` runs on all stream threads.
 * Errors:    latches KS_EINVAL if `map` is NULL.
 * Kafka:     KTable#groupBy(KeyValueMapper, Grouped); node KTABLE-SELECT-.
 * Since:     0.1
 */
KS_API ks_grouped_table *ks_table_group_by(ks_table *t, ks_mapper_fn *map, void *user,
                                           const ks_grouped *grouped);

/**
 * Change the value of each row by a function that may use stores, and that sees deletions, too.
 *
 * The function gets a null value for a deletion and may make a row of it; KS_SKIP = null. Without a
 * store of its own, the table calls it again whenever a row is looked up or retracted: it should
 * then give the same answer. Stores are found by ks_ctx_kv_store() and its like.
 *
 * Ownership: copies `connected`; keeps `map` and `user`.
 * Threads:   the builder's; `map` runs on all stream threads.
 * Errors:    latches KS_EINVAL if `map` is NULL; an unknown store is an error of the build.
 * Kafka:     KTable#transformValues(ValueTransformerWithKeySupplier, Materialized, Named, stores);
 *            node KTABLE-TRANSFORMVALUES-.
 * Since:     0.1
 */
KS_API ks_table *ks_table_transform_values(ks_table *t, ks_mapper_fn *map, void *user,
                                           const ks_table_connected *connected);

/**
 * Read the table as the stream of its changes; deletions are records with a null value.
 *
 * Ownership: copies `named`.
 * Threads:   the builder's.
 * Errors:    none of its own.
 * Kafka:     KTable#toStream(Named); node KTABLE-TOSTREAM-.
 * Since:     0.1
 */
KS_API ks_stream *ks_table_to_stream(ks_table *t, const ks_named *named);

/**
 * Name the store of a table, for queries; NULL if it has none by name.
 *
 * Ownership: lends; valid as long as the builder.
 * Threads:   the builder's.
 * Errors:    none.
 * Kafka:     KTable#queryableStoreName, GlobalKTable#queryableStoreName.
 * Since:     0.1
 */
KS_API const char *ks_table_store_name(const ks_table *t);
KS_API const char *ks_global_table_store_name(const ks_global_table *t);

#endif

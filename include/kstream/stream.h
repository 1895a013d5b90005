/* SPDX-License-Identifier: Apache-2.0
 *
 * stream.h - ks_stream: an unbounded sequence of records, every one an independent fact.
 *
 * Operators take a stream and give a new one; a stream may be used any number of times, each use
 * sees every record, in the order in which the uses were declared. Those that may change the key
 * (map, flat_map, select_key, process) mark the stream, and the next operator that needs equal keys
 * together (group_by_key, a join, to_table) first sends it through a repartition topic.
 *
 *      ks_stream *words = ks_stream_flat_map_values(lines, split, NULL, KS_NAMED("split"));
 *      ks_stream *long_words = ks_stream_filter(words, is_long, NULL, NULL);
 *      ks_stream_to(long_words, "long-words", KS_PRODUCED(.value = ks_serde_utf8()));
 *
 * For every function: options are copied; functions and `user` are kept (they must outlive the app,
 * see ks_builder_own()); callbacks run on all stream threads, so `user` is read-only or locked. A
 * NULL or poisoned handle gives an inert one; mistakes are latched in the builder with the call
 * site.
 */
#ifndef KSTREAM_STREAM_H
#define KSTREAM_STREAM_H

#include <kstream/builder.h>

typedef struct ks_split          ks_split;
typedef struct ks_grouped_stream ks_grouped_stream;

/**
 * Keep the records for which `keep` returns true (filter), or those for which it does not.
 *
 * `keep` sees every record, also with a null key or value, once per attempt, in partition order.
 * Key, value, timestamp and headers pass unchanged, so no repartition follows.
 *
 * Ownership: copies `named`; keeps `keep` and `user`.
 * Threads:   the builder's; `keep` runs on all stream threads.
 * Errors:    latches KS_EINVAL if `keep` is NULL.
 * Kafka:     KStream#filter, filterNot(Predicate, Named); node KSTREAM-FILTER-.
 * Since:     0.1
 */
KS_API ks_stream *ks_stream_filter(ks_stream *s, ks_predicate_fn *keep, void *user,
                                   const ks_named *named);
KS_API ks_stream *ks_stream_filter_not(ks_stream *s, ks_predicate_fn *drop, void *user,
                                       const ks_named *named);

/**
 * Change each record: `map` edits key, value, headers and timestamp of its private copy.
 *
 * The new key is plain (record->window is readable before, ignored after). A negative timestamp is
 * a processing error. KS_SKIP drops the record. The stream is marked for repartition.
 *
 * Ownership: copies `named`; keeps `map` and `user`. What the callback leaves must be arena, input,
 *            store or static bytes.
 * Threads:   the builder's; `map` runs on all stream threads.
 * Errors:    latches KS_EINVAL if `map` is NULL.
 * Kafka:     KStream#map(KeyValueMapper, Named); node KSTREAM-MAP-.
 * Since:     0.1
 */
KS_API ks_stream *ks_stream_map(ks_stream *s, ks_mapper_fn *map, void *user, const ks_named *named);

/**
 * Change the value (and headers) of each record; edits of key and timestamp are ignored.
 *
 * Null values are seen too. A windowed key stays windowed.
 *
 * Ownership: copies `named`; keeps `map` and `user`.
 * Threads:   the builder's; `map` runs on all stream threads.
 * Errors:    latches KS_EINVAL if `map` is NULL.
 * Kafka:     KStream#mapValues(ValueMapperWithKey, Named); node KSTREAM-MAPVALUES-.
 * Since:     0.1
 */
KS_API ks_stream *ks_stream_map_values(ks_stream *s, ks_mapper_fn *map, void *user,
                                       const ks_named *named);

/**
 * Make any number of records of each: `expand` calls ks_ctx_forward() for each of them, in order.
 *
 * Outputs have the timestamp and headers that the forwarded records say. flat_map_values forwards
 * with ks_ctx_forward_value(): key, timestamp and headers stay those of the input (other edits are
 * ignored). flat_map marks the stream for repartition, flat_map_values does not.
 *
 * Ownership: copies `named`; keeps `expand` and `user`; forwarded bytes are borrowed for the call.
 * Threads:   the builder's; `expand` runs on all stream threads.
 * Errors:    latches KS_EINVAL if `expand` is NULL.
 * Kafka:     KStream#flatMap, flatMapValues; nodes KSTREAM-FLATMAP-, KSTREAM-FLATMAPVALUES-.
 * Since:     0.1
 */
KS_API ks_stream *ks_stream_flat_map(ks_stream *s, ks_visitor_fn *expand, void *user,
                                     const ks_named *named);
KS_API ks_stream *ks_stream_flat_map_values(ks_stream *s, ks_visitor_fn *expand, void *user,
                                            const ks_named *named);

/**
 * Give each record a new key: `*io` comes in as the present key and leaves as the new one.
 *
 * Ownership: copies `named`; keeps `select` and `user`.
 * Threads:   the builder's; `select` runs on all stream threads.
 * Errors:    latches KS_EINVAL if `select` is NULL.
 * Kafka:     KStream#selectKey(KeyValueMapper, Named); node KSTREAM-KEY-SELECT-.
 * Since:     0.1
 */
KS_API ks_stream *ks_stream_select_key(ks_stream *s, ks_selector_fn *select, void *user,
                                       const ks_named *named);

/**
 * Look at each record and pass it on (peek), or look at it and end there (foreach).
 *
 * Side effects happen at least once per record: again when a record is tried again.
 *
 * Ownership: copies `named`; keeps `see` and `user`.
 * Threads:   the builder's; `see` runs on all stream threads.
 * Errors:    latches KS_EINVAL if `see` is NULL.
 * Kafka:     KStream#peek, foreach; nodes KSTREAM-PEEK-, KSTREAM-FOREACH-.
 * Since:     0.1
 */
KS_API ks_stream *ks_stream_peek(ks_stream *s, ks_visitor_fn *see, void *user,
                                 const ks_named *named);
KS_API void       ks_stream_foreach(ks_stream *s, ks_visitor_fn *see, void *user,
                                    const ks_named *named);

/**
 * Print each record as a line of text through a function that the caller gives.
 *
 * The line is "[label]: key, value" in the words of the serdes, NUL-terminated, without a newline,
 * and lent for the call. `label` NULL = the node's name.
 *
 * Ownership: copies `label` and `named`; keeps `line` and `user`.
 * Threads:   the builder's; `line` runs on all stream threads.
 * Errors:    latches KS_EINVAL if `line` is NULL.
 * Kafka:     KStream#print(Printed); node KSTREAM-PRINTER-.
 * Since:     0.1
 */
typedef void  ks_line_fn(const char *line, void *user);
KS_API void   ks_stream_print(ks_stream *s, const char *label, ks_line_fn *line, void *user,
                              const ks_named *named);

/**
 * Unite two streams into one that has the records of both; no order between the two is promised.
 *
 * Ownership: copies `named`.
 * Threads:   the builder's.
 * Errors:    latches KS_ETYPE if declared serdes differ, KS_EINVAL for streams of two builders.
 * Kafka:     KStream#merge(KStream, Named); node KSTREAM-MERGE-.
 * Since:     0.1
 */
KS_API ks_stream *ks_stream_merge(ks_stream *s, ks_stream *other, const ks_named *named);

/**
 * Split a stream: each record goes to the first branch whose predicate holds, else to the default
 * branch if there is one, else nowhere.
 *
 *      ks_split  *split = ks_stream_split(s, KS_NAMED("by-sign"));
 *      ks_stream *bad   = ks_split_branch(split, is_negative, NULL, KS_NAMED("bad"));
 *      ks_stream *good  = ks_split_default(split, NULL);
 *
 * A branch is named split name + branch name, or + its position from 1 (the default branch: 0).
 *
 * Ownership: copies `named`; keeps `belongs` and `user`; the split belongs to the builder.
 * Threads:   the builder's; `belongs` runs on all stream threads.
 * Errors:    latches KS_EINVAL if `belongs` is NULL, KS_ESTATE for a branch after the default.
 * Kafka:     KStream#split, BranchedKStream#branch, defaultBranch; node KSTREAM-BRANCH-.
 * Since:     0.1
 */
KS_API ks_split  *ks_stream_split(ks_stream *s, const ks_named *named);
KS_API ks_stream *ks_split_branch(ks_split *split, ks_predicate_fn *belongs, void *user,
                                  const ks_named *named);
KS_API ks_stream *ks_split_default(ks_split *split, const ks_named *named);

/**
 * Send the stream through a topic of its own, partitioned by key.
 *
 * Records with a null key do not come through.
 *
 * Ownership: copies `options`; keeps the partitioner and its user.
 * Threads:   the builder's.
 * Errors:    latches KS_ETOPOLOGY if the partition count contradicts another one that is fixed.
 * Kafka:     KStream#repartition(Repartitioned); topic <application.id>-<name>-repartition.
 * Since:     0.1
 */
KS_API ks_stream *ks_stream_repartition(ks_stream *s, const ks_repartitioned *options);

/**
 * Group by the present key, or by the key that `select` chooses; then count, reduce, aggregate
 * (group.h).
 *
 * group_by is select_key and group_by_key; records with a null key are left out.
 *
 * Ownership: copies `grouped`; keeps `select` and `user`.
 * Threads:   the builder's; `select` runs on all stream threads.
 * Errors:    latches KS_EINVAL if `select` is NULL.
 * Kafka:     KStream#groupByKey(Grouped), groupBy(KeyValueMapper, Grouped).
 * Since:     0.1
 */
KS_API ks_grouped_stream *ks_stream_group_by_key(ks_stream *s, const ks_grouped *grouped);
KS_API ks_grouped_stream *ks_stream_group_by(ks_stream *s, ks_selector_fn *select, void *user,
                                             const ks_grouped *grouped);

/**
 * Read the stream as a table: the latest record of a key is its row, a null value deletes it.
 *
 * Null keys are dropped and counted.
 *
 * Ownership: copies `materialized`.
 * Threads:   the builder's.
 * Errors:    none of its own.
 * Kafka:     KStream#toTable(Named, Materialized); node KSTREAM-TOTABLE-.
 * Since:     0.1
 */
KS_API ks_table *ks_stream_to_table(ks_stream *s, const ks_materialized *materialized);

/**
 * Join each record with the row of its key in a table; the left join also where there is none.
 *
 * Only the stream triggers. The row is the one of now, whatever its timestamp; the result has the
 * stream's key and timestamp. Null values are dropped and counted; a null key is dropped by the
 * inner join and gives an un-joined result in the left join.
 *
 * Ownership: copies `joined`; keeps `join` and `user`.
 * Threads:   the builder's; `join` runs on all stream threads.
 * Errors:    latches KS_EINVAL if `join` is NULL, KS_ETOPOLOGY if the inputs cannot be
 *            co-partitioned.
 * Kafka:     KStream#join, leftJoin(KTable, ValueJoinerWithKey, Joined); nodes KSTREAM-JOIN-,
 *            LEFTJOIN-.
 * Since:     0.1
 */
KS_API ks_stream *ks_stream_join_table(ks_stream *s, ks_table *t, ks_joiner_fn *join, void *user,
                                       const ks_joined *joined);
KS_API ks_stream *ks_stream_left_join_table(ks_stream *s, ks_table *t, ks_joiner_fn *join,
                                            void *user, const ks_joined *joined);

/**
 * Join each record with the row that `select` chooses in a global table; no repartition is needed.
 *
 * `*io` comes in as the stream's key; null = no row. right->key is the mapped key. Otherwise as
 * ks_stream_join_table(); the result keeps the stream's key.
 *
 * Ownership: copies `joined`; keeps the functions and `user`, which both get.
 * Threads:   the builder's; both functions run on all stream threads.
 * Errors:    latches KS_EINVAL if a function is NULL.
 * Kafka:     KStream#join, leftJoin(GlobalKTable, KeyValueMapper, ValueJoinerWithKey); KIP-1340.
 * Since:     0.1
 */
KS_API ks_stream *ks_stream_join_global(ks_stream *s, ks_global_table *t, ks_selector_fn *select,
                                        ks_joiner_fn *join, void *user, const ks_joined *joined);
KS_API ks_stream *ks_stream_left_join_global(ks_stream *s, ks_global_table *t,
                                             ks_selector_fn *select, ks_joiner_fn *join, void *user,
                                             const ks_joined *joined);

/**
 * Run a processor of your own; process_values promises to keep the key, so no repartition follows.
 *
 * One instance per task, opened and closed with it; connect its stores with KS_CONNECTED(.stores =
 * ...). In process_values forwarded records keep the key, whatever they say.
 *
 * Ownership: copies `processor` and `connected`; keeps `user`.
 * Threads:   the builder's; an instance runs on one thread at a time.
 * Errors:    latches KS_EINVAL without a process function, KS_ENOTFOUND for an unknown store.
 * Kafka:     KStream#process, processValues; nodes KSTREAM-PROCESSOR-, KSTREAM-PROCESSVALUES-.
 * Since:     0.1
 */
KS_API ks_stream *ks_stream_process(ks_stream *s, const ks_processor *processor, void *user,
                                    const ks_connected *connected);
KS_API ks_stream *ks_stream_process_values(ks_stream *s, const ks_processor *processor, void *user,
                                           const ks_connected *connected);

/**
 * Let the first record of each id pass, drop those of the same id that come within a time of it.
 *
 * `select` chooses the id: `*io` comes in as the key; NULL = the key is the id. Times are those of
 * the records, first is by arrival. `within_ms`: a record is dropped if one of its id has passed
 * whose time is at most so far from its own, before or after; those that were dropped do not count.
 * `window_ms`: the first in each window from a multiple of it. A record is too late once stream
 * time is past its time + within_ms (the end of its window) by more than `grace_ms`: nobody knows
 * any more; it is dropped and counted (late), or passes, as `pass_late` says. A null id is dropped
 * and counted (null-key).
 *
 *      ks_stream_distinct(payments, payment_id, NULL, KS_DISTINCT(.within_ms = 86400000));
 *
 * With `select` the stream goes through a topic that is partitioned by the id, and keeps its keys;
 * the next operator that needs equal keys together sends it through another one. Not so with
 * `repartition` KS_OFF, when equal ids have equal keys. `select` runs twice then, once for the
 * partition.
 *
 * Ownership: copies `distinct`; keeps `select` and `user`.
 * Threads:   the builder's; `select` runs on all stream threads.
 * Errors:    latches KS_EINVAL for a negative time, for none or both of `within_ms` and
 *            `window_ms`, and for `repartition` without `select`.
 * Kafka:     none yet (KIP-655). Node KSTREAM-DISTINCT-.
 * Since:     0.1
 */
KS_API ks_stream *ks_stream_distinct(ks_stream *s, ks_selector_fn *select, void *user,
                                     const ks_distinct *distinct);

/**
 * Write the stream to a topic, or to the topic that `choose` picks per record.
 *
 * Null keys and null values are written. `choose` gets a null `*io` and leaves the topic's name as
 * text; the topic must exist. Partition: the partitioner's, else murmur2 of the key, else (null
 * key) any. A null, illegal or missing topic and a partition that the topic has not are failures of
 * processing (KS_FAILURE_PROCESSING); what the log refuses is one of production.
 *
 * Ownership: copies the name and `produced`; keeps functions and users.
 * Threads:   the builder's; `choose` runs on all stream threads.
 * Errors:    latches KS_EINVAL for an illegal name, KS_ETYPE if declared serdes differ.
 * Kafka:     KStream#to(String, Produced), to(TopicNameExtractor, Produced); node KSTREAM-SINK-.
 * Since:     0.1
 */
KS_API void ks_stream_to(ks_stream *s, const char *topic, const ks_produced *produced);
KS_API void ks_stream_to_chosen(ks_stream *s, ks_selector_fn *choose, void *user,
                                const ks_produced *produced);

/**
 * Join the records of two streams that have equal keys and lie close in time.
 *
 * Every record is kept for the width of the windows and joined with all that are there from the
 * other side; the result has the larger of the two times. Left and outer joins also give what found
 * no partner, once none can come any more, at most once per second of wall clock. Null values are
 * dropped and counted, and so are null keys, but on an outer side, where they leave at once. Used
 * with itself, a stream joins as left first, then as right. The inputs must be co-partitioned; keys
 * that may have changed go through a topic before.
 *
 * Ownership: copies `windows` and `joined`; keeps `join` and `user`.
 * Threads:   the builder's; `join` runs on all stream threads.
 * Errors:    latches KS_EINVAL if `join` or `windows` is NULL, for a difference beside before or
 *            after, for a negative difference or grace, or windows that end before they begin.
 * Kafka:     KStream#join, leftJoin, outerJoin(KStream, ValueJoinerWithKey, JoinWindows,
 *            StreamJoined); nodes KSTREAM-WINDOWED-, KSTREAM-JOINTHIS-, KSTREAM-JOINOTHER-,
 *            KSTREAM-MERGE-.
 * Since:     0.1
 */
KS_API ks_stream *ks_stream_join_stream(ks_stream *left, ks_stream *right,
                                        const ks_join_windows *windows, ks_joiner_fn *join,
                                        void *user, const ks_stream_joined *joined);
KS_API ks_stream *ks_stream_left_join_stream(ks_stream *left, ks_stream *right,
                                             const ks_join_windows *windows, ks_joiner_fn *join,
                                             void *user, const ks_stream_joined *joined);
KS_API ks_stream *ks_stream_outer_join_stream(ks_stream *left, ks_stream *right,
                                              const ks_join_windows *windows, ks_joiner_fn *join,
                                              void *user, const ks_stream_joined *joined);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * windowed.h - ks_windowed_stream: a grouped stream cut into windows of time.
 *
 *      ks_windowed_stream *minutes = ks_grouped_stream_windowed_by(
 *          groups, KS_TUMBLING(.size_ms = KS_MINUTES(1), .grace_ms = KS_SECONDS(5)));
 *      ks_table *counts = ks_windowed_stream_count(minutes, KS_MATERIALIZED(.store = "counts"));
 *
 *      tumbling  |----|----|----|     hopping  |-----|        sliding, sessions:
 *                                                |-----|      they follow the records
 *
 * The result is a table whose key is a key and a window: `record->key` is the plain key,
 * `record->window` the window; on topics they stand together in Kafka's layout, which sinks write
 * without being told. Windows are closed by the largest time that the operator has seen, minus the
 * grace; a record for a closed window is dropped and counted. Null keys are dropped; null values
 * are folded like others, but by sliding windows.
 *
 * With KS_EMIT_ON_CLOSE a window gives one result, when a record closes it. Counted windows
 * (KS_COUNTED) are those of so many records of a key; their bounds are ordinals. Pictures of every
 * kind: docs/windows.md.
 *
 * Of all aggregations here: KS_SKIP from a fold = no update (counted, "user"); a fold that leaves
 * null deletes the row. The row's time is the largest of its records, of a session its end. The
 * store of a table is a window store, of sessions a session store, of counted windows a key-value
 * store; rows stay as long as they can change or have to be sent, or `.retention_ms` of
 * KS_MATERIALIZED if that is longer.
 */
#ifndef KSTREAM_WINDOWED_H
#define KSTREAM_WINDOWED_H

#include <kstream/group.h>

typedef struct ks_windowed_stream ks_windowed_stream;

/**
 * Cut a grouped stream into windows; one group may be cut in several ways, and windows may be
 * aggregated several times.
 *
 * Ownership: copies `windowing`.
 * Threads:   the builder's.
 * Errors:    latches KS_EINVAL for NULL, a missing size or difference, an advance that is not in
 *            (0, size], a negative grace, gap or start, a member of another kind of window, emit on
 *            close for unlimited windows, `.slices = KS_ON` without emit on close, a count below 1.
 * Kafka:     KGroupedStream#windowedBy(Windows | SlidingWindows | SessionWindows), emitStrategy;
 *            nothing for counted windows.
 * Since:     0.1
 */
KS_API ks_windowed_stream *ks_grouped_stream_windowed_by(ks_grouped_stream  *g,
                                                         const ks_windowing *windowing);

/**
 * Count the records of each key and window; the value is an i64.
 *
 * Ownership: copies `materialized`.
 * Threads:   the builder's.
 * Errors:    latches KS_ETYPE if another value serde is declared, KS_EINVAL for a retention shorter
 *            than the windows and their grace, for a history or a time to live, and for a retention
 *            of counted windows; KS_EEXISTS for a store's name that is taken.
 * Kafka:     TimeWindowedKStream#count, SessionWindowedKStream#count; node KSTREAM-AGGREGATE-.
 * Since:     0.1
 */
KS_API ks_table *ks_windowed_stream_count(ks_windowed_stream    *w,
                                          const ks_materialized *materialized);

/**
 * Fold the values of each key and window into one of the same type; the first value is the first
 * aggregate. Sessions are merged by it too: `*acc` is the older one, `record->value` the younger.
 *
 * Ownership: copies `materialized`; keeps `reduce` and `user`.
 * Threads:   the builder's; `reduce` runs on all stream threads.
 * Errors:    latches KS_EINVAL if `reduce` is NULL, else as ks_windowed_stream_count().
 * Kafka:     TimeWindowedKStream#reduce, SessionWindowedKStream#reduce; node KSTREAM-REDUCE-.
 * Since:     0.1
 */
KS_API ks_table *ks_windowed_stream_reduce(ks_windowed_stream *w, ks_fold_fn *reduce, void *user,
                                           const ks_materialized *materialized);

/**
 * Fold the values of each key and window into an aggregate that starts as `aggregate->initial`.
 *
 * In the folds `record->window` is the window being folded. Sessions need `.merge`, which folds the
 * younger aggregate (`record->value`) into the older one. Hopping windows that are put together
 * from slices need `.combine`: see ks_windowing; without slices it is not used.
 *
 * Ownership: copies both options; keeps functions and user.
 * Threads:   the builder's; the folds run on all stream threads.
 * Errors:    latches KS_EINVAL without `.add`, without `.merge` for sessions, with `.merge` for
 *            others, with `.combine` for other than hopping and tumbling windows, without it for
 *            `.slices = KS_ON`, with `.subtract`; else as ks_windowed_stream_count().
 * Kafka:     TimeWindowedKStream#aggregate, SessionWindowedKStream#aggregate.
 * Since:     0.1
 */
KS_API ks_table *ks_windowed_stream_aggregate(ks_windowed_stream    *w,
                                              const ks_aggregate    *aggregate,
                                              const ks_materialized *materialized);

/**
 * The records that the aggregation of these windows leaves out because they came too late: once
 * each, when at least one of their windows was closed.
 *
 * Belongs to the aggregation of `w` declared last, which comes first. A record has key, value, time
 * and headers as it came, and leaves after the changes that it makes in its other windows; its
 * `window` is the last one that it missed (sessions: the one that it would have made), so that, of
 * hopping windows, all that end not after it are known to lack the record. On a topic its key is
 * plain; with KS_NAMED(.key = ks_serde_windowed(...)), the serde of the table's keys
 * (ks_serde_session() of sessions), the window goes there too, and on through operators. A record
 * whose key has a window of its own keeps that. Null keys, null values dropped by sliding windows,
 * and records before an unlimited window are not late. `dropped-records-total` counts every window
 * that was missed, with or without the branch.
 *
 * Ownership: copies `named`.
 * Threads:   the builder's.
 * Errors:    latches KS_ESTATE before an aggregation of `w`, KS_EINVAL for counted windows,
 *            KS_ETYPE for other types than those of the group and its windows.
 * Kafka:     none: late records are dropped; node KSTREAM-LATE-.
 * Since:     0.1
 */
KS_API ks_stream *ks_windowed_stream_late(ks_windowed_stream *w, const ks_named *named);

#endif

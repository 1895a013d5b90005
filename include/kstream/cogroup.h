/* SPDX-License-Identifier: Apache-2.0
 *
 * cogroup.h - ks_cogrouped_stream: several grouped streams folded into one aggregate per key.
 *
 *      ks_cogrouped_stream *c = ks_grouped_stream_cogroup(orders, add_order, NULL);
 *      ks_cogrouped_stream_cogroup(c, payments, add_payment, NULL);
 *      ks_table *accounts = ks_cogrouped_stream_aggregate(c, KS_AGGREGATE(.initial = KS_TEXT("")),
 *                                                         KS_MATERIALIZED(.store = "accounts"));
 *
 * Each stream has its own fold; all share one store and one initial aggregate. The streams must be
 * co-partitioned.
 */
#ifndef KSTREAM_COGROUP_H
#define KSTREAM_COGROUP_H

#include <kstream/windowed.h>

typedef struct ks_cogrouped_stream          ks_cogrouped_stream;
typedef struct ks_windowed_cogrouped_stream ks_windowed_cogrouped_stream;

/**
 * Begin a cogroup with one stream, or add another one to it; gives the cogroup.
 *
 * Ownership: keeps `add` and `user`.
 * Threads:   the builder's; `add` runs on all stream threads.
 * Errors:    latches KS_EINVAL if `add` is NULL, KS_ETYPE if the keys differ.
 * Kafka:     KGroupedStream#cogroup(Aggregator), CogroupedKStream#cogroup.
 * Since:     0.1
 */
KS_API ks_cogrouped_stream *ks_grouped_stream_cogroup(ks_grouped_stream *g, ks_fold_fn *add,
                                                      void *user);
KS_API ks_cogrouped_stream *ks_cogrouped_stream_cogroup(ks_cogrouped_stream *c,
                                                        ks_grouped_stream *g, ks_fold_fn *add,
                                                        void *user);

/**
 * Fold all streams of the cogroup into a table.
 *
 * Ownership: copies both options; keeps the functions.
 * Threads:   the builder's.
 * Errors:    latches KS_EINVAL with `.add` (each stream has its own), `.subtract`, `.merge` or
 *            `.combine`.
 * Kafka:     CogroupedKStream#aggregate(Initializer, Named, Materialized); nodes
 *            COGROUPKSTREAM-AGGREGATE-, COGROUPKSTREAM-MERGE-.
 * Since:     0.1
 */
KS_API ks_table *ks_cogrouped_stream_aggregate(ks_cogrouped_stream   *c,
                                               const ks_aggregate    *aggregate,
                                               const ks_materialized *materialized);

/**
 * Cut a cogroup into windows, and fold each of them.
 *
 * Ownership: copies the options; keeps the functions and, for `.merge`, the user.
 * Threads:   the builder's.
 * Errors:    as ks_grouped_stream_windowed_by() and ks_windowed_stream_aggregate(), but that
 *            `.add`, `.combine` and `.slices = KS_ON` are refused.
 * Kafka:     CogroupedKStream#windowedBy, TimeWindowedCogroupedKStream#aggregate,
 *            SessionWindowedCogroupedKStream#aggregate.
 * Since:     0.1
 */
KS_API ks_windowed_cogrouped_stream *ks_cogrouped_stream_windowed_by(
    ks_cogrouped_stream *c, const ks_windowing *windowing);
KS_API ks_table *ks_windowed_cogrouped_stream_aggregate(ks_windowed_cogrouped_stream *w,
                                                        const ks_aggregate           *aggregate,
                                                        const ks_materialized *materialized);

/**
 * The records of all streams of the cogroup that came too late, as ks_windowed_stream_late().
 *
 * Each stream of a cogroup has its own time. The value's type is that of the streams if they have
 * one in common; ks_ctx_origin() tells where a record came from.
 *
 * Ownership: copies `named`.
 * Threads:   the builder's.
 * Errors:    as ks_windowed_stream_late().
 * Kafka:     none: late records are dropped; node KSTREAM-LATE-.
 * Since:     0.1
 */
KS_API ks_stream *ks_windowed_cogrouped_stream_late(ks_windowed_cogrouped_stream *w,
                                                    const ks_named               *named);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * async.h - map_async: a record waits for an answer from elsewhere while others go on.
 *
 * A function starts work outside of the stream thread (a thread pool, a request over the network);
 * any thread answers later with the new value. The stream thread never waits: it takes the next
 * records, up to a bound, and lets a record go on downstream when its answer is there.
 *
 *      static ks_status ask(ks_ctx *ctx, const ks_record *record, ks_pending *pending, void *user)
 *      {
 *          struct pool *pool = user;
 *          (void)ctx;
 *          return pool_add(pool, record, pending) ? KS_OK : ks_ctx_fail(ctx, "the pool is full");
 *      }
 *      static void work(const ks_record *record, ks_pending *pending)     // a thread of the pool
 *      {
 *          char   answer[64];
 *          size_t size = look_up(record->key, answer, sizeof(answer));
 *          if (size > 0)
 *              ks_pending_complete(pending, (ks_bytes){ answer, size });
 *          else
 *              ks_pending_fail(pending, "no such customer");
 *      }
 *      ks_stream *rated = ks_stream_map_async(orders, ask, &pool,
 *                                             KS_ASYNC(.name = "rate", .max_pending = 200));
 *
 * What a crash, a commit and a rebalance do to records under way: docs/async.md.
 */
#ifndef KSTREAM_ASYNC_H
#define KSTREAM_ASYNC_H

#include <kstream/stream.h>

/* A record that waits for its answer. */
typedef struct ks_pending ks_pending;

/* Begin the work for a record. KS_OK: it will be answered. KS_SKIP and failures: it is dropped, or
 * fails, now; `pending` must not have been handed on then. */
typedef ks_status ks_start_fn(ks_ctx *ctx, const ks_record *record, ks_pending *pending,
                              void *user);

/**
 * Change the value of each record by an answer that comes later, from any thread.
 *
 * Key, timestamp and headers stay. Answers leave in the order of the input per key, or altogether
 * (`order`); between records of different keys later ones may overtake, so windows downstream need
 * grace. At `max_pending` calls per task no more records are read. A record without an answer after
 * `timeout_ms` fails, as does one whose answer is a failure: the processing handler decides.
 *
 * No record is lost under at_least_once and exactly_once_v2, and under exactly_once_v2 each has its
 * effects once: a commit waits until the calls under way are answered. The call itself may be made
 * again after a crash, an abort or a rebalance. Under at_most_once what is under way may be lost.
 *
 * Ownership: copies `async`; keeps `start` and `user`. `record` and its bytes are lent to `start`
 *            and on as long as a reference to `pending` is held; `start` gets one reference.
 * Threads:   the builder's; `start` runs on all stream threads.
 * Errors:    latches KS_EINVAL if `start` is NULL, a bound is negative or `order` is unknown.
 * Kafka:     none (KIP-408); Flink's AsyncDataStream. Node KSTREAM-MAPASYNC-.
 * Since:     0.1
 */
KS_API ks_stream *ks_stream_map_async(ks_stream *s, ks_start_fn *start, void *user,
                                      const ks_async *async);

/**
 * Answer: with the new value (null is one), or with a reason why there is none. Once.
 *
 * May be called inside `start`. Ignored when the record has been answered, is out of time, or its
 * task was closed or aborted meanwhile.
 *
 * Ownership: copies value and text; ends the reference: `pending` must not be used afterwards.
 * Threads:   any, at any time, also after the app was freed.
 * Errors:    without memory for the copy the record fails with KS_ENOMEM. NULL is ignored.
 * Kafka:     none; Flink's ResultFuture#complete, completeExceptionally.
 * Since:     0.1
 */
KS_API void ks_pending_complete(ks_pending *pending, ks_bytes value);
KS_API void ks_pending_fail(ks_pending *pending, const char *text);

/**
 * Hold one more reference, for a second party that may answer: the first answer counts. Each
 * reference ends with an answer or with ks_pending_free().
 *
 * When the last reference goes without an answer, the record fails.
 *
 * Ownership: gives a reference, or ends one.
 * Threads:   any; who keeps must hold a reference.
 * Errors:    none; NULL is ignored.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API ks_pending *ks_pending_keep(ks_pending *pending);
KS_API void        ks_pending_free(ks_pending *pending);

#endif

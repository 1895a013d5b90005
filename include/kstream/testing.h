/* SPDX-License-Identifier: Apache-2.0
 *
 * testing.h - ks_driver: run a topology record by record, with a clock that you move.
 *
 * The whole topology is one task with one partition per topic; it is the same task, record loop and
 * commit as in an app. After every record everything is worked off and committed, so tests need no
 * waiting.
 *
 *      ks_driver *d = ks_driver_new(topology, NULL, NULL);
 *      ks_driver_pipe_text(d, "lines", NULL, "to be or not to be", 0);
 *      const ks_record *out = ks_driver_read(d, "word-counts");
 *      ks_driver_free(d);
 *
 * With a directory the state and the log lie there: a driver opened on it again, after a free or a
 * kill, goes on where the last one was. Several drivers may exist, each used from one thread.
 */
#ifndef KSTREAM_TESTING_H
#define KSTREAM_TESTING_H

#include <kstream/app.h>
#include <kstream/metrics.h>
#include <kstream/store.h>

typedef struct ks_driver ks_driver;

/**
 * Open a driver. The wall clock stands still, at 0 or where the last driver of the directory left
 * it; punctuators are scheduled now.
 *
 * `directory` NULL = a private one, removed with the driver (log in memory). `config` may be NULL.
 * Unless set, "statestore.cache.max.bytes" is 0, "processing.guarantee" exactly_once_v2,
 * "application.id" kstream-driver. Sources are taken by the time of their records alone, as if
 * max.task.idle.ms were -1. Final results of windows and results without partner leave at most once
 * a second of the driver's clock: advance it, or set the properties "__emit.interval.ms..." to 0
 * (docs/configuration.md).
 *
 * Ownership: copies `config`, keeps a reference to the topology; the caller frees with
 *            ks_driver_free().
 * Threads:   one.
 * Errors:    NULL only without memory; everything else is kept: then the driver stands still, every
 *            call that returns a status gives it, the others NULL, and ks_driver_error() tells.
 *            Another failure is told until the next pipe, advance, await or opened store.
 * Kafka:     TopologyTestDriver.
 * Since:     0.1
 */
KS_API ks_driver      *ks_driver_new(const ks_topology *topology, const ks_config *config,
                                     const char *directory);
KS_API void            ks_driver_free(ks_driver *d);
KS_API const ks_error *ks_driver_error(const ks_driver *d);

/**
 * Send one record into a source topic and work everything off; text form for NUL-terminated texts
 * (NULL = null).
 *
 * The record's `window` is ignored unless the source's key serde is one of windows. Repartition
 * topics, caches and the commit are done when it returns, so stores and topics show all of it.
 *
 * Ownership: copies.
 * Threads:   the driver's.
 * Errors:    KS_EINVAL for NULL, KS_ENOTFOUND for a topic that is no source: nothing happened then;
 *            what processing failed with: then the driver stands still, and every later call gives
 *            the same.
 * Kafka:     TestInputTopic#pipeInput.
 * Since:     0.1
 */
KS_API ks_status ks_driver_pipe(ks_driver *d, const char *topic, const ks_record *record);
KS_API ks_status ks_driver_pipe_text(ks_driver *d, const char *topic, const char *key,
                                     const char *value, int64_t timestamp_ms);

/**
 * Move the wall clock by `by_ms`, fire the punctuations that are due, work everything off.
 *
 * Ownership: none.
 * Threads:   the driver's.
 * Errors:    as ks_driver_pipe(); KS_EINVAL for a negative step.
 * Kafka:     TopologyTestDriver#advanceWallClockTime.
 * Since:     0.1
 */
KS_API ks_status ks_driver_advance(ks_driver *d, int64_t by_ms);

/**
 * Wait until no record of ks_stream_map_async() is without an answer, at most `timeout_ms` of real
 * time; 0 = take the answers that are there. Works everything off.
 *
 * Under exactly_once_v2, the driver's default, outputs are seen only when nothing waits any more.
 * Answers given inside `start` need no call of this; timeouts pass with ks_driver_advance().
 *
 * Ownership: none.
 * Threads:   the driver's; answers may come from any.
 * Errors:    KS_ETIMEOUT if some are missing; as ks_driver_pipe(); KS_EINVAL for a negative time.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API ks_status ks_driver_await(ks_driver *d, int64_t timeout_ms);

/**
 * Read the next record of a topic that was not read yet, in the order in which they came; NULL if
 * there is none.
 *
 * That is any topic: those that are piped into, and repartition topics and changelogs by their
 * whole names ("kstream-driver-counts-changelog"), too. Windowed keys have `window` set where the
 * sink writes such.
 *
 * Ownership: lends to the next read, pipe or advance of this driver.
 * Threads:   the driver's.
 * Errors:    NULL; kept in the driver: KS_ENOTFOUND for a topic that the topology neither reads nor
 *            writes, if no sink chooses its topics by the record.
 * Kafka:     TestOutputTopic#readRecord.
 * Since:     0.1
 */
KS_API const ks_record *ks_driver_read(ks_driver *d, const char *topic);

/**
 * Ask which topics were written by the topology, this driver's pipes apart: the n-th by name,
 * internal ones (repartition topics, changelogs) included; NULL past the last.
 *
 * Ownership: lends to the next pipe or advance.
 * Threads:   the driver's.
 * Errors:    NULL.
 * Kafka:     TopologyTestDriver#producedTopicNames.
 * Since:     0.1
 */
KS_API const char *ks_driver_produced_topic(ks_driver *d, size_t n);

/**
 * Open a store of the topology by name: to look into it, or to prepare it.
 *
 * A put takes the time of the last record, and is committed with the next pipe or advance.
 *
 * Ownership: lends; as long as the driver. Rows and iterators live to the next pipe or advance.
 * Threads:   the driver's.
 * Errors:    NULL for an unknown name (KS_ENOTFOUND) or a store of another kind (KS_ETYPE), kept in
 *            the driver. A failure of a store's call (a null key) stops the driver like one in
 *            processing.
 * Kafka:     TopologyTestDriver#getTimestampedKeyValueStore, getWindowStore, getSessionStore,
 *            getVersionedKeyValueStore.
 * Since:     0.1
 */
KS_API ks_kv_store        *ks_driver_kv_store(ks_driver *d, const char *name);
KS_API ks_window_store    *ks_driver_window_store(ks_driver *d, const char *name);
KS_API ks_session_store   *ks_driver_session_store(ks_driver *d, const char *name);
KS_API ks_versioned_store *ks_driver_versioned_store(ks_driver *d, const char *name);

/**
 * Get `self` of a store of your own (sys/store.h): to look into it.
 *
 * Ownership: lends; as long as the driver.
 * Threads:   the driver's.
 * Errors:    NULL for an unknown name (KS_ENOTFOUND) or a store of the library (KS_ETYPE), kept in
 *            the driver.
 * Kafka:     TopologyTestDriver#getStateStore.
 * Since:     0.1
 */
KS_API void *ks_driver_user_store(ks_driver *d, const char *name);

/**
 * Take a copy of the counters; set a failure handler before the first pipe.
 *
 * Ownership: as ks_app_metrics(), ks_app_on_failure().
 * Threads:   the driver's.
 * Errors:    as there.
 * Kafka:     TopologyTestDriver#metrics.
 * Since:     0.1
 */
KS_API ks_metrics *ks_driver_metrics(ks_driver *d);
KS_API ks_status   ks_driver_on_failure(ks_driver *d, ks_failure_kind kind, ks_failure_fn *handler,
                                        void *user);

#endif

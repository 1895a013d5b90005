/* SPDX-License-Identifier: Apache-2.0
 *
 * builder.h - where a topology begins: sources, stores, and the Topology API beneath the DSL.
 *
 * A builder collects operators and is compiled once into an immutable ks_topology. The first
 * mistake is kept, with operator, node name and call site; every later call accepts the poisoned
 * handle and gives an inert one. So a topology is straight-line code with one check at the end:
 *
 *      ks_builder  *b = ks_builder_new();
 *      ks_topology *topology;
 *
 *      ks_stream *lines = ks_builder_stream(b, "lines", KS_CONSUMED(.value = ks_serde_utf8()));
 *      ks_stream_to(ks_stream_filter(lines, not_empty, NULL, NULL), "out", NULL);
 *      ks_builder_build(b, &topology);             // its status also comes out of ks_app_run()
 *
 * Lifecycle: builder, topologies and apps may be freed in any order. Streams, tables and groups
 * belong to their builder and are not freed. `user` pointers must outlive the last app, or be
 * handed over with ks_builder_own().
 * Threads: one at a time.
 */
#ifndef KSTREAM_BUILDER_H
#define KSTREAM_BUILDER_H

#include <kstream/config.h>
#include <kstream/options.h>

typedef struct ks_builder      ks_builder;
typedef struct ks_topology     ks_topology;
typedef struct ks_stream       ks_stream;
typedef struct ks_table        ks_table;
typedef struct ks_global_table ks_global_table;
typedef struct ks_processor    ks_processor; /* processor.h */

/**
 * Make an empty builder.
 *
 * Ownership: the caller frees with ks_builder_free().
 * Threads:   one at a time.
 * Errors:    NULL only without memory.
 * Kafka:     StreamsBuilder.
 * Since:     0.1
 */
KS_API ks_builder *ks_builder_new(void);
KS_API void        ks_builder_free(ks_builder *b);

/**
 * Build by a configuration, the one that the app will have: `topology.optimization` and
 * `ensure.explicit.internal.resource.naming`.
 *
 * May come before or after the declarations; the last one before ks_builder_build() counts. What
 * optimization does: a table that is read from a topic has that topic for its changelog
 * (reuse.ktable.source.topics); the repartition topics behind one change of key become one
 * (merge.repartition.topics); a stream joined with itself keeps one store
 * (single.store.self.join). It changes topics and stores: for an application that has run before
 * see ks_topology_diff(). An app whose configuration sets the property otherwise than its topology
 * was built refuses to start. With explicit naming ks_builder_build() refuses stores and internal
 * topics whose names were generated (KS_ETOPOLOGY).
 *
 *      ks_config_set(config, "topology.optimization", "all");
 *      ks_builder_configure(b, config);
 *
 * Ownership: borrows.
 * Threads:   the builder's.
 * Errors:    latches the configuration's mistake; KS_EINVAL if it is NULL.
 * Kafka:     StreamsBuilder(TopologyConfig), StreamsBuilder#build(Properties).
 * Since:     0.1
 */
KS_API void ks_builder_configure(ks_builder *b, const ks_config *config);

/**
 * Read the first mistake; its status is KS_OK while there is none. What the last ks_builder_build()
 * found wrong of the whole can be read here too.
 *
 * Ownership: lends; valid until the builder is freed.
 * Threads:   the builder's.
 * Errors:    none; a NULL builder answers KS_ENOMEM.
 * Kafka:     TopologyException, at the place where it was made.
 * Since:     0.1
 */
KS_API const ks_error *ks_builder_error(const ks_builder *b);

/**
 * Take over `object`: `destroy(object)` runs exactly once, when builder, topologies and apps are
 * all gone, also after errors. Gives `object` back, so the call can stand inline as a `user`
 * argument.
 *
 * Ownership: owns `object`.
 * Threads:   the builder's; `destroy` runs on the thread that frees the last of them.
 * Errors:    without memory `object` is destroyed at once, NULL returned and KS_ENOMEM latched.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API void *ks_builder_own(ks_builder *b, void *object, void (*destroy)(void *object));

/**
 * Register a serde of your own; the name is its identity.
 *
 * Ownership: copies the class and the name; keeps `user`. The result lives as long as the builder
 *            and all that was built from it.
 * Threads:   the builder's; the hooks are called from all stream threads.
 * Errors:    latches KS_EEXISTS if the name is taken, KS_EINVAL without a name; gives bytes then.
 * Kafka:     Serde.
 * Since:     0.1
 */
KS_API const ks_serde *ks_builder_serde(ks_builder *b, const ks_serde_class *serde);

/**
 * Read a topic, or several, as a stream.
 *
 * Two reads of the same topic share one source if their options agree. A record whose timestamp is
 * negative fails the task, as in Kafka, unless KS_CONSUMED(.time) or default.timestamp.extractor
 * says otherwise; an extractor of your own that answers a negative time drops it (counted).
 *
 * Ownership: copies names and options; keeps the extractor and its user.
 * Threads:   the builder's.
 * Errors:    latches KS_EINVAL for an empty or illegal name, KS_ETOPOLOGY for topics that overlap
 *            with those of another source, or are the same with other options.
 * Kafka:     StreamsBuilder#stream(String | Collection, Consumed); node KSTREAM-SOURCE-.
 * Since:     0.1
 */
KS_API ks_stream *ks_builder_stream(ks_builder *b, const char *topic, const ks_consumed *consumed);
KS_API ks_stream *ks_builder_stream_of(ks_builder *b, const char *const *topics, size_t count,
                                       const ks_consumed *consumed);

/**
 * Read all topics whose whole name a POSIX extended regular expression matches, as one stream.
 *
 * The log is asked for its topics when a thread starts, every metadata.max.age.ms and with every
 * rebalance: topics that came or went are taken in or left out by a rebalance. Internal
 * topics of the application never match. None that matches is no error: there are no tasks then.
 * Threads and instances share such a sub-topology only if its topics have equally many partitions.
 *
 * Ownership: copies the pattern and options; keeps the extractor and its user.
 * Threads:   the builder's.
 * Errors:    latches KS_EINVAL for no regular expression, KS_ETOPOLOGY if it matches a topic that
 *            another source names. At run time KS_ETOPOLOGY for a topic that two patterns match,
 *            KS_ESTATE on a log of your own that cannot list its topics.
 * Kafka:     StreamsBuilder#stream(Pattern, Consumed); node KSTREAM-SOURCE-. Java's regular
 *            expressions have more (\d, lookahead, ...).
 * Since:     0.1
 */
KS_API ks_stream *ks_builder_stream_pattern(ks_builder *b, const char *pattern,
                                            const ks_consumed *consumed);

/**
 * Read a topic as a table: the latest record of a key is its row, a null value deletes it.
 *
 * Latest is by offset, also when timestamps go back. Null keys are dropped and counted. A store is
 * kept if `materialized` names one, or if something downstream needs it.
 *
 * Ownership: copies names and options.
 * Threads:   the builder's.
 * Errors:    as ks_builder_stream(); KS_ETYPE if the two options declare different serdes.
 * Kafka:     StreamsBuilder#table(String, Consumed, Materialized); node KTABLE-SOURCE-.
 * Since:     0.1
 */
KS_API ks_table *ks_builder_table(ks_builder *b, const char *topic, const ks_consumed *consumed,
                                  const ks_materialized *materialized);

/**
 * Read all partitions of a topic into a table that every task sees whole.
 *
 * Filled to the end of the topic before the app runs, then updated as records arrive, without
 * regard to the time of streams. The topic is its changelog.
 *
 * Ownership: copies names and options.
 * Threads:   the builder's.
 * Errors:    as ks_builder_table().
 * Kafka:     StreamsBuilder#globalTable; store <topic>-STATE-STORE- if not named.
 * Since:     0.1
 */
KS_API ks_global_table *ks_builder_global_table(ks_builder *b, const char *topic,
                                                const ks_consumed     *consumed,
                                                const ks_materialized *materialized);

/**
 * Add a key-value store for processors (KS_KV_STORE("name", ...)); connect it by name in
 * KS_CONNECTED.
 *
 * With `.ttl_ms` a row is dead, and then deleted, once the task's stream time is past the row's
 * timestamp by more than that; no read sees a dead row.
 *
 * With `.max_rows` a put of a new key beyond them deletes the row that was used the longest ago: a
 * get that finds, a put and a put_if_absent are uses, iterators and queries are not. The deletion
 * goes to the changelog, before the put. The order survives a restart; on another host, where rows
 * come from the changelog, it is that of the puts. Without .cache and .ttl_ms.
 *
 * Ownership: copies.
 * Threads:   the builder's.
 * Errors:    latches KS_EEXISTS for a taken name, KS_EINVAL for an illegal one, a negative ttl or
 *            number of rows, or options that exclude each other.
 * Kafka:     StreamsBuilder#addStateStore, Stores.keyValueStoreBuilder, Stores.lruMap.
 * Since:     0.1
 */
KS_API void ks_builder_add_store(ks_builder *b, const ks_store_options *store);

/**
 * Add a window or session store for processors (KS_WINDOW_STORE("name", .retention_ms = ...)).
 *
 * Ownership: copies.
 * Threads:   the builder's.
 * Errors:    as ks_builder_add_store(); KS_EINVAL without a retention.
 * Kafka:     StreamsBuilder#addStateStore, Stores.windowStoreBuilder, sessionStoreBuilder.
 * Since:     0.1
 */
KS_API void ks_builder_add_window_store(ks_builder *b, const ks_window_store_options *store);
KS_API void ks_builder_add_session_store(ks_builder *b, const ks_session_store_options *store);

/**
 * Add a versioned store for processors (KS_VERSIONED_STORE("name", .history_ms = ...)).
 *
 * Ownership: copies.
 * Threads:   the builder's.
 * Errors:    as ks_builder_add_store(); KS_EINVAL for a negative history.
 * Kafka:     StreamsBuilder#addStateStore, Stores.versionedKeyValueStoreBuilder.
 * Since:     0.1
 */
KS_API void ks_builder_add_versioned_store(ks_builder                       *b,
                                           const ks_versioned_store_options *store);

/**
 * Keep a store that a processor of your own fills from a topic: a global one, which every process
 * has whole and every operator may read unconnected, or a read-only one, which is per task and
 * connected by name like any other.
 *
 * The topic is the store's changelog, there is no other. The processor alone writes to the store,
 * whoever else does gets KS_ESTATE; it has no children. KS_CONSUMED(.name) is its name, the source
 * is called .source or else "<name>-source".
 *
 * A global store is filled before the app runs and then as records come, without regard to the time
 * of streams. All records go through the processor, null keys too, from where the store's own
 * position stands: also when it has to be filled anew. (Where a new version of the processor would
 * make other rows of old records: ks_app_clean_up().) The processor has no children, punctuations
 * or stream time (-1); of other global stores it may read what it finds. A failure stops the app,
 * unless processing.exception.handler.global.enabled says that the processing handler decides.
 *
 * The records of a read-only store are processed by the task in the order of time, with its other
 * inputs. It is restored by putting the records of the topic as they are, past the processor: which
 * therefore should do just that (ks_kv_store_put_record()).
 *
 * Ownership: copies names and options; keeps `user`, `processor` is copied.
 * Threads:   the builder's. A global store's processor runs on the first stream thread.
 * Errors:    as ks_builder_add_store() and ks_builder_table(); KS_EINVAL for a cache, a changelog,
 *            a time to live, a start other than the earliest record, and for a global store also
 *            for another time than the record's; KS_ETYPE if topic and read-only store differ in
 *            serdes.
 * Kafka:     StreamsBuilder#addGlobalStore, Topology#addGlobalStore, addReadOnlyStateStore;
 *            KIP-813, KIP-1270.
 * Since:     0.1
 */
KS_API void ks_builder_add_global_store(ks_builder *b, const ks_store_options *store,
                                        const char *topic, const ks_consumed *consumed,
                                        const ks_processor *processor, void *user);
KS_API void ks_builder_add_read_only_store(ks_builder *b, const ks_store_options *store,
                                           const char *topic, const ks_consumed *consumed,
                                           const ks_processor *processor, void *user);

/**
 * Connect one more store to a processor, beyond the eight of KS_CONNECTED.
 *
 * Ownership: copies.
 * Threads:   the builder's.
 * Errors:    latches KS_ENOTFOUND if there is no such node or store.
 * Kafka:     Topology#connectProcessorAndStateStores.
 * Since:     0.1
 */
KS_API void ks_builder_connect(ks_builder *b, const char *node, const char *store);

/**
 * The Topology API: add a source, a processor, a sink by name; parents stand in `connected`.
 *
 * add_source_pattern reads as ks_builder_stream_pattern() does. A sink's parents stand there
 * likewise (its KS_CONNECTED may name nothing else). add_sink_chosen: `choose`
 * gets a null `*io` and leaves the topic's name as text, per record; see ks_stream_to_chosen().
 *
 * Ownership: copies names and options; keeps functions and users, `processor` is copied.
 * Threads:   the builder's.
 * Errors:    latches KS_EEXISTS for a taken name, KS_ENOTFOUND for an unknown parent or store.
 * Kafka:     Topology#addSource, addProcessor, addSink.
 * Since:     0.1
 */
KS_API void ks_builder_add_source(ks_builder *b, const char *name, const char *const *topics,
                                  size_t count, const ks_consumed *consumed);
KS_API void ks_builder_add_source_pattern(ks_builder *b, const char *name, const char *pattern,
                                          const ks_consumed *consumed);
KS_API void ks_builder_add_processor(ks_builder *b, const char *name, const ks_processor *processor,
                                     void *user, const ks_connected *connected);
KS_API void ks_builder_add_sink(ks_builder *b, const char *name, const char *topic,
                                const ks_produced *produced, const ks_connected *connected);
KS_API void ks_builder_add_sink_chosen(ks_builder *b, const char *name, ks_selector_fn *choose,
                                       void *user, const ks_produced *produced,
                                       const ks_connected *connected);

/**
 * Compile what was declared into a topology.
 *
 * Repartition topics are inserted, names given, types and structure checked. `*out` is always set
 * to something that may be passed on and freed; if there was a mistake it carries the error to
 * ks_app_run(). May be called again after more operators were added.
 *
 * Ownership: the caller frees `*out` with ks_topology_free(), before or after the builder.
 * Threads:   the builder's; the topology may then be used by any thread.
 * Errors:    the first mistake that was latched, or of the whole: KS_ENOTFOUND for a store that is
 *            not there, KS_ETOPOLOGY (no source, more than 4,096 operators in a chain without a
 *            repartition step: calls within calls); KS_EINVAL without `out`; KS_ENOMEM. The text
 *            is ks_builder_error().
 * Kafka:     StreamsBuilder#build.
 * Since:     0.1
 */
KS_API ks_status ks_builder_build(ks_builder *b, ks_topology **out);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * options.h - the types of callbacks and the options structs of operators.
 *
 * Six shapes of callback are the whole language of the DSL. The context comes first, `user` last; a
 * callback returns KS_OK, KS_SKIP (drop this record, counted) or ks_ctx_fail(...).
 *
 *      predicate   keep or not
 *      mapper      edits its private copy of the record
 *      visitor     sees the record; in flat_map it forwards any number of records
 *      selector    chooses bytes: *io comes in as the present key or null, leaves as the choice
 *      fold        *acc comes in as the old aggregate and leaves as the new one
 *      joiner      makes *out of two sides; an absent side has a null value and timestamp -1
 *
 * Bytes left in *io, *acc, *out or a mapper's record must be arena memory (ks_ctx_copy(),
 * ks_ctx_i64(), ...), bytes of the input, bytes out of a store, or static: never a local variable.
 *
 * Options are given by literal macros, only inside a call, and are copied by it:
 *
 *      ks_grouped_stream_count(groups, KS_MATERIALIZED(.store = "counts"));
 *
 * NULL = all defaults; a zero member = its default. Texts in them are copied, functions and `user`
 * kept. `name` is the operator's name (Kafka's Named), `store` the name of its store; without it
 * the name is generated, with a number that an edit of the topology may change (docs/evolution.md).
 * `key` and `value` declare types: unset, an operator that keeps key or value has the type of its
 * input, one that makes new ones has none, and none fits anything; two declared ones that meet must
 * have one name, else KS_ETYPE. A size, time or number of a wrong sign is KS_EINVAL. The members
 * stand in one order in all structs, which C++20 requires; `site` is filled in by the macros.
 * Strict C++17 (no designators): `ks_named o; o.name = "x";` starts with all defaults.
 */
#ifndef KSTREAM_OPTIONS_H
#define KSTREAM_OPTIONS_H

#include <kstream/record.h>
#include <kstream/serde.h>

/* The context of a callback: see processor.h. Valid only during the call. */
typedef struct ks_ctx ks_ctx;

typedef bool      ks_predicate_fn(ks_ctx *ctx, const ks_record *record, void *user);
typedef ks_status ks_mapper_fn(ks_ctx *ctx, ks_record *record, void *user);
typedef ks_status ks_visitor_fn(ks_ctx *ctx, const ks_record *record, void *user);
typedef ks_status ks_selector_fn(ks_ctx *ctx, const ks_record *record, ks_bytes *io, void *user);
typedef ks_selector_fn ks_fold_fn;
typedef ks_status      ks_joiner_fn(ks_ctx *ctx, const ks_record *left, const ks_record *right,
                                    ks_bytes *out, void *user);

/* The time of a record read from a source; `partition_time_ms` is the largest time of its partition
 * so far, -1 if none. A negative answer drops the record (counted). Kafka: TimestampExtractor. */
typedef int64_t ks_extractor_fn(ks_ctx *ctx, const ks_record *record, int64_t partition_time_ms,
                                void *user);

/* The partitions a sink writes to: ks_partitions_add() any number of them, KS_SKIP = the record is
 * dropped (counted). Kafka: StreamPartitioner. */
typedef struct ks_partitions ks_partitions;
typedef ks_status            ks_partitioner_fn(ks_ctx *ctx, const ks_record *record,
                                               ks_partitions *out, void *user);

/**
 * Add a partition to the answer of a partitioner; none added = murmur2 of the key, several =
 * multicast.
 *
 * Ownership: `out` is valid during the callback.
 * Threads:   inside the callback.
 * Errors:    a number out of range fails the record (KS_EINVAL).
 * Kafka:     StreamPartitioner#partitions.
 * Since:     0.1
 */
KS_API void    ks_partitions_add(ks_partitions *out, int32_t partition);
KS_API int32_t ks_partitions_count(const ks_partitions *out);

/* A switch whose zero is "the default". */
typedef enum ks_switch { KS_DEFAULT = 0, KS_ON = 1, KS_OFF = 2 } ks_switch;

/* Where a source starts when its group has no offset yet. */
typedef enum ks_reset {
    KS_RESET_DEFAULT = 0, /* as `auto.offset.reset` says */
    KS_RESET_EARLIEST,
    KS_RESET_LATEST,
    KS_RESET_NONE /* an error */
} ks_reset;

/* What gives the time of a record. */
typedef enum ks_time_source {
    KS_TIME_DEFAULT = 0,    /* as `default.timestamp.extractor` says */
    KS_TIME_RECORD,         /* the record's timestamp; negative fails the task */
    KS_TIME_RECORD_OR_SKIP, /* the record's timestamp; negative drops the record */
    KS_TIME_RECORD_OR_PARTITION, /* the record's timestamp; negative = the partition's time */
    KS_TIME_WALL_CLOCK      /* processing time */
} ks_time_source;

/* A default member initialiser in C++, nothing in C. */
#ifdef __cplusplus
#define KS_ZERO        {}
#define KS_SIZEOF(type) { sizeof(type) }
#else
#define KS_ZERO
#define KS_SIZEOF(type)
#endif

/* Kafka: Named. For operators without other options; `key`, `value` declare what they yield. */
typedef struct ks_named {
    size_t          struct_size KS_SIZEOF(ks_named);
    const char     *site KS_ZERO;
    const char     *name KS_ZERO;
    const ks_serde *key KS_ZERO;
    const ks_serde *value KS_ZERO;
} ks_named;

/* Kafka: Consumed. How a source reads. `key` and `value` are checked for each record: bytes that do
 * not fit are a failure of deserialization. */
typedef struct ks_consumed {
    size_t           struct_size KS_SIZEOF(ks_consumed);
    const char      *site KS_ZERO;
    const char      *name KS_ZERO;
    const ks_serde  *key KS_ZERO;
    const ks_serde  *value KS_ZERO;
    ks_reset         reset KS_ZERO;
    ks_time_source   time KS_ZERO;
    ks_extractor_fn *extractor KS_ZERO; /* instead of `time` */
    void            *user KS_ZERO;      /* the extractor's */
    const char      *source KS_ZERO;    /* the source's name, where a processor fills a store; only
                                           there */
    int64_t          reset_before_ms KS_ZERO; /* instead of `reset`: so long before now, by times */
} ks_consumed;

/* Kafka: Produced. How a sink writes. Without a partitioner: murmur2 of the key, as Kafka does. */
typedef struct ks_produced {
    size_t             struct_size KS_SIZEOF(ks_produced);
    const char        *site KS_ZERO;
    const char        *name KS_ZERO;
    const ks_serde    *key KS_ZERO;
    const ks_serde    *value KS_ZERO;
    ks_partitioner_fn *partitioner KS_ZERO;
    void              *user KS_ZERO; /* the partitioner's */
} ks_produced;

/* Kafka: Grouped. `name` names the repartition topic, if one is needed: ID-NAME-repartition, where
 * ID is application.id. `key` and `value` are what the records have then. */
typedef struct ks_grouped {
    size_t          struct_size KS_SIZEOF(ks_grouped);
    const char     *site KS_ZERO;
    const char     *name KS_ZERO;
    const ks_serde *key KS_ZERO;
    const ks_serde *value KS_ZERO;
} ks_grouped;

/* Kafka: Repartitioned. `partitions` 0 = as many as the input. */
typedef struct ks_repartitioned {
    size_t             struct_size KS_SIZEOF(ks_repartitioned);
    const char        *site KS_ZERO;
    const char        *name KS_ZERO;
    const ks_serde    *key KS_ZERO;
    const ks_serde    *value KS_ZERO;
    int32_t            partitions KS_ZERO;
    ks_partitioner_fn *partitioner KS_ZERO;
    void              *user KS_ZERO; /* the partitioner's */
} ks_repartitioned;

/* Kafka: Materialized. What a table keeps. A literal with only `name` counts as not given.
 *
 *      windows     `retention_ms`, at least as long as they can change; no history, no ttl
 *      versioned   `history_ms` or `versioned`, with `store`; no ttl; `cache` has no effect
 *      others      `ttl_ms`, where docs/state.md says so; no retention
 *
 * Elsewhere these are KS_EINVAL. */
typedef struct ks_materialized {
    size_t          struct_size KS_SIZEOF(ks_materialized);
    const char     *site KS_ZERO;
    const char     *name KS_ZERO;  /* of the operator */
    const char     *store KS_ZERO; /* of the store: makes it queryable under this name */
    const ks_serde *key KS_ZERO;
    const ks_serde *value KS_ZERO;
    ks_switch       cache KS_ZERO;     /* merge updates of one key between flushes; default on */
    ks_switch       changelog KS_ZERO; /* default on */
    int64_t         retention_ms KS_ZERO; /* how long windows can be read; 0 = as needed */
    int64_t         history_ms KS_ZERO;   /* above 0: versioned, so much history; needs `store` */
    ks_switch       versioned KS_ZERO;    /* KS_ON: versioned also with history 0 */
    int64_t         ttl_ms KS_ZERO; /* a row is deleted, downstream too, once stream time is past
                                       its time by more; 0 = never */
    const char     *topic_config KS_ZERO; /* of a new changelog: "name=value,..." */
} ks_materialized;

/* `topic_config`: what Kafka is told when it creates the changelog, before all else that says so:
 * "min.insync.replicas=2,retention.ms=86400000"; a value may be a list. A topic that is there
 * is left as it is. The logs of one machine know `cleanup.policy` alone. Kafka:
 * Materialized#withLoggingEnabled(Map) and others of that name. */

/* In which order the answers of asynchronous calls leave. */
typedef enum ks_async_order {
    KS_ASYNC_BY_KEY = 0, /* that of the input among records of one key; null is a key, too */
    KS_ASYNC_BY_INPUT    /* that of the input */
} ks_async_order;

/* Of ks_stream_map_async(); bounds are per task. Flink: AsyncDataStream. */
typedef struct ks_async {
    size_t          struct_size KS_SIZEOF(ks_async);
    const char     *site KS_ZERO;
    const char     *name KS_ZERO;
    const ks_serde *key KS_ZERO;
    const ks_serde *value KS_ZERO;
    int32_t         max_pending KS_ZERO; /* calls under way, then no more is read; 0 = 100 */
    int64_t         timeout_ms KS_ZERO;  /* the record fails then; 0 = 5,000 */
    ks_async_order  order KS_ZERO;
} ks_async;

/* Of ks_stream_distinct(); one of `within_ms` and `window_ms` is needed. Kafka: KIP-655. */
typedef struct ks_distinct {
    size_t          struct_size KS_SIZEOF(ks_distinct);
    const char     *site KS_ZERO;
    const char     *name KS_ZERO;
    const char     *store KS_ZERO;
    const ks_serde *key KS_ZERO;
    const ks_serde *value KS_ZERO;
    int64_t         within_ms KS_ZERO; /* of a record that passed, before or after it, inclusive */
    int64_t         window_ms KS_ZERO; /* in windows of this size, aligned as tumbling ones */
    int64_t         grace_ms KS_ZERO;  /* how much later a record may come; 0 = not at all */
    ks_switch       changelog KS_ZERO; /* default on */
    ks_switch       repartition KS_ZERO; /* KS_OFF: equal ids are in one partition already */
    ks_switch       pass_late KS_ZERO; /* KS_ON: too late passes, unchecked; default: dropped */
    const char     *topic_config KS_ZERO; /* of a new changelog: "name=value,..." */
} ks_distinct;

/* Kafka: Joined. `name` names the join and the repartition topic of its stream side. */
typedef struct ks_joined {
    size_t          struct_size KS_SIZEOF(ks_joined);
    const char     *site KS_ZERO;
    const char     *name KS_ZERO;
    const ks_serde *key KS_ZERO;   /* of both sides */
    const ks_serde *value KS_ZERO; /* of the stream side */
    const ks_serde *other KS_ZERO; /* value of the table side */
    const ks_serde *out KS_ZERO;   /* value of the result */
    int64_t         grace_ms KS_ZERO; /* above 0: records wait so long, of stream time, for a
                                         versioned table; with another table KS_EINVAL */
    ks_switch       buffer KS_ZERO;   /* KS_ON: they wait also with grace 0, for their order */
} ks_joined;

/* Kafka: TableJoined and Materialized of a foreign-key join. `name` names the join, its topics and
 * stores; `partitioner` is that of the right table, by foreign key. */
typedef struct ks_table_joined {
    size_t             struct_size KS_SIZEOF(ks_table_joined);
    const char        *site KS_ZERO;
    const char        *name KS_ZERO;
    const char        *store KS_ZERO; /* of the result: makes it queryable under this name */
    const ks_serde    *key KS_ZERO;   /* of the left table and the result */
    const ks_serde    *value KS_ZERO; /* of the result */
    ks_switch          cache KS_ZERO;
    ks_switch          changelog KS_ZERO;
    ks_partitioner_fn *partitioner KS_ZERO;
    void              *user KS_ZERO; /* the partitioner's */
    const char     *topic_config KS_ZERO; /* of a new changelog: "name=value,..." */
} ks_table_joined;

/* What happens when a buffer is full. */
typedef enum ks_when_full {
    KS_WHEN_FULL_DEFAULT = 0, /* emit early; until a window closes: fail */
    KS_WHEN_FULL_EMIT_EARLY,  /* the oldest leave */
    KS_WHEN_FULL_FAIL         /* KS_EFULL: the record fails */
} ks_when_full;

/* Kafka: Suppressed and BufferConfig. Until the window closes, or until `limit_ms` of stream time
 * have passed since the first change held. One of the two must be said; a limit of 0, which lets
 * changes leave at once, is said by KS_OFF. */
typedef struct ks_suppressed {
    size_t       struct_size KS_SIZEOF(ks_suppressed);
    const char  *site KS_ZERO;
    const char  *name KS_ZERO;
    ks_switch    until_close KS_ZERO; /* KS_ON: windowed tables; KS_OFF: `limit_ms`, also 0 */
    int64_t      limit_ms KS_ZERO;
    int64_t      max_records KS_ZERO; /* 0 = no limit: the buffer lies in the state */
    int64_t      max_bytes KS_ZERO;   /* of keys and values; 0 = no limit */
    ks_when_full full KS_ZERO;
    ks_switch    changelog KS_ZERO;   /* default on; off: what is held is lost with the state */
    const char     *topic_config KS_ZERO; /* of a new changelog: "name=value,..." */
} ks_suppressed;

/* The functions of an aggregation. The initial aggregate is a constant. Kafka: Initializer,
 * Aggregator, Merger. Which are needed depends on what is aggregated; a missing or a superfluous
 * one is an error of the builder.
 *
 * `combine` folds the younger of two aggregates (`record->value`) into the older one. It must give
 * what `add` had given for the records of both, so `initial` must not count: a sum starts at 0. */
typedef struct ks_aggregate {
    size_t      struct_size KS_SIZEOF(ks_aggregate);
    const char *site KS_ZERO;
    ks_bytes    initial KS_ZERO;  /* copied; default null */
    ks_fold_fn *add KS_ZERO;
    ks_fold_fn *subtract KS_ZERO; /* grouped tables */
    ks_fold_fn *merge KS_ZERO;    /* sessions: record->value is the younger aggregate */
    ks_fold_fn *combine KS_ZERO;  /* hopping: joins slices, with ks_windowing.slices = KS_ON */
    void       *user KS_ZERO;
} ks_aggregate;

/* The kinds of windows. */
typedef enum ks_window_kind {
    KS_WINDOWS_TUMBLING = 1,
    KS_WINDOWS_HOPPING,
    KS_WINDOWS_SLIDING,
    KS_WINDOWS_SESSIONS,
    KS_WINDOWS_UNLIMITED,
    KS_WINDOWS_COUNTED
} ks_window_kind;

/* When results leave. Kafka: EmitStrategy. */
typedef enum ks_emit {
    KS_EMIT_ON_UPDATE = 0, /* with every update */
    KS_EMIT_ON_CLOSE       /* once, when the window is closed */
} ks_emit;

/* How a stream is cut into windows; made by one of the macros below, which say what it needs. A
 * member that is not of the kind is an error of the builder. Kafka: TimeWindows, SlidingWindows,
 * SessionWindows, UnlimitedWindows. */
typedef struct ks_windowing {
    size_t         struct_size KS_SIZEOF(ks_windowing);
    const char    *site KS_ZERO;
    ks_window_kind kind KS_ZERO;
    int64_t        size_ms KS_ZERO;       /* tumbling, hopping */
    int64_t        advance_ms KS_ZERO;    /* hopping: from one start to the next */
    int64_t        difference_ms KS_ZERO; /* sliding: between the first and the last record */
    int64_t        gap_ms KS_ZERO;        /* sessions: a longer silence ends one; 0 = any does */
    int64_t        start_ms KS_ZERO;      /* unlimited */
    int64_t        grace_ms KS_ZERO;      /* how late a record may come; 0 = not at all */
    ks_emit        emit KS_ZERO;
    ks_switch      slices KS_ZERO;        /* hopping, on close: see below */
    int64_t        count KS_ZERO;         /* counted: records of a window */
    int64_t        advance KS_ZERO;       /* counted: from one start to the next; 0 = count */
} ks_windowing;

/* Counted windows: every so many records of a key make one, whatever their times. The bounds in
 * ks_window are ordinals among the records of the key, not milliseconds: [0, count) is the first
 * window, on topics written as ks_serde_windowed(key, count). A window is closed when it is full;
 * then its result leaves, with KS_EMIT_ON_CLOSE only then, and its row is deleted, without a
 * deletion downstream: the table's store, one of keys and values, holds the windows that are not
 * full. How many records a key had is in STORE-records, for ever. Nothing is late, nothing is
 * cached. Null keys are dropped, null values folded; a record that the fold of its earliest window
 * skips does not count. */

/* Slices: hopping windows that overlap and are emitted on close can be put together, when they
 * close, from slices as long as the greatest common divisor of size and advance. A record is then
 * folded once, not once per window. Results, times and order are the same as long as no fold leaves
 * null, but:
 *
 *      - the table's store holds a window from its close on, not before; the slices have a store of
 *        their own, STORE-slices, with a changelog
 *      - in the fold `record->window` is the slice
 *      - what the fold skips or refuses is counted once, not once per window
 *      - rows are never hidden as `windowstore.kafka.retention` would
 *
 * KS_ON: put together from slices, an error where that is impossible. An aggregation then needs
 * KS_AGGREGATE(.combine), which alone changes nothing; a reducer must be able to combine as well.
 * KS_DEFAULT, KS_OFF: not. What windows without slices have kept, windows from slices cannot read,
 * nor the other way round: an application that finds the changelog of the other kind refuses to
 * start (KS_ETOPOLOGY), and touches nothing. */

/* Which records of two streams meet: right.time in [left.time - before, left.time + after]. Give
 * the difference, or before and after (which may be negative). Kafka: JoinWindows. */
typedef struct ks_join_windows {
    size_t      struct_size KS_SIZEOF(ks_join_windows);
    const char *site KS_ZERO;
    int64_t     difference_ms KS_ZERO; /* before and after alike */
    int64_t     before_ms KS_ZERO;
    int64_t     after_ms KS_ZERO;
    int64_t     grace_ms KS_ZERO;      /* how long a result without partner waits beyond that */
} ks_join_windows;

/* Kafka: StreamJoined. `name` names the join and its repartition topics, `store` its stores
 * (STORE-this-join-store and so on). */
typedef struct ks_stream_joined {
    size_t          struct_size KS_SIZEOF(ks_stream_joined);
    const char     *site KS_ZERO;
    const char     *name KS_ZERO;
    const char     *store KS_ZERO;
    const ks_serde *key KS_ZERO;   /* of both sides */
    const ks_serde *value KS_ZERO; /* of the left side */
    const ks_serde *other KS_ZERO; /* of the right side */
    const ks_serde *out KS_ZERO;   /* of the result */
    ks_switch       changelog KS_ZERO; /* default on */
    const char     *topic_config KS_ZERO; /* of a new changelog: "name=value,..." */
} ks_stream_joined;

/* The stores and parents of a processor. More than eight: ks_builder_connect(). */
#define KS_CONNECTED_MAX 8
typedef struct ks_connected {
    size_t          struct_size KS_SIZEOF(ks_connected);
    const char     *site KS_ZERO;
    const char     *name KS_ZERO;
    const ks_serde *key KS_ZERO;
    const ks_serde *value KS_ZERO;
    const char     *stores[KS_CONNECTED_MAX] KS_ZERO;
    const char     *parents[KS_CONNECTED_MAX] KS_ZERO; /* Topology API only */
} ks_connected;

/* Kafka: Materialized and the names of stores, of transform_values. */
typedef struct ks_table_connected {
    size_t          struct_size KS_SIZEOF(ks_table_connected);
    const char     *site KS_ZERO;
    const char     *name KS_ZERO;
    const char     *store KS_ZERO; /* of the result: makes it queryable under this name */
    const ks_serde *key KS_ZERO;
    const ks_serde *value KS_ZERO;
    ks_switch       cache KS_ZERO;
    ks_switch       changelog KS_ZERO;
    const char     *stores[KS_CONNECTED_MAX] KS_ZERO; /* that the function uses */
    const char     *topic_config KS_ZERO; /* of a new changelog: "name=value,..." */
} ks_table_connected;

/* A state store for processors: see ks_builder_add_store(). */
typedef struct ks_store_options {
    size_t          struct_size KS_SIZEOF(ks_store_options);
    const char     *site KS_ZERO;
    const char     *name KS_ZERO;
    const ks_serde *key KS_ZERO;
    const ks_serde *value KS_ZERO;
    ks_switch       cache KS_ZERO;     /* default off */
    ks_switch       changelog KS_ZERO; /* default on */
    int64_t         ttl_ms KS_ZERO;    /* as in ks_materialized */
    int64_t         max_rows KS_ZERO;  /* the least recently used go; 0 = no bound */
    const char     *topic_config KS_ZERO; /* of a new changelog: "name=value,..." */
} ks_store_options;

/* A window store for processors: see ks_builder_add_window_store(). */
typedef struct ks_window_store_options {
    size_t          struct_size KS_SIZEOF(ks_window_store_options);
    const char     *site KS_ZERO;
    const char     *name KS_ZERO;
    const ks_serde *key KS_ZERO;
    const ks_serde *value KS_ZERO;
    ks_switch       cache KS_ZERO;        /* default off */
    ks_switch       changelog KS_ZERO;    /* default on */
    int64_t         retention_ms KS_ZERO; /* how long rows can be read; needed */
    int64_t         size_ms KS_ZERO;      /* of a window: gives the rows their end */
    bool            duplicates KS_ZERO;   /* a put never replaces; null values are ignored */
    const char     *topic_config KS_ZERO; /* of a new changelog: "name=value,..." */
} ks_window_store_options;

/* A session store for processors: see ks_builder_add_session_store(). */
typedef struct ks_session_store_options {
    size_t          struct_size KS_SIZEOF(ks_session_store_options);
    const char     *site KS_ZERO;
    const char     *name KS_ZERO;
    const ks_serde *key KS_ZERO;
    const ks_serde *value KS_ZERO;
    ks_switch       cache KS_ZERO;        /* default off */
    ks_switch       changelog KS_ZERO;    /* default on */
    int64_t         retention_ms KS_ZERO; /* needed */
    const char     *topic_config KS_ZERO; /* of a new changelog: "name=value,..." */
} ks_session_store_options;

/* A versioned store for processors: see ks_builder_add_versioned_store(). */
typedef struct ks_versioned_store_options {
    size_t          struct_size KS_SIZEOF(ks_versioned_store_options);
    const char     *site KS_ZERO;
    const char     *name KS_ZERO;
    const ks_serde *key KS_ZERO;
    const ks_serde *value KS_ZERO;
    ks_switch       changelog KS_ZERO;  /* default on */
    int64_t         history_ms KS_ZERO; /* how old a put, or a version that is read, may be */
    const char     *topic_config KS_ZERO; /* of a new changelog: "name=value,..." */
} ks_versioned_store_options;

/* A literal of an options struct, as a pointer that is good for the call it stands in. */
#ifdef __cplusplus
extern "C++" {
template <typename T> inline const T *ks__temporary(const T &options)
{
    return &options;
}
}
#define KS_LITERAL_(type, ...) \
    (ks__temporary(type{ .struct_size = sizeof(type), .site = KS_SITE, __VA_ARGS__ }))
#else
#define KS_LITERAL_(type, ...) \
    (&(const type){ .struct_size = sizeof(type), .site = KS_SITE, __VA_ARGS__ })
#endif

#define KS_NAMED(...)         KS_LITERAL_(ks_named, .name = __VA_ARGS__)
#define KS_CONSUMED(...)      KS_LITERAL_(ks_consumed, __VA_ARGS__)
#define KS_PRODUCED(...)      KS_LITERAL_(ks_produced, __VA_ARGS__)
#define KS_GROUPED(...)       KS_LITERAL_(ks_grouped, __VA_ARGS__)
#define KS_REPARTITIONED(...) KS_LITERAL_(ks_repartitioned, __VA_ARGS__)
#define KS_ASYNC(...)         KS_LITERAL_(ks_async, __VA_ARGS__)
#define KS_DISTINCT(...)      KS_LITERAL_(ks_distinct, __VA_ARGS__)
#define KS_MATERIALIZED(...)  KS_LITERAL_(ks_materialized, __VA_ARGS__)
#define KS_JOINED(...)        KS_LITERAL_(ks_joined, __VA_ARGS__)
#define KS_TABLE_JOINED(...)  KS_LITERAL_(ks_table_joined, __VA_ARGS__)
#define KS_SUPPRESSED(...)    KS_LITERAL_(ks_suppressed, __VA_ARGS__)
#define KS_AGGREGATE(...)     KS_LITERAL_(ks_aggregate, __VA_ARGS__)
#define KS_CONNECTED(...)     KS_LITERAL_(ks_connected, __VA_ARGS__)
#define KS_TABLE_CONNECTED(...) KS_LITERAL_(ks_table_connected, __VA_ARGS__)
#define KS_KV_STORE(...)      KS_LITERAL_(ks_store_options, .name = __VA_ARGS__)
#define KS_WINDOW_STORE(...)  KS_LITERAL_(ks_window_store_options, .name = __VA_ARGS__)
#define KS_SESSION_STORE(...) KS_LITERAL_(ks_session_store_options, .name = __VA_ARGS__)
#define KS_VERSIONED_STORE(...) KS_LITERAL_(ks_versioned_store_options, .name = __VA_ARGS__)
#define KS_STREAM_JOINED(...) KS_LITERAL_(ks_stream_joined, __VA_ARGS__)
#define KS_WITHIN(...)        KS_LITERAL_(ks_join_windows, __VA_ARGS__)

/* .size_ms, and .grace_ms, .emit */
#define KS_TUMBLING(...)  KS_LITERAL_(ks_windowing, .kind = KS_WINDOWS_TUMBLING, __VA_ARGS__)
/* .size_ms, .advance_ms, and .grace_ms, .emit, .slices */
#define KS_HOPPING(...)   KS_LITERAL_(ks_windowing, .kind = KS_WINDOWS_HOPPING, __VA_ARGS__)
/* .difference_ms, and .grace_ms, .emit */
#define KS_SLIDING(...)   KS_LITERAL_(ks_windowing, .kind = KS_WINDOWS_SLIDING, __VA_ARGS__)
/* .gap_ms, and .grace_ms, .emit */
#define KS_SESSIONS(...)  KS_LITERAL_(ks_windowing, .kind = KS_WINDOWS_SESSIONS, __VA_ARGS__)
/* .start_ms */
#define KS_UNLIMITED(...) KS_LITERAL_(ks_windowing, .kind = KS_WINDOWS_UNLIMITED, __VA_ARGS__)
/* .count, and .emit (before it, in C++), .advance */
#define KS_COUNTED(...)   KS_LITERAL_(ks_windowing, .kind = KS_WINDOWS_COUNTED, __VA_ARGS__)

/**
 * Fill any options struct with defaults, for languages without the literal macros.
 *
 * `size` is sizeof the struct; a struct whose struct_size is 0 is refused by the builder.
 *
 * Ownership: borrows.
 * Threads:   any.
 * Errors:    none; NULL is ignored.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API void ks_options_init(void *options, size_t size);

#endif

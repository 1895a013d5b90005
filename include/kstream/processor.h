/* SPDX-License-Identifier: Apache-2.0
 *
 * processor.h - the context of callbacks, and processors of your own.
 *
 * A ks_ctx is valid inside the callback that got it and nowhere else. Its calls need no checks: a
 * failure (ks_ctx_fail(), no memory, a store that cannot be read) is kept in it, the record fails
 * as a whole when the callback returns, and the processing handler decides. Memory comes from an
 * arena that lasts to the end of the record and is never freed by hand; no call here allocates from
 * the heap on the usual path.
 *
 *      struct dedup { ks_kv_store *seen; };
 *
 *      static ks_status dedup_open(ks_ctx *ctx, void *self, void *user)
 *      {
 *          (void)user;
 *          ((struct dedup *)self)->seen = ks_ctx_kv_store(ctx, "seen");
 *          return KS_OK;
 *      }
 *      static ks_status dedup_process(ks_ctx *ctx, const ks_record *record, void *self)
 *      {
 *          ks_kv_store *seen = ((struct dedup *)self)->seen;
 *          ks_record    row;
 *          if (ks_kv_store_get(seen, record->key, &row) &&
 *              ks_bytes_equal(row.value, record->value))
 *              return KS_OK;
 *          ks_kv_store_put(seen, record->key, record->value);
 *          ks_ctx_forward(ctx, record);
 *          return KS_OK;
 *      }
 *      static const ks_processor dedup = KS_PROCESSOR(
 *          .state_size = sizeof(struct dedup), .open = dedup_open, .process = dedup_process);
 */
#ifndef KSTREAM_PROCESSOR_H
#define KSTREAM_PROCESSOR_H

#include <kstream/options.h>
#include <kstream/store.h>

/* KS_PROCESSOR(...) is a brace list (for a static const), all other option macros give a pointer.
 */
struct ks_processor {
    size_t struct_size KS_SIZEOF(ks_processor);
    size_t state_size KS_ZERO; /* `self`: so many zeroed bytes per task; 0 = self is NULL */
    ks_status (*open)(ks_ctx *ctx, void *self, void *user) KS_ZERO; /* may be NULL */
    ks_status (*process)(ks_ctx *ctx, const ks_record *record, void *self) KS_ZERO;
    void (*close)(ks_ctx *ctx, void *self) KS_ZERO; /* may be NULL */
};
typedef struct ks_processor ks_processor;

#define KS_PROCESSOR(...) { .struct_size = sizeof(ks_processor), __VA_ARGS__ }

/* A child of a processor: a downstream operator, by name. */
typedef struct ks_child ks_child;

/* A schedule of ks_ctx_schedule(). */
typedef struct ks_punctuation ks_punctuation;

typedef enum ks_time_kind {
    KS_STREAM_TIME = 1,    /* the largest timestamp the task has seen */
    KS_WALL_CLOCK_TIME = 2
} ks_time_kind;

/* Kafka: Punctuator. `now_ms` is the time of the kind it was scheduled by. */
typedef ks_status ks_punctuator_fn(ks_ctx *ctx, int64_t now_ms, void *user);

/**
 * Send a record downstream: to all children, with another value, or to one child.
 *
 * Depth first: when the call returns everything downstream has been done. The record's bytes are
 * borrowed, so a local record is fine. ks_ctx_forward_value() takes key, timestamp and headers of
 * the record being processed. Allowed in visitors of flat_map, processors and punctuators;
 * elsewhere it fails the record.
 *
 * Ownership: borrows.
 * Threads:   inside the callback.
 * Errors:    kept in ctx: KS_EINVAL for a negative timestamp or where forwarding is not allowed.
 * Kafka:     ProcessorContext#forward(Record), forward(Record, String).
 * Since:     0.1
 */
KS_API void ks_ctx_forward(ks_ctx *ctx, const ks_record *record);
KS_API void ks_ctx_forward_value(ks_ctx *ctx, ks_bytes value);
KS_API void ks_ctx_forward_to(ks_ctx *ctx, const ks_child *child, const ks_record *record);

/**
 * Find a child by its operator's name; to be called in `open`.
 *
 * Ownership: lends; as long as the task.
 * Threads:   inside the callback.
 * Errors:    NULL and a failed `open` if there is none of this name.
 * Kafka:     forward(Record, childName), resolved once.
 * Since:     0.1
 */
KS_API const ks_child *ks_ctx_child(ks_ctx *ctx, const char *name);

/**
 * Say that the record cannot be processed, with a reason; gives KS_EUSER, to be returned.
 *
 * In a predicate the answer no longer matters. ks_ctx_fail_text() is the same without a format.
 *
 * Ownership: copies the text.
 * Threads:   inside the callback.
 * Errors:    the first reason is kept.
 * Kafka:     an exception out of user code: ProcessingExceptionHandler, KIP-1033.
 * Since:     0.1
 */
KS_API ks_status ks_ctx_fail(ks_ctx *ctx, const char *format, ...) KS_PRINTF(2, 3);
KS_API ks_status ks_ctx_fail_text(ks_ctx *ctx, const char *text);

/**
 * Get memory to the end of the record: raw (zeroed, 16-aligned), a copy, a number, a formatted
 * text.
 *
 * ks_ctx_edit() makes `*io` a private writable copy of at least `size` bytes, zero-filled when it
 * was null or shorter, and gives its address: the way to update a struct aggregate. ks_ctx_copy()
 * of null is null. Cost: a bump of a pointer (ks_ctx_text() formats, ks_ctx_header_add() copies the
 * list of headers).
 *
 * Ownership: arena; nothing to free.
 * Threads:   inside the callback.
 * Errors:    up to 64 KiB never NULL (without memory the record fails later); above that NULL is
 *            possible and the record fails.
 * Kafka:     none; serializers.
 * Since:     0.1
 */
KS_API void    *ks_ctx_alloc(ks_ctx *ctx, size_t size);
KS_API void    *ks_ctx_edit(ks_ctx *ctx, ks_bytes *io, size_t size);
KS_API ks_bytes ks_ctx_copy(ks_ctx *ctx, ks_bytes bytes);
KS_API ks_bytes ks_ctx_i32(ks_ctx *ctx, int32_t number);
KS_API ks_bytes ks_ctx_i64(ks_ctx *ctx, int64_t number);
KS_API ks_bytes ks_ctx_f32(ks_ctx *ctx, float number);
KS_API ks_bytes ks_ctx_f64(ks_ctx *ctx, double number);
KS_API ks_bytes ks_ctx_text(ks_ctx *ctx, const char *format, ...) KS_PRINTF(2, 3);

/**
 * Add a header to one record: its list is copied and repointed, other records keep theirs.
 *
 * Ownership: copies name and value into the arena.
 * Threads:   inside the callback.
 * Errors:    kept in ctx.
 * Kafka:     Headers#add, without leaking to siblings.
 * Since:     0.1
 */
KS_API void ks_ctx_header_add(ks_ctx *ctx, ks_record *record, const char *name, ks_bytes value);

/**
 * Decode bytes with a user's serde (its `decode` hook); decoded once per record and bytes.
 *
 * Ownership: lends; destroyed at the end of the record.
 * Threads:   inside the callback.
 * Errors:    NULL for null bytes, or when they do not decode.
 * Kafka:     Deserializer#deserialize.
 * Since:     0.1
 */
KS_API const void *ks_ctx_decode(ks_ctx *ctx, const ks_serde *serde, ks_bytes bytes);

/**
 * Get memory that belongs to this operator in this task: zeroed at first, the same at every call.
 *
 * For caches of DSL callbacks (a parsed model, a connection). Not persisted; `close` (may be NULL)
 * runs with the task's end and does not free the memory itself.
 *
 * Ownership: lends to the end of the task.
 * Threads:   inside the callback; one task, one thread.
 * Errors:    NULL without memory (the record fails).
 * Kafka:     none; the fields of a Processor.
 * Since:     0.1
 */
KS_API void *ks_ctx_local(ks_ctx *ctx, size_t size, void (*close)(void *local));

/* A metric of your own: a number, or the latencies of something. */
typedef struct ks_counter ks_counter;
typedef struct ks_latency ks_latency;

/**
 * Get a metric of this operator in this task by name, made at the first call; best in `open`.
 *
 * Its rows are in ks_app_metrics() under the operator and the task: of a counter NAME; of a latency
 * NAME-total (how many), NAME-latency-total (their sum) and NAME-latency-max, in nanoseconds. As
 * all metrics they tell sums since the task was opened: a rate or a mean is the difference of two
 * readings, the reader's to compute. They start at 0 when a task is opened anew, are not taken back
 * when what a record did is (the record is processed and counted again), and end with the task. In
 * the processor of a global store they are those of the store.
 *
 * Ownership: lends to the end of the task; copies the name.
 * Threads:   inside the callbacks of this operator.
 * Errors:    NULL and the failure kept in ctx: KS_EINVAL without a name, KS_ENOMEM.
 * Kafka:     ProcessingContext#metrics; StreamsMetrics#addSensor, addRateTotalSensor,
 *            addLatencyRateTotalSensor.
 * Since:     0.1
 */
KS_API ks_counter *ks_ctx_counter(ks_ctx *ctx, const char *name);
KS_API ks_latency *ks_ctx_latency(ks_ctx *ctx, const char *name);

/**
 * Count, set a gauge, note a latency: no lock, no allocation, no reading of a clock.
 *
 * Ownership: none.
 * Threads:   inside the callbacks of the operator, one task, one thread; read from any.
 * Errors:    none; NULL is ignored.
 * Kafka:     Sensor#record.
 * Since:     0.1
 */
KS_API void ks_counter_add(ks_counter *counter, int64_t amount);
KS_API void ks_counter_set(ks_counter *counter, int64_t value);
KS_API void ks_latency_add(ks_latency *latency, int64_t elapsed_ns);

/**
 * Give the `user` of the operator that runs, as passed where it was added; NULL if none was.
 *
 * Ownership: borrows `ctx`; the pointer is the application's, shared by all tasks.
 * Threads:   inside a callback.
 * Errors:    none.
 * Kafka:     none; the fields of a Processor.
 * Since:     0.1
 */
KS_API void *ks_ctx_user(ks_ctx *ctx);

/**
 * Ask where and when: origin of the record, task ("0_3"), partition, stream time, wall clock.
 *
 * ks_ctx_origin() is false in punctuators and leaves `*out` cleared. Stream time is the task's, -1
 * before the first record. Wall time is that of the batch, not a fresh reading.
 *
 * Ownership: lends; to the end of the record.
 * Threads:   inside the callback.
 * Errors:    none.
 * Kafka:     ProcessorContext#recordMetadata, taskId, currentStreamTimeMs, currentSystemTimeMs.
 * Since:     0.1
 */
KS_API bool        ks_ctx_origin(ks_ctx *ctx, ks_origin *out);
KS_API const char *ks_ctx_task(ks_ctx *ctx);
KS_API int32_t     ks_ctx_partition(ks_ctx *ctx);
KS_API int64_t     ks_ctx_stream_time_ms(ks_ctx *ctx);
KS_API int64_t     ks_ctx_wall_time_ms(ks_ctx *ctx);

/**
 * Call `fn` every `interval_ms` of stream time or of the wall clock; from `open` or later.
 *
 * Stream time: first with the first record, then when stream time reaches the next multiple of the
 * interval; a jump over many gives one call. Wall clock: first after one interval, missed ticks are
 * not repeated. Made in `open`, both go on in the grid of before a restart. Punctuations count as a
 * record: what they write is committed like it.
 *
 * Ownership: keeps `fn` and `user`; the handle lives as long as the task.
 * Threads:   inside the callback; `fn` runs on the task's thread.
 * Errors:    NULL and the failure kept in ctx: KS_EINVAL for an interval below 1 ms, KS_ENOMEM.
 * Kafka:     ProcessorContext#schedule(Duration, PunctuationType, Punctuator), Cancellable#cancel.
 * Since:     0.1
 */
KS_API ks_punctuation *ks_ctx_schedule(ks_ctx *ctx, int64_t interval_ms, ks_time_kind kind,
                                       ks_punctuator_fn *fn, void *user);
KS_API void            ks_punctuation_cancel(ks_ctx *ctx, ks_punctuation *punctuation);

/**
 * The same on a grid that is anchored at `start_ms`: first when time reaches it, then at `start_ms`
 * plus multiples of the interval.
 *
 * A start that lies behind is followed by the next point of its grid. Over a restart a schedule of
 * `open` keeps its next point as long as start and interval stay as they are; what was missed
 * meanwhile is made up for by one call.
 *
 * Ownership: as ks_ctx_schedule().
 * Threads:   as ks_ctx_schedule().
 * Errors:    as ks_ctx_schedule(); KS_EINVAL for a negative start.
 * Kafka:     ProcessingContext#schedule(Instant, Duration, PunctuationType, Punctuator); KIP-1146.
 * Since:     0.1
 */
KS_API ks_punctuation *ks_ctx_schedule_at(ks_ctx *ctx, int64_t start_ms, int64_t interval_ms,
                                          ks_time_kind kind, ks_punctuator_fn *fn, void *user);

/**
 * Ask for a commit as soon as possible, of all tasks of the thread.
 *
 * Ownership: none.
 * Threads:   inside the callback.
 * Errors:    none.
 * Kafka:     ProcessorContext#commit.
 * Since:     0.1
 */
KS_API void ks_ctx_commit(ks_ctx *ctx);

/**
 * Get a store by name: one that is connected to this processor, or any global one (read-only).
 *
 * To be looked up once, in `open`.
 *
 * Ownership: lends; as long as the task.
 * Threads:   inside the callbacks of this operator.
 * Errors:    NULL and the failure kept in ctx: KS_ENOTFOUND, KS_ETYPE. All store calls accept NULL.
 * Kafka:     ProcessorContext#getStateStore.
 * Since:     0.1
 */
KS_API ks_kv_store        *ks_ctx_kv_store(ks_ctx *ctx, const char *name);
KS_API ks_window_store    *ks_ctx_window_store(ks_ctx *ctx, const char *name);
KS_API ks_session_store   *ks_ctx_session_store(ks_ctx *ctx, const char *name);
KS_API ks_versioned_store *ks_ctx_versioned_store(ks_ctx *ctx, const char *name);

#endif

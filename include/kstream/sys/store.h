/* SPDX-License-Identifier: Apache-2.0
 *
 * sys/store.h - state stores of your own: an index, a sketch, a model, kept like the library's.
 *
 * A store is a class of functions and, per task, `self`. Processors that are connected to it by
 * name get `self` and use it as they like, on the task's thread. What is to survive they tell the
 * store's changelog; from it the store is filled again.
 *
 *      struct sketch { ks_store_ctx *ctx; int64_t buckets[256]; };
 *
 *      static ks_status sketch_open(ks_store_ctx *ctx, void *self, void *user)
 *      {
 *          (void)user;
 *          ((struct sketch *)self)->ctx = ctx;
 *          return KS_OK;
 *      }
 *      static ks_status sketch_restore(ks_store_ctx *ctx, const ks_record *records, size_t count,
 *                                      void *self)
 *      {
 *          struct sketch *sketch = self;
 *
 *          for (size_t i = 0; i < count; i++) {
 *              if (records[i].key.size != 1)
 *                  return ks_store_ctx_fail(ctx, "a key of %zu bytes", records[i].key.size);
 *              sketch->buckets[*(const unsigned char *)records[i].key.data] =
 *                  ks_bytes_i64(records[i].value, 0);
 *          }
 *          return KS_OK;
 *      }
 *      static const ks_store_class sketch_class = KS_STORE_CLASS(
 *          .state_size = sizeof(struct sketch), .open = sketch_open, .restore = sketch_restore);
 *
 *      void sketch_add(struct sketch *sketch, unsigned char bucket, ks_bytes number)
 *      {
 *          sketch->buckets[bucket] = ks_bytes_i64(number, 0);
 *          ks_store_ctx_log(sketch->ctx, (ks_bytes){ &bucket, 1 }, number);
 *      }
 *
 *      ks_builder_add_user_store(b, &sketch_class, NULL, KS_USER_STORE("sketch"));
 *      ks_stream_process(s, &counter, NULL, KS_CONNECTED(.stores = { "sketch" }));
 *      struct sketch *sketch = ks_ctx_user_store(ctx, "sketch");       // in the processor's open
 *
 * The life of `self`:
 *
 *      open --> restore* --> { used by processors, commit* } --> close
 *        ^                                                         |
 *        `--------------- abort, rebalance, restart ---------------'
 *
 * The contract
 *   US1  open is called before the processors' own, with zeroed state each time: nothing of an
 *        earlier `self` is left. restore follows, all of it before the first record and before the
 *        app is RUNNING; the processors' own open sees the store without it.
 *   US2  Changes are made at once and told to the changelog in the same callback. They are
 *        committed with everything else that the record caused.
 *   US3  Abort: there is no hook. A store that may hold changes which were not committed is closed,
 *        opened and restored, so after an abort, a kill, a move to another host `self` is what the
 *        committed changelog says. Under at_least_once a crash may leave changes there whose
 *        records are processed again: a change should say what is so ("bucket 7 is 12"), not what
 *        to do ("add 1 to bucket 7"), and may then still count such a record twice.
 *   US4  The changelog is compacted: of equal keys the last record is sure to come, the others may
 *        come. A null value says that the key is gone.
 *   US5  Without a changelog (.changelog = KS_OFF) restore is not called: the store begins empty,
 *        or with what its own files hold, and an abort loses what it held.
 *
 * Files of its own. A store that wants to spare itself the whole restore keeps files in
 * ks_store_ctx_directory(). commit(ctx, position, self) is called when everything before changelog
 * offset `position` is committed and `self` is exactly that: with each write of the state, which
 * under load is the first commit after state.flush.ms (at_least_once: every commit). There it may
 * write its files, and the position with them, atomically (a file beside, fsync, rename), or leave
 * it for later. In open it reads them and says ks_store_ctx_set_position(); restore goes on from
 * there. The library empties the directory when it does not fit the changelog any more.
 *
 * Threads: all hooks and all use of `self` are on the task's thread; tasks do not share `self`.
 */
#ifndef KSTREAM_SYS_STORE_H
#define KSTREAM_SYS_STORE_H

#include <kstream/builder.h>
#include <kstream/processor.h>

/* What a store of your own asks of the library; as long as it is open. */
typedef struct ks_store_ctx ks_store_ctx;

typedef struct ks_store_class ks_store_class;
struct ks_store_class {
    size_t struct_size KS_SIZEOF(ks_store_class);
    size_t state_size KS_ZERO; /* `self`: so many zeroed bytes per task; at least 1 */
    ks_status (*open)(ks_store_ctx *ctx, void *self, void *user) KS_ZERO; /* may be NULL */
    /* Records of the changelog in its order, some thousands at a time. Needed with a changelog. */
    ks_status (*restore)(ks_store_ctx *ctx, const ks_record *records, size_t count,
                         void *self) KS_ZERO;
    /* May be NULL. `position` -1 = without a changelog, or nothing was ever told to it. A failure
     * is logged; files stay behind then, which costs a longer restore, until the next commit. */
    ks_status (*commit)(ks_store_ctx *ctx, int64_t position, void *self) KS_ZERO;
    void (*close)(ks_store_ctx *ctx, void *self) KS_ZERO; /* may be NULL; not after a failed open */
};

/* A brace list, for a static const. */
#define KS_STORE_CLASS(...) { .struct_size = sizeof(ks_store_class), __VA_ARGS__ }

typedef struct ks_user_store_options {
    size_t      struct_size KS_SIZEOF(ks_user_store_options);
    const char *site KS_ZERO;
    const char *name KS_ZERO;
    ks_switch   changelog KS_ZERO; /* default on */
    const char *topic_config KS_ZERO; /* of a new changelog, see ks_materialized */
} ks_user_store_options;

#define KS_USER_STORE(...) KS_LITERAL_(ks_user_store_options, .name = __VA_ARGS__)

/**
 * Add a store of your own (KS_USER_STORE("name", ...)); connect it by name in KS_CONNECTED.
 *
 * Ownership: copies class and options, keeps `user`, which is handed to open.
 * Threads:   the builder's.
 * Errors:    latches KS_EINVAL for a class without state or, with a changelog, without restore;
 *            KS_EEXISTS for a taken name.
 * Kafka:     StateStore, StoreBuilder; StreamsBuilder#addStateStore.
 * Since:     0.1
 */
KS_API void ks_builder_add_user_store(ks_builder *b, const ks_store_class *store, void *user,
                                      const ks_user_store_options *options);

/**
 * Get `self` of a store of your own that is connected to this processor; to be called in `open`.
 *
 * It is yours to know its type: name and class belong together.
 *
 * Ownership: lends; as long as the task.
 * Threads:   inside the callbacks of this operator.
 * Errors:    NULL and the failure kept in ctx: KS_ENOTFOUND, KS_ETYPE for a store of the library.
 * Kafka:     ProcessorContext#getStateStore.
 * Since:     0.1
 */
KS_API void *ks_ctx_user_store(ks_ctx *ctx, const char *name);

/**
 * Tell the changelog of a change; a null value says that the key is gone.
 *
 * The record takes the time of the record or punctuation being processed. Without a changelog
 * nothing happens.
 *
 * Ownership: copies.
 * Threads:   inside the callbacks of a processor that has `self`.
 * Errors:    kept in the processor's ctx, whose record fails: KS_EINVAL for a null key, KS_ESTATE
 *            in a hook of the store.
 * Kafka:     StateStoreContext, ChangelogRecorder.
 * Since:     0.1
 */
KS_API void ks_store_ctx_log(ks_store_ctx *ctx, ks_bytes key, ks_bytes value);

/**
 * Say in `open` that the store's files hold all changes before this offset of the changelog, as
 * commit gave it.
 *
 * Ownership: none.
 * Threads:   inside `open`; elsewhere it does nothing.
 * Errors:    none; a position that is not in the changelog empties the directory and opens anew.
 * Kafka:     StateStore#commit(Map), committedOffset; KIP-1035.
 * Since:     0.1
 */
KS_API void ks_store_ctx_set_position(ks_store_ctx *ctx, int64_t position);

/**
 * Say why a hook fails; gives KS_EUSER, to be returned. The text without a format: fail_text.
 *
 * Ownership: copies the text.
 * Threads:   inside a hook.
 * Errors:    the first reason is kept.
 * Kafka:     ProcessorStateException.
 * Since:     0.1
 */
KS_API ks_status ks_store_ctx_fail(ks_store_ctx *ctx, const char *format, ...) KS_PRINTF(2, 3);
KS_API ks_status ks_store_ctx_fail_text(ks_store_ctx *ctx, const char *text);

/**
 * Ask whose store this is, and for a directory of its own, made at the first call.
 *
 * The time is that of the record or punctuation being processed, -1 outside.
 *
 * Ownership: lends; as long as the store is open.
 * Threads:   the task's.
 * Errors:    ks_store_ctx_directory(): NULL if it cannot be made; the hook then fails (KS_EIO).
 * Kafka:     StateStoreContext#applicationId, taskId, stateDir, recordMetadata.
 * Since:     0.1
 */
KS_API const char *ks_store_ctx_name(const ks_store_ctx *ctx);
KS_API const char *ks_store_ctx_application(const ks_store_ctx *ctx);
KS_API const char *ks_store_ctx_task(const ks_store_ctx *ctx);
KS_API int32_t     ks_store_ctx_partition(const ks_store_ctx *ctx);
KS_API int64_t     ks_store_ctx_time_ms(const ks_store_ctx *ctx);
KS_API const char *ks_store_ctx_directory(ks_store_ctx *ctx);

#endif

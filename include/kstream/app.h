/* SPDX-License-Identifier: Apache-2.0
 *
 * app.h - ks_app: a topology at work, on its own threads or on yours.
 *
 *      ks_app *app = ks_app_new(topology, config);
 *      if (ks_app_run(app) != KS_OK)                           // until ks_app_stop() or a failure
 *          fprintf(stderr, "%s\n", ks_error_message(ks_app_error(app)));
 *      ks_app_free(app);
 *
 * Three ways to run it: ks_app_run() (start and wait), ks_app_start() (threads in the background),
 * or ks_app_step() in your own event loop with ks_app_fd() and ks_app_next_ms(); stepping and
 * threads cannot be mixed.
 *
 *      CREATED -> REBALANCING <-> RUNNING -> PENDING_SHUTDOWN -> NOT_RUNNING
 *                        `-----------`-----> PENDING_ERROR ----> ERROR
 *
 * Threads: an app may be used from any thread; ks_app_step() from one at a time. ks_app_stop() may
 * be called in a signal handler. The library never exits, aborts or prints.
 */
#ifndef KSTREAM_APP_H
#define KSTREAM_APP_H

#include <kstream/config.h>
#include <kstream/record.h>
#include <kstream/topology.h>

typedef struct ks_app ks_app;

/**
 * Make an app of a topology and a configuration; nothing is opened yet.
 *
 * A mistake in either is kept and returned by ks_app_run(), start and step. An app runs once: after
 * its end make a new one. A NULL app answers KS_ENOMEM to all three, so that one check is enough.
 *
 * Ownership: copies `config`, keeps a reference to the topology; the caller frees with
 *            ks_app_free(), which closes first.
 * Threads:   any.
 * Errors:    NULL only without memory.
 * Kafka:     KafkaStreams(Topology, Properties).
 * Since:     0.1
 */
KS_API ks_app *ks_app_new(const ks_topology *topology, const ks_config *config);
KS_API void    ks_app_free(ks_app *app);

/**
 * Run until it is stopped or fails; or start the threads and return at once.
 *
 * KS_OK from ks_app_run(): it was stopped, and everything is committed and closed. After
 * ks_app_start() failures are heard of by ks_app_get_state(), the listener, ks_app_close().
 *
 * Ownership: none.
 * Threads:   ks_app_run() blocks the caller; callbacks run on num.stream.threads threads of the
 *            app.
 * Errors:    mistakes of topology and configuration, what ended the app: the text is
 *            ks_app_error(); KS_ESTATE if it was started or stepped before: ks_app_call_error().
 * Kafka:     KafkaStreams#start.
 * Since:     0.1
 */
KS_API ks_status ks_app_run(ks_app *app) KS_MUST_CHECK;
KS_API ks_status ks_app_start(ks_app *app) KS_MUST_CHECK;

/**
 * Work for about `budget_ms` on the caller's thread: read, process, commit, rebalance, restore.
 *
 * Returns sooner when there is nothing to do. 0 = one round. Never waits for new records.
 *
 * A loop learns of the end from the state: after ks_app_stop() the steps that follow close the app,
 * until ks_app_get_state() is KS_APP_NOT_RUNNING; from then on a step does nothing and is KS_OK.
 * After a failure this and every later step return what the app failed with: leave the loop and
 * call ks_app_close(). A mistake that is found before the start leaves the app in KS_APP_CREATED.
 *
 * On the embedded log a step waits neither for others that write to it nor for the disk: a commit
 * goes on between the steps, nothing is processed until it is decided, and then the descriptor is
 * readable. What a step does wait for are the files of a state, and of a log that it has to make:
 * so a stop, and a rebalance that takes tasks away, sync the state of each task (one fdatasync per
 * task with stores, one after the other, whatever the budget).
 *
 * Ownership: none.
 * Threads:   one at a time; callbacks run on it.
 * Errors:    as ks_app_run(); KS_OK also when idle.
 * Kafka:     none (StreamThread#runOnce).
 * Since:     0.1
 */
KS_API ks_status ks_app_step(ks_app *app, int budget_ms);

/**
 * Say what to wait for between two steps: a descriptor that is readable when there is work, and the
 * milliseconds to the next timer (0 = step now, -1 = none).
 *
 * Ownership: the descriptor belongs to the app; poll it, do not read it.
 * Threads:   any.
 * Errors:    -1 before the first step and after the end.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API int ks_app_fd(const ks_app *app);
KS_API int ks_app_next_ms(const ks_app *app);

/**
 * Ask the app to stop: ks_app_run() returns after the last commit.
 *
 * Ownership: none.
 * Threads:   any, also signal handlers (async-signal-safe).
 * Errors:    none.
 * Kafka:     KafkaStreams#close(Duration.ZERO).
 * Since:     0.1
 */
KS_API void ks_app_stop(ks_app *app);

/**
 * Stop and wait until everything is committed and closed, at most `timeout_ms` (-1 = for ever).
 *
 * A stepped app is stepped to its end here. Again, or before a start, it is KS_OK; an app that was
 * closed before its start cannot be started any more.
 *
 * Ownership: none.
 * Threads:   any but a callback.
 * Errors:    KS_ETIMEOUT (closing goes on), KS_ESTATE in a callback, and (without a text) in a
 *            child of fork(2), where ks_app_free() does nothing; what the app failed with.
 * Kafka:     KafkaStreams#close(Duration).
 * Since:     0.1
 */
KS_API ks_status ks_app_close(ks_app *app, int timeout_ms) KS_MUST_CHECK;

typedef enum ks_app_state {
    KS_APP_CREATED = 1,
    KS_APP_REBALANCING,
    KS_APP_RUNNING,
    KS_APP_PENDING_SHUTDOWN,
    KS_APP_NOT_RUNNING,
    KS_APP_PENDING_ERROR,
    KS_APP_ERROR
} ks_app_state;

typedef void ks_state_fn(ks_app *app, ks_app_state now, ks_app_state before, void *user);

/**
 * Read the state, name it ("RUNNING"), hear of every change.
 *
 * Ownership: keeps `listener` and `user`; the name is static.
 * Threads:   any; the listener runs on the thread that made the change and must not close the app.
 * Errors:    ks_app_set_state_listener() after the start is KS_ESTATE.
 * Kafka:     KafkaStreams#state, StateListener.
 * Since:     0.1
 */
KS_API ks_app_state ks_app_get_state(const ks_app *app);
KS_API const char  *ks_app_state_name(ks_app_state state);
KS_API ks_status    ks_app_set_state_listener(ks_app *app, ks_state_fn *listener, void *user);

/**
 * Read what went wrong; its status is KS_OK while nothing did.
 *
 * Ownership: lends; as long as the app.
 * Threads:   any.
 * Errors:    none; NULL answers KS_ENOMEM.
 * Kafka:     StreamsException.
 * Since:     0.1
 */
KS_API const ks_error *ks_app_error(const ks_app *app);

/**
 * Read why the last call that was refused was refused: a second start, a store that is not there, a
 * close within a callback.
 *
 * That is no error of the app, which goes on; ks_app_error() stays as it is. The app keeps one
 * reason for each thread that was refused something, so that threads do not see each other's; about
 * calls that succeeded it says nothing. Ask on the thread that made the call, after it failed.
 *
 * Ownership: lends; until the next call on this app that is refused on this thread, or
 *            ks_app_free().
 * Threads:   any; each has its own.
 * Errors:    none; KS_OK if no call on this app was refused on this thread, KS_ENOMEM if there was
 *            no memory to keep the reason.
 * Kafka:     IllegalStateException, UnknownStateStoreException.
 * Since:     0.1
 */
KS_API const ks_error *ks_app_call_error(const ks_app *app);

/**
 * Stop processing and punctuating for a while; membership, restore and queries go on.
 *
 * Ownership: none.
 * Threads:   any.
 * Errors:    none.
 * Kafka:     KafkaStreams#pause, resume, isPaused; KIP-834.
 * Since:     0.1
 */
KS_API void ks_app_pause(ks_app *app);
KS_API void ks_app_resume(ks_app *app);
KS_API bool ks_app_is_paused(const ks_app *app);

typedef enum ks_failure_kind {
    KS_FAILURE_DESERIALIZATION = 1, /* a source's serde refuses the bytes */
    KS_FAILURE_PROCESSING,          /* user code failed, or a store on its behalf */
    KS_FAILURE_PRODUCTION,          /* a record could not be written */
    KS_FAILURE_UNCAUGHT             /* a thread cannot go on */
} ks_failure_kind;

typedef enum ks_reaction {
    KS_REACTION_DEFAULT = 0, /* as the configuration says */
    KS_REACTION_CONTINUE,    /* leave the record out (counted), or send it to the dead letters */
    KS_REACTION_FAIL,        /* stop the thread: the uncaught-error handler decides */
    KS_REACTION_RETRY,       /* production only: try again */
    KS_REACTION_REPLACE,     /* uncaught only: a new thread takes over from the last commit */
    KS_REACTION_SHUTDOWN     /* uncaught only: the app ends in ERROR */
} ks_reaction;

/* A failure, lent for the call of a handler. May grow at the end. */
typedef struct ks_failure {
    ks_failure_kind  kind;
    const ks_error  *error;  /* status and text */
    const char      *node;   /* the operator; "" if none */
    const char      *task;   /* "0_3"; "" if none */
    ks_origin        origin; /* of the input record; topic NULL if none */
    const ks_record *record; /* as it is at the node; NULL if none */
    const ks_record *raw;    /* as it was read; NULL if none */
} ks_failure;

/* An answer that is none for the kind of failure (RETRY for a processing failure, say) fails, and
 * the text of the error says so. */
typedef ks_reaction ks_failure_fn(const ks_failure *failure, void *user);

/**
 * Decide what a failure means, per kind of failure.
 *
 * Without a handler, or when it answers DEFAULT, the configuration decides:
 * deserialization.exception.handler, processing.exception.handler, production.exception.handler
 * (continue or fail), and errors.dead.letter.queue.topic.name, to which CONTINUE then sends the raw
 * record with headers that say why and where from. Default of all: fail; of uncaught: shut down.
 *
 * Ownership: keeps `handler` and `user`.
 * Threads:   handlers run on stream threads. Before the start.
 * Errors:    KS_ESTATE after the start, KS_EINVAL for an unknown kind.
 * Kafka:     DeserializationExceptionHandler, ProcessingExceptionHandler,
 *            ProductionExceptionHandler, StreamsUncaughtExceptionHandler; KIP-1033, KIP-1034.
 * Since:     0.1
 */
KS_API ks_status ks_app_on_failure(ks_app *app, ks_failure_kind kind, ks_failure_fn *handler,
                                   void *user);

typedef enum ks_restore_kind {
    KS_RESTORE_START = 1,
    KS_RESTORE_BATCH,
    KS_RESTORE_END,
    KS_RESTORE_SUSPENDED /* the task went before its store was complete */
} ks_restore_kind;

/* A step of a restore, lent for the call. May grow at the end. */
typedef struct ks_restore_event {
    ks_restore_kind kind;
    const char     *store;
    const char     *task;      /* "0_3"; "" for a global store */
    const char     *topic;     /* changelog, or the topic of a global or read-only store */
    int32_t         partition;
    int64_t         offset;    /* start: of the first record; else behind the last one */
    int64_t         end;       /* offset at which the store is complete */
    int64_t         records;   /* batch: of it; end, suspended: of all */
} ks_restore_event;

typedef void ks_restore_fn(const ks_restore_event *event, void *user);

/**
 * Hear of stores that are filled: each has a start, also if nothing is missing, and an end.
 *
 * Ownership: keeps `listener` and `user`.
 * Threads:   the listener runs on stream threads, several at a time, and must not close the app.
 *            Before the start.
 * Errors:    KS_ESTATE after the start.
 * Kafka:     KafkaStreams#setGlobalStateRestoreListener, StateRestoreListener.
 * Since:     0.1
 */
KS_API ks_status ks_app_set_restore_listener(ks_app *app, ks_restore_fn *listener, void *user);

/**
 * Remove the local state of the application: all of its task and global directories below
 * state.dir. The log stays, its own embedded one too; stores are filled from it again.
 *
 * Ownership: none.
 * Threads:   any.
 * Errors:    KS_ESTATE unless the app is new or has ended, KS_EBUSY if another app or a snapshot
 *            has one of them open (the others are gone then), KS_EIO: ks_app_call_error().
 * Kafka:     KafkaStreams#cleanUp.
 * Since:     0.1
 */
KS_API ks_status ks_app_clean_up(ks_app *app);

typedef enum ks_log_level {
    KS_LOG_ERROR = 1,
    KS_LOG_WARN,
    KS_LOG_INFO,
    KS_LOG_DEBUG
} ks_log_level;

/* `message` is "task node: text key=value ...", NUL-terminated, lent for the call. */
typedef void ks_logger_fn(ks_log_level level, const char *room, const char *message, void *user);

/**
 * Receive log lines up to `level`; by default there are none.
 *
 * Ownership: keeps `logger` and `user`.
 * Threads:   the logger runs on any thread of the app. Before the start.
 * Errors:    KS_ESTATE after the start.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API ks_status ks_app_set_logger(ks_app *app, ks_log_level level, ks_logger_fn *logger,
                                   void *user);

#endif

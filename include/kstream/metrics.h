/* SPDX-License-Identifier: Apache-2.0
 *
 * metrics.h - counters of a running app, one table, and its threads with their tasks, read from any
 * thread.
 *
 *      ks_metrics *metrics = ks_app_metrics(app);
 *      for (const ks_metric *m; (m = ks_metrics_next(metrics)) != NULL;)
 *          printf("%s %s %s %" PRId64 "\n", m->task, m->name, m->node, m->value);
 *      ks_metrics_free(metrics);
 */
#ifndef KSTREAM_METRICS_H
#define KSTREAM_METRICS_H

#include <kstream/app.h>

typedef struct ks_metrics ks_metrics;

/* May grow at the end. Names are Kafka's where Kafka has one; docs/metrics.md lists all, and the
 * reasons of drops. Those of your own (ks_ctx_counter(), ks_ctx_latency()) stand beside them. */
typedef struct ks_metric {
    const char *name;
    const char *task;  /* "0_3"; "" = of a thread, a global table or the app */
    const char *node;  /* operator, store or topic; of a thread its name; "" = of task or app */
    const char *label; /* of a drop its reason: "null-key", "null-value", "negative-time", "late",
                          "user", "processing", "deserialization", "stale"; "global" of a global
                          table; "" if none */
    int64_t     value;
} ks_metric;

/**
 * Take a copy of all counters, and step through it; NULL at the end.
 *
 * Ownership: the caller frees with ks_metrics_free(); rows live until then.
 * Threads:   any; the copy is used by one at a time.
 * Errors:    NULL without memory; both accept NULL.
 * Kafka:     KafkaStreams#metrics.
 * Since:     0.1
 */
KS_API ks_metrics      *ks_app_metrics(ks_app *app);
KS_API const ks_metric *ks_metrics_next(ks_metrics *metrics);
KS_API void             ks_metrics_free(ks_metrics *metrics);

/**
 * Sum the values of all rows of a name (and of a label, if not NULL).
 *
 * Ownership: none.
 * Threads:   as ks_metrics_next().
 * Errors:    0.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API int64_t ks_metrics_sum(const ks_metrics *metrics, const char *name, const char *label);

/* ---- threads and tasks ---- */

typedef struct ks_threads ks_threads;

typedef enum ks_thread_state {
    KS_THREAD_STARTING = 1, /* sessions, topics, global tables; joining the group */
    KS_THREAD_ASSIGNED,     /* a member of the group; some of its tasks do not run yet */
    KS_THREAD_RUNNING,
    KS_THREAD_CLOSING,
    KS_THREAD_ENDED
} ks_thread_state;

typedef enum ks_task_state {
    KS_TASK_OPENING = 1,
    KS_TASK_RESTORING,
    KS_TASK_RUNNING,
    KS_TASK_KEPT /* was given away; its state stays open for a while, if it comes back */
} ks_task_state;

/* An input of a task that runs; -1 = not known. All three of these may grow at the end. */
typedef struct ks_task_input {
    const char *topic;
    int32_t     partition;
    int64_t     position;  /* offset of the next record to be processed */
    int64_t     committed; /* what the group goes on from; before a first commit: the start */
    int64_t     end;       /* offset behind the last record */
} ks_task_input;

typedef struct ks_task {
    const char                 *id;       /* "0_3" */
    ks_task_state               state;
    int64_t                     restored; /* records of changelogs, in all restores */
    int64_t                     restore_remaining; /* records to come, of all stores */
    size_t                      input_count;
    const ks_task_input *const *inputs;
} ks_task;

typedef struct ks_thread {
    const char           *name; /* "<client.id>-StreamThread-1" */
    ks_thread_state       state;
    size_t                task_count;
    const ks_task *const *tasks;
} ks_thread;

/**
 * Take a copy of what the threads of this instance are doing, and step through it; NULL at the end.
 *
 *      ks_threads *threads = ks_app_threads(app);
 *      for (const ks_thread *t; (t = ks_threads_next(threads)) != NULL;)
 *          for (size_t i = 0; i < t->task_count; i++)
 *              printf("%s %s\n", t->name, t->tasks[i]->id);
 *      ks_threads_free(threads);
 *
 * Offsets are as of each task's last turn. An app that is stepped has one thread; there is none
 * before the start.
 *
 * Ownership: the caller frees with ks_threads_free(); all in it lives until then.
 * Threads:   any; the copy is used by one at a time.
 * Errors:    NULL without memory; all accept NULL.
 * Kafka:     KafkaStreams#metadataForLocalThreads, allLocalStorePartitionLags; ThreadMetadata,
 *            TaskMetadata.
 * Since:     0.1
 */
KS_API ks_threads      *ks_app_threads(ks_app *app);
KS_API const ks_thread *ks_threads_next(ks_threads *threads);
KS_API void             ks_threads_free(ks_threads *threads);

#endif

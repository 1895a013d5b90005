/* SPDX-License-Identifier: Apache-2.0
 *
 * metrics.h - counters of a running app, one table, read from any thread.
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

/* May grow at the end. Names are Kafka's where Kafka has one: "process-total",
 * "dropped-records-total", "pending-records", "records-lag", "commit-total", "restore-total" and so
 * on; those of your own (ks_ctx_counter(), ks_ctx_latency()) stand beside them. */
typedef struct ks_metric {
    const char *name;
    const char *task;  /* "0_3"; "" = of the thread or the app */
    const char *node;  /* operator, store or topic; "" = of the task */
    const char *label; /* of a drop its reason: "null-key", "null-value", "negative-time", "late",
                          "user", "processing", "deserialization", "stale"; "" if none */
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

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * metrics.h - making a copy of counters, for who owns tasks: the app, the test driver.
 *
 *      metrics = ks__metrics_new();
 *      ks__metrics_add_task(metrics, task);
 *      return ks__metrics_done(metrics);
 *
 * Without memory the calls between do nothing and done() gives NULL.
 * Threads: one per copy; counters are read from any.
 */
#ifndef KS_RUNTIME_METRICS_H
#define KS_RUNTIME_METRICS_H

#include "runtime/global.h"
#include "runtime/task.h"

#include <kstream/metrics.h>

ks_metrics *ks__metrics_new(void);
/* One row. `name` and `label` are static, `task` and `node` are copied. */
void ks__metrics_add(ks_metrics *metrics, const char *name, const char *task, const char *node,
                     const char *label, int64_t value);
/* Rows of all operators of a task. */
void ks__metrics_add_task(ks_metrics *metrics, const struct ks__task *task);
/* Rows of all global tables; NULL is fine. */
void ks__metrics_add_globals(ks_metrics *metrics, const struct ks__globals *globals);
/* The copy to hand out, NULL = no memory. */
ks_metrics *ks__metrics_done(ks_metrics *metrics);

#endif

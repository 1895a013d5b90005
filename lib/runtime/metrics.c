/* SPDX-License-Identifier: Apache-2.0
 *
 * metrics.c - a copy of the counters of a running app, as rows.
 *
 *      tasks (under tasks_lock) --> process-total, dropped-records-total, pending-records and the
 *                                   user's own per node; records-lag per input; restore-total,
 *                                   restore-remaining-records-total, state-unwritten-bytes,
 *                                   state-write-errors-total
 *      threads                  --> commit-total, abort-total, task-count
 *      global tables            --> process-total, dropped-records-total per store
 *
 * Names are formatted and copied here, when somebody asks, never where the counters move.
 * Threads: any; a copy by one at a time.
 */
#include "runtime/metrics.h"

#include "runtime/app.h"
#include "runtime/drop.h"
#include "topology/meter.h"

#include <string.h>

struct ks_metrics {
    struct ks__arena arena;     /* all texts */
    ks_metric       *rows;
    size_t           count, capacity;
    size_t           next;
    bool             failed;    /* no memory */
};

/* ---- rows ---- */

static const char *copy_text(struct ks_metrics *metrics, const char *text)
{
    size_t size = text != NULL ? strlen(text) : 0;
    char  *copy;

    if (size == 0)
        return "";
    copy = ks__arena_alloc(&metrics->arena, size + 1);
    if (copy == NULL) {
        metrics->failed = true;
        return "";
    }
    memcpy(copy, text, size + 1);
    return copy;
}

ks_metrics *ks__metrics_new(void)
{
    struct ks_metrics *metrics = ks__zalloc(sizeof(*metrics));

    if (metrics != NULL)
        metrics->failed = ks__arena_init(&metrics->arena, 0, 0) != KS_OK;
    return metrics;
}

ks_metrics *ks__metrics_done(ks_metrics *metrics)
{
    if (metrics == NULL || !metrics->failed)
        return metrics;
    ks_metrics_free(metrics);
    return NULL;
}

void ks__metrics_add(ks_metrics *metrics, const char *name, const char *task, const char *node,
                     const char *label, int64_t value)
{
    if (metrics == NULL || metrics->failed)
        return;
    if (!KS__GROW(&metrics->rows, &metrics->capacity, metrics->count + 1)) {
        metrics->failed = true;
        return;
    }
    metrics->rows[metrics->count++] = (ks_metric){
        .name  = name,
        .task  = copy_text(metrics, task),
        .node  = copy_text(metrics, node),
        .label = label,
        .value = value,
    };
}

/* Whose rows ks__meters_each() gives. */
struct metered {
    ks_metrics *metrics;
    const char *task, *node;
};

static void add_meter(void *user, const char *name, int64_t value)
{
    const struct metered *of   = user;
    const char           *kept = copy_text(of->metrics, name);

    ks__metrics_add(of->metrics, kept, of->task, of->node, "", value);
}

static void add_meters(ks_metrics *metrics, const struct ks__meters *meters, const char *task,
                       const char *node)
{
    struct metered of = { metrics, task, node };

    ks__meters_each(meters, add_meter, &of);
}

void ks__metrics_add_task(ks_metrics *metrics, const struct ks__task *task)
{
    ks__metrics_add(metrics, "state-unwritten-bytes", ks__task_id(task), "", "",
                    ks__task_unwritten_bytes(task));
    ks__metrics_add(metrics, "state-write-errors-total", ks__task_id(task), "", "",
                    ks__task_write_errors(task));
    for (size_t n = 0; n < ks__task_op_count(task); n++) {
        const struct ks__op *op = ks__task_op(task, n);

        ks__metrics_add(metrics, "process-total", ks__task_id(task), op->node->name, "",
                        ks__counter_read(&op->processed));
        if (op->class->holding != NULL)
            ks__metrics_add(metrics, "pending-records", ks__task_id(task), op->node->name, "",
                            ks__counter_read(&op->held));
        for (int why = 1; why < KS__DROP_COUNT_; why++) {
            int64_t dropped = ks__task_dropped(task, n, (enum ks__drop)why);

            if (dropped != 0)
                ks__metrics_add(metrics, "dropped-records-total", ks__task_id(task),
                                op->node->name, ks__drop_name((enum ks__drop)why), dropped);
        }
        add_meters(metrics, op->meters, ks__task_id(task), op->node->name);
    }
}

/* Under tasks_lock. */
static void add_task(struct ks_metrics *metrics, const struct ks__owned_task *owned)
{
    ks__metrics_add(metrics, "restore-total", owned->id, "", "",
                    ks__counter_read(&owned->restored));
    ks__metrics_add(metrics, "restore-remaining-records-total", owned->id, "", "",
                    ks__counter_read(&owned->remaining));
    for (size_t i = 0; i < owned->lag_count; i++)
        ks__metrics_add(metrics, "records-lag", owned->id, owned->lags[i].topic, "",
                        ks__counter_read(&owned->lags[i].lag));
    if (owned->task != NULL && owned->phase != KS__OWNED_OPENING)
        ks__metrics_add_task(metrics, owned->task);
}

static void add_threads(struct ks_metrics *metrics, const struct ks_app *app)
{
    for (int i = 0; i < ks__app_active_threads(app); i++) {
        const struct ks__stream_thread *thread = &app->threads[i];

        ks__metrics_add(metrics, "commit-total", "", thread->name, "",
                        ks__counter_read(&thread->commits));
        ks__metrics_add(metrics, "abort-total", "", thread->name, "",
                        ks__counter_read(&thread->aborts));
    }
}

void ks__metrics_add_globals(ks_metrics *metrics, const struct ks__globals *globals)
{
    const struct ks__global_counters *counters;

    if (globals == NULL)
        return;
    for (size_t n = 0; (counters = ks__globals_counters(globals, n)) != NULL; n++) {
        ks__metrics_add(metrics, "process-total", "", counters->store, "global",
                        ks__counter_read(&counters->applied));
        ks__metrics_add(metrics, "dropped-records-total", "", counters->store, "global",
                        ks__counter_read(&counters->dropped));
        add_meters(metrics, &counters->meters, "", counters->store);
    }
}

/* ---- public ---- */

ks_metrics *ks_app_metrics(ks_app *app)
{
    struct ks_metrics *metrics = app != NULL ? ks__metrics_new() : NULL;
    int64_t            tasks = 0;

    if (metrics == NULL)
        return NULL;
    ks__mutex_lock(&app->tasks_lock);
    for (const struct ks__owned_task *owned = app->tasks; owned != NULL; owned = owned->next) {
        add_task(metrics, owned);
        tasks++;
    }
    ks__metrics_add_globals(metrics, app->globals);
    ks__mutex_unlock(&app->tasks_lock);
    add_threads(metrics, app);
    ks__metrics_add(metrics, "task-count", "", "", "", tasks);
    return ks__metrics_done(metrics);
}

const ks_metric *ks_metrics_next(ks_metrics *metrics)
{
    if (metrics == NULL || metrics->next >= metrics->count)
        return NULL;
    return &metrics->rows[metrics->next++];
}

void ks_metrics_free(ks_metrics *metrics)
{
    if (metrics == NULL)
        return;
    ks__arena_release(&metrics->arena);
    ks__free(metrics->rows);
    ks__free(metrics);
}

int64_t ks_metrics_sum(const ks_metrics *metrics, const char *name, const char *label)
{
    int64_t sum = 0;

    for (size_t i = 0; metrics != NULL && name != NULL && i < metrics->count; i++)
        if (strcmp(metrics->rows[i].name, name) == 0 &&
            (label == NULL || strcmp(metrics->rows[i].label, label) == 0))
            sum += metrics->rows[i].value;
    return sum;
}

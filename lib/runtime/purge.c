/* SPDX-License-Identifier: Apache-2.0
 *
 * purge.c - rounds over the inputs of a thread's tasks; see purge.h.
 *
 * What the log is asked is kept apart from the tasks: they may go while it does not answer, and it
 * must be asked again with the same arguments.
 */
#include "runtime/purge.h"

#include "runtime/app.h"
#include "runtime/thread.h"

#include <stdio.h>
#include <string.h>

static bool is_repartition(const struct ks_app *app, const char *name)
{
    for (size_t i = 0; i < app->topology->repartition_count; i++) {
        const struct ks__topic_ref ref = { .name     = app->topology->repartitions[i].topic,
                                           .internal = true };

        if (ks__topic_is(&ref, app->settings.application_id, name))
            return true;
    }
    return false;
}

/* The next input with something to forget, kept to be asked; false = the round is over. */
static bool find_next(struct ks__purge *purge, struct ks__stream_thread *thread)
{
    for (; purge->task < thread->owned_count; purge->task++, purge->input = 0) {
        struct ks__owned_task *owned = thread->owned[purge->task];

        while (owned->phase == KS__OWNED_RUNNING &&
               purge->input < ks__task_input_count(owned->task)) {
            const size_t at    = purge->input++;
            const char  *topic = ks__task_input_topic(owned->task, at);

            if (!is_repartition(thread->app, topic) ||
                !ks__task_take_consumed(owned->task, at, &purge->offset))
                continue;
            snprintf(purge->topic, sizeof(purge->topic), "%s", topic);
            purge->partition = owned->partition;
            purge->asked     = true;
            return true;
        }
    }
    return false;
}

static bool begin(struct ks__purge *purge, const struct ks__stream_thread *thread)
{
    const int64_t now = ks__stream_thread_now_ms(thread);

    if (!purge->wanted || now - purge->last_ms < thread->app->settings.repartition_purge_ms)
        return false;
    purge->wanted    = false;
    purge->under_way = true;
    purge->last_ms   = now;
    purge->task      = 0;
    purge->input     = 0;
    return true;
}

bool ks__purge_step(struct ks__purge *purge, struct ks__stream_thread *thread)
{
    ks_error  error = { .status = KS_OK };
    ks_status status;

    if (!purge->under_way && !begin(purge, thread))
        return false;
    if (!purge->asked && !find_next(purge, thread)) {
        purge->under_way = false;
        return false;
    }
    status = ks__cluster_trim(thread->app->cluster, purge->topic, purge->partition, purge->offset,
                              0, &error);
    if (status == KS_EAGAIN)
        return true;
    if (status != KS_OK)
        KS__LOG_AT_WARN(&thread->app->log, "runtime",
                        "%s: %s-%d: records that were processed cannot be forgotten: %s",
                        thread->name, purge->topic, (int)purge->partition,
                        error.status != KS_OK ? error.message : ks_status_text(status));
    purge->asked = false;
    return true;
}

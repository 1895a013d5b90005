/* SPDX-License-Identifier: Apache-2.0
 *
 * thread_topics.c - sources that read topics by a pattern follow what the log has.
 *
 *      WORK --metadata.max.age.ms | rebalance--> look --same--> WORK
 *                                                  `--other--> commit --> leave, plan, join again
 *
 * Threads and instances look for themselves. Who has not seen a topic yet gets no partition of it;
 * that it rejoins is a rebalance, with which the others look.
 */
#include "runtime/thread.h"

#include "runtime/app.h"

/* How long after a look that failed the next one is. */
#define LOOK_AGAIN_MS 1000

static bool is_due(struct ks__stream_thread *thread)
{
    const int64_t age = thread->app->settings.metadata_age_ms;

    return thread->look_soon || ks__stream_thread_now_ms(thread) - thread->looked_ms >= age;
}

/* A log that cannot answer now is asked later: what is read stays right. */
static void look(struct ks__stream_thread *thread)
{
    ks_error  error  = { .status = KS_OK };
    ks_status status = ks__topics_look(&thread->topics, thread->app->cluster, &thread->outdated, 0,
                                       &error);

    if (status == KS_EAGAIN)
        return;
    thread->look_soon = false;
    thread->looked_ms = ks__stream_thread_now_ms(thread);
    if (status == KS_OK)
        return;
    KS__LOG_AT_WARN(&thread->app->log, "runtime", "%s: %s; looking for topics again later",
                    thread->name, ks_error_message(&error));
    thread->looked_ms += LOOK_AGAIN_MS - thread->app->settings.metadata_age_ms;
}

bool ks__stream_thread_follow_topics(struct ks__stream_thread *thread, enum ks__turn *turn)
{
    if (thread->topics.resolved == NULL)
        return false;
    *turn = KS__TURN_AGAIN;
    if (thread->outdated) { /* its commit is over, or was given up by an abort */
        thread->outdated = false;
        *turn            = ks__stream_thread_restart(thread);
        return true;
    }
    if (is_due(thread))
        look(thread);
    if (!thread->outdated)
        return false;
    KS__LOG_AT_INFO(&thread->app->log, "runtime", "%s: patterns match other topics: rejoin",
                    thread->name);
    for (size_t i = 0; i < thread->owned_count; i++)
        if (thread->owned[i]->phase == KS__OWNED_RUNNING)
            ks__task_finish(thread->owned[i]->task);
    ks__stream_thread_commit_begin(thread, KS__COMMIT_REJOIN);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * owned_above.c - may tasks of this app that fill an input of a task have records for it yet?
 *
 *      sub-topology 0 --repartition topic--> 1 --repartition topic--> 2       above 2: 0 and 1
 *
 * A task is behind when it is not done with all that there is, nor with all that there was half of
 * idle.advance.ms ago: under a steady load there is always something. Records that operators hold
 * back are not done with.
 *
 * Threads: the task's; tasks of other threads are looked at under tasks_lock.
 */
#include "runtime/owned_task.h"

#include "base/alloc.h"
#include "runtime/app.h"

/* Of idle.advance.ms. */
#define BEHIND_SHARE 2

void ks__owned_task_forget_above(struct ks__owned_task *owned)
{
    ks__free(owned->above);
    owned->above       = NULL;
    owned->above_count = 0;
}

/* One round over the repartition topics; false = nothing new. */
static bool look_above(struct ks__owned_task *owned, const struct ks_topology *topology)
{
    bool found = false;

    for (size_t i = 0; i < topology->repartition_count; i++) {
        const struct ks__repartition *r = &topology->repartitions[i];

        if ((r->to == owned->subtopology || owned->above[r->to]) && !owned->above[r->from])
            found = owned->above[r->from] = true;
    }
    return found;
}

bool ks__owned_task_find_above(struct ks__owned_task *owned, const struct ks_topology *topology)
{
    bool any = false;

    ks__owned_task_forget_above(owned);
    if (topology->repartition_count == 0)
        return true;
    owned->above = ks__zalloc_array(topology->subtopology_count, sizeof(*owned->above));
    if (owned->above == NULL)
        return false;
    while (look_above(owned, topology))
        any = true;
    if (any)
        owned->above_count = topology->subtopology_count;
    return true;
}

/* ---- caught up ---- */

static bool has_come_to_marks(const struct ks__owned_task *owned)
{
    for (size_t i = 0; i < owned->lag_count; i++)
        if (ks__counter_read(&owned->lags[i].position) < owned->lags[i].mark)
            return false;
    return true;
}

void ks__owned_task_note_caught_up(struct ks__owned_task *owned)
{
    if (!has_come_to_marks(owned))
        return;
    if (owned->mark_ms >= 0)
        ks__counter_set(&owned->caught_up_ms, owned->mark_ms);
    owned->mark_ms = ks__stream_thread_now_ms(owned->thread);
    for (size_t i = 0; i < owned->lag_count; i++) {
        owned->lags[i].mark = ks__counter_read(&owned->lags[i].end);
        if (owned->lags[i].mark < 0)
            owned->mark_ms = -1; /* unknown */
    }
}

/* Is it done with all that there is? */
static bool is_at_end(const struct ks__owned_task *owned)
{
    for (size_t i = 0; i < owned->lag_count; i++) {
        const int64_t end = ks__counter_read(&owned->lags[i].end);

        if (end < 0 || ks__counter_read(&owned->lags[i].position) != end)
            return false;
    }
    return true;
}

/* Under tasks_lock. */
static bool is_behind(const struct ks__owned_task *owned)
{
    const struct ks__stream_thread *thread = owned->thread;
    const int64_t                   caught_up_ms = ks__counter_read(&owned->caught_up_ms);

    if (owned->phase != KS__OWNED_RUNNING)
        return owned->phase != KS__OWNED_KEPT; /* that is another's now */
    return !is_at_end(owned) &&
           (caught_up_ms < 0 || ks__stream_thread_now_ms(thread) - caught_up_ms >
                                    thread->app->settings.idle_advance_ms / BEHIND_SHARE);
}

bool ks__owned_task_is_fed(void *user)
{
    const struct ks__owned_task *owned = user;
    struct ks_app               *app = owned->thread->app;
    bool                         behind = false;

    ks__mutex_lock(&app->tasks_lock);
    for (const struct ks__owned_task *t = app->tasks; t != NULL && !behind; t = t->next)
        behind = (size_t)t->subtopology < owned->above_count && owned->above[t->subtopology] &&
                 is_behind(t);
    ks__mutex_unlock(&app->tasks_lock);
    return behind;
}

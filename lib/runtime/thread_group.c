/* SPDX-License-Identifier: Apache-2.0
 *
 * thread_group.c - events of membership: which partitions are ours, and which tasks they make.
 *
 *      ASSIGNED  partitions -> tasks made, or taken back; then acknowledged; restored later
 *      REVOKED   commit of all tasks, then those concerned are kept; then acknowledged
 *      LOST      abort, then those concerned are freed; then acknowledged
 *
 * Task n of a sub-topology has partition n of each of its inputs, so all of these must be ours:
 * range assigns them together when they have equally many partitions.
 */
#include "runtime/thread.h"

#include "base/assert.h"
#include "runtime/app.h"

#include <inttypes.h>
#include <string.h>

/* ---- partitions ---- */

/* Ours are sorted by topic and partition: where this one is, or belongs. */
static size_t find_partition(const struct ks__stream_thread *thread, const char *topic,
                             int32_t partition, bool *found)
{
    size_t low = 0, high = thread->partition_count;

    *found = false;
    while (low < high && !*found) {
        size_t                            middle = low + (high - low) / 2;
        const struct ks__event_partition *at     = &thread->partitions[middle];
        int order = at->topic == topic ? 0 : strcmp(at->topic, topic);

        if (order == 0)
            order = (at->partition > partition) - (at->partition < partition);
        *found = order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return *found ? high : low;
}

static bool is_ours(const struct ks__stream_thread *thread, const char *topic, int32_t partition)
{
    bool found;

    find_partition(thread, topic, partition, &found);
    return found;
}

static ks_status add_partition(struct ks__stream_thread *thread,
                               const struct ks__event_partition *partition)
{
    bool   found;
    size_t at = find_partition(thread, partition->topic, partition->partition, &found);

    if (found)
        return KS_OK;
    if (!KS__GROW(&thread->partitions, &thread->partition_capacity, thread->partition_count + 1))
        return ks__error_no_memory(&thread->error, "assignment");
    memmove(&thread->partitions[at + 1], &thread->partitions[at],
            (thread->partition_count - at) * sizeof(thread->partitions[0]));
    thread->partitions[at] = *partition;
    thread->partition_count++;
    return KS_OK;
}

static void remove_partition(struct ks__stream_thread *thread,
                             const struct ks__event_partition *partition)
{
    bool   found;
    size_t at = find_partition(thread, partition->topic, partition->partition, &found);

    if (!found)
        return;
    thread->partition_count--;
    memmove(&thread->partitions[at], &thread->partitions[at + 1],
            (thread->partition_count - at) * sizeof(thread->partitions[0]));
}

/* ---- tasks ---- */

static const char *input_name(const struct ks__stream_thread *thread, int subtopology, size_t n)
{
    const struct ks__topic_ref *ref =
        &thread->topics.topology->subtopologies[subtopology].inputs[n];

    for (size_t i = 0; i < thread->topics.input_count; i++)
        if (ks__topic_is(ref, thread->app->settings.application_id, thread->topics.inputs[i]))
            return thread->topics.inputs[i];
    ks__unreachable();
}

static size_t input_count(const struct ks__stream_thread *thread, int subtopology)
{
    return thread->topics.topology->subtopologies[subtopology].input_count;
}

/* The first input of a task that is not ours; NULL = it has all. */
static const char *missing_input(const struct ks__stream_thread *thread, int subtopology,
                                 int32_t partition)
{
    for (size_t n = 0; n < input_count(thread, subtopology); n++) {
        const char *topic = input_name(thread, subtopology, n);

        if (partition < ks__topics_partitions(&thread->topics, topic) &&
            !is_ours(thread, topic, partition))
            return topic;
    }
    return NULL;
}

static bool reads(const struct ks__stream_thread *thread, int subtopology, const char *topic)
{
    for (size_t n = 0; n < input_count(thread, subtopology); n++)
        if (strcmp(input_name(thread, subtopology, n), topic) == 0)
            return true;
    return false;
}

static struct ks__owned_task *find_task(const struct ks__stream_thread *thread, int subtopology,
                                        int32_t partition)
{
    for (size_t i = 0; i < thread->owned_count; i++)
        if (thread->owned[i]->subtopology == subtopology &&
            thread->owned[i]->partition == partition)
            return thread->owned[i];
    return NULL;
}

/* A member that has not seen a new topic of a pattern yet does not share it out with the others: a
 * task comes when it has, with the next rebalance. Unequal partitions do not pass. */
static bool waits_for_others(const struct ks__stream_thread *thread, int subtopology,
                             const char *missing)
{
    if (thread->topics.resolved == NULL)
        return false;
    for (size_t n = 0; n < input_count(thread, subtopology); n++)
        if (ks__topics_partitions(&thread->topics, input_name(thread, subtopology, n)) !=
            ks__topics_partitions(&thread->topics, missing))
            return false;
    return true;
}

static ks_status add_task(struct ks__stream_thread *thread, int subtopology, int32_t partition)
{
    const char *missing = missing_input(thread, subtopology, partition);
    ks_status   status;

    if (missing != NULL && waits_for_others(thread, subtopology, missing))
        return KS_OK;
    if (missing != NULL)
        return ks__error_set(&thread->error, KS_ETOPOLOGY,
                             "task %d_%" PRId32 ": %s-%" PRId32 " was assigned to another member; "
                             "topics of one sub-topology must have equally many partitions to be "
                             "shared by several threads or processes",
                             subtopology, partition, missing, partition);
    if (!KS__GROW(&thread->owned, &thread->owned_capacity, thread->owned_count + 1))
        return ks__error_no_memory(&thread->error, "assignment");
    status = ks__owned_task_new(&thread->owned[thread->owned_count], thread, subtopology,
                                partition, &thread->error);
    if (status == KS_OK)
        thread->owned_count++;
    return status;
}

/* Tasks in the order of their ids, so that every run opens them alike. */
static ks_status make_tasks(struct ks__stream_thread *thread)
{
    const struct ks_topology *topology = thread->topics.topology;
    ks_status                 status = KS_OK;

    for (size_t s = 0; s < topology->subtopology_count; s++)
        for (int32_t p = 0; p < thread->topics.tasks[s] && status == KS_OK; p++) {
            bool any = false;

            for (size_t n = 0; n < input_count(thread, (int)s); n++)
                any = any || is_ours(thread, input_name(thread, (int)s, n), p);
            if (any && find_task(thread, (int)s, p) == NULL)
                status = add_task(thread, (int)s, p);
        }
    return status;
}

/* Kept tasks come back or go for good. */
static void sort_out_kept(struct ks__stream_thread *thread)
{
    size_t left = 0;

    for (size_t i = 0; i < thread->owned_count; i++) {
        struct ks__owned_task *owned = thread->owned[i];

        if (owned->phase == KS__OWNED_KEPT &&
            missing_input(thread, owned->subtopology, owned->partition) != NULL) {
            ks__owned_task_free(owned, true);
            continue;
        }
        ks__owned_task_take_back(owned);
        thread->owned[left++] = owned;
    }
    thread->owned_count = left;
}

/* ---- events ---- */

/* The name as the plan has it: the event's is lent. */
static const char *planned_name(const struct ks__stream_thread *thread, const char *topic)
{
    for (size_t i = 0; i < thread->topics.input_count; i++)
        if (strcmp(thread->topics.inputs[i], topic) == 0)
            return thread->topics.inputs[i];
    return NULL;
}

/* Keep the event: what it lends ends with the next poll. */
static ks_status keep_event(struct ks__stream_thread *thread, const struct ks__event *event)
{
    size_t count = 0;

    if (event->count > 0 && !KS__GROW(&thread->told, &thread->told_capacity, event->count))
        return ks__error_no_memory(&thread->error, "assignment");
    for (size_t i = 0; i < event->count; i++) {
        const char *topic = planned_name(thread, event->partitions[i].topic);

        if (topic != NULL)
            thread->told[count++] =
                (struct ks__event_partition){ topic, event->partitions[i].partition };
    }
    thread->event            = *event;
    thread->event.partitions = thread->told;
    thread->event.count      = count;
    thread->event_done = thread->event_committed = false;
    if (event->kind == KS__EVENT_LOST)
        thread->aborting = true;
    return KS_OK;
}

ks_status ks__stream_thread_poll(struct ks__stream_thread *thread)
{
    struct ks__event event;

    if (!ks__session_poll(thread->session, &event) || event.kind == KS__EVENT_NONE)
        return KS_OK;
    return keep_event(thread, &event);
}

static ks_status take_assigned(struct ks__stream_thread *thread)
{
    ks_status status = KS_OK;

    for (size_t i = 0; i < thread->event.count && status == KS_OK; i++)
        status = add_partition(thread, &thread->event.partitions[i]);
    if (status != KS_OK)
        return status;
    sort_out_kept(thread);
    status           = make_tasks(thread);
    thread->assigned  = true;
    thread->look_soon = true;
    KS__LOG_AT_INFO(&thread->app->log, "runtime", "%s: assigned partitions=%zu tasks=%zu",
                    thread->name, thread->partition_count, thread->owned_count);
    return status;
}

/* Is an input of the task among the partitions of the event? */
static bool is_concerned(const struct ks__stream_thread *thread, const struct ks__owned_task *owned)
{
    for (size_t i = 0; i < thread->event.count; i++)
        if (thread->event.partitions[i].partition == owned->partition &&
            reads(thread, owned->subtopology, thread->event.partitions[i].topic))
            return true;
    return false;
}

static void finish_concerned(struct ks__stream_thread *thread)
{
    for (size_t i = 0; i < thread->owned_count; i++)
        if (thread->owned[i]->phase == KS__OWNED_RUNNING && is_concerned(thread, thread->owned[i]))
            ks__task_finish(thread->owned[i]->task);
}

static void give_back(struct ks__stream_thread *thread)
{
    size_t left = 0;

    for (size_t i = 0; i < thread->owned_count; i++) {
        struct ks__owned_task *owned = thread->owned[i];
        bool                   goes = is_concerned(thread, owned);

        if (goes && thread->event.kind == KS__EVENT_LOST) {
            ks__owned_task_free(owned, false);
            continue;
        }
        if (goes)
            ks__owned_task_keep(owned);
        thread->owned[left++] = owned;
    }
    thread->owned_count = left;
    for (size_t i = 0; i < thread->event.count; i++)
        remove_partition(thread, &thread->event.partitions[i]);
    thread->assigned = false;
}

static enum ks__turn acknowledge(struct ks__stream_thread *thread)
{
    ks_status status = ks__session_acknowledge(thread->session, 0);

    if (status == KS_EAGAIN)
        return KS__TURN_SOON;
    if (status != KS_OK) /* the event stays: its group waits for an answer */
        return ks__stream_thread_trouble(thread, status);
    thread->event      = (struct ks__event){ .kind = KS__EVENT_NONE };
    thread->event_done = thread->event_committed = false;
    return KS__TURN_AGAIN;
}

enum ks__turn ks__stream_thread_event(struct ks__stream_thread *thread)
{
    ks_status status = KS_OK;

    if (thread->event_done)
        return acknowledge(thread);
    switch (thread->event.kind) {
    case KS__EVENT_ASSIGNED:
        status = take_assigned(thread);
        break;
    case KS__EVENT_REVOKED:
        if (!thread->event_committed) {
            thread->event_committed = true;
            finish_concerned(thread);
            ks__stream_thread_commit_begin(thread, KS__COMMIT_REVOKE);
            return KS__TURN_AGAIN;
        }
        give_back(thread);
        break;
    case KS__EVENT_LOST:
        give_back(thread);
        break;
    case KS__EVENT_FAILED:
        status = ks_error_status(thread->event.error);
        ks__error_copy(&thread->error, thread->event.error);
        thread->event = (struct ks__event){ .kind = KS__EVENT_NONE };
        return ks__stream_thread_trouble(thread, status != KS_OK ? status : KS_ELOG);
    case KS__EVENT_NONE:
        return KS__TURN_AGAIN;
    }
    if (status != KS_OK)
        return ks__stream_thread_trouble(thread, status);
    thread->event_done = true;
    return KS__TURN_AGAIN;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * task_told.c - clocks of operators that are committed beside the offsets.
 *
 * What an operator has sent for good with a commit of the log must not be sent again where the
 * state comes from an older flush, or from the changelog alone: the clock that says how far it got
 * travels with the offsets, which are committed in the same transaction. So do the times by which
 * it judges what is late, and its numbers of rows.
 *
 * Invariants
 *   TO1  A clock found beside the offsets is never ahead of what was committed to the log.
 *   TO2  A shared clock is the larger of the state's and the one found.
 *
 * Threads: the task's.
 */
#include "runtime/task_parts.h"

#include "base/hash.h"

#include <stdio.h>
#include <string.h>

#define OWN_MOST 64u /* brokers take 4,096 bytes beside an offset; these take 30 each */

/* ---- found ---- */

static void raise(struct ks__task_clock *clock, int64_t value)
{
    if (clock->known && clock->value >= value)
        return;
    clock->value = value;
    clock->known = true;
    clock->moved = true;
}

/* To those that are shared already (TO2). */
static void raise_shared(struct ks__task *task, const struct ks__found_clock *found)
{
    for (size_t i = 0; i < task->op_count; i++)
        for (struct ks__task_clock *c = task->more[i].clocks; c != NULL; c = c->next)
            if (c->key != NULL && strcmp(c->key, found->key) == 0) {
                raise(c, found->value);
                c->told = c->value;
            }
}

struct finding {
    struct ks__task *task;
    bool             failed;
};

static void find(ks_bytes key, int64_t value, void *user)
{
    struct finding         *finding = user;
    struct ks__found_clock *found = ks__zalloc(sizeof(*found));

    if (found != NULL)
        found->key = ks__strndup(key.data, key.size);
    if (found == NULL || found->key == NULL) {
        ks__free(found);
        finding->failed = true;
        return;
    }
    found->value         = value;
    found->next          = finding->task->found;
    finding->task->found = found;
    raise_shared(finding->task, found);
}

ks_status ks__task_set_metadata(struct ks__task *task, size_t input, const char *metadata)
{
    struct ks__queue *queue   = &task->queues[input];
    struct finding    finding = { .task = task };
    const int64_t     time    = ks__metadata_read(metadata, find, &finding);

    if (time > queue->time_ms)
        queue->time_ms = time;
    if (time > task->ctx.stream_time_ms)
        task->ctx.stream_time_ms = time;
    return finding.failed ? KS_ENOMEM : KS_OK;
}

/* Short, as there may be many, and never one of Kafka's: stores have no such names. */
static void make_key(struct ks__task_clock *clock)
{
    uint8_t hash[16];

    ks__hash128(clock->name, strlen(clock->name), hash);
    snprintf(clock->own_key, sizeof(clock->own_key), "~%02x%02x%02x%02x%02x", hash[0], hash[1],
             hash[2], hash[3], hash[4]);
}

static bool is_own(const struct ks__task_clock *clock)
{
    return clock->key == clock->own_key;
}

void ks__task_share_clock(struct ks__task *task, struct ks__task_clock *clock, const char *key)
{
    if (key == NULL)
        make_key(clock);
    clock->key = key != NULL ? key : clock->own_key;
    for (const struct ks__found_clock *found = task->found; found != NULL; found = found->next)
        if (strcmp(found->key, clock->key) == 0)
            raise(clock, found->value);
    clock->told = clock->value;
}

/* ---- told ---- */

/* Our own clocks go with the inputs that moved; those that are Kafka's are worth a commit. */
bool ks__task_list_told(struct ks__task *task, bool *news)
{
    size_t own = 0;

    *news            = false;
    task->told_count = 0;
    for (size_t i = 0; i < task->op_count; i++)
        for (struct ks__task_clock *c = task->more[i].clocks; c != NULL; c = c->next) {
            c->telling = c->value;
            if (c->key == NULL || !c->known || (is_own(c) && ++own > OWN_MOST))
                continue;
            if (!KS__GROW(&task->told, &task->told_capacity, task->told_count + 1))
                return false;
            task->told[task->told_count++] = (struct ks__told){ c->key, c->value };
            *news = *news || (!is_own(c) && c->telling != c->told);
        }
    return true;
}

void ks__task_told(struct ks__task *task)
{
    for (size_t i = 0; i < task->op_count; i++)
        for (struct ks__task_clock *c = task->more[i].clocks; c != NULL; c = c->next)
            if (c->key != NULL)
                c->told = c->telling;
}

void ks__task_free_told(struct ks__task *task)
{
    while (task->found != NULL) {
        struct ks__found_clock *gone = task->found;

        task->found = gone->next;
        ks__free(gone->key);
        ks__free(gone);
    }
    ks__free(task->told);
    task->told          = NULL;
    task->told_capacity = 0;
}

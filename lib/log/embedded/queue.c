/* SPDX-License-Identifier: Apache-2.0
 *
 * queue.c - what is handed over to an embedded log, and who writes it.
 *
 *      thread 1  commit, waits for it ──> queue ──> writes {1}, syncs ──────┐
 *      thread 2  commit, waits for it ──> queue ....... waits ............ writes {2, 3}, syncs
 *      thread 3  commit, KS_EAGAIN ─────> queue; does other things ......... woken: decided by 2
 *
 * Who waits as long as it takes writes all that is in the queue, when nobody else is writing, and
 * no thread has to be woken for that. Who does not wait so long leaves it to the writer thread,
 * which begins with the first of them; where that fails, the caller writes after all. Nobody waits
 * to fill a group: it is what came in while the one before was written. Everything is written in
 * the order it was handed over in.
 *
 * Invariants
 *   Q1  What is in the queue is awaited by somebody who would write it, or the thread runs.
 *   Q2  What is handed over is not touched any more once it is decided; one with release() is
 *       released then.
 *
 * Threads: all, through the mutex, which nobody holds while he writes. Not after fork(): the child
 *          has neither the thread nor LMDB's locks, and is told so.
 */
#include "log/embedded/embedded.h"

#include "base/assert.h"
#include "base/clock.h"

#include <unistd.h>

/* ---- deciding; with the mutex held ---- */

static void decide(struct ks__handover *handover)
{
    handover->decided = true;
    if (handover->release != NULL)
        handover->release(handover);
    else if (!handover->awaited && handover->wake != NULL)
        ks__wake_set((struct ks__wake *)(uintptr_t)handover->wake);
}

static void append(struct ks__embedded_queue *queue, struct ks__handover *handover)
{
    handover->next = NULL;
    *queue->end    = handover;
    queue->end     = &handover->next;
}

/* A call with more to do goes behind those that came meanwhile. */
static void decide_all(struct ks__embedded_queue *queue, struct ks__handover *list)
{
    while (list != NULL) {
        struct ks__handover *next = list->next;     /* gone once it is decided */

        if (list->status == KS_EAGAIN)
            append(queue, list);
        else
            decide(list);
        list = next;
    }
}

/* Write all that waits; the mutex is let go meanwhile. Nobody else is writing. Who is told wakes
 * while nobody holds the mutex, so that it does not fall asleep again at once. */
static void write_waiting(struct ks__embedded_log *log)
{
    struct ks__embedded_queue *queue = &log->queue;
    struct ks__handover       *list  = queue->first;

    queue->first   = NULL;
    queue->end     = &queue->first;
    queue->writing = true;
    ks__mutex_unlock(&queue->mutex);
    ks__embedded_write(log, list);
    ks__mutex_lock(&queue->mutex);
    decide_all(queue, list);
    if (log->compaction != NULL) {              /* a step of it, while those who were told go on */
        ks__condition_broadcast(&queue->decided);
        ks__mutex_unlock(&queue->mutex);
        ks__embedded_compact_step(log);
        ks__mutex_lock(&queue->mutex);
    }
    queue->writing = false;
    if (queue->first != NULL && queue->thread.running)
        ks__condition_signal(&queue->work);
    ks__mutex_unlock(&queue->mutex);
    ks__condition_broadcast(&queue->decided);
    ks__mutex_lock(&queue->mutex);
}

/* ---- the thread ---- */

static void write_for_others(void *user)
{
    struct ks__embedded_log   *log   = user;
    struct ks__embedded_queue *queue = &log->queue;

    ks__mutex_lock(&queue->mutex);
    while (!queue->stopping || queue->first != NULL || queue->writing) {
        if (queue->first != NULL && !queue->writing)
            write_waiting(log);
        else if (queue->writing)
            ks__condition_wait(&queue->decided, &queue->mutex);
        else
            ks__condition_wait(&queue->work, &queue->mutex);
    }
    ks__mutex_unlock(&queue->mutex);
}

/* True when there is a thread that writes. */
static bool has_thread(struct ks__embedded_log *log)
{
    struct ks__embedded_queue *queue = &log->queue;

    if (!queue->thread.running && !queue->threadless)
        queue->threadless = ks__thread_start(&queue->thread, "ks-log-writer", write_for_others,
                                             log) != KS_OK;
    return queue->thread.running;
}

/* ---- handing over ---- */

/* Until it is decided, or `forgotten`: until the queue is empty. */
static void write_or_wait(struct ks__embedded_log *log, struct ks__handover *handover,
                          bool forgotten)
{
    struct ks__embedded_queue *queue = &log->queue;

    if (!forgotten)
        handover->awaited = true;
    while (forgotten ? queue->first != NULL : !handover->decided) {
        if (!queue->writing && queue->first != NULL)
            write_waiting(log);
        else
            ks__condition_wait(&queue->decided, &queue->mutex);
    }
}

static ks_status wait_some(struct ks__embedded_queue *queue, struct ks__handover *handover,
                           int timeout_ms)
{
    int64_t end;

    if (timeout_ms == 0 || handover->decided)
        return handover->decided ? KS_OK : KS_EAGAIN;
    end               = ks__clock_mono_ns(ks__clock_real()) + INT64_C(1000000) * timeout_ms;
    handover->awaited = true;
    while (!handover->decided) {
        int64_t left = end - ks__clock_mono_ns(ks__clock_real());

        if (left <= 0)
            break;
        ks__condition_wait_for(&queue->decided, &queue->mutex, left);
    }
    handover->awaited = false;
    return handover->decided ? KS_OK : KS_EAGAIN;
}

static ks_status refuse_child(struct ks__handover *handover)
{
    const bool forgotten = handover->release != NULL;

    handover->status  = ks__error_set(&handover->error, KS_ESTATE,
                                      "the log was opened before fork(), and only the process that "
                                      "opened it may use it");
    handover->decided = true;
    if (forgotten)
        handover->release(handover);
    return KS_OK;
}

ks_status ks__embedded_hand_over(struct ks__local_log *base, struct ks__handover *handover,
                                 int timeout_ms)
{
    struct ks__embedded_log   *log       = (struct ks__embedded_log *)base;
    struct ks__embedded_queue *queue     = &log->queue;
    const bool                 forgotten = handover->release != NULL;

    if (queue->process != (long)getpid())
        return refuse_child(handover);
    ks__mutex_lock(&queue->mutex);
    append(queue, handover);
    if (timeout_ms < 0 || !has_thread(log)) {
        write_or_wait(log, handover, forgotten);
        ks__mutex_unlock(&queue->mutex);
        return KS_OK;
    }
    if (!forgotten)
        handover->awaited = timeout_ms > 0;
    ks__mutex_unlock(&queue->mutex);
    ks__condition_signal(&queue->work);         /* it may have it from here on */
    if (forgotten || timeout_ms == 0)
        return KS_EAGAIN;
    return ks__embedded_await(base, handover, timeout_ms);
}

ks_status ks__embedded_await(struct ks__local_log *base, struct ks__handover *handover,
                             int timeout_ms)
{
    struct ks__embedded_log *log    = (struct ks__embedded_log *)base;
    ks_status                status = KS_OK;

    ks__mutex_lock(&log->queue.mutex);
    if (timeout_ms < 0)
        write_or_wait(log, handover, false);
    else
        status = wait_some(&log->queue, handover, timeout_ms);
    ks__mutex_unlock(&log->queue.mutex);
    return status;
}

bool ks__embedded_orphan(struct ks__local_log *base, struct ks__handover *handover,
                         void (*release)(struct ks__handover *handover))
{
    struct ks__embedded_queue *queue = &((struct ks__embedded_log *)base)->queue;
    bool                       left;

    ks__mutex_lock(&queue->mutex);
    left = !handover->decided;
    if (left)
        handover->release = release;
    ks__mutex_unlock(&queue->mutex);
    return left;
}

/* ---- life ---- */

ks_status ks__embedded_queue_init(struct ks__embedded_queue *queue)
{
    queue->end     = &queue->first;
    queue->process = (long)getpid();
    if (ks__mutex_init(&queue->mutex) != KS_OK)
        return KS_ENOMEM;
    if (ks__condition_init(&queue->decided) == KS_OK) {
        if (ks__condition_init(&queue->work) == KS_OK)
            return KS_OK;
        ks__condition_release(&queue->decided);
    }
    ks__mutex_release(&queue->mutex);
    return KS_ENOMEM;
}

void ks__embedded_queue_stop(struct ks__embedded_log *log)
{
    struct ks__embedded_queue *queue = &log->queue;

    if (!queue->thread.running)
        return;                                 /* Q1: nothing is left */
    ks__mutex_lock(&queue->mutex);
    queue->stopping = true;
    ks__condition_signal(&queue->work);
    ks__mutex_unlock(&queue->mutex);
    ks__thread_join(&queue->thread);
}

void ks__embedded_queue_release(struct ks__embedded_queue *queue)
{
    ks__condition_release(&queue->work);
    ks__condition_release(&queue->decided);
    ks__mutex_release(&queue->mutex);
}

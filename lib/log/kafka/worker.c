/* SPDX-License-Identifier: Apache-2.0
 *
 * worker.c - one thread that runs jobs in order, see worker.h.
 */
#include "log/kafka/worker.h"

#include "base/assert.h"
#include "base/clock.h"

#define NS_PER_MS 1000000

ks_status ks__kafka_worker_init(struct ks__kafka_worker *worker)
{
    ks_status status;

    *worker = (struct ks__kafka_worker){ .stopping = false };
    if ((status = ks__mutex_init(&worker->mutex)) != KS_OK)
        return status;
    if ((status = ks__condition_init(&worker->work)) != KS_OK)
        goto no_work;
    if ((status = ks__condition_init(&worker->done)) != KS_OK)
        goto no_done;
    return KS_OK;

no_done:
    ks__condition_release(&worker->work);
no_work:
    ks__mutex_release(&worker->mutex);
    return status;
}

static void finish(struct ks__kafka_worker *worker, struct ks__kafka_job *job)
{
    job->busy = false;
    ks__condition_broadcast(&worker->done);
    if (job->wake != NULL)
        ks__wake_set((struct ks__wake *)(uintptr_t)job->wake);
}

static struct ks__kafka_job *take(struct ks__kafka_worker *worker)
{
    struct ks__kafka_job *job = worker->first;

    if (job != NULL && (worker->first = job->next) == NULL)
        worker->last = NULL;
    return job;
}

static void worker_main(void *user)
{
    struct ks__kafka_worker *worker = user;
    struct ks__kafka_job    *job;

    ks__mutex_lock(&worker->mutex);
    while (!worker->stopping) {
        if ((job = take(worker)) == NULL) {
            ks__condition_wait(&worker->work, &worker->mutex);
            continue;
        }
        ks__mutex_unlock(&worker->mutex);
        job->run(job, worker);
        ks__mutex_lock(&worker->mutex);
        finish(worker, job);
    }
    while ((job = take(worker)) != NULL) /* W3 */
        finish(worker, job);
    ks__mutex_unlock(&worker->mutex);
}

void ks__kafka_worker_stop(struct ks__kafka_worker *worker)
{
    ks__mutex_lock(&worker->mutex);
    worker->stopping = true;
    ks__condition_broadcast(&worker->work);
    ks__mutex_unlock(&worker->mutex);
    ks__thread_join(&worker->thread);
}

void ks__kafka_worker_release(struct ks__kafka_worker *worker)
{
    ks__assert(worker->first == NULL && !worker->thread.running);
    ks__condition_release(&worker->done);
    ks__condition_release(&worker->work);
    ks__mutex_release(&worker->mutex);
}

ks_status ks__kafka_worker_submit_locked(struct ks__kafka_worker *worker,
                                         struct ks__kafka_job *job)
{
    ks_status status = KS_OK;

    ks__assert(!job->busy && !worker->stopping);
    if (!worker->thread.running)
        status = ks__thread_start(&worker->thread, "ks-kafka", worker_main, worker);
    if (status != KS_OK)
        return status;
    job->busy = true;
    job->next = NULL;
    if (worker->last != NULL)
        worker->last->next = job;
    else
        worker->first = job;
    worker->last = job;
    ks__condition_signal(&worker->work);
    return KS_OK;
}

ks_status ks__kafka_worker_submit(struct ks__kafka_worker *worker, struct ks__kafka_job *job)
{
    ks_status status;

    ks__mutex_lock(&worker->mutex);
    status = ks__kafka_worker_submit_locked(worker, job);
    ks__mutex_unlock(&worker->mutex);
    return status;
}

bool ks__kafka_worker_wait_locked(struct ks__kafka_worker *worker, const struct ks__kafka_job *job,
                                  int timeout_ms)
{
    const struct ks__clock *clock = ks__clock_real();
    int64_t until_ns = ks__clock_mono_ns(clock) + (int64_t)timeout_ms * NS_PER_MS;

    while (job->busy) {
        int64_t left_ns = until_ns - ks__clock_mono_ns(clock);

        if (timeout_ms < 0)
            ks__condition_wait(&worker->done, &worker->mutex);
        else if (left_ns <= 0)
            return false;
        else
            (void)ks__condition_wait_for(&worker->done, &worker->mutex, left_ns);
    }
    return true;
}

bool ks__kafka_worker_wait(struct ks__kafka_worker *worker, const struct ks__kafka_job *job,
                           int timeout_ms)
{
    bool done;

    ks__mutex_lock(&worker->mutex);
    done = ks__kafka_worker_wait_locked(worker, job, timeout_ms);
    ks__mutex_unlock(&worker->mutex);
    return done;
}

bool ks__kafka_worker_pause(struct ks__kafka_worker *worker, int ms)
{
    bool go_on;

    ks__mutex_lock(&worker->mutex);
    if (!worker->stopping && ms > 0)
        (void)ks__condition_wait_for(&worker->work, &worker->mutex, (int64_t)ms * NS_PER_MS);
    go_on = !worker->stopping;
    ks__mutex_unlock(&worker->mutex);
    return go_on;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * worker.h - one thread that runs jobs in order, for the calls of librdkafka that wait.
 *
 *      owner   submit ---> [job][job] ---> run ---> DONE ---> owner sees it, in wait or in poll
 *                                                    `------> wake
 *
 * Metadata, watermarks, and the ends of transactions have no asynchronous form. They run here, so
 * that the caller can ask with a timeout of 0 and come back later.
 *
 * Invariants
 *   W1  A job belongs to the worker from submit to DONE; nobody else touches it meanwhile.
 *   W2  Jobs run in the order of submission, one at a time.
 *   W3  After ks__kafka_worker_stop() no job runs; those not begun are DONE without having run.
 *
 * Threads: submit and wait from any thread; stop by the owner, once.
 */
#ifndef KS_LOG_KAFKA_WORKER_H
#define KS_LOG_KAFKA_WORKER_H

#include "base/thread.h"
#include "base/wake.h"

struct ks__kafka_worker;

struct ks__kafka_job {
    void (*run)(struct ks__kafka_job *job, struct ks__kafka_worker *worker);
    const struct ks__wake *wake;    /* set when it is done; NULL = nobody waits for that */
    struct ks__kafka_job  *next;
    bool                   busy;    /* submitted and not done; under the worker's mutex */
};

struct ks__kafka_worker {
    struct ks__mutex      mutex;
    struct ks__condition  work;     /* something to run, or stopping */
    struct ks__condition  done;     /* a job has ended */
    struct ks__thread     thread;   /* started by the first job */
    struct ks__kafka_job *first, *last;
    bool                  stopping;
};

ks_status ks__kafka_worker_init(struct ks__kafka_worker *worker);
/* Wait for the running job, drop the others. */
void ks__kafka_worker_stop(struct ks__kafka_worker *worker);
/* After stop. */
void ks__kafka_worker_release(struct ks__kafka_worker *worker);

/* KS_EIO, KS_ENOMEM: there is no thread to be had; the job was not taken. */
ks_status ks__kafka_worker_submit(struct ks__kafka_worker *worker, struct ks__kafka_job *job);
/* The same with the mutex held already. */
ks_status ks__kafka_worker_submit_locked(struct ks__kafka_worker *worker,
                                         struct ks__kafka_job *job);
/* Wait until the job is done, at most `timeout_ms` (-1 = for ever); false = it still runs. */
bool ks__kafka_worker_wait(struct ks__kafka_worker *worker, const struct ks__kafka_job *job,
                           int timeout_ms);
/* The same with the mutex held already. */
bool ks__kafka_worker_wait_locked(struct ks__kafka_worker *worker, const struct ks__kafka_job *job,
                                  int timeout_ms);

/* For jobs: sleep before the next try; false = give up, the worker is being stopped. */
bool ks__kafka_worker_pause(struct ks__kafka_worker *worker, int ms);

#endif

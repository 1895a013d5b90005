/* SPDX-License-Identifier: Apache-2.0
 *
 * thread.c - pthread behind thread.h.
 */
#include "base/thread.h"

#include "base/assert.h"
#include "base/fork.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- mutex ---- */

ks_status ks__mutex_init(struct ks__mutex *mutex)
{
    return pthread_mutex_init(&mutex->handle, NULL) == 0 ? KS_OK : KS_ENOMEM;
}

void ks__mutex_release(struct ks__mutex *mutex)
{
    int result = pthread_mutex_destroy(&mutex->handle);

    ks__assert(result == 0);
}

void ks__mutex_lock(struct ks__mutex *mutex)
{
    int result = pthread_mutex_lock(&mutex->handle);

    ks__assert(result == 0);
}

bool ks__mutex_try_lock(struct ks__mutex *mutex)
{
    int result = pthread_mutex_trylock(&mutex->handle);

    ks__assert(result == 0 || result == EBUSY);
    return result == 0;
}

void ks__mutex_unlock(struct ks__mutex *mutex)
{
    int result = pthread_mutex_unlock(&mutex->handle);

    ks__assert(result == 0);
}

/* ---- condition ---- */

ks_status ks__condition_init(struct ks__condition *condition)
{
    pthread_condattr_t monotonic;
    int                result;

    if (pthread_condattr_init(&monotonic) != 0)
        return KS_ENOMEM;
    result = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    if (result == 0)
        result = pthread_cond_init(&condition->handle, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return result == 0 ? KS_OK : KS_ENOMEM;
}

void ks__condition_release(struct ks__condition *condition)
{
    int result = pthread_cond_destroy(&condition->handle);

    ks__assert(result == 0);
}

void ks__condition_signal(struct ks__condition *condition)
{
    int result = pthread_cond_signal(&condition->handle);

    ks__assert(result == 0);
}

void ks__condition_broadcast(struct ks__condition *condition)
{
    int result = pthread_cond_broadcast(&condition->handle);

    ks__assert(result == 0);
}

void ks__condition_wait(struct ks__condition *condition, struct ks__mutex *mutex)
{
    int result = pthread_cond_wait(&condition->handle, &mutex->handle);

    ks__assert(result == 0);
}

bool ks__condition_wait_for(struct ks__condition *condition, struct ks__mutex *mutex,
                            int64_t timeout_ns)
{
    struct timespec until;
    int64_t         ns = timeout_ns > 0 ? timeout_ns : 0;
    int             result;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec  += (time_t)(ns / 1000000000);
    until.tv_nsec += (long)(ns % 1000000000);
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    result = pthread_cond_timedwait(&condition->handle, &mutex->handle, &until);
    ks__assert(result == 0 || result == ETIMEDOUT);
    return result == 0;
}

/* ---- thread ---- */

/* Each thread knows who it is: the handle is still being written when it begins. */
static _Thread_local const struct ks__thread *current;

static void *run(void *argument)
{
    const struct ks__thread *thread = argument;

    current = thread;
    pthread_setname_np(pthread_self(), thread->name);
    thread->main(thread->user);
    return NULL;
}

static _Atomic(const char *) refused;       /* tests only                                         */

void ks__thread_refuse(const char *name)
{
    atomic_store(&refused, name);
}

ks_status ks__thread_start(struct ks__thread *thread, const char *name, void (*main)(void *user),
                           void *user)
{
    const char *no = atomic_load_explicit(&refused, memory_order_relaxed);
    sigset_t    all, before;
    int         result;

    if (no != NULL && strcmp(no, name) == 0)
        return KS_ENOMEM;
    thread->main = main;
    thread->user = user;
    thread->forks = ks__fork_count();
    snprintf(thread->name, sizeof(thread->name), "%s", name);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    result = pthread_create(&thread->handle, NULL, run, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    thread->running = result == 0;
    return thread->running ? KS_OK : KS_ENOMEM;
}

void ks__thread_join(struct ks__thread *thread)
{
    if (thread->running && !ks__is_forked(thread->forks)) {
        int result = pthread_join(thread->handle, NULL);

        ks__assert(result == 0);
    }
    thread->running = false;
}

bool ks__thread_is_current(const struct ks__thread *thread)
{
    return current == thread;
}

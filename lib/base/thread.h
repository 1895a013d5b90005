/* SPDX-License-Identifier: Apache-2.0
 *
 * thread.h - the few things we need from pthread, with the checks made once.
 *
 * Mutexes and conditions are initialised statically or by init and cannot fail afterwards except
 * by a bug, which is asserted. Waits have a deadline on the monotone clock.
 */
#ifndef KS_BASE_THREAD_H
#define KS_BASE_THREAD_H

#include <kstream/status.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct ks__mutex {
    pthread_mutex_t handle;
};

#define KS__MUTEX_INIT { PTHREAD_MUTEX_INITIALIZER }

ks_status ks__mutex_init(struct ks__mutex *mutex);
void ks__mutex_release(struct ks__mutex *mutex);
void ks__mutex_lock(struct ks__mutex *mutex);
bool ks__mutex_try_lock(struct ks__mutex *mutex);
void ks__mutex_unlock(struct ks__mutex *mutex);

struct ks__condition {
    pthread_cond_t handle;
};

ks_status ks__condition_init(struct ks__condition *condition);
void ks__condition_release(struct ks__condition *condition);
void ks__condition_signal(struct ks__condition *condition);
void ks__condition_broadcast(struct ks__condition *condition);
void ks__condition_wait(struct ks__condition *condition, struct ks__mutex *mutex);
/* Wait at most `timeout_ns`; false = timed out. Wakes without cause occur. */
bool ks__condition_wait_for(struct ks__condition *condition, struct ks__mutex *mutex,
                            int64_t timeout_ns);

/* Does not move while it runs. */
struct ks__thread {
    pthread_t handle;
    bool      running;          /* started and not yet joined; of who starts it */
    unsigned  forks;            /* it is not there in a child of fork(2) */
    void    (*main)(void *user);
    void     *user;
    char      name[16];         /* Linux keeps 15 characters */
};

/* Start `main(user)`, named for debuggers (15 characters). All signals are blocked in it: they
 * are the application's. */
ks_status ks__thread_start(struct ks__thread *thread, const char *name, void (*main)(void *user),
                           void *user);
/* Wait for its end; fine when it never ran, or runs in the parent of this process. */
void ks__thread_join(struct ks__thread *thread);
/* True when the caller is this thread. Any thread, also while it is being started. */
/* For tests that go by a clock of their own: no thread of this name starts (KS_ENOMEM) from now on.
 * NULL = all do. `name` is kept. */
void ks__thread_refuse(const char *name);
bool ks__thread_is_current(const struct ks__thread *thread);

#endif

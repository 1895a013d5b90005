/* SPDX-License-Identifier: Apache-2.0
 *
 * app.h - what is inside a ks_app: one topology, its settings, its threads, its tasks.
 *
 *      ks_app --- cluster (one connection to the log)
 *        |------- globals (one env of the process)
 *        `------- threads[n] --- session, owned tasks, commit
 *
 * Invariants
 *   A1  `state` moves only along the arrows of <kstream/app.h>; each move is told to the listener
 *       before the next one can happen.
 *   A2  The list of tasks, their phase and the requests of threads change under `tasks_lock`: who
 *       holds it may read a running task's counters and open snapshots of its state.
 *   A3  The last thread that ends closes globals and cluster and makes the final move.
 *
 * Not here: what a thread does (thread.h), public doc blocks.
 * Threads: see each member.
 */
#ifndef KS_RUNTIME_APP_H
#define KS_RUNTIME_APP_H

#include "base/counter.h"
#include "base/fork.h"
#include "base/thread.h"
#include "runtime/failure.h"
#include "runtime/thread.h"

#include <kstream/app.h>

#include <stdatomic.h>

enum ks__app_mode { KS__APP_IDLE, KS__APP_THREADS, KS__APP_STEPPED };

struct ks__globals;
struct ks__refusal;

struct ks_app {
    /* Fixed once started. */
    struct ks_topology         *topology;
    struct ks__settings         settings;
    const struct ks__clock     *clock;
    struct ks__log              log;
    ks_logger_fn               *logger;
    void                       *logger_user;
    ks_state_fn                *listener;
    void                       *listener_user;
    struct ks__failure_handlers handlers;
    struct ks__restore_listener restore_listener;
    unsigned                    serial;     /* n-th app of the process */
    unsigned                    forks;      /* of the process that made it */
    char                       *directory;  /* <state.dir>/<application.id> */
    struct ks__cluster         *cluster;
    struct ks__config_pair     *properties; /* of the log; texts lent from settings or below */
    size_t                      property_count;
    char                        session_timeout[24];
    char                        transaction_timeout[24];
    struct ks__globals         *globals;    /* NULL = none declared */
    struct ks__stream_thread   *threads;
    int                         thread_count;

    /* Any thread. */
    atomic_int  state;
    atomic_bool stopping;
    atomic_bool paused;
    atomic_bool has_error;
    _Atomic(struct ks__refusal *) refusals;     /* refusal.c: added to under `lock` */
    atomic_bool refusal_lost;                   /* one could not be kept for want of memory */

    /* Under `lock`. */
    struct ks__mutex     lock;
    struct ks__condition ended;         /* a thread ended */
    atomic_int           mode;          /* enum ks__app_mode; read by any */
    atomic_int           alive;         /* threads not yet ended, and who starts them */
    int                  working;       /* threads that have not begun to end */
    bool                 reaped;
    ks_error             error;         /* frozen once has_error */

    /* Held while the state moves and the listener hears of it. */
    struct ks__mutex state_lock;

    /* One stepper at a time. */
    struct ks__mutex step_lock;

    /* Under `tasks_lock`. */
    struct ks__mutex       tasks_lock;
    struct ks__condition   served;      /* a request was served */
    struct ks__owned_task *tasks;
};

/* ---- app_state.c ---- */

/* Move, tell the listener; ignored where no arrow leads. */
void ks__app_move(struct ks_app *app, ks_app_state to);
/* A thread became steady or is not any more: RUNNING when all are, else REBALANCING. */
void ks__app_refresh(struct ks_app *app);
/* Keep the first error. */
void ks__app_set_error(struct ks_app *app, const ks_error *error);
/* Any thread: something made the app end with this error; all threads stop. */
void ks__app_fail(struct ks_app *app, const ks_error *error);
/* Every thread that works for this app; in stepped mode the first alone. */
int ks__app_active_threads(const struct ks_app *app);

/* ---- refusal.c ---- */

/* Keep for the calling thread why its call is refused (ks_app_call_error()); returns `status`.
 * Not under `lock`. */
ks_status ks__app_refuse(struct ks_app *app, ks_status status, const char *format, ...)
    KS__PRINTF(3, 4);
/* Nobody uses the app any more. */
void ks__app_free_refusals(struct ks_app *app);

/* ---- app.c ---- */

/* The thread has come to its end (on that thread). */
void ks__app_thread_ended(struct ks_app *app);
/* Is the caller in a step of this app, that is, in a callback of it? */
bool ks__app_is_stepped_here(const struct ks_app *app);

/* For tests and the simulator. Before the start; the clock must outlive the app. */
void ks__app_set_clock(ks_app *app, const struct ks__clock *clock);
/* As after a crash of this instance: everything that is not committed is dropped, environments are
 * closed without a flush, the session is gone. Stepped apps only, between two steps. */
void ks__app_abandon(ks_app *app);

#endif

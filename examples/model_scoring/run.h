/* SPDX-License-Identifier: Apache-2.0
 *
 * run.h - the app at work, and waiting for it.
 *
 * On the memory log with one thread the program itself drives the app, step by step on its own
 * thread: what is scored by which model then depends on nothing but the input. Everywhere else
 * the app has its own threads and the program only looks on.
 */
#ifndef MODEL_SCORING_RUN_H
#define MODEL_SCORING_RUN_H

#include <kstream/kstream.h>

#include "options.h"

struct run {
    const struct options *options;
    ks_log               *log;
    ks_app               *app;
    bool                  is_stepped;
    char                  state_dir[4096]; /* made for this run and removed with it; "" = none */
};

/* Opens the log, makes the topics, builds the topology and starts the app. On failure, with a
 * reason, what was opened waits for run_close(). */
bool run_open(struct run *run, const struct options *options, ks_topology **topology,
              struct reason *reason);

/* Closes the app after its last commit, and the log. False: it did not end well. */
bool run_close(struct run *run, struct reason *reason);

/* What is waited for; false and a reason that is not "" when it can never come true. */
typedef bool run_condition(struct run *run, void *user, struct reason *reason);

/* Lets the app work until the condition holds. False with a reason: the app failed, a signal came,
 * or nothing happened for a minute. */
bool run_until(struct run *run, run_condition *holds, void *user, const char *what,
               struct reason *reason);

/* Everything in the topic has been processed, and that is committed. */
bool run_has_processed(struct run *run, const char *topic);

/* SIGINT and SIGTERM end a wait, and so the program, in good order. */
void run_catch_signals(void);

#endif

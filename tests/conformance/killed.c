/* SPDX-License-Identifier: Apache-2.0
 *
 * killed.c - replay a case in children that are killed (SIGKILL) after every so many steps.
 *
 *      parent   fork ─────────────────────> fork ─────────────────────> fork ──────────> passed?
 *      child         steps 0 to 9, killed        steps 10 to 19, killed      the rest, stores
 *
 * What a child has compared so far is in memory that it shares with the parent, written between two
 * steps; the state of the driver is what it left in its directory.
 */
#include "replay.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct progress {
    size_t  next_step, next_out, next_drop, differences;
    bool    done;
    int64_t fired[PLAN_TICKS]; /* plan_fired */
};

static struct progress *progress; /* shared */

static void write_progress(const struct replay *r, size_t next_step)
{
    progress->next_step   = next_step;
    progress->next_out    = r->next_out;
    progress->next_drop   = r->next_drop;
    progress->differences = r->differences;
}

static void die(const struct replay *r, size_t next_step)
{
    write_progress(r, next_step);
    fflush(stdout);
    kill(getpid(), SIGKILL);
    pause();
}

static _Noreturn void run_child(struct replay *r)
{
    r->first_step  = progress->next_step;
    r->next_out    = progress->next_out;
    r->next_drop   = progress->next_drop;
    r->differences = progress->differences;
    r->die         = die;
    plan_fired     = progress->fired;
    replay_run(r);
    write_progress(r, progress->next_step);
    progress->done = true;
    fflush(stdout);
    _exit(0);
}

/* One child; true = another one has to go on. */
static bool go_on(struct replay *r)
{
    const size_t before = progress->next_step;
    int          status = 0;
    pid_t        child;
    char         how[64];

    fflush(stdout);
    child = fork();
    if (child == 0)
        run_child(r);
    if (child < 0 || waitpid(child, &status, 0) != child) {
        replay_differs(r, (long)before, "a child", strerror(errno));
        return false;
    }
    if (WIFEXITED(status) && progress->done)
        return false;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && progress->next_step > before)
        return true;
    snprintf(how, sizeof how, "one that ended with status %d", status);
    replay_differs(r, (long)before, "a child that is killed between two steps", how);
    return false;
}

bool replay_killed(json_t *kase, const char *name, size_t every, int verbosity)
{
    struct replay r = { .kase = kase, .name = name, .verbosity = verbosity, .die_every = every };
    size_t        found;

    progress = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                    0);
    if (progress == MAP_FAILED) {
        replay_differs(&r, -1, "shared memory", strerror(errno));
        return false;
    }
    if (replay_make_directory(&r))
        while (go_on(&r))
            ;
    found = progress->differences + r.differences;
    munmap(progress, sizeof *progress);
    replay_remove_directory(&r);
    return found == 0;
}

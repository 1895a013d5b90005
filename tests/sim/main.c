/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - sim: simulate two instances of an application, seed by seed.
 *
 *      sim --seeds N [--from S] [--jobs J]   seeds S .. S+N-1 (default from 1, two at a time)
 *      sim --seed S [-v] [--spoil]           that one; -v prints everything that happens; --spoil
 *                                            holds one output back from the check: it must fail
 *
 * Each seed runs in a process of its own: a crash or a hang is one failed seed, and what one seed
 * leaves in memory cannot change the next. Prints `seed S ok TRACE ...` per seed with --seed, only
 * the failures otherwise; last line `N passed, N failed`.
 */
#include "world.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEED_LIMIT_S 60 /* a run takes well under a second; sanitizers and valgrind some more */
#define JOBS_MAX     64

struct job {
    pid_t    pid; /* 0 = free */
    uint64_t seed;
};

static bool verbose, tell, spoiled;

static void tell_of(const struct world *world)
{
    printf("seed %" PRIu64 " ok, trace %016" PRIx64 ", %s: %d started, %d stopped, %d abandoned, "
           "%d failed, %d faults, %d%% worked off under way\n", world->seed, world->trace,
           world->shape->name, world->started, world->stopped, world->abandoned, world->failed,
           world->faulted, world->worked);
}

static int run_seed(uint64_t seed)
{
    static struct world world;

    if (!world_open(&world, seed, verbose, spoiled)) {
        printf("seed %" PRIu64 " FAILED: cannot be set up in %s: %s\n", seed, world.directory,
               ks_error_message(ks_log_error(world.log)));
        return 1;
    }
    for (int i = 0; i < world.plan.actions && world_is_sound(&world); i++)
        world_act(&world);
    if (world_is_sound(&world))
        world_finish(&world);
    if (world_is_sound(&world))
        check_all(&world);
    if (!world_is_sound(&world))
        printf("seed %" PRIu64 " FAILED, trace %016" PRIx64 ", %s: %s\n", seed, world.trace,
               world.shape->name, world.tally.complaint);
    else if (tell)
        tell_of(&world);
    fflush(stdout);
    int result = !world_is_sound(&world);
    world_close(&world);
    return result;
}

/* Wait for one job; 1 if it failed. */
static int reap(struct job *jobs, int count)
{
    int   status = 0;
    pid_t pid;

    do
        pid = wait(&status);
    while (pid < 0 && errno == EINTR);
    for (int i = 0; i < count; i++) {
        if (jobs[i].pid != pid)
            continue;
        jobs[i].pid = 0;
        if (WIFSIGNALED(status))
            printf("seed %" PRIu64 " FAILED: %s\n", jobs[i].seed,
                   WTERMSIG(status) == SIGALRM ? "it hangs" : strsignal(WTERMSIG(status)));
        if (status == 0)
            return 0;
        printf("    again with: make sim SEED=%" PRIu64 "\n", jobs[i].seed);
    }
    return 1;
}

static void start(struct job *job, uint64_t seed)
{
    fflush(stdout);
    *job = (struct job){ .pid = fork(), .seed = seed };
    if (job->pid == 0) {
        alarm(SEED_LIMIT_S);
        exit(run_seed(seed));
    }
}

static int run_all(uint64_t from, uint64_t count, int job_count)
{
    struct job jobs[JOBS_MAX] = { { 0, 0 } };
    int        running = 0;
    uint64_t   failed  = 0;

    for (uint64_t i = 0; i < count; i++) {
        int free_job = 0;

        if (running == job_count) {
            failed += (uint64_t)reap(jobs, job_count);
            running--;
        }
        while (jobs[free_job].pid != 0)
            free_job++;
        start(&jobs[free_job], from + i);
        running++;
    }
    for (; running > 0; running--)
        failed += (uint64_t)reap(jobs, job_count);
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", count - failed, failed);
    return failed > 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "seeds", 1, NULL, 'n' }, { "seed", 1, NULL, 's' }, { "from", 1, NULL, 'f' },
        { "jobs", 1, NULL, 'j' },  { "spoil", 0, NULL, 'x' }, { NULL, 0, NULL, 0 },
    };
    uint64_t from = 1, count = 20;
    int      jobs = 2, c;

    while ((c = getopt_long(argc, argv, "v", options, NULL)) != -1) {
        switch (c) {
        case 'n': count = strtoull(optarg, NULL, 10); break;
        case 'f': from = strtoull(optarg, NULL, 10); break;
        case 's': from = strtoull(optarg, NULL, 10), count = 1, tell = true; break;
        case 'j': jobs = atoi(optarg); break;
        case 'v': verbose = true; break;
        case 'x': spoiled = true; break;
        default:
            fprintf(stderr,
                    "usage: sim --seeds N [--from S] [--jobs J] | --seed S [-v] [--spoil]\n");
            return 2;
        }
    }
    if (jobs < 1 || jobs > JOBS_MAX)
        jobs = 2;
    return run_all(from, count, jobs);
}

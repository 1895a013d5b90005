/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - property: random programs and inputs, seed by seed, against a naive model.
 *
 *      property --seeds N [--from S] [--jobs J]   seeds S .. S+N-1 (default from 1, two at a time)
 *      property --seed S [-v]                     that one; -v prints the program
 *
 * Each program runs in a process of its own. One that fails is made smaller: inputs, steps and the
 * end are left out as long as it still fails; what remains is printed. Last line
 * `N passed, N failed`.
 */
#include "base/thread.h"
#include "check.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM_LIMIT_S 60  /* a program takes well under a second; under sanitizers some more */
#define SHRINK_TRIES    600
#define JOBS_MAX        64
#define WHY_SIZE        1024

struct job {
    pid_t    pid; /* 0 = free */
    uint64_t seed;
};

/* ---- one program, in a process of its own ---- */

static bool holds(const struct plan *plan, char *why)
{
    int   status = 0;
    pid_t pid;

    why[0] = '\0';
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        alarm(PROGRAM_LIMIT_S);
        exit(check_plan(plan, why, WHY_SIZE) ? 0 : 1);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        snprintf(why, WHY_SIZE, "%s",
                 WTERMSIG(status) == SIGALRM ? "it hangs" : strsignal(WTERMSIG(status)));
    else if (status != 0 && why[0] == '\0')
        snprintf(why, WHY_SIZE, "it ends with status %d", WEXITSTATUS(status));
    return status == 0;
}

/* ---- smaller ---- */

static bool still_fails(struct plan *plan, const struct plan *smaller, char *why,
                        int *tries)
{
    char *other = why + WHY_SIZE;

    if (*tries <= 0)
        return false;
    (*tries)--;
    if (holds(smaller, other))
        return false;
    *plan = *smaller;
    memcpy(why, other, WHY_SIZE);
    return true;
}

/* Leave out runs of inputs, ever shorter ones. */
static void drop_inputs(struct plan *plan, char *why, int *tries)
{
    for (int run = plan->input_count / 2; run >= 1; run /= 2)
        for (int at = 0; at + run <= plan->input_count;) {
            struct plan smaller = *plan;

            memmove(&smaller.inputs[at], &smaller.inputs[at + run],
                    (size_t)(plan->input_count - at - run) * sizeof(*smaller.inputs));
            smaller.input_count -= run;
            if (!still_fails(plan, &smaller, why, tries))
                at += run;
        }
}

static void drop_parts(struct plan *plan, char *why, int *tries)
{
    struct plan smaller;

    for (int at = 0; at < plan->step_count;) {
        smaller = *plan;
        memmove(&smaller.steps[at], &smaller.steps[at + 1],
                (size_t)(plan->step_count - at - 1) * sizeof(*smaller.steps));
        smaller.step_count--;
        if (!still_fails(plan, &smaller, why, tries))
            at++;
    }
    smaller     = *plan;
    smaller.end = END_NONE;
    if (plan->end != END_NONE)
        still_fails(plan, &smaller, why, tries);
}

static void shrink(struct plan *plan, char *why)
{
    int tries = SHRINK_TRIES;

    drop_inputs(plan, why, &tries);
    drop_parts(plan, why, &tries);
    drop_inputs(plan, why, &tries);
}

/* ---- seeds ---- */

static int run_seed(uint64_t seed, bool verbose)
{
    struct plan plan;
    char       *why = mmap(NULL, 2 * WHY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                           -1, 0);

    if (why == MAP_FAILED)
        return 2;
    plan_make(&plan, seed);
    if (verbose)
        plan_print(&plan, stdout);
    if (holds(&plan, why))
        return 0;
    shrink(&plan, why);
    printf("seed %" PRIu64 " FAILED: %s\n", seed, why);
    plan_print(&plan, stdout);
    fflush(stdout);
    return 1;
}

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
        if (status != 0)
            printf("    again with: make property SEED=%" PRIu64 "\n", jobs[i].seed);
        return status != 0;
    }
    return 1;
}

static int run_all(uint64_t from, uint64_t count, int job_count, bool verbose)
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
        fflush(stdout);
        jobs[free_job] = (struct job){ .pid = fork(), .seed = from + i };
        if (jobs[free_job].pid == 0)
            exit(run_seed(from + i, verbose));
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
        { "jobs", 1, NULL, 'j' },  { NULL, 0, NULL, 0 },
    };
    uint64_t from = 1, count = 20;
    bool     verbose = false;
    int      jobs = 2, c;

    ks__thread_refuse("ks-log-writer");
    while ((c = getopt_long(argc, argv, "v", options, NULL)) != -1) {
        switch (c) {
        case 'n': count = strtoull(optarg, NULL, 10); break;
        case 'f': from = strtoull(optarg, NULL, 10); break;
        case 's': from = strtoull(optarg, NULL, 10), count = 1; break;
        case 'j': jobs = atoi(optarg); break;
        case 'v': verbose = true; break;
        default:
            fprintf(stderr, "usage: property --seeds N [--from S] [--jobs J] | --seed S [-v]\n");
            return 2;
        }
    }
    if (jobs < 1 || jobs > JOBS_MAX)
        jobs = 2;
    return run_all(from, count, jobs, verbose);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * program.c - word count as a process: start, progress, end.
 */
#include "round.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define END_LIMIT_MS 30000 /* for the last start of a round; takes well under a second */

int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sleep_us(int us)
{
    nanosleep(&(struct timespec){ .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000L }, NULL);
}

pid_t program_start(struct round *round)
{
    char  commit[48], flush[48], sync[16];
    pid_t pid;

    snprintf(commit, sizeof(commit), "commit.interval.ms=%d",
             RANDOM_OF(&round->random, 0, 1, 5, 20, 100));
    snprintf(flush, sizeof(flush), "state.flush.ms=%d",
             RANDOM_OF(&round->random, 0, 2, 20, 200, 100000));
    snprintf(sync, sizeof(sync), "log.sync=%s",
             random_percent(&round->random, 50) ? "true" : "false");
    fflush(stdout);
    pid = fork();
    if (pid != 0)
        return pid;
    execl(round->program, round->program, "--brokers", round->address, "--input", "lines",
          "--output", "counts", "--application-id", APPLICATION, "--state-dir", round->state,
          "--guarantee", round->guarantee, "--cache-bytes", round->caches ? "10MiB" : "0",
          "-X", commit, "-X", flush, "-X", sync, "-X", "session.timeout.ms=1000",
          "-X", "repartition.purge.interval.ms=31622400000", /* take_moved() reads it all */
          (char *)NULL);
    _exit(127);
}

void program_wait(struct round *round, pid_t pid, int signal)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (signal != 0 ? !(WIFSIGNALED(status) && WTERMSIG(status) == signal) : status != 0)
        tally_complain(&round->tally, "%s ended with status %#x", round->program,
                       (unsigned)status);
}

static bool is_worked_off(struct round *round, const char *topic)
{
    for (int32_t p = 0; p < PARTITIONS; p++) {
        int64_t end, committed;

        if (ks_log_end_offset(round->log, topic, p, &end) != KS_OK ||
            ks_log_committed(round->log, APPLICATION, topic, p, &committed) != KS_OK)
            return false;
        if (end > 0 && committed < end)
            return false;
    }
    return true;
}

int64_t program_progress(struct round *round)
{
    int64_t sum = 0, committed;

    for (int32_t p = 0; p < PARTITIONS; p++)
        if (ks_log_committed(round->log, APPLICATION, "lines", p, &committed) == KS_OK &&
            committed > 0)
            sum += committed;
    return sum;
}

void program_finish(struct round *round, pid_t pid)
{
    int64_t end = now_ms() + END_LIMIT_MS;

    while (!is_worked_off(round, "lines") ||
           !is_worked_off(round, APPLICATION "-by-repartition")) {
        if (now_ms() > end || waitpid(pid, NULL, WNOHANG) != 0) {
            tally_complain(&round->tally, "the last start does not work off the input");
            kill(pid, SIGKILL);
            return;
        }
        sleep_us(5000);
    }
    kill(pid, SIGTERM);
    program_wait(round, pid, 0);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * round.h - one round: a log and a state directory of their own, the program that works on them,
 * and what was fed and found.
 */
#ifndef KS_TESTS_KILL_ROUND_H
#define KS_TESTS_KILL_ROUND_H

#include "outcome.h"
#include "support/random.h"
#include "support/tally.h"

#include <kstream/kstream.h>
#include <sys/types.h>

#define PARTITIONS  3
#define APPLICATION "word-count"
#define LINE_BYTES  64

struct round {
    const char    *program;
    struct random  random;
    const char    *guarantee;
    bool           caches;
    char           directory[64];
    char           address[80], state[80];
    ks_log        *log;
    ks_writer     *writer;
    struct tally   tally;
    struct outcome outcome;
    char         (*fed)[LINE_BYTES];    /* the lines, in order; NUL-terminated */
    size_t         lines, capacity;
    int            hits;    /* kills of a process that had committed something */
};

/* Make directory, log and topics; remove them, but for those of a round that has a complaint. */
void round_open(struct round *round);
void round_close(struct round *round);
bool round_is_sound(const struct round *round);

/* ---- the program (program.c) ---- */

/* With a new choice of commit interval, state flush and log.sync. */
pid_t program_start(struct round *round);
/* Wait for its end; a complaint if it is not the one expected (0 = exit status 0). */
void program_wait(struct round *round, pid_t pid, int signal);
/* Lines that are worked off and committed. */
int64_t program_progress(struct round *round);
/* Wait until all is worked off, then end it by SIGTERM. */
void program_finish(struct round *round, pid_t pid);

/* ---- what is left (check.c) ---- */

/* Read output, changelog and store into `tally` and `outcome`, and settle the tally. */
void round_check(struct round *round);

int64_t now_ms(void);
void    sleep_us(int us);

#endif

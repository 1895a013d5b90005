/* SPDX-License-Identifier: Apache-2.0
 *
 * words_check.h - what word count (words.h) has left behind on a log that lasts: its output, its
 * changelog, and its store as the next start finds it, against what went in.
 */
#ifndef KS_TESTS_WORDS_CHECK_H
#define KS_TESTS_WORDS_CHECK_H

#include "support/tally.h"

#include <kstream/kstream.h>

struct ks__manual_clock;

/* Where it ran: topics "lines" and "counts" on `log`. */
struct words_place {
    ks_log                  *log;
    const char              *address, *state, *application, *guarantee;
    int                      partitions;
    struct ks__manual_clock *clock;  /* of the app that opens the store; NULL = real */
};

/* Who wants to see the same; members may be NULL. */
struct words_witness {
    void (*output)(ks_bytes word, int64_t count, void *user);
    void (*row)(const ks_record *row, void *user);
    void  *user;
};

/* Read all, and settle the tally; if it is `kept`, by what is in the repartition topic, which is
 * then all that bounds the counts. */
void words_check(const struct words_place *place, struct tally *tally,
                 const struct words_witness *witness);

#endif

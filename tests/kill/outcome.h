/* SPDX-License-Identifier: Apache-2.0
 *
 * outcome.h - what a run has left, word by word, to be held against that of another run.
 */
#ifndef KS_TESTS_KILL_OUTCOME_H
#define KS_TESTS_KILL_OUTCOME_H

#include "support/tally.h"

#include <kstream/record.h>

struct outcome_word {
    int64_t *counts;    /* of the output topic, in its order */
    size_t   size, capacity;
    int64_t  row, row_ms;   /* count and timestamp in the store; 0 = none */
};

struct outcome {
    struct outcome_word words[TALLY_WORDS];
};

void outcome_release(struct outcome *outcome);
void outcome_output(struct outcome *outcome, struct tally *tally, ks_bytes word, int64_t count);
void outcome_row(struct outcome *outcome, struct tally *tally, const ks_record *row);

/* Complain in `tally` where `killed` differs from what a run of the same input left that nobody
 * killed. Exactly once: rows with their times and last outputs are equal, without a cache (the
 * tally's `contiguous`) all outputs of each word. At least once: nothing is missing. */
void outcome_compare(const struct outcome *killed, const struct outcome *quiet,
                     struct tally *tally);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * check.c - what a round has left behind: output, changelog, and the store of a new app.
 */
#include "round.h"
#include "support/words_check.h"

static void see_output(ks_bytes word, int64_t count, void *user)
{
    struct round *round = user;

    outcome_output(&round->outcome, &round->tally, word, count);
}

static void see_row(const ks_record *row, void *user)
{
    struct round *round = user;

    outcome_row(&round->outcome, &round->tally, row);
}

void round_check(struct round *round)
{
    const struct words_place   place = { .log         = round->log,
                                         .address     = round->address,
                                         .state       = round->state,
                                         .application = APPLICATION,
                                         .guarantee   = round->guarantee,
                                         .partitions  = PARTITIONS };
    const struct words_witness witness = { see_output, see_row, round };

    words_check(&place, &round->tally, &witness);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * outcome.c - the outcome of a run with kills against that of one without.
 */
#include "outcome.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void outcome_release(struct outcome *outcome)
{
    for (int n = 0; n < TALLY_WORDS; n++)
        free(outcome->words[n].counts);
    *outcome = (struct outcome){ .words = { { NULL, 0, 0, 0, 0 } } };
}

void outcome_output(struct outcome *outcome, struct tally *tally, ks_bytes word, int64_t count)
{
    int                  n = tally_number(tally, word);
    struct outcome_word *of = n >= 0 ? &outcome->words[n] : NULL;

    if (of == NULL)
        return;
    if (of->size == of->capacity) {
        size_t   capacity = of->capacity * 2 + 64;
        int64_t *counts   = realloc(of->counts, capacity * sizeof(*counts));

        if (counts == NULL) {
            tally_complain(tally, "no memory for %zu outputs", capacity);
            return;
        }
        of->counts   = counts;
        of->capacity = capacity;
    }
    of->counts[of->size++] = count;
}

void outcome_row(struct outcome *outcome, struct tally *tally, const ks_record *row)
{
    int n = tally_number(tally, row->key);

    if (n < 0)
        return;
    outcome->words[n].row    = ks_bytes_i64(row->value, -1);
    outcome->words[n].row_ms = row->timestamp_ms;
}

static int64_t last(const struct outcome_word *word)
{
    return word->size > 0 ? word->counts[word->size - 1] : 0;
}

static void compare_outputs(int n, const struct outcome_word *killed,
                            const struct outcome_word *quiet, struct tally *tally)
{
    if (killed->size != quiet->size)
        tally_complain(tally, "w%d: %zu outputs, %zu without kills", n, killed->size, quiet->size);
    for (size_t i = 0; i < killed->size && i < quiet->size; i++)
        if (killed->counts[i] != quiet->counts[i])
            tally_complain(tally, "w%d: output %zu is %" PRId64 ", %" PRId64 " without kills", n, i,
                           killed->counts[i], quiet->counts[i]);
}

static void compare_word(int n, const struct outcome_word *killed,
                         const struct outcome_word *quiet, struct tally *tally)
{
    const bool exactly = tally->rule == TALLY_EXACTLY_ONCE;

    if (exactly && tally->contiguous)
        compare_outputs(n, killed, quiet, tally);
    if (exactly ? last(killed) != last(quiet) : last(killed) < last(quiet))
        tally_complain(tally, "w%d: the last output is %" PRId64 ", %" PRId64 " without kills", n,
                       last(killed), last(quiet));
    if (exactly ? killed->row != quiet->row : killed->row < quiet->row)
        tally_complain(tally, "w%d: the store has %" PRId64 ", %" PRId64 " without kills", n,
                       killed->row, quiet->row);
    if (killed->row_ms != quiet->row_ms)
        tally_complain(tally, "w%d: the row is of %" PRId64 ", of %" PRId64 " without kills", n,
                       killed->row_ms, quiet->row_ms);
}

void outcome_compare(const struct outcome *killed, const struct outcome *quiet,
                     struct tally *tally)
{
    for (int n = 0; n < TALLY_WORDS; n++)
        compare_word(n, &killed->words[n], &quiet->words[n], tally);
}

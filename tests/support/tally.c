/* SPDX-License-Identifier: Apache-2.0
 *
 * tally.c - what went in against what came out.
 */
#include "support/tally.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void tally_init(struct tally *tally, enum tally_rule rule, bool contiguous)
{
    *tally = (struct tally){ .rule = rule, .contiguous = contiguous };
}

void tally_complain(struct tally *tally, const char *format, ...)
{
    va_list arguments;

    if (tally->complaint[0] != '\0')
        return;
    va_start(arguments, format);
    vsnprintf(tally->complaint, sizeof(tally->complaint), format, arguments);
    va_end(arguments);
}

int tally_number(struct tally *tally, ks_bytes word)
{
    const char *text   = word.data;
    int         number = 0;

    if (word.size >= 2 && word.size <= 3 && text[0] == 'w') {
        for (size_t i = 1; i < word.size; i++)
            number = number * 10 + (text[i] - '0');
        if (number >= 0 && number < TALLY_WORDS)
            return number;
    }
    tally_complain(tally, "a word that nobody wrote: \"%.*s\"", (int)word.size,
                   text != NULL ? text : "");
    return -1;
}

void tally_output(struct tally *tally, ks_bytes word, int64_t count)
{
    int     n = tally_number(tally, word);
    int64_t before;

    if (n < 0)
        return;
    before              = tally->words[n].out;
    tally->words[n].out = count;
    if (tally->rule != TALLY_EXACTLY_ONCE)
        return;
    if (tally->contiguous ? count != before + 1 : count <= before)
        tally_complain(tally, "w%d: the output goes from %" PRId64 " to %" PRId64, n, before,
                       count);
}

void tally_row(struct tally *tally, ks_bytes word, int64_t count)
{
    int n = tally_number(tally, word);

    if (n < 0)
        return;
    if (tally->words[n].row != 0)
        tally_complain(tally, "w%d: two rows, %" PRId64 " and %" PRId64, n, tally->words[n].row,
                       count);
    tally->words[n].row = count;
}

void tally_changelog(struct tally *tally, ks_bytes word, int64_t count)
{
    int n = tally_number(tally, word);

    if (n >= 0)
        tally->words[n].changelog = count;
}

static bool is_right(const struct tally *tally, const struct tally_word *word, int64_t count)
{
    if (tally->kept && count != (word->moved > 0 ? word->moved : word->in))
        return false;
    switch (tally->rule) {
    case TALLY_EXACTLY_ONCE: return count == word->in;
    case TALLY_AT_LEAST_ONCE: return count >= word->in && count <= word->seen;
    case TALLY_AT_MOST_ONCE: return count <= word->in;
    }
    return false;
}

bool tally_settle(struct tally *tally)
{
    for (int n = 0; n < TALLY_WORDS; n++) {
        const struct tally_word *word = &tally->words[n];

        if (!is_right(tally, word, word->out))
            tally_complain(tally, "w%d: in %" PRId64 ", seen %" PRId64 ", last output %" PRId64,
                           n, word->in, word->seen, word->out);
        if (!is_right(tally, word, word->row))
            tally_complain(tally, "w%d: in %" PRId64 ", moved %" PRId64 ", seen %" PRId64
                           ", store %" PRId64, n, word->in, word->moved, word->seen, word->row);
        /* At least once a host whose state has all that was committed does not take what another
         * one counted twice in the meantime. */
        if (word->changelog != word->row && (tally->rule != TALLY_AT_LEAST_ONCE || tally->kept))
            tally_complain(tally, "w%d: store %" PRId64 ", changelog %" PRId64, n, word->row,
                           word->changelog);
    }
    return tally->complaint[0] == '\0';
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * optimization.c - the words of topology.optimization.
 */
#include "topology/optimization.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct word {
    const char *name;
    unsigned    set;
} words[] = {
    { "all", KS__OPTIMIZE_ALL },
    { "reuse.ktable.source.topics", KS__REUSE_SOURCE_TOPICS },
    { "merge.repartition.topics", KS__MERGE_REPARTITIONS },
    { "single.store.self.join", KS__SELF_JOIN },
};

#define WORDS (sizeof(words) / sizeof(words[0]))

unsigned ks__optimization_read(const char *text)
{
    unsigned set = 0;

    while (text != NULL && *text != '\0') {
        size_t size;

        text += strspn(text, " \t,");
        size = strcspn(text, " \t,");
        for (size_t i = 0; i < WORDS; i++)
            if (strlen(words[i].name) == size && memcmp(words[i].name, text, size) == 0)
                set |= words[i].set;
        text += size;
    }
    return set;
}

const char *ks__optimization_text(unsigned set, char out[KS__OPTIMIZATION_TEXT_SIZE])
{
    size_t used = 0;

    snprintf(out, KS__OPTIMIZATION_TEXT_SIZE, "%s", set == KS__OPTIMIZE_ALL ? "all" : "none");
    for (size_t i = 1; i < WORDS && set != KS__OPTIMIZE_ALL; i++)
        if ((set & words[i].set) != 0)
            used += (size_t)snprintf(out + used, KS__OPTIMIZATION_TEXT_SIZE - used, "%s%s",
                                     used > 0 ? "," : "", words[i].name);
    return out;
}

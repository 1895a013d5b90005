/* SPDX-License-Identifier: Apache-2.0
 *
 * effects.c - every input's effect: exactly once, at least once or at most once.
 */
#include "effects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int effects_input(struct effects *effects, int word, int64_t time_ms, int sides)
{
    if (effects->size == effects->capacity) {
        int            capacity = effects->capacity * 2 + 256;
        struct effect *of = realloc(effects->of, (size_t)capacity * sizeof(*of));

        if (of == NULL)
            return -1;
        effects->of       = of;
        effects->capacity = capacity;
    }
    effects->of[effects->size] = (struct effect){ .word = word, .time_ms = time_ms,
                                                  .sides = sides };
    return effects->size++;
}

void effects_expect(struct effects *effects, int id, const char *text)
{
    effects->of[id].wanted = true;
    snprintf(effects->of[id].text, EFFECT_TEXT, "%s", text);
}

void effects_allow(struct effects *effects, int id)
{
    effects->of[id].allowed = true;
}

void effects_output(struct effects *effects, struct tally *tally, int id, ks_bytes text)
{
    struct effect *effect = id >= 0 && id < effects->size ? &effects->of[id] : NULL;

    if (effect == NULL || (!effect->wanted && !effect->allowed)) {
        tally_complain(tally, "number %d: came out as \"%.*s\", and nothing should", id,
                       (int)text.size, (const char *)text.data);
        return;
    }
    if (!effect->allowed &&
        (text.size != strlen(effect->text) || memcmp(text.data, effect->text, text.size) != 0))
        tally_complain(tally, "number %d: came out as \"%.*s\", not as \"%s\"", id, (int)text.size,
                       (const char *)text.data, effect->text);
    effect->count++;
}

void effects_settle(const struct effects *effects, struct tally *tally)
{
    for (int id = 0; id < effects->size; id++) {
        const struct effect *effect = &effects->of[id];
        const bool too_often = effect->count > 1 && tally->rule != TALLY_AT_LEAST_ONCE;
        const bool missing   = effect->wanted && effect->count == 0 &&
                             tally->rule != TALLY_AT_MOST_ONCE;

        if (too_often || missing)
            tally_complain(tally, "number %d of w%d: came out %d times", id, effect->word,
                           effect->count);
    }
}

void effects_release(struct effects *effects)
{
    free(effects->of);
    *effects = (struct effects){ .of = NULL };
}

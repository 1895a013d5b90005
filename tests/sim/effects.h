/* SPDX-License-Identifier: Apache-2.0
 *
 * effects.h - inputs that have a number each, and what came out for each number.
 *
 *      id = effects_input(&effects, w, time_ms, sides);   // one more input, on one side or both
 *      effects_expect(&effects, id, "7");                 // what shall come out for it, once
 *      effects_output(&effects, tally, id, "7");          // what does
 *      effects_settle(&effects, tally);                   // complaints, by the tally's rule
 */
#ifndef KS_TESTS_SIM_EFFECTS_H
#define KS_TESTS_SIM_EFFECTS_H

#include "support/tally.h"

#define EFFECT_TEXT 24

enum { EFFECT_LEFT = 1, EFFECT_RIGHT = 2 };

struct effect {
    int     word;
    int64_t time_ms;
    int     sides;
    int     count;                      /* outputs */
    bool    wanted;                     /* something shall come out */
    bool    allowed;                    /* something may, whatever it is */
    char    text[EFFECT_TEXT];          /* that */
};

struct effects {
    struct effect *of;
    int            size, capacity;
};

/* The number of a new input; -1 without memory. */
int  effects_input(struct effects *effects, int word, int64_t time_ms, int sides);
void effects_expect(struct effects *effects, int id, const char *text);
void effects_allow(struct effects *effects, int id);
void effects_output(struct effects *effects, struct tally *tally, int id, ks_bytes text);
void effects_settle(const struct effects *effects, struct tally *tally);
void effects_release(struct effects *effects);

#endif

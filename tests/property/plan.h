/* SPDX-License-Identifier: Apache-2.0
 *
 * plan.h - one random program: a topology and what goes into it.
 *
 *      a ──> steps ──> core ──> end ──> out
 *      b ────────────> (joins)
 *
 * Keys are letters, values digits; either may be null. What the functions of a program do with them
 * is said once in words here, and written twice: for the library in topology.c, for the model in
 * model*.c. The two share nothing but this file.
 */
#ifndef KS_TESTS_PROPERTY_PLAN_H
#define KS_TESTS_PROPERTY_PLAN_H

#include "support/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define INPUTS_MAX 60
#define STEPS_MAX  3

enum step {
    STEP_KEEP_EVEN, /* filter: the value is an even digit */
    STEP_ADD_3,     /* map_values: the digit plus 3, modulo 10; null stays null */
    STEP_TWICE,     /* flat_map_values: the value, then the digit plus 1, modulo 10 */
    STEP_KEY,       /* select_key: the letter of the value: a, b, c, d by digit modulo 4; or null */
    STEPS
};

enum core {
    CORE_NONE,
    CORE_COUNT,
    CORE_REDUCE,    /* "acc+value" */
    CORE_AGGREGATE, /* initially "i"; "acc,value"; the value 9 makes it null */
    CORE_STREAM_STREAM,
    CORE_STREAM_TABLE,
    CORE_TABLE_TABLE,
    CORE_FOREIGN,   /* foreign key: the letter of the value as in STEP_KEY; 8 and 9 have none */
    CORE_TABLE_AGGREGATE, /* by the value's parity, "even" or "odd": "i", "acc+v", "acc-v" */
    CORE_TABLE_COUNT,     /* the same, counted */
    CORES
};

enum windowing {
    WINDOW_NONE,
    WINDOW_TUMBLING,
    WINDOW_HOPPING,
    WINDOW_SLIDING,
    WINDOW_SESSION,
    WINDOW_COUNTED,
    WINDOWINGS
};
enum join { JOIN_INNER, JOIN_LEFT, JOIN_OUTER };

enum end {
    END_NONE,
    END_FILTER,         /* table: the text ends in 0, 2, 4, 6 or 8 */
    END_SUPPRESS_CLOSE,
    END_SUPPRESS_LIMIT,
    END_GROUP,          /* grouped by the text's last character: 0-4 "low", else "high"; counted */
    ENDS
};

struct input {
    int64_t at_ms;
    int     topic; /* 0 = a, 1 = b */
    char    key;   /* 0 = null */
    char    value; /* 0 = null */
};

struct plan {
    uint64_t       seed;
    enum step      steps[STEPS_MAX];
    int            step_count;
    enum core      core;
    enum windowing windowing;
    enum join      join;
    enum end       end;
    bool           on_close;
    bool           slices;
    int64_t        size_ms, advance_ms, grace_ms; /* size: also of gap and difference; counted:
                                                   * records */
    int64_t        before_ms, after_ms;
    int64_t        limit_ms;
    bool           in_order; /* times grow, no nulls as keys */
    struct input   inputs[INPUTS_MAX];
    int            input_count;
    int            restarts; /* of 100 inputs, so many are followed by a restart */
};

/* One record that came out: "key value time", and by which input. */
struct line {
    int   step;
    char *key, *value; /* NULL = null */
    int64_t at_ms;
};

struct lines {
    struct line *items;
    size_t       count, capacity;
};

void plan_make(struct plan *plan, uint64_t seed);
void plan_print(const struct plan *plan, FILE *to);
bool plan_is_join(const struct plan *plan); /* reads b */
bool plan_is_windowed(const struct plan *plan);
bool plan_has_step(const struct plan *plan, enum step step);

void lines_add(struct lines *lines, int step, const char *key, const char *value, int64_t at_ms);
void lines_free(struct lines *lines);

#endif

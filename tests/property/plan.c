/* SPDX-License-Identifier: Apache-2.0
 *
 * plan.c - draw a program from a seed; say it in words.
 */
#include "plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool plan_is_join(const struct plan *plan)
{
    return plan->core >= CORE_STREAM_STREAM && plan->core <= CORE_FOREIGN;
}

bool plan_is_windowed(const struct plan *plan)
{
    return plan->windowing != WINDOW_NONE;
}

bool plan_has_step(const struct plan *plan, enum step step)
{
    for (int i = 0; i < plan->step_count; i++)
        if (plan->steps[i] == step)
            return true;
    return false;
}

/* ---- draw ---- */

static void draw_aggregation(struct plan *plan, struct random *random)
{
    plan->windowing = (enum windowing)random_below(random, WINDOWINGS);
    /* A sliding window may be a copy of another one; a fold that deletes has no such copies. */
    if (plan->windowing == WINDOW_SLIDING && plan->core == CORE_AGGREGATE)
        plan->core = CORE_REDUCE;
    plan->size_ms    = RANDOM_OF(random, 1, 5, 10, 10, 20);
    plan->advance_ms = plan->size_ms > 4 ? RANDOM_OF(random, 1, 3, 4, 5) : 1;
    plan->grace_ms   = RANDOM_OF(random, 0, 0, 5, 20, 1000);
    plan->end        = (enum end)random_below(random, ENDS);
    if (plan->windowing == WINDOW_SLIDING)
        plan->grace_ms = 1000; /* late records of sliding windows: the recorded cases */
    if (plan->end == END_SUPPRESS_CLOSE &&
        (!plan_is_windowed(plan) || plan->windowing == WINDOW_COUNTED))
        plan->end = END_SUPPRESS_LIMIT;
    if (plan_is_windowed(plan) && plan->windowing != WINDOW_SLIDING)
        plan->on_close = plan->end == END_NONE && random_percent(random, 40);
    /* A count does not mind the order in which its records are put together. */
    if (plan->windowing == WINDOW_HOPPING && plan->core == CORE_COUNT &&
        random_percent(random, 60)) {
        plan->end      = END_NONE;
        plan->on_close = plan->slices = true;
    }
}

static void draw_core(struct plan *plan, struct random *random)
{
    plan->core = (enum core)random_below(random, CORES);
    if (plan->core <= CORE_AGGREGATE && random_percent(random, 30))
        plan->core = (enum core)(CORE_COUNT + random_below(random, 3));
    if (plan->core >= CORE_COUNT && plan->core <= CORE_AGGREGATE)
        draw_aggregation(plan, random);
    if (plan->core == CORE_STREAM_STREAM || plan->core == CORE_TABLE_TABLE)
        plan->join = (enum join)random_below(random, 3);
    if (plan->core == CORE_STREAM_TABLE || plan->core == CORE_FOREIGN)
        plan->join = (enum join)random_below(random, 2);
    if (plan->core == CORE_STREAM_STREAM) {
        plan->before_ms = RANDOM_OF(random, 0, 3, 10);
        plan->after_ms  = RANDOM_OF(random, 0, 3, 10);
        plan->grace_ms  = RANDOM_OF(random, 0, 0, 5, 1000);
    }
    if (plan->end == END_SUPPRESS_LIMIT)
        plan->limit_ms = RANDOM_OF(random, 0, 1, 10, 30);
}

static void draw_steps(struct plan *plan, struct random *random)
{
    if (plan->core >= CORE_TABLE_TABLE) /* begins as a table */
        return;
    plan->step_count = random_below(random, STEPS_MAX + 1);
    for (int i = 0; i < plan->step_count; i++)
        plan->steps[i] = (enum step)random_below(random, STEPS);
}

static void draw_inputs(struct plan *plan, struct random *random)
{
    int     keys = RANDOM_OF(random, 1, 2, 4), jump = RANDOM_OF(random, 1, 4, 15);
    int     spread = RANDOM_OF(random, 0, 3, 12, 40);
    int64_t now    = RANDOM_OF(random, 0, 25, 1000);

    plan->in_order    = random_percent(random, 35);
    plan->input_count = RANDOM_OF(random, 5, 15, 30, INPUTS_MAX);
    for (int i = 0; i < plan->input_count; i++) {
        struct input *input = &plan->inputs[i];

        now += random_below(random, jump + 1) + (plan->in_order ? 1 : 0);
        input->at_ms = plan->in_order ? now : now - random_below(random, spread + 1);
        if (input->at_ms < 0)
            input->at_ms = 0;
        input->topic = plan_is_join(plan) ? random_below(random, 2) : 0;
        input->key   = (char)('a' + random_below(random, keys));
        input->value = (char)('0' + random_below(random, 10));
        if (!plan->in_order && random_percent(random, 4))
            input->key = 0;
        if (random_percent(random, 12))
            input->value = 0;
    }
}

void plan_make(struct plan *plan, uint64_t seed)
{
    struct random random = { .state = seed };

    *plan = (struct plan){ .seed = seed, .end = END_NONE };
    draw_core(plan, &random);
    draw_steps(plan, &random);
    draw_inputs(plan, &random);
    plan->restarts = RANDOM_OF(&random, 10, 30, 100);
}

/* ---- say ---- */

static void print_core(const struct plan *plan, FILE *to)
{
    static const char *const cores[] = { "nothing", "count", "reduce", "aggregate", "stream-stream",
                                         "stream-table", "table-table", "foreign-key",
                                         "table aggregate", "table count" };
    static const char *const windows[] = { "", "tumbling", "hopping", "sliding", "session",
                                           "counted" };
    static const char *const joins[]   = { "inner", "left", "outer" };

    fprintf(to, "  core   %s", cores[plan->core]);
    if (plan_is_join(plan))
        fprintf(to, " %s join", joins[plan->join]);
    if (plan->core == CORE_STREAM_STREAM)
        fprintf(to, ", before %" PRId64 ", after %" PRId64 ", grace %" PRId64, plan->before_ms,
                plan->after_ms, plan->grace_ms);
    if (plan_is_windowed(plan))
        fprintf(to, ", %s windows, size %" PRId64 ", advance %" PRId64 ", grace %" PRId64 "%s%s",
                windows[plan->windowing], plan->size_ms, plan->advance_ms, plan->grace_ms,
                plan->on_close ? ", emitted on close" : "", plan->slices ? ", from slices" : "");
}

void plan_print(const struct plan *plan, FILE *to)
{
    static const char *const steps[] = { "keep even", "add 3", "twice", "select key" };
    static const char *const ends[]  = { "none", "filter", "suppress until close",
                                         "suppress until limit", "group and count" };

    fprintf(to, "  steps ");
    for (int i = 0; i < plan->step_count; i++)
        fprintf(to, "%s %s", i > 0 ? "," : "", steps[plan->steps[i]]);
    fprintf(to, "\n");
    print_core(plan, to);
    fprintf(to, "\n  end    %s", ends[plan->end]);
    if (plan->end == END_SUPPRESS_LIMIT)
        fprintf(to, " %" PRId64, plan->limit_ms);
    fprintf(to, "\n  input  topic, key, value, time; - is null\n");
    for (int i = 0; i < plan->input_count; i++) {
        const struct input *input = &plan->inputs[i];

        fprintf(to, "  %4d   %c %c %c %" PRId64 "\n", i, input->topic == 0 ? 'A' : 'B',
                input->key != 0 ? input->key : '-', input->value != 0 ? input->value : '-',
                input->at_ms);
    }
}

/* ---- lines ---- */

void lines_add(struct lines *lines, int step, const char *key, const char *value, int64_t at_ms)
{
    if (lines->count == lines->capacity) {
        lines->capacity = lines->capacity * 2 + 64;
        lines->items    = realloc(lines->items, lines->capacity * sizeof(*lines->items));
        if (lines->items == NULL)
            abort();
    }
    lines->items[lines->count++] = (struct line){
        step, key != NULL ? strdup(key) : NULL, value != NULL ? strdup(value) : NULL, at_ms,
    };
}

void lines_free(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        free(lines->items[i].key);
        free(lines->items[i].value);
    }
    free(lines->items);
    *lines = (struct lines){ NULL, 0, 0 };
}

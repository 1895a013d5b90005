/* SPDX-License-Identifier: Apache-2.0
 *
 * model.c - the way of a fact: steps, plain aggregations, ends.
 */
#include "model.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- texts, lists ---- */

const char *text_of(struct model *m, const char *format, ...)
{
    va_list arguments;
    char   *text;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        abort();
    va_end(arguments);
    if (m->text_count == m->text_capacity) {
        m->text_capacity = m->text_capacity * 2 + 256;
        m->texts         = realloc(m->texts, m->text_capacity * sizeof(*m->texts));
        if (m->texts == NULL)
            abort();
    }
    return m->texts[m->text_count++] = text;
}

bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

const char *shown(const char *value)
{
    return value != NULL ? value : "null";
}

int order_of_keys(const char *a, const char *b)
{
    return strcmp(a, b);
}

struct fact *list_add(struct list *list, const struct fact *fact)
{
    if (list->count == KEPT_MAX)
        abort();
    list->items[list->count] = *fact;
    return &list->items[list->count++];
}

struct fact *list_find(struct list *list, const char *key)
{
    for (int i = 0; i < list->count; i++)
        if (!list->items[i].gone && same(list->items[i].key, key))
            return &list->items[i];
    return NULL;
}

/* ---- folds ---- */

const char *model_initial(const struct model *m)
{
    return m->plan->core == CORE_COUNT ? "0" : m->plan->core == CORE_AGGREGATE ? "i" : NULL;
}

void model_fold(struct model *m, const char **acc, const char *value)
{
    if (m->plan->core == CORE_COUNT)
        *acc = text_of(m, "%d", atoi(*acc) + 1);
    else if (m->plan->core == CORE_AGGREGATE && same(value, "9"))
        *acc = NULL;
    else if (m->plan->core == CORE_AGGREGATE)
        *acc = text_of(m, "%s,%s", shown(*acc), shown(value));
    else
        *acc = *acc == NULL ? value : text_of(m, "%s+%s", *acc, shown(value));
}

/* ---- not windowed: fold all values of the key since its row was deleted last ---- */

static void plain(struct model *m, const struct fact *fact)
{
    const char *acc = model_initial(m), *old = acc;
    bool        there = false;
    int64_t     at_ms = 0;

    if (fact->key == NULL || fact->value == NULL)
        return;
    list_add(&m->facts, fact);
    for (int i = 0; i < m->facts.count; i++) {
        const struct fact *one = &m->facts.items[i];

        if (!same(one->key, fact->key))
            continue;
        old   = there ? acc : model_initial(m);
        acc   = old;
        at_ms = there && at_ms > one->at_ms ? at_ms : one->at_ms;
        model_fold(m, &acc, one->value);
        there = acc != NULL;
    }
    model_emit(m, &(struct fact){ .key = fact->key, .value = acc, .old = old, .at_ms = at_ms });
}

/* ---- ends ---- */

static void leave(struct model *m, const struct fact *fact)
{
    const char *key = fact->key;

    if (plan_is_windowed(m->plan) && m->plan->end != END_GROUP)
        key = text_of(m, "%s@%" PRId64 "/%" PRId64, key, fact->start_ms, fact->end_ms);
    lines_add(m->out, m->step, key, fact->value, fact->at_ms);
}

static const char *only_even(const char *value)
{
    size_t size = value != NULL ? strlen(value) : 0;

    return size > 0 && strchr("02468", value[size - 1]) != NULL ? value : NULL;
}

static const char *by_size(const char *value)
{
    return strchr("01234", value[strlen(value) - 1]) != NULL ? "low" : "high";
}

/* Suppress, in the order of time, then of keys: those of windows by key, then times. */
static bool before(const struct model *m, const struct fact *a, const struct fact *b)
{
    int64_t one = m->plan->end == END_SUPPRESS_CLOSE ? a->end_ms : a->at_ms;
    int64_t two = m->plan->end == END_SUPPRESS_CLOSE ? b->end_ms : b->at_ms;

    if (one != two)
        return one < two;
    if (order_of_keys(a->key, b->key) != 0)
        return order_of_keys(a->key, b->key) < 0;
    if (m->plan->windowing == WINDOW_SESSION && a->end_ms != b->end_ms)
        return a->end_ms < b->end_ms;
    return a->start_ms < b->start_ms;
}

/* In the list of suppress `at_ms` is the first time of a key; `other` has the present fact. */
static void suppress(struct model *m, const struct fact *fact)
{
    const bool    close = m->plan->end == END_SUPPRESS_CLOSE;
    const int64_t gap   = m->plan->windowing == WINDOW_SESSION ? m->plan->size_ms : 0;
    const int64_t wait  = close ? m->plan->grace_ms + gap : m->plan->limit_ms;
    int           i;

    if (fact->at_ms > m->suppressed_ms)
        m->suppressed_ms = fact->at_ms;
    for (i = 0; i < m->waiting.count; i++) {
        const struct fact *held = &m->waiting.items[i];

        if (!held->gone && same(held->key, fact->key) && held->start_ms == fact->start_ms &&
            held->end_ms == fact->end_ms)
            break;
    }
    if (i == m->waiting.count) {
        list_add(&m->waiting, fact);
        list_add(&m->groups, fact);
    }
    m->groups.items[i] = *fact;
    for (;;) {
        int first = -1;

        for (int n = 0; n < m->waiting.count; n++)
            if (!m->waiting.items[n].gone &&
                (first < 0 || before(m, &m->waiting.items[n], &m->waiting.items[first])))
                first = n;
        if (first < 0 || (close ? m->waiting.items[first].end_ms : m->waiting.items[first].at_ms) >
                             m->suppressed_ms - wait)
            break;
        m->waiting.items[first].gone = true;
        if (!close || m->groups.items[first].value != NULL)
            leave(m, &m->groups.items[first]);
    }
}

void model_emit(struct model *m, const struct fact *fact)
{
    struct fact result = *fact;

    switch (m->plan->end) {
    case END_FILTER:
        result.value = only_even(fact->value);
        if (result.value != NULL || only_even(fact->old) != NULL)
            leave(m, &result);
        break;
    case END_SUPPRESS_CLOSE:
    case END_SUPPRESS_LIMIT:
        suppress(m, fact);
        break;
    case END_GROUP:
        model_table_group(m, fact, by_size, true);
        break;
    default:
        leave(m, fact);
    }
}

/* ---- the core ---- */

static const char *by_parity(const char *value)
{
    return (value[0] - '0') % 2 == 0 ? "even" : "odd";
}

static void table(struct model *m, const struct fact *fact)
{
    struct fact *row    = fact->key != NULL ? list_find(&m->facts, fact->key) : NULL;
    struct fact  change = *fact;

    if (fact->key == NULL)
        return;
    change.old = row != NULL ? row->value : NULL;
    if (row == NULL)
        row = list_add(&m->facts, fact);
    *row = *fact;
    model_table_group(m, &change, by_parity, m->plan->core == CORE_TABLE_COUNT);
}

static void core(struct model *m, int side, const struct fact *fact)
{
    switch (m->plan->core) {
    case CORE_COUNT:
    case CORE_REDUCE:
    case CORE_AGGREGATE:
        if (m->plan->windowing == WINDOW_NONE)
            plain(m, fact);
        else if (m->plan->windowing == WINDOW_SLIDING)
            model_sliding(m, fact);
        else if (m->plan->windowing == WINDOW_COUNTED)
            model_counted(m, fact);
        else if (m->plan->windowing == WINDOW_SESSION)
            model_session(m, fact);
        else
            model_time_windows(m, fact);
        break;
    case CORE_STREAM_STREAM: model_stream_stream(m, side, fact); break;
    case CORE_STREAM_TABLE:  model_stream_table(m, side, fact); break;
    case CORE_TABLE_TABLE:   model_table_table(m, side, fact); break;
    case CORE_FOREIGN:       model_foreign(m, side, fact); break;
    case CORE_TABLE_AGGREGATE:
    case CORE_TABLE_COUNT:   table(m, fact); break;
    default:                 leave(m, fact);
    }
}

/* A null key goes through a repartition topic only where an outer side waits for it. */
static bool lets_null_keys_through(const struct plan *plan)
{
    return plan->core == CORE_NONE || ((plan->core == CORE_STREAM_STREAM ||
                                        plan->core == CORE_STREAM_TABLE) &&
                                       plan->join != JOIN_INNER);
}

static const char *plus(struct model *m, const char *value, int number)
{
    return value == NULL ? NULL : text_of(m, "%d", (value[0] - '0' + number) % 10);
}

static void steps(struct model *m, int at, const struct fact *fact)
{
    struct fact next = *fact;

    if (at == m->plan->step_count) {
        if (fact->key == NULL && plan_has_step(m->plan, STEP_KEY) &&
            !lets_null_keys_through(m->plan))
            return;
        core(m, 0, fact);
        return;
    }
    switch (m->plan->steps[at]) {
    case STEP_KEEP_EVEN:
        if (fact->value == NULL || (fact->value[0] - '0') % 2 != 0)
            return;
        break;
    case STEP_ADD_3:
        next.value = plus(m, fact->value, 3);
        break;
    case STEP_TWICE:
        steps(m, at + 1, fact);
        next.value = plus(m, fact->value, 1);
        break;
    default:
        next.key = fact->value == NULL ? NULL
                                       : text_of(m, "%c", 'a' + (fact->value[0] - '0') % 4);
    }
    steps(m, at + 1, &next);
}

void model_run(const struct plan *plan, struct lines *out)
{
    struct model *m = calloc(1, sizeof(*m));

    if (m == NULL)
        abort();
    m->plan       = plan;
    m->out        = out;
    m->stream_ms  = m->suppressed_ms = -1;
    m->side_ms[0] = m->side_ms[1] = -1;
    m->emitted_ms = INT64_MIN;
    for (m->step = 0; m->step < plan->input_count; m->step++) {
        const struct input *input = &plan->inputs[m->step];
        struct fact         fact  = { .at_ms = input->at_ms };

        if (input->key != 0)
            fact.key = text_of(m, "%c", input->key);
        if (input->value != 0)
            fact.value = text_of(m, "%c", input->value);
        if (input->topic == 0)
            steps(m, 0, &fact);
        else
            core(m, 1, &fact);
    }
    for (size_t i = 0; i < m->text_count; i++)
        free(m->texts[i]);
    free(m->texts);
    free(m);
}

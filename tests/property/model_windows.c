/* SPDX-License-Identifier: Apache-2.0
 *
 * model_windows.c - windows by the rules: each result is folded from all accepted facts.
 */
#include "model.h"

#include <string.h>

static int64_t close_of(const struct model *m)
{
    return m->stream_ms - m->plan->grace_ms;
}

static bool moves_time(struct model *m, const struct fact *fact)
{
    if (fact->key == NULL)
        return false;
    if (fact->at_ms > m->stream_ms)
        m->stream_ms = fact->at_ms;
    return true;
}

/* ---- time windows ---- */

/* What a window of a key holds; `*old` what it held before the last fact. */
static struct fact fold_window(struct model *m, const char *key, int64_t start, int64_t end,
                               const char **old)
{
    struct fact row   = { .key = key, .start_ms = start, .end_ms = end, .value = model_initial(m) };
    bool        there = false;

    *old = row.value;
    for (int i = 0; i < m->facts.count; i++) {
        const struct fact *one = &m->facts.items[i];

        if (!same(one->key, key) || one->start_ms != start)
            continue;
        *old      = there ? row.value : model_initial(m);
        row.value = *old;
        row.at_ms = there && row.at_ms > one->at_ms ? row.at_ms : one->at_ms;
        model_fold(m, &row.value, one->value);
        there = row.value != NULL;
    }
    return row;
}

/* All windows that are closed now and were not before, by start, then key. */
static void emit_closed(struct model *m, int64_t size)
{
    const int64_t close = close_of(m);

    for (int64_t start = 0; start + size <= close; start++) {
        const char *last = "";

        if (start + size <= m->emitted_ms)
            continue;
        for (;;) {
            const char *next = NULL, *old;
            struct fact row;

            for (int i = 0; i < m->facts.count; i++)
                if (m->facts.items[i].start_ms == start &&
                    order_of_keys(m->facts.items[i].key, last) > 0 &&
                    (next == NULL || order_of_keys(m->facts.items[i].key, next) < 0))
                    next = m->facts.items[i].key;
            if (next == NULL)
                break;
            row = fold_window(m, next, start, start + size, &old);
            if (row.value != NULL)
                model_emit(m, &row);
            last = next;
        }
    }
    if (close > m->emitted_ms)
        m->emitted_ms = close;
}

void model_time_windows(struct model *m, const struct fact *fact)
{
    const int64_t size    = m->plan->size_ms;
    const int64_t advance = m->plan->windowing == WINDOW_HOPPING ? m->plan->advance_ms : size;

    if (!moves_time(m, fact))
        return;
    for (int64_t start = 0; start <= fact->at_ms; start += advance) {
        struct fact one = *fact, row;

        if (start + size <= fact->at_ms || start + size <= close_of(m))
            continue;
        one.start_ms = start;
        list_add(&m->facts, &one);
        row = fold_window(m, fact->key, start, start + size, &one.old);
        row.old = one.old;
        if (!m->plan->on_close)
            model_emit(m, &row);
    }
    if (m->plan->on_close)
        emit_closed(m, size);
}

/* ---- windows of so many records ---- */

void model_counted(struct model *m, const struct fact *fact)
{
    const int64_t size    = m->plan->size_ms;
    const int64_t advance = m->plan->advance_ms < size ? m->plan->advance_ms : size;
    int64_t       n       = 0;

    if (fact->key == NULL)
        return;
    for (int i = 0; i < m->other.count; i++)
        n += same(m->other.items[i].key, fact->key);
    list_add(&m->other, fact);
    for (int64_t start = 0; start <= n; start += advance) {
        struct fact one = *fact, row;

        if (start + size <= n)
            continue;
        one.start_ms = start;
        list_add(&m->facts, &one);
        row     = fold_window(m, fact->key, start, start + size, &one.old);
        row.old = one.old;
        if (!m->plan->on_close || (n == start + size - 1 && row.value != NULL))
            model_emit(m, &row);
    }
}

/* ---- sliding windows, when nothing is late ---- */

/* All facts of the key within [start, end], in order of arrival. The old value is the one without
 * the last fact, also of a new window (it is made of another one); a plain copy has none. */
static void emit_range(struct model *m, const char *key, int64_t start, bool by_last)
{
    const int64_t end   = start + m->plan->size_ms;
    struct fact   row   = { .key = key, .start_ms = start, .end_ms = end,
                            .value = model_initial(m) };
    int           count = 0, last = m->facts.count - 1;

    for (int i = 0; i < m->facts.count; i++) {
        const struct fact *one = &m->facts.items[i];

        if (!same(one->key, key) || one->at_ms < start || one->at_ms > end)
            continue;
        if (by_last && i == last)
            row.old = row.value;
        model_fold(m, &row.value, one->value);
        row.at_ms = count++ > 0 && row.at_ms > one->at_ms ? row.at_ms : one->at_ms;
    }
    model_emit(m, &row);
}

/* Is there a window of the key that starts here? They are kept in `other`. */
static bool has_window(struct model *m, const char *key, int64_t start)
{
    for (int i = 0; i < m->other.count; i++)
        if (same(m->other.items[i].key, key) && m->other.items[i].start_ms == start)
            return true;
    return false;
}

static void add_window(struct model *m, const char *key, int64_t start, bool by_last)
{
    list_add(&m->other, &(struct fact){ .key = key, .start_ms = start });
    emit_range(m, key, start, by_last);
}

/* Is there a fact of the key before the last one within [from, to]? */
static bool has_fact(struct model *m, const char *key, int64_t from, int64_t to)
{
    for (int i = 0; i < m->facts.count - 1; i++)
        if (same(m->facts.items[i].key, key) && m->facts.items[i].at_ms >= from &&
            m->facts.items[i].at_ms <= to)
            return true;
    return false;
}

/* The time of the nearest earlier fact of the key whose right window reaches t; -1 = none. To find
 * it the rules look at the windows that start at t - 2 * difference or later. */
static int64_t nearest_before(struct model *m, const char *key, int64_t t)
{
    const int64_t difference = m->plan->size_ms;
    int64_t       nearest    = -1;

    for (int i = 0; i < m->facts.count - 1; i++) {
        const struct fact *one = &m->facts.items[i];

        if (same(one->key, key) && one->at_ms < t && one->at_ms >= t - difference - 1 &&
            one->at_ms > nearest)
            nearest = one->at_ms;
    }
    if (nearest >= t - difference)
        return nearest;
    for (int64_t start = t - 2 * difference; start <= nearest; start++)
        if (start >= 0 && has_window(m, key, start))
            return nearest;
    return -1;
}

/* Before the first difference has passed: [0, difference] collects, and comes last. */
static void sliding_early(struct model *m, const char *key, int64_t t, bool again)
{
    const int64_t difference = m->plan->size_ms, before = nearest_before(m, key, t);

    for (int64_t start = 1; start <= t; start++)
        if (has_window(m, key, start))
            emit_range(m, key, start, true);
    if (!again && has_fact(m, key, t + 1, t + 1 + difference) && !has_window(m, key, t + 1))
        add_window(m, key, t + 1, false);
    if (before >= 0 && !has_window(m, key, before + 1))
        add_window(m, key, before + 1, true);
    if (has_window(m, key, 0))
        emit_range(m, key, 0, true);
    else
        add_window(m, key, 0, true);
}

void model_sliding(struct model *m, const struct fact *fact)
{
    const int64_t difference = m->plan->size_ms, t = fact->at_ms;
    int64_t       before;
    bool          again, left;

    if (fact->value == NULL || !moves_time(m, fact))
        return;
    list_add(&m->facts, fact);
    again = has_fact(m, fact->key, t, t);
    if (t < difference) {
        sliding_early(m, fact->key, t, again);
        return;
    }
    for (int64_t start = t; start >= t - difference; start--)
        if (has_window(m, fact->key, start))
            emit_range(m, fact->key, start, true);
    left   = has_window(m, fact->key, t - difference);
    before = nearest_before(m, fact->key, t);
    if (again && left)
        return;
    if (before >= 0 && !has_window(m, fact->key, before + 1))
        add_window(m, fact->key, before + 1, true);
    if (!left) /* also when it is the right window of the fact before: then it comes twice */
        add_window(m, fact->key, t - difference, true);
    if (!has_window(m, fact->key, t + 1) &&
        has_fact(m, fact->key, t + 1, t + 1 + difference))
        add_window(m, fact->key, t + 1, false);
}

/* ---- sessions: `facts` are the present sessions ---- */

static bool session_before(const struct fact *a, const struct fact *b)
{
    if (a->end_ms != b->end_ms)
        return a->end_ms < b->end_ms;
    if (a->start_ms != b->start_ms)
        return a->start_ms < b->start_ms;
    return order_of_keys(a->key, b->key) < 0;
}

static void emit_closed_sessions(struct model *m)
{
    const int64_t close = close_of(m) - m->plan->size_ms;

    for (;;) {
        struct fact *first = NULL;

        for (int i = 0; i < m->facts.count; i++) {
            struct fact *one = &m->facts.items[i];

            if (!one->gone && one->end_ms < close && one->end_ms >= m->emitted_ms &&
                (first == NULL || session_before(one, first)))
                first = one;
        }
        if (first == NULL)
            break;
        model_emit(m, first);
        first->gone = true;
    }
    if (close > m->emitted_ms)
        m->emitted_ms = close;
}

static const char *merged(struct model *m, const char *a, const char *b)
{
    if (m->plan->core == CORE_COUNT) {
        long sum = 0;

        sscanf(a, "%ld", &sum);
        int other = 0;
        sscanf(b, "%d", &other);
        return text_of(m, "%ld", sum + other);
    }
    if (m->plan->core == CORE_AGGREGATE)
        return text_of(m, "%s&%s", shown(a), shown(b));
    return a == NULL ? b : text_of(m, "%s+%s", a, shown(b));
}

void model_session(struct model *m, const struct fact *fact)
{
    const int64_t gap = m->plan->size_ms, t = fact->at_ms;
    struct fact   row = { .key = fact->key, .value = model_initial(m), .start_ms = t, .end_ms = t };
    struct fact  *old[KEPT_MAX];
    int           count = 0;

    if (!moves_time(m, fact))
        return;
    for (;;) {
        struct fact *next = NULL;

        for (int i = 0; i < m->facts.count; i++) {
            struct fact *one = &m->facts.items[i];
            bool         had = false;

            for (int n = 0; n < count; n++)
                had = had || old[n] == one;
            /* A closed session is final, whether its row is still there or not. */
            if (one->end_ms < close_of(m) - gap)
                continue;
            if (!had && !one->gone && same(one->key, fact->key) && one->end_ms >= t - gap &&
                one->start_ms <= t + gap && (next == NULL || session_before(one, next)))
                next = one;
        }
        if (next == NULL)
            break;
        old[count++] = next;
        row.value    = merged(m, row.value, next->value);
        if (next->start_ms < row.start_ms)
            row.start_ms = next->start_ms;
        if (next->end_ms > row.end_ms)
            row.end_ms = next->end_ms;
    }
    if (row.end_ms < close_of(m) - gap) {
        if (m->plan->on_close)
            emit_closed_sessions(m);
        return;
    }
    for (int n = 0; n < count && (row.start_ms != t || row.end_ms != t); n++) {
        struct fact gone = *old[n];

        old[n]->gone = true;
        gone.old     = gone.value;
        gone.value   = NULL;
        gone.at_ms   = gone.end_ms;
        if (!m->plan->on_close)
            model_emit(m, &gone);
    }
    for (int n = 0; n < count; n++)
        old[n]->gone = true;
    model_fold(m, &row.value, fact->value);
    row.at_ms = row.end_ms;
    if (row.value != NULL)
        list_add(&m->facts, &row);
    if (m->plan->on_close)
        emit_closed_sessions(m);
    else
        model_emit(m, &row);
}

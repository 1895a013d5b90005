/* SPDX-License-Identifier: Apache-2.0
 *
 * model_joins.c - joins and table aggregations by the rules.
 */
#include "model.h"

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static const char *joined(struct model *m, const char *left, const char *right)
{
    return text_of(m, "%s|%s", shown(left), shown(right));
}

static void emit(struct model *m, const char *key, const char *value, int64_t at_ms)
{
    model_emit(m, &(struct fact){ .key = key, .value = value, .at_ms = at_ms });
}

/* Put a row into a table; the value that was there. */
static const char *put_row(struct list *table, const struct fact *fact)
{
    struct fact *row = list_find(table, fact->key);
    const char  *old = row != NULL ? row->value : NULL;

    if (row == NULL)
        row = list_add(table, fact);
    *row      = *fact;
    row->gone = fact->value == NULL;
    return old;
}

/* ---- stream-stream; of a waiting fact `start_ms` is its side ---- */

static bool waits_before(const struct fact *a, const struct fact *b)
{
    if (a->at_ms != b->at_ms)
        return a->at_ms < b->at_ms;
    if (a->start_ms != b->start_ms)
        return a->start_ms > b->start_ms; /* right before left */
    return order_of_keys(a->key, b->key) < 0;
}

static void leave_alone(struct model *m, int side, const struct fact *fact)
{
    emit(m, fact->key, side == 0 ? joined(m, fact->value, NULL) : joined(m, NULL, fact->value),
         fact->at_ms);
}

/* `emitted_ms` is the smallest waiting time, INT64_MAX = none. */
static void release(struct model *m, int side)
{
    const int64_t after[2]   = { m->plan->after_ms, m->plan->before_ms };
    bool          blocked[2] = { false, false };

    if (m->emitted_ms == INT64_MAX ||
        m->emitted_ms + after[side] + m->plan->grace_ms >= m->stream_ms)
        return;
    m->emitted_ms = INT64_MAX;
    for (int i = 0; i < m->waiting.count; i++)
        m->waiting.items[i].end_ms = m->waiting.items[i].gone; /* looked at */
    while (!blocked[0] || !blocked[1]) {
        struct fact *first = NULL;

        for (int i = 0; i < m->waiting.count; i++)
            if (m->waiting.items[i].end_ms == 0 &&
                (first == NULL || waits_before(&m->waiting.items[i], first)))
                first = &m->waiting.items[i];
        if (first == NULL)
            return;
        first->end_ms = 1;
        m->emitted_ms = first->at_ms;
        if (first->at_ms + after[first->start_ms] + m->plan->grace_ms >= m->stream_ms) {
            blocked[first->start_ms] = true;
        } else {
            first->gone = true;
            leave_alone(m, (int)first->start_ms, first);
        }
    }
    /* One more is looked at when both sides wait. */
    for (int i = 0, found = 0; i < m->waiting.count; i++)
        if (m->waiting.items[i].end_ms == 0 &&
            (!found || m->waiting.items[i].at_ms < m->emitted_ms)) {
            m->emitted_ms = m->waiting.items[i].at_ms;
            found         = 1;
        }
}

/* Join with each fact of the other side by time, then arrival; true if there was one. */
static bool meet(struct model *m, int side, const struct fact *fact)
{
    struct list  *theirs = side == 0 ? &m->other : &m->facts;
    const int64_t back   = side == 0 ? m->plan->before_ms : m->plan->after_ms;
    const int64_t ahead  = side == 0 ? m->plan->after_ms : m->plan->before_ms;
    const int64_t kept   = m->plan->before_ms + m->plan->after_ms + m->plan->grace_ms;
    bool          met    = false;

    for (int64_t t = later(fact->at_ms - back, 0); t <= fact->at_ms + ahead; t++)
        for (int i = 0; i < theirs->count; i++) {
            struct fact *one = &theirs->items[i];

            if (one->at_ms != t || !same(one->key, fact->key) || t <= m->side_ms[!side] - kept - 1)
                continue;
            met = true;
            for (int n = 0; n < m->waiting.count; n++) {
                struct fact *held = &m->waiting.items[n];

                if (held->at_ms == t && held->start_ms == !side && same(held->key, fact->key))
                    held->gone = true;
            }
            emit(m, fact->key, side == 0 ? joined(m, fact->value, one->value)
                                         : joined(m, one->value, fact->value),
                 later(fact->at_ms, t));
        }
    return met;
}

void model_stream_stream(struct model *m, int side, const struct fact *fact)
{
    const bool    outer = m->plan->join == JOIN_OUTER || (m->plan->join == JOIN_LEFT && side == 0);
    const int64_t after = side == 0 ? m->plan->after_ms : m->plan->before_ms;

    if (m->emitted_ms == INT64_MIN)
        m->emitted_ms = INT64_MAX;
    m->stream_ms = later(m->stream_ms, fact->at_ms);
    if (fact->value == NULL)
        return;
    if (fact->key == NULL) {
        if (outer)
            leave_alone(m, side, fact);
        return;
    }
    if (fact->at_ms == m->stream_ms && m->plan->join != JOIN_INNER)
        release(m, side);
    if (!meet(m, side, fact) && outer) {
        if (fact->at_ms + after < m->stream_ms) {
            leave_alone(m, side, fact);
        } else {
            struct fact *held = list_add(&m->waiting, fact);

            held->start_ms = side;
            if (fact->at_ms < m->emitted_ms)
                m->emitted_ms = fact->at_ms;
        }
    }
    list_add(side == 0 ? &m->facts : &m->other, fact);
    m->side_ms[side] = later(m->side_ms[side], fact->at_ms);
}

/* ---- stream-table ---- */

void model_stream_table(struct model *m, int side, const struct fact *fact)
{
    struct fact *row;

    if (side == 1) {
        if (fact->key != NULL)
            put_row(&m->other, fact);
        return;
    }
    if (fact->value == NULL || (fact->key == NULL && m->plan->join == JOIN_INNER))
        return;
    row = fact->key != NULL ? list_find(&m->other, fact->key) : NULL;
    if (row != NULL || m->plan->join == JOIN_LEFT)
        emit(m, fact->key, joined(m, fact->value, row != NULL ? row->value : NULL), fact->at_ms);
}

/* ---- table-table ---- */

void model_table_table(struct model *m, int side, const struct fact *fact)
{
    struct list *mine = side == 0 ? &m->facts : &m->other;
    struct list *theirs = side == 0 ? &m->other : &m->facts;
    const bool   needs_theirs = m->plan->join == JOIN_INNER ||
                              (m->plan->join == JOIN_LEFT && side == 1);
    const bool   keeps_theirs = m->plan->join == JOIN_OUTER ||
                              (m->plan->join == JOIN_LEFT && side == 1);
    const char  *old, *value = NULL, *there;
    struct fact *row;

    if (fact->key == NULL)
        return;
    old   = put_row(mine, fact);
    row   = list_find(theirs, fact->key);
    there = row != NULL ? row->value : NULL;
    if (row == NULL && (needs_theirs || (fact->value == NULL && old == NULL)))
        return;
    if (fact->value != NULL || (keeps_theirs && row != NULL))
        value = side == 0 ? joined(m, fact->value, there) : joined(m, there, fact->value);
    emit(m, fact->key, value, row != NULL ? later(fact->at_ms, row->at_ms) : fact->at_ms);
}

/* ---- foreign key ---- */

static const char *foreign_of(struct model *m, const char *value)
{
    return value == NULL || value[0] >= '8' ? NULL : text_of(m, "%c", 'a' + (value[0] - '0') % 4);
}

static void left_changed(struct model *m, const struct fact *fact)
{
    const bool   left = m->plan->join == JOIN_LEFT;
    const char  *old  = put_row(&m->facts, fact);
    const char  *was  = foreign_of(m, old), *is = foreign_of(m, fact->value);
    struct fact *theirs = is != NULL ? list_find(&m->other, is) : NULL;
    struct fact *before = was != NULL ? list_find(&m->other, was) : NULL;
    int64_t      gone_ms = is == NULL && before != NULL ? later(fact->at_ms, before->at_ms)
                                                        : fact->at_ms;

    if (fact->value == NULL && old == NULL)
        return;
    if (theirs != NULL)
        emit(m, fact->key, joined(m, fact->value, theirs->value),
             later(fact->at_ms, theirs->at_ms));
    else if (left)
        emit(m, fact->key, fact->value != NULL ? joined(m, fact->value, NULL) : NULL, fact->at_ms);
    else if (was != NULL && !same(was, is))
        emit(m, fact->key, NULL, gone_ms);
}

static void right_changed(struct model *m, const struct fact *fact)
{
    const char *last = "";

    put_row(&m->other, fact);
    for (;;) {
        struct fact *next = NULL;

        for (int i = 0; i < m->facts.count; i++) {
            struct fact *row = &m->facts.items[i];

            if (!row->gone && same(foreign_of(m, row->value), fact->key) &&
                order_of_keys(row->key, last) > 0 &&
                (next == NULL || order_of_keys(row->key, next->key) < 0))
                next = row;
        }
        if (next == NULL)
            return;
        last = next->key;
        emit(m, next->key, fact->value != NULL || m->plan->join == JOIN_LEFT
                               ? joined(m, next->value, fact->value) : NULL, fact->at_ms);
    }
}

void model_foreign(struct model *m, int side, const struct fact *fact)
{
    if (fact->key == NULL)
        return;
    if (side == 0)
        left_changed(m, fact);
    else
        right_changed(m, fact);
}

/* ---- table aggregation ---- */

static const char *take(struct model *m, const char *acc, const char *value, bool counted)
{
    int n = 0;

    if (!counted)
        return text_of(m, "%s-%s", shown(acc), shown(value));
    sscanf(acc, "%d", &n);
    return text_of(m, "%d", n - 1);
}

static const char *add(struct model *m, const char *acc, const char *value, bool counted)
{
    int n = 0;

    if (!counted)
        return text_of(m, "%s+%s", acc == NULL ? "i" : acc, shown(value));
    if (acc != NULL)
        sscanf(acc, "%d", &n);
    return text_of(m, "%d", n + 1);
}

static void change_group(struct model *m, const char *group, const char *now, const char *before,
                         int64_t at_ms, bool counted)
{
    struct fact *row = list_find(&m->groups, group);
    struct fact  out = { .key = group, .at_ms = row != NULL ? later(row->at_ms, at_ms) : at_ms,
                         .value = row != NULL ? row->value : NULL };

    if (before != NULL && row != NULL)
        out.value = take(m, out.value, before, counted);
    if (now != NULL)
        out.value = add(m, out.value, now, counted);
    if (out.value != NULL)
        put_row(&m->groups, &out);
    lines_add(m->out, m->step, group, out.value, out.at_ms);
}

void model_table_group(struct model *m, const struct fact *change, group_fn *group, bool counted)
{
    const char *now    = change->value != NULL ? group(change->value) : NULL;
    const char *before = change->old != NULL ? group(change->old) : NULL;

    if (now != NULL && same(now, before)) {
        change_group(m, now, change->value, change->old, change->at_ms, counted);
        return;
    }
    if (before != NULL)
        change_group(m, before, NULL, change->old, change->at_ms, counted);
    if (now != NULL)
        change_group(m, now, change->value, NULL, change->at_ms, counted);
}

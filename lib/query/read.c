/* SPDX-License-Identifier: Apache-2.0
 *
 * read.c - reading a snapshot: rows of all its parts, one part after the other.
 *
 * A question for another kind of store than the snapshot's is an error of the snapshot.
 * Threads: one at a time.
 */
#include "query/parts.h"

#include "base/alloc.h"
#include "state/versioned.h"
#include "state/window_store.h"

#include <string.h>

/* Which rows of a part. */
struct question {
    ks_bytes from, to;              /* keys; of one key `from` */
    int64_t  from_ms, to_ms;
    ks_order order;
};

typedef ks_iter *open_fn(struct ks_kv_store *store, const struct question *question);

struct ks__walk_all {
    struct ks_iter       iter;      /* first */
    struct ks__walk_all *next;      /* of the snapshot's */
    struct ks_snapshot  *snapshot;
    size_t               part;      /* whose rows come now */
    ks_iter             *rows;
    open_fn             *open;
    struct question      question;  /* its bytes are copies behind this struct */
};

static void keep_error(struct ks_snapshot *snapshot, const struct ks__snapshot *rows)
{
    ks__error_copy(&snapshot->error, ks__snapshot_error(rows));
}

/* ---- what may be asked ---- */

static const char *const kinds[] = { [KS__STORE_KV]        = "key-value store",
                                     [KS__STORE_WINDOW]    = "window store",
                                     [KS__STORE_SESSION]   = "session store",
                                     [KS__STORE_VERSIONED] = "versioned store" };

static bool is_kind(struct ks_snapshot *snapshot, enum ks__store_kind kind)
{
    if (snapshot == NULL || snapshot->kind == kind)
        return snapshot != NULL;
    ks__error_set(&snapshot->error, KS_ETYPE, "the store is no %s but a %s", kinds[kind],
                  kinds[snapshot->kind]);
    return false;
}

static bool has_key(struct ks_snapshot *snapshot, ks_bytes key)
{
    if (key.data != NULL)
        return true;
    ks__error_set(&snapshot->error, KS_EINVAL, "a key must not be null");
    return false;
}

static bool may_ask(struct ks_snapshot *snapshot, enum ks__store_kind kind, ks_bytes key)
{
    return is_kind(snapshot, kind) && has_key(snapshot, key);
}

/* ---- iterators ---- */

static bool walk_next(ks_iter *iter, ks_record *row)
{
    struct ks__walk_all *walk     = (struct ks__walk_all *)iter;
    struct ks_snapshot  *snapshot = walk->snapshot;

    while (walk->part < snapshot->count) {
        struct ks__snapshot *rows = snapshot->parts[walk->part].rows;

        if (walk->rows == NULL)
            walk->rows = walk->open(ks__snapshot_store(rows), &walk->question);
        if (ks_iter_next(walk->rows, row))
            return true;
        keep_error(snapshot, rows);
        ks_iter_close(walk->rows);
        walk->rows = NULL;
        walk->part++;
    }
    return false;
}

static void walk_close(ks_iter *iter)
{
    struct ks__walk_all *walk = (struct ks__walk_all *)iter;

    ks_iter_close(walk->rows);
    walk->rows = NULL;
}

static const struct ks__iter_class walk_class = { .next = walk_next, .close = walk_close };

/* A copy of the bound behind the struct; null stays null. */
static ks_bytes keep_bound(unsigned char *at, ks_bytes bound)
{
    if (bound.data == NULL)
        return bound;
    if (bound.size > 0)
        memcpy(at, bound.data, bound.size);
    return (ks_bytes){ at, bound.size };
}

static ks_iter *ask(struct ks_snapshot *snapshot, open_fn *open, const struct question *question)
{
    const ks_bytes       from = question->from, to = question->to;
    const size_t         first = from.data != NULL ? from.size : 0;
    struct ks__walk_all *walk = ks__zalloc(sizeof(*walk) + first +
                                           (to.data != NULL ? to.size : 0));
    unsigned char       *behind;

    if (walk == NULL) {
        ks__error_no_memory(&snapshot->error, "iterator");
        return NULL;
    }
    behind              = (unsigned char *)(walk + 1);
    walk->iter          = (struct ks_iter){ .class = &walk_class };
    walk->snapshot      = snapshot;
    walk->open          = open;
    walk->question      = *question;
    walk->question.from = keep_bound(behind, from);
    walk->question.to   = keep_bound(behind + first, to);
    walk->next          = snapshot->walks;
    snapshot->walks     = walk;
    return &walk->iter;
}

void ks__snapshot_free_walks(struct ks_snapshot *snapshot)
{
    while (snapshot->walks != NULL) {
        struct ks__walk_all *walk = snapshot->walks;

        snapshot->walks = walk->next;
        ks_iter_close(&walk->iter);
        ks__free(walk);
    }
}

/* ---- key-value stores ---- */

bool ks_snapshot_get(ks_snapshot *snapshot, ks_bytes key, ks_record *row)
{
    ks_record none = { .timestamp_ms = -1 };

    if (row == NULL)
        row = &none;
    *row = (ks_record){ .timestamp_ms = 0 };
    if (!may_ask(snapshot, KS__STORE_KV, key))
        return false;
    for (size_t i = 0; i < snapshot->count; i++) {
        if (ks__snapshot_get(snapshot->parts[i].rows, key, row))
            return true;
        keep_error(snapshot, snapshot->parts[i].rows);
    }
    return false;
}

static ks_iter *open_range(struct ks_kv_store *store, const struct question *question)
{
    return ks__kv_range(store, question->from, question->to, question->order);
}

static ks_iter *open_times(struct ks_kv_store *store, const struct question *question)
{
    return ks__window_all(store, question->from, question->to, question->from_ms, question->to_ms,
                          question->order);
}

ks_iter *ks_snapshot_range(ks_snapshot *snapshot, ks_bytes from, ks_bytes to, ks_order order)
{
    const bool            timed = snapshot != NULL && (snapshot->kind == KS__STORE_WINDOW ||
                                                       snapshot->kind == KS__STORE_SESSION);
    const struct question question = { from, to, 0, INT64_MAX, order };

    if (!timed && !is_kind(snapshot, KS__STORE_KV))
        return NULL;
    return ask(snapshot, timed ? open_times : open_range, &question);
}

ks_iter *ks_snapshot_all(ks_snapshot *snapshot, ks_order order)
{
    return ks_snapshot_range(snapshot, KS_NULL, KS_NULL, order);
}

uint64_t ks_snapshot_count(ks_snapshot *snapshot)
{
    uint64_t count = 0;

    if (!is_kind(snapshot, KS__STORE_KV))
        return 0;
    for (size_t i = 0; i < snapshot->count; i++) {
        count += ks__snapshot_count(snapshot->parts[i].rows);
        keep_error(snapshot, snapshot->parts[i].rows);
    }
    return count;
}

/* ---- window stores ---- */

bool ks_snapshot_window_get(ks_snapshot *snapshot, ks_bytes key, int64_t start_ms, ks_record *row)
{
    *row = (ks_record){ .timestamp_ms = 0 };
    if (!may_ask(snapshot, KS__STORE_WINDOW, key))
        return false;
    for (size_t i = 0; i < snapshot->count; i++) {
        struct ks__snapshot *rows  = snapshot->parts[i].rows;
        ks_window_store     *store = (ks_window_store *)ks__snapshot_store(rows);

        if (ks_window_store_get(store, key, start_ms, row))
            return true;
        keep_error(snapshot, rows);
    }
    return false;
}

static ks_iter *open_window_fetch(struct ks_kv_store *store, const struct question *question)
{
    return ks__window_fetch(store, question->from, question->from_ms, question->to_ms,
                            question->order);
}

ks_iter *ks_snapshot_window_fetch(ks_snapshot *snapshot, ks_bytes key, int64_t from_ms,
                                  int64_t to_ms, ks_order order)
{
    if (!may_ask(snapshot, KS__STORE_WINDOW, key))
        return NULL;
    return ask(snapshot, open_window_fetch,
               &(struct question){ key, KS_NULL, from_ms, to_ms, order });
}

ks_iter *ks_snapshot_window_range(ks_snapshot *snapshot, ks_bytes from, ks_bytes to,
                                  ks_window starts, ks_order order)
{
    if (!is_kind(snapshot, KS__STORE_WINDOW))
        return NULL;
    return ask(snapshot, open_times,
               &(struct question){ from, to, starts.start_ms, starts.end_ms, order });
}

/* ---- session stores ---- */

bool ks_snapshot_session_get(ks_snapshot *snapshot, ks_bytes key, ks_window session,
                             ks_record *row)
{
    *row = (ks_record){ .timestamp_ms = 0 };
    if (!may_ask(snapshot, KS__STORE_SESSION, key))
        return false;
    for (size_t i = 0; i < snapshot->count; i++) {
        struct ks__snapshot *rows  = snapshot->parts[i].rows;
        ks_session_store    *store = (ks_session_store *)ks__snapshot_store(rows);

        if (ks_session_store_get(store, key, session, row))
            return true;
        keep_error(snapshot, rows);
    }
    return false;
}

static ks_iter *open_session_find(struct ks_kv_store *store, const struct question *question)
{
    return ks__session_fetch(store, question->from, question->from_ms, question->to_ms,
                             question->order);
}

ks_iter *ks_snapshot_session_find(ks_snapshot *snapshot, ks_bytes key, int64_t end_from_ms,
                                  int64_t start_to_ms, ks_order order)
{
    if (!may_ask(snapshot, KS__STORE_SESSION, key))
        return NULL;
    return ask(snapshot, open_session_find,
               &(struct question){ key, KS_NULL, end_from_ms, start_to_ms, order });
}

/* ---- versioned stores ---- */

bool ks_snapshot_versioned_as_of(ks_snapshot *snapshot, ks_bytes key, int64_t as_of_ms,
                                 ks_versioned *version)
{
    *version = (ks_versioned){ .value = KS_NULL };
    if (!may_ask(snapshot, KS__STORE_VERSIONED, key))
        return false;
    for (size_t i = 0; i < snapshot->count; i++) {
        struct ks__snapshot *rows  = snapshot->parts[i].rows;
        struct ks_kv_store  *store = ks__snapshot_store(rows);

        if (as_of_ms == INT64_MAX ? ks__versioned_get(store, key, version)
                                  : ks__versioned_as_of(store, key, as_of_ms, version))
            return true;
        keep_error(snapshot, rows);
    }
    return false;
}

bool ks_snapshot_versioned_get(ks_snapshot *snapshot, ks_bytes key, ks_versioned *version)
{
    return ks_snapshot_versioned_as_of(snapshot, key, INT64_MAX, version);
}

static ks_iter *open_history(struct ks_kv_store *store, const struct question *question)
{
    return ks__versioned_history(store, question->from, question->from_ms, question->to_ms,
                                 question->order);
}

ks_iter *ks_snapshot_versioned_history(ks_snapshot *snapshot, ks_bytes key, int64_t from_ms,
                                       int64_t to_ms, ks_order order)
{
    if (!may_ask(snapshot, KS__STORE_VERSIONED, key))
        return NULL;
    if (from_ms <= to_ms)
        return ask(snapshot, open_history,
                   &(struct question){ key, KS_NULL, from_ms, to_ms, order });
    ks__error_set(&snapshot->error, KS_EINVAL, "a history from %lld to %lld", (long long)from_ms,
                  (long long)to_ms);
    return NULL;
}

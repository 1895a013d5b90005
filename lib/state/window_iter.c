/* SPDX-License-Identifier: Apache-2.0
 *
 * window_iter.c - reading several rows of a window or session store.
 *
 *      fetch     one seek per slot that the times lie in, merged; other keys in between passed over
 *      all       every slot, filtered by key and time
 *      by time   the index, row by row looked up
 *
 * Rows that the floor hides are passed over (R1).
 */
#include "state/ring.h"

#include "window/window.h"

#include <string.h>

struct timed_iter {
    struct ks_iter      iter;
    struct ks_kv_store *store;
    ks_iter            *inner;      /* over the rows, or over the index */
    bool                one_key;
    bool                by_time;
    ks_bytes            key_from, key_to;   /* null = open */
    int64_t             from_ms, to_ms;     /* time of the rows */
    int64_t             start_to_ms;        /* sessions: start not above it */
};

ks_window ks__timed_window(const struct ks_kv_store *store, const struct ks__timed_key *parts)
{
    if (store->ring->kind == KS__STORE_SESSION)
        return (ks_window){ parts->start_ms, parts->time_ms };
    return (ks_window){ parts->time_ms, ks__time_add(parts->time_ms, store->spec->window_ms) };
}

/* ---- next ---- */

static bool wanted(const struct timed_iter *it, const struct ks__timed_key *parts)
{
    if (parts->time_ms < it->from_ms || parts->time_ms > it->to_ms ||
        parts->start_ms > it->start_to_ms)
        return false;
    if (it->one_key)
        return parts->key.size == it->key_from.size &&
               (parts->key.size == 0 ||
                memcmp(parts->key.data, it->key_from.data, parts->key.size) == 0);
    return (it->key_from.data == NULL || ks__bytes_compare(parts->key, it->key_from) >= 0) &&
           (it->key_to.data == NULL || ks__bytes_compare(parts->key, it->key_to) <= 0);
}

/* The row of an entry of the index. */
static bool look_up(struct timed_iter *it, const struct ks__timed_key *parts, ks_record *row)
{
    struct ks__reading *reading = it->store->reading;
    struct ks__row      found;
    ks_bytes            key = ks__timed_key_make(it->store->ring->kind, parts, reading->arena);

    if (key.data == NULL)
        return ks__error_no_memory(reading->error, it->store->spec->name) == KS_OK;
    if (!ks__kv_get(it->store, key, &found))
        return false;
    *row = (ks_record){ parts->key, found.value, found.timestamp_ms, found.headers, NULL };
    return true;
}

static bool finish_row(struct timed_iter *it, const struct ks__timed_key *parts, ks_record *row)
{
    ks_window *window = ks__arena_alloc(it->store->reading->arena, sizeof(*window));

    if (window == NULL) {
        ks__error_no_memory(it->store->reading->error, it->store->spec->name);
        return false;
    }
    *window     = ks__timed_window(it->store, parts);
    row->key    = parts->key;
    row->window = window;
    return true;
}

static bool timed_next(ks_iter *iter, ks_record *row)
{
    struct timed_iter         *it   = (struct timed_iter *)iter;
    const enum ks__store_kind  kind = it->store->ring->kind;
    struct ks__timed_key       parts;
    ks_record                  found;

    while (ks_iter_next(it->inner, &found)) {
        bool whole = it->by_time ? ks__index_key_split(kind, found.key, &parts)
                                 : ks__timed_key_split(kind, found.key, &parts);

        if (!whole || !wanted(it, &parts) || (it->by_time && !look_up(it, &parts, &found)))
            continue;
        *row = found;
        if (finish_row(it, &parts, row))
            return true;
        break;
    }
    *row = (ks_record){ .key = KS_NULL };
    ks_iter_close(iter);
    return false;
}

static void timed_close(ks_iter *iter)
{
    ks_iter_close(((struct timed_iter *)iter)->inner);
}

static const struct ks__iter_class timed_class = { .next = timed_next, .close = timed_close };

/* ---- open ---- */

/* An iterator without its inner one; NULL = error set. */
static struct timed_iter *iter_new(struct ks_kv_store *store, ks_bytes key_from, ks_bytes key_to)
{
    struct ks__arena  *arena = store->reading->arena;
    struct timed_iter *it    = ks__arena_zalloc(arena, sizeof(*it));

    ks__ring_know(store);
    if (it == NULL || !ks__arena_copy(arena, key_from, &it->key_from) ||
        !ks__arena_copy(arena, key_to, &it->key_to)) {
        ks__error_no_memory(store->reading->error, store->spec->name);
        return NULL;
    }
    it->iter.class  = &timed_class;
    it->store       = store;
    it->to_ms       = INT64_MAX;
    it->start_to_ms = INT64_MAX;
    return it;
}

static void set_times(struct timed_iter *it, int64_t from_ms, int64_t to_ms, int64_t floor_ms)
{
    it->from_ms = ks__time_max(ks__time_max(from_ms, 0), ks__time_add(floor_ms, 1));
    it->to_ms   = to_ms;
}

static ks_iter *open_inner(struct timed_iter *it, struct ks_kv_store *store, ks_bytes from,
                           ks_bytes to, ks_order order)
{
    if (it->from_ms <= it->to_ms)
        it->inner = ks__kv_range_in(store, ks__ring_slots(store->ring, it->from_ms, it->to_ms),
                                    from, to, order);
    return &it->iter;
}

/* The rows of one key between two times, `first` and `last` being the ends of their keys. */
static ks_iter *open_one_key(struct timed_iter *it, const struct ks__timed_key *first,
                             const struct ks__timed_key *last, ks_order order)
{
    struct ks_kv_store *store = it->store;
    struct ks__arena   *arena = store->reading->arena;
    ks_bytes            from, to;

    it->one_key = true;
    from        = ks__timed_key_make(store->ring->kind, first, arena);
    to          = ks__timed_key_make(store->ring->kind, last, arena);
    if (from.data == NULL || to.data == NULL) {
        ks__error_no_memory(store->reading->error, store->spec->name);
        return NULL;
    }
    return open_inner(it, store, from, to, order);
}

ks_iter *ks__window_fetch(struct ks_kv_store *store, ks_bytes key, int64_t from_ms, int64_t to_ms,
                          ks_order order)
{
    struct timed_iter *it = iter_new(store, key, KS_NULL);

    if (it == NULL)
        return NULL;
    set_times(it, from_ms, to_ms, store->ring->floor_ms);
    return open_one_key(it, &(struct ks__timed_key){ .key = key, .time_ms = it->from_ms },
                        &(struct ks__timed_key){ .key = key, .time_ms = ks__time_max(to_ms, 0),
                                                 .sequence = UINT32_MAX },
                        order);
}

ks_iter *ks__session_fetch(struct ks_kv_store *store, ks_bytes key, int64_t end_from_ms,
                           int64_t start_to_ms, ks_order order)
{
    struct timed_iter *it = iter_new(store, key, KS_NULL);

    if (it == NULL)
        return NULL;
    /* No session ends after the store's time. */
    set_times(it, end_from_ms, store->ring->time_ms, store->ring->floor_ms);
    it->start_to_ms = start_to_ms;
    return open_one_key(it, &(struct ks__timed_key){ .key = key, .time_ms = it->from_ms },
                        &(struct ks__timed_key){ .key = key, .time_ms = INT64_MAX,
                                                 .start_ms = INT64_MAX },
                        order);
}

/* Kafka's stores with an index show windows one millisecond longer when all are read. */
static int64_t floor_of_scan(const struct ks__ring *ring)
{
    const bool longer = ring->kafka && ring->index_spec.by_time && ring->kind == KS__STORE_WINDOW;

    return longer ? ks__time_sub(ring->floor_ms, 1) : ring->floor_ms;
}

ks_iter *ks__window_all(struct ks_kv_store *store, ks_bytes key_from, ks_bytes key_to,
                        int64_t from_ms, int64_t to_ms, ks_order order)
{
    struct timed_iter *it = iter_new(store, key_from, key_to);

    if (it == NULL)
        return NULL;
    set_times(it, from_ms, to_ms, floor_of_scan(store->ring));
    /* Timed keys of other plain keys may lie before and behind: only the lower end is exact. */
    return open_inner(it, store, it->key_from, KS_NULL, order);
}

ks_iter *ks__window_by_time(struct ks_kv_store *store, int64_t from_ms, int64_t to_ms)
{
    struct timed_iter *it   = iter_new(store, KS_NULL, KS_NULL);
    struct ks__ring   *ring = store->ring;
    int64_t            floor_ms;
    uint8_t            first[8], behind[8];
    ks_bytes           to = KS_NULL;

    if (it == NULL)
        return NULL;
    floor_ms = ring->kind == KS__STORE_SESSION ? ks__ring_lost_sessions_ms(ring)
                                               : floor_of_scan(ring);
    it->by_time = true;
    set_times(it, from_ms, to_ms, floor_ms);
    ks__put_be64(first, (uint64_t)it->from_ms);
    if (to_ms < INT64_MAX) {
        ks__put_be64(behind, (uint64_t)ks__time_max(to_ms + 1, 0));
        to = ks_bytes_of(behind, sizeof(behind));
    }
    return open_inner(it, ring->index, ks_bytes_of(first, sizeof(first)), to, KS_ASCENDING);
}

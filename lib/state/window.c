/* SPDX-License-Identifier: Apache-2.0
 *
 * window.c - rows of window and session stores: one found, one put, what leaves the cache.
 *
 *      find    hidden by the floor? absent; else as in a key-value store, under the timed key
 *      put     the store's time moves first; a row that is dead already is not kept
 *
 * Not here: reading several rows (window_iter.c).
 */
#include "state/ring.h"

#include "base/assert.h"

static ks_bytes make_key(struct ks_kv_store *store, const struct ks__timed_key *parts)
{
    ks_bytes key = ks__timed_key_make(store->ring->kind, parts, store->reading->arena);

    if (key.data == NULL)
        ks__error_no_memory(store->reading->error, store->spec->name);
    return key;
}

/* ---- find ---- */

static bool find(struct ks_kv_store *store, struct ks__window_slot *slot,
                 const struct ks__timed_key *parts, struct ks__row *row)
{
    ks_bytes key;

    ks__assert(parts->key.data != NULL);
    *row = (struct ks__row){ .headers = NULL };
    *slot = (struct ks__window_slot){ .key = parts->key, .time_ms = parts->time_ms,
                                      .start_ms = parts->start_ms };
    ks__ring_know(store);
    key = make_key(store, parts);
    if (key.data == NULL)
        return false;
    if (!ks__kv_find(store, key, &slot->kv, row))
        return false;
    if (parts->time_ms > store->ring->floor_ms)
        return true;
    *row = (struct ks__row){ .headers = NULL };
    return false;
}

bool ks__window_find(struct ks_kv_store *store, ks_bytes key, int64_t start_ms,
                     struct ks__window_slot *slot, struct ks__row *row)
{
    const struct ks__timed_key parts = { .key = key, .time_ms = start_ms };

    return find(store, slot, &parts, row);
}

bool ks__session_find(struct ks_kv_store *store, ks_bytes key, ks_window session,
                      struct ks__window_slot *slot, struct ks__row *row)
{
    const struct ks__timed_key parts = { .key = key, .time_ms = session.end_ms,
                                         .start_ms = session.start_ms };

    return find(store, slot, &parts, row);
}

/* ---- put ---- */

/* The index holds the keys of the rows that are there. */
static void put_index(struct ks_kv_store *index, const struct ks__window_slot *slot, bool deleted)
{
    const struct ks__timed_key parts = { .key = slot->key, .time_ms = slot->time_ms,
                                         .start_ms = slot->start_ms };
    struct ks__kv_slot         at;
    struct ks__row             row;
    ks_bytes key = ks__index_key_make(index->ring->kind, &parts, index->reading->arena);

    if (key.data == NULL) {
        ks__error_no_memory(index->reading->error, index->spec->name);
        return;
    }
    at       = (struct ks__kv_slot){ .key = key, .hash = ks__map_hash(key) };
    at.entry = ks__map_get_hashed(&index->rows, key, at.hash);
    if (at.entry != NULL && !deleted && ks__cell_exists(ks__kv_entry(at.entry)->now))
        return;
    row = (struct ks__row){ .value = deleted ? KS_NULL : ks_bytes_of("", 0) };
    ks__kv_put_slot(index, &at, &row);
}

void ks__window_put_slot(struct ks_kv_store *store, struct ks__window_slot *slot,
                         const struct ks__row *row)
{
    struct ks__ring *ring = store->ring;

    ks__ring_advance(store, slot->time_ms);
    if (!store->cached && ks__ring_refuses(ring, slot->time_ms, ring->time_ms))
        ks__ring_tell_refused(store);
    if (slot->kv.key.data == NULL || slot->time_ms <= ring->dead_ms)
        return; /* nobody will read it, and the sweep has passed */
    ks__kv_put_slot(store, &slot->kv, row);
    if (ring->index != NULL)
        put_index(ring->index, slot, row->value.data == NULL);
}

static void put(struct ks_kv_store *store, const struct ks__timed_key *parts,
                const struct ks__row *row)
{
    struct ks__window_slot slot = { .key = parts->key, .time_ms = parts->time_ms,
                                    .start_ms = parts->start_ms };

    ks__assert(parts->key.data != NULL);
    slot.kv.key = make_key(store, parts);
    if (slot.kv.key.data == NULL)
        return;
    slot.kv.hash  = ks__map_hash(slot.kv.key);
    slot.kv.entry = ks__map_get_hashed(&store->rows, slot.kv.key, slot.kv.hash);
    ks__window_put_slot(store, &slot, row);
}

void ks__window_put(struct ks_kv_store *store, ks_bytes key, int64_t start_ms,
                    const struct ks__row *row)
{
    struct ks__timed_key parts = { .key = key, .time_ms = start_ms };

    ks__ring_know(store);
    if (store->spec->duplicates) {
        if (row->value.data == NULL)
            return;
        store->ring->sequence = (store->ring->sequence + 1) & INT32_MAX;
        store->ring->moved    = true;
        parts.sequence        = store->ring->sequence;
    }
    put(store, &parts, row);
}

void ks__session_put(struct ks_kv_store *store, ks_bytes key, ks_window session,
                     const struct ks__row *row)
{
    const struct ks__timed_key parts = { .key = key, .time_ms = session.end_ms,
                                         .start_ms = session.start_ms };

    put(store, &parts, row);
}

/* ---- cache ---- */

static void flushed(void *user, ks_bytes key, const struct ks__row *now,
                    const struct ks__row *before)
{
    struct ks_kv_store  *store = user;
    struct ks__ring     *ring  = store->ring;
    struct ks__timed_key parts;

    if (ks__timed_key_split(ring->kind, key, &parts))
        ring->flush_fn(ring->flush_user, parts.key, ks__timed_window(store, &parts), now, before);
}

void ks__window_on_flush(struct ks_kv_store *store, ks__window_flush_fn *fn, void *user)
{
    store->ring->flush_fn   = fn;
    store->ring->flush_user = user;
    ks__kv_on_flush(store, flushed, store);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * cache.c - the record cache: written entries that are not yet forwarded.
 *
 *      put ──> dirty list of the store --flush--> changelog, then the listener
 *
 * The list is in the order of the last writes: an entry that is written again moves to its end and
 * leaves a hole, and holes are swept when they are the greater part.
 *
 * An entry stays where it is in the open layer; being cached is a flag, its place in the dirty list
 * and the cell that was forwarded last (none = what LMDB holds, which has no row of the key that is
 * newer).
 *
 * Kafka: NamedCache, CachingKeyValueStore#putAndMaybeForward.
 */
#include "state/parts.h"
#include "state/ring.h"

#include "base/assert.h"

#define HOLES_MIN 64u /* a list of fewer is not worth sweeping */

void ks__cache_add(struct ks_kv_store *store, struct ks__map_entry *entry)
{
    struct ks__kv_entry *payload = ks__kv_entry(entry);

    payload->dirty       = true;
    payload->dirty_place = (uint32_t)store->dirty.count;
    store->dirty_bytes += ks__kv_entry_bytes(entry) + ks__cell_bytes(payload->now);
    store->dirty.items[store->dirty.count++] = entry;
}

static void sweep_holes(struct ks_kv_store *store)
{
    size_t kept = 0;

    for (size_t i = store->dirty_at; i < store->dirty.count; i++) {
        struct ks__map_entry *entry = store->dirty.items[i];

        if (entry == NULL)
            continue;
        ks__kv_entry(entry)->dirty_place = (uint32_t)kept;
        store->dirty.items[kept++]       = entry;
    }
    store->dirty.count = kept;
    store->dirty_at = store->dirty_holes = 0;
}

void ks__cache_again(struct ks_kv_store *store, struct ks__map_entry *entry)
{
    struct ks__kv_entry *payload = ks__kv_entry(entry);

    ks__assert(payload->dirty && store->dirty.items[payload->dirty_place] == entry);
    if (payload->dirty_place + 1 == store->dirty.count)
        return;
    store->dirty.items[payload->dirty_place] = NULL;
    payload->dirty_place                     = (uint32_t)store->dirty.count;
    store->dirty.items[store->dirty.count++] = entry;
    store->dirty_holes++;
    if (store->dirty_holes > HOLES_MIN && store->dirty_holes > store->dirty.count / 2)
        sweep_holes(store);
}

static bool has_dirty(const struct ks_kv_store *store)
{
    return store->dirty_at < store->dirty.count;
}

static struct ks__map_entry *take_first(struct ks_kv_store *store)
{
    struct ks__map_entry *entry;

    while (store->dirty.items[store->dirty_at] == NULL) { /* the last one is no hole */
        store->dirty_at++;
        store->dirty_holes--;
    }
    entry = store->dirty.items[store->dirty_at];
    ks__entries_prefetch(&store->dirty, store->dirty_at);
    store->dirty_at++;
    if (!has_dirty(store))
        store->dirty_at = store->dirty.count = store->dirty_bytes = 0;
    ks__kv_entry(entry)->dirty = false;
    return entry;
}

void ks__kv_log_change(struct ks_kv_store *store, ks_bytes key, const struct ks__row *row)
{
    const struct ks__state_host *host = store->state->host;

    if (store->spec->kind == KS__STORE_VERSIONED || store->quiet)
        return; /* it speaks of its puts, not of its rows: versioned.h, VS3 */
    if (store->spec->changelog && store->spec->source_topic == NULL && host->changed != NULL)
        host->changed(host->user, store, key, row);
}

/* The row as it was forwarded last. */
static void read_before(struct ks_kv_store *store, struct ks__map_entry *entry, struct ks__row *row)
{
    struct ks__kv_entry *payload = ks__kv_entry(entry);
    struct ks__row_parts parts;

    if (payload->before == NULL) {
        ks__kv_get_below(store, entry->key, row);
        return;
    }
    parts = ks__cell_parts(payload->before);
    ks__kv_read(store, &parts, row);
    if (payload->before != payload->sealed)
        ks__cell_retire(&store->rows, payload->before);
    payload->before = NULL;
}

/* Forward the entry that is first in the list; false = there was nothing to forward. */
static bool flush_one(struct ks_kv_store *store)
{
    struct ks__map_entry *entry = take_first(store);
    struct ks__row_parts  parts = ks__cell_parts(ks__kv_entry(entry)->now);
    struct ks__row        now, before;

    ks__kv_touch(store);        /* `before` is retired: purge at the end of this record */
    read_before(store, entry, &before);
    if (store->ring != NULL && ks__ring_hides_flushed(store, entry->key))
        before = (struct ks__row){ .value = KS_NULL };
    if (!ks__kv_read(store, &parts, &now))
        now.timestamp_ms = parts.timestamp_ms;
    if (now.value.data == NULL && before.value.data == NULL)
        return false;
    ks__kv_log_change(store, entry->key, &now);
    if (store->flush_fn != NULL)
        store->flush_fn(store->flush_user, entry->key, &now, &before);
    return true;
}

void ks__kv_on_flush(struct ks_kv_store *store, ks__kv_flush_fn *fn, void *user)
{
    ks__assert(store->flush_fn == NULL || store->flush_fn == fn); /* opened again after an abort */
    store->flush_fn   = fn;
    store->flush_user = user;
}

bool ks__state_has_cached(const struct ks__state *state)
{
    for (size_t i = 0; i < state->store_count; i++)
        if (has_dirty(state->stores[i]))
            return true;
    return false;
}

size_t ks__state_cached_bytes(const struct ks__state *state)
{
    size_t bytes = 0;

    for (size_t i = 0; i < state->store_count; i++)
        bytes += state->stores[i]->dirty_bytes;
    return bytes;
}

void ks__state_flush_caches(struct ks__state *state, void (*end_record)(void *user), void *user)
{
    while (ks__state_has_cached(state)) {
        for (size_t i = 0; i < state->store_count; i++) {
            while (has_dirty(state->stores[i])) {
                bool forwarded;

                if (ks__error_is_set(state->host->error))
                    return;     /* the task fails: what is open is dropped */
                forwarded = flush_one(state->stores[i]);
                ks__state_end_record(state);
                if (forwarded && end_record != NULL)
                    end_record(user);
            }
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * kv.c - get and put on the three layers of a key-value store.
 *
 *      get: the map of both layers and of clean rows -> LMDB
 *      put: a new cell in the open layer, nothing is looked up beneath
 *
 * The hot path is get and put of a key that is in memory: a hash, a probe, a cell off the free
 * list. With a slot the put needs neither hash nor probe. What a find for a put reads from LMDB
 * stays in memory, so the put and the flush after it need not look there again.
 *
 * Not here: iterators (iter.c), caches (cache.c), what happens at a commit (layers.c).
 */
#include "state/expiry.h"

#include "base/assert.h"
#include "base/headers.h"

#include <string.h>

/* ---- life ---- */

void ks__kv_init(struct ks_kv_store *store, const struct ks__store_spec *spec,
                 struct ks__reading *reading)
{
    *store = (struct ks_kv_store){ .spec = spec, .reading = reading, .db_count = 1,
                                   .horizon_ms = INT64_MIN };
    ks__map_init(&store->rows, sizeof(struct ks__kv_entry));
}

void ks__kv_release(struct ks_kv_store *store)
{
    ks__map_release(&store->rows);
    ks__free(store->opened.items);
    ks__free(store->sealed.items);
    ks__free(store->dirty.items);
}

/* ---- cells ---- */

size_t ks__cell_bytes(const struct ks__cell *cell)
{
    return sizeof(*cell) + (ks__cell_exists(cell) ? cell->value_size : 0) + cell->headers_size;
}

struct ks__row_parts ks__cell_parts(const struct ks__cell *cell)
{
    struct ks__row_parts parts = { .timestamp_ms = cell->timestamp_ms };
    const uint8_t       *text  = (const uint8_t *)(cell + 1);

    if (ks__cell_exists(cell)) {
        parts.value   = (ks_bytes){ text, cell->value_size };
        parts.headers = (ks_bytes){ text + cell->value_size, cell->headers_size };
    }
    return parts;
}

struct ks__cell *ks__cell_new(struct ks__map *map, const struct ks__row_parts *row)
{
    bool             exists  = row->value.data != NULL;
    size_t           headers = exists ? row->headers.size : 0;
    struct ks__cell *cell;

    ks__assert(row->value.size + headers <= KS__ROW_BYTES);
    cell = ks__map_alloc(map, sizeof(*cell) + row->value.size + headers);
    if (cell == NULL)
        return NULL;
    *cell = (struct ks__cell){
        .timestamp_ms = row->timestamp_ms,
        .value_size   = exists ? (uint32_t)row->value.size : KS__CELL_DELETED,
        .headers_size = (uint32_t)headers,
    };
    if (row->value.size != 0)
        memcpy(cell + 1, row->value.data, row->value.size);
    if (headers != 0)
        memcpy((uint8_t *)(cell + 1) + row->value.size, row->headers.data, headers);
    return cell;
}

void ks__cell_retire(struct ks__map *map, struct ks__cell *cell)
{
    ks__map_retire(map, cell, ks__cell_bytes(cell));
}

/* ---- get ---- */

bool ks__kv_read(struct ks_kv_store *store, const struct ks__row_parts *parts, struct ks__row *row)
{
    ks_status status;

    *row = (struct ks__row){ .value = parts->value, .timestamp_ms = parts->timestamp_ms };
    if (parts->value.data == NULL) {
        row->timestamp_ms = 0;
        return false;
    }
    if (parts->headers.size == 0)
        return true;
    status = ks__headers_decode(parts->headers, store->reading->arena, &row->headers);
    if (status == KS_OK)
        return true;
    *row = (struct ks__row){ .headers = NULL };
    ks__error_set(store->reading->error, status == KS_ENOMEM ? status : KS_ECORRUPT,
                  "store \"%s\": the headers of a row do not decode: %s", store->spec->name,
                  ks_status_text(status));
    return false;
}

static bool read_cell(struct ks_kv_store *store, const struct ks__cell *cell, struct ks__row *row)
{
    struct ks__row_parts parts = ks__cell_parts(cell);

    return ks__kv_read(store, &parts, row);
}

bool ks__kv_get_below(struct ks_kv_store *store, ks_bytes key, struct ks__row *row)
{
    struct ks__row_parts parts;

    if (ks__disk_has_rows(store) && ks__disk_find(store, key, &parts))
        return ks__kv_read(store, &parts, row);
    *row = (struct ks__row){ .headers = NULL };
    return false;
}

/* Keep what LMDB has, absence too, as a clean entry. NULL = no memory, which is no failure. */
static struct ks__map_entry *load(struct ks_kv_store *store, const struct ks__kv_slot *slot,
                                  const struct ks__row_parts *parts)
{
    struct ks__cell      *cell = ks__cell_new(&store->rows, parts);
    struct ks__map_entry *entry;

    if (cell == NULL)
        return NULL;
    entry = ks__map_put_hashed(&store->rows, slot->key, slot->hash, NULL);
    if (entry == NULL) {
        ks__kv_touch(store);
        ks__cell_retire(&store->rows, cell);
        return NULL;
    }
    ks__kv_entry(entry)->now = cell;
    store->open_bytes += ks__kv_entry_bytes(entry) + ks__cell_bytes(cell);
    return entry;
}

bool ks__kv_find(struct ks_kv_store *store, ks_bytes key, struct ks__kv_slot *slot,
                 struct ks__row *row)
{
    struct ks__row_parts parts = { .value = KS_NULL };
    bool                 found;

    ks__assert(key.data != NULL);
    slot->key   = key;
    slot->hash  = ks__map_hash(key);
    slot->entry = ks__map_get_hashed(&store->rows, key, slot->hash);
    *row        = (struct ks__row){ .headers = NULL };
    if (slot->entry != NULL)
        return read_cell(store, ks__kv_entry(slot->entry)->now, row);
    if (!ks__disk_has_rows(store))
        return false;
    found = ks__disk_find(store, key, &parts);
    if (store->state != NULL && !ks__error_is_set(store->reading->error))
        slot->entry = load(store, slot, &parts);
    if (slot->entry != NULL)
        return read_cell(store, ks__kv_entry(slot->entry)->now, row);
    return found && ks__kv_read(store, &parts, row);
}

static bool get(struct ks_kv_store *store, ks_bytes key, struct ks__row *row)
{
    const struct ks__map_entry *entry;

    ks__assert(key.data != NULL);
    entry = ks__map_get_hashed(&store->rows, key, ks__map_hash(key));
    if (entry == NULL)
        return ks__kv_get_below(store, key, row);
    return read_cell(store, ks__kv_entry(entry)->now, row);
}

bool ks__kv_get(struct ks_kv_store *store, ks_bytes key, struct ks__row *row)
{
    if (!get(store, key, row))
        return false;
    if (!ks__kv_has_dead(store) || !ks__kv_is_dead(store, row))
        return true;
    *row = (struct ks__row){ .headers = NULL };
    return false;
}

/* ---- look ahead ---- */

uint64_t ks__kv_ahead_key(const struct ks_kv_store *store, ks_bytes key)
{
    const uint64_t hash = ks__map_hash(key);

    ks__map_prefetch(&store->rows, hash);
    return hash;
}

void ks__kv_ahead_entry(const struct ks_kv_store *store, uint64_t hash)
{
    (void)ks__map_prefetch_entry(&store->rows, hash);
}

void ks__kv_ahead_row(const struct ks_kv_store *store, uint64_t hash)
{
    const struct ks__map_entry *entry = ks__map_prefetch_entry(&store->rows, hash);

    if (entry != NULL)
        __builtin_prefetch(ks__kv_entry(entry)->now);
}

/* ---- put ---- */

void ks__kv_touch(struct ks_kv_store *store)
{
    if (store->touched)
        return;
    store->touched        = true;
    store->next_touched   = store->state->touched;
    store->state->touched = store;
}

/* Headers as bytes, in the scratch of the state. */
static ks_status encode_headers(struct ks_kv_store *store, const ks_headers *headers, ks_bytes *out)
{
    struct ks__buffer *scratch = &store->state->scratch;
    ks_status          status;

    *out = KS_NULL;
    if (headers == NULL)
        return KS_OK;
    ks__buffer_clear(scratch);
    status = ks__headers_encode(headers, scratch);
    if (status == KS_OK && scratch->failed)
        status = KS_ENOMEM;
    if (status == KS_OK)
        *out = ks__buffer_bytes(scratch);
    return status;
}

/* Room in the lists for one entry more (P5). */
static bool make_room(struct ks_kv_store *store)
{
    return KS__GROW(&store->opened.items, &store->opened.capacity, store->opened.count + 1) &&
           KS__GROW(&store->sealed.items, &store->sealed.capacity,
                    store->sealed.count + store->opened.count + 1) &&
           (!store->cached ||
            KS__GROW(&store->dirty.items, &store->dirty.capacity, store->dirty.count + 1));
}

/* The entry becomes one of the open layer. */
static void open_entry(struct ks_kv_store *store, struct ks__map_entry *entry)
{
    struct ks__kv_entry *payload = ks__kv_entry(entry);

    payload->open = true;
    if (payload->unwritten)
        payload->sealed = payload->now;
    store->opened.items[store->opened.count++] = entry;
    store->open_bytes += ks__kv_entry_bytes(entry);
}

/* Make `cell` the present one of the entry. What it replaces stays if it is the committed one or
 * the one forwarded last. */
static void replace(struct ks_kv_store *store, struct ks__map_entry *entry, struct ks__cell *cell)
{
    struct ks__kv_entry *payload = ks__kv_entry(entry);
    struct ks__cell     *old     = payload->now;
    bool                 first   = store->cached && !payload->dirty;

    if (payload->open)
        store->open_bytes -= ks__cell_bytes(old);
    else
        open_entry(store, entry);
    store->open_bytes += ks__cell_bytes(cell);
    cell->older   = old;
    cell->version = ++store->version;
    payload->now  = cell;
    if (first) {
        payload->before = old;
        ks__cache_add(store, entry);
    } else {
        if (payload->dirty)
            ks__cache_again(store, entry);
        if (old != NULL && old != payload->sealed && old != payload->before)
            ks__cell_retire(&store->rows, old);
    }
}

static ks_status put_parts(struct ks_kv_store *store, struct ks__kv_slot *slot,
                           const struct ks__row_parts *row)
{
    struct ks__cell *cell;

    if (slot->key.size > KS__ROW_BYTES || row->value.size > KS__ROW_BYTES ||
        slot->key.size + row->value.size + row->headers.size > KS__ROW_BYTES)
        return KS_ETOOBIG;
    if (!make_room(store))
        return KS_ENOMEM;
    cell = ks__cell_new(&store->rows, row);
    if (cell == NULL)
        return KS_ENOMEM;
    ks__kv_touch(store);
    if (slot->entry == NULL)
        slot->entry = ks__map_put_hashed(&store->rows, slot->key, slot->hash, NULL);
    if (slot->entry == NULL) {
        ks__cell_retire(&store->rows, cell);
        return KS_ENOMEM;
    }
    replace(store, slot->entry, cell);
    return KS_OK;
}

void ks__kv_put_slot(struct ks_kv_store *store, struct ks__kv_slot *slot, const struct ks__row *row)
{
    struct ks__row_parts parts = { .value = row->value, .timestamp_ms = row->timestamp_ms };
    ks_status            status;

    if (store->state == NULL) {
        ks__error_set(store->reading->error, KS_ESTATE, "store \"%s\" is only read here",
                      store->spec->name);
        return;
    }
    if (store->expiry != NULL)
        ks__expiry_note(store, slot, row);
    status = encode_headers(store, row->headers, &parts.headers);
    if (status == KS_OK)
        status = put_parts(store, slot, &parts);
    if (status == KS_OK) {
        if (!store->cached)
            ks__kv_log_change(store, slot->entry->key, row);
        return;
    }
    ks__error_set(store->reading->error, status,
                  "store \"%s\": a row of %zu bytes is not written: %s", store->spec->name,
                  slot->key.size + row->value.size, ks_status_text(status));
}

void ks__kv_put(struct ks_kv_store *store, ks_bytes key, const struct ks__row *row)
{
    struct ks__kv_slot slot = { .key = key, .hash = ks__map_hash(key) };

    ks__assert(key.data != NULL);
    ks__kv_put_slot(store, &slot, row);
}

/* ---- questions ---- */

bool ks__kv_is_cached(const struct ks_kv_store *store)
{
    return store->cached;
}

const struct ks__store_spec *ks__kv_spec(const struct ks_kv_store *store)
{
    return store->spec;
}

/* Whether LMDB holds the key. */
static bool is_on_disk(struct ks_kv_store *store, ks_bytes key)
{
    struct ks__row_parts parts;

    return ks__disk_has_rows(store) && ks__disk_find(store, key, &parts);
}

/* 1, 0, or -1 as unsigned. */
static uint64_t more_than_on_disk(struct ks_kv_store *store, const struct ks__map_entry *entry)
{
    return (uint64_t)ks__cell_exists(ks__kv_entry(entry)->now) -
           (uint64_t)is_on_disk(store, entry->key);
}

uint64_t ks__kv_count(struct ks_kv_store *store)
{
    uint64_t count = ks__disk_has_rows(store) ? store->disk_rows : 0;

    if (ks__disk_failed(store))
        return 0;
    for (size_t i = 0; i < store->sealed.count; i++)
        if (!ks__kv_entry(store->sealed.items[i])->open)
            count += more_than_on_disk(store, store->sealed.items[i]);
    for (size_t i = 0; i < store->opened.count; i++)
        count += more_than_on_disk(store, store->opened.items[i]);
    return count;
}

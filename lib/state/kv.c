/* SPDX-License-Identifier: Apache-2.0
 *
 * kv.c - get and put on the three layers of a key-value store.
 *
 *      get: open -> committed -> LMDB, one hash for both maps
 *      put: a new cell in the open layer, nothing is looked up beneath
 *
 * The hot path is get and put of a key that is in the open layer: a hash, a probe, a cell off the
 * free list. With a slot the put needs neither hash nor probe.
 *
 * Not here: iterators (iter.c), caches (cache.c), what happens at a commit (layers.c).
 */
#include "state/parts.h"

#include "base/assert.h"
#include "base/headers.h"

#include <string.h>

/* ---- life ---- */

void ks__kv_init(struct ks_kv_store *store, const struct ks__store_spec *spec,
                 struct ks__reading *reading)
{
    *store = (struct ks_kv_store){ .spec = spec, .reading = reading, .db_count = 1 };
    ks__map_init(&store->open, sizeof(struct ks__kv_entry));
    ks__map_init(&store->committed, sizeof(struct ks__kv_entry));
}

void ks__kv_release(struct ks_kv_store *store)
{
    ks__map_release(&store->open);
    ks__map_release(&store->committed);
}

/* ---- cells ---- */

static size_t cell_size(const struct ks__cell *cell)
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
    ks__map_retire(map, cell, cell_size(cell));
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

bool ks__kv_get_below(struct ks_kv_store *store, ks_bytes key, uint64_t hash, struct ks__row *row)
{
    const struct ks__map_entry *entry = ks__map_get_hashed(&store->committed, key, hash);
    struct ks__row_parts        parts;

    if (entry != NULL)
        return read_cell(store, ks__kv_entry(entry)->now, row);
    if (ks__disk_has_rows(store) && ks__disk_find(store, key, &parts))
        return ks__kv_read(store, &parts, row);
    *row = (struct ks__row){ .headers = NULL };
    return false;
}

bool ks__kv_find(struct ks_kv_store *store, ks_bytes key, struct ks__kv_slot *slot,
                 struct ks__row *row)
{
    ks__assert(key.data != NULL);
    slot->key   = key;
    slot->hash  = ks__map_hash(key);
    slot->entry = ks__map_get_hashed(&store->open, key, slot->hash);
    if (slot->entry == NULL)
        return ks__kv_get_below(store, key, slot->hash, row);
    return read_cell(store, ks__kv_entry(slot->entry)->now, row);
}

bool ks__kv_get(struct ks_kv_store *store, ks_bytes key, struct ks__row *row)
{
    struct ks__kv_slot slot;

    return ks__kv_find(store, key, &slot, row);
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

/* Make `cell` the present one of the entry. */
static void replace(struct ks_kv_store *store, struct ks__map_entry *entry, struct ks__cell *cell)
{
    struct ks__kv_entry *payload = ks__kv_entry(entry);
    struct ks__cell     *old     = payload->now;
    bool                 first   = store->cached && !payload->dirty;

    cell->older   = old;
    cell->version = ++store->version;
    payload->now  = cell;
    if (first)
        payload->before = old;
    else if (old != NULL)
        ks__cell_retire(&store->open, old);
    if (first)
        ks__cache_add(store, entry);
}

static ks_status put_parts(struct ks_kv_store *store, struct ks__kv_slot *slot,
                           const struct ks__row_parts *row)
{
    struct ks__cell *cell;

    if (slot->key.size > KS__ROW_BYTES || row->value.size > KS__ROW_BYTES ||
        slot->key.size + row->value.size + row->headers.size > KS__ROW_BYTES)
        return KS_ETOOBIG;
    cell = ks__cell_new(&store->open, row);
    if (cell == NULL)
        return KS_ENOMEM;
    ks__kv_touch(store);
    if (slot->entry == NULL)
        slot->entry = ks__map_put_hashed(&store->open, slot->key, slot->hash, NULL);
    if (slot->entry == NULL) {
        ks__cell_retire(&store->open, cell);
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

uint64_t ks__kv_count(struct ks_kv_store *store)
{
    const struct ks__map_entry *entry, *below;
    uint64_t                    count = ks__disk_has_rows(store) ? store->rows : 0;

    if (ks__disk_failed(store))
        return 0;
    for (entry = ks__map_oldest(&store->committed); entry != NULL; entry = ks__map_newer(entry)) {
        count += ks__cell_exists(ks__kv_entry(entry)->now);
        count -= is_on_disk(store, entry->key);
    }
    for (entry = ks__map_oldest(&store->open); entry != NULL; entry = ks__map_newer(entry)) {
        below = ks__map_get_hashed(&store->committed, entry->key, entry->hash);
        count += ks__cell_exists(ks__kv_entry(entry)->now);
        count -= below != NULL ? ks__cell_exists(ks__kv_entry(below)->now)
                               : is_on_disk(store, entry->key);
    }
    return count;
}

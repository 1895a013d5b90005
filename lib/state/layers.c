/* SPDX-License-Identifier: Apache-2.0
 *
 * layers.c - what a commit does to the layers of one store.
 *
 *      seal   open -> committed    entries change lists, nothing is copied
 *      drop   open -> what was committed, or nothing
 *      write  committed -> LMDB    sorted, inside the caller's transaction; then they are clean
 *      trim   clean -> nothing
 */
#include "state/parts.h"

#include "base/assert.h"

#include <stdlib.h>

/* ---- seal ---- */

static void seal_entry(struct ks_kv_store *store, struct ks__map_entry *entry)
{
    struct ks__kv_entry *payload = ks__kv_entry(entry);

    payload->open = false;
    if (payload->unwritten) {
        store->sealed_bytes -= ks__cell_bytes(payload->sealed);
        ks__cell_retire(&store->rows, payload->sealed);
        payload->sealed = NULL;
    } else {
        payload->unwritten = true;
        store->sealed.items[store->sealed.count++] = entry;
        store->sealed_bytes += ks__kv_entry_bytes(entry);
    }
    store->sealed_bytes += ks__cell_bytes(payload->now);
}

void ks__layers_seal(struct ks_kv_store *store)
{
    ks__assert(store->dirty.count == 0 && !store->touched);
    ks__assert(store->sealed.count + store->opened.count <= store->sealed.capacity); /* P5 */
    for (size_t i = 0; i < store->opened.count; i++) {
        ks__entries_prefetch(&store->opened, i);
        seal_entry(store, store->opened.items[i]);
    }
    store->opened.count = store->open_bytes = 0;
    ks__map_purge(&store->rows);
}

/* ---- drop ---- */

static void drop_entry(struct ks_kv_store *store, struct ks__map_entry *entry)
{
    struct ks__kv_entry *payload = ks__kv_entry(entry);

    if (payload->before != NULL && payload->before != payload->sealed)
        ks__cell_retire(&store->rows, payload->before);
    ks__cell_retire(&store->rows, payload->now);
    payload->now    = payload->sealed;
    payload->sealed = payload->before = NULL;
    payload->open   = payload->dirty = false;
    if (payload->now == NULL)
        ks__map_remove(&store->rows, entry);
}

void ks__layers_drop(struct ks_kv_store *store)
{
    for (size_t i = 0; i < store->opened.count; i++)
        drop_entry(store, store->opened.items[i]);
    store->opened.count = store->open_bytes = 0;
    store->dirty.count = store->dirty_at = store->dirty_holes = store->dirty_bytes = 0;
    ks__map_purge(&store->rows);
}

/* ---- write ---- */

/* An entry with the first 8 bytes of its key as a number: most comparisons of a sort end there. */
struct sortable {
    uint64_t              start;
    struct ks__map_entry *entry;
};

static uint64_t key_start(ks_bytes key)
{
    const uint8_t *p     = key.data;
    uint64_t       start = 0;

    for (size_t i = 0; i < 8; i++)
        start = start << 8 | (i < key.size ? p[i] : 0);
    return start;
}

static int compare(const void *one, const void *other)
{
    const struct sortable *a = one, *b = other;

    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return ks__bytes_compare(a->entry->key, b->entry->key);
}

/* The committed entries by key; NULL = no memory. */
static struct sortable *sort(const struct ks__entry_list *list)
{
    struct sortable *all = ks__alloc(list->count * sizeof(*all));

    if (all == NULL)
        return NULL;
    for (size_t i = 0; i < list->count; i++) {
        ks__entries_prefetch(list, i);
        all[i] = (struct sortable){ key_start(list->items[i]->key), list->items[i] };
    }
    qsort(all, list->count, sizeof(*all), compare);
    return all;
}

static ks_status write_entry(struct ks__disk_writer *writer, const struct ks__map_entry *entry,
                             ks_error *error)
{
    const struct ks__kv_entry *payload = ks__kv_entry(entry);
    struct ks__row_parts       parts =
        ks__cell_parts(payload->open ? payload->sealed : payload->now);

    return ks__disk_put(writer, entry->key, &parts, error);
}

ks_status ks__layers_write(struct ks_kv_store *store, struct ks__txn *txn, ks_error *error)
{
    const size_t           count  = store->sealed.count;
    ks_status              status = KS_OK;
    struct ks__disk_writer writer;
    struct sortable       *sorted;

    if (count == 0)
        return KS_OK;
    sorted = sort(&store->sealed); /* without memory: in any order, which is slower */
    ks__disk_writer_open(&writer, txn, store, &store->state->scratch);
    for (size_t i = 0; i < count && status == KS_OK; i++) {
        if (sorted != NULL && i + 8 < count)
            __builtin_prefetch(ks__kv_entry(sorted[i + 8].entry)->now);
        status = write_entry(&writer, sorted != NULL ? sorted[i].entry : store->sealed.items[i],
                             error);
    }
    ks__disk_writer_close(&writer);
    ks__free(sorted);
    return status;
}

void ks__layers_written(struct ks_kv_store *store)
{
    for (size_t i = 0; i < store->sealed.count; i++) {
        struct ks__kv_entry *payload = ks__kv_entry(store->sealed.items[i]);

        ks__entries_prefetch(&store->sealed, i);
        if (payload->sealed != NULL && payload->sealed != payload->before)
            ks__cell_retire(&store->rows, payload->sealed);
        payload->sealed    = NULL;
        payload->unwritten = false;
    }
    store->sealed.count = store->sealed_bytes = 0;
    ks__map_purge(&store->rows);
}

/* ---- trim ---- */

#define KEEP_BYTES ((size_t)64 * 1024)

/* Memory for the next round like the last one stays, so that a busy store allocates nothing and an
 * idle one gives back. */
void ks__layers_trim(struct ks_kv_store *store, size_t keep_bytes)
{
    const size_t used = ks__map_used_bytes(&store->rows);

    if (store->opened.count == 0 && store->sealed.count == 0 && used > keep_bytes)
        ks__map_clear(&store->rows, 2 * used + KEEP_BYTES);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * layers.c - what a commit does to the layers of one store.
 *
 *      seal   open -> committed    a swap when committed is empty, else entry by entry
 *      drop   open -> nothing
 *      write  committed -> LMDB    sorted, inside the caller's transaction
 */
#include "state/parts.h"

#include "base/assert.h"

#define KEEP_BYTES ((size_t)64 * 1024)

/* Memory for the next round like the last one stays, so that a busy store allocates nothing and
 * an idle one gives back. */
static void forget(struct ks__map *map)
{
    ks__map_clear(map, 2 * ks__map_used_bytes(map) + KEEP_BYTES);
}

/* ---- seal ---- */

static ks_status move_entry(struct ks__map *committed, const struct ks__map_entry *entry)
{
    struct ks__row_parts  parts = ks__cell_parts(ks__kv_entry(entry)->now);
    struct ks__cell      *cell  = ks__cell_new(committed, &parts);
    struct ks__map_entry *moved;

    if (cell == NULL)
        return KS_ENOMEM;
    moved = ks__map_put_hashed(committed, entry->key, entry->hash, NULL);
    if (moved == NULL) {
        ks__cell_retire(committed, cell);
        return KS_ENOMEM;
    }
    if (ks__kv_entry(moved)->now != NULL)
        ks__cell_retire(committed, ks__kv_entry(moved)->now);
    cell->version            = ks__kv_entry(entry)->now->version;
    ks__kv_entry(moved)->now = cell;
    return KS_OK;
}

ks_status ks__layers_seal(struct ks_kv_store *store, ks_error *error)
{
    ks_status status = KS_OK;

    ks__assert(store->dirty_first == NULL && !store->touched);
    if (ks__map_count(&store->open) == 0)
        return KS_OK;
    if (ks__map_count(&store->committed) == 0) {
        ks__map_swap(&store->open, &store->committed);
        return KS_OK;
    }
    for (const struct ks__map_entry *entry = ks__map_oldest(&store->open);
         entry != NULL && status == KS_OK; entry = ks__map_newer(entry))
        status = move_entry(&store->committed, entry);
    ks__map_purge(&store->committed);
    if (status != KS_OK)
        return ks__error_no_memory(error, store->spec->name);
    forget(&store->open);
    return KS_OK;
}

void ks__layers_drop(struct ks_kv_store *store)
{
    store->dirty_first = store->dirty_last = NULL;
    forget(&store->open);
}

/* ---- write ---- */

struct write {
    struct ks__disk_writer writer;
    ks_error              *error;
};

static ks_status write_entry(struct ks__map_entry *entry, void *user)
{
    struct write        *write = user;
    struct ks__row_parts parts = ks__cell_parts(ks__kv_entry(entry)->now);

    return ks__disk_put(&write->writer, entry->key, &parts, write->error);
}

ks_status ks__layers_write(struct ks_kv_store *store, struct ks__txn *txn, ks_error *error)
{
    struct write write = { .error = error };
    ks_status    status;

    if (ks__map_count(&store->committed) == 0)
        return KS_OK;
    ks__disk_writer_open(&write.writer, txn, store, &store->state->scratch);
    status = ks__map_walk_sorted(&store->committed, write_entry, &write);
    ks__disk_writer_close(&write.writer);
    return status;
}

void ks__layers_written(struct ks_kv_store *store)
{
    if (ks__map_count(&store->committed) != 0)
        forget(&store->committed);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * ring_sweep.c - removing dead rows from the slots, a bounded number with each write; restoring
 * them.
 *
 *      a segment has died --> pass over its slot, row by row, each judged by its own time (R1)
 *                             resumed at the next write where the bound stopped it
 *
 * Only what is dead for the sealed state goes: an abort must find its rows.
 */
#include "state/ring.h"

#include "window/window.h"

#include <string.h>

#define SWEEP_ROWS 4096u /* looked at with each write */

/* Past the layers, with the rows. */
static ks_status write_number(struct ks_kv_store *store, struct ks__txn *txn, const char *what,
                              int64_t value, ks_error *error)
{
    char     *name = ks__format("ring/%s/%s", store->spec->name, what);
    ks_status status;

    if (name == NULL)
        return ks__error_no_memory(error, store->spec->name);
    status = ks__meta_write_number(store->state, txn, name, value, error);
    ks__free(name);
    return status;
}

/* ---- the sweep ---- */

/* Rows of a chain have keys of equal hash; nearly always it is one. */
static bool is_dead(const struct ks__ring *ring, ks_bytes lmdb_key, ks_bytes value)
{
    ks_bytes key, row;

    if (!ks__row_holds_chain(lmdb_key))
        return lmdb_key.size > 0 &&
               ks__ring_time_of(ring, ks__row_short_key(lmdb_key)) <= ring->sweeping_ms;
    while (ks__row_next_link(&value, &key, &row, NULL))
        if (ks__ring_time_of(ring, key) > ring->sweeping_ms)
            return false;
    return true;
}

static void remember(struct ks__ring *ring, ks_bytes lmdb_key)
{
    memcpy(ring->sweep_key, lmdb_key.data, lmdb_key.size);
    ring->sweep_key_size = lmdb_key.size;
}

/* Go on in the present slot; `*left` counts down. True = its end was reached. */
static bool sweep_slot(struct ks__ring *ring, struct ks__db_cursor *cursor, unsigned *left)
{
    ks_bytes from = { ring->sweep_key, ring->sweep_key_size };
    ks_bytes key, value;

    for (bool more = ks__db_cursor_seek(cursor, from, &key, &value); more;
         more = ks__db_cursor_next(cursor, &key, &value)) {
        if (*left == 0) {
            remember(ring, key);
            return false;
        }
        --*left;
        if (is_dead(ring, key, value) && ks__db_cursor_delete(cursor) != KS_OK)
            return false;
    }
    return true;
}

/* The next slot from `slot` on that holds dead segments and any rows. */
static ks_status next_slot(struct ks_kv_store *store, struct ks__txn *txn, unsigned slot)
{
    struct ks__ring *ring  = store->ring;
    const unsigned   slots = ks__ring_slots(ring, ring->swept_ms + 1, ring->sweeping_ms);
    uint64_t         rows  = 0;
    ks_status        status;

    for (; slot < KS__RING_SLOTS; slot++) {
        if ((slots & (1u << slot)) == 0)
            continue;
        status = ks__txn_count(txn, store->dbs[slot], &rows);
        if (status != KS_OK)
            return status;
        if (rows != 0)
            break;
    }
    ring->sweep_slot     = slot;
    ring->sweep_key_size = 0;
    return KS_OK;
}

static ks_status sweep_some(struct ks_kv_store *store, struct ks__txn *txn)
{
    struct ks__ring      *ring   = store->ring;
    unsigned              left   = SWEEP_ROWS;
    ks_status             status = KS_OK;
    struct ks__db_cursor *cursor;
    bool                  ended = true;

    while (status == KS_OK && ring->sweep_slot < KS__RING_SLOTS && ended) {
        status = ks__db_cursor_open(txn, store->dbs[ring->sweep_slot], &cursor);
        if (status != KS_OK)
            return status;
        ended  = sweep_slot(ring, cursor, &left);
        status = ks__db_cursor_status(cursor);
        ks__db_cursor_close(cursor);
        if (status == KS_OK && ended)
            status = next_slot(store, txn, ring->sweep_slot + 1);
    }
    return status;
}

ks_status ks__ring_sweep(struct ks_kv_store *store, struct ks__txn *txn, ks_error *error)
{
    struct ks__ring *ring   = store->ring;
    ks_status        status = KS_OK;

    if (ring == NULL)
        return KS_OK;
    ks__ring_know(store);
    if (ring->sweep_slot == KS__RING_SLOTS) {
        if (ks__ring_dead_segments_end(ring, ring->owner->sealed_dead_ms) <= ring->swept_ms)
            return KS_OK;
        ring->sweeping_ms = ring->owner->sealed_dead_ms;
        status            = next_slot(store, txn, 0);
    }
    if (status == KS_OK)
        status = sweep_some(store, txn);
    if (status != KS_OK || ring->sweep_slot < KS__RING_SLOTS)
        return status;
    ring->swept_ms = ks__ring_dead_segments_end(ring, ring->sweeping_ms);
    return write_number(store, txn, "swept", ring->swept_ms, error);
}

/* ---- restore ---- */

void ks__ring_restore_begin(struct ks__ring_restore *restore, struct ks_kv_store *store,
                            struct ks__txn *txn)
{
    restore->time_ms  = -1;
    restore->sequence = 0;
    if (store->ring == NULL)
        return;
    ks__ring_know(store);
    restore->time_ms  = store->ring->time_ms;
    restore->sequence = store->ring->sequence;
    if (store->ring->index != NULL)
        ks__disk_writer_open(&restore->index, txn, store->ring->index, &store->state->scratch);
}

ks_status ks__ring_restore_row(struct ks__ring_restore *restore, struct ks_kv_store *store,
                               ks_bytes key, bool deleted, ks_error *error)
{
    const struct ks__ring *ring = store->ring;
    struct ks__row_parts   row  = { .value = deleted ? KS_NULL : ks_bytes_of("", 0) };
    struct ks__timed_key   parts;
    struct ks__arena_mark  mark;
    ks_bytes               index;
    ks_status              status;

    if (ring == NULL || !ks__timed_key_split(ring->kind, key, &parts))
        return KS_OK; /* what is no key of ours is never read */
    restore->time_ms = ks__time_max(restore->time_ms, parts.time_ms);
    if (parts.sequence > restore->sequence)
        restore->sequence = parts.sequence;
    if (ring->index == NULL)
        return KS_OK;
    mark  = ks__arena_mark(store->reading->arena);
    index = ks__index_key_make(ring->kind, &parts, store->reading->arena);
    if (index.data == NULL)
        return ks__error_no_memory(error, store->spec->name);
    status = ks__disk_put(&restore->index, index, &row, error);
    ks__arena_rewind(store->reading->arena, mark);
    return status;
}

ks_status ks__ring_restore_end(struct ks__ring_restore *restore, struct ks_kv_store *store,
                               struct ks__txn *txn, ks_status status, ks_error *error)
{
    if (store->ring == NULL)
        return status;
    if (store->ring->index != NULL)
        ks__disk_writer_close(&restore->index);
    if (status == KS_OK)
        status = write_number(store, txn, "time", restore->time_ms, error);
    if (status == KS_OK)
        status = write_number(store, txn, "sequence", restore->sequence, error);
    if (status == KS_OK)
        status = write_number(store, txn, "swept", -1, error);
    if (status == KS_OK && store->ring->index != NULL)
        status = write_number(store->ring->index, txn, "swept", -1, error);
    ks__ring_forget(store);
    if (store->ring->index != NULL)
        ks__ring_forget(store->ring->index);
    return status;
}

ks_status ks__ring_wipe(struct ks_kv_store *store, struct ks__txn *txn, ks_error *error)
{
    struct ks_kv_store *index  = store->ring != NULL ? store->ring->index : NULL;
    ks_status           status = KS_OK;

    if (store->ring == NULL)
        return KS_OK;
    for (unsigned i = 0; index != NULL && i < index->db_count && status == KS_OK; i++)
        status = ks__txn_empty(txn, index->dbs[i]);
    if (status == KS_OK)
        status = write_number(store, txn, "time", -1, error);
    if (status == KS_OK)
        status = write_number(store, txn, "sequence", 0, error);
    ks__ring_forget(store);
    return status;
}

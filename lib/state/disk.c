/* SPDX-License-Identifier: Apache-2.0
 *
 * disk.c - rows of a store in LMDB: the read transaction, one row read, one row written.
 *
 * The read transaction is let go after every commit of ours and taken again at the next read, so an
 * idle task pins no pages.
 *
 * Not here: reading in order (walk.c), the form of a row (row.c).
 */
#include "state/parts.h"
#include "state/ring.h"

#include "base/assert.h"

/* ---- the transaction ---- */

bool ks__reading_begin(struct ks__reading *reading)
{
    ks_status status;

    if (reading->txn != NULL && ks__txn_is_active(reading->txn))
        return true;
    if (reading->env == NULL)
        return false;
    if (reading->txn == NULL)
        status = ks__txn_begin_read(reading->env, &reading->txn, reading->error);
    else
        status = ks__txn_renew(reading->txn);
    reading->generation++;
    return status == KS_OK;
}

void ks__reading_end_record(struct ks__reading *reading)
{
    while (reading->iterators != NULL)
        ks_iter_close((ks_iter *)reading->iterators);
}

void ks__reading_renew(struct ks__reading *reading)
{
    ks__reading_end_record(reading);
    if (reading->txn != NULL && ks__txn_is_active(reading->txn))
        ks__txn_reset(reading->txn);
    reading->generation++;
}

void ks__reading_end(struct ks__reading *reading)
{
    ks__reading_end_record(reading);
    ks__txn_abort(reading->txn);
    reading->txn = NULL;
    reading->generation++;      /* what was counted in it holds no more */
}

/* ---- read ---- */

static ks_status damaged(struct ks_kv_store *store)
{
    return ks__error_set(store->reading->error, KS_ECORRUPT,
                         "store \"%s\": a row on disk is damaged", store->spec->name);
}

bool ks__disk_has_rows(struct ks_kv_store *store)
{
    struct ks__reading *reading = store->reading;

    if (store->generation == reading->generation)
        return store->disk_rows != 0;
    store->disk_rows = 0;
    if (!ks__reading_begin(reading))
        return false;
    for (unsigned i = 0; i < store->db_count; i++) {
        if (ks__txn_count(reading->txn, store->dbs[i], &store->db_rows[i]) != KS_OK)
            return false;
        store->disk_rows += store->db_rows[i];
    }
    store->generation = reading->generation;
    return store->disk_rows != 0;
}

/* The row of the key among those of equal hash; null = not there. */
static ks_status find_link(ks_bytes chain, ks_bytes key, ks_bytes *row)
{
    ks_bytes at, found;

    while (ks__row_next_link(&chain, &at, &found, NULL))
        if (ks__bytes_compare(at, key) == 0) {
            *row = found;
            return KS_OK;
        }
    *row = KS_NULL;
    return chain.size == 0 ? KS_OK : KS_ECORRUPT;
}

bool ks__disk_find(struct ks_kv_store *store, ks_bytes key, struct ks__row_parts *out)
{
    uint8_t   text[KS__ROW_KEY_LIMIT];
    unsigned  db = store->dbs[ks__ring_slot(store->ring, key)];
    ks_bytes  value;
    ks_status status = ks__txn_get(store->reading->txn, db, ks__row_key(key, text), &value);

    if (status != KS_OK || value.data == NULL)
        return false;
    if (ks__row_is_long(key))
        status = find_link(value, key, &value);
    if (status == KS_OK && value.data == NULL)
        return false;
    if (status == KS_OK)
        status = ks__row_split(value, out);
    if (status != KS_OK)
        damaged(store);
    return status == KS_OK;
}

/* ---- write ---- */

void ks__disk_writer_open(struct ks__disk_writer *writer, struct ks__txn *txn,
                          struct ks_kv_store *store, struct ks__buffer *scratch)
{
    *writer = (struct ks__disk_writer){ .txn = txn, .store = store, .scratch = scratch };
}

void ks__disk_writer_close(struct ks__disk_writer *writer)
{
    for (unsigned i = 0; i < KS__RING_SLOTS; i++) {
        ks__db_cursor_close(writer->cursors[i]);
        writer->cursors[i] = NULL;
    }
}

/* All links of the chain but that of the key, into the scratch. */
static ks_status copy_others(struct ks__disk_writer *writer, ks_bytes chain, ks_bytes key)
{
    ks_bytes at, row, whole;

    while (ks__row_next_link(&chain, &at, &row, &whole))
        if (ks__bytes_compare(at, key) != 0)
            ks__buffer_append_bytes(writer->scratch, whole);
    return chain.size == 0 ? KS_OK : KS_ECORRUPT;
}

static ks_status encode(struct ks__disk_writer *writer, ks_bytes lmdb_key, ks_bytes key,
                        const struct ks__row_parts *row)
{
    unsigned  db = writer->store->dbs[ks__ring_slot(writer->store->ring, key)];
    ks_bytes  chain;
    ks_status status = KS_OK;

    ks__buffer_clear(writer->scratch);
    if (ks__row_is_long(key)) {
        status = ks__txn_get(writer->txn, db, lmdb_key, &chain);
        if (status == KS_OK && chain.data != NULL)
            status = copy_others(writer, chain, key);
        if (status == KS_OK && row->value.data != NULL)
            ks__row_encode_link(writer->scratch, key, row);
    } else if (row->value.data != NULL) {
        ks__row_encode(writer->scratch, row);
    }
    return status == KS_OK && writer->scratch->failed ? KS_ENOMEM : status;
}

ks_status ks__disk_put(struct ks__disk_writer *writer, ks_bytes key,
                       const struct ks__row_parts *row, ks_error *error)
{
    uint8_t        text[KS__ROW_KEY_LIMIT];
    const unsigned slot     = ks__ring_slot(writer->store->ring, key);
    ks_bytes       lmdb_key = ks__row_key(key, text);
    ks_status      status   = encode(writer, lmdb_key, key, row);

    if (status != KS_OK)
        return ks__error_set(error, status, "a row is not written: %s", ks_status_text(status));
    if (writer->scratch->size == 0)
        return ks__txn_delete(writer->txn, writer->store->dbs[slot], lmdb_key, NULL);
    if (writer->cursors[slot] == NULL)
        status = ks__db_cursor_open(writer->txn, writer->store->dbs[slot], &writer->cursors[slot]);
    if (status != KS_OK)
        return status;
    return ks__db_cursor_put(writer->cursors[slot], lmdb_key, ks__buffer_bytes(writer->scratch));
}

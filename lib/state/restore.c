/* SPDX-License-Identifier: Apache-2.0
 *
 * restore.c - changelog records straight into LMDB, and emptying a store before it is restored.
 *
 * Records of a changelog are committed already, so they pass the layers by. Data and the position
 * reached are one transaction (T2): a restore that was cut short goes on where it was.
 */
#include "state/expiry.h"
#include "state/lru.h"
#include "state/ring.h"

#include "base/headers.h"
#include "state/versioned.h"

#include <string.h>

/* Rows in the layers above would hide what is written beneath them. */
static bool has_layers(const struct ks_kv_store *store)
{
    return store->opened.count != 0 || store->sealed.count != 0;
}

static ks_status check_layers(struct ks__state *state, const struct ks_kv_store *store,
                              const char *position_name, ks_error *error)
{
    ks_bytes position = { position_name, position_name != NULL ? strlen(position_name) : 0 };

    if (has_layers(store) || (store->expiry != NULL && has_layers(store->expiry->index)) ||
        (store->lru != NULL && (has_layers(store->lru->uses) || has_layers(store->lru->order))))
        return ks__error_set(error, KS_ESTATE, "store \"%s\" has rows that are not written yet",
                             store->spec->name);
    if (position_name != NULL && ks__map_get(&state->numbers->rows, position) != NULL)
        return ks__error_set(error, KS_ESTATE, "position \"%s\" is not written yet", position_name);
    return KS_OK;
}

/* What is kept for reading is clean; it would hide what is written beneath it. */
static void forget_clean(struct ks_kv_store *store)
{
    ks__layers_trim(store, 0);
    if (store->ring != NULL && store->ring->index != NULL)
        ks__layers_trim(store->ring->index, 0);
    if (store->expiry != NULL)
        ks__layers_trim(store->expiry->index, 0);
    if (store->lru != NULL) {
        ks__layers_trim(store->lru->uses, 0);
        ks__layers_trim(store->lru->order, 0);
    }
    ks__expiry_forget(store);
    ks__lru_forget(store);
}

/* Commit, or give up; in both cases the next read sees what is there. */
static ks_status end(struct ks__state *state, struct ks__txn *txn, ks_status status)
{
    if (status != KS_OK) {
        ks__txn_abort(txn);
        return status;
    }
    status = ks__txn_commit(txn);
    ks__reading_renew(&state->reading);
    return status;
}

/* ---- restore ---- */

/* The headers need a buffer of their own: the row is built in the state's. */
static ks_status apply(struct ks__disk_writer *writer, const struct ks__state_change *change,
                       struct ks__buffer *headers, ks_error *error)
{
    struct ks__row_parts row = { .value = change->row.value,
                                 .timestamp_ms = change->row.timestamp_ms };
    ks_status            status;

    if (change->key.data == NULL)
        return KS_OK;
    if (change->key.size > KS__ROW_BYTES || row.value.size > KS__ROW_BYTES ||
        change->key.size + row.value.size > KS__ROW_BYTES)
        return ks__error_set(error, KS_ETOOBIG, "a row of the changelog is too large");
    ks__buffer_clear(headers);
    status = ks__headers_encode(change->row.headers, headers);
    if (status != KS_OK || headers->failed)
        return ks__error_set(error, status != KS_OK ? status : KS_ENOMEM,
                             "headers of a row of the changelog");
    row.headers = ks__buffer_bytes(headers);
    return ks__disk_put(writer, change->key, &row, error);
}

/* The row's entry among the times, if it has one. */
static ks_status apply_time(struct ks__disk_writer *times, const struct ks_kv_store *store,
                            const struct ks__state_change *change, ks_error *error)
{
    if (store->expiry == NULL || change->key.data == NULL || change->row.value.data == NULL)
        return KS_OK;
    return ks__expiry_restore(times, store, change->key, change->row.timestamp_ms, error);
}

static ks_status apply_all(struct ks__state *state, struct ks_kv_store *store, struct ks__txn *txn,
                           const struct ks__state_change *changes, size_t count, ks_error *error)
{
    struct ks__buffer       headers = { .data = NULL };
    struct ks__disk_writer  writer, times;
    struct ks__ring_restore ring;
    ks_status               status = KS_OK;

    ks__disk_writer_open(&writer, txn, store, &state->scratch);
    ks__disk_writer_open(&times, txn, store->expiry != NULL ? store->expiry->index : store,
                         &state->scratch);
    ks__ring_restore_begin(&ring, store, txn);
    for (size_t i = 0; i < count && status == KS_OK; i++) {
        status = apply(&writer, &changes[i], &headers, error);
        if (status == KS_OK && changes[i].key.data != NULL)
            status = ks__ring_restore_row(&ring, store, changes[i].key,
                                          changes[i].row.value.data == NULL, error);
        if (status == KS_OK)
            status = apply_time(&times, store, &changes[i], error);
    }
    ks__disk_writer_close(&times);
    ks__disk_writer_close(&writer);
    status = ks__ring_restore_end(&ring, store, txn, status, error);
    ks__buffer_release(&headers);
    return status;
}

/* A history is put again, version by version, and so is what has an order of use: through the
 * layers. */
static ks_status put_again(struct ks__state *state, struct ks_kv_store *store,
                              const struct ks__state_change *changes, size_t count,
                              const char *position_name, int64_t position, ks_error *error)
{
    struct ks__arena *arena  = state->reading.arena;
    ks_status         status = KS_OK;

    for (size_t i = 0; i < count && !ks__error_is_set(state->host->error); i++) {
        struct ks__arena_mark mark = ks__arena_mark(arena);

        if (changes[i].key.data != NULL && store->lru != NULL)
            ks__lru_restore(store, changes[i].key, &changes[i].row);
        else if (changes[i].key.data != NULL)
            ks__versioned_restore(store, changes[i].key, &changes[i].row);
        ks__state_end_record(state);
        ks__arena_rewind(arena, mark);
    }
    if (position_name != NULL)
        ks__state_set_number(state, position_name, position);
    if (ks__error_is_set(state->host->error)) {
        ks__error_copy(error, state->host->error);
        ks__error_clear(state->host->error);
        ks__state_drop(state);
        return error->status;
    }
    status = ks__state_seal(state, error);
    return status == KS_OK ? ks__state_write(state, error) : status;
}

ks_status ks__state_restore(struct ks__state *state, struct ks_kv_store *store,
                            const struct ks__state_change *changes, size_t count,
                            const char *position_name, int64_t position, ks_error *error)
{
    struct ks__txn *txn;
    ks_status       status = check_layers(state, store, position_name, error);

    if (status == KS_OK && (store->spec->kind == KS__STORE_VERSIONED || store->lru != NULL))
        return put_again(state, store, changes, count, position_name, position, error);
    if (status == KS_OK)
        status = ks__txn_begin_write(state->env, &txn, error);
    if (status != KS_OK)
        return status;
    forget_clean(store);
    status = apply_all(state, store, txn, changes, count, error);
    if (status == KS_OK && position_name != NULL)
        status = ks__meta_write_number(state, txn, position_name, position, error);
    return end(state, txn, status);
}

/* ---- wipe ---- */

ks_status ks__state_wipe(struct ks__state *state, struct ks_kv_store *store,
                         const char *position_name, ks_error *error)
{
    struct ks__txn *txn;
    ks_status       status = check_layers(state, store, position_name, error);

    if (status == KS_OK)
        status = ks__txn_begin_write(state->env, &txn, error);
    if (status != KS_OK)
        return status;
    forget_clean(store);
    status = ks__ring_wipe(store, txn, error);
    for (unsigned i = 0; i < store->db_count && status == KS_OK; i++)
        status = ks__txn_empty(txn, store->dbs[i]);
    if (status == KS_OK && store->expiry != NULL)
        status = ks__txn_empty(txn, store->expiry->index->dbs[0]);
    if (status == KS_OK && store->lru != NULL)
        status = ks__txn_empty(txn, store->lru->uses->dbs[0]);
    if (status == KS_OK && store->lru != NULL)
        status = ks__txn_empty(txn, store->lru->order->dbs[0]);
    if (status == KS_OK && position_name != NULL)
        status = ks__meta_delete_number(state, txn, position_name, error);
    return end(state, txn, status);
}

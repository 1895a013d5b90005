/* SPDX-License-Identifier: Apache-2.0
 *
 * walk.c - the rows of a store in LMDB, one after the other in key order.
 *
 *      cursor ──short──> row          cursor ──long──> [run of equal start] ──sort──> rows
 *
 * A run lies in LMDB in the order of its hashes (row.h, W1): it is gathered, sorted by the full
 * keys and handed out from memory, while the cursor already stands behind it.
 */
#include "state/parts.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

/* ---- the cursor ---- */

static void hold(struct ks__walk *walk, bool found)
{
    if (!found)
        walk->held_key = KS_NULL;
}

static void move(struct ks__walk *walk)
{
    hold(walk, walk->descending
                   ? ks__db_cursor_prev(walk->cursor, &walk->held_key, &walk->held_value)
                   : ks__db_cursor_next(walk->cursor, &walk->held_key, &walk->held_value));
}

static void seek(struct ks__walk *walk, ks_bytes from)
{
    uint8_t   text[KS__ROW_KEY_LIMIT];
    ks_bytes *key = &walk->held_key, *value = &walk->held_value;

    if (from.data == NULL)
        hold(walk, walk->descending ? ks__db_cursor_last(walk->cursor, key, value)
                                    : ks__db_cursor_first(walk->cursor, key, value));
    else if (walk->descending)
        hold(walk, ks__db_cursor_seek_back(walk->cursor, ks__row_seek_key(from, true, text), key,
                                           value));
    else
        hold(walk, ks__db_cursor_seek(walk->cursor, ks__row_seek_key(from, false, text), key,
                                      value));
}

/* ---- runs ---- */

static int compare_items(const void *one, const void *other)
{
    const struct ks__walk_item *a = one, *b = other;

    return ks__bytes_compare(a->key, b->key);
}

static ks_status add_item(struct ks__walk *walk, struct ks__walk_item item)
{
    if (walk->run_count == walk->run_capacity) {
        size_t                capacity = walk->run_capacity != 0 ? walk->run_capacity * 2 : 8;
        struct ks__walk_item *run      = ks__arena_alloc(walk->store->reading->arena,
                                                         capacity * sizeof(*run));

        if (run == NULL)
            return KS_ENOMEM;
        if (walk->run_count != 0)
            memcpy(run, walk->run, walk->run_count * sizeof(*run));
        walk->run          = run;
        walk->run_capacity = capacity;
    }
    walk->run[walk->run_count++] = item;
    return KS_OK;
}

static ks_status add_chain(struct ks__walk *walk, ks_bytes chain)
{
    struct ks__walk_item item;

    while (ks__row_next_link(&chain, &item.key, &item.row, NULL)) {
        ks_status status = add_item(walk, item);

        if (status != KS_OK)
            return status;
    }
    return chain.size == 0 ? KS_OK : KS_ECORRUPT;
}

/* Gather the run that begins where the cursor stands. */
static ks_status load_run(struct ks__walk *walk)
{
    ks_bytes  start  = walk->held_key;
    ks_status status = KS_OK;

    walk->run_count = walk->run_at = 0;
    while (status == KS_OK && walk->held_key.data != NULL && ks__row_holds_chain(walk->held_key) &&
           memcmp(walk->held_key.data, start.data, KS__ROW_SHORT_KEY + 1) == 0) {
        status = add_chain(walk, walk->held_value);
        move(walk);
    }
    if (walk->run_count != 0)
        qsort(walk->run, walk->run_count, sizeof(*walk->run), compare_items);
    return status;
}

/* ---- rows ---- */

static void stop(struct ks__walk *walk, ks_status status)
{
    if (status != KS_OK)
        ks__error_set(walk->store->reading->error, status, "store \"%s\": reading in order: %s",
                      walk->store->spec->name, ks_status_text(status));
    walk->failed = status != KS_OK;
    ks__walk_close(walk);
}

void ks__walk_next(struct ks__walk *walk)
{
    while (walk->cursor != NULL) {
        ks_status status;

        if (walk->run_at < walk->run_count) {
            size_t n = walk->run_at++;

            walk->at = walk->run[walk->descending ? walk->run_count - 1 - n : n];
            return;
        }
        if (walk->held_key.data == NULL) {
            stop(walk, ks__db_cursor_status(walk->cursor));
            return;
        }
        if (!ks__row_holds_chain(walk->held_key)) {
            if (walk->held_key.size == 0) {
                stop(walk, KS_ECORRUPT);
                return;
            }
            walk->at.key = ks__row_short_key(walk->held_key);
            walk->at.row = walk->held_value;
            move(walk);
            return;
        }
        status = load_run(walk);
        if (status != KS_OK)
            stop(walk, status);
    }
}

/* Rows of a run, or the short key at its start, may lie before `from`. */
static bool lies_before(const struct ks__walk *walk, ks_bytes from)
{
    int order = ks__bytes_compare(walk->at.key, from);

    return walk->descending ? order > 0 : order < 0;
}

void ks__walk_open(struct ks__walk *walk, struct ks_kv_store *store, unsigned slot, ks_bytes from,
                   bool descending)
{
    *walk = (struct ks__walk){ .store = store, .descending = descending };
    if (!ks__disk_has_rows(store)) {
        walk->failed = ks__disk_failed(store);
        return;
    }
    if (store->db_rows[slot] == 0)
        return;
    walk->failed =
        ks__db_cursor_open(store->reading->txn, store->dbs[slot], &walk->cursor) != KS_OK;
    if (walk->failed)
        return;
    walk->valid = true;
    seek(walk, from);
    ks__walk_next(walk);
    while (walk->valid && from.data != NULL && lies_before(walk, from))
        ks__walk_next(walk);
}

void ks__walk_close(struct ks__walk *walk)
{
    ks__db_cursor_close(walk->cursor);
    walk->cursor = NULL;
    walk->valid  = false;
}

/* ---- several databases ---- */

/* Which walk stands on the nearest row? */
static void choose_head(struct ks__walks *walks)
{
    walks->head = NULL;
    for (unsigned i = 0; i < walks->count; i++) {
        struct ks__walk *walk = &walks->walk[i];
        int              order;

        walks->failed = walks->failed || walk->failed;
        if (!walk->valid)
            continue;
        order = walks->head != NULL ? ks__bytes_compare(walk->at.key, walks->head->at.key) : 0;
        if (walks->head == NULL || (walk->descending ? order > 0 : order < 0))
            walks->head = walk;
    }
}

void ks__walks_open(struct ks__walks *walks, struct ks_kv_store *store, unsigned slots,
                    ks_bytes from, bool descending)
{
    walks->count  = 0;
    walks->failed = false;
    for (unsigned i = 0; i < store->db_count; i++)
        if ((slots & (1u << i)) != 0)
            ks__walk_open(&walks->walk[walks->count++], store, i, from, descending);
    choose_head(walks);
}

void ks__walks_next(struct ks__walks *walks)
{
    ks__walk_next(walks->head);
    choose_head(walks);
}

void ks__walks_close(struct ks__walks *walks)
{
    for (unsigned i = 0; i < walks->count; i++)
        ks__walk_close(&walks->walk[i]);
    walks->head = NULL;
}

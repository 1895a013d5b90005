/* SPDX-License-Identifier: Apache-2.0
 *
 * cursor.c - walks through a database.
 *
 *      NOWHERE --first, seek, ...--> ON --delete--> GAP --next, prev--> ON
 *         ^ renew                     `--next past the end--> END      (GAP: between two entries)
 *
 * LMDB's own cursor forgets where it was after a failed move, and treats NEXT after the end by the
 * history of the cursor; the state above makes moves mean the same in every version.
 */
#include "lmdb/parts.h"

#include "base/assert.h"
#include "base/error.h"

#include <string.h>

enum place { NOWHERE, ON, GAP, END };

struct ks__db_cursor {
    struct ks__db_cursor *next;             /* in the transaction's list                      */
    struct ks__txn       *txn;
    MDB_cursor           *handle;           /* NULL = the env was abandoned                   */
    uint64_t              generation;       /* of the transaction when it was bound           */
    enum place            place;
    ks_status             status;           /* first failure                                  */
    size_t                gap_size;
    uint8_t               gap_key[KS__ENV_KEY_LIMIT];   /* GAP: the key that was deleted      */
};

/* ---- life ---- */

ks_status ks__db_cursor_open(struct ks__txn *txn, unsigned db, struct ks__db_cursor **out)
{
    struct ks__db_cursor *cursor;
    int                   number;

    *out = NULL;
    if (txn->handle == NULL)
        return ks__lmdb_abandoned(txn->error);
    cursor = ks__zalloc(sizeof(*cursor));
    if (cursor == NULL)
        return ks__error_no_memory(txn->error, "cursor");
    number = mdb_cursor_open(txn->handle, db, &cursor->handle);
    if (number != MDB_SUCCESS) {
        ks__free(cursor);
        return ks__lmdb_error(txn->error, number, txn->env, "cursor");
    }
    cursor->txn        = txn;
    cursor->generation = txn->generation;
    cursor->next       = txn->cursors;
    txn->cursors       = cursor;
    *out               = cursor;
    return KS_OK;
}

void ks__db_cursor_close(struct ks__db_cursor *cursor)
{
    if (cursor == NULL)
        return;
    for (struct ks__db_cursor **link = &cursor->txn->cursors; *link != NULL;
         link                        = &(*link)->next)
        if (*link == cursor) {
            *link = cursor->next;
            break;
        }
    if (cursor->handle != NULL)
        mdb_cursor_close(cursor->handle);
    ks__free(cursor);
}

void ks__db_cursor_end_all(struct ks__txn *txn, bool shells)
{
    for (struct ks__db_cursor *cursor = txn->cursors, *next; cursor != NULL; cursor = next) {
        next = cursor->next;
        if (cursor->handle != NULL)
            mdb_cursor_close(cursor->handle);
        cursor->handle = NULL;
        if (!shells)
            ks__free(cursor);
    }
    if (!shells)
        txn->cursors = NULL;
}

ks_status ks__db_cursor_status(const struct ks__db_cursor *cursor)
{
    return cursor->status;
}

/* ---- moves ---- */

static bool fail(struct ks__db_cursor *cursor, ks_status status)
{
    if (cursor->status == KS_OK)
        cursor->status = status;
    cursor->place = END;
    return false;
}

/* Bound to the present snapshot, or an error. */
static bool ready(struct ks__db_cursor *cursor)
{
    struct ks__txn *txn = cursor->txn;
    int             number;

    if (cursor->handle == NULL)
        return fail(cursor, ks__lmdb_abandoned(txn->error));
    if (!txn->active)
        return fail(cursor, ks__error_set(txn->error, KS_ESTATE, "%s: the transaction was reset",
                                          txn->env->directory));
    if (cursor->generation == txn->generation)
        return true;
    number = mdb_cursor_renew(txn->handle, cursor->handle);
    if (number != MDB_SUCCESS)
        return fail(cursor, ks__lmdb_error(txn->error, number, txn->env, "cursor"));
    cursor->generation = txn->generation;
    cursor->place      = NOWHERE;
    return true;
}

static bool move(struct ks__db_cursor *cursor, MDB_cursor_op op, MDB_val *k, MDB_val *v)
{
    int number = mdb_cursor_get(cursor->handle, k, v, op);

    if (number == MDB_NOTFOUND) {
        cursor->place = END;
        return false;
    }
    if (number != MDB_SUCCESS)
        return fail(cursor, ks__lmdb_error(cursor->txn->error, number, cursor->txn->env, "move"));
    cursor->place = ON;
    return true;
}

static bool lend(const MDB_val *k, const MDB_val *v, ks_bytes *key, ks_bytes *value)
{
    if (key != NULL)
        *key = ks__from_val(k);
    if (value != NULL)
        *value = ks__from_val(v);
    return true;
}

/* First entry >= the key. */
static bool seek(struct ks__db_cursor *cursor, ks_bytes from, MDB_val *k, MDB_val *v)
{
    *k = ks__to_val(from);
    return move(cursor, MDB_SET_RANGE, k, v);
}

static bool same(const MDB_val *k, ks_bytes key)
{
    return k->mv_size == key.size && memcmp(k->mv_data, key.data, key.size) == 0;
}

/* First entry > the key. */
static bool seek_above(struct ks__db_cursor *cursor, ks_bytes from, MDB_val *k, MDB_val *v)
{
    return seek(cursor, from, k, v) && (!same(k, from) || move(cursor, MDB_NEXT, k, v));
}

/* Last entry < the key, or <= with `equal`. */
static bool seek_back(struct ks__db_cursor *cursor, ks_bytes from, bool equal, MDB_val *k,
                      MDB_val *v)
{
    if (!seek(cursor, from, k, v))
        return cursor->status == KS_OK && move(cursor, MDB_LAST, k, v);
    if (equal && same(k, from))
        return true;
    return move(cursor, MDB_PREV, k, v);
}

bool ks__db_cursor_first(struct ks__db_cursor *cursor, ks_bytes *key, ks_bytes *value)
{
    MDB_val k, v;

    return ready(cursor) && move(cursor, MDB_FIRST, &k, &v) && lend(&k, &v, key, value);
}

bool ks__db_cursor_last(struct ks__db_cursor *cursor, ks_bytes *key, ks_bytes *value)
{
    MDB_val k, v;

    return ready(cursor) && move(cursor, MDB_LAST, &k, &v) && lend(&k, &v, key, value);
}

bool ks__db_cursor_next(struct ks__db_cursor *cursor, ks_bytes *key, ks_bytes *value)
{
    const ks_bytes gap = { cursor->gap_key, cursor->gap_size };
    MDB_val        k, v;
    bool           found = false;

    if (!ready(cursor))
        return false;
    switch (cursor->place) {
    case NOWHERE:
        found = move(cursor, MDB_FIRST, &k, &v);
        break;
    case ON:
        found = move(cursor, MDB_NEXT, &k, &v);
        break;
    case GAP:
        found = seek_above(cursor, gap, &k, &v);
        break;
    case END:
        break;
    }
    return found && lend(&k, &v, key, value);
}

bool ks__db_cursor_prev(struct ks__db_cursor *cursor, ks_bytes *key, ks_bytes *value)
{
    const ks_bytes gap = { cursor->gap_key, cursor->gap_size };
    MDB_val        k, v;
    bool           found = false;

    if (!ready(cursor))
        return false;
    switch (cursor->place) {
    case NOWHERE:
        found = move(cursor, MDB_LAST, &k, &v);
        break;
    case ON:
        found = move(cursor, MDB_PREV, &k, &v);
        break;
    case GAP:
        found = seek_back(cursor, gap, false, &k, &v);
        break;
    case END:
        break;
    }
    return found && lend(&k, &v, key, value);
}

/* No stored key is longer than the limit, so a longer bound is cut: it lies right behind all keys
 * that start with its first bytes, but for the one key equal to the cut itself. */
static ks_bytes cut(ks_bytes from)
{
    return (ks_bytes){ from.data, from.size < KS__ENV_KEY_LIMIT ? from.size : KS__ENV_KEY_LIMIT };
}

bool ks__db_cursor_seek(struct ks__db_cursor *cursor, ks_bytes from, ks_bytes *key,
                        ks_bytes *value)
{
    const ks_bytes bound = cut(from);
    MDB_val        k, v;

    if (from.data == NULL || from.size == 0)
        return ks__db_cursor_first(cursor, key, value);
    if (!ready(cursor))
        return false;
    if (from.size > bound.size ? !seek_above(cursor, bound, &k, &v) : !seek(cursor, bound, &k, &v))
        return false;
    return lend(&k, &v, key, value);
}

bool ks__db_cursor_seek_back(struct ks__db_cursor *cursor, ks_bytes from, ks_bytes *key,
                             ks_bytes *value)
{
    MDB_val k, v;

    if (!ready(cursor))
        return false;
    if (from.data == NULL || from.size == 0) {      /* nothing is below the empty key */
        cursor->place = END;
        return false;
    }
    return seek_back(cursor, cut(from), true, &k, &v) && lend(&k, &v, key, value);
}

bool ks__db_cursor_find(struct ks__db_cursor *cursor, ks_bytes at, ks_bytes *value)
{
    MDB_val k = ks__to_val(at);
    MDB_val v;

    if (!ready(cursor))
        return false;
    if (at.data == NULL || at.size == 0 || at.size > KS__ENV_KEY_LIMIT) {
        cursor->place = END;
        return false;
    }
    return move(cursor, MDB_SET_KEY, &k, &v) && lend(&k, &v, NULL, value);
}

/* ---- writes ---- */

static ks_status check_write(struct ks__db_cursor *cursor)
{
    if (!ready(cursor))
        return cursor->status;
    if (!cursor->txn->writes)
        return ks__error_set(cursor->txn->error, KS_ESTATE, "%s: the transaction only reads",
                             cursor->txn->env->directory);
    return KS_OK;
}

ks_status ks__db_cursor_put(struct ks__db_cursor *cursor, ks_bytes key, ks_bytes value)
{
    ks_status status = check_write(cursor);
    MDB_val   k      = ks__to_val(key);
    MDB_val   v      = ks__to_val(value);
    int       number;

    if (status != KS_OK)
        return status;
    if (key.data == NULL || key.size == 0 || key.size > KS__ENV_KEY_LIMIT)
        return ks__error_set(cursor->txn->error, KS_EINVAL,
                             "%s: a key of %zu bytes (1 to %u are possible)",
                             cursor->txn->env->directory, key.size, KS__ENV_KEY_LIMIT);
    number        = mdb_cursor_put(cursor->handle, &k, &v, 0);
    cursor->place = number == MDB_SUCCESS ? ON : END;
    return ks__lmdb_error(cursor->txn->error, number, cursor->txn->env, "put");
}

ks_status ks__db_cursor_delete(struct ks__db_cursor *cursor)
{
    ks_status status = check_write(cursor);
    MDB_val   k, v;
    int       number;

    if (status != KS_OK)
        return status;
    if (cursor->place != ON)
        return ks__error_set(cursor->txn->error, KS_ESTATE, "%s: the cursor stands on no entry",
                             cursor->txn->env->directory);
    number = mdb_cursor_get(cursor->handle, &k, &v, MDB_GET_CURRENT);
    if (number == MDB_SUCCESS) {
        ks__assert(k.mv_size <= sizeof(cursor->gap_key));
        memcpy(cursor->gap_key, k.mv_data, k.mv_size);
        cursor->gap_size = k.mv_size;
        number           = mdb_cursor_del(cursor->handle, 0);
    }
    cursor->place = number == MDB_SUCCESS ? GAP : END;
    return ks__lmdb_error(cursor->txn->error, number, cursor->txn->env, "delete");
}

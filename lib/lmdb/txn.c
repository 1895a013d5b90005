/* SPDX-License-Identifier: Apache-2.0
 *
 * txn.c - transactions: begin, end, and reads and writes by key.
 *
 * Invariants
 *   X1  A transaction holds a reference on its env, so an env never closes beneath it.
 *   X2  A transaction whose `handle` is NULL belongs to an abandoned env: every call fails.
 */
#include "lmdb/parts.h"

#include "base/assert.h"
#include "base/error.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

/* ---- begin ---- */

static void enlist(struct ks__txn *txn)
{
    struct ks__env *env = txn->env;

    ks__mutex_lock(&env->mutex);
    txn->next = env->txns;
    if (env->txns != NULL)
        env->txns->previous = txn;
    env->txns = txn;
    ks__mutex_unlock(&env->mutex);
}

static void delist(struct ks__txn *txn)
{
    struct ks__env *env = txn->env;

    ks__mutex_lock(&env->mutex);
    if (txn->previous != NULL)
        txn->previous->next = txn->next;
    else
        env->txns = txn->next;
    if (txn->next != NULL)
        txn->next->previous = txn->previous;
    ks__mutex_unlock(&env->mutex);
}

static ks_status begin(struct ks__env *env, bool writes, struct ks__txn **out, ks_error *error)
{
    struct ks__txn *txn;
    int             number;

    *out = NULL;
    if (env->handle == NULL)
        return ks__lmdb_abandoned(error);
    txn = ks__zalloc(sizeof(*txn));
    if (txn == NULL)
        return ks__error_no_memory(error, "transaction");
    *txn   = (struct ks__txn){ .env = env, .error = error, .writes = writes, .active = true };
    number = mdb_txn_begin(env->handle, NULL, writes ? 0 : MDB_RDONLY, &txn->handle);
    if (number != MDB_SUCCESS) {
        ks__free(txn);
        return ks__lmdb_error(error, number, env, "begin");
    }
    ks__env_hold(env);
    enlist(txn);
    *out = txn;
    return KS_OK;
}

ks_status ks__txn_begin_write(struct ks__env *env, struct ks__txn **out, ks_error *error)
{
    uintptr_t me = (uintptr_t)pthread_self();
    ks_status status;

    *out = NULL;
    if (env->options.read_only)
        return ks__error_set(error, KS_ESTATE, "%s: opened read-only", env->directory);
    if (atomic_load(&env->writer) == me)        /* LMDB would wait for itself for ever */
        return ks__error_set(error, KS_ESTATE, "%s: this thread is writing already",
                             env->directory);
    status = begin(env, true, out, error);
    if (status == KS_OK)
        atomic_store(&env->writer, me);
    return status;
}

ks_status ks__txn_begin_read(struct ks__env *env, struct ks__txn **out, ks_error *error)
{
    return begin(env, false, out, error);
}

/* ---- end ---- */

/* The LMDB side is gone; give back the rest. */
static void finish(struct ks__txn *txn)
{
    struct ks__env *env = txn->env;

    delist(txn);
    ks__free(txn);
    (void)ks__env_drop(env, NULL);      /* when it closes, the close logs its own failure */
}

ks_status ks__txn_commit(struct ks__txn *txn)
{
    ks_status status;

    ks__assert(txn->writes);
    ks__db_cursor_end_all(txn, false);
    if (txn->handle == NULL) {
        status = ks__lmdb_abandoned(txn->error);
    } else {
        atomic_store(&txn->env->writer, 0);     /* first: the lock is free once commit returns */
        status = ks__lmdb_error(txn->error, mdb_txn_commit(txn->handle), txn->env, "commit");
    }
    finish(txn);
    return status;
}

void ks__txn_abort(struct ks__txn *txn)
{
    if (txn == NULL || ks__is_forked(txn->env->forks))
        return;                                 /* the reader slot is the parent's */
    ks__db_cursor_end_all(txn, false);
    if (txn->handle != NULL) {
        if (txn->writes)
            atomic_store(&txn->env->writer, 0);
        mdb_txn_abort(txn->handle);
    }
    finish(txn);
}

void ks__txn_abandon_all(struct ks__env *env)
{
    ks__mutex_lock(&env->mutex);
    for (struct ks__txn *txn = env->txns; txn != NULL; txn = txn->next) {
        if (txn->handle == NULL)
            continue;
        ks__db_cursor_end_all(txn, true);
        mdb_txn_abort(txn->handle);
        txn->handle = NULL;
        txn->active = false;
    }
    atomic_store(&env->writer, 0);
    ks__mutex_unlock(&env->mutex);
}

/* ---- snapshots ---- */

void ks__txn_reset(struct ks__txn *txn)
{
    ks__assert(!txn->writes);
    if (txn->handle != NULL && txn->active)
        mdb_txn_reset(txn->handle);
    txn->active = false;
}

ks_status ks__txn_renew(struct ks__txn *txn)
{
    int number;

    ks__assert(!txn->writes);
    if (txn->handle == NULL)
        return ks__lmdb_abandoned(txn->error);
    if (txn->active)
        mdb_txn_reset(txn->handle);
    number      = mdb_txn_renew(txn->handle);
    txn->active = number == MDB_SUCCESS;
    txn->generation++;
    return number == MDB_SUCCESS ? KS_OK : ks__lmdb_error(txn->error, number, txn->env, "renew");
}

bool ks__txn_is_active(const struct ks__txn *txn)
{
    return txn->active;
}

void ks__txn_report_to(struct ks__txn *txn, ks_error *error)
{
    txn->error = error;
}

struct ks__env *ks__txn_env(const struct ks__txn *txn)
{
    return txn->env;
}

/* ---- by key ---- */

/* Usable at all, and a key that LMDB takes. */
static ks_status check(struct ks__txn *txn, ks_bytes key, bool to_write)
{
    if (txn->handle == NULL)
        return ks__lmdb_abandoned(txn->error);
    if (!txn->active || (to_write && !txn->writes))
        return ks__error_set(txn->error, KS_ESTATE, "%s: the transaction %s", txn->env->directory,
                             txn->active ? "only reads" : "was reset");
    if (key.data == NULL || key.size == 0 || key.size > KS__ENV_KEY_LIMIT)
        return ks__error_set(txn->error, KS_EINVAL, "%s: a key of %zu bytes (1 to %u are possible)",
                             txn->env->directory, key.size, KS__ENV_KEY_LIMIT);
    return KS_OK;
}

ks_status ks__txn_get(struct ks__txn *txn, unsigned db, ks_bytes key, ks_bytes *value)
{
    ks_status status = check(txn, key, false);
    MDB_val   k      = ks__to_val(key);
    MDB_val   v;
    int       number;

    *value = (ks_bytes){ NULL, 0 };
    if (status != KS_OK)
        return status;
    number = mdb_get(txn->handle, db, &k, &v);
    if (number == MDB_NOTFOUND)
        return KS_OK;
    if (number != MDB_SUCCESS)
        return ks__lmdb_error(txn->error, number, txn->env, "get");
    *value = ks__from_val(&v);
    return KS_OK;
}

static ks_status put(struct ks__txn *txn, unsigned db, ks_bytes key, MDB_val *value,
                     unsigned flags)
{
    ks_status status = check(txn, key, true);
    MDB_val   k      = ks__to_val(key);
    int       number;

    if (status != KS_OK)
        return status;
    number = mdb_put(txn->handle, db, &k, value, flags);
    return number == MDB_SUCCESS ? KS_OK : ks__lmdb_error(txn->error, number, txn->env, "put");
}

ks_status ks__txn_put(struct ks__txn *txn, unsigned db, ks_bytes key, ks_bytes value)
{
    MDB_val v = ks__to_val(value);

    return put(txn, db, key, &v, 0);
}

ks_status ks__txn_append(struct ks__txn *txn, unsigned db, ks_bytes key, ks_bytes value)
{
    MDB_val v = ks__to_val(value);

    return put(txn, db, key, &v, MDB_APPEND);
}

ks_status ks__txn_reserve(struct ks__txn *txn, unsigned db, ks_bytes key, size_t size, void **at)
{
    MDB_val   v      = { .mv_size = size };
    ks_status status = put(txn, db, key, &v, MDB_RESERVE);

    *at = status == KS_OK ? v.mv_data : NULL;
    return status;
}

ks_status ks__txn_delete(struct ks__txn *txn, unsigned db, ks_bytes key, bool *existed)
{
    ks_status status = check(txn, key, true);
    MDB_val   k      = ks__to_val(key);
    int       number;

    if (existed != NULL)
        *existed = false;
    if (status != KS_OK)
        return status;
    number = mdb_del(txn->handle, db, &k, NULL);
    if (number == MDB_NOTFOUND)
        return KS_OK;
    if (existed != NULL)
        *existed = number == MDB_SUCCESS;
    return ks__lmdb_error(txn->error, number, txn->env, "delete");
}

/* ---- whole databases ---- */

static const ks_bytes any_key = { "k", 1 };

ks_status ks__txn_empty_some(struct ks__txn *txn, unsigned db, size_t limit, bool *left)
{
    ks_status   status = check(txn, any_key, true);
    MDB_cursor *cursor = NULL;
    MDB_val     k, v;
    int         number;

    *left = false;
    if (status != KS_OK)
        return status;
    number = mdb_cursor_open(txn->handle, db, &cursor);
    if (number != MDB_SUCCESS)
        return ks__lmdb_error(txn->error, number, txn->env, "empty");
    for (size_t i = 0; number == MDB_SUCCESS; i++) {
        number = mdb_cursor_get(cursor, &k, &v, MDB_FIRST);
        *left  = number == MDB_SUCCESS;
        if (number != MDB_SUCCESS || i == limit)
            break;
        number = mdb_cursor_del(cursor, 0);
    }
    mdb_cursor_close(cursor);
    if (number == MDB_NOTFOUND)
        number = MDB_SUCCESS;
    return ks__lmdb_error(txn->error, number, txn->env, "empty");
}

ks_status ks__txn_empty(struct ks__txn *txn, unsigned db)
{
    ks_status status = check(txn, any_key, true);

    if (status != KS_OK)
        return status;
    return ks__lmdb_error(txn->error, mdb_drop(txn->handle, db, 0), txn->env, "empty");
}

ks_status ks__txn_count(struct ks__txn *txn, unsigned db, uint64_t *entries)
{
    ks_status status = check(txn, any_key, false);
    MDB_stat  stat;
    int       number;

    *entries = 0;
    if (status != KS_OK)
        return status;
    number = mdb_stat(txn->handle, db, &stat);
    if (number != MDB_SUCCESS)
        return ks__lmdb_error(txn->error, number, txn->env, "count");
    *entries = stat.ms_entries;
    return KS_OK;
}

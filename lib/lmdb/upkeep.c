/* SPDX-License-Identifier: Apache-2.0
 *
 * upkeep.c - named databases, sync, stale readers, copies and space of an open env.
 */
#include "lmdb/parts.h"

#include "base/error.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>

ks_status ks__env_sync(struct ks__env *env, ks_error *error)
{
    if (env->handle == NULL)
        return ks__lmdb_abandoned(error);
    return ks__lmdb_error(error, mdb_env_sync(env->handle, 1), env, "sync");
}

ks_status ks__env_sweep_readers(struct ks__env *env, unsigned *freed, ks_error *error)
{
    int dead = 0;
    int number;

    if (env->handle == NULL)
        return ks__lmdb_abandoned(error);
    number = mdb_reader_check(env->handle, &dead);
    if (freed != NULL)
        *freed = (unsigned)dead;
    if (dead > 0)
        KS__LOG_AT_INFO(env->options.log, "lmdb", "%s: freed %d reader slots of dead processes",
                        env->directory, dead);
    return ks__lmdb_error(error, number, env, "reader check");
}

/* LMDB leaves its copy in the page cache. */
static ks_status sync_copy(const struct ks__env *env, const char *directory, ks_error *error)
{
    char *path = ks__env_path(directory, "data.mdb");
    int   fd, number = 0;

    if (path == NULL)
        return ks__error_no_memory(error, directory);
    fd = ks__io_open(AT_FDCWD, path, O_RDWR | O_NOFOLLOW, 0);
    ks__free(path);
    if (fd < 0 || ks__io_sync(fd) != 0)
        number = errno;
    ks__io_close(fd);
    return ks__lmdb_error(error, number, env, "sync the copy");
}

ks_status ks__env_copy(struct ks__env *env, const char *directory, ks_error *error)
{
    ks_status status;

    if (env->handle == NULL)
        return ks__lmdb_abandoned(error);
    status = ks__lmdb_error(error, mdb_env_copy2(env->handle, directory, MDB_CP_COMPACT), env,
                            "copy");
    if (status == KS_OK)
        status = sync_copy(env, directory, error);
    if (status == KS_OK)
        status = ks__gate_write(env, directory, KS__GATE_CLEAN, true, error);
    return status;
}

ks_status ks__env_space(struct ks__env *env, struct ks__env_space *out, ks_error *error)
{
    MDB_envinfo info;
    MDB_stat    stat;
    int         number;

    *out = (struct ks__env_space){ .map_bytes = 0 };
    if (env->handle == NULL)
        return ks__lmdb_abandoned(error);
    number = mdb_env_info(env->handle, &info);
    if (number == MDB_SUCCESS)
        number = mdb_env_stat(env->handle, &stat);
    if (number != MDB_SUCCESS)
        return ks__lmdb_error(error, number, env, "info");
    out->map_bytes   = info.me_mapsize;
    out->used_bytes  = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    out->readers     = info.me_numreaders;
    out->max_readers = info.me_maxreaders;
    return KS_OK;
}

/* ---- named databases ---- */

/* A handle survives only when the transaction that opened it commits, a read one too. */
static int open_in(struct ks__env *env, const char *name, bool reads, MDB_dbi *dbi)
{
    MDB_txn *txn    = NULL;
    int      number = mdb_txn_begin(env->handle, NULL, reads ? MDB_RDONLY : 0, &txn);

    if (number != MDB_SUCCESS)
        return number;
    number = mdb_dbi_open(txn, name, reads ? 0 : MDB_CREATE, dbi);
    if (number != MDB_SUCCESS) {
        mdb_txn_abort(txn);
        return number;
    }
    return mdb_txn_commit(txn);
}

/* In an env that other processes write to, one that is there is opened without waiting for them. */
static int open_database(struct ks__env *env, const char *name, MDB_dbi *dbi)
{
    int number = MDB_NOTFOUND;

    if (env->options.read_only || env->options.shared)
        number = open_in(env, name, true, dbi);
    if (number == MDB_NOTFOUND && !env->options.read_only)
        number = open_in(env, name, false, dbi);
    return number;
}

static bool find_database(struct ks__env *env, const char *name, unsigned *db)
{
    bool found = false;

    ks__mutex_lock(&env->mutex);
    for (size_t i = 0; i < env->database_count && !found; i++)
        if (strcmp(env->databases[i].name, name) == 0) {
            *db   = env->databases[i].dbi;
            found = true;
        }
    ks__mutex_unlock(&env->mutex);
    return found;
}

/* Room in the list first, so that an opened handle is never forgotten. */
static ks_status add_database(struct ks__env *env, const char *name, unsigned *db,
                              ks_error *error)
{
    struct ks__database made = { .name = ks__strdup(name) };
    bool                room;
    int                 number;

    ks__mutex_lock(&env->mutex);
    room = KS__GROW(&env->databases, &env->database_capacity, env->database_count + 1);
    ks__mutex_unlock(&env->mutex);
    if (made.name == NULL || !room) {
        ks__free(made.name);
        return ks__error_no_memory(error, name);
    }
    number = open_database(env, name, &made.dbi);
    if (number != MDB_SUCCESS) {
        ks__free(made.name);
        return ks__lmdb_error(error, number, env, name);
    }
    ks__mutex_lock(&env->mutex);
    env->databases[env->database_count++] = made;
    ks__mutex_unlock(&env->mutex);
    *db = made.dbi;
    return KS_OK;
}

ks_status ks__env_database(struct ks__env *env, const char *name, unsigned *db, ks_error *error)
{
    ks_status status = KS_OK;

    if (env->handle == NULL)
        return ks__lmdb_abandoned(error);
    if (find_database(env, name, db))
        return KS_OK;
    if (atomic_load(&env->writer) == (uintptr_t)pthread_self())
        return ks__error_set(error, KS_ESTATE, "%s: database \"%s\" asked for inside a write "
                             "transaction", env->directory, name);
    ks__mutex_lock(&env->creation);
    if (!find_database(env, name, db))
        status = add_database(env, name, db, error);
    ks__mutex_unlock(&env->creation);
    return status;
}

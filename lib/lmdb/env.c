/* SPDX-License-Identifier: Apache-2.0
 *
 * env.c - the registry of the process; open, close and abandon.
 *
 *      open:  registry -> env.open -> env.lock -> gate -> lock.mdb -> mdb_env_open (halving)
 *             -> readers
 *      close: last reference -> env.open -> sync -> mdb_env_close -> gate clean -> env.lock
 *
 * LMDB forbids a second open of an env in one process (closing one drops the fcntl locks of the
 * other), hence the registry by (device, inode) of the directory.
 *
 * Threads: the registry's mutex is held through the whole of open and close.
 */
#include "lmdb/parts.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DATABASES 32u
#define READERS   1024u

static struct ks__mutex registry = KS__MUTEX_INIT;
static struct ks__env  *envs;               /* open ones, guarded by `registry`               */
static bool             halving_logged;     /* once per process, guarded too                  */

char *ks__env_path(const char *directory, const char *name)
{
    return ks__format("%s/%s", directory, name);
}

/* ---- registry ---- */

static struct ks__env *find(dev_t device, ino_t inode)
{
    for (struct ks__env *env = envs; env != NULL; env = env->next)
        if (env->device == device && env->inode == inode)
            return env;
    return NULL;
}

static void enlist(struct ks__env *env)
{
    env->next = envs;
    envs      = env;
}

static void delist(const struct ks__env *env)
{
    for (struct ks__env **link = &envs; *link != NULL; link = &(*link)->next)
        if (*link == env) {
            *link = env->next;
            return;
        }
}

size_t ks__env_open_count(void)
{
    size_t count = 0;

    ks__mutex_lock(&registry);
    for (struct ks__env *env = envs; env != NULL; env = env->next)
        count++;
    ks__mutex_unlock(&registry);
    return count;
}

void ks__env_hold(struct ks__env *env)
{
    atomic_fetch_add(&env->references, 1);      /* the caller has one, so it is not closing */
}

/* ---- the struct ---- */

static void env_free(struct ks__env *env)
{
    for (size_t i = 0; i < env->database_count; i++)
        ks__free(env->databases[i].name);
    ks__free(env->databases);
    ks__free(env->directory);
    ks__free(env->topology_hash);
    ks__mutex_release(&env->creation);
    ks__mutex_release(&env->mutex);
    ks__free(env);
}

static struct ks__env *env_new(const char *directory, const struct ks__env_options *options)
{
    struct ks__env *env = ks__zalloc(sizeof(*env));

    if (env == NULL)
        return NULL;
    if (ks__mutex_init(&env->mutex) != KS_OK) {
        ks__free(env);
        return NULL;
    }
    if (ks__mutex_init(&env->creation) != KS_OK) {
        ks__mutex_release(&env->mutex);
        ks__free(env);
        return NULL;
    }
    atomic_init(&env->references, 1);
    env->use           = (struct ks__private_fd)KS__PRIVATE_FD_NONE;
    env->forks         = ks__fork_count();
    env->directory     = ks__strdup(directory);
    env->topology_hash = ks__strdup(options->topology_hash != NULL ? options->topology_hash : "");
    env->options       = *options;
    env->options.topology_hash = env->topology_hash;
    if (env->options.map_bytes == 0)
        env->options.map_bytes = KS__ENV_MAP_BYTES;
    if (env->options.max_databases == 0)
        env->options.max_databases = DATABASES;
    if (env->options.max_readers == 0)
        env->options.max_readers = READERS;
    if (env->directory != NULL && env->topology_hash != NULL)
        return env;
    env_free(env);
    return NULL;
}

/* ---- open ---- */

static int try_open(struct ks__env *env, uint64_t map_bytes)
{
    unsigned flags = MDB_NOTLS;
    int      number = mdb_env_create(&env->handle);

    if (number != MDB_SUCCESS) {
        env->handle = NULL;
        return number;
    }
    if (env->options.no_sync)
        flags |= MDB_NOSYNC;
    if (env->options.read_only)
        flags |= MDB_RDONLY;
    number = mdb_env_set_mapsize(env->handle, (size_t)map_bytes);
    if (number == MDB_SUCCESS)
        number = mdb_env_set_maxdbs(env->handle, env->options.max_databases);
    if (number == MDB_SUCCESS)
        number = mdb_env_set_maxreaders(env->handle, env->options.max_readers);
    if (number == MDB_SUCCESS)
        number = mdb_env_open(env->handle, env->directory, flags, 0600);
    if (number != MDB_SUCCESS) {
        mdb_env_close(env->handle);         /* a failed open must be closed, and made anew */
        env->handle = NULL;
    }
    return number;
}

/* The address space may be limited (ulimit, containers; valgrind says EINVAL): a smaller map. */
static int open_halving(struct ks__env *env)
{
    uint64_t map_bytes = env->options.map_bytes;
    int      number    = try_open(env, map_bytes);

    while ((number == ENOMEM || number == EINVAL) && map_bytes / 2 >= KS__ENV_MAP_FLOOR) {
        map_bytes /= 2;
        number = try_open(env, map_bytes);
    }
    env->map_bytes = map_bytes;
    if (number == MDB_SUCCESS && map_bytes != env->options.map_bytes && !halving_logged) {
        halving_logged = true;
        KS__LOG_AT_WARN(env->options.log, "lmdb",
                        "%s: no address space for %" PRIu64 " MiB, mapped %" PRIu64 " MiB",
                        env->directory, env->options.map_bytes >> 20, map_bytes >> 20);
    }
    return number;
}

static bool is_damage(int number)
{
    return number == MDB_INVALID || number == MDB_CORRUPTED || number == MDB_VERSION_MISMATCH ||
           number == MDB_PAGE_NOTFOUND;
}

/* What LMDB would not survive is found before it sees the file. */
static ks_status verify(struct ks__env *env, ks_error *error)
{
    char      why[160];
    char     *path = ks__env_path(env->directory, "data.mdb");
    ks_status status;

    if (path == NULL)
        return ks__error_no_memory(error, "data.mdb");
    status = ks__data_file_check(env, path, why, sizeof(why), error);
    ks__free(path);
    return status != KS_ECORRUPT ? status
                                 : ks__gate_discard(env, KS__ENV_DISCARDED_CORRUPT, why, error);
}

static ks_status open_handle(struct ks__env *env, bool alone, ks_error *error)
{
    ks_status status = KS_OK;
    int       number;

    if (alone)
        status = ks__gate_enter(env, error);
    else {
        env->origin = KS__ENV_TRUSTED;      /* in use by others, who have judged it */
        status      = ks__gate_join(env, error);
    }
    if (status == KS_OK && alone && !env->options.read_only)
        status = verify(env, error);
    if (status == KS_OK)
        status = ks__locks_allocate(env, error);
    if (status != KS_OK)
        return status;
    number = open_halving(env);
    if (is_damage(number) && alone && !env->options.keep_always) {
        status = ks__gate_discard(env, KS__ENV_DISCARDED_CORRUPT, "", error);
        if (status == KS_OK)
            status = ks__locks_allocate(env, error);
        if (status != KS_OK)
            return status;
        number = open_halving(env);
    }
    if (number != MDB_SUCCESS)
        return ks__lmdb_error(error, number, env, "open");
    ks__assert(mdb_env_get_maxkeysize(env->handle) >= (int)KS__ENV_KEY_LIMIT);
    if (alone && !env->options.no_sync && !env->options.read_only)
        status = ks__gate_be_synced(env, error);
    return status != KS_OK ? status : ks__env_sweep_readers(env, NULL, error);
}

/* One more user of an open env, who wants every commit synced: so it is for all of this process. */
static ks_status start_syncing(struct ks__env *env, ks_error *error)
{
    int       opening;
    ks_status status = ks__locks_begin_opening(env, &opening, error);

    if (status != KS_OK)
        return status;
    status = ks__lmdb_error(error, mdb_env_set_flags(env->handle, MDB_NOSYNC, 0), env, "sync");
    if (status == KS_OK)
        status = ks__env_sync(env, error);
    if (status == KS_OK) {
        env->options.no_sync = false;
        if (ks__locks_is_last(env)) /* other processes may still write without */
            status = ks__gate_be_synced(env, error);
        if (status == KS_OK)
            status = ks__locks_share(env, error);
    }
    ks__locks_end_opening(opening);
    return status;
}

/* Take the locks, judge, open; on failure nothing is held. */
static ks_status open_locked(struct ks__env *env, ks_error *error)
{
    bool      alone;
    int       opening;
    ks_status status = ks__locks_begin_opening(env, &opening, error);

    if (status != KS_OK)
        return status;
    status = ks__locks_use(env, &alone, error);
    if (status == KS_OK)
        status = open_handle(env, alone, error);
    if (status == KS_OK)
        status = ks__locks_share(env, error);
    if (status != KS_OK) {
        if (env->handle != NULL)
            mdb_env_close(env->handle);
        env->handle = NULL;
        ks__locks_release(env);
    }
    ks__locks_end_opening(opening);
    return status;
}

/* The registry is locked. */
static ks_status open_registered(struct ks__env **out, const char *directory,
                                 const struct ks__env_options *options, ks_error *error)
{
    struct ks__env *env;
    struct stat     found;
    ks_status       status;

    if (ks__io_stat(AT_FDCWD, directory, &found) != 0)
        return ks__error_set_errno(error, KS_EIO, errno, "%s", directory);
    env = find(found.st_dev, found.st_ino);
    if (env != NULL && !(options->share_in_process && env->options.share_in_process))
        return ks__error_set(error, KS_ESTATE, "%s: open in this process already", directory);
    if (env != NULL && options->owner && env->owned)
        return ks__error_set(error, KS_ESTATE, "%s: another thread of this process has it",
                             directory);
    if (env != NULL && env->options.no_sync && !options->no_sync) {
        status = start_syncing(env, error);
        if (status != KS_OK)
            return status;
    }
    if (env != NULL) {
        atomic_fetch_add(&env->references, 1);
        env->owned = env->owned || options->owner;
        *out       = env;
        return KS_OK;
    }
    env = env_new(directory, options);
    if (env == NULL)
        return ks__error_no_memory(error, directory);
    env->device = found.st_dev;
    env->inode  = found.st_ino;
    status      = open_locked(env, error);
    if (status != KS_OK) {
        env_free(env);
        return status;
    }
    env->owned = options->owner;
    enlist(env);
    *out = env;
    return KS_OK;
}

ks_status ks__env_open(struct ks__env **out, const char *directory,
                       const struct ks__env_options *options, ks_error *error)
{
    ks_status status;

    *out = NULL;
    if (options->topology_hash != NULL &&
        (strlen(options->topology_hash) > KS__ENV_STAMP_TEXT ||
         strpbrk(options->topology_hash, " \t\r\n") != NULL))
        return ks__error_set(error, KS_EINVAL, "%s: a topology hash is one word of at most %d "
                             "characters", directory, KS__ENV_STAMP_TEXT);
    ks__mutex_lock(&registry);
    status = open_registered(out, directory, options, error);
    ks__mutex_unlock(&registry);
    return status;
}

/* ---- close ---- */

/* Sync and mark clean; then nothing of LMDB is left. Locks are given back in any case. */
static ks_status close_handle(struct ks__env *env, ks_error *error)
{
    ks_status status  = KS_OK;
    int       opening = -1;
    bool      last;

    if (env->handle == NULL)
        return KS_OK;
    status = ks__locks_begin_opening(env, &opening, error);
    last   = status == KS_OK && !env->options.read_only && ks__locks_is_last(env);
    if (last)
        status = ks__env_sync(env, error);
    mdb_env_close(env->handle);
    env->handle = NULL;
    if (last && status == KS_OK)
        status = ks__gate_write(env, env->directory, KS__GATE_CLEAN, false, error);
    ks__locks_release(env);
    ks__locks_end_opening(opening);
    if (status != KS_OK)
        KS__LOG_AT_ERROR(env->options.log, "lmdb", "%s: not closed cleanly: %s", env->directory,
                         ks_status_text(status));
    return status;
}

ks_status ks__env_drop(struct ks__env *env, ks_error *error)
{
    unsigned  have   = atomic_load(&env->references);
    ks_status status = KS_OK;

    if (ks__is_forked(env->forks))
        return KS_OK;           /* its files, locks and reader slots are the parent's */
    while (have > 1)            /* not the last: no lock */
        if (atomic_compare_exchange_weak(&env->references, &have, have - 1))
            return KS_OK;
    ks__mutex_lock(&registry);
    ks__assert(atomic_load(&env->references) > 0);
    if (atomic_fetch_sub(&env->references, 1) == 1) {
        status = close_handle(env, error);
        delist(env);
        env_free(env);
    }
    ks__mutex_unlock(&registry);
    return status;
}

void ks__env_disown(struct ks__env *env)
{
    if (env == NULL || ks__is_forked(env->forks))
        return;
    ks__mutex_lock(&registry);
    env->owned = false;
    ks__mutex_unlock(&registry);
}

ks_status ks__env_close(struct ks__env *env, ks_error *error)
{
    return env != NULL ? ks__env_drop(env, error) : KS_OK;
}

/* ---- abandon ---- */

/* The registry is locked. */
static void abandon(struct ks__env *env)
{
    if (env->handle == NULL)
        return;
    ks__txn_abandon_all(env);
    mdb_env_close(env->handle);             /* never syncs */
    env->handle = NULL;
    ks__locks_release(env);
    delist(env);
}

void ks__env_abandon(struct ks__env *env)
{
    ks__mutex_lock(&registry);
    abandon(env);
    ks__mutex_unlock(&registry);
}

static bool lies_under(const char *path, const char *directory)
{
    char  *real_path = realpath(path, NULL);
    char  *real_root = realpath(directory, NULL);
    size_t size      = real_root != NULL ? strlen(real_root) : 0;
    bool   under     = real_path != NULL && real_root != NULL &&
                 strncmp(real_path, real_root, size) == 0 &&
                 (real_path[size] == '\0' || real_path[size] == '/');

    free(real_path);
    free(real_root);
    return under;
}

size_t ks__env_abandon_under(const char *directory)
{
    size_t count = 0;

    ks__mutex_lock(&registry);
    for (struct ks__env *env = envs, *next; env != NULL; env = next) {
        next = env->next;
        if (!lies_under(env->directory, directory))
            continue;
        abandon(env);
        count++;
    }
    ks__mutex_unlock(&registry);
    return count;
}

/* ---- questions ---- */

enum ks__env_origin ks__env_origin(const struct ks__env *env)
{
    return env->origin;
}

const char *ks__env_directory(const struct ks__env *env)
{
    return env->directory;
}

uint64_t ks__env_map_bytes(const struct ks__env *env)
{
    return env->map_bytes;
}

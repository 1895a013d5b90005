/* SPDX-License-Identifier: Apache-2.0
 *
 * locks.c - our two locks beside LMDB's own.
 *
 *      env.open   held by whoever is opening or closing, in any mode: LMDB 0.9.26 to 0.9.31 races
 *                 when several processes open or recover at once
 *      env.lock   held while open: exclusive, or by all sharers of a shared env
 *
 * And LMDB's lock file, lock.mdb, is made here: LMDB leaves it a hole, which it maps and writes to.
 * On a full disk, or one that runs full later, the first touch of a page of it is a SIGBUS.
 *
 * flock(2): bound to the open file, gone with the process, never left behind: a child of fork(2)
 * closes env.lock at once (base/fork.h).
 */
#include "lmdb/parts.h"

#include "base/error.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define OPENING_TRIES    1000           /* times OPENING_PAUSE_NS: 10 s                       */
#define OPENING_PAUSE_NS 10000000
#define READER_BYTES     64             /* of a slot of lock.mdb                              */
#define LOCK_HEAD_BYTES  1024           /* more than what stands before the slots             */

static int lock_file(const struct ks__env *env, const char *name, int flags)
{
    char *path = ks__env_path(env->directory, name);
    int   fd;

    if (path == NULL) {
        errno = ENOMEM;
        return -1;
    }
    fd = ks__io_open(AT_FDCWD, path, O_RDWR | O_NOFOLLOW | flags, 0600);
    ks__free(path);
    return fd;
}

ks_status ks__locks_begin_opening(struct ks__env *env, int *opening_fd, ks_error *error)
{
    const struct timespec pause = { .tv_nsec = OPENING_PAUSE_NS };
    const bool            guest = env->options.read_only;
    int                   fd    = lock_file(env, "env.open", guest ? 0 : O_CREAT);

    *opening_fd = -1;
    if (fd < 0 && guest)
        return KS_OK;           /* not ours to create: LMDB's own lock has to do */
    if (fd < 0)
        return ks__lmdb_error(error, errno, env, "env.open");
    for (int i = 0; ks__io_lock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            ks_status status = ks__lmdb_error(error, errno, env, "lock env.open");

            ks__io_close(fd);
            return status;
        }
        if (i == OPENING_TRIES) {
            ks__io_close(fd);
            return ks__error_set(error, KS_EBUSY, "%s: another process has been opening it for "
                                 "too long", env->directory);
        }
        nanosleep(&pause, NULL);
    }
    *opening_fd = fd;
    return KS_OK;
}

/* Closing alone does not unlock while a child of fork(2) has it too. Unlocking does not fail. */
static void unlock_and_close(int fd)
{
    if (fd >= 0)
        (void)ks__io_system()->lock(NULL, fd, LOCK_UN);
    ks__io_close(fd);
}

void ks__locks_end_opening(int opening_fd)
{
    unlock_and_close(opening_fd);
}

ks_status ks__locks_use(struct ks__env *env, bool *alone, ks_error *error)
{
    int number;

    *alone = false;
    if (env->options.read_only)
        return KS_OK;
    ks__private_fd_set(&env->use, lock_file(env, "env.lock", O_CREAT));
    if (env->use.fd < 0)
        return ks__lmdb_error(error, errno, env, "env.lock");
    if (ks__io_lock(env->use.fd, LOCK_EX | LOCK_NB) == 0) {
        *alone = true;
        return KS_OK;
    }
    if (errno == EWOULDBLOCK && env->options.shared &&
        ks__io_lock(env->use.fd, LOCK_SH | LOCK_NB) == 0)
        return KS_OK;
    number = errno;
    ks__locks_release(env);
    if (number == EWOULDBLOCK)
        return ks__error_set(error, KS_EBUSY, "%s: in use by another process", env->directory);
    return ks__lmdb_error(error, number, env, "lock env.lock");
}

ks_status ks__locks_share(struct ks__env *env, ks_error *error)
{
    if (!env->options.shared || env->use.fd < 0)
        return KS_OK;
    if (ks__io_lock(env->use.fd, LOCK_SH | LOCK_NB) == 0)
        return KS_OK;
    return ks__lmdb_error(error, errno, env, "share env.lock");
}

bool ks__locks_is_last(struct ks__env *env)
{
    if (!env->options.shared)
        return true;
    return env->use.fd >= 0 && ks__io_lock(env->use.fd, LOCK_EX | LOCK_NB) == 0;
}

void ks__locks_release(struct ks__env *env)
{
    unlock_and_close(ks__private_fd_take(&env->use));
}

/* ---- LMDB's lock file ---- */

/* LMDB makes a file larger that has not enough slots, and takes the slots of one that has more. One
 * that is there is not made larger: who has it mapped would look behind its end. */
static off_t lock_file_bytes(const struct ks__env *env, off_t found)
{
    const off_t page = (off_t)sysconf(_SC_PAGESIZE);
    const off_t need = (off_t)env->options.max_readers * READER_BYTES + LOCK_HEAD_BYTES;

    return found > 0 ? found : (need + page - 1) / page * page;
}

ks_status ks__locks_allocate(struct ks__env *env, ks_error *error)
{
    int         fd = lock_file(env, "lock.mdb", O_CREAT);
    struct stat found;
    int         number = 0;

    if (fd < 0 && env->options.read_only && (errno == EROFS || errno == EACCES))
        return KS_OK;                   /* LMDB knows what to do without */
    if (fd < 0)
        return ks__lmdb_error(error, errno, env, "lock.mdb");
    if (ks__io_fstat(fd, &found) != 0 ||
        ks__io_allocate(fd, lock_file_bytes(env, found.st_size)) != 0)
        number = errno;
    ks__io_close(fd);                   /* before LMDB has it: closing drops locks of fcntl(2) */
    return ks__lmdb_error(error, number, env, "lock.mdb");
}

/* ---- removal ---- */

#define GONE ".gone"

/* Out of the way first, under the lock: whoever comes meanwhile finds all of it, or nothing. */
static int remove_locked(const char *directory, const char *gone)
{
    if (ks__io_remove_tree(gone) != 0)
        return -1;
    if (ks__io_rename(directory, gone) != 0)
        return errno == ENOENT ? 0 : -1;
    return ks__io_remove_tree(gone);
}

ks_status ks__env_remove(const char *directory, ks_error *error)
{
    char     *lock   = ks__env_path(directory, "env.lock");
    char     *gone   = ks__format("%s" GONE, directory);
    ks_status status = KS_OK;
    int       fd     = -1;

    if (lock == NULL || gone == NULL) {
        status = ks__error_no_memory(error, directory);
    } else {
        fd = ks__io_open(AT_FDCWD, lock, O_RDWR | O_NOFOLLOW, 0);
        if (fd < 0 && errno != ENOENT)
            status = ks__error_set_errno(error, KS_EIO, errno, "cannot open %s", lock);
        else if (fd >= 0 && ks__io_lock(fd, LOCK_EX | LOCK_NB) != 0)
            status = ks__error_set(error, KS_EBUSY, "%s is open, here or in another process",
                                   directory);
        else if (remove_locked(directory, gone) != 0)
            status = ks__error_set_errno(error, KS_EIO, errno, "cannot remove %s", directory);
    }
    if (fd >= 0)
        ks__io_close(fd);
    ks__free(lock);
    ks__free(gone);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * io.c - the I/O table, its two implementations, and the wrappers over it.
 *
 * Not here: paths, trees and whole files (files.c).
 */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

/* ---- the system's calls ---- */

static int system_open(void *user, int dir, const char *path, int flags, mode_t mode)
{
    (void)user;
    return openat(dir, path, flags, mode);
}

static int system_close(void *user, int fd)
{
    (void)user;
    return close(fd);
}

static ssize_t system_read(void *user, int fd, void *data, size_t size)
{
    (void)user;
    return read(fd, data, size);
}

static ssize_t system_write(void *user, int fd, const void *data, size_t size)
{
    (void)user;
    return write(fd, data, size);
}

static int system_sync(void *user, int fd)
{
    (void)user;
    return fsync(fd);
}

static int system_truncate(void *user, int fd, off_t size)
{
    (void)user;
    return ftruncate(fd, size);
}

static int system_allocate(void *user, int fd, off_t size)
{
    int number;

    (void)user;
    do
        number = posix_fallocate(fd, 0, size);
    while (number == EINTR);
    errno = number;
    return number == 0 || number == EOPNOTSUPP || number == ENOSYS ? 0 : -1;
}

static int system_stat(void *user, int dir, const char *path, struct stat *out, bool follow)
{
    (void)user;
    return fstatat(dir, path, out, follow ? 0 : AT_SYMLINK_NOFOLLOW);
}

static int system_fstat(void *user, int fd, struct stat *out)
{
    (void)user;
    return fstat(fd, out);
}

static int system_lock(void *user, int fd, int operation)
{
    (void)user;
    return flock(fd, operation);
}

static int system_mkdir(void *user, int dir, const char *path, mode_t mode)
{
    (void)user;
    return mkdirat(dir, path, mode);
}

static int system_mkfifo(void *user, int dir, const char *path, mode_t mode)
{
    (void)user;
    return mkfifoat(dir, path, mode);
}

static int system_unlink(void *user, int dir, const char *path, int flags)
{
    (void)user;
    return unlinkat(dir, path, flags);
}

static int system_rename(void *user, const char *from, const char *to)
{
    (void)user;
    return rename(from, to);
}

static DIR *system_opendir(void *user, int fd)
{
    (void)user;
    return fdopendir(fd);
}

#define SYSTEM_CALLS                                                                       \
    {                                                                                      \
        system_open, system_close, system_read, system_write, system_sync,                 \
        system_truncate, system_allocate, system_stat, system_fstat, system_lock,          \
        system_mkdir, system_mkfifo, system_unlink, system_rename, system_opendir, NULL    \
    }

static const struct ks__io system_table = SYSTEM_CALLS;
static struct ks__io       table        = SYSTEM_CALLS;

void ks__io_set(const struct ks__io *replacement)
{
    table = replacement != NULL ? *replacement : system_table;
}

const struct ks__io *ks__io_system(void)
{
    return &system_table;
}

/* ---- probe: the system's calls with a count and a planned failure ---- */

static bool refused(void *user)
{
    struct ks__io_probe *probe  = user;
    uint64_t             number = atomic_fetch_add(&probe->calls, 1) + 1;

    if (probe->fail_at == 0 || number < probe->fail_at)
        return false;
    if (number > probe->fail_at && !probe->fail_all_after)
        return false;
    atomic_fetch_add(&probe->failed, 1);
    errno = probe->error != 0 ? probe->error : EIO;
    return true;
}

static int probe_open(void *user, int dir, const char *path, int flags, mode_t mode)
{
    return refused(user) ? -1 : system_open(NULL, dir, path, flags, mode);
}

static int probe_close(void *user, int fd)
{
    (void)user;
    return close(fd);
}

static ssize_t probe_read(void *user, int fd, void *data, size_t size)
{
    return refused(user) ? -1 : read(fd, data, size);
}

static ssize_t probe_write(void *user, int fd, const void *data, size_t size)
{
    return refused(user) ? -1 : write(fd, data, size);
}

static int probe_sync(void *user, int fd)
{
    return refused(user) ? -1 : fsync(fd);
}

static int probe_truncate(void *user, int fd, off_t size)
{
    return refused(user) ? -1 : ftruncate(fd, size);
}

static int probe_allocate(void *user, int fd, off_t size)
{
    return refused(user) ? -1 : system_allocate(NULL, fd, size);
}

static int probe_stat(void *user, int dir, const char *path, struct stat *out, bool follow)
{
    return refused(user) ? -1 : system_stat(NULL, dir, path, out, follow);
}

static int probe_fstat(void *user, int fd, struct stat *out)
{
    return refused(user) ? -1 : fstat(fd, out);
}

static int probe_lock(void *user, int fd, int operation)
{
    return refused(user) ? -1 : flock(fd, operation);
}

static int probe_mkdir(void *user, int dir, const char *path, mode_t mode)
{
    return refused(user) ? -1 : mkdirat(dir, path, mode);
}

static int probe_mkfifo(void *user, int dir, const char *path, mode_t mode)
{
    return refused(user) ? -1 : mkfifoat(dir, path, mode);
}

static int probe_unlink(void *user, int dir, const char *path, int flags)
{
    return refused(user) ? -1 : unlinkat(dir, path, flags);
}

static int probe_rename(void *user, const char *from, const char *to)
{
    return refused(user) ? -1 : rename(from, to);
}

static DIR *probe_opendir(void *user, int fd)
{
    return refused(user) ? NULL : fdopendir(fd);
}

void ks__io_probe_install(struct ks__io_probe *probe)
{
    ks__io_set(&(struct ks__io){ probe_open, probe_close, probe_read, probe_write, probe_sync,
                                 probe_truncate, probe_allocate, probe_stat, probe_fstat,
                                 probe_lock, probe_mkdir, probe_mkfifo, probe_unlink,
                                 probe_rename, probe_opendir, probe });
}

/* ---- wrappers ---- */

int ks__io_open(int dir, const char *path, int flags, mode_t mode)
{
    return table.open(table.user, dir, path, flags | O_CLOEXEC, mode);
}

int ks__io_close(int fd)
{
    int saved = errno;
    int result;

    if (fd < 0)
        return 0;
    result = table.close(table.user, fd);
    if (result == 0)
        errno = saved;
    return result;
}

ssize_t ks__io_read(int fd, void *data, size_t size)
{
    ssize_t got;

    do
        got = table.read(table.user, fd, data, size);
    while (got < 0 && errno == EINTR);
    return got;
}

ssize_t ks__io_write(int fd, const void *data, size_t size)
{
    ssize_t put;

    do
        put = table.write(table.user, fd, data, size);
    while (put < 0 && errno == EINTR);
    return put;
}

int ks__io_sync(int fd)
{
    return table.sync(table.user, fd);
}

int ks__io_truncate(int fd, off_t size)
{
    return table.truncate(table.user, fd, size);
}

int ks__io_allocate(int fd, off_t size)
{
    return table.allocate(table.user, fd, size);
}

int ks__io_stat(int dir, const char *path, struct stat *out)
{
    return table.stat(table.user, dir, path, out, true);
}

int ks__io_lstat(int dir, const char *path, struct stat *out)
{
    return table.stat(table.user, dir, path, out, false);
}

int ks__io_fstat(int fd, struct stat *out)
{
    return table.fstat(table.user, fd, out);
}

int ks__io_lock(int fd, int operation)
{
    return table.lock(table.user, fd, operation);
}

int ks__io_mkdir(int dir, const char *path, mode_t mode)
{
    return table.mkdir(table.user, dir, path, mode);
}

int ks__io_mkfifo(int dir, const char *path, mode_t mode)
{
    return table.mkfifo(table.user, dir, path, mode);
}

int ks__io_unlink(int dir, const char *path, int flags)
{
    return table.unlink(table.user, dir, path, flags);
}

int ks__io_rename(const char *from, const char *to)
{
    return table.rename(table.user, from, to);
}

DIR *ks__io_opendir(int fd)
{
    return table.opendir(table.user, fd);
}

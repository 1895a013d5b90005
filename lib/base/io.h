/* SPDX-License-Identifier: Apache-2.0
 *
 * io.h - the file-system calls of the library behind one replaceable table.
 *
 * The state directory, side files, locks and wake-up FIFOs go through here, so that a test can
 * make the n-th call fail. LMDB's own calls do not (they are failed by a preload run).
 *
 * Conventions: every call works as its POSIX namesake relative to AT_FDCWD or a directory
 * descriptor, returns -1 (or NULL) and sets errno. Descriptors are always close-on-exec.
 *
 * Threads: every function from any thread; the table changes only while no other thread is
 *          inside the library.
 */
#ifndef KS_BASE_IO_H
#define KS_BASE_IO_H

#include "base/alloc.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct ks__io {
    int (*open)(void *user, int dir, const char *path, int flags, mode_t mode);
    int (*close)(void *user, int fd);
    ssize_t (*read)(void *user, int fd, void *data, size_t size);
    ssize_t (*write)(void *user, int fd, const void *data, size_t size);
    int (*sync)(void *user, int fd);
    int (*truncate)(void *user, int fd, off_t size);
    int (*allocate)(void *user, int fd, off_t size);        /* from 0; never shrinks          */
    int (*stat)(void *user, int dir, const char *path, struct stat *out, bool follow);
    int (*fstat)(void *user, int fd, struct stat *out);
    int (*lock)(void *user, int fd, int operation);
    int (*mkdir)(void *user, int dir, const char *path, mode_t mode);
    int (*mkfifo)(void *user, int dir, const char *path, mode_t mode);
    int (*unlink)(void *user, int dir, const char *path, int flags);
    int (*rename)(void *user, const char *from, const char *to);
    DIR *(*opendir)(void *user, int fd);                    /* owns `fd` when it succeeds     */
    void *user;
};

/* Replace the table of the process; NULL = the system's calls. Copies `table`. */
void ks__io_set(const struct ks__io *table);
/* The system's calls, to delegate to. Static. */
const struct ks__io *ks__io_system(void);

/* One wrapper per call. `ks__io_open` adds O_CLOEXEC; read and write retry EINTR. */
int ks__io_open(int dir, const char *path, int flags, mode_t mode);
int ks__io_close(int fd);                                   /* -1 is fine, keeps errno        */
ssize_t ks__io_read(int fd, void *data, size_t size);
ssize_t ks__io_write(int fd, const void *data, size_t size);
int ks__io_sync(int fd);
int ks__io_truncate(int fd, off_t size);
/* Have the disk hold the first `size` bytes: zeros where nothing is, what is there stays. Where the
 * file system cannot promise it, nothing happens, and it is no error. */
int ks__io_allocate(int fd, off_t size);
int ks__io_stat(int dir, const char *path, struct stat *out);           /* follows links      */
int ks__io_lstat(int dir, const char *path, struct stat *out);
int ks__io_fstat(int fd, struct stat *out);
int ks__io_lock(int fd, int operation);                     /* flock(2)                       */
int ks__io_mkdir(int dir, const char *path, mode_t mode);
int ks__io_mkfifo(int dir, const char *path, mode_t mode);
int ks__io_unlink(int dir, const char *path, int flags);    /* AT_REMOVEDIR allowed           */
int ks__io_rename(const char *from, const char *to);
DIR *ks__io_opendir(int fd);

/* Make `path` and every missing parent with `mode`. Existing directories are fine, anything
 * else in the way is ENOTDIR. 0 or -1 and errno. */
int ks__io_make_path(const char *path, mode_t mode);

/* Remove what lies at `path`: a file, a link (never its target) or a tree, at most
 * KS__IO_TREE_DEPTH deep and on one file system. A missing path is fine. 0 or -1 and errno. */
#define KS__IO_TREE_DEPTH 16
int ks__io_remove_tree(const char *path);

/* Call `visit` for each entry of the directory except `.` and `..`, in no order. A result other
 * than 0 ends the walk and is returned; -1 and errno when the directory cannot be read. */
typedef int ks__io_visit_fn(const char *name, void *user);
int ks__io_list(const char *path, ks__io_visit_fn *visit, void *user);

/* Read a whole small file (side files, stamps) into `out`, at most `limit` bytes; returns the
 * size, or -1 and errno (EFBIG: larger). */
ssize_t ks__io_read_file(const char *path, void *out, size_t limit);
/* Replace the file as a whole: temporary file beside it, write, sync if asked, rename. */
int ks__io_write_file(const char *path, const void *data, size_t size, bool sync);

/* A table for tests: counts calls and fails number `fail_at` (1 = the first, 0 = none) with
 * `error`. close never fails. Zero the struct, then install. */
struct ks__io_probe {
    atomic_uint_fast64_t calls;
    atomic_uint_fast64_t failed;
    uint64_t             fail_at;
    bool                 fail_all_after;
    int                  error;             /* 0 = EIO                                        */
};

/* Make the probe the table of the process; it must stay in place until ks__io_set(). */
void ks__io_probe_install(struct ks__io_probe *probe);

#endif

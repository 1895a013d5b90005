/* SPDX-License-Identifier: Apache-2.0
 *
 * files.c - paths, trees and whole files, on the calls of io.h.
 *
 * Trees are walked by directory descriptors with O_NOFOLLOW, so that a symbolic link put in the
 * way removes itself and never what it points to.
 */
#include "base/io.h"

#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW)

/* ---- make a path ---- */

static int make_one(const char *path, mode_t mode)
{
    struct stat found;

    if (ks__io_mkdir(AT_FDCWD, path, mode) == 0)
        return 0;
    if (errno != EEXIST)
        return -1;
    if (ks__io_stat(AT_FDCWD, path, &found) != 0)
        return -1;
    if (S_ISDIR(found.st_mode))
        return 0;
    errno = ENOTDIR;
    return -1;
}

int ks__io_make_path(const char *path, mode_t mode)
{
    size_t length = strlen(path);
    char   part[PATH_MAX];

    if (length == 0 || length >= sizeof(part)) {
        errno = length == 0 ? ENOENT : ENAMETOOLONG;
        return -1;
    }
    memcpy(part, path, length + 1);
    for (size_t i = 1; i < length; i++) {
        if (part[i] != '/' || part[i - 1] == '/')
            continue;
        part[i] = '\0';
        if (make_one(part, mode) != 0)
            return -1;
        part[i] = '/';
    }
    return make_one(part, mode);
}

/* ---- walk and remove ---- */

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Takes `fd`, also when it fails. */
static DIR *open_directory(int fd)
{
    DIR *walk = fd >= 0 ? ks__io_opendir(fd) : NULL;

    if (walk == NULL)
        ks__io_close(fd);
    return walk;
}

/* The next entry except the dots; NULL at the end (errno 0) or on failure (errno set). */
static const char *next_name(DIR *walk)
{
    struct dirent *entry;

    do {
        errno = 0;
        entry = readdir(walk);
    } while (entry != NULL && is_dots(entry->d_name));
    return entry != NULL ? entry->d_name : NULL;
}

int ks__io_list(const char *path, ks__io_visit_fn *visit, void *user)
{
    DIR        *walk   = open_directory(ks__io_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0));
    const char *name;
    int         result = 0;
    int         saved;

    if (walk == NULL)
        return -1;
    while (result == 0 && (name = next_name(walk)) != NULL)
        result = visit(name, user);
    if (result == 0 && errno != 0)
        result = -1;
    saved = errno;
    closedir(walk);
    errno = saved;
    return result;
}

static int remove_entry(int dir, const char *name, dev_t device, int depth);

/* Remove all that is in the directory; takes `fd`. */
static int remove_content(int fd, dev_t device, int depth)
{
    DIR        *walk   = open_directory(fd);
    const char *name;
    int         result = 0;
    int         saved;

    if (walk == NULL)
        return -1;
    while (result == 0 && (name = next_name(walk)) != NULL)
        result = remove_entry(dirfd(walk), name, device, depth);
    if (result == 0 && errno != 0)
        result = -1;
    saved = errno;
    closedir(walk);
    errno = saved;
    return result;
}

/* Recursion is bounded by KS__IO_TREE_DEPTH. */
static int remove_entry(int dir, const char *name, dev_t device, int depth)
{
    struct stat found;
    int         fd;

    if (ks__io_lstat(dir, name, &found) != 0)
        return errno == ENOENT ? 0 : -1;
    if (!S_ISDIR(found.st_mode))
        return ks__io_unlink(dir, name, 0) == 0 || errno == ENOENT ? 0 : -1;
    if (depth >= KS__IO_TREE_DEPTH || found.st_dev != device) {
        errno = depth >= KS__IO_TREE_DEPTH ? ELOOP : EXDEV;
        return -1;
    }
    fd = ks__io_open(dir, name, DIRECTORY_FLAGS, 0);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    if (remove_content(fd, device, depth + 1) != 0)
        return -1;
    return ks__io_unlink(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -1;
}

int ks__io_remove_tree(const char *path)
{
    struct stat found;

    if (ks__io_lstat(AT_FDCWD, path, &found) != 0)
        return errno == ENOENT ? 0 : -1;
    return remove_entry(AT_FDCWD, path, found.st_dev, 0);
}

/* ---- whole files ---- */

ssize_t ks__io_read_file(const char *path, void *out, size_t limit)
{
    int     fd   = ks__io_open(AT_FDCWD, path, O_RDONLY, 0);
    size_t  have = 0;
    ssize_t got  = 0;
    char    more;

    if (fd < 0)
        return -1;
    while (have < limit && (got = ks__io_read(fd, (char *)out + have, limit - have)) > 0)
        have += (size_t)got;
    if (got >= 0 && have == limit) {
        got = ks__io_read(fd, &more, 1);
        if (got > 0) {
            errno = EFBIG;
            got   = -1;
        }
    }
    ks__io_close(fd);
    return got < 0 ? -1 : (ssize_t)have;
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t put = ks__io_write(fd, data, size);

        if (put <= 0) {
            if (put == 0)
                errno = EIO;
            return -1;
        }
        data += put;
        size -= (size_t)put;
    }
    return 0;
}

/* A rename is on the disk only when its directory is. */
static int sync_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t      size  = slash != NULL ? (size_t)(slash - path) : 0;
    char        parent[PATH_MAX];
    int         fd, result;

    if (slash == NULL)
        memcpy(parent, ".", 2);
    else if (size == 0)
        memcpy(parent, "/", 2);
    else
        memcpy(parent, path, size), parent[size] = '\0';
    fd = ks__io_open(AT_FDCWD, parent, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return -1;
    result = ks__io_sync(fd);
    ks__io_close(fd);
    return result;
}

int ks__io_write_file(const char *path, const void *data, size_t size, bool sync)
{
    char temporary[PATH_MAX];
    int  fd, length, saved;

    length = snprintf(temporary, sizeof(temporary), "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof(temporary)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = ks__io_open(AT_FDCWD, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -1;
    if (write_all(fd, data, size) != 0 || (sync && ks__io_sync(fd) != 0))
        goto fail;
    ks__io_close(fd);
    fd = -1;
    if (ks__io_rename(temporary, path) != 0)
        goto fail;
    return sync ? sync_parent(path) : 0;

fail:
    saved = errno;
    ks__io_close(fd);
    unlinkat(AT_FDCWD, temporary, 0);
    errno = saved;
    return -1;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * directory.c - whether a directory may hold state: it is made if missing, must be a directory of
 * ours, no link, and writable.
 *
 * A link is refused because whoever can plant one could make us write, or wipe, somewhere else.
 */
#include "state/state.h"

#include "base/io.h"
#include "lmdb/env.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE 0700

static ks_status failed(ks_error *error, int number, const char *what, const char *path)
{
    ks_status status = KS_EIO;

    if (number == EACCES || number == EPERM || number == EROFS || number == ELOOP)
        status = KS_EACCESS;
    else if (number == ENOSPC || number == EDQUOT)
        status = KS_EFULL;
    return ks__error_set_errno(error, status, number, "state directory %s%s", path, what);
}

/* What lies there; makes it when nothing does. */
static ks_status look(const char *path, struct stat *found, ks_error *error)
{
    if (ks__io_lstat(AT_FDCWD, path, found) == 0)
        return KS_OK;
    if (errno != ENOENT)
        return failed(error, errno, "", path);
    if (ks__io_make_path(path, MODE) != 0)
        return failed(error, errno, " cannot be made", path);
    if (ks__io_lstat(AT_FDCWD, path, found) != 0)
        return failed(error, errno, "", path);
    return KS_OK;
}

ks_status ks__state_check_directory(const char *path, ks_error *error)
{
    struct stat found;
    ks_status   status = look(path, &found, error);

    if (status != KS_OK)
        return status;
    if (S_ISLNK(found.st_mode))
        return ks__error_set(error, KS_EACCESS, "state directory %s is a symbolic link: name the "
                             "directory itself", path);
    if (!S_ISDIR(found.st_mode))
        return ks__error_set(error, KS_EACCESS, "state directory %s is not a directory", path);
    if (found.st_uid != geteuid())
        return ks__error_set(error, KS_EACCESS, "state directory %s belongs to user %lu, not to us "
                             "(%lu)", path, (unsigned long)found.st_uid, (unsigned long)geteuid());
    if ((found.st_mode & MODE) != MODE)
        return ks__error_set(error, KS_EACCESS, "state directory %s is not writable (mode %03o)",
                             path, (unsigned)(found.st_mode & 0777));
    return KS_OK;
}

/* ---- removal ---- */

/* Digits from here; NULL = there is none. */
static const char *skip_digits(const char *at)
{
    const size_t digits = strspn(at, "0123456789");

    return digits > 0 ? at + digits : NULL;
}

/* Also what a removal that was cut short has left. */
static bool is_ours(const char *name)
{
    static const char global[] = "global_";
    const char       *at;

    if (strncmp(name, global, sizeof(global) - 1) == 0) {
        at = skip_digits(name + sizeof(global) - 1);
    } else {
        at = skip_digits(name);
        at = at != NULL && *at == '_' ? skip_digits(at + 1) : NULL;
    }
    return at != NULL && (*at == '\0' || strncmp(at, ".gone", 5) == 0);
}

struct removal {
    const char *path;
    ks_error   *error;
    ks_status   status; /* the first failure */
};

static int remove_one(const char *name, void *user)
{
    struct removal *removal = user;
    char           *directory;
    ks_error        error = { .status = KS_OK };

    if (!is_ours(name))
        return 0;
    directory = ks__format("%s/%s", removal->path, name);
    if (directory == NULL)
        ks__error_no_memory(&error, name);
    else
        ks__env_remove(directory, &error);
    ks__free(directory);
    if (ks__error_is_set(&error) && removal->status == KS_OK) {
        removal->status = error.status;
        ks__error_copy(removal->error, &error);
    }
    return 0;
}

ks_status ks__state_remove_all(const char *path, ks_error *error)
{
    struct removal removal = { .path = path, .error = error };
    struct stat    found;

    if (ks__io_lstat(AT_FDCWD, path, &found) != 0)
        return errno == ENOENT ? KS_OK : failed(error, errno, "", path);
    if (!S_ISDIR(found.st_mode))
        return ks__error_set(error, KS_EACCESS, "state directory %s is not a directory", path);
    if (ks__io_list(path, remove_one, &removal) != 0)
        return failed(error, errno, " cannot be read", path);
    (void)ks__io_unlink(AT_FDCWD, path, AT_REMOVEDIR); /* unless something else lies there */
    return removal.status;
}

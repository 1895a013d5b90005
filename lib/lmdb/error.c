/* SPDX-License-Identifier: Apache-2.0
 *
 * error.c - LMDB's numbers as our statuses and texts.
 */
#include "lmdb/parts.h"

#include "base/error.h"

#include <errno.h>
#include <sys/statvfs.h>

#define FULL_BELOW (1024u * 1024u)      /* free bytes under which an EIO is taken as a full disk */

/* LMDB turns a short write, which is what a full disk gives, into EIO. */
static bool disk_is_full(const struct ks__env *env)
{
    struct statvfs space;

    if (env == NULL || statvfs(env->directory, &space) != 0)
        return false;
    return (uint64_t)space.f_bavail * space.f_frsize < FULL_BELOW;
}

static ks_status status_of(int number, const struct ks__env *env)
{
    switch (number) {
    case MDB_SUCCESS:
        return KS_OK;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
    case MDB_DBS_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return KS_EFULL;
    case EIO:
        return disk_is_full(env) ? KS_EFULL : KS_EIO;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
    case MDB_BAD_TXN:       /* a call in it failed and was not heeded, or its pages are damaged */
        return KS_ECORRUPT;
    case MDB_KEYEXIST:
    case MDB_BAD_DBI:
        return KS_ESTATE;
    case MDB_BAD_VALSIZE:
    case EINVAL:
        return KS_EINVAL;
    case MDB_NOTFOUND:
    case ENOENT:
        return KS_ENOTFOUND;
    case MDB_MAP_RESIZED:
        return KS_EAGAIN;
    case MDB_READERS_FULL:
    case EBUSY:
    case EAGAIN:
        return KS_EBUSY;
    case EACCES:
    case EPERM:
    case EROFS:
        return KS_EACCESS;
    case ENOMEM:
        return KS_ENOMEM;
    default:
        return KS_EIO;
    }
}

/* mdb_strerror() may write an errno text into a buffer of its own; ours is per thread. */
static const char *reason(int number, char *out, size_t size)
{
    if (number >= MDB_KEYEXIST && number <= MDB_LAST_ERRCODE)
        return mdb_strerror(number);
    return ks__errno_text(number, out, size);
}

ks_status ks__lmdb_error(ks_error *error, int number, const struct ks__env *env, const char *what)
{
    ks_status   status = status_of(number, env);
    const char *where  = env != NULL ? env->directory : "";
    char        text[128];

    if (status == KS_OK || ks__error_is_set(error))
        return status;
    if (number == EIO && status == KS_EFULL)
        ks__error_set(error, status, "%s: %s: the disk is full", where, what);
    else
        ks__error_set(error, status, "%s: %s: %s", where, what,
                      reason(number, text, sizeof(text)));
    ks__error_set_cause(error, number);
    if (number == MDB_PANIC)
        ks__error_add_flags(error, KS__ERROR_FATAL);
    return status;
}

ks_status ks__lmdb_abandoned(ks_error *error)
{
    return ks__error_set(error, KS_ESTATE, "the env was abandoned");
}

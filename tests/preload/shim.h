/* SPDX-License-Identifier: Apache-2.0
 *
 * shim.h - to be preloaded (LD_PRELOAD=build/tests/preload.so): makes the n-th call fail that one
 * shared library makes into libc, as if memory or the disk had failed beneath it.
 *
 *      struct shim_plan plan = { .library = "liblmdb", .calls = SHIM_MEMORY, .fail_at = 7 };
 *      shim_arm(&plan); ... ; shim_arm(NULL);
 *      plan.seen       // so many such calls there were
 *
 * Only calls from code of that library count; those of the program and of libc itself do not.
 * Programs find shim_arm() by dlsym(), so that they also start without it.
 */
#ifndef KS_TESTS_PRELOAD_SHIM_H
#define KS_TESTS_PRELOAD_SHIM_H

#include <stdatomic.h>
#include <stdbool.h>

enum {
    SHIM_MEMORY   = 1 << 0, /* malloc, calloc, realloc, posix_memalign, strdup: ENOMEM */
    SHIM_WRITE    = 1 << 1, /* write, pwrite, writev */
    SHIM_SYNC     = 1 << 2, /* fdatasync, fsync, msync */
    SHIM_MAP      = 1 << 3, /* mmap */
    SHIM_TRUNCATE = 1 << 4, /* ftruncate */
    SHIM_READ     = 1 << 5, /* read, pread */
    SHIM_OPEN     = 1 << 6, /* open */
    SHIM_LOCK     = 1 << 7  /* fcntl */
};

struct shim_plan {
    const char *library;   /* part of its file's name */
    unsigned    calls;     /* SHIM_ of those that may fail */
    long        fail_at;   /* from 1; 0 = none, count only */
    bool        all_after; /* and all from then on */
    int         error;     /* errno; not of SHIM_MEMORY */
    bool        partly;    /* a write writes half before it fails: a disk that runs full */
    bool        no_sync;   /* syncs of the library that do not fail succeed at once */
    atomic_long seen, failed;
};

/* NULL = disarm. Any thread may be inside the library; the plan must outlive its arming. */
typedef void shim_arm_fn(struct shim_plan *plan);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * parts.h - what the files of this room tell each other; includes lmdb.h, so for no one else.
 */
#ifndef KS_LMDB_PARTS_H
#define KS_LMDB_PARTS_H

#include "base/fork.h"
#include "base/thread.h"
#include "lmdb/env.h"

#include <lmdb.h>
#include <stdatomic.h>
#include <sys/types.h>

/* Order of locks: creation -> LMDB's writer lock -> registry -> mutex. `mutex` is held for moments
 * only, never while waiting for LMDB. */

struct ks__database {
    char    *name;
    MDB_dbi  dbi;
};

struct ks__env {
    struct ks__env        *next;            /* in the registry                                */
    MDB_env               *handle;          /* NULL = abandoned                               */
    char                  *directory;
    char                  *topology_hash;   /* "" = not compared                              */
    dev_t                  device;          /* of the directory: the registry's key           */
    ino_t                  inode;
    struct ks__env_options options;         /* defaults filled in                             */
    enum ks__env_origin    origin;
    uint64_t               map_bytes;
    struct ks__private_fd  use;             /* env.lock, held while open                      */
    unsigned               forks;           /* of the process that opened it                  */
    bool                   owned;           /* under registry                                 */
    atomic_uint            references;      /* handles and transactions; 0 only under registry */
    _Atomic uintptr_t      writer;          /* thread inside a write transaction, 0 = none    */

    struct ks__mutex       creation;        /* held while a database is opened                */
    struct ks__mutex       mutex;           /* guards what follows                            */
    struct ks__txn        *txns;
    struct ks__database   *databases;
    size_t                 database_count, database_capacity;
};

struct ks__txn {
    struct ks__txn       *next, *previous;  /* in the env's list                              */
    struct ks__env       *env;
    MDB_txn              *handle;           /* NULL = the env was abandoned                   */
    struct ks__db_cursor *cursors;
    ks_error             *error;
    uint64_t              generation;       /* counts renewals                                */
    bool                  writes;
    bool                  active;
};

/* In what state the files are left behind by a crash. */
enum ks__gate_state {
    KS__GATE_OPEN,          /* somebody writes, or wrote, without sync: the boot id decides   */
    KS__GATE_SYNCED,        /* in use, every commit since the last sync was synced            */
    KS__GATE_CLEAN          /* closed after a sync                                            */
};

/* What the gate file says. */
struct ks__gate {
    uint32_t format;
    unsigned lmdb_major;
    enum ks__gate_state state;
    char     boot_id[64];
    char     topology[KS__ENV_STAMP_TEXT + 1];
};

/* error.c: LMDB's number (an errno or MDB_...) as our status; sets the text "what: reason". */
ks_status ks__lmdb_error(ks_error *error, int number, const struct ks__env *env,
                         const char *what);
ks_status ks__lmdb_abandoned(ks_error *error);

/* gate.c: what lies in the directory, and whether it may be trusted. */
ks_status ks__gate_enter(struct ks__env *env, ks_error *error);
/* The same for an env that other processes use already: only says so when we do not sync. */
ks_status ks__gate_join(struct ks__env *env, ks_error *error);
/* The env syncs from now on, nobody else uses it: sync what is there and say so. */
ks_status ks__gate_be_synced(struct ks__env *env, ks_error *error);
/* Empty the directory of LMDB's files; `detail` "" = none. */
ks_status ks__gate_discard(struct ks__env *env, enum ks__env_origin why, const char *detail,
                           ks_error *error);
/* Write the gate of `env` into `directory`. */
ks_status ks__gate_write(const struct ks__env *env, const char *directory,
                         enum ks__gate_state state, bool sync, ks_error *error);

/* verify.c: does the data file hold together? Looks at a bounded number of pages. KS_ECORRUPT, with
 * `error` not set: `why` says what is wrong. */
ks_status ks__data_file_check(const struct ks__env *env, const char *path, char *why,
                              size_t why_size, ks_error *error);

/* locks.c: the two flocks. */
ks_status ks__locks_begin_opening(struct ks__env *env, int *opening_fd, ks_error *error);
void ks__locks_end_opening(int opening_fd);
/* Take env.lock; `*alone` = no other process uses the env. */
ks_status ks__locks_use(struct ks__env *env, bool *alone, ks_error *error);
/* Shared envs: let others in. */
ks_status ks__locks_share(struct ks__env *env, ks_error *error);
/* Whether the last user is leaving. */
bool ks__locks_is_last(struct ks__env *env);
void ks__locks_release(struct ks__env *env);
/* Before LMDB opens the env: have all of lock.mdb on the disk. KS_EFULL when there is no room. */
ks_status ks__locks_allocate(struct ks__env *env, ks_error *error);

/* registry (env.c): one reference less; the last closes. */
ks_status ks__env_drop(struct ks__env *env, ks_error *error);
void ks__env_hold(struct ks__env *env);
/* txn.c: abort the LMDB side of all transactions, leaving shells. */
void ks__txn_abandon_all(struct ks__env *env);

/* cursor.c: close all cursors of a transaction; with `shells` the structs stay. */
void ks__db_cursor_end_all(struct ks__txn *txn, bool shells);

/* "<directory>/<name>", to free; NULL = no memory. */
char *ks__env_path(const char *directory, const char *name);

static inline MDB_val ks__to_val(ks_bytes bytes)
{
    return (MDB_val){ .mv_size = bytes.size, .mv_data = (void *)(uintptr_t)bytes.data };
}

static inline ks_bytes ks__from_val(const MDB_val *val)
{
    return (ks_bytes){ val->mv_data, val->mv_size };
}

#endif

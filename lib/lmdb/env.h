/* SPDX-License-Identifier: Apache-2.0
 *
 * env.h - LMDB environments, transactions and cursors: the only door to lmdb.h.
 *
 *      registry of the process        <dir>/
 *        (dev, inode) -> env            data.mdb lock.mdb   LMDB's own
 *        opened once, counted           env.lock env.open   our flocks: use; opening, closing
 *                                       env.gate            boot id, clean flag, format stamp
 *
 *      open: lock -> gate says trust or discard -> mmap (halving) -> stale readers -> ready
 *
 * Invariants
 *   L1  An env is opened at most once per process; who asks again shares it or gets KS_ESTATE.
 *   L2  While a writing env is open its directory is locked against every other process (unless
 *       `shared` is asked: then opening and closing alone are serialised).
 *   L3  An env without sync is trusted only when the machine has not been booted since, or when it
 *       was synced and closed cleanly. Otherwise its files are removed before LMDB sees them.
 *   L4  The gate says "in use" on the disk before the first write, "clean" only after the sync at
 *       close. Files without a gate are not trusted.
 *   L5  Never MDB_WRITEMAP, no DUPSORT; named databases are opened once, at open or by
 *       ks__env_database(), never inside somebody's transaction.
 *
 * Errors: functions without an error argument report into the error bound to the transaction.
 * Absence is not an error: get gives null bytes, a cursor move gives false.
 *
 * Threads: ks__env_* from any thread. A write transaction stays in the thread that began it; a
 *          read transaction may move between threads, used by one at a time. Never after fork().
 */
#ifndef KS_LMDB_ENV_H
#define KS_LMDB_ENV_H

#include "base/log.h"

#include <kstream/bytes.h>
#include <kstream/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KS__ENV_KEY_LIMIT     511u                      /* longer and empty keys: KS_EINVAL   */
#define KS__ENV_MAP_BYTES     (UINT64_C(64) << 30)      /* state: address space, not memory   */
#define KS__ENV_LOG_MAP_BYTES (UINT64_C(1) << 40)
#define KS__ENV_MAP_FLOOR     (UINT64_C(64) << 20)      /* halving stops here                 */
#define KS__ENV_STAMP_TEXT    64                        /* characters of a topology hash      */

struct ks__env;
struct ks__txn;
struct ks__db_cursor;

/* How an env came to be as it is; see L3. */
enum ks__env_origin {
    KS__ENV_NEW,                /* no files were there                                        */
    KS__ENV_TRUSTED,            /* as the last commit left it                                 */
    KS__ENV_DISCARDED_BOOT,     /* the machine was restarted before a sync: emptied           */
    KS__ENV_DISCARDED_FORMAT,   /* format or LMDB's major version differs: emptied            */
    KS__ENV_DISCARDED_TOPOLOGY, /* the topology hash differs: emptied                         */
    KS__ENV_DISCARDED_CORRUPT   /* LMDB refuses the file, or the gate is unreadable: emptied  */
};

struct ks__env_options {
    uint64_t    map_bytes;          /* 0 = KS__ENV_MAP_BYTES                                  */
    unsigned    max_databases;      /* 0 = 32                                                 */
    unsigned    max_readers;        /* 0 = 1024                                               */
    uint32_t    format;             /* of the contents, ours; part of the stamp               */
    const char *topology_hash;      /* NULL = not compared; part of the stamp                 */
    bool        no_sync;            /* task envs: the log is the truth, the boot gate decides */
    bool        keep_always;        /* log env: never discard; a mismatch is KS_ECORRUPT      */
    bool        read_only;          /* another process's env: no lock, no gate, no creation   */
    bool        shared;             /* several processes may have it open (embedded log)      */
    bool        share_in_process;   /* a second open of this process gets the same env        */
    bool        owner;              /* of those that share it, one at a time may say so       */
    const struct ks__log *log;      /* kept; NULL = silent                                    */
};

/* Open (and create) the env in the directory, which exists. `*out` is NULL on failure.
 *   KS_ESTATE   open in this process already and not to be shared, or it has an owner
 *   KS_EBUSY    in use by another process
 *   KS_ECORRUPT keep_always and the files are not usable
 *   KS_EIO, KS_EFULL, KS_EACCESS, KS_ENOMEM */
ks_status ks__env_open(struct ks__env **out, const char *directory,
                       const struct ks__env_options *options, ks_error *error);
/* Its owner will not write any more: another may own it, while transactions that read (snapshots)
 * keep it open. Before the close of an owner. */
void ks__env_disown(struct ks__env *env);
/* Give back one reference; with the last one the env is synced (unless read_only), its gate marked
 * clean, and closed. A transaction still open counts as a reference: the real close then follows
 * its end, and errors of it are only logged. The env is gone for the caller also when the result
 * is an error. NULL is fine. */
ks_status ks__env_close(struct ks__env *env, ks_error *error);

/* For tests and the simulator: drop the env as a crash of its instance would. All transactions are
 * aborted, nothing is synced, the gate stays "in use", descriptors and lock are given back, and the
 * directory may be opened anew at once. References, transactions and cursors stay as empty shells:
 * every call on them fails with KS_ESTATE, and they are given back in the ordinary way. No other
 * thread may be using the env. */
void ks__env_abandon(struct ks__env *env);
/* Abandon every env of the process whose directory lies in or under `directory`; returns how
 * many. */
size_t ks__env_abandon_under(const char *directory);

/* Remove a directory that holds an env, with all that lies in it. KS_EBUSY: it is open, here or in
 * another process. Nothing there is KS_OK. */
ks_status ks__env_remove(const char *directory, ks_error *error);

enum ks__env_origin ks__env_origin(const struct ks__env *env);
/* "the machine was restarted before a sync", ... for the log line of a wipe. */
const char *ks__env_origin_text(enum ks__env_origin origin);
const char *ks__env_directory(const struct ks__env *env);
uint64_t ks__env_map_bytes(const struct ks__env *env);      /* after halving                  */

/* Write everything to the disk now (fsync), also with no_sync. */
ks_status ks__env_sync(struct ks__env *env, ks_error *error);
/* Free the reader slots of dead processes; `freed` may be NULL. Call every few seconds. */
ks_status ks__env_sweep_readers(struct ks__env *env, unsigned *freed, ks_error *error);
/* Copy a consistent snapshot, compacted, into an existing empty directory, with a clean gate of the
 * same stamp: it opens as KS__ENV_TRUSTED. Readers and writers go on. */
ks_status ks__env_copy(struct ks__env *env, const char *directory, ks_error *error);

/* How full it is. */
struct ks__env_space {
    uint64_t map_bytes;
    uint64_t used_bytes;            /* up to the last page ever used                          */
    unsigned readers, max_readers;  /* slots ever used at once, slots there are               */
};
ks_status ks__env_space(struct ks__env *env, struct ks__env_space *out, ks_error *error);

/* The number of a named database, created when missing (except read_only: KS_ENOTFOUND). Opens it
 * in a write transaction of its own, once; later calls are a look-up. So call it before the
 * thread's write transaction begins (KS_ESTATE). */
ks_status ks__env_database(struct ks__env *env, const char *name, unsigned *db, ks_error *error);

/* ---- transactions ---- */

/* Begin. `error` is kept: every failure of the transaction and its cursors is set there.
 * A write transaction waits for the writer lock of the env. */
ks_status ks__txn_begin_write(struct ks__env *env, struct ks__txn **out, ks_error *error);
ks_status ks__txn_begin_read(struct ks__env *env, struct ks__txn **out, ks_error *error);
/* Commit a write transaction; it is gone afterwards in any case. KS_EFULL = map or disk full. */
KS__MUST_USE ks_status ks__txn_commit(struct ks__txn *txn);
/* Drop a write transaction, or end a read transaction. Its cursors die first. NULL is fine. */
void ks__txn_abort(struct ks__txn *txn);

/* Read transactions: let go of the snapshot but keep the slot; take the newest snapshot. */
void ks__txn_reset(struct ks__txn *txn);
ks_status ks__txn_renew(struct ks__txn *txn);
bool ks__txn_is_active(const struct ks__txn *txn);      /* begun or renewed, not reset        */
/* Report to another error from now on. */
void ks__txn_report_to(struct ks__txn *txn, ks_error *error);
struct ks__env *ks__txn_env(const struct ks__txn *txn);

/* Value of the key; null bytes when absent. Lent until the transaction ends, is reset, or (in a
 * write transaction) writes. */
ks_status ks__txn_get(struct ks__txn *txn, unsigned db, ks_bytes key, ks_bytes *value);
ks_status ks__txn_put(struct ks__txn *txn, unsigned db, ks_bytes key, ks_bytes value);
/* Put behind the last key: much cheaper. KS_ESTATE when the key is not the greatest. */
ks_status ks__txn_append(struct ks__txn *txn, unsigned db, ks_bytes key, ks_bytes value);
/* Put a value of `size` bytes that the caller writes to `*at` before its next call. */
ks_status ks__txn_reserve(struct ks__txn *txn, unsigned db, ks_bytes key, size_t size, void **at);
/* Delete; `*existed` (may be NULL) says whether it was there. */
ks_status ks__txn_delete(struct ks__txn *txn, unsigned db, ks_bytes key, bool *existed);
/* Delete at most `limit` entries from the front of the database; `*left` says whether any remain.
 * A bounded step of emptying a large one. */
ks_status ks__txn_empty_some(struct ks__txn *txn, unsigned db, size_t limit, bool *left);
/* Delete all entries at once. Cost grows with the pages: for small databases. */
ks_status ks__txn_empty(struct ks__txn *txn, unsigned db);
ks_status ks__txn_count(struct ks__txn *txn, unsigned db, uint64_t *entries);

/* ---- cursors ---- */

/* A cursor dies with its transaction unless closed before. After reset and renew of a read
 * transaction it stands nowhere. In a write transaction it stays on its place when others write to
 * the same database. */
ks_status ks__db_cursor_open(struct ks__txn *txn, unsigned db, struct ks__db_cursor **out);
void ks__db_cursor_close(struct ks__db_cursor *cursor);     /* NULL is fine                   */

/* Moves: true = it stands on an entry, `key` and `value` (either may be NULL) are lent as by get.
 * False = no such entry, or a failure: then the error is set and status() is not KS_OK. From
 * nowhere next is first and prev is last; past an end next and prev stay false. */
bool ks__db_cursor_first(struct ks__db_cursor *cursor, ks_bytes *key, ks_bytes *value);
bool ks__db_cursor_last(struct ks__db_cursor *cursor, ks_bytes *key, ks_bytes *value);
bool ks__db_cursor_next(struct ks__db_cursor *cursor, ks_bytes *key, ks_bytes *value);
bool ks__db_cursor_prev(struct ks__db_cursor *cursor, ks_bytes *key, ks_bytes *value);
/* First entry >= `from`; null or empty `from` = first. */
bool ks__db_cursor_seek(struct ks__db_cursor *cursor, ks_bytes from, ks_bytes *key,
                        ks_bytes *value);
/* Last entry <= `from`. */
bool ks__db_cursor_seek_back(struct ks__db_cursor *cursor, ks_bytes from, ks_bytes *key,
                             ks_bytes *value);
/* Exactly this key. */
bool ks__db_cursor_find(struct ks__db_cursor *cursor, ks_bytes at, ks_bytes *value);
/* Put through the cursor, which then stands on the entry: cheap for sorted writes. */
ks_status ks__db_cursor_put(struct ks__db_cursor *cursor, ks_bytes key, ks_bytes value);
/* Delete the entry it stands on; next then gives the first entry behind that key, prev the last
 * before it, also when the key has been put again. */
ks_status ks__db_cursor_delete(struct ks__db_cursor *cursor);
/* KS_OK, or the first failure of a move. */
ks_status ks__db_cursor_status(const struct ks__db_cursor *cursor);

/* ---- for tests ---- */

/* Replace where the boot id comes from: writes a terminated text; false = unknown (then nothing is
 * trusted without a clean close). NULL = the kernel's. */
typedef bool ks__boot_id_fn(char *out, size_t size, void *user);
void ks__env_set_boot_id(ks__boot_id_fn *fn, void *user);

/* Number of envs open in this process. */
size_t ks__env_open_count(void);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * state.h - all state of one task: its stores, positions and clocks in one LMDB env.
 *
 *      put --> open layer --seal--> committed layer --write--> LMDB (one transaction:
 *               |  abort: drop                          |       data, positions, clocks)
 *               |                                       `-----> clean rows, to be read again
 *               `-- flush_caches: not yet forwarded -> operator, changelog
 *
 *      CLOSED --open--> (restore)* -> { put*, flush_caches, seal | drop, write }* --close--> CLOSED
 *
 * Invariants
 *   T1  LMDB holds committed records only, a prefix of the changelog, never ahead: write() takes
 *       sealed entries only.
 *   T2  Data, changelog positions, input positions and clocks of one write() are one transaction.
 *   T3  After drop() the state is exactly that of the last seal().
 *   T4  A task's directory is used by one env of one process at a time (lock and registry).
 *
 * Positions and clocks are rows too (ks__state_number_*): written to the open layer, sealed,
 * dropped and written with the rest.
 * Threads: the task's; snapshots (state/snapshot.h) from any.
 */
#ifndef KS_STATE_STATE_H
#define KS_STATE_STATE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "state/store.h"

struct ks__env;
struct ks__state;

/* What a store asks of its task. */
struct ks__state_host {
    /* A row has changed: send it to the changelog (null value = deleted). */
    void (*changed)(void *user, struct ks_kv_store *store, ks_bytes key, const struct ks__row *row);
    /* A versioned, window or session store has refused a put that is too old; may be NULL. */
    void (*refused)(void *user, struct ks_kv_store *store);
    /* Time for a put without one: that of the record or punctuation being processed. */
    int64_t (*now_ms)(void *user);
    /* Stream time, by which rows with a ttl die; NULL = they do not. */
    int64_t (*stream_ms)(void *user);
    /* Is the node of this name at work, so that it may write to what it keeps? NULL = never. */
    bool (*keeps)(void *user, const char *keeper);
    void             *user;
    ks_error         *error; /* failures of store calls; the task's */
    struct ks__arena *arena; /* of the record: decoded rows, iterators */
};

struct ks__state_options {
    const char                  *directory;     /* of the task; made if missing */
    const struct ks__state_host *host;          /* kept */
    const struct ks__log        *log;           /* kept; NULL = silent */
    const char                  *topology_hash; /* NULL = not compared */
    bool                         caches;        /* false: no store caches */
    bool                         kafka_retention; /* hide rows as Kafka Streams does; see ring.h */
    uint64_t                     map_bytes;     /* 0 = default */
    size_t                       stores;        /* so many will be opened, for their databases */
};

/* Make the directory (mode 0700) if it is missing, and refuse a link, another user's or one that
 * is not writable: KS_EACCESS. Done by ks__state_open(); for the directories above it. */
ks_status ks__state_check_directory(const char *path, ks_error *error);

/* Remove the envs of tasks and global stores that lie in the directory of an application (0_3,
 * global_0), nothing else; and the directory, if it is empty then. KS_EBUSY: one of them is open;
 * the others are gone. */
ks_status ks__state_remove_all(const char *path, ks_error *error);

/* Open the env, lock included. KS_EBUSY: in use; KS_EACCESS: a link, or not ours; KS_EIO,
 * KS_EFULL. */
ks_status ks__state_open(struct ks__state **out, const struct ks__state_options *options,
                         ks_error *error);
/* Everything sealed is written, then closed (clean). Open entries are dropped. */
ks_status ks__state_close(struct ks__state *state, ks_error *error);
/* As after a crash: nothing is written. */
void ks__state_abandon(struct ks__state *state);
/* True when the env was new or had to be emptied: everything must be restored. */
bool ks__state_is_new(const struct ks__state *state);
/* Its env, for snapshots; good as long as the state. */
struct ks__env *ks__state_env(const struct ks__state *state);

/* Open a store (once per name). Its spec must outlive the state. */
ks_status ks__state_kv(struct ks__state *state, const struct ks__store_spec *spec,
                       struct ks_kv_store **out, ks_error *error);
/* The store of a name, NULL if it was not opened. */
struct ks_kv_store *ks__state_find(struct ks__state *state, const char *name);

/* A 64-bit number kept with the state, by name: positions ("input/TOPIC/3", "changelog/STORE"),
 * clocks ("node/NAME/..."). get gives `otherwise` if there is none. */
int64_t ks__state_number(struct ks__state *state, const char *name, int64_t otherwise);
void    ks__state_set_number(struct ks__state *state, const char *name, int64_t number);

/* End of the record: iterators close, memory of removed entries may be used again. To be called
 * before the arena is reset. */
void ks__state_end_record(struct ks__state *state);
/* Forward what the caches hold back, store by store in the order of opening, until nothing is
 * left. Each forwarded entry counts as a record: `end_record` (may be NULL) is called after
 * each. */
void ks__state_flush_caches(struct ks__state *state, void (*end_record)(void *user), void *user);
/* Anything in the caches? */
bool   ks__state_has_cached(const struct ks__state *state);
size_t ks__state_cached_bytes(const struct ks__state *state);

/* Is there a row that may have outlived its ttl? Between records. */
bool ks__state_expires(struct ks__state *state, int64_t stream_ms);
/* One step of deleting dead rows, which counts as a record; false = none is dead. */
bool ks__state_expire_one(struct ks__state *state, int64_t stream_ms);

/* The log has committed: what is open is committed now. KS_ESTATE: the caches are not flushed.
 * Needs no memory. */
ks_status ks__state_seal(struct ks__state *state, ks_error *error);
/* The log has aborted: forget what is open, caches too. */
void ks__state_drop(struct ks__state *state);
/* Write the committed layer to LMDB, sorted, in one transaction. KS_EFULL keeps the layer: call
 * again. */
ks_status ks__state_write(struct ks__state *state, ks_error *error);
/* Rows that were written stay in memory, to be read again, until all of them take more than
 * `keep_bytes`; then this forgets them, unless some are in use. Between records. */
void ks__state_trim(struct ks__state *state, size_t keep_bytes);
/* Sizes, for the bounds of `state.flush` (bytes of keys, values and entries). */
size_t ks__state_open_bytes(const struct ks__state *state);
size_t ks__state_sealed_bytes(const struct ks__state *state);

/* Apply changelog records straight to LMDB, with the position reached, in one transaction. `key`
 * null rows are ignored, null values delete. `position_name` NULL = none. KS_ESTATE, here and in
 * wipe, while a layer above holds rows of the store. */
struct ks__state_change {
    ks_bytes       key;
    struct ks__row row;
};
ks_status ks__state_restore(struct ks__state *state, struct ks_kv_store *store,
                            const struct ks__state_change *changes, size_t count,
                            const char *position_name, int64_t position, ks_error *error);
/* Empty one store (and its position) before it is restored from the start. */
ks_status ks__state_wipe(struct ks__state *state, struct ks_kv_store *store,
                         const char *position_name, ks_error *error);

#endif

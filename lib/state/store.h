/* SPDX-License-Identifier: Apache-2.0
 *
 * store.h - what operators see of a state store.
 *
 *      operator --get/put--> store = open + committed + LMDB, read as one (state/layers)
 *                              |--> changelog (the host's function)
 *                              `--> with a cache: on flush, one change per key to the operator
 *
 * Invariants
 *   S1  A row that was read stays valid and unchanged to the end of the record, also when its key
 *       is written again: an entry is neither freed nor moved inside a record.
 *   S2  An iterator sees the store as at its opening; puts and deletes of any key are allowed
 *       meanwhile.
 *   S3  A cached entry keeps the row last forwarded until it is forwarded; entries are forwarded in
 *       the order of their last writes; created and deleted between two flushes, one is not
 *       forwarded at all.
 *   S4  The local write comes before the changelog record.
 *
 * Failures go to the error that the store was opened with; reads answer "absent" then.
 * Threads: the task's.
 */
#ifndef KS_STATE_STORE_H
#define KS_STATE_STORE_H

#include "base/error.h"

#include <kstream/options.h>
#include <kstream/record.h>
#include <kstream/store.h>

enum ks__store_kind {
    KS__STORE_KV = 1,
    KS__STORE_WINDOW,
    KS__STORE_SESSION,
    KS__STORE_VERSIONED,
    KS__STORE_USER /* of the user's own: not kept here, but by the runtime */
};

struct ks_store_class;

#define KS__SLICES_SUFFIX "-slices" /* of the name of a store of slices, after the windows' */

/* A store as the topology declares it. Texts belong to the topology. */
struct ks__store_spec {
    const char         *name;
    enum ks__store_kind kind;
    const ks_serde     *key;
    const ks_serde     *value;
    bool                cache;      /* as declared; the host may switch caches off as a whole */
    bool                changelog;
    const char         *topic_config; /* of the changelog: lines "name=value\n"; NULL = none */
    const char         *source_topic; /* restored from this topic instead; NULL = own changelog */
    const char         *keeper; /* the node that alone may write to it; NULL = any */
    bool                global;
    bool                plain;      /* rows of a processor: no timestamp of their own in dumps */
    int64_t             ttl_ms;     /* key-value: see expiry.h; 0 = rows live for ever */
    uint64_t            max_rows;   /* key-value: see lru.h; 0 = no bound */
    int64_t             history_ms; /* versioned: how old a put, or a version read, may be */
    /* Window and session stores. */
    int64_t             retention_ms; /* how long rows can be read, by the time of the store */
    int64_t             keep_ms;      /* the same, but for what operators need besides */
    int64_t             window_ms;    /* window: from start to end */
    bool                duplicates;   /* window: a put never replaces */
    bool                by_time;      /* has an index in the order of time */
    bool                lingers;      /* Kafka has it cached: see ring.h */
    unsigned            holders;      /* who release rows: see window_store.h */
    bool                owed;         /* rows are never hidden as Kafka Streams does */
    bool                sliced;       /* window: a window is a row from its close on, not before */
    const char         *slices_of;    /* window: rows are slices of the windows of this store */
    const char         *cut;          /* how windows lie, in words; rows of two cuts do not mix;
                                       * NULL = they do */
    /* Stores of the user's own. */
    const struct ks_store_class *class;
    void                        *user;
};

/* A row of a table. Null `value.data` = none. */
struct ks__row {
    ks_bytes          value;
    int64_t           timestamp_ms;
    const ks_headers *headers;
};

/* A change that leaves the cache: `now` and `before` as seen downstream (null value = none). */
typedef void ks__kv_flush_fn(void *user, ks_bytes key, const struct ks__row *now,
                             const struct ks__row *before);

/* A row has outlived its ttl: delete it (ks__kv_put()) and tell of it. `row` has no headers. */
typedef void ks__kv_expire_fn(void *user, ks_bytes key, const struct ks__row *row);

/* Where a key was found, so that the put that follows a get need not look again. Good to the end
 * of the record; `key` is borrowed. */
struct ks__map_entry;
struct ks__kv_slot {
    ks_bytes              key;
    uint64_t              hash;
    struct ks__map_entry *entry;    /* NULL = not in the open layer */
};
/* It finds dead rows, too. */
bool ks__kv_find(struct ks_kv_store *store, ks_bytes key, struct ks__kv_slot *slot,
                 struct ks__row *row);
void ks__kv_put_slot(struct ks_kv_store *store, struct ks__kv_slot *slot,
                     const struct ks__row *row);

/* Look ahead for the keys of records that come next, in three steps some records apart: the first
 * gives the hash for the others. What memory is slow to give is then there when it is needed. */
uint64_t ks__kv_ahead_key(const struct ks_kv_store *store, ks_bytes key);
void     ks__kv_ahead_entry(const struct ks_kv_store *store, uint64_t hash);
void     ks__kv_ahead_row(const struct ks_kv_store *store, uint64_t hash);

/* Stores with a ttl: has the row outlived it, and when did it? Who deletes such rows; set anew in
 * every `open`. */
bool    ks__kv_is_dead(const struct ks_kv_store *store, const struct ks__row *row);
int64_t ks__kv_death_ms(const struct ks_kv_store *store, const struct ks__row *row);
void    ks__kv_on_expire(struct ks_kv_store *store, ks__kv_expire_fn *fn, void *user);

/* False, and `*row` cleared, when there is none. */
bool ks__kv_get(struct ks_kv_store *store, ks_bytes key, struct ks__row *row);
/* A null value deletes. Key and value are copied. */
void ks__kv_put(struct ks_kv_store *store, ks_bytes key, const struct ks__row *row);
bool ks__kv_is_cached(const struct ks_kv_store *store);
/* Who hears of changes when the cache is flushed. Only for cached stores, once, in `open`. */
void ks__kv_on_flush(struct ks_kv_store *store, ks__kv_flush_fn *fn, void *user);
const struct ks__store_spec *ks__kv_spec(const struct ks_kv_store *store);
/* Iterate; rows as of S1, S2. Inclusive ends, null = open. NULL after a failure. */
ks_iter *ks__kv_range(struct ks_kv_store *store, ks_bytes from, ks_bytes to, ks_order order);
ks_iter *ks__kv_prefix(struct ks_kv_store *store, ks_bytes prefix, ks_order order);
uint64_t ks__kv_count(struct ks_kv_store *store);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * parts.h - what the files of this room tell each other. For no one else.
 *
 *      ks_kv_store                                     struct ks__reading
 *        rows     key -> entry {now, sealed, before}     read transaction, error, arena,
 *        opened   entries of the open layer              iterators that are open
 *        sealed   entries of the committed layer       of a task, a global reader or a snapshot
 *        LMDB     key -> row
 *
 *      entry.now -> cell v9 -> cell v7 -> ...          replaced inside this record, retired
 *
 * Both layers in memory share one map, so that a key is looked for once and a commit moves nothing.
 * Entries of neither layer are clean: as in LMDB, kept for the next read while there is room.
 *
 *                    open  unwritten   `now` is             `sealed` is
 *      clean          -        -       as in LMDB           -
 *      committed      -        x       committed            -
 *      open           x        -       open                 -
 *      both           x        x       open                 committed
 *
 * Invariants
 *   P1  A cell is never changed. A put makes a new one with the next version of the store and
 *       retires the one before, whose bytes stay to the end of the record (S1).
 *   P2  `older` is meaningful only while the cell that it leads to was retired in this record. An
 *       iterator follows it only from cells made after its opening, so in this record (S2).
 *   P3  Inside a record nothing is removed from `rows`: a deletion is a cell. Only drop and trim
 *       remove entries, between records.
 *   P4  Inside a record committed rows and the read transaction do not change.
 *   P5  Room in `sealed` is found when an entry is opened: a seal needs no memory.
 */
#ifndef KS_STATE_PARTS_H
#define KS_STATE_PARTS_H

#include "base/buffer.h"
#include "base/map.h"
#include "lmdb/env.h"
#include "state/iter.h"
#include "state/row.h"
#include "state/state.h"

#define KS__CELL_DELETED UINT32_MAX

/* A row in memory; value and encoded headers follow. */
struct ks__cell {
    struct ks__cell *older;             /* what it replaced; P2 */
    uint64_t         version;
    int64_t          timestamp_ms;
    uint32_t         value_size;        /* KS__CELL_DELETED = no row */
    uint32_t         headers_size;
};

_Static_assert(sizeof(struct ks__cell) % 16 == 0, "values in cells are 16-aligned");

/* The payload of a map entry. */
struct ks__kv_entry {
    struct ks__cell *now;
    struct ks__cell *sealed;            /* what a drop goes back to; NULL = what LMDB has */
    struct ks__cell *before;            /* dirty: as last forwarded; NULL = look into LMDB */
    bool             open;              /* written in this transaction */
    bool             unwritten;         /* committed, not in LMDB */
    bool             dirty;             /* written, not yet forwarded */
    uint32_t         dirty_place;       /* in the store's list */
};

/* Entries in the order in which they were added. */
struct ks__entry_list {
    struct ks__map_entry **items;
    size_t                 count, capacity;
};

struct ks__expiry;
struct ks__kv_iter;
struct ks__lru;
struct ks__ring;

#define KS__RING_SLOTS 4u /* databases of a window or session store; see ring.h */

/* Whom reads are for. */
struct ks__reading {
    struct ks__env     *env;            /* NULL = nothing on disk */
    struct ks__txn     *txn;            /* begun at the first need */
    ks_error           *error;
    struct ks__arena   *arena;          /* decoded headers, iterators */
    struct ks__kv_iter *iterators;      /* open ones */
    uint64_t            generation;     /* counts what the transaction has shown; 0 = none yet */
};

struct ks_kv_store {
    const struct ks__store_spec *spec;
    struct ks__reading          *reading;
    struct ks__state            *state; /* NULL = a reader or snapshot: it cannot be written */
    struct ks__map               rows;
    struct ks__entry_list        opened, sealed;
    size_t                       open_bytes, sealed_bytes, dirty_bytes;
    uint64_t                     version;
    struct ks__expiry           *expiry;        /* rows have a ttl; NULL = they have not */
    int64_t                      horizon_ms;    /* snapshots: as expiry.h */
    struct ks__lru              *lru;           /* it has a bound; NULL = it has not */
    bool                         quiet;         /* rows come from the changelog */
    struct ks__ring             *ring;          /* window and session stores; NULL = one database */
    unsigned                     dbs[KS__RING_SLOTS];
    unsigned                     db_count;
    uint64_t                     generation;    /* of `rows` */
    uint64_t                     disk_rows;     /* in LMDB; none = no need to look */
    uint64_t                     db_rows[KS__RING_SLOTS];
    bool                         cached;
    bool                         touched;
    struct ks_kv_store          *next_touched;  /* written in this record */
    struct ks__entry_list        dirty;         /* from dirty_at on: in order of last write */
    size_t                       dirty_holes;   /* entries that have moved on */
    size_t                       dirty_at;
    ks__kv_flush_fn             *flush_fn;
    void                        *flush_user;
};

struct ks__state {
    struct ks__state            *next;          /* in the registry of the process */
    const struct ks__state_host *host;
    const struct ks__log        *log;
    struct ks__env              *env;
    struct ks__reading           reading;
    struct ks_kv_store         **stores;        /* in order of opening */
    size_t                       store_count, store_capacity;
    struct ks_kv_store          *numbers;       /* positions and clocks */
    struct ks_kv_store          *touched;
    struct ks__buffer            scratch;       /* encoded headers and rows */
    bool                         caches;
    bool                         kafka_retention;
    bool                         is_new;
};

/* ---- kv.c ---- */

void ks__kv_init(struct ks_kv_store *store, const struct ks__store_spec *spec,
                 struct ks__reading *reading);
void ks__kv_release(struct ks_kv_store *store);
static inline struct ks__kv_entry *ks__kv_entry(const struct ks__map_entry *entry)
{
    return ks__map_payload(entry);
}
static inline bool ks__cell_exists(const struct ks__cell *cell)
{
    return cell->value_size != KS__CELL_DELETED;
}
struct ks__row_parts ks__cell_parts(const struct ks__cell *cell);
/* Copy a row into a map; NULL = no memory. */
struct ks__cell *ks__cell_new(struct ks__map *map, const struct ks__row_parts *row);
void ks__cell_retire(struct ks__map *map, struct ks__cell *cell);
/* Memory that a cell takes. */
size_t ks__cell_bytes(const struct ks__cell *cell);
/* Something was retired: purge at the end of the record. */
void ks__kv_touch(struct ks_kv_store *store);
/* Decode for a caller; false = deleted, or an error is set. `*row` is cleared then. */
bool ks__kv_read(struct ks_kv_store *store, const struct ks__row_parts *parts, struct ks__row *row);
/* The row in LMDB. */
bool ks__kv_get_below(struct ks_kv_store *store, ks_bytes key, struct ks__row *row);
/* Memory that an entry takes, without its cells. */
static inline size_t ks__kv_entry_bytes(const struct ks__map_entry *entry)
{
    return sizeof(*entry) + sizeof(struct ks__kv_entry) + entry->key.size;
}
/* Ask for the entries a few places ahead of `at`: they are not in the processor's cache. */
static inline void ks__entries_prefetch(const struct ks__entry_list *list, size_t at)
{
    if (at + 16 < list->count && list->items[at + 16] != NULL) {
        __builtin_prefetch(&list->items[at + 16]->key);
        __builtin_prefetch((const char *)&list->items[at + 16]->key + 64);
    }
    if (at + 8 < list->count && list->items[at + 8] != NULL)
        __builtin_prefetch(ks__kv_entry(list->items[at + 8])->now);
}

/* ---- disk.c ---- */

/* Have a read transaction; false = error set. */
bool ks__reading_begin(struct ks__reading *reading);
/* Close the iterators. */
void ks__reading_end_record(struct ks__reading *reading);
/* Let go of what is read; the next read sees the newest commit. Between records only. */
void ks__reading_renew(struct ks__reading *reading);
void ks__reading_end(struct ks__reading *reading);

/* Ready to look into LMDB, and there is something to find. False = nothing there, or an error is
 * set: ks__disk_failed() tells which, of the last call. */
bool ks__disk_has_rows(struct ks_kv_store *store);
static inline bool ks__disk_failed(const struct ks_kv_store *store)
{
    return store->generation != store->reading->generation;
}
/* False = absent, or an error is set. */
bool ks__disk_find(struct ks_kv_store *store, ks_bytes key, struct ks__row_parts *out);

/* Writes of one store inside one write transaction. */
struct ks__disk_writer {
    struct ks__txn       *txn;
    struct ks_kv_store   *store;
    struct ks__db_cursor *cursors[KS__RING_SLOTS]; /* opened at the first need */
    struct ks__buffer    *scratch;
};
void ks__disk_writer_open(struct ks__disk_writer *writer, struct ks__txn *txn,
                          struct ks_kv_store *store, struct ks__buffer *scratch);
void ks__disk_writer_close(struct ks__disk_writer *writer);
/* Write or delete one row. The error is that of the transaction. */
ks_status ks__disk_put(struct ks__disk_writer *writer, ks_bytes key,
                       const struct ks__row_parts *row, ks_error *error);

/* ---- walk.c ---- */

struct ks__walk_item {
    ks_bytes key;
    ks_bytes row;           /* encoded */
};

/* Stands on one row of LMDB after the other, in key order. */
struct ks__walk {
    struct ks_kv_store   *store;
    struct ks__db_cursor *cursor;       /* NULL = at the end */
    bool                  descending;
    bool                  valid;        /* `at` is a row */
    bool                  failed;       /* there may be more rows, but an error is set */
    struct ks__walk_item  at;
    ks_bytes              held_key;     /* where the cursor stands; null = nowhere */
    ks_bytes              held_value;
    struct ks__walk_item *run;          /* long keys of equal start, sorted */
    size_t                run_count, run_at, run_capacity;
};

/* In one database of the store: start at the first row >= `from`, or descending at the last <=
 * `from`; null = at the end of the store where the walk begins. A failure is set in the reading's
 * error; then there is no row. */
void ks__walk_open(struct ks__walk *walk, struct ks_kv_store *store, unsigned slot, ks_bytes from,
                   bool descending);
void ks__walk_next(struct ks__walk *walk);
void ks__walk_close(struct ks__walk *walk);

/* The same over several databases of a store, as one. */
struct ks__walks {
    struct ks__walk  walk[KS__RING_SLOTS];
    unsigned         count;
    struct ks__walk *head;              /* stands on the next row; NULL = at the end */
    bool             failed;
};
/* `slots`: one bit per database; those that are not there do not count. */
void ks__walks_open(struct ks__walks *walks, struct ks_kv_store *store, unsigned slots,
                    ks_bytes from, bool descending);
void ks__walks_next(struct ks__walks *walks);
void ks__walks_close(struct ks__walks *walks);

/* ---- iter.c ---- */

/* ks__kv_range() in some of the databases. */
ks_iter *ks__kv_range_in(struct ks_kv_store *store, unsigned slots, ks_bytes from, ks_bytes to,
                         ks_order order);

/* Windowed keys of its rows come with key and window apart. Gives the iterator. */
ks_iter *ks__kv_for_user(ks_iter *iter);

/* ---- cache.c ---- */

/* The entry has been written for the first time since it was forwarded; there is room. */
void ks__cache_add(struct ks_kv_store *store, struct ks__map_entry *entry);
/* It was written once more: the last to be forwarded now. Room as for the first time. */
void ks__cache_again(struct ks_kv_store *store, struct ks__map_entry *entry);
/* Tell the changelog, if the store has one. */
void ks__kv_log_change(struct ks_kv_store *store, ks_bytes key, const struct ks__row *row);

/* ---- expiry.c ---- */

#define KS__HORIZON_NAME 300 /* names of stores have 249 characters at most */

/* What was kept of a store, read from the numbers. */
int64_t ks__expiry_kept_horizon(struct ks_kv_store *numbers, const char *store);
/* May any of its rows be dead? */
static inline bool ks__kv_has_dead(const struct ks_kv_store *store)
{
    return store->expiry != NULL || store->horizon_ms != INT64_MIN;
}

/* ---- layers.c ---- */

/* open -> committed. */
void ks__layers_seal(struct ks_kv_store *store);
void ks__layers_drop(struct ks_kv_store *store);
/* Write the committed layer inside the transaction; the layer stays. */
ks_status ks__layers_write(struct ks_kv_store *store, struct ks__txn *txn, ks_error *error);
/* It was written: its entries are clean. */
void ks__layers_written(struct ks_kv_store *store);
/* Forget the clean entries if all are and they take more. */
void ks__layers_trim(struct ks_kv_store *store, size_t keep_bytes);

/* ---- meta.c ---- */

ks_status ks__meta_open(struct ks__state *state, ks_error *error);
/* The numbers of an env whose state is not ours; to be released. The reading must begin after. */
ks_status ks__meta_open_reader(struct ks_kv_store *numbers, struct ks__env *env,
                               struct ks__reading *reading, ks_error *error);
/* Inside a write transaction, past the layers. */
ks_status ks__meta_write_number(struct ks__state *state, struct ks__txn *txn, const char *name,
                                int64_t number, ks_error *error);
ks_status ks__meta_delete_number(struct ks__state *state, struct ks__txn *txn, const char *name,
                                 ks_error *error);

/* ---- state.c ---- */

/* The number of a store's database, made if missing. */
ks_status ks__state_database(struct ks__env *env, const char *store, unsigned *db, ks_error *error);

#endif

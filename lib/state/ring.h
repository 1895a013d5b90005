/* SPDX-License-Identifier: Apache-2.0
 *
 * ring.h - what a window or session store has beyond a key-value store: segments and retention.
 *
 *      time:   0 .... interval .... 2 .... 3 .... 4 .... 5
 *      slot:   [  0  ][  1  ][  2  ][  3  ][  0  ][  1  ]      databases NAME/0 ... NAME/3
 *
 *      floor   rows whose time is not above it are hidden from readers
 *      dead    rows whose time is not above it may be removed: dead <= floor
 *
 * The time of a store is the largest time of a row put so far, kept as a number with the state.
 * With Kafka's retention floor = time - retention. Otherwise floor = min(time, what every holder
 * has worked off) - keep: an operator that still owes a final result, or a slower input of a
 * cogroup, finds its rows, however far the time has jumped.
 *
 * Invariants
 *   R1  A row is live by its own time, never by its slot: a slot may hold rows of a dead generation
 *       until the sweep passes. Every read filters.
 *   R2  Neither floor ever falls, but by drop().
 *   R3  The sweep removes dead rows only, in bounded steps, in the transaction of a write.
 *
 * Threads: the task's.
 */
#ifndef KS_STATE_RING_H
#define KS_STATE_RING_H

#include "state/parts.h"
#include "state/timed_key.h"
#include "state/window_store.h"

#define KS__HOLDERS_MAX 64

struct ks__ring {
    enum ks__store_kind kind;
    bool                is_index;       /* times stand in front of the keys */
    bool                kafka;          /* hide as Kafka Streams does */
    bool                cached;
    int64_t             interval_ms;    /* of a segment */
    int64_t             retention_ms;
    int64_t             keep_ms;
    struct ks__ring    *owner;          /* index: of the rows; else itself */
    struct ks_kv_store *index;          /* NULL = none */
    struct ks__store_spec index_spec;
    /* Kept with the state. */
    bool                known;          /* read since the last drop */
    bool                moved;          /* to be written at the next seal */
    int64_t             time_ms;
    int64_t             flushed_ms;     /* the same, of the rows that have left the cache */
    uint32_t            sequence;       /* of the last put that keeps duplicates */
    int64_t             held_ms[KS__HOLDERS_MAX];
    unsigned            holders;
    int64_t             floor_ms, dead_ms;
    /* The sweep. */
    int64_t             sealed_dead_ms; /* dead_ms at the last seal */
    int64_t             swept_ms;       /* all rows up to it are gone */
    int64_t             sweeping_ms;    /* dead_ms when the pass under way began */
    unsigned            sweep_slot;     /* being swept; KS__RING_SLOTS = no pass */
    uint8_t             sweep_key[KS__ROW_KEY_LIMIT];
    size_t              sweep_key_size; /* 0 = at the start of the slot */
    ks__window_flush_fn *flush_fn;
    void                *flush_user;
};

/* Give a store its ring and databases; `owner` is that of an index, else NULL. */
ks_status ks__ring_open(struct ks_kv_store *store, struct ks__env *env, struct ks_kv_store *owner,
                        bool kafka, ks_error *error);
void ks__ring_free(struct ks_kv_store *store);

/* Read the numbers after open or drop. */
void ks__ring_know(struct ks_kv_store *store);
/* The same for a snapshot: from the numbers that its transaction shows; from the store itself. */
void ks__ring_load(struct ks_kv_store *store, struct ks_kv_store *numbers);
void ks__ring_copy(struct ks_kv_store *store, struct ks_kv_store *from);
/* A row is put at this time: the store's time moves. */
void ks__ring_advance(struct ks_kv_store *store, int64_t time_ms);
/* Is a put at this time too old for a store whose time is `now_ms`? With Kafka's retention that is
 * what falls into a segment which it has dropped, otherwise what is dead. */
bool ks__ring_refuses(const struct ks__ring *ring, int64_t time_ms, int64_t now_ms);
void ks__ring_tell_refused(struct ks_kv_store *store);
/* A row leaves the cache. With Kafka's retention: is its row below the cache hidden by then? */
bool ks__ring_hides_flushed(struct ks_kv_store *store, ks_bytes key);
/* Sessions that end by then are not found when final results are collected: with Kafka's retention
 * those in segments which it has dropped, but no others. */
int64_t ks__ring_lost_sessions_ms(const struct ks__ring *ring);
/* At a seal: write the numbers that moved. */
void ks__ring_keep(struct ks_kv_store *store);
static inline void ks__ring_forget(struct ks_kv_store *store)
{
    if (store->ring != NULL)
        store->ring->known = store->ring->moved = false;
}

int64_t ks__ring_time_of(const struct ks__ring *ring, ks_bytes key);
/* The database of a row: 0 without a ring. */
static inline unsigned ks__ring_slot_at(const struct ks__ring *ring, int64_t time_ms)
{
    return time_ms <= 0 ? 0 : (unsigned)(time_ms / ring->interval_ms % KS__RING_SLOTS);
}
static inline unsigned ks__ring_slot(const struct ks__ring *ring, ks_bytes key)
{
    return ring == NULL ? 0 : ks__ring_slot_at(ring, ks__ring_time_of(ring, key));
}
/* The end of the last segment that is wholly dead; -1 = none. */
int64_t ks__ring_dead_segments_end(const struct ks__ring *ring, int64_t dead_ms);
/* The window of a row. */
ks_window ks__timed_window(const struct ks_kv_store *store, const struct ks__timed_key *parts);
/* The databases that rows of these times lie in, as bits. */
unsigned ks__ring_slots(const struct ks__ring *ring, int64_t from_ms, int64_t to_ms);

/* Inside a write transaction: remove some dead rows. */
ks_status ks__ring_sweep(struct ks_kv_store *store, struct ks__txn *txn, ks_error *error);

/* ---- restore ---- */

/* Rows straight from the changelog: their largest time and sequence, and the index. */
struct ks__ring_restore {
    struct ks__disk_writer index;
    int64_t                time_ms;
    uint32_t               sequence;
};
void ks__ring_restore_begin(struct ks__ring_restore *restore, struct ks_kv_store *store,
                            struct ks__txn *txn);
ks_status ks__ring_restore_row(struct ks__ring_restore *restore, struct ks_kv_store *store,
                               ks_bytes key, bool deleted, ks_error *error);
ks_status ks__ring_restore_end(struct ks__ring_restore *restore, struct ks_kv_store *store,
                               struct ks__txn *txn, ks_status status, ks_error *error);
/* Forget times and index of a store that is being emptied. */
ks_status ks__ring_wipe(struct ks_kv_store *store, struct ks__txn *txn, ks_error *error);

#endif

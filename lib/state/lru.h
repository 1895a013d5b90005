/* SPDX-License-Identifier: Apache-2.0
 *
 * lru.h - a key-value store of at most so many rows: the least recently used goes.
 *
 *      get that finds, put --use n--> uses: key -> n      order: [n, 8][key]
 *      put of a new key, one row too many --first of order--> deleted, with a tombstone
 *
 * Both indexes are stores of the state, so the order is that of the last commit after an abort or a
 * restart, reads included. From the changelog, which tells of puts only, it is the order of puts.
 *
 * Invariants
 *   L1  A row, its entry in `uses` and its entry in `order` are there together or not at all.
 *   L2  Uses are numbered upwards; the entries of `order` are in the order of last use.
 *
 * Threads: the task's.
 */
#ifndef KS_STATE_LRU_H
#define KS_STATE_LRU_H

#include "state/parts.h"

struct ks__lru {
    struct ks_kv_store   *uses, *order;
    struct ks__store_spec uses_spec, order_spec;
    uint64_t              max_rows;
    bool                  known; /* the next members are right */
    uint64_t              count; /* rows */
    int64_t               next;  /* use */
    struct ks__buffer     from;  /* no entry of `order` lies before */
};

/* Give a store that is being opened what it needs; NULL in store->lru if it has no bound. */
ks_status ks__lru_open(struct ks_kv_store *store, ks_error *error);
void      ks__lru_free(struct ks_kv_store *store);
/* What is remembered beside the state may be wrong now. */
void ks__lru_forget(struct ks_kv_store *store);

/* The row of a key has been read, and there is one. */
void ks__lru_note_read(struct ks_kv_store *store, ks_bytes key);
/* A row is about to be put or deleted (null value): note it, and delete what is too many. */
void ks__lru_note_put(struct ks_kv_store *store, ks_bytes key, const struct ks__row *row);
/* Put a row of the changelog, through the layers. */
void ks__lru_restore(struct ks_kv_store *store, ks_bytes key, const struct ks__row *row);

#endif

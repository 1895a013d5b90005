/* SPDX-License-Identifier: Apache-2.0
 *
 * table.h - what all table operators do alike: open their store, send changes, look rows up.
 *
 *      update:  old row --put--> new row --+--> not cached: forward (new, old) now
 *                                          `--> cached: the store forwards at its flush
 *
 * Invariants
 *   TB1  The store is written before the change is forwarded (O3).
 *   TB2  Old values are sent only if somebody asked for them when the topology was declared.
 *
 * Threads: the task's.
 */
#ifndef KS_DSL_OPS_TABLE_H
#define KS_DSL_OPS_TABLE_H

#include "dsl/dsl.h"

/* First member of the state of a table operator. */
struct ks__table_state {
    ks_ctx             *ctx;
    struct ks__op      *op;
    struct ks_kv_store *store;     /* NULL = not materialized */
    const ks_serde     *windowed;  /* puts key and window of a row into one; NULL = plain keys */
    bool                versioned; /* the store is */
    bool                cached;    /* changes leave at the flush */
    bool                sends_old;
    bool                expires;   /* rows of the store have a ttl */
};

/* The open function of an operator whose arguments begin with struct ks__table_args. */
void ks__table_open(void *state, ks_ctx *ctx);
/* The same for an operator that shares its store with others, of which one hears of flushes. */
void ks__table_open_shared(void *state, ks_ctx *ctx);
/* Its row function when it has a store. */
bool ks__table_stored_row(void *state, ks_ctx *ctx, const struct ks__row_key *key,
                          struct ks__row *row);
/* The keyed_store function of such an operator. */
struct ks_kv_store *ks__table_keyed_store(void *state);
/* The row in the store; false = none, or a failure. */
bool ks__table_get(struct ks__table_state *t, const struct ks__row_key *key, struct ks__row *row);
/* Is the old value to be computed for this change? */
static inline bool ks__table_wants_old(const struct ks__table_state *t)
{
    return t->sends_old && !t->cached;
}
/* Put the row, if there is a store, and send the change, unless the flush does. `old` may be null;
 * it is left out unless wanted. Time, key, window, headers are those of `change`. */
void ks__table_update(struct ks__table_state *t, const struct ks__record *change, ks_bytes old);
/* Both for an update of the row that was found: the key is looked for once. A row that has outlived
 * its ttl is deleted before, with all that follows. */
bool ks__table_find(struct ks__table_state *t, const ks_record *record, struct ks__kv_slot *slot,
                    struct ks__row *row);
void ks__table_update_found(struct ks__table_state *t, struct ks__kv_slot *slot,
                            const struct ks__record *change, ks_bytes old);
/* The row of another table operator of this task; false = none, `*row` cleared. */
bool ks__table_row_of(ks_ctx *ctx, struct ks__op *table, const struct ks__row_key *key,
                      struct ks__row *row);
/* The present row of a record's key. */
static inline struct ks__row_key ks__row_key_of(const ks_record *record)
{
    return (struct ks__row_key){ record->key, record->window, KS__NOW };
}
/* The row in the store of a record's key, before an update; dead ones as ks__table_find(). */
bool ks__table_read(struct ks__table_state *t, const ks_record *record, struct ks__row *row);
/* The operator of the n-th view of the present one; to be called in open. NULL = failed. */
struct ks__op *ks__table_view(ks_ctx *ctx, size_t n);

#endif

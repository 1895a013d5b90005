/* SPDX-License-Identifier: Apache-2.0
 *
 * snapshot.h - one store of one task, as it was at a moment, for any thread.
 *
 *      committed  read transaction on the env                        (never waits)
 *      fresh      the same + a copy of the open and committed rows   (taken by the owning thread)
 *
 * Several tasks are put together by the query room.
 *
 * Invariants
 *   N1  Rows and iterators live until the snapshot is freed, also after the state was closed: the
 *       read transaction holds the env.
 *   N2  A snapshot pins pages of the env: seconds, not hours.
 *
 * Threads: made by any thread (fresh: the store's), then used by one at a time.
 */
#ifndef KS_STATE_SNAPSHOT_H
#define KS_STATE_SNAPSHOT_H

#include "state/state.h"

struct ks__snapshot;

/* Committed rows of the key-value store of this name. The env must not be closed meanwhile; once
 * the snapshot is made it may. */
ks_status ks__snapshot_of_env(struct ks__snapshot **out, struct ks__env *env, const char *store,
                              ks_error *error);
/* The same of another process's directory. KS_ESTATE: it is open in this process. */
ks_status ks__snapshot_of_directory(struct ks__snapshot **out, const char *directory,
                                    const char *store, ks_error *error);
/* Committed rows of a store of any kind, by any thread: of `store` only what does not change is
 * looked at. */
ks_status ks__snapshot_of_committed(struct ks__snapshot **out, const struct ks_kv_store *store,
                                    ks_error *error);
/* Everything up to now, between two records of the owning thread. */
ks_status ks__snapshot_of_store(struct ks__snapshot **out, struct ks_kv_store *store,
                                ks_error *error);
/* NULL is fine. */
void ks__snapshot_free(struct ks__snapshot *snapshot);

/* Up to where the inputs of its task are in the snapshot. Committed: as the env has it; the topic
 * of a global store is not known there (NULL). */
struct ks__snapshot_position {
    struct ks__snapshot_position *next;
    const char                   *topic; /* in the snapshot */
    int32_t                       partition;
    int64_t                       offset; /* of the next record */
};
struct ks__snapshot_position *ks__snapshot_positions(const struct ks__snapshot *snapshot);
/* In place of what the env has: forget that, add one. False = no memory. */
void ks__snapshot_forget_positions(struct ks__snapshot *snapshot);
bool ks__snapshot_add_position(struct ks__snapshot *snapshot, const char *topic, int32_t partition,
                               int64_t offset);

/* As the calls of store.h; failures in ks__snapshot_error(). */
bool     ks__snapshot_get(struct ks__snapshot *snapshot, ks_bytes key, ks_record *row);
ks_iter *ks__snapshot_range(struct ks__snapshot *snapshot, ks_bytes from, ks_bytes to,
                            ks_order order);
ks_iter *ks__snapshot_prefix(struct ks__snapshot *snapshot, ks_bytes prefix, ks_order order);
uint64_t ks__snapshot_count(struct ks__snapshot *snapshot);
/* The store that it is, for the calls of its kind; it cannot be written. */
struct ks_kv_store *ks__snapshot_store(struct ks__snapshot *snapshot);
const ks_error *ks__snapshot_error(const struct ks__snapshot *snapshot);

#endif

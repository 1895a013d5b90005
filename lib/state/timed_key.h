/* SPDX-License-Identifier: Apache-2.0
 *
 * timed_key.h - keys of window and session stores: in memory, on disk and on the changelog alike.
 *
 *      window    [key ...][start, 8][sequence, 4]     Kafka's layouts; big-endian, so that rows of
 *      session   [key ...][end, 8][start, 8]          one key lie in the order of time
 *
 *      the index of either has the times in front: [start, 8][key ...], [end, 8][start, 8][key ...]
 *
 * The `time` of a row is the start of a window, the end of a session: what retention is measured
 * by.
 * Threads: pure.
 */
#ifndef KS_STATE_TIMED_KEY_H
#define KS_STATE_TIMED_KEY_H

#include "base/arena.h"
#include "state/store.h"

struct ks__timed_key {
    ks_bytes key;
    int64_t  time_ms;   /* start of a window, end of a session */
    int64_t  start_ms;  /* of a session */
    uint32_t sequence;  /* of a window */
};

/* Put a key together in the arena; null = no memory. */
ks_bytes ks__timed_key_make(enum ks__store_kind kind, const struct ks__timed_key *parts,
                            struct ks__arena *arena);
/* Take one apart; `parts->key` points into it. False = too short. */
bool ks__timed_key_split(enum ks__store_kind kind, ks_bytes key, struct ks__timed_key *parts);
/* Only its time; 0 for one that is too short. */
int64_t ks__timed_key_time(enum ks__store_kind kind, ks_bytes key);

/* The same for keys of the index. */
ks_bytes ks__index_key_make(enum ks__store_kind kind, const struct ks__timed_key *parts,
                            struct ks__arena *arena);
bool ks__index_key_split(enum ks__store_kind kind, ks_bytes key, struct ks__timed_key *parts);
int64_t ks__index_key_time(ks_bytes key);

#endif

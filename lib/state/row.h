/* SPDX-License-Identifier: Apache-2.0
 *
 * row.h - how a row of a store lies in LMDB: its key and its bytes.
 *
 *      short key (up to 494 bytes)    LMDB key    00 | key
 *                                     LMDB value  row
 *      long key                       LMDB key    00 | first 494 bytes | 16 bytes of hash   (511)
 *                                     LMDB value  { u32 size, u32 key size, key, row }, one or more
 *
 *      row    u8 flags | i64 timestamp | [u32 size, headers]  if flag 1 | value             (rest)
 *
 * The leading zero lets the empty key be a key; LMDB refuses one of size 0. Keys whose long form is
 * equal chain in one value. All numbers are big-endian.
 *
 * Invariants
 *   W1  Short keys lie in their own order, a run of long keys of equal start after the short key
 *       that is this start: who reads in order sorts each run by the full keys (state/walk.c).
 *   W2  No read goes past the bytes, whatever they hold.
 *
 * Threads: pure.
 */
#ifndef KS_STATE_ROW_H
#define KS_STATE_ROW_H

#include "base/arena.h"
#include "base/buffer.h"
#include "state/store.h"

#define KS__ROW_KEY_LIMIT  511u                     /* of LMDB */
#define KS__ROW_HASH_BYTES 16u
#define KS__ROW_SHORT_KEY  (KS__ROW_KEY_LIMIT - KS__ROW_HASH_BYTES - 1)
#define KS__ROW_BYTES      ((size_t)INT32_MAX)      /* limit of key, value and headers together */

/* A row with its headers encoded. A null value is a deletion. */
struct ks__row_parts {
    ks_bytes value;
    ks_bytes headers;   /* null or empty = none */
    int64_t  timestamp_ms;
};

/* The LMDB key, built in `text`. */
ks_bytes ks__row_key(ks_bytes key, uint8_t text[KS__ROW_KEY_LIMIT]);
/* Where to start a walk at `key`: the shortest LMDB key that is not above any row >= it, or with
 * `above` the greatest that is not below any row <= it. */
ks_bytes ks__row_seek_key(ks_bytes key, bool above, uint8_t text[KS__ROW_KEY_LIMIT]);

static inline bool ks__row_is_long(ks_bytes key)
{
    return key.size > KS__ROW_SHORT_KEY;
}

/* The same question of an LMDB key. */
static inline bool ks__row_holds_chain(ks_bytes lmdb_key)
{
    return lmdb_key.size == KS__ROW_KEY_LIMIT;
}

/* The key of a short row. */
static inline ks_bytes ks__row_short_key(ks_bytes lmdb_key)
{
    return (ks_bytes){ (const uint8_t *)lmdb_key.data + 1, lmdb_key.size - 1 };
}

void ks__row_encode(struct ks__buffer *out, const struct ks__row_parts *row);
/* KS_ECORRUPT; everything points into `bytes`. */
ks_status ks__row_split(ks_bytes bytes, struct ks__row_parts *out);

/* Append one link of a chain. */
void ks__row_encode_link(struct ks__buffer *out, ks_bytes key, const struct ks__row_parts *row);
/* The next link off the front of `*chain`; false at the end, and with `*chain` not empty when it is
 * damaged. `whole` (may be NULL) is the link with its sizes. */
bool ks__row_next_link(ks_bytes *chain, ks_bytes *key, ks_bytes *row, ks_bytes *whole);

/* For tests: replace the hash of long keys; NULL = the real one. */
void ks__row_set_hash(void (*hash)(const void *data, size_t size, uint8_t out[16]));

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * suppress_buffer.h - changes that are held back, in the order of time, as rows of a store.
 *
 *      [0]               -> how many, how large, when the first is due
 *      [1][key]          -> its time
 *      [2][time][key]    -> the change; the row has its timestamp and headers
 *
 * Invariants
 *   SB1  A key that is held already keeps its first time; only the change is replaced.
 *   SB2  Of a key that is held, `prior` is the value before the first change held.
 *
 * Keys are whole: a windowed key is one with its window. Threads: the task's.
 */
#ifndef KS_DSL_OPS_SUPPRESS_BUFFER_H
#define KS_DSL_OPS_SUPPRESS_BUFFER_H

#include "topology/op.h"

struct ks__held {
    ks_bytes          key;
    int64_t           time_ms;      /* by which it is ordered */
    ks_bytes          value, old;
    ks_bytes          prior;        /* SB2 */
    int64_t           timestamp_ms; /* of the record */
    const ks_headers *headers;
};

struct ks__held_sizes {
    int64_t count;
    int64_t bytes;
    int64_t first_ms; /* of the first; INT64_MAX = there is none */
};

struct ks__held_sizes ks__held_sizes(struct ks_kv_store *buffer);
/* Hold a change back; `prior` is found here. False = no memory, raised. */
bool ks__held_put(ks_ctx *ctx, struct ks_kv_store *buffer, const struct ks__held *held);
/* The change that is held of a key; false = none. */
bool ks__held_get(ks_ctx *ctx, struct ks_kv_store *buffer, ks_bytes key, struct ks__held *held);
/* A row of [2] taken apart, without timestamp and headers; false = damaged. And its value, of so
 * many bytes. */
bool   ks__held_read(ks_bytes key, ks_bytes value, struct ks__held *held);
size_t ks__held_size(const struct ks__held *held);
void   ks__held_write(const struct ks__held *held, uint8_t *out);
/* Take out the first ones, as long as `wanted` says so of the sizes and of the first. */
struct ks__held_taker {
    bool (*wanted)(ks_ctx *ctx, void *user, const struct ks__held_sizes *sizes);
    void (*take)(ks_ctx *ctx, void *user, const struct ks__held *held);
    void  *user;
};
void ks__held_release(ks_ctx *ctx, struct ks_kv_store *buffer, const struct ks__held_taker *taker);

#endif

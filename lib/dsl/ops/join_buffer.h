/* SPDX-License-Identifier: Apache-2.0
 *
 * join_buffer.h - stream records that wait for their table to catch up, in the order of time.
 *
 *      [time][key][arrival]  ->  the record        rows of a store, by time, key, arrival
 *
 * Threads: the task's.
 */
#ifndef KS_DSL_OPS_JOIN_BUFFER_H
#define KS_DSL_OPS_JOIN_BUFFER_H

#include "topology/op.h"

/* In the open of the operator that has the buffer. */
void ks__join_buffer_open(ks_ctx *ctx);
/* Keep a record with a key until it is released; gives the key of its row, null = an error is
 * set. */
ks_bytes ks__join_buffer_put(ks_ctx *ctx, struct ks_kv_store *buffer, const ks_record *record);
/* Hand over, and forget, what is not later than `until_ms`. One that fails is judged by itself, the
 * others go on; `own` is the row of the present record, null = there is none. */
typedef void ks__join_buffer_fn(ks_ctx *ctx, void *user, const ks_record *record);
void ks__join_buffer_release(ks_ctx *ctx, struct ks_kv_store *buffer, ks_bytes own,
                             int64_t until_ms, ks__join_buffer_fn *fn, void *user);

#endif

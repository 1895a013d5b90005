/* SPDX-License-Identifier: Apache-2.0
 *
 * meter.h - metrics of the user's own: numbers of an operator, found by name.
 *
 *      open:     ks_ctx_counter(ctx, "lookups-total") --> found, or made and put in front
 *      process:  ks_counter_add(counter, 1)           --> one relaxed store
 *      metrics:  ks__meters_each(...)                 --> rows, from any thread
 *
 * Invariants
 *   M1  A list only grows, and a meter does not change but for its numbers, until
 *       ks__meters_release(): who asks for metrics walks it while its thread works.
 *   M2  It outlives close and open of the operator after an abort, which finds its meters again.
 *
 * Threads: one makes and writes, any reads.
 */
#ifndef KS_TOPOLOGY_METER_H
#define KS_TOPOLOGY_METER_H

#include "base/counter.h"

struct ks__meter;

/* Zeroed is empty. */
struct ks__meters {
    _Atomic(struct ks__meter *) first;
};

/* All rows, the name valid during the call. */
typedef void ks__meter_fn(void *user, const char *name, int64_t value);
void ks__meters_each(const struct ks__meters *meters, ks__meter_fn *fn, void *user);
/* Nobody may be reading any more. */
void ks__meters_release(struct ks__meters *meters);

#endif

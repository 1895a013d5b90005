/* SPDX-License-Identifier: Apache-2.0
 *
 * join_on.h - the five operators of a foreign-key join.
 *
 *      left ─> subscribe ─> [topic by foreign key] ─> register ─> ask ──────────┐
 *        ^                                            [subscriptions]   right   │
 *        │ rows                                          v prefix        v rows │
 *        │                                   right ─> notify ───────────────────┤
 *      result <─ resolve <─ [topic by primary key] <────────────────────────────┘
 *
 * Invariants
 *   FK1  A subscription carries the hash of the left value; an answer brings it back and counts
 *        only if the left row still has that value.
 *   FK2  An answer goes to the partition that asked.
 */
#ifndef KS_DSL_OPS_JOIN_ON_H
#define KS_DSL_OPS_JOIN_ON_H

#include "dsl/ops/table.h"

struct ks__join_on_args {
    ks_selector_fn *foreign;
    ks_joiner_fn   *join;
    bool            left;
    const char     *store; /* of the subscriptions */
};

extern const struct ks__op_class ks__join_on_subscribe_class;
extern const struct ks__op_class ks__join_on_register_class;
extern const struct ks__op_class ks__join_on_ask_class;
extern const struct ks__op_class ks__join_on_notify_class;
extern const struct ks__op_class ks__join_on_resolve_class;

/* The foreign key of a left row; null = none, or failed. */
ks_bytes ks__join_on_foreign(ks_ctx *ctx, const ks_record *record, ks_bytes value);
/* Of the answers' topic (FK2). */
ks_partitioner_fn ks__join_on_route;

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * join_stream.h - the operators of a join of two streams (join_stream_op.c) and who declares them.
 */
#ifndef KS_DSL_OPS_JOIN_STREAM_H
#define KS_DSL_OPS_JOIN_STREAM_H

#include "dsl/dsl.h"
#include "window/window.h"

/* Keeps the records of one side, after they have been joined. */
struct ks__join_keep_args {
    const char *store;
};

/* Joins the records of one side with those that the other has kept. */
struct ks__join_side_args {
    ks_joiner_fn        *join;
    const char          *other;   /* store of the other side */
    const char          *waiting; /* store of what has no partner yet; NULL = inner join */
    struct ks__join_span span;    /* as this side sees it */
    bool                 left;
    bool                 outer;   /* this side's records are sent without partner too */
};

extern const struct ks__op_class ks__join_keep_class;
extern const struct ks__op_class ks__join_side_class;

#endif

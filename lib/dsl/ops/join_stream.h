/* SPDX-License-Identifier: Apache-2.0
 *
 * join_stream.h - the operators of a join of two streams (join_stream_op.c, join_stream_self.c) and
 * who declares them.
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

/* Joins a stream with itself, when it is built that way (struct ks__self_join). */
struct ks__join_self_args {
    ks_joiner_fn        *join;
    const char          *store;
    struct ks__join_span span;
    bool                 left_outer;  /* a record without partner is sent as the left side, */
    bool                 right_outer; /* and as the right one */
};

extern const struct ks__op_class ks__join_keep_class;
extern const struct ks__op_class ks__join_side_class;
extern const struct ks__op_class ks__join_self_class; /* join_stream_self.c */

#endif

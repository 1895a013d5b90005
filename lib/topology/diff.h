/* SPDX-License-Identifier: Apache-2.0
 *
 * diff.h - what diff.c (who belongs to whom) and judge.c (does it fit) share.
 */
#ifndef KS_TOPOLOGY_DIFF_H
#define KS_TOPOLOGY_DIFF_H

#include "topology/shape.h"

/* What stands for one thing before and after; one of them may be NULL. */
struct ks__match {
    const struct ks__shape_item *before;
    const struct ks__shape_item *after;
};

struct ks_diff {
    ks_error          error;
    struct ks__arena  arena;   /* texts of the entries */
    struct ks__shape  before, after;
    struct ks__match *matches; /* one per item of `after`, in its order */
    size_t            match_count;
    ks_difference    *entries;
    size_t            count, capacity;
    size_t            next;
    bool              failed;  /* no memory */
};

struct ks__judgement {
    ks_diff_verdict verdict;
    const char     *why;
};

/* A text in the diff's memory. */
const char *ks__diff_why(struct ks_diff *diff, const char *format, ...) KS__PRINTF(2, 3);
struct ks__judgement ks__diff_judge(struct ks_diff *diff, const struct ks__match *match);
/* Are they the same thing under generated names that differ in numbers only? */
bool ks__diff_is_renamed(const struct ks__shape_item *before, const struct ks__shape_item *after);

const char *ks__diff_verdict_name(ks_diff_verdict verdict);
const char *ks__diff_subject_name(ks_diff_subject subject);

#endif

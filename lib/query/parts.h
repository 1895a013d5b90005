/* SPDX-License-Identifier: Apache-2.0
 *
 * parts.h - what taking a snapshot and reading it share. For the files of this room only.
 *
 *      snapshot.c    who has which rows, and at what moment
 *      read.c        the public reads: one part after the other
 *      position.c    up to where the inputs are in it
 */
#ifndef KS_QUERY_PARTS_H
#define KS_QUERY_PARTS_H

#include "state/iter.h"
#include "state/snapshot.h"

#include <kstream/query.h>

struct ks__walk_all;

struct ks__part {
    int32_t              partition;
    struct ks__snapshot *rows;
};

struct ks_snapshot {
    enum ks__store_kind  kind;
    struct ks__part     *parts;
    size_t               count, capacity;
    struct ks__walk_all *walks;         /* its iterators */
    ks_error             error;
};

/* The first of the records asked for that it has not seen; NULL = it has seen all. */
const ks_origin *ks__snapshot_lacks(const ks_snapshot *snapshot, const ks_queried *queried);
/* Free the iterators. */
void ks__snapshot_free_walks(struct ks_snapshot *snapshot);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * rewrite.h - the logical graph as one build sees it: duplicate sources united, then optimized.
 *
 *      declarations --open--> parents of this build --merge topics, self joins--> what is written
 *
 * The declarations stay as they are (D3 of dsl.h): the rewrite changes the members of the build
 * under way, which open() sets anew, and makes nodes that end with it.
 *
 * Invariants
 *   RW1  `now` of a node that is built names nodes that are built, each once.
 *   RW2  A record reaches the same operators with the same keys as without: a step that cannot
 *        promise it is left out.
 *
 * Threads: the builder's.
 */
#ifndef KS_DSL_REWRITE_H
#define KS_DSL_REWRITE_H

#include "dsl/dsl.h"

struct ks__rewrite {
    ks_builder          *b;
    struct ks__arena     arena;
    struct ks__logical **nodes; /* the builder's, then those that were made */
    size_t               count, capacity;
    struct ks__logical **stack; /* of a search */
    size_t               stack_size, stack_capacity;
    unsigned             round; /* the mark of the search under way */
    bool                 failed; /* no memory */
};

/* False = no memory; close it all the same. */
bool ks__rewrite_open(struct ks__rewrite *r, ks_builder *b);
void ks__rewrite_close(struct ks__rewrite *r);

/* What stands for a node in this build. */
static inline struct ks__logical *ks__target(struct ks__logical *node)
{
    while (node->instead != NULL)
        node = node->instead;
    return node;
}

/* ---- for the steps ---- */

/* The first of a node and its ancestors that matches: the node, then parent by parent, each with
 * all that is above it. NULL = none, or failed. */
typedef bool ks__logical_test(const struct ks__logical *node, const void *what);
struct ks__logical *ks__rewrite_find(struct ks__rewrite *r, struct ks__logical *from,
                                     ks__logical_test *matches, const void *what);
/* A ks__logical_test: is `parent` one of its parents? */
bool ks__logical_has_parent(const struct ks__logical *node, const void *parent);
/* Let the node have `others` in place of one of its parents. */
void ks__rewrite_reparent(struct ks__rewrite *r, struct ks__logical *node,
                          const struct ks__logical *parent, struct ks__logical *const *others,
                          size_t count);
/* Push onto the stack of a search. */
void ks__rewrite_push(struct ks__rewrite *r, struct ks__logical *node);

/* ---- the steps ---- */

/* merge.repartition.topics (merge_topics.c). */
void ks__rewrite_merge_topics(struct ks__rewrite *r);
/* single.store.self.join. */
void ks__rewrite_self_joins(struct ks__rewrite *r);

#endif

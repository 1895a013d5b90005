/* SPDX-License-Identifier: Apache-2.0
 *
 * neighbours.h - the order in which Kafka's description lists the parents and children of a node.
 *
 * Kafka keeps them in sorted trees of Java, by the size of what hangs under each; but it fills the
 * trees while the sizes still grow, node after node in the order of a hash map. So an order that
 * looks arbitrary is fixed by the names, and has to be found by doing the same.
 *
 * Threads: any.
 */
#ifndef KS_TOPOLOGY_NEIGHBOURS_H
#define KS_TOPOLOGY_NEIGHBOURS_H

#include "base/arena.h"
#include "topology/graph.h"

struct ks__neighbour {
    const struct ks__node *node;
    struct ks__neighbour  *left, *right, *up;
    bool                   red;
};

/* By index of the node. */
struct ks__neighbours {
    struct ks__arena       arena;
    struct ks__neighbour **parents;  /* roots of trees; NULL = none */
    struct ks__neighbour **children;
};

/* False = no memory; release it all the same. */
bool ks__neighbours_of(struct ks__neighbours *n, const struct ks_topology *topology);
void ks__neighbours_release(struct ks__neighbours *n);
/* Step through a tree: the first of it, and what comes after one; NULL = the end. */
const struct ks__neighbour *ks__neighbour_first(const struct ks__neighbour *root);
const struct ks__neighbour *ks__neighbour_next(const struct ks__neighbour *at);

/* String.hashCode() of Java for ASCII (names are), spread as HashMap does. */
uint32_t ks__java_hash(const char *text);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * pattern.h - sources that read every topic whose whole name a regular expression matches.
 *
 *      topology: source (topics: pattern) + names of the log's topics --resolve--> same topology
 *                                                     with the topics of today among its inputs
 *
 * In the topology as it is built, a pattern stands in the place of a topic: its text is the name of
 * the reference. What is resolved shares nodes and stores with the topology it comes from; only the
 * inputs of sub-topologies and the co-partitioned sets are its own.
 *
 * Invariants
 *   PT1  A name is an input of one source: never matched by two patterns (KS_ETOPOLOGY), nor one
 *        of the application's internal topics.
 *
 * Threads: a pattern is read-only once made, matching is for any thread.
 */
#ifndef KS_TOPOLOGY_PATTERN_H
#define KS_TOPOLOGY_PATTERN_H

#include "base/buffer.h"
#include "topology/graph.h"

struct ks__pattern;

/* A POSIX extended regular expression. NULL = KS_EINVAL (it is none), KS_ENOMEM. */
struct ks__pattern *ks__pattern_new(const char *text, ks_error *error);
void                ks__pattern_free(void *pattern);
bool                ks__pattern_matches(const struct ks__pattern *pattern, const char *topic);

/* Does the reference mean this topic, by its name or by a pattern? */
bool ks__topic_ref_means(const struct ks__topic_ref *ref, const struct ks__topic_ref *topic);

bool ks__topology_has_patterns(const struct ks_topology *topology);
/* `names` as ks__cluster_topics() gives them. ks_topology_free() drops the result. */
ks_status ks__topology_resolve(const struct ks_topology *topology, const struct ks__buffer *names,
                               const char *application_id, struct ks_topology **out,
                               ks_error *error);
/* Have both the same inputs? Of one topology, resolved twice. */
bool ks__topology_same_inputs(const struct ks_topology *one, const struct ks_topology *other);

#endif

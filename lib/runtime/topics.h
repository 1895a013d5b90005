/* SPDX-License-Identifier: Apache-2.0
 *
 * topics.h - the topics of an application: which there must be, with how many partitions.
 *
 *      topology (patterns resolved) + partitions of the user's topics
 *          --> repartition topics (as many as their inputs, co-partitioned ones alike)
 *          --> changelogs (as many as their sub-topology has tasks)
 *          --> created where missing, checked where not
 *
 * Invariants
 *   I1  Nothing is created before every topic of the user has been found and the counts agree.
 *   I2  An internal topic that is there with another count is an error, never changed.
 *
 * Threads: one owner while it is planned; read-only afterwards.
 */
#ifndef KS_RUNTIME_TOPICS_H
#define KS_RUNTIME_TOPICS_H

#include "log/cluster.h"
#include "runtime/settings.h"
#include "topology/pattern.h"

/* A topic by its complete name. */
struct ks__planned_topic {
    char   *name;
    int32_t partitions; /* 0 = not known yet */
    bool    internal;
    const struct ks__store_spec *store; /* whose changelog it is; NULL = none's */
    bool    fixed;      /* a repartition topic whose count the user gave */
    bool    checked;
};

struct ks__topics {
    const struct ks_topology  *given;
    const struct ks_topology  *topology; /* what is to be run: `given`, or `resolved` */
    struct ks_topology        *resolved; /* with the topics that patterns match; NULL = has none */
    const struct ks__settings *settings;
    int                        phase;
    size_t                     index;
    struct ks__planned_topic  *topics;
    size_t                     count, capacity;
    int32_t                   *tasks; /* per sub-topology */
    char                     **inputs; /* what to subscribe to; lent from topics */
    size_t                     input_count;
    size_t                     present_count; /* of them, the first that are there: with a pattern
                                                 that matches none, what it feeds is not */
};

void ks__topics_init(struct ks__topics *topics, const struct ks_topology *topology,
                     const struct ks__settings *settings);
void ks__topics_release(struct ks__topics *topics);

/* Find, compute, create. KS_OK = all are there; KS_EAGAIN = call again; KS_ENOTFOUND names a topic
 * that is missing (it may still come: starting over is possible after release and init). */
ks_status ks__topics_plan(struct ks__topics *topics, struct ks__cluster *cluster, int timeout_ms,
                          ks_error *error);

/* Do patterns match other topics by now than when it was planned? KS_EAGAIN. */
ks_status ks__topics_look(const struct ks__topics *topics, struct ks__cluster *cluster,
                          bool *changed, int timeout_ms, ks_error *error);

/* The complete name of a topic that the topology refers to, to free; NULL = no memory. */
char *ks__topic_full_name(const struct ks__topic_ref *ref, const char *application_id);
/* True when the reference means this complete name. */
bool ks__topic_is(const struct ks__topic_ref *ref, const char *application_id, const char *name);
/* Partitions of a planned topic; 0 = none of ours. */
int32_t ks__topics_partitions(const struct ks__topics *topics, const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * membership.h - who is in a group and who has which partitions: plain data, no clocks, no threads.
 *
 *      JOINING ---all members are---> ASSIGNED ---told---> OWNING
 *         ^                              |                    |
 *         `------- gave all back ---- REVOKING <---- somebody came, went, or a topic grew
 *
 * Rebalancing is eager: all give back, then all get. The assignment is Kafka's RangeAssignor, topic
 * by topic, members ordered as its MemberInfo: static ones first, by instance id, then by member
 * id.
 *
 * Invariants
 *   M1  A partition is owned by one member at most; nothing is assigned while a member is REVOKING.
 *   M2  `generation` rises with each assignment; a commit with another one is refused.
 *   M3  After KS_ENOMEM the group is as before the call.
 *
 * Not here: where a group is kept (memory/, embedded/), what a session tells its user
 * (local_group.c).
 */
#ifndef KS_LOG_MEMBERSHIP_H
#define KS_LOG_MEMBERSHIP_H

#include <kstream/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ks__member_phase {
    KS__MEMBER_JOINING,  /* owns nothing, waits for the others */
    KS__MEMBER_ASSIGNED, /* has partitions, has not been told yet */
    KS__MEMBER_OWNING,
    KS__MEMBER_REVOKING  /* asked to give all back */
};

struct ks__member_partition {
    char   *topic; /* one of the member's `topics` */
    int32_t partition;
};

struct ks__member {
    char                        *id;
    char                        *instance_id; /* NULL = dynamic */
    char                        *process;     /* who it runs in, NULL = this one */
    char                       **topics;      /* subscribed to; sorted, unique */
    size_t                       topic_count;
    struct ks__member_partition *owned;
    size_t                       owned_count;
    enum ks__member_phase        phase;
    int32_t                      generation; /* of the assignment */
    int64_t                      seen_ms;    /* last sign of life */
    int64_t                      timeout_ms; /* without one it is thrown out */
};

struct ks__group {
    char               *name;
    int32_t             generation;
    bool                rebalancing;
    int64_t             partitions; /* of all topics of all members, when assigned */
    struct ks__member **members;    /* in the order of assignment */
    size_t              count, capacity;
};

/* Partitions of a topic, 0 = there is none. */
typedef int32_t ks__partitions_fn(const char *topic, void *user);

/* What a new member brings along; all is copied. */
struct ks__member_spec {
    const char        *id;
    const char        *instance_id;
    const char        *process;
    const char *const *topics;
    size_t             topic_count;
    int64_t            now_ms, timeout_ms;
};

/* An empty group; KS_ENOMEM. */
ks_status ks__group_init(struct ks__group *group, const char *name);
void ks__group_release(struct ks__group *group);

struct ks__member *ks__group_find(const struct ks__group *group, const char *id);
/* Add a member. One with the instance id of another takes its place and, with the same topics, its
 * partitions; the other one is not found any more. */
ks_status ks__group_join(struct ks__group *group, const struct ks__member_spec *spec);
void ks__group_leave(struct ks__group *group, struct ks__member *member);
/* Throw out who was not seen in time; true = somebody went. */
bool ks__group_expire(struct ks__group *group, int64_t now_ms);
/* The member gave back all it owned. */
void ks__group_revoked(struct ks__group *group, struct ks__member *member);
/* Begin a rebalance where a topic grew, and finish one that waits for nobody any more. True in
 * `*changed` when something happened. */
ks_status ks__group_settle(struct ks__group *group, ks__partitions_fn *partitions, void *user,
                           bool *changed);
/* May this member commit offsets of this generation? `id` NULL: one who never joined, which is fine
 * as long as the group is empty. `group` NULL = a group nobody knows. */
bool ks__group_may_commit(const struct ks__group *group, const char *id, int32_t generation);
/* Is there a member with this instance id? NULL = false, as with `group` NULL. */
bool ks__group_has_instance(const struct ks__group *group, const char *instance_id);

/* A member made from parts, for one who reads a group back; takes the member over in any case. */
ks_status ks__group_add(struct ks__group *group, struct ks__member *member);
void ks__member_free(struct ks__member *member);

#endif

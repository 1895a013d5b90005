/* SPDX-License-Identifier: Apache-2.0
 *
 * local_groups.h - the groups of a log that no other process shares: they live in memory.
 *
 * Invariants
 *   L1  A group is changed between begin and end only, which keep all others out; who commits for a
 *       member holds `mutex` too, so the generation it was checked against stays.
 *
 * Threads: any; `mutex` is taken before the log's.
 */
#ifndef KS_LOG_LOCAL_GROUPS_H
#define KS_LOG_LOCAL_GROUPS_H

#include "log/local.h"

struct ks__local_groups {
    struct ks__mutex   mutex;
    struct ks__group **items;
    size_t             count, capacity;
    uint64_t           serial;              /* of members                                         */
};

ks_status ks__local_groups_init(struct ks__local_groups *groups);
void ks__local_groups_release(struct ks__local_groups *groups);

/* As group_begin, group_end and serial of struct ks__local_class. */
ks_status ks__local_groups_begin(struct ks__local_groups *groups, const char *name,
                                 struct ks__group **group, ks_error *error);
void ks__local_groups_end(struct ks__local_groups *groups);
uint64_t ks__local_groups_serial(struct ks__local_groups *groups);

/* KS_EFENCED unless the commit is one of a present member, or needs none; under `mutex`. */
ks_status ks__local_groups_check(const struct ks__local_groups *groups,
                                 const struct ks__local_commit *commit);
/* Does the commit concern a group, so that `mutex` is needed? */
static inline bool ks__local_groups_concern(const struct ks__local_commit *commit)
{
    return commit->position_count > 0 || commit->member_id != NULL;
}

#endif

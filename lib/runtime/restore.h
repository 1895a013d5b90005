/* SPDX-License-Identifier: Apache-2.0
 *
 * restore.h - bring the state of a task up to date, and find where its inputs go on.
 *
 *      committed offsets --> ends of the changelogs --> replay [position, end) --> input positions
 *
 *      ks__task_open -> ks__restore_open -> (ks__restore_step)* -> ks__task_connect(..., position)
 *                                               KS_EAGAIN ^ `--- KS_OK
 *
 * Where the inputs go on:
 *      exactly_once_v2   the group's offsets
 *      at_least_once     the state's own positions, if nobody has committed more (what lies in the
 *                        changelogs behind the state is then left out, see restore.c)
 *      otherwise         the state's own positions where nobody has written since (the changelogs
 *                        end where the state does), if they are further on; else the group's
 *      none of them      auto.offset.reset of the source
 *
 * Invariants
 *   R1  Committed offsets are read before the ends of the changelogs, ends on a view that includes
 *       what is undecided: a commit that the offsets show is in the replay.
 *   R2  A store is complete when the reading position has reached that end, never by its last
 *       record.
 *   R3  Every applied transaction carries the position reached: a crash in a restore resumes it.
 *   R4  A store is emptied only if its position is not in the changelog any more; a log line says
 *       why.
 *
 * Not here: standbys, global tables (global.h).
 * Threads: the task's; the counters from any.
 */
#ifndef KS_RUNTIME_RESTORE_H
#define KS_RUNTIME_RESTORE_H

#include "base/counter.h"
#include "runtime/task.h"
#include "runtime/topics.h"

struct ks__restore;

struct ks__restore_options {
    struct ks__task    *task;    /* opened, no input connected; must outlive the restore */
    struct ks__cluster *cluster;
    const struct ks__topics *topics; /* NULL = all inputs have the task's partition */
    struct ks__session *session; /* to read changelogs with: no group, committed records only */
    const struct ks__restore_listener *listener; /* NULL = nobody */
    const char         *group;   /* whose offsets count; NULL = application_id of the task */
};

struct ks__restore_progress {
    struct ks__counter restored;  /* records applied */
    struct ks__counter remaining; /* offsets still to go; 0 when complete */
};

ks_status ks__restore_open(struct ks__restore **out, const struct ks__restore_options *options,
                           ks_error *error);
/* Go on for about `timeout_ms` (0 = one round). KS_OK = complete, also when called again;
 * KS_EAGAIN = call again; another status: the task must be closed (unclean). */
ks_status ks__restore_step(struct ks__restore *restore, int timeout_ms, ks_error *error);
/* Where an input of the task goes on; only after KS_OK. KS__OFFSET_NONE: its topic has fewer
 * partitions than others, or is not there because a pattern matches nothing that would fill it. */
int64_t ks__restore_input(const struct ks__restore *restore, size_t input);
/* It goes on at the state's own position, which the group was never told. */
bool ks__restore_is_ahead(const struct ks__restore *restore, size_t input);
const struct ks__restore_progress *ks__restore_get_progress(const struct ks__restore *restore);
/* At any time; NULL is fine. */
void ks__restore_close(struct ks__restore *restore);

#endif

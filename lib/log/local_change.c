/* SPDX-License-Identifier: Apache-2.0
 *
 * local_change.c - what a member does to its group, and what it learns by that.
 *
 *      group_begin ---> join | look | sign | acknowledge | leave ---> group_end
 *                            what came of it stays in the change
 *
 * Of the session only what does not change while the change is handed over is read here (N1); what
 * came of it goes into the session in local_group.c (N2). After a failure nothing came of it, and
 * the same may be tried again. A group that cannot be settled for want of memory is settled by the
 * next look.
 *
 * Threads: whichever may write to the log; a trial by the session's own.
 */
#include "log/local.h"

#include "base/assert.h"

#include <inttypes.h>
#include <string.h>

int64_t ks__local_timeout_of(const struct ks__local_session *session)
{
    return ((const struct ks__local_cluster *)session->base.cluster)->session_timeout_ms;
}

/* ---- joining ---- */

static int32_t partitions_of(const char *topic, void *user)
{
    struct ks__local_log   *log = user;
    struct ks__local_topic *found;

    if (ks__local_find(log, topic, &found, NULL) != KS_OK || found == NULL)
        return 0;
    return found->partitions;
}

/* The member as it is known now. */
static const char *id_of(const struct ks__local_change *change)
{
    return change->member_id != NULL ? change->member_id : change->session->member_id;
}

static ks_status join(struct ks__local_change *change, struct ks__group *group)
{
    const struct ks__local_session *session = change->session;
    struct ks__local_log           *log     = session->log;
    struct ks__member_spec          spec = { .instance_id = session->instance_id,
                                             .process     = log->process,
                                             .topics      = (const char *const *)session->topics,
                                             .topic_count = session->topic_count,
                                             .now_ms      = change->now_ms,
                                             .timeout_ms  = ks__local_timeout_of(session) };
    uint64_t                        serial = 0;
    ks_status                       status = KS_OK;
    char                           *id;

    change->changed = true;
    if (change->is_trial)
        return KS_OK;
    status = log->class->serial(log, &serial, &change->handover.error);
    if (status != KS_OK)
        return status;
    id = ks__format("%s-%010" PRIu64, session->client_id, serial);
    if (id == NULL)
        return KS_ENOMEM;
    spec.id = id;
    status  = ks__group_join(group, &spec);
    if (status != KS_OK) {
        ks__free(id);
        return status;
    }
    change->member_id = id;
    return KS_OK;
}

/* Settle after a change; without memory the next look does. */
static void settle(struct ks__local_log *log, struct ks__group *group)
{
    bool changed;

    (void)ks__group_settle(group, partitions_of, log, &changed);
}

static ks_status join_first(struct ks__local_change *change, struct ks__group *group)
{
    ks_status status;

    ks__group_expire(group, change->now_ms);
    status = join(change, group);
    if (status == KS_OK)
        settle(change->session->log, group);
    return status;
}

/* ---- looking ---- */

static ks_status hold(struct ks__local_change *change, const struct ks__member *member)
{
    const struct ks__local_session *session = change->session;
    struct ks__event_partition     *held = ks__zalloc_array(member->owned_count, sizeof(*held));

    if (held == NULL)
        return KS_ENOMEM;
    for (size_t i = 0; i < member->owned_count; i++)
        for (size_t j = 0; j < session->topic_count; j++)
            if (strcmp(member->owned[i].topic, session->topics[j]) == 0)
                held[i] = (struct ks__event_partition){ session->topics[j],
                                                        member->owned[i].partition };
    change->held       = held;
    change->held_count = member->owned_count;
    change->generation = member->generation;
    change->told       = KS__EVENT_ASSIGNED;
    return KS_OK;
}

static ks_status replaced(const char *instance_id, const char *group, ks_error *error)
{
    ks__error_set(error, KS_EFENCED,
                  "another member with the group instance id \"%s\" has joined group \"%s\": "
                  "each running instance needs a group.instance.id of its own",
                  instance_id, group);
    ks__error_add_flags(error, KS__ERROR_REPLACED);
    return KS_EFENCED;
}

/* The member is gone from the group. */
static ks_status missing(struct ks__local_change *change, struct ks__group *group)
{
    const struct ks__local_session *session = change->session;

    if (ks__group_has_instance(group, session->instance_id)) {
        (void)replaced(session->instance_id, session->group, &change->handover.error);
        ks__error_add_flags(&change->handover.error, KS__ERROR_FATAL);
        change->told = KS__EVENT_FAILED;
        return KS_OK;
    }
    if (session->held != NULL) {
        change->told = KS__EVENT_LOST;
        return KS_OK;
    }
    return join(change, group);
}

/* A sign of life, when it is time for one. */
static void sign(struct ks__local_change *change, struct ks__group *group)
{
    const int64_t      now    = change->now_ms;
    struct ks__member *member = ks__group_find(group, change->session->member_id);

    if (member == NULL || (member->seen_ms <= now &&
                           now - member->seen_ms < ks__local_timeout_of(change->session) / 3))
        return;
    member->seen_ms = now;
    change->seen    = true;
}

/* What is there to tell is in `told` afterwards. */
static ks_status look(struct ks__local_change *change, struct ks__group *group)
{
    const struct ks__local_session *session = change->session;
    struct ks__member              *member  = ks__group_find(group, session->member_id);
    bool                            settled;
    ks_status                       status = KS_OK;

    sign(change, group);
    change->changed |= ks__group_expire(group, change->now_ms);
    if (member == NULL)
        status = missing(change, group);
    else if (member->phase == KS__MEMBER_REVOKING && session->held == NULL) {
        ks__group_revoked(group, member);       /* it was never told of them */
        change->changed = true;
    }
    if (status != KS_OK)
        return status;
    status = ks__group_settle(group, partitions_of, session->log, &settled);
    change->changed |= settled;
    member = ks__group_find(group, id_of(change));
    if (change->told != KS__EVENT_NONE || member == NULL || status != KS_OK)
        return status;
    if (member->phase == KS__MEMBER_REVOKING && session->held != NULL)
        change->told = KS__EVENT_REVOKED;
    else if (member->phase == KS__MEMBER_ASSIGNED)
        status = hold(change, member);
    return status;
}

/* ---- answering and leaving ---- */

static ks_status acknowledge(struct ks__local_change *change, struct ks__group *group)
{
    const struct ks__local_session *session = change->session;
    struct ks__member              *member  = ks__group_find(group, session->member_id);
    ks_status                       status  = KS_OK;

    if (member != NULL && session->told == KS__EVENT_ASSIGNED &&
        member->phase == KS__MEMBER_ASSIGNED)
        member->phase = KS__MEMBER_OWNING;
    if (member != NULL && session->told == KS__EVENT_REVOKED &&
        member->phase == KS__MEMBER_REVOKING)
        ks__group_revoked(group, member);
    if (session->told == KS__EVENT_LOST ||
        (session->told == KS__EVENT_REVOKED && member == NULL &&
         !ks__group_has_instance(group, session->instance_id)))
        status = join(change, group);
    change->changed = true;
    if (status == KS_OK)
        settle(session->log, group);
    return status;
}

/* The session is closed; it may have joined, or joined anew, after its user let it go. */
static void leave(struct ks__local_change *change, struct ks__group *group)
{
    const struct ks__local_session *session = change->session;
    struct ks__member              *member  = ks__group_find(group, session->change.member_id);

    if (member == NULL)
        member = ks__group_find(group, session->member_id);
    if (member == NULL)
        return;
    ks__group_leave(group, member);
    settle(session->log, group);
    change->changed = true;
}

ks_status ks__local_check_member(const struct ks__group        *group,
                                 const struct ks__local_commit *commit)
{
    if (ks__group_may_commit(group, commit->member_id, commit->generation))
        return KS_OK;
    if (commit->member_id != NULL && ks__group_has_instance(group, commit->instance_id) &&
        ks__group_find(group, commit->member_id) == NULL)
        return replaced(commit->instance_id, commit->group, commit->error);
    return ks__error_set(commit->error, KS_EFENCED,
                         "group \"%s\" has given the partitions to other members", commit->group);
}

/* ---- the change ---- */

void ks__local_reset_change(struct ks__local_change *change)
{
    ks__free(change->member_id);
    ks__free(change->held);
    change->member_id = NULL;
    change->held      = NULL;
    change->told      = KS__EVENT_NONE;
    change->changed = change->seen = false;
    ks__error_clear(&change->handover.error);
}

static ks_status make(struct ks__local_change *change, struct ks__group *group)
{
    switch (change->what) {
    case KS__CHANGE_JOIN:
        return join_first(change, group);
    case KS__CHANGE_LOOK:
        return look(change, group);
    case KS__CHANGE_SIGN:
        sign(change, group);
        return KS_OK;
    case KS__CHANGE_ACKNOWLEDGE:
        return acknowledge(change, group);
    case KS__CHANGE_LEAVE:
        leave(change, group);
        return KS_OK;
    }
    ks__unreachable();
}

ks_status ks__local_call_change(struct ks__local_log *log, struct ks__handover *handover)
{
    struct ks__local_change *change = (struct ks__local_change *)handover;
    struct ks__group        *group;
    ks_status                status, ended;

    ks__local_reset_change(change);
    change->is_trial = false;
    status           = log->class->group_begin(log, change->session->group, &group,
                                               &handover->error);
    if (status != KS_OK)
        return status;
    status = make(change, group);
    ended  = log->class->group_end(log, group, status == KS_OK && (change->changed || change->seen),
                                   &handover->error);
    if (change->changed && ended == KS_OK)
        ks__local_changed(log);
    if (change->what == KS__CHANGE_SIGN ||
        (change->what == KS__CHANGE_LOOK && change->told == KS__EVENT_NONE))
        handover->wake = NULL;                  /* who waits for an event sleeps on */
    return status != KS_OK ? status : ended;
}

bool ks__local_try_change(struct ks__local_log *log, struct ks__local_change *change)
{
    struct ks__group group;
    ks_status        status;

    if (log->class->group_read == NULL)
        return false;
    ks__local_reset_change(change);
    change->is_trial = true;
    status = log->class->group_read(log, change->session->group, &group, &change->handover.error);
    if (status != KS_OK)
        return false;
    status = make(change, &group);
    ks__group_release(&group);
    return status == KS_OK && !change->changed && !change->seen;
}

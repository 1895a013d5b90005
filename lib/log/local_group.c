/* SPDX-License-Identifier: Apache-2.0
 *
 * local_group.c - the membership of a session: what the group says, told as events.
 *
 *      group (log)                  session                          user
 *      ASSIGNED  ---poll---------> told ASSIGNED, held = all  ---> acknowledge: OWNING
 *      REVOKING  ---poll---------> told REVOKED               ---> acknowledge: JOINING
 *      (gone)    ---poll---------> told LOST                  ---> acknowledge: joins again
 *
 * The group is asked only when something changed in the log, or every third of the session timeout,
 * which is also the sign of life; where other processes may be members, every second at least: one
 * that was killed leaves no word, but it can be seen that it is gone. An assignment without
 * partitions is told as well, with count 0.
 */
#include "log/local.h"

#include "base/assert.h"

#include <inttypes.h>
#include <string.h>

#define LOOK_FOR_DEAD_MS 1000               /* at least so often, where processes share the log   */

/* ---- asking the group ---- */

static int64_t now_ms(const struct ks__local_session *session)
{
    return ks__clock_mono_ms(((struct ks__local_cluster *)session->base.cluster)->clock);
}

static int64_t timeout_of(const struct ks__local_session *session)
{
    return ((struct ks__local_cluster *)session->base.cluster)->session_timeout_ms;
}

/* How long to go without a look at the group. */
static int64_t pause_of(const struct ks__local_session *session)
{
    int64_t pause = timeout_of(session) / 3;

    return session->log->process != NULL && pause > LOOK_FOR_DEAD_MS ? LOOK_FOR_DEAD_MS : pause;
}

static int32_t partitions_of(const char *topic, void *user)
{
    struct ks__local_log   *log = user;
    struct ks__local_topic *found;

    if (ks__local_find(log, topic, &found, NULL) != KS_OK || found == NULL)
        return 0;
    return found->partitions;
}

static ks_status join(struct ks__local_session *session, struct ks__group *group)
{
    struct ks__member_spec spec = { .instance_id = session->instance_id,
                                    .process     = session->log->process,
                                    .topics      = (const char *const *)session->topics,
                                    .topic_count = session->topic_count,
                                    .now_ms      = now_ms(session),
                                    .timeout_ms  = timeout_of(session) };
    uint64_t  serial = 0;
    ks_status status = session->log->class->serial(session->log, &serial, &session->base.error);
    char     *id;

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
    ks__free(session->member_id);
    session->member_id = id;
    return KS_OK;
}

/* Give the group back; all who may be concerned look at it again when it changed. */
static ks_status leave_group(struct ks__local_session *session, struct ks__group *group,
                             bool changed, bool told)
{
    ks_status status = session->log->class->group_end(session->log, group, changed,
                                                      &session->base.error);

    if (status == KS_OK && told)
        ks__local_changed(session->log);
    return status;
}

/* Settle after a change of our own and give the group back. */
static ks_status settle(struct ks__local_session *session, struct ks__group *group)
{
    bool      changed;
    ks_status status = ks__group_settle(group, partitions_of, session->log, &changed), ended;

    ended = leave_group(session, group, true, true);
    return status != KS_OK ? status : ended;
}

static ks_status enter_group(struct ks__local_session *session, struct ks__group **group)
{
    return session->log->class->group_begin(session->log, session->group, group,
                                            &session->base.error);
}

/* ---- events ---- */

static ks_status hold(struct ks__local_session *session, const struct ks__member *member)
{
    struct ks__event_partition *held = ks__zalloc_array(member->owned_count, sizeof(*held));

    if (held == NULL)
        return KS_ENOMEM;
    for (size_t i = 0; i < member->owned_count; i++)
        for (size_t j = 0; j < session->topic_count; j++)
            if (strcmp(member->owned[i].topic, session->topics[j]) == 0)
                held[i] = (struct ks__event_partition){ session->topics[j],
                                                        member->owned[i].partition };
    ks__free(session->held);
    session->held       = held;
    session->held_count = member->owned_count;
    session->generation = member->generation;
    return KS_OK;
}

static void let_go(struct ks__local_session *session)
{
    ks__free(session->held);
    session->held       = NULL;
    session->held_count = 0;
}

/* True when another session has taken the place of this static member. */
static bool is_replaced(const struct ks__local_session *session, const struct ks__group *group)
{
    for (size_t i = 0; session->instance_id != NULL && i < group->count; i++)
        if (group->members[i]->instance_id != NULL &&
            strcmp(group->members[i]->instance_id, session->instance_id) == 0)
            return true;
    return false;
}

/* The member is gone from the group. */
static ks_status missing(struct ks__local_session *session, struct ks__group *group,
                         bool *changed)
{
    if (is_replaced(session, group)) {
        ks__error_set(&session->base.error, KS_EFENCED,
                      "another member with the group instance id \"%s\" has joined group \"%s\"",
                      session->instance_id, session->group);
        ks__error_add_flags(&session->base.error, KS__ERROR_FATAL);
        session->told = KS__EVENT_FAILED;
        return KS_OK;
    }
    if (session->held != NULL) {
        session->told = KS__EVENT_LOST;
        return KS_OK;
    }
    *changed = true;
    return join(session, group);
}

/* Look at the group; what is to be told is in `told` afterwards. */
static ks_status look(struct ks__local_session *session, struct ks__group *group, bool *changed,
                      bool *seen)
{
    int64_t            now    = now_ms(session);
    struct ks__member *member = ks__group_find(group, session->member_id);
    bool               settled;
    ks_status          status = KS_OK;

    if (member != NULL &&
        (member->seen_ms > now || now - member->seen_ms >= timeout_of(session) / 3)) {
        member->seen_ms = now;
        *seen           = true;
    }
    *changed |= ks__group_expire(group, now);
    if (member == NULL)
        status = missing(session, group, changed);
    else if (member->phase == KS__MEMBER_REVOKING && session->held == NULL) {
        ks__group_revoked(group, member);       /* it was never told of them */
        *changed = true;
    }
    if (status == KS_OK)
        status = ks__group_settle(group, partitions_of, session->log, &settled);
    else
        return status;
    *changed |= settled;
    member = ks__group_find(group, session->member_id);
    if (session->told != KS__EVENT_NONE || member == NULL || status != KS_OK)
        return status;
    if (member->phase == KS__MEMBER_REVOKING && session->held != NULL)
        session->told = KS__EVENT_REVOKED;
    else if (member->phase == KS__MEMBER_ASSIGNED) {
        status = hold(session, member);
        if (status == KS_OK)
            session->told = KS__EVENT_ASSIGNED;
    }
    return status;
}

/* Only keep the membership alive while an event is being worked off. */
static void heartbeat(struct ks__local_session *session, struct ks__group *group, bool *seen)
{
    struct ks__member *member = ks__group_find(group, session->member_id);

    if (member != NULL) {
        member->seen_ms = now_ms(session);
        *seen           = true;
    }
}

static bool tell(struct ks__local_session *session, struct ks__event *event)
{
    *event = (struct ks__event){ .kind = session->told, .partitions = session->held,
                                 .count = session->held_count };
    if (session->told == KS__EVENT_FAILED)
        *event = (struct ks__event){ .kind = KS__EVENT_FAILED, .error = &session->base.error };
    return session->told != KS__EVENT_NONE;
}

bool ks__local_poll(struct ks__session *base, struct ks__event *event)
{
    struct ks__local_session *session = (struct ks__local_session *)base;
    bool                      was_told = session->told != KS__EVENT_NONE;
    bool                      changed = false, seen = false;
    uint64_t                  changes;
    int64_t                   now;
    struct ks__group         *group;

    if (session->member_id == NULL)
        return false;
    if (session->told == KS__EVENT_FAILED)
        return tell(session, event);
    now     = now_ms(session);
    changes = atomic_load(&session->log->changes);
    if ((was_told || changes == session->seen_changes) && now < session->next_check_ms)
        return false;
    if (enter_group(session, &group) != KS_OK)
        return false;                           /* asked again in the next step */
    if (was_told)
        heartbeat(session, group, &seen);
    else if (look(session, group, &changed, &seen) == KS_OK)
        session->seen_changes = changes;
    session->next_check_ms = now + pause_of(session);
    if (leave_group(session, group, changed || seen, changed) != KS_OK)
        session->next_check_ms = now;
    return !was_told && tell(session, event);
}

/* ---- calls ---- */

ks_status ks__local_subscribe(struct ks__session *base, const char *const *topics, size_t count)
{
    struct ks__local_session *session = (struct ks__local_session *)base;
    struct ks__group         *group;
    ks_status                 status;

    if (session->group == NULL || session->member_id != NULL)
        return KS_ESTATE;
    if (count == 0)
        return KS_EINVAL;
    if (session->topics == NULL) {
        session->topics = ks__zalloc_array(count, sizeof(*session->topics));
        if (session->topics == NULL)
            return KS_ENOMEM;
        for (; session->topic_count < count; session->topic_count++) {
            session->topics[session->topic_count] = ks__strdup(topics[session->topic_count]);
            if (session->topics[session->topic_count] == NULL)
                return KS_ENOMEM;
        }
    }
    status = enter_group(session, &group);
    if (status != KS_OK)
        return status;
    ks__group_expire(group, now_ms(session));
    status = join(session, group);
    if (status != KS_OK) {
        leave_group(session, group, false, false);
        return status;
    }
    session->next_check_ms = 0;
    return settle(session, group);
}

ks_status ks__local_acknowledge(struct ks__session *base, int timeout_ms)
{
    struct ks__local_session *session = (struct ks__local_session *)base;
    struct ks__member        *member;
    struct ks__group         *group;
    ks_status                 status;

    (void)timeout_ms;
    if (session->told == KS__EVENT_NONE || session->told == KS__EVENT_FAILED)
        return KS_OK;
    status = enter_group(session, &group);
    if (status != KS_OK)
        return status;
    member = ks__group_find(group, session->member_id);
    if (member != NULL && session->told == KS__EVENT_ASSIGNED &&
        member->phase == KS__MEMBER_ASSIGNED)
        member->phase = KS__MEMBER_OWNING;
    if (member != NULL && session->told == KS__EVENT_REVOKED &&
        member->phase == KS__MEMBER_REVOKING)
        ks__group_revoked(group, member);
    if (session->told == KS__EVENT_LOST ||
        (session->told == KS__EVENT_REVOKED && member == NULL && !is_replaced(session, group)))
        status = join(session, group);
    if (status != KS_OK) {
        leave_group(session, group, false, false);
        return status;
    }
    if (session->told != KS__EVENT_ASSIGNED)
        let_go(session);
    session->told          = KS__EVENT_NONE;
    session->next_check_ms = 0;
    return settle(session, group);
}

void ks__local_leave(struct ks__local_session *session)
{
    struct ks__member *member;
    struct ks__group  *group;

    if (session->member_id == NULL || session->instance_id != NULL ||
        enter_group(session, &group) != KS_OK)
        return;
    member = ks__group_find(group, session->member_id);
    if (member == NULL) {
        leave_group(session, group, false, false);
        return;
    }
    ks__group_leave(group, member);
    settle(session, group);
}

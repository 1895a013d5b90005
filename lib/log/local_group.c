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
 *
 * To look is to read; what then has to be written is handed over (local_change.c), one change at a
 * time, and taken into the session here.
 */
#include "log/local.h"

#include "base/assert.h"

#include <stddef.h>

#define LOOK_FOR_DEAD_MS 1000               /* at least so often, where processes share the log   */

static int64_t now_ms(const struct ks__local_session *session)
{
    return ks__clock_mono_ms(((struct ks__local_cluster *)session->base.cluster)->clock);
}

/* How long to go without a look at the group. */
static int64_t pause_of(const struct ks__local_session *session)
{
    int64_t pause = ks__local_timeout_of(session) / 3;

    return session->log->process != NULL && pause > LOOK_FOR_DEAD_MS ? LOOK_FOR_DEAD_MS : pause;
}

/* ---- taking in what came of a change ---- */

static void take_assignment(struct ks__local_session *session, struct ks__local_change *change)
{
    ks__free(session->held);
    session->held       = change->held;
    session->held_count = change->held_count;
    session->generation = change->generation;
    change->held        = NULL;
}

static void let_go(struct ks__local_session *session)
{
    ks__free(session->held);
    session->held       = NULL;
    session->held_count = 0;
}

static void take_told(struct ks__local_session *session, struct ks__local_change *change)
{
    if (change->told == KS__EVENT_ASSIGNED)
        take_assignment(session, change);
    if (change->told == KS__EVENT_FAILED) {
        ks__error_clear(&session->base.error);
        ks__error_copy(&session->base.error, &change->handover.error);
    }
    if (change->told != KS__EVENT_NONE)
        session->told = change->told;
}

/* The look, or the sign of life, is over: when is the next one? */
static void end_look(struct ks__local_session *session, ks_status status)
{
    session->next_check_ms = now_ms(session);
    if (status != KS_OK)
        return;                                 /* asked again in the next step */
    session->next_check_ms += pause_of(session);
    if (session->change.what == KS__CHANGE_LOOK)
        session->seen_changes = session->asked_changes;
}

static void take_acknowledged(struct ks__local_session *session)
{
    if (session->told != KS__EVENT_ASSIGNED)
        let_go(session);
    session->told          = KS__EVENT_NONE;
    session->next_check_ms = 0;
}

/* It is decided. */
static ks_status take_in(struct ks__local_session *session, ks_status status)
{
    struct ks__local_change *change = &session->change;

    if (status == KS_OK && change->member_id != NULL) {
        ks__free(session->member_id);
        session->member_id = change->member_id;
        change->member_id  = NULL;
    }
    switch (change->what) {
    case KS__CHANGE_JOIN:
        session->next_check_ms = 0;
        break;
    case KS__CHANGE_LOOK:
        if (status == KS_OK)
            take_told(session, change);
        end_look(session, status);
        break;
    case KS__CHANGE_SIGN:
        end_look(session, status);
        break;
    case KS__CHANGE_ACKNOWLEDGE:
        if (status == KS_OK)
            take_acknowledged(session);
        break;
    case KS__CHANGE_LEAVE:
        break;
    }
    if (status != KS_OK && !ks_error_is_fatal(&session->base.error)) {
        ks__error_clear(&session->base.error);
        ks__error_copy(&session->base.error, &change->handover.error);
    }
    ks__local_reset_change(change);
    return status;
}

/* ---- changing the group ---- */

static void prepare(struct ks__local_session *session, enum ks__local_change_kind what)
{
    struct ks__local_change *change = &session->change;

    ks__local_reset_change(change);
    change->what          = what;
    change->session       = session;
    change->now_ms        = now_ms(session);
    change->handover.call = ks__local_call_change;
    change->handover.wake = session->wake;
}

/* The change that was handed over is decided: take it in. KS_EAGAIN = not yet. */
static ks_status settle(struct ks__local_session *session, int timeout_ms)
{
    ks_status status;

    if (!session->change.handover.pending)
        return KS_OK;
    status = ks__local_await(session->log, &session->change.handover, timeout_ms);

    return status == KS_OK ? take_in(session, session->change.handover.status) : status;
}

/* Make this change, or go on waiting for it; another one that is under way comes first. */
static ks_status make_change(struct ks__local_session *session, enum ks__local_change_kind what,
                             int timeout_ms)
{
    struct ks__local_change *change = &session->change;
    ks_status                status;

    if (change->handover.pending && change->what != what &&
        settle(session, timeout_ms) == KS_EAGAIN && change->handover.pending)
        return KS_EAGAIN;
    if (change->handover.pending)
        return settle(session, timeout_ms);
    prepare(session, what);
    status = ks__local_hand_over(session->log, &change->handover, timeout_ms);
    return status == KS_OK ? take_in(session, change->handover.status) : status;
}

/* ---- events ---- */

static bool tell(struct ks__local_session *session, struct ks__event *event)
{
    *event = (struct ks__event){ .kind = session->told, .partitions = session->held,
                                 .count = session->held_count };
    if (session->told == KS__EVENT_FAILED)
        *event = (struct ks__event){ .kind = KS__EVENT_FAILED, .error = &session->base.error };
    return session->told != KS__EVENT_NONE;
}

/* Look at the group, and hand over what is to be written. */
static void look(struct ks__local_session *session, enum ks__local_change_kind what)
{
    prepare(session, what);
    if (ks__local_try_change(session->log, &session->change))
        (void)take_in(session, KS_OK);
    else
        (void)make_change(session, what, 0);
}

bool ks__local_poll(struct ks__session *base, struct ks__event *event)
{
    struct ks__local_session *session  = (struct ks__local_session *)base;
    struct ks__local_change  *change   = &session->change;
    const bool                was_told = session->told != KS__EVENT_NONE;
    uint64_t                  changes;

    if (session->member_id == NULL)
        return false;
    if (session->told == KS__EVENT_FAILED)
        return tell(session, event);
    if (change->handover.pending) {             /* an acknowledgement is its caller's */
        if (change->what != KS__CHANGE_ACKNOWLEDGE)
            (void)settle(session, 0);
        return !was_told && tell(session, event);
    }
    changes = atomic_load(&session->log->changes);
    if ((was_told || changes == session->seen_changes) && now_ms(session) < session->next_check_ms)
        return false;
    session->asked_changes = changes;
    look(session, was_told ? KS__CHANGE_SIGN : KS__CHANGE_LOOK);
    return !was_told && tell(session, event);
}

/* The next look at the group, or sign of life; everything else is told. */
int64_t ks__local_next_ms(const struct ks__session *base)
{
    const struct ks__local_session *session = (const struct ks__local_session *)base;
    int64_t                         left;

    if (session->member_id == NULL || session->told == KS__EVENT_FAILED)
        return -1;
    left = session->next_check_ms - now_ms(session);
    return left > 1 ? left : 1;
}

/* ---- calls ---- */

static ks_status copy_topics(struct ks__local_session *session, const char *const *topics,
                             size_t count)
{
    if (session->topics == NULL)
        session->topics = ks__zalloc_array(count, sizeof(*session->topics));
    if (session->topics == NULL)
        return KS_ENOMEM;
    for (; session->topic_count < count; session->topic_count++) {
        session->topics[session->topic_count] = ks__strdup(topics[session->topic_count]);
        if (session->topics[session->topic_count] == NULL)
            return KS_ENOMEM;
    }
    return KS_OK;
}

ks_status ks__local_subscribe(struct ks__session *base, const char *const *topics, size_t count,
                              int timeout_ms)
{
    struct ks__local_session *session = (struct ks__local_session *)base;
    ks_status                 status  = KS_OK;

    if (session->group == NULL || session->member_id != NULL)
        return KS_ESTATE;
    if (count == 0)
        return KS_EINVAL;
    if (!session->change.handover.pending)
        status = copy_topics(session, topics, count);
    return status == KS_OK ? make_change(session, KS__CHANGE_JOIN, timeout_ms) : status;
}

ks_status ks__local_acknowledge(struct ks__session *base, int timeout_ms)
{
    struct ks__local_session *session = (struct ks__local_session *)base;

    if (session->told == KS__EVENT_NONE || session->told == KS__EVENT_FAILED)
        return KS_OK;
    return make_change(session, KS__CHANGE_ACKNOWLEDGE, timeout_ms);
}

/* ---- leaving ---- */

static void left(struct ks__handover *handover)
{
    struct ks__local_change  *change  = (struct ks__local_change *)handover;
    struct ks__local_session *session = (struct ks__local_session *)(uintptr_t)change->session;

    ks__local_reset_change(change);
    ks__free(change);
    ks__local_session_let_go(session);
}

static bool may_be_member(const struct ks__local_session *session)
{
    return session->member_id != NULL ||
           (session->change.handover.pending && session->change.what == KS__CHANGE_JOIN);
}

/* Without memory the group finds out by itself that the member is gone. */
void ks__local_leave(struct ks__local_session *session)
{
    struct ks__local_change *change;

    if (session->wake == NULL)
        (void)settle(session, -1);
    if (session->instance_id != NULL || !may_be_member(session))
        return;
    change = ks__zalloc(sizeof(*change));
    if (change == NULL)
        return;
    change->what             = KS__CHANGE_LEAVE;
    change->session          = session;
    change->handover.call    = ks__local_call_change;
    change->handover.release = left;
    atomic_fetch_add(&session->holders, 1);
    (void)ks__local_hand_over(session->log, &change->handover, session->wake != NULL ? 0 : -1);
}

static void change_released(struct ks__handover *handover)
{
    ks__local_session_let_go((struct ks__local_session *)(void *)(
        (char *)handover - offsetof(struct ks__local_session, change)));
}

void ks__local_orphan_change(struct ks__local_session *session)
{
    ks__local_orphan(session->log, &session->change.handover, change_released);
}

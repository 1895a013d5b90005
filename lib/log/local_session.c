/* SPDX-License-Identifier: Apache-2.0
 *
 * local_session.c - life of a session of a local log, and its sources.
 *
 * Not here: what it writes (local_write.c), its membership (local_group.c).
 */
#include "log/local.h"

#include "base/assert.h"

#include <stddef.h>
#include <string.h>

/* ---- life ---- */

static bool copy_text(char **copy, const char *text)
{
    *copy = ks__strdup(text);
    return *copy != NULL || text == NULL;
}

static void session_free(struct ks__local_session *session)
{
    for (size_t i = 0; i < session->topic_count; i++)
        ks__free(session->topics[i]);
    ks__free(session->topics);
    ks__free(session->held);
    ks__free(session->member_id);
    ks__free(session->client_id);
    ks__free(session->group);
    ks__free(session->instance_id);
    ks__free(session->transactional_id);
    ks__free(session->copy);
    ks__local_reset_change(&session->change);
    ks__free(session);
}

/* Nobody uses it any more, neither here nor in the log. */
static void session_end(struct ks__local_session *session)
{
    ks__local_drop_staged(session);
    while (session->writers != NULL) {
        struct ks__local_writer *writer = session->writers;

        session->writers = writer->next;
        ks__free(writer);
    }
    session_free(session);
}

void ks__local_session_let_go(struct ks__local_session *session)
{
    if (atomic_fetch_sub(&session->holders, 1) == 1)
        session_end(session);
}

static ks_status check(const struct ks__session_options *options, ks_error *error)
{
    ks_status status = KS_OK;

    if (options->group != NULL)
        status = ks__local_check_name("group", options->group, error);
    if (status == KS_OK && options->transactional_id != NULL)
        status = ks__local_check_name("transactional id", options->transactional_id, error);
    if (status == KS_OK && options->instance_id != NULL)
        status = ks__local_check_name("group instance id", options->instance_id, error);
    return status;
}

/* Who has a wake is not kept: begin() asks again. */
static ks_status fence(struct ks__local_session *session, ks_error *error)
{
    ks_status status = ks__local_fence(session, session->wake != NULL ? 0 : -1);

    if (status == KS_OK || status == KS_EAGAIN)
        return KS_OK;
    ks__error_copy(error, &session->fence.error);
    return status;
}

ks_status ks__local_session_open(struct ks__session **out, struct ks__cluster *cluster,
                                 const struct ks__session_options *options, ks_error *error)
{
    struct ks__local_log     *log    = ((struct ks__local_cluster *)cluster)->log;
    ks_status                 status = check(options, error);
    struct ks__local_session *session;

    if (status != KS_OK)
        return status;
    session = ks__zalloc(sizeof(*session));
    if (session == NULL)
        return ks__error_no_memory(error, "session of the log");
    session->base.cluster = cluster;
    session->log          = log;
    session->wake         = options->wake;
    atomic_init(&session->holders, 1);
    if (!copy_text(&session->client_id,
                   options->client_id != NULL ? options->client_id : "kstream") ||
        !copy_text(&session->group, options->group) ||
        !copy_text(&session->instance_id, options->instance_id) ||
        !copy_text(&session->transactional_id, options->transactional_id))
        status = ks__error_no_memory(error, "session of the log");
    if (status == KS_OK && session->transactional_id != NULL)
        status = fence(session, error);
    if (status != KS_OK) {
        session_free(session);
        return status;
    }
    ks__mutex_lock(&log->mutex);
    session->next = log->sessions;
    log->sessions = session;
    ks__mutex_unlock(&log->mutex);
    *out = &session->base;
    return KS_OK;
}

static void writing_released(struct ks__handover *handover)
{
    ks__local_session_let_go((struct ks__local_session *)(void *)(
        (char *)handover - offsetof(struct ks__local_session, writing)));
}

static void fence_released(struct ks__handover *handover)
{
    ks__local_session_let_go((struct ks__local_session *)(void *)(
        (char *)handover - offsetof(struct ks__local_session, fence)));
}

static void take_off_list(struct ks__local_session *session)
{
    struct ks__local_session **at = &session->log->sessions;

    ks__mutex_lock(&session->log->mutex);
    while (*at != session)
        at = &(*at)->next;
    *at = session->next;
    ks__mutex_unlock(&session->log->mutex);
}

/* What the log still has to decide keeps the session until then. */
void ks__local_session_abandon(struct ks__session *base)
{
    struct ks__local_session *session = (struct ks__local_session *)base;
    struct ks__local_log     *log     = session->log;

    while (session->sources != NULL)
        ks__local_stop(base, &session->sources->base);
    take_off_list(session);
    if (session->wake == NULL) {
        (void)ks__local_await(log, &session->fence, -1);
        (void)ks__local_await(log, &session->writing, -1);
    }
    atomic_fetch_add(&session->holders, 3);
    ks__local_orphan(log, &session->fence, fence_released);
    ks__local_orphan(log, &session->writing, writing_released);
    ks__local_orphan_change(session);
    ks__local_session_let_go(session);
}

void ks__local_session_close(struct ks__session *base)
{
    ks__local_leave((struct ks__local_session *)base);
    ks__local_session_abandon(base);
}

/* ---- sources ---- */

ks_status ks__local_start(struct ks__session *base, const char *topic, int32_t partition,
                          int64_t offset, struct ks__source **out)
{
    struct ks__local_session *session = (struct ks__local_session *)base;
    struct ks__local_log     *log     = session->log;
    struct ks__local_topic   *found;
    struct ks__local_source  *source;
    ks_status                 status = ks__local_find(log, topic, &found, &base->error);

    if (status != KS_OK)
        return status;
    if (found == NULL || partition < 0 || partition >= found->partitions)
        return KS_ENOTFOUND;
    source = ks__zalloc(sizeof(*source));
    if (source == NULL)
        return KS_ENOMEM;
    source->base.session = base;
    source->topic        = found;
    source->partition    = partition;
    source->next         = offset;
    atomic_init(&source->hungry, false);
    source->next_of_session = session->sources;
    session->sources        = source;
    ks__mutex_lock(&log->mutex);
    source->next_reader       = found->readers[partition];
    found->readers[partition] = source;
    ks__mutex_unlock(&log->mutex);
    *out = &source->base;
    return KS_OK;
}

void ks__local_stop(struct ks__session *base, struct ks__source *stopped)
{
    struct ks__local_session *session = (struct ks__local_session *)base;
    struct ks__local_source  *source  = (struct ks__local_source *)stopped, **at;

    ks__mutex_lock(&session->log->mutex);
    for (at = &source->topic->readers[source->partition]; *at != source; at = &(*at)->next_reader)
        ;
    *at = source->next_reader;
    ks__mutex_unlock(&session->log->mutex);
    for (at = &session->sources; *at != source; at = &(*at)->next_of_session)
        ;
    *at = source->next_of_session;
    if (session->log->class->source_release != NULL)
        session->log->class->source_release(source);
    ks__free(source);
}

ks_status ks__local_fetch(struct ks__source *base, size_t limit, struct ks__batch *batch)
{
    struct ks__local_source *source = (struct ks__local_source *)base;
    ks_status                status;

    batch->next_offset = source->next;
    status = ((struct ks__local_session *)base->session)->log->class->fetch(source, limit, batch);
    if (status == KS_OK)
        source->next = batch->next_offset;
    return status;
}

void ks__local_release(struct ks__batch *batch)
{
    ks__segment_drop(batch->held);
}

int64_t ks__local_lag(const struct ks__source *base)
{
    const struct ks__local_source *source = (const struct ks__local_source *)base;

    return ((struct ks__local_session *)base->session)->log->class->lag(source);
}

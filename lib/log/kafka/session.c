/* SPDX-License-Identifier: Apache-2.0
 *
 * session.c - opening and closing a session, its poll and its error.
 *
 * The three handles of a session (member, reader, producer) are made when first needed.
 */
#include "log/kafka/kafka.h"

#include "base/assert.h"

static bool copy_text(const char **to, const char *from)
{
    *to = ks__strdup(from);
    return from == NULL || *to != NULL;
}

static void session_free(struct ks__kafka_session *session)
{
    ks__free((char *)(uintptr_t)session->options.client_id);
    ks__free((char *)(uintptr_t)session->options.group);
    ks__free((char *)(uintptr_t)session->options.instance_id);
    ks__free((char *)(uintptr_t)session->options.transactional_id);
    ks__free(session);
}

ks_status ks__kafka_session_open(struct ks__session **out, struct ks__cluster *cluster,
                                 const struct ks__session_options *options, ks_error *error)
{
    struct ks__kafka_session *session = ks__zalloc(sizeof(*session));
    bool                      complete;

    *out = NULL;
    if (session == NULL)
        return ks__error_no_memory(error, "a Kafka session");
    session->base.cluster = cluster;
    session->cluster      = (struct ks__kafka_cluster *)cluster;
    session->options      = *options;
    complete = copy_text(&session->options.client_id, options->client_id);
    complete = copy_text(&session->options.group, options->group) && complete;
    complete = copy_text(&session->options.instance_id, options->instance_id) && complete;
    complete = copy_text(&session->options.transactional_id, options->transactional_id) &&
               complete;
    if (!complete || ks__kafka_worker_init(&session->worker) != KS_OK) {
        session_free(session);
        return ks__error_no_memory(error, "a Kafka session");
    }
    *out = &session->base;
    return KS_OK;
}

void ks__kafka_session_close(struct ks__session *base)
{
    struct ks__kafka_session *session = (struct ks__kafka_session *)base;

    ks__kafka_transaction_close(session);
    ks__kafka_producer_close(session);
    ks__kafka_reader_close(session);
    ks__kafka_member_close(session);
    ks__kafka_worker_release(&session->worker);
    session_free(session);
}

ks_error *ks__kafka_error(struct ks__kafka_session *session)
{
    if (!ks_error_is_fatal(&session->base.error))
        ks__error_clear(&session->base.error);
    return &session->base.error;
}

ks_status ks__kafka_session_client(struct ks__kafka_session *session,
                                   struct ks__kafka_client **out,
                                   struct ks__kafka_client_options *options)
{
    struct ks__kafka_cluster *cluster = session->cluster;
    ks_error                  error   = { .status = KS_OK };
    ks_status                 status;

    options->servers        = cluster->servers;
    options->log            = &cluster->log;
    options->properties     = cluster->properties;
    options->property_count = cluster->property_count;
    options->user           = session;
    status                  = ks__kafka_client_new(out, options, &error);
    if (status != KS_OK)
        ks__error_copy(ks__kafka_error(session), &error);
    return status;
}

/* A handle that cannot go on ends the session, and its caller hears of it once. */
static bool tell_fatal(struct ks__kafka_session *session, struct ks__event *event)
{
    struct ks__kafka_client *clients[] = { session->member, session->reader, session->producer };

    for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++)
        if (clients[i] != NULL && ks__error_is_set(&clients[i]->fatal))
            ks__error_copy(ks__kafka_error(session), &clients[i]->fatal);
    if (session->told_fatal || !ks_error_is_fatal(&session->base.error))
        return false;
    session->told_fatal = true;
    *event = (struct ks__event){ .kind = KS__EVENT_FAILED, .error = &session->base.error };
    return true;
}

bool ks__kafka_poll(struct ks__session *base, struct ks__event *event)
{
    struct ks__kafka_session *session = (struct ks__kafka_session *)base;

    *event = (struct ks__event){ .kind = KS__EVENT_NONE };
    if (session->reader != NULL)
        ks__kafka_client_poll(session->reader, 0);
    if (ks__kafka_turn_is_busy(session))
        return session->member != NULL && ks__kafka_member_poll(session, event); /* K2 */
    if (session->producer != NULL)
        ks__kafka_client_poll(session->producer, 0);
    if (session->member != NULL && ks__kafka_member_poll(session, event))
        return true;
    return tell_fatal(session, event);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * client.h - a handle of librdkafka with our settings, its log lines and its errors.
 *
 *      settings of the role ---> consumer. / producer. properties ---> rd_kafka_new
 *      log lines, errors    ---> main queue ---> the owner's poll ---> base/log.h, `disturbances`
 *
 * Nothing of librdkafka writes to stdio, and none of our functions runs on its threads.
 *
 * Threads: the owner of the handle.
 */
#ifndef KS_LOG_KAFKA_CLIENT_H
#define KS_LOG_KAFKA_CLIENT_H

#include "base/config.h"
#include "base/error.h"
#include "base/log.h"
#include "base/wake.h"

#include <librdkafka/rdkafka.h>

enum ks__kafka_role {
    KS__KAFKA_ASKER,        /* metadata, topics, offsets including what is not decided */
    KS__KAFKA_STABLE_ASKER, /* offsets as a reader of committed records sees them */
    KS__KAFKA_READER,       /* fetches partitions that it is told */
    KS__KAFKA_MEMBER,       /* takes part in a group, commits offsets; fetches nothing */
    KS__KAFKA_PRODUCER
};

/* A property that depends on the session; a NULL value is left out. */
struct ks__kafka_setting {
    const char *name;
    const char *value;
};

struct ks__kafka_client {
    rd_kafka_t          *rk;
    enum ks__kafka_role  role;
    struct ks__log       log;
    void                *user;          /* the session, for the callbacks */
    unsigned             disturbances;  /* disconnects and request timeouts that were told */
    ks_error             fatal;         /* the first fatal error */
};

struct ks__kafka_client_options {
    enum ks__kafka_role             role;
    const char                     *servers;
    const struct ks__log           *log;
    const struct ks__config_pair   *properties;
    size_t                          property_count;
    const struct ks__kafka_setting *settings;
    size_t                          setting_count;
    void                           *user;
    void (*delivered)(rd_kafka_t *rk, const rd_kafka_message_t *message, void *client);
    void (*rebalanced)(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                       rd_kafka_topic_partition_list_t *partitions, void *client);
};

/* No connection is made yet. KS_ECONFIG, KS_ENOMEM, KS_EIO (threads). */
ks_status ks__kafka_client_new(struct ks__kafka_client **out,
                               const struct ks__kafka_client_options *options, ks_error *error);
/* All topics, queues and messages of the handle were given back before. NULL is fine. */
void ks__kafka_client_free(struct ks__kafka_client *client);
/* Serve log lines, errors and delivery reports; not for a member, which polls its own queue. */
void ks__kafka_client_poll(struct ks__kafka_client *client, int timeout_ms);
/* Make the descriptor readable when the queue gets something; NULL wake = no longer. */
void ks__kafka_queue_wake(rd_kafka_queue_t *queue, const struct ks__wake *wake);

/* Check the properties of an application against librdkafka and against what is ours to set. */
ks_status ks__kafka_check_properties(const struct ks__config_pair *properties, size_t count,
                                     ks_error *error);

/* The status that an error of librdkafka means for us. */
ks_status ks__kafka_status(rd_kafka_resp_err_t code);
/* Worth another try: the broker, the coordinator or the leader could not answer now. */
bool ks__kafka_is_transient(rd_kafka_resp_err_t code);
/* Set an error with the library's text and number; returns the status. */
ks_status ks__kafka_fail(ks_error *error, rd_kafka_resp_err_t code, const char *format, ...)
    KS__PRINTF(3, 4);
/* The same for an error object: its text, number and class; destroys it. */
ks_status ks__kafka_fail_object(ks_error *error, rd_kafka_error_t *object, const char *what);

#endif

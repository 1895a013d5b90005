/* SPDX-License-Identifier: Apache-2.0
 *
 * kafka.h - what the files of the Kafka log share: the cluster and the session.
 *
 *      cluster --- worker --- asker, stable asker      create, partitions, offsets     admin.c
 *        `-- session
 *              |-- member     group, assignment, commit of offsets alone               member.c
 *              |-- reader --- source, source ...       one queue per partition         source.c
 *              `-- producer - topic, topic ...         append, delivery, flush         producer.c
 *                     `-- worker                       ends of transactions          transaction.c
 *
 * The member fetches nothing: to librdkafka it is always assigned the empty list, and the group's
 * assignment goes to the caller as events. What is read is up to ks__session_start(), by a handle
 * of its own whose partitions start and stop singly. So a start or stop never disturbs another
 * partition, nothing has to be re-routed after a rebalance, and pause and resume are not used.
 *
 * Invariants
 *   K1  A librdkafka call that waits for the network runs on a worker, or with a timeout of the
 *       caller; closing a handle is the exception.
 *   K2  While `turn` is busy the producer belongs to the worker.
 *   K3  Positions are committed only for partitions in `owned` (members), G6.
 *
 * Threads: a cluster any; a session one at a time, beside its worker (K2).
 */
#ifndef KS_LOG_KAFKA_KAFKA_H
#define KS_LOG_KAFKA_KAFKA_H

#include "log/cluster.h"
#include "log/kafka/client.h"
#include "log/kafka/worker.h"

#include "base/arena.h"
#include "base/counter.h"
#include "base/headers.h"

/* A topic whose partitions were seen. */
struct ks__kafka_known {
    char   *name;
    int32_t partitions;
};

struct ks__kafka_question; /* admin.c */

struct ks__kafka_cluster {
    struct ks__cluster         base;
    char                      *servers;
    struct ks__log             log;
    struct ks__config_pair    *properties;
    size_t                     property_count;
    int64_t                    patience_ms;       /* how long a question is tried */
    int64_t                    suspect_ms;        /* how long an end of transaction may take */
    int32_t                    replication_factor;
    struct ks__kafka_worker    worker;
    struct ks__kafka_client   *asker;             /* these two are the worker's */
    struct ks__kafka_client   *stable_asker;
    struct ks__kafka_question *questions;         /* under the worker's mutex, as are these */
    struct ks__kafka_known    *known;
    size_t                     known_count, known_capacity;
};

enum ks__kafka_phase {
    KS__KAFKA_NEW,        /* the producer id is not initialised */
    KS__KAFKA_READY,      /* no transaction */
    KS__KAFKA_OPEN,       /* between begin and its end */
    KS__KAFKA_ENDING,     /* commit: offsets and markers are under way */
    KS__KAFKA_BROKEN,     /* must be aborted */
    KS__KAFKA_ABORTING
};

/* What the worker does with the producer. */
enum ks__kafka_task {
    KS__KAFKA_INIT,       /* make the producer id known, fencing older ones */
    KS__KAFKA_RENEW,      /* the same with a new producer, after a suspect end */
    KS__KAFKA_COMMIT,
    KS__KAFKA_ABORT
};

struct ks__kafka_session;

struct ks__kafka_turn {
    struct ks__kafka_job              job;       /* first */
    struct ks__kafka_session         *session;
    enum ks__kafka_task               task;
    rd_kafka_topic_partition_list_t  *offsets;   /* COMMIT; NULL = none */
    rd_kafka_consumer_group_metadata_t *membership;
    ks_status                         status;    /* the outcome */
    ks_error                          error;
    bool                              suspect;
};

/* A rebalance that waits to be told and acknowledged. */
struct ks__kafka_rebalance {
    enum ks__event_kind              kind;
    rd_kafka_topic_partition_list_t *partitions;
    struct ks__kafka_rebalance      *next;
};

struct ks__kafka_topic {
    struct ks__topic        base;
    char                   *name;
    rd_kafka_topic_t       *rkt;                 /* replaced with the producer */
    struct ks__counter     *appended;            /* per partition: offset + 1, 0 = none */
    struct ks__kafka_topic *next;
};

struct ks__kafka_source;
struct ks__kafka_batch;

struct ks__kafka_session {
    struct ks__session         base;
    struct ks__kafka_cluster  *cluster;
    struct ks__session_options options;          /* texts are copies */
    bool                       told_fatal;       /* KS__EVENT_FAILED was given */

    struct ks__kafka_client         *member;
    rd_kafka_queue_t                *member_queue;
    rd_kafka_queue_t                *commit_queue;
    bool                             committing; /* offsets alone */
    bool                             subscribed;
    struct ks__kafka_rebalance      *rebalances; /* oldest first */
    struct ks__event_partition      *told;       /* the event given last */
    rd_kafka_topic_partition_list_t *owned;      /* acknowledged */

    struct ks__kafka_client *reader;
    struct ks__kafka_source *sources;
    struct ks__kafka_batch  *spare_batches;

    struct ks__kafka_client *producer;
    rd_kafka_queue_t        *producer_queue;
    struct ks__kafka_topic  *topics;
    struct ks__counter       undelivered;        /* appended and not yet reported */
    ks_error                 delivery_error;     /* the first record that could not be stored */

    struct ks__kafka_worker worker;
    struct ks__kafka_turn   turn;
    enum ks__kafka_phase    phase;
    bool                    suspect;             /* renew before the next begin */
};

/* ---- admin.c ---- */

ks_status ks__kafka_create(struct ks__cluster *cluster, const struct ks__topic_spec *topics,
                           size_t count, int timeout_ms, ks_error *error);
ks_status ks__kafka_partitions(struct ks__cluster *cluster, const char *topic, int32_t *partitions,
                               int timeout_ms, ks_error *error);
ks_status ks__kafka_topics(struct ks__cluster *cluster, struct ks__buffer *names, int timeout_ms,
                           ks_error *error);
ks_status ks__kafka_offset(struct ks__cluster *cluster, const char *topic, int32_t partition,
                           enum ks__offset_kind kind, int64_t time_ms, int64_t *offset,
                           int timeout_ms, ks_error *error);
ks_status ks__kafka_committed(struct ks__cluster *cluster, const char *group, const char *topic,
                              int32_t partition, int64_t *offset, char **metadata, int timeout_ms,
                              ks_error *error);
ks_status ks__kafka_trim(struct ks__cluster *cluster, const char *topic, int32_t partition,
                         int64_t offset, int timeout_ms, ks_error *error);
/* Drop all questions; the worker is stopped. */
void ks__kafka_forget_questions(struct ks__kafka_cluster *cluster);

/* ---- known.c: the partitions of topics seen lately; under the worker's mutex ---- */

/* 0 = not known. */
int32_t ks__kafka_known(const struct ks__kafka_cluster *cluster, const char *topic);
/* Without memory it is not remembered, which costs a question. 0 = forget. */
void ks__kafka_remember(struct ks__kafka_cluster *cluster, const char *topic, int32_t partitions);

/* ---- session.c ---- */

ks_status ks__kafka_session_open(struct ks__session **out, struct ks__cluster *cluster,
                                 const struct ks__session_options *options, ks_error *error);
void ks__kafka_session_close(struct ks__session *session);
bool ks__kafka_poll(struct ks__session *session, struct ks__event *event);
/* Start over with the session's error, unless a fatal one is there; returns where to write. */
ks_error *ks__kafka_error(struct ks__kafka_session *session);
/* A handle for the session, with the properties of the cluster. */
ks_status ks__kafka_session_client(struct ks__kafka_session *session,
                                   struct ks__kafka_client **out,
                                   struct ks__kafka_client_options *options);

/* ---- member.c ---- */

ks_status ks__kafka_subscribe(struct ks__session *session, const char *const *topics,
                              size_t count, int timeout_ms);
ks_status ks__kafka_acknowledge(struct ks__session *session, int timeout_ms);
ks_status ks__kafka_commit_offsets(struct ks__session *session,
                                   const struct ks__position *positions, size_t count,
                                   int timeout_ms);
/* Poll the group; true and the event when there is one to tell. */
bool ks__kafka_member_poll(struct ks__kafka_session *session, struct ks__event *event);
/* See that there is a member handle, if the session has a group. */
ks_status ks__kafka_member_need(struct ks__kafka_session *session);
/* KS_EFENCED when a position is of a partition that the member does not own (K3). */
ks_status ks__kafka_member_check(struct ks__kafka_session *session,
                                 const struct ks__position *positions, size_t count,
                                 ks_error *error);
/* A list for librdkafka; NULL = no memory. */
rd_kafka_topic_partition_list_t *ks__kafka_positions(const struct ks__position *positions,
                                                     size_t count);
void ks__kafka_member_close(struct ks__kafka_session *session);

/* ---- source.c ---- */

ks_status ks__kafka_start(struct ks__session *session, const char *topic, int32_t partition,
                          int64_t offset, struct ks__source **out);
void ks__kafka_stop(struct ks__session *session, struct ks__source *source);
ks_status ks__kafka_fetch(struct ks__source *source, size_t limit, struct ks__batch *batch);
void ks__kafka_release(struct ks__batch *batch);
int64_t ks__kafka_lag(const struct ks__source *source);
void ks__kafka_reader_close(struct ks__kafka_session *session);

/* ---- producer.c ---- */

ks_status ks__kafka_topic(struct ks__session *session, const char *name, struct ks__topic **out,
                          int timeout_ms);
ks_status ks__kafka_append(struct ks__topic *topic, int32_t partition, const ks_record *record);
ks_status ks__kafka_flush(struct ks__session *session, int timeout_ms);
int64_t ks__kafka_appended(const struct ks__topic *topic, int32_t partition);
ks_status ks__kafka_producer_need(struct ks__kafka_session *session);
/* Replace the producer and the handles of its topics; on the worker. */
ks_status ks__kafka_producer_renew(struct ks__kafka_session *session, ks_error *error);
/* What could not be delivered since the last time, as a status; then it is forgotten. */
ks_status ks__kafka_delivery_result(struct ks__kafka_session *session);
void ks__kafka_producer_close(struct ks__kafka_session *session);

/* ---- transaction.c ---- */

ks_status ks__kafka_begin(struct ks__session *session, int timeout_ms);
ks_status ks__kafka_commit(struct ks__session *session, const struct ks__position *positions,
                           size_t count, int timeout_ms);
ks_status ks__kafka_abort(struct ks__session *session, int timeout_ms);
/* The worker has the producer now (K2). */
bool ks__kafka_turn_is_busy(struct ks__kafka_session *session);
/* End the worker, and an open transaction if that is quick. */
void ks__kafka_transaction_close(struct ks__kafka_session *session);

#endif

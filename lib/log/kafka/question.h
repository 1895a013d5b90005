/* SPDX-License-Identifier: Apache-2.0
 *
 * question.h - something a cluster is asked, kept until somebody has taken the answer.
 *
 *      call ---> same question there? ---> wait ---> answered: take it, forget the question
 *                    `-- no: submit          `-----> KS_EAGAIN: it goes on, call again
 *
 * Invariants
 *   Q1  Two calls with the same arguments share one question; its text is the key.
 *   Q2  While the worker has it, only the worker touches what is below the line.
 *   Q3  An answer that nobody took for KS__KAFKA_STALE_MS is not given any more.
 *
 * Threads: any caller, under the worker's mutex; `ask` runs on the worker.
 */
#ifndef KS_LOG_KAFKA_QUESTION_H
#define KS_LOG_KAFKA_QUESTION_H

#include "log/kafka/kafka.h"

#define KS__KAFKA_STALE_MS 10000

struct ks__kafka_question {
    struct ks__kafka_job       job;             /* first */
    struct ks__kafka_question *next;
    struct ks__kafka_cluster  *cluster;
    unsigned                   users;           /* calls that wait for it now */
    bool                       taken;           /* not in the list any more */
    char                      *key;
    /* One try; a retriable error lets it be tried again. */
    ks_status (*ask)(struct ks__kafka_question *question, int timeout_ms);
    char                      *topic, *group;
    struct ks__topic_spec     *specs;           /* names are copies */
    size_t                     spec_count;
    int32_t                    partition;
    enum ks__offset_kind       kind;
    int64_t                    number;          /* a time or an offset */
    /* -------- the answer */
    ks_status                  status;
    ks_error                   error;
    int64_t                    answer;
    char                      *metadata;
    int64_t                    answered_ms;
};

/* The handles of the worker, made when first needed; NULL with the question's error set. */
rd_kafka_t *ks__kafka_asker(struct ks__kafka_question *question, bool stable);

/* ---- offsets.c: the asks ---- */

ks_status ks__kafka_ask_partitions(struct ks__kafka_question *question, int timeout_ms);
/* The names of all topics, one a line, as the question's metadata. */
ks_status ks__kafka_ask_topics(struct ks__kafka_question *question, int timeout_ms);
ks_status ks__kafka_ask_offset(struct ks__kafka_question *question, int timeout_ms);

/* ---- requests.c: what goes through librdkafka's queue of admin requests ---- */

ks_status ks__kafka_ask_create(struct ks__kafka_question *question, int timeout_ms);
ks_status ks__kafka_ask_committed(struct ks__kafka_question *question, int timeout_ms);
ks_status ks__kafka_ask_trim(struct ks__kafka_question *question, int timeout_ms);

#endif

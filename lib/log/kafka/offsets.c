/* SPDX-License-Identifier: Apache-2.0
 *
 * offsets.c - asking brokers for the partitions of a topic and the offsets of a partition.
 *
 * A watermark is the last stable offset on a handle that reads committed records, and the true end
 * on one that does not: hence the two askers.
 *
 * Threads: the cluster's worker.
 */
#include "log/kafka/question.h"

#include <inttypes.h>
#include <string.h>

static void remember(struct ks__kafka_question *question, int32_t partitions)
{
    ks__mutex_lock(&question->cluster->worker.mutex);
    ks__kafka_remember(question->cluster, question->topic, partitions);
    ks__mutex_unlock(&question->cluster->worker.mutex);
}

/* What the metadata says of the one topic that was asked for. */
static ks_status read_topic(struct ks__kafka_question *question,
                            const struct rd_kafka_metadata_topic *topic)
{
    if (topic->partition_cnt > 0 && topic->err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        question->answer = topic->partition_cnt;
    else if (ks__kafka_status(topic->err) == KS_ENOTFOUND)
        question->answer = 0;
    else
        return ks__kafka_fail(&question->error, topic->err, "topic \"%s\"", question->topic);
    remember(question, (int32_t)question->answer);
    return KS_OK;
}

/* Kept by brokers for themselves (exclude.internal.topics). */
static bool is_brokers_own(const char *topic)
{
    return strcmp(topic, "__consumer_offsets") == 0 || strcmp(topic, "__transaction_state") == 0 ||
           strcmp(topic, "__share_group_state") == 0;
}

ks_status ks__kafka_ask_topics(struct ks__kafka_question *question, int timeout_ms)
{
    const struct rd_kafka_metadata *metadata;
    struct ks__buffer               names = { .data = NULL };
    rd_kafka_t                     *rk    = ks__kafka_asker(question, false);
    rd_kafka_resp_err_t             code;

    if (rk == NULL)
        return question->status;
    code = rd_kafka_metadata(rk, 1, NULL, &metadata, timeout_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ks__kafka_fail(&question->error, code, "cannot ask %s for its topics",
                              question->cluster->servers);
    for (int i = 0; i < metadata->topic_cnt; i++)
        if (metadata->topics[i].partition_cnt > 0 && !is_brokers_own(metadata->topics[i].topic))
            ks__buffer_printf(&names, "%s\n", metadata->topics[i].topic);
    rd_kafka_metadata_destroy(metadata);
    ks__free(question->metadata);
    question->metadata = ks__buffer_steal_text(&names);
    return question->metadata != NULL ? KS_OK : ks__error_no_memory(&question->error, "topics");
}

ks_status ks__kafka_ask_partitions(struct ks__kafka_question *question, int timeout_ms)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_t                     *rk = ks__kafka_asker(question, false);
    rd_kafka_topic_t               *topic;
    rd_kafka_resp_err_t             code;
    ks_status                       status;

    if (rk == NULL)
        return question->status;
    if ((topic = rd_kafka_topic_new(rk, question->topic, NULL)) == NULL)
        return ks__kafka_fail(&question->error, rd_kafka_last_error(), "topic \"%s\"",
                              question->topic);
    code = rd_kafka_metadata(rk, 0, topic, &metadata, timeout_ms);
    rd_kafka_topic_destroy(topic);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ks__kafka_fail(&question->error, code, "cannot ask %s for topic \"%s\"",
                              question->cluster->servers, question->topic);
    if (metadata->topic_cnt != 1)
        status = ks__error_set(&question->error, KS_ELOG, "topic \"%s\": %d answers for one",
                               question->topic, metadata->topic_cnt);
    else
        status = read_topic(question, &metadata->topics[0]);
    rd_kafka_metadata_destroy(metadata);
    return status;
}

/* KS_ENOTFOUND when there is no such partition: librdkafka would go on looking for it. */
static ks_status check_partition(struct ks__kafka_question *question, int timeout_ms)
{
    int32_t   partitions;
    ks_status status = KS_OK;

    ks__mutex_lock(&question->cluster->worker.mutex);
    partitions = ks__kafka_known(question->cluster, question->topic);
    ks__mutex_unlock(&question->cluster->worker.mutex);
    if (question->partition >= partitions) {
        status     = ks__kafka_ask_partitions(question, timeout_ms);
        partitions = (int32_t)question->answer;
    }
    if (status == KS_OK && (question->partition < 0 || question->partition >= partitions))
        status = ks__error_set(&question->error, KS_ENOTFOUND,
                               "topic \"%s\" has no partition %" PRId32, question->topic,
                               question->partition);
    return status;
}

static rd_kafka_resp_err_t watermark(rd_kafka_t *rk, struct ks__kafka_question *question,
                                     bool high, int timeout_ms)
{
    int64_t             low = 0, end = 0;
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
        rk, question->topic, question->partition, &low, &end, timeout_ms);

    question->answer = high ? end : low;
    return code;
}

static rd_kafka_resp_err_t offset_at(rd_kafka_t *rk, struct ks__kafka_question *question,
                                     int timeout_ms)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t              code;

    rd_kafka_topic_partition_list_add(list, question->topic, question->partition)->offset =
        question->number;
    code = rd_kafka_offsets_for_times(rk, list, timeout_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = list->elems[0].err;
    question->answer = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && question->answer < 0)
        code = watermark(rk, question, true, timeout_ms); /* no record is that late */
    return code;
}

ks_status ks__kafka_ask_offset(struct ks__kafka_question *question, int timeout_ms)
{
    bool                at     = question->kind == KS__OFFSET_AT;
    bool                stable = at || question->kind == KS__OFFSET_END;
    rd_kafka_t         *rk     = ks__kafka_asker(question, stable);
    rd_kafka_resp_err_t code;
    ks_status           status;

    if (rk == NULL)
        return question->status;
    if ((status = check_partition(question, timeout_ms)) != KS_OK)
        return status;
    if (at)
        code = offset_at(rk, question, timeout_ms);
    else
        code = watermark(rk, question, question->kind != KS__OFFSET_BEGIN, timeout_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return KS_OK;
    if (ks__kafka_status(code) == KS_ENOTFOUND)
        remember(question, 0);
    return ks__kafka_fail(&question->error, code, "cannot find an offset of \"%s\" %" PRId32,
                          question->topic, question->partition);
}

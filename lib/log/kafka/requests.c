/* SPDX-License-Identifier: Apache-2.0
 *
 * requests.c - creating topics, deleting records and reading a group's offsets: the requests that
 * librdkafka answers by an event on a queue.
 *
 * Threads: the cluster's worker.
 */
#include "log/kafka/question.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SLICE_MS   100  /* how long an event is waited for before the worker is looked at */
#define VISIBLE_MS 5000 /* how long a new topic may take until the metadata shows it */

/* Options with the timeouts of the question; NULL only without memory. */
static rd_kafka_AdminOptions_t *options_of(rd_kafka_t *rk, rd_kafka_admin_op_t operation,
                                           int timeout_ms)
{
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, operation);
    char                     text[256];

    (void)rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, text, sizeof(text));
    if (operation != RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS)
        (void)rd_kafka_AdminOptions_set_operation_timeout(options, timeout_ms, text, sizeof(text));
    return options;
}

/* Wait for the answer; librdkafka always gives one within the request's timeout. NULL = the worker
 * is being stopped. */
static rd_kafka_event_t *answer_of(struct ks__kafka_question *question, rd_kafka_queue_t *queue)
{
    rd_kafka_event_t *event;

    while ((event = rd_kafka_queue_poll(queue, SLICE_MS)) == NULL)
        if (!ks__kafka_worker_pause(&question->cluster->worker, 0)) {
            ks__error_set(&question->error, KS_ELOG, "the cluster is being closed");
            return NULL;
        }
    return event;
}

typedef ks_status read_fn(struct ks__kafka_question *question, rd_kafka_event_t *event);

/* Wait for the answer of a request that was sent, and read it if it is none that refuses. */
static ks_status take_answer(struct ks__kafka_question *question, rd_kafka_queue_t *queue,
                             const char *what, read_fn *read)
{
    rd_kafka_event_t   *event = answer_of(question, queue);
    rd_kafka_resp_err_t code;
    ks_status           status;

    if (event == NULL)
        return KS_ELOG;
    code   = rd_kafka_event_error(event);
    status = code == RD_KAFKA_RESP_ERR_NO_ERROR
                 ? read(question, event)
                 : ks__kafka_fail(&question->error, code, "%s: %s", what,
                                  rd_kafka_event_error_string(event));
    rd_kafka_event_destroy(event);
    return status;
}

/* ---- create ---- */

/* "name=value\n", in a copy that may be cut. */
static ks_status configure_by_lines(rd_kafka_NewTopic_t *topic, char *lines)
{
    for (char *line = lines, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        char *value = strchr(line, '=');

        *end     = '\0';
        *value++ = '\0';
        if (rd_kafka_NewTopic_set_config(topic, line, value) != RD_KAFKA_RESP_ERR_NO_ERROR)
            return KS_EINVAL;
    }
    return KS_OK;
}

static ks_status configure_topic(rd_kafka_NewTopic_t *topic, const struct ks__topic_spec *spec)
{
    char        text[32];
    const char *policy = !spec->compacted ? NULL
                         : spec->retention_ms > 0 ? "compact,delete"
                                                  : "compact";

    if (spec->config != NULL) {
        char     *lines  = ks__strdup(spec->config);
        ks_status status = lines != NULL ? configure_by_lines(topic, lines) : KS_ENOMEM;

        ks__free(lines);
        return status;
    }
    if (policy != NULL &&
        rd_kafka_NewTopic_set_config(topic, "cleanup.policy", policy) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return KS_EINVAL;
    if (spec->retention_ms == 0)
        return KS_OK;
    snprintf(text, sizeof(text), "%" PRId64, spec->retention_ms);
    return rd_kafka_NewTopic_set_config(topic, "retention.ms", text) == RD_KAFKA_RESP_ERR_NO_ERROR
               ? KS_OK
               : KS_EINVAL;
}

static ks_status make_topics(struct ks__kafka_question *question, rd_kafka_NewTopic_t **topics)
{
    const int32_t factor = question->cluster->replication_factor;
    const int     copies = factor > 0 ? (int)factor : -1;
    char          text[256];

    for (size_t i = 0; i < question->spec_count; i++) {
        const struct ks__topic_spec *spec = &question->specs[i];

        topics[i] = rd_kafka_NewTopic_new(spec->name, spec->partitions, copies, text, sizeof(text));
        if (topics[i] == NULL || configure_topic(topics[i], spec) != KS_OK)
            return ks__error_set(&question->error, KS_EINVAL, "topic \"%s\": %s", spec->name,
                                 topics[i] == NULL ? text : "its configuration is refused");
    }
    return KS_OK;
}

/* The worst of the topics' results; "there already" only when nothing else is wrong. */
static ks_status read_created(struct ks__kafka_question *question, rd_kafka_event_t *event)
{
    size_t                          count;
    const rd_kafka_topic_result_t **results = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(event), &count);
    ks_error exists = { .status = KS_OK };

    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code   = rd_kafka_topic_result_error(results[i]);
        ks_status           status = ks__kafka_status(code);

        if (status == KS_OK)
            continue;
        ks__kafka_fail(status == KS_EEXISTS ? &exists : &question->error, code, "topic \"%s\"",
                       rd_kafka_topic_result_name(results[i]));
    }
    ks__error_copy(&question->error, &exists);
    return question->error.status;
}

/* A broker answers before all of them show the topic in their metadata. */
static void await_topics(struct ks__kafka_question *question)
{
    int64_t until_ms = ks__clock_mono_ms(ks__clock_real()) + VISIBLE_MS;

    for (size_t i = 0; i < question->spec_count; i++) {
        struct ks__kafka_question topic = { .cluster = question->cluster,
                                            .topic   = (char *)(uintptr_t)question->specs[i].name };

        while (ks__clock_mono_ms(ks__clock_real()) < until_ms) {
            ks_status status = ks__kafka_ask_partitions(&topic, VISIBLE_MS);

            ks__error_clear(&topic.error);
            if ((status == KS_OK && topic.answer > 0) ||
                !ks__kafka_worker_pause(&question->cluster->worker, 20))
                break;
        }
    }
}

static ks_status send_create(struct ks__kafka_question *question, rd_kafka_t *rk,
                             rd_kafka_NewTopic_t **topics, int timeout_ms)
{
    rd_kafka_queue_t        *queue = rd_kafka_queue_new(rk);
    rd_kafka_AdminOptions_t *options =
        options_of(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout_ms);
    ks_status         status;

    rd_kafka_CreateTopics(rk, topics, question->spec_count, options, queue);
    status = take_answer(question, queue, "cannot create topics", read_created);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return status;
}

ks_status ks__kafka_ask_create(struct ks__kafka_question *question, int timeout_ms)
{
    rd_kafka_t           *rk = ks__kafka_asker(question, false);
    rd_kafka_NewTopic_t **topics;
    ks_status             status;

    if (rk == NULL)
        return question->status;
    if ((topics = ks__zalloc_array(question->spec_count, sizeof(*topics))) == NULL)
        return ks__error_no_memory(&question->error, "a request to create topics");
    status = make_topics(question, topics);
    if (status == KS_OK)
        status = send_create(question, rk, topics, timeout_ms);
    for (size_t i = 0; i < question->spec_count; i++)
        if (topics[i] != NULL)
            rd_kafka_NewTopic_destroy(topics[i]);
    ks__free(topics);
    if (status == KS_OK || status == KS_EEXISTS)
        await_topics(question);
    return status;
}

/* ---- committed ---- */

static ks_status read_committed(struct ks__kafka_question *question, rd_kafka_event_t *event)
{
    size_t                         count;
    const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event), &count);
    const rd_kafka_topic_partition_list_t *list;
    const rd_kafka_error_t                *failed;
    const rd_kafka_topic_partition_t      *found;

    question->answer = KS__OFFSET_NONE;
    if (count != 1)
        return ks__error_set(&question->error, KS_ELOG, "%zu answers for one group", count);
    if ((failed = rd_kafka_group_result_error(groups[0])) != NULL)
        return ks__kafka_fail(&question->error, rd_kafka_error_code(failed), "group \"%s\"",
                              question->group);
    list  = rd_kafka_group_result_partitions(groups[0]);
    found = list != NULL && list->cnt == 1 ? &list->elems[0] : NULL;
    if (found == NULL || found->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ks__kafka_fail(&question->error,
                              found != NULL ? found->err : RD_KAFKA_RESP_ERR__FAIL,
                              "group \"%s\", \"%s\" %" PRId32, question->group, question->topic,
                              question->partition);
    if (found->offset < 0)
        return KS_OK;
    question->answer = found->offset;
    ks__free(question->metadata);
    question->metadata = found->metadata_size > 0
                             ? ks__strndup(found->metadata, found->metadata_size)
                             : NULL;
    return found->metadata_size > 0 && question->metadata == NULL
               ? ks__error_no_memory(&question->error, "the metadata of an offset")
               : KS_OK;
}

ks_status ks__kafka_ask_committed(struct ks__kafka_question *question, int timeout_ms)
{
    rd_kafka_t                       *rk = ks__kafka_asker(question, false);
    rd_kafka_topic_partition_list_t  *list;
    rd_kafka_ListConsumerGroupOffsets_t *request;
    rd_kafka_AdminOptions_t          *options;
    rd_kafka_queue_t                 *queue;
    ks_status                         status;

    if (rk == NULL)
        return question->status;
    list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, question->topic, question->partition);
    request = rd_kafka_ListConsumerGroupOffsets_new(question->group, list);
    options = options_of(rk, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, timeout_ms);
    queue   = rd_kafka_queue_new(rk);
    rd_kafka_error_t *unsupported = rd_kafka_AdminOptions_set_require_stable_offsets(options, 1);
    if (unsupported != NULL) {
        status = ks__kafka_fail_object(&question->error, unsupported, "stable offsets");
    } else {
        rd_kafka_ListConsumerGroupOffsets(rk, &request, 1, options, queue);
        status = take_answer(question, queue, "cannot read a group's offsets", read_committed);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

/* ---- trim ---- */

static ks_status read_trimmed(struct ks__kafka_question *question, rd_kafka_event_t *event)
{
    const rd_kafka_topic_partition_list_t *list = rd_kafka_DeleteRecords_result_offsets(
        rd_kafka_event_DeleteRecords_result(event));

    for (int i = 0; i < list->cnt; i++)
        if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
            return ks__kafka_fail(&question->error, list->elems[i].err,
                                  "cannot trim \"%s\" %" PRId32, question->topic,
                                  question->partition);
    return KS_OK;
}

ks_status ks__kafka_ask_trim(struct ks__kafka_question *question, int timeout_ms)
{
    rd_kafka_t                      *rk = ks__kafka_asker(question, false);
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_DeleteRecords_t        *request;
    rd_kafka_AdminOptions_t         *options;
    rd_kafka_queue_t                *queue;
    ks_status                        status;

    if (rk == NULL)
        return question->status;
    list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, question->topic, question->partition)->offset =
        question->number;
    request = rd_kafka_DeleteRecords_new(list);
    options = options_of(rk, RD_KAFKA_ADMIN_OP_DELETERECORDS, timeout_ms);
    queue   = rd_kafka_queue_new(rk);
    rd_kafka_DeleteRecords(rk, &request, 1, options, queue);
    status = take_answer(question, queue, "cannot trim", read_trimmed);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_DeleteRecords_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

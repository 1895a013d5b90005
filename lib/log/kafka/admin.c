/* SPDX-License-Identifier: Apache-2.0
 *
 * admin.c - the calls of a cluster: each is a question that its worker asks, see question.h.
 */
#include "log/kafka/question.h"

#include "base/assert.h"
#include "base/buffer.h"
#include "base/clock.h"

#include <inttypes.h>
#include <string.h>

#define FIRST_TRY_MS 1000 /* each try gets that much more than the one before */
#define PAUSE_MS     50   /* between two tries */

static int64_t now_ms(void)
{
    return ks__clock_mono_ms(ks__clock_real());
}

static void question_free(struct ks__kafka_question *question)
{
    for (size_t i = 0; i < question->spec_count; i++) {
        ks__free((char *)(uintptr_t)question->specs[i].name);
        ks__free((char *)(uintptr_t)question->specs[i].config);
    }
    ks__free(question->specs);
    ks__free(question->topic);
    ks__free(question->group);
    ks__free(question->metadata);
    ks__free(question->key);
    ks__free(question);
}

void ks__kafka_forget_questions(struct ks__kafka_cluster *cluster)
{
    struct ks__kafka_question *question;

    while ((question = cluster->questions) != NULL) {
        ks__assert(question->users == 0 && !question->job.busy);
        cluster->questions = question->next;
        question_free(question);
    }
}

/* ---- on the worker ---- */

rd_kafka_t *ks__kafka_asker(struct ks__kafka_question *question, bool stable)
{
    struct ks__kafka_cluster       *cluster = question->cluster;
    struct ks__kafka_client       **client  = stable ? &cluster->stable_asker : &cluster->asker;
    struct ks__kafka_setting        isolation = { "isolation.level", "read_committed" };
    struct ks__kafka_client_options options = {
        .role           = stable ? KS__KAFKA_STABLE_ASKER : KS__KAFKA_ASKER,
        .servers        = cluster->servers,
        .log            = &cluster->log,
        .properties     = cluster->properties,
        .property_count = cluster->property_count,
        .settings       = &isolation,
        .setting_count  = stable ? 1 : 0,
    };

    if (*client == NULL)
        question->status = ks__kafka_client_new(client, &options, &question->error);
    return *client != NULL ? (*client)->rk : NULL;
}

static bool may_try_again(const struct ks__kafka_question *question, int64_t until_ms)
{
    return ks_error_is_retriable(&question->error) && now_ms() < until_ms;
}

static void run(struct ks__kafka_job *job, struct ks__kafka_worker *worker)
{
    struct ks__kafka_question *question = (struct ks__kafka_question *)job;
    struct ks__kafka_cluster  *cluster  = question->cluster;
    int64_t                    until_ms = now_ms() + cluster->patience_ms;

    for (int try_ms = FIRST_TRY_MS;; try_ms += FIRST_TRY_MS) {
        int64_t left_ms = until_ms - now_ms();

        ks__error_clear(&question->error);
        question->status = question->ask(question, left_ms < try_ms ? (int)left_ms : try_ms);
        if (cluster->asker != NULL)
            ks__kafka_client_poll(cluster->asker, 0);
        if (cluster->stable_asker != NULL)
            ks__kafka_client_poll(cluster->stable_asker, 0);
        if (!may_try_again(question, until_ms) || !ks__kafka_worker_pause(worker, PAUSE_MS))
            break;
    }
    question->answered_ms = now_ms();
}

/* ---- in the calls ---- */

static void unlink_question(struct ks__kafka_cluster *cluster, struct ks__kafka_question *question)
{
    struct ks__kafka_question **link = &cluster->questions;

    while (*link != question)
        link = &(*link)->next;
    *link           = question->next;
    question->taken = true;
    if (question->users == 0)
        question_free(question);
}

/* The question that is under way or answered lately; drops the stale ones. */
static struct ks__kafka_question *find(struct ks__kafka_cluster *cluster, const char *key)
{
    struct ks__kafka_question *found = NULL, *next;
    int64_t                    oldest_ms = now_ms() - KS__KAFKA_STALE_MS;

    for (struct ks__kafka_question *q = cluster->questions; q != NULL; q = next) {
        next = q->next;
        if (!q->job.busy && q->users == 0 && q->answered_ms < oldest_ms)
            unlink_question(cluster, q);
        else if (strcmp(q->key, key) == 0)
            found = q;
    }
    return found;
}

static struct ks__kafka_question *question_new(struct ks__kafka_cluster *cluster,
                                               const struct ks__kafka_question *like)
{
    struct ks__kafka_question *question = ks__zalloc(sizeof(*question));

    if (question == NULL)
        return NULL;
    *question         = *like;
    question->job.run = run;
    question->cluster = cluster;
    question->key     = ks__strdup(like->key);
    question->topic   = ks__strdup(like->topic);
    question->group   = ks__strdup(like->group);
    question->specs   = NULL;
    question->spec_count = 0;
    if (like->spec_count > 0)
        question->specs = ks__zalloc_array(like->spec_count, sizeof(*like->specs));
    bool complete = question->key != NULL && (like->topic == NULL || question->topic != NULL) &&
                    (like->group == NULL || question->group != NULL) &&
                    (like->spec_count == 0 || question->specs != NULL);

    for (size_t i = 0; complete && i < like->spec_count; i++) {
        question->specs[i]        = like->specs[i];
        question->specs[i].name   = ks__strdup(like->specs[i].name);
        question->specs[i].config = ks__strdup(like->specs[i].config);
        question->spec_count++;
        complete = question->specs[i].name != NULL &&
                   (like->specs[i].config == NULL || question->specs[i].config != NULL);
    }
    if (complete)
        return question;
    question_free(question);
    return NULL;
}

/* Find or submit; counts the caller as a user. NULL = no memory or no thread. */
static struct ks__kafka_question *enter(struct ks__kafka_cluster *cluster,
                                        const struct ks__kafka_question *like)
{
    struct ks__kafka_question *question;

    ks__mutex_lock(&cluster->worker.mutex);
    if ((question = find(cluster, like->key)) != NULL) {
        question->users++;
        ks__mutex_unlock(&cluster->worker.mutex);
        return question;
    }
    if ((question = question_new(cluster, like)) != NULL) {
        question->users    = 1;
        question->next     = cluster->questions;
        cluster->questions = question;
    }
    if (question != NULL &&
        ks__kafka_worker_submit_locked(&cluster->worker, &question->job) != KS_OK) {
        question->status      = KS_EIO;
        question->answered_ms = now_ms();
        ks__error_set(&question->error, KS_EIO, "no thread to ask the brokers with");
    }
    ks__mutex_unlock(&cluster->worker.mutex);
    return question;
}

/* Ask, wait, and give answer and metadata (the latter's ownership, when wanted). */
static ks_status ask(struct ks__kafka_cluster *cluster, const struct ks__kafka_question *like,
                     int timeout_ms, int64_t *answer, char **metadata, ks_error *error)
{
    struct ks__kafka_question *question;
    ks_status                  status = KS_EAGAIN;

    if (like->key == NULL || (question = enter(cluster, like)) == NULL)
        return ks__error_no_memory(error, "a request to the brokers");
    ks__mutex_lock(&cluster->worker.mutex);
    if (ks__kafka_worker_wait_locked(&cluster->worker, &question->job, timeout_ms)) {
        status = question->status;
        if (error != NULL && status != KS_EAGAIN)
            ks__error_copy(error, &question->error);
        if (status == KS_OK && answer != NULL)
            *answer = question->answer;
        if (status == KS_OK && metadata != NULL && question->metadata != NULL)
            *metadata = ks__strdup(question->metadata);
    }
    question->users--;
    if (status != KS_EAGAIN && !question->taken)
        unlink_question(cluster, question);
    else if (!question->job.busy && !question->taken && question->users == 0)
        unlink_question(cluster, question); /* answered "not yet": ask anew */
    else if (question->taken && question->users == 0)
        question_free(question);
    ks__mutex_unlock(&cluster->worker.mutex);
    return status;
}

ks_status ks__kafka_create(struct ks__cluster *base, const struct ks__topic_spec *topics,
                           size_t count, int timeout_ms, ks_error *error)
{
    struct ks__kafka_question question = { .ask = ks__kafka_ask_create, .spec_count = count,
                                           .specs = (struct ks__topic_spec *)(uintptr_t)topics };
    struct ks__buffer         key = { .data = NULL };
    ks_status                 status;

    if (count == 0)
        return KS_OK;
    ks__buffer_append_text(&key, "create");
    for (size_t i = 0; i < count; i++) {
        ks__buffer_append_text(&key, " ");
        ks__buffer_append_text(&key, topics[i].name);
    }
    ks__buffer_append_u8(&key, '\0');
    question.key = key.failed ? NULL : (char *)key.data;
    status       = ask((struct ks__kafka_cluster *)base, &question, timeout_ms, NULL, NULL, error);
    ks__buffer_release(&key);
    return status;
}

ks_status ks__kafka_partitions(struct ks__cluster *base, const char *topic, int32_t *partitions,
                               int timeout_ms, ks_error *error)
{
    struct ks__kafka_question question = { .ask   = ks__kafka_ask_partitions,
                                           .key   = ks__format("partitions %s", topic),
                                           .topic = (char *)(uintptr_t)topic };
    int64_t                   answer   = 0;
    ks_status status = ask((struct ks__kafka_cluster *)base, &question, timeout_ms, &answer, NULL,
                           error);

    ks__free(question.key);
    *partitions = (int32_t)answer;
    return status;
}

ks_status ks__kafka_topics(struct ks__cluster *base, struct ks__buffer *names, int timeout_ms,
                           ks_error *error)
{
    struct ks__kafka_question question = { .ask = ks__kafka_ask_topics,
                                           .key = ks__strdup("topics") };
    char                     *lines    = NULL;
    ks_status status = ask((struct ks__kafka_cluster *)base, &question, timeout_ms, NULL, &lines,
                           error);

    ks__free(question.key);
    for (char *at = lines, *end; at != NULL && (end = strchr(at, '\n')) != NULL; at = end + 1) {
        *end = '\0';
        ks__buffer_append(names, at, (size_t)(end - at) + 1);
    }
    ks__free(lines);
    return status;
}

ks_status ks__kafka_offset(struct ks__cluster *base, const char *topic, int32_t partition,
                           enum ks__offset_kind kind, int64_t time_ms, int64_t *offset,
                           int timeout_ms, ks_error *error)
{
    struct ks__kafka_question question = {
        .ask       = ks__kafka_ask_offset,
        .key       = ks__format("offset %s %" PRId32 " %d %" PRId64, topic, partition, (int)kind,
                                time_ms),
        .topic     = (char *)(uintptr_t)topic,
        .partition = partition,
        .kind      = kind,
        .number    = time_ms,
    };
    ks_status status = ask((struct ks__kafka_cluster *)base, &question, timeout_ms, offset, NULL,
                           error);

    ks__free(question.key);
    return status;
}

ks_status ks__kafka_committed(struct ks__cluster *base, const char *group, const char *topic,
                              int32_t partition, int64_t *offset, char **metadata, int timeout_ms,
                              ks_error *error)
{
    struct ks__kafka_question question = {
        .ask       = ks__kafka_ask_committed,
        .key       = ks__format("committed %s %s %" PRId32, group, topic, partition),
        .topic     = (char *)(uintptr_t)topic,
        .group     = (char *)(uintptr_t)group,
        .partition = partition,
    };
    ks_status status = ask((struct ks__kafka_cluster *)base, &question, timeout_ms, offset,
                           metadata, error);

    ks__free(question.key);
    return status;
}

ks_status ks__kafka_trim(struct ks__cluster *base, const char *topic, int32_t partition,
                         int64_t offset, int timeout_ms, ks_error *error)
{
    struct ks__kafka_question question = {
        .ask       = ks__kafka_ask_trim,
        .key       = ks__format("trim %s %" PRId32 " %" PRId64, topic, partition, offset),
        .topic     = (char *)(uintptr_t)topic,
        .partition = partition,
        .number    = offset,
    };
    ks_status status = ask((struct ks__kafka_cluster *)base, &question, timeout_ms, NULL, NULL,
                           error);

    ks__free(question.key);
    return status;
}

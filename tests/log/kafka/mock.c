/* SPDX-License-Identifier: Apache-2.0
 *
 * mock.c - a broker inside the test, see mock.h.
 */
#include "log/kafka/mock.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE_MS 10000

struct ks__cluster      *cluster;
rd_kafka_mock_cluster_t *mock;

static rd_kafka_t *holder; /* the handle that the mock hangs on */

int64_t now_ms(void)
{
    return ks__clock_mono_ms(ks__clock_real());
}

void sleep_ms(int ms)
{
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
}

static void print_line(const struct ks__log_line *line, void *user)
{
    (void)user;
    fprintf(stderr, "# %s %s\n", ks__log_level_name(line->level), line->text);
}

struct ks__cluster *open_cluster(const char *address, const char *const *properties)
{
    struct ks__config_pair     pairs[16];
    struct ks__log             log     = { .fn = print_line, .level = KS__LOG_DEBUG };
    struct ks__cluster_options options = { .properties = pairs,
                                           .log = getenv("KS_TEST_LOG") != NULL ? &log : NULL };
    struct ks__cluster        *opened;
    ks_error                   error = { .status = KS_OK };

    for (; properties != NULL && properties[0] != NULL; properties += 2) {
        bool producer = strncmp(properties[0], "producer.", 9) == 0;

        pairs[options.property_count++] =
            (struct ks__config_pair){ .prefix = producer,
                                      .name   = (char *)(uintptr_t)(properties[0] + 9),
                                      .value  = (char *)(uintptr_t)properties[1] };
    }
    ck_assert_msg(ks__cluster_open(&opened, address, &options, &error) == KS_OK, "%s",
                  ks_error_message(&error));
    return opened;
}

void mock_start(void)
{
    /* The mock ends a rebalance when the session timeout is over. */
    static const char *const quick[] = { "consumer.session.timeout.ms", "6000",
                                         "consumer.heartbeat.interval.ms", "200", NULL };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char             text[256];

    rd_kafka_conf_set_log_cb(conf, NULL);
    holder = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    ck_assert_msg(holder != NULL, "%s", text);
    mock = rd_kafka_mock_cluster_new(holder, 1);
    ck_assert_ptr_nonnull(mock);
    ck_assert_int_eq(rd_kafka_mock_set_apiversion(mock, API_METADATA, 0, 4), 0);
    ck_assert_int_eq(rd_kafka_mock_topic_create(mock, "numbers", 2, 1), 0);
    cluster = open_cluster(rd_kafka_mock_cluster_bootstraps(mock), quick);
}

void mock_stop(void)
{
    ks__cluster_close(cluster);
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(holder);
}

struct ks__session *open_session(struct ks__session_options options)
{
    struct ks__session *session;

    ck_assert_int_eq(ks__session_open(&session, cluster, &options, NULL), KS_OK);
    return session;
}

struct ks__topic *open_topic(struct ks__session *session, const char *name)
{
    struct ks__topic *topic;

    ck_assert_msg(ks__session_topic(session, name, &topic, PATIENCE_MS) == KS_OK, "%s",
                  ks_error_message(ks__session_error(session)));
    return topic;
}

struct ks__source *open_source(struct ks__session *session, const char *topic, int32_t partition,
                               int64_t offset)
{
    struct ks__source *source;

    ck_assert_msg(ks__session_start(session, topic, partition, offset, &source) == KS_OK, "%s",
                  ks_error_message(ks__session_error(session)));
    return source;
}

ks_status append_text(struct ks__topic *topic, int32_t partition, const char *key,
                      const char *value)
{
    ks_record record = { .key          = ks_bytes_text(key),
                         .value        = ks_bytes_text(value),
                         .timestamp_ms = 1000 };

    return ks__topic_append(topic, partition, &record);
}

#define UNTIL_DECIDED(call)                                              \
    do {                                                                 \
        int64_t   until_ms = now_ms() + PATIENCE_MS;                     \
        ks_status decided;                                               \
        while ((decided = (call)) == KS_EAGAIN)                          \
            ck_assert_msg(now_ms() < until_ms, "undecided: %s", #call);  \
        return decided;                                                  \
    } while (0)

ks_status flush(struct ks__session *session)
{
    UNTIL_DECIDED(ks__session_flush(session, 20));
}

ks_status begin(struct ks__session *session)
{
    UNTIL_DECIDED(ks__session_begin(session, 20));
}

ks_status commit(struct ks__session *session, const struct ks__position *positions, size_t count)
{
    UNTIL_DECIDED(ks__session_commit(session, positions, count, 20));
}

ks_status abort_(struct ks__session *session)
{
    UNTIL_DECIDED(ks__session_abort(session, 20));
}

ks_status commit_offsets(struct ks__session *session, const struct ks__position *positions,
                         size_t count)
{
    UNTIL_DECIDED(ks__session_commit_offsets(session, positions, count, 20));
}

int64_t offset_of(const char *topic, int32_t partition, enum ks__offset_kind kind)
{
    int64_t  offset;
    ks_error error = { .status = KS_OK };

    ck_assert_msg(ks__cluster_offset(cluster, topic, partition, kind, 0, &offset, PATIENCE_MS,
                                     &error) == KS_OK,
                  "%s", ks_error_message(&error));
    return offset;
}

const char *read_values(struct ks__source *source, size_t count)
{
    static char text[4096];
    size_t      used     = 0;
    int64_t     until_ms = now_ms() + PATIENCE_MS;

    text[0] = '\0';
    while (count > 0) {
        struct ks__batch batch;

        ck_assert_int_eq(ks__source_fetch(source, count, &batch), KS_OK);
        for (size_t i = 0; i < batch.count; i++)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.*s",
                                     used > 0 ? " " : "",
                                     KS_BYTES_ARG(batch.records[i].record.value));
        count -= batch.count;
        if (batch.count == 0)
            sleep_ms(1);
        ks__batch_release(&batch);
        ck_assert_msg(now_ms() < until_ms, "%zu records are missing after \"%s\"", count, text);
    }
    return text;
}

void read_to_end(struct ks__source *source)
{
    int64_t until_ms = now_ms() + PATIENCE_MS;
    bool    at_end   = false;

    while (!at_end) {
        struct ks__batch batch;

        ck_assert_int_eq(ks__source_fetch(source, 100, &batch), KS_OK);
        ck_assert_uint_eq(batch.count, 0);
        at_end = batch.caught_up;
        ks__batch_release(&batch);
        ck_assert_msg(now_ms() < until_ms, "no end");
        sleep_ms(1);
    }
}

void await_event(struct ks__session *session, struct ks__event *event)
{
    int64_t until_ms = now_ms() + PATIENCE_MS;

    while (!ks__session_poll(session, event)) {
        ck_assert_msg(now_ms() < until_ms, "no event");
        sleep_ms(5);
    }
}

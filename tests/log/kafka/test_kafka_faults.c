/* SPDX-License-Identifier: Apache-2.0
 *
 * test_kafka_faults.c - the Kafka log when brokers refuse, vanish or answer late.
 */
#include "log/kafka/kafka.h"
#include "log/kafka/mock.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static void refuse_next(int api, rd_kafka_resp_err_t code)
{
    rd_kafka_mock_push_request_errors(mock, (int16_t)api, 1, code);
}

static void set_up(bool up)
{
    if (up)
        ck_assert_int_eq(rd_kafka_mock_broker_set_up(mock, 1), 0);
    else
        ck_assert_int_eq(rd_kafka_mock_broker_set_down(mock, 1), 0);
}

static const ks_error *error_of(struct ks__session *session)
{
    return ks__session_error(session);
}

/* ---- properties and addresses ---- */

static ks_status open_with(const char *name, const char *value, ks_error *error)
{
    struct ks__config_pair     pair    = { .prefix = strncmp(name, "producer.", 9) == 0,
                                           .name   = (char *)(uintptr_t)(name + 9),
                                           .value  = (char *)(uintptr_t)value };
    struct ks__cluster_options options = { .properties = &pair, .property_count = 1 };
    struct ks__cluster        *opened  = NULL;
    ks_status                  status = ks__cluster_open(&opened, "127.0.0.1:1", &options, error);

    ks__cluster_close(opened);
    return status;
}

START_TEST(a_property_that_is_unknown_or_ours_is_refused_by_name)
{
    static const char *const wrong[][2] = { { "consumer.max.poll.records", "5" },
                                            { "producer.linger.ms", "soon" },
                                            { "consumer.enable.auto.commit", "true" },
                                            { "producer.transactional.id", "mine" } };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ks_error error = { .status = KS_OK };

        ck_assert_int_eq(open_with(wrong[i][0], wrong[i][1], &error), KS_ECONFIG);
        ck_assert_ptr_nonnull(strstr(ks_error_message(&error), wrong[i][0]));
    }
    ck_assert_int_eq(open_with("producer.linger.ms", "7", NULL), KS_OK);
}
END_TEST

START_TEST(an_absent_broker_is_told_in_bounded_time)
{
    static const char *const quick[] = { "consumer.socket.timeout.ms", "1200", NULL };
    struct ks__cluster      *absent  = open_cluster("127.0.0.1:1", quick);
    ks_error                 error   = { .status = KS_OK };
    int64_t                  from_ms = now_ms();
    int32_t                  partitions;

    ck_assert_int_eq(ks__cluster_partitions(absent, "numbers", &partitions, 10, &error),
                     KS_EAGAIN);
    ck_assert_int_lt(now_ms() - from_ms, 1000); /* no call blocks past its timeout */
    ck_assert_int_eq(ks__cluster_partitions(absent, "numbers", &partitions, -1, &error),
                     KS_EUNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(ks_error_message(&error), "127.0.0.1:1"));
    ck_assert(ks_error_is_retriable(&error));
    ks__cluster_close(absent);
    ck_assert_int_lt(now_ms() - from_ms, 8000);
}
END_TEST

/* ---- reading ---- */

START_TEST(a_position_outside_of_the_log_ends_the_source)
{
    struct ks__session *session = open_session((struct ks__session_options){ .client_id = "s" });
    struct ks__source  *source  = open_source(session, "numbers", 0, 100);
    struct ks__batch    batch;
    ks_status           status = KS_OK;

    for (int i = 0; status == KS_OK && i < 2000; i++, sleep_ms(5)) {
        status = ks__source_fetch(source, 10, &batch);
        ck_assert_uint_eq(batch.count, 0);
    }
    ck_assert_int_eq(status, KS_EOFFSET);
    ck_assert_int_eq(ks__source_fetch(source, 10, &batch), KS_EOFFSET); /* until it is stopped */
    ck_assert_ptr_nonnull(strstr(ks_error_message(error_of(session)), "numbers"));
    ks__session_stop(session, source);
    open_source(session, "numbers", 0, 0);
    ks__session_close(session);
}
END_TEST

START_TEST(an_unknown_topic_or_partition_is_not_started)
{
    struct ks__session *session = open_session((struct ks__session_options){ .client_id = "s" });
    struct ks__source  *source;
    struct ks__topic   *topic;

    ck_assert_int_eq(ks__session_start(session, "nothing", 0, 0, &source), KS_ENOTFOUND);
    ck_assert_int_eq(ks__session_start(session, "numbers", 2, 0, &source), KS_ENOTFOUND);
    ck_assert_int_eq(ks__session_topic(session, "nothing", &topic, 10000), KS_ENOTFOUND);
    ks__session_close(session);
}
END_TEST

START_TEST(reading_goes_on_when_the_broker_comes_back)
{
    struct ks__session *session = open_session((struct ks__session_options){ .client_id = "s" });
    struct ks__topic   *topic   = open_topic(session, "numbers");
    struct ks__source  *source  = open_source(session, "numbers", 0, 0);
    struct ks__batch    batch;

    ck_assert_int_eq(append_text(topic, 0, "k", "one"), KS_OK);
    ck_assert_int_eq(flush(session), KS_OK);
    ck_assert_str_eq(read_values(source, 1), "one");
    set_up(false);
    ck_assert_int_eq(append_text(topic, 0, "k", "two"), KS_OK);
    for (int i = 0; i < 20; i++, sleep_ms(10)) {
        ck_assert_int_eq(ks__session_flush(session, 5), KS_EAGAIN);
        ck_assert_int_eq(ks__source_fetch(source, 10, &batch), KS_OK); /* waits, does not fail */
        ck_assert_uint_eq(batch.count, 0);
    }
    set_up(true);
    ck_assert_int_eq(flush(session), KS_OK);
    ck_assert_str_eq(read_values(source, 1), "two");
    read_to_end(source);
    ks__session_close(session);
}
END_TEST

/* ---- writing ---- */

static int       handled;
static ks_status handler_answer;

static ks_status handle(const struct ks__undelivered *failed, void *user)
{
    ck_assert_ptr_eq(user, &handled);
    ck_assert_str_eq(failed->topic, "numbers");
    ck_assert_int_eq(failed->partition, 1);
    ck_assert(ks_bytes_equal(failed->record.value, KS_TEXT("refused")));
    ck_assert_int_eq(failed->error->status, KS_ELOG);
    handled++;
    return handler_answer;
}

START_TEST(a_refused_record_fails_the_flush_unless_the_handler_lets_it_go)
{
    struct ks__session *session = open_session((struct ks__session_options){
        .client_id = "s", .undelivered = handle, .undelivered_user = &handled });
    struct ks__topic   *topic   = open_topic(session, "numbers");

    handled        = 0;
    handler_answer = _i == 0 ? KS_EUSER : KS_OK;
    refuse_next(API_PRODUCE, RD_KAFKA_RESP_ERR_INVALID_RECORD);
    ck_assert_int_eq(append_text(topic, 1, "k", "refused"), KS_OK);
    ck_assert_int_eq(flush(session), _i == 0 ? KS_ELOG : KS_OK);
    ck_assert_int_eq(handled, 1);
    if (_i == 0)
        ck_assert_ptr_nonnull(strstr(ks_error_message(error_of(session)), "numbers"));
    ck_assert_int_eq(append_text(topic, 1, "k", "stored"), KS_OK);
    ck_assert_int_eq(flush(session), KS_OK); /* told once */
    ck_assert_int_eq(ks__topic_appended(topic, 1), 1);
    ks__session_close(session);
}
END_TEST

START_TEST(a_record_that_is_too_large_is_refused_at_once)
{
    static char         large[2000000];
    struct ks__session *session = open_session((struct ks__session_options){ .client_id = "s" });
    struct ks__topic   *topic   = open_topic(session, "numbers");
    ks_record           record  = { .value = { large, sizeof(large) }, .timestamp_ms = 1 };
    ks_headers         *headers = ks_headers_new();

    ck_assert_int_eq(ks_headers_add(headers, "h", KS_TEXT("v")), KS_OK);
    record.headers = headers;
    ck_assert_int_eq(ks__topic_append(topic, 0, &record), KS_ETOOBIG);
    ck_assert_int_eq(flush(session), KS_OK);
    ks_headers_free(headers);
    ks__session_close(session);
}
END_TEST

START_TEST(a_full_queue_says_again_until_there_is_room)
{
    static const char *const small[] = { "producer.queue.buffering.max.messages", "10", NULL };
    struct ks__cluster      *outer   = cluster;
    struct ks__session      *session;
    struct ks__topic        *topic;
    int                      taken = 0;

    cluster = open_cluster(rd_kafka_mock_cluster_bootstraps(mock), small);
    session = open_session((struct ks__session_options){ .client_id = "s" });
    topic   = open_topic(session, "numbers");
    set_up(false);
    while (taken < 100 && append_text(topic, 0, "k", "v") == KS_OK)
        taken++;
    ck_assert_int_eq(taken, 10);
    ck_assert_int_eq(append_text(topic, 0, "k", "v"), KS_EAGAIN);
    set_up(true);
    ck_assert_int_eq(flush(session), KS_OK);
    ck_assert_int_eq(append_text(topic, 0, "k", "v"), KS_OK);
    ck_assert_int_eq(flush(session), KS_OK);
    ck_assert_int_eq(ks__topic_appended(topic, 0), 11);
    ks__session_close(session);
    ks__cluster_close(cluster);
    cluster = outer;
}
END_TEST

START_TEST(a_session_closes_while_its_broker_is_away)
{
    static const char *const   topics[] = { "numbers" };
    struct ks__session_options options  = { .client_id = "s", .group = "g",
                                            .transactional_id = "closing" };
    struct ks__session        *session  = open_session(options);
    struct ks__topic          *topic    = open_topic(session, "numbers");
    int64_t                    from_ms;
    struct ks__event           event;

    open_source(session, "numbers", 0, 0);
    ck_assert_int_eq(ks__session_subscribe(session, topics, 1, 30000), KS_OK);
    ck_assert_int_eq(begin(session), KS_OK);
    ck_assert_int_eq(append_text(topic, 0, "k", "v"), KS_OK);
    await_event(session, &event); /* and is not acknowledged */
    set_up(false);
    from_ms = now_ms();
    ks__session_close(session);
    ck_assert_int_lt(now_ms() - from_ms, 15000);
}
END_TEST

/* ---- offsets and transactions ---- */

START_TEST(offsets_of_an_old_generation_are_refused_as_fenced)
{
    struct ks__session_options options  = { .client_id = "s", .group = "g" };
    struct ks__session        *session  = open_session(options);
    struct ks__position        position = { "numbers", 0, 5, NULL };

    ck_assert_int_eq(commit_offsets(session, &position, 1), KS_OK);
    refuse_next(API_COMMIT_OFFSETS, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION);
    ck_assert_int_eq(commit_offsets(session, &position, 1), KS_EFENCED);
    ck_assert(!ks_error_is_fatal(error_of(session)));
    ck_assert_int_eq(commit_offsets(session, &position, 1), KS_OK);
    ks__session_close(session);
}
END_TEST

static struct ks__session *open_transactional(void)
{
    struct ks__session_options options = { .client_id = "t", .group = "tg",
                                           .transactional_id = "tx" };

    return open_session(options);
}

START_TEST(a_refused_offset_is_aborted_and_the_session_goes_on)
{
    struct ks__session *session  = open_transactional();
    struct ks__topic   *topic    = open_topic(session, "numbers");
    struct ks__position position = { "numbers", 0, 1, NULL };

    ck_assert_int_eq(begin(session), KS_OK);
    ck_assert_int_eq(append_text(topic, 0, "k", "v"), KS_OK);
    refuse_next(API_TXN_OFFSETS, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION);
    ck_assert_int_eq(commit(session, &position, 1), KS_EFENCED);
    ck_assert(ks_error_requires_abort(error_of(session)));
    ck_assert(!ks_error_is_fatal(error_of(session)));
    ck_assert_int_eq(commit(session, &position, 1), KS_ESTATE);
    ck_assert_int_eq(abort_(session), KS_OK);
    ck_assert_int_eq(error_of(session)->status, KS_OK);
    ck_assert_int_eq(begin(session), KS_OK);
    ck_assert_int_eq(append_text(topic, 0, "k", "v"), KS_OK);
    ck_assert_int_eq(commit(session, &position, 1), KS_OK);
    ks__session_close(session);
}
END_TEST

START_TEST(a_record_refused_in_a_transaction_makes_the_commit_fail)
{
    struct ks__session *session = open_transactional();
    struct ks__topic   *topic   = open_topic(session, "numbers");

    ck_assert_int_eq(begin(session), KS_OK);
    refuse_next(API_PRODUCE, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    ck_assert_int_eq(append_text(topic, 0, "k", "v"), KS_OK);
    ck_assert_int_eq(commit(session, NULL, 0), KS_EACCESS);
    ck_assert(ks_error_requires_abort(error_of(session)));
    ck_assert_int_eq(abort_(session), KS_OK);
    ck_assert_int_eq(begin(session), KS_OK);
    ck_assert_int_eq(commit(session, NULL, 0), KS_OK);
    ks__session_close(session);
}
END_TEST

START_TEST(a_fenced_producer_ends_the_session)
{
    struct ks__session *session = open_transactional();
    struct ks__topic   *topic   = open_topic(session, "numbers");
    struct ks__event    event;

    ck_assert_int_eq(begin(session), KS_OK);
    ck_assert_int_eq(append_text(topic, 0, "k", "v"), KS_OK);
    ck_assert_int_eq(ks__session_flush(session, 5000), KS_OK);
    refuse_next(API_END_TXN, RD_KAFKA_RESP_ERR_PRODUCER_FENCED);
    ck_assert_int_eq(commit(session, NULL, 0), KS_EFENCED);
    ck_assert(ks_error_is_fatal(error_of(session)));
    ck_assert_int_eq(begin(session), KS_EFENCED);
    ck_assert_int_eq(abort_(session), KS_EFENCED);
    await_event(session, &event);
    ck_assert_int_eq(event.kind, KS__EVENT_FAILED);
    ck_assert_int_eq(event.error->status, KS_EFENCED);
    ck_assert_int_eq(ks__session_acknowledge(session, 0), KS_OK);
    ck_assert(!ks__session_poll(session, &event)); /* told once */
    ks__session_close(session);
}
END_TEST

START_TEST(a_commit_outlives_a_coordinator_that_is_not_there)
{
    struct ks__session *session = open_transactional();
    struct ks__topic   *topic   = open_topic(session, "numbers");

    ck_assert_int_eq(begin(session), KS_OK);
    ck_assert_int_eq(append_text(topic, 0, "k", "v"), KS_OK);
    refuse_next(API_END_TXN, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE);
    refuse_next(API_END_TXN, RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
    ck_assert_int_eq(commit(session, NULL, 0), KS_OK);
    ks__session_close(session);
}
END_TEST

START_TEST(after_a_suspect_end_the_next_transaction_has_a_new_producer)
{
    struct ks__session       *session  = open_transactional();
    struct ks__kafka_session *internal = (struct ks__kafka_session *)session;
    struct ks__topic         *topic    = open_topic(session, "numbers");
    char                      first[64], second[64];

    ck_assert_int_eq(begin(session), KS_OK);
    ck_assert_int_eq(append_text(topic, 0, "k", "v"), KS_OK);
    ck_assert_int_eq(commit(session, NULL, 0), KS_OK);
    ck_assert(!internal->suspect); /* an ordinary end is not */
    snprintf(first, sizeof(first), "%s", rd_kafka_name(internal->producer->rk));

    ck_assert_int_eq(begin(session), KS_OK);
    ck_assert_int_eq(append_text(topic, 0, "k", "v"), KS_OK);
    ck_assert_int_eq(rd_kafka_mock_broker_push_request_error_rtts(
                         mock, 1, API_END_TXN, (size_t)1, RD_KAFKA_RESP_ERR_NO_ERROR, 1500),
                     0);
    ck_assert_int_eq(commit(session, NULL, 0), KS_OK);
    ck_assert(internal->suspect);

    ck_assert_int_eq(begin(session), KS_OK);
    ck_assert(!internal->suspect);
    snprintf(second, sizeof(second), "%s", rd_kafka_name(internal->producer->rk));
    ck_assert_str_ne(first, second);
    ck_assert_int_eq(append_text(topic, 0, "k", "v"), KS_OK); /* the handle goes on */
    ck_assert_int_eq(commit(session, NULL, 0), KS_OK);
    ck_assert_int_eq(ks__topic_appended(topic, 0), 3);
    ks__session_close(session);
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("kafka_faults");
    TCase   *tcase  = tcase_create("faults");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, mock_start, mock_stop);
    tcase_add_test(tcase, a_property_that_is_unknown_or_ours_is_refused_by_name);
    tcase_add_test(tcase, an_absent_broker_is_told_in_bounded_time);
    tcase_add_test(tcase, a_position_outside_of_the_log_ends_the_source);
    tcase_add_test(tcase, an_unknown_topic_or_partition_is_not_started);
    tcase_add_test(tcase, reading_goes_on_when_the_broker_comes_back);
    tcase_add_loop_test(tcase, a_refused_record_fails_the_flush_unless_the_handler_lets_it_go, 0,
                        2);
    tcase_add_test(tcase, a_record_that_is_too_large_is_refused_at_once);
    tcase_add_test(tcase, a_full_queue_says_again_until_there_is_room);
    tcase_add_test(tcase, a_session_closes_while_its_broker_is_away);
    tcase_add_test(tcase, offsets_of_an_old_generation_are_refused_as_fenced);
    tcase_add_test(tcase, a_refused_offset_is_aborted_and_the_session_goes_on);
    tcase_add_test(tcase, a_record_refused_in_a_transaction_makes_the_commit_fail);
    tcase_add_test(tcase, a_fenced_producer_ends_the_session);
    tcase_add_test(tcase, a_commit_outlives_a_coordinator_that_is_not_there);
    tcase_add_test(tcase, after_a_suspect_end_the_next_transaction_has_a_new_producer);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

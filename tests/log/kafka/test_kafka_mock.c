/* SPDX-License-Identifier: Apache-2.0
 *
 * test_kafka_mock.c - the Kafka log on a broker inside the test: what goes right.
 */
#include "log/kafka/mock.h"

#include <check.h>
#include <string.h>

static int32_t partitions_of(const char *topic)
{
    int32_t partitions = -1;

    ck_assert_int_eq(ks__cluster_partitions(cluster, topic, &partitions, 10000, NULL), KS_OK);
    return partitions;
}

START_TEST(a_topic_has_its_partitions_and_an_unknown_one_none)
{
    ck_assert_int_eq(partitions_of("numbers"), 2);
    ck_assert_int_eq(partitions_of("nothing"), 0);
    ck_assert_int_eq(partitions_of("nothing"), 0); /* asking did not create it */
}
END_TEST

START_TEST(a_question_is_answered_later_when_there_is_no_time)
{
    int32_t   partitions = 0;
    ks_status status     = ks__cluster_partitions(cluster, "numbers", &partitions, 0, NULL);

    ck_assert_int_eq(status, KS_EAGAIN);
    for (int i = 0; status == KS_EAGAIN && i < 1000; i++) {
        sleep_ms(5);
        status = ks__cluster_partitions(cluster, "numbers", &partitions, 0, NULL);
    }
    ck_assert_int_eq(status, KS_OK);
    ck_assert_int_eq(partitions, 2);
}
END_TEST

START_TEST(records_are_read_in_the_order_they_were_appended)
{
    struct ks__session *writer = open_session((struct ks__session_options){ .client_id = "w" });
    struct ks__session *reader = open_session((struct ks__session_options){ .client_id = "r" });
    struct ks__topic   *topic  = open_topic(writer, "numbers");
    struct ks__source  *source = open_source(reader, "numbers", 1, 0);

    ck_assert_int_eq(ks__topic_appended(topic, 1), KS__OFFSET_NONE);
    ck_assert_int_eq(append_text(topic, 1, "a", "one"), KS_OK);
    ck_assert_int_eq(append_text(topic, 1, "b", "two"), KS_OK);
    ck_assert_int_eq(append_text(topic, 1, "a", "three"), KS_OK);
    ck_assert_int_eq(flush(writer), KS_OK);

    ck_assert_int_eq(ks__topic_appended(topic, 1), 3);
    ck_assert_int_eq(ks__topic_appended(topic, 0), KS__OFFSET_NONE);
    ck_assert_str_eq(read_values(source, 3), "one two three");
    read_to_end(source);
    ck_assert_int_eq(ks__source_lag(source), 0);

    ks__session_close(reader);
    ks__session_close(writer);
}
END_TEST

START_TEST(a_record_comes_back_as_it_was)
{
    struct ks__session *session = open_session((struct ks__session_options){ .client_id = "s" });
    struct ks__topic   *topic   = open_topic(session, "numbers");
    struct ks__source  *source  = open_source(session, "numbers", 0, 0);
    ks_headers         *headers = ks_headers_new();
    ks_record           records[] = {
        { .key = KS_TEXT("key"), .value = KS_TEXT("value"), .timestamp_ms = 1234 },
        { .key = KS_TEXT(""), .value = KS_NULL, .timestamp_ms = 5 },
        { .key = KS_NULL, .value = KS_TEXT(""), .timestamp_ms = 6 },
    };
    struct ks__batch batch;
    const char      *name;
    ks_bytes         value;

    ck_assert_int_eq(ks_headers_add(headers, "trace", KS_TEXT("x")), KS_OK);
    ck_assert_int_eq(ks_headers_add(headers, "none", KS_NULL), KS_OK);
    records[0].headers = headers;
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(ks__topic_append(topic, 0, &records[i]), KS_OK);
    ks_headers_free(headers); /* append copied them */
    ck_assert_int_eq(flush(session), KS_OK);

    for (batch.count = 0; batch.count == 0; sleep_ms(1))
        ck_assert_int_eq(ks__source_fetch(source, 10, &batch), KS_OK);
    ck_assert_uint_eq(batch.count, 3);
    for (size_t i = 0; i < 3; i++) {
        const ks_record *read = &batch.records[i].record;

        ck_assert(ks_bytes_equal(read->key, records[i].key));
        ck_assert(ks_bytes_is_null(read->key) == ks_bytes_is_null(records[i].key));
        ck_assert(ks_bytes_equal(read->value, records[i].value));
        ck_assert(ks_bytes_is_null(read->value) == ks_bytes_is_null(records[i].value));
        ck_assert_int_eq(read->timestamp_ms, records[i].timestamp_ms);
        ck_assert_int_eq(batch.records[i].offset, (int64_t)i);
    }
    ck_assert_uint_eq(ks_headers_count(batch.records[0].record.headers), 2);
    ck_assert(ks_headers_last(batch.records[0].record.headers, "trace", &value));
    ck_assert(ks_bytes_equal(value, KS_TEXT("x")));
    ck_assert(ks_headers_at(batch.records[0].record.headers, 1, &name, &value));
    ck_assert_str_eq(name, "none");
    ck_assert(ks_bytes_is_null(value));
    ck_assert_ptr_null(batch.records[1].record.headers);
    ks__batch_release(&batch);
    ks__session_close(session);
}
END_TEST

START_TEST(a_batch_stays_readable_while_the_next_is_taken)
{
    struct ks__session *session = open_session((struct ks__session_options){ .client_id = "s" });
    struct ks__topic   *topic   = open_topic(session, "numbers");
    struct ks__source  *source  = open_source(session, "numbers", 0, 0);
    struct ks__batch    first, second;

    ck_assert_int_eq(append_text(topic, 0, "k", "one"), KS_OK);
    ck_assert_int_eq(append_text(topic, 0, "k", "two"), KS_OK);
    ck_assert_int_eq(flush(session), KS_OK);
    for (first.count = 0; first.count == 0; sleep_ms(1))
        ck_assert_int_eq(ks__source_fetch(source, 1, &first), KS_OK);
    for (second.count = 0; second.count == 0; sleep_ms(1))
        ck_assert_int_eq(ks__source_fetch(source, 1, &second), KS_OK);

    ck_assert(ks_bytes_equal(first.records[0].record.value, KS_TEXT("one"))); /* G5 */
    ck_assert(ks_bytes_equal(second.records[0].record.value, KS_TEXT("two")));
    ck_assert_int_eq(second.next_offset, 2);
    ks__batch_release(&first);
    ks__batch_release(&second);
    ks__session_close(session);
}
END_TEST

START_TEST(a_source_starts_anywhere_and_starts_again_elsewhere)
{
    struct ks__session *session = open_session((struct ks__session_options){ .client_id = "s" });
    struct ks__topic   *topic   = open_topic(session, "numbers");
    struct ks__source  *other   = open_source(session, "numbers", 1, 0);
    struct ks__source  *source;
    struct ks__source  *twice;

    for (int i = 0; i < 5; i++) {
        const char *const values[] = { "zero", "one", "two", "three", "four" };

        ck_assert_int_eq(append_text(topic, 0, "k", values[i]), KS_OK);
    }
    ck_assert_int_eq(append_text(topic, 1, "k", "undisturbed"), KS_OK);
    ck_assert_int_eq(flush(session), KS_OK);
    source = open_source(session, "numbers", 0, 3);
    ck_assert_str_eq(read_values(source, 2), "three four");
    ck_assert_int_eq(ks__session_start(session, "numbers", 0, 0, &twice), KS_ESTATE);
    ks__session_stop(session, source);
    source = open_source(session, "numbers", 0, 1);
    ck_assert_str_eq(read_values(source, 4), "one two three four");
    ck_assert_str_eq(read_values(other, 1), "undisturbed");
    ks__session_close(session);
}
END_TEST

START_TEST(offsets_of_a_partition_follow_its_records)
{
    struct ks__session *session = open_session((struct ks__session_options){ .client_id = "s" });
    struct ks__topic   *topic   = open_topic(session, "numbers");
    int64_t             offset;

    ck_assert_int_eq(offset_of("numbers", 0, KS__OFFSET_END), 0);
    ck_assert_int_eq(append_text(topic, 0, "k", "one"), KS_OK);
    ck_assert_int_eq(append_text(topic, 0, "k", "two"), KS_OK);
    ck_assert_int_eq(flush(session), KS_OK);
    ck_assert_int_eq(offset_of("numbers", 0, KS__OFFSET_BEGIN), 0);
    ck_assert_int_eq(offset_of("numbers", 0, KS__OFFSET_END), 2);
    ck_assert_int_eq(offset_of("numbers", 0, KS__OFFSET_HIGH), 2);
    ck_assert_int_eq(
        ks__cluster_offset(cluster, "numbers", 7, KS__OFFSET_END, 0, &offset, 10000, NULL),
        KS_ENOTFOUND);
    ck_assert_int_eq(
        ks__cluster_offset(cluster, "nothing", 0, KS__OFFSET_END, 0, &offset, 10000, NULL),
        KS_ENOTFOUND);
    ks__session_close(session);
}
END_TEST

START_TEST(a_group_keeps_committed_offsets_and_their_metadata)
{
    struct ks__session_options options = { .client_id = "s", .group = "g" };
    struct ks__session        *session = open_session(options);
    struct ks__position        position = { "numbers", 1, 42, "stamp" };
    int64_t                    offset;
    char                      *metadata;

    ck_assert_int_eq(ks__cluster_committed(cluster, "g", "numbers", 1, &offset, NULL, 10000, NULL),
                     KS_OK);
    ck_assert_int_eq(offset, KS__OFFSET_NONE);
    ck_assert_int_eq(commit_offsets(session, &position, 1), KS_OK);
    ck_assert_int_eq(
        ks__cluster_committed(cluster, "g", "numbers", 1, &offset, &metadata, 10000, NULL), KS_OK);
    ck_assert_int_eq(offset, 42);
    ck_assert_str_eq(metadata, "stamp");
    ks__free(metadata);
    ks__session_close(session);
}
END_TEST

static struct ks__session *join(void)
{
    static const char *const   topics[] = { "numbers" };
    struct ks__session_options options  = { .client_id = "m", .group = "members" };
    struct ks__session        *session  = open_session(options);

    ck_assert_int_eq(ks__session_subscribe(session, topics, 1, 30000), KS_OK);
    return session;
}

START_TEST(a_group_divides_partitions_and_gives_them_over_by_events)
{
    struct ks__session *first = join(), *second;
    struct ks__position both[] = { { "numbers", 0, 1, NULL }, { "numbers", 1, 1, NULL } };
    struct ks__event    event;
    bool                divided[2] = { false, false };
    int64_t             until_ms;

    await_event(first, &event);
    ck_assert_int_eq(event.kind, KS__EVENT_ASSIGNED);
    ck_assert_uint_eq(event.count, 2);
    ck_assert_str_eq(event.partitions[0].topic, "numbers");
    ck_assert_int_eq(ks__session_acknowledge(first, 0), KS_OK);
    ck_assert_int_eq(commit_offsets(first, both, 2), KS_OK);

    second   = join();
    until_ms = now_ms() + 20000;
    while (!divided[0] || !divided[1]) {
        struct ks__session *members[] = { first, second };

        for (int i = 0; i < 2; i++) {
            if (!ks__session_poll(members[i], &event))
                continue;
            divided[i] = event.kind == KS__EVENT_ASSIGNED && event.count == 1;
            ck_assert_int_eq(ks__session_acknowledge(members[i], 0), KS_OK);
        }
        ck_assert_msg(now_ms() < until_ms, "the group does not settle");
        sleep_ms(5);
    }
    ck_assert_int_eq(commit_offsets(first, both, 2), KS_EFENCED); /* G6: one is the other's */
    ks__session_close(second);
    ks__session_close(first);
}
END_TEST

START_TEST(a_wake_is_set_when_records_arrive)
{
    struct ks__wake     wake;
    struct ks__session *writer = open_session((struct ks__session_options){ .client_id = "w" });
    struct ks__topic   *topic  = open_topic(writer, "numbers");
    struct ks__session *reader;
    struct ks__source  *source;
    struct ks__batch    batch;

    ck_assert_int_eq(ks__wake_init(&wake), KS_OK);
    reader = open_session((struct ks__session_options){ .client_id = "r", .wake = &wake });
    source = open_source(reader, "numbers", 0, 0);
    read_to_end(source);
    sleep_ms(200);
    ks__wake_drain(&wake);
    ck_assert_int_eq(ks__source_fetch(source, 1, &batch), KS_OK);
    ck_assert_int_eq(append_text(topic, 0, "k", "one"), KS_OK);
    ck_assert(ks__wake_wait(&wake, 5000));
    ck_assert_str_eq(read_values(source, 1), "one");
    ks__session_close(reader);
    ks__session_close(writer);
    ks__wake_release(&wake);
}
END_TEST

START_TEST(a_transaction_writes_records_and_positions)
{
    struct ks__session_options options = { .client_id = "t", .group = "tg",
                                           .transactional_id = "tx" };
    struct ks__session        *session = open_session(options);
    struct ks__topic          *topic   = open_topic(session, "numbers");
    struct ks__position        position = { "numbers", 0, 1, NULL };
    ks_record                  record   = { .value = KS_TEXT("x") };

    ck_assert_int_eq(ks__topic_append(topic, 0, &record), KS_ESTATE);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(begin(session), KS_OK);
        ck_assert_int_eq(append_text(topic, 0, "k", "v"), KS_OK);
        ck_assert_int_eq(commit(session, &position, 1), KS_OK);
    }
    ck_assert_int_eq(begin(session), KS_OK);
    ck_assert_int_eq(append_text(topic, 1, "k", "dropped"), KS_OK);
    ck_assert_int_eq(abort_(session), KS_OK);
    ck_assert_int_eq(begin(session), KS_OK);
    ck_assert_int_eq(commit(session, NULL, 0), KS_OK); /* nothing in it */
    ck_assert_int_ge(ks__topic_appended(topic, 0), 3);
    ks__session_close(session);
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("kafka_mock");
    TCase   *tcase  = tcase_create("mock");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, mock_start, mock_stop);
    tcase_add_test(tcase, a_topic_has_its_partitions_and_an_unknown_one_none);
    tcase_add_test(tcase, a_question_is_answered_later_when_there_is_no_time);
    tcase_add_test(tcase, records_are_read_in_the_order_they_were_appended);
    tcase_add_test(tcase, a_record_comes_back_as_it_was);
    tcase_add_test(tcase, a_batch_stays_readable_while_the_next_is_taken);
    tcase_add_test(tcase, a_source_starts_anywhere_and_starts_again_elsewhere);
    tcase_add_test(tcase, offsets_of_a_partition_follow_its_records);
    tcase_add_test(tcase, a_group_keeps_committed_offsets_and_their_metadata);
    tcase_add_test(tcase, a_group_divides_partitions_and_gives_them_over_by_events);
    tcase_add_test(tcase, a_wake_is_set_when_records_arrive);
    tcase_add_test(tcase, a_transaction_writes_records_and_positions);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

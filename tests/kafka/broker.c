/* SPDX-License-Identifier: Apache-2.0
 *
 * broker.c - the contract of all logs on a real Kafka broker, and what only a broker decides.
 *
 *      build/tests/kafka HOST:PORT     or KS_TEST_BROKER; deletes all topics there: a broker for
 *                                      tests only
 *
 * `make check-kafka` starts one and runs this.
 */
#include "log/contract.h"

#include <librdkafka/rdkafka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE_MS 30000

static const char *broker;
static rd_kafka_t *janitor;

/* ---- an empty broker before each test ---- */

static void sleep_ms(int ms)
{
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
}

static const struct rd_kafka_metadata *all_topics(void)
{
    const struct rd_kafka_metadata *metadata;

    ck_assert_int_eq(rd_kafka_metadata(janitor, 1, NULL, &metadata, PATIENCE_MS), 0);
    return metadata;
}

static void await_answer(rd_kafka_queue_t *queue)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, PATIENCE_MS);

    ck_assert_ptr_nonnull(event);
    ck_assert_int_eq(rd_kafka_event_error(event), 0);
    rd_kafka_event_destroy(event);
}

static bool is_internal(const char *topic)
{
    return strncmp(topic, "__", 2) == 0;
}

/* Delete what an earlier test made; the number of topics that were still there. */
static int sweep_topics(rd_kafka_queue_t *queue)
{
    const struct rd_kafka_metadata *metadata = all_topics();
    rd_kafka_DeleteTopic_t         *topics[64];
    size_t                          count = 0;

    for (int i = 0; i < metadata->topic_cnt && count < 64; i++)
        if (!is_internal(metadata->topics[i].topic))
            topics[count++] = rd_kafka_DeleteTopic_new(metadata->topics[i].topic);
    rd_kafka_metadata_destroy(metadata);
    if (count > 0) {
        rd_kafka_DeleteTopics(janitor, topics, count, NULL, queue);
        await_answer(queue);
        rd_kafka_DeleteTopic_destroy_array(topics, count);
    }
    return (int)count;
}

static void sweep_groups(rd_kafka_queue_t *queue)
{
    static const char *const names[] = { "group", "one", "other" };
    rd_kafka_DeleteGroup_t  *groups[3];

    for (size_t i = 0; i < 3; i++)
        groups[i] = rd_kafka_DeleteGroup_new(names[i]);
    rd_kafka_DeleteGroups(janitor, groups, 3, NULL, queue);
    await_answer(queue);
    rd_kafka_DeleteGroup_destroy_array(groups, 3);
}

static void open_log(char *address, size_t size)
{
    rd_kafka_conf_t  *conf = rd_kafka_conf_new();
    rd_kafka_queue_t *queue;
    char              text[256];

    ck_assert_int_eq(rd_kafka_conf_set(conf, "bootstrap.servers", broker, text, sizeof(text)), 0);
    janitor = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    ck_assert_msg(janitor != NULL, "%s", text);
    queue = rd_kafka_queue_new(janitor);
    while (sweep_topics(queue) > 0)
        sleep_ms(20);
    sweep_groups(queue);
    rd_kafka_queue_destroy(queue);
    snprintf(address, size, "%s", broker);
}

static void close_log(void)
{
    rd_kafka_destroy(janitor);
}

static const struct contract kafka = { "kafka", open_log, close_log, false };

/* ---- what only a broker decides ---- */

static void subscribe(struct ks__session *session)
{
    static const char *const topics[] = { "in" };

    ck_assert_int_eq(ks__session_subscribe(session, topics, 1, 0), KS_OK);
}

/* The next event within PATIENCE_MS, while the other members do nothing. */
static struct ks__event wait_event(struct ks__session *session)
{
    struct ks__event event = { .kind = KS__EVENT_NONE };

    for (int i = 0; i < PATIENCE_MS / 5 && !ks__session_poll(session, &event); i++)
        sleep_ms(5);
    ck_assert_int_ne(event.kind, KS__EVENT_NONE);
    return event;
}

static void expect(struct ks__session *session, enum ks__event_kind kind, size_t count)
{
    struct ks__event event = wait_event(session);

    ck_assert_int_eq(event.kind, kind);
    ck_assert_uint_eq(event.count, count);
    ck_assert_int_eq(ks__session_acknowledge(session, 0), KS_OK);
}

static ks_status commit_position(struct ks__session *session, int64_t offset)
{
    struct ks__position position = { "in", 0, offset, NULL };

    return ks__session_commit_offsets(session, &position, 1, PATIENCE_MS);
}

START_TEST(a_revoked_partition_is_committed_before_it_goes_and_not_after)
{
    struct ks__session *one = open_session("group", NULL), *two = open_session("group", NULL);
    struct ks__event    event;

    create("in", 1);
    subscribe(one);
    expect(one, KS__EVENT_ASSIGNED, 1);
    ck_assert_int_eq(commit_position(one, 1), KS_OK);
    subscribe(two);
    event = wait_event(one);
    ck_assert_int_eq(event.kind, KS__EVENT_REVOKED);
    ck_assert_int_eq(commit_position(one, 2), KS_OK);           /* the last chance */
    ck_assert_int_eq(ks__session_acknowledge(one, 0), KS_OK);
    ck_assert_int_eq(commit_position(one, 3), KS_EFENCED);      /* G6 */
    ck_assert_int_eq(committed_of("group", "in", 0), 2);
    ks__session_close(one);
    ks__session_close(two);
}
END_TEST

START_TEST(members_share_partitions_and_inherit_those_of_one_that_leaves)
{
    struct ks__session *one = open_session("group", NULL), *two = open_session("group", NULL);

    create("in", 4);
    subscribe(one);
    expect(one, KS__EVENT_ASSIGNED, 4);
    subscribe(two);
    expect(one, KS__EVENT_REVOKED, 4);
    expect(one, KS__EVENT_ASSIGNED, 2);
    expect(two, KS__EVENT_ASSIGNED, 2);
    ks__session_close(one);
    expect(two, KS__EVENT_REVOKED, 2);
    expect(two, KS__EVENT_ASSIGNED, 4);
    ks__session_close(two);
}
END_TEST

START_TEST(an_open_transaction_is_below_the_high_end_and_above_the_readable_one)
{
    struct ks__session *session = open_session(NULL, "id");

    create("out", 1);
    ck_assert_int_eq(ks__session_begin(session, PATIENCE_MS), KS_OK);
    append_text(session, "out", 0, "k", "open", 1);
    ck_assert_int_eq(ks__session_flush(session, PATIENCE_MS), KS_OK);
    ck_assert_int_eq(offset_of("out", 0, KS__OFFSET_END), 0);
    ck_assert_int_eq(offset_of("out", 0, KS__OFFSET_HIGH), 1);
    ck_assert_int_eq(ks__session_commit(session, NULL, 0, PATIENCE_MS), KS_OK);
    for (int i = 0; i < 1000 && offset_of("out", 0, KS__OFFSET_END) < 2; i++)
        sleep_ms(5);
    ck_assert_int_eq(offset_of("out", 0, KS__OFFSET_END), 2);   /* behind the control record */
    ks__session_close(session);
}
END_TEST

START_TEST(a_reader_of_uncommitted_records_sees_an_aborted_one)
{
    struct ks__session_options options = { .client_id = "r", .read_uncommitted = true };
    struct ks__session        *session = open_session(NULL, "id"), *reader;
    struct ks__source         *source;
    struct ks__batch           batch;

    create("out", 1);
    ck_assert_int_eq(ks__session_begin(session, PATIENCE_MS), KS_OK);
    append_text(session, "out", 0, "k", "aborted", 1);
    ck_assert_int_eq(ks__session_flush(session, PATIENCE_MS), KS_OK);
    ck_assert_int_eq(ks__session_abort(session, PATIENCE_MS), KS_OK);
    ck_assert_int_eq(ks__session_open(&reader, cluster, &options, NULL), KS_OK);
    ck_assert_int_eq(ks__session_start(reader, "out", 0, 0, &source), KS_OK);
    do
        ck_assert_int_eq(ks__source_fetch(source, 10, &batch), KS_OK);
    while (batch.count == 0);
    ck_assert_mem_eq(batch.records[0].record.value.data, "aborted", 7);
    ks__batch_release(&batch);
    ck_assert_str_eq(read_all("out", 0, 0), "");                /* G2 */
    ks__session_close(reader);
    ks__session_close(session);
}
END_TEST

/* A member that stopped polling is taken for dead by its own library; the broker gives its
 * partition away and refuses what its transaction brings. */
START_TEST(a_member_that_was_replaced_cannot_commit_its_transaction)
{
    struct ks__config_pair     quick[] = {
        { 0, (char *)(uintptr_t)"session.timeout.ms", (char *)(uintptr_t)"6000" },
        { 0, (char *)(uintptr_t)"max.poll.interval.ms", (char *)(uintptr_t)"6000" },
    };
    struct ks__cluster_options options  = { .properties = quick, .property_count = 2 };
    struct ks__position        position = { "in", 0, 9, NULL };
    struct ks__session        *silent, *other;
    struct ks__event           event;

    ks__cluster_close(cluster);
    ck_assert_int_eq(ks__cluster_open(&cluster, broker, &options, NULL), KS_OK);
    silent = open_session("group", "a");
    other  = open_session("group", "b");
    create("in", 1);
    create("out", 1);
    subscribe(silent);
    expect(silent, KS__EVENT_ASSIGNED, 1);
    ck_assert_int_eq(ks__session_begin(silent, PATIENCE_MS), KS_OK);
    append_text(silent, "out", 0, "k", "stale", 1);
    subscribe(other);
    expect(other, KS__EVENT_ASSIGNED, 1);
    ck_assert_int_eq(ks__session_commit(silent, &position, 1, PATIENCE_MS), KS_EFENCED);
    ck_assert(ks_error_requires_abort(ks__session_error(silent)));
    ck_assert(!ks_error_is_fatal(ks__session_error(silent)));
    ck_assert_int_eq(ks__session_abort(silent, PATIENCE_MS), KS_OK);
    ck_assert_str_eq(read_all("out", 0, 0), "");                /* G4 */
    ck_assert_int_eq(committed_of("group", "in", 0), KS__OFFSET_NONE);
    event = wait_event(silent); /* revoked, if it was asked before it was given up */
    ck_assert(event.kind == KS__EVENT_REVOKED || event.kind == KS__EVENT_LOST);
    ck_assert_int_eq(ks__session_acknowledge(silent, 0), KS_OK);
    ck_assert_int_eq(ks__session_begin(silent, PATIENCE_MS), KS_OK);
    ks__session_close(silent);
    ks__session_close(other);
}
END_TEST

/* Here the broker refuses the records already, which alone is no proof of a newer producer:
 * librdkafka calls for an abort, and that finds out. */
START_TEST(a_producer_fenced_before_it_writes_ends_with_its_abort)
{
    struct ks__session *older = open_session(NULL, "id"), *newer = open_session(NULL, "id");

    create("out", 1);
    ck_assert_int_eq(ks__session_begin(older, PATIENCE_MS), KS_OK);
    append_text(older, "out", 0, "k", "first", 1);
    ck_assert_int_eq(ks__session_flush(older, PATIENCE_MS), KS_OK);
    ck_assert_int_eq(ks__session_begin(newer, PATIENCE_MS), KS_OK);
    append_text(older, "out", 0, "k", "stray", 1);
    ck_assert_int_eq(ks__session_commit(older, NULL, 0, PATIENCE_MS), KS_EFENCED);
    ck_assert_int_eq(ks__session_abort(older, PATIENCE_MS), KS_EFENCED);
    ck_assert(ks_error_is_fatal(ks__session_error(older)));
    ck_assert_int_eq(ks__session_begin(older, PATIENCE_MS), KS_EFENCED);
    ck_assert_int_eq(ks__session_commit(newer, NULL, 0, PATIENCE_MS), KS_OK);
    ck_assert_str_eq(read_all("out", 0, 0), "");                /* G4 */
    ks__session_close(older);
    ks__session_close(newer);
}
END_TEST

static void add_broker_tests(Suite *suite)
{
    TCase *tcase = tcase_create("broker");

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, contract_setup, contract_teardown);
    tcase_add_test(tcase, a_revoked_partition_is_committed_before_it_goes_and_not_after);
    tcase_add_test(tcase, members_share_partitions_and_inherit_those_of_one_that_leaves);
    tcase_add_test(tcase, an_open_transaction_is_below_the_high_end_and_above_the_readable_one);
    tcase_add_test(tcase, a_reader_of_uncommitted_records_sees_an_aborted_one);
    tcase_add_test(tcase, a_member_that_was_replaced_cannot_commit_its_transaction);
    tcase_add_test(tcase, a_producer_fenced_before_it_writes_ends_with_its_abort);
    suite_add_tcase(suite, tcase);
}

int main(int argc, char **argv)
{
    SRunner *runner;
    Suite   *suite;
    int      failed;

    broker = argc == 2 ? argv[1] : getenv("KS_TEST_BROKER");
    if (broker == NULL) {
        fprintf(stderr, "%s HOST:PORT (a broker for tests: its topics are deleted)\n", argv[0]);
        return 2;
    }
    suite  = contract_suite(&kafka);
    add_broker_tests(suite);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

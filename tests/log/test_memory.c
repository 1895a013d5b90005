/* SPDX-License-Identifier: Apache-2.0
 *
 * test_memory.c - the contract on the memory log, and what only it does.
 */
#include "base/buffer.h"
#include "log/contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void open_log(char *address, size_t size)
{
    static int number;

    snprintf(address, size, "memory:test-%d", number++);
}

static void close_log(void)
{
}

static const struct contract memory = { "memory", open_log, close_log, true };

START_TEST(a_log_lives_as_long_as_a_cluster_is_open_on_it)
{
    struct ks__cluster *second;
    int32_t             partitions;

    create("in", 1);
    ck_assert_int_eq(ks__cluster_open(&second, contract_address(), NULL, NULL), KS_OK);
    ks__cluster_close(cluster);
    ck_assert_int_eq(ks__cluster_partitions(second, "in", &partitions, 0, NULL), KS_OK);
    ck_assert_int_eq(partitions, 1);
    ks__cluster_close(second);
    ck_assert_int_eq(ks__cluster_open(&cluster, contract_address(), NULL, NULL), KS_OK);
    ck_assert_int_eq(ks__cluster_partitions(cluster, "in", &partitions, 0, NULL), KS_OK);
    ck_assert_int_eq(partitions, 0);
}
END_TEST

START_TEST(a_forgotten_name_gives_a_new_log)
{
    struct ks__cluster *second;
    int32_t             partitions;

    create("in", 1);
    ks__memory_log_forget(contract_address() + strlen("memory:"));
    ck_assert_int_eq(ks__cluster_open(&second, contract_address(), NULL, NULL), KS_OK);
    ck_assert_int_eq(ks__cluster_partitions(second, "in", &partitions, 0, NULL), KS_OK);
    ck_assert_int_eq(partitions, 0);
    ck_assert_int_eq(ks__cluster_partitions(cluster, "in", &partitions, 0, NULL), KS_OK);
    ck_assert_int_eq(partitions, 1);
    ks__cluster_close(second);
}
END_TEST

/* Every record of the compacted topic is the last of its key, offsets are the old ones. */
START_TEST(a_compacted_topic_keeps_the_last_record_of_each_key)
{
    enum { KEYS = 100, RECORDS = 200000 };
    struct ks__topic_spec spec    = { "table", 1, true, 0, NULL };
    struct ks__session   *session = open_session(NULL, NULL);
    struct ks__topic     *topic;
    struct ks__source    *source;
    struct ks__batch      batch;
    int64_t               seen = 0, last[KEYS] = { 0 };

    ck_assert_int_eq(ks__cluster_create(cluster, &spec, 1, -1, NULL), KS_OK);
    ck_assert_int_eq(ks__session_topic(session, "table", &topic, 0), KS_OK);
    for (int64_t i = 0; i < RECORDS; i++) {
        int64_t   key    = i % KEYS;
        ks_record record = { .key = KS_OBJECT(key), .value = KS_OBJECT(i), .timestamp_ms = i };

        if (ks__topic_append(topic, 0, &record) != KS_OK)      /* an assertion writes to a pipe */
            ck_abort_msg("append %lld", (long long)i);
        if (i % 1000 == 999)
            ck_assert_int_eq(ks__session_flush(session, -1), KS_OK);
    }
    ck_assert_int_eq(ks__session_start(session, "table", 0, 0, &source), KS_OK);
    do {
        ck_assert_int_eq(ks__source_fetch(source, 1000, &batch), KS_OK);
        for (size_t i = 0; i < batch.count; i++, seen++) {
            const struct ks__log_record *record = &batch.records[i];
            int64_t                      key;

            if (record->offset != record->record.timestamp_ms)
                ck_abort_msg("offset %lld", (long long)record->offset);
            memcpy(&key, record->record.key.data, sizeof(key));
            last[key] = record->offset;
        }
        ks__batch_release(&batch);
    } while (!batch.caught_up);
    ck_assert_int_lt(seen, RECORDS);
    for (int64_t i = 0; i < KEYS; i++)
        ck_assert_int_eq(last[i], RECORDS - KEYS + i);
    ks__session_stop(session, source);
    ks__session_close(session);
}
END_TEST

START_TEST(addresses_of_no_form_are_refused_with_a_text)
{
    static const char *const wrong[] = { "", "memory:", "embedded:", "host", "host:", ":9092",
                                         "a:1,,b:2", "file:/x", "host:port" };
    struct ks__cluster      *none;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ks_error error = { .status = KS_OK };

        ck_assert_int_eq(ks__cluster_open(&none, wrong[i], NULL, &error), KS_EINVAL);
        ck_assert_ptr_null(none);
        ck_assert_ptr_nonnull(strstr(error.message, "memory:NAME"));
    }
}
END_TEST

int main(void)
{
    Suite   *s = contract_suite(&memory);
    TCase   *c = tcase_create("memory");
    SRunner *runner;
    int      failed;

    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, contract_setup, contract_teardown);
    tcase_add_test(c, a_log_lives_as_long_as_a_cluster_is_open_on_it);
    tcase_add_test(c, a_forgotten_name_gives_a_new_log);
    tcase_add_test(c, a_compacted_topic_keeps_the_last_record_of_each_key);
    tcase_add_test(c, addresses_of_no_form_are_refused_with_a_text);
    suite_add_tcase(s, c);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

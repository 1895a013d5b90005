/* SPDX-License-Identifier: Apache-2.0
 *
 * test_client.c - ks_log, ks_writer and ks_reader: lifecycle, errors, the end of a topic.
 */
#include "base/io.h"

#include <kstream/kstream.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char directory[64], embedded[96];
static const char *addresses[] = { "memory:client", embedded };

static void setup(void)
{
    strcpy(directory, "/tmp/kstream-client-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(embedded, sizeof(embedded), "embedded:%s/log", directory);
}

static void teardown(void)
{
    ks__io_remove_tree(directory);
}

static void expect_error(const ks_error *error, ks_status status, const char *part)
{
    ck_assert_int_eq(ks_error_status(error), status);
    ck_assert_msg(strstr(ks_error_message(error), part) != NULL, "'%s' has no '%s'",
                  ks_error_message(error), part);
}

START_TEST(a_log_may_be_freed_before_its_writers_and_readers)
{
    ks_log    *log = ks_log_new(addresses[_i], NULL);
    ks_writer *writer;
    ks_reader *reader;
    ks_entry   entry;

    ck_assert_int_eq(ks_log_create_topic(log, "t", 1, false), KS_OK);
    writer = ks_log_writer(log, NULL);
    reader = ks_log_reader(log, NULL);
    ks_log_free(log);
    ck_assert_int_eq(ks_reader_assign(reader, "t", 0, 0), KS_OK);
    ck_assert_int_eq(ks_writer_append_text(writer, "t", "k", "v", 1), KS_OK);
    ck_assert_int_eq(ks_writer_flush(writer, -1), KS_OK);
    ks_writer_free(writer);
    ck_assert(ks_reader_next(reader, 1000, &entry));
    ck_assert_mem_eq(entry.record.value.data, "v", 1);
    ks_reader_free(reader);
}
END_TEST

START_TEST(a_failed_assign_stays_visible_until_one_succeeds)
{
    ks_log    *log    = ks_log_new(addresses[_i], NULL);
    ks_reader *reader = ks_log_reader(log, NULL);
    ks_entry   entry;

    ck_assert_int_eq(ks_reader_assign(reader, "nope", 0, 0), KS_ENOTFOUND);
    ck_assert(!ks_reader_next(reader, 0, &entry));
    expect_error(ks_reader_error(reader), KS_ENOTFOUND, "topic \"nope\" does not exist");
    ck_assert_int_eq(ks_log_create_topic(log, "t", 2, false), KS_OK);
    ck_assert_int_eq(ks_reader_assign(reader, "t", 2, 0), KS_ENOTFOUND);
    expect_error(ks_reader_error(reader), KS_ENOTFOUND, "has no partition 2, only 0 to 1");
    ck_assert_int_eq(ks_reader_assign(reader, "t", 1, 0), KS_OK);
    expect_error(ks_reader_error(reader), KS_OK, "");
    ck_assert_int_eq(ks_reader_subscribe(reader, "t"), KS_EINVAL);
    ck_assert(!ks_reader_next(reader, 0, &entry));
    expect_error(ks_reader_error(reader), KS_EINVAL, "needs a group");
    ks_reader_free(reader);
    ks_log_free(log);
}
END_TEST

START_TEST(the_error_of_a_writer_goes_with_the_next_success)
{
    ks_log    *log    = ks_log_new(addresses[_i], NULL);
    ks_writer *writer = ks_log_writer(log, NULL);

    ck_assert_int_eq(ks_writer_append_text(writer, "nope", "k", "v", 1), KS_ENOTFOUND);
    expect_error(ks_writer_error(writer), KS_ENOTFOUND, "topic \"nope\" does not exist");
    ck_assert_int_eq(ks_writer_flush(writer, -1), KS_OK);
    expect_error(ks_writer_error(writer), KS_OK, "");
    ck_assert_int_eq(ks_writer_append_text(writer, "nope", "k", "v", 1), KS_ENOTFOUND);
    ck_assert_int_eq(ks_log_create_topic(log, "t", 1, false), KS_OK);
    ck_assert_int_eq(ks_writer_append_text(writer, "t", "k", "v", 1), KS_OK);
    expect_error(ks_writer_error(writer), KS_OK, "");
    ks_writer_free(writer);
    ks_log_free(log);
}
END_TEST

START_TEST(a_record_that_is_too_large_is_told_with_size_and_limit)
{
    ks_log    *log    = ks_log_new(addresses[_i], NULL);
    ks_writer *writer = ks_log_writer(log, NULL);
    void      *data   = calloc(1, 1000001);
    ks_record  record = { .value = { data, 1000001 } };

    ck_assert_int_eq(ks_log_create_topic(log, "t", 1, false), KS_OK);
    ck_assert_int_eq(ks_writer_append(writer, "t", 0, &record), KS_ETOOBIG);
    expect_error(ks_writer_error(writer), KS_ETOOBIG, "limit is 1000000");
    expect_error(ks_writer_error(writer), KS_ETOOBIG, "has 10000");
    ks_writer_free(writer);
    ks_log_free(log);
    free(data);
}
END_TEST

START_TEST(a_topic_that_exists_is_told_with_both_counts)
{
    ks_log *log = ks_log_new(addresses[_i], NULL);

    ck_assert_int_eq(ks_log_create_topic(log, "t", 1, false), KS_OK);
    ck_assert_int_eq(ks_log_create_topic(log, "t", 1, false), KS_EEXISTS);
    expect_error(ks_log_error(log), KS_EEXISTS, "topic \"t\" exists already");
    ck_assert_int_eq(ks_log_create_topic(log, "t", 4, false), KS_EEXISTS);
    expect_error(ks_log_error(log), KS_EEXISTS, "with 1 partitions, not 4");
    ks_log_free(log);
}
END_TEST

static int read_to_end(ks_reader *reader)
{
    int      count = 0;
    ks_entry entry;

    while (!ks_reader_at_end(reader)) {
        count += ks_reader_next(reader, 100, &entry);
        ck_assert_int_eq(ks_error_status(ks_reader_error(reader)), KS_OK);
    }
    ck_assert(!ks_reader_next(reader, 0, &entry));
    return count;
}

static void write_numbers(ks_log *log, const char *topic, int count)
{
    ks_writer *writer = ks_log_writer(log, NULL);
    char       text[16];

    for (int i = 0; i < count; i++) {
        snprintf(text, sizeof(text), "%d", i);
        ck_assert_int_eq(ks_writer_append_text(writer, topic, text, text, 1), KS_OK);
    }
    ck_assert_int_eq(ks_writer_flush(writer, -1), KS_OK);
    ks_writer_free(writer);
}

START_TEST(a_reader_knows_when_it_has_read_all)
{
    ks_log    *log    = ks_log_new(addresses[_i], NULL);
    ks_reader *reader = ks_log_reader(log, NULL);
    ks_entry   entry;

    ck_assert(ks_reader_at_end(reader));
    ck_assert_int_eq(ks_log_create_topic(log, "t", 2, false), KS_OK);
    ck_assert_int_eq(ks_reader_assign(reader, "t", 0, 0), KS_OK);
    ck_assert_int_eq(ks_reader_assign(reader, "t", 1, 0), KS_OK);
    ck_assert(ks_reader_at_end(reader));
    write_numbers(log, "t", 2500);
    ck_assert(!ks_reader_at_end(reader));
    ck_assert_int_eq(read_to_end(reader), 2500);
    write_numbers(log, "t", 1);
    ck_assert(!ks_reader_at_end(reader));
    ck_assert(ks_reader_next(reader, 0, &entry));
    ck_assert(ks_reader_at_end(reader));
    ck_assert_int_eq(ks_reader_assign(reader, "t", entry.partition, entry.offset), KS_OK);
    ck_assert_int_eq(ks_log_trim(log, "t", entry.partition, entry.offset + 1), KS_OK);
    ck_assert_int_eq(read_to_end(reader), 0);
    ks_reader_free(reader);
    ks_log_free(log);
}
END_TEST

START_TEST(a_subscriber_is_at_the_end_only_once_it_has_its_partitions)
{
    ks_log    *log    = ks_log_new(addresses[_i], NULL);
    ks_reader *reader = ks_log_reader(log, KS_READER(.group = "g"));

    ck_assert_int_eq(ks_log_create_topic(log, "t", 3, false), KS_OK);
    write_numbers(log, "t", 100);
    ck_assert_int_eq(ks_reader_subscribe(reader, "t"), KS_OK);
    ck_assert(!ks_reader_at_end(reader));
    ck_assert_int_eq(read_to_end(reader), 100);
    ck_assert_int_eq(ks_reader_commit(reader), KS_OK);
    ks_reader_free(reader);
    reader = ks_log_reader(log, KS_READER(.group = "g"));
    ck_assert_int_eq(ks_reader_subscribe(reader, "t"), KS_OK);
    ck_assert_int_eq(read_to_end(reader), 0);
    ks_reader_free(reader);
    ks_log_free(log);
}
END_TEST

START_TEST(a_subscriber_of_an_unknown_topic_is_told_and_not_at_the_end)
{
    ks_log    *log    = ks_log_new(addresses[_i], NULL);
    ks_reader *reader = ks_log_reader(log, KS_READER(.group = "g"));
    ks_entry   entry;

    ck_assert_int_eq(ks_reader_subscribe(reader, "nix"), KS_ENOTFOUND);
    expect_error(ks_reader_error(reader), KS_ENOTFOUND, "topic \"nix\" does not exist");
    ck_assert(!ks_reader_at_end(reader));
    ck_assert(!ks_reader_next(reader, 0, &entry));
    expect_error(ks_reader_error(reader), KS_ENOTFOUND, "topic \"nix\" does not exist");
    ck_assert_int_eq(ks_log_create_topic(log, "nix", 1, false), KS_OK);
    write_numbers(log, "nix", 3);
    ck_assert_int_eq(ks_reader_subscribe(reader, "nix"), KS_OK);
    ck_assert_int_eq(read_to_end(reader), 3);
    ks_reader_free(reader);
    ks_log_free(log);
}
END_TEST

START_TEST(a_call_without_a_topic_or_a_record_is_told)
{
    ks_log         *log    = ks_log_new(addresses[_i], NULL);
    ks_writer      *writer = ks_log_writer(log, NULL);
    ks_reader      *reader = ks_log_reader(log, KS_READER(.group = "g"));
    const ks_record record = { .timestamp_ms = 1 };

    ck_assert_int_eq(ks_writer_append(writer, "t", -1, NULL), KS_EINVAL);
    expect_error(ks_writer_error(writer), KS_EINVAL, "ks_writer_append() needs");
    ck_assert_int_eq(ks_writer_append_text(writer, "nope", "k", "v", 1), KS_ENOTFOUND);
    ck_assert_int_eq(ks_writer_append(writer, NULL, -1, &record), KS_EINVAL);
    expect_error(ks_writer_error(writer), KS_EINVAL, "ks_writer_append() needs");
    ck_assert_int_eq(ks_reader_subscribe(reader, NULL), KS_EINVAL);
    expect_error(ks_reader_error(reader), KS_EINVAL, "ks_reader_subscribe() needs a topic");
    ck_assert_int_eq(ks_reader_assign(reader, NULL, 0, 0), KS_EINVAL);
    expect_error(ks_reader_error(reader), KS_EINVAL, "ks_reader_assign() needs a topic");
    ks_reader_free(reader);
    ks_writer_free(writer);
    ks_log_free(log);
}
END_TEST

START_TEST(a_transaction_out_of_order_is_told_with_what_is_missing)
{
    ks_log    *log    = ks_log_new(addresses[_i], NULL);
    ks_writer *writer = ks_log_writer(log, KS_WRITER(.transactional_id = "w"));

    ck_assert_int_eq(ks_log_create_topic(log, "t", 1, false), KS_OK);
    ck_assert_int_eq(ks_writer_append_text(writer, "t", "k", "v", 1), KS_ESTATE);
    expect_error(ks_writer_error(writer), KS_ESTATE, "no transaction is open");
    ck_assert_int_eq(ks_writer_commit(writer, -1), KS_ESTATE);
    expect_error(ks_writer_error(writer), KS_ESTATE, "no transaction is open");
    ck_assert_int_eq(ks_writer_abort(writer, -1), KS_ESTATE);
    expect_error(ks_writer_error(writer), KS_ESTATE, "no transaction is open");
    ck_assert_int_eq(ks_writer_begin(writer), KS_OK);
    ck_assert_int_eq(ks_writer_begin(writer), KS_ESTATE);
    expect_error(ks_writer_error(writer), KS_ESTATE, "a transaction is open already");
    ck_assert_int_eq(ks_writer_append_text(writer, "t", "k", "v", 1), KS_OK);
    ck_assert_int_eq(ks_writer_commit(writer, -1), KS_OK);
    expect_error(ks_writer_error(writer), KS_OK, "");
    ks_writer_free(writer);
    ks_log_free(log);
}
END_TEST

int main(void)
{
    Suite   *s = suite_create("log client");
    TCase   *c = tcase_create("local logs");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, a_log_may_be_freed_before_its_writers_and_readers, 0, 2);
    tcase_add_loop_test(c, a_failed_assign_stays_visible_until_one_succeeds, 0, 2);
    tcase_add_loop_test(c, the_error_of_a_writer_goes_with_the_next_success, 0, 2);
    tcase_add_loop_test(c, a_record_that_is_too_large_is_told_with_size_and_limit, 0, 2);
    tcase_add_loop_test(c, a_topic_that_exists_is_told_with_both_counts, 0, 2);
    tcase_add_loop_test(c, a_reader_knows_when_it_has_read_all, 0, 2);
    tcase_add_loop_test(c, a_subscriber_is_at_the_end_only_once_it_has_its_partitions, 0, 2);
    tcase_add_loop_test(c, a_subscriber_of_an_unknown_topic_is_told_and_not_at_the_end, 0, 2);
    tcase_add_loop_test(c, a_call_without_a_topic_or_a_record_is_told, 0, 2);
    tcase_add_loop_test(c, a_transaction_out_of_order_is_told_with_what_is_missing, 0, 2);
    suite_add_tcase(s, c);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

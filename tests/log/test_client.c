/* SPDX-License-Identifier: Apache-2.0
 *
 * test_client.c - the public log client, on the memory log.
 */
#include <kstream/log.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

static ks_log    *wire;
static ks_writer *writer;

static void setup(void)
{
    wire = ks_log_new("memory:client", NULL);
    ck_assert_int_eq(ks_error_status(ks_log_error(wire)), KS_OK);
    ck_assert_int_eq(ks_log_create_topic(wire, "in", 2, false), KS_OK);
    writer = ks_log_writer(wire, NULL);
    ck_assert_int_eq(ks_error_status(ks_writer_error(writer)), KS_OK);
}

static void teardown(void)
{
    ks_writer_free(writer);
    ks_log_free(wire);
}

static void write_at(int32_t partition, const char *value)
{
    ks_record record = { .value = ks_bytes_text(value), .timestamp_ms = 1 };

    ck_assert_int_eq(ks_writer_append(writer, "in", partition, &record), KS_OK);
    ck_assert_int_eq(ks_writer_flush(writer, 1000), KS_OK);
}

static void expect(ks_reader *reader, const char *value)
{
    ks_entry entry;

    ck_assert_msg(ks_reader_next(reader, 1000, &entry), "%s",
                  ks_error_message(ks_reader_error(reader)));
    ck_assert_uint_eq(entry.record.value.size, strlen(value));
    ck_assert_mem_eq(entry.record.value.data, value, strlen(value));
}

static void expect_nothing(ks_reader *reader, ks_status why)
{
    ks_entry entry;

    ck_assert(!ks_reader_next(reader, 0, &entry));
    ck_assert_int_eq(ks_error_status(ks_reader_error(reader)), why);
}

START_TEST(a_reader_goes_on_where_its_group_committed)
{
    ks_reader *reader = ks_log_reader(wire, KS_READER(.group = "g"));
    int64_t    offset;

    write_at(0, "one");
    write_at(0, "two");
    write_at(0, "three");
    ck_assert_int_eq(ks_reader_subscribe(reader, "in"), KS_OK);
    expect(reader, "one");
    expect(reader, "two");
    ck_assert_int_eq(ks_reader_commit(reader), KS_OK);
    expect(reader, "three");                    /* read, not committed */
    ks_reader_free(reader);
    ck_assert_int_eq(ks_log_committed(wire, "g", "in", 0, &offset), KS_OK);
    ck_assert_int_eq(offset, 2);
    reader = ks_log_reader(wire, KS_READER(.group = "g"));
    ck_assert_int_eq(ks_reader_subscribe(reader, "in"), KS_OK);
    expect(reader, "three");
    expect_nothing(reader, KS_OK);
    ks_reader_free(reader);
}
END_TEST

START_TEST(two_readers_of_a_group_share_a_topic)
{
    ks_reader *one = ks_log_reader(wire, KS_READER(.group = "g"));
    ks_reader *two = ks_log_reader(wire, KS_READER(.group = "g"));

    ck_assert_int_eq(ks_reader_subscribe(one, "in"), KS_OK);
    ck_assert_int_eq(ks_reader_subscribe(two, "in"), KS_OK);
    for (int i = 0; i < 4; i++) {               /* until the group has settled */
        expect_nothing(one, KS_OK);
        expect_nothing(two, KS_OK);
    }
    write_at(0, "left");
    write_at(1, "right");
    expect(one, "left");
    expect(two, "right");
    expect_nothing(one, KS_OK);
    expect_nothing(two, KS_OK);
    ks_reader_free(one);
    ks_reader_free(two);
}
END_TEST

START_TEST(an_assigned_reader_seeks)
{
    ks_reader *reader = ks_log_reader(wire, NULL);

    write_at(1, "one");
    write_at(1, "two");
    ck_assert_int_eq(ks_reader_assign(reader, "in", 1, 1), KS_OK);
    expect(reader, "two");
    ck_assert_int_eq(ks_reader_assign(reader, "in", 1, 0), KS_OK);
    expect(reader, "one");
    ck_assert_int_eq(ks_reader_subscribe(reader, "in"), KS_EINVAL);
    ck_assert_int_eq(ks_reader_commit(reader), KS_EINVAL);
    ck_assert_int_eq(ks_reader_assign(reader, "none", 0, 0), KS_ENOTFOUND);
    ks_reader_free(reader);
}
END_TEST

START_TEST(the_reset_says_where_to_begin_when_the_position_is_gone)
{
    ks_reader *earliest = ks_log_reader(wire, NULL);
    ks_reader *none     = ks_log_reader(wire, KS_READER(.reset = KS_RESET_NONE));
    ks_reader *latest   = ks_log_reader(wire, KS_READER(.reset = KS_RESET_LATEST));

    write_at(0, "one");
    write_at(0, "two");
    ck_assert_int_eq(ks_log_trim(wire, "in", 0, 1), KS_OK);
    ck_assert_int_eq(ks_reader_assign(earliest, "in", 0, 0), KS_OK);
    expect(earliest, "two");
    ck_assert_int_eq(ks_reader_assign(none, "in", 0, 0), KS_OK);
    expect_nothing(none, KS_EOFFSET);
    ck_assert_int_eq(ks_reader_assign(latest, "in", 0, 0), KS_OK);
    expect_nothing(latest, KS_OK);
    write_at(0, "three");
    expect(latest, "three");
    ks_reader_free(earliest);
    ks_reader_free(none);
    ks_reader_free(latest);
}
END_TEST

START_TEST(equal_keys_stay_together_and_null_keys_go_round)
{
    int64_t one, two;

    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(ks_writer_append_text(writer, "in", NULL, "v", 1), KS_OK);
    ck_assert_int_eq(ks_writer_flush(writer, 0), KS_OK);
    ck_assert_int_eq(ks_log_end_offset(wire, "in", 0, &one), KS_OK);
    ck_assert_int_eq(ks_log_end_offset(wire, "in", 1, &two), KS_OK);
    ck_assert_int_eq(one, 5);
    ck_assert_int_eq(two, 5);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(ks_writer_append_text(writer, "in", "same", "v", 1), KS_OK);
    ck_assert_int_eq(ks_writer_flush(writer, 0), KS_OK);
    ck_assert_int_eq(ks_log_end_offset(wire, "in", 0, &one), KS_OK);
    ck_assert_int_eq(ks_log_end_offset(wire, "in", 1, &two), KS_OK);
    ck_assert(one + two == 20 && (one == 15 || two == 15));
}
END_TEST

START_TEST(a_writer_with_an_id_writes_transactions)
{
    ks_writer *first  = ks_log_writer(wire, KS_WRITER(.transactional_id = "id"));
    ks_reader *reader = ks_log_reader(wire, NULL);
    ks_writer *second;

    ck_assert_int_eq(ks_reader_assign(reader, "in", 0, 0), KS_OK);
    ck_assert_int_eq(ks_writer_begin(writer), KS_ESTATE);
    ck_assert_int_eq(ks_writer_begin(first), KS_OK);
    ck_assert_int_eq(ks_writer_append(first, "in", 0, &(ks_record){ .timestamp_ms = 1,
                                                                    .value = KS_TEXT("x") }),
                     KS_OK);
    expect_nothing(reader, KS_OK);
    ck_assert_int_eq(ks_writer_commit(first, 1000), KS_OK);
    expect(reader, "x");
    ck_assert_int_eq(ks_writer_begin(first), KS_OK);
    second = ks_log_writer(wire, KS_WRITER(.transactional_id = "id"));
    ck_assert_int_eq(ks_writer_append_text(first, "in", "k", "y", 1), KS_OK);
    ck_assert_int_eq(ks_writer_commit(first, 1000), KS_EFENCED);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_writer_error(first)), "id"));
    ks_writer_free(first);
    ks_writer_free(second);
    ks_reader_free(reader);
}
END_TEST

START_TEST(mistakes_are_returned_and_kept)
{
    ks_log    *bad       = ks_log_new("nowhere", NULL);
    ks_writer *of_bad    = ks_log_writer(bad, NULL);
    ks_reader *reads_bad = ks_log_reader(bad, NULL);
    ks_entry   entry;

    ck_assert_int_eq(ks_error_status(ks_log_error(bad)), KS_EINVAL);
    ck_assert_int_eq(ks_log_create_topic(bad, "t", 1, false), KS_EINVAL);
    ck_assert_int_lt(ks_log_partitions(bad, "t"), 0);
    ck_assert_int_eq(ks_writer_append_text(of_bad, "t", NULL, "v", 1), KS_EINVAL);
    ck_assert_int_eq(ks_writer_flush(of_bad, 0), KS_EINVAL);
    ck_assert(!ks_reader_next(reads_bad, 0, &entry));
    ck_assert_str_ne(ks_error_message(ks_reader_error(reads_bad)), "");
    ck_assert_int_eq(ks_writer_append_text(writer, "none", NULL, "v", 1), KS_ENOTFOUND);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_writer_error(writer)), "none"));
    ck_assert_int_eq(ks_log_partitions(wire, "none"), 0);
    ck_assert_int_eq(ks_log_create_topic(wire, "in", 1, false), KS_EEXISTS);
    ks_reader_free(reads_bad);
    ks_writer_free(of_bad);
    ks_log_free(bad);
    ks_log_free(NULL);
    ks_writer_free(NULL);
    ks_reader_free(NULL);
}
END_TEST

int main(void)
{
    Suite   *s = suite_create("client");
    TCase   *c = tcase_create("client");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_reader_goes_on_where_its_group_committed);
    tcase_add_test(c, two_readers_of_a_group_share_a_topic);
    tcase_add_test(c, an_assigned_reader_seeks);
    tcase_add_test(c, the_reset_says_where_to_begin_when_the_position_is_gone);
    tcase_add_test(c, equal_keys_stay_together_and_null_keys_go_round);
    tcase_add_test(c, a_writer_with_an_id_writes_transactions);
    tcase_add_test(c, mistakes_are_returned_and_kept);
    suite_add_tcase(s, c);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

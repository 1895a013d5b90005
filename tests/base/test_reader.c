/* SPDX-License-Identifier: Apache-2.0
 *
 * test_reader.c - what the buffer writes the reader reads; foreign bytes never lead it astray.
 */
#include "base/buffer.h"
#include "base/reader.h"

#include <check.h>
#include <string.h>

START_TEST(numbers_written_are_numbers_read)
{
    struct ks__buffer buffer = { .data = NULL };
    struct ks__reader reader;

    ks__buffer_append_u8(&buffer, 0xfe);
    ks__buffer_append_be16(&buffer, 0x8001);
    ks__buffer_append_be32(&buffer, 0x80000002);
    ks__buffer_append_be64(&buffer, UINT64_C(0x8000000000000003));
    ks__buffer_append_be32(&buffer, 3);
    ks__buffer_append_text(&buffer, "abc");
    ks__buffer_append_be32(&buffer, UINT32_MAX);
    ks__buffer_printf(&buffer, "%d-%s", 42, "x");
    ck_assert(!buffer.failed);
    ck_assert_uint_eq(buffer.data[1], 0x80);

    reader = ks__reader_of(ks__buffer_bytes(&buffer));
    ck_assert_uint_eq(ks__reader_u8(&reader), 0xfe);
    ck_assert_int_eq(ks__reader_i16(&reader), -32767);
    ck_assert_int_eq(ks__reader_i32(&reader), INT32_MIN + 2);
    ck_assert_int_eq(ks__reader_i64(&reader), INT64_MIN + 3);
    ck_assert_mem_eq(ks__reader_sized(&reader).data, "abc", 3);
    ck_assert_ptr_null(ks__reader_sized(&reader).data);
    ck_assert(!ks__reader_done(&reader));
    ck_assert_uint_eq(ks__reader_rest(&reader).size, 4);
    ck_assert(ks__reader_done(&reader));
    ks__buffer_release(&buffer);
}
END_TEST

START_TEST(reading_past_the_end_latches)
{
    struct ks__reader reader = ks__reader_of((ks_bytes){ "\1\2\3", 3 });

    ck_assert_uint_eq(ks__reader_u16(&reader), 0x0102);
    ck_assert_uint_eq(ks__reader_u32(&reader), 0);
    ck_assert(reader.failed);
    ck_assert_uint_eq(ks__reader_u8(&reader), 0);       /* though one byte was there */
    ck_assert(!ks__reader_done(&reader));
    ck_assert_uint_eq(ks__reader_bytes(&reader, SIZE_MAX).size, 0);
}
END_TEST

START_TEST(hostile_lengths_fail)
{
    struct ks__reader negative = ks__reader_of((ks_bytes){ "\xff\xff\xff\xfe....", 8 });
    struct ks__reader huge     = ks__reader_of((ks_bytes){ "\x7f\xff\xff\xff....", 8 });
    struct ks__reader null     = ks__reader_of((ks_bytes){ NULL, 0 });

    ck_assert_uint_eq(ks__reader_sized(&negative).size, 0);
    ck_assert(negative.failed);
    ck_assert_uint_eq(ks__reader_sized(&huge).size, 0);
    ck_assert(huge.failed);
    ck_assert(ks__reader_done(&null));
    ck_assert_uint_eq(ks__reader_u8(&null), 0);
    ck_assert(null.failed);
}
END_TEST

START_TEST(a_buffer_without_memory_latches_and_recovers_when_cleared)
{
    struct ks__alloc_probe probe  = { .fail_at = 2 };
    struct ks__buffer      buffer = { .data = NULL };
    char                   block[4096] = { 0 };

    ks__alloc_probe_install(&probe);
    ks__buffer_append_text(&buffer, "ab");
    ks__buffer_append(&buffer, block, sizeof(block));
    ck_assert(buffer.failed);
    ks__buffer_append_text(&buffer, "c");
    ck_assert_uint_eq(buffer.size, 2);
    ck_assert_ptr_null(ks__buffer_text(&buffer));
    ks__buffer_clear(&buffer);
    ks__buffer_append_text(&buffer, "d");
    ck_assert_str_eq(ks__buffer_text(&buffer), "d");
    ks__buffer_release(&buffer);
    ks__allocator_set(NULL);
    ck_assert_int_eq(probe.live_blocks, 0);
}
END_TEST

START_TEST(a_stolen_text_is_the_callers)
{
    struct ks__buffer buffer = { .data = NULL };
    char             *text;

    ks__buffer_append_text(&buffer, "mine");
    text = ks__buffer_steal_text(&buffer);
    ck_assert_str_eq(text, "mine");
    ck_assert_uint_eq(buffer.size, 0);
    ks__free(text);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("base/reader");
    TCase   *tests = tcase_create("reader");
    SRunner *runner;
    int      failed;

    tcase_add_test(tests, numbers_written_are_numbers_read);
    tcase_add_test(tests, reading_past_the_end_latches);
    tcase_add_test(tests, hostile_lengths_fail);
    tcase_add_test(tests, a_buffer_without_memory_latches_and_recovers_when_cleared);
    tcase_add_test(tests, a_stolen_text_is_the_callers);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

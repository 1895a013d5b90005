/* SPDX-License-Identifier: Apache-2.0
 *
 * test_chunk.c - records as a chunk and back, and chunks that somebody damaged.
 */
#include "base/headers.h"
#include "log/embedded/embedded.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct ks__segment *segment;
static struct ks__buffer   bytes;

static void setup(void)
{
    ks_headers *headers = ks_headers_new();
    ks_record   record  = { .key = KS_TEXT("key"), .value = KS_TEXT("value"), .timestamp_ms = -5,
                            .headers = headers };

    ck_assert_int_eq(ks_headers_add(headers, "name", KS_TEXT("of header")), KS_OK);
    ck_assert_int_eq(ks_headers_add(headers, "", KS_NULL), KS_OK);
    segment = ks__segment_new(8, 1024);
    ks__segment_append(segment, &record, 0);
    record = (ks_record){ .value = KS_TEXT(""), .timestamp_ms = 7 };
    ks__segment_append(segment, &record, 1);
    record = (ks_record){ .key = KS_TEXT("only"), .timestamp_ms = INT64_MAX };
    ks__segment_append(segment, &record, 2);
    ck_assert_int_eq(ks__chunk_encode(&bytes, segment), KS_OK);
    ks_headers_free(headers);
}

static void teardown(void)
{
    ks__segment_drop(segment);
    ks__buffer_release(&bytes);
}

/* Open and decode from an exact copy, so that a sanitizer sees a read past it. */
static ks_status decode(const void *data, size_t size, int64_t from, struct ks__segment **out)
{
    struct ks__chunk chunk;
    void            *exact = malloc(size > 0 ? size : 1);
    ks_status        status;

    memcpy(exact, data, size);
    *out   = NULL;
    status = ks__chunk_open((ks_bytes){ exact, size }, &chunk);
    if (status == KS_OK) {
        *out   = ks__segment_new(chunk.count, ks__chunk_need(&chunk));
        status = *out != NULL ? ks__chunk_decode(&chunk, 100, from, *out) : KS_ENOMEM;
    }
    free(exact);
    return status;
}

START_TEST(records_survive_being_a_chunk)
{
    struct ks__segment *copy;
    ks_bytes            value;

    ck_assert_int_eq(decode(bytes.data, bytes.size, 100, &copy), KS_OK);
    ck_assert_uint_eq(copy->count, 3);
    ck_assert_int_eq(copy->records[0].offset, 100);
    ck_assert_int_eq(copy->records[0].record.timestamp_ms, -5);
    ck_assert_mem_eq(copy->records[0].record.value.data, "value", 5);
    ck_assert(ks_headers_last(copy->records[0].record.headers, "name", &value));
    ck_assert_mem_eq(value.data, "of header", 9);
    ck_assert_ptr_null(copy->records[1].record.key.data);
    ck_assert_ptr_nonnull(copy->records[1].record.value.data);
    ck_assert_ptr_null(copy->records[2].record.value.data);
    ck_assert_int_eq(copy->records[2].record.timestamp_ms, INT64_MAX);
    ks__segment_drop(copy);
}
END_TEST

START_TEST(reading_may_begin_inside_a_chunk)
{
    struct ks__segment *copy;

    ck_assert_int_eq(decode(bytes.data, bytes.size, 102, &copy), KS_OK);
    ck_assert_uint_eq(copy->count, 1);
    ck_assert_int_eq(copy->records[0].offset, 102);
    ks__segment_drop(copy);
}
END_TEST

START_TEST(every_cut_is_told)
{
    for (size_t size = 0; size < bytes.size; size++) {
        struct ks__segment *copy;

        ck_assert_int_eq(decode(bytes.data, size, 100, &copy), KS_ECORRUPT);
        ks__segment_drop(copy);
    }
}
END_TEST

/* What a flipped bit gives may be wrong, but stays inside: that is for the sanitizers to see. */
START_TEST(no_flipped_bit_leads_out_of_the_chunk)
{
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        struct ks__segment *copy;
        ks_status           status;

        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        status = decode(bytes.data, bytes.size, 100, &copy);
        ck_assert(status == KS_OK || status == KS_ECORRUPT || status == KS_ENOMEM);
        ck_assert(copy == NULL || copy->used <= copy->size);
        ks__segment_drop(copy);
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}
END_TEST

int main(void)
{
    Suite   *s = suite_create("chunk");
    TCase   *c = tcase_create("chunk");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, records_survive_being_a_chunk);
    tcase_add_test(c, reading_may_begin_inside_a_chunk);
    tcase_add_test(c, every_cut_is_told);
    tcase_add_test(c, no_flipped_bit_leads_out_of_the_chunk);
    suite_add_tcase(s, c);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * test_headers.c - lists of headers: built, read, as bytes and back, and damaged bytes.
 */
#include "base/headers.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static ks_headers       *list;
static struct ks__arena  arena;
static struct ks__buffer bytes;

static void setup(void)
{
    list = ks_headers_new();
    ck_assert_ptr_nonnull(list);
    ck_assert_int_eq(ks__arena_init(&arena, 0, 0), KS_OK);
    ck_assert_int_eq(ks_headers_add(list, "a", KS_TEXT("first")), KS_OK);
    ck_assert_int_eq(ks_headers_add(list, "null", KS_NULL), KS_OK);
    ck_assert_int_eq(ks_headers_add(list, "", KS_TEXT("")), KS_OK);
    ck_assert_int_eq(ks_headers_add(list, "a", KS_TEXT("last")), KS_OK);
}

static void teardown(void)
{
    ks_headers_free(list);
    ks__arena_release(&arena);
    ks__buffer_release(&bytes);
}

static void expect_same(const ks_headers *other)
{
    ck_assert_uint_eq(ks_headers_count(other), ks_headers_count(list));
    for (size_t i = 0; i < ks_headers_count(list); i++) {
        const char *name, *other_name;
        ks_bytes    value, other_value;

        ck_assert(ks_headers_at(list, i, &name, &value));
        ck_assert(ks_headers_at(other, i, &other_name, &other_value));
        ck_assert_str_eq(name, other_name);
        ck_assert_int_eq(value.data == NULL, other_value.data == NULL);
        ck_assert_uint_eq(value.size, other_value.size);
        if (value.size > 0)
            ck_assert_mem_eq(value.data, other_value.data, value.size);
    }
}

START_TEST(headers_are_read_by_place_and_by_last_name)
{
    const char *name;
    ks_bytes    value;

    ck_assert_uint_eq(ks_headers_count(list), 4);
    ck_assert(ks_headers_at(list, 0, &name, &value));
    ck_assert_str_eq(name, "a");
    ck_assert_mem_eq(value.data, "first", 5);
    ck_assert(ks_headers_last(list, "a", &value));
    ck_assert_mem_eq(value.data, "last", 4);
    ck_assert(!ks_headers_at(list, 4, &name, &value));
    ck_assert_ptr_null(name);
    ck_assert_ptr_null(value.data);
    ck_assert(!ks_headers_last(list, "b", &value));
    ck_assert_uint_eq(ks_headers_count(NULL), 0);
    ck_assert(!ks_headers_last(NULL, "a", &value));
    ck_assert_int_eq(ks_headers_add(NULL, "a", KS_NULL), KS_EINVAL);
    ck_assert_int_eq(ks_headers_add(list, NULL, KS_NULL), KS_EINVAL);
    ks_headers_free(NULL);
}
END_TEST

START_TEST(a_list_survives_its_bytes_and_a_copy)
{
    const ks_headers *decoded, *copy;

    ck_assert_int_eq(ks__headers_encode(list, &bytes), KS_OK);
    ck_assert_int_eq(ks__headers_decode(ks__buffer_bytes(&bytes), &arena, &decoded), KS_OK);
    expect_same(decoded);
    ck_assert_int_eq(ks__headers_copy(decoded, &arena, &copy), KS_OK);
    memset(bytes.data, 'x', bytes.size);
    expect_same(copy);
}
END_TEST

START_TEST(nothing_is_no_bytes_and_back)
{
    const ks_headers *decoded = list;

    ck_assert_int_eq(ks__headers_encode(NULL, &bytes), KS_OK);
    ck_assert_uint_eq(bytes.size, 0);
    ck_assert_int_eq(ks__headers_decode(ks__buffer_bytes(&bytes), &arena, &decoded), KS_OK);
    ck_assert_ptr_null(decoded);
}
END_TEST

START_TEST(every_cut_is_damage)
{
    const ks_headers *decoded;

    ck_assert_int_eq(ks__headers_encode(list, &bytes), KS_OK);
    for (size_t size = 1; size < bytes.size; size++) {
        void *exact = malloc(size);             /* a sanitizer sees a read past it */

        memcpy(exact, bytes.data, size);
        ck_assert_int_eq(ks__headers_decode((ks_bytes){ exact, size }, &arena, &decoded),
                         KS_EDATA);
        free(exact);
    }
    ks__buffer_append_u8(&bytes, 0);
    ck_assert_int_eq(ks__headers_decode(ks__buffer_bytes(&bytes), &arena, &decoded), KS_EDATA);
}
END_TEST

int main(void)
{
    Suite   *s = suite_create("headers");
    TCase   *c = tcase_create("headers");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, headers_are_read_by_place_and_by_last_name);
    tcase_add_test(c, a_list_survives_its_bytes_and_a_copy);
    tcase_add_test(c, nothing_is_no_bytes_and_back);
    tcase_add_test(c, every_cut_is_damage);
    suite_add_tcase(s, c);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

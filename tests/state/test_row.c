/* SPDX-License-Identifier: Apache-2.0
 *
 * test_row.c - keys and rows as they lie in LMDB, and damaged ones.
 */
#include "state/row.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static uint8_t one[KS__ROW_KEY_LIMIT], other[KS__ROW_KEY_LIMIT];

static ks_bytes filled(uint8_t *text, size_t size, int last)
{
    memset(text, 'x', size);
    if (size != 0)
        text[size - 1] = (uint8_t)last;
    return (ks_bytes){ text, size };
}

START_TEST(keys_of_lmdb_order_as_the_keys_do)
{
    static const size_t sizes[] = { 0, 1, 2, KS__ROW_SHORT_KEY - 1, KS__ROW_SHORT_KEY,
                                    KS__ROW_SHORT_KEY + 1 };
    uint8_t text[600], next[600];

    for (size_t i = 0; i + 1 < sizeof(sizes) / sizeof(sizes[0]); i++) {
        ks_bytes key   = ks__row_key(filled(text, sizes[i], 'x'), one);
        ks_bytes above = ks__row_key(filled(next, sizes[i + 1], 'x'), other);

        ck_assert_uint_ge(key.size, 1);
        ck_assert_uint_le(above.size, KS__ROW_KEY_LIMIT);
        ck_assert_int_lt(ks_bytes_compare(key, above), 0);
    }
}
END_TEST

START_TEST(long_keys_of_equal_start_differ_by_their_hash)
{
    uint8_t  text[600], next[600];
    ks_bytes key   = ks__row_key(filled(text, 600, 'a'), one);
    ks_bytes above = ks__row_key(filled(next, 600, 'b'), other);

    ck_assert(ks__row_holds_chain(key));
    ck_assert_int_eq(memcmp(one, other, KS__ROW_SHORT_KEY + 1), 0);
    ck_assert(!ks_bytes_equal(key, above));
}
END_TEST

START_TEST(the_hash_of_long_keys_is_part_of_the_format)
{
    static const uint8_t zeroes[500];
    uint8_t              again[KS__ROW_KEY_LIMIT];
    ks_bytes             key = ks__row_key((ks_bytes){ zeroes, sizeof(zeroes) }, one);

    ck_assert(ks_bytes_equal(key, ks__row_key((ks_bytes){ zeroes, sizeof(zeroes) }, again)));
    ck_assert_uint_eq(one[0], 0);
    ck_assert_uint_eq(key.size, KS__ROW_KEY_LIMIT);
}
END_TEST

static ks_bytes encode(struct ks__buffer *out, ks_bytes value, ks_bytes headers)
{
    const struct ks__row_parts row = { value, headers, -7 };

    ks__buffer_clear(out);
    ks__row_encode(out, &row);
    return ks__buffer_bytes(out);
}

START_TEST(a_row_comes_back_with_time_headers_and_value)
{
    struct ks__buffer    out = { .data = NULL };
    struct ks__row_parts row;

    ck_assert_int_eq(ks__row_split(encode(&out, KS_TEXT("value"), KS_TEXT("headers")), &row),
                     KS_OK);
    ck_assert(ks_bytes_equal(row.value, KS_TEXT("value")));
    ck_assert(ks_bytes_equal(row.headers, KS_TEXT("headers")));
    ck_assert_int_eq(row.timestamp_ms, -7);
    ck_assert_int_eq(ks__row_split(encode(&out, KS_TEXT(""), KS_NULL), &row), KS_OK);
    ck_assert_ptr_nonnull(row.value.data);      /* empty, not null */
    ck_assert_uint_eq(row.value.size, 0);
    ck_assert_uint_eq(row.headers.size, 0);
    ks__buffer_release(&out);
}
END_TEST

/* W2: each cut lies in a block of its own size, so that a checker sees a read past it. */
START_TEST(a_cut_row_is_refused_or_reads_within_its_bytes)
{
    struct ks__buffer    out = { .data = NULL };
    ks_bytes             all = encode(&out, KS_TEXT("v"), KS_TEXT("headers"));
    struct ks__row_parts row;

    for (size_t size = 0; size < all.size; size++) {
        uint8_t  *cut    = malloc(size != 0 ? size : 1);
        ks_status status;

        memcpy(cut, all.data, size);
        status = ks__row_split((ks_bytes){ cut, size }, &row);
        ck_assert_int_eq(status, size < 20 ? KS_ECORRUPT : KS_OK);
        free(cut);
    }
    out.data[0] = 2;
    ck_assert_int_eq(ks__row_split(all, &row), KS_ECORRUPT);    /* an unknown flag */
    ks__buffer_release(&out);
}
END_TEST

START_TEST(links_of_a_chain_come_back_and_a_cut_chain_shows)
{
    const struct ks__row_parts row = { KS_TEXT("v"), KS_NULL, 1 };
    struct ks__buffer          out = { .data = NULL };
    ks_bytes                   all, chain, key, found, whole;

    ks__row_encode_link(&out, KS_TEXT("first"), &row);
    ks__row_encode_link(&out, KS_TEXT("second"), &row);
    all = chain = ks__buffer_bytes(&out);
    ck_assert(ks__row_next_link(&chain, &key, &found, &whole));
    ck_assert(ks_bytes_equal(key, KS_TEXT("first")));
    ck_assert(ks__row_next_link(&chain, &key, &found, NULL));
    ck_assert(ks_bytes_equal(key, KS_TEXT("second")));
    ck_assert(!ks__row_next_link(&chain, &key, &found, NULL));
    ck_assert_uint_eq(chain.size, 0);
    for (size_t size = 1; size < all.size; size++) {
        chain = (ks_bytes){ all.data, size };
        while (ks__row_next_link(&chain, &key, &found, NULL))
            ;
        ck_assert(chain.size != 0 || size == whole.size);
    }
    ks__buffer_release(&out);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("state/row");
    TCase   *tcase = tcase_create("state/row");
    SRunner *runner;
    int      failed;

    tcase_add_test(tcase, keys_of_lmdb_order_as_the_keys_do);
    tcase_add_test(tcase, long_keys_of_equal_start_differ_by_their_hash);
    tcase_add_test(tcase, the_hash_of_long_keys_is_part_of_the_format);
    tcase_add_test(tcase, a_row_comes_back_with_time_headers_and_value);
    tcase_add_test(tcase, a_cut_row_is_refused_or_reads_within_its_bytes);
    tcase_add_test(tcase, links_of_a_chain_come_back_and_a_cut_chain_shows);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

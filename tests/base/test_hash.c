/* SPDX-License-Identifier: Apache-2.0
 *
 * test_hash.c - the hashes: stability of the stored one, spread of both; Kafka's partitioner.
 */
#include "base/hash.h"
#include "base/murmur2.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

START_TEST(the_stored_hash_never_changes)
{
    static const char  *const texts[] = { "", "a", "abcdefg", "0123456789abcdef",
                                          "a key longer than sixteen bytes, three steps long" };
    static const char *const  hashes[] = {
        "a62e792d324f614c61f815038051bc54",
        "db6248232918562ee9aeeda2119e78f3",
        "08e97c6ed062cd20f2f7651163bc3c81",
        "381619a863c517e4ebe6a3b8aa7dff41",
        "abf53a923cfc04de39e4ba893e2463b4",
    };
    char    shown[33];
    uint8_t hash[16];

    for (int i = 0; i < 5; i++) {
        ks__hash128(texts[i], strlen(texts[i]), hash);
        for (int k = 0; k < 16; k++)
            snprintf(shown + 2 * k, 3, "%02x", hash[k]);
        ck_assert_str_eq(shown, hashes[i]);
    }
}
END_TEST

static int bits(uint64_t a)
{
    return __builtin_popcountll(a);
}

START_TEST(every_input_bit_moves_about_half_of_the_output_bits)
{
    uint8_t key[40], before[16], after[16];
    int64_t moved64 = 0, moved128 = 0, tries = 0;

    for (size_t size = 1; size <= sizeof(key); size++) {
        memset(key, 0x5a, sizeof(key));
        for (size_t bit = 0; bit < size * 8; bit++, tries++) {
            uint64_t one = ks__hash64(key, size, 1);
            int      here;

            ks__hash128(key, size, before);
            key[bit / 8] ^= (uint8_t)(1 << bit % 8);
            here = bits(one ^ ks__hash64(key, size, 1));
            ck_assert_int_gt(here, 8);
            moved64 += here;
            ks__hash128(key, size, after);
            key[bit / 8] ^= (uint8_t)(1 << bit % 8);
            ck_assert_mem_ne(before, after, 8);
            ck_assert_mem_ne(before + 8, after + 8, 8);
            for (int i = 0; i < 16; i++)
                moved128 += bits((uint64_t)(before[i] ^ after[i]));
        }
    }
    ck_assert_int_gt(moved64, tries * 31);
    ck_assert_int_lt(moved64, tries * 33);
    ck_assert_int_gt(moved128, tries * 62);
    ck_assert_int_lt(moved128, tries * 66);
}
END_TEST

START_TEST(numbers_as_keys_spread_over_the_low_bits)
{
    static int buckets[1024];

    for (uint64_t i = 0; i < 102400; i++)
        buckets[ks__hash64(&i, sizeof(i), ks__hash_seed()) % 1024]++;
    for (int i = 0; i < 1024; i++) {
        ck_assert_int_gt(buckets[i], 40);
        ck_assert_int_lt(buckets[i], 180);
    }
}
END_TEST

START_TEST(size_and_seed_count)
{
    ck_assert_uint_ne(ks__hash64("\0", 1, 1), ks__hash64("\0\0", 2, 1));
    ck_assert_uint_ne(ks__hash64("", 0, 1), ks__hash64("", 0, 2));
    ck_assert_uint_eq(ks__hash_seed(), ks__hash_seed());
}
END_TEST

START_TEST(murmur2_gives_the_numbers_of_kafkas_own_test)
{
    static const struct {
        const char *text;
        int32_t     hash;
    } cases[] = {
        { "21", -973932308 },
        { "foobar", -790332482 },
        { "a-little-bit-long-string", -985981536 },
        { "a-little-bit-longer-string", -1486304829 },
        { "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971 },
        { "abc", 479470107 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_int_eq((int32_t)ks__murmur2(cases[i].text, strlen(cases[i].text)),
                         cases[i].hash);
}
END_TEST

START_TEST(a_partition_is_never_negative)
{
    ck_assert_int_eq(ks__partition_of((ks_bytes){ "foobar", 6 }, 7),
                     (-790332482 & 0x7fffffff) % 7);
    ck_assert_int_eq(ks__partition_of((ks_bytes){ "", 0 }, 1), 0);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("base/hash");
    TCase   *tests = tcase_create("hash");
    SRunner *runner;
    int      failed;

    tcase_add_test(tests, the_stored_hash_never_changes);
    tcase_add_test(tests, every_input_bit_moves_about_half_of_the_output_bits);
    tcase_add_test(tests, numbers_as_keys_spread_over_the_low_bits);
    tcase_add_test(tests, size_and_seed_count);
    tcase_add_test(tests, murmur2_gives_the_numbers_of_kafkas_own_test);
    tcase_add_test(tests, a_partition_is_never_negative);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

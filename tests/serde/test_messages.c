/* SPDX-License-Identifier: Apache-2.0
 *
 * test_messages.c - what tables say to each other through topics: changes, subscriptions, answers.
 */
#include "serde/change.h"
#include "serde/murmur3.h"
#include "serde/subscription.h"

#include <check.h>
#include <kstream/kstream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ks__arena arena;

static void set_up(void)
{
    ck_assert_int_eq(ks__arena_init(&arena, 0, 0), KS_OK);
}

static void tear_down(void)
{
    ks__arena_release(&arena);
}

static ks_bytes bytes(const void *data, size_t size)
{
    return ks_bytes_of(data, size);
}

/* ---- changes ---- */

static void expect_change(ks_bytes now, ks_bytes before, const void *layout, size_t size)
{
    const struct ks__change change = { now, before };
    struct ks__change       read;
    ks_bytes                out;

    ck_assert(ks__change_write(&change, &arena, &out));
    ck_assert(ks_bytes_equal(out, bytes(layout, size)));
    ck_assert(ks__change_read(out, &read));
    ck_assert(ks_bytes_equal(read.now, now) && ks_bytes_equal(read.before, before));
    ck_assert_int_eq(read.now.data == NULL, now.data == NULL);
    ck_assert_int_eq(read.before.data == NULL, before.data == NULL);
}

START_TEST(a_change_has_kafkas_layout)
{
    expect_change(KS_TEXT("new"), KS_NULL, "new\1", 4);
    expect_change(KS_NULL, KS_TEXT("old"), "old\0", 4);
    expect_change(KS_TEXT("new"), KS_TEXT("old!"), "\6newold!\2", 9);
    expect_change(KS_TEXT(""), KS_TEXT(""), "\0\2", 2);
}
END_TEST

START_TEST(a_long_value_has_a_long_size)
{
    static char       text[300];
    struct ks__change change = { bytes(text, sizeof(text)), KS_TEXT("x") }, read;
    ks_bytes          out;

    ck_assert(ks__change_write(&change, &arena, &out));
    ck_assert_uint_eq(out.size, 2 + sizeof(text) + 1 + 1);
    ck_assert(ks__change_read(out, &read));
    ck_assert_uint_eq(read.now.size, sizeof(text));
    ck_assert(ks_bytes_equal(read.before, KS_TEXT("x")));
}
END_TEST

START_TEST(changes_that_say_whether_they_are_the_latest_are_read)
{
    struct ks__change read;

    ck_assert(ks__change_read(bytes("new\1\4", 5), &read));
    ck_assert(ks_bytes_equal(read.now, KS_TEXT("new")) && read.before.data == NULL);
    ck_assert(ks__change_read(bytes("\6newold\1\5", 9), &read));
    ck_assert(ks_bytes_equal(read.now, KS_TEXT("new")));
    ck_assert(ks_bytes_equal(read.before, KS_TEXT("old")));
}
END_TEST

START_TEST(damaged_changes_are_refused)
{
    struct ks__change read;

    ck_assert(!ks__change_read(KS_NULL, &read));
    ck_assert(!ks__change_read(bytes("x\6", 2), &read));
    ck_assert(!ks__change_read(bytes("\2", 1), &read));
    ck_assert(!ks__change_read(bytes("\6ne\2", 4), &read));
    ck_assert(!ks__change_read(bytes("\5new\2", 5), &read));
    ck_assert(!ks__change_read(bytes("\3", 1), &read));
    ck_assert(!ks__change_read(bytes("\xff\xff\xff\xff\xff\xff\2", 7), &read));
}
END_TEST

/* ---- the hash ---- */

static const struct {
    const char *text, *hash;
} hashes[] = {
    { "", "9d2764a018e329428c3cf3b035938518" },
    { "a", "3361634e7e0f5188e9c7dda24eae326b" },
    { "12345678", "ddec8f9026074d665e35523e4a34fe8c" },
    { "123456789", "5a3e531c14a5f700faf8cf22625f37e7" },
    { "1234567890123456", "7eebd4b7e4424c983d2fca5635718acd" },
    { "The quick brown fox jumps over the lazy dog", "e74c5921af0f99c8b7f85ec81df06726" },
};

START_TEST(the_hash_is_murmur3_with_kafkas_seed)
{
    uint8_t hash[KS__MURMUR3_BYTES];
    char    hex[33];

    ks__murmur3(hashes[_i].text, strlen(hashes[_i].text), hash);
    for (size_t i = 0; i < sizeof(hash); i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    ck_assert_str_eq(hex, hashes[_i].hash);
}
END_TEST

/* ---- subscriptions ---- */

START_TEST(a_subscription_has_kafkas_layout)
{
    const struct ks__subscription given = { KS__ANSWER_ALWAYS, KS_TEXT("0123456789abcdef"),
                                            KS_TEXT("key"), 7 };
    struct ks__subscription       read;
    ks_bytes                      out;

    ck_assert(ks__subscription_write(&given, &arena, &out));
    ck_assert(ks_bytes_equal(out, bytes("\1\2"
                                        "0123456789abcdef"
                                        "key\0\0\0\7",
                                        25)));
    ck_assert(ks__subscription_read(out, &read));
    ck_assert_int_eq(read.instruction, KS__ANSWER_ALWAYS);
    ck_assert(ks_bytes_equal(read.hash, given.hash) && ks_bytes_equal(read.primary, given.primary));
    ck_assert_int_eq(read.partition, 7);
}
END_TEST

START_TEST(a_subscription_without_hash_says_so)
{
    const struct ks__subscription given = { KS__DELETE_SILENTLY, KS_NULL, KS_TEXT(""), 0 };
    struct ks__subscription       read;
    ks_bytes                      out;

    ck_assert(ks__subscription_write(&given, &arena, &out));
    ck_assert(ks_bytes_equal(out, bytes("\x81\0\0\0\0\0", 6)));
    ck_assert(ks__subscription_read(out, &read));
    ck_assert_ptr_null(read.hash.data);
    ck_assert_ptr_nonnull(read.primary.data);
}
END_TEST

START_TEST(the_older_version_has_no_partition)
{
    struct ks__subscription read;

    ck_assert(ks__subscription_read(bytes("\x80\3key", 5), &read));
    ck_assert(ks_bytes_equal(read.primary, KS_TEXT("key")));
    ck_assert_int_eq(read.partition, -1);
}
END_TEST

START_TEST(damaged_subscriptions_are_refused)
{
    struct ks__subscription read;

    ck_assert(!ks__subscription_read(KS_NULL, &read));
    ck_assert(!ks__subscription_read(bytes("\x81\4\0\0\0\0", 6), &read));
    ck_assert(!ks__subscription_read(bytes("\x82\1\0\0\0\0", 6), &read));
    ck_assert(!ks__subscription_read(bytes("\x81\1\0\0\0", 5), &read));
    ck_assert(!ks__subscription_read(bytes("\1\1short", 7), &read));
}
END_TEST

START_TEST(an_answer_carries_hash_and_value)
{
    const struct ks__answer full = { KS_TEXT("0123456789abcdef"), KS_TEXT("v") };
    const struct ks__answer none = { KS_NULL, KS_NULL };
    struct ks__answer       read;
    ks_bytes                out;

    ck_assert(ks__answer_write(&full, &arena, &out) && out.size == 18);
    ck_assert(ks__answer_read(out, &read));
    ck_assert(ks_bytes_equal(read.hash, full.hash) && ks_bytes_equal(read.value, full.value));
    ck_assert(ks__answer_write(&none, &arena, &out));
    ck_assert(ks_bytes_equal(out, bytes("\x80", 1)));
    ck_assert(ks__answer_read(out, &read));
    ck_assert(read.hash.data == NULL && read.value.data == NULL);
    ck_assert(!ks__answer_read(KS_NULL, &read));
    ck_assert(!ks__answer_read(bytes("\1", 1), &read));
}
END_TEST

START_TEST(keys_of_subscriptions_do_not_mix)
{
    ks_bytes prefix, key, foreign, primary;

    ck_assert(ks__subscription_key_write(KS_TEXT("a"), KS_NULL, &arena, &prefix));
    ck_assert(ks__subscription_key_write(KS_TEXT("ab"), KS_TEXT("c"), &arena, &key));
    ck_assert(ks_bytes_equal(key, bytes("\0\0\0\2abc", 7)));
    ck_assert(memcmp(key.data, prefix.data, prefix.size) != 0);
    ck_assert(ks__subscription_key_read(key, &foreign, &primary));
    ck_assert(ks_bytes_equal(foreign, KS_TEXT("ab")) && ks_bytes_equal(primary, KS_TEXT("c")));
    ck_assert(!ks__subscription_key_read(bytes("\0\0\0\4abc", 7), &foreign, &primary));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_change_has_kafkas_layout,
        a_long_value_has_a_long_size,
        changes_that_say_whether_they_are_the_latest_are_read,
        damaged_changes_are_refused,
        a_subscription_has_kafkas_layout,
        a_subscription_without_hash_says_so,
        the_older_version_has_no_partition,
        damaged_subscriptions_are_refused,
        an_answer_carries_hash_and_value,
        keys_of_subscriptions_do_not_mix,
    };
    Suite   *suite = suite_create("messages");
    TCase   *tcase = tcase_create("messages");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tcase, tests[i]);
    tcase_add_loop_test(tcase, the_hash_is_murmur3_with_kafkas_seed, 0,
                        (int)(sizeof(hashes) / sizeof(hashes[0])));
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

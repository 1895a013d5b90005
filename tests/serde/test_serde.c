/* SPDX-License-Identifier: Apache-2.0
 *
 * test_serde.c - layouts, identity, checks and texts of the serdes.
 */
#include "serde/serde.h"
#include "serde/windowed_key.h"

#include <check.h>
#include <kstream/kstream.h>
#include <stdlib.h>
#include <string.h>

/* ---- bytes ---- */

START_TEST(numbers_have_kafkas_layout)
{
    static const unsigned char minus_two[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe };
    static const unsigned char half[]      = { 0x3f, 0xe0, 0, 0, 0, 0, 0, 0 };
    unsigned char              out[8];

    ck_assert(ks_bytes_equal(ks_encode_i64(out, -2), ks_bytes_of(minus_two, 8)));
    ck_assert(ks_bytes_equal(ks_encode_i32(out, -2), ks_bytes_of(minus_two + 4, 4)));
    ck_assert(ks_bytes_equal(ks_encode_f64(out, 0.5), ks_bytes_of(half, 8)));
    ck_assert_int_eq(ks_bytes_i64(ks_bytes_of(minus_two, 8), 0), -2);
    ck_assert_int_eq(ks_bytes_i32(ks_bytes_of(minus_two, 4), 0), -1);
    ck_assert_double_eq(ks_bytes_f64(ks_bytes_of(half, 8), 0), 0.5);
    ck_assert_double_eq((double)ks_bytes_f32(ks_encode_f32(out, -1.5f), 0), -1.5);
}
END_TEST

START_TEST(a_wrong_size_or_null_gives_the_fallback)
{
    ck_assert_int_eq(ks_bytes_i64(KS_NULL, 7), 7);
    ck_assert_int_eq(ks_bytes_i64(KS_TEXT("1234567"), 7), 7);
    ck_assert_int_eq(ks_bytes_i32(KS_TEXT(""), 7), 7);
    ck_assert_double_eq((double)ks_bytes_f32(KS_NULL, 7.5f), 7.5);
    ck_assert_double_eq(ks_bytes_f64(KS_TEXT("x"), 7.5), 7.5);
}
END_TEST

START_TEST(a_struct_is_read_from_any_address)
{
    struct pair { int32_t a; int32_t b; } in = { 1, 2 }, out;
    char buffer[sizeof(in) + 1];

    memcpy(buffer + 1, &in, sizeof(in));
    ck_assert(ks_bytes_read(&out, sizeof(out), ks_bytes_of(buffer + 1, sizeof(in))));
    ck_assert_int_eq(out.b, 2);
    ck_assert(!ks_bytes_read(&out, sizeof(out), ks_bytes_of(buffer, 3)));
    ck_assert_int_eq(out.a, 0);
    ck_assert(!ks_bytes_read(&out, sizeof(out), KS_NULL));
}
END_TEST

START_TEST(order_is_by_unsigned_bytes_shorter_first)
{
    ck_assert_int_lt(ks_bytes_compare(KS_NULL, KS_TEXT("")), 0);
    ck_assert_int_lt(ks_bytes_compare(KS_TEXT(""), KS_TEXT("a")), 0);
    ck_assert_int_lt(ks_bytes_compare(KS_TEXT("a"), KS_TEXT("aa")), 0);
    ck_assert_int_gt(ks_bytes_compare(KS_TEXT("\xff"), KS_TEXT("a")), 0);
    ck_assert_int_eq(ks_bytes_compare(KS_TEXT("ab"), KS_TEXT("ab")), 0);
    ck_assert(!ks_bytes_equal(KS_NULL, KS_TEXT("")));
    ck_assert(ks_bytes_equal(KS_NULL, KS_NULL));
}
END_TEST

START_TEST(words_skip_white_space)
{
    ks_bytes rest = KS_TEXT("  to be\tor\n"), word;

    ck_assert(ks_bytes_word(&rest, &word) && ks_bytes_equal(word, KS_TEXT("to")));
    ck_assert(ks_bytes_word(&rest, &word) && ks_bytes_equal(word, KS_TEXT("be")));
    ck_assert(ks_bytes_word(&rest, &word) && ks_bytes_equal(word, KS_TEXT("or")));
    ck_assert(!ks_bytes_word(&rest, &word));
    ck_assert(ks_bytes_is_null(word));
    rest = KS_NULL;
    ck_assert(!ks_bytes_word(&rest, &word));
}
END_TEST

START_TEST(empty_fields_are_fields)
{
    ks_bytes rest = KS_TEXT("a,,"), field;
    int      count = 0;

    while (ks_bytes_field(&rest, ',', &field))
        count++;
    ck_assert_int_eq(count, 3);
    rest = KS_TEXT("");
    ck_assert(ks_bytes_field(&rest, ',', &field));
    ck_assert(!ks_bytes_is_null(field));
    ck_assert(!ks_bytes_field(&rest, ',', &field));
    rest = KS_NULL;
    ck_assert(!ks_bytes_field(&rest, ',', &field));
}
END_TEST

/* ---- identity ---- */

START_TEST(structs_are_interned_by_name_and_size)
{
    const ks_serde *one = ks_serde_struct("struct a", 8, false);

    ck_assert_ptr_eq(one, ks_serde_struct("struct a", 8, false));
    ck_assert_ptr_ne(one, ks_serde_struct("struct a", 8, true));
    ck_assert_ptr_ne(one, ks_serde_struct("struct a", 16, false));
    ck_assert(!ks__serde_equal(one, ks_serde_struct("struct a", 16, false)));
    ck_assert(ks__serde_equal(one, ks_serde_struct("struct a", 8, true)));
    ck_assert(ks__serde_is_local(one));
    ck_assert(!ks__serde_is_local(ks_serde_struct("struct a", 8, true)));
    ck_assert_ptr_eq(ks_serde_struct("struct a", 0, false), ks_serde_bytes());
}
END_TEST

START_TEST(windowed_serdes_are_equal_by_their_inner_one)
{
    const ks_serde *one = ks_serde_windowed(ks_serde_utf8(), 10);

    ck_assert_ptr_eq(one, ks_serde_windowed(ks_serde_utf8(), 10));
    ck_assert(!ks__serde_equal(one, ks_serde_windowed(ks_serde_utf8(), 20)));
    ck_assert(!ks__serde_equal(one, ks_serde_windowed(ks_serde_i64(), 10)));
    ck_assert(!ks__serde_equal(one, ks_serde_session(ks_serde_utf8())));
    ck_assert_str_eq(ks_serde_name(one), "windowed<utf8>");
}
END_TEST

START_TEST(undeclared_fits_anything)
{
    ck_assert(ks__serde_fits(NULL, ks_serde_i64()));
    ck_assert(ks__serde_fits(ks_serde_i64(), NULL));
    ck_assert(!ks__serde_fits(ks_serde_i64(), ks_serde_f64()));
}
END_TEST

/* ---- check ---- */

START_TEST(numbers_are_checked_by_size)
{
    ck_assert(ks_serde_check(ks_serde_i64(), KS_TEXT("12345678")));
    ck_assert(!ks_serde_check(ks_serde_i64(), KS_TEXT("1234567")));
    ck_assert(!ks_serde_check(ks_serde_i32(), KS_TEXT("")));
    ck_assert(ks_serde_check(ks_serde_i32(), KS_NULL));
    ck_assert(ks_serde_check(NULL, KS_TEXT("\xff")));
}
END_TEST

START_TEST(utf8_is_checked)
{
    static const char *const good[] = { "", "a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                        "\xf4\x8f\xbf\xbf" };
    static const char *const bad[]  = { "\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
                                        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "a\xc3(" };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(ks_serde_check(ks_serde_utf8(), ks_bytes_text(good[i])), "good %zu", i);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!ks_serde_check(ks_serde_utf8(), ks_bytes_text(bad[i])), "bad %zu", i);
}
END_TEST

static bool is_even(const ks_bytes *bytes, void *user)
{
    (void)user;
    return bytes->size % 2 == 0;
}

START_TEST(a_users_serde_checks_itself)
{
    ks_builder          *b     = ks_builder_new();
    const ks_serde_class class = { .name = "even", .check = is_even };
    const ks_serde      *serde = ks_builder_serde(b, &class);

    ck_assert(ks_serde_check(serde, KS_TEXT("ab")));
    ck_assert(!ks_serde_check(serde, KS_TEXT("abc")));
    ck_assert(ks_serde_check(serde, KS_NULL));
    ck_assert_str_eq(ks_serde_name(serde), "even");
    ks_builder_free(b);
}
END_TEST

/* ---- show ---- */

static void assert_shown(const ks_serde *serde, ks_bytes bytes, const char *expected)
{
    char   exact[128], tight[4] = "???";
    size_t length = ks_serde_show(serde, bytes, exact, sizeof(exact));

    ck_assert_str_eq(exact, expected);
    ck_assert_uint_eq(length, strlen(expected));
    ck_assert_uint_eq(ks_serde_show(serde, bytes, NULL, 0), strlen(expected));
    ck_assert_uint_eq(ks_serde_show(serde, bytes, tight, sizeof(tight)), strlen(expected));
    ck_assert_int_eq(strncmp(tight, expected, 3), 0);
    ck_assert_int_eq(tight[3], '\0');
}

START_TEST(bytes_are_shown_by_their_serde)
{
    unsigned char out[8];
    unsigned char key[] = { 'k', 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 5 };

    assert_shown(ks_serde_utf8(), KS_NULL, "null");
    assert_shown(ks_serde_utf8(), KS_TEXT("text"), "text");
    assert_shown(ks_serde_i64(), ks_encode_i64(out, INT64_MIN), "-9223372036854775808");
    assert_shown(ks_serde_i32(), ks_encode_i32(out, 4711), "4711");
    assert_shown(ks_serde_f64(), ks_encode_f64(out, 0.125), "0.125");
    assert_shown(ks_serde_f64(), ks_encode_f64(out, 0.1), "0.1");
    assert_shown(ks_serde_f32(), ks_encode_f32(out, 0.1f), "0.1");
    assert_shown(NULL, KS_TEXT("a\x01\\"), "a\\x01\\x5c");
    assert_shown(ks_serde_i64(), KS_TEXT("abc"), "abc");
    assert_shown(ks_serde_session(ks_serde_utf8()), ks_bytes_of(key, sizeof(key)), "[k@5/20]");
}
END_TEST

/* ---- windowed keys ---- */

START_TEST(windowed_keys_have_kafkas_layout)
{
    static const unsigned char expected[] = { 'a', 'b', 0, 0, 0, 0, 0, 0, 1, 0 };
    const ks_serde            *serde      = ks_serde_windowed(ks_serde_utf8(), 10);
    const ks_window            in         = { 256, 266 };
    struct ks__arena           arena;
    ks_bytes                   key, inner;
    ks_window                  out;

    ck_assert_int_eq(ks__arena_init(&arena, 0, 0), KS_OK);
    ck_assert(ks__windowed_key_write(serde, KS_TEXT("ab"), &in, &arena, &key));
    ck_assert(ks_bytes_equal(key, ks_bytes_of(expected, sizeof(expected))));
    ck_assert(ks__windowed_key_read(serde, key, &inner, &out));
    ck_assert(ks_bytes_equal(inner, KS_TEXT("ab")));
    ck_assert_int_eq(out.start_ms, 256);
    ck_assert_int_eq(out.end_ms, 266);
    ks__arena_release(&arena);
}
END_TEST

START_TEST(keys_of_a_windows_changelog_have_a_sequence_number)
{
    static const unsigned char expected[] = { 'a', 'b', 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0 };
    const ks_serde            *serde      = ks_serde_windowed_changelog(ks_serde_utf8(), 10);
    const ks_window            in         = { 256, 266 };
    unsigned char              fifth[sizeof(expected)];
    struct ks__arena           arena;
    ks_bytes                   key, inner;
    ks_window                  out;

    ck_assert_int_eq(ks__arena_init(&arena, 0, 0), KS_OK);
    ck_assert(ks__windowed_key_write(serde, KS_TEXT("ab"), &in, &arena, &key));
    ck_assert(ks_bytes_equal(key, ks_bytes_of(expected, sizeof(expected))));
    memcpy(fifth, expected, sizeof(fifth));
    fifth[sizeof(fifth) - 1] = 5;
    ck_assert(ks__windowed_key_read(serde, ks_bytes_of(fifth, sizeof(fifth)), &inner, &out));
    ck_assert(ks_bytes_equal(inner, KS_TEXT("ab")));
    ck_assert_int_eq(out.start_ms, 256);
    ck_assert_int_eq(out.end_ms, 266);
    ck_assert(!ks__windowed_key_read(serde, ks_bytes_of(expected, 11), &inner, &out));
    ks__arena_release(&arena);
}
END_TEST

START_TEST(the_serde_of_a_changelog_fits_that_of_other_topics_but_reads_otherwise)
{
    const ks_serde *changelog = ks_serde_windowed_changelog(ks_serde_utf8(), 10);
    const ks_serde *plain     = ks_serde_windowed(ks_serde_utf8(), 10);

    ck_assert_ptr_eq(changelog, ks_serde_windowed_changelog(ks_serde_utf8(), 10));
    ck_assert_ptr_ne(changelog, plain);
    ck_assert(ks__serde_fits(changelog, plain));
    ck_assert(!ks__serde_fits(changelog, ks_serde_windowed(ks_serde_utf8(), 11)));
    ck_assert(!ks__serde_reads_alike(changelog, plain));
    ck_assert(ks__serde_reads_alike(changelog, changelog));
    ck_assert_ptr_eq(ks__serde_plain(changelog), plain);
    ck_assert_ptr_eq(ks__serde_plain(plain), plain);
    ck_assert_ptr_null(ks__serde_plain(NULL));
    ck_assert_str_eq(ks_serde_name(changelog), "windowed-changelog<utf8>");
}
END_TEST

START_TEST(session_keys_have_kafkas_layout)
{
    const ks_serde  *serde = ks_serde_session(ks_serde_utf8());
    const ks_window  in    = { 5, 20 };
    struct ks__arena arena;
    ks_bytes         key, inner;
    ks_window        out;

    ck_assert_int_eq(ks__arena_init(&arena, 0, 0), KS_OK);
    ck_assert(ks__windowed_key_write(serde, KS_TEXT(""), &in, &arena, &key));
    ck_assert_uint_eq(key.size, 16);
    ck_assert_int_eq(((const char *)key.data)[7], 20);
    ck_assert(ks__windowed_key_read(serde, key, &inner, &out));
    ck_assert(inner.data != NULL && inner.size == 0);
    ck_assert_int_eq(out.start_ms, 5);
    ck_assert_int_eq(out.end_ms, 20);
    ks__arena_release(&arena);
}
END_TEST

START_TEST(damaged_windowed_keys_are_refused)
{
    unsigned char bytes[16] = { 0 };
    ks_bytes      inner;
    ks_window     window;

    ck_assert(!ks__windowed_key_read(ks_serde_windowed(NULL, 1), ks_bytes_of(bytes, 7), &inner,
                                     &window));
    ck_assert(!ks__windowed_key_read(ks_serde_session(NULL), ks_bytes_of(bytes, 15), &inner,
                                     &window));
    bytes[0] = 0x80; /* a negative time */
    ck_assert(!ks__windowed_key_read(ks_serde_windowed(NULL, 1), ks_bytes_of(bytes, 8), &inner,
                                     &window));
    memset(bytes, 0, sizeof(bytes));
    bytes[15] = 1; /* starts after its end */
    ck_assert(!ks__windowed_key_read(ks_serde_session(NULL), ks_bytes_of(bytes, 16), &inner,
                                     &window));
}
END_TEST

START_TEST(options_are_initialised_with_their_size)
{
    ks_named named;

    memset(&named, 0xff, sizeof(named));
    ks_options_init(&named, sizeof(named));
    ck_assert_uint_eq(named.struct_size, sizeof(named));
    ck_assert_ptr_null(named.name);
    ks_options_init(NULL, 8);
    ck_assert_str_eq(ks_version_string(), KS_VERSION_TEXT);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("serde");
    TCase   *cases = tcase_create("serde");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_test(cases, numbers_have_kafkas_layout);
    tcase_add_test(cases, a_wrong_size_or_null_gives_the_fallback);
    tcase_add_test(cases, a_struct_is_read_from_any_address);
    tcase_add_test(cases, order_is_by_unsigned_bytes_shorter_first);
    tcase_add_test(cases, words_skip_white_space);
    tcase_add_test(cases, empty_fields_are_fields);
    tcase_add_test(cases, structs_are_interned_by_name_and_size);
    tcase_add_test(cases, windowed_serdes_are_equal_by_their_inner_one);
    tcase_add_test(cases, undeclared_fits_anything);
    tcase_add_test(cases, numbers_are_checked_by_size);
    tcase_add_test(cases, utf8_is_checked);
    tcase_add_test(cases, a_users_serde_checks_itself);
    tcase_add_test(cases, bytes_are_shown_by_their_serde);
    tcase_add_test(cases, windowed_keys_have_kafkas_layout);
    tcase_add_test(cases, keys_of_a_windows_changelog_have_a_sequence_number);
    tcase_add_test(cases,
                   the_serde_of_a_changelog_fits_that_of_other_topics_but_reads_otherwise);
    tcase_add_test(cases, session_keys_have_kafkas_layout);
    tcase_add_test(cases, damaged_windowed_keys_are_refused);
    tcase_add_test(cases, options_are_initialised_with_their_size);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

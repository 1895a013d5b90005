/* SPDX-License-Identifier: Apache-2.0
 *
 * test_config.c - setting by text: types, ranges, prefixes, mistakes.
 */
#include "base/alloc.h"
#include "base/config.h"

#include <check.h>
#include <string.h>

enum { NAME, COUNT, SHARE, FLAG, MODE, SERVERS, INTERVAL, CACHE, UNSET, WAYS };

static const struct ks__config_row rows[] = {
    { "application.id", KS__CONFIG_STRING, "", 0, 0, NULL, "The name.", NULL, NULL },
    { "num.threads", KS__CONFIG_INT, "1", 1, 64, NULL, "Threads.", NULL, NULL },
    { "share", KS__CONFIG_DOUBLE, "0.5", 0, 1, NULL, "A share.", NULL, NULL },
    { "enabled", KS__CONFIG_BOOL, "true", 0, 0, NULL, "A switch.", NULL, NULL },
    { "mode", KS__CONFIG_ENUM, "fast", 0, 0, "slow|fast|none", "A choice.", NULL, NULL },
    { "servers", KS__CONFIG_LIST, "", 0, 0, NULL, "Hosts.", NULL, NULL },
    { "commit.interval.ms", KS__CONFIG_DURATION_MS, "1000", 0, 86400000, NULL, "How often.", NULL,
      NULL },
    { "cache.bytes", KS__CONFIG_BYTES, "10MiB", 0, 0, NULL, "How much.", NULL, NULL },
    { "state.dir", KS__CONFIG_STRING, NULL, 0, 0, NULL, "Where.", NULL, NULL },
    { "ways", KS__CONFIG_LIST, "none", 0, 0, "none|all|short|long", "Which.", "none|all", NULL },
};
static const struct ks__config_prefix prefixes[] = { { "consumer.", "For the consumer." },
                                                     { "topic.", "For topics." } };
static const struct ks__config_table  table = { .rows         = rows,
                                                     .row_count    = 10,
                                                     .prefixes     = prefixes,
                                                     .prefix_count = 2 };
static struct ks__config_values       values;

static void set_up(void)
{
    ck_assert_int_eq(ks__config_init(&values, &table), KS_OK);
}

static void tear_down(void)
{
    ks__config_release(&values);
}

START_TEST(defaults_hold_until_set_and_come_back_with_null)
{
    ck_assert_int_eq(ks__config_int(&values, COUNT), 1);
    ck_assert_int_eq(ks__config_int(&values, CACHE), 10 << 20);
    ck_assert_int_eq(ks__config_enum(&values, MODE), 1);
    ck_assert_ptr_null(ks__config_text(&values, UNSET));
    ck_assert(!ks__config_is_set(&values, COUNT));

    ck_assert_int_eq(ks__config_set(&values, "num.threads", "4"), KS_OK);
    ck_assert_int_eq(ks__config_int(&values, COUNT), 4);
    ck_assert(ks__config_is_set(&values, COUNT));
    ck_assert_int_eq(ks__config_set(&values, "num.threads", NULL), KS_OK);
    ck_assert_int_eq(ks__config_int(&values, COUNT), 1);
    ck_assert(!ks__config_is_set(&values, COUNT));
}
END_TEST

START_TEST(every_type_reads_its_text)
{
    ck_assert_int_eq(ks__config_set(&values, "share", "0.25"), KS_OK);
    ck_assert_double_eq(ks__config_double(&values, SHARE), 0.25);
    ck_assert_int_eq(ks__config_set(&values, "enabled", "false"), KS_OK);
    ck_assert(!ks__config_bool(&values, FLAG));
    ck_assert_int_eq(ks__config_set(&values, "mode", "none"), KS_OK);
    ck_assert_int_eq(ks__config_enum(&values, MODE), 2);
    ck_assert_int_eq(ks__config_set(&values, "commit.interval.ms", "2m"), KS_OK);
    ck_assert_int_eq(ks__config_int(&values, INTERVAL), 120000);
    ck_assert_int_eq(ks__config_set(&values, "cache.bytes", "64 KiB"), KS_OK);
    ck_assert_int_eq(ks__config_int(&values, CACHE), 65536);
    ck_assert_int_eq(ks__config_set(&values, "servers", " a:1 ,, b:2,"), KS_OK);
    ck_assert_uint_eq(ks__config_list_count(&values, SERVERS), 2);
    ck_assert_str_eq(ks__config_list_at(&values, SERVERS, 0), "a:1");
    ck_assert_str_eq(ks__config_list_at(&values, SERVERS, 1), "b:2");
    ck_assert_int_eq(ks__config_set(&values, "ways", "long , short"), KS_OK);
    ck_assert_str_eq(ks__config_list_at(&values, WAYS, 1), "short");
    ck_assert(!ks__error_is_set(&values.error));
}
END_TEST

static const struct {
    const char *name, *value, *part;        /* of the message */
} mistakes[] = {
    { "num.threads", "0", "from 1 to 64" },
    { "num.threads", "65", "from 1 to 64" },
    { "num.threads", "3x", "whole number" },
    { "num.threads", "", "whole number" },
    { "num.threads", "99999999999999999999", "whole number" },
    { "share", "1.5", "from 0 to 1" },
    { "share", "nan", "a number" },
    { "enabled", "yes", "true or false" },
    { "mode", "fas", "slow|fast|none" },
    { "mode", "", "slow|fast|none" },
    { "commit.interval.ms", "5 weeks", "ms, s, m, h or d" },
    { "cache.bytes", "9000000000000GiB", "KiB" },
    { "ways", "short,fast", "\"fast\" is not one of none|all|short|long" },
    { "ways", "short,all", "\"all\" must stand alone" },
    { "ways", " , ", "at least one of none|all|short|long" },
    { "num.stream", "1", "unknown property" },
    { "comit.interval.ms", "1", "did you mean \"commit.interval.ms\"" },
    { "consumer.", "1", "unknown property" },
    { "", "1", "needs a name" },
};

START_TEST(a_mistake_is_refused_with_a_text_that_helps)
{
    ck_assert_int_eq(ks__config_set(&values, mistakes[_i].name, mistakes[_i].value), KS_ECONFIG);
    ck_assert_msg(strstr(ks_error_message(&values.error), mistakes[_i].part) != NULL, "%s",
                  ks_error_message(&values.error));
    ck_assert_int_eq(ks__config_int(&values, COUNT), 1);
}
END_TEST

START_TEST(the_first_mistake_stays)
{
    ks__config_set(&values, "share", "7");
    ks__config_set(&values, "mode", "odd");
    ck_assert_ptr_nonnull(strstr(ks_error_message(&values.error), "share"));
}
END_TEST

START_TEST(prefixed_properties_are_kept_apart_and_unique)
{
    ck_assert_int_eq(ks__config_set(&values, "consumer.fetch.min.bytes", "1"), KS_OK);
    ck_assert_int_eq(ks__config_set_pair(&values, " topic.retention.ms = 5 "), KS_OK);
    ck_assert_int_eq(ks__config_set(&values, "consumer.fetch.min.bytes", "2"), KS_OK);
    ck_assert_uint_eq(values.pair_count, 2);
    ck_assert_str_eq(values.pairs[0].name, "fetch.min.bytes");
    ck_assert_str_eq(values.pairs[0].value, "2");
    ck_assert_uint_eq(values.pairs[1].prefix, 1);
    ck_assert_str_eq(values.pairs[1].value, "5");
    ck_assert_int_eq(ks__config_set(&values, "consumer.fetch.min.bytes", NULL), KS_OK);
    ck_assert_uint_eq(values.pair_count, 1);
    ck_assert_int_eq(ks__config_set_pair(&values, "no equals sign"), KS_ECONFIG);
}
END_TEST

START_TEST(a_copy_has_everything_and_shares_nothing)
{
    struct ks__config_values copy;

    ks__config_set(&values, "num.threads", "9");
    ks__config_set(&values, "consumer.a", "b");
    ks__config_set(&values, "nobody", "b");
    ck_assert_int_eq(ks__config_copy(&copy, &values), KS_OK);
    ks__config_set(&values, "num.threads", "3");
    ck_assert_int_eq(ks__config_int(&copy, COUNT), 9);
    ck_assert_uint_eq(copy.pair_count, 1);
    ck_assert_str_eq(copy.pairs[0].value, "b");
    ck_assert_int_eq(ks_error_status(&copy.error), KS_ECONFIG);
    ks__config_release(&copy);
}
END_TEST

START_TEST(every_failed_allocation_is_a_clean_error)
{
    bool done = false;

    for (uint64_t n = 1; !done; n++) {
        struct ks__alloc_probe   probe = { .fail_at = n };
        struct ks__config_values one, two = { .table = &table };
        bool                     ok;

        ks__alloc_probe_install(&probe);
        ok = ks__config_init(&one, &table) == KS_OK;
        ok = ks__config_set(&one, "servers", "a,b,c") == KS_OK && ok;
        ok = ks__config_set_pair(&one, "topic.x=1") == KS_OK && ok;
        ok = ks__config_copy(&two, &one) == KS_OK && ok;
        ks__config_release(&one);
        ks__config_release(&two);
        ks__allocator_set(NULL);
        ck_assert_int_eq(ok, probe.failed == 0);
        ck_assert(ok || ks_error_status(&one.error) == KS_ENOMEM ||
                  ks_error_status(&two.error) == KS_ENOMEM);
        ck_assert_int_eq(probe.live_blocks, 0);
        done = ok;
        ck_assert_uint_lt(n, 200);
    }
}
END_TEST

START_TEST(the_table_prints_as_markdown)
{
    struct ks__buffer out = { .data = NULL };

    ks__config_to_markdown(&table, &out);
    ck_assert_ptr_nonnull(strstr(ks__buffer_text(&out), "| `mode` | enum | fast | "
                                                        "slow\\|fast\\|none | A choice. |\n"));
    ck_assert_ptr_nonnull(strstr(ks__buffer_text(&out),
                                 "| `num.threads` | int | 1 | 1 to 64 | Threads. |\n"));
    ck_assert_ptr_nonnull(strstr(ks__buffer_text(&out), "| `topic.` | For topics. |\n"));
    ks__buffer_release(&out);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("base/config");
    TCase   *tests = tcase_create("config");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, defaults_hold_until_set_and_come_back_with_null);
    tcase_add_test(tests, every_type_reads_its_text);
    tcase_add_loop_test(tests, a_mistake_is_refused_with_a_text_that_helps, 0,
                        (int)(sizeof(mistakes) / sizeof(mistakes[0])));
    tcase_add_test(tests, the_first_mistake_stays);
    tcase_add_test(tests, prefixed_properties_are_kept_apart_and_unique);
    tcase_add_test(tests, a_copy_has_everything_and_shares_nothing);
    tcase_add_test(tests, every_failed_allocation_is_a_clean_error);
    tcase_add_test(tests, the_table_prints_as_markdown);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * test_settings.c - properties: names, defaults, ranges, and what the runtime makes of them.
 */
#include "runtime/settings.h"

#include <check.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static ks_config          *config;
static struct ks__settings settings;
static ks_error            failure;

static void setup(void)
{
    config  = ks_config_new();
    failure = (ks_error){ .status = KS_OK };
    ck_assert_ptr_nonnull(config);
    ck_assert_int_eq(ks_config_set(config, "application.id", "words"), KS_OK);
}

static void teardown(void)
{
    ks__settings_release(&settings);
    ks_config_free(config);
}

static ks_status read_settings(void)
{
    return ks__settings_read(&settings, config, false, &failure);
}

START_TEST(defaults_are_those_of_the_documentation)
{
    ck_assert_int_eq(read_settings(), KS_OK);

    ck_assert_str_eq(settings.application_id, "words");
    ck_assert_str_eq(settings.client_id, "words");
    ck_assert_ptr_null(settings.bootstrap_servers);
    ck_assert_ptr_null(settings.group_instance_id);
    ck_assert_ptr_null(settings.dead_letter_topic);
    ck_assert_int_eq(settings.guarantee, KS__AT_LEAST_ONCE);
    ck_assert_int_eq(settings.stream_threads, 1);
    ck_assert_int_eq(settings.commit_interval_ms, 1000);
    ck_assert_int_eq(settings.cache_max_bytes, 10 << 20);
    ck_assert(!settings.cache_flush_at_commit);
    ck_assert_int_eq(settings.state_flush_bytes, 64 << 20);
    ck_assert_int_eq(settings.buffered_records, 1000);
    ck_assert_int_eq(settings.time, KS_TIME_RECORD);
    ck_assert_int_eq(settings.reset, KS_RESET_EARLIEST);
    ck_assert_int_eq(settings.on_deserialization, KS_REACTION_FAIL);
    ck_assert_int_eq(settings.on_production, KS_REACTION_FAIL);
    ck_assert(settings.log_sync);
}
END_TEST

START_TEST(exactly_once_commits_every_100_ms_unless_told_otherwise)
{
    ks_config_set(config, "processing.guarantee", "exactly_once_v2");
    ck_assert_int_eq(read_settings(), KS_OK);
    ck_assert_int_eq(settings.guarantee, KS__EXACTLY_ONCE_V2);
    ck_assert_int_eq(settings.commit_interval_ms, 100);
    ks__settings_release(&settings);

    ks_config_set(config, "commit.interval.ms", "2s");
    ck_assert_int_eq(read_settings(), KS_OK);
    ck_assert_int_eq(settings.commit_interval_ms, 2000);
}
END_TEST

START_TEST(a_reset_to_a_time_ago_is_written_as_in_kafka)
{
    ks_config_set(config, "auto.offset.reset", "by_duration:P1DT1.5S");
    ck_assert_int_eq(read_settings(), KS_OK);
    ck_assert_int_eq(settings.reset, KS_RESET_LATEST);
    ck_assert_int_eq(settings.reset_before_ms, 86401500);
    ks__settings_release(&settings);

    ks_config_set(config, "auto.offset.reset", "by_duration:PT0S");
    ck_assert_int_eq(read_settings(), KS_OK);
    ck_assert_int_eq(settings.reset, KS_RESET_LATEST);
    ck_assert_int_eq(settings.reset_before_ms, 0);
}
END_TEST

START_TEST(values_are_read_in_their_units)
{
    ks_config_set_pair(config, "statestore.cache.max.bytes = 2KiB");
    ks_config_set_pair(config, "statestore.cache.flush=commit");
    ks_config_set_pair(config, "default.timestamp.extractor=wall-clock");
    ks_config_set_pair(config, "auto.offset.reset=none");
    ks_config_set_pair(config, "production.exception.handler=retry");
    ks_config_set_pair(config, "task.timeout.ms=1m");
    ck_assert_int_eq(read_settings(), KS_OK);

    ck_assert_int_eq(settings.cache_max_bytes, 2048);
    ck_assert(settings.cache_flush_at_commit);
    ck_assert_int_eq(settings.time, KS_TIME_WALL_CLOCK);
    ck_assert_int_eq(settings.reset, KS_RESET_NONE);
    ck_assert_int_eq(settings.on_production, KS_REACTION_RETRY);
    ck_assert_int_eq(settings.task_timeout_ms, 60000);
}
END_TEST

START_TEST(unset_servers_are_the_embedded_log_below_the_state)
{
    char *address;

    ks_config_set(config, "state.dir", "/var/lib/words");
    ck_assert_int_eq(read_settings(), KS_OK);
    address = ks__settings_address(&settings);
    ck_assert_str_eq(address, "embedded:/var/lib/words/log");
    ks__free(address);
}
END_TEST

START_TEST(unknown_name_is_an_error_that_names_the_nearest)
{
    ck_assert_int_eq(ks_config_set(config, "num.stream.thread", "2"), KS_ECONFIG);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_config_error(config)), "num.stream.threads"));

    ck_assert_int_eq(read_settings(), KS_ECONFIG);
    ck_assert_ptr_nonnull(strstr(failure.message, "num.stream.threads"));
}
END_TEST

START_TEST(a_former_name_leads_to_the_present_one)
{
    ck_assert_int_eq(ks_config_set(config, "cache.max.bytes.buffering", "0"), KS_ECONFIG);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_config_error(config)),
                                 "did you mean \"statestore.cache.max.bytes\"?"));
}
END_TEST

START_TEST(each_user_has_a_state_directory_of_its_own)
{
    char expected[64];

    snprintf(expected, sizeof(expected), "/tmp/kstream-%lu", (unsigned long)geteuid());
    ck_assert_int_eq(read_settings(), KS_OK);
    ck_assert_str_eq(settings.state_dir, expected);
    ks__settings_release(&settings);
    ks_config_set(config, "state.dir", "/var/lib/words");
    ck_assert_int_eq(read_settings(), KS_OK);
    ck_assert_str_eq(settings.state_dir, "/var/lib/words");
}
END_TEST

static const char *const refused[][2] = {
    { "num.stream.threads", "0" },
    { "num.stream.threads", "many" },
    { "processing.guarantee", "exactly_once" },
    { "commit.interval.ms", "-1" },
    { "auto.offset.reset", "largest" },
    { "auto.offset.reset", "by_duration" },
    { "auto.offset.reset", "by_duration:" },
    { "auto.offset.reset", "by_duration:1d" },
    { "auto.offset.reset", "by_duration:PT-1H" },
    { "auto.offset.reset", "by_duration:PnDTnHnMn.nS" },
    { "log.sync", "yes" },
    { "state.map.bytes", "1" },
    { "state.dir", "" },
    { "application.id", "" },
    { "application.id", "a/b" },
    { "application.id", ".." },
    { "application.id", "log" },
};

START_TEST(value_out_of_range_is_refused_by_name)
{
    const char *name = refused[_i][0];

    ks_config_set(config, name, refused[_i][1]);
    ck_assert_int_eq(read_settings(), KS_ECONFIG);
    ck_assert_msg(strstr(failure.message, name) != NULL, "%s", failure.message);
}
END_TEST

START_TEST(interval_beyond_the_transaction_is_refused)
{
    ks_config_set(config, "processing.guarantee", "exactly_once_v2");
    ks_config_set(config, "commit.interval.ms", "20s");
    ck_assert_int_eq(read_settings(), KS_ECONFIG);
    ck_assert_ptr_nonnull(strstr(failure.message, "transaction.timeout.ms"));
}
END_TEST

START_TEST(application_id_is_required_except_by_the_driver)
{
    ks_config *empty = ks_config_new();

    ck_assert_int_eq(ks__settings_read(&settings, empty, false, &failure), KS_ECONFIG);
    ck_assert_ptr_nonnull(strstr(failure.message, "application.id"));
    ks__settings_release(&settings);
    failure = (ks_error){ .status = KS_OK };
    ck_assert_int_eq(ks__settings_read(&settings, NULL, true, &failure), KS_OK);
    ck_assert_ptr_null(settings.application_id);
    ks_config_free(empty);
}
END_TEST

START_TEST(prefixed_names_are_kept_for_the_log)
{
    ck_assert_int_eq(ks_config_set(config, "consumer.fetch.wait.max.ms", "20"), KS_OK);
    ck_assert_int_eq(ks_config_set(config, "producer.linger.ms", "1"), KS_OK);
    ck_assert_str_eq(ks_config_get(config, "producer.linger.ms"), "1");
    ck_assert_int_eq(read_settings(), KS_OK);

    ck_assert_uint_eq(settings.values.pair_count, 2);
    ck_assert_uint_eq(settings.values.pairs[0].prefix, 0);
    ck_assert_str_eq(settings.values.pairs[0].name, "fetch.wait.max.ms");
    ck_assert_uint_eq(settings.values.pairs[1].prefix, 1);
    ck_assert_str_eq(settings.values.pairs[1].value, "1");
}
END_TEST

START_TEST(get_gives_what_was_set_else_the_default)
{
    ck_assert_str_eq(ks_config_get(config, "application.id"), "words");
    ck_assert_str_eq(ks_config_get(config, "num.stream.threads"), "1");
    ck_assert_ptr_null(ks_config_get(config, "client.id"));
    ck_assert_ptr_null(ks_config_get(config, "no.such.name"));
    ks_config_set(config, "num.stream.threads", "4");
    ks_config_set(config, "num.stream.threads", "3");
    ck_assert_str_eq(ks_config_get(config, "num.stream.threads"), "3");
}
END_TEST

START_TEST(null_is_accepted_everywhere)
{
    ck_assert_int_eq(ks_config_set(NULL, "application.id", "x"), KS_ENOMEM);
    ck_assert_int_eq(ks_config_set_pair(NULL, "application.id=x"), KS_ENOMEM);
    ck_assert_ptr_null(ks_config_get(NULL, "application.id"));
    ck_assert_int_eq(ks_error_status(ks_config_error(NULL)), KS_ENOMEM);
    ks_config_free(NULL);
    ck_assert_int_eq(ks_config_set_pair(config, "no pair"), KS_ECONFIG);
}
END_TEST

START_TEST(every_default_passes_its_own_check_and_every_row_is_explained)
{
    for (size_t i = 0; i < ks__settings_table.row_count; i++) {
        const struct ks__config_row *row = &ks__settings_table.rows[i];

        ck_assert_ptr_nonnull(row->name);
        ck_assert_msg(row->doc != NULL && strlen(row->doc) > 20, "%s", row->name);
        if (row->by_default != NULL)
            ck_assert_int_eq(ks_config_set(config, row->name, row->by_default), KS_OK);
    }
}
END_TEST

START_TEST(reading_survives_the_failure_of_any_allocation)
{
    struct ks__alloc_probe probe = { .fail_at = 0 };
    uint64_t               requests;

    ks_config_set(config, "consumer.fetch.wait.max.ms", "20");
    ks__alloc_probe_install(&probe);
    ck_assert_int_eq(read_settings(), KS_OK);
    ks__settings_release(&settings);
    requests = probe.requests;
    ks__allocator_set(NULL);
    ck_assert_uint_gt(requests, 0);
    for (uint64_t n = 1; n <= requests; n++) {
        probe   = (struct ks__alloc_probe){ .fail_at = n };
        failure = (ks_error){ .status = KS_OK };
        ks__alloc_probe_install(&probe);
        ck_assert_int_eq(read_settings(), KS_ENOMEM);
        ck_assert_int_eq(failure.status, KS_ENOMEM);
        ks__settings_release(&settings);
        ks__allocator_set(NULL);
        ck_assert_int_eq(probe.live_blocks, 0);
    }
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("runtime/settings");
    TCase   *tcase  = tcase_create("settings");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, defaults_are_those_of_the_documentation);
    tcase_add_test(tcase, exactly_once_commits_every_100_ms_unless_told_otherwise);
    tcase_add_test(tcase, a_reset_to_a_time_ago_is_written_as_in_kafka);
    tcase_add_test(tcase, values_are_read_in_their_units);
    tcase_add_test(tcase, unset_servers_are_the_embedded_log_below_the_state);
    tcase_add_test(tcase, unknown_name_is_an_error_that_names_the_nearest);
    tcase_add_test(tcase, a_former_name_leads_to_the_present_one);
    tcase_add_test(tcase, each_user_has_a_state_directory_of_its_own);
    tcase_add_loop_test(tcase, value_out_of_range_is_refused_by_name, 0,
                        (int)(sizeof(refused) / sizeof(refused[0])));
    tcase_add_test(tcase, interval_beyond_the_transaction_is_refused);
    tcase_add_test(tcase, application_id_is_required_except_by_the_driver);
    tcase_add_test(tcase, prefixed_names_are_kept_for_the_log);
    tcase_add_test(tcase, get_gives_what_was_set_else_the_default);
    tcase_add_test(tcase, null_is_accepted_everywhere);
    tcase_add_test(tcase, every_default_passes_its_own_check_and_every_row_is_explained);
    tcase_add_test(tcase, reading_survives_the_failure_of_any_allocation);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The test driver over word count and processors: outputs, stores, time, reopening, refusals.
 */
#include "base/io.h"

#include <kstream/kstream.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- topologies ---- */

static ks_status split(ks_ctx *ctx, const ks_record *line, void *user)
{
    (void)user;
    for (ks_bytes rest = line->value, word; ks_bytes_word(&rest, &word);)
        ks_ctx_forward_value(ctx, word);
    return KS_OK;
}

static ks_status by_word(ks_ctx *ctx, const ks_record *word, ks_bytes *key, void *user)
{
    (void)ctx;
    (void)user;
    *key = word->value;
    return KS_OK;
}

static ks_topology *build(ks_builder *b)
{
    ks_topology *topology = NULL;

    ck_assert_msg(ks_builder_build(b, &topology) == KS_OK, "%s",
                  ks_error_message(ks_builder_error(b)));
    ks_builder_free(b);
    return topology;
}

static ks_topology *word_count(void)
{
    ks_builder        *b      = ks_builder_new();
    const ks_consumed *utf8   = KS_CONSUMED(.value = ks_serde_utf8());
    ks_stream         *lines  = ks_builder_stream(b, "lines", utf8);
    ks_stream         *words  = ks_stream_flat_map_values(lines, split, NULL, KS_NAMED("split"));
    ks_grouped_stream *groups = ks_stream_group_by(words, by_word, NULL, KS_GROUPED(.name = "by"));
    ks_table          *counts = ks_grouped_stream_count(groups, KS_MATERIALIZED(.store = "counts"));

    ks_stream_to(ks_table_to_stream(counts, NULL), "totals",
                 KS_PRODUCED(.value = ks_serde_i64()));
    return build(b);
}

static void expect(ks_driver *d, const char *topic, const char *key, int64_t value, int64_t time)
{
    const ks_record *record = ks_driver_read(d, topic);

    ck_assert_msg(record != NULL, "no record on %s, %s is expected: %s", topic, key,
                  ks_error_message(ks_driver_error(d)));
    ck_assert_int_eq(record->key.size, strlen(key));
    ck_assert_mem_eq(record->key.data, key, strlen(key));
    ck_assert_int_eq(ks_bytes_i64(record->value, -1), value);
    ck_assert_int_eq(record->timestamp_ms, time);
}

static ks_driver *driver_of(ks_topology *topology, const ks_config *config, const char *directory)
{
    ks_driver *d = ks_driver_new(topology, config, directory);

    ks_topology_free(topology);
    ck_assert_msg(ks_error_status(ks_driver_error(d)) == KS_OK, "%s",
                  ks_error_message(ks_driver_error(d)));
    return d;
}

static char directory[] = "/tmp/kstream-test-XXXXXX";

static void make_directory(void)
{
    strcpy(directory, "/tmp/kstream-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void remove_directory(void)
{
    ks__io_remove_tree(directory);
}

/* ---- tests ---- */

START_TEST(every_update_of_a_count_is_emitted)
{
    ks_driver *d = driver_of(word_count(), NULL, NULL);

    ck_assert_int_eq(ks_driver_pipe_text(d, "lines", NULL, "to be or not to be", 5), KS_OK);
    expect(d, "totals", "to", 1, 5);
    expect(d, "totals", "be", 1, 5);
    expect(d, "totals", "or", 1, 5);
    expect(d, "totals", "not", 1, 5);
    expect(d, "totals", "to", 2, 5);
    expect(d, "totals", "be", 2, 5);
    ck_assert_ptr_null(ks_driver_read(d, "totals"));
    ks_driver_free(d);
}
END_TEST

START_TEST(a_store_shows_its_rows)
{
    ks_driver   *d = driver_of(word_count(), NULL, NULL);
    ks_kv_store *counts;
    ks_record    row;

    ks_driver_pipe_text(d, "lines", NULL, "a b a", 7);
    counts = ks_driver_kv_store(d, "counts");
    ck_assert_ptr_nonnull(counts);
    ck_assert(ks_kv_store_get(counts, KS_TEXT("a"), &row));
    ck_assert_int_eq(ks_bytes_i64(row.value, -1), 2);
    ck_assert_int_eq(row.timestamp_ms, 7);
    ck_assert(!ks_kv_store_get(counts, KS_TEXT("z"), &row));
    ck_assert_ptr_null(ks_driver_kv_store(d, "nothing"));
    ck_assert_int_eq(ks_error_status(ks_driver_error(d)), KS_ENOTFOUND);
    ck_assert_int_eq(ks_driver_pipe_text(d, "lines", NULL, "a", 8), KS_OK);
    ks_driver_free(d);
}
END_TEST

START_TEST(topics_that_were_written_are_listed_by_name)
{
    ks_driver *d = driver_of(word_count(), NULL, NULL);

    ck_assert_ptr_null(ks_driver_produced_topic(d, 0));
    ks_driver_pipe_text(d, "lines", NULL, "a b a", 7);
    ck_assert_str_eq(ks_driver_produced_topic(d, 0), "kstream-driver-by-repartition");
    ck_assert_str_eq(ks_driver_produced_topic(d, 1), "kstream-driver-counts-changelog");
    ck_assert_str_eq(ks_driver_produced_topic(d, 2), "totals");
    ck_assert_ptr_null(ks_driver_produced_topic(d, 3));
    ck_assert_ptr_null(ks_driver_produced_topic(NULL, 0));
    ks_driver_free(d);
}
END_TEST

static const char *const guarantees[] = { "exactly_once_v2", "at_least_once", "at_most_once" };

START_TEST(a_driver_opened_again_goes_on)
{
    ks_config *config = ks_config_new();
    ks_driver *d;

    ks_config_set(config, "processing.guarantee", guarantees[_i]);
    d = driver_of(word_count(), config, directory);
    ck_assert_int_eq(ks_driver_pipe_text(d, "lines", NULL, "a b a", 1), KS_OK);
    expect(d, "totals", "a", 1, 1);
    expect(d, "totals", "b", 1, 1);
    ks_driver_free(d);

    d = driver_of(word_count(), config, directory);
    expect(d, "totals", "a", 2, 1); /* not read before */
    ck_assert_int_eq(ks_driver_pipe_text(d, "lines", NULL, "a", 2), KS_OK);
    expect(d, "totals", "a", 3, 2);
    ck_assert_ptr_null(ks_driver_read(d, "totals"));
    ks_driver_free(d);
    ks_config_free(config);
}
END_TEST

START_TEST(a_cache_forwards_the_last_update_of_each_key)
{
    ks_config *config = ks_config_new();
    ks_driver *d;

    ks_config_set(config, "statestore.cache.max.bytes", "1MiB");
    d = driver_of(word_count(), config, NULL);
    ck_assert_int_eq(ks_driver_pipe_text(d, "lines", NULL, "a b a", 1), KS_OK);
    ck_assert_ptr_nonnull(ks_driver_read(d, "totals"));
    ks_driver_free(d);
    ks_config_free(config);
}
END_TEST

START_TEST(refusals_change_nothing)
{
    ks_driver *d = driver_of(word_count(), NULL, NULL);

    ck_assert_int_eq(ks_driver_pipe_text(d, "elsewhere", NULL, "a", 1), KS_ENOTFOUND);
    ck_assert_int_eq(ks_error_status(ks_driver_error(d)), KS_ENOTFOUND);
    ck_assert_int_eq(ks_driver_advance(d, -1), KS_EINVAL);
    ck_assert_str_eq(ks_error_message(ks_driver_error(d)), "the clock cannot advance by -1 ms");
    ck_assert_int_eq(ks_driver_pipe_text(d, "lines", NULL, "a", 1), KS_OK);
    expect(d, "totals", "a", 1, 1);
    ck_assert_int_eq(ks_driver_on_failure(d, KS_FAILURE_PROCESSING, NULL, NULL), KS_ESTATE);
    ks_driver_free(d);
}
END_TEST

START_TEST(reading_a_topic_that_nobody_writes_is_told)
{
    ks_driver *d = driver_of(word_count(), NULL, NULL);

    ck_assert_ptr_null(ks_driver_read(d, "totals"));
    ck_assert_ptr_null(ks_driver_read(d, "kstream-driver-counts-changelog"));
    ck_assert_int_eq(ks_error_status(ks_driver_error(d)), KS_OK);
    ck_assert_ptr_null(ks_driver_read(d, "total"));
    ck_assert_int_eq(ks_error_status(ks_driver_error(d)), KS_ENOTFOUND);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_driver_error(d)), "no topic \"total\""));
    ck_assert_int_eq(ks_driver_pipe_text(d, "lines", NULL, "a", 1), KS_OK);
    ck_assert_int_eq(ks_error_status(ks_driver_error(d)), KS_OK);
    ks_driver_free(d);
}
END_TEST

START_TEST(a_driver_that_did_not_open_says_so_on_every_call)
{
    ks_topology *topology = word_count();
    ks_driver   *d        = ks_driver_new(topology, NULL, "/dev/null/here");

    ks_topology_free(topology);
    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_null(ks_driver_read(d, "totals"));
        ck_assert_ptr_null(ks_driver_kv_store(d, "counts"));
        ck_assert_int_eq(ks_driver_pipe_text(d, "lines", NULL, "a", 1), KS_EIO);
        ck_assert_int_eq(ks_driver_advance(d, -1), KS_EIO);
        ck_assert_int_eq(ks_driver_await(d, -1), KS_EIO);
        ck_assert_int_eq(ks_driver_on_failure(d, KS_FAILURE_PROCESSING, NULL, NULL), KS_EIO);
        ck_assert_ptr_nonnull(strstr(ks_error_message(ks_driver_error(d)), "/dev/null/here"));
    }
    ks_driver_free(d);
}
END_TEST

START_TEST(poison_stops_the_driver)
{
    ks_driver *d = driver_of(word_count(), NULL, NULL);

    ck_assert_int_eq(ks_driver_pipe_text(d, "lines", NULL, "\xff\xfe", 1), KS_EDATA);
    ck_assert_int_eq(ks_driver_pipe_text(d, "lines", NULL, "a", 1), KS_EDATA);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_driver_error(d)), "offset 0"));
    ks_driver_free(d);
}
END_TEST

START_TEST(poison_goes_to_the_dead_letters)
{
    ks_config       *config = ks_config_new();
    ks_driver       *d;
    const ks_record *letter;
    ks_bytes         value;

    ks_config_set(config, "deserialization.exception.handler", "continue");
    ks_config_set(config, "errors.dead.letter.queue.topic.name", "dead");
    d = driver_of(word_count(), config, NULL);
    ck_assert_int_eq(ks_driver_pipe_text(d, "lines", "k", "\xff\xfe", 9), KS_OK);
    ck_assert_int_eq(ks_driver_pipe_text(d, "lines", NULL, "a", 10), KS_OK);
    expect(d, "totals", "a", 1, 10);
    letter = ks_driver_read(d, "dead");
    ck_assert_ptr_nonnull(letter);
    ck_assert(ks_bytes_equal(letter->key, KS_TEXT("k")));
    ck_assert(ks_bytes_equal(letter->value, KS_TEXT("\xff\xfe")));
    ck_assert_int_eq(letter->timestamp_ms, 9);
    ck_assert(ks_headers_last(letter->headers, "__streams.errors.exception", &value));
    ck_assert(ks_bytes_equal(value, KS_TEXT("KS_EDATA")));
    ck_assert(ks_headers_last(letter->headers, "__streams.errors.topic", &value));
    ck_assert(ks_bytes_equal(value, KS_TEXT("lines")));
    ck_assert(ks_headers_last(letter->headers, "__streams.errors.offset", &value));
    ck_assert(ks_bytes_equal(value, KS_TEXT("0")));
    ks_driver_free(d);
    ks_config_free(config);
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("driver");
    TCase   *tests  = tcase_create("driver");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_checked_fixture(tests, make_directory, remove_directory);
    tcase_add_test(tests, every_update_of_a_count_is_emitted);
    tcase_add_test(tests, a_store_shows_its_rows);
    tcase_add_test(tests, topics_that_were_written_are_listed_by_name);
    tcase_add_loop_test(tests, a_driver_opened_again_goes_on, 0, 3);
    tcase_add_test(tests, a_cache_forwards_the_last_update_of_each_key);
    tcase_add_test(tests, refusals_change_nothing);
    tcase_add_test(tests, reading_a_topic_that_nobody_writes_is_told);
    tcase_add_test(tests, a_driver_that_did_not_open_says_so_on_every_call);
    tcase_add_test(tests, poison_stops_the_driver);
    tcase_add_test(tests, poison_goes_to_the_dead_letters);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * test_scoring_topology.c - both topologies of model_scoring under the test driver.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model_scoring/envelope.h"
#include "model_scoring/load.h"
#include "model_scoring/score.h"
#include "model_scoring/statistics.h"
#include "model_scoring/topics.h"
#include "model_scoring/topology.h"
#include "model_scoring/wine.h"

#define LINEAR "examples/data/wine/winequalityLinearRegression.pmml"
#define TREE   "examples/data/wine/winequalityDecisionTreeClassification.pmml"

static void (*const engines[])(ks_builder *b) = { topology_dsl, topology_processor };

enum { ENGINES = sizeof(engines) / sizeof(engines[0]) };

static ks_topology *topology;
static ks_driver   *driver;

/* The first wine of the file: the linear model scores it with 5.178126, the tree with 5. */
static const struct wine a_wine = {
    .row = 1,
    .feature = { 7.4, 0.7, 0, 1.9, 0.076, 11, 34, 0.9978, 3.51, 0.56, 9.4 },
};

static void open_driver(int engine)
{
    ks_builder *b = ks_builder_new();

    engines[engine](b);
    ck_assert_msg(ks_builder_build(b, &topology) == KS_OK, "%s",
                  ks_error_message(ks_topology_error(topology)));
    ks_builder_free(b);
    driver = ks_driver_new(topology, NULL, NULL);
    ck_assert_msg(ks_error_status(ks_driver_error(driver)) == KS_OK, "%s",
                  ks_error_message(ks_driver_error(driver)));
}

static void close_driver(void)
{
    ck_assert_msg(ks_error_status(ks_driver_error(driver)) == KS_OK, "%s",
                  ks_error_message(ks_driver_error(driver)));
    ks_driver_free(driver);
    ks_topology_free(topology);
}

static void pipe_record(const char *topic, ks_bytes key, ks_bytes value)
{
    ks_record record = { .key = key, .value = value, .timestamp_ms = 1000 };

    ck_assert_msg(ks_driver_pipe(driver, topic, &record) == KS_OK, "%s",
                  ks_error_message(ks_driver_error(driver)));
}

static void pipe_model(const char *path, uint64_t version)
{
    struct reason   reason = { "" };
    struct envelope envelope = { .name = "model", .kind = "pmml", .version = version };
    size_t          size;
    char           *data = load_file(path, &envelope.size, &reason);
    unsigned char  *bytes;

    ck_assert_msg(data != NULL, "%s", reason.text);
    envelope.model = data;
    bytes = envelope_encode(&envelope, &size, &reason);
    ck_assert_msg(bytes != NULL, "%s", reason.text);
    pipe_record(TOPIC_MODELS, KS_TEXT(MODELS_KEY), ks_bytes_of(bytes, size));
    free(bytes);
    free(data);
}

static void pipe_wine(void)
{
    unsigned char key[8], bytes[WINE_BYTES];

    wine_encode(&a_wine, bytes);
    pipe_record(TOPIC_WINES, ks_encode_i64(key, (int64_t)a_wine.row),
                ks_bytes_of(bytes, sizeof(bytes)));
}

static void expect_score(double value, uint64_t version)
{
    const ks_record *record = ks_driver_read(driver, TOPIC_SCORES);
    struct score     score;
    struct reason    reason = { "" };

    ck_assert_ptr_nonnull(record);
    ck_assert_int_eq(ks_bytes_i64(record->key, -1), 1);
    ck_assert_msg(score_decode(&score, record->value.data, record->value.size, &reason), "%s",
                  reason.text);
    ck_assert_uint_eq(score.row, 1);
    ck_assert_str_eq(score.name, "model");
    ck_assert_uint_eq(score.version, version);
    ck_assert_double_eq_tol(score.value, value, 1e-6);
}

static void expect_header(const ks_record *record, const char *name, const char *text)
{
    ks_bytes value;

    ck_assert_msg(ks_headers_last(record->headers, name, &value), "no header %s", name);
    ck_assert_msg(ks_bytes_equal(value, ks_bytes_text(text)), "%s is \"%.*s\", not \"%s\"", name,
                  KS_BYTES_ARG(value), text);
}

static void expect_error(const char *topic, const char *reason, ks_bytes original)
{
    const ks_record *record = ks_driver_read(driver, TOPIC_ERRORS);

    ck_assert_ptr_nonnull(record);
    expect_header(record, "reason", reason);
    expect_header(record, "topic", topic);
    expect_header(record, "partition", "0");
    if (!ks_bytes_is_null(original))
        ck_assert(ks_bytes_equal(record->value, original));
}

static void expect_nothing(const char *topic)
{
    ck_assert_ptr_null(ks_driver_read(driver, topic));
}

static struct statistics statistics_of(uint64_t version)
{
    struct statistics statistics;
    unsigned char     key[STATISTICS_KEY_MAX];
    size_t            size = statistics_key("model", version, key);
    ks_record         row;

    ks_kv_store_get(ks_driver_kv_store(driver, STORE_STATISTICS), ks_bytes_of(key, size), &row);
    ks_bytes_read(&statistics, sizeof(statistics), row.value);
    return statistics;
}

START_TEST(a_wine_is_scored_by_the_newest_model)
{
    open_driver(_i);
    pipe_model(LINEAR, 1);
    pipe_wine();
    expect_score(5.178126, 1);
    pipe_model(TREE, 2);
    pipe_wine();
    expect_score(5, 2);
    expect_nothing(TOPIC_SCORES);
    expect_nothing(TOPIC_ERRORS);
    ck_assert_ptr_nonnull(ks_driver_read(driver, TOPIC_ACCEPTED));
    ck_assert_ptr_nonnull(ks_driver_read(driver, TOPIC_ACCEPTED));
    expect_nothing(TOPIC_ACCEPTED);
    close_driver();
}
END_TEST

START_TEST(a_wine_without_a_model_is_an_error)
{
    open_driver(_i);
    pipe_wine();
    expect_nothing(TOPIC_SCORES);
    expect_error(TOPIC_WINES, "row 1: no model has been accepted yet", KS_NULL);
    close_driver();
}
END_TEST

START_TEST(a_broken_wine_is_an_error_with_its_bytes)
{
    open_driver(_i);
    pipe_model(LINEAR, 1);
    pipe_record(TOPIC_WINES, KS_TEXT("12345678"), KS_TEXT("vinegar"));
    expect_nothing(TOPIC_SCORES);
    expect_error(TOPIC_WINES, "7 bytes are too few for a wine", KS_TEXT("vinegar"));
    pipe_record(TOPIC_WINES, KS_TEXT("12345678"), KS_TEXT(""));
    expect_error(TOPIC_WINES, "0 bytes are too few for a wine", KS_TEXT(""));
    pipe_wine();
    expect_score(5.178126, 1);
    close_driver();
}
END_TEST

START_TEST(the_old_model_goes_on_after_a_broken_one)
{
    open_driver(_i);
    pipe_model(LINEAR, 1);
    pipe_model("examples/data/wine/winequality_red.csv", 2);
    pipe_record(TOPIC_MODELS, KS_TEXT(MODELS_KEY), KS_TEXT("scissors"));
    pipe_record(TOPIC_MODELS, KS_TEXT("beer"), KS_TEXT("scissors"));
    pipe_wine();
    expect_score(5.178126, 1);
    expect_error(TOPIC_MODELS, "line 1: not well-formed (invalid token)", KS_NULL);
    expect_error(TOPIC_MODELS, "8 bytes are too few for a model record", KS_TEXT("scissors"));
    expect_error(TOPIC_MODELS, "the key of a model must be \"wine\"", KS_TEXT("scissors"));
    ck_assert_ptr_nonnull(ks_driver_read(driver, TOPIC_ACCEPTED));
    expect_nothing(TOPIC_ACCEPTED);
    close_driver();
}
END_TEST

START_TEST(a_version_never_goes_back)
{
    open_driver(_i);
    pipe_model(LINEAR, 5);
    pipe_model(TREE, 4);
    pipe_model(TREE, 5);
    pipe_wine();
    expect_score(5.178126, 5);
    expect_error(TOPIC_MODELS, "version 4 is not newer than 5", KS_NULL);
    expect_error(TOPIC_MODELS, "version 5 is not newer than 5", KS_NULL);
    close_driver();
}
END_TEST

START_TEST(statistics_are_kept_per_model)
{
    struct statistics first, second;

    open_driver(_i);
    pipe_model(LINEAR, 1);
    for (int i = 0; i < 3; i++)
        pipe_wine();
    pipe_model(TREE, 2);
    pipe_wine();
    pipe_record(TOPIC_WINES, KS_TEXT("12345678"), KS_TEXT("vinegar"));
    first = statistics_of(1);
    second = statistics_of(2);
    ck_assert_str_eq(first.name, "model");
    ck_assert_uint_eq(first.version, 1);
    ck_assert_uint_eq(first.usage, 3);
    ck_assert_uint_eq(first.errors, 0);
    ck_assert_int_eq(first.since_ms, 1000);
    ck_assert_uint_le(first.min_ns, first.max_ns);
    ck_assert_uint_eq(second.usage, 1);
    close_driver();
}
END_TEST

START_TEST(the_topology_describes_itself)
{
    static const char *const names[] = { TOPIC_WINES,  TOPIC_MODELS, TOPIC_ACCEPTED,
                                         TOPIC_SCORES, TOPIC_ERRORS, "check-model", "score" };
    char *text;

    open_driver(_i);
    text = ks_topology_describe(topology, KS_DESCRIBE_TEXT);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        ck_assert_msg(strstr(text, names[i]) != NULL, "no %s in:\n%s", names[i], text);
    ks_text_free(text);
    close_driver();
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("scoring topology");
    TCase   *tests = tcase_create("scoring topology");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_loop_test(tests, a_wine_is_scored_by_the_newest_model, 0, ENGINES);
    tcase_add_loop_test(tests, a_wine_without_a_model_is_an_error, 0, ENGINES);
    tcase_add_loop_test(tests, a_broken_wine_is_an_error_with_its_bytes, 0, ENGINES);
    tcase_add_loop_test(tests, the_old_model_goes_on_after_a_broken_one, 0, ENGINES);
    tcase_add_loop_test(tests, a_version_never_goes_back, 0, ENGINES);
    tcase_add_loop_test(tests, statistics_are_kept_per_model, 0, ENGINES);
    tcase_add_loop_test(tests, the_topology_describes_itself, 0, ENGINES);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * test_models.c - the golden scores of eight real models over 1,599 real wines.
 *
 * The numbers were made with two independent evaluators (the last row with one): the scores of the
 * first three wines, the sum over all, and the share that equals the quality when rounded.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model_scoring/load.h"
#include "model_scoring/model.h"
#include "model_scoring/wine.h"

#define WINES "examples/data/wine/"

enum { ROWS = 1599 };

static const struct golden {
    const char *file;
    const char *kind;
    double      row[3];
    double      sum;
    double      share;
    size_t      labels;
} golden[] = {
    { "winequalityLinearRegression.pmml", "PMML RegressionModel",
      { 5.178126, 5.123346, 5.240200 }, 9012.0, 0.5816, 0 },
    { "winequalityGeneralizedLinearRegressionGaussian.pmml", "PMML GeneralRegressionModel",
      { 5.128829, 5.158261, 5.243529 }, 9012.0, 0.5785, 0 },
    { "winequalityGeneralizedLinearRegressionGamma.pmml", "PMML GeneralRegressionModel",
      { 5.276015, 5.372580, 5.361235 }, 8995.5736, 0.5760, 0 },
    { "winequalityDesisionTreeRegression.pmml", "PMML TreeModel",
      { 5.073059, 5.180124, 5.180124 }, 9012.0, 0.6354, 0 },
    { "winequalityDecisionTreeClassification.pmml", "PMML TreeModel",
      { 5, 5, 5 }, 8924, 0.6642, 6 },
    { "winequalityRandonForrestClassification.pmml", "PMML MiningModel",
      { 5, 5, 5 }, 8924, 0.6773, 6 },
    { "winequalityMultilayerPerceptron.pmml", "PMML NeuralNetwork",
      { 5, 5, 5 }, 8777, 0.5697, 6 },
    { "optimized_WineQuality.pb", "TensorFlow graph",
      { 5, 5, 5 }, 8820, 0.5929, 9 },
};

enum { GOLDEN = sizeof(golden) / sizeof(golden[0]) };

static struct wine_table wines;

static void load_wines(void)
{
    struct reason reason = { "" };

    ck_assert_msg(wine_table_load(&wines, WINES "winequality_red.csv", &reason), "%s", reason.text);
}

static void free_wines(void)
{
    wine_table_release(&wines);
}

static struct model *load_model(const char *file)
{
    struct reason reason = { "" };
    char          path[256];
    struct model *model;
    size_t        size;
    char         *data;

    snprintf(path, sizeof(path), WINES "%s", file);
    data = load_file(path, &size, &reason);
    ck_assert_msg(data != NULL, "%s", reason.text);
    model = model_parse(NULL, data, size, &wine_features, &reason);
    ck_assert_msg(model != NULL, "%s: %s", file, reason.text);
    free(data);
    return model;
}

static double score(const struct model *model, size_t row)
{
    struct reason reason = { "" };
    double        value = (double)NAN;

    ck_assert_msg(model_score(model, wines.wine[row].feature, WINE_FEATURES, &value, &reason),
                  "%s", reason.text);
    return value;
}

START_TEST(all_wines_are_read)
{
    int sum = 0;

    ck_assert_uint_eq(wines.count, ROWS);
    for (size_t i = 0; i < ROWS; i++)
        sum += wines.quality[i];
    ck_assert_int_eq(sum, 9012);
    ck_assert_double_eq(wines.wine[0].feature[0], 7.4);
    ck_assert_double_eq(wines.wine[0].feature[WINE_FEATURES - 1], 9.4);
}
END_TEST

START_TEST(a_real_model_scores_as_its_author_meant)
{
    const struct golden *expected = &golden[_i];
    struct model        *model = load_model(expected->file);
    double               sum = 0.0;
    size_t               equal = 0;

    ck_assert_str_eq(model_kind(model), expected->kind);
    ck_assert_uint_eq(model_feature_count(model), WINE_FEATURES);
    ck_assert_uint_eq(model_label_count(model), expected->labels);
    for (size_t i = 0; i < 3; i++)
        ck_assert_double_eq_tol(score(model, i), expected->row[i], 1e-6);
    for (size_t i = 0; i < ROWS; i++) {
        double value = score(model, i);

        sum += value;
        equal += (int)lround(value) == wines.quality[i];
    }
    ck_assert_double_eq_tol(sum, expected->sum, 1e-3);
    ck_assert_double_eq_tol((double)equal / ROWS, expected->share, 0.00005);
    model_free(model);
}
END_TEST

START_TEST(a_classifier_answers_with_one_of_its_labels)
{
    const struct golden *expected = &golden[_i];
    struct model        *model;

    if (expected->labels == 0)
        return;
    model = load_model(expected->file);
    for (size_t i = 0; i < ROWS; i++) {
        double value = score(model, i);

        ck_assert(value == floor(value) && value >= 0 && value <= 8);
    }
    model_free(model);
}
END_TEST

START_TEST(another_number_of_features_is_an_error)
{
    struct model *model = load_model(golden[_i].file);
    struct reason reason = { "" };
    double        value = 0;

    ck_assert(!model_score(model, wines.wine[0].feature, WINE_FEATURES - 1, &value, &reason));
    ck_assert_str_eq(reason.text, "10 features where the model has 11");
    model_free(model);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("models");
    TCase   *tests = tcase_create("models");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_unchecked_fixture(tests, load_wines, free_wines);
    tcase_add_test(tests, all_wines_are_read);
    tcase_add_loop_test(tests, a_real_model_scores_as_its_author_meant, 0, GOLDEN);
    tcase_add_loop_test(tests, a_classifier_answers_with_one_of_its_labels, 0, GOLDEN);
    tcase_add_loop_test(tests, another_number_of_features_is_an_error, 0, GOLDEN);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * test_model_files.c - broken, foreign and hostile model files are refused with a text.
 *
 * Every real file is cut at many lengths and has bytes flipped; run under a sanitizer this is a
 * small fuzzer with a fixed seed. A damaged file that still parses must score without a crash.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model_scoring/load.h"
#include "model_scoring/model.h"
#include "model_scoring/wine.h"

#define WINES "examples/data/wine/"

static const char *const files[] = {
    "winequalityLinearRegression.pmml",
    "winequalityGeneralizedLinearRegressionGaussian.pmml",
    "winequalityGeneralizedLinearRegressionGamma.pmml",
    "winequalityDesisionTreeRegression.pmml",
    "winequalityDecisionTreeClassification.pmml",
    "winequalityRandonForrestClassification.pmml",
    "winequalityMultilayerPerceptron.pmml",
    "optimized_WineQuality.pb",
};

enum { FILES = sizeof(files) / sizeof(files[0]), CUTS = 60, FLIPS = 150 };

static const double vector[WINE_FEATURES] = { 7.4, 0.7,    0,    1.9,  0.076, 11,
                                              34,  0.9978, 3.51, 0.56, 9.4 };

static uint64_t seed = 20261;

static size_t random_below(size_t limit)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(seed >> 33) % limit;
}

static char *load(const char *file, size_t *size)
{
    struct reason reason = { "" };
    char          path[256];
    char         *data;

    snprintf(path, sizeof(path), WINES "%s", file);
    data = load_file(path, size, &reason);
    ck_assert_msg(data != NULL, "%s", reason.text);
    return data;
}

/* From memory of exactly `size` bytes, so that a sanitizer sees a read behind them. */
static struct model *parse_exactly(const char *data, size_t size, struct reason *reason)
{
    char         *exact = malloc(size > 0 ? size : 1);
    struct model *model;

    ck_assert_ptr_nonnull(exact);
    memcpy(exact, data, size);
    reason->text[0] = '\0';
    model = model_parse(NULL, exact, size, &wine_features, reason);
    free(exact);
    return model;
}

/* Refused with a text, or a model that can be asked. */
static void survive(const char *data, size_t size)
{
    struct reason reason;
    struct model *model = parse_exactly(data, size, &reason);
    double        value;

    if (model == NULL) {
        ck_assert_str_ne(reason.text, "");
        return;
    }
    reason.text[0] = '\0';
    if (!model_score(model, vector, WINE_FEATURES, &value, &reason))
        ck_assert_str_ne(reason.text, "");
    else
        ck_assert(isfinite(value));
    model_free(model);
}

/* A graph has no end mark: cut between two nodes it is a whole, smaller graph. The length in the
 * model's record on the topic is what notices that. */
static bool is_whole(const char *file, const char *data, size_t cut)
{
    return strstr(file, ".pb") != NULL && data[cut] == '\n';
}

START_TEST(a_file_that_is_cut_off_is_refused)
{
    size_t        size;
    char         *data = load(files[_i], &size);
    struct reason reason;

    for (size_t n = 0; n < CUTS; n++) {
        size_t        cut = n < 20 ? n : random_below(size - 1);
        struct model *model = parse_exactly(data, cut, &reason);

        if (!is_whole(files[_i], data, cut)) {
            ck_assert_msg(model == NULL, "parsed %zu of %zu bytes", cut, size);
            ck_assert_str_ne(reason.text, "");
        }
        model_free(model);
    }
    free(data);
}
END_TEST

START_TEST(a_file_with_flipped_bytes_does_no_harm)
{
    size_t size;
    char  *data = load(files[_i], &size);
    /* The forest takes a hundred times as long as the others. */
    size_t flips = size > 100000 ? FLIPS / 5 : FLIPS;

    for (size_t n = 0; n < flips; n++) {
        size_t at = random_below(size);
        char   kept = data[at];

        data[at] = (char)random_below(256);
        survive(data, size);
        data[at] = kept;
    }
    free(data);
}
END_TEST

START_TEST(a_file_with_changed_words_does_no_harm)
{
    static const char *const changes[][2] = {
        { "value=", "valve=" },   { "id=", "ib=" },       { "/1\"", "/9\"" }, { "0\"", "x\"" },
        { "<True/>", "<Frue/>" }, { "score=", "scare=" }, { "<Node", "<Noda" },
        { "field=", "fiela=" },   { "Mat", "Cat" },       { "dense", "dance" },
    };
    size_t size;
    char  *data = load(files[_i], &size);

    for (size_t c = 0; c < sizeof(changes) / sizeof(changes[0]); c++) {
        size_t length = strlen(changes[c][0]);

        for (size_t n = 0, i = 0; i + length <= size && n < 5; i++)
            if (memcmp(data + i, changes[c][0], length) == 0) {
                memcpy(data + i, changes[c][1], length);
                survive(data, size);
                memcpy(data + i, changes[c][0], length);
                n++;
            }
    }
    free(data);
}
END_TEST

/* --- Texts ------------------------------------------------------------------------------------ */

#define DICTIONARY                                                                              \
    "<DataDictionary><DataField name='quality' optype='continuous' dataType='double'/>"         \
    "<DataField name='alcohol'/><DataField name='colour'/></DataDictionary>"
#define SCHEMA                                                                                  \
    "<MiningSchema><MiningField name='quality' usageType='target'/>"                            \
    "<MiningField name='alcohol'/></MiningSchema>"
#define PMML(model) "<PMML version='4.3'>" DICTIONARY model "</PMML>"
#define TREE(nodes)                                                                             \
    PMML("<TreeModel functionName='regression'>" SCHEMA nodes "</TreeModel>")

static const struct refusal {
    const char *document;
    const char *text; /* contained in the reason */
} refusals[] = {
    { "", "neither a PMML document nor" },
    { "hello", "neither a PMML document nor" },
    { "<html></html>", "the document is html, not PMML" },
    { "<PMML><SupportVectorMachineModel/></PMML>", "no model of a kind that this program knows" },
    { "<!DOCTYPE x [<!ENTITY a 'b'>]><PMML/>", "document type declaration is not accepted" },
    { PMML("<TreeModel functionName='regression'/>"), "without a target field" },
    { PMML("<TreeModel functionName='classification'>" SCHEMA "</TreeModel>"),
      "functionName \"classification\" does not fit" },
    { PMML("<RegressionModel functionName='regression'><MiningSchema>"
           "<MiningField name='quality' usageType='target'/><MiningField name='colour'/>"
           "</MiningSchema><RegressionTable/></RegressionModel>"),
      "asks for the field \"colour\", which the data lack" },
    { PMML("<RegressionModel functionName='regression'>" SCHEMA
           "<RegressionTable><NumericPredictor name='alcohol'/></RegressionTable>"
           "</RegressionModel>"),
      "NumericPredictor without \"coefficient\"" },
    { PMML("<RegressionModel functionName='regression'>" SCHEMA
           "<RegressionTable><CategoricalPredictor name='alcohol'/></RegressionTable>"
           "</RegressionModel>"),
      "CategoricalPredictor is not supported" },
    { TREE(""), "exactly one root Node" },
    { TREE("<Node><True/></Node>"), "a leaf Node without \"score\"" },
    { TREE("<Node score='1'/>"), "Node without a predicate" },
    { TREE("<Node score='x'><True/></Node>"), "score \"x\" is not a number" },
    { TREE("<Node score='1'><CompoundPredicate/></Node>"), "CompoundPredicate is not supported" },
    { TREE("<Node score='1'><SimplePredicate field='alcohol' operator='near' value='1'/></Node>"),
      "the operator \"near\" is not supported" },
    { TREE("<Node score='1'><SimplePredicate field='pH' operator='equal' value='nan'/></Node>"),
      "value \"nan\" is not a number" },
    { PMML("<MiningModel functionName='regression'>" SCHEMA
           "<Segmentation multipleModelMethod='modelChain'><Segment/></Segmentation>"
           "</MiningModel>"),
      "multipleModelMethod \"modelChain\" is not supported" },
};

START_TEST(the_reason_names_what_is_wrong)
{
    const struct refusal *refusal = &refusals[_i];
    struct reason         reason;
    struct model *model = parse_exactly(refusal->document, strlen(refusal->document), &reason);

    ck_assert_ptr_null(model);
    ck_assert_msg(strstr(reason.text, refusal->text) != NULL, "\"%s\" does not contain \"%s\"",
                  reason.text, refusal->text);
}
END_TEST

START_TEST(an_unknown_kind_is_refused)
{
    struct reason reason = { "" };

    ck_assert_ptr_null(model_parse("onnx", "abc", 3, &wine_features, &reason));
    ck_assert_str_eq(reason.text, "the model kind \"onnx\" is unknown");
}
END_TEST

START_TEST(a_graph_for_other_data_is_refused)
{
    const struct features fewer = { .names = wine_features.names, .count = WINE_FEATURES - 1 };
    struct reason         reason = { "" };
    size_t                size;
    char                 *data = load("optimized_WineQuality.pb", &size);

    ck_assert_ptr_null(model_parse(NULL, data, size, &fewer, &reason));
    ck_assert_str_eq(reason.text, "the graph takes 11 features, the data have 10");
    free(data);
}
END_TEST

START_TEST(deep_nesting_is_refused)
{
    enum { DEPTH = 100000 };
    char         *text = malloc(3 * DEPTH);
    struct reason reason;

    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < DEPTH; i++)
        memcpy(text + 3 * i, "<a>", 3);
    ck_assert_ptr_null(parse_exactly(text, 3 * DEPTH, &reason));
    ck_assert_str_eq(reason.text, "line 1: elements are nested too deeply");
    free(text);
}
END_TEST

START_TEST(a_tree_without_a_matching_child_has_no_prediction)
{
    static const char split[] =
        "<Node><True/><Node score='1'><SimplePredicate field='alcohol' operator='lessThan' "
        "value='5'/></Node></Node>";
    char          text[1024];
    struct reason reason;
    struct model *model;
    double        value;

    snprintf(text, sizeof(text), TREE("%s"), split);
    model = parse_exactly(text, strlen(text), &reason);
    ck_assert_msg(model != NULL, "%s", reason.text);
    ck_assert(!model_score(model, vector, WINE_FEATURES, &value, &reason));
    ck_assert_str_eq(reason.text, "the model has no prediction for this record");
    model_free(model);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("model files");
    TCase   *tests = tcase_create("model files");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_file_that_is_cut_off_is_refused, 0, FILES);
    tcase_add_loop_test(tests, a_file_with_flipped_bytes_does_no_harm, 0, FILES);
    tcase_add_loop_test(tests, a_file_with_changed_words_does_no_harm, 0, FILES);
    tcase_add_loop_test(tests, the_reason_names_what_is_wrong, 0,
                        sizeof(refusals) / sizeof(refusals[0]));
    tcase_add_test(tests, an_unknown_kind_is_refused);
    tcase_add_test(tests, a_graph_for_other_data_is_refused);
    tcase_add_test(tests, deep_nesting_is_refused);
    tcase_add_test(tests, a_tree_without_a_matching_child_has_no_prediction);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

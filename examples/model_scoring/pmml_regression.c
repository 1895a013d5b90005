/* SPDX-License-Identifier: Apache-2.0
 *
 * pmml_regression.c - RegressionModel and GeneralRegressionModel: a sum of terms.
 *
 *      score = intercept + sum over terms of  coefficient * product over factors of  x ^ power
 *
 * RegressionModel gives one factor per term; GeneralRegressionModel a matrix of parameters and
 * predictors (PPMatrix), where a parameter without a cell is part of the intercept. Only the
 * identity link: another one would need its inverse here.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pmml.h"

struct factor {
    size_t feature;
    double power;
};

struct term {
    double coefficient;
    size_t factors; /* as many of the array of all factors, in order */
};

struct regression {
    struct model   model;
    double         intercept;
    size_t         terms;
    struct term   *term;
    struct factor *factor; /* of all terms */
};

static double regression_score(const struct model *model, const double *vector)
{
    const struct regression *regression = (const struct regression *)model;
    const struct factor     *factor = regression->factor;
    double                   score = regression->intercept;

    for (size_t i = 0; i < regression->terms; i++) {
        double product = regression->term[i].coefficient;

        for (size_t n = regression->term[i].factors; n > 0; n--, factor++) {
            double x = vector[factor->feature];

            product *= factor->power == 1.0 ? x : pow(x, factor->power);
        }
        score += product;
    }
    return score;
}

static void regression_release(struct model *model)
{
    struct regression *regression = (struct regression *)model;

    free(regression->term);
    free(regression->factor);
}

static const struct model_class regression_class = {
    .kind = "PMML RegressionModel",
    .score = regression_score,
    .release = regression_release,
};

static const struct model_class general_class = {
    .kind = "PMML GeneralRegressionModel",
    .score = regression_score,
    .release = regression_release,
};

static struct regression *regression_new(struct pmml *pmml, const struct model_class *class,
                                         size_t terms, size_t factors)
{
    struct regression *regression;

    if (pmml->labels > 0) {
        reason_set(pmml->reason, "%s: classification is not supported", class->kind);
        return NULL;
    }
    regression = pmml_model_new(pmml, sizeof(*regression), class);
    if (regression == NULL)
        return NULL;
    regression->term = engine_array(terms, sizeof(*regression->term), pmml->reason);
    regression->factor = engine_array(factors, sizeof(*regression->factor), pmml->reason);
    if (regression->term != NULL && regression->factor != NULL)
        return regression;
    model_free(&regression->model);
    return NULL;
}

static bool read_predictors(struct pmml *pmml, const struct xml_element *table,
                            struct regression *regression)
{
    const struct xml_element *predictor = xml_child(table, "NumericPredictor");

    for (; predictor != NULL; predictor = xml_sibling(predictor, "NumericPredictor")) {
        struct term   *term = &regression->term[regression->terms];
        struct factor *factor = &regression->factor[regression->terms];

        if (!pmml_feature(pmml, predictor, "name", &factor->feature) ||
            !pmml_number(pmml, predictor, "coefficient", &term->coefficient) ||
            !pmml_number_or(pmml, predictor, "exponent", 1.0, &factor->power))
            return false;
        term->factors = 1;
        regression->terms++;
    }
    return true;
}

struct model *pmml_regression(struct pmml *pmml, const struct xml_element *element)
{
    static const char *const  known[] = { "NumericPredictor", "Extension", NULL };
    const struct xml_element *table = xml_child(element, "RegressionTable");
    size_t                    predictors = xml_count(table, "NumericPredictor");
    struct regression        *regression;

    if (table == NULL || xml_sibling(table, "RegressionTable") != NULL) {
        reason_set(pmml->reason, "RegressionModel: exactly one RegressionTable is needed");
        return NULL;
    }
    if (!pmml_expect(pmml, element, "normalizationMethod", "none") ||
        !pmml_only(pmml, table, known))
        return NULL;
    regression = regression_new(pmml, &regression_class, predictors, predictors);
    if (regression == NULL)
        return NULL;
    if (pmml_number_or(pmml, table, "intercept", 0.0, &regression->intercept) &&
        read_predictors(pmml, table, regression))
        return &regression->model;
    model_free(&regression->model);
    return NULL;
}

/* The cells of the PPMatrix that belong to one parameter become the factors of its term. */
static bool read_cells(struct pmml *pmml, const struct xml_element *matrix, const char *parameter,
                       struct factor *factors, size_t *count)
{
    const struct xml_element *cell = xml_child(matrix, "PPCell");

    for (*count = 0; cell != NULL; cell = xml_sibling(cell, "PPCell")) {
        const char *owner = xml_attribute(cell, "parameterName");

        if (owner == NULL || strcmp(owner, parameter) != 0)
            continue;
        if (!pmml_feature(pmml, cell, "predictorName", &factors[*count].feature) ||
            !pmml_number(pmml, cell, "value", &factors[*count].power))
            return false;
        ++*count;
    }
    return true;
}

static bool read_parameters(struct pmml *pmml, const struct xml_element *element,
                            struct regression *regression)
{
    const struct xml_element *matrix = xml_child(element, "PPMatrix");
    const struct xml_element *cell = xml_child(xml_child(element, "ParamMatrix"), "PCell");
    struct factor            *factor = regression->factor;
    size_t                    left = xml_count(matrix, "PPCell");

    for (; cell != NULL; cell = xml_sibling(cell, "PCell")) {
        struct term *term = &regression->term[regression->terms];
        const char  *parameter = xml_attribute(cell, "parameterName");

        if (parameter == NULL)
            return reason_set(pmml->reason, "PCell without \"parameterName\"");
        if (!pmml_number(pmml, cell, "beta", &term->coefficient) ||
            !read_cells(pmml, matrix, parameter, factor, &term->factors))
            return false;
        if (term->factors > left)
            return reason_set(pmml->reason, "two PCells for \"%.40s\"", parameter);
        left -= term->factors;
        factor += term->factors;
        if (term->factors == 0)
            regression->intercept += term->coefficient;
        else
            regression->terms++;
    }
    return left == 0 || reason_set(pmml->reason, "a PPCell for a parameter without PCell");
}

/* Factors (categorical predictors), offsets and base matrices would change the score. */
static bool supported(struct pmml *pmml, const struct xml_element *element)
{
    static const char *const known[] = { "MiningSchema", "Output", "ModelStats", "Targets",
                                         "ModelExplanation", "ParameterList", "FactorList",
                                         "CovariateList", "PPMatrix", "ParamMatrix",
                                         "ModelVerification", "Extension", NULL };
    const char *type = xml_attribute(element, "modelType");

    if (xml_count(xml_child(element, "FactorList"), "Predictor") > 0)
        return reason_set(pmml->reason, "GeneralRegressionModel: factors are not supported");
    if (xml_child(element, "Targets") != NULL)
        return reason_set(pmml->reason, "GeneralRegressionModel: Targets are not supported");
    if (xml_attribute(element, "offsetVariable") != NULL ||
        xml_attribute(element, "offsetValue") != NULL)
        return reason_set(pmml->reason, "GeneralRegressionModel: offsets are not supported");
    if (type != NULL && strcmp(type, "generalizedLinear") == 0 &&
        xml_attribute(element, "linkFunction") == NULL)
        return reason_set(pmml->reason, "a generalized linear model without \"linkFunction\"");
    return pmml_only(pmml, element, known) &&
           pmml_expect(pmml, element, "linkFunction", "identity");
}

struct model *pmml_general_regression(struct pmml *pmml, const struct xml_element *element)
{
    size_t             terms = xml_count(xml_child(element, "ParamMatrix"), "PCell");
    size_t             factors = xml_count(xml_child(element, "PPMatrix"), "PPCell");
    struct regression *regression;

    if (!supported(pmml, element))
        return NULL;
    if (terms == 0) {
        reason_set(pmml->reason, "GeneralRegressionModel without parameters");
        return NULL;
    }
    regression = regression_new(pmml, &general_class, terms, factors);
    if (regression == NULL || read_parameters(pmml, element, regression))
        return regression == NULL ? NULL : &regression->model;
    model_free(&regression->model);
    return NULL;
}

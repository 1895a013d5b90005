/* SPDX-License-Identifier: Apache-2.0
 *
 * pmml_ensemble.c - MiningModel: several models asked at once, their answers joined into one.
 *
 *      method               regression               classification
 *      average              mean of the scores       label with the largest mean share
 *      weightedAverage      mean by weight           the same by weight
 *      sum                  sum of the scores        -
 *      majorityVote         -                        label that most members choose
 *      weightedMajorityVote -                        the same by weight
 *
 * A member without an answer leaves the ensemble without one. Members that are asked only for
 * some records (a segment predicate other than True), chains and selections are errors.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pmml.h"

enum { MEMBERS_MAX = 10000 };

enum join { JOIN_MEAN, JOIN_SUM, JOIN_VOTE };

static const struct method {
    const char *name;
    enum join   join;
    bool        uses_weights;
    bool        classifies;
    bool        regresses;
} methods[] = {
    { "average", JOIN_MEAN, false, true, true },
    { "weightedAverage", JOIN_MEAN, true, true, true },
    { "sum", JOIN_SUM, false, false, true },
    { "majorityVote", JOIN_VOTE, false, true, false },
    { "weightedMajorityVote", JOIN_VOTE, true, true, false },
};

struct member {
    struct model *model;
    double        weight;
};

struct ensemble {
    struct model   model;
    enum join      join;
    size_t         members;
    struct member *member;
    double         total; /* of the weights */
};

/* A vote is a share of one for the label that the member chose. */
static bool add_vote(const struct member *member, const double *vector, double weight,
                     double *shares)
{
    const struct model *model = member->model;
    double              label = model->class->score(model, vector);

    for (size_t i = 0; i < model->labels; i++)
        if (model->label[i] == label) {
            shares[i] += weight;
            return true;
        }
    return false;
}

static bool ensemble_add_shares(const struct model *model, const double *vector, double weight,
                                double *shares)
{
    const struct ensemble *ensemble = (const struct ensemble *)model;

    for (size_t i = 0; i < ensemble->members; i++) {
        const struct member *member = &ensemble->member[i];
        double               part = weight * member->weight / ensemble->total;
        bool                 answered;

        if (ensemble->join == JOIN_VOTE)
            answered = add_vote(member, vector, part, shares);
        else
            answered = member->model->class->add_shares(member->model, vector, part, shares);
        if (!answered)
            return false;
    }
    return true;
}

static double ensemble_score(const struct model *model, const double *vector)
{
    const struct ensemble *ensemble = (const struct ensemble *)model;
    double                 shares[MODEL_LABELS_MAX] = { 0.0 };
    double                 sum = 0.0;

    if (model->labels > 0) {
        bool answered = ensemble_add_shares(model, vector, 1.0, shares);

        return answered ? model_choose(model, shares) : (double)NAN;
    }
    for (size_t i = 0; i < ensemble->members; i++) {
        const struct model *member = ensemble->member[i].model;

        sum += ensemble->member[i].weight * member->class->score(member, vector);
    }
    return ensemble->join == JOIN_SUM ? sum : sum / ensemble->total;
}

static void ensemble_release(struct model *model)
{
    struct ensemble *ensemble = (struct ensemble *)model;

    for (size_t i = 0; i < ensemble->members; i++)
        model_free(ensemble->member[i].model);
    free(ensemble->member);
}

static const struct model_class ensemble_class = {
    .kind = "PMML MiningModel",
    .score = ensemble_score,
    .add_shares = ensemble_add_shares,
    .release = ensemble_release,
};

static const struct method *read_method(struct pmml *pmml, const struct xml_element *segmentation)
{
    const char *name = xml_attribute(segmentation, "multipleModelMethod");

    for (size_t i = 0; name != NULL && i < sizeof(methods) / sizeof(methods[0]); i++)
        if (strcmp(methods[i].name, name) == 0 &&
            (pmml->labels > 0 ? methods[i].classifies : methods[i].regresses))
            return &methods[i];
    reason_set(pmml->reason, "multipleModelMethod \"%.40s\" is not supported for this target",
               name == NULL ? "" : name);
    return NULL;
}

static bool read_member(struct pmml *pmml, const struct xml_element *segment,
                        const struct method *method, struct ensemble *ensemble)
{
    const struct xml_element *element = pmml_model_child(segment);
    struct member            *member = &ensemble->member[ensemble->members];

    if (xml_child(segment, "True") == NULL)
        return reason_set(pmml->reason, "Segment: only the predicate True is supported");
    if (element == NULL)
        return reason_set(pmml->reason, "Segment without a model of a known kind");
    member->weight = 1.0;
    if (method->uses_weights && !pmml_number_or(pmml, segment, "weight", 1.0, &member->weight))
        return false;
    if (member->weight <= 0.0)
        return reason_set(pmml->reason, "Segment: a weight must be above 0");
    member->model = pmml_compile(pmml, element);
    if (member->model == NULL)
        return false;
    ensemble->members++;
    ensemble->total += member->weight;
    return pmml->labels == 0 || member->model->class->add_shares != NULL ||
           reason_set(pmml->reason, "%s has no shares to average", member->model->class->kind);
}

static bool read_members(struct pmml *pmml, const struct xml_element *segmentation,
                         const struct method *method, struct ensemble *ensemble)
{
    const struct xml_element *segment = xml_child(segmentation, "Segment");

    for (; segment != NULL; segment = xml_sibling(segment, "Segment"))
        if (!read_member(pmml, segment, method, ensemble))
            return false;
    return true;
}

struct model *pmml_ensemble(struct pmml *pmml, const struct xml_element *element)
{
    const struct xml_element *segmentation = xml_child(element, "Segmentation");
    size_t                    count = xml_count(segmentation, "Segment");
    const struct method      *method;
    struct ensemble          *ensemble;

    if (count == 0 || count > MEMBERS_MAX) {
        reason_set(pmml->reason, "MiningModel with %zu segments: 1 to %d are possible", count,
                   MEMBERS_MAX);
        return NULL;
    }
    method = read_method(pmml, segmentation);
    if (method == NULL)
        return NULL;
    ensemble = pmml_model_new(pmml, sizeof(*ensemble), &ensemble_class);
    if (ensemble == NULL)
        return NULL;
    ensemble->join = method->join;
    ensemble->member = engine_array(count, sizeof(*ensemble->member), pmml->reason);
    if (ensemble->member != NULL && read_members(pmml, segmentation, method, ensemble))
        return &ensemble->model;
    model_free(&ensemble->model);
    return NULL;
}

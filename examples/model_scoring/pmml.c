/* SPDX-License-Identifier: Apache-2.0
 *
 * pmml.c - what all PMML models share: the families, fields, labels and checked attributes.
 *
 * Not here: derived fields and transformations (a field that is not a column of the data is an
 * error), missing-value treatment (records with a missing field never get here).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pmml.h"

static const struct family {
    const char *element;
    struct model *(*compile)(struct pmml *pmml, const struct xml_element *element);
} families[] = {
    { "RegressionModel", pmml_regression },
    { "GeneralRegressionModel", pmml_general_regression },
    { "TreeModel", pmml_tree },
    { "MiningModel", pmml_ensemble },
    { "NeuralNetwork", pmml_neural },
};

static const struct family *family_of(const struct xml_element *element)
{
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (strcmp(families[i].element, element->name) == 0)
            return &families[i];
    return NULL;
}

static bool is_target(const struct xml_element *field)
{
    const char *usage = xml_attribute(field, "usageType");

    return usage != NULL && (strcmp(usage, "target") == 0 || strcmp(usage, "predicted") == 0);
}

static const struct xml_element *data_field(const struct pmml *pmml, const char *name)
{
    const struct xml_element *fields = xml_child(pmml->document.root, "DataDictionary");
    const struct xml_element *field = xml_child(fields, "DataField");

    for (; field != NULL; field = xml_sibling(field, "DataField")) {
        const char *its = xml_attribute(field, "name");

        if (its != NULL && strcmp(its, name) == 0)
            return field;
    }
    return NULL;
}

/* Every input that the model asks for is declared in the document and a column of the data. */
static bool check_schema(struct pmml *pmml, const struct xml_element *model)
{
    const struct xml_element *schema = xml_child(model, "MiningSchema");
    const struct xml_element *field = xml_child(schema, "MiningField");
    size_t                    index;

    if (schema == NULL)
        return reason_set(pmml->reason, "%s without a MiningSchema", model->name);
    for (; field != NULL; field = xml_sibling(field, "MiningField")) {
        const char *name = xml_attribute(field, "name");

        if (name == NULL || data_field(pmml, name) == NULL)
            return reason_set(pmml->reason, "the field \"%.60s\" is not in the DataDictionary",
                              name == NULL ? "" : name);
        if (!is_target(field) && !pmml_feature(pmml, field, "name", &index))
            return false;
    }
    return true;
}

struct model *pmml_compile(struct pmml *pmml, const struct xml_element *element)
{
    const struct family *family = family_of(element);
    const char          *function = xml_attribute(element, "functionName");
    const char          *wanted = pmml->labels > 0 ? "classification" : "regression";

    if (family == NULL) {
        reason_set(pmml->reason, "%.40s is not a model of a known kind", element->name);
        return NULL;
    }
    if (function == NULL || strcmp(function, wanted) != 0) {
        reason_set(pmml->reason, "%s: functionName \"%.40s\" does not fit its target",
                   element->name, function == NULL ? "" : function);
        return NULL;
    }
    return check_schema(pmml, element) ? family->compile(pmml, element) : NULL;
}

const struct xml_element *pmml_model_child(const struct xml_element *parent)
{
    const struct xml_element *child = parent->first;

    while (child != NULL && family_of(child) == NULL)
        child = child->next;
    return child;
}

void *pmml_model_new(struct pmml *pmml, size_t size, const struct model_class *class)
{
    struct model *model = engine_array(1, size, pmml->reason);

    if (model == NULL)
        return NULL;
    model->class = class;
    model->features = pmml->features->count;
    model->labels = pmml->labels;
    memcpy(model->label, pmml->label, sizeof(model->label));
    return model;
}

bool pmml_feature(struct pmml *pmml, const struct xml_element *element, const char *attribute,
                  size_t *index)
{
    const char *name = xml_attribute(element, attribute);

    for (size_t i = 0; name != NULL && i < pmml->features->count; i++)
        if (strcmp(pmml->features->names[i], name) == 0) {
            *index = i;
            return true;
        }
    if (name == NULL)
        return reason_set(pmml->reason, "%s without \"%s\"", element->name, attribute);
    return reason_set(pmml->reason, "the model asks for the field \"%.60s\", which the data lack",
                      name);
}

bool pmml_label(struct pmml *pmml, const struct xml_element *element, const char *attribute,
                size_t *index)
{
    const char *text = xml_attribute(element, attribute);

    for (size_t i = 0; text != NULL && i < pmml->labels; i++)
        if (strcmp(pmml->label_text[i], text) == 0) {
            *index = i;
            return true;
        }
    return reason_set(pmml->reason, "%s: \"%.40s\" is not one of the labels", element->name,
                      text == NULL ? "" : text);
}

static bool read_number(struct pmml *pmml, const struct xml_element *element,
                        const char *attribute, const char *text, double *number)
{
    char *end;

    *number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(*number))
        return reason_set(pmml->reason, "%s: %s \"%.40s\" is not a number", element->name,
                          attribute, text);
    return true;
}

bool pmml_number(struct pmml *pmml, const struct xml_element *element, const char *attribute,
                 double *number)
{
    const char *text = xml_attribute(element, attribute);

    if (text == NULL)
        return reason_set(pmml->reason, "%s without \"%s\"", element->name, attribute);
    return read_number(pmml, element, attribute, text, number);
}

bool pmml_number_or(struct pmml *pmml, const struct xml_element *element, const char *attribute,
                    double otherwise, double *number)
{
    const char *text = xml_attribute(element, attribute);

    *number = otherwise;
    return text == NULL || read_number(pmml, element, attribute, text, number);
}

bool pmml_expect(struct pmml *pmml, const struct xml_element *element, const char *attribute,
                 const char *value)
{
    const char *text = xml_attribute(element, attribute);

    if (text == NULL || strcmp(text, value) == 0)
        return true;
    return reason_set(pmml->reason, "%s: %s \"%.40s\" is not supported, only \"%s\"",
                      element->name, attribute, text, value);
}

bool pmml_only(struct pmml *pmml, const struct xml_element *parent, const char *const *names)
{
    for (const struct xml_element *child = parent->first; child != NULL; child = child->next) {
        const char *const *name = names;

        while (*name != NULL && strcmp(*name, child->name) != 0)
            name++;
        if (*name == NULL)
            return reason_set(pmml->reason, "%s: %.40s is not supported", parent->name,
                              child->name);
    }
    return true;
}

static bool read_labels(struct pmml *pmml, const struct xml_element *field)
{
    const struct xml_element *value = xml_child(field, "Value");

    for (; value != NULL; value = xml_sibling(value, "Value")) {
        if (pmml->labels == MODEL_LABELS_MAX)
            return reason_set(pmml->reason, "more than %d labels", MODEL_LABELS_MAX);
        if (!pmml_number(pmml, value, "value", &pmml->label[pmml->labels]))
            return false;
        pmml->label_text[pmml->labels++] = xml_attribute(value, "value");
    }
    return pmml->labels > 0 || reason_set(pmml->reason, "a categorical target without values");
}

/* Labels come from the target of the outermost model; its members share their order. */
static bool read_target(struct pmml *pmml, const struct xml_element *model)
{
    const struct xml_element *schema = xml_child(model, "MiningSchema");
    const struct xml_element *field = xml_child(schema, "MiningField");
    const struct xml_element *target;
    const char               *name, *optype;

    while (field != NULL && !is_target(field))
        field = xml_sibling(field, "MiningField");
    if (field == NULL)
        return reason_set(pmml->reason, "%s without a target field", model->name);
    name = xml_attribute(field, "name");
    target = name == NULL ? NULL : data_field(pmml, name);
    if (target == NULL)
        return reason_set(pmml->reason, "the target is not in the DataDictionary");
    optype = xml_attribute(target, "optype");
    if (optype != NULL && strcmp(optype, "continuous") != 0)
        return read_labels(pmml, target);
    return true;
}

static struct model *compile_document(struct pmml *pmml)
{
    const struct xml_element *root = pmml->document.root;
    const struct xml_element *model = pmml_model_child(root);

    if (strcmp(root->name, "PMML") != 0) {
        reason_set(pmml->reason, "the document is %.40s, not PMML", root->name);
        return NULL;
    }
    if (model == NULL) {
        reason_set(pmml->reason, "no model of a kind that this program knows");
        return NULL;
    }
    return read_target(pmml, model) ? pmml_compile(pmml, model) : NULL;
}

struct model *pmml_parse(const void *data, size_t size, const struct features *features,
                         struct reason *reason)
{
    struct pmml   pmml = { .features = features, .reason = reason };
    struct model *model;

    if (!xml_read(&pmml.document, data, size, reason))
        return NULL;
    model = compile_document(&pmml);
    xml_release(&pmml.document);
    return model;
}

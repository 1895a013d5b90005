/* SPDX-License-Identifier: Apache-2.0
 *
 * pmml.h - a PMML document while its models are compiled, and the engines for its elements.
 *
 *      bytes --xml_read--> elements --compile--> flat arrays in a struct model; the tree is freed
 *
 * An engine's compile function returns a model, or NULL with the reason set in `pmml->reason`.
 * Whatever it does not know, and whatever would change a score if it were ignored, is an error:
 * a model that is served must score as its author meant it.
 */
#ifndef MODEL_SCORING_PMML_H
#define MODEL_SCORING_PMML_H

#include "engine.h"
#include "xml.h"

struct pmml {
    struct xml_document    document;
    const struct features *features;
    struct reason         *reason;
    size_t                 labels; /* of the document's target; 0: a regression */
    const char            *label_text[MODEL_LABELS_MAX];
    double                 label[MODEL_LABELS_MAX];
};

/* A model of the element's family; ensembles call it for their members. */
struct model *pmml_compile(struct pmml *pmml, const struct xml_element *element);

/* The first child that is a model of any family; NULL: none. */
const struct xml_element *pmml_model_child(const struct xml_element *parent);

/* A zeroed engine struct of `size` bytes with its `struct model` filled in. */
void *pmml_model_new(struct pmml *pmml, size_t size, const struct model_class *class);

/* Index in the vector of the field that the attribute names; false with a reason. */
bool pmml_feature(struct pmml *pmml, const struct xml_element *element, const char *attribute,
                  size_t *index);

/* Index of the label that the attribute names. */
bool pmml_label(struct pmml *pmml, const struct xml_element *element, const char *attribute,
                size_t *index);

/* The attribute as a finite number; pmml_number_or when it may be missing. */
bool pmml_number(struct pmml *pmml, const struct xml_element *element, const char *attribute,
                 double *number);
bool pmml_number_or(struct pmml *pmml, const struct xml_element *element, const char *attribute,
                    double otherwise, double *number);

/* The attribute is missing or has this value; else an error that names both. */
bool pmml_expect(struct pmml *pmml, const struct xml_element *element, const char *attribute,
                 const char *value);

/* All children are among these names (NULL-terminated); another one would change the scores. */
bool pmml_only(struct pmml *pmml, const struct xml_element *parent, const char *const *names);

struct model *pmml_regression(struct pmml *pmml, const struct xml_element *element);
struct model *pmml_general_regression(struct pmml *pmml, const struct xml_element *element);
struct model *pmml_tree(struct pmml *pmml, const struct xml_element *element);
struct model *pmml_ensemble(struct pmml *pmml, const struct xml_element *element);
struct model *pmml_neural(struct pmml *pmml, const struct xml_element *element);

#endif

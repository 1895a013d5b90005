/* SPDX-License-Identifier: Apache-2.0
 *
 * pmml_tree.c - TreeModel: decision trees for regression and classification.
 *
 * The tree is kept as one array in document order, so a node's first child is the node behind it:
 *
 *      index   0      1     2     3     4          A{ B{ C D } E }
 *              A      B     C     D     E          next: B -> 4, C -> 3, all others 0
 *
 * Scoring follows the first child whose test holds, until a leaf. A record has every field, so in
 * a pair of siblings that split by <= and > of one value the second needs no test.
 *
 * Not here: compound and set predicates, surrogates, missing-value strategies: errors.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pmml.h"

enum test { TEST_NEVER, TEST_ALWAYS, TEST_EQ, TEST_NE, TEST_LT, TEST_LE, TEST_GT, TEST_GE };

static const struct {
    const char *name;
    enum test   test;
} operators[] = {
    { "lessOrEqual", TEST_LE },    { "greaterThan", TEST_GT }, { "lessThan", TEST_LT },
    { "greaterOrEqual", TEST_GE }, { "equal", TEST_EQ },       { "notEqual", TEST_NE },
};

struct node {
    double   threshold;
    double   score;   /* value, or label; NaN: this node has none */
    uint32_t next;    /* sibling; 0: none                          */
    uint16_t feature;
    uint8_t  test;    /* enum test                                 */
    bool     is_inner;
};

struct tree {
    struct model model;
    struct node *node;
    double      *shares;           /* labels per node; NULL: a regression               */
    size_t       nodes;
    bool         keeps_last_score; /* no child's test holds: the node's own score counts */
};

static bool holds(const struct node *node, const double *vector)
{
    double x = vector[node->feature];

    switch ((enum test)node->test) {
    case TEST_ALWAYS:
        return true;
    case TEST_LE:
        return x <= node->threshold;
    case TEST_GT:
        return x > node->threshold;
    case TEST_LT:
        return x < node->threshold;
    case TEST_GE:
        return x >= node->threshold;
    case TEST_EQ:
        return x == node->threshold;
    case TEST_NE:
        return x != node->threshold;
    case TEST_NEVER:
        break;
    }
    return false;
}

/* The node that decides about this vector; NULL: none. */
static const struct node *decide(const struct tree *tree, const double *vector)
{
    uint32_t at = 0;

    if (!holds(&tree->node[0], vector))
        return NULL;
    while (tree->node[at].is_inner) {
        uint32_t child = at + 1;

        while (child != 0 && !holds(&tree->node[child], vector))
            child = tree->node[child].next;
        if (child == 0)
            return tree->keeps_last_score ? &tree->node[at] : NULL;
        at = child;
    }
    return &tree->node[at];
}

static double tree_score(const struct model *model, const double *vector)
{
    const struct node *node = decide((const struct tree *)model, vector);

    return node == NULL ? (double)NAN : node->score;
}

static bool tree_add_shares(const struct model *model, const double *vector, double weight,
                            double *shares)
{
    const struct tree *tree = (const struct tree *)model;
    const struct node *node = decide(tree, vector);
    const double      *row;

    if (node == NULL || isnan(node->score))
        return false;
    row = tree->shares + (size_t)(node - tree->node) * model->labels;
    for (size_t i = 0; i < model->labels; i++)
        shares[i] += weight * row[i];
    return true;
}

static void tree_release(struct model *model)
{
    struct tree *tree = (struct tree *)model;

    free(tree->node);
    free(tree->shares);
}

static const struct model_class tree_class = {
    .kind = "PMML TreeModel",
    .score = tree_score,
    .add_shares = tree_add_shares,
    .release = tree_release,
};

static bool read_simple_predicate(struct pmml *pmml, const struct xml_element *element,
                                  struct node *node)
{
    const char *which = xml_attribute(element, "operator");
    size_t      feature;

    if (!pmml_feature(pmml, element, "field", &feature))
        return false;
    node->feature = (uint16_t)feature;
    for (size_t i = 0; which != NULL && i < sizeof(operators) / sizeof(operators[0]); i++)
        if (strcmp(operators[i].name, which) == 0) {
            node->test = (uint8_t)operators[i].test;
            return pmml_number(pmml, element, "value", &node->threshold);
        }
    return reason_set(pmml->reason, "SimplePredicate: the operator \"%.40s\" is not supported",
                      which == NULL ? "" : which);
}

static bool read_predicate(struct pmml *pmml, const struct xml_element *element, struct node *node)
{
    const struct xml_element *child = element->first;

    while (child != NULL && strcmp(child->name, "Extension") == 0)
        child = child->next;
    if (child == NULL)
        return reason_set(pmml->reason, "Node without a predicate");
    if (strcmp(child->name, "SimplePredicate") == 0)
        return read_simple_predicate(pmml, child, node);
    node->test = TEST_ALWAYS;
    if (strcmp(child->name, "True") == 0)
        return true;
    node->test = TEST_NEVER;
    return strcmp(child->name, "False") == 0 ||
           reason_set(pmml->reason, "the predicate %.40s is not supported", child->name);
}

/* Shares by recordCount; a node that only names its label gives that one everything. */
static bool read_distribution(struct pmml *pmml, const struct xml_element *element,
                              struct node *node, double *shares)
{
    const struct xml_element *part = xml_child(element, "ScoreDistribution");
    double                    count, total = 0.0;
    size_t                    label;

    if (xml_attribute(element, "score") != NULL) {
        if (!pmml_label(pmml, element, "score", &label))
            return false;
        node->score = pmml->label[label];
        if (part == NULL)
            shares[label] = 1.0;
    }
    for (; part != NULL; part = xml_sibling(part, "ScoreDistribution")) {
        if (!pmml_label(pmml, part, "value", &label) ||
            !pmml_number(pmml, part, "recordCount", &count))
            return false;
        if (count < 0.0)
            return reason_set(pmml->reason, "ScoreDistribution: a negative recordCount");
        shares[label] += count;
        total += count;
    }
    for (size_t i = 0; total > 0.0 && i < pmml->labels; i++)
        shares[i] /= total;
    return true;
}

static bool read_node(struct pmml *pmml, const struct xml_element *element, struct tree *tree,
                      size_t index)
{
    static const char *const known[] = { "Node",  "SimplePredicate",   "True",
                                         "False", "ScoreDistribution", "Extension", NULL };
    struct node *node = &tree->node[index];

    node->score = (double)NAN;
    node->is_inner = xml_child(element, "Node") != NULL;
    if (!read_predicate(pmml, element, node))
        return false;
    if (pmml->labels > 0) {
        if (!read_distribution(pmml, element, node, tree->shares + index * pmml->labels))
            return false;
    } else if (xml_attribute(element, "score") != NULL &&
               !pmml_number(pmml, element, "score", &node->score)) {
        return false;
    }
    if (!node->is_inner && isnan(node->score))
        return reason_set(pmml->reason, "a leaf Node without \"score\"");
    return pmml_only(pmml, element, known);
}

static bool is_complement(const struct node *a, const struct node *b)
{
    return a->test == TEST_LE && b->test == TEST_GT && a->feature == b->feature &&
           a->threshold == b->threshold;
}

/* path[d] is the node last met d levels below the root: parent, or elder sibling, of the next. */
static bool link_node(struct pmml *pmml, const struct xml_element *element, size_t depth,
                      struct tree *tree, uint32_t *path)
{
    uint32_t     index = (uint32_t)tree->nodes;
    struct node *node = &tree->node[index];

    if (strcmp(element->parent->name, depth == 0 ? "TreeModel" : "Node") != 0)
        return reason_set(pmml->reason, "Node within %.40s", element->parent->name);
    if (depth > 0 && path[depth] != 0) {
        struct node *elder = &tree->node[path[depth]];

        elder->next = index;
        if (is_complement(elder, node))
            node->test = TEST_ALWAYS;
    }
    path[depth] = index;
    path[depth + 1] = 0;
    tree->nodes++;
    return true;
}

static bool read_nodes(struct pmml *pmml, const struct xml_element *root, struct tree *tree)
{
    uint32_t path[XML_DEPTH_MAX + 1] = { 0 };

    for (const struct xml_element *e = root; e != NULL; e = xml_after(root, e))
        if (strcmp(e->name, "Node") == 0 &&
            (!read_node(pmml, e, tree, tree->nodes) ||
             !link_node(pmml, e, e->depth - root->depth, tree, path)))
            return false;
    return true;
}

static size_t count_nodes(const struct xml_element *root)
{
    size_t count = 0;

    for (const struct xml_element *e = root; e != NULL; e = xml_after(root, e))
        count += strcmp(e->name, "Node") == 0;
    return count;
}

/* What to answer where no child's test holds: PMML knows two ways. */
static bool read_strategy(struct pmml *pmml, const struct xml_element *element, bool *keeps_last)
{
    const char *strategy = xml_attribute(element, "noTrueChildStrategy");

    *keeps_last = strategy != NULL && strcmp(strategy, "returnLastPrediction") == 0;
    return *keeps_last || pmml_expect(pmml, element, "noTrueChildStrategy", "returnNullPrediction");
}

struct model *pmml_tree(struct pmml *pmml, const struct xml_element *element)
{
    const struct xml_element *root = xml_child(element, "Node");
    struct tree              *tree;
    size_t                    count;
    bool                      keeps_last;

    if (root == NULL || xml_sibling(root, "Node") != NULL) {
        reason_set(pmml->reason, "TreeModel: exactly one root Node is needed");
        return NULL;
    }
    if (!read_strategy(pmml, element, &keeps_last))
        return NULL;
    tree = pmml_model_new(pmml, sizeof(*tree), &tree_class);
    if (tree == NULL)
        return NULL;
    count = count_nodes(root);
    tree->keeps_last_score = keeps_last;
    tree->node = engine_array(count, sizeof(*tree->node), pmml->reason);
    tree->shares = engine_array(count * pmml->labels, sizeof(*tree->shares), pmml->reason);
    if (tree->node != NULL && tree->shares != NULL && read_nodes(pmml, root, tree))
        return &tree->model;
    model_free(&tree->model);
    return NULL;
}

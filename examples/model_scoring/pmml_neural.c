/* SPDX-License-Identifier: Apache-2.0
 *
 * pmml_neural.c - NeuralNetwork: layers of neurons over the fields.
 *
 * All values of a record stand in one array, the inputs first, then neuron after neuron in document
 * order; a connection is the index of an earlier value and a weight. A connection to a later neuron
 * is an error, so there are no cycles and one pass computes the network.
 *
 *      value[]:  inputs | layer 1 | layer 2 | ...        neuron = f(bias + sum of weight * value)
 *
 * Inputs are plain fields (no scaling), outputs plain labels or one plain number.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "activation.h"
#include "pmml.h"

enum { VALUES_MAX = 2048 }; /* inputs and neurons: on the stack while a record is scored */

struct link {
    size_t from;
    double weight;
};

struct neuron {
    double bias;
    size_t links; /* as many of the array of all links, in order */
};

struct layer {
    double (*activate)(double x);
    size_t neurons;
    bool   is_softmax;
};

struct network {
    struct model   model;
    size_t         inputs, layers, neurons, links, outputs;
    size_t        *input; /* feature of each input */
    struct layer  *layer;
    struct neuron *neuron;
    struct link   *link;
    size_t         output[MODEL_LABELS_MAX]; /* value of each label; [0] of a regression */
};

static const struct activation {
    const char *name;
    double (*activate)(double x);
} activations[] = {
    { "logistic", activation_logistic },
    { "identity", activation_identity },
    { "tanh", tanh },
    { "rectifier", activation_rectifier },
};

static void compute(const struct network *network, const double *vector, double *values)
{
    const struct neuron *neuron = network->neuron;
    const struct link   *link = network->link;
    double              *value = values;

    for (size_t i = 0; i < network->inputs; i++)
        *value++ = vector[network->input[i]];
    for (size_t l = 0; l < network->layers; l++) {
        const struct layer *layer = &network->layer[l];

        for (size_t n = 0; n < layer->neurons; n++, neuron++) {
            double sum = neuron->bias;

            for (size_t i = 0; i < neuron->links; i++, link++)
                sum += link->weight * values[link->from];
            *value++ = layer->activate(sum);
        }
        if (layer->is_softmax)
            activation_softmax(layer->neurons, value - layer->neurons, value - layer->neurons);
    }
}

static bool network_add_shares(const struct model *model, const double *vector, double weight,
                               double *shares)
{
    const struct network *network = (const struct network *)model;
    double                values[VALUES_MAX];

    compute(network, vector, values);
    for (size_t i = 0; i < model->labels; i++)
        shares[i] += weight * values[network->output[i]];
    return true;
}

static double network_score(const struct model *model, const double *vector)
{
    const struct network *network = (const struct network *)model;
    double                values[VALUES_MAX], shares[MODEL_LABELS_MAX];

    compute(network, vector, values);
    if (model->labels == 0)
        return values[network->output[0]];
    for (size_t i = 0; i < model->labels; i++)
        shares[i] = values[network->output[i]];
    return model_choose(model, shares);
}

static void network_release(struct model *model)
{
    struct network *network = (struct network *)model;

    free(network->input);
    free(network->layer);
    free(network->neuron);
    free(network->link);
}

static const struct model_class network_class = {
    .kind = "PMML NeuralNetwork",
    .score = network_score,
    .add_shares = network_add_shares,
    .release = network_release,
};

/* The ids of the inputs and neurons met so far, sorted. */
struct name {
    const char *id;
    size_t      value;
};

struct names {
    size_t      count;
    struct name name[VALUES_MAX];
};

/* Where the id stands, or would stand, in the sorted names. */
static size_t position(const struct names *names, const char *id)
{
    size_t low = 0, high = names->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(names->name[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool add_name(struct pmml *pmml, const struct xml_element *element, struct names *names,
                     size_t value)
{
    const char *id = xml_attribute(element, "id");
    size_t      at;

    if (id == NULL)
        return reason_set(pmml->reason, "%s without \"id\"", element->name);
    if (names->count == VALUES_MAX)
        return reason_set(pmml->reason, "NeuralNetwork: more than %d neurons", VALUES_MAX);
    at = position(names, id);
    if (at < names->count && strcmp(names->name[at].id, id) == 0)
        return reason_set(pmml->reason, "two neurons \"%.40s\"", id);
    memmove(&names->name[at + 1], &names->name[at], (names->count - at) * sizeof(names->name[0]));
    names->name[at] = (struct name){ .id = id, .value = value };
    names->count++;
    return true;
}

static bool find_value(struct pmml *pmml, const struct xml_element *element, const char *attribute,
                       const struct names *names, size_t *value)
{
    const char *id = xml_attribute(element, attribute);
    size_t      at = id == NULL ? names->count : position(names, id);

    if (at == names->count || strcmp(names->name[at].id, id) != 0)
        return reason_set(pmml->reason, "%s: no neuron \"%.40s\" before it", element->name,
                          id == NULL ? "" : id);
    *value = names->name[at].value;
    return true;
}

static bool read_inputs(struct pmml *pmml, const struct xml_element *parent,
                        struct network *network, struct names *names)
{
    const struct xml_element *input = xml_child(parent, "NeuralInput");

    for (; input != NULL; input = xml_sibling(input, "NeuralInput")) {
        const struct xml_element *field = xml_child(xml_child(input, "DerivedField"), "FieldRef");

        if (field == NULL)
            return reason_set(pmml->reason, "NeuralInput: only a FieldRef is supported");
        if (!pmml_feature(pmml, field, "field", &network->input[network->inputs]) ||
            !add_name(pmml, input, names, network->inputs))
            return false;
        network->inputs++;
    }
    return true;
}

/* Names are added behind the whole layer: a neuron cannot read its own layer. */
static bool read_neurons(struct pmml *pmml, const struct xml_element *parent,
                         struct network *network, struct names *names, struct layer *layer)
{
    const struct xml_element *first = xml_child(parent, "Neuron");
    size_t                    value = network->inputs + network->neurons;

    for (const struct xml_element *e = first; e != NULL; e = xml_sibling(e, "Neuron")) {
        struct neuron            *neuron = &network->neuron[network->neurons++];
        const struct xml_element *con = xml_child(e, "Con");

        if (!pmml_number_or(pmml, e, "bias", 0.0, &neuron->bias))
            return false;
        for (; con != NULL; con = xml_sibling(con, "Con")) {
            struct link *link = &network->link[network->links++];

            if (!find_value(pmml, con, "from", names, &link->from) ||
                !pmml_number(pmml, con, "weight", &link->weight))
                return false;
            neuron->links++;
        }
        layer->neurons++;
    }
    for (const struct xml_element *e = first; e != NULL; e = xml_sibling(e, "Neuron"))
        if (!add_name(pmml, e, names, value++))
            return false;
    return layer->neurons > 0 || reason_set(pmml->reason, "NeuralLayer without neurons");
}

static bool read_layer(struct pmml *pmml, const struct xml_element *parent,
                       const struct xml_element *whole, struct layer *layer)
{
    const char *function = xml_attribute(parent, "activationFunction");
    const char *normalization = xml_attribute(parent, "normalizationMethod");

    if (function == NULL)
        function = xml_attribute(whole, "activationFunction");
    if (normalization == NULL)
        normalization = xml_attribute(whole, "normalizationMethod");
    layer->is_softmax = normalization != NULL && strcmp(normalization, "softmax") == 0;
    if (normalization != NULL && !layer->is_softmax && strcmp(normalization, "none") != 0)
        return reason_set(pmml->reason, "normalizationMethod \"%.40s\" is not supported",
                          normalization);
    for (size_t i = 0; function != NULL && i < sizeof(activations) / sizeof(activations[0]); i++)
        if (strcmp(activations[i].name, function) == 0) {
            layer->activate = activations[i].activate;
            return true;
        }
    return reason_set(pmml->reason, "activationFunction \"%.40s\" is not supported",
                      function == NULL ? "" : function);
}

/* A classifier has one output per label, a regression one that is the field itself. */
static bool read_outputs(struct pmml *pmml, const struct xml_element *parent,
                         struct network *network, const struct names *names)
{
    const struct xml_element *output = xml_child(parent, "NeuralOutput");
    bool                      seen[MODEL_LABELS_MAX] = { false };

    for (; output != NULL; output = xml_sibling(output, "NeuralOutput")) {
        const struct xml_element *derived = xml_child(output, "DerivedField");
        const struct xml_element *target =
            xml_child(derived, pmml->labels > 0 ? "NormDiscrete" : "FieldRef");
        size_t label = 0;

        if (target == NULL)
            return reason_set(pmml->reason, "NeuralOutput: its DerivedField is not supported");
        if (pmml->labels > 0 && !pmml_label(pmml, target, "value", &label))
            return false;
        if (seen[label])
            return reason_set(pmml->reason, "two NeuralOutputs for one value");
        if (!find_value(pmml, output, "outputNeuron", names, &network->output[label]))
            return false;
        seen[label] = true;
        network->outputs++;
    }
    return network->outputs == (pmml->labels > 0 ? pmml->labels : 1) ||
           reason_set(pmml->reason, "NeuralOutputs do not cover the target");
}

static bool read_network(struct pmml *pmml, const struct xml_element *element,
                         struct network *network, struct names *names)
{
    const struct xml_element *layer = xml_child(element, "NeuralLayer");

    if (!read_inputs(pmml, xml_child(element, "NeuralInputs"), network, names))
        return false;
    for (; layer != NULL; layer = xml_sibling(layer, "NeuralLayer")) {
        struct layer *filled = &network->layer[network->layers++];

        if (!read_layer(pmml, layer, element, filled) ||
            !read_neurons(pmml, layer, network, names, filled))
            return false;
    }
    return read_outputs(pmml, xml_child(element, "NeuralOutputs"), network, names);
}

static size_t count_within(const struct xml_element *top, const char *name)
{
    size_t count = 0;

    for (const struct xml_element *e = top; e != NULL; e = xml_after(top, e))
        count += strcmp(e->name, name) == 0;
    return count;
}

struct model *pmml_neural(struct pmml *pmml, const struct xml_element *element)
{
    struct reason  *reason = pmml->reason;
    struct network *network = pmml_model_new(pmml, sizeof(*network), &network_class);
    struct names   *names = engine_array(1, sizeof(*names), reason);

    if (network != NULL && names != NULL) {
        network->input = engine_array(count_within(element, "NeuralInput"), sizeof(size_t), reason);
        network->layer =
            engine_array(count_within(element, "NeuralLayer"), sizeof(struct layer), reason);
        network->neuron =
            engine_array(count_within(element, "Neuron"), sizeof(struct neuron), reason);
        network->link = engine_array(count_within(element, "Con"), sizeof(struct link), reason);
        if (network->input != NULL && network->layer != NULL && network->neuron != NULL &&
            network->link != NULL && read_network(pmml, element, network, names)) {
            free(names);
            return &network->model;
        }
    }
    free(names);
    if (network != NULL)
        model_free(&network->model);
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * graph.c - a frozen TensorFlow graph of dense layers as a list of steps.
 *
 * Supported: Placeholder, Const, MatMul, BiasAdd, Add, Relu, Sigmoid, Tanh, Softmax, Identity; one
 * placeholder (the features), float constants, inputs defined before they are used (as frozen
 * graphs are written). The one result that nothing uses is the output: more than one number means
 * a classifier whose labels are 0, 1, 2, ... and the largest wins.
 *
 *      value[]:  features | result of step 1 | result of step 2 | ...
 *
 * Sums are made in double precision, the weights stay the graph's floats.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "activation.h"
#include "graph.h"

enum {
    VALUES_MAX = 4096,              /* on the stack while a record is scored                    */
    WEIGHTS_MAX = 16 * 1024 * 1024, /* a few bytes can ask for a large constant: 64 MiB are all */
};

enum op { OP_MATMUL, OP_ADD, OP_SOFTMAX, OP_EACH };

static const struct operation {
    const char *name;
    enum op     op;
    size_t      inputs;
    double (*apply)(double x); /* of OP_EACH */
} operations[] = {
    { "MatMul", OP_MATMUL, 2, NULL },
    { "BiasAdd", OP_ADD, 2, NULL },
    { "Add", OP_ADD, 2, NULL },
    { "Softmax", OP_SOFTMAX, 1, NULL },
    { "Relu", OP_EACH, 1, activation_rectifier },
    { "Sigmoid", OP_EACH, 1, activation_logistic },
    { "Tanh", OP_EACH, 1, tanh },
    { "Identity", OP_EACH, 1, activation_identity },
};

struct step {
    const struct operation *operation;
    size_t                  from, width; /* the values read                                     */
    size_t                  to, result;  /* the values written                                  */
    size_t                  weights;     /* of MatMul [width][result], of an addition: [result] */
};

struct graph {
    struct model model;
    size_t       steps;
    struct step *step;
    float       *weight; /* of all constants */
    size_t       output; /* its first value */
};

/* --- Scoring ---------------------------------------------------------------------------------- */

static void multiply(const struct step *step, const float *weight, const double *in, double *out)
{
    for (size_t c = 0; c < step->result; c++)
        out[c] = 0.0;
    for (size_t r = 0; r < step->width; r++, weight += step->result)
        for (size_t c = 0; c < step->result; c++)
            out[c] += in[r] * (double)weight[c];
}

static void run_step(const struct graph *graph, const struct step *step, double *values)
{
    const float  *weight = graph->weight != NULL ? graph->weight + step->weights : NULL;
    const double *in = values + step->from;
    double       *out = values + step->to;

    switch (step->operation->op) {
    case OP_MATMUL:
        multiply(step, weight, in, out);
        break;
    case OP_ADD:
        for (size_t i = 0; i < step->width; i++)
            out[i] = in[i] + (double)weight[i];
        break;
    case OP_SOFTMAX:
        activation_softmax(step->width, in, out);
        break;
    case OP_EACH:
        for (size_t i = 0; i < step->width; i++)
            out[i] = step->operation->apply(in[i]);
        break;
    }
}

static double graph_score(const struct model *model, const double *vector)
{
    const struct graph *graph = (const struct graph *)model;
    double              values[VALUES_MAX];

    memcpy(values, vector, model->features * sizeof(*vector));
    for (size_t i = 0; i < graph->steps; i++)
        run_step(graph, &graph->step[i], values);
    return model->labels > 0 ? model_choose(model, values + graph->output) : values[graph->output];
}

static void graph_release(struct model *model)
{
    struct graph *graph = (struct graph *)model;

    free(graph->step);
    free(graph->weight);
}

static const struct model_class graph_class = {
    .kind = "TensorFlow graph",
    .score = graph_score,
    .release = graph_release,
};

/* --- Compiling -------------------------------------------------------------------------------- */

/* What a node's name stands for, once the node is compiled. */
struct result {
    struct graph_text name;
    bool              is_constant;
    bool              is_used;
    size_t            at;     /* index of its first value, or of its first weight */
    size_t            width;
    size_t            height; /* of a constant matrix; else 1 */
};

struct compiler {
    struct graph  *graph;
    struct reason *reason;
    size_t         values, weights, results;
    bool           has_input;
    struct result  result[GRAPH_NODES_MAX];
};

static bool fail(struct compiler *compiler, const struct graph_node *node, const char *why)
{
    return reason_set(compiler->reason, "node \"%.*s\" (%.*s): %s",
                      (int)(node->name.size < 60 ? node->name.size : 60),
                      (const char *)node->name.data,
                      (int)(node->op.size < 40 ? node->op.size : 40),
                      (const char *)node->op.data, why);
}

static struct result *find(struct compiler *compiler, const struct graph_text *name)
{
    for (size_t i = 0; i < compiler->results; i++) {
        struct result *result = &compiler->result[i];

        if (result->name.size == name->size &&
            memcmp(result->name.data, name->data, name->size) == 0) {
            result->is_used = true;
            return result;
        }
    }
    return NULL;
}

static bool add_result(struct compiler *compiler, const struct graph_node *node,
                       struct result result)
{
    result.name = node->name;
    if (find(compiler, &node->name) != NULL)
        return fail(compiler, node, "a second node of this name");
    if (compiler->results == GRAPH_NODES_MAX)
        return fail(compiler, node, "too many nodes");
    if (!result.is_constant) {
        if (result.width > VALUES_MAX - compiler->values)
            return fail(compiler, node, "the layers are too wide");
        result.at = compiler->values;
        compiler->values += result.width;
    }
    compiler->result[compiler->results++] = result;
    return true;
}

static bool compile_input(struct compiler *compiler, const struct graph_node *node)
{
    struct result result = { .width = compiler->graph->model.features, .height = 1 };

    if (compiler->has_input)
        return fail(compiler, node, "a second placeholder");
    if (compiler->values > 0)
        return fail(compiler, node, "the placeholder must come before all operations");
    compiler->has_input = true;
    return add_result(compiler, node, result);
}

static float float_at(const unsigned char *data)
{
    uint32_t bits = (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 |
                    (uint32_t)data[3] << 24;
    float value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* A constant takes no more floats than the file has bytes, except where one stands for all. */
static bool compile_constant(struct compiler *compiler, const struct graph_node *node)
{
    const struct graph_tensor *tensor = &node->tensor;
    uint64_t height = tensor->rank == 2 ? tensor->extent[0] : 1;
    uint64_t width = tensor->rank == 0 ? 1 : tensor->extent[tensor->rank - 1];
    float   *larger;

    if (!tensor->is_float || tensor->floats == 0)
        return fail(compiler, node, "only float constants are supported");
    if (height == 0 || height > VALUES_MAX || width == 0 || width > VALUES_MAX)
        return fail(compiler, node, "the constant is too large or empty");
    if (tensor->floats != height * width && tensor->floats != 1)
        return fail(compiler, node, "the constant is not as large as its shape");
    if (height * width > WEIGHTS_MAX - compiler->weights)
        return fail(compiler, node, "the constants are too large");
    larger = realloc(compiler->graph->weight,
                     (compiler->weights + (size_t)(height * width)) * sizeof(*larger));
    if (larger == NULL)
        return fail(compiler, node, "out of memory");
    compiler->graph->weight = larger;
    for (size_t i = 0; i < height * width; i++) {
        float value = float_at(tensor->data + (tensor->floats == 1 ? 0 : 4 * i));

        if (!isfinite(value))
            return fail(compiler, node, "a weight is not a number");
        larger[compiler->weights + i] = value;
    }
    compiler->weights += (size_t)(height * width);
    return add_result(compiler, node,
                      (struct result){ .is_constant = true,
                                       .at = compiler->weights - (size_t)(height * width),
                                       .width = (size_t)width,
                                       .height = (size_t)height });
}

/* The second input of MatMul and of additions is a constant that fits the first. */
static bool check_constant(struct compiler *compiler, const struct graph_node *node,
                           const struct result *in, const struct result *constant,
                           struct step *step)
{
    bool is_product = step->operation->op == OP_MATMUL;

    if (constant == NULL || !constant->is_constant)
        return fail(compiler, node, "its second input must be a constant before it");
    if (node->transposes)
        return fail(compiler, node, "transposed matrices are not supported");
    if (is_product && constant->height != in->width && in->at == 0)
        return reason_set(compiler->reason, "the graph takes %zu features, the data have %zu",
                          constant->height, in->width);
    if (is_product ? constant->height != in->width
                   : constant->height != 1 || constant->width != in->width)
        return fail(compiler, node, "its inputs do not fit each other");
    step->weights = constant->at;
    step->result = constant->width;
    return true;
}

static bool compile_operation(struct compiler *compiler, const struct graph_node *node,
                              const struct operation *operation)
{
    struct graph        *graph = compiler->graph;
    const struct result *in;
    struct step          step = { .operation = operation };

    if (node->inputs != operation->inputs)
        return fail(compiler, node, "a wrong number of inputs");
    in = find(compiler, &node->input[0]);
    if (in == NULL || in->is_constant)
        return fail(compiler, node, "its input is not a layer before it");
    step.from = in->at;
    step.width = step.result = in->width;
    step.to = compiler->values;
    if (node->inputs == 2 &&
        !check_constant(compiler, node, in, find(compiler, &node->input[1]), &step))
        return false;
    graph->step[graph->steps++] = step;
    return add_result(compiler, node, (struct result){ .width = step.result, .height = 1 });
}

static bool compile_node(struct compiler *compiler, const struct graph_node *node)
{
    if (compiler->results == GRAPH_NODES_MAX)
        return fail(compiler, node, "too many nodes");
    if (graph_text_is(&node->op, "Placeholder"))
        return compile_input(compiler, node);
    if (graph_text_is(&node->op, "Const"))
        return compile_constant(compiler, node);
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
        if (graph_text_is(&node->op, operations[i].name))
            return compile_operation(compiler, node, &operations[i]);
    return fail(compiler, node, "the operation is not supported");
}

static bool choose_output(struct compiler *compiler)
{
    struct graph        *graph = compiler->graph;
    const struct result *output = NULL;

    for (size_t i = 0; i < compiler->results; i++) {
        const struct result *result = &compiler->result[i];

        if (result->is_used)
            continue;
        if (result->is_constant)
            return reason_set(compiler->reason, "a constant is not used: is the graph cut off?");
        if (output != NULL)
            return reason_set(compiler->reason, "the graph has more than one output");
        output = result;
    }
    if (!compiler->has_input || output == NULL || graph->steps == 0)
        return reason_set(compiler->reason, "the graph has no layers");
    if (output->width > MODEL_LABELS_MAX)
        return reason_set(compiler->reason, "the graph has %zu outputs: %d are possible",
                          output->width, MODEL_LABELS_MAX);
    graph->output = output->at;
    graph->model.labels = output->width > 1 ? output->width : 0;
    for (size_t i = 0; i < graph->model.labels; i++)
        graph->model.label[i] = (double)i;
    return true;
}

static bool compile(struct compiler *compiler, const void *data, size_t size)
{
    struct proto      in = proto(data, size);
    struct graph_node node;

    while (graph_next(&in, &node, compiler->reason))
        if (!compile_node(compiler, &node))
            return false;
    return !in.failed && choose_output(compiler);
}

struct model *graph_parse(const void *data, size_t size, const struct features *features,
                          struct reason *reason)
{
    struct compiler *compiler = engine_array(1, sizeof(*compiler), reason);
    struct graph    *graph = engine_array(1, sizeof(*graph), reason);
    bool             done = false;

    if (compiler != NULL && graph != NULL) {
        graph->model.class = &graph_class;
        graph->model.features = features->count;
        graph->step = engine_array(GRAPH_NODES_MAX, sizeof(*graph->step), reason);
        *compiler = (struct compiler){ .graph = graph, .reason = reason };
        done = graph->step != NULL && compile(compiler, data, size);
    }
    free(compiler);
    if (done)
        return &graph->model;
    if (graph != NULL && graph->model.class != NULL)
        model_free(&graph->model);
    else
        free(graph);
    return NULL;
}

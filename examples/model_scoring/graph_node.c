/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_node.c - see graph.h.
 */
#include <string.h>

#include "graph.h"

enum { DTYPE_FLOAT = 1 };

bool graph_text_is(const struct graph_text *text, const char *string)
{
    return text->size == strlen(string) && memcmp(text->data, string, text->size) == 0;
}

static struct graph_text text_of(const struct proto_field *field)
{
    return (struct graph_text){ .data = field->data, .size = field->size };
}

static bool is_bytes(const struct proto_field *field, uint32_t number)
{
    return field->number == number && field->type == PROTO_BYTES;
}

static bool read_extent(const struct proto_field *dim, struct graph_tensor *tensor)
{
    struct proto in = proto(dim->data, dim->size);
    uint64_t     extent = 0;

    for (struct proto_field field; proto_next(&in, &field);)
        if (field.number == 1 && field.type == PROTO_VARINT)
            extent = field.value;
    if (in.failed || tensor->rank == GRAPH_RANK_MAX)
        return false;
    tensor->extent[tensor->rank++] = extent;
    return true;
}

static bool read_shape(const struct proto_field *shape, struct graph_tensor *tensor)
{
    struct proto in = proto(shape->data, shape->size);

    for (struct proto_field field; proto_next(&in, &field);)
        if (is_bytes(&field, 2) && !read_extent(&field, tensor))
            return false;
    return !in.failed;
}

static bool read_tensor(const struct proto_field *value, struct graph_tensor *tensor)
{
    struct proto in = proto(value->data, value->size);

    *tensor = (struct graph_tensor){ 0 };
    for (struct proto_field field; proto_next(&in, &field);) {
        bool is_single = field.number == 5 && field.type == PROTO_FIXED32;

        if (field.number == 1 && field.type == PROTO_VARINT)
            tensor->is_float = field.value == DTYPE_FLOAT;
        if (is_bytes(&field, 2) && !read_shape(&field, tensor))
            return false;
        if (is_single || is_bytes(&field, 4) || is_bytes(&field, 5)) {
            if (tensor->data != NULL || field.size % 4 != 0)
                return false; /* floats in pieces: no writer of frozen graphs does this */
            tensor->data = field.data;
            tensor->floats = field.size / 4;
        }
    }
    return !in.failed;
}

static bool read_value(const struct graph_text *key, const struct proto_field *value,
                       struct graph_node *node)
{
    struct proto in = proto(value->data, value->size);

    for (struct proto_field field; proto_next(&in, &field);) {
        if (field.number == 5 && field.type == PROTO_VARINT && field.value != 0 &&
            (graph_text_is(key, "transpose_a") || graph_text_is(key, "transpose_b")))
            node->transposes = true;
        if (is_bytes(&field, 8) && graph_text_is(key, "value") &&
            !read_tensor(&field, &node->tensor))
            return false;
    }
    return !in.failed;
}

static bool read_attribute(const struct proto_field *attribute, struct graph_node *node)
{
    struct proto       in = proto(attribute->data, attribute->size);
    struct graph_text  key = { .data = (const unsigned char *)"" };
    struct proto_field value = { 0 };

    for (struct proto_field field; proto_next(&in, &field);) {
        if (is_bytes(&field, 1))
            key = text_of(&field);
        if (is_bytes(&field, 2))
            value = field;
    }
    return !in.failed && read_value(&key, &value, node);
}

static bool read_node(const struct proto_field *body, struct graph_node *node)
{
    struct proto in = proto(body->data, body->size);

    node->name = node->op = (struct graph_text){ .data = (const unsigned char *)"" };
    for (struct proto_field field; proto_next(&in, &field);) {
        if (is_bytes(&field, 1))
            node->name = text_of(&field);
        if (is_bytes(&field, 2))
            node->op = text_of(&field);
        if (is_bytes(&field, 3)) {
            if (node->inputs == GRAPH_INPUTS_MAX)
                return false;
            node->input[node->inputs++] = text_of(&field);
        }
        if (is_bytes(&field, 5) && !read_attribute(&field, node))
            return false;
    }
    return !in.failed;
}

bool graph_next(struct proto *in, struct graph_node *node, struct reason *reason)
{
    struct proto_field field;

    *node = (struct graph_node){ 0 };
    while (proto_next(in, &field)) {
        if (!is_bytes(&field, 1))
            continue; /* versions, function library: nothing that is computed */
        if (read_node(&field, node))
            return true;
        in->failed = true;
    }
    if (in->failed)
        reason_set(reason, "the bytes are not a whole TensorFlow graph");
    return false;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * graph.h - a frozen TensorFlow graph as a list of nodes, as far as dense networks need it.
 *
 *      GraphDef  { 1: NodeDef* }      NodeDef { 1: name  2: op  3: input*  5: attr* }
 *      attribute { 1: key  2: AttrValue { 5: b  8: TensorProto } }
 *      TensorProto { 1: dtype  2: shape { 2: dim { 1: size } }  4: raw content  5: float* }
 *
 * Names and inputs point into the bytes. Not here: what the nodes compute (graph.c).
 */
#ifndef MODEL_SCORING_GRAPH_H
#define MODEL_SCORING_GRAPH_H

#include "engine.h"
#include "proto.h"

enum { GRAPH_NODES_MAX = 1024, GRAPH_INPUTS_MAX = 2, GRAPH_RANK_MAX = 2 };

struct graph_text {
    const unsigned char *data;
    size_t               size;
};

struct graph_tensor {
    bool                 is_float;
    size_t               rank;
    uint64_t             extent[GRAPH_RANK_MAX];
    const unsigned char *data;   /* little-endian floats                              */
    size_t               floats; /* one float stands for all of a tensor: as TF has it */
};

struct graph_node {
    struct graph_text   name;
    struct graph_text   op;
    struct graph_text   input[GRAPH_INPUTS_MAX];
    size_t              inputs;
    bool                transposes; /* transpose_a or transpose_b is true */
    struct graph_tensor tensor;     /* of a Const                         */
};

bool graph_text_is(const struct graph_text *text, const char *string);

/* The next node of the GraphDef. False at the end, or with a reason and `in->failed`. */
bool graph_next(struct proto *in, struct graph_node *node, struct reason *reason);

#endif

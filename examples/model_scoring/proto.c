/* SPDX-License-Identifier: Apache-2.0
 *
 * proto.c - see proto.h.
 */
#include "proto.h"

struct proto proto(const void *data, size_t size)
{
    const unsigned char *bytes = data;

    return (struct proto){ .at = bytes, .end = size == 0 ? bytes : bytes + size };
}

static uint64_t get_varint(struct proto *in)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && in->at < in->end; shift += 7) {
        unsigned char byte = *in->at++;

        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return value;
    }
    in->failed = true;
    return 0;
}

static void get_span(struct proto *in, struct proto_field *field, uint64_t size)
{
    if (size > (size_t)(in->end - in->at)) {
        in->failed = true;
        return;
    }
    field->data = in->at;
    field->size = (size_t)size;
    in->at += size;
}

bool proto_next(struct proto *in, struct proto_field *field)
{
    uint64_t tag;

    *field = (struct proto_field){ 0 };
    if (in->failed || in->at == in->end)
        return false;
    tag = get_varint(in);
    field->number = (uint32_t)(tag >> 3);
    field->type = (enum proto_type)(tag & 7);
    if (field->type == PROTO_VARINT)
        field->value = get_varint(in);
    else if (field->type == PROTO_FIXED64)
        get_span(in, field, 8);
    else if (field->type == PROTO_FIXED32)
        get_span(in, field, 4);
    else if (field->type == PROTO_BYTES)
        get_span(in, field, get_varint(in));
    else
        in->failed = true;
    return !in->failed;
}

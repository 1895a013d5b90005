/* SPDX-License-Identifier: Apache-2.0
 *
 * proto.h - protocol buffers' wire format, read field by field without a schema compiler.
 *
 *      struct proto in = proto(data, size);
 *      for (struct proto_field field; proto_next(&in, &field);)
 *          if (field.number == 1 && field.type == PROTO_BYTES) ...
 *      if (in.failed) ...
 */
#ifndef MODEL_SCORING_PROTO_H
#define MODEL_SCORING_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum proto_type { PROTO_VARINT = 0, PROTO_FIXED64 = 1, PROTO_BYTES = 2, PROTO_FIXED32 = 5 };

struct proto {
    const unsigned char *at;
    const unsigned char *end;
    bool                 failed; /* the bytes are not what the format allows */
};

struct proto_field {
    uint32_t             number;
    enum proto_type      type;
    uint64_t             value; /* PROTO_VARINT                           */
    const unsigned char *data;  /* all other types; points into the bytes */
    size_t               size;
};

struct proto proto(const void *data, size_t size);

/* False at the end and after a failure. */
bool proto_next(struct proto *in, struct proto_field *field);

#endif

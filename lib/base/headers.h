/* SPDX-License-Identifier: Apache-2.0
 *
 * headers.h - what a list of record headers is made of, and its bytes in logs and stores.
 *
 * A list is immutable once a record points at it. Names are terminated. The encoded form, used by
 * the memory and embedded logs and by store rows, is: varint count, then per header varint name
 * length, name, varint value length + 1 (0 = null), value. An empty list is encoded as no bytes and
 * decoded as NULL.
 *
 * Not here: arena lists for callbacks (topology/ctx.c makes them of the same struct).
 * Threads: none of its own.
 */
#ifndef KS_BASE_HEADERS_H
#define KS_BASE_HEADERS_H

#include "base/arena.h"
#include "base/buffer.h"

#include <kstream/record.h>

struct ks__header {
    const char *name;
    ks_bytes    value;
};

struct ks_headers {
    size_t             count;
    size_t             capacity; /* of a heap list (ks_headers_new); 0 = not on the heap */
    struct ks__header *items;
};

/* Append the encoded form. NULL or empty appends nothing. */
ks_status ks__headers_encode(const ks_headers *headers, struct ks__buffer *out);
/* Decode into the arena; values point into `bytes`, names are copied. No bytes give NULL.
 * KS_EDATA for damaged bytes, KS_ENOMEM. */
ks_status ks__headers_decode(ks_bytes bytes, struct ks__arena *arena, const ks_headers **out);
/* A copy in the arena, values too. */
ks_status ks__headers_copy(const ks_headers *headers, struct ks__arena *arena,
                           const ks_headers **out);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * refusal.c - see refusal.h.
 */
#include <inttypes.h>
#include <string.h>

#include "refusal.h"
#include "wire.h"

enum { FORMAT = 2, HEAD_BYTES = 12, REASON_MAX = 255 };

ks_bytes refusal_encode(ks_ctx *ctx, const struct refusal *refusal)
{
    size_t             name = strlen(refusal->name);
    size_t             reason = refusal->reason.size;
    size_t             size;
    void              *bytes;
    struct wire_writer out;

    if (reason > REASON_MAX)
        reason = REASON_MAX;
    size = HEAD_BYTES + name + reason + refusal->original.size;
    bytes = ks_ctx_alloc(ctx, size);
    if (bytes == NULL)
        return KS_NULL;
    out = wire_writer(bytes, size);
    wire_put_u8(&out, FORMAT);
    wire_put_u8(&out, (uint8_t)name);
    wire_put_u8(&out, (uint8_t)reason);
    wire_put_u8(&out, 0);
    wire_put_u64(&out, refusal->version);
    wire_put_bytes(&out, refusal->name, name);
    wire_put_bytes(&out, refusal->reason.data, reason);
    wire_put_bytes(&out, refusal->original.data, refusal->original.size);
    return ks_bytes_of(bytes, size);
}

bool refusal_decode(struct refusal *refusal, ks_bytes bytes)
{
    struct wire_reader in = wire_reader(bytes.data, bytes.size);
    uint8_t            format = wire_get_u8(&in);
    uint8_t            name = wire_get_u8(&in);
    uint8_t            reason = wire_get_u8(&in);
    const void        *text;

    if (format != FORMAT || name > ENVELOPE_NAME_MAX)
        return false;
    *refusal = (struct refusal){ 0 };
    (void)wire_get_u8(&in);
    refusal->version = wire_get_u64(&in);
    text = wire_get_bytes(&in, name);
    if (text != NULL)
        memcpy(refusal->name, text, name);
    refusal->reason = ks_bytes_of(wire_get_bytes(&in, reason), reason);
    refusal->original.size = in.left;
    refusal->original.data = wire_get_bytes(&in, in.left);
    return wire_done(&in);
}

void refusal_label(ks_ctx *ctx, ks_record *record, ks_bytes reason)
{
    ks_origin origin;

    ks_ctx_header_add(ctx, record, "reason", reason);
    if (!ks_ctx_origin(ctx, &origin))
        return;
    ks_ctx_header_add(ctx, record, "topic", ks_bytes_text(origin.topic));
    ks_ctx_header_add(ctx, record, "partition", ks_ctx_text(ctx, "%" PRId32, origin.partition));
    ks_ctx_header_add(ctx, record, "offset", ks_ctx_text(ctx, "%" PRId64, origin.offset));
}

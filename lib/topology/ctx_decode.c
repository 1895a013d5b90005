/* SPDX-License-Identifier: Apache-2.0
 *
 * ctx_decode.c - objects that a user's serde decodes, once per record and bytes.
 *
 *      ctx->decoded --> {serde, bytes, object} --> ...       in the arena, newest first
 *
 * An object is destroyed at the end of the record. What was decoded while a user's record was being
 * forwarded is not found afterwards (ctx.c), as its bytes may have been the user's own.
 * Threads: the task's.
 */
#include "serde/serde.h"
#include "topology/op.h"

struct ks__decoded {
    struct ks__decoded *next;
    const ks_serde     *serde;
    ks_bytes            bytes;
    const void         *object; /* NULL = does not decode */
};

static const struct ks__decoded *find(const ks_ctx *ctx, const ks_serde *serde, ks_bytes bytes)
{
    for (const struct ks__decoded *d = ctx->decoded; d != NULL; d = d->next)
        if (d->serde == serde && d->bytes.data == bytes.data && d->bytes.size == bytes.size)
            return d;
    return NULL;
}

const void *ks_ctx_decode(ks_ctx *ctx, const ks_serde *serde, ks_bytes bytes)
{
    const struct ks__decoded *found;
    struct ks__decoded       *decoded;
    void                     *object;
    void (*destroy)(void *object) = NULL;

    if (ctx->error->status != KS_OK || bytes.data == NULL)
        return NULL;
    if (serde == NULL || serde->user.decode == NULL) {
        ks__ctx_raise(ctx, KS_EINVAL, "serde %s has no decode function", ks_serde_name(serde));
        return NULL;
    }
    found = find(ctx, serde, bytes);
    if (found != NULL)
        return found->object;
    decoded = ks__arena_alloc(ctx->arena, sizeof(*decoded));
    if (decoded == NULL) {
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory to decode with serde %s", serde->name);
        return NULL;
    }
    object   = serde->user.decode(&bytes, &destroy, serde->user.user);
    *decoded = (struct ks__decoded){ ctx->decoded, serde, bytes, object };
    ctx->decoded = decoded;
    if (object != NULL && destroy != NULL)
        ctx->ops->at_record_end(ctx, destroy, object);
    if (ctx->error->status != KS_OK)
        decoded->object = NULL; /* it has been destroyed at once */
    return decoded->object;
}

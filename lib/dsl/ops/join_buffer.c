/* SPDX-License-Identifier: Apache-2.0
 *
 * join_buffer.c - put waiting records into a store and take them out in their order.
 */
#include "dsl/ops/join_buffer.h"

#include "base/buffer.h"

#include <string.h>

#define TIME_BYTES    8u
#define ARRIVAL_BYTES 4u
#define ARRIVALS      "arrivals" /* a clock of the operator */

/* Times are not negative: their bytes lie in their order. */
static ks_bytes row_key(ks_ctx *ctx, const ks_record *record, uint32_t arrival)
{
    const size_t size = TIME_BYTES + record->key.size + ARRIVAL_BYTES;
    uint8_t     *text = ks__arena_alloc(ctx->arena, size);

    if (text == NULL) {
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for a record that waits");
        return KS_NULL;
    }
    ks__put_be64(text, (uint64_t)record->timestamp_ms);
    if (record->key.size != 0)
        memcpy(text + TIME_BYTES, record->key.data, record->key.size);
    ks__put_be32(text + TIME_BYTES + record->key.size, arrival);
    return (ks_bytes){ text, size };
}

void ks__join_buffer_open(ks_ctx *ctx)
{
    ctx->ops->share_clock(ctx, ARRIVALS, NULL);
}

ks_bytes ks__join_buffer_put(ks_ctx *ctx, struct ks_kv_store *buffer, const ks_record *record)
{
    const int64_t        arrival = ctx->ops->clock(ctx, ARRIVALS, 0);
    const ks_bytes       key     = row_key(ctx, record, (uint32_t)arrival);
    const struct ks__row row     = { record->value, record->timestamp_ms, record->headers };

    if (key.data == NULL)
        return KS_NULL;
    ks__kv_put(buffer, key, &row);
    ctx->ops->set_clock(ctx, ARRIVALS, arrival + 1);
    return ctx->error->status == KS_OK ? key : KS_NULL;
}

void ks__join_buffer_release(ks_ctx *ctx, struct ks_kv_store *buffer, ks_bytes own,
                             int64_t until_ms, ks__join_buffer_fn *fn, void *user)
{
    uint8_t   limit[TIME_BYTES];
    ks_iter  *it;
    ks_record row;

    if (until_ms < 0)
        return;
    ks__put_be64(limit, (uint64_t)until_ms + 1);
    it = ks__kv_range(buffer, KS_NULL, (ks_bytes){ limit, sizeof(limit) }, KS_ASCENDING);
    while (ctx->error->status == KS_OK && ks_iter_next(it, &row)) {
        const ks_bytes key = row.key;

        if (row.timestamp_ms > until_ms)
            break;
        ks__kv_put(buffer, key, &(struct ks__row){ .value = KS_NULL });
        row.key = (ks_bytes){ (const uint8_t *)key.data + TIME_BYTES,
                              key.size - TIME_BYTES - ARRIVAL_BYTES };
        fn(ctx, user, &row);
        ks__ctx_forgive(ctx, &(struct ks__record){ .record = row }, ks_bytes_equal(key, own));
    }
    ks_iter_close(it);
}

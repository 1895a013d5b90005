/* SPDX-License-Identifier: Apache-2.0
 *
 * suppress_buffer.c - put held changes into a store and take them out in their order.
 */
#include "dsl/ops/suppress_buffer.h"

#include "base/buffer.h"
#include "base/reader.h"

#include <string.h>

#define TIME_BYTES 8u
#define SIGN       (UINT64_C(1) << 63)

enum tag { TAG_SIZES = 0, TAG_TIME = 1, TAG_CHANGE = 2 };

static const uint8_t sizes_key[1] = { TAG_SIZES };

static void *alloc(ks_ctx *ctx, size_t size)
{
    void *memory = ks__arena_alloc(ctx->arena, size);

    if (memory == NULL)
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for a change that is held back");
    return memory;
}

/* ---- keys ---- */

static ks_bytes time_key(ks_ctx *ctx, ks_bytes key)
{
    uint8_t *text = alloc(ctx, 1 + key.size);

    if (text == NULL)
        return KS_NULL;
    text[0] = TAG_TIME;
    if (key.size != 0)
        memcpy(text + 1, key.data, key.size);
    return (ks_bytes){ text, 1 + key.size };
}

static ks_bytes change_key(ks_ctx *ctx, int64_t time_ms, ks_bytes key)
{
    uint8_t *text = alloc(ctx, 1 + TIME_BYTES + key.size);

    if (text == NULL)
        return KS_NULL;
    text[0] = TAG_CHANGE;
    ks__put_be64(text + 1, (uint64_t)time_ms ^ SIGN);
    if (key.size != 0)
        memcpy(text + 1 + TIME_BYTES, key.data, key.size);
    return (ks_bytes){ text, 1 + TIME_BYTES + key.size };
}

/* ---- sizes ---- */

struct ks__held_sizes ks__held_sizes(struct ks_kv_store *buffer)
{
    struct ks__held_sizes sizes = { .first_ms = INT64_MAX };
    struct ks__reader     in;
    struct ks__row        row;

    if (!ks__kv_get(buffer, (ks_bytes){ sizes_key, 1 }, &row))
        return sizes;
    in             = ks__reader_of(row.value);
    sizes.count    = ks__reader_i64(&in);
    sizes.bytes    = ks__reader_i64(&in);
    sizes.first_ms = ks__reader_i64(&in);
    return sizes;
}

static void put_sizes(struct ks_kv_store *buffer, const struct ks__held_sizes *sizes)
{
    uint8_t text[24];

    ks__put_be64(text, (uint64_t)sizes->count);
    ks__put_be64(text + 8, (uint64_t)sizes->bytes);
    ks__put_be64(text + 16, (uint64_t)sizes->first_ms);
    ks__kv_put(buffer, (ks_bytes){ sizes_key, 1 },
               &(struct ks__row){ .value = { text, sizeof(text) } });
}

static int64_t size_of(const struct ks__held *held)
{
    return (int64_t)(held->key.size + held->value.size + held->old.size + held->prior.size);
}

/* ---- changes ---- */

static uint8_t *put_sized(uint8_t *at, ks_bytes bytes)
{
    ks__put_be32(at, bytes.data != NULL ? (uint32_t)bytes.size : UINT32_MAX);
    if (bytes.size != 0)
        memcpy(at + 4, bytes.data, bytes.size);
    return at + 4 + bytes.size;
}

bool ks__held_read(ks_bytes key, ks_bytes value, struct ks__held *held)
{
    struct ks__reader in = ks__reader_of(key);

    *held = (struct ks__held){ .key = KS_NULL };
    ks__reader_u8(&in);
    held->time_ms = (int64_t)(ks__reader_u64(&in) ^ SIGN);
    held->key     = ks__reader_rest(&in);
    if (in.failed)
        return false;
    in          = ks__reader_of(value);
    held->value = ks__reader_sized(&in);
    held->old   = ks__reader_sized(&in);
    held->prior = ks__reader_sized(&in);
    return ks__reader_done(&in);
}

static bool read_change(ks_ctx *ctx, ks_bytes key, const struct ks__row *row,
                        struct ks__held *held)
{
    if (!ks__held_read(key, row->value, held))
        ks__ctx_raise(ctx, KS_ECORRUPT, "a change that was held back is damaged");
    held->timestamp_ms = row->timestamp_ms;
    held->headers      = row->headers;
    return ctx->error->status == KS_OK;
}

bool ks__held_get(ks_ctx *ctx, struct ks_kv_store *buffer, ks_bytes key, struct ks__held *held)
{
    ks_bytes       row_key = time_key(ctx, key);
    struct ks__row row;

    if (row_key.data == NULL || !ks__kv_get(buffer, row_key, &row))
        return false;
    row_key = change_key(ctx, ks_bytes_i64(row.value, 0), key);
    return row_key.data != NULL && ks__kv_get(buffer, row_key, &row) &&
           read_change(ctx, row_key, &row, held);
}

size_t ks__held_size(const struct ks__held *held)
{
    return 12 + held->value.size + held->old.size + held->prior.size;
}

void ks__held_write(const struct ks__held *held, uint8_t *out)
{
    put_sized(put_sized(put_sized(out, held->value), held->old), held->prior);
}

static void write_change(ks_ctx *ctx, struct ks_kv_store *buffer, const struct ks__held *held)
{
    ks_bytes       key  = change_key(ctx, held->time_ms, held->key);
    const size_t   size = ks__held_size(held);
    uint8_t       *text = alloc(ctx, size);
    struct ks__row row  = { { text, size }, held->timestamp_ms, held->headers };

    if (text == NULL || key.data == NULL)
        return;
    ks__held_write(held, text);
    ks__kv_put(buffer, key, &row);
}

static void write_time(ks_ctx *ctx, struct ks_kv_store *buffer, const struct ks__held *held)
{
    uint8_t        text[TIME_BYTES];
    ks_bytes       key = time_key(ctx, held->key);
    struct ks__row row = { .value = { text, sizeof(text) } };

    ks__put_be64(text, (uint64_t)held->time_ms);
    if (key.data != NULL)
        ks__kv_put(buffer, key, &row);
}

bool ks__held_put(ks_ctx *ctx, struct ks_kv_store *buffer, const struct ks__held *change)
{
    struct ks__held_sizes sizes = ks__held_sizes(buffer);
    struct ks__held       held  = *change;
    struct ks__held       before;

    if (ks__held_get(ctx, buffer, held.key, &before)) {
        held.time_ms = before.time_ms; /* SB1 */
        held.prior   = before.prior;   /* SB2 */
        sizes.bytes -= size_of(&before);
    } else {
        held.prior = held.old;
        sizes.count++;
        write_time(ctx, buffer, &held);
    }
    sizes.bytes += size_of(&held);
    if (held.time_ms < sizes.first_ms)
        sizes.first_ms = held.time_ms;
    write_change(ctx, buffer, &held);
    put_sizes(buffer, &sizes);
    return ctx->error->status == KS_OK;
}

/* ---- release ---- */

static void forget(ks_ctx *ctx, struct ks_kv_store *buffer, ks_bytes row_key,
                   const struct ks__held *held)
{
    const struct ks__row none = { .value = KS_NULL };
    ks_bytes             key  = time_key(ctx, held->key);

    ks__kv_put(buffer, row_key, &none);
    if (key.data != NULL)
        ks__kv_put(buffer, key, &none);
}

void ks__held_release(ks_ctx *ctx, struct ks_kv_store *buffer, const struct ks__held_taker *taker)
{
    static const uint8_t  first[1] = { TAG_CHANGE };
    struct ks__held_sizes sizes    = ks__held_sizes(buffer);
    ks_iter              *it;
    ks_record             row;

    if (sizes.count == 0 || !taker->wanted(ctx, taker->user, &sizes))
        return;
    it             = ks__kv_prefix(buffer, (ks_bytes){ first, 1 }, KS_ASCENDING);
    sizes.first_ms = INT64_MAX;
    while (ctx->error->status == KS_OK && ks_iter_next(it, &row)) {
        const struct ks__row stored = { row.value, row.timestamp_ms, row.headers };
        struct ks__held      held;

        if (!read_change(ctx, row.key, &stored, &held))
            break;
        sizes.first_ms = held.time_ms;
        if (!taker->wanted(ctx, taker->user, &sizes))
            break;
        /* Who is told and reads the row sees it as still held back, as in Kafka Streams. */
        taker->take(ctx, taker->user, &held);
        sizes.first_ms = INT64_MAX;
        sizes.count--;
        sizes.bytes -= size_of(&held);
        forget(ctx, buffer, row.key, &held);
        put_sizes(buffer, &sizes);
    }
    put_sizes(buffer, &sizes);
    ks_iter_close(it);
}

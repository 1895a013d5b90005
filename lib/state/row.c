/* SPDX-License-Identifier: Apache-2.0
 *
 * row.c - see row.h.
 */
#include "state/row.h"

#include "base/assert.h"
#include "base/hash.h"
#include "base/reader.h"

#include <string.h>

#define HAS_HEADERS 1u
#define KNOWN_FLAGS HAS_HEADERS

static void (*long_hash)(const void *data, size_t size, uint8_t out[16]) = ks__hash128;

void ks__row_set_hash(void (*hash)(const void *data, size_t size, uint8_t out[16]))
{
    long_hash = hash != NULL ? hash : ks__hash128;
}

/* ---- keys ---- */

static size_t key_start(ks_bytes key, uint8_t *text)
{
    size_t size = ks__row_is_long(key) ? KS__ROW_SHORT_KEY : key.size;

    text[0] = 0;
    if (size != 0)
        memcpy(text + 1, key.data, size);
    return size + 1;
}

ks_bytes ks__row_key(ks_bytes key, uint8_t text[KS__ROW_KEY_LIMIT])
{
    size_t size = key_start(key, text);

    if (ks__row_is_long(key)) {
        long_hash(key.data, key.size, text + size);
        size += KS__ROW_HASH_BYTES;
    }
    return (ks_bytes){ text, size };
}

ks_bytes ks__row_seek_key(ks_bytes key, bool above, uint8_t text[KS__ROW_KEY_LIMIT])
{
    size_t size = key_start(key, text);

    if (above && ks__row_is_long(key)) {
        memset(text + size, 0xff, KS__ROW_HASH_BYTES);
        size += KS__ROW_HASH_BYTES;
    }
    return (ks_bytes){ text, size };
}

/* ---- rows ---- */

static size_t encoded_size(const struct ks__row_parts *row)
{
    return 9 + (row->headers.size != 0 ? 4 + row->headers.size : 0) + row->value.size;
}

void ks__row_encode(struct ks__buffer *out, const struct ks__row_parts *row)
{
    bool has_headers = row->headers.size != 0;

    ks__assert(row->value.data != NULL);
    if (!ks__buffer_reserve(out, encoded_size(row)))
        return;
    ks__buffer_append_u8(out, has_headers ? HAS_HEADERS : 0);
    ks__buffer_append_be64(out, (uint64_t)row->timestamp_ms);
    if (has_headers) {
        ks__buffer_append_be32(out, (uint32_t)row->headers.size);
        ks__buffer_append_bytes(out, row->headers);
    }
    ks__buffer_append_bytes(out, row->value);
}

ks_status ks__row_split(ks_bytes bytes, struct ks__row_parts *out)
{
    struct ks__reader in    = ks__reader_of(bytes);
    uint8_t           flags = ks__reader_u8(&in);

    *out              = (struct ks__row_parts){ .headers = KS_NULL };
    out->timestamp_ms = ks__reader_i64(&in);
    if ((flags & ~KNOWN_FLAGS) != 0)
        ks__reader_fail(&in);
    if ((flags & HAS_HEADERS) != 0)
        out->headers = ks__reader_bytes(&in, ks__reader_u32(&in));
    out->value = ks__reader_rest(&in);
    if (!ks__reader_done(&in))
        return KS_ECORRUPT;
    if (out->value.data == NULL)
        out->value.data = "";
    return KS_OK;
}

/* ---- chains ---- */

void ks__row_encode_link(struct ks__buffer *out, ks_bytes key, const struct ks__row_parts *row)
{
    ks__buffer_append_be32(out, (uint32_t)(4 + key.size + encoded_size(row)));
    ks__buffer_append_be32(out, (uint32_t)key.size);
    ks__buffer_append_bytes(out, key);
    ks__row_encode(out, row);
}

bool ks__row_next_link(ks_bytes *chain, ks_bytes *key, ks_bytes *row, ks_bytes *whole)
{
    struct ks__reader in   = ks__reader_of(*chain);
    ks_bytes          link = ks__reader_bytes(&in, ks__reader_u32(&in));
    struct ks__reader body;

    if (chain->size == 0 || in.failed)
        return false;
    body = ks__reader_of(link);
    *key = ks__reader_bytes(&body, ks__reader_u32(&body));
    *row = ks__reader_rest(&body);
    if (body.failed)
        return false;
    if (whole != NULL)
        *whole = (ks_bytes){ chain->data, link.size + 4 };
    *chain = ks__reader_rest(&in);
    return true;
}

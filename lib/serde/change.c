/* SPDX-License-Identifier: Apache-2.0
 *
 * change.c - the pair of values of a change, to bytes and back.
 */
#include "serde/change.h"

#include "base/assert.h"
#include "base/reader.h"

#include <string.h>

#define VARINT_BYTES 5u
#define LATEST_FLAGS 3u /* formats that say "is the latest": 3, 4, 5 for 0, 1, 2 */

enum format { ONLY_BEFORE = 0, ONLY_NOW = 1, BOTH = 2 };

static uint8_t *put(uint8_t *at, ks_bytes bytes)
{
    if (bytes.size != 0)
        memcpy(at, bytes.data, bytes.size);
    return at + bytes.size;
}

static uint8_t *put_varint(uint8_t *at, uint32_t number)
{
    uint32_t zigzag = number << 1;

    for (; zigzag >= 0x80; zigzag >>= 7)
        *at++ = (uint8_t)(zigzag | 0x80);
    *at++ = (uint8_t)zigzag;
    return at;
}

bool ks__change_write(const struct ks__change *change, struct ks__arena *arena, ks_bytes *out)
{
    const bool now    = change->now.data != NULL;
    const bool before = change->before.data != NULL;
    uint8_t   *text   = ks__arena_alloc(arena, VARINT_BYTES + change->now.size +
                                                   change->before.size + 1);
    uint8_t   *at     = text;

    ks__assert(now || before);
    if (text == NULL)
        return false;
    if (now && before)
        at = put_varint(at, (uint32_t)change->now.size);
    if (now)
        at = put(at, change->now);
    if (before)
        at = put(at, change->before);
    *at++ = now && before ? BOTH : now ? ONLY_NOW : ONLY_BEFORE;
    *out  = (ks_bytes){ text, (size_t)(at - text) };
    return true;
}

/* A size; false = longer than the rest, or no number. */
static bool read_varint(struct ks__reader *in, size_t *size)
{
    uint32_t zigzag = 0;

    for (unsigned shift = 0; shift < 7 * VARINT_BYTES; shift += 7) {
        uint8_t byte = ks__reader_u8(in);

        zigzag |= (uint32_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *size = zigzag >> 1;
            return !in->failed && (zigzag & 1) == 0 && *size <= in->left;
        }
    }
    return false;
}

bool ks__change_read(ks_bytes bytes, struct ks__change *out)
{
    struct ks__reader in;
    uint8_t           format;
    size_t            size;

    *out = (struct ks__change){ KS_NULL, KS_NULL };
    if (bytes.size == 0)
        return false;
    format = ((const uint8_t *)bytes.data)[--bytes.size];
    if (format >= LATEST_FLAGS) {
        format = (uint8_t)(format - LATEST_FLAGS);
        if (bytes.size-- == 0)
            return false;
    }
    in = ks__reader_of(bytes);
    if (format > BOTH || (format == BOTH && !read_varint(&in, &size)))
        return false;
    if (format == BOTH)
        out->now = ks__reader_bytes(&in, size);
    if (format == ONLY_NOW)
        out->now = ks__reader_rest(&in);
    else
        out->before = ks__reader_rest(&in);
    return !in.failed;
}

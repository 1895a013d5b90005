/* SPDX-License-Identifier: Apache-2.0
 *
 * reader.c - reads of reader.h; take() is the only place that looks at the bounds.
 */
#include "base/reader.h"

#include "base/buffer.h"

/* Where the next `size` bytes start, or NULL with the failure latched. */
static const uint8_t *take(struct ks__reader *reader, size_t size)
{
    const uint8_t *at = reader->next;

    if (reader->failed || size > reader->left) {
        ks__reader_fail(reader);
        return NULL;
    }
    reader->next += size;
    reader->left -= size;
    return at;
}

struct ks__reader ks__reader_of(ks_bytes bytes)
{
    static const uint8_t nothing;

    if (bytes.data == NULL)
        return (struct ks__reader){ .next = &nothing };
    return (struct ks__reader){ .next = bytes.data, .left = bytes.size };
}

uint8_t ks__reader_u8(struct ks__reader *reader)
{
    const uint8_t *at = take(reader, 1);

    return at != NULL ? *at : 0;
}

uint16_t ks__reader_u16(struct ks__reader *reader)
{
    const uint8_t *at = take(reader, 2);

    return at != NULL ? ks__get_be16(at) : 0;
}

uint32_t ks__reader_u32(struct ks__reader *reader)
{
    const uint8_t *at = take(reader, 4);

    return at != NULL ? ks__get_be32(at) : 0;
}

uint64_t ks__reader_u64(struct ks__reader *reader)
{
    const uint8_t *at = take(reader, 8);

    return at != NULL ? ks__get_be64(at) : 0;
}

int16_t ks__reader_i16(struct ks__reader *reader)
{
    return (int16_t)ks__reader_u16(reader);
}

int32_t ks__reader_i32(struct ks__reader *reader)
{
    return (int32_t)ks__reader_u32(reader);
}

int64_t ks__reader_i64(struct ks__reader *reader)
{
    return (int64_t)ks__reader_u64(reader);
}

ks_bytes ks__reader_bytes(struct ks__reader *reader, size_t size)
{
    const uint8_t *at = take(reader, size);

    return at != NULL ? (ks_bytes){ at, size } : (ks_bytes){ "", 0 };
}

ks_bytes ks__reader_sized(struct ks__reader *reader)
{
    int32_t size = ks__reader_i32(reader);

    if (size == -1)
        return (ks_bytes){ NULL, 0 };
    if (size < 0)
        ks__reader_fail(reader);
    return ks__reader_bytes(reader, size > 0 ? (size_t)size : 0);
}

ks_bytes ks__reader_rest(struct ks__reader *reader)
{
    return ks__reader_bytes(reader, reader->left);
}

void ks__reader_fail(struct ks__reader *reader)
{
    reader->failed = true;
    reader->left   = 0;
}

bool ks__reader_done(const struct ks__reader *reader)
{
    return !reader->failed && reader->left == 0;
}

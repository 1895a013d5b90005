/* SPDX-License-Identifier: Apache-2.0
 *
 * chunk.c - records of one partition, in the order of their offsets, as one value.
 *
 *      version 1 u16 | 0 u16 | count u32 | span u32 | header bytes u32
 *      per record: timestamp i64 | offset - base u32 | key i32 | value i32 | headers u32 | bytes
 *
 * Numbers are big-endian; a size of -1 is null. Header bytes are as in base/headers.h. Offsets are
 * kept one by one so that a compacted chunk may have holes.
 */
#include "log/embedded/embedded.h"

#include "base/headers.h"
#include "base/reader.h"

#include <string.h>

#define VERSION      1u
#define HEAD_BYTES   16u
#define RECORD_BYTES 24u

/* A decoded header takes at most so much for each of its encoded bytes, two at least, and for the
 * list: an item of 24 bytes and a terminator for two bytes. */
#define HEADER_GROWTH 13u
#define LIST_BYTES    48u

static uint32_t size_of(ks_bytes bytes)
{
    return bytes.data != NULL ? (uint32_t)bytes.size : UINT32_MAX;
}

static void encode_record(struct ks__buffer *out, const struct ks__log_record *record,
                          uint32_t delta)
{
    size_t   at = out->size;
    uint8_t *head;
    size_t   headers_at;

    if (ks__buffer_extend(out, RECORD_BYTES) == NULL)
        return;
    ks__buffer_append_bytes(out, record->record.key);
    ks__buffer_append_bytes(out, record->record.value);
    headers_at = out->size;
    ks__headers_encode(record->record.headers, out);
    if (out->failed)
        return;
    head = out->data + at;
    ks__put_be64(head, (uint64_t)record->record.timestamp_ms);
    ks__put_be32(head + 8, delta);
    ks__put_be32(head + 12, size_of(record->record.key));
    ks__put_be32(head + 16, size_of(record->record.value));
    ks__put_be32(head + 20, (uint32_t)(out->size - headers_at));
}

/* Without holes records follow each other, whatever offsets they say. */
static ks_status encode(struct ks__buffer *out, const struct ks__segment *segment, bool holes)
{
    const struct ks__log_record *records      = segment->records;
    uint32_t                     header_bytes = 0, span = segment->count;

    if (holes)
        span = (uint32_t)(records[segment->count - 1].offset - records[0].offset) + 1;

    ks__buffer_clear(out);
    ks__buffer_append_be16(out, VERSION);
    ks__buffer_append_be16(out, 0);
    ks__buffer_append_be32(out, segment->count);
    ks__buffer_append_be32(out, span);
    ks__buffer_append_be32(out, 0);
    for (uint32_t i = 0; i < segment->count; i++) {
        size_t at = out->size;

        encode_record(out, &records[i],
                      holes ? (uint32_t)(records[i].offset - records[0].offset) : i);
        if (!out->failed)
            header_bytes += ks__get_be32(out->data + at + 20);
    }
    if (out->failed)
        return KS_ENOMEM;
    ks__put_be32(out->data + 12, header_bytes);
    return KS_OK;
}

ks_status ks__chunk_encode(struct ks__buffer *out, const struct ks__segment *segment)
{
    return encode(out, segment, false);
}

ks_status ks__chunk_encode_holes(struct ks__buffer *out, const struct ks__segment *segment)
{
    return encode(out, segment, true);
}

ks_status ks__chunk_open(ks_bytes value, struct ks__chunk *out)
{
    struct ks__reader in      = ks__reader_of(value);
    uint16_t          version = ks__reader_u16(&in);

    ks__reader_u16(&in);
    out->count        = ks__reader_u32(&in);
    out->span         = ks__reader_u32(&in);
    out->header_bytes = ks__reader_u32(&in);
    out->body         = ks__reader_rest(&in);
    if (in.failed || version != VERSION || out->count == 0 || out->span < out->count ||
        out->count > out->body.size / RECORD_BYTES || out->header_bytes > out->body.size)
        return KS_ECORRUPT;
    return KS_OK;
}

size_t ks__chunk_need(const struct ks__chunk *chunk)
{
    size_t need = chunk->body.size + 8;

    if (chunk->header_bytes > 0)
        need += (size_t)chunk->header_bytes * HEADER_GROWTH + (size_t)chunk->count * LIST_BYTES;
    return need;
}

static bool read_bytes(struct ks__reader *in, uint32_t size, ks_bytes *out)
{
    *out = size == UINT32_MAX ? KS_NULL : ks__reader_bytes(in, size);
    return !in->failed;
}

/* Offsets ascend and end within the span: readers search by them. */
static bool is_next(const struct ks__chunk *chunk, uint32_t delta, int64_t last)
{
    return delta > last && delta < chunk->span;
}

ks_status ks__chunk_decode(const struct ks__chunk *chunk, int64_t base, int64_t from,
                           struct ks__segment *segment)
{
    struct ks__reader in     = ks__reader_of(chunk->body);
    int64_t           last   = -1;
    struct ks__arena  arena  = { .next = NULL };    /* of headers, made when one occurs */
    ks_status         status = KS_OK;

    for (uint32_t i = 0; i < chunk->count && status == KS_OK; i++) {
        const uint8_t *head = ks__reader_bytes(&in, RECORD_BYTES).data;
        ks_record      record = { .window = NULL };
        ks_bytes       headers;
        int64_t        offset;

        if (in.failed || !is_next(chunk, ks__get_be32(head + 8), last) ||
            !read_bytes(&in, ks__get_be32(head + 12), &record.key) ||
            !read_bytes(&in, ks__get_be32(head + 16), &record.value) ||
            !read_bytes(&in, ks__get_be32(head + 20), &headers)) {
            status = KS_ECORRUPT;
            break;
        }
        last                = ks__get_be32(head + 8);
        offset              = base + last;
        record.timestamp_ms = (int64_t)ks__get_be64(head);
        if (offset < from)
            continue;
        if (segment->count == segment->capacity)
            break;
        if (headers.size > 0) {
            if (arena.present == NULL)
                status = ks__arena_init(&arena, 0, 0);
            if (status == KS_OK)
                status = ks__headers_decode(headers, &arena, &record.headers);
            if (status == KS_EDATA)
                status = KS_ECORRUPT;
        }
        if (status == KS_OK && !ks__segment_fits(segment, ks__segment_need(&record)))
            status = KS_ECORRUPT;               /* the chunk said it had fewer header bytes */
        if (status == KS_OK)
            ks__segment_append(segment, &record, offset);
    }
    ks__arena_release(&arena);
    return status;
}

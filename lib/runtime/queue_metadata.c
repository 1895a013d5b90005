/* SPDX-License-Identifier: Apache-2.0
 *
 * queue_metadata.c - what is committed beside an offset, in Kafka Streams' bytes: the partition's
 * time, and the clocks that operators share.
 *
 *      base64( version 2 | i64 time | nothing, or i32 count { i32 size, key, i64 value } )
 *                                                       TopicPartitionMetadata, ProcessorMetadata
 *
 * So a task finds its times again on another host, and so does Kafka Streams. Pure.
 */
#include "runtime/queue.h"

#include "base/buffer.h"
#include "base/reader.h"

#include <string.h>

#define VERSION    2
#define TEXT_LIMIT 65536 /* Kafka's brokers take 4,096 bytes by default */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* ---- base64 ---- */

static void encode(struct ks__buffer *text, const uint8_t *raw, size_t size)
{
    for (size_t i = 0; i < size; i += 3) {
        const size_t   left  = size - i;
        const uint32_t three = (uint32_t)raw[i] << 16 |
                               (left > 1 ? (uint32_t)raw[i + 1] << 8 : 0) |
                               (left > 2 ? raw[i + 2] : 0);
        uint8_t       *out   = ks__buffer_extend(text, 4);

        if (out == NULL)
            return;
        for (size_t k = 0; k < 4; k++)
            out[k] = (uint8_t)(k > left ? '=' : digits[three >> (18 - 6 * k) & 63]);
    }
}

/* False = not base64. */
static bool decode(struct ks__buffer *raw, const char *text)
{
    const size_t size = text != NULL ? strlen(text) : 0;

    if (size == 0 || size % 4 != 0 || size > TEXT_LIMIT)
        return false;
    for (size_t i = 0; i < size; i += 4) {
        uint32_t three = 0;
        size_t   count = 3;

        for (size_t k = 0; k < 4; k++) {
            const char  c     = text[i + k];
            const char *digit = c != '=' ? strchr(digits, c) : NULL;

            if (c == '=' && i + 4 == size && k >= 2)
                count = k - 1 < count ? k - 1 : count;
            else if (digit == NULL || count < 3)
                return false;
            three = three << 6 | (digit != NULL ? (uint32_t)(digit - digits) : 0);
        }
        for (size_t k = 0; k < count; k++)
            ks__buffer_append_u8(raw, (uint8_t)(three >> (16 - 8 * k)));
    }
    return !raw->failed;
}

/* ---- both ways ---- */

const char *ks__metadata_write(int64_t time_ms, const struct ks__told *told, size_t count,
                               struct ks__buffer *text)
{
    struct ks__buffer raw = { .data = NULL };
    const char       *written;

    ks__buffer_append_u8(&raw, VERSION);
    ks__buffer_append_be64(&raw, (uint64_t)time_ms);
    if (count > 0)
        ks__buffer_append_be32(&raw, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        ks__buffer_append_be32(&raw, (uint32_t)strlen(told[i].key));
        ks__buffer_append_text(&raw, told[i].key);
        ks__buffer_append_be64(&raw, (uint64_t)told[i].value);
    }
    ks__buffer_clear(text);
    encode(text, raw.data, raw.size);
    written = raw.failed ? NULL : ks__buffer_text(text);
    ks__buffer_release(&raw);
    return written;
}

static void visit_told(struct ks__reader *in, ks__told_fn *visit, void *user)
{
    uint32_t count = ks__reader_u32(in);

    for (uint32_t i = 0; i < count && !in->failed; i++) {
        ks_bytes key   = ks__reader_bytes(in, ks__reader_u32(in));
        int64_t  value = ks__reader_i64(in);

        if (!in->failed)
            visit(key, value, user);
    }
}

int64_t ks__metadata_read(const char *text, ks__told_fn *visit, void *user)
{
    struct ks__buffer raw     = { .data = NULL };
    int64_t           time_ms = -1;

    if (decode(&raw, text)) {
        struct ks__reader in      = ks__reader_of(ks__buffer_bytes(&raw));
        const uint8_t     version = ks__reader_u8(&in);
        const int64_t     time    = ks__reader_i64(&in);

        if ((version == 1 || version == VERSION) && !in.failed)
            time_ms = time;
        if (version == VERSION && visit != NULL && !ks__reader_done(&in))
            visit_told(&in, visit, user);
    }
    ks__buffer_release(&raw);
    return time_ms;
}

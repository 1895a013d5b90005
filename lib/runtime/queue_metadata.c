/* SPDX-License-Identifier: Apache-2.0
 *
 * queue_metadata.c - the partition's time beside its committed offset, in Kafka Streams' bytes.
 *
 *      base64( version 2 | 8 bytes big-endian time | nothing )       TopicPartitionMetadata
 *
 * So a task finds its time again on another host, and so does Kafka Streams. Pure.
 */
#include "runtime/queue.h"

#include "base/buffer.h"

#include <string.h>

#define RAW_BYTES  9  /* version and time: a multiple of 3, so base64 needs no padding */
#define TEXT_BYTES 12

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void ks__metadata_write(int64_t time_ms, char out[KS__METADATA_BYTES])
{
    unsigned char raw[RAW_BYTES] = { 2 };

    ks__put_be64(raw + 1, (uint64_t)time_ms);
    for (size_t i = 0, n = 0; i < RAW_BYTES; i += 3) {
        uint32_t three = (uint32_t)raw[i] << 16 | (uint32_t)raw[i + 1] << 8 | raw[i + 2];

        for (int shift = 18; shift >= 0; shift -= 6)
            out[n++] = digits[three >> shift & 63];
    }
    out[TEXT_BYTES] = '\0';
}

int64_t ks__metadata_read(const char *text)
{
    unsigned char raw[RAW_BYTES];

    if (text == NULL || strlen(text) < TEXT_BYTES)
        return -1;
    for (size_t i = 0; i < TEXT_BYTES; i += 4) {
        uint32_t       three = 0;
        unsigned char *out   = raw + i / 4 * 3;

        for (size_t j = 0; j < 4; j++) {
            const char *digit = text[i + j] != '\0' ? strchr(digits, text[i + j]) : NULL;

            if (digit == NULL)
                return -1;
            three = three << 6 | (uint32_t)(digit - digits);
        }
        out[0] = (unsigned char)(three >> 16);
        out[1] = (unsigned char)(three >> 8);
        out[2] = (unsigned char)three;
    }
    if (raw[0] != 1 && raw[0] != 2)
        return -1;
    return (int64_t)ks__get_be64(raw + 1);
}

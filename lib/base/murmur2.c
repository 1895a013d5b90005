/* SPDX-License-Identifier: Apache-2.0
 *
 * murmur2.c - MurmurHash2 with the constants of Kafka's org.apache.kafka.common.utils.Utils.
 */
#include "base/murmur2.h"

#include "base/assert.h"

#define SEED UINT32_C(0x9747b28c)
#define M    UINT32_C(0x5bd1e995)

static uint32_t little_endian(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint32_t ks__murmur2(const void *data, size_t size)
{
    const uint8_t *p    = data;
    uint32_t       h    = SEED ^ (uint32_t)size;
    size_t         left = size;

    for (; left >= 4; p += 4, left -= 4) {
        uint32_t k = little_endian(p) * M;

        k ^= k >> 24;
        h = (h * M) ^ (k * M);
    }
    for (size_t i = left; i > 0; i--)
        h ^= (uint32_t)p[i - 1] << 8 * (i - 1);
    if (left > 0)
        h *= M;
    h ^= h >> 13;
    h *= M;
    h ^= h >> 15;
    return h;
}

int32_t ks__partition_of(ks_bytes key, int32_t partitions)
{
    ks__assert(partitions > 0);
    return (int32_t)((ks__murmur2(key.data, key.size) & 0x7fffffff) % (uint32_t)partitions);
}

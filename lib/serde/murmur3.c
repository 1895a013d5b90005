/* SPDX-License-Identifier: Apache-2.0
 *
 * murmur3.c - MurmurHash3_x64_128 by Austin Appleby (public domain), written for any byte order.
 */
#include "serde/murmur3.h"

#define SEED 104729u
#define C1   UINT64_C(0x87c37b91114253d5)
#define C2   UINT64_C(0x4cf5ad432745937f)

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

/* Up to eight bytes, little-endian. */
static uint64_t load(const uint8_t *data, size_t size)
{
    uint64_t x = 0;

    for (size_t i = 0; i < size; i++)
        x |= (uint64_t)data[i] << (8 * i);
    return x;
}

static void store(uint8_t *out, uint64_t x)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(x >> (56 - 8 * i));
}

static uint64_t mix_first(uint64_t k)
{
    return rotate(k * C1, 31) * C2;
}

static uint64_t mix_second(uint64_t k)
{
    return rotate(k * C2, 33) * C1;
}

static uint64_t finish(uint64_t h)
{
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 33;
    h *= UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 33;
}

void ks__murmur3(const void *data, size_t size, uint8_t out[KS__MURMUR3_BYTES])
{
    const uint8_t *at   = data;
    size_t         left = size;
    uint64_t       h1   = SEED, h2 = SEED;

    for (; left >= 16; left -= 16, at += 16) {
        h1 = (rotate(h1 ^ mix_first(load(at, 8)), 27) + h2) * 5 + 0x52dce729;
        h2 = (rotate(h2 ^ mix_second(load(at + 8, 8)), 31) + h1) * 5 + 0x38495ab5;
    }
    if (left > 8)
        h2 ^= mix_second(load(at + 8, left - 8));
    if (left > 0)
        h1 ^= mix_first(load(at, left < 8 ? left : 8));
    h1 ^= size;
    h2 ^= size;
    h1 += h2;
    h2 += h1;
    h1 = finish(h1);
    h2 = finish(h2);
    h1 += h2;
    h2 += h1;
    store(out, h1);
    store(out + 8, h2);
}

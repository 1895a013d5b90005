/* SPDX-License-Identifier: Apache-2.0
 *
 * hash.c - multiply-and-fold hashing.
 *
 * Both hashes read 16 bytes per step and fold a 64 x 64 -> 128 bit product of the words, each
 * masked by an odd constant, into the state: one multiplication mixes all bits of both words.
 * Words are read little-endian whatever the machine, as ks__hash128 is a format.
 */
#include "base/hash.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* Fractional digits of the square roots of 2, 3, 5, 7, 11 and 13, made odd. */
#define K0 UINT64_C(0x6a09e667f3bcc909)
#define K1 UINT64_C(0xbb67ae8584caa73b)
#define K2 UINT64_C(0x3c6ef372fe94f82b)
#define K3 UINT64_C(0xa54ff53a5f1d36f1)
#define K4 UINT64_C(0x510e527fade682d1)
#define K5 UINT64_C(0x9b05688c2b3e6c1f)

__extension__ typedef unsigned __int128 u128;

static uint64_t fold(uint64_t a, uint64_t b)
{
    u128 product = (u128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t word(const uint8_t *p)
{
    uint64_t value;

    memcpy(&value, p, sizeof(value));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

static uint32_t half_word(const uint8_t *p)
{
    uint32_t value;

    memcpy(&value, p, sizeof(value));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap32(value);
#endif
    return value;
}

/* The last 0 to 16 bytes as two words; together with the size they determine the bytes. */
static void tail_words(const uint8_t *p, size_t size, uint64_t *a, uint64_t *b)
{
    if (size >= 8) {
        *a = word(p);
        *b = word(p + size - 8);
    } else if (size >= 4) {
        *a = half_word(p);
        *b = half_word(p + size - 4);
    } else if (size > 0) {
        *a = (uint64_t)p[0] << 16 | (uint64_t)p[size / 2] << 8 | p[size - 1];
        *b = 0;
    } else {
        *a = *b = 0;
    }
}

uint64_t ks__hash64(const void *data, size_t size, uint64_t seed)
{
    const uint8_t *p    = data;
    size_t         left = size;
    uint64_t       h    = seed ^ K0;
    uint64_t       a, b;

    for (; left > 16; p += 16, left -= 16)
        h = fold(word(p) ^ K1, word(p + 8) ^ h);
    tail_words(p, left, &a, &b);
    h = fold(a ^ K2, b ^ h);
    return fold(h ^ K3, (uint64_t)size ^ K4);
}

void ks__hash128(const void *data, size_t size, uint8_t out[16])
{
    const uint8_t *p    = data;
    size_t         left = size;
    uint64_t       h    = K0, g = K5;
    uint64_t       a, b;

    for (; left > 16; p += 16, left -= 16) {
        a = word(p);
        b = word(p + 8);
        h = fold(a ^ K1, b ^ h);
        g = fold(b ^ K4, a ^ g) + h;
    }
    tail_words(p, left, &a, &b);
    h = fold(a ^ K2, b ^ h);
    g = fold(b ^ K3, a ^ g) + h;
    h = fold(h ^ K3, (uint64_t)size ^ K4);
    g = fold(g ^ K1, (uint64_t)size ^ K2) ^ h;
    for (int i = 0; i < 8; i++) {
        out[i]     = (uint8_t)(h >> (56 - 8 * i));
        out[8 + i] = (uint8_t)(g >> (56 - 8 * i));
    }
}

static uint64_t draw_seed(void)
{
    struct timespec now;
    uint64_t        seed;

    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == (ssize_t)sizeof(seed))
        return seed;
    clock_gettime(CLOCK_MONOTONIC, &now);       /* early in boot: still different each time */
    return fold((uint64_t)now.tv_nsec ^ K1, (uint64_t)(uintptr_t)&now ^ K2);
}

uint64_t ks__hash_seed(void)
{
    static _Atomic uint64_t seed;               /* 0 = not drawn                             */
    uint64_t                present = atomic_load_explicit(&seed, memory_order_relaxed);
    uint64_t                mine;

    if (present != 0)
        return present;
    mine = draw_seed() | 1;
    return atomic_compare_exchange_strong(&seed, &present, mine) ? mine : present;
}

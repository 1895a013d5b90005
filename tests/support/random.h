/* SPDX-License-Identifier: Apache-2.0
 *
 * random.h - numbers from a seed: the same seed, the same numbers, on every machine (splitmix64).
 */
#ifndef KS_TESTS_RANDOM_H
#define KS_TESTS_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 .. n-1 */
static inline int random_below(struct random *random, int n)
{
    return (int)(random_next(random) % (uint64_t)n);
}

static inline bool random_percent(struct random *random, int percent)
{
    return random_below(random, 100) < percent;
}

/* One of the numbers of an array. */
#define RANDOM_OF(random, ...) \
    (((const int[]){ __VA_ARGS__ })[random_below((random), \
        (int)(sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int)))])

#endif

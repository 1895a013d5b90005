/* SPDX-License-Identifier: Apache-2.0
 *
 * hash.h - hashes of key bytes.
 *
 * ks__hash64 is fast and private to the process (seeded): hash tables only. ks__hash128 is part
 * of the format of state on disk (long keys): its results never change. Neither is for
 * partitioning, see murmur2.h. Neither is cryptographic.
 *
 * Threads: pure; the seed is drawn once, from any thread.
 */
#ifndef KS_BASE_HASH_H
#define KS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The seed of this process, random, the same for its whole life. */
uint64_t ks__hash_seed(void);

/* A 64-bit hash whose every bit depends on every input bit. */
uint64_t ks__hash64(const void *data, size_t size, uint64_t seed);

/* A 128-bit hash, byte order fixed, unseeded, stable for ever. */
void ks__hash128(const void *data, size_t size, uint8_t out[16]);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * murmur3.h - the 128-bit hash by which a foreign-key join knows a left value again, as Kafka
 * Streams computes it: MurmurHash3 x64, seed 104729, both halves big-endian.
 *
 * Threads: pure.
 */
#ifndef KS_SERDE_MURMUR3_H
#define KS_SERDE_MURMUR3_H

#include <stddef.h>
#include <stdint.h>

#define KS__MURMUR3_BYTES 16u

void ks__murmur3(const void *data, size_t size, uint8_t out[KS__MURMUR3_BYTES]);

#endif

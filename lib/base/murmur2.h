/* SPDX-License-Identifier: Apache-2.0
 *
 * murmur2.h - the partition of a key as Kafka's producers choose it.
 *
 * Pure functions.
 */
#ifndef KS_BASE_MURMUR2_H
#define KS_BASE_MURMUR2_H

#include <kstream/bytes.h>

#include <stdint.h>

/* Kafka's Utils.murmur2: 32 bits, seed 0x9747b28c, little-endian words. */
uint32_t ks__murmur2(const void *data, size_t size);

/* toPositive(murmur2(key)) % partitions, as BuiltInPartitioner.partitionForKey. The key is not
 * null and partitions > 0. */
int32_t ks__partition_of(ks_bytes key, int32_t partitions);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * record.h - a copy of a record in one block: key, value, headers, each 16-aligned.
 *
 *      unsigned char *at = block;                  of ks__record_bytes(&record) bytes
 *      ks__record_put(&at, &record);               the record now points into the block
 *
 * Not here: the window, which the caller keeps.
 * Threads: pure.
 */
#ifndef KS_BASE_RECORD_H
#define KS_BASE_RECORD_H

#include <kstream/record.h>

#define KS__BLOCK_SIZE(size) (((size) + 15u) & ~(size_t)15u)

/* What a copy of the record takes. */
size_t ks__record_bytes(const ks_record *record);
/* Copy what the record points at to `*at`, which moves on, and repoint the record. */
void ks__record_put(unsigned char **at, ks_record *record);
/* Copy plain memory; gives its place. */
void *ks__block_put(unsigned char **at, const void *data, size_t size);

#endif

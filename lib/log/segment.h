/* SPDX-License-Identifier: Apache-2.0
 *
 * segment.h - a block of records with their bytes: staged by a writer, kept by a log, lent to
 * readers.
 *
 *      [header | records[capacity] | bytes: key value headers, key value ...]      one allocation
 *                 ^ filled from the front, never moved
 *
 * Invariants
 *   S1  A record that a reader has seen never changes: a segment only grows behind `count`.
 *   S2  It is freed with the last reference: trimming and compaction drop the log's, batches keep
 *       theirs.
 *
 * Threads: one writer at a time; references from any thread.
 */
#ifndef KS_LOG_SEGMENT_H
#define KS_LOG_SEGMENT_H

#include "log/cluster.h"

#include <stdatomic.h>

#define KS__SEGMENT_RECORDS 512u            /* a full one: 80 KiB, below malloc's mmap limit      */
#define KS__SEGMENT_BYTES   (48u * 1024u)

struct ks__segment {
    struct ks__segment    *next;            /* while it is staged                                 */
    atomic_uint            references;
    uint32_t               count, capacity;
    size_t                 used, size;      /* of `bytes`                                         */
    int64_t                max_timestamp_ms;
    uint8_t               *bytes;
    struct ks__log_record *records;
};

/* One reference is the caller's; NULL = no memory. */
struct ks__segment *ks__segment_new(uint32_t records, size_t bytes);
void ks__segment_hold(struct ks__segment *segment);
void ks__segment_drop(struct ks__segment *segment); /* NULL is fine */

/* Bytes that the record will take at most. */
size_t ks__segment_need(const ks_record *record);
/* True when a record that needs so many bytes fits in. */
static inline bool ks__segment_fits(const struct ks__segment *segment, size_t need)
{
    return segment->count < segment->capacity && segment->size - segment->used >= need;
}
/* Copy the record behind the last one; it must fit. */
void ks__segment_append(struct ks__segment *segment, const ks_record *record, int64_t offset);
/* Index of the first record at or behind the offset; `count` if there is none. */
uint32_t ks__segment_find(const struct ks__segment *segment, int64_t offset);

#endif

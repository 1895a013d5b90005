/* SPDX-License-Identifier: Apache-2.0
 *
 * memory.h - a named log in this process: topics of partitions of segments, groups, positions.
 *
 *      registry ──> log "a" ──> topic ──> partition: [base|segment] [base|segment] ... tail
 *                      `──> groups, committed positions, epochs of transactional ids
 *
 * Invariants
 *   Y1  Segments are handed over by commits and lent to batches; what is published never changes.
 *   Y2  All changes of one commit happen under the log's mutex, after everything that may fail.
 *   Y3  A compacted partition keeps offsets and the last record of each key; only what lies before
 *       the segment being filled is compacted.
 *
 * Threads: all through the mutexes; the end of a partition is also read without it.
 */
#ifndef KS_LOG_MEMORY_MEMORY_H
#define KS_LOG_MEMORY_MEMORY_H

#include "base/map.h"
#include "log/local_groups.h"

struct ks__memory_slot {
    int64_t             base;               /* offset of the first record                         */
    struct ks__segment *segment;
};

struct ks__memory_partition {
    struct ks__memory_slot *slots;          /* by offset                                          */
    size_t                  count, capacity;
    bool                    tail_open;      /* the last segment is ours to fill                   */
    struct ks__segment     *spare;          /* made ready for a commit                            */
    int64_t                 begin;
    _Atomic int64_t         end;
    int64_t                 records;        /* kept                                               */
    int64_t                 compact_at;     /* so many records: compact                           */
};

struct ks__memory_topic {
    struct ks__local_topic      base;
    struct ks__memory_partition parts[];
};

struct ks__memory_log {
    struct ks__local_log      base;
    struct ks__memory_log    *next;         /* of the registry                                    */
    char                     *name;
    unsigned                  references;   /* clusters                                           */
    bool                      forgotten;    /* not in the registry any more                       */
    struct ks__memory_topic **topics;       /* by name                                            */
    size_t                    topic_count, topic_capacity;
    struct ks__local_groups   groups;
    struct ks__map            positions;    /* group 0 topic 0 partition -> memory_position       */
    struct ks__map            epochs;       /* transactional id -> int64_t                        */
};

/* ---- partitions (partition.c); with the mutex held ---- */

void ks__memory_partition_release(struct ks__memory_partition *part);
/* Make sure that publishing what is staged cannot fail. */
ks_status ks__memory_partition_prepare(struct ks__memory_partition *part,
                                       const struct ks__appends *appends);
void ks__memory_partition_publish(struct ks__memory_partition *part, struct ks__appends *appends);
void ks__memory_partition_trim(struct ks__memory_partition *part, int64_t offset);
int64_t ks__memory_partition_at(const struct ks__memory_partition *part, int64_t time_ms);
ks_status ks__memory_fetch(struct ks__local_source *source, size_t limit, struct ks__batch *batch);
int64_t ks__memory_lag(const struct ks__local_source *source);

/* ---- compaction (compact.c); with the mutex held ---- */

/* Drop superseded records when enough have come since the last time; without memory, later. */
void ks__memory_partition_compact(struct ks__memory_partition *part);

#endif

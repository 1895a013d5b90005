/* SPDX-License-Identifier: Apache-2.0
 *
 * embedded.h - the durable log of one machine: an LMDB env per directory.
 *
 *      DIRECTORY/data.mdb   database "records": {topic id, partition, base offset} -> chunk of
 *      records
 *                           database "meta":    topics, begins, positions, epochs, groups (rows.c)
 *      DIRECTORY/waiters/   one FIFO per process that has the log open (waiters.c)
 *
 * One database for all records, not one per partition: the number of named databases is fixed when
 * an env is opened and each costs every transaction; with the key's prefix a partition is still one
 * run of neighbours, a new topic needs no database, and other processes see it at once. What a
 * commit appends to a partition lies in chunks of up to 512 records, so a tree entry stands for
 * many records, large chunks have pages of their own, and trimming gives back whole pages.
 *
 * Invariants
 *   E1  A commit is one LMDB transaction, alone or with others: chunks, positions, checks.
 *   E2  The end of a partition is what its last chunk says, else its begin row: never a counter
 *       that could disagree. `end` in memory is only a hint that may be old after another process
 *       wrote.
 *   E3  A reader copies a batch and ends its read transaction before it returns.
 *   E4  No LMDB read reaches out of a chunk: every size is checked against it (chunk.c).
 *   E5  Once the log is open only one of the process writes at a time, the one that queue.c says;
 *       only that one waits for LMDB's writer lock and for the disk.
 *
 * Lock order: LMDB's writer lock, base.mutex. The queue's mutex is held alone.
 */
#ifndef KS_LOG_EMBEDDED_EMBEDDED_H
#define KS_LOG_EMBEDDED_EMBEDDED_H

#include "base/buffer.h"
#include "base/fork.h"
#include "lmdb/env.h"
#include "log/local.h"

struct ks__embedded_partition {
    _Atomic int64_t end;                    /* last known                                         */
    int64_t         compact_at;             /* end to look at; the writer's                       */
};

struct ks__embedded_topic {
    struct ks__local_topic        base;
    uint32_t                      id;
    struct ks__embedded_partition parts[];
};

#define KS__POKE_GROUPS (-1)                /* a group or a topic changed                         */
#define KS__POKE_ALL    (-2)                /* more ends than are told one by one                */

/* What changed: the end of a partition, or one of the above in `partition`. */
struct ks__poke {
    uint32_t topic;                         /* id                                                 */
    int32_t  partition;
    int64_t  end;
};

/* Processes that wait for this log; see waiters.c. */
struct ks__waiters {
    char             *directory;
    char             *name;                 /* of our FIFO, and of this process among members     */
    struct ks__private_fd own;              /* our FIFO                                           */
    struct ks__wake   stop;
    struct ks__thread thread;
    void            (*poked)(void *user, const struct ks__poke *pokes, size_t count);
    void             *user;
};

struct ks__compaction;                      /* a run; see compact.c                               */

/* What is handed over, and who writes it; see queue.c. */
struct ks__embedded_queue {
    struct ks__mutex      mutex;
    struct ks__condition  decided;          /* something was decided, or nobody writes any more   */
    struct ks__condition  work;             /* for the thread                                     */
    struct ks__handover  *first, **end;
    bool                  writing;          /* somebody does                                      */
    bool                  stopping;
    bool                  threadless;       /* the thread could not be started: callers write     */
    struct ks__thread     thread;           /* started when it is needed first                    */
    long                  process;          /* who opened the log                                 */
};

struct ks__embedded_log {
    struct ks__local_log        base;
    struct ks__embedded_log    *next;       /* of the registry                                    */
    unsigned                    references;
    struct ks__env             *env;
    unsigned                    records, meta;      /* databases                                  */
    struct ks__embedded_topic **topics;     /* known so far                                       */
    size_t                      topic_count, topic_capacity;
    atomic_uint_fast64_t        foreign;    /* changes by other processes that were not told      */
    struct ks__waiters          waiters;

    struct ks__group     group;             /* between group_begin and group_end                  */
    struct ks__txn      *group_txn;

    struct ks__embedded_queue queue;
    struct ks__buffer         scratch;      /* the writer's                                       */
    struct ks__compaction    *compaction;   /* the writer's; NULL = none is under way             */
};

/* ---- chunks (chunk.c) ---- */

/* What a chunk says of itself. */
struct ks__chunk {
    uint32_t count;                         /* records                                            */
    uint32_t span;                          /* offset of the last one - base + 1                  */
    uint32_t header_bytes;                  /* of all records                                     */
    ks_bytes body;
};

ks_status ks__chunk_encode(struct ks__buffer *out, const struct ks__segment *segment);
/* The same with the records' own offsets, the first one's as base. */
ks_status ks__chunk_encode_holes(struct ks__buffer *out, const struct ks__segment *segment);
/* KS_ECORRUPT unless it is one. */
ks_status ks__chunk_open(ks_bytes value, struct ks__chunk *out);
/* Bytes of a segment that is to take the chunk. */
size_t ks__chunk_need(const struct ks__chunk *chunk);
/* Copy the records from offset `from` on behind the others of the segment, at most up to its
 * capacity. KS_ECORRUPT, KS_ENOMEM. */
ks_status ks__chunk_decode(const struct ks__chunk *chunk, int64_t base, int64_t from,
                           struct ks__segment *segment);

/* ---- rows (rows.c) ---- */

#define KS__RECORD_KEY_BYTES 16u

void ks__record_key(uint8_t out[KS__RECORD_KEY_BYTES], uint32_t topic, int32_t partition,
                    int64_t offset);
/* The offset in a key of this topic and partition; false = of another one. */
bool ks__record_key_is(ks_bytes key, uint32_t topic, int32_t partition, int64_t *offset);
/* Begin and end of a partition as the transaction sees them; either may be NULL. */
ks_status ks__row_bounds(struct ks__embedded_log *log, struct ks__txn *txn, uint32_t topic,
                         int32_t partition, int64_t *begin, int64_t *end);
ks_status ks__row_put_begin(struct ks__embedded_log *log, struct ks__txn *txn, uint32_t topic,
                            int32_t partition, int64_t begin);
/* How far a compacted partition is compacted, and the records that were left before that. */
ks_status ks__row_get_clean(struct ks__embedded_log *log, struct ks__txn *txn, uint32_t topic,
                            int32_t partition, int64_t *clean, int64_t *kept);
ks_status ks__row_put_clean(struct ks__embedded_log *log, struct ks__txn *txn, uint32_t topic,
                            int32_t partition, int64_t clean, int64_t kept);
/* `*partitions` 0 = no such topic. */
ks_status ks__row_get_topic(struct ks__embedded_log *log, struct ks__txn *txn, const char *name,
                            uint32_t *id, int32_t *partitions, bool *compacted);
ks_status ks__row_put_topic(struct ks__embedded_log *log, struct ks__txn *txn,
                            const struct ks__topic_spec *spec, uint32_t *id);
ks_status ks__row_list_topics(struct ks__embedded_log *log, struct ks__txn *txn,
                              struct ks__buffer *names);
ks_status ks__row_get_position(struct ks__embedded_log *log, struct ks__txn *txn,
                               const char *group, const char *topic, int32_t partition,
                               int64_t *offset, ks_bytes *metadata);
ks_status ks__row_put_position(struct ks__embedded_log *log, struct ks__txn *txn,
                               const char *group, const struct ks__position *position);
ks_status ks__row_get_epoch(struct ks__embedded_log *log, struct ks__txn *txn, const char *id,
                            int64_t *epoch);
ks_status ks__row_put_epoch(struct ks__embedded_log *log, struct ks__txn *txn, const char *id,
                            int64_t epoch);
/* The identity of the log; "" = it has none yet. */
ks_status ks__row_get_identity(struct ks__embedded_log *log, struct ks__txn *txn,
                               char out[KS__CLUSTER_ID_BYTES]);
ks_status ks__row_put_identity(struct ks__embedded_log *log, struct ks__txn *txn,
                               const char *identity);
/* The next number of the log, kept. */
ks_status ks__row_serial(struct ks__embedded_log *log, struct ks__txn *txn, uint64_t *serial);
/* A group as the bytes of its row, and back into one that is empty: KS_ECORRUPT, KS_ENOMEM; then it
 * has some of the members. */
void ks__group_write(const struct ks__group *group, struct ks__buffer *out);
ks_status ks__group_read(ks_bytes bytes, struct ks__group *group);
/* A group; `*found` false: none is kept. The caller releases it. */
ks_status ks__row_get_group(struct ks__embedded_log *log, struct ks__txn *txn, const char *name,
                            struct ks__group *group, bool *found);
ks_status ks__row_put_group(struct ks__embedded_log *log, struct ks__txn *txn,
                            const struct ks__group *group);

/* ---- calls of the class ---- */

ks_status ks__embedded_hand_over(struct ks__local_log *log, struct ks__handover *handover,
                                 int timeout_ms);
ks_status ks__embedded_await(struct ks__local_log *log, struct ks__handover *handover,
                             int timeout_ms);
bool ks__embedded_orphan(struct ks__local_log *log, struct ks__handover *handover,
                         void (*release)(struct ks__handover *handover));
ks_status ks__embedded_fetch(struct ks__local_source *source, size_t limit,
                             struct ks__batch *batch);
int64_t ks__embedded_lag(const struct ks__local_source *source);
void ks__embedded_source_release(struct ks__local_source *source);
ks_status ks__embedded_trim(struct ks__local_log *log, struct ks__local_topic *topic,
                            int32_t partition, int64_t offset, ks_error *error);
ks_status ks__embedded_offset_at(struct ks__embedded_log *log, struct ks__txn *txn,
                                 const struct ks__local_topic *topic, int32_t partition,
                                 int64_t time_ms, int64_t *offset, ks_error *error);
/* Raise the known end of a partition and wake its readers; takes base.mutex. */
void ks__embedded_publish(struct ks__embedded_log *log, struct ks__local_topic *topic,
                          int32_t partition, int64_t end);

/* ---- writing (queue.c, commit.c) ---- */

/* KS_ENOMEM. */
ks_status ks__embedded_queue_init(struct ks__embedded_queue *queue);
/* Write what is left and end the thread. Nobody hands over any more. */
void ks__embedded_queue_stop(struct ks__embedded_log *log);
void ks__embedded_queue_release(struct ks__embedded_queue *queue);
/* Write the list, in its order; each one's status says what came of it. By who writes. */
void ks__embedded_write(struct ks__embedded_log *log, struct ks__handover *list);

/* ---- compaction (compact.c), by the thread that writes ---- */

/* The partition of a compacted topic ends there now: begin a run when it is worth it. */
void ks__embedded_compact_due(struct ks__embedded_log *log, struct ks__local_topic *topic,
                              int32_t partition, int64_t end);
/* A step of the run under way, if there is one. */
void ks__embedded_compact_step(struct ks__embedded_log *log);
void ks__embedded_compact_stop(struct ks__embedded_log *log);

/* ---- other processes (waiters.c) ---- */

/* Make our FIFO and watch it. */
ks_status ks__waiters_open(struct ks__waiters *waiters, const char *log_directory,
                           void (*poked)(void *user, const struct ks__poke *pokes, size_t count),
                           void *user, ks_error *error);
void ks__waiters_close(struct ks__waiters *waiters);
/* Tell all other processes what changed; more than KS__POKE_LIMIT count as KS__POKE_ALL. */
#define KS__POKE_LIMIT 64u
void ks__waiters_poke(const struct ks__waiters *waiters, const struct ks__poke *pokes,
                      size_t count);
/* False when the process of that name has the log open no more; true also when that cannot be
 * told. */
bool ks__waiters_is_alive(const struct ks__waiters *waiters, const char *name);

#endif

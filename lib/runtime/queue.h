/* SPDX-License-Identifier: Apache-2.0
 *
 * queue.h - the records of one input that were drawn and not yet processed, and their head.
 *
 *      input --draw--> [lent batch | own block] --check, extract time--> head --> task
 *                           `--- end of the step: the rest is copied ---^
 *
 * A queue is drawn from only when it is empty: at most one batch is at hand.
 *
 * Invariants
 *   Q1  position = offset of the head, or behind all that was drawn.
 *   Q2  The time of a record is extracted when it becomes the head, once, with the partition's time
 *       of all records before it.
 *   Q3  A record that is skipped (poison, negative time) is counted at the source and never seen
 *       again.
 *   Q4  `waiting` rises over all queues of a task with the moment their heads began to wait.
 *   Q5  Queues enter the task's heap of heads in the order of Q4 and leave it when their head is
 *       processed. Its order knows only times: which of equal heads comes first is Kafka Streams'
 *       choice, whose java.util.PriorityQueue moves in the same way.
 *
 * Threads: the task's.
 */
#ifndef KS_RUNTIME_QUEUE_H
#define KS_RUNTIME_QUEUE_H

#include "base/buffer.h"
#include "base/heap.h"
#include "runtime/task.h"

#define KS__AHEAD          16 /* records, a power of two: how far is looked ahead */

struct ks__queue {
    struct ks__heap_node          place; /* in `heads`; must be first */
    struct ks__heap              *heads; /* of the task: the queues whose heads are known (Q5) */
    char                         *topic; /* complete name */
    int32_t                       partition;
    struct ks__op                *source;
    const struct ks__source_args *args;
    ks_time_source                time;        /* never DEFAULT */
    bool                          check_key;   /* a serde that may refuse bytes */
    bool                          check_value;
    bool                          windowed;    /* the key carries a window */

    const struct ks__input_class *class;       /* NULL = not connected */
    void                         *input;
    struct ks__batch              batch;
    bool                          lent;        /* `batch` is held, records point into it */
    bool                          caught_up;   /* the last draw found the end */
    const struct ks__log_record  *records;     /* in the batch or in `own` */
    size_t                        count;
    size_t                        next;        /* records[next] is the head or becomes it */
    struct ks_kv_store           *ahead;       /* where the keys are looked up first; NULL = none */
    uint64_t                      hashes[KS__AHEAD]; /* of the keys at and behind `next` */
    unsigned char                *own;         /* what outlived the step (K4) */
    size_t                        own_bytes;
    int64_t                       after;       /* offset behind the records at hand */

    bool                          ready;       /* the head is checked and timed */
    ks_record                     head;        /* key without its window */
    ks_window                     window;
    int64_t                       head_ms;
    uint64_t                      waiting;     /* Q4; 0 = nobody waits */
    uint64_t                      round;       /* of the task, in which it was found empty */
    int64_t                       idle_since_ms; /* monotone; -1 = not idle */

    int64_t                       time_ms;     /* largest time of the partition so far, -1 = none */
    int64_t                       collected;   /* position of the commit under way */
    int64_t                       committed;   /* position committed; at_most_once reads up to it */
    int64_t                       purged;      /* the log was told to forget what lies before */
    int64_t                       sealed;      /* position of the last seal */
    struct ks__buffer             metadata;    /* text of the commit under way */
};

/* `queue` is zeroed; the topic's text is taken over. */
void ks__queue_init(struct ks__queue *queue, char *topic, struct ks__op *source,
                    const struct ks__settings *settings, int32_t partition);
void ks__queue_release(struct ks__queue *queue);
void ks__queue_connect(struct ks__queue *queue, const struct ks__input_class *class, void *input,
                       int64_t position);
/* Forget what was drawn and close the input. */
void ks__queue_disconnect(struct ks__queue *queue);

/* Draw at most `limit` records into an empty queue. */
ks_status ks__queue_draw(struct ks__queue *queue, size_t limit);
/* See that a head is there; false: none at hand, or the context has failed. */
bool ks__queue_prepare(struct ks__queue *queue, struct ks__task *task);
/* The head has been processed. */
static inline void ks__queue_pop(struct ks__queue *queue)
{
    queue->next++;
    queue->ready = false;
}
/* End of the step: copy what is left, release the batch. False = no memory. */
bool ks__queue_settle(struct ks__queue *queue);

static inline int64_t ks__queue_position(const struct ks__queue *queue)
{
    return queue->next < queue->count ? queue->records[queue->next].offset : queue->after;
}

/* Known number of records not processed, -1 = unknown. */
int64_t ks__queue_lag(const struct ks__queue *queue);

/* A clock of an operator that is told beside the offsets. */
struct ks__told {
    const char *key;
    int64_t     value;
};
typedef void ks__told_fn(ks_bytes key, int64_t value, void *user);

/* The partition's time and clocks as text beside a committed offset, and back; as Kafka Streams
 * writes it (TopicPartitionMetadata, base64). The text is lent by `text`; NULL = no memory. Reading
 * gives the time and calls `visit` (may be NULL) with each clock; a foreign text gives -1. */
const char *ks__metadata_write(int64_t time_ms, const struct ks__told *told, size_t count,
                               struct ks__buffer *text);
int64_t     ks__metadata_read(const char *text, ks__told_fn *visit, void *user);

#endif

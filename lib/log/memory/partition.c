/* SPDX-License-Identifier: Apache-2.0
 *
 * partition.c - the records of one partition: publish, fetch, trim.
 */
#include "log/memory/memory.h"

#include "base/assert.h"

#include <string.h>

#define MOVE_FROM     128u          /* records: a segment with as many is taken over, not copied  */

void ks__memory_partition_release(struct ks__memory_partition *part)
{
    for (size_t i = 0; i < part->count; i++)
        ks__segment_drop(part->slots[i].segment);
    ks__segment_drop(part->spare);
    ks__free(part->slots);
}

/* ---- publish ---- */

/* Small commits are copied together, large segments become the partition's own. */
static bool is_moved(const struct ks__segment *segment)
{
    return segment->count >= MOVE_FROM || segment->size > KS__SEGMENT_BYTES;
}

static struct ks__segment *tail_of(const struct ks__memory_partition *part)
{
    return part->tail_open ? part->slots[part->count - 1].segment : NULL;
}

static bool fits(const struct ks__segment *tail, const struct ks__segment *staged)
{
    return tail != NULL && tail->capacity - tail->count >= staged->count &&
           tail->size - tail->used >= staged->used + sizeof(void *);
}

ks_status ks__memory_partition_prepare(struct ks__memory_partition *part,
                                       const struct ks__appends *appends)
{
    size_t segments = 0;
    bool   copied   = false;

    for (const struct ks__segment *s = appends->first; s != NULL; s = s->next) {
        copied |= !is_moved(s);
        segments++;
    }
    if (!KS__GROW(&part->slots, &part->capacity, part->count + segments))
        return KS_ENOMEM;
    if (copied && part->spare == NULL) {
        uint32_t records = part->count > 0 ? KS__SEGMENT_RECORDS : MOVE_FROM;

        part->spare = ks__segment_new(records, KS__SEGMENT_BYTES * (records / MOVE_FROM) / 4);
    }
    return !copied || part->spare != NULL ? KS_OK : KS_ENOMEM;
}

static void add_slot(struct ks__memory_partition *part, int64_t base, struct ks__segment *segment,
                     bool open)
{
    ks__assert(part->count < part->capacity);
    part->slots[part->count++] = (struct ks__memory_slot){ base, segment };
    part->tail_open            = open;
}

static int64_t move_in(struct ks__memory_partition *part, struct ks__segment *segment,
                       int64_t offset)
{
    for (uint32_t i = 0; i < segment->count; i++)
        segment->records[i].offset = offset + i;
    add_slot(part, offset, segment, false);
    return offset + segment->count;
}

/* Into the tail where it has room, else into the spare, else the staged one is moved after all. */
static bool copy_in(struct ks__memory_partition *part, const struct ks__segment *segment,
                    int64_t *offset)
{
    struct ks__segment *tail = tail_of(part);

    if (!fits(tail, segment)) {
        if (!fits(part->spare, segment))
            return false;
        tail        = part->spare;
        part->spare = NULL;
        add_slot(part, *offset, tail, true);
    }
    for (uint32_t i = 0; i < segment->count; i++)
        ks__segment_append(tail, &segment->records[i].record, (*offset)++);
    return true;
}

void ks__memory_partition_publish(struct ks__memory_partition *part, struct ks__appends *appends)
{
    int64_t offset = atomic_load_explicit(&part->end, memory_order_relaxed);

    while (appends->first != NULL) {
        struct ks__segment *segment = appends->first;

        appends->first = segment->next;
        segment->next = NULL;
        part->records += segment->count;
        if (!is_moved(segment) && copy_in(part, segment, &offset))
            ks__segment_drop(segment);
        else
            offset = move_in(part, segment, offset);
    }
    appends->end = offset;
    atomic_store(&part->end, offset);
}

/* ---- read ---- */

/* The slot that holds the offset, or the one behind it; `count` if there is none. */
static size_t slot_of(const struct ks__memory_partition *part, int64_t offset, size_t hint)
{
    size_t low = 0, high = part->count;

    if (hint < part->count && part->slots[hint].base <= offset)
        low = hint;                     /* first slot with base > offset lies behind it */
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (part->slots[middle].base <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return 0;
    if (ks__segment_find(part->slots[low - 1].segment, offset) <
        part->slots[low - 1].segment->count)
        return low - 1;
    return low;
}

static struct ks__memory_partition *part_of(const struct ks__local_source *source)
{
    return &((struct ks__memory_topic *)source->topic)->parts[source->partition];
}

ks_status ks__memory_fetch(struct ks__local_source *source, size_t limit, struct ks__batch *batch)
{
    struct ks__memory_partition *part = part_of(source);
    struct ks__mutex            *mutex;
    struct ks__segment          *segment;
    uint32_t                     first;

    atomic_store(&source->hungry, true);        /* before the look: nothing is missed */
    if (atomic_load(&part->end) == source->next) {
        batch->caught_up = true;
        return KS_OK;
    }
    mutex = &((struct ks__local_session *)source->base.session)->log->mutex;
    ks__mutex_lock(mutex);
    if (source->next < part->begin || source->next > atomic_load(&part->end)) {
        ks__mutex_unlock(mutex);
        return KS_EOFFSET;
    }
    source->hint = slot_of(part, source->next, source->hint);
    if (source->hint < part->count) {
        segment = part->slots[source->hint].segment;
        first   = ks__segment_find(segment, source->next);
        ks__segment_hold(segment);
        batch->held        = segment;
        batch->records     = &segment->records[first];
        batch->count       = segment->count - first < limit ? segment->count - first : limit;
        batch->next_offset = batch->count > 0 ? batch->records[batch->count - 1].offset + 1
                                              : source->next;
    } else {
        batch->next_offset = atomic_load(&part->end);   /* compacted away up to the end */
    }
    batch->caught_up = batch->next_offset == atomic_load(&part->end);
    ks__mutex_unlock(mutex);
    if (!batch->caught_up)
        atomic_store_explicit(&source->hungry, false, memory_order_relaxed);
    return KS_OK;
}

int64_t ks__memory_lag(const struct ks__local_source *source)
{
    int64_t end = atomic_load(&part_of(source)->end);

    return end > source->next ? end - source->next : 0;
}

int64_t ks__memory_partition_at(const struct ks__memory_partition *part, int64_t time_ms)
{
    for (size_t i = 0; i < part->count; i++) {
        const struct ks__segment *segment = part->slots[i].segment;

        if (segment->max_timestamp_ms < time_ms)
            continue;
        for (uint32_t j = 0; j < segment->count; j++)
            if (segment->records[j].record.timestamp_ms >= time_ms &&
                segment->records[j].offset >= part->begin)
                return segment->records[j].offset;
    }
    return atomic_load(&part->end);
}

/* ---- forget ---- */

void ks__memory_partition_trim(struct ks__memory_partition *part, int64_t offset)
{
    size_t gone = 0;

    if (offset <= part->begin)
        return;
    part->begin = offset;
    for (; gone < part->count; gone++) {
        struct ks__segment *segment = part->slots[gone].segment;

        if (segment->records[segment->count - 1].offset >= offset)
            break;
        part->records -= segment->count;
        ks__segment_drop(segment);
    }
    memmove(part->slots, part->slots + gone, (part->count - gone) * sizeof(*part->slots));
    part->count -= gone;
    if (part->count == 0)
        part->tail_open = false;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * compact.c - drop the records of a partition that newer ones of their keys have superseded.
 *
 *      newest to oldest   the first record of a key is its last: marked
 *      oldest to newest   marked records are copied together into new segments
 *
 * The keys seen are a table of {hash, record}, made for the run and as large as it may get. It is
 * far larger than the processor's cache, so its places are asked for some records ahead.
 */
#include "log/memory/memory.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/hash.h"

#include <string.h>

#define COMPACT_FIRST 65536 /* records */
#define COMPACT_RATIO 3     /* so many times what was kept the last time: compact again */
#define AHEAD         16u   /* records, a power of two */

struct seen {
    uint64_t         hash;
    const ks_record *record; /* NULL = free */
};

struct compaction {
    struct ks__memory_partition *part;
    struct seen                 *seen;
    size_t                       mask;
    bool                        *last; /* of all records, oldest first */
};

/* ---- keys ---- */

static bool same_key(const ks_record *one, const ks_record *other)
{
    return one->key.size == other->key.size &&
           (one->key.size == 0 || memcmp(one->key.data, other->key.data, one->key.size) == 0);
}

/* True when nobody has shown the key before. */
static bool show(struct compaction *run, const ks_record *record, uint64_t hash)
{
    size_t i = hash & run->mask;

    for (; run->seen[i].record != NULL; i = (i + 1) & run->mask)
        if (run->seen[i].hash == hash && same_key(run->seen[i].record, record))
            return false;
    run->seen[i] = (struct seen){ hash, record };
    return true;
}

/* The hash of the n-th record from the end; its place in the table is asked for. Null keys have
 * none: Kafka refuses such records at a compacted topic. */
static uint64_t look_ahead(const struct compaction *run, const struct ks__segment *segment,
                           uint32_t n)
{
    const ks_bytes key = segment->records[segment->count - 1 - n].record.key;
    uint64_t       hash;

    if (key.data == NULL)
        return 0;
    hash = ks__map_hash(key);
    __builtin_prefetch(&run->seen[hash & run->mask], 1);
    return hash;
}

/* The record that may be in the place is compared soon: its size and pointer, then its key. */
static const ks_record *look_at_place(const struct compaction *run, uint64_t hash)
{
    const struct seen *seen = &run->seen[hash & run->mask];

    if (seen->record != NULL)
        __builtin_prefetch(seen->record);
    return seen->record;
}

/* `last` is that of the segment's first record. */
static void mark_segment(struct compaction *run, const struct ks__segment *segment, bool *last)
{
    const ks_record *places[AHEAD] = { NULL };
    uint64_t         hashes[AHEAD];

    for (uint32_t n = 0; n < AHEAD - 1 && n < segment->count; n++)
        hashes[n] = look_ahead(run, segment, n);
    for (uint32_t n = 0; n < segment->count; n++) {
        const uint32_t               at     = segment->count - 1 - n;
        const struct ks__log_record *record = &segment->records[at];

        if (n + AHEAD - 1 < segment->count)
            hashes[(n + AHEAD - 1) % AHEAD] = look_ahead(run, segment, n + AHEAD - 1);
        if (n + AHEAD / 2 < segment->count)
            places[(n + AHEAD / 2) % AHEAD] =
                look_at_place(run, hashes[(n + AHEAD / 2) % AHEAD]);
        if (n + AHEAD / 4 < segment->count && places[(n + AHEAD / 4) % AHEAD] != NULL)
            __builtin_prefetch(places[(n + AHEAD / 4) % AHEAD]->key.data);
        last[at] = record->record.key.data != NULL && record->offset >= run->part->begin &&
                   show(run, &record->record, hashes[n % AHEAD]);
    }
}

static void mark(struct compaction *run, size_t records)
{
    size_t from = records;

    for (size_t i = run->part->count; i-- > 0;) {
        from -= run->part->slots[i].segment->count;
        mark_segment(run, run->part->slots[i].segment, run->last + from);
    }
    ks__assert(from == 0);
}

/* ---- segments ---- */

/* Copy the marked records of a segment behind those of `*to`, a new one where it is full, which is
 * put into slot `*kept`. False = no memory: nothing of the segment was taken. */
static bool copy(struct compaction *run, const struct ks__segment *from, const bool *last,
                 struct ks__segment **to, size_t *kept)
{
    struct ks__memory_slot *slots = run->part->slots;
    uint32_t                count = 0;
    size_t                  bytes = 0;

    for (uint32_t i = 0; i < from->count; i++)
        if (last[i]) {
            count++;
            bytes += ks__segment_need(&from->records[i].record);
        }
    if (count == 0)
        return true;
    if (*to == NULL || (*to)->capacity - (*to)->count < count ||
        (*to)->size - (*to)->used < bytes) {
        *to = ks__segment_new(KS__SEGMENT_RECORDS,
                              bytes > KS__SEGMENT_BYTES ? bytes : KS__SEGMENT_BYTES);
        if (*to == NULL)
            return false;
        slots[(*kept)++].segment = *to;
    }
    for (uint32_t i = 0; i < from->count; i++)
        if (last[i])
            ks__segment_append(*to, &from->records[i].record, from->records[i].offset);
    run->part->records += count;
    return true;
}

/* New segments take the first places: never more of them than old ones have been passed. */
static void replace(struct compaction *run)
{
    struct ks__memory_partition *part   = run->part;
    struct ks__segment          *to     = NULL;
    const size_t                 before = part->count - part->tail_open;
    size_t                       kept = 0, i = 0;
    const bool                  *last = run->last;

    for (; i < before; i++) {
        struct ks__segment *from = part->slots[i].segment;

        if (!copy(run, from, last, &to, &kept))
            break;
        last += from->count;
        part->records -= from->count;
        ks__segment_drop(from);
    }
    for (size_t n = 0; n < kept; n++)
        part->slots[n].base = part->slots[n].segment->records[0].offset;
    memmove(part->slots + kept, part->slots + i, (part->count - i) * sizeof(*part->slots));
    part->count = kept + part->count - i;
}

/* ---- the run ---- */

static bool begin(struct compaction *run, size_t records)
{
    size_t places = 64;

    while (places < records / 5 * 8)
        places *= 2;
    run->mask = places - 1;
    run->last = ks__alloc(records * sizeof(*run->last));
    run->seen = ks__alloc(places * sizeof(*run->seen));
    if (run->last == NULL || run->seen == NULL)
        return false;
    ks__alloc_large_pages(run->seen, places * sizeof(*run->seen));
    memset(run->seen, 0, places * sizeof(*run->seen));
    return true;
}

void ks__memory_partition_compact(struct ks__memory_partition *part)
{
    struct compaction run     = { .part = part };
    size_t            records = 0;

    if (part->compact_at == 0)
        part->compact_at = COMPACT_FIRST;
    if (part->records < part->compact_at)
        return;
    for (size_t i = 0; i < part->count; i++)
        records += part->slots[i].segment->count;
    if (begin(&run, records)) {
        mark(&run, records);
        replace(&run);
    }
    ks__free(run.seen);
    ks__free(run.last);
    part->compact_at = part->records * COMPACT_RATIO;
    if (part->compact_at < COMPACT_FIRST)
        part->compact_at = COMPACT_FIRST;
}

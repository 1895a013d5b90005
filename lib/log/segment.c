/* SPDX-License-Identifier: Apache-2.0
 *
 * segment.c - making, filling and searching blocks of records.
 */
#include "log/segment.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/headers.h"

#include <string.h>

#define ALIGN 8u            /* of a list of headers among the bytes */

struct ks__segment *ks__segment_new(uint32_t records, size_t bytes)
{
    size_t              table = records * sizeof(struct ks__log_record);
    struct ks__segment *segment;

    if (bytes > SIZE_MAX - table - sizeof(*segment))
        return NULL;
    segment = ks__alloc(sizeof(*segment) + table + bytes);
    if (segment == NULL)
        return NULL;
    *segment = (struct ks__segment){ .capacity = records, .size = bytes,
                                     .max_timestamp_ms = INT64_MIN };
    atomic_init(&segment->references, 1);
    segment->records = (struct ks__log_record *)(segment + 1);
    segment->bytes   = (uint8_t *)(segment->records + records);
    return segment;
}

void ks__segment_hold(struct ks__segment *segment)
{
    atomic_fetch_add_explicit(&segment->references, 1, memory_order_relaxed);
}

void ks__segment_drop(struct ks__segment *segment)
{
    if (segment != NULL &&
        atomic_fetch_sub_explicit(&segment->references, 1, memory_order_acq_rel) == 1)
        ks__free(segment);
}

static size_t need_of_headers(const ks_headers *headers)
{
    size_t need = ALIGN + sizeof(*headers) + headers->count * sizeof(*headers->items);

    for (size_t i = 0; i < headers->count; i++)
        need += strlen(headers->items[i].name) + 1 + headers->items[i].value.size;
    return need;
}

size_t ks__segment_need(const ks_record *record)
{
    size_t need = record->key.size + record->value.size;

    if (record->headers != NULL && record->headers->count > 0)
        need += need_of_headers(record->headers);
    return need;
}

static void *put(struct ks__segment *segment, const void *data, size_t size)
{
    uint8_t *at = segment->bytes + segment->used;

    if (size > 0)
        memcpy(at, data, size);
    segment->used += size;
    return at;
}

/* Null stays null; empty bytes point somewhere. */
static ks_bytes put_bytes(struct ks__segment *segment, ks_bytes bytes)
{
    if (bytes.data == NULL)
        return KS_NULL;
    return (ks_bytes){ put(segment, bytes.data, bytes.size), bytes.size };
}

static const ks_headers *put_headers(struct ks__segment *segment, const ks_headers *from)
{
    ks_headers         head = { .count = from->count };
    ks_headers        *list;
    struct ks__header *items;

    segment->used = (segment->used + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    list          = put(segment, &head, sizeof(head));
    items         = put(segment, from->items, from->count * sizeof(*items));
    list->items   = items;
    for (size_t i = 0; i < from->count; i++) {
        items[i].name  = put(segment, from->items[i].name, strlen(from->items[i].name) + 1);
        items[i].value = put_bytes(segment, from->items[i].value);
    }
    return list;
}

void ks__segment_append(struct ks__segment *segment, const ks_record *record, int64_t offset)
{
    struct ks__log_record *to = &segment->records[segment->count];

    ks__debug_assert(ks__segment_fits(segment, ks__segment_need(record)));
    to->record.key          = put_bytes(segment, record->key);
    to->record.value        = put_bytes(segment, record->value);
    to->record.timestamp_ms = record->timestamp_ms;
    to->record.headers      = NULL;
    to->record.window       = NULL;
    to->offset              = offset;
    if (record->headers != NULL && record->headers->count > 0)
        to->record.headers = put_headers(segment, record->headers);
    if (record->timestamp_ms > segment->max_timestamp_ms)
        segment->max_timestamp_ms = record->timestamp_ms;
    segment->count++;
}

uint32_t ks__segment_find(const struct ks__segment *segment, int64_t offset)
{
    uint32_t low = 0, high = segment->count;

    if (high > 0 && segment->records[0].offset <= offset &&
        offset - segment->records[0].offset < high &&
        segment->records[offset - segment->records[0].offset].offset == offset)
        return (uint32_t)(offset - segment->records[0].offset);     /* no holes before it */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (segment->records[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

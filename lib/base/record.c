/* SPDX-License-Identifier: Apache-2.0
 *
 * record.c - copy a record into one block.
 */
#include "base/record.h"

#include "base/headers.h"

#include <string.h>

static size_t header_bytes(const ks_headers *headers)
{
    size_t bytes = 0;

    if (headers == NULL)
        return 0;
    bytes = KS__BLOCK_SIZE(sizeof(*headers)) +
            KS__BLOCK_SIZE(headers->count * sizeof(*headers->items));
    for (size_t i = 0; i < headers->count; i++)
        bytes += KS__BLOCK_SIZE(strlen(headers->items[i].name) + 1) +
                 KS__BLOCK_SIZE(headers->items[i].value.size);
    return bytes;
}

size_t ks__record_bytes(const ks_record *record)
{
    return KS__BLOCK_SIZE(record->key.size) + KS__BLOCK_SIZE(record->value.size) +
           header_bytes(record->headers);
}

void *ks__block_put(unsigned char **at, const void *data, size_t size)
{
    void *place = *at;

    if (size > 0)
        memcpy(place, data, size);
    *at += KS__BLOCK_SIZE(size);
    return place;
}

static ks_bytes put_bytes(unsigned char **at, ks_bytes bytes)
{
    if (bytes.data != NULL)
        bytes.data = ks__block_put(at, bytes.data, bytes.size);
    return bytes;
}

static const ks_headers *put_headers(unsigned char **at, const ks_headers *headers)
{
    struct ks_headers *copy;

    if (headers == NULL)
        return NULL;
    copy           = ks__block_put(at, headers, sizeof(*headers));
    copy->capacity = 0;
    copy->items    = ks__block_put(at, headers->items, headers->count * sizeof(*headers->items));
    for (size_t i = 0; i < copy->count; i++) {
        struct ks__header *item = &copy->items[i];

        item->name  = ks__block_put(at, item->name, strlen(item->name) + 1);
        item->value = put_bytes(at, item->value);
    }
    return copy;
}

void ks__record_put(unsigned char **at, ks_record *record)
{
    record->key     = put_bytes(at, record->key);
    record->value   = put_bytes(at, record->value);
    record->headers = put_headers(at, record->headers);
}

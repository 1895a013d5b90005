/* SPDX-License-Identifier: Apache-2.0
 *
 * headers.c - lists of record headers: on the heap, in an arena, as bytes.
 */
#include "base/headers.h"

#include "base/alloc.h"
#include "base/reader.h"

#include <string.h>

/* ---- varint: 7 bits a byte, low ones first ---- */

static void append_varint(struct ks__buffer *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        ks__buffer_append_u8(out, (uint8_t)(value | 0x80));
    ks__buffer_append_u8(out, (uint8_t)value);
}

static uint64_t read_varint(struct ks__reader *in)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = ks__reader_u8(in);

        value |= (uint64_t)(byte & 0x7F) << shift;
        if ((byte & 0x80) == 0)
            return value;
    }
    ks__reader_fail(in);
    return 0;
}

/* ---- bytes ---- */

ks_status ks__headers_encode(const ks_headers *headers, struct ks__buffer *out)
{
    if (headers == NULL || headers->count == 0)
        return KS_OK;
    append_varint(out, headers->count);
    for (size_t i = 0; i < headers->count; i++) {
        const struct ks__header *item = &headers->items[i];

        append_varint(out, strlen(item->name));
        ks__buffer_append_text(out, item->name);
        append_varint(out, item->value.data != NULL ? (uint64_t)item->value.size + 1 : 0);
        ks__buffer_append_bytes(out, item->value);
    }
    return out->failed ? KS_ENOMEM : KS_OK;
}

/* A list of `count` empty items in the arena; NULL = no memory. */
static ks_headers *arena_list(struct ks__arena *arena, size_t count)
{
    ks_headers *list = ks__arena_zalloc(arena, sizeof(*list));

    if (list == NULL)
        return NULL;
    list->count = count;
    list->items = ks__arena_zalloc(arena, count * sizeof(*list->items));
    return list->items != NULL ? list : NULL;
}

static const char *arena_text(struct ks__arena *arena, ks_bytes text)
{
    char *copy = ks__arena_alloc(arena, text.size + 1);

    if (copy == NULL)
        return NULL;
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return copy;
}

static ks_status decode_item(struct ks__reader *in, struct ks__arena *arena,
                             struct ks__header *item)
{
    ks_bytes name = ks__reader_bytes(in, (size_t)read_varint(in));
    uint64_t size = read_varint(in);

    item->value = size > 0 ? ks__reader_bytes(in, (size_t)(size - 1)) : KS_NULL;
    if (in->failed)
        return KS_EDATA;
    item->name = arena_text(arena, name);
    return item->name != NULL ? KS_OK : KS_ENOMEM;
}

ks_status ks__headers_decode(ks_bytes bytes, struct ks__arena *arena, const ks_headers **out)
{
    struct ks__reader in = ks__reader_of(bytes);
    ks_headers       *list;
    uint64_t          count;

    *out = NULL;
    if (bytes.size == 0)
        return KS_OK;
    count = read_varint(&in);
    if (in.failed || count == 0 || count > in.left / 2) /* a header takes two bytes at least */
        return KS_EDATA;
    list = arena_list(arena, (size_t)count);
    if (list == NULL)
        return KS_ENOMEM;
    for (size_t i = 0; i < list->count; i++) {
        ks_status status = decode_item(&in, arena, &list->items[i]);

        if (status != KS_OK)
            return status;
    }
    if (!ks__reader_done(&in))
        return KS_EDATA;
    *out = list;
    return KS_OK;
}

ks_status ks__headers_copy(const ks_headers *headers, struct ks__arena *arena,
                           const ks_headers **out)
{
    ks_headers *list;

    *out = NULL;
    if (headers == NULL || headers->count == 0)
        return KS_OK;
    list = arena_list(arena, headers->count);
    if (list == NULL)
        return KS_ENOMEM;
    for (size_t i = 0; i < list->count; i++) {
        list->items[i].name = arena_text(arena, ks_bytes_text(headers->items[i].name));
        if (list->items[i].name == NULL ||
            !ks__arena_copy(arena, headers->items[i].value, &list->items[i].value))
            return KS_ENOMEM;
    }
    *out = list;
    return KS_OK;
}

/* ---- public: read ---- */

size_t ks_headers_count(const ks_headers *headers)
{
    return headers != NULL ? headers->count : 0;
}

static bool give(const struct ks__header *item, const char **name, ks_bytes *value)
{
    if (name != NULL)
        *name = item != NULL ? item->name : NULL;
    if (value != NULL)
        *value = item != NULL ? item->value : KS_NULL;
    return item != NULL;
}

bool ks_headers_at(const ks_headers *headers, size_t index, const char **name, ks_bytes *value)
{
    return give(index < ks_headers_count(headers) ? &headers->items[index] : NULL, name, value);
}

bool ks_headers_last(const ks_headers *headers, const char *name, ks_bytes *value)
{
    for (size_t i = ks_headers_count(headers); name != NULL && i > 0; i--)
        if (strcmp(headers->items[i - 1].name, name) == 0)
            return give(&headers->items[i - 1], NULL, value);
    return give(NULL, NULL, value);
}

/* ---- public: build ---- */

ks_headers *ks_headers_new(void)
{
    return ks__zalloc(sizeof(ks_headers));
}

ks_status ks_headers_add(ks_headers *headers, const char *name, ks_bytes value)
{
    struct ks__header item = { .value = value };
    char             *copy;
    void             *data = NULL;

    if (headers == NULL || name == NULL || (headers->capacity == 0 && headers->count > 0))
        return KS_EINVAL;
    copy = ks__strdup(name);
    if (value.data != NULL)
        item.value.data = data = ks__memdup(value.data, value.size);
    if (copy == NULL || (value.data != NULL && data == NULL) ||
        !KS__GROW(&headers->items, &headers->capacity, headers->count + 1)) {
        ks__free(copy);
        ks__free(data);
        return KS_ENOMEM;
    }
    item.name                         = copy;
    headers->items[headers->count++] = item;
    return KS_OK;
}

void ks_headers_free(ks_headers *headers)
{
    if (headers == NULL || (headers->capacity == 0 && headers->count > 0))
        return;
    for (size_t i = 0; i < headers->count; i++) {
        ks__free((void *)(uintptr_t)headers->items[i].name);
        ks__free((void *)(uintptr_t)headers->items[i].value.data);
    }
    ks__free(headers->items);
    ks__free(headers);
}

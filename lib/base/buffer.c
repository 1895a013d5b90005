/* SPDX-License-Identifier: Apache-2.0
 *
 * buffer.c - growth and appends of buffer.h.
 */
#include "base/buffer.h"

#include <stdio.h>
#include <string.h>

void ks__buffer_clear(struct ks__buffer *buffer)
{
    buffer->size   = 0;
    buffer->failed = false;
}

void ks__buffer_release(struct ks__buffer *buffer)
{
    ks__free(buffer->data);
    *buffer = (struct ks__buffer){ .data = NULL };
}

bool ks__buffer_reserve(struct ks__buffer *buffer, size_t more)
{
    if (buffer->failed)
        return false;
    if (more <= buffer->capacity - buffer->size)
        return true;
    if (more > SIZE_MAX - buffer->size ||
        !KS__GROW(&buffer->data, &buffer->capacity, buffer->size + more))
        buffer->failed = true;
    return !buffer->failed;
}

void *ks__buffer_extend(struct ks__buffer *buffer, size_t size)
{
    uint8_t *at;

    if (!ks__buffer_reserve(buffer, size != 0 ? size : 1))
        return NULL;
    at = buffer->data + buffer->size;
    buffer->size += size;
    return at;
}

void ks__buffer_append(struct ks__buffer *buffer, const void *data, size_t size)
{
    void *at = ks__buffer_extend(buffer, size);

    if (at != NULL && size != 0)
        memcpy(at, data, size);
}

void ks__buffer_append_bytes(struct ks__buffer *buffer, ks_bytes bytes)
{
    if (bytes.data != NULL)
        ks__buffer_append(buffer, bytes.data, bytes.size);
}

void ks__buffer_append_text(struct ks__buffer *buffer, const char *text)
{
    ks__buffer_append(buffer, text, strlen(text));
}

void ks__buffer_append_u8(struct ks__buffer *buffer, uint8_t value)
{
    ks__buffer_append(buffer, &value, 1);
}

void ks__buffer_append_be16(struct ks__buffer *buffer, uint16_t value)
{
    void *at = ks__buffer_extend(buffer, 2);

    if (at != NULL)
        ks__put_be16(at, value);
}

void ks__buffer_append_be32(struct ks__buffer *buffer, uint32_t value)
{
    void *at = ks__buffer_extend(buffer, 4);

    if (at != NULL)
        ks__put_be32(at, value);
}

void ks__buffer_append_be64(struct ks__buffer *buffer, uint64_t value)
{
    void *at = ks__buffer_extend(buffer, 8);

    if (at != NULL)
        ks__put_be64(at, value);
}

void ks__buffer_printf(struct ks__buffer *buffer, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    ks__buffer_vprintf(buffer, format, arguments);
    va_end(arguments);
}

void ks__buffer_vprintf(struct ks__buffer *buffer, const char *format, va_list arguments)
{
    va_list again;
    int     length;

    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0)
        buffer->failed = true;
    else if (ks__buffer_reserve(buffer, (size_t)length + 1)) {
        vsnprintf((char *)buffer->data + buffer->size, (size_t)length + 1, format, arguments);
        buffer->size += (size_t)length;
    }
}

ks_bytes ks__buffer_bytes(const struct ks__buffer *buffer)
{
    return (ks_bytes){ buffer->data != NULL ? (const void *)buffer->data : "", buffer->size };
}

const char *ks__buffer_text(struct ks__buffer *buffer)
{
    if (!ks__buffer_reserve(buffer, 1))
        return NULL;
    buffer->data[buffer->size] = '\0';
    return (const char *)buffer->data;
}

char *ks__buffer_steal_text(struct ks__buffer *buffer)
{
    char *text = NULL;

    if (ks__buffer_text(buffer) != NULL) {
        text         = (char *)buffer->data;
        buffer->data = NULL;
    }
    ks__buffer_release(buffer);
    return text;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * windowed_key.c - reading and writing windowed keys.
 */
#include "serde/windowed_key.h"

#include "base/buffer.h"

#include <string.h>

static size_t suffix_bytes(const ks_serde *serde)
{
    if (serde->kind == KS__SERDE_SESSION)
        return 16;
    return serde->plain != NULL ? 12 : 8;
}

bool ks__windowed_key_read(const ks_serde *serde, ks_bytes bytes, ks_bytes *inner,
                           ks_window *window)
{
    size_t               suffix = suffix_bytes(serde);
    const unsigned char *times;

    *inner  = KS_NULL;
    *window = (ks_window){ 0, 0 };
    if (bytes.data == NULL || bytes.size < suffix)
        return false;
    times  = (const unsigned char *)bytes.data + bytes.size - suffix;
    *inner = ks_bytes_of(bytes.data, bytes.size - suffix);
    if (serde->kind == KS__SERDE_SESSION) {
        window->end_ms   = (int64_t)ks__get_be64(times);
        window->start_ms = (int64_t)ks__get_be64(times + 8);
        return window->start_ms >= 0 && window->end_ms >= window->start_ms;
    }
    window->start_ms = (int64_t)ks__get_be64(times);
    if (window->start_ms < 0)
        return false;
    /* A window past the end of time ends there, as in Kafka. */
    window->end_ms = window->start_ms > INT64_MAX - serde->window_ms
                         ? INT64_MAX
                         : window->start_ms + serde->window_ms;
    return true;
}

bool ks__windowed_key_write(const ks_serde *serde, ks_bytes inner, const ks_window *window,
                            struct ks__arena *arena, ks_bytes *out)
{
    size_t         suffix = suffix_bytes(serde);
    unsigned char *bytes  = ks__arena_alloc(arena, inner.size + suffix);

    *out = KS_NULL;
    if (bytes == NULL)
        return false;
    if (inner.size > 0)
        memcpy(bytes, inner.data, inner.size);
    if (serde->kind == KS__SERDE_SESSION) {
        ks__put_be64(bytes + inner.size, (uint64_t)window->end_ms);
        ks__put_be64(bytes + inner.size + 8, (uint64_t)window->start_ms);
    } else {
        ks__put_be64(bytes + inner.size, (uint64_t)window->start_ms);
        memset(bytes + inner.size + 8, 0, suffix - 8);
    }
    *out = ks_bytes_of(bytes, inner.size + suffix);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * timed_key.c - see timed_key.h.
 */
#include "state/timed_key.h"

#include "base/assert.h"
#include "base/buffer.h"

#include <string.h>

/* Bytes of the times (and the sequence) behind a key. */
static size_t tail_bytes(enum ks__store_kind kind)
{
    return kind == KS__STORE_WINDOW ? 12 : 16;
}

ks_bytes ks__timed_key_make(enum ks__store_kind kind, const struct ks__timed_key *parts,
                            struct ks__arena *arena)
{
    size_t   size = parts->key.size;
    uint8_t *text = ks__arena_alloc(arena, size + tail_bytes(kind));

    ks__assert(kind == KS__STORE_WINDOW || kind == KS__STORE_SESSION);
    if (text == NULL)
        return KS_NULL;
    if (size != 0)
        memcpy(text, parts->key.data, size);
    ks__put_be64(text + size, (uint64_t)parts->time_ms);
    if (kind == KS__STORE_WINDOW)
        ks__put_be32(text + size + 8, parts->sequence);
    else
        ks__put_be64(text + size + 8, (uint64_t)parts->start_ms);
    return (ks_bytes){ text, size + tail_bytes(kind) };
}

bool ks__timed_key_split(enum ks__store_kind kind, ks_bytes key, struct ks__timed_key *parts)
{
    size_t         tail = tail_bytes(kind);
    const uint8_t *at   = key.data;

    *parts = (struct ks__timed_key){ .key = KS_NULL };
    if (key.size < tail)
        return false;
    at            += key.size - tail;
    parts->key     = (ks_bytes){ key.data, key.size - tail };
    parts->time_ms = (int64_t)ks__get_be64(at);
    if (kind == KS__STORE_WINDOW)
        parts->sequence = ks__get_be32(at + 8);
    else
        parts->start_ms = (int64_t)ks__get_be64(at + 8);
    return true;
}

int64_t ks__timed_key_time(enum ks__store_kind kind, ks_bytes key)
{
    size_t tail = tail_bytes(kind);

    return key.size < tail
               ? 0
               : (int64_t)ks__get_be64((const uint8_t *)key.data + key.size - tail);
}

/* ---- index ---- */

static size_t head_bytes(enum ks__store_kind kind)
{
    return kind == KS__STORE_WINDOW ? 8 : 16;
}

ks_bytes ks__index_key_make(enum ks__store_kind kind, const struct ks__timed_key *parts,
                            struct ks__arena *arena)
{
    size_t   head = head_bytes(kind);
    uint8_t *text = ks__arena_alloc(arena, head + parts->key.size);

    if (text == NULL)
        return KS_NULL;
    ks__put_be64(text, (uint64_t)parts->time_ms);
    if (kind == KS__STORE_SESSION)
        ks__put_be64(text + 8, (uint64_t)parts->start_ms);
    if (parts->key.size != 0)
        memcpy(text + head, parts->key.data, parts->key.size);
    return (ks_bytes){ text, head + parts->key.size };
}

bool ks__index_key_split(enum ks__store_kind kind, ks_bytes key, struct ks__timed_key *parts)
{
    size_t         head = head_bytes(kind);
    const uint8_t *at   = key.data;

    *parts = (struct ks__timed_key){ .key = KS_NULL };
    if (key.size < head)
        return false;
    parts->time_ms = (int64_t)ks__get_be64(at);
    if (kind == KS__STORE_SESSION)
        parts->start_ms = (int64_t)ks__get_be64(at + 8);
    parts->key = (ks_bytes){ at + head, key.size - head };
    return true;
}

int64_t ks__index_key_time(ks_bytes key)
{
    return key.size < 8 ? 0 : (int64_t)ks__get_be64(key.data);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * subscription.c - messages of a foreign-key join, to bytes and back.
 */
#include "serde/subscription.h"

#include "base/assert.h"
#include "base/reader.h"
#include "serde/murmur3.h"

#include <string.h>

#define NO_HASH              0x80u
#define SUBSCRIPTION_VERSION 1u
#define ANSWER_VERSION       0u
#define PARTITION_BYTES      4u

static uint8_t *put(uint8_t *at, ks_bytes bytes)
{
    if (bytes.size != 0)
        memcpy(at, bytes.data, bytes.size);
    return at + bytes.size;
}

static uint8_t *put_u32(uint8_t *at, uint32_t number)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(number >> (24 - 8 * i));
    return at + 4;
}

static uint8_t *put_head(uint8_t *at, unsigned version, ks_bytes hash)
{
    ks__assert(hash.data == NULL || hash.size == KS__MURMUR3_BYTES);
    *at = (uint8_t)(hash.data != NULL ? version : version | NO_HASH);
    return at + 1;
}

static ks_bytes read_hash(struct ks__reader *in, uint8_t head)
{
    return (head & NO_HASH) != 0 ? KS_NULL : ks__reader_bytes(in, KS__MURMUR3_BYTES);
}

/* ---- subscriptions ---- */

bool ks__subscription_write(const struct ks__subscription *subscription, struct ks__arena *arena,
                            ks_bytes *out)
{
    uint8_t *text = ks__arena_alloc(arena, 2 + subscription->hash.size +
                                               subscription->primary.size + PARTITION_BYTES);
    uint8_t *at   = text;

    if (text == NULL)
        return false;
    at    = put_head(at, SUBSCRIPTION_VERSION, subscription->hash);
    *at++ = (uint8_t)subscription->instruction;
    at    = put(at, subscription->hash);
    at    = put(at, subscription->primary);
    at    = put_u32(at, (uint32_t)subscription->partition);
    *out  = (ks_bytes){ text, (size_t)(at - text) };
    return true;
}

bool ks__subscription_read(ks_bytes bytes, struct ks__subscription *out)
{
    struct ks__reader in          = ks__reader_of(bytes);
    const uint8_t     head        = ks__reader_u8(&in);
    const uint8_t     instruction = ks__reader_u8(&in);
    const unsigned    version     = head & ~NO_HASH;

    *out = (struct ks__subscription){ .partition = -1 };
    if (instruction > KS__ANSWER_IF_AVAILABLE || version > SUBSCRIPTION_VERSION)
        return false;
    out->instruction = (enum ks__instruction)instruction;
    out->hash        = read_hash(&in, head);
    if (version == 0) {
        out->primary = ks__reader_rest(&in);
        return ks__reader_done(&in);
    }
    if (in.left < PARTITION_BYTES)
        return false;
    out->primary   = ks__reader_bytes(&in, in.left - PARTITION_BYTES);
    out->partition = ks__reader_i32(&in);
    return ks__reader_done(&in);
}

/* ---- answers ---- */

bool ks__answer_write(const struct ks__answer *answer, struct ks__arena *arena, ks_bytes *out)
{
    uint8_t *text = ks__arena_alloc(arena, 1 + answer->hash.size + answer->value.size);
    uint8_t *at   = text;

    if (text == NULL)
        return false;
    at   = put_head(at, ANSWER_VERSION, answer->hash);
    at   = put(at, answer->hash);
    at   = put(at, answer->value);
    *out = (ks_bytes){ text, (size_t)(at - text) };
    return true;
}

bool ks__answer_read(ks_bytes bytes, struct ks__answer *out)
{
    struct ks__reader in   = ks__reader_of(bytes);
    const uint8_t     head = ks__reader_u8(&in);

    *out = (struct ks__answer){ KS_NULL, KS_NULL };
    if ((head & ~NO_HASH) != ANSWER_VERSION)
        return false;
    out->hash = read_hash(&in, head);
    if (in.left > 0)
        out->value = ks__reader_rest(&in);
    return ks__reader_done(&in);
}

/* ---- keys of the store ---- */

bool ks__subscription_key_write(ks_bytes foreign, ks_bytes primary, struct ks__arena *arena,
                                ks_bytes *out)
{
    uint8_t *text = ks__arena_alloc(arena, 4 + foreign.size + primary.size);

    if (text == NULL)
        return false;
    put(put(put_u32(text, (uint32_t)foreign.size), foreign), primary);
    *out = (ks_bytes){ text, 4 + foreign.size + primary.size };
    return true;
}

bool ks__subscription_key_read(ks_bytes bytes, ks_bytes *foreign, ks_bytes *primary)
{
    struct ks__reader in = ks__reader_of(bytes);

    *foreign = ks__reader_bytes(&in, ks__reader_u32(&in));
    *primary = ks__reader_rest(&in);
    return ks__reader_done(&in);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * envelope.c - see envelope.h.
 */
#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "wire.h"

enum { FORMAT = 1, HEAD_BYTES = 16 };

unsigned char *envelope_encode(const struct envelope *envelope, size_t *size,
                               struct reason *reason)
{
    size_t             name = strlen(envelope->name);
    size_t             kind = strlen(envelope->kind);
    unsigned char     *bytes;
    struct wire_writer out;

    if (name == 0 || kind == 0 || envelope->version == 0 || envelope->size > ENVELOPE_MODEL_MAX) {
        reason_set(reason, "a model needs a name, a kind, a version and at most %d bytes",
                   ENVELOPE_MODEL_MAX);
        return NULL;
    }
    *size = HEAD_BYTES + name + kind + envelope->size;
    bytes = malloc(*size);
    if (bytes == NULL) {
        reason_set(reason, "out of memory");
        return NULL;
    }
    out = wire_writer(bytes, *size);
    wire_put_u8(&out, FORMAT);
    wire_put_u8(&out, (uint8_t)name);
    wire_put_u8(&out, (uint8_t)kind);
    wire_put_u8(&out, 0);
    wire_put_u64(&out, envelope->version);
    wire_put_u32(&out, (uint32_t)envelope->size);
    wire_put_bytes(&out, envelope->name, name);
    wire_put_bytes(&out, envelope->kind, kind);
    wire_put_bytes(&out, envelope->model, envelope->size);
    return bytes;
}

uint64_t envelope_version(const void *data, size_t size)
{
    struct wire_reader in = wire_reader(data, size);

    (void)wire_get_u32(&in);
    return wire_get_u64(&in);
}

/* Names end up on terminals and in files: printable, and nothing that a CSV would need to quote. */
static bool get_name(struct wire_reader *in, char *text, size_t size)
{
    const char *bytes = wire_get_bytes(in, size);

    if (bytes == NULL)
        return false;
    memcpy(text, bytes, size);
    text[size] = '\0';
    for (size_t i = 0; i < size; i++)
        if (bytes[i] <= ' ' || bytes[i] > '~' || strchr(",;\"", bytes[i]) != NULL)
            return false;
    return true;
}

bool envelope_decode(struct envelope *envelope, const void *data, size_t size,
                     struct reason *reason)
{
    struct wire_reader in = wire_reader(data, size);
    uint8_t            format = wire_get_u8(&in);
    uint8_t            name = wire_get_u8(&in);
    uint8_t            kind = wire_get_u8(&in);
    uint8_t            zero = wire_get_u8(&in);

    envelope->version = wire_get_u64(&in);
    envelope->size = wire_get_u32(&in);
    if (in.failed)
        return reason_set(reason, "%zu bytes are too few for a model record", size);
    if (format != FORMAT || zero != 0)
        return reason_set(reason, "not a model record of format %d", FORMAT);
    if (name == 0 || name > ENVELOPE_NAME_MAX || kind == 0 || kind > ENVELOPE_KIND_MAX)
        return reason_set(reason, "the lengths of name or kind are wrong");
    if (envelope->version == 0 || envelope->version > INT64_MAX)
        return reason_set(reason, "a version must be 1 or more");
    if (!get_name(&in, envelope->name, name) || !get_name(&in, envelope->kind, kind))
        return reason_set(reason, "name or kind is cut off or not printable");
    envelope->model = wire_get_bytes(&in, envelope->size);
    if (!wire_done(&in))
        return reason_set(reason, "the record has %zu bytes, its model alone should have %zu", size,
                          envelope->size);
    return true;
}

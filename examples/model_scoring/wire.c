/* SPDX-License-Identifier: Apache-2.0
 *
 * wire.c - see wire.h.
 */
#include <string.h>

#include "wire.h"

struct wire_reader wire_reader(const void *data, size_t size)
{
    return (struct wire_reader){ .at = data, .left = data == NULL ? 0 : size };
}

const void *wire_get_bytes(struct wire_reader *in, size_t size)
{
    const unsigned char *bytes = in->at;

    if (in->failed || size > in->left) {
        in->failed = true;
        return NULL;
    }
    if (size == 0) /* also of a null record: nothing to point to, nothing missing */
        return "";
    in->at += size;
    in->left -= size;
    return bytes;
}

static uint64_t get_integer(struct wire_reader *in, size_t size)
{
    const unsigned char *bytes = wire_get_bytes(in, size);
    uint64_t             value = 0;

    for (size_t i = 0; bytes != NULL && i < size; i++)
        value = value << 8 | bytes[i];
    return value;
}

uint8_t wire_get_u8(struct wire_reader *in)
{
    return (uint8_t)get_integer(in, 1);
}

uint32_t wire_get_u32(struct wire_reader *in)
{
    return (uint32_t)get_integer(in, 4);
}

uint64_t wire_get_u64(struct wire_reader *in)
{
    return get_integer(in, 8);
}

double wire_get_f64(struct wire_reader *in)
{
    uint64_t bits = get_integer(in, 8);
    double   value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

bool wire_done(const struct wire_reader *in)
{
    return !in->failed && in->left == 0;
}

struct wire_writer wire_writer(void *data, size_t size)
{
    return (struct wire_writer){ .at = data, .left = size };
}

void wire_put_bytes(struct wire_writer *out, const void *data, size_t size)
{
    if (out->failed || size > out->left) {
        out->failed = true;
        return;
    }
    if (size > 0)
        memcpy(out->at, data, size);
    out->at += size;
    out->left -= size;
}

static void put_integer(struct wire_writer *out, uint64_t value, size_t size)
{
    unsigned char bytes[8];

    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(value >> 8 * (size - 1 - i));
    wire_put_bytes(out, bytes, size);
}

void wire_put_u8(struct wire_writer *out, uint8_t value)
{
    put_integer(out, value, 1);
}

void wire_put_u32(struct wire_writer *out, uint32_t value)
{
    put_integer(out, value, 4);
}

void wire_put_u64(struct wire_writer *out, uint64_t value)
{
    put_integer(out, value, 8);
}

void wire_put_f64(struct wire_writer *out, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    put_integer(out, bits, 8);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * encode.c - numbers in Kafka's layout, into memory of the caller.
 */
#include "base/buffer.h"

#include <kstream/serde.h>

#include <string.h>

ks_bytes ks_encode_i32(unsigned char out[4], int32_t number)
{
    ks__put_be32(out, (uint32_t)number);
    return ks_bytes_of(out, 4);
}

ks_bytes ks_encode_i64(unsigned char out[8], int64_t number)
{
    ks__put_be64(out, (uint64_t)number);
    return ks_bytes_of(out, 8);
}

ks_bytes ks_encode_f32(unsigned char out[4], float number)
{
    uint32_t bits;

    memcpy(&bits, &number, sizeof(bits));
    ks__put_be32(out, bits);
    return ks_bytes_of(out, 4);
}

ks_bytes ks_encode_f64(unsigned char out[8], double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof(bits));
    ks__put_be64(out, bits);
    return ks_bytes_of(out, 8);
}

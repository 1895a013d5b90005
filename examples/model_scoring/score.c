/* SPDX-License-Identifier: Apache-2.0
 *
 * score.c - see score.h.
 */
#include <string.h>

#include "score.h"
#include "wire.h"

enum { FORMAT = 1 };

size_t score_encode(const struct score *score, unsigned char bytes[SCORE_BYTES_MAX])
{
    struct wire_writer out = wire_writer(bytes, SCORE_BYTES_MAX);
    size_t             name = strlen(score->name);

    wire_put_u8(&out, FORMAT);
    wire_put_u8(&out, (uint8_t)name);
    wire_put_u8(&out, 0);
    wire_put_u8(&out, 0);
    wire_put_u64(&out, score->row);
    wire_put_u64(&out, score->version);
    wire_put_u64(&out, score->took_ns);
    wire_put_f64(&out, score->value);
    wire_put_bytes(&out, score->name, name);
    return SCORE_BYTES_MAX - out.left;
}

bool score_decode(struct score *score, const void *data, size_t size, struct reason *reason)
{
    struct wire_reader in = wire_reader(data, size);
    uint8_t            format = wire_get_u8(&in);
    uint8_t            name = wire_get_u8(&in);
    uint8_t            zeroes = wire_get_u8(&in);
    const void        *text;

    zeroes |= wire_get_u8(&in);
    *score = (struct score){ 0 };
    score->row = wire_get_u64(&in);
    score->version = wire_get_u64(&in);
    score->took_ns = wire_get_u64(&in);
    score->value = wire_get_f64(&in);
    text = wire_get_bytes(&in, name);
    if (!wire_done(&in) || format != FORMAT || zeroes != 0 || name > ENVELOPE_NAME_MAX)
        return reason_set(reason, "%zu bytes are not a score of format %d", size, FORMAT);
    memcpy(score->name, text, name);
    return true;
}

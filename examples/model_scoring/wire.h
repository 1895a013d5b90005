/* SPDX-License-Identifier: Apache-2.0
 *
 * wire.h - big-endian fields in bounded memory: how this program's records travel on topics.
 *
 *      struct wire_reader in = wire_reader(data, size);
 *      row = wire_get_u64(&in);  alcohol = wire_get_f64(&in);
 *      if (!wire_done(&in)) ...  // one check at the end: too short and too long alike
 *
 * A reader that ran out gives zeroes and stays failed; a writer that is full drops what follows
 * and stays failed. Neither touches a byte outside its memory, whatever the bytes say.
 */
#ifndef MODEL_SCORING_WIRE_H
#define MODEL_SCORING_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire_reader {
    const unsigned char *at;
    size_t               left;
    bool                 failed; /* something was asked for that is not there */
};

struct wire_writer {
    unsigned char *at;
    size_t         left;
    bool           failed; /* something did not fit */
};

struct wire_reader wire_reader(const void *data, size_t size);
uint8_t            wire_get_u8(struct wire_reader *in);
uint32_t           wire_get_u32(struct wire_reader *in);
uint64_t           wire_get_u64(struct wire_reader *in);
double             wire_get_f64(struct wire_reader *in);
/* Points into the record; NULL when fewer are left. */
const void *wire_get_bytes(struct wire_reader *in, size_t size);
/* All fields were there and nothing follows them. */
bool wire_done(const struct wire_reader *in);

struct wire_writer wire_writer(void *data, size_t size);
void               wire_put_u8(struct wire_writer *out, uint8_t value);
void               wire_put_u32(struct wire_writer *out, uint32_t value);
void               wire_put_u64(struct wire_writer *out, uint64_t value);
void               wire_put_f64(struct wire_writer *out, double value);
void               wire_put_bytes(struct wire_writer *out, const void *data, size_t size);

#endif

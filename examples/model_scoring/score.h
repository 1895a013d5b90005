/* SPDX-License-Identifier: Apache-2.0
 *
 * score.h - what comes out: one wine, one model, one score.
 *
 *      offset  size  field (integers and numbers big-endian)
 *      0       1     format, 1
 *      1       1     length of the name
 *      2       2     zero
 *      4       8     row of the wine
 *      12      8     version of the model
 *      20      8     nanoseconds that the model took
 *      28      8     the score
 *      36      ...   name of the model; nothing behind it
 */
#ifndef MODEL_SCORING_SCORE_H
#define MODEL_SCORING_SCORE_H

#include <stddef.h>
#include <stdint.h>

#include "envelope.h"

enum { SCORE_BYTES_MAX = 36 + ENVELOPE_NAME_MAX };

struct score {
    uint64_t row;
    uint64_t version;
    uint64_t took_ns;
    double   value;
    char     name[ENVELOPE_NAME_MAX + 1];
};

/* Returns the size. */
size_t score_encode(const struct score *score, unsigned char bytes[SCORE_BYTES_MAX]);
bool   score_decode(struct score *score, const void *data, size_t size, struct reason *reason);

#endif

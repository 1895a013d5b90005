/* SPDX-License-Identifier: Apache-2.0
 *
 * envelope.h - a model on its topic: whose it is, which version, what format, and its bytes.
 *
 *      offset  size  field (integers big-endian)
 *      0       1     format of the envelope, 1
 *      1       1     length of the name, 1 to 63
 *      2       1     length of the kind, 1 to 31
 *      3       1     zero
 *      4       8     version, 1 or more
 *      12      4     length of the model
 *      16      ...   name, kind ("pmml", "tensorflow"), model; nothing behind them
 *
 * The name is what the models' topic is keyed by: a newer record of a name replaces the older.
 */
#ifndef MODEL_SCORING_ENVELOPE_H
#define MODEL_SCORING_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#include "reason.h"

enum {
    ENVELOPE_NAME_MAX = 63,
    ENVELOPE_KIND_MAX = 31,
    ENVELOPE_MODEL_MAX = 32 * 1024 * 1024,
};

struct envelope {
    char        name[ENVELOPE_NAME_MAX + 1];
    char        kind[ENVELOPE_KIND_MAX + 1];
    uint64_t    version;
    const void *model; /* lent by whoever owns the record's bytes */
    size_t      size;
};

/* The record's bytes, for free(); NULL with a reason. */
unsigned char *envelope_encode(const struct envelope *envelope, size_t *size,
                               struct reason *reason);

/* The version without a look at the rest: the cheap test whether a model has changed. 0: none. */
uint64_t envelope_version(const void *data, size_t size);

/* `envelope->model` points into `data`. */
bool envelope_decode(struct envelope *envelope, const void *data, size_t size,
                     struct reason *reason);

#endif

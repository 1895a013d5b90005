/* SPDX-License-Identifier: Apache-2.0
 *
 * refusal.h - records that cannot be used, on their way to the errors topic.
 *
 * On the topic a refused record has the key and the bytes that it came with, and four headers:
 * "reason" (text), "topic", "partition" and "offset" (texts: where it was read).
 *
 * Within the DSL topology a joiner has one output for scores and refusals alike; there a refusal is
 *
 *      offset  size  field (integers big-endian)
 *      0       1     format, 2 (a score has 1)
 *      1       1     length of the model's name
 *      2       1     length of the reason
 *      3       1     zero
 *      4       8     version of the model that had no answer; 0: no model was asked
 *      12      ...   name, reason, and the original bytes up to the end
 */
#ifndef MODEL_SCORING_REFUSAL_H
#define MODEL_SCORING_REFUSAL_H

#include <kstream/kstream.h>

#include "envelope.h"

struct refusal {
    uint64_t version;
    char     name[ENVELOPE_NAME_MAX + 1];
    ks_bytes reason;
    ks_bytes original;
};

/* In arena memory; null without memory, and the record fails. */
ks_bytes refusal_encode(ks_ctx *ctx, const struct refusal *refusal);
/* False: these bytes are no refusal. `reason` and `original` point into them. */
bool refusal_decode(struct refusal *refusal, ks_bytes bytes);

/* Puts the reason and the origin on a record that goes to the errors topic. */
void refusal_label(ks_ctx *ctx, ks_record *record, ks_bytes reason);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * change.h - a table's change on a repartition topic, in Kafka's layout (ChangedSerializer,
 * KIP-904).
 *
 *      [new ...][1]                                a value came
 *      [old ...][0]                                a value went
 *      [varint size of new][new ...][old ...][2]   both, of the same key
 *
 * The varint is zigzag. Formats 3 to 5 (KIP-914) are 0 to 2 with one more byte before the last, "is
 * the latest": they are read, never written.
 * Threads: pure.
 */
#ifndef KS_SERDE_CHANGE_H
#define KS_SERDE_CHANGE_H

#include "base/arena.h"

/* Null = there is none. */
struct ks__change {
    ks_bytes now;
    ks_bytes before;
};

/* At least one of the two is there. False = no memory. */
bool ks__change_write(const struct ks__change *change, struct ks__arena *arena, ks_bytes *out);
/* Both point into `bytes`. False = damaged. */
bool ks__change_read(ks_bytes bytes, struct ks__change *out);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * subscription.h - the messages of a foreign-key join and the keys of its store, in Kafka's layout
 * (SubscriptionWrapperSerde, SubscriptionResponseWrapperSerde, CombinedKeySchema).
 *
 *      subscription  [version 7 bits, no hash 1 bit][instruction][hash, 16][primary key ...]
 *                    [partition, 4]                                    version 1; 0 has none
 *      answer        [version 0 7 bits, no hash 1 bit][hash, 16][right value ...]
 *      store key     [size of foreign key, 4][foreign key ...][primary key ...]
 *
 * The hash is that of the left value (murmur3.h); without it the row was deleted. An answer without
 * value says that there is none, so an empty right value reads as null, as in Kafka Streams.
 * Threads: pure.
 */
#ifndef KS_SERDE_SUBSCRIPTION_H
#define KS_SERDE_SUBSCRIPTION_H

#include "base/arena.h"

enum ks__instruction {
    KS__DELETE_SILENTLY     = 0, /* the foreign key has changed */
    KS__DELETE_AND_ANSWER   = 1, /* there is none any more */
    KS__ANSWER_ALWAYS       = 2, /* also that there is no right row */
    KS__ANSWER_IF_AVAILABLE = 3
};

struct ks__subscription {
    enum ks__instruction instruction;
    ks_bytes             hash;      /* null = the left row was deleted */
    ks_bytes             primary;
    int32_t              partition; /* that asks; -1 = not said */
};

struct ks__answer {
    ks_bytes hash;
    ks_bytes value; /* null = no right row */
};

/* What is written lies in the arena; false = no memory. What is read points into the bytes; false =
 * damaged, or of a version that is not known. */
bool ks__subscription_write(const struct ks__subscription *subscription, struct ks__arena *arena,
                            ks_bytes *out);
bool ks__subscription_read(ks_bytes bytes, struct ks__subscription *out);
bool ks__answer_write(const struct ks__answer *answer, struct ks__arena *arena, ks_bytes *out);
bool ks__answer_read(ks_bytes bytes, struct ks__answer *out);

/* The store's key; without primary key: the prefix of all subscriptions to a foreign key. */
bool ks__subscription_key_write(ks_bytes foreign, ks_bytes primary, struct ks__arena *arena,
                                ks_bytes *out);
bool ks__subscription_key_read(ks_bytes bytes, ks_bytes *foreign, ks_bytes *primary);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * windowed_key.h - windowed keys as they stand on topics, in Kafka's layout.
 *
 *      time window   [key bytes ...][start, 8 bytes]               the reader knows the size
 *                    [key bytes ...][start, 8 bytes][sequence, 4]  on the changelog of its store
 *      session       [key bytes ...][end, 8 bytes][start, 8 bytes]
 *
 * Numbers are big-endian. Threads: pure.
 */
#ifndef KS_SERDE_WINDOWED_KEY_H
#define KS_SERDE_WINDOWED_KEY_H

#include "base/arena.h"
#include "serde/serde.h"

#include <kstream/window.h>

/* Take a key apart; `*inner` points into `bytes`. False when it is too short or its times are
 * negative or reversed. */
bool ks__windowed_key_read(const ks_serde *serde, ks_bytes bytes, ks_bytes *inner,
                           ks_window *window);
/* Put a key together in the arena, its sequence number 0. False = no memory. */
bool ks__windowed_key_write(const ks_serde *serde, ks_bytes inner, const ks_window *window,
                            struct ks__arena *arena, ks_bytes *out);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz.h - the readers of foreign bytes, each as a function that takes any bytes at all.
 *
 *      bytes ──> read ──> refused
 *                    `──> write ──> read again: the same
 *
 * A target must return; what does not hold ends the process (DEMAND), so that libFuzzer
 * and the corpus driver see it. The bytes are exactly as long as `size`, so that a sanitizer sees
 * every read beyond them.
 */
#ifndef KS_TESTS_FUZZ_H
#define KS_TESTS_FUZZ_H

#include "base/arena.h"

#include <kstream/bytes.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void fuzz_fn(ks_bytes bytes);

struct fuzz_target {
    const char *name;
    fuzz_fn    *run;
};

extern const struct fuzz_target fuzz_targets[];
extern const size_t             fuzz_target_count;

/* NULL = there is none of that name. */
const struct fuzz_target *fuzz_find(const char *name);

/* Say what does not hold, and abort. */
#define DEMAND(holds) \
    ((holds) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #holds))
void fuzz_fail(const char *file, int line, const char *what) __attribute__((__noreturn__));

/* An arena for one input; emptied by fuzz_run(). */
extern struct ks__arena fuzz_arena;
void fuzz_run(const struct fuzz_target *target, const uint8_t *data, size_t size);

/* The first byte of what is left, or 0; the bytes up to a separator. */
uint8_t  fuzz_byte(ks_bytes *bytes);
ks_bytes fuzz_until(ks_bytes *bytes, char separator);
/* As a terminated text in the arena, cut at the first zero. */
const char *fuzz_text(ks_bytes bytes);
bool        fuzz_same(ks_bytes a, ks_bytes b); /* null differs from empty */

/* serdes.c: keys and messages on topics; rows.c: rows of stores and logs; texts.c: what people
 * write; models.c: the example's files. */
fuzz_fn fuzz_windowed_key, fuzz_change, fuzz_subscription, fuzz_answer, fuzz_subscription_key,
    fuzz_serde, fuzz_headers, fuzz_metadata;
fuzz_fn fuzz_row, fuzz_chain, fuzz_timed_key, fuzz_held, fuzz_chunk, fuzz_group, fuzz_restore;
fuzz_fn fuzz_config, fuzz_address, fuzz_words, fuzz_shape;
fuzz_fn fuzz_pmml, fuzz_graph, fuzz_envelope;

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * words.h - the topology of examples/word_count.c, name for name, for tests that look into its
 * state.
 */
#ifndef KS_TESTS_WORDS_H
#define KS_TESTS_WORDS_H

#include <kstream/kstream.h>

/* Never NULL but for want of memory; a mistake is in ks_topology_error(). */
ks_topology *words_topology(const char *input, const char *output);

#endif

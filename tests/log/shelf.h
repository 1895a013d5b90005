/* SPDX-License-Identifier: Apache-2.0
 *
 * shelf.h - a log of one's own for tests: topics in plain arrays, which outlive its closing.
 *
 * "shelf:NAME"; through <kstream/sys/log.h> alone.
 */
#ifndef TESTS_LOG_SHELF_H
#define TESTS_LOG_SHELF_H

#include <kstream/kstream.h>
#include <kstream/sys/log.h>

extern const ks_log_class shelf_class;

/* Throw all shelves away. */
void shelf_clear(void);
/* The n-th hook from now fails (1 = the next; 0 = none); how many were called so far. */
void     shelf_fail_at(unsigned n);
unsigned shelf_calls(void);
/* commit() forgets to say where the records came to lie. */
void shelf_forget_offsets(bool forget);
/* Put a record there behind the library's back, then tell that it arrived. */
void shelf_deliver(const char *name, const char *topic, const ks_record *record);

#endif

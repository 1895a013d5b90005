/* SPDX-License-Identifier: Apache-2.0
 *
 * assert.h - checks of our own invariants, on in release builds too: they guard data.
 *
 * A failed one is a bug of the library; the process stops before wrong state is written. Misuse by
 * the application is never asserted, it gets a status and a text.
 */
#ifndef KS_BASE_ASSERT_H
#define KS_BASE_ASSERT_H

/* Stop the process. The text goes to the debugger's view of the frame, nowhere else. */
_Noreturn void ks__assert_failed(const char *file, int line, const char *what);

#define ks__assert(condition) \
    ((condition) ? (void)0 : ks__assert_failed(__FILE__, __LINE__, #condition))

/* The end of a switch over all values of an enum. */
#define ks__unreachable() ks__assert_failed(__FILE__, __LINE__, "unreachable")

/* Checks that cost too much for every record: only with KS_DEBUG. */
#if defined(KS_DEBUG)
#define ks__debug_assert(condition) ks__assert(condition)
#else
#define ks__debug_assert(condition) ((void)sizeof((condition) ? 1 : 0))
#endif

#endif

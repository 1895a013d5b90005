/* SPDX-License-Identifier: Apache-2.0
 *
 * error.h - what is inside a ks_error: the first failure of a handle, with its text.
 *
 * All text is stored inside the struct, so that an error can be set, copied and dropped without
 * memory; too long a text ends in "...". Zero-initialised = no error.
 *
 * Invariants
 *   E1  The first error wins: setting an error that is already set changes nothing.
 *   E2  `message` and `node` are always terminated and never NULL.
 *
 * Threads: the owner of the handle.
 */
#ifndef KS_BASE_ERROR_H
#define KS_BASE_ERROR_H

#include "base/alloc.h"

#include <kstream/status.h>

#include <stdarg.h>
#include <stdbool.h>

#define KS__ERROR_MESSAGE_BYTES 896
#define KS__ERROR_NODE_BYTES    104

enum ks__error_flags {
    KS__ERROR_FATAL          = 1 << 0,  /* the handle cannot go on                            */
    KS__ERROR_RETRIABLE      = 1 << 1,  /* the same call may succeed later                    */
    KS__ERROR_REQUIRES_ABORT = 1 << 2,  /* the open transaction must be aborted               */
    KS__ERROR_REPLACED       = 1 << 3   /* another has our group.instance.id: do not rejoin   */
};

struct ks_error {
    ks_status status;
    int       cause;                    /* number of errno, LMDB or librdkafka; 0 = none      */
    unsigned  flags;                    /* enum ks__error_flags                               */
    char      node[KS__ERROR_NODE_BYTES];
    char      message[KS__ERROR_MESSAGE_BYTES];
};

/* Set status and text unless an error is set already (E1); returns `status` in any case, so that
 * a caller can write `return ks__error_set(...)`. A NULL error is fine. */
ks_status ks__error_set(ks_error *error, ks_status status, const char *format, ...)
    KS__PRINTF(3, 4);
ks_status ks__error_vset(ks_error *error, ks_status status, const char *format, va_list arguments)
    KS__PRINTF(3, 0);
/* The same with an errno: appends ": " and its text, keeps it as cause. */
ks_status ks__error_set_errno(ks_error *error, ks_status status, int number, const char *format,
                              ...) KS__PRINTF(4, 5);
/* KS_ENOMEM with a fixed text naming what was to be made; returns KS_ENOMEM. */
ks_status ks__error_no_memory(ks_error *error, const char *what);

/* Details of the error that is set; nothing when none is, or when given before. */
void ks__error_set_node(ks_error *error, const char *node);
void ks__error_set_cause(ks_error *error, int cause);
void ks__error_add_flags(ks_error *error, unsigned flags);
/* Put text before the message ("task 0_1: "), dropping the end when it gets too long. */
void ks__error_prefix(ks_error *error, const char *format, ...) KS__PRINTF(2, 3);

bool ks__error_is_set(const ks_error *error);
/* Overwrite `to` when it has no error yet (E1). */
void ks__error_copy(ks_error *to, const ks_error *from);
void ks__error_clear(ks_error *error);

/* The text of an errno, thread-safe, into `out`; returns `out`. */
const char *ks__errno_text(int number, char *out, size_t size);

#endif

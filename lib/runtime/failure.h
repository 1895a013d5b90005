/* SPDX-License-Identifier: Apache-2.0
 *
 * failure.h - who is asked when something fails, and what the answer is.
 *
 * Threads: immutable after the start; ks__failure_ask() from any stream thread.
 */
#ifndef KS_RUNTIME_FAILURE_H
#define KS_RUNTIME_FAILURE_H

#include "runtime/settings.h"

#include <kstream/app.h>

struct ks__failure_handler {
    ks_failure_fn *fn;
    void          *user;
};

struct ks__failure_handlers {
    struct ks__failure_handler of[KS_FAILURE_UNCAUGHT + 1]; /* by ks_failure_kind */
};

/* The user's answer, or the configured one for DEFAULT and for no handler; never DEFAULT. */
ks_reaction ks__failure_ask(const struct ks__failure_handlers *handlers,
                            const struct ks__settings *settings, const ks_failure *failure);

#endif

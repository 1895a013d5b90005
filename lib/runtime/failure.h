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

/* Who hears of restores. */
struct ks__restore_listener {
    ks_restore_fn *fn; /* NULL = nobody */
    void          *user;
};

static inline void ks__restore_tell(const struct ks__restore_listener *listener,
                                    const ks_restore_event            *event)
{
    if (listener != NULL && listener->fn != NULL)
        listener->fn(event, listener->user);
}

/* The user's answer, or the configured one for DEFAULT and for no handler; never DEFAULT. An answer
 * that is none for this kind of failure counts as FAIL (SHUTDOWN), and the text of `*error`, which
 * is the failure's or NULL, says so. */
ks_reaction ks__failure_ask(const struct ks__failure_handlers *handlers,
                            const struct ks__settings *settings, const ks_failure *failure,
                            ks_error *error);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * client.h - what the public log, its writers and its readers share.
 *
 * They stand on the contract (cluster.h) only, so they work on all logs.
 * Invariants
 *   L1  A log lives until the last of its user, its writers and its readers lets it go.
 *
 * Threads: the log's error is guarded by its mutex; it is set once and then only read.
 */
#ifndef KS_LOG_CLIENT_H
#define KS_LOG_CLIENT_H

#include "base/thread.h"
#include "log/cluster.h"

#include <kstream/log.h>

#include <stdatomic.h>

#define KS__CLIENT_TIMEOUT_MS 30000         /* of calls without a timeout of their own            */

struct ks_log {
    atomic_uint             references;     /* the user's, and one of each writer and reader      */
    struct ks__cluster     *cluster;        /* NULL = the address was wrong                       */
    struct ks__config_values values;        /* a copy; empty without a configuration              */
    bool                    has_values;
    struct ks__mutex        mutex;
    ks_error                error;          /* the last failure                                   */
};

/* NULL stays NULL. */
ks_log *ks__log_hold(ks_log *log);
void    ks__log_drop(ks_log *log);

/* Move an error of a call to where the caller looks for it; returns its status or `status`. */
ks_status ks__client_fail(ks_error *to, ks_status status, const ks_error *from, const char *what);
/* There is no such topic: what to do about it. */
ks_status ks__client_no_topic(ks_error *to, const char *topic);

#endif

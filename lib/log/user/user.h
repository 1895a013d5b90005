/* SPDX-License-Identifier: Apache-2.0
 *
 * user.h - a log whose storage is a class of the user's: sys/log.h turned into a local log.
 *
 *      session (local_*.c) ── commit, fetch, groups ──> user.c ── hooks, one at a time ──> `self`
 *                                                         `── values: offsets, epochs, the log's id
 *
 * Values
 *      'i'                                           the id of the log
 *      'e' transactional id                          its epoch, be64
 *      'o' group 0 topic 0 partition be32            offset be64, then the metadata
 *
 * Not here: what cluster.c calls (cluster.h; registry.c).
 *
 * Invariants
 *   V1  Hooks run under `hooks`, which is taken after the groups' mutex and before the log's.
 *   V2  Nothing is believed to be stored before commit() has said so.
 *
 * Threads: any, through the mutexes.
 */
#ifndef KS_LOG_USER_USER_H
#define KS_LOG_USER_USER_H

#include "base/buffer.h"
#include "log/local_groups.h"

#include <kstream/sys/log.h>

struct ks__user_topic {
    struct ks__local_topic base;
    _Atomic int64_t        ends[];          /* per partition: as seen last                        */
};

struct ks_log_ctx {
    struct ks__local_log    base;
    struct ks_log_ctx      *next;           /* of the registry                                    */
    const ks_log_class     *class;
    void                   *self;
    char                   *address;
    unsigned                references;     /* clusters                                           */
    struct ks__mutex        hooks;
    ks_error                error;          /* of the hook that runs; under `hooks`               */
    struct ks__local_groups groups;
    struct ks__user_topic **topics;         /* found so far; under the log's mutex                */
    size_t                  topic_count, topic_capacity;
};

struct ks_log_batch {
    struct ks__segment *segment;
    size_t              limit;              /* records                                            */
    int64_t             next;               /* the least offset that may follow                   */
    bool                no_memory;
    bool                falls;              /* an offset that does not rise                       */
};

/* ---- user.c ---- */

extern const struct ks__local_class ks__user_class;
void ks__user_topic_free(struct ks__user_topic *topic);

/* Begin and end the use of hooks. */
static inline void ks__user_enter(struct ks_log_ctx *ctx)
{
    ks__mutex_lock(&ctx->hooks);
    ks__error_clear(&ctx->error);
}

/* What the hook said, told to `error`; gives its status. */
ks_status ks__user_leave(struct ks_log_ctx *ctx, ks_status status, const char *hook,
                         ks_error *error);

/* ---- read.c ---- */

ks_status ks__user_fetch(struct ks__local_source *source, size_t limit, struct ks__batch *batch);
int64_t ks__user_lag(const struct ks__local_source *source);
/* The first record at or after the time, else the end. */
ks_status ks__user_at(struct ks_log_ctx *ctx, struct ks__local_topic *topic, int32_t partition,
                      int64_t time_ms, int64_t *offset, ks_error *error);

#endif

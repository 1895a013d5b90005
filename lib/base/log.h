/* SPDX-License-Identifier: Apache-2.0
 *
 * log.h - log lines of the library itself, to one function of the application.
 *
 * Nothing is ever written to stdio. A line is formatted only when its level is wanted, into a
 * buffer on the stack; no memory is allocated.
 *
 * Threads: ks__log_write from any thread; the function is called from any thread, one line per
 *          call, and must not call back into the handle.
 */
#ifndef KS_BASE_LOG_H
#define KS_BASE_LOG_H

#include "base/alloc.h"

#include <stdbool.h>

enum ks__log_level {
    KS__LOG_NONE = 0,                   /* nothing is wanted                                  */
    KS__LOG_ERROR,
    KS__LOG_WARN,
    KS__LOG_INFO,
    KS__LOG_DEBUG
};

/* One line, lent for the call. Names may be NULL. */
struct ks__log_line {
    enum ks__log_level level;
    const char        *room;            /* "state", "runtime", ... never NULL                 */
    const char        *task;            /* "0_1"                                              */
    const char        *node;
    const char        *text;
};

typedef void ks__log_fn(const struct ks__log_line *line, void *user);

/* Where lines go, and what they are about; copy it to add a task or node. Zero = silent. */
struct ks__log {
    ks__log_fn        *fn;
    void              *user;
    enum ks__log_level level;           /* lines up to here are wanted                        */
    const char        *task;
    const char        *node;
};

static inline bool ks__log_wants(const struct ks__log *log, enum ks__log_level level)
{
    return log != NULL && log->fn != NULL && level <= log->level;
}

void ks__log_write(const struct ks__log *log, enum ks__log_level level, const char *room,
                   const char *format, ...) KS__PRINTF(4, 5);

/* The arguments are evaluated only when the level is wanted. */
#define KS__LOG(log, level, room, ...)                                \
    do {                                                              \
        if (ks__log_wants((log), (level)))                            \
            ks__log_write((log), (level), (room), __VA_ARGS__);       \
    } while (0)
#define KS__LOG_AT_ERROR(log, room, ...) KS__LOG(log, KS__LOG_ERROR, room, __VA_ARGS__)
#define KS__LOG_AT_WARN(log, room, ...)  KS__LOG(log, KS__LOG_WARN, room, __VA_ARGS__)
#define KS__LOG_AT_INFO(log, room, ...)  KS__LOG(log, KS__LOG_INFO, room, __VA_ARGS__)
#define KS__LOG_AT_DEBUG(log, room, ...) KS__LOG(log, KS__LOG_DEBUG, room, __VA_ARGS__)

/* "error", "warn", ... */
const char *ks__log_level_name(enum ks__log_level level);

#endif

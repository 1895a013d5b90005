/* SPDX-License-Identifier: Apache-2.0
 *
 * log.c - format one line on the stack and hand it over.
 */
#include "base/log.h"

#include <stdio.h>
#include <string.h>

#define LINE_BYTES 1024         /* longer lines end in "..." */

void ks__log_write(const struct ks__log *log, enum ks__log_level level, const char *room,
                   const char *format, ...)
{
    char                text[LINE_BYTES];
    struct ks__log_line line = { .level = level, .room = room, .text = text };
    va_list             arguments;
    int                 length;

    if (!ks__log_wants(log, level))
        return;
    va_start(arguments, format);
    length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (length < 0)
        snprintf(text, sizeof(text), "(a log line that could not be formatted)");
    else if ((size_t)length >= sizeof(text))
        memcpy(text + sizeof(text) - 4, "...", 4);
    line.task = log->task;
    line.node = log->node;
    log->fn(&line, log->user);
}

const char *ks__log_level_name(enum ks__log_level level)
{
    switch (level) {
    case KS__LOG_NONE:
        return "none";
    case KS__LOG_ERROR:
        return "error";
    case KS__LOG_WARN:
        return "warn";
    case KS__LOG_INFO:
        return "info";
    case KS__LOG_DEBUG:
        return "debug";
    }
    return "?";
}

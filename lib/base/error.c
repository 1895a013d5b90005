/* SPDX-License-Identifier: Apache-2.0
 *
 * error.c - setting, copying and reading errors; names and texts of the status codes.
 */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

static const char memory_text[] = "out of memory";

/* ---- status ---- */

const char *ks_status_name(ks_status status)
{
    switch (status) {
#define XX(name, value, text) \
    case name:                \
        return #name;
        KS_STATUS_MAP(XX)
#undef XX
    }
    return "KS_?";
}

const char *ks_status_text(ks_status status)
{
    switch (status) {
#define XX(name, value, text) \
    case name:                \
        return text;
        KS_STATUS_MAP(XX)
#undef XX
    }
    return "unknown status";
}

/* ---- set ---- */

/* End a text that did not fit with dots. */
static void mark_cut(char *text, size_t size)
{
    memcpy(text + size - 4, "...", 4);
}

static void KS__PRINTF(2, 0) store(ks_error *error, const char *format, va_list arguments)
{
    int length = vsnprintf(error->message, sizeof(error->message), format, arguments);

    if (length < 0)
        snprintf(error->message, sizeof(error->message), "%s", ks_status_text(error->status));
    else if ((size_t)length >= sizeof(error->message))
        mark_cut(error->message, sizeof(error->message));
}

ks_status ks__error_vset(ks_error *error, ks_status status, const char *format, va_list arguments)
{
    if (error == NULL || ks__error_is_set(error) || status == KS_OK)
        return status;
    *error = (ks_error){ .status = status };
    store(error, format, arguments);
    return status;
}

ks_status ks__error_set(ks_error *error, ks_status status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    ks__error_vset(error, status, format, arguments);
    va_end(arguments);
    return status;
}

ks_status ks__error_set_errno(ks_error *error, ks_status status, int number, const char *format,
                              ...)
{
    char    reason[128];
    size_t  length;
    va_list arguments;

    if (error == NULL || ks__error_is_set(error))
        return status;
    va_start(arguments, format);
    ks__error_vset(error, status, format, arguments);
    va_end(arguments);
    length = strlen(error->message);
    if (snprintf(error->message + length, sizeof(error->message) - length, ": %s",
                 ks__errno_text(number, reason, sizeof(reason))) >=
        (int)(sizeof(error->message) - length))
        mark_cut(error->message, sizeof(error->message));
    error->cause = number;
    return status;
}

ks_status ks__error_no_memory(ks_error *error, const char *what)
{
    return ks__error_set(error, KS_ENOMEM, "%s: %s", what, memory_text);
}

/* ---- details ---- */

void ks__error_set_node(ks_error *error, const char *node)
{
    if (!ks__error_is_set(error) || error->node[0] != '\0' || node == NULL)
        return;
    if ((size_t)snprintf(error->node, sizeof(error->node), "%s", node) >= sizeof(error->node))
        mark_cut(error->node, sizeof(error->node));
}

void ks__error_set_cause(ks_error *error, int cause)
{
    if (ks__error_is_set(error) && error->cause == 0)
        error->cause = cause;
}

void ks__error_add_flags(ks_error *error, unsigned flags)
{
    if (ks__error_is_set(error))
        error->flags |= flags;
}

void ks__error_prefix(ks_error *error, const char *format, ...)
{
    char    before[KS__ERROR_MESSAGE_BYTES];
    va_list arguments;
    size_t  length;

    if (!ks__error_is_set(error))
        return;
    memcpy(before, error->message, sizeof(before));
    va_start(arguments, format);
    store(error, format, arguments);
    va_end(arguments);
    length = strlen(error->message);
    if (strlen(before) >= sizeof(error->message) - length) {
        memcpy(error->message + length, before, sizeof(error->message) - length);
        mark_cut(error->message, sizeof(error->message));
    } else {
        memcpy(error->message + length, before, strlen(before) + 1);
    }
}

bool ks__error_is_set(const ks_error *error)
{
    return error != NULL && error->status != KS_OK;
}

void ks__error_copy(ks_error *to, const ks_error *from)
{
    if (to != NULL && to != from && ks__error_is_set(from) && !ks__error_is_set(to))
        *to = *from;
}

void ks__error_clear(ks_error *error)
{
    if (error != NULL)
        *error = (ks_error){ .status = KS_OK };
}

const char *ks__errno_text(int number, char *out, size_t size)
{
    const char *text = strerror_r(number, out, size);      /* GNU: may lend a static text */

    if (text != out)
        snprintf(out, size, "%s", text);
    return out;
}

/* ---- read ---- */

ks_status ks_error_status(const ks_error *error)
{
    return error != NULL ? error->status : KS_OK;
}

const char *ks_error_message(const ks_error *error)
{
    return error != NULL ? error->message : "";
}

const char *ks_error_node(const ks_error *error)
{
    return error != NULL ? error->node : "";
}

int ks_error_cause(const ks_error *error)
{
    return error != NULL ? error->cause : 0;
}

bool ks_error_is_fatal(const ks_error *error)
{
    return error != NULL && (error->flags & KS__ERROR_FATAL) != 0;
}

bool ks_error_is_retriable(const ks_error *error)
{
    return error != NULL && (error->flags & KS__ERROR_RETRIABLE) != 0;
}

bool ks_error_requires_abort(const ks_error *error)
{
    return error != NULL && (error->flags & KS__ERROR_REQUIRES_ABORT) != 0;
}

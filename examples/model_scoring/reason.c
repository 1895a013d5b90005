/* SPDX-License-Identifier: Apache-2.0
 *
 * reason.c - see reason.h.
 */
#include <stdarg.h>
#include <stdio.h>

#include "reason.h"

bool reason_set(struct reason *reason, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(reason->text, sizeof(reason->text), format, arguments);
    va_end(arguments);
    return false;
}

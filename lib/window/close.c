/* SPDX-License-Identifier: Apache-2.0
 *
 * close.c - when windows of each kind are closed (W1 of window.h).
 */
#include "window/window.h"

int64_t ks__window_close_ms(const struct ks__windowing *windows, int64_t stream_time_ms)
{
    int64_t close_ms = ks__time_sub(stream_time_ms, windows->grace_ms);

    if (windows->kind == KS__WINDOWS_SESSION)
        close_ms = ks__time_sub(close_ms, windows->size_ms);
    return close_ms;
}

bool ks__window_accepts(const struct ks__windowing *windows, int64_t end_ms, int64_t close_ms)
{
    if (windows->kind == KS__WINDOWS_SLIDING || windows->kind == KS__WINDOWS_SESSION)
        return end_ms >= close_ms;
    return end_ms > close_ms;
}

int64_t ks__window_final_bound_ms(const struct ks__windowing *windows, int64_t close_ms)
{
    switch (windows->kind) {
    case KS__WINDOWS_SESSION:
        return ks__time_sub(close_ms, 1);
    case KS__WINDOWS_SLIDING:
        return ks__time_sub(ks__time_sub(close_ms, 1), windows->size_ms);
    case KS__WINDOWS_TIME:
        return ks__time_sub(close_ms, windows->size_ms);
    case KS__WINDOWS_UNLIMITED:
    case KS__WINDOWS_COUNTED: /* by its last record, not by time */
        break;
    }
    return -1;
}

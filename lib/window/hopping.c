/* SPDX-License-Identifier: Apache-2.0
 *
 * hopping.c - windows that lie on a grid: tumbling, hopping, and the one unlimited window.
 *
 *      size 10, advance 4, time 13:     [4,14) [8,18) [12,22)
 *
 * Starts are clamped at 0, so times near 0 lie in fewer windows. The advance need not divide the
 * size.
 */
#include "window/window.h"

ks_window ks__window_at(const struct ks__windowing *windows, int64_t start_ms)
{
    if (windows->kind == KS__WINDOWS_UNLIMITED)
        return (ks_window){ start_ms, INT64_MAX };
    return (ks_window){ start_ms, ks__time_add(start_ms, windows->size_ms) };
}

bool ks__window_first(const struct ks__windowing *windows, int64_t time_ms, ks_window *window)
{
    int64_t reach, start;

    if (windows->kind == KS__WINDOWS_UNLIMITED) {
        *window = ks__window_at(windows, windows->start_ms);
        return time_ms >= windows->start_ms;
    }
    reach   = ks__time_add(ks__time_sub(time_ms, windows->size_ms), windows->advance_ms);
    start   = reach > 0 ? reach / windows->advance_ms * windows->advance_ms : 0;
    *window = ks__window_at(windows, start);
    return start <= time_ms;
}

bool ks__window_next(const struct ks__windowing *windows, int64_t time_ms, ks_window *window)
{
    if (windows->kind == KS__WINDOWS_UNLIMITED)
        return false;
    *window = ks__window_at(windows, ks__time_add(window->start_ms, windows->advance_ms));
    return window->start_ms <= time_ms && window->start_ms != INT64_MAX;
}

int64_t ks__slice_ms(const struct ks__windowing *windows)
{
    int64_t one = windows->size_ms, other = windows->advance_ms;

    while (other != 0) {
        const int64_t rest = one % other;

        one   = other;
        other = rest;
    }
    return one;
}

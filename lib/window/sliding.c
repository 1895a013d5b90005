/* SPDX-License-Identifier: Apache-2.0
 *
 * sliding.c - windows that begin or end with a record.
 *
 *      records      t1      t2
 *      left of t2   |-------|              [t2 - size, t2]
 *      right of t1   |-------|             [t1 + 1, t1 + 1 + size]
 */
#include "window/window.h"

ks_window ks__sliding_left(const struct ks__windowing *windows, int64_t time_ms)
{
    return (ks_window){ time_ms - windows->size_ms, time_ms };
}

ks_window ks__sliding_right(const struct ks__windowing *windows, int64_t time_ms)
{
    int64_t start_ms = ks__time_add(time_ms, 1);

    return (ks_window){ start_ms, ks__time_add(start_ms, windows->size_ms) };
}

ks_window ks__sliding_last(const struct ks__windowing *windows, int64_t time_ms)
{
    return (ks_window){ time_ms, ks__time_add(time_ms, windows->size_ms) };
}

bool ks__sliding_is_late(const struct ks__windowing *windows, int64_t time_ms, int64_t close_ms)
{
    return ks__time_add(time_ms, windows->size_ms) < close_ms;
}

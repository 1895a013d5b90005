/* SPDX-License-Identifier: Apache-2.0
 *
 * session.c - which sessions a record joins, and what they become.
 *
 *      gap 5:   [10,12]   (17)   [21,30]     17 reaches back to 12 and on to 22: [10,30]
 */
#include "window/window.h"

ks_window ks__session_reach(const struct ks__windowing *windows, int64_t time_ms)
{
    return (ks_window){ ks__time_sub(time_ms, windows->size_ms),
                        ks__time_add(time_ms, windows->size_ms) };
}

ks_window ks__session_merge(ks_window one, ks_window other)
{
    return (ks_window){ ks__time_min(one.start_ms, other.start_ms),
                        ks__time_max(one.end_ms, other.end_ms) };
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * join.c - which records of two streams lie close enough to each other.
 *
 *      left at t joins right in [t - before, t + after]
 *      right at u joins left in [u - after, u + before]
 *
 * Either may be negative: with before -5 and after 10 the right record comes 5 to 10 ms later.
 */
#include "window/window.h"

struct ks__join_span ks__join_mirror(const struct ks__join_span *span)
{
    return (struct ks__join_span){ .before_ms = span->after_ms,
                                   .after_ms  = span->before_ms,
                                   .grace_ms  = span->grace_ms };
}

ks_window ks__join_reach(const struct ks__join_span *span, int64_t time_ms)
{
    return (ks_window){ ks__time_max(0, ks__time_sub(time_ms, span->before_ms)),
                        ks__time_max(0, ks__time_add(time_ms, span->after_ms)) };
}

bool ks__join_is_closed(const struct ks__join_span *span, int64_t time_ms, int64_t stream_time_ms)
{
    return ks__time_add(ks__time_add(time_ms, span->after_ms), span->grace_ms) < stream_time_ms;
}

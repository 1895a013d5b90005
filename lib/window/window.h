/* SPDX-License-Identifier: Apache-2.0
 *
 * window.h - which windows a time falls into, and when they are closed: arithmetic only.
 *
 *      tumbling  |----|----|----|            [start, end), starts are multiples of the size
 *      hopping   |------|                    [start, end), starts are multiples of the advance
 *                   |------|
 *      sliding   |------| |------|           [start, end], a window per combination of records
 *      session   |--|      |----------|      [start, end], records closer than the gap
 *      unlimited      |---------------->     from its start on
 *      counted   |--|--|--|                  [start, end), of ordinals in place of times
 *
 * Times are milliseconds and never negative; bounds are those of Kafka: the end of sliding windows
 * and sessions is inside. Sums stop at the ends of int64.
 *
 * Invariants
 *   W1  close = stream time - grace (sessions: - gap too). A window accepts a record while
 *       tumbling, hopping   end >  close
 *       sliding, session    end >= close
 *       and is final from the first close that it does not accept at.
 *
 * Threads: pure.
 */
#ifndef KS_WINDOW_WINDOW_H
#define KS_WINDOW_WINDOW_H

#include <kstream/options.h>
#include <kstream/window.h>

#include <stdbool.h>

enum ks__windowing_kind {
    KS__WINDOWS_TIME = 1, /* tumbling and hopping */
    KS__WINDOWS_SLIDING,
    KS__WINDOWS_SESSION,
    KS__WINDOWS_UNLIMITED,
    KS__WINDOWS_COUNTED /* as time, but the bounds are ordinals of a key's records */
};

struct ks__windowing {
    enum ks__windowing_kind kind;
    bool                    final;      /* emit on close, not on update */
    ks_switch               slices_asked;
    bool                    slices;     /* put together from slices */
    int64_t                 size_ms;    /* sliding: the difference; session: the gap; counted:
                                         * records */
    int64_t                 advance_ms; /* time; counted: records */
    int64_t                 grace_ms;
    int64_t                 start_ms;   /* unlimited */
};

/* A sum that stops at the ends of int64. */
static inline int64_t ks__time_add(int64_t time_ms, int64_t by_ms)
{
    if (by_ms > 0 && time_ms > INT64_MAX - by_ms)
        return INT64_MAX;
    if (by_ms < 0 && time_ms < INT64_MIN - by_ms)
        return INT64_MIN;
    return time_ms + by_ms;
}

static inline int64_t ks__time_sub(int64_t time_ms, int64_t by_ms)
{
    return ks__time_add(time_ms, by_ms == INT64_MIN ? INT64_MAX : -by_ms);
}

static inline int64_t ks__time_max(int64_t one, int64_t other)
{
    return one > other ? one : other;
}

static inline int64_t ks__time_min(int64_t one, int64_t other)
{
    return one < other ? one : other;
}

/* ---- closing ---- */

/* What W1 compares with. */
int64_t ks__window_close_ms(const struct ks__windowing *windows, int64_t stream_time_ms);
/* Does a window that ends so still accept a record? */
bool ks__window_accepts(const struct ks__windowing *windows, int64_t end_ms, int64_t close_ms);
/* The latest end (sessions) or start (others) of windows that are final at `close_ms`; negative =
 * none. */
int64_t ks__window_final_bound_ms(const struct ks__windowing *windows, int64_t close_ms);

/* ---- tumbling, hopping, unlimited ---- */

/* The window of a start. */
ks_window ks__window_at(const struct ks__windowing *windows, int64_t start_ms);
/* The earliest window of a time; false = none. */
bool ks__window_first(const struct ks__windowing *windows, int64_t time_ms, ks_window *window);
/* The one after it; false = there are no more. */
bool ks__window_next(const struct ks__windowing *windows, int64_t time_ms, ks_window *window);

/* The longest stretches of which all such windows consist. */
int64_t ks__slice_ms(const struct ks__windowing *windows);
/* The slice of a time. */
static inline ks_window ks__slice_of(int64_t slice_ms, int64_t time_ms)
{
    const int64_t start = time_ms / slice_ms * slice_ms;

    return (ks_window){ start, ks__time_add(start, slice_ms) };
}

/* ---- sliding ---- */

/* [time - size, time]; only for time >= size. */
ks_window ks__sliding_left(const struct ks__windowing *windows, int64_t time_ms);
/* [time + 1, time + 1 + size]: what follows a record. */
ks_window ks__sliding_right(const struct ks__windowing *windows, int64_t time_ms);
/* [time, time + size]: the last that a record can be in. */
ks_window ks__sliding_last(const struct ks__windowing *windows, int64_t time_ms);
/* Is the whole record too late? */
bool ks__sliding_is_late(const struct ks__windowing *windows, int64_t time_ms, int64_t close_ms);

/* ---- sessions ---- */

/* The sessions that a record at this time joins have end >= start_ms and start <= end_ms of
 * this. */
ks_window ks__session_reach(const struct ks__windowing *windows, int64_t time_ms);
/* The smallest session that holds both. */
ks_window ks__session_merge(ks_window one, ks_window other);

/* ---- joins ---- */

/* before and after as seen from one side. */
struct ks__join_span {
    int64_t before_ms;
    int64_t after_ms;
    int64_t grace_ms;
};

/* As seen from the other side. */
struct ks__join_span ks__join_mirror(const struct ks__join_span *span);
/* Times of the other side that join a record at this time; start > end = none. */
ks_window ks__join_reach(const struct ks__join_span *span, int64_t time_ms);
/* Can a record at this time have no more partners? */
bool ks__join_is_closed(const struct ks__join_span *span, int64_t time_ms, int64_t stream_time_ms);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * window.h - time: durations in milliseconds and the bounds of a window.
 *
 * All times are int64_t milliseconds since the epoch, all durations int64_t milliseconds.
 * Bounds are given as Kafka gives them: the end of a session or of a sliding window belongs to the
 * window, the end of a tumbling or hopping window does not.
 */
#ifndef KSTREAM_WINDOW_H
#define KSTREAM_WINDOW_H

#include <kstream/api.h>

#define KS_SECONDS(n) (INT64_C(1000) * (n))
#define KS_MINUTES(n) (INT64_C(60000) * (n))
#define KS_HOURS(n)   (INT64_C(3600000) * (n))
#define KS_DAYS(n)    (INT64_C(86400000) * (n))

/* The bounds of a window; those of counted windows are ordinals of a key's records. */
typedef struct ks_window {
    int64_t start_ms;
    int64_t end_ms;
} ks_window;

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * clock.h - where time comes from: the real clock, or one that a test moves.
 *
 * A clock is a table that an app, a driver or a log carries; nobody else reads the time of
 * the machine. The hot path reads it once per batch, never per record.
 *
 * Threads: the real clock from any thread; a manual clock too (its fields are atomic).
 */
#ifndef KS_BASE_CLOCK_H
#define KS_BASE_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>

struct ks__clock {
    int64_t (*wall_ms)(void *user);     /* ms since 1970, may jump                            */
    int64_t (*mono_ns)(void *user);     /* never goes back; for durations and deadlines       */
    void *user;
};

/* The clock of the machine. Static. */
const struct ks__clock *ks__clock_real(void);

static inline int64_t ks__clock_wall_ms(const struct ks__clock *clock)
{
    return clock->wall_ms(clock->user);
}

static inline int64_t ks__clock_mono_ns(const struct ks__clock *clock)
{
    return clock->mono_ns(clock->user);
}

static inline int64_t ks__clock_mono_ms(const struct ks__clock *clock)
{
    return clock->mono_ns(clock->user) / 1000000;
}

/* A clock that stands still until it is told to move. Pass `&manual.clock`; do not copy. */
struct ks__manual_clock {
    struct ks__clock    clock;
    atomic_int_fast64_t wall_ms;
    atomic_int_fast64_t mono_ns;
};

/* Start at `wall_ms`; the monotone side starts at 0. */
void ks__manual_clock_init(struct ks__manual_clock *manual, int64_t wall_ms);
/* Move both sides forward by `ms` (>= 0). */
void ks__manual_clock_advance(struct ks__manual_clock *manual, int64_t ms);
/* Set the wall side alone, also backwards, as an operator of a machine may do. */
void ks__manual_clock_set_wall(struct ks__manual_clock *manual, int64_t wall_ms);

#endif

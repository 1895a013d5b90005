/* SPDX-License-Identifier: Apache-2.0
 *
 * clock.c - the clock of the machine, and the one that stands still.
 */
#include "base/clock.h"

#include "base/assert.h"

#include <time.h>

static int64_t real_wall_ms(void *user)
{
    struct timespec now;

    (void)user;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t real_mono_ns(void *user)
{
    struct timespec now;

    (void)user;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static const struct ks__clock real_clock = { real_wall_ms, real_mono_ns, NULL };

const struct ks__clock *ks__clock_real(void)
{
    return &real_clock;
}

static int64_t manual_wall_ms(void *user)
{
    return atomic_load(&((struct ks__manual_clock *)user)->wall_ms);
}

static int64_t manual_mono_ns(void *user)
{
    return atomic_load(&((struct ks__manual_clock *)user)->mono_ns);
}

void ks__manual_clock_init(struct ks__manual_clock *manual, int64_t wall_ms)
{
    manual->clock = (struct ks__clock){ manual_wall_ms, manual_mono_ns, manual };
    atomic_init(&manual->wall_ms, wall_ms);
    atomic_init(&manual->mono_ns, 0);
}

void ks__manual_clock_advance(struct ks__manual_clock *manual, int64_t ms)
{
    ks__assert(ms >= 0 && ms <= INT64_MAX / 1000000);
    atomic_fetch_add(&manual->wall_ms, ms);
    atomic_fetch_add(&manual->mono_ns, ms * 1000000);
}

void ks__manual_clock_set_wall(struct ks__manual_clock *manual, int64_t wall_ms)
{
    atomic_store(&manual->wall_ms, wall_ms);
}

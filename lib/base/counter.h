/* SPDX-License-Identifier: Apache-2.0
 *
 * counter.h - numbers which one thread writes and any thread reads.
 *
 * A relaxed load and a relaxed store: the price of a plain addition on every machine we know. A
 * reader sees each counter exactly, several of them at slightly different moments.
 */
#ifndef KS_BASE_COUNTER_H
#define KS_BASE_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

struct ks__counter {
    _Atomic int64_t value;
};

/* The writer's calls. */
static inline void ks__counter_add(struct ks__counter *counter, int64_t amount)
{
    int64_t value = atomic_load_explicit(&counter->value, memory_order_relaxed);

    atomic_store_explicit(&counter->value, value + amount, memory_order_relaxed);
}

static inline void ks__counter_set(struct ks__counter *counter, int64_t value)
{
    atomic_store_explicit(&counter->value, value, memory_order_relaxed);
}

static inline void ks__counter_raise(struct ks__counter *counter, int64_t value)
{
    if (value > atomic_load_explicit(&counter->value, memory_order_relaxed))
        atomic_store_explicit(&counter->value, value, memory_order_relaxed);
}

/* Any thread's call. */
static inline int64_t ks__counter_read(const struct ks__counter *counter)
{
    return atomic_load_explicit(&((struct ks__counter *)(uintptr_t)counter)->value,
                                memory_order_relaxed);
}

/* The one call that several threads may make on the same counter. */
static inline void ks__counter_add_shared(struct ks__counter *counter, int64_t amount)
{
    atomic_fetch_add_explicit(&counter->value, amount, memory_order_relaxed);
}

#endif

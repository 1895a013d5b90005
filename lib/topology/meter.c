/* SPDX-License-Identifier: Apache-2.0
 *
 * meter.c - making, finding, moving and listing the metrics of the user's own.
 *
 * A latency is three numbers: how many, their sum, the largest.
 * Threads: meter.h.
 */
#include "topology/meter.h"

#include "base/alloc.h"
#include "topology/op.h"

#include <string.h>

enum meter_kind { METER_COUNTER, METER_LATENCY };

struct ks__meter {
    struct ks__meter *next;
    enum meter_kind   kind;
    char             *name; /* behind the meter, as are the names of a latency's rows */
    char             *sum_name, *max_name;
    struct ks__counter value; /* a latency's: how many */
    struct ks__counter sum, max;
};

/* The public handles are two types, so that the compiler keeps them apart. */
struct ks_counter {
    struct ks__meter meter;
};

struct ks_latency {
    struct ks__meter meter;
};

/* ---- names ---- */

static const char suffix_total[] = "-total";
static const char suffix_sum[]   = "-latency-total";
static const char suffix_max[]   = "-latency-max";

/* Put a name and a suffix at `at`; gives the byte behind. */
static char *put_name(char *at, const char *name, size_t length, const char *suffix)
{
    memcpy(at, name, length);
    memcpy(at + length, suffix, strlen(suffix) + 1);
    return at + length + strlen(suffix) + 1;
}

static struct ks__meter *new_meter(const char *name, enum meter_kind kind)
{
    const size_t      length = strlen(name);
    const size_t      size   = sizeof(struct ks_latency) + 3 * (length + 1) + sizeof(suffix_total) +
                               sizeof(suffix_sum) + sizeof(suffix_max);
    struct ks__meter *meter  = ks__zalloc(size);

    if (meter == NULL)
        return NULL;
    meter->kind = kind;
    meter->name = (char *)meter + sizeof(struct ks_latency);
    if (kind == METER_COUNTER) {
        put_name(meter->name, name, length, "");
        return meter;
    }
    meter->sum_name = put_name(meter->name, name, length, suffix_total);
    meter->max_name = put_name(meter->sum_name, name, length, suffix_sum);
    put_name(meter->max_name, name, length, suffix_max);
    return meter;
}

/* Is it the meter that was asked for by this name? */
static bool is_named(const struct ks__meter *meter, const char *name)
{
    const size_t length = strlen(name);

    if (meter->kind == METER_COUNTER)
        return strcmp(meter->name, name) == 0;
    return strncmp(meter->name, name, length) == 0 &&
           strcmp(meter->name + length, suffix_total) == 0;
}

/* ---- making ---- */

static struct ks__meter *find(struct ks__meters *meters, const char *name, enum meter_kind kind)
{
    struct ks__meter *meter = atomic_load_explicit(&meters->first, memory_order_relaxed);

    while (meter != NULL && (meter->kind != kind || !is_named(meter, name)))
        meter = meter->next;
    return meter;
}

static struct ks__meter *meter_of(ks_ctx *ctx, const char *name, enum meter_kind kind,
                                  const char *function)
{
    struct ks__meters *meters = ctx->op->meters;
    struct ks__meter  *meter;

    if (ctx->error->status != KS_OK)
        return NULL;
    if (name == NULL || *name == '\0') {
        ks__ctx_raise(ctx, KS_EINVAL, "%s() needs a name", function);
        return NULL;
    }
    meter = find(meters, name, kind);
    if (meter != NULL)
        return meter;
    meter = new_meter(name, kind);
    if (meter == NULL) {
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for the metric \"%s\"", name);
        return NULL;
    }
    meter->next = atomic_load_explicit(&meters->first, memory_order_relaxed);
    atomic_store_explicit(&meters->first, meter, memory_order_release); /* M1 */
    return meter;
}

ks_counter *ks_ctx_counter(ks_ctx *ctx, const char *name)
{
    return (ks_counter *)meter_of(ctx, name, METER_COUNTER, __func__);
}

ks_latency *ks_ctx_latency(ks_ctx *ctx, const char *name)
{
    return (ks_latency *)meter_of(ctx, name, METER_LATENCY, __func__);
}

/* ---- moving ---- */

void ks_counter_add(ks_counter *counter, int64_t amount)
{
    if (counter != NULL)
        ks__counter_add(&counter->meter.value, amount);
}

void ks_counter_set(ks_counter *counter, int64_t value)
{
    if (counter != NULL)
        ks__counter_set(&counter->meter.value, value);
}

void ks_latency_add(ks_latency *latency, int64_t elapsed_ns)
{
    if (latency == NULL)
        return;
    ks__counter_add(&latency->meter.value, 1);
    ks__counter_add(&latency->meter.sum, elapsed_ns);
    ks__counter_raise(&latency->meter.max, elapsed_ns);
}

/* ---- reading ---- */

void ks__meters_each(const struct ks__meters *meters, ks__meter_fn *fn, void *user)
{
    struct ks__meters      *shared = (struct ks__meters *)(uintptr_t)meters;
    const struct ks__meter *meter  = atomic_load_explicit(&shared->first, memory_order_acquire);

    for (; meter != NULL; meter = meter->next) {
        fn(user, meter->name, ks__counter_read(&meter->value));
        if (meter->kind != METER_LATENCY)
            continue;
        fn(user, meter->sum_name, ks__counter_read(&meter->sum));
        fn(user, meter->max_name, ks__counter_read(&meter->max));
    }
}

void ks__meters_release(struct ks__meters *meters)
{
    struct ks__meter *meter = atomic_load_explicit(&meters->first, memory_order_relaxed);

    while (meter != NULL) {
        struct ks__meter *next = meter->next;

        ks__free(meter);
        meter = next;
    }
    atomic_store_explicit(&meters->first, NULL, memory_order_relaxed);
}

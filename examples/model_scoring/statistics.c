/* SPDX-License-Identifier: Apache-2.0
 *
 * statistics.c - see statistics.h.
 */
#include <string.h>

#include "statistics.h"
#include "wire.h"

enum { SUB_BUCKETS = 4, SUB_BITS = 2 };

static unsigned bucket_of(uint64_t ns)
{
    unsigned bits; /* position of the highest one */
    unsigned bucket;

    if (ns < SUB_BUCKETS)
        return (unsigned)ns;
    bits = 63 - (unsigned)__builtin_clzll(ns);
    bucket = (bits - SUB_BITS + 1) * SUB_BUCKETS + (unsigned)(ns >> (bits - SUB_BITS) & 3);
    return bucket < STATISTICS_BUCKETS ? bucket : STATISTICS_BUCKETS - 1;
}

static uint64_t middle_of(unsigned bucket)
{
    unsigned shift;

    if (bucket < SUB_BUCKETS)
        return bucket;
    shift = bucket / SUB_BUCKETS - 1;
    return ((uint64_t)(SUB_BUCKETS + bucket % SUB_BUCKETS) << shift) + ((1ull << shift) - 1) / 2;
}

size_t statistics_key(const char *name, uint64_t version, unsigned char key[STATISTICS_KEY_MAX])
{
    struct wire_writer out = wire_writer(key, STATISTICS_KEY_MAX);

    wire_put_u64(&out, version);
    wire_put_bytes(&out, name, strlen(name));
    return STATISTICS_KEY_MAX - out.left;
}

bool statistics_of_key(struct statistics *statistics, const void *key, size_t size)
{
    struct wire_reader in = wire_reader(key, size);
    const void        *name;

    statistics->version = wire_get_u64(&in);
    name = wire_get_bytes(&in, in.left);
    if (name == NULL || size > STATISTICS_KEY_MAX)
        return false;
    memset(statistics->name, 0, sizeof(statistics->name));
    memcpy(statistics->name, name, size - 8);
    return true;
}

static int64_t first_time(const struct statistics *a, int64_t since_ms)
{
    bool is_new = a->usage + a->errors == 0;

    return is_new || since_ms < a->since_ms ? since_ms : a->since_ms;
}

void statistics_add(struct statistics *statistics, int64_t time_ms, uint64_t took_ns,
                    bool is_scored)
{
    statistics->since_ms = first_time(statistics, time_ms);
    if (!is_scored) {
        statistics->errors++;
        return;
    }
    if (statistics->usage == 0 || took_ns < statistics->min_ns)
        statistics->min_ns = took_ns;
    if (took_ns > statistics->max_ns)
        statistics->max_ns = took_ns;
    statistics->usage++;
    statistics->total_ns += took_ns;
    statistics->bucket[bucket_of(took_ns)]++;
}

void statistics_merge(struct statistics *statistics, const struct statistics *more)
{
    if (more->usage + more->errors == 0)
        return;
    memcpy(statistics->name, more->name, sizeof(statistics->name));
    statistics->version = more->version;
    statistics->since_ms = first_time(statistics, more->since_ms);
    if (more->usage > 0 && (statistics->usage == 0 || more->min_ns < statistics->min_ns))
        statistics->min_ns = more->min_ns;
    if (more->max_ns > statistics->max_ns)
        statistics->max_ns = more->max_ns;
    statistics->usage += more->usage;
    statistics->errors += more->errors;
    statistics->total_ns += more->total_ns;
    for (unsigned i = 0; i < STATISTICS_BUCKETS; i++)
        statistics->bucket[i] += more->bucket[i];
}

double statistics_mean_ns(const struct statistics *statistics)
{
    return statistics->usage == 0 ? 0.0
                                  : (double)statistics->total_ns / (double)statistics->usage;
}

uint64_t statistics_percentile_ns(const struct statistics *statistics, double share)
{
    double   wanted = share * (double)statistics->usage;
    uint64_t seen = 0, middle;
    unsigned i = 0;

    if (statistics->usage == 0)
        return 0;
    for (; i < STATISTICS_BUCKETS - 1; i++) {
        seen += statistics->bucket[i];
        if (seen > 0 && (double)seen >= wanted)
            break;
    }
    middle = i == STATISTICS_BUCKETS - 1 ? statistics->max_ns : middle_of(i);
    if (middle < statistics->min_ns)
        return statistics->min_ns;
    return middle > statistics->max_ns ? statistics->max_ns : middle;
}

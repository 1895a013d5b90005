/* SPDX-License-Identifier: Apache-2.0
 *
 * statistics.h - what a model has done so far: how often, how fast, how many errors.
 *
 * One struct per model name and version lives as the value in a state store, so it has a fixed
 * layout without gaps or pointers and is all zeroes when nothing has happened. Times are counted in
 * a log-linear histogram: four buckets per power of two, so a percentile is at most 12.5 % off.
 *
 *      bucket   0 .. 3       4    5    6    7     8 .. 11          ...  123
 *      ns       0 .. 3       4    5    6    7     8-9 .. 14-15          above 3.7 s
 *
 * Statistics of the same model from several partitions are added up by statistics_merge(): counts
 * and buckets add, so the percentiles of the sum are as exact as those of the parts.
 */
#ifndef MODEL_SCORING_STATISTICS_H
#define MODEL_SCORING_STATISTICS_H

#include <stdint.h>

#include "envelope.h"

enum { STATISTICS_BUCKETS = 124, STATISTICS_KEY_MAX = 8 + ENVELOPE_NAME_MAX };

struct statistics {
    char     name[ENVELOPE_NAME_MAX + 1];
    uint64_t version;
    int64_t  since_ms; /* time of the first record that it scored; valid with usage + errors > 0 */
    uint64_t usage;    /* records scored             */
    uint64_t errors;   /* records without an answer  */
    uint64_t total_ns; /* these four: of the records scored */
    uint64_t min_ns;
    uint64_t max_ns;
    uint32_t bucket[STATISTICS_BUCKETS];
};

_Static_assert(sizeof(struct statistics) == 64 + 7 * 8 + 4 * STATISTICS_BUCKETS,
               "the layout has no gaps");

/* The key of a model's row: version (big-endian), then name, so that rows are ordered by version.
 * Returns the size; statistics_of_key() sets name and version from it, false: it is no such key. */
size_t statistics_key(const char *name, uint64_t version, unsigned char key[STATISTICS_KEY_MAX]);
bool   statistics_of_key(struct statistics *statistics, const void *key, size_t size);

/* One record: `took_ns` counts only when it was scored. */
void statistics_add(struct statistics *statistics, int64_t time_ms, uint64_t took_ns,
                    bool is_scored);

/* Adds `more`, which is of the same model. */
void statistics_merge(struct statistics *statistics, const struct statistics *more);

double statistics_mean_ns(const struct statistics *statistics);

/* The time that `share` (0 to 1) of the records did not exceed: the middle of its bucket, within
 * the least and the greatest time seen. 0 when there are none. */
uint64_t statistics_percentile_ns(const struct statistics *statistics, double share);

#endif

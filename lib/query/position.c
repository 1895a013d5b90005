/* SPDX-License-Identifier: Apache-2.0
 *
 * position.c - which records of the inputs a snapshot has seen.
 *
 * Inside, positions are offsets of the next record, as everywhere; outside, of the last one.
 * Threads: the snapshot's.
 */
#include "query/parts.h"

#include <string.h>

bool ks_snapshot_position(const ks_snapshot *snapshot, const char *topic, int32_t partition,
                          int64_t *offset)
{
    ks_origin position;

    *offset = -1;
    for (size_t n = 0; topic != NULL && ks_snapshot_position_at(snapshot, n, &position); n++)
        if (position.partition == partition && strcmp(position.topic, topic) == 0) {
            *offset = position.offset;
            return true;
        }
    return false;
}

bool ks_snapshot_position_at(const ks_snapshot *snapshot, size_t n, ks_origin *position)
{
    *position = (ks_origin){ .topic = NULL, .offset = -1 };
    for (size_t i = 0; snapshot != NULL && i < snapshot->count; i++)
        for (const struct ks__snapshot_position *at =
                 ks__snapshot_positions(snapshot->parts[i].rows);
             at != NULL; at = at->next) {
            if (at->offset <= 0 || at->topic == NULL || n-- > 0)
                continue;
            *position = (ks_origin){ at->topic, at->partition, at->offset - 1 };
            return true;
        }
    return false;
}

const ks_origin *ks__snapshot_lacks(const ks_snapshot *snapshot, const ks_queried *queried)
{
    int64_t offset;

    for (size_t i = 0; i < queried->seen_count; i++) {
        const ks_origin *wanted = &queried->seen[i];

        ks_snapshot_position(snapshot, wanted->topic, wanted->partition, &offset);
        if (offset < wanted->offset)
            return wanted;
    }
    return NULL;
}

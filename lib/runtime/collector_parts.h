/* SPDX-License-Identifier: Apache-2.0
 *
 * collector_parts.h - shared by the files of the collector.
 *
 * Threads: the task's.
 */
#ifndef KS_RUNTIME_COLLECTOR_PARTS_H
#define KS_RUNTIME_COLLECTOR_PARTS_H

#include "runtime/collector.h"

/* Append; `*status` is KS_EAGAIN when it has to wait. Other refusals are dealt with. */
void ks__collector_deliver(struct ks__task *task, struct ks__op *op, struct ks__target *target,
                           int32_t partition, const ks_record *record, ks_status *status);
/* Copy the record behind what is pending; false = no memory. */
bool ks__collector_defer(struct ks__task *task, struct ks__op *op, struct ks__target *target,
                         int32_t partition, const ks_record *record);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * log_input.h - a partition of the log as the input of a task.
 *
 *      ks__log_input_open(&input, session, topic, partition, offset);
 *      ks__task_connect(task, n, &ks__log_input_class, input, offset);    // the task closes it
 *
 * Threads: the task's.
 */
#ifndef KS_RUNTIME_LOG_INPUT_H
#define KS_RUNTIME_LOG_INPUT_H

#include "runtime/task.h"

extern const struct ks__input_class ks__log_input_class;

/* As ks__session_start(). */
ks_status ks__log_input_open(void **out, struct ks__session *session, const char *topic,
                             int32_t partition, int64_t offset);

#endif

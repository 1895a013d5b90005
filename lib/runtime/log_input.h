/* SPDX-License-Identifier: Apache-2.0
 *
 * log_input.h - a partition of the log as the input of a task.
 *
 *      ks__session_start(..., &source);
 *      ks__task_connect(task, input, &ks__log_input, source, offset);     // the task stops it
 *
 * Threads: the task's.
 */
#ifndef KS_RUNTIME_LOG_INPUT_H
#define KS_RUNTIME_LOG_INPUT_H

#include "runtime/task.h"

/* The object is a struct ks__source. */
extern const struct ks__input_class ks__log_input;

#endif

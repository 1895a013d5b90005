/* SPDX-License-Identifier: Apache-2.0
 *
 * log_input.c - a partition of the log as the input of a task.
 */
#include "runtime/log_input.h"

static ks_status draw(void *input, size_t limit, struct ks__batch *batch)
{
    return ks__source_fetch(input, limit, batch);
}

static void release(void *input, struct ks__batch *batch)
{
    (void)input;
    ks__batch_release(batch);
}

static int64_t lag(void *input)
{
    return ks__source_lag(input);
}

static void stop(void *input)
{
    struct ks__source *source = input;

    ks__session_stop(source->session, source);
}

const struct ks__input_class ks__log_input = {
    .draw    = draw,
    .release = release,
    .lag     = lag,
    .close   = stop,
};

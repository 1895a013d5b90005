/* SPDX-License-Identifier: Apache-2.0
 *
 * log_input.c - a partition of the log as the input of a task. The object is the source itself.
 */
#include "runtime/log_input.h"

ks_status ks__log_input_open(void **out, struct ks__session *session, const char *topic,
                             int32_t partition, int64_t offset)
{
    struct ks__source *source = NULL;
    ks_status          status = ks__session_start(session, topic, partition, offset, &source);

    *out = source;
    return status;
}

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

const struct ks__input_class ks__log_input_class = {
    .draw    = draw,
    .release = release,
    .lag     = lag,
    .close   = stop,
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * local_handover.c - from who wants to change a log to who does it.
 *
 *      hand over ---> decided within the time ----------------------------> taken in
 *           `-------> KS_EAGAIN ... call again: decided? --- yes ---------> taken in
 *                         `------- closed: orphan ---> decided ---> release()
 *
 * A log without hand_over() does it in the call, so that nothing is ever pending there.
 * Threads: each hand-over by one, its owner's, until it is left to the log.
 */
#include "log/local.h"

static void decide_now(struct ks__local_log *log, struct ks__handover *handover)
{
    do
        handover->status = handover->commit != NULL ? log->class->commit(log, handover->commit)
                                                    : handover->call(log, handover);
    while (handover->status == KS_EAGAIN);
    handover->decided = true;
}

ks_status ks__local_hand_over(struct ks__local_log *log, struct ks__handover *handover,
                              int timeout_ms)
{
    const bool forgotten = handover->release != NULL;
    ks_status  status    = KS_OK;

    handover->pending = !forgotten;
    handover->decided = handover->awaited = false;
    handover->status  = KS_OK;
    ks__error_clear(&handover->error);
    if (log->class->hand_over != NULL) {
        status = log->class->hand_over(log, handover, timeout_ms);
    } else {
        decide_now(log, handover);
        if (forgotten)
            handover->release(handover);
    }
    if (!forgotten && status == KS_OK)
        handover->pending = false;
    return status;
}

ks_status ks__local_await(struct ks__local_log *log, struct ks__handover *handover, int timeout_ms)
{
    ks_status status = KS_OK;

    if (!handover->pending)
        return KS_OK;
    if (log->class->await != NULL)
        status = log->class->await(log, handover, timeout_ms);
    if (status == KS_OK)
        handover->pending = false;
    return status;
}

void ks__local_orphan(struct ks__local_log *log, struct ks__handover *handover,
                      void (*release)(struct ks__handover *handover))
{
    if (!handover->pending || log->class->orphan == NULL ||
        !log->class->orphan(log, handover, release))
        release(handover);
}

bool ks__local_may_keep(const struct ks__local_log *log, int timeout_ms)
{
    return log->class->hand_over != NULL && timeout_ms >= 0;
}

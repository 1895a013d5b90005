/* SPDX-License-Identifier: Apache-2.0
 *
 * faults.c - which log calls fail, and how: chosen by the seed.
 *
 * The hook is asked before the log, so a failed call has done nothing. What passes must be
 * survived by the instance; only KS_ELOG and KS_ENOMEM, where the plan has such, and a failed open
 * of the log may end it.
 */
#include "log/cluster.h"
#include "world.h"

#include <string.h>

#define ANSWERS 3

static const struct fault {
    const char *call;
    int         weight; /* of the plan's rate: rare calls that decide much fail more often */
    ks_status   answers[ANSWERS];
} faults[] = {
    { "append", 1, { KS_EAGAIN, KS_EAGAIN, KS_EAGAIN } },
    { "fetch", 1, { KS_EUNAVAILABLE, KS_EUNAVAILABLE, KS_EUNAVAILABLE } },
    { "poll", 10, { KS_EAGAIN, KS_EAGAIN, KS_EAGAIN } },
    { "begin", 4, { KS_EAGAIN, KS_EUNAVAILABLE, KS_EFENCED } },
    { "commit", 10, { KS_EAGAIN, KS_EUNAVAILABLE, KS_EFENCED } },
    { "abort", 10, { KS_EAGAIN, KS_EAGAIN, KS_EUNAVAILABLE } },
    { "flush", 10, { KS_EAGAIN, KS_EAGAIN, KS_EUNAVAILABLE } },
    { "commit_offsets", 10, { KS_EAGAIN, KS_EUNAVAILABLE, KS_EFENCED } },
    { "acknowledge", 4, { KS_EAGAIN, KS_EAGAIN, KS_EAGAIN } },
};
/* All others. */
static const struct fault lookup = { NULL, 1, { KS_EAGAIN, KS_EUNAVAILABLE, KS_EUNAVAILABLE } };

static const struct fault *fault_of(const char *call)
{
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        if (strcmp(faults[i].call, call) == 0)
            return &faults[i];
    return &lookup;
}

static ks_status fault(const char *call, void *user)
{
    struct world       *world = user;
    const struct fault *fault = fault_of(call);
    ks_status           status;

    if (world->stepped != NULL && world->stepped->deaf > 0 && strcmp(call, "poll") == 0)
        return KS_EAGAIN;
    if (world->stepped == NULL ||
        random_below(&world->faults, 1000) >= world->plan.fault_permille * fault->weight)
        return KS_OK;
    if (world->plan.fatal_faults && random_percent(&world->faults, 3)) {
        status = random_percent(&world->faults, 50) ? KS_ELOG : KS_ENOMEM;
        world->stepped->fatal++;
    } else {
        status = fault->answers[random_below(&world->faults, ANSWERS)];
        world->stepped->fatal += strcmp(call, "open") == 0;
    }
    world->faulted++;
    world_note(world, "  fault %s %s", call, ks_status_name(status));
    return status;
}

void faults_install(struct world *world)
{
    ks__cluster_set_fault(fault, world);
}

void faults_remove(void)
{
    ks__cluster_set_fault(NULL, NULL);
}

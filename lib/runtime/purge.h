/* SPDX-License-Identifier: Apache-2.0
 *
 * purge.h - forgetting records of our own repartition topics once they are processed.
 *
 *      commit --> wanted --interval passed--> under way: input after input of our running tasks,
 *                                             trim to its committed offset --> done
 *
 * Only who owns a partition purges it. Nothing depends on it: a failure is logged and the next
 * round comes in any case. Topics of the user are never touched, nor one that a store is restored
 * from.
 *
 * Threads: the stream thread's.
 */
#ifndef KS_RUNTIME_PURGE_H
#define KS_RUNTIME_PURGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ks__stream_thread;

#define KS__PURGE_NAME_BYTES 250

struct ks__purge {
    bool    wanted;                         /* something was committed since the last round       */
    bool    under_way;
    int64_t last_ms;                        /* begin of the last round                            */
    size_t  task, input;                    /* next to look at                                    */
    bool    asked;                          /* the log is at this one:                            */
    char    topic[KS__PURGE_NAME_BYTES];
    int32_t partition;
    int64_t offset;
};

/* Go on with a round, or begin one when it is due; true = call again soon. */
bool ks__purge_step(struct ks__purge *purge, struct ks__stream_thread *thread);

#endif

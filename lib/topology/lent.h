/* SPDX-License-Identifier: Apache-2.0
 *
 * lent.h - did a callback leave bytes that die with it?
 *
 * The easiest mistake in C: `*out = KS_OBJECT(local)`. Debug builds look whether the bytes lie in
 * the part of the thread's stack that was left; bytes of a caller that is still running are fine.
 *
 * Threads: the task's.
 */
#ifndef KS_TOPOLOGY_LENT_H
#define KS_TOPOLOGY_LENT_H

#include "topology/op.h"

#if defined(KS_DEBUG)
/* Raise KS_EINVAL if the bytes lie in a stack frame that is gone; false then. */
bool ks__check_lent(ks_ctx *ctx, ks_bytes bytes);
#else
static inline bool ks__check_lent(ks_ctx *ctx, ks_bytes bytes)
{
    (void)ctx, (void)bytes;
    return true;
}
#endif

/* What every call of a function that leaves bytes ends with: its status, then the bytes. */
static inline bool ks__ctx_accept_bytes(ks_ctx *ctx, ks_status status, ks_bytes bytes)
{
    return ks__ctx_accept(ctx, status) && ks__check_lent(ctx, bytes);
}

#endif

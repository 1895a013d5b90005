/* SPDX-License-Identifier: Apache-2.0
 *
 * lent.c - the bounds of the thread's stack (debug builds only).
 */
#include "topology/lent.h"

#if defined(KS_DEBUG)

#include <pthread.h>

/* The lowest address of this thread's stack; NULL = not known, then nothing is checked. */
static const char *stack_bottom(void)
{
    static _Thread_local const char *bottom;
    pthread_attr_t                   attributes;
    void                            *address = NULL;
    size_t                           size    = 0;

    if (bottom != NULL || pthread_getattr_np(pthread_self(), &attributes) != 0)
        return bottom;
    if (pthread_attr_getstack(&attributes, &address, &size) == 0)
        bottom = address;
    pthread_attr_destroy(&attributes);
    return bottom;
}

bool ks__check_lent(ks_ctx *ctx, ks_bytes bytes)
{
    const char *here   = __builtin_frame_address(0);
    const char *bottom = stack_bottom();
    const char *data   = bytes.data;

    if (data == NULL || bottom == NULL || data < bottom || data >= here)
        return true;
    ks__ctx_raise(ctx, KS_EINVAL,
                  "the callback left bytes of a local variable; use ks_ctx_copy()");
    return false;
}

#else

/* An empty translation unit is not C. */
typedef int ks__lent_is_for_debug_builds;

#endif

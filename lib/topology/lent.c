/* SPDX-License-Identifier: Apache-2.0
 *
 * lent.c - the bounds of the thread's stack (debug builds only).
 */
#include "topology/lent.h"

#if defined(KS_DEBUG)

#include "base/arena.h"

#include <pthread.h>
#if defined(KS__ASAN)
#include <sanitizer/asan_interface.h>
#endif

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

/* AddressSanitizer may keep frames elsewhere, poisoned once they are left. */
static bool is_left(const char *data, size_t size)
{
    const char *here   = __builtin_frame_address(0);
    const char *bottom = stack_bottom();

#if defined(KS__ASAN)
    if (__asan_region_is_poisoned((void *)(uintptr_t)data, size) != NULL)
        return true;
#endif
    (void)size;
    return bottom != NULL && data >= bottom && data < here;
}

bool ks__check_lent(ks_ctx *ctx, ks_bytes bytes)
{
    if (bytes.data == NULL || !is_left(bytes.data, bytes.size))
        return true;
    ks__ctx_raise(ctx, KS_EINVAL,
                  "the callback left bytes of a local variable; use ks_ctx_copy()");
    return false;
}

#else

/* An empty translation unit is not C. */
typedef int ks__lent_is_for_debug_builds;

#endif

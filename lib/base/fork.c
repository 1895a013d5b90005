/* SPDX-License-Identifier: Apache-2.0
 *
 * fork.c - the handlers of pthread_atfork(3).
 *
 * `mutex` is held through fork(2), so that the child finds a whole list. In the child only close(2)
 * is called, which is allowed there.
 *
 * Threads: any.
 */
#include "base/fork.h"

#include "base/thread.h"

#include <stdatomic.h>
#include <unistd.h>

static struct ks__mutex       mutex = KS__MUTEX_INIT;
static struct ks__private_fd *first;        /* guarded by `mutex`                             */
static atomic_uint            forks;
static pthread_once_t         once = PTHREAD_ONCE_INIT;

static void before(void)
{
    ks__mutex_lock(&mutex);
}

static void in_parent(void)
{
    ks__mutex_unlock(&mutex);
}

static void in_child(void)
{
    for (struct ks__private_fd *one = first; one != NULL; one = one->next) {
        close(one->fd);
        one->fd = -1;
    }
    first = NULL;
    atomic_fetch_add(&forks, 1);
    ks__mutex_unlock(&mutex);
}

/* Without memory for it children are told from parents no more: as it was without. */
static void register_handlers(void)
{
    (void)pthread_atfork(before, in_parent, in_child);
}

void ks__private_fd_set(struct ks__private_fd *one, int fd)
{
    *one = (struct ks__private_fd)KS__PRIVATE_FD_NONE;
    if (fd < 0)
        return;
    pthread_once(&once, register_handlers);
    ks__mutex_lock(&mutex);
    *one = (struct ks__private_fd){ fd, first, &first };
    if (first != NULL)
        first->link = &one->next;
    first = one;
    ks__mutex_unlock(&mutex);
}

int ks__private_fd_take(struct ks__private_fd *one)
{
    int fd;

    ks__mutex_lock(&mutex);
    fd = one->fd;
    if (fd >= 0) {
        *one->link = one->next;
        if (one->next != NULL)
            one->next->link = one->link;
    }
    *one = (struct ks__private_fd)KS__PRIVATE_FD_NONE;
    ks__mutex_unlock(&mutex);
    return fd;
}

unsigned ks__fork_count(void)
{
    pthread_once(&once, register_handlers);
    return atomic_load_explicit(&forks, memory_order_relaxed);
}

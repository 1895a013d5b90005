/* SPDX-License-Identifier: Apache-2.0
 *
 * fork.h - what a child of fork(2) must not keep, and how it is told from its parent.
 *
 *      parent  flock, FIFO, threads ── fork ──> child  no threads; flock and FIFO are closed
 *
 * Whether a process is alive is told by what it holds open, so a child that lives on must not hold
 * it for a parent that died. And what the parent made, the child cannot close: the threads are not
 * there, LMDB's reader slots and the files are still the parent's. So it gives nothing back.
 *
 * Threads: any.
 */
#ifndef KS_BASE_FORK_H
#define KS_BASE_FORK_H

#include <stdbool.h>

/* A descriptor that is closed in every child. Does not move while `fd` is set. */
struct ks__private_fd {
    int                    fd;      /* -1 = none, and in a child                              */
    struct ks__private_fd *next, **link;
};

#define KS__PRIVATE_FD_NONE { -1, NULL, NULL }

/* Takes `fd`, which may be -1 (then errno stays as it is). */
void ks__private_fd_set(struct ks__private_fd *one, int fd);
/* The descriptor is the caller's again; -1 = none. */
int ks__private_fd_take(struct ks__private_fd *one);

/* How many forks lie between the process that called first and this one: to be kept by what must
 * not be closed in a child. */
unsigned ks__fork_count(void);
static inline bool ks__is_forked(unsigned count_at_birth)
{
    return ks__fork_count() != count_at_birth;
}

#endif

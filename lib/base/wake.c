/* SPDX-License-Identifier: Apache-2.0
 *
 * wake.c - an eventfd as a flag.
 */
#include "base/wake.h"

#include "base/assert.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

ks_status ks__wake_init(struct ks__wake *wake)
{
    wake->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return wake->fd >= 0 ? KS_OK : KS_EIO;
}

void ks__wake_release(struct ks__wake *wake)
{
    if (wake->fd >= 0)
        close(wake->fd);
    wake->fd = -1;
}

void ks__wake_set(struct ks__wake *wake)
{
    const uint64_t one = 1;
    int            saved = errno;
    ssize_t        put;

    do
        put = write(wake->fd, &one, sizeof(one));
    while (put < 0 && errno == EINTR);
    ks__assert(put == (ssize_t)sizeof(one) || errno == EAGAIN);     /* EAGAIN: set 2^64-2 times */
    errno = saved;
}

bool ks__wake_drain(struct ks__wake *wake)
{
    uint64_t times;
    ssize_t  got;

    do
        got = read(wake->fd, &times, sizeof(times));
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof(times);
}

bool ks__wake_wait(const struct ks__wake *wake, int64_t timeout_ms)
{
    struct pollfd one = { .fd = wake->fd, .events = POLLIN };
    int           limit = timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;

    return poll(&one, 1, timeout_ms < 0 ? -1 : limit) == 1;
}

int ks__wake_fd(const struct ks__wake *wake)
{
    return wake->fd;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * wake.h - a descriptor that becomes readable when somebody has work for its owner.
 *
 * Set any number of times, drained once: it is a flag, not a queue. Setting is async-signal-safe.
 *
 * Threads: set from any thread and from signal handlers; drain and wait by the owner.
 */
#ifndef KS_BASE_WAKE_H
#define KS_BASE_WAKE_H

#include <kstream/status.h>

#include <stdbool.h>
#include <stdint.h>

struct ks__wake {
    int fd;                                 /* eventfd, non-blocking; -1 = none               */
};

/* KS_EIO with errno set when there is no descriptor left. */
ks_status ks__wake_init(struct ks__wake *wake);
void ks__wake_release(struct ks__wake *wake);
void ks__wake_set(struct ks__wake *wake);
/* Make it unreadable again; true when it had been set. */
bool ks__wake_drain(struct ks__wake *wake);
/* Wait until it is set, at most `timeout_ms` (-1 = for ever); true = set. Does not drain. */
bool ks__wake_wait(const struct ks__wake *wake, int64_t timeout_ms);
/* For poll, epoll and librdkafka's queue events. */
int ks__wake_fd(const struct ks__wake *wake);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * waiters.c - telling the other processes which have the same log open.
 *
 *      DIRECTORY/waiters/<pid>-<number>    a FIFO: its process holds it open for reading
 *
 *      process A  commit ──> what changed into each FIFO but its own ──> thread of B: poked()
 *
 * A message says which partition ends where now, so that its readers alone wake. Messages get lost
 * when a FIFO is full; then about a page lies in it at least, so who reads that much in one go
 * takes it for a change of everything. What is written at once fits into a page: all of it comes,
 * or nothing.
 *
 * A FIFO whose process died has no reader (its children close it, base/fork.h): opening it for
 * writing gives ENXIO, and it is removed. The same test says whether a member of a group is still
 * there. A FIFO appears under its name only after it is open, so that nobody takes it for a dead
 * one. To write, it is opened for reading too: then a process that dies at that moment raises no
 * SIGPIPE.
 *
 * Threads: open and close by one; poke and is_alive by any; poked() runs in our thread.
 */
#include "log/embedded/embedded.h"

#include "base/clock.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define READ_BYTES 4096u                    /* the least page of a FIFO                           */
#define READ_POKES (READ_BYTES / sizeof(struct ks__poke))
#define FULL_POKES (READ_POKES - KS__POKE_LIMIT) /* behind so many one may not have fitted */

_Static_assert(KS__POKE_LIMIT <= FULL_POKES, "one message must not look like a full FIFO");

/* ---- watching ours ---- */

/* Tell what lies in our FIFO. */
static void take_pokes(struct ks__waiters *waiters)
{
    static const struct ks__poke lost[2] = { { .partition = KS__POKE_ALL },
                                             { .partition = KS__POKE_GROUPS } };
    struct ks__poke              pokes[READ_POKES];
    ssize_t                      got = ks__io_read(waiters->own.fd, pokes, sizeof(pokes));

    if (got > 0 && (size_t)got <= FULL_POKES * sizeof(pokes[0]) &&
        (size_t)got % sizeof(pokes[0]) == 0) {
        waiters->poked(waiters->user, pokes, (size_t)got / sizeof(pokes[0]));
        return;
    }
    if (got <= 0)
        return;
    while (got == (ssize_t)sizeof(pokes))
        got = ks__io_read(waiters->own.fd, pokes, sizeof(pokes));
    waiters->poked(waiters->user, lost, 2);
}

static void watch(void *user)
{
    struct ks__waiters *waiters = user;

    for (;;) {
        struct pollfd fds[2] = { { .fd = waiters->own.fd, .events = POLLIN },
                                 { .fd = ks__wake_fd(&waiters->stop), .events = POLLIN } };

        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return;
        if (fds[1].revents != 0)
            return;
        if ((fds[0].revents & POLLIN) != 0)
            take_pokes(waiters);
    }
}

/* ---- life ---- */

static bool path_of(const struct ks__waiters *waiters, const char *prefix, const char *name,
                    char out[PATH_BYTES])
{
    int length = snprintf(out, PATH_BYTES, "%s/%s%s", waiters->directory, prefix, name);

    return length > 0 && length < PATH_BYTES;
}

/* Make the FIFO under another name, open it, then give it its name. */
static ks_status make_fifo(struct ks__waiters *waiters, ks_error *error)
{
    char fresh[PATH_BYTES], path[PATH_BYTES];

    if (!path_of(waiters, ".", waiters->name, fresh) || !path_of(waiters, "", waiters->name, path))
        return ks__error_set(error, KS_EINVAL, "%s: the path is too long", waiters->directory);
    if (ks__io_mkfifo(AT_FDCWD, fresh, 0600) != 0)
        return ks__error_set_errno(error, KS_EIO, errno, "%s: make a FIFO", fresh);
    ks__private_fd_set(&waiters->own, ks__io_open(AT_FDCWD, fresh, O_RDWR | O_NONBLOCK, 0));
    if (waiters->own.fd < 0 || ks__io_rename(fresh, path) != 0) {
        ks__error_set_errno(error, KS_EIO, errno, "%s: open a FIFO", fresh);
        ks__io_unlink(AT_FDCWD, fresh, 0);
        return KS_EIO;
    }
    return KS_OK;
}

ks_status ks__waiters_open(struct ks__waiters *waiters, const char *log_directory,
                           void (*poked)(void *user, const struct ks__poke *pokes, size_t count),
                           void *user, ks_error *error)
{
    static atomic_uint number;
    ks_status          status;

    *waiters = (struct ks__waiters){ .own = KS__PRIVATE_FD_NONE, .stop = { .fd = -1 },
                                     .poked = poked, .user = user };
    waiters->directory = ks__format("%s/waiters", log_directory);
    waiters->name      = ks__format("%ld-%u-%" PRIx64, (long)getpid(), atomic_fetch_add(&number, 1),
                                    (uint64_t)ks__clock_wall_ms(ks__clock_real()));
    if (waiters->directory == NULL || waiters->name == NULL)
        status = ks__error_no_memory(error, log_directory);
    else if (ks__io_make_path(waiters->directory, 0700) != 0)
        status = ks__error_set_errno(error, KS_EIO, errno, "%s", waiters->directory);
    else
        status = make_fifo(waiters, error);
    if (status == KS_OK && ks__wake_init(&waiters->stop) != KS_OK)
        status = ks__error_set_errno(error, KS_EIO, errno, "eventfd");
    if (status == KS_OK) {
        status = ks__thread_start(&waiters->thread, "ks-log-waiter", watch, waiters);
        ks__error_set(error, status, "%s: no thread can be started", log_directory);
    }
    if (status != KS_OK)
        ks__waiters_close(waiters);
    return status;
}

void ks__waiters_close(struct ks__waiters *waiters)
{
    char path[PATH_BYTES];

    if (waiters->thread.running) {
        ks__wake_set(&waiters->stop);
        ks__thread_join(&waiters->thread);
    }
    ks__wake_release(&waiters->stop);
    if (waiters->own.fd >= 0) {
        if (path_of(waiters, "", waiters->name, path))
            ks__io_unlink(AT_FDCWD, path, 0);
        ks__io_close(ks__private_fd_take(&waiters->own));
    }
    ks__free(waiters->directory);
    ks__free(waiters->name);
    *waiters = (struct ks__waiters){ .own = KS__PRIVATE_FD_NONE, .stop = { .fd = -1 } };
}

/* ---- the others ---- */

/* A descriptor to write to a living process; -1: it is dead, or cannot be told (errno). */
static int open_other(const char *path)
{
    int probe = ks__io_open(AT_FDCWD, path, O_WRONLY | O_NONBLOCK, 0), fd, error;

    if (probe < 0) {
        if (errno == ENXIO) {
            ks__io_unlink(AT_FDCWD, path, 0);
            errno = ENXIO;
        }
        return -1;
    }
    fd    = ks__io_open(AT_FDCWD, path, O_RDWR | O_NONBLOCK, 0);
    error = errno;
    ks__io_close(probe);
    errno = error;
    return fd;
}

struct poke {
    const struct ks__waiters *waiters;
    const struct ks__poke    *pokes;
    size_t                    count;
};

static int poke_one(const char *name, void *user)
{
    const struct poke        *poke    = user;
    const struct ks__waiters *waiters = poke->waiters;
    char                      path[PATH_BYTES];
    int                       fd;

    if (name[0] == '.' || strcmp(name, waiters->name) == 0 || !path_of(waiters, "", name, path))
        return 0;
    fd = open_other(path);
    if (fd >= 0) {
        /* A full FIFO refuses; who reads it sees that it was full. */
        ssize_t put = ks__io_write(fd, poke->pokes, poke->count * sizeof(poke->pokes[0]));

        (void)put;
        ks__io_close(fd);
    }
    return 0;
}

void ks__waiters_poke(const struct ks__waiters *waiters, const struct ks__poke *pokes,
                      size_t count)
{
    static const struct ks__poke all  = { .partition = KS__POKE_ALL };
    struct poke                  poke = { waiters, pokes, count };

    if (count > KS__POKE_LIMIT)
        poke = (struct poke){ waiters, &all, 1 };
    /* A directory that cannot be read leaves the others to their own timers. */
    ks__io_list(waiters->directory, poke_one, &poke);
}

bool ks__waiters_is_alive(const struct ks__waiters *waiters, const char *name)
{
    char path[PATH_BYTES];
    int  fd;

    if (strcmp(name, waiters->name) == 0)
        return true;
    if (strchr(name, '/') != NULL || !path_of(waiters, "", name, path))
        return false;
    fd = open_other(path);
    if (fd < 0)                         /* no descriptor left, no rights: nothing is known */
        return errno != ENXIO && errno != ENOENT;
    ks__io_close(fd);
    return true;
}

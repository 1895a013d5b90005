/* SPDX-License-Identifier: Apache-2.0
 *
 * slow_disk.h - a disk whose syncs of one file wait until the test lets them through.
 *
 * It is this program's own fdatasync(), which the linker puts before the C library's; LMDB calls it
 * once for each transaction it commits with sync. To be included by one file of a program.
 *
 *      disk_hold("/tmp/x/log/data.mdb")   from now on syncs of it wait
 *      disk_await(1)                      until so many have come to it since then
 *      disk_let_through(1)                so many more need not wait
 *      disk_release()                     none waits any more
 *
 * Threads: any.
 */
#ifndef TESTS_SUPPORT_SLOW_DISK_H
#define TESTS_SUPPORT_SLOW_DISK_H

#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t  changed;
    bool            holds;
    dev_t           device;
    ino_t           inode;
    int             syncs;      /* that have come since disk_hold() */
    int             waiting;
    int             tickets;    /* so many may pass */
} disk = { .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

__attribute__((visibility("default"))) int fdatasync(int fd);

int fdatasync(int fd)
{
    struct stat stat;

    pthread_mutex_lock(&disk.mutex);
    if (disk.inode != 0 && fstat(fd, &stat) == 0 && stat.st_ino == disk.inode &&
        stat.st_dev == disk.device) {
        disk.syncs++;
        disk.waiting++;
        pthread_cond_broadcast(&disk.changed);
        while (disk.holds && disk.tickets == 0)
            pthread_cond_wait(&disk.changed, &disk.mutex);
        if (disk.holds)
            disk.tickets--;
        disk.waiting--;
    }
    pthread_mutex_unlock(&disk.mutex);
    return (int)syscall(SYS_fdatasync, fd);
}

static inline void disk_hold(const char *path)
{
    struct stat stat;

    ck_assert_int_eq(lstat(path, &stat), 0);
    pthread_mutex_lock(&disk.mutex);
    disk.device  = stat.st_dev;
    disk.inode   = stat.st_ino;
    disk.holds   = true;
    disk.syncs   = 0;
    disk.tickets = 0;
    pthread_mutex_unlock(&disk.mutex);
}

static inline void disk_let_through(int count)
{
    pthread_mutex_lock(&disk.mutex);
    disk.tickets += count;
    pthread_cond_broadcast(&disk.changed);
    pthread_mutex_unlock(&disk.mutex);
}

static inline void disk_release(void)
{
    pthread_mutex_lock(&disk.mutex);
    disk.holds = false;
    pthread_cond_broadcast(&disk.changed);
    pthread_mutex_unlock(&disk.mutex);
}

static inline void disk_await(int syncs)
{
    pthread_mutex_lock(&disk.mutex);
    while (disk.syncs < syncs)
        pthread_cond_wait(&disk.changed, &disk.mutex);
    pthread_mutex_unlock(&disk.mutex);
}

/* Syncs since disk_hold(). */
static inline int disk_syncs(void)
{
    int syncs;

    pthread_mutex_lock(&disk.mutex);
    syncs = disk.syncs;
    pthread_mutex_unlock(&disk.mutex);
    return syncs;
}

/* Is one waiting now? */
static inline bool disk_is_asked(void)
{
    bool asked;

    pthread_mutex_lock(&disk.mutex);
    asked = disk.waiting > 0;
    pthread_mutex_unlock(&disk.mutex);
    return asked;
}

#endif

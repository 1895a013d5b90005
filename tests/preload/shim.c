/* SPDX-License-Identifier: Apache-2.0
 *
 * shim.c - calls of libc with a fault in them, for one library.
 *
 * Each function asks, by its return address, whether its caller lies in that library, and passes on
 * to libc's if not. Before the table of libc's functions is filled in, which needs dlsym(), libc's
 * own allocator is asked by its other name.
 */
#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define SHIM_API __attribute__((visibility("default")))
#define CALLER   __builtin_return_address(0)

/* glibc's allocator under the names that nobody interposes. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *p, size_t size);

shim_arm_fn shim_arm __attribute__((visibility("default")));

static _Atomic(struct shim_plan *) armed;
static uintptr_t                   begin, end; /* of the library's code */

static struct {
    int (*memalign)(void **, size_t, size_t);
    char *(*strdup)(const char *);
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*writev)(int, const struct iovec *, int);
    int (*fdatasync)(int);
    int (*fsync)(int);
    int (*msync)(void *, size_t, int);
    void *(*mmap)(void *, size_t, int, int, int, off_t);
    int (*ftruncate)(int, off_t);
    ssize_t (*read)(int, void *, size_t);
    ssize_t (*pread)(int, void *, size_t, off_t);
    int (*open)(const char *, int, ...);
    int (*fcntl)(int, int, ...);
} libc;

/* POSIX's way to make a function of what dlsym() gives. */
#define FIND(member, name) (*(void **)(&libc.member) = dlsym(RTLD_NEXT, name))

__attribute__((constructor)) static void find_all(void)
{
    FIND(memalign, "posix_memalign");
    FIND(strdup, "strdup");
    FIND(write, "write");
    FIND(pwrite, "pwrite");
    FIND(writev, "writev");
    FIND(fdatasync, "fdatasync");
    FIND(fsync, "fsync");
    FIND(msync, "msync");
    FIND(mmap, "mmap");
    FIND(ftruncate, "ftruncate");
    FIND(read, "read");
    FIND(pread, "pread");
    FIND(open, "open");
    FIND(fcntl, "fcntl");
}

/* ---- who calls, and does it fail ---- */

static int note_code(struct dl_phdr_info *info, size_t size, void *user)
{
    (void)size;
    if (strstr(info->dlpi_name, user) == NULL)
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X) != 0) {
            begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            end   = begin + info->dlpi_phdr[i].p_memsz;
        }
    return 1;
}

void shim_arm(struct shim_plan *plan)
{
    if (plan != NULL) {
        begin = end = 0;
        dl_iterate_phdr(note_code, (void *)(uintptr_t)plan->library);
    }
    atomic_store(&armed, plan);
}

static bool fails(unsigned call, const void *caller)
{
    struct shim_plan *plan = atomic_load(&armed);
    long              n;

    if (plan == NULL || (plan->calls & call) == 0 || (uintptr_t)caller < begin ||
        (uintptr_t)caller >= end)
        return false;
    n = atomic_fetch_add(&plan->seen, 1) + 1;
    if (plan->fail_at == 0 || n < plan->fail_at || (n > plan->fail_at && !plan->all_after))
        return false;
    atomic_fetch_add(&plan->failed, 1);
    errno = call == SHIM_MEMORY ? ENOMEM : plan->error;
    return true;
}

/* What a disk that runs full still takes of a write. */
static size_t taken(size_t size)
{
    struct shim_plan *plan = atomic_load(&armed);

    return plan != NULL && plan->partly ? size / 2 : 0;
}

/* A sync that does not fail: to be made, or for the sake of speed left out? */
static bool is_left_out(const void *caller)
{
    struct shim_plan *plan = atomic_load(&armed);

    return plan != NULL && plan->no_sync && (uintptr_t)caller >= begin && (uintptr_t)caller < end;
}

/* ---- memory ---- */

SHIM_API void *malloc(size_t size)
{
    return fails(SHIM_MEMORY, CALLER) ? NULL : __libc_malloc(size);
}

SHIM_API void *calloc(size_t count, size_t size)
{
    return fails(SHIM_MEMORY, CALLER) ? NULL : __libc_calloc(count, size);
}

SHIM_API void *realloc(void *p, size_t size)
{
    return fails(SHIM_MEMORY, CALLER) ? NULL : __libc_realloc(p, size);
}

SHIM_API int posix_memalign(void **p, size_t alignment, size_t size)
{
    return fails(SHIM_MEMORY, CALLER) ? ENOMEM : libc.memalign(p, alignment, size);
}

SHIM_API char *strdup(const char *text)
{
    return fails(SHIM_MEMORY, CALLER) ? NULL : libc.strdup(text);
}

/* ---- files ---- */

SHIM_API ssize_t write(int fd, const void *data, size_t size)
{
    if (!fails(SHIM_WRITE, CALLER))
        return libc.write(fd, data, size);
    return taken(size) > 0 ? libc.write(fd, data, taken(size)) : -1;
}

SHIM_API ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    if (!fails(SHIM_WRITE, CALLER))
        return libc.pwrite(fd, data, size, at);
    return taken(size) > 0 ? libc.pwrite(fd, data, taken(size), at) : -1;
}

SHIM_API ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (!fails(SHIM_WRITE, CALLER))
        return libc.writev(fd, parts, count);
    return taken(parts[0].iov_len) > 0
               ? libc.write(fd, parts[0].iov_base, taken(parts[0].iov_len)) : -1;
}

SHIM_API int fdatasync(int fd)
{
    if (fails(SHIM_SYNC, CALLER))
        return -1;
    return is_left_out(CALLER) ? 0 : libc.fdatasync(fd);
}

SHIM_API int fsync(int fd)
{
    if (fails(SHIM_SYNC, CALLER))
        return -1;
    return is_left_out(CALLER) ? 0 : libc.fsync(fd);
}

SHIM_API int msync(void *p, size_t size, int flags)
{
    if (fails(SHIM_SYNC, CALLER))
        return -1;
    return is_left_out(CALLER) ? 0 : libc.msync(p, size, flags);
}

SHIM_API void *mmap(void *p, size_t size, int protection, int flags, int fd, off_t at)
{
    return fails(SHIM_MAP, CALLER) ? MAP_FAILED : libc.mmap(p, size, protection, flags, fd, at);
}

SHIM_API int ftruncate(int fd, off_t size)
{
    return fails(SHIM_TRUNCATE, CALLER) ? -1 : libc.ftruncate(fd, size);
}

SHIM_API ssize_t read(int fd, void *data, size_t size)
{
    return fails(SHIM_READ, CALLER) ? -1 : libc.read(fd, data, size);
}

SHIM_API ssize_t pread(int fd, void *data, size_t size, off_t at)
{
    return fails(SHIM_READ, CALLER) ? -1 : libc.pread(fd, data, size, at);
}

SHIM_API int open(const char *path, int flags, ...)
{
    va_list arguments;
    mode_t  mode = 0;

    if (fails(SHIM_OPEN, CALLER))
        return -1;
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    return libc.open(path, flags, mode);
}

SHIM_API int fcntl(int fd, int command, ...)
{
    va_list arguments;
    void   *argument;

    if (fails(SHIM_LOCK, CALLER))
        return -1;
    va_start(arguments, command);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    return libc.fcntl(fd, command, argument);
}

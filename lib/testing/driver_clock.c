/* SPDX-License-Identifier: Apache-2.0
 *
 * driver_clock.c - the driver's wall clock in a file of its directory, so that a driver opened
 * again goes on at the same time and punctuations keep their grid.
 */
#include "testing/driver.h"

#include "base/io.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define CLOCK_BYTES 24

static char *path_of(ks_driver *d)
{
    char *path = ks__format("%s/wall-clock", d->directory);

    if (path == NULL)
        ks__error_no_memory(&d->error, "the driver's clock");
    return path;
}

ks_status ks__driver_keep_clock(ks_driver *d)
{
    char  text[CLOCK_BYTES];
    char *path;
    int   size;

    if (d->in_memory || (path = path_of(d)) == NULL)
        return d->error.status;
    size = snprintf(text, sizeof(text), "%" PRId64 "\n", ks__clock_wall_ms(&d->clock.clock));
    if (ks__io_write_file(path, text, (size_t)size, false) != 0)
        ks__error_set_errno(&d->error, KS_EIO, errno, "the time cannot be kept in %s", path);
    ks__free(path);
    return d->error.status;
}

ks_status ks__driver_load_clock(ks_driver *d)
{
    char    text[CLOCK_BYTES] = "";
    char   *path;
    ssize_t size;

    if (d->in_memory || (path = path_of(d)) == NULL)
        return d->error.status;
    size = ks__io_read_file(path, text, sizeof(text) - 1);
    if (size > 0)
        ks__manual_clock_set_wall(&d->clock, strtoll(text, NULL, 10));
    else if (size < 0 && errno != ENOENT)
        ks__error_set_errno(&d->error, KS_EIO, errno, "the time cannot be read from %s", path);
    ks__free(path);
    return d->error.status;
}

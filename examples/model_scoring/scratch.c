/* SPDX-License-Identifier: Apache-2.0
 *
 * scratch.c - see scratch.h.
 */
#define _XOPEN_SOURCE 700 /* nftw */

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scratch.h"

enum { OPEN_MAX_DIRS = 16 };

bool scratch_make(char *path, size_t size, struct reason *reason)
{
    const char *parent = getenv("TMPDIR");
    int         length = snprintf(path, size, "%s/model-scoring-XXXXXX",
                                  parent == NULL || *parent == '\0' ? "/tmp" : parent);

    if (length < 0 || (size_t)length >= size || mkdtemp(path) == NULL)
        return reason_set(reason, "a temporary directory: %s", strerror(errno));
    return true;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

void scratch_remove(const char *path)
{
    (void)nftw(path, remove_entry, OPEN_MAX_DIRS, FTW_DEPTH | FTW_PHYS);
}

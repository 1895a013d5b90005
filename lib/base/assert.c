/* SPDX-License-Identifier: Apache-2.0
 *
 * assert.c - where a broken invariant ends the process.
 */
#include "base/assert.h"

#include <stdlib.h>

/* What failed, for whoever opens the core file. */
static const char  *volatile failed_file;
static const char  *volatile failed_what;
static volatile int          failed_line;

void ks__assert_failed(const char *file, int line, const char *what)
{
    failed_file = file;
    failed_line = line;
    failed_what = what;
    abort();
}

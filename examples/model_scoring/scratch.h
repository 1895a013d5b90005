/* SPDX-License-Identifier: Apache-2.0
 *
 * scratch.h - a directory for one run.
 */
#ifndef MODEL_SCORING_SCRATCH_H
#define MODEL_SCORING_SCRATCH_H

#include <stddef.h>

#include "reason.h"

/* Under $TMPDIR, else /tmp, readable by its owner alone. */
bool scratch_make(char *path, size_t size, struct reason *reason);

/* With everything in it; links are removed, not followed. */
void scratch_remove(const char *path);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * load.h - a whole file in memory.
 */
#ifndef MODEL_SCORING_LOAD_H
#define MODEL_SCORING_LOAD_H

#include <stddef.h>

#include "reason.h"

/* No data or model file of this program is larger; more is a wrong path, not data. */
enum { LOAD_BYTES_MAX = 64 * 1024 * 1024 };

/* The file's bytes with a zero behind them (not counted), for free(); NULL with a reason. */
char *load_file(const char *path, size_t *size, struct reason *reason);

#endif

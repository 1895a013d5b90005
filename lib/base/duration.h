/* SPDX-License-Identifier: Apache-2.0
 *
 * duration.h - durations as Java writes them (ISO 8601: "P1D", "PT1H30M", "PT0.5S").
 */
#ifndef KS_BASE_DURATION_H
#define KS_BASE_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/* PnDTnHnMn.nS, each part optional but for one, no signs; parts of a millisecond are cut off. */
bool ks__duration_read(const char *text, int64_t *ms);

#endif

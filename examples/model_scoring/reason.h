/* SPDX-License-Identifier: Apache-2.0
 *
 * reason.h - why something was refused, as one line of text for a person.
 *
 * Everything here that reads foreign bytes returns false (or NULL) and fills in a reason; nothing
 * prints. The text is cut at the size of the buffer, never left without its end.
 */
#ifndef MODEL_SCORING_REASON_H
#define MODEL_SCORING_REASON_H

#include <stdbool.h>

struct reason {
    char text[240];
};

/* Always false, so that a check reads `return reason_set(reason, "...")`. */
bool reason_set(struct reason *reason, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * check.h - do all properties hold for a program?
 *
 *      engine = model, record for record
 *      with restarts, and with the state lost or damaged, = without
 *      caches on = caches off, in the end
 *      embedded log = memory log, record for record
 *      four partitions = one, key by key
 */
#ifndef KS_TESTS_PROPERTY_CHECK_H
#define KS_TESTS_PROPERTY_CHECK_H

#include "plan.h"

/* False: `why` says which does not and how. */
bool check_plan(const struct plan *plan, char *why, size_t size);

#endif

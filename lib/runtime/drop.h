/* SPDX-License-Identifier: Apache-2.0
 *
 * drop.h - why a record was dropped, as the label of the counter "dropped-records-total".
 *
 * Pure.
 */
#ifndef KS_RUNTIME_DROP_H
#define KS_RUNTIME_DROP_H

#include "topology/op.h"

/* "null-key", "late", ...; static. */
const char *ks__drop_name(enum ks__drop why);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * drop.c - the names of the reasons to drop a record.
 */
#include "runtime/drop.h"

const char *ks__drop_name(enum ks__drop why)
{
    static const char *const names[KS__DROP_COUNT_] = {
        [KS__DROP_NULL_KEY]        = "null-key",
        [KS__DROP_NULL_VALUE]      = "null-value",
        [KS__DROP_NEGATIVE_TIME]   = "negative-time",
        [KS__DROP_LATE]            = "late",
        [KS__DROP_USER]            = "user",
        [KS__DROP_PROCESSING]      = "processing",
        [KS__DROP_DESERIALIZATION] = "deserialization",
        [KS__DROP_STALE]           = "stale",
    };

    return why > 0 && why < KS__DROP_COUNT_ ? names[why] : "";
}

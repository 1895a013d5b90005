/* SPDX-License-Identifier: Apache-2.0
 *
 * embedded.c - holds the place of the embedded log until it is there: every open is refused.
 */
#include "log/cluster.h"

static ks_status refuse(struct ks__cluster **out, const char *rest,
                        const struct ks__cluster_options *options, ks_error *error)
{
    (void)options;
    *out = NULL;
    return ks__error_set(error, KS_EINVAL, "\"embedded:%s\": this build has no embedded log", rest);
}

const struct ks__cluster_class ks__cluster_embedded = { .kind = "embedded", .scheme = "embedded:",
                                                        .open = refuse };

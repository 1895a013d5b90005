/* SPDX-License-Identifier: Apache-2.0
 *
 * no_kafka.c - stands in for log/kafka/ where a build is made without it.
 */
#include "log/cluster.h"

static ks_status refuse(struct ks__cluster **out, const char *rest,
                        const struct ks__cluster_options *options, ks_error *error)
{
    (void)options;
    *out = NULL;
    return ks__error_set(error, KS_EINVAL, "\"%s\": this build has no Kafka log", rest);
}

const struct ks__cluster_class ks__cluster_kafka = { .kind = "kafka", .scheme = "",
                                                     .open = refuse };

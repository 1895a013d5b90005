/* SPDX-License-Identifier: Apache-2.0
 *
 * known.c - the partitions of topics seen lately, so that not every call asks a broker.
 */
#include "log/kafka/kafka.h"

#include <string.h>

static struct ks__kafka_known *find(const struct ks__kafka_cluster *cluster, const char *topic)
{
    for (size_t i = 0; i < cluster->known_count; i++)
        if (strcmp(cluster->known[i].name, topic) == 0)
            return &cluster->known[i];
    return NULL;
}

int32_t ks__kafka_known(const struct ks__kafka_cluster *cluster, const char *topic)
{
    const struct ks__kafka_known *known = find(cluster, topic);

    return known != NULL ? known->partitions : 0;
}

void ks__kafka_remember(struct ks__kafka_cluster *cluster, const char *topic, int32_t partitions)
{
    struct ks__kafka_known *known = find(cluster, topic);
    char                   *name;

    if (known != NULL) {
        known->partitions = partitions;
        return;
    }
    if (partitions == 0 ||
        !KS__GROW(&cluster->known, &cluster->known_capacity, cluster->known_count + 1) ||
        (name = ks__strdup(topic)) == NULL)
        return;
    cluster->known[cluster->known_count++] =
        (struct ks__kafka_known){ .name = name, .partitions = partitions };
}

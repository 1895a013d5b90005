/* SPDX-License-Identifier: Apache-2.0
 *
 * cluster.c - the Kafka log: opening, closing, and the table of its calls.
 */
#include "log/kafka/kafka.h"

#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 30000 /* as Kafka's request.timeout.ms */

/* The application's own bound on a request bounds a question too. */
static int64_t patience_of(const struct ks__cluster_options *options)
{
    for (size_t i = 0; i < options->property_count; i++) {
        const struct ks__config_pair *pair = &options->properties[i];
        long                          ms;

        if (pair->prefix != 0 || strcmp(pair->name, "socket.timeout.ms") != 0)
            continue;
        ms = strtol(pair->value, NULL, 10);
        if (ms > 0 && ms < PATIENCE_MS)
            return ms;
    }
    return PATIENCE_MS;
}

static void free_properties(struct ks__kafka_cluster *cluster)
{
    for (size_t i = 0; i < cluster->property_count; i++) {
        ks__free(cluster->properties[i].name);
        ks__free(cluster->properties[i].value);
    }
    ks__free(cluster->properties);
}

static bool copy_properties(struct ks__kafka_cluster *cluster,
                            const struct ks__cluster_options *options)
{
    if (options->property_count == 0)
        return true;
    cluster->properties =
        ks__zalloc_array(options->property_count, sizeof(*cluster->properties));
    if (cluster->properties == NULL)
        return false;
    for (size_t i = 0; i < options->property_count; i++) {
        struct ks__config_pair *copy = &cluster->properties[cluster->property_count++];

        copy->prefix = options->properties[i].prefix;
        copy->name   = ks__strdup(options->properties[i].name);
        copy->value  = ks__strdup(options->properties[i].value);
        if (copy->name == NULL || copy->value == NULL)
            return false;
    }
    return true;
}

static void cluster_free(struct ks__kafka_cluster *cluster)
{
    for (size_t i = 0; i < cluster->known_count; i++)
        ks__free(cluster->known[i].name);
    ks__free(cluster->known);
    free_properties(cluster);
    ks__free(cluster->servers);
    ks__free(cluster);
}

#define SUSPECT_MS 1000     /* transaction.suspect.ms; well below socket.timeout.ms */

static ks_status kafka_open(struct ks__cluster **out, const char *servers,
                            const struct ks__cluster_options *options, ks_error *error)
{
    struct ks__kafka_cluster *cluster;
    ks_status                 status;

    *out   = NULL;
    status = ks__kafka_check_properties(options->properties, options->property_count, error);
    if (status != KS_OK)
        return status;
    if ((cluster = ks__zalloc(sizeof(*cluster))) == NULL)
        return ks__error_no_memory(error, "a Kafka cluster");
    cluster->base.class  = &ks__cluster_kafka;
    cluster->servers     = ks__strdup(servers);
    cluster->patience_ms = patience_of(options);
    cluster->suspect_ms  = options->suspect_ms > 0 ? options->suspect_ms : SUSPECT_MS;
    cluster->replication_factor = options->replication_factor;
    if (options->log != NULL)
        cluster->log = *options->log;
    if (cluster->servers == NULL || !copy_properties(cluster, options) ||
        ks__kafka_worker_init(&cluster->worker) != KS_OK) {
        cluster_free(cluster);
        return ks__error_no_memory(error, "a Kafka cluster");
    }
    *out = &cluster->base;
    return KS_OK;
}

static void kafka_close(struct ks__cluster *base)
{
    struct ks__kafka_cluster *cluster = (struct ks__kafka_cluster *)base;

    ks__kafka_worker_stop(&cluster->worker);
    ks__kafka_forget_questions(cluster);
    ks__kafka_worker_release(&cluster->worker);
    ks__kafka_client_free(cluster->asker);
    ks__kafka_client_free(cluster->stable_asker);
    cluster_free(cluster);
}

const struct ks__cluster_class ks__cluster_kafka = {
    .kind           = "kafka",
    .scheme         = "",
    .open           = kafka_open,
    .close          = kafka_close,
    .create         = ks__kafka_create,
    .partitions     = ks__kafka_partitions,
    .topics         = ks__kafka_topics,
    .offset         = ks__kafka_offset,
    .committed      = ks__kafka_committed,
    .trim           = ks__kafka_trim,
    .session_open   = ks__kafka_session_open,
    .session_close  = ks__kafka_session_close,
    .subscribe      = ks__kafka_subscribe,
    .poll           = ks__kafka_poll,
    .acknowledge    = ks__kafka_acknowledge,
    .start          = ks__kafka_start,
    .stop           = ks__kafka_stop,
    .fetch          = ks__kafka_fetch,
    .release        = ks__kafka_release,
    .lag            = ks__kafka_lag,
    .topic          = ks__kafka_topic,
    .append         = ks__kafka_append,
    .flush          = ks__kafka_flush,
    .appended       = ks__kafka_appended,
    .commit_offsets = ks__kafka_commit_offsets,
    .begin          = ks__kafka_begin,
    .commit         = ks__kafka_commit,
    .abort          = ks__kafka_abort,
};

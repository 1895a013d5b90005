/* SPDX-License-Identifier: Apache-2.0
 *
 * client.c - ks_log: topics and offsets of a log, for everyone.
 */
#include "log/client.h"

#include <string.h>

ks_status ks__client_fail(ks_error *to, ks_status status, const ks_error *from, const char *what)
{
    if (status == KS_OK)
        return KS_OK;
    ks__error_clear(to);
    if (from != NULL && from->status == status)
        ks__error_copy(to, from);
    else
        ks__error_set(to, status, "%s: %s", what, ks_status_text(status));
    return status;
}

ks_status ks__client_no_topic(ks_error *to, const char *topic)
{
    ks__error_clear(to);
    return ks__error_set(to, KS_ENOTFOUND,
                         "topic \"%s\" does not exist; create it first (ks_log_create_topic())",
                         topic);
}

/* ---- life ---- */

static void open_cluster(ks_log *log, const char *address)
{
    struct ks__cluster_options options = { .properties     = log->values.pairs,
                                           .property_count = log->values.pair_count };
    int                        sync = -1;

    if (log->has_values && log->values.error.status != KS_OK) {
        ks__error_copy(&log->error, &log->values.error);
        return;
    }
    if (log->has_values)
        sync = ks__config_find(log->values.table, "log.sync");
    if (sync >= 0)
        options.no_sync = !ks__config_bool(&log->values, (size_t)sync);
    ks__cluster_open(&log->cluster, address, &options, &log->error);
}

ks_log *ks_log_new(const char *address, const ks_config *config)
{
    ks_log *log = ks__zalloc(sizeof(*log));

    if (log == NULL)
        return NULL;
    if (ks__mutex_init(&log->mutex) != KS_OK) {
        ks__free(log);
        return NULL;
    }
    atomic_init(&log->references, 1);
    if (config != NULL) {
        if (ks__config_copy(&log->values, &config->values) != KS_OK) {
            ks__mutex_release(&log->mutex);
            ks__free(log);
            return NULL;
        }
        log->has_values = true;
    }
    open_cluster(log, address);
    return log;
}

ks_log *ks__log_hold(ks_log *log)
{
    if (log != NULL)
        atomic_fetch_add(&log->references, 1);
    return log;
}

void ks__log_drop(ks_log *log)
{
    if (log == NULL || atomic_fetch_sub(&log->references, 1) != 1)
        return;
    ks__cluster_close(log->cluster);
    if (log->has_values)
        ks__config_release(&log->values);
    ks__mutex_release(&log->mutex);
    ks__free(log);
}

void ks_log_free(ks_log *log)
{
    ks__log_drop(log);
}

const ks_error *ks_log_error(const ks_log *log)
{
    return log != NULL ? &log->error : NULL;
}

/* ---- calls ---- */

/* True when calls can be made; else the status to return is in `*status`. */
static bool is_ready(const ks_log *log, const char *topic, ks_status *status)
{
    if (log == NULL)
        *status = KS_EINVAL;
    else if (log->cluster == NULL)
        *status = log->error.status;
    else if (topic == NULL)
        *status = KS_EINVAL;
    else
        return true;
    return false;
}

static ks_status keep(ks_log *log, ks_status status, const ks_error *error, const char *topic)
{
    if (status == KS_OK)
        return KS_OK;
    if (status == KS_EAGAIN)
        status = KS_EUNAVAILABLE;
    ks__mutex_lock(&log->mutex);
    ks__client_fail(&log->error, status, error, topic);
    ks__mutex_unlock(&log->mutex);
    return status;
}

/* The topic is there: say so, and with how many partitions, when they are others. */
static void tell_existing(ks_log *log, const struct ks__topic_spec *spec, ks_error *error)
{
    int32_t   there  = 0;
    ks_error  other  = { .status = KS_OK };
    ks_status status = ks__cluster_partitions(log->cluster, spec->name, &there,
                                              KS__CLIENT_TIMEOUT_MS, &other);

    ks__error_clear(error);
    if (status != KS_OK || there == spec->partitions)
        ks__error_set(error, KS_EEXISTS, "topic \"%s\" exists already", spec->name);
    else
        ks__error_set(error, KS_EEXISTS,
                      "topic \"%s\" exists already, with %d partitions, not %d", spec->name,
                      (int)there, (int)spec->partitions);
}

ks_status ks_log_create_topic(ks_log *log, const char *topic, int32_t partitions, bool compacted)
{
    struct ks__topic_spec spec = {
        .name = topic, .partitions = partitions, .compacted = compacted
    };
    ks_error              error = { .status = KS_OK };
    ks_status             status;

    if (!is_ready(log, topic, &status))
        return status;
    status = ks__cluster_create(log->cluster, &spec, 1, KS__CLIENT_TIMEOUT_MS, &error);
    if (status == KS_EEXISTS)
        tell_existing(log, &spec, &error);
    return keep(log, status, &error, topic);
}

int32_t ks_log_partitions(ks_log *log, const char *topic)
{
    int32_t   partitions;
    ks_error  error = { .status = KS_OK };
    ks_status status;

    if (!is_ready(log, topic, &status))
        return status;
    status = ks__cluster_partitions(log->cluster, topic, &partitions, KS__CLIENT_TIMEOUT_MS,
                                    &error);
    status = keep(log, status, &error, topic);
    return status == KS_OK ? partitions : (int32_t)status;
}

static ks_status offset_of(ks_log *log, const char *topic, int32_t partition,
                           enum ks__offset_kind kind, int64_t time_ms, int64_t *out)
{
    ks_error  error = { .status = KS_OK };
    ks_status status;

    if (out == NULL)
        return KS_EINVAL;
    *out = KS__OFFSET_NONE;
    if (!is_ready(log, topic, &status))
        return status;
    status = ks__cluster_offset(log->cluster, topic, partition, kind, time_ms, out,
                                KS__CLIENT_TIMEOUT_MS, &error);
    return keep(log, status, &error, topic);
}

ks_status ks_log_begin_offset(ks_log *log, const char *topic, int32_t partition, int64_t *out)
{
    return offset_of(log, topic, partition, KS__OFFSET_BEGIN, 0, out);
}

ks_status ks_log_end_offset(ks_log *log, const char *topic, int32_t partition, int64_t *out)
{
    return offset_of(log, topic, partition, KS__OFFSET_END, 0, out);
}

ks_status ks_log_offset_at(ks_log *log, const char *topic, int32_t partition, int64_t time_ms,
                           int64_t *out)
{
    return offset_of(log, topic, partition, KS__OFFSET_AT, time_ms, out);
}

ks_status ks_log_committed(ks_log *log, const char *group, const char *topic, int32_t partition,
                           int64_t *out)
{
    ks_error  error = { .status = KS_OK };
    ks_status status;

    if (out == NULL || group == NULL)
        return KS_EINVAL;
    *out = KS__OFFSET_NONE;
    if (!is_ready(log, topic, &status))
        return status;
    status = ks__cluster_committed(log->cluster, group, topic, partition, out, NULL,
                                   KS__CLIENT_TIMEOUT_MS, &error);
    return keep(log, status, &error, topic);
}

ks_status ks_log_trim(ks_log *log, const char *topic, int32_t partition, int64_t offset)
{
    ks_error  error = { .status = KS_OK };
    ks_status status;

    if (!is_ready(log, topic, &status))
        return status;
    status = ks__cluster_trim(log->cluster, topic, partition, offset, KS__CLIENT_TIMEOUT_MS,
                              &error);
    return keep(log, status, &error, topic);
}

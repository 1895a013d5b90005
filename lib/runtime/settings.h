/* SPDX-License-Identifier: Apache-2.0
 *
 * settings.h - the configuration, read once into numbers and texts.
 *
 * The table of all properties (names, types, defaults, ranges, docs) is in settings.c; it is the
 * source of docs/configuration.md.
 * Threads: immutable after ks__settings_read().
 */
#ifndef KS_RUNTIME_SETTINGS_H
#define KS_RUNTIME_SETTINGS_H

#include "base/config.h"
#include "base/error.h"

#include <kstream/app.h>

enum ks__guarantee { KS__AT_MOST_ONCE, KS__AT_LEAST_ONCE, KS__EXACTLY_ONCE_V2 };

/* Indexes of the prefixes; those of clients are the log's, see log/cluster.h. */
enum { KS__PREFIX_CONSUMER, KS__PREFIX_PRODUCER, KS__PREFIX_TOPIC };

struct ks__settings {
    struct ks__config_values values;            /* texts below point into it */
    const char        *application_id;
    const char        *bootstrap_servers;       /* NULL: embedded, under state_dir */
    const char        *state_dir;
    char              *default_state_dir;       /* ours to free; NULL = state.dir is set */
    const char        *client_id;
    const char        *group_instance_id;       /* NULL = dynamic */
    enum ks__guarantee guarantee;
    int                stream_threads;
    int64_t            commit_interval_ms;      /* default depends on the guarantee */
    int64_t            cache_max_bytes;         /* statestore.cache.max.bytes; 0 = caches off */
    bool               cache_flush_at_commit;   /* else at the end of each batch of input */
    int64_t            state_flush_bytes;       /* state.flush.bytes, per thread */
    int64_t            state_flush_ms;          /* state.flush.ms */
    int64_t            max_task_idle_ms;
    int64_t            idle_advance_ms; /* 0 = off */
    int64_t            poll_ms; /* 0 = not set */
    size_t             buffered_records;        /* per partition */
    size_t             poll_records;            /* of a task in one batch */
    ks_time_source     time;                    /* default.timestamp.extractor */
    ks_reset           reset;                   /* auto.offset.reset */
    int64_t            reset_before_ms;         /* above 0: so long before now instead */
    int64_t            metadata_age_ms;         /* metadata.max.age.ms */
    ks_reaction        on_deserialization;
    ks_reaction        on_processing;
    bool               on_processing_global; /* the processing handler judges global stores too */
    ks_reaction        on_production;
    const char        *dead_letter_topic;       /* NULL = none */
    int64_t            session_timeout_ms;      /* 0 = the log's default */
    int64_t            transaction_timeout_ms;
    int64_t            transaction_suspect_ms;
    int64_t            task_timeout_ms;
    int32_t            replication_factor;
    int64_t            repartition_purge_ms;    /* repartition.purge.interval.ms */
    bool               log_sync;                /* embedded log: fsync each commit */
    int64_t            state_map_bytes;
    int64_t            changelog_more_ms; /* windowstore.changelog.additional.retention.ms */
    bool               kafka_retention;         /* windowstore.kafka.retention */
    int64_t            window_emit_ms;          /* between final results of windows, */
    int64_t            join_emit_ms;            /* and un-joined results, by wall clock */
};

/* The table, for ks_config and the generated page. */
extern const struct ks__config_table ks__settings_table;

/* Read and check a configuration (NULL = all defaults). application.id is required unless
 * `for_driver`. */
ks_status ks__settings_read(struct ks__settings *settings, const ks_config *config, bool for_driver,
                            ks_error *error);
/* Refuse settings that say otherwise than a topology was built. */
ks_status ks__settings_fit(const struct ks__settings *settings, const ks_topology *topology,
                           ks_error *error);
void      ks__settings_release(struct ks__settings *settings);
/* Where the log is: bootstrap.servers, or the embedded log under state.dir; to free, NULL = no
 * memory. */
char *ks__settings_address(const struct ks__settings *settings);

#endif

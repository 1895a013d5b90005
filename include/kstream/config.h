/* SPDX-License-Identifier: Apache-2.0
 *
 * config.h - ks_config: properties by Kafka's names, as texts.
 *
 *      ks_config *config = ks_config_new();
 *      ks_config_set(config, "application.id", "word-count");
 *      ks_config_set(config, "bootstrap.servers", "embedded:/var/lib/wc/log");
 *      ks_config_set_pair(config, argv[i]);                        // "name=value"
 *
 * All names, types, defaults and ranges stand in docs/configuration.md, made from the same table
 * that checks them. Names that begin with "consumer." or "producer." go to librdkafka as they are.
 * The first wrong name or value is kept and comes out of ks_app_run(); set-calls need no check.
 *
 * bootstrap.servers chooses the log: HOST:PORT[,...] a Kafka cluster, "embedded:DIRECTORY" the
 * durable log of one machine, "memory:NAME" the log of this process, a scheme of yours a log of
 * your own (sys/log.h). Unset: embedded, under state.dir.
 */
#ifndef KSTREAM_CONFIG_H
#define KSTREAM_CONFIG_H

#include <kstream/status.h>

typedef struct ks_config ks_config;

/**
 * Make an empty configuration.
 *
 * Ownership: the caller frees with ks_config_free(); apps, drivers and log clients copy it.
 * Threads:   one.
 * Errors:    NULL only without memory; all calls accept NULL.
 * Kafka:     StreamsConfig.
 * Since:     0.1
 */
KS_API ks_config *ks_config_new(void);
KS_API void       ks_config_free(ks_config *config);

/**
 * Set a property by name and text, or by a "name=value" pair; the last setting of a name counts.
 *
 * Ownership: copies.
 * Threads:   one.
 * Errors:    latched and returned: KS_ECONFIG for an unknown name (the nearest one is named), a
 *            value of the wrong type or out of range; KS_ENOMEM.
 * Kafka:     Properties#put, ConfigDef.
 * Since:     0.1
 */
KS_API ks_status ks_config_set(ks_config *config, const char *name, const char *value);
KS_API ks_status ks_config_set_pair(ks_config *config, const char *pair);

/**
 * Read a property as text: what was set, else the default; NULL for an unknown name or no value.
 *
 * Ownership: lends; to the next set of this name.
 * Threads:   one.
 * Errors:    none.
 * Kafka:     StreamsConfig#getString.
 * Since:     0.1
 */
KS_API const char *ks_config_get(const ks_config *config, const char *name);

/**
 * Read the first mistake.
 *
 * Ownership: lends; as long as the configuration.
 * Threads:   one.
 * Errors:    none.
 * Kafka:     ConfigException.
 * Since:     0.1
 */
KS_API const ks_error *ks_config_error(const ks_config *config);

#endif

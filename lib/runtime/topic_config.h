/* SPDX-License-Identifier: Apache-2.0
 *
 * topic_config.h - the configuration that internal topics are created with.
 *
 *      what we need < `topic.` properties < .topic_config of the store: the later counts
 *      but bounds of rows (retention.ms, min.compaction.lag.ms) the store alone overrules
 *
 * The rules are Kafka's RepartitionTopicConfig, UnwindowedUnversionedChangelogTopicConfig,
 * WindowedChangelogTopicConfig and VersionedChangelogTopicConfig.
 */
#ifndef KS_RUNTIME_TOPIC_CONFIG_H
#define KS_RUNTIME_TOPIC_CONFIG_H

#include "base/buffer.h"
#include "log/cluster.h"
#include "runtime/settings.h"
#include "state/store.h"

/* Of the changelog of a store, or (NULL) of a repartition topic: sets `config`, which lies in
 * `text`, and what it means: `compacted`, `retention_ms`. */
ks_status ks__topic_config(const struct ks__store_spec *store, const struct ks__settings *settings,
                           struct ks__buffer *text, struct ks__topic_spec *spec, ks_error *error);

#endif

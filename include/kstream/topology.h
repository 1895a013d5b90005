/* SPDX-License-Identifier: Apache-2.0
 *
 * topology.h - ks_topology: what a builder compiled, immutable and shared by any number of apps.
 *
 * A topology is a set of sub-topologies: parts that share nothing but topics, each run once per
 * partition.
 *
 *      char *text = ks_topology_describe(topology, KS_DESCRIBE_TEXT);
 *      puts(text);
 *      ks_text_free(text);
 */
#ifndef KSTREAM_TOPOLOGY_H
#define KSTREAM_TOPOLOGY_H

#include <kstream/builder.h>

typedef enum ks_describe_form {
    KS_DESCRIBE_TEXT = 0, /* Kafka's own text, byte for byte */
    KS_DESCRIBE_DOT = 1   /* for graphviz */
} ks_describe_form;

/**
 * Describe a topology as text.
 *
 * Ownership: the caller frees the text with ks_text_free().
 * Threads:   any.
 * Errors:    NULL without memory; a topology with a build error describes as "Topologies:\n".
 * Kafka:     Topology#describe, TopologyDescription#toString.
 * Since:     0.1
 */
KS_API char *ks_topology_describe(const ks_topology *topology, ks_describe_form form);
KS_API void  ks_text_free(char *text);

/**
 * Read the mistake that was made while building; its status is KS_OK if there was none.
 *
 * Ownership: lends; as long as the topology.
 * Threads:   any.
 * Errors:    none; NULL answers KS_ENOMEM.
 * Kafka:     TopologyException.
 * Since:     0.1
 */
KS_API const ks_error *ks_topology_error(const ks_topology *topology);

/**
 * Release a topology; apps made from it keep what they need.
 *
 * Ownership: ends the caller's.
 * Threads:   any.
 * Errors:    none; NULL is fine.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API void ks_topology_free(ks_topology *topology);

#endif

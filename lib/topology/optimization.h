/* SPDX-License-Identifier: Apache-2.0
 *
 * optimization.h - the words of topology.optimization as a set.
 *
 *      "none", "all", "merge.repartition.topics, single.store.self.join"  <-->  bits
 *
 * Not here: what each of them does (dsl/), whether the text is legal (base/config.h).
 */
#ifndef KS_TOPOLOGY_OPTIMIZATION_H
#define KS_TOPOLOGY_OPTIMIZATION_H

#define KS__OPTIMIZATION_ROW "topology.optimization"

enum ks__optimization {
    KS__REUSE_SOURCE_TOPICS = 1 << 0, /* a table's topic is the changelog of its store */
    KS__MERGE_REPARTITIONS  = 1 << 1, /* one repartition topic behind a change of key */
    KS__SELF_JOIN           = 1 << 2, /* a stream joined with itself keeps one store */
    KS__OPTIMIZE_ALL        = (1 << 3) - 1
};

/* "none", "all", or the names between commas. */
#define KS__OPTIMIZATION_TEXT_SIZE 96

/* The set that a legal text names; NULL is "none". Unknown words are passed over. */
unsigned ks__optimization_read(const char *text);
/* The text of a set, in the order of Kafka's documentation. Returns `out`. */
const char *ks__optimization_text(unsigned set, char out[KS__OPTIMIZATION_TEXT_SIZE]);

#endif

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
    KS_DESCRIBE_TEXT = 0,  /* Kafka's own text, byte for byte */
    KS_DESCRIBE_DOT = 1,   /* for graphviz */
    KS_DESCRIBE_SHAPE = 2  /* what outlives a deployment, line by line: ks_topology_diff_text() */
} ks_describe_form;

/**
 * Describe a topology as text.
 *
 * Ownership: the caller frees the text with ks_text_free().
 * Threads:   any.
 * Errors:    NULL without memory; a topology with a build error describes as "Topologies:\n", as a
 *            shape as an empty text.
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

/* ---- what an edit does to an application that runs ---- */

typedef struct ks_diff ks_diff;

typedef enum ks_diff_subject {
    KS_DIFF_SUBTOPOLOGY = 1, /* by its number */
    KS_DIFF_SOURCE      = 2, /* a topic of yours that is read */
    KS_DIFF_TOPIC       = 3, /* an internal topic, without "<application.id>-" */
    KS_DIFF_STORE       = 4
} ks_diff_subject;

/* In the order of what they cost. */
typedef enum ks_diff_verdict {
    KS_DIFF_KEPT     = 1, /* goes on as it is */
    KS_DIFF_ADDED    = 2, /* begins empty, or at auto.offset.reset */
    KS_DIFF_ORPHANED = 3, /* stays behind: nobody uses it any more */
    KS_DIFF_RESTORED = 4, /* nothing is lost, but the state is read again from its changelog */
    KS_DIFF_BROKEN   = 5  /* what is there does not fit, or is not found: state is lost or wrong */
} ks_diff_verdict;

/* One thing. Lent; may grow. */
typedef struct ks_difference {
    ks_diff_subject subject;
    ks_diff_verdict verdict;
    const char     *before; /* its name before; NULL = it was not there */
    const char     *after;  /* its name now; NULL = it is not there any more */
    const char     *why;    /* "value: was i64, is utf8"; "" when there is nothing to tell */
} ks_difference;

/**
 * Compare two topologies: what does the edit from one to the other do to stores, internal topics,
 * sources and sub-topologies of an application that runs?
 *
 * For a release test or a gate before a deployment. The older topology is mostly that of another
 * program: keep its KS_DESCRIBE_SHAPE with the release and give the text instead.
 *
 *      ks_diff *diff = ks_topology_diff_text(released, topology);
 *      if (ks_diff_worst(diff) >= KS_DIFF_RESTORED)
 *          report(ks_diff_text(diff));
 *
 * A generated name that only changed its number counts as broken (the state stays under the old
 * one), and so does one that belongs to another operator now. See docs/evolution.md.
 *
 * Ownership: the caller frees with ks_diff_free(); borrows topologies and text.
 * Threads:   any.
 * Errors:    NULL without memory. ks_diff_error(): KS_EINVAL for NULL, the mistake of a topology
 *            that has one, KS_ECORRUPT for a text that is no shape; there is nothing to step
 *            through then, and the worst is KS_DIFF_BROKEN.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API ks_diff *ks_topology_diff(const ks_topology *before, const ks_topology *after);
KS_API ks_diff *ks_topology_diff_text(const char *before, const ks_topology *after);

/**
 * Step through the differences, the worst first; NULL at the end. ks_diff_rewind() begins again.
 *
 * Ownership: lends; until ks_diff_free().
 * Threads:   one at a time.
 * Errors:    none; all accept NULL.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API const ks_difference *ks_diff_next(ks_diff *diff);
KS_API void                 ks_diff_rewind(ks_diff *diff);

/**
 * Ask for the worst verdict, KS_DIFF_KEPT when nothing changed; for the mistake; and for all of it
 * as text: a line that counts, then one line per difference, those that are kept as they are last.
 *
 * Ownership: lends the error; the caller frees the text with ks_text_free().
 * Threads:   as ks_diff_next().
 * Errors:    a NULL diff is broken, its error KS_ENOMEM; a NULL text = no memory.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API ks_diff_verdict ks_diff_worst(const ks_diff *diff);
KS_API const ks_error *ks_diff_error(const ks_diff *diff);
KS_API char           *ks_diff_text(const ks_diff *diff);
KS_API void            ks_diff_free(ks_diff *diff);

#endif

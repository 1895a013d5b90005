/* SPDX-License-Identifier: Apache-2.0
 *
 * portable.h - structs of this host must not leave it unnoticed.
 *
 * Threads: pure.
 */
#ifndef KS_RUNTIME_PORTABLE_H
#define KS_RUNTIME_PORTABLE_H

#include "topology/graph.h"

/* KS_ETYPE when a source or sink has a KS_STRUCT() type on a topic that others may read, on a log
 * that is not of this host alone: `kind` as ks__cluster_kind() tells. Internal topics are the
 * application's own. */
ks_status ks__check_portable(const struct ks_topology *topology, const char *kind,
                             ks_error *error);

#endif

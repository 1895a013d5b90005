/* SPDX-License-Identifier: Apache-2.0
 *
 * scenario.h - word count built, run on the driver and freed: what the fault sweeps fail in.
 */
#ifndef KS_TESTS_FAULT_SCENARIO_H
#define KS_TESTS_FAULT_SCENARIO_H

#include <kstream/kstream.h>

/* What became of a run. */
struct outcome {
    ks_status status;
    char      text[512]; /* of the error */
    bool      right;     /* the outputs are those of a run without faults */
};

/* Three topologies: word count; operators beyond those of Kafka Streams; stores beyond tables. */
typedef void scenario_fn(struct outcome *outcome, const char *directory);
scenario_fn scenario_operators;
scenario_fn scenario_stores;
/* Build, pipe some lines through a driver on `directory` (NULL = its own), read the outputs, look
 * into the store, free everything. */
void scenario_run(struct outcome *outcome, const char *directory);

#endif

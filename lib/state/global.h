/* SPDX-License-Identifier: Apache-2.0
 *
 * global.h - reading a global store from a thread that does not write it.
 *
 *      one thread:   ks__state_restore() into the global env, committed at once
 *      every thread: reader = a store handle of kind "only read" on a read transaction of its own,
 *                    renewed once per batch and after each apply of its own thread
 *
 * A reader reads committed rows only; puts through it fail with KS_ESTATE. Rows and iterators live
 * to the end of the record.
 *
 * Threads: a reader belongs to one; the state it reads must stay open longer.
 */
#ifndef KS_STATE_GLOBAL_H
#define KS_STATE_GLOBAL_H

#include "state/state.h"

/* A reader of the store `spec->name` in `global`. Of `host` error and arena are used; it is
 * kept, `spec` too. KS_ENOMEM, KS_EIO. */
ks_status ks__global_reader_open(struct ks_kv_store **out, struct ks__state *global,
                                 const struct ks__store_spec *spec,
                                 const struct ks__state_host *host, ks_error *error);
/* Between records: the next read sees the newest commit. */
void ks__global_reader_renew(struct ks_kv_store *reader);
/* Close its iterators; before the arena is reset. */
void ks__global_reader_end_record(struct ks_kv_store *reader);
/* NULL is fine. */
void ks__global_reader_close(struct ks_kv_store *reader);

#endif

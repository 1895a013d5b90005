/* SPDX-License-Identifier: Apache-2.0
 *
 * user_store.h - a store of the user's own in a task: its life, its changelog, its position.
 *
 *      open --> (restore)* --> { log*, seal, commit }* --> close
 *
 * Invariants
 *   V1  `position` is what `self` holds: the changelog before it, and since the last seal nothing
 *       else. KS__OFFSET_NONE = nothing.
 *   V2  commit is called with sealed positions only, after LMDB has them: never ahead of the env.
 *
 * Threads: the task's.
 */
#ifndef KS_RUNTIME_USER_STORE_H
#define KS_RUNTIME_USER_STORE_H

#include "runtime/task.h"

#include <kstream/sys/store.h>

/* `fresh`: what its directory holds is not to be trusted. The context is released on failure. */
ks_status ks__user_store_open(struct ks_store_ctx **out, struct ks__task *task,
                              const struct ks__store_spec *spec, bool fresh, ks_error *error);
/* NULL is fine. */
void ks__user_store_close(struct ks_store_ctx *store);
/* As if new, at the same address; `fresh` as above. */
ks_status ks__user_store_reopen(struct ks_store_ctx *store, bool fresh, ks_error *error);

void   *ks__user_store_self(const struct ks_store_ctx *store);
int64_t ks__user_store_position(const struct ks_store_ctx *store);
void    ks__user_store_set_position(struct ks_store_ctx *store, int64_t position);
/* Changes of the changelog up to `position`. */
ks_status ks__user_store_restore(struct ks_store_ctx *store, const ks_record *records,
                                 size_t count, int64_t position, ks_error *error);
ks_status ks__user_store_commit(struct ks_store_ctx *store, ks_error *error);

#endif

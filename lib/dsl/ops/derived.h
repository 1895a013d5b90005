/* SPDX-License-Identifier: Apache-2.0
 *
 * derived.h - adding a table that is computed row by row from another one.
 */
#ifndef KS_DSL_OPS_DERIVED_H
#define KS_DSL_OPS_DERIVED_H

#include "dsl/ops/table.h"

/* The state of such an operator. */
struct ks__derived_state {
    struct ks__table_state table;  /* must be first */
    struct ks__op         *parent; /* its rows are computed from whose; NULL if it has a store */
};

void ks__derived_open(void *state, ks_ctx *ctx);

struct ks__derived {
    const struct ks__op_class *class;
    const void                *args; /* begin with struct ks__table_args */
    size_t                     args_size;
    void                      *user;
    bool                       asks_old; /* takes old values if they are to be had without force */
};

/* The store's name, NULL = none; without a name its index is taken if options were given. */
const char *ks__derived_store(ks_builder *b, const struct ks__call *call,
                              const ks_materialized *options, const char *prefix);

/* A store only if it is named; without a name its index is taken if options were given. `typed` are
 * the options with the types that the table has. */
ks_table *ks__derived_add(ks_table *t, const struct ks__call *call, const ks_materialized *options,
                          const ks_materialized *typed, const struct ks__derived *what);

#endif

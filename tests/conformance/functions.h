/* SPDX-License-Identifier: Apache-2.0
 *
 * functions.h - the named functions of the cases (FORMAT.md, Functions) as callbacks.
 *
 * A function is a name, an argument (everything after the first colon) and the types of the columns
 * it sees. It is handed as `user` to one of the callbacks below. Names are checked when a case is
 * built.
 */
#ifndef CONFORMANCE_FUNCTIONS_H
#define CONFORMANCE_FUNCTIONS_H

#include "values.h"

struct function {
    char      name[32]; /* up to the colon */
    ks_bytes  text;     /* the argument; null if none */
    int64_t   number;   /* the argument as a number, if it is one */
    enum type key;      /* types of the input */
    enum type value;
    enum type other;    /* of the right side, or of the aggregate */
};

/* Split "name:argument" (the argument is kept by reference). */
struct function function_parse(const char *spec, enum type key, enum type value, enum type other);

bool is_value_function(const char *name);
bool is_key_function(const char *name);
bool is_predicate(const char *name);
bool is_flat_value_function(const char *name);
bool is_flat_function(const char *name);
bool is_joiner(const char *name);
bool is_reducer(const char *name);
bool is_aggregator(const char *name);
bool is_merger(const char *name);

struct value apply_value(ks_ctx *ctx, const struct function *f, const ks_record *record);
struct value apply_key(ks_ctx *ctx, const struct function *f, const ks_record *record);

ks_predicate_fn call_predicate;   /* user: struct function */
ks_mapper_fn    call_map_values;  /* user: struct function */
ks_mapper_fn    call_map;         /* user: struct function[2]: key, value */
ks_selector_fn  call_select;      /* user: struct function */
ks_visitor_fn   call_flat_values; /* user: struct function */
ks_visitor_fn   call_flat;        /* user: struct function */
ks_joiner_fn    call_join;        /* user: struct function */
ks_fold_fn      call_reduce;      /* user: struct function */
ks_fold_fn      call_aggregate;   /* user: struct function */
ks_fold_fn      call_merge;       /* user: struct function[2]: aggregator, merger */

/* Grouped tables: one `user` serves two functions: [0] adds, [1] subtracts. */
ks_fold_fn call_unreduce;
ks_fold_fn call_unaggregate;

/* For joins with a mapped key one `user` serves two functions: [0] selects, [1] joins. */
ks_selector_fn call_select_of_pair;
ks_selector_fn call_foreign_of_pair; /* sees a null key */
ks_joiner_fn   call_join_of_pair;

#endif

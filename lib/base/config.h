/* SPDX-License-Identifier: Apache-2.0
 *
 * config.h - the engine of configuration: a table of rows, and the values set for it.
 *
 *      static const rows {name, type, default, range, doc} ---> values ---> typed get by row
 *      "consumer.fetch.wait.max.ms" = "20"  ---> prefix list, for librdkafka
 *
 * Every value arrives as text. It is checked against its row at once; the first mistake latches in
 * `error`, naming the row, the value, what is allowed and, for an unknown name, the nearest one.
 *
 * Not here: the rows (runtime/). Threads: one owner; get from any thread once nobody sets.
 */
#ifndef KS_BASE_CONFIG_H
#define KS_BASE_CONFIG_H

#include "base/buffer.h"
#include "base/error.h"

#include <kstream/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ks__config_type {
    KS__CONFIG_STRING,
    KS__CONFIG_INT,             /* int64, min..max                                            */
    KS__CONFIG_DOUBLE,          /* min..max                                                   */
    KS__CONFIG_BOOL,            /* true, false                                                */
    KS__CONFIG_ENUM,            /* one of `allowed`                                           */
    KS__CONFIG_LIST,            /* comma-separated, blanks around items ignored               */
    KS__CONFIG_DURATION_MS,     /* int64 milliseconds, min..max; "250", "250ms", "5s", "2m"... */
    KS__CONFIG_BYTES            /* int64 bytes, min..max; "1048576", "64KiB", "64MiB", "1GiB"  */
};

/* One property. All texts are static. */
struct ks__config_row {
    const char          *name;
    enum ks__config_type type;
    const char          *by_default;    /* as text; NULL = unset, get gives 0 / NULL          */
    double               min, max;      /* numbers; both 0 = any. Exact up to 2^53            */
    const char          *allowed;       /* ENUM: "a|b|c"; LIST: each item one of them         */
    const char          *doc;           /* one or two sentences                               */
    const char          *alone;         /* LIST: items that must stand alone, "none|all"      */
    bool (*fits)(const char *text);     /* ENUM: the last of `allowed` describes such texts   */
};

/* A named family of free properties, e.g. "consumer." */
struct ks__config_prefix {
    const char *prefix;                 /* with the dot                                       */
    const char *doc;
};

/* What a property was called once; the table has its present name. */
struct ks__config_former {
    const char *name;
    const char *now;
};

/* The table: rows sorted as the documentation shall show them. Static. */
struct ks__config_table {
    const struct ks__config_row    *rows;
    size_t                          row_count;
    const struct ks__config_prefix *prefixes;
    size_t                          prefix_count;
    const struct ks__config_former *formers;
    size_t                          former_count;
};

/* A property given under a prefix, without the prefix. */
struct ks__config_pair {
    size_t prefix;                      /* index into the table's prefixes                    */
    char  *name;
    char  *value;
};

struct ks__config_value;

struct ks__config_values {
    const struct ks__config_table *table;
    struct ks__config_value       *values;      /* one per row                                */
    struct ks__config_pair        *pairs;       /* in the order first set; unique             */
    size_t                         pair_count, pair_capacity;
    ks_error                       error;       /* the first mistake                          */
};

/* The public handle: nothing but the values. */
struct ks_config {
    struct ks__config_values values;
};

/* All defaults. KS_ENOMEM is latched too. A default that its own row refuses is asserted. */
ks_status ks__config_init(struct ks__config_values *values, const struct ks__config_table *table);
void ks__config_release(struct ks__config_values *values);
/* A deep copy, error included; `to` is initialised by it. */
ks_status ks__config_copy(struct ks__config_values *to, const struct ks__config_values *from);

/* Set by name; copies both. `value` NULL = back to the default. The last value wins. */
ks_status ks__config_set(struct ks__config_values *values, const char *name, const char *value);
/* Set from "name=value"; blanks around both are ignored. */
ks_status ks__config_set_pair(struct ks__config_values *values, const char *pair);

/* True when it was set, not just defaulted. */
bool ks__config_is_set(const struct ks__config_values *values, size_t row);
/* Typed reads by row; the type must fit (asserted). INT, DURATION_MS and BYTES are int. ENUM is
 * the index in `allowed`. Text is lent until the row is set again or released. */
int64_t ks__config_int(const struct ks__config_values *values, size_t row);
double ks__config_double(const struct ks__config_values *values, size_t row);
bool ks__config_bool(const struct ks__config_values *values, size_t row);
int ks__config_enum(const struct ks__config_values *values, size_t row);
/* The text as set, for every type; NULL = unset without default. */
const char *ks__config_text(const struct ks__config_values *values, size_t row);
size_t ks__config_list_count(const struct ks__config_values *values, size_t row);
/* Item `n` of a list: lent, terminated. */
const char *ks__config_list_at(const struct ks__config_values *values, size_t row, size_t n);

/* The row of a name, or -1. */
int ks__config_find(const struct ks__config_table *table, const char *name);
/* The row that was called `name` once, or whose name is nearest (Levenshtein); NULL when nothing is
 * near. */
const char *ks__config_nearest(const struct ks__config_table *table, const char *name);
/* Append the table as Markdown: one row per property, then the prefixes. */
void ks__config_to_markdown(const struct ks__config_table *table, struct ks__buffer *out);

#endif

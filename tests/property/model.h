/* SPDX-License-Identifier: Apache-2.0
 *
 * model.h - what a program must give, by the rules of tests/conformance/RULES.md and nothing else.
 *
 * The naive way: facts are kept in one list, and a result is folded anew from all of them. No code
 * is shared with the library. A fact goes depth first through steps, core and end, as records do.
 */
#ifndef KS_TESTS_PROPERTY_MODEL_H
#define KS_TESTS_PROPERTY_MODEL_H

#include "plan.h"

#define KEPT_MAX 16384 /* facts in one list: more than any program makes */

/* A record; of a table also with what was before. All text belongs to the model. */
struct fact {
    const char *key, *value, *old; /* NULL = null */
    int64_t     at_ms;
    int64_t     start_ms, end_ms;  /* of its window; 0, 0 = none */
    bool        gone;              /* no longer in the list */
};

struct list {
    struct fact items[KEPT_MAX];
    int         count;
};

struct model {
    const struct plan *plan;
    struct lines      *out;
    int                step; /* number of the input */
    int64_t            stream_ms;      /* of the core; -1 = nothing yet */
    int64_t            emitted_ms;     /* up to which windows were emitted */
    int64_t            suppressed_ms;  /* stream time of suppress */
    int64_t            side_ms[2];     /* joins: the largest time kept of a side */
    struct list        facts;          /* what the core accepted, or its rows */
    struct list        other;          /* joins: the right side */
    struct list        waiting;        /* suppress, or results without partner */
    struct list        groups;         /* rows of a table aggregation */
    char             **texts;
    size_t             text_count, text_capacity;
};

/* All that comes out of the plan's inputs. */
void model_run(const struct plan *plan, struct lines *out);

/* ---- among the parts ---- */

const char *text_of(struct model *m, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));
bool same(const char *a, const char *b);
const char *shown(const char *value);
struct fact *list_add(struct list *list, const struct fact *fact);
/* The row of a key that is not gone; NULL = none. */
struct fact *list_find(struct list *list, const char *key);
/* Order of keys by their bytes. */
int order_of_keys(const char *a, const char *b);

/* A result of the core goes on to the end and out. */
void model_emit(struct model *m, const struct fact *fact);
/* One more value into an aggregate; `*acc` NULL = null. */
void model_fold(struct model *m, const char **acc, const char *value);
const char *model_initial(const struct model *m);

void model_time_windows(struct model *m, const struct fact *fact);
void model_counted(struct model *m, const struct fact *fact);
void model_sliding(struct model *m, const struct fact *fact);
void model_session(struct model *m, const struct fact *fact);

void model_stream_stream(struct model *m, int side, const struct fact *fact);
void model_stream_table(struct model *m, int side, const struct fact *fact);
void model_table_table(struct model *m, int side, const struct fact *fact);
void model_foreign(struct model *m, int side, const struct fact *fact);
typedef const char *group_fn(const char *value);
void model_table_group(struct model *m, const struct fact *change, group_fn *group, bool counted);

#endif

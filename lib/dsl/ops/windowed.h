/* SPDX-License-Identifier: Apache-2.0
 *
 * windowed.h - what the aggregations of windows have in common.
 *
 *      record --> its windows --fold--> row of (key, window)
 *                        |--> on update: the change now, or at the flush of the cache
 *                        `--> on close: what a later record has closed, by time, then key
 *
 * Stream time is that of the operator, a clock; so are the close of the last round of final results
 * and the wall-clock time of the next one.
 *
 * Invariants
 *   WD1  The record that closes windows is applied before they are sent.
 *   WD2  The store is released up to the stream time of the last round of final results: what has
 *        not been sent stays readable (state/ring.h).
 *
 * Threads: the task's.
 */
#ifndef KS_DSL_OPS_WINDOWED_H
#define KS_DSL_OPS_WINDOWED_H

#include "dsl/ops/aggregation.h"
#include "state/window_store.h"
#include "window/window.h"

enum ks__fold { KS__FOLD_COUNT = 1, KS__FOLD_REDUCE, KS__FOLD_AGGREGATE };

struct ks__windowed_args {
    struct ks__table_args table;   /* must be first */
    struct ks__windowing  windows;
    enum ks__fold         fold;
    ks_fold_fn           *add;
    ks_fold_fn           *merge;   /* sessions, slices; NULL = by counting or reducing */
    void                 *merge_user;
    ks_bytes              initial;
    unsigned              holder;  /* among those that release rows of the store */
    bool                  holds;
    const char           *beside;  /* store of slices, or of counts of records; NULL = none */
};

struct ks__windowed_state {
    struct ks__table_state          table; /* must be first */
    const struct ks__windowed_args *args;
};

/* Windows that were closed to a record. */
struct ks__missed {
    bool      any;
    ks_window last;
};

/* ---- run time (windowed.c) ---- */

void ks__windowed_open(void *state, ks_ctx *ctx);
bool ks__windowed_row(void *state, ks_ctx *ctx, const struct ks__row_key *key,
                      struct ks__row *row);
/* The record counts for the stream time, which is given back. */
int64_t ks__windowed_advance(struct ks__windowed_state *w, int64_t time_ms);
/* While nothing comes: the time goes on with the clock as long as the latest row is not closed and
 * sent; false = it does not. */
bool ks__windowed_go_on(struct ks__windowed_state *w, int64_t latest_ms, int64_t *time_ms);
/* The idle function of the classes: go on, close. */
bool ks__windowed_idle(void *state, ks_ctx *ctx);
/* What a new window starts from: 0, null, or the initial aggregate. */
ks_bytes ks__windowed_initial(struct ks__windowed_state *w);
/* Fold the record into `*acc`, in this window. False = skipped or failed. */
bool ks__windowed_fold(struct ks__windowed_state *w, const ks_record *record,
                       const ks_window *window, ks_bytes *acc);
/* A deletion that waits in a cache has the record's own time, as in table.c. */
static inline void ks__windowed_time_deletion(const struct ks__windowed_state *w,
                                              const ks_record *record, struct ks__row *row)
{
    if (w->table.cached && row->value.data == NULL)
        row->timestamp_ms = record->timestamp_ms;
}
/* The other aggregate of the window into `*acc`. */
bool ks__windowed_merge(struct ks__windowed_state *w, const ks_record *record, ks_bytes other,
                        const ks_window *window, ks_bytes *acc);
/* Send a change: key, headers of `record`, unless it leaves by the cache or on close. */
void ks__windowed_send(struct ks__windowed_state *w, const ks_record *record,
                       const ks_window *window, const struct ks__row *row, ks_bytes old);
/* The record found this window closed: counted; more than one are told of from the earliest on. */
void ks__windowed_miss(struct ks__windowed_state *w, struct ks__missed *missed, ks_window window);
/* Send the record down the late branch, if there is one and it missed a window: after what it has
 * changed, once, with the last window that it missed unless it has one of its own. */
void ks__windowed_send_late(struct ks__windowed_state *w, const ks_record *record,
                            const struct ks__missed *missed);
/* The windows that the operator's time has closed, if it is time for them. */
void ks__windowed_close(struct ks__windowed_state *w, const ks_record *record,
                        int64_t stream_time_ms);

/* ---- declaration (windowed_stream.c) ---- */

struct ks_windowed_stream {
    struct ks__handle    head;
    ks_grouped_stream   *group;
    struct ks__windowing windows;
    ks_table            *table; /* of the aggregation declared last; NULL = none yet */
};

/* Check and take over a specification. */
bool ks__windowing_read(ks_builder *b, struct ks__call *call, const ks_windowing *given,
                        struct ks__windowing *out);
/* The store of such windows; `holders` of them write. False: the retention is too short. */
bool ks__windowing_store(ks_builder *b, const struct ks__call *call,
                         const struct ks__windowing *windows, int64_t retention_ms,
                         unsigned writers, struct ks__store_spec *out);
/* The cut of a store of such windows, in the builder's memory: see ks__store_spec. */
const char *ks__windowing_cut(ks_builder *b, const struct ks__windowing *windows);
/* The serde of the table's keys. */
const ks_serde *ks__windowing_serde(const struct ks__windowing *windows, const ks_serde *key);
/* The functions of an aggregation of such windows, into `args`. */
bool ks__windowing_functions(ks_builder *b, const struct ks__call *call,
                             const ks_aggregate *functions, struct ks__windowed_args *args);

/* ---- the late branch (late.c) ---- */

struct ks__late {
    struct ks__logical *const *parents; /* the aggregations */
    size_t                     parent_count;
    const ks_serde            *key;
    const ks_serde            *windowed; /* of the key with the window that was missed */
    const ks_serde            *value;
    struct ks__sources         sources;
};
/* A stream of what these aggregations leave out. Takes an index. */
ks_stream *ks__late_add(ks_builder *b, const struct ks__call *call, const ks_named *options,
                        const struct ks__late *what);

/* By kind of window; the second for names after reduce. */
const struct ks__op_class *ks__windowed_class(const struct ks__windowing *windows, bool reduce);
/* Is it one of those that time closes? */
bool ks__windowed_is(const struct ks__op_class *class);

extern const struct ks__op_class ks__time_aggregate_class, ks__time_reduce_class;
extern const struct ks__op_class ks__slices_aggregate_class, ks__slices_reduce_class;
extern const struct ks__op_class ks__counted_aggregate_class, ks__counted_reduce_class;
extern const struct ks__op_class ks__sliding_aggregate_class, ks__sliding_reduce_class;
extern const struct ks__op_class ks__session_aggregate_class, ks__session_reduce_class;

#endif

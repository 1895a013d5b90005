/* SPDX-License-Identifier: Apache-2.0
 *
 * window_slices.c - hopping windows that are emitted on close, put together from slices.
 *
 *      slices     | 2 |   | 5 | 1 |   |          one row per key and slice: a record is folded once
 *      windows    |-----------|                  made when they close: 2 + 5, a row of the table
 *                     |-----------|              not closed yet
 *
 * Windows are made as soon as the operator's time closes them, all keys at once, in one walk over
 * the slices; sending them is as for other windows, later if the wall clock says so.
 *
 * Invariants
 *   SL1  The table's store has a row for every window with records that starts before `next`, and
 *        for no other. So a record that is too late for some of its windows may be folded into its
 *        slice: those windows are made already.
 *        A window of a key that cannot be put together is left out for good, and nothing else is.
 *   SL2  Slices are released up to the time at which windows were made last: a window that is not
 *        made finds its slices.
 *
 * Without the clock, on another host, what the store of the table had last is known to be made; the
 * operator's time begins anew there, and a record that finds a made window open by it changes only
 * the windows that are not made.
 * Kafka: none; the results are those of KStreamWindowAggregate. Threads: the task's.
 */
#include "dsl/ops/windowed.h"

#include "base/assert.h"

#include <string.h>

#define NEXT_WINDOW "next-window" /* start of the first window that is not made */
#define UNKNOWN     INT64_C(-1)

struct slices {
    struct ks__windowed_state w; /* must be first */
    struct ks_kv_store       *store;
};

static void slices_open(void *state, ks_ctx *ctx)
{
    struct slices *self = state;

    ks__windowed_open(state, ctx);
    if (ctx->error->status == KS_OK)
        self->store = ctx->ops->store(ctx, self->w.args->beside, KS__STORE_WINDOW, true);
    if (ctx->error->status == KS_OK)
        ctx->ops->share_clock(ctx, NEXT_WINDOW, NULL);
}

/* ---- combining ---- */

/* The aggregate of a key's slices so far, in the order of time. */
struct sum {
    struct sum    *next;
    ks_bytes       key;
    struct ks__row row;
    bool           failed; /* left out */
};

/* Take in one slice; false = skipped or failed. */
static bool combine(struct slices *self, struct sum *sum, const ks_window *window,
                    const ks_record *slice)
{
    ks_record in = *slice;

    if (sum->row.value.data == NULL) {
        sum->row.value        = slice->value;
        sum->row.timestamp_ms = slice->timestamp_ms;
        return true;
    }
    sum->row.timestamp_ms = ks__time_max(sum->row.timestamp_ms, slice->timestamp_ms);
    in.headers            = NULL;
    return ks__windowed_merge(&self->w, &in, slice->value, window, &sum->row.value);
}

/* The window of a key could not be put together: it alone is left out, if the handler says so.
 * Else every later record would fail at it, whatever its key. */
static void leave_out(struct slices *self, struct sum *sum, const ks_window *window,
                      const ks_record *slice)
{
    ks_ctx           *ctx  = self->w.table.ctx;
    struct ks__record part = { .record = *slice };

    if (ctx->error->status == KS_OK || ctx->failed)
        return;
    part.record.window = window;
    ks__error_prefix(ctx->error, "window [%lld, %lld): ", (long long)window->start_ms,
                     (long long)window->end_ms);
    sum->failed = true;
    ks__ctx_forgive(ctx, &part, false);
}

/* ---- making windows ---- */

/* One window over all keys. Keys lie in order and the slices of one beside each other, but for keys
 * that begin with another: its slices may lie around theirs. So sums are kept while the keys that
 * come begin with theirs. */
struct making {
    struct slices *self;
    ks_window      window;
    struct sum    *sums;
    struct sum    *unused;
    int64_t        beyond_ms; /* earliest slice behind the start of the window after it */
};

static bool begins_with(ks_bytes key, ks_bytes start)
{
    return key.size >= start.size && (start.size == 0 || memcmp(key.data, start.data,
                                                                start.size) == 0);
}

/* Put the rows of keys that are done: all that are not related to `key`; null = all. */
static void finish(struct making *making, ks_bytes key)
{
    struct sum **link = &making->sums;

    while (*link != NULL) {
        struct sum *sum = *link;

        if (key.data != NULL && (begins_with(key, sum->key) || begins_with(sum->key, key))) {
            link = &sum->next;
            continue;
        }
        if (sum->row.value.data != NULL && !sum->failed)
            ks__window_put(making->self->w.table.store, sum->key, making->window.start_ms,
                           &sum->row);
        *link          = sum->next;
        sum->next      = making->unused;
        making->unused = sum;
    }
}

/* The sum of a key, a new one if there is none; NULL = no memory, raised. */
static struct sum *sum_of(struct making *making, ks_bytes key)
{
    ks_ctx     *ctx = making->self->w.table.ctx;
    struct sum *sum;

    for (sum = making->sums; sum != NULL; sum = sum->next)
        if (ks_bytes_equal(sum->key, key))
            return sum;
    finish(making, key);
    sum = making->unused;
    if (sum != NULL)
        making->unused = sum->next;
    else
        sum = ks__arena_alloc(ctx->arena, sizeof(*sum));
    if (sum == NULL) {
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory to combine slices");
        return NULL;
    }
    *sum         = (struct sum){ .next = making->sums, .key = key };
    making->sums = sum;
    return sum;
}

static void make_window(struct making *making)
{
    struct slices *self  = making->self;
    ks_ctx        *ctx   = self->w.table.ctx;
    const int64_t  after = ks__time_add(making->window.start_ms, self->w.args->windows.advance_ms);
    ks_iter       *it    = ks__window_all(self->store, KS_NULL, KS_NULL, making->window.start_ms,
                                          INT64_MAX, KS_ASCENDING);

    making->beyond_ms = INT64_MAX;
    for (ks_record row; ctx->error->status == KS_OK && ks_iter_next(it, &row);) {
        const int64_t start = row.window->start_ms;
        struct sum   *sum;

        if (start >= after)
            making->beyond_ms = ks__time_min(making->beyond_ms, start);
        if (start >= making->window.end_ms)
            continue;
        sum = sum_of(making, row.key);
        if (sum != NULL && !sum->failed && !combine(self, sum, &making->window, &row))
            leave_out(self, sum, &making->window, &row);
    }
    ks_iter_close(it);
    if (ctx->error->status == KS_OK)
        finish(making, KS_NULL);
}

/* The start of the first window that is not made. */
static int64_t next_window(struct slices *self)
{
    ks_ctx       *ctx  = self->w.table.ctx;
    const int64_t next = ctx->ops->clock(ctx, NEXT_WINDOW, UNKNOWN);
    const int64_t last = next == UNKNOWN ? ks__window_time(self->w.table.store) : UNKNOWN;

    if (next != UNKNOWN)
        return next;
    return last == UNKNOWN ? 0 : ks__time_add(last, self->w.args->windows.advance_ms);
}

/* Make the windows that are closed now, but those without slices. */
static void make_closed(struct slices *self, int64_t time_ms, int64_t close_ms)
{
    const struct ks__windowing *windows = &self->w.args->windows;
    ks_ctx                     *ctx     = self->w.table.ctx;
    const int64_t               bound   = ks__window_final_bound_ms(windows, close_ms);
    struct making               making  = { .self = self };
    int64_t                     start   = next_window(self);
    ks_window                   first;

    if (bound < start)
        return;
    while (start <= bound && ctx->error->status == KS_OK) {
        making.window = ks__window_at(windows, start);
        make_window(&making);
        start = ks__time_add(start, windows->advance_ms);
        ks__window_first(windows, making.beyond_ms, &first);
        start = ks__time_max(start, first.start_ms); /* what lies between is empty */
    }
    if (ctx->error->status != KS_OK)
        return;
    ctx->ops->set_clock(ctx, NEXT_WINDOW,
                        ks__time_add(bound / windows->advance_ms * windows->advance_ms,
                                     windows->advance_ms));
    ks__window_release(self->store, 0, time_ms);
}

/* ---- a record ---- */

/* Count the windows that are closed to the record; true = one at least is not. */
static bool meets_open_window(struct slices *self, const ks_record *record, int64_t close_ms,
                              struct ks__missed *missed)
{
    const struct ks__windowing *windows = &self->w.args->windows;
    ks_window                   window;
    bool more = ks__window_first(windows, record->timestamp_ms, &window);

    while (more && !ks__window_accepts(windows, window.end_ms, close_ms)) {
        ks__windowed_miss(&self->w, missed, window);
        more = ks__window_next(windows, record->timestamp_ms, &window);
    }
    return more;
}

static void fold(struct slices *self, const ks_record *record)
{
    const int64_t         slice_ms = ks__kv_spec(self->store)->window_ms;
    const ks_window       window   = ks__slice_of(slice_ms, record->timestamp_ms);
    struct ks__window_slot slot;
    struct ks__row         row;
    const bool             found = ks__window_find(self->store, record->key, window.start_ms, &slot,
                                                   &row);

    if (self->w.table.ctx->error->status != KS_OK)
        return;
    if (!found)
        row = (struct ks__row){ .value        = ks__windowed_initial(&self->w),
                                .timestamp_ms = record->timestamp_ms };
    row.timestamp_ms = ks__time_max(row.timestamp_ms, record->timestamp_ms);
    row.headers      = NULL;
    if (ks__windowed_fold(&self->w, record, &window, &row.value))
        ks__window_put_slot(self->store, &slot, &row);
}

static void slices_process(void *state, ks_ctx *ctx, const struct ks__record *in)
{
    struct slices    *self   = state;
    const ks_record  *record = &in->record;
    struct ks__missed missed = { .any = false };
    int64_t           time_ms, close_ms;

    if (record->key.data == NULL) {
        ks__ctx_drop(ctx, KS__DROP_NULL_KEY);
        return;
    }
    time_ms  = ks__windowed_advance(&self->w, record->timestamp_ms);
    close_ms = ks__window_close_ms(&self->w.args->windows, time_ms);
    make_closed(self, time_ms, close_ms);
    if (ctx->error->status != KS_OK)
        return;
    if (meets_open_window(self, record, close_ms, &missed))
        fold(self, record);
    ks__windowed_send_late(&self->w, record, &missed);
    ks__windowed_close(&self->w, record, time_ms);
}

/* While nothing comes: the last window with a slice is the one to be waited for. */
static bool slices_idle(void *state, ks_ctx *ctx)
{
    static const ks_record      nothing = { .timestamp_ms = -1 };
    struct slices              *self    = state;
    const struct ks__windowing *windows = &self->w.args->windows;
    const int64_t               slice   = ks__window_time(self->store);
    int64_t                     time_ms;

    if (slice < 0 ||
        !ks__windowed_go_on(&self->w, slice / windows->advance_ms * windows->advance_ms, &time_ms))
        return false;
    make_closed(self, time_ms, ks__window_close_ms(windows, time_ms));
    if (ctx->error->status == KS_OK)
        ks__windowed_close(&self->w, &nothing, time_ms);
    return true;
}

/* ---- rows ---- */

/* A window that is not made: what its slices hold so far. */
static bool slices_row(void *state, ks_ctx *ctx, const struct ks__row_key *key,
                       struct ks__row *row)
{
    struct slices *self = state;
    struct sum     sum  = { .key = key->key };
    ks_iter       *it;

    if (ks__windowed_row(state, ctx, key, row))
        return true;
    *row = (struct ks__row){ .headers = NULL };
    if (key->window == NULL || key->window->start_ms < next_window(self))
        return false;
    it = ks__window_fetch(self->store, key->key, key->window->start_ms,
                          ks__time_sub(key->window->end_ms, 1), KS_ASCENDING);
    for (ks_record slice; ctx->error->status == KS_OK && ks_iter_next(it, &slice);)
        combine(self, &sum, key->window, &slice);
    ks_iter_close(it);
    if (ctx->error->status == KS_OK)
        *row = sum.row;
    return row->value.data != NULL;
}

#define SLICES_CLASS(name_, prefix_)                                                          \
    {                                                                                         \
        .name = (name_), .prefix = (prefix_), .traits = KS__OP_KEEPS_KEY | KS__OP_TABLE,      \
        .state_size = sizeof(struct slices), .open = slices_open, .process = slices_process,  \
        .idle = slices_idle, .row = slices_row                                                \
    }

const struct ks__op_class ks__slices_aggregate_class =
    SLICES_CLASS("sliced aggregate", "KSTREAM-AGGREGATE-");
const struct ks__op_class ks__slices_reduce_class =
    SLICES_CLASS("sliced reduce", "KSTREAM-REDUCE-");

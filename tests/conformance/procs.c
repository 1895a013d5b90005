/* SPDX-License-Identifier: Apache-2.0
 *
 * procs.c - the processors of the cases (FORMAT.md, Processors).
 *
 * Each has its own key-value store, but storeLookup, which reads that of a table, streamTime and
 * ticks. Null keys are ignored unless said otherwise.
 */
#include "build.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct parameters {
    const char  *store;
    enum type    key, value; /* of the input */
    enum type    row;        /* of the values of a table's store */
    int64_t      interval, idle, times, by, history, lag, range, retention;
    ks_bytes     lo, hi;
    bool         clear, reverse;
    size_t       ticks; /* which of the case's "ticks" it is */
    ks_time_kind clock;
};

struct self {
    const struct parameters *p;
    ks_kv_store             *store;
    ks_versioned_store      *versions;
    ks_window_store         *windows;
    ks_punctuation          *punctuation;
};

static ks_status open_store(ks_ctx *ctx, void *self, void *user)
{
    struct self *s = self;

    s->p = user;
    if (s->p->store != NULL)
        s->store = ks_ctx_kv_store(ctx, s->p->store);
    return KS_OK;
}

static void forward(ks_ctx *ctx, ks_bytes key, ks_bytes value, int64_t time)
{
    ks_record out = { .key = key, .value = value, .timestamp_ms = time };

    ks_ctx_forward(ctx, &out);
}

/* --- dedup --- */

static ks_status dedup(ks_ctx *ctx, const ks_record *record, void *self)
{
    struct self *s = self;
    ks_record    row;

    if (record->key.data == NULL)
        return KS_OK;
    if (record->value.data == NULL)
        ks_kv_store_delete(s->store, record->key);
    else if (ks_kv_store_get(s->store, record->key, &row) &&
             ks_bytes_equal(row.value, record->value))
        return KS_OK;
    else
        ks_kv_store_put(s->store, record->key, record->value);
    ks_ctx_forward(ctx, record);
    return KS_OK;
}

/* --- countEvery --- */

static ks_status count_tick(ks_ctx *ctx, int64_t now, void *self)
{
    struct self *s  = self;
    ks_iter     *it = ks_kv_store_all(s->store, KS_ASCENDING);

    for (ks_record row; ks_iter_next(it, &row);) {
        forward(ctx, row.key, row.value, now);
        if (s->p->clear)
            ks_kv_store_delete(s->store, row.key);
    }
    return KS_OK;
}

static ks_status count_open(ks_ctx *ctx, void *self, void *user)
{
    open_store(ctx, self, user);
    ks_ctx_schedule(ctx, ((struct self *)self)->p->interval, ((struct self *)self)->p->clock,
                    count_tick, self);
    return KS_OK;
}

static int64_t add_one(ks_ctx *ctx, struct self *s, ks_bytes key)
{
    ks_record row;
    int64_t   count = ks_kv_store_get(s->store, key, &row) ? ks_bytes_i64(row.value, 0) : 0;

    ks_kv_store_put(s->store, key, ks_ctx_i64(ctx, count + 1));
    return count + 1;
}

static ks_status count_process(ks_ctx *ctx, const ks_record *record, void *self)
{
    if (record->key.data != NULL)
        add_one(ctx, self, record->key);
    return KS_OK;
}

/* --- runningCount --- */

static ks_status running_count(ks_ctx *ctx, const ks_record *record, void *self)
{
    int64_t   count = record->key.data == NULL ? 0 : add_one(ctx, self, record->key);
    ks_record out   = *record;

    out.value = ks_ctx_i64(ctx, count);
    ks_ctx_forward(ctx, &out);
    return KS_OK;
}

/* --- streamTime, tsShift --- */

static ks_status stream_time(ks_ctx *ctx, const ks_record *record, void *self)
{
    ks_record out = *record;

    (void)self;
    out.value = ks_ctx_i64(ctx, ks_ctx_stream_time_ms(ctx));
    ks_ctx_forward(ctx, &out);
    return KS_OK;
}

static ks_status shift(ks_ctx *ctx, const ks_record *record, void *self)
{
    ks_record out = *record;

    out.timestamp_ms += ((struct self *)self)->p->by;
    if (out.timestamp_ms < 0)
        out.timestamp_ms = 0;
    ks_ctx_forward(ctx, &out);
    return KS_OK;
}

/* --- idleExpire --- */

static ks_status idle_tick(ks_ctx *ctx, int64_t now, void *self)
{
    struct self *s     = self;
    ks_iter     *it    = ks_kv_store_all(s->store, KS_ASCENDING);
    ks_bytes    *keys  = ks_ctx_alloc(ctx, (ks_kv_store_count(s->store) + 64) * sizeof *keys);
    size_t       count = 0;

    for (ks_record row; ks_iter_next(it, &row);)
        if (now - ks_bytes_i64(row.value, 0) >= s->p->idle)
            keys[count++] = row.key;
    for (size_t i = 0; i < count; i++) {
        ks_kv_store_delete(s->store, keys[i]);
        forward(ctx, keys[i], KS_NULL, now);
    }
    return KS_OK;
}

static ks_status idle_open(ks_ctx *ctx, void *self, void *user)
{
    open_store(ctx, self, user);
    ks_ctx_schedule(ctx, ((struct self *)self)->p->interval, KS_STREAM_TIME, idle_tick, self);
    return KS_OK;
}

static ks_status idle_process(ks_ctx *ctx, const ks_record *record, void *self)
{
    struct self *s = self;
    ks_record    row;
    int64_t      last;

    if (record->key.data == NULL)
        return KS_OK;
    last = ks_kv_store_get(s->store, record->key, &row) ? ks_bytes_i64(row.value, 0) : INT64_MIN;
    if (record->timestamp_ms > last)
        last = record->timestamp_ms;
    ks_kv_store_put(s->store, record->key, ks_ctx_i64(ctx, last));
    ks_ctx_forward(ctx, record);
    return KS_OK;
}

/* --- ticks --- */

static ks_status tick(ks_ctx *ctx, int64_t now, void *self)
{
    struct self *s = self;

    forward(ctx, KS_TEXT("tick"), ks_ctx_i64(ctx, now), now);
    if (++plan_fired[s->p->ticks] >= s->p->times)
        ks_punctuation_cancel(ctx, s->punctuation);
    return KS_OK;
}

static ks_status tick_open(ks_ctx *ctx, void *self, void *user)
{
    struct self *s = self;

    s->p = user;
    if (plan_fired[s->p->ticks] < s->p->times)
        s->punctuation = ks_ctx_schedule(ctx, s->p->interval, s->p->clock, tick, self);
    return KS_OK;
}

static ks_status ignore(ks_ctx *ctx, const ks_record *record, void *self)
{
    (void)ctx, (void)record, (void)self;
    return KS_OK;
}

static int64_t fired[PLAN_TICKS];
int64_t       *plan_fired = fired;

/* --- storeLookup --- */

static ks_status look_up(ks_ctx *ctx, const ks_record *record, void *self)
{
    struct self *s     = self;
    ks_bytes     found = KS_TEXT("null");
    ks_bytes     own   = value_show(ctx, value_read(record->value, s->p->value));
    ks_record    row, out = *record;

    if (record->key.data != NULL && ks_kv_store_get(s->store, record->key, &row)) {
        ks_bytes shown = value_show(ctx, value_read(row.value, s->p->row));
        found = ks_ctx_text(ctx, "%.*s@%" PRId64, KS_BYTES_ARG(shown), row.timestamp_ms);
    }
    out.value = join_texts(ctx, (ks_bytes[]){ own, KS_TEXT("|"), found }, 3);
    ks_ctx_forward(ctx, &out);
    return KS_OK;
}

/* --- rangeKeys --- */

static ks_status range_keys(ks_ctx *ctx, const ks_record *record, void *self)
{
    struct self *s   = self;
    ks_bytes     all = KS_TEXT("");
    ks_record    out = *record;
    bool         first = true;
    ks_iter     *it;

    if (record->key.data == NULL)
        return KS_OK;
    ks_kv_store_put(s->store, record->key, record->value);
    it = ks_kv_store_range(s->store, s->p->lo, s->p->hi,
                           s->p->reverse ? KS_DESCENDING : KS_ASCENDING);
    for (ks_record row; ks_iter_next(it, &row); first = false)
        all = first ? row.key : join_texts(ctx, (ks_bytes[]){ all, KS_TEXT(","), row.key }, 3);
    out.value = all;
    ks_ctx_forward(ctx, &out);
    return KS_OK;
}

/* --- versionedAsOf --- */

static ks_status versions_open(ks_ctx *ctx, void *self, void *user)
{
    struct self *s = self;

    s->p        = user;
    s->versions = ks_ctx_versioned_store(ctx, s->p->store);
    return KS_OK;
}

static ks_bytes show_version(ks_ctx *ctx, bool found, const ks_versioned *version)
{
    if (!found)
        return KS_TEXT("none");
    return ks_ctx_text(ctx, "%.*s@%" PRId64, KS_BYTES_ARG(version->value), version->timestamp_ms);
}

static ks_status versions_process(ks_ctx *ctx, const ks_record *record, void *self)
{
    struct self *s = self;
    ks_versioned version;
    ks_bytes     put, as_of, now;
    int64_t      end;

    if (record->key.data == NULL)
        return KS_OK;
    end   = ks_versioned_store_put(s->versions, record->key, record->value, record->timestamp_ms);
    put   = end == KS_VALID_NOW ? KS_TEXT("latest")
            : end == KS_NOT_PUT ? KS_TEXT("dropped")
                                : ks_ctx_text(ctx, "%" PRId64, end);
    as_of = show_version(ctx,
                         ks_versioned_store_as_of(s->versions, record->key,
                                                  record->timestamp_ms - s->p->lag, &version),
                         &version);
    now   = show_version(ctx, ks_versioned_store_get(s->versions, record->key, &version), &version);
    forward(ctx, record->key,
            ks_ctx_text(ctx, "put=%.*s asOf=%.*s now=%.*s", KS_BYTES_ARG(put),
                        KS_BYTES_ARG(as_of), KS_BYTES_ARG(now)),
            record->timestamp_ms);
    return KS_OK;
}

/* --- windowRangeCount --- */

static ks_status open_windows(ks_ctx *ctx, void *self, void *user)
{
    struct self *s = self;

    s->p       = user;
    s->windows = ks_ctx_window_store(ctx, s->p->store);
    return KS_OK;
}

static ks_status window_range_count(ks_ctx *ctx, const ks_record *record, void *self)
{
    struct self *s     = self;
    int64_t      from  = record->timestamp_ms - s->p->range, count = 0;
    ks_record    out   = *record, row;
    ks_bytes     value = KS_NULL;
    ks_iter     *it;

    if (record->key.data == NULL)
        return KS_OK;
    if (record->value.data != NULL)
        value = value_show(ctx, value_read(record->value, s->p->value));
    ks_window_store_put(s->windows, record->key, value, record->timestamp_ms);
    it = ks_window_store_fetch(s->windows, record->key, from > 0 ? from : 0,
                               record->timestamp_ms + s->p->range, KS_ASCENDING);
    while (ks_iter_next(it, &row))
        count++;
    out.value = ks_ctx_i64(ctx, count);
    ks_ctx_forward(ctx, &out);
    return KS_OK;
}

/* --- the table --- */

#define PROC(open_, process_) \
    KS_PROCESSOR(.state_size = sizeof(struct self), .open = open_, .process = process_)

static const struct proc {
    const char  *name;
    ks_processor processor;
    bool         own_store;
    bool         fixed_key; /* the recorder runs it with processValues */
} procs[] = {
    { "dedup", PROC(open_store, dedup), true, false },
    { "countEvery", PROC(count_open, count_process), true, false },
    { "runningCount", PROC(open_store, running_count), true, true },
    { "streamTime", PROC(open_store, stream_time), false, false },
    { "tsShift", PROC(open_store, shift), false, false },
    { "idleExpire", PROC(idle_open, idle_process), true, false },
    { "ticks", PROC(tick_open, ignore), false, false },
    { "storeLookup", PROC(open_store, look_up), false, false },
    { "rangeKeys", PROC(open_store, range_keys), true, false },
    { "versionedAsOf", PROC(versions_open, versions_process), true, false },
    { "windowRangeCount", PROC(open_windows, window_range_count), false, false },
};

static void read_parameters(const struct plan *plan, json_t *step, const struct made *from,
                            struct parameters *p)
{
    const char *clock = json_string_value(json_object_get(step, "clock"));

    p->store = json_string_value(json_object_get(step, "store"));
    for (size_t i = 0; i < plan->count; i++)
        if (plan->made[i].store != NULL && p->store != NULL &&
            strcmp(plan->made[i].store, p->store) == 0)
            p->row = plan->made[i].value;
    p->key      = from->key;
    p->value    = from->value;
    p->interval = json_integer_value(json_object_get(step, "interval"));
    p->idle     = json_integer_value(json_object_get(step, "idle"));
    p->times    = json_integer_value(json_object_get(step, "times"));
    p->history  = json_integer_value(json_object_get(step, "history"));
    p->lag      = json_integer_value(json_object_get(step, "lag"));
    p->by       = json_integer_value(json_object_get(step, "by"));
    p->range    = json_integer_value(json_object_get(step, "range"));
    p->retention = json_integer_value(json_object_get(step, "retention"));
    p->lo       = ks_bytes_text(json_string_value(json_object_get(step, "lo")));
    p->hi       = ks_bytes_text(json_string_value(json_object_get(step, "hi")));
    p->clear    = json_is_true(json_object_get(step, "clear"));
    p->reverse  = json_is_true(json_object_get(step, "reverse"));
    p->clock    = clock && strcmp(clock, "wall") == 0 ? KS_WALL_CLOCK_TIME : KS_STREAM_TIME;
}

bool plan_process(struct plan *plan, json_t *step, const struct made *from, struct made *made)
{
    const char        *name = json_string_value(json_object_get(step, "proc"));
    const struct proc *proc = NULL;
    struct parameters *p = ks_builder_own(plan->b, calloc(1, sizeof *p), free);
    ks_connected       options;
    ks_store_options   store;
    ks_versioned_store_options versions;
    ks_window_store_options windows;

    for (size_t i = 0; name != NULL && i < sizeof procs / sizeof *procs; i++)
        if (strcmp(procs[i].name, name) == 0)
            proc = &procs[i];
    if (proc == NULL)
        return plan_fail(plan, "unknown processor %s", name ? name : "(none)");
    read_parameters(plan, step, from, p);
    if (strcmp(name, "ticks") == 0) {
        if (plan->ticks == PLAN_TICKS)
            return plan_fail(plan, "more than %d ticks", PLAN_TICKS);
        p->ticks = plan->ticks++;
    }
    ks_options_init(&options, sizeof options);
    ks_options_init(&store, sizeof store);
    options.stores[0] = store.name = p->store;
    ks_options_init(&windows, sizeof windows);
    windows.name         = p->store;
    windows.retention_ms = p->retention;
    windows.size_ms      = 1;
    windows.duplicates   = json_is_true(json_object_get(step, "duplicates"));
    if (strcmp(name, "windowRangeCount") == 0)
        ks_builder_add_window_store(plan->b, &windows);
    ks_options_init(&versions, sizeof versions);
    versions.name       = p->store;
    versions.history_ms = p->history;
    if (strcmp(name, "versionedAsOf") == 0)
        ks_builder_add_versioned_store(plan->b, &versions);
    else if (proc->own_store)
        ks_builder_add_store(plan->b, &store);
    made->stream = (proc->fixed_key ? ks_stream_process_values : ks_stream_process)(
        from->stream, &proc->processor, p, &options);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * distinct.c - the first record of each id in a time passes.
 *
 *      within    [id][time] of what passed:    any in [time - within, time + within]? dropped
 *      window    [id][start] of the window:    there? dropped
 *
 *      too late  time + within + grace < stream time        (window: end + grace <= stream time)
 *
 * A row says which record it is of: where at least once lets a record come again whose row, but not
 * whose output, was stored, it is not its own duplicate. Stream time is a clock of this operator;
 * on another host it is at least that of the store.
 *
 * Threads: the task's.
 */
#include "dsl/dsl.h"

#include "base/buffer.h"
#include "base/murmur2.h"
#include "state/window_store.h"
#include "topology/lent.h"
#include "window/window.h"

#include <string.h>

#define TIME_CLOCK "time"
#define MARK_BYTES 24

/* How ids are chosen; the repartition topic needs it, too. */
struct chooser {
    ks_selector_fn *select; /* NULL = the key */
    void           *user;
};

struct distinct_args {
    struct chooser chooser;
    const char    *store;
    int64_t        within_ms; /* 0 = windows */
    int64_t        window_ms;
    int64_t        grace_ms;
    bool           pass_late;
};

struct distinct {
    struct ks_kv_store *store;
    uint64_t            step; /* ks_ctx.step of the record before */
    uint32_t            nth;  /* of its step */
};

/* ---- which record ---- */

/* Several records may come of one that was read, in one step or, where an operator above held them
 * back, each in a step of its own. Null = it cannot be told. */
static ks_bytes mark_of(struct distinct *self, const ks_ctx *ctx, unsigned char out[MARK_BYTES])
{
    const ks_origin *now = &ctx->origin;

    self->nth  = self->step == ctx->step ? self->nth + 1 : 0;
    self->step = ctx->step;
    if (now->topic == NULL)
        return KS_NULL;
    ks__put_be64(out, (uint64_t)now->offset);
    ks__put_be32(out + 8, ks__murmur2(now->topic, strlen(now->topic)));
    ks__put_be32(out + 12, self->nth);
    ks__put_be64(out + 16, ctx->branch);
    return (ks_bytes){ out, ctx->branch != 0 ? MARK_BYTES : MARK_BYTES - 8 };
}

static bool is_itself(ks_bytes kept, ks_bytes mark)
{
    return mark.data != NULL && ks_bytes_equal(kept, mark);
}

/* ---- has one passed ---- */

enum found { NONE, ANOTHER, ITSELF };

static enum found find_within(const struct distinct *self, const struct distinct_args *args,
                              ks_bytes id, int64_t time_ms, ks_bytes mark)
{
    ks_iter   *near = ks__window_fetch(self->store, id,
                                       ks__time_max(ks__time_sub(time_ms, args->within_ms), 0),
                                       ks__time_add(time_ms, args->within_ms), KS_ASCENDING);
    enum found found = NONE;

    for (ks_record row; found != ITSELF && ks_iter_next(near, &row);)
        found = is_itself(row.value, mark) ? ITSELF : ANOTHER;
    ks_iter_close(near);
    return found;
}

static enum found find_in_window(const struct distinct *self, ks_bytes id, int64_t start_ms,
                                 ks_bytes mark)
{
    struct ks__window_slot slot;
    struct ks__row         row;

    if (!ks__window_find(self->store, id, start_ms, &slot, &row))
        return NONE;
    return is_itself(row.value, mark) ? ITSELF : ANOTHER;
}

/* ---- the operator ---- */

static void distinct_open(void *state, ks_ctx *ctx)
{
    const struct distinct_args *args = ctx->op->node->args;
    struct distinct            *self = state;

    self->step  = UINT64_MAX;
    self->store = ctx->ops->store(ctx, args->store, KS__STORE_WINDOW, true);
    ctx->ops->share_clock(ctx, TIME_CLOCK, NULL);
}

static bool choose_id(ks_ctx *ctx, const struct chooser *chooser, const ks_record *record,
                      ks_bytes *id)
{
    *id = record->key;
    return chooser->select == NULL ||
           ks__ctx_accept_bytes(ctx, chooser->select(ctx, record, id, chooser->user), *id);
}

/* Is the record too late to be told from its duplicates? Moves the clock. */
static bool is_late(const struct distinct *self, ks_ctx *ctx, const struct distinct_args *args,
                    int64_t time_ms, int64_t start_ms)
{
    const int64_t before = ks__time_max(ctx->ops->clock(ctx, TIME_CLOCK, -1),
                                        ks__window_time(self->store));
    const int64_t now = ks__time_max(before, time_ms);

    if (now > before)
        ctx->ops->set_clock(ctx, TIME_CLOCK, now);
    if (args->within_ms > 0)
        return ks__time_add(ks__time_add(time_ms, args->within_ms), args->grace_ms) < now;
    return ks__time_add(ks__time_add(start_ms, args->window_ms), args->grace_ms) <= now;
}

static enum found find(const struct distinct *self, const struct distinct_args *args, ks_bytes id,
                       int64_t time_ms, int64_t start_ms, ks_bytes mark)
{
    return args->within_ms > 0 ? find_within(self, args, id, time_ms, mark)
                               : find_in_window(self, id, start_ms, mark);
}

/* Whether the record passes. */
static bool decide(struct distinct *self, ks_ctx *ctx, const struct distinct_args *args,
                   ks_bytes id, ks_bytes mark)
{
    const int64_t  time_ms  = ctx->record->record.timestamp_ms;
    const int64_t  start_ms = args->window_ms > 0 ? time_ms - time_ms % args->window_ms : time_ms;
    const bool     late     = is_late(self, ctx, args, time_ms, start_ms);
    struct ks__row row      = { .value = mark, .timestamp_ms = time_ms };
    enum found     found    = find(self, args, id, time_ms, start_ms, mark);

    if (found == ITSELF || ctx->error->status != KS_OK)
        return found == ITSELF;
    if (late && !args->pass_late)
        ks__ctx_drop(ctx, KS__DROP_LATE);
    if (late || found == ANOTHER)
        return late && args->pass_late;
    if (row.value.data == NULL)
        row.value = ks_bytes_of("", 0);
    ks__window_put(self->store, id, start_ms, &row);
    return ctx->error->status == KS_OK;
}

static void distinct_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct distinct_args *args = ctx->op->node->args;
    unsigned char               text[MARK_BYTES];
    const ks_bytes              mark = mark_of(state, ctx, text);
    ks_bytes                    id;

    if (!choose_id(ctx, &args->chooser, &record->record, &id))
        return;
    if (id.data == NULL)
        ks__ctx_drop(ctx, KS__DROP_NULL_KEY);
    else if (decide(state, ctx, args, id, mark))
        ks__forward(ctx, record);
}

static const struct ks__op_class distinct_class = {
    .name       = "distinct",
    .prefix     = "KSTREAM-DISTINCT-",
    .traits     = KS__OP_KEEPS_KEY | KS__OP_KEEPS_TYPES,
    .state_size = sizeof(struct distinct),
    .open       = distinct_open,
    .process    = distinct_process,
};

/* ---- partitions by id ---- */

static ks_status partition_by_id(ks_ctx *ctx, const ks_record *record, ks_partitions *out,
                                 void *user)
{
    const struct chooser *chooser = user;
    ks_bytes              id      = record->key;
    const ks_status       status  = chooser->select(ctx, record, &id, chooser->user);

    if (status == KS_OK) /* without an id it is dropped wherever it comes */
        ks_partitions_add(out, id.data != NULL ? ks__partition_of(id, ks_partitions_count(out))
                                               : 0);
    return status;
}

static bool gather_ids(ks_stream *s, const struct ks__call *call, const char *name,
                       const struct distinct_args *args, const ks_distinct *options,
                       ks_stream *gathered)
{
    ks_builder         *b = s->head.builder;
    void               *chooser = ks__owned_copy(b->owned, &args->chooser, sizeof(args->chooser));
    struct ks__logical *node;

    if (chooser == NULL)
        return ks__latch_no_memory(b) != NULL;
    node = ks__repartition_add(b, call, s->node,
                               &(struct ks__repartition_seed){ .prefix      = name,
                                                               .key         = options->key,
                                                               .value       = options->value,
                                                               .partitioner = partition_by_id,
                                                               .partitioner_user = chooser,
                                                               .asked_for        = true });
    if (node == NULL)
        return false;
    *gathered             = *s;
    gathered->node        = node;
    gathered->repartition = NULL;
    gathered->rekeyed     = true; /* equal ids are together, equal keys are not */
    gathered->sources     = ks__sources_of(b, node);
    return true;
}

/* Equal ids into one partition, where they may not be. */
static bool gather(ks_stream *s, const struct ks__call *call, const char *name,
                   const struct distinct_args *args, const ks_distinct *options,
                   ks_stream *gathered)
{
    const struct ks__gathering by_key = { call->name, options->key, options->value };

    *gathered = *s;
    if (args->chooser.select != NULL)
        return options->repartition == KS_OFF ||
               gather_ids(s, call, name, args, options, gathered);
    return !s->rekeyed || ks__stream_gather(s, call, &by_key, gathered);
}

/* ---- declaration ---- */

static bool check_time(ks_builder *b, const struct ks__call *call, const char *member,
                       int64_t value)
{
    if (value < 0)
        ks__latch(b, call, KS_EINVAL, ".%s is %lld; it must not be negative", member,
                  (long long)value);
    return value >= 0;
}

static bool check(ks_builder *b, const struct ks__call *call, const ks_distinct *options,
                  bool selects)
{
    if (!check_time(b, call, "within_ms", options->within_ms) ||
        !check_time(b, call, "window_ms", options->window_ms) ||
        !check_time(b, call, "grace_ms", options->grace_ms))
        return false;
    if (options->within_ms == 0 && options->window_ms == 0)
        ks__latch(b, call, KS_EINVAL, "needs a time: KS_DISTINCT(.within_ms = ...), or .window_ms");
    else if (options->within_ms != 0 && options->window_ms != 0)
        ks__latch(b, call, KS_EINVAL, ".within_ms and .window_ms are two ways to say when ids "
                  "count as equal; give one of them");
    else if (options->repartition != KS_DEFAULT && !selects)
        ks__latch(b, call, KS_EINVAL, "KS_DISTINCT(.repartition) is for ids that are not the key; "
                  "leave it out");
    return b->error.status == KS_OK;
}

/* Rows are read two widths back, the last millisecond included. */
static bool add_store(ks_builder *b, const struct ks__call *call, const struct distinct_args *args,
                      const ks_distinct *options)
{
    const int64_t width = ks__time_add(ks__time_add(args->within_ms, args->within_ms),
                                       args->window_ms);
    const int64_t keep  = ks__time_add(ks__time_add(width, args->grace_ms), 1);

    return ks__store_add(
        b, call,
        &(struct ks__store_spec){ .name         = args->store,
                                  .kind         = KS__STORE_WINDOW,
                                  .key          = args->chooser.select == NULL ? options->key
                                                                               : NULL,
                                  .topic_config = options->topic_config,
                                  .changelog    = options->changelog != KS_OFF,
                                  .plain        = true,
                                  .retention_ms = keep,
                                  .keep_ms      = keep,
                                  .window_ms    = args->window_ms });
}

static bool read_options(ks_stream *s, struct ks__call *call, ks_distinct *options,
                         struct distinct_args *args)
{
    ks_builder *b = s->head.builder;

    if (!check(b, call, options, args->chooser.select != NULL) ||
        !ks__agree(b, call, "key", &options->key,
                   &(struct ks__found){ s->key, s->node->name, "KS_DISTINCT" }) ||
        !ks__agree(b, call, "value", &options->value,
                   &(struct ks__found){ s->value, s->node->name, "KS_DISTINCT" }))
        return false;
    args->within_ms = options->within_ms;
    args->window_ms = options->window_ms;
    args->grace_ms  = options->grace_ms;
    args->pass_late = options->pass_late == KS_ON;
    args->store     = options->store != NULL ? ks__owned_text(b->owned, options->store)
                                             : ks__generate_store(b, distinct_class.prefix);
    if (args->store == NULL)
        return b->error.status != KS_OK ? false : ks__latch_no_memory(b) != NULL;
    return ks__check_name(b, call, "the store", args->store);
}

ks_stream *ks_stream_distinct(ks_stream *s, ks_selector_fn *select, void *user,
                              const ks_distinct *distinct)
{
    struct distinct_args args = { .chooser = { select, user } };
    struct ks__call      call;
    ks_distinct          options;
    ks_stream            gathered;
    struct ks__logical  *node;
    const char          *name;

    if (!ks__enter(s, KS__KIND_STREAM, __func__, distinct, &options, sizeof(options), &call) ||
        !read_options(s, &call, &options, &args))
        return ks__inert(s);
    name = ks__choose_name(s->head.builder, call.name, distinct_class.prefix);
    if (name == NULL || !gather(s, &call, name, &args, &options, &gathered) ||
        !add_store(s->head.builder, &call, &args, &options))
        return ks__inert(s);
    node = ks__logical_add(s->head.builder, &call,
                           &(struct ks__logical_seed){ .kind         = KS__LOGICAL_PROCESSOR,
                                                       .name         = name,
                                                       .class        = &distinct_class,
                                                       .args         = &args,
                                                       .args_size    = sizeof(args),
                                                       .user         = user,
                                                       .parents      = &gathered.node,
                                                       .parent_count = 1 });
    if (node == NULL)
        return ks__inert(s);
    ks__logical_use_store(s->head.builder, node, args.store);
    node->null_keys = select != NULL;
    node->effect    = KS__EFFECT_VALUE; /* its rows are of the records of this partition */
    return ks__stream_typed(ks__stream_make(&gathered, node), options.key, options.value);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * global_processor.c - the context of a global store's processor.
 *
 * Threads: the first stream thread.
 */
#include "runtime/global_processor.h"

struct ending {
    void (*destroy)(void *object);
    void *object;
};

struct ks__global_processor {
    ks_ctx                              ctx; /* first: the context is this struct */
    struct ks__op                       op;
    struct ks__global_processor_options options;
    struct ending                      *ends; /* of the record */
    size_t                              end_count, end_capacity;
    bool                                forgiven; /* the record was dropped */
};

static struct ks__global_processor *of(ks_ctx *ctx)
{
    return (struct ks__global_processor *)ctx;
}

/* ---- what the processor can ask for ---- */

static void send(ks_ctx *ctx, struct ks__op *sink, const char *topic, const ks_record *record)
{
    (void)ctx, (void)sink, (void)topic, (void)record;   /* there are no children */
}

static void dropped(ks_ctx *ctx, enum ks__drop why)
{
    (void)why;
    of(ctx)->forgiven = true;
}

static struct ks_kv_store *store_of_kind(ks_ctx *ctx, const char *name, enum ks__store_kind kind,
                                         bool connected_only)
{
    struct ks__global_processor *p = of(ctx);
    struct ks_kv_store          *store = p->options.store(p->options.user, name);

    (void)connected_only;
    if (store == NULL)
        ks__ctx_raise(ctx, KS_ENOTFOUND, "there is no global store \"%s\"; the stores of tasks are "
                      "out of reach for the processor of a global one", name);
    else if (ks__kv_spec(store)->kind != kind)
        ks__ctx_raise(ctx, KS_ETYPE, "store \"%s\" is of another kind", name);
    else
        return store;
    return NULL;
}

static struct ks_kv_store *kv_store(ks_ctx *ctx, const char *name, bool connected_only)
{
    return store_of_kind(ctx, name, KS__STORE_KV, connected_only);
}

static void *user_store(ks_ctx *ctx, const char *name)
{
    ks__ctx_raise(ctx, KS_ENOTFOUND, "store \"%s\" is of a task, out of reach for the processor of "
                  "a global one", name);
    return NULL;
}

static struct ks__op *op_of(ks_ctx *ctx, const struct ks__node *node)
{
    (void)ctx, (void)node;
    return NULL;
}

static ks_punctuation *schedule(ks_ctx *ctx, int64_t start_ms, int64_t interval_ms,
                                ks_time_kind kind, ks_punctuator_fn *fn, void *user)
{
    (void)start_ms, (void)interval_ms, (void)kind, (void)fn, (void)user;
    ks__ctx_raise(ctx, KS_ESTATE, "the processor of a global store has no punctuations");
    return NULL;
}

static void cancel(ks_ctx *ctx, ks_punctuation *punctuation)
{
    (void)ctx, (void)punctuation;
}

static void commit(ks_ctx *ctx)
{
    (void)ctx;      /* every batch is */
}

static void at_record_end(ks_ctx *ctx, void (*destroy)(void *object), void *object)
{
    struct ks__global_processor *p = of(ctx);

    if (!KS__GROW(&p->ends, &p->end_capacity, p->end_count + 1)) {
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory to remember what to destroy");
        destroy(object);
        return;
    }
    p->ends[p->end_count++] = (struct ending){ destroy, object };
}

static int64_t clock_value(ks_ctx *ctx, const char *what, int64_t otherwise)
{
    (void)ctx, (void)what;
    return otherwise;
}

static void set_clock(ks_ctx *ctx, const char *what, int64_t value)
{
    (void)ctx, (void)what, (void)value;
}

static void share_clock(ks_ctx *ctx, const char *what, const char *key)
{
    (void)ctx, (void)what, (void)key;
}

static void failed(ks_ctx *ctx, struct ks__op *op, const struct ks__record *record)
{
    (void)op, (void)record;
    ctx->failed = true;
}

static const struct ks__ctx_ops ops = {
    .failed        = failed,
    .send          = send,
    .dropped       = dropped,
    .kv_store      = kv_store,
    .store         = store_of_kind,
    .user_store    = user_store,
    .op_of         = op_of,
    .schedule      = schedule,
    .cancel        = cancel,
    .commit        = commit,
    .at_record_end = at_record_end,
    .clock         = clock_value,
    .set_clock     = set_clock,
    .share_clock   = share_clock,
};

/* ---- life ---- */

ks_status ks__global_processor_new(struct ks__global_processor              **out,
                                   const struct ks__global_processor_options *options,
                                   ks_error                                  *error)
{
    struct ks__global_processor *p = ks__zalloc(sizeof(*p));

    *out = NULL;
    if (p == NULL)
        return ks__error_no_memory(error, "the processor of a global store");
    p->options   = *options;
    p->op.node   = options->node;
    p->op.class  = options->node->class;
    p->op.meters = options->meters;
    p->op.state  = ks__zalloc(p->op.class->state_size);
    if (p->op.state == NULL) {
        ks__free(p);
        return ks__error_no_memory(error, "the processor of a global store");
    }
    p->ctx = (ks_ctx){ .op             = &p->op,
                       .arena          = options->host->arena,
                       .error          = options->host->error,
                       .ops            = &ops,
                       .task_id        = "global",
                       .stream_time_ms = -1,
                       .now_ms         = -1 };
    *out = p;
    return KS_OK;
}

static void end_record(struct ks__global_processor *p)
{
    while (p->end_count > 0) {
        const struct ending *end = &p->ends[--p->end_count];

        end->destroy(end->object);
    }
    p->ctx.decoded     = NULL;
    p->ctx.record      = NULL;
    p->ctx.raw         = NULL;
    p->ctx.origin      = (ks_origin){ .topic = NULL };
    p->ctx.may_forward = false;
    p->ctx.failed      = false;
}

/* The failure, if there is one, goes over to the caller. */
static ks_status take_error(struct ks__global_processor *p, ks_error *error)
{
    ks_status status = p->ctx.error->status;

    if (status == KS_OK)
        return KS_OK;
    ks__error_set_node(p->ctx.error, p->op.node->name);
    ks__error_copy(error, p->ctx.error);
    ks__error_clear(p->ctx.error);
    return status;
}

ks_status ks__global_processor_open(struct ks__global_processor *p, ks_error *error)
{
    p->ctx.wall_time_ms = ks__clock_wall_ms(p->options.clock);
    p->ctx.in_open      = true;
    p->op.class->open(p->op.state, &p->ctx);
    p->ctx.in_open = false;
    end_record(p);
    return take_error(p, error);
}

void ks__global_processor_close(struct ks__global_processor *p)
{
    if (p == NULL)
        return;
    p->op.class->close(p->op.state, &p->ctx);
    if (p->op.local_close != NULL)
        p->op.local_close(p->op.local);
    end_record(p);
    ks__free(p->op.local);
    ks__free(p->op.state);
    ks__free(p->ends);
    ks__free(p);
}

/* ---- one record ---- */

static bool is_forgiven(const struct ks__global_processor *p, const ks_record *record,
                        const ks_origin *origin)
{
    const ks_failure failure = { .kind   = KS_FAILURE_PROCESSING,
                                 .error  = p->ctx.error,
                                 .node   = p->op.node->name,
                                 .task   = p->ctx.task_id,
                                 .origin = *origin,
                                 .record = record,
                                 .raw    = record };

    /* After a failure of the machine the effects of the record may be incomplete. */
    if (!p->options.settings->on_processing_global || p->ctx.error->status == KS_ENOMEM ||
        p->ctx.error->status == KS_EIO || p->ctx.error->status == KS_EFULL ||
        p->ctx.error->status == KS_ECORRUPT)
        return false;
    return ks__failure_ask(p->options.handlers, p->options.settings, &failure, p->ctx.error) ==
           KS_REACTION_CONTINUE;
}

void ks__global_processor_begin_batch(struct ks__global_processor *p)
{
    p->ctx.wall_time_ms = ks__clock_wall_ms(p->options.clock);
}

ks_status ks__global_processor_run(struct ks__global_processor *p, const ks_record *record,
                                   const ks_origin *origin, bool *done, ks_error *error)
{
    struct ks__record mine = { .record = *record };
    ks_status         status;

    p->forgiven         = false;
    p->ctx.record       = &mine;
    p->ctx.raw          = record;
    p->ctx.origin       = *origin;
    p->ctx.partition    = origin->partition;
    p->ctx.now_ms       = record->timestamp_ms;
    p->op.class->process(p->op.state, &p->ctx, &mine);
    ks__counter_add(&p->op.processed, 1);
    if (ks__error_is_set(p->ctx.error)) {
        ks__error_set_node(p->ctx.error, p->op.node->name);
        p->forgiven = is_forgiven(p, record, origin);
        if (p->forgiven)
            ks__error_clear(p->ctx.error);
    }
    status = take_error(p, error);
    end_record(p);
    *done = status == KS_OK && !p->forgiven;
    return status;
}

const char *ks__global_processor_name(const struct ks__global_processor *p)
{
    return p->op.node->name;
}

int64_t ks__global_processor_time_ms(const struct ks__global_processor *p)
{
    return p->ctx.record != NULL ? p->ctx.record->record.timestamp_ms : p->ctx.wall_time_ms;
}

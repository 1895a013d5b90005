/* SPDX-License-Identifier: Apache-2.0
 *
 * ops_basic.c - the three operators that every topology has: source, sink, a user's processor.
 *
 *      task --record--> source --> ... --> processor{self} --> ... --> sink --> collector
 *
 * Not here: reading and checking what a source forwards (runtime/queue.c); partitions and appends
 * of a sink (runtime/collector.c).
 * Threads: the task's.
 */
#include "topology/graph.h"
#include "topology/op.h"

#include <string.h>

/* ---- source ---- */

static void source_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    (void)state;
    ks__forward(ctx, record);
}

const struct ks__op_class ks__source_class = {
    .name    = "source",
    .prefix  = "KSTREAM-SOURCE-",
    .traits  = KS__OP_KEEPS_KEY | KS__OP_KEEPS_TYPES | KS__OP_STATELESS,
    .process = source_process,
};

/* ---- sink ---- */

/* The topic that the user's function chooses, terminated; NULL = none for this record. */
static const char *choose_topic(ks_ctx *ctx, const struct ks__sink_args *args,
                                const struct ks__record *record)
{
    ks_bytes  topic = KS_NULL;
    ks_status status;
    char     *name;

    status = args->choose(ctx, &record->record, &topic, args->choose_user);
    if (!ks__ctx_accept(ctx, status))
        return NULL;
    if (topic.data == NULL || topic.size == 0 || memchr(topic.data, '\0', topic.size) != NULL) {
        ks__ctx_raise(ctx, KS_EINVAL, "the function chose no topic for the record");
        return NULL;
    }
    name = ks_ctx_alloc(ctx, topic.size + 1);
    if (ctx->error->status != KS_OK)
        return NULL;
    memcpy(name, topic.data, topic.size);
    return name;
}

static void sink_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    struct ks__op              *self  = ctx->op;
    const struct ks__sink_args *args  = self->node->args;
    const char                 *topic = NULL;

    (void)state;
    if (args->topic.name == NULL) {
        topic = choose_topic(ctx, args, record);
        if (topic == NULL)
            return;
    }
    ctx->ops->send(ctx, self, topic, &record->record);
}

const struct ks__op_class ks__sink_class = {
    .name    = "sink",
    .prefix  = "KSTREAM-SINK-",
    .traits  = KS__OP_KEEPS_KEY | KS__OP_KEEPS_TYPES | KS__OP_STATELESS,
    .process = sink_process,
};

/* ---- processor ---- */

struct processor {
    const struct ks__processor_args *args;
    void                            *self;   /* state_size zeroed bytes; NULL = none */
    bool                             opened; /* close is owed */
};

static void processor_open(void *state, ks_ctx *ctx)
{
    struct processor   *processor = state;
    const ks_processor *class;
    ks_status           status = KS_OK;

    processor->args = ctx->op->node->args;
    class           = &processor->args->processor;
    if (class->state_size > 0) {
        processor->self = ks__zalloc(class->state_size);
        if (processor->self == NULL) {
            ks__ctx_raise(ctx, KS_ENOMEM, "no memory for the processor's state");
            return;
        }
    }
    if (class->open != NULL)
        status = class->open(ctx, processor->self, ctx->op->node->user);
    if (status == KS_OK && ctx->error->status == KS_OK)
        processor->opened = true;
    else
        ks__ctx_raise(ctx, status < 0 ? status : KS_EUSER, "the processor's open returned %s",
                      ks_status_name(status));
}

static void processor_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct processor *processor = state;
    ks_status               status;

    ctx->may_forward = true;
    ctx->keep_key    = processor->args->fixed_key;
    ctx->free_time   = processor->args->fixed_key;
    status = processor->args->processor.process(ctx, &record->record, processor->self);
    ctx->may_forward = false;
    ctx->keep_key    = false;
    ctx->free_time   = false;
    ks__ctx_accept(ctx, status);
}

static void processor_close(void *state, ks_ctx *ctx)
{
    struct processor *processor = state;

    if (processor->opened && processor->args->processor.close != NULL)
        processor->args->processor.close(ctx, processor->self);
    processor->opened = false;
    ks__free(processor->self);
    processor->self = NULL;
}

const struct ks__op_class ks__processor_class = {
    .name       = "processor",
    .prefix     = "KSTREAM-PROCESSOR-",
    .state_size = sizeof(struct processor),
    .open       = processor_open,
    .process    = processor_process,
    .close      = processor_close,
};

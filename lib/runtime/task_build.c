/* SPDX-License-Identifier: Apache-2.0
 *
 * task_build.c - put a task together: operators out of nodes, queues, targets, state.
 *
 *      topics known? --> ops, children, queues --> state, stores, changelogs --> open the operators
 *
 * What may answer KS_EAGAIN comes first, before the state is opened.
 * Threads: the task's.
 */
#include "runtime/task_parts.h"
#include "runtime/user_store.h"

#include "base/hash.h"
#include "topology/pattern.h"

#include <stdio.h>
#include <string.h>

/* The complete name of a topic, to free. NULL = no memory. */
static char *complete(const struct ks__task *task, const struct ks__topic_ref *topic)
{
    if (!topic->internal)
        return ks__strdup(topic->name);
    return ks__format("%s-%s", task->application_id, topic->name);
}

static const struct ks__subtopology *part(const struct ks__task *task, size_t n)
{
    return &task->options.topology->subtopologies[task->subtopologies[n]];
}

/* ---- operators ---- */

struct sizes {
    size_t ops, links, state, inputs, stores;
};

static size_t aligned(size_t size)
{
    return (size + 15u) & ~(size_t)15u;
}

static struct sizes measure(const struct ks__task *task)
{
    struct sizes sizes = { .ops = 0 };

    for (size_t i = 0; i < task->options.subtopology_count; i++) {
        const struct ks__subtopology *sub = part(task, i);

        sizes.inputs += sub->input_count;
        sizes.stores += sub->store_count;
        sizes.ops    += sub->node_count;
        for (size_t n = 0; n < sub->node_count; n++) {
            sizes.links += sub->nodes[n]->child_count + sub->nodes[n]->parent_count;
            sizes.state += aligned(sub->nodes[n]->class->state_size);
        }
    }
    return sizes;
}

static bool allocate(struct ks__task *task, const struct sizes *sizes)
{
    task->ops       = ks__zalloc_array(sizes->ops, sizeof(*task->ops));
    task->more      = ks__zalloc_array(sizes->ops, sizeof(*task->more));
    task->by_node   = ks__zalloc_array(task->options.topology->node_count, sizeof(*task->by_node));
    task->links     = ks__zalloc_array(sizes->links, sizeof(struct ks__op *));
    task->op_states = ks__zalloc(sizes->state);
    task->queues    = ks__zalloc_array(sizes->inputs, sizeof(*task->queues));
    task->stores    = ks__zalloc_array(sizes->stores, sizeof(*task->stores));
    return task->ops != NULL && task->more != NULL && task->by_node != NULL &&
           task->links != NULL && task->op_states != NULL && task->queues != NULL &&
           task->stores != NULL;
}

/* The operators of the nodes, as far as they are of this task (others, of the global part, are
 * not) and, of two rounds, in this one: those aside come second. */
static struct ks__op **link_ops(struct ks__task *task, struct ks__op **at,
                                struct ks__node *const *nodes, size_t count, bool aside,
                                unsigned *linked)
{
    for (size_t i = 0; i < count; i++) {
        struct ks__op *op = task->by_node[nodes[i]->index];

        if (op != NULL && aside == ((op->class->traits & KS__OP_ASIDE) != 0)) {
            *at++ = op;
            ++*linked;
        }
    }
    return at;
}

static struct ks__op **link_one(struct ks__task *task, struct ks__op *op, struct ks__op **links)
{
    const struct ks__node *node = op->node;

    op->children = links;
    links = link_ops(task, links, node->children, node->child_count, false, &op->child_count);
    links = link_ops(task, links, node->children, node->child_count, true, &op->aside_count);
    op->parents = links;
    links = link_ops(task, links, node->parents, node->parent_count, false, &op->parent_count);
    return link_ops(task, links, node->parents, node->parent_count, true, &op->parent_count);
}

static void make_ops(struct ks__task *task)
{
    unsigned char  *state = task->op_states;
    struct ks__op **links = task->links;

    for (size_t i = 0; i < task->options.subtopology_count; i++) {
        const struct ks__subtopology *sub = part(task, i);

        for (size_t n = 0; n < sub->node_count; n++) {
            struct ks__op *op = &task->ops[task->op_count];

            op->meters = &task->more[task->op_count++].meters;
            op->node  = sub->nodes[n];
            op->class = op->node->class;
            op->state = state;
            state    += aligned(op->class->state_size);
            task->by_node[op->node->index] = op;
        }
    }
    for (size_t i = 0; i < task->op_count; i++)
        links = link_one(task, &task->ops[i], links);
}

/* ---- inputs ---- */

static bool reads(const struct ks__node *node, const struct ks__topic_ref *topic)
{
    const struct ks__source_args *args = node->args;

    if (node->kind != KS__NODE_SOURCE)
        return false;
    for (size_t i = 0; i < args->topic_count; i++)
        if (ks__topic_ref_means(&args->topics[i], topic))
            return true;
    return false;
}

static struct ks__op *source_of(struct ks__task *task, const struct ks__topic_ref *topic)
{
    for (size_t i = 0; i < task->op_count; i++)
        if (reads(task->ops[i].node, topic))
            return &task->ops[i];
    return NULL;
}

static bool is_earlier(const struct ks__heap_node *one, const struct ks__heap_node *other)
{
    const struct ks__queue *a = (const struct ks__queue *)(const void *)one;
    const struct ks__queue *b = (const struct ks__queue *)(const void *)other;

    return a->head_ms < b->head_ms;
}

static ks_status make_queues(struct ks__task *task, ks_error *error)
{
    ks__heap_init(&task->heads, is_earlier);
    for (size_t i = 0; i < task->options.subtopology_count; i++)
        for (size_t n = 0; n < part(task, i)->input_count; n++) {
            const struct ks__topic_ref *topic  = &part(task, i)->inputs[n];
            struct ks__op              *source = source_of(task, topic);
            char                       *name   = complete(task, topic);

            if (name == NULL)
                return ks__error_no_memory(error, "the inputs of a task");
            if (source == NULL) {
                ks__free(name);
                return ks__error_set(error, KS_ETOPOLOGY, "no source reads topic %s", topic->name);
            }
            ks__queue_init(&task->queues[task->queue_count++], name, source,
                           task->options.settings, task->options.partition);
            task->queues[task->queue_count - 1].heads = &task->heads;
        }
    if (ks__heap_reserve(&task->heads, task->queue_count) != KS_OK)
        return ks__error_no_memory(error, "the inputs of a task");
    return KS_OK;
}

/* ---- targets ---- */

static ks_status target_of_sink(struct ks__task *task, struct ks__op *op, ks_error *error)
{
    const struct ks__sink_args *args = op->node->args;
    struct ks__target          *target;
    ks_status                   status;
    char                       *name;

    if (op->node->kind != KS__NODE_SINK || args->topic.name == NULL)
        return KS_OK;
    name = complete(task, &args->topic);
    if (name == NULL)
        return ks__error_no_memory(error, "a sink");
    status = ks__collector_target(task, name, 0, &target, error);
    ks__free(name);
    if (status == KS_OK)
        op->runtime = target;
    else if (status != KS_EAGAIN)
        ks__error_set_node(error, op->node->name);
    return status;
}

static ks_status target_of_store(struct ks__task *task, struct ks__task_store *store,
                                 ks_error *error)
{
    ks_status status = KS_OK;
    char     *name;

    store->position = ks__format("changelog/%s", store->spec->name);
    if (store->position == NULL)
        return ks__error_no_memory(error, "a store");
    if (!store->spec->changelog || store->spec->source_topic != NULL)
        return KS_OK;
    name = ks__format("%s-%s-changelog", task->application_id, store->spec->name);
    if (name == NULL)
        return ks__error_no_memory(error, "a changelog");
    status = ks__collector_target(task, name, 0, &store->changelog, error);
    /* Or a crash leaves it ahead of the state; at most once it must rather be ahead of the outputs,
     * or what was sent and deleted is there again after a crash, and is sent again. */
    if (status == KS_OK && task->options.settings->guarantee != KS__AT_MOST_ONCE)
        ks__topic_hold(store->changelog->topic);
    ks__free(name);
    return status;
}

static ks_status target_of_letters(struct ks__task *task, const char *letters, ks_error *error)
{
    ks_status status = ks__collector_target(task, letters, 0, &task->collector.dead_letters,
                                            error);

    if (status != KS_OK && status != KS_EAGAIN)
        ks__error_prefix(error, "errors.dead.letter.queue.topic.name: ");
    return status;
}

static ks_status make_targets(struct ks__task *task, ks_error *error)
{
    const char *letters = task->options.settings->dead_letter_topic;
    ks_status   status  = KS_OK;

    for (size_t i = 0; i < task->op_count && status == KS_OK; i++)
        status = target_of_sink(task, &task->ops[i], error);
    for (size_t i = 0; i < task->options.subtopology_count; i++)
        for (size_t n = 0; n < part(task, i)->store_count && status == KS_OK; n++) {
            struct ks__task_store *store = &task->stores[task->store_count++];

            store->spec = part(task, i)->stores[n];
            status      = target_of_store(task, store, error);
        }
    if (status == KS_OK && letters != NULL)
        status = target_of_letters(task, letters, error);
    return status;
}

/* ---- state ---- */

static void changed(void *user, struct ks_kv_store *kv, ks_bytes key, const struct ks__row *row)
{
    struct ks__task *task = user;
    ks_record        record;

    task->dirty = true;
    for (size_t i = 0; i < task->store_count; i++) {
        const struct ks__task_store *store = &task->stores[i];

        if (store->store != kv || store->changelog == NULL)
            continue;
        record = (ks_record){ key, row->value, row->timestamp_ms, row->headers, NULL };
        if (record.timestamp_ms < 0)
            record.timestamp_ms = task->ctx.now_ms < 0 ? 0 : task->ctx.now_ms;
        ks__collector_append(task, NULL, store->changelog, task->options.partition, &record);
        return;
    }
}

void ks__task_log_change(struct ks__task *task, const struct ks_store_ctx *own,
                         const ks_record *record)
{
    for (size_t i = 0; i < task->store_count; i++)
        if (task->stores[i].own == own && task->stores[i].changelog != NULL)
            ks__collector_append(task, NULL, task->stores[i].changelog, task->options.partition,
                                 record);
}

static void refused(void *user, struct ks_kv_store *store)
{
    struct ks__task *task = user;

    (void)store;
    ks__task_count_drop(task, task->ctx.op, KS__DROP_LATE);
}

static int64_t now_ms(void *user)
{
    const struct ks__task *task = user;

    return task->ctx.record != NULL ? task->ctx.record->record.timestamp_ms : task->ctx.now_ms;
}

static bool keeps(void *user, const char *keeper)
{
    const ks_ctx *ctx = &((const struct ks__task *)user)->ctx;

    return (ctx->may_forward || ctx->in_open) && strcmp(ctx->op->node->name, keeper) == 0;
}

static int64_t stream_ms(void *user)
{
    const struct ks__task *task = user;

    return task->ctx.stream_time_ms;
}

/* Does anything have to be remembered over a restart? */
static bool keeps_something(const struct ks__task *task)
{
    if (task->store_count > 0)
        return true;
    for (size_t i = 0; i < task->op_count; i++)
        if ((task->ops[i].class->traits & KS__OP_STATELESS) == 0)
            return true;
    return false;
}

/* `stamp` becomes the hash of itself and `other`. */
static void fold(char stamp[33], const char other[33])
{
    char    both[66] = { 0 };
    uint8_t hash[16];

    memcpy(both, stamp, 33);
    memcpy(both + 33, other, strlen(other));
    ks__hash128(both, sizeof(both), hash);
    for (size_t n = 0; n < sizeof(hash); n++)
        snprintf(stamp + 2 * n, 3, "%02x", hash[n]);
}

/* The stamp of the state: over all sub-topologies of the task, and the log that its positions are
 * positions of. */
static void stamp(const struct ks__task *task, char out[33])
{
    char other[33];

    ks__topology_hash(task->options.topology, task->subtopologies[0], out);
    for (size_t i = 1; i < task->options.subtopology_count; i++) {
        ks__topology_hash(task->options.topology, task->subtopologies[i], other);
        fold(out, other);
    }
    fold(out, ks__cluster_id(task->options.session->cluster));
}

static ks_status open_store(struct ks__task *task, struct ks__task_store *store, ks_error *error)
{
    if (store->spec->kind == KS__STORE_USER)
        return ks__user_store_open(&store->own, task, store->spec,
                                   ks__state_is_new(task->state), error);
    return ks__state_kv(task->state, store->spec, &store->store, error);
}

static ks_status open_state(struct ks__task *task, ks_error *error)
{
    const struct ks__settings *settings = task->options.settings;
    char                       hash[33] = "";
    ks_status                  status;

    if (!keeps_something(task))
        return KS_OK;
    task->host = (struct ks__state_host){
        .changed = changed, .refused = refused, .now_ms = now_ms, .stream_ms = stream_ms,
        .keeps = keeps, .user = task, .error = &task->error, .arena = &task->arena,
    };
    stamp(task, hash);
    status = ks__state_open(&task->state, &(struct ks__state_options){
        .directory     = task->directory,
        .host          = &task->host,
        .log           = &task->log,
        .topology_hash = hash,
        .caches        = settings->cache_max_bytes > 0,
        .kafka_retention = settings->kafka_retention,
        .map_bytes     = (uint64_t)settings->state_map_bytes,
        .stores        = task->store_count,
    }, error);
    for (size_t i = 0; i < task->store_count && status == KS_OK; i++) {
        status        = open_store(task, &task->stores[i], error);
        task->expires = task->expires || task->stores[i].spec->ttl_ms > 0;
    }
    return status;
}

void ks__task_reopen_stores(struct ks__task *task)
{
    for (size_t i = 0; i < task->store_count && !ks__error_is_set(&task->error); i++)
        if (task->stores[i].own != NULL)
            ks__user_store_reopen(task->stores[i].own, false, &task->error);
}

/* ---- together ---- */

ks_status ks__task_build(struct ks__task *task, ks_error *error)
{
    const struct sizes sizes = measure(task);
    ks_status          status;

    if (!allocate(task, &sizes) || ks__arena_init(&task->arena, 0, 0) != KS_OK)
        return ks__error_no_memory(error, "a task");
    ks__punctuations_init(&task->punctuations);
    make_ops(task);
    if (!ks__task_find_holders(task))
        return ks__error_no_memory(error, "a task");
    status = make_queues(task, error);
    if (status == KS_OK)
        status = make_targets(task, error);
    if (status == KS_OK)
        status = open_state(task, error);
    return status;
}

static void free_clocks(struct ks__task_op *more)
{
    while (more->clocks != NULL) {
        struct ks__task_clock *gone = more->clocks;

        more->clocks = gone->next;
        ks__free(gone->name);
        ks__free(gone);
    }
}

static void release_more(struct ks__task_op *more)
{
    free_clocks(more);
    ks__meters_release(&more->meters);
}

void ks__task_unbuild(struct ks__task *task)
{
    for (size_t i = 0; i < task->queue_count; i++)
        ks__queue_release(&task->queues[i]);
    ks__heap_release(&task->heads);
    for (size_t i = 0; i < task->store_count; i++) {
        ks__user_store_close(task->stores[i].own); /* when the task was not finished */
        ks__free(task->stores[i].position);
    }
    for (size_t i = 0; i < task->op_count; i++)
        release_more(&task->more[i]);
    ks__task_free_told(task);
    ks__punctuations_release(&task->punctuations);
    ks__collector_release(&task->collector);
    ks__arena_release(&task->arena);
    ks__free(task->ends);
    ks__free(task->stores);
    ks__free(task->queues);
    ks__free(task->op_states);
    ks__free(task->holders);
    ks__free(task->links);
    ks__free(task->by_node);
    ks__free(task->more);
    ks__free(task->ops);
}

/* ---- opening the operators ---- */

/* The store that the records of an operator reach with their key as it was read; NULL = none. */
static struct ks_kv_store *store_ahead(const struct ks__task *task, const struct ks__op *op)
{
    const unsigned keeps = KS__OP_KEEPS_KEY | KS__OP_STATELESS;

    for (size_t depth = 0; depth < task->op_count; depth++) {
        if (op->class->keyed_store != NULL)
            return op->class->keyed_store(op->state);
        if ((op->class->traits & keeps) != keeps || op->child_count == 0)
            return NULL;
        op = op->children[0];
    }
    return NULL;
}

void ks__task_open_ops(struct ks__task *task)
{
    ks_ctx *ctx = &task->ctx;

    ctx->in_open        = true;
    ctx->record         = NULL;
    ctx->raw            = NULL;
    ctx->origin         = (ks_origin){ .topic = NULL };
    ctx->now_ms         = ctx->stream_time_ms;
    for (size_t i = 0; i < task->op_count && ctx->error->status == KS_OK; i++) {
        ctx->op = &task->ops[i];
        task->more[i].scheduled = 0;
        task->more[i].opened    = true;
        if (ctx->op->class->open != NULL)
            ctx->op->class->open(ctx->op->state, ctx);
        ks__error_set_node(ctx->error, ctx->op->node->name);
        ks__task_end_record(task);
    }
    ctx->in_open = false;
    ctx->failed  = ctx->error->status != KS_OK;
    for (size_t i = 0; i < task->queue_count; i++)
        task->queues[i].ahead = store_ahead(task, task->queues[i].source);
}

void ks__task_close_ops(struct ks__task *task)
{
    ks_ctx *ctx = &task->ctx;

    if (task->op_count == 0)
        return; /* it was never put together */
    ctx->record = NULL;
    ctx->raw    = NULL;
    ctx->origin = (ks_origin){ .topic = NULL };
    for (size_t i = 0; i < task->op_count; i++) {
        struct ks__op *op = &task->ops[i];

        if (!task->more[i].opened)
            continue;
        task->more[i].opened = false;
        ctx->op              = op;
        if (op->class->close != NULL)
            op->class->close(op->state, ctx);
        if (op->local_close != NULL)
            op->local_close(op->local);
        ks__free(op->local);
        op->local       = NULL;
        op->local_close = NULL;
        memset(op->state, 0, op->class->state_size);
        free_clocks(&task->more[i]);
    }
    ks__task_end_record(task);
}

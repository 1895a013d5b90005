/* SPDX-License-Identifier: Apache-2.0
 *
 * op.h - what an operator is at run time: a class of functions, an instance per task, the context.
 *
 *      node (graph.h, immutable, shared)  --per task-->  op {class, state, children}
 *
 *      parent: ks__forward(ctx, &record)
 *          for each child:  ctx->op = child;  child->class->process(child->state, ctx, &record)
 *          a failure in ctx goes to the processing handler there and then (ops->failed)
 *
 * Depth first, plain calls; when ks__forward() returns, everything downstream has been done.
 *
 * Invariants
 *   O1  ctx->op is the operator whose function runs; ks__forward() restores it.
 *   O2  After a failure that was not forgiven ctx->failed is set and every further call on ctx does
 *       nothing, up to the task. Nothing is forwarded while ctx->error is set.
 *   O3  An operator updates its store before it forwards.
 *   O4  A record handed to process() is lent for the call; its bytes are good to the end of the
 *       record.
 *
 * Not here: how a task is put together (runtime/task.c), which fills in struct ks__ctx_ops.
 * Threads: the task's.
 */
#ifndef KS_TOPOLOGY_OP_H
#define KS_TOPOLOGY_OP_H

#include "base/arena.h"
#include "base/counter.h"
#include "base/error.h"
#include "state/store.h"

#include <kstream/processor.h>

struct ks__decoded;
struct ks__meters;
struct ks__node;
struct ks__op;
struct ks__task;
struct ks__wake;

/* What travels between operators. The public record is its first member: the engine casts down from
 * its own records only, never up from a user's. */
struct ks__record {
    ks_record record;
    ks_bytes  old;      /* tables: the value before; meaningful if has_old */
    bool      has_old;  /* the old value was computed (null = there was none) */
    bool      stale;    /* tables: not the latest of its key (versioned) */
    int32_t   partition; /* answers of foreign-key joins: 1 + who asked; 0 = by key */
};

/* Which row of a table is looked up. */
#define KS__NOW INT64_MAX
struct ks__row_key {
    ks_bytes         key;
    const ks_window *window;   /* NULL = plain key */
    int64_t          as_of_ms; /* versioned tables; KS__NOW = the latest */
};

enum ks__op_traits {
    KS__OP_KEEPS_KEY   = 1 << 0, /* no repartition because of it */
    KS__OP_KEEPS_TYPES = 1 << 1,
    KS__OP_TABLE       = 1 << 2, /* its output is a table's change */
    KS__OP_STATELESS   = 1 << 3, /* neither store nor clock nor punctuation */
    KS__OP_PLAIN_KEYS  = 1 << 4, /* what user code forwards has no window */
    KS__OP_ASIDE       = 1 << 5  /* gets only what a parent sends by ks__forward_aside() */
};

/* Of an operator that holds records back until something outside has happened. They are nowhere
 * else: the task commits no position beyond them. All are called between two records. */
struct ks__op_holding {
    /* Records held. */
    size_t (*pending)(const void *state);
    /* Is it full? Then the task draws no more. */
    bool (*busy)(const void *state);
    /* Let one record go on, or fail, if there is one that can; false = none. Costs next to nothing
     * then. The operator sets raw, origin and now_ms of ctx to the record's. */
    bool (*let_go)(void *state, ks_ctx *ctx, int64_t mono_ms);
    /* Monotone time when the next one is out of time; INT64_MAX = never. */
    int64_t (*due_ms)(const void *state);
    /* The least offset held of an input (its topic as in ctx->origin); INT64_MAX = none. */
    int64_t (*oldest)(const void *state, const char *topic, int32_t partition);
    /* Forget all that is held. */
    void (*forget)(void *state);
};

struct ks__op_class {
    const char *name;       /* "filter" */
    const char *prefix;     /* of generated names: "KSTREAM-FILTER-" */
    unsigned    traits;
    size_t      state_size; /* zeroed bytes per instance */
    /* May be NULL, but for process. A failed open (ctx->failed) fails the task. */
    void (*open)(void *state, ks_ctx *ctx);
    void (*process)(void *state, ks_ctx *ctx, const struct ks__record *record);
    void (*close)(void *state, ks_ctx *ctx);
    /* Opt-in: nothing comes, and all inputs are read to their ends. An operator with a time of its
     * own may let it go on with the clock, and send what that closes; true = it did. There is no
     * record in `ctx`. */
    bool (*idle)(void *state, ks_ctx *ctx);
    /* Tables: the row of a key, from the store or computed from the parents; false = none. */
    bool (*row)(void *state, ks_ctx *ctx, const struct ks__row_key *key, struct ks__row *row);
    /* The store in which process() looks up the record's key first; NULL = none. With it the task
     * looks ahead for the keys that come next. */
    struct ks_kv_store *(*keyed_store)(void *state);
    const struct ks__op_holding *holding; /* NULL = holds nothing back */
};

struct ks__op {
    const struct ks__op_class *class;
    const struct ks__node     *node;
    void                      *state;
    struct ks__op            **children;     /* those aside stand behind child_count */
    struct ks__op            **parents;
    unsigned                   child_count;
    unsigned                   aside_count;
    unsigned                   parent_count;
    struct ks__counter         processed;
    struct ks__counter         dropped;
    struct ks__counter         held;  /* at the end of the last step; class->holding */
    struct ks__meters         *meters; /* the user's own metrics */
    void                      *local; /* ks_ctx_local() */
    void (*local_close)(void *local);
    void                      *runtime; /* the task's own: a sink's topic handle, ... */
};

/* Why a record was dropped, for the counter's label. */
enum ks__drop {
    KS__DROP_NULL_KEY = 1,
    KS__DROP_NULL_VALUE,
    KS__DROP_NEGATIVE_TIME,
    KS__DROP_LATE,
    KS__DROP_USER,          /* KS_SKIP */
    KS__DROP_PROCESSING,    /* the processing handler said continue */
    KS__DROP_DESERIALIZATION,
    KS__DROP_STALE,
    KS__DROP_COUNT_
};

/* What the runtime does for operators; filled in by runtime/. */
struct ks__ctx_ops {
    /* ctx->error has just been set in `op`: ask the processing handler. Forgiven: clears the error
     * and ctx->failed. */
    void (*failed)(ks_ctx *ctx, struct ks__op *op, const struct ks__record *record);
    /* A record reaches a sink (its topic NULL: that of `topic`). */
    void (*send)(ks_ctx *ctx, struct ks__op *sink, const char *topic, const ks_record *record);
    void (*dropped)(ks_ctx *ctx, enum ks__drop why);
    struct ks_kv_store *(*kv_store)(ks_ctx *ctx, const char *name, bool connected_only);
    /* The same for any kind: another kind is refused. */
    struct ks_kv_store *(*store)(ks_ctx *ctx, const char *name, enum ks__store_kind kind,
                                 bool connected_only);
    /* `self` of a store of the user's own that is connected. */
    void *(*user_store)(ks_ctx *ctx, const char *name);
    struct ks__op *(*op_of)(ks_ctx *ctx, const struct ks__node *node);
    /* `start_ms` -1 = none. */
    ks_punctuation *(*schedule)(ks_ctx *ctx, int64_t start_ms, int64_t interval_ms,
                                ks_time_kind kind, ks_punctuator_fn *fn, void *user);
    void (*cancel)(ks_ctx *ctx, ks_punctuation *punctuation);
    void (*commit)(ks_ctx *ctx);
    /* Run `destroy(object)` at the end of the record. */
    void (*at_record_end)(ks_ctx *ctx, void (*destroy)(void *object), void *object);
    /* An operator's clock: a number kept with the state under the operator's name and `what`
     * (static). Cheap per record; not to be remembered elsewhere, as an abort takes it back. */
    int64_t (*clock)(ks_ctx *ctx, const char *what, int64_t otherwise);
    void (*set_clock)(ks_ctx *ctx, const char *what, int64_t value);
    /* In open: this clock, which only rises, is committed beside the offsets, too, and comes back
     * from there where the state is older or not there. `key`: Kafka Streams' name of it (as long
     * as the topology); NULL = one of our own. */
    void (*share_clock)(ks_ctx *ctx, const char *what, const char *key);
    /* What makes the task's thread look again; NULL = nobody waits. Good until close. */
    struct ks__wake *(*wake)(ks_ctx *ctx);
    /* Monotone time of the round, in ms. */
    int64_t (*mono_ms)(ks_ctx *ctx);
};

struct ks_ctx {
    struct ks__op            *op;        /* O1 */
    const struct ks__record  *record;    /* what ctx->op processes; NULL in open, punctuators */
    struct ks__arena         *arena;
    const struct ks__ctx_ops *ops;
    struct ks__task          *task;
    ks_error                 *error;     /* the first failure */
    bool                      failed;    /* O2 */
    bool                      may_forward; /* user code may call ks_ctx_forward*() now */
    bool                      keep_key;  /* what user code forwards has key and time of `record` */
    bool                      free_time; /* with keep_key: the time may differ all the same */
    bool                      in_open;
    const char               *task_id;
    int32_t                   partition;
    int64_t                   stream_time_ms;
    int64_t                   wall_time_ms;
    int64_t                   now_ms;    /* time of a store's put: record or punctuation */
    int64_t                   window_emit_ms; /* least wall time between rounds of final results */
    int64_t                   join_emit_ms;   /* and of results without partner */
    int64_t                   idle_advance_ms; /* silence after which time goes on; 0 = never */
    int64_t                   silent_from_ms;  /* wall time; no silence is older */
    ks_origin                 origin;    /* topic NULL = none */
    uint64_t                  branch;    /* which of those that came of `origin` and were held back
                                          * this is; the same when it is read again. 0 = none was */
    uint64_t                  step;      /* so many records were ended before the present one */
    const ks_record          *raw;       /* the record as it was read; NULL = none */
    struct ks__decoded       *decoded;   /* ks_ctx_decode(): this record's, in the arena */
};

/* Process the record in all children. */
static inline void ks__forward(ks_ctx *ctx, const struct ks__record *record)
{
    struct ks__op           *self = ctx->op;
    const struct ks__record *mine = ctx->record;

    ctx->record = record;
    for (unsigned i = 0; i < self->child_count && ctx->error->status == KS_OK; i++) {
        struct ks__op *child = self->children[i];

        ctx->op = child;
        ks__counter_add(&child->processed, 1);
        child->class->process(child->state, ctx, record);
        if (ctx->error->status != KS_OK && !ctx->failed)
            ctx->ops->failed(ctx, child, record);
    }
    ctx->op     = self;
    ctx->record = mine;
}

/* The same for one child. */
void ks__forward_to(ks_ctx *ctx, struct ks__op *child, const struct ks__record *record);

/* The same for the children aside, which see nothing else. */
void ks__forward_aside(ks_ctx *ctx, const struct ks__record *record);

/* Judge what user code returned: true = go on with the record. KS_SKIP counts a drop (user), a
 * failure is latched. To be called after every callback. */
bool ks__ctx_accept(ks_ctx *ctx, ks_status status);
/* Judge a failure in one of several works that a record brings: a window that it closes, a record
 * that had waited. The processing handler is asked about `part` alone, which is the present record
 * if `own`; true = there was none, or it is left out and the rest goes on. */
bool ks__ctx_forgive(ks_ctx *ctx, const struct ks__record *part, bool own);
/* Latch a failure of the engine's own at this operator. */
void ks__ctx_raise(ks_ctx *ctx, ks_status status, const char *format, ...) KS_PRINTF(3, 4);

static inline void ks__ctx_drop(ks_ctx *ctx, enum ks__drop why)
{
    ctx->ops->dropped(ctx, why);
}

#endif

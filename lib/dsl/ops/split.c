/* SPDX-License-Identifier: Apache-2.0
 *
 * split.c - each record to the first branch that wants it.
 *
 *      split {case 0, case 1, ..., default?} ─> child 0, child 1, ...      one child per branch
 *
 * The children stand in the order of the branches, so the number of the case is that of the child.
 */
#include "dsl/dsl.h"

#include <string.h>

struct branch_case {
    ks_predicate_fn *belongs; /* NULL = the default branch */
    void            *user;
};

struct split_args {
    const struct branch_case *cases;
    size_t                    count;
};

struct ks_split {
    struct ks__handle   head;
    ks_stream          *stream;
    struct ks__logical *node;
    bool                closed; /* the default branch is there */
};

static void split_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct split_args *args = ctx->op->node->args;

    (void)state;
    for (size_t i = 0; i < args->count; i++) {
        const struct branch_case *one = &args->cases[i];
        bool belongs = one->belongs == NULL || one->belongs(ctx, &record->record, one->user);

        if (ctx->error->status != KS_OK)
            return;
        if (belongs) {
            ks__forward_to(ctx, ctx->op->children[i], record);
            return;
        }
    }
}

static const struct ks__op_class split_class = {
    .name    = "split",
    .prefix  = "KSTREAM-BRANCH-",
    .traits  = KS__OP_KEEPS_KEY | KS__OP_KEEPS_TYPES | KS__OP_STATELESS,
    .process = split_process,
};

ks_split *ks_stream_split(ks_stream *s, const ks_named *named)
{
    const struct split_args args = { NULL, 0 };
    struct ks__call         call;
    ks_named                options;
    ks_stream              *out;
    ks_split               *split;

    if (!ks__enter(s, KS__KIND_STREAM, __func__, named, &options, sizeof(options), &call) ||
        !ks__stream_carry(s, &call, &options))
        return ks__inert(s);
    out = ks__stream_typed(ks__stream_append(s, &call, &split_class, &args, sizeof(args), NULL),
                           options.key, options.value);
    if (s->head.builder->error.status != KS_OK)
        return ks__inert(s);
    split = ks__owned_copy(s->head.builder->owned,
                           &(ks_split){ .head   = { KS__KIND_SPLIT, s->head.builder },
                                        .stream = out,
                                        .node   = out->node },
                           sizeof(*split));
    if (split == NULL) {
        ks__latch_no_memory(s->head.builder);
        return ks__inert(s);
    }
    return split;
}

/* A longer list; the old one may belong to a topology that was built already. */
static bool add_case(ks_split *split, ks_predicate_fn *belongs, void *user)
{
    struct ks__owned   *owned = split->head.builder->owned;
    struct split_args  *args  = split->node->args;
    struct branch_case *cases =
        ks__arena_zalloc(&owned->arena, (args->count + 1) * sizeof(*cases));

    if (cases == NULL)
        return ks__latch_no_memory(split->head.builder) != NULL;
    if (args->count > 0)
        memcpy(cases, args->cases, args->count * sizeof(*cases));
    cases[args->count++] = (struct branch_case){ belongs, user };
    args->cases          = cases;
    return true;
}

/* Split name + branch name, or + position; the default branch is number 0. */
static ks_stream *add_branch(ks_split *split, struct ks__call *call, const ks_named *options)
{
    ks_builder              *b    = split->head.builder;
    const struct split_args *args = split->node->args;
    size_t                   position = split->closed ? 0 : args->count;
    char                    *name = call->name != NULL
                                        ? ks__format("%s%s", split->node->name, call->name)
                                        : ks__format("%s%zu", split->node->name, position);
    const char              *kept = name != NULL ? ks__owned_text(b->owned, name) : NULL;
    ks_stream               *out;

    ks__free(name);
    if (kept == NULL) {
        ks__latch_no_memory(b);
        return ks__inert(split);
    }
    call->name = kept;
    out = ks__stream_append(split->stream, call, &ks__pass_class, NULL, 0, NULL);
    return ks__stream_typed(out, options->key, options->value);
}

ks_stream *ks_split_branch(ks_split *split, ks_predicate_fn *belongs, void *user,
                           const ks_named *named)
{
    struct ks__call call;
    ks_named        options;

    if (!ks__enter(split, KS__KIND_SPLIT, __func__, named, &options, sizeof(options), &call) ||
        !ks__need(split->head.builder, &call, belongs != NULL, "a predicate"))
        return ks__inert(split);
    if (split->closed) {
        ks__latch(split->head.builder, &call, KS_ESTATE,
                  "\"%s\" has its default branch already, which must be the last",
                  split->node->name);
        return ks__inert(split);
    }
    if (!ks__stream_carry(split->stream, &call, &options) || !add_case(split, belongs, user))
        return ks__inert(split);
    return add_branch(split, &call, &options);
}

ks_stream *ks_split_default(ks_split *split, const ks_named *named)
{
    struct ks__call call;
    ks_named        options;

    if (!ks__enter(split, KS__KIND_SPLIT, __func__, named, &options, sizeof(options), &call))
        return ks__inert(split);
    if (split->closed) {
        ks__latch(split->head.builder, &call, KS_ESTATE, "\"%s\" has a default branch already",
                  split->node->name);
        return ks__inert(split);
    }
    if (!ks__stream_carry(split->stream, &call, &options) || !add_case(split, NULL, NULL))
        return ks__inert(split);
    split->closed = true;
    return add_branch(split, &call, &options);
}

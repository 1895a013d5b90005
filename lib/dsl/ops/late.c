/* SPDX-License-Identifier: Apache-2.0
 *
 * late.c - a stream of the records that came too late for a window.
 *
 *      record ─> aggregation ─ change ─> table
 *                     `─aside─ record ─> late ─> what the user does with it
 *
 * The node stands beside the children of the aggregation and sees none of its changes.
 */
#include "dsl/ops/windowed.h"

#include "serde/serde.h"

static void late_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    (void)state;
    ks__forward(ctx, record);
}

static const struct ks__op_class late_class = {
    .name    = "late",
    .prefix  = "KSTREAM-LATE-",
    .traits  = KS__OP_KEEPS_KEY | KS__OP_KEEPS_TYPES | KS__OP_STATELESS | KS__OP_ASIDE,
    .process = late_process,
};

/* Plain, unless the options ask for the key with the window, as the table has it. */
static const ks_serde *named_key(const ks_named *options, const struct ks__late *what)
{
    if (ks__serde_is_windowed(options->key) && !ks__serde_is_windowed(what->key))
        return what->windowed;
    return what->key;
}

ks_stream *ks__late_add(ks_builder *b, const struct ks__call *call, const ks_named *options,
                        const struct ks__late *what)
{
    ks_named            types = *options;
    ks_stream           like  = { .head    = { KS__KIND_STREAM, b },
                                  .node    = what->parents[0],
                                  .key     = named_key(options, what),
                                  .value   = what->value,
                                  .sources = what->sources };
    struct ks__logical *node;

    if (!ks__stream_carry(&like, call, &types))
        return ks__inert(b);
    node = ks__logical_add(b, call,
                           &(struct ks__logical_seed){
                               .kind         = KS__LOGICAL_PROCESSOR,
                               .name         = ks__choose_name(b, call->name, late_class.prefix),
                               .class        = &late_class,
                               .parents      = what->parents,
                               .parent_count = what->parent_count });
    return ks__stream_typed(ks__stream_make(&like, node), types.key, types.value);
}

ks_stream *ks_windowed_stream_late(ks_windowed_stream *w, const ks_named *named)
{
    struct ks__call call;
    ks_named        options;

    if (!ks__enter(w, KS__KIND_WINDOWED_STREAM, __func__, named, &options, sizeof(options), &call))
        return ks__inert(w);
    if (w->table == NULL) {
        ks__latch(w->head.builder, &call, KS_ESTATE,
                  "nothing is left out yet: declare the aggregation of the windows first");
        return ks__inert(w);
    }
    if (w->windows.kind == KS__WINDOWS_COUNTED) {
        ks__latch(w->head.builder, &call, KS_EINVAL,
                  "no record is late for a counted window: leave the branch out");
        return ks__inert(w);
    }
    return ks__late_add(w->head.builder, &call, &options,
                        &(struct ks__late){ .parents      = &w->table->node,
                                            .parent_count = 1,
                                            .key          = w->group->key,
                                            .windowed     = w->table->key,
                                            .value        = w->group->value,
                                            .sources      = w->table->sources });
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * to_stream.c - the changes of a table as records of a stream; a deletion has a null value.
 */
#include "dsl/dsl.h"

static void to_stream_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct ks__record out = { .record = record->record };

    (void)state;
    ks__forward(ctx, &out);
}

static const struct ks__op_class to_stream_class = {
    .name    = "to_stream",
    .prefix  = "KTABLE-TOSTREAM-",
    .traits  = KS__OP_KEEPS_KEY | KS__OP_KEEPS_TYPES | KS__OP_STATELESS,
    .process = to_stream_process,
};

ks_stream *ks_table_to_stream(ks_table *t, const ks_named *named)
{
    struct ks__call call;
    ks_named        options;
    ks_stream       like;

    if (!ks__enter(t, KS__KIND_TABLE, __func__, named, &options, sizeof(options), &call))
        return ks__inert(t);
    like = (ks_stream){ .head    = { KS__KIND_STREAM, t->head.builder },
                        .node    = t->node,
                        .key     = t->key,
                        .value   = t->value,
                        .sources = t->sources };
    if (!ks__stream_carry(&like, &call, &options))
        return ks__inert(t);
    return ks__stream_typed(ks__stream_append(&like, &call, &to_stream_class, NULL, 0, NULL),
                            options.key, options.value);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * print.c - each record as a line of text, given to a function of the caller.
 */
#include "dsl/dsl.h"

#include <stdio.h>
#include <string.h>

struct print_args {
    ks_line_fn     *line;
    const char     *label;
    const ks_serde *key;
    const ks_serde *value;
};

static void print_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct print_args *args  = ctx->op->node->args;
    size_t                   label = strlen(args->label) + strlen("[]: ");
    size_t                   key   = ks_serde_show(args->key, record->record.key, NULL, 0);
    size_t                   value = ks_serde_show(args->value, record->record.value, NULL, 0);
    char                    *line  = ks__arena_alloc(ctx->arena, label + key + value + 3);

    (void)state;
    if (line == NULL) {
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for a line of text");
        return;
    }
    snprintf(line, label + 1, "[%s]: ", args->label);
    ks_serde_show(args->key, record->record.key, line + label, key + 1);
    memcpy(line + label + key, ", ", 2);
    ks_serde_show(args->value, record->record.value, line + label + key + 2, value + 1);
    args->line(line, ctx->op->node->user);
}

static const struct ks__op_class print_class = {
    .name    = "print",
    .prefix  = "KSTREAM-PRINTER-",
    .traits  = KS__OP_KEEPS_KEY | KS__OP_KEEPS_TYPES | KS__OP_STATELESS,
    .process = print_process,
};

void ks_stream_print(ks_stream *s, const char *label, ks_line_fn *line, void *user,
                     const ks_named *named)
{
    struct print_args args = { .line = line };
    struct ks__call   call;
    ks_named          options;

    if (!ks__enter(s, KS__KIND_STREAM, __func__, named, &options, sizeof(options), &call) ||
        !ks__need(s->head.builder, &call, line != NULL, "a function for lines") ||
        !ks__stream_carry(s, &call, &options))
        return;
    args.label = ks__owned_text(s->head.builder->owned, label != NULL ? label : s->node->name);
    args.key   = options.key;
    args.value = options.value;
    if (args.label == NULL)
        ks__latch_no_memory(s->head.builder);
    else
        ks__stream_append(s, &call, &print_class, &args, sizeof(args), user);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * build_windows.c - the steps of a case that are about windows: cutting streams, folding what was
 * cut, cogroups, joins of streams.
 */
#include "build.h"

#include <string.h>

static const char *text_of(json_t *step, const char *name)
{
    return json_string_value(json_object_get(step, name));
}

static int64_t number_of(json_t *step, const char *name)
{
    return json_integer_value(json_object_get(step, name));
}

/* A checked function of the step. */
static bool parse(struct plan *plan, const char *spec, bool (*known)(const char *),
                  const struct made *from, enum type other, struct function *out)
{
    if (spec == NULL)
        return plan_fail(plan, "step without a function");
    *out = function_parse(spec, from->key, from->value, other);
    return known(out->name) || plan_fail(plan, "unknown function %s", spec);
}

/* ---- windowedBy ---- */

static ks_window_kind kind_of(const char *type)
{
    static const struct {
        const char    *name;
        ks_window_kind kind;
    } kinds[] = {
        { "tumbling", KS_WINDOWS_TUMBLING }, { "hopping", KS_WINDOWS_HOPPING },
        { "sliding", KS_WINDOWS_SLIDING },   { "session", KS_WINDOWS_SESSIONS },
        { "unlimited", KS_WINDOWS_UNLIMITED },
    };

    for (size_t i = 0; type != NULL && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, type) == 0)
            return kinds[i].kind;
    return 0;
}

bool plan_windowed_by(struct plan *plan, json_t *step, const struct made *from, struct made *made)
{
    ks_windowing windows;

    ks_options_init(&windows, sizeof windows);
    windows.kind          = kind_of(text_of(step, "type"));
    windows.size_ms       = number_of(step, "size");
    windows.advance_ms    = number_of(step, "advance");
    windows.difference_ms = number_of(step, "diff");
    windows.gap_ms        = number_of(step, "gap");
    windows.start_ms      = number_of(step, "start");
    windows.grace_ms      = number_of(step, "grace");
    if (text_of(step, "emit") != NULL)
        windows.emit = KS_EMIT_ON_CLOSE;
    if (windows.kind == 0)
        return plan_fail(plan, "unknown windows");
    if (from->cogrouped != NULL)
        made->windowed_cogrouped = ks_cogrouped_stream_windowed_by(from->cogrouped, &windows);
    else
        made->windowed = ks_grouped_stream_windowed_by(from->grouped, &windows);
    return true;
}

/* ---- count, reduce, aggregate ---- */

static void materialized(json_t *step, const struct made *made, ks_materialized *out)
{
    ks_options_init(out, sizeof *out);
    out->store        = text_of(step, "store");
    out->value        = type_serde(made->value);
    out->retention_ms = number_of(step, "retention");
}

static bool aggregate(struct plan *plan, json_t *step, const struct made *from, struct made *made,
                      const ks_materialized *store)
{
    struct function *f    = plan_functions(plan, 2);
    json_t          *init = json_object_get(step, "init");
    unsigned char    number[8];
    ks_aggregate     options;

    ks_options_init(&options, sizeof options);
    options.user = f;
    if (json_is_integer(init))
        options.initial = ks_encode_i64(number, json_integer_value(init));
    else if (json_is_string(init))
        options.initial = ks_bytes_text(json_string_value(init));
    if (text_of(step, "merger") != NULL) {
        options.merge = call_merge;
        if (!parse(plan, text_of(step, "merger"), is_merger, from, made->value, &f[1]))
            return false;
    }
    if (from->cogrouped != NULL)
        made->table = ks_cogrouped_stream_aggregate(from->cogrouped, &options, store);
    else if (from->windowed_cogrouped != NULL)
        made->table = ks_windowed_cogrouped_stream_aggregate(from->windowed_cogrouped, &options,
                                                             store);
    if (from->windowed == NULL)
        return true;
    options.add = call_aggregate;
    if (!parse(plan, text_of(step, "fn"), is_aggregator, from, made->value, &f[0]))
        return false;
    made->table = ks_windowed_stream_aggregate(from->windowed, &options, store);
    return true;
}

bool plan_fold(struct plan *plan, json_t *step, const struct made *from, struct made *made)
{
    const char      *op = text_of(step, "op");
    struct function *f;
    ks_materialized  store;

    materialized(step, made, &store);
    if (strcmp(op, "aggregate") == 0)
        return aggregate(plan, step, from, made, &store);
    if (from->windowed == NULL)
        return plan_fail(plan, "unknown op %s of a cogroup", op);
    if (strcmp(op, "count") == 0) {
        made->table = ks_windowed_stream_count(from->windowed, &store);
        return true;
    }
    f = plan_functions(plan, 1);
    if (strcmp(op, "reduce") != 0)
        return plan_fail(plan, "unknown op %s of windows", op);
    if (!parse(plan, text_of(step, "fn"), is_reducer, from, made->value, f))
        return false;
    made->table = ks_windowed_stream_reduce(from->windowed, call_reduce, f, &store);
    return true;
}

/* ---- cogroup ---- */

bool plan_cogroup(struct plan *plan, json_t *step, const struct made *from, struct made *made)
{
    json_t *input;
    size_t  i;

    (void)from;
    json_array_foreach(json_object_get(step, "inputs"), i, input) {
        const struct made *in = plan_find(plan, text_of(input, "from"));
        struct function   *f  = plan_functions(plan, 1);

        if (in == NULL || in->grouped == NULL)
            return plan_fail(plan, "a cogroup of an unknown group");
        if (!parse(plan, text_of(input, "fn"), is_aggregator, in, made->value, f))
            return false;
        made->cogrouped = i == 0
                              ? ks_grouped_stream_cogroup(in->grouped, call_aggregate, f)
                              : ks_cogrouped_stream_cogroup(made->cogrouped, in->grouped,
                                                            call_aggregate, f);
    }
    return true;
}

/* ---- joinStreamStream ---- */

bool plan_join_streams(struct plan *plan, json_t *step, const struct made *from,
                       struct made *made)
{
    const struct made *right = plan_find(plan, text_of(step, "right"));
    const char        *type  = text_of(step, "type");
    struct function   *f     = plan_functions(plan, 1);
    ks_join_windows    windows;
    ks_stream_joined   options;

    if (right == NULL || right->stream == NULL)
        return plan_fail(plan, "a join without a right side");
    *f = function_parse(text_of(step, "joiner"), from->key, from->value, right->value);
    if (!is_joiner(f->name))
        return plan_fail(plan, "unknown function %s", f->name);
    ks_options_init(&windows, sizeof windows);
    ks_options_init(&options, sizeof options);
    windows.before_ms = number_of(step, "before");
    windows.after_ms  = number_of(step, "after");
    windows.grace_ms  = number_of(step, "grace");
    options.key       = type_serde(from->key);
    options.value     = type_serde(from->value);
    options.other     = type_serde(right->value);
    options.out       = type_serde(made->value);
    made->stream = (strcmp(type, "outer") == 0  ? ks_stream_outer_join_stream
                    : strcmp(type, "left") == 0 ? ks_stream_left_join_stream
                                                : ks_stream_join_stream)(
        from->stream, right->stream, &windows, call_join, f, &options);
    return true;
}

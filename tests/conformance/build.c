/* SPDX-License-Identifier: Apache-2.0
 *
 * build.c - one function per kind of step, found by a table of names.
 *
 * Steps are unnamed, as in the recorder, so that the description shows the generated names.
 */
#include "build.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool plan_fail(struct plan *plan, const char *format, ...)
{
    va_list args;

    if (plan->error[0] == '\0') {
        va_start(args, format);
        vsnprintf(plan->error, sizeof plan->error, format, args);
        va_end(args);
    }
    return false;
}

const struct made *plan_find(const struct plan *plan, const char *id)
{
    for (size_t i = 0; id != NULL && i < plan->count; i++)
        if (strcmp(plan->made[i].id, id) == 0)
            return &plan->made[i];
    return NULL;
}

static void functions_free(void *functions)
{
    /* Names split off at a colon stay with the process: they are few and small. */
    free(functions);
}

struct function *plan_functions(struct plan *plan, size_t count)
{
    return ks_builder_own(plan->b, calloc(count, sizeof(struct function)), functions_free);
}

static const char *text_of(json_t *step, const char *name)
{
    return json_string_value(json_object_get(step, name));
}

/* A checked function of the step's member `name`. */
static bool parse(struct plan *plan, json_t *step, const char *name, bool (*known)(const char *),
                  enum type key, enum type value, enum type other, struct function *out)
{
    const char *spec = text_of(step, name);

    if (spec == NULL)
        return plan_fail(plan, "step without %s", name);
    *out = function_parse(spec, key, value, other);
    return known(out->name) || plan_fail(plan, "unknown function %s", spec);
}

static const ks_materialized *materialized(json_t *step, const struct made *made,
                                           ks_materialized *out)
{
    if (text_of(step, "store") == NULL)
        return NULL; /* with a history it is refused: plan_build() */
    ks_options_init(out, sizeof *out);
    out->store = text_of(step, "store");
    out->key   = type_serde(made->key);
    out->value = type_serde(made->value);
    if (json_object_get(step, "versioned") != NULL) {
        out->versioned  = KS_ON;
        out->history_ms = json_integer_value(json_object_get(step, "versioned"));
    }
    return out;
}

/* Aggregations have a store in any case; the types are declared. */
static const ks_materialized *aggregate_store(json_t *step, const struct made *made,
                                              ks_materialized *out)
{
    if (materialized(step, made, out) == NULL) {
        ks_options_init(out, sizeof *out);
        out->key   = type_serde(made->key);
        out->value = type_serde(made->value);
    }
    return out;
}

typedef bool make_fn(struct plan *plan, json_t *step, const struct made *from, struct made *made);

/* Field i of the value as a strict integer, else -1. */
static int64_t extract_field(ks_ctx *ctx, const ks_record *record, int64_t partition_time_ms,
                             void *user)
{
    const struct function *f    = user;
    ks_bytes               rest = record->value, field;
    int64_t                time = -1;
    char                   digits[24];

    (void)ctx, (void)partition_time_ms;
    if (f->value == TYPE_INT64 && rest.data != NULL) {
        snprintf(digits, sizeof digits, "%" PRId64, ks_bytes_i64(rest, 0));
        rest = ks_bytes_text(digits);
    }
    for (int64_t i = 0; ks_bytes_field(&rest, ',', &field); i++)
        if (i == f->number)
            return strict_integer(field, &time) ? time : -1;
    return -1;
}

static bool consumed(struct plan *plan, json_t *step, const struct made *made, ks_consumed *out)
{
    const char *extractor = text_of(step, "tsExtractor");

    ks_options_init(out, sizeof *out);
    out->key   = type_serde(made->key);
    out->value = type_serde(made->value);
    if (extractor == NULL)
        return true;
    struct function *f = plan_functions(plan, 1);
    *f             = function_parse(extractor, made->key, made->value, 0);
    out->extractor = extract_field;
    out->user      = f;
    return strcmp(f->name, "valueField") == 0 ||
           plan_fail(plan, "unknown extractor %s", extractor);
}

static bool make_stream(struct plan *plan, json_t *step, const struct made *from,
                        struct made *made)
{
    json_t     *list = json_object_get(step, "topics");
    const char *topics[256];
    ks_consumed options;

    (void)from;
    if (json_array_size(list) > sizeof topics / sizeof *topics)
        return plan_fail(plan, "a stream of %zu topics", json_array_size(list));
    if (!consumed(plan, step, made, &options))
        return false;
    topics[0] = text_of(step, "topic");
    for (size_t i = 0; i < json_array_size(list); i++)
        topics[i] = json_string_value(json_array_get(list, i));
    made->stream = ks_builder_stream_of(plan->b, topics, list ? json_array_size(list) : 1,
                                        &options);
    return true;
}

static bool make_table(struct plan *plan, json_t *step, const struct made *from, struct made *made)
{
    ks_consumed     options;
    ks_materialized store;

    (void)from;
    if (!consumed(plan, step, made, &options))
        return false;
    made->table = ks_builder_table(plan->b, text_of(step, "topic"), &options,
                                   materialized(step, made, &store));
    return true;
}

static bool make_global_table(struct plan *plan, json_t *step, const struct made *from,
                              struct made *made)
{
    ks_consumed     options;
    ks_materialized store;

    (void)from;
    if (!consumed(plan, step, made, &options))
        return false;
    made->global = ks_builder_global_table(plan->b, text_of(step, "topic"), &options,
                                           materialized(step, made, &store));
    return true;
}

static bool make_filter(struct plan *plan, json_t *step, const struct made *from,
                        struct made *made)
{
    struct function *f      = plan_functions(plan, 1);
    bool             negate = strcmp(text_of(step, "op"), "filterNot") == 0;
    ks_materialized  store;

    if (!parse(plan, step, "fn", is_predicate, from->key, from->value, 0, f))
        return false;
    if (from->table != NULL)
        made->table = (negate ? ks_table_filter_not : ks_table_filter)(
            from->table, call_predicate, f, materialized(step, made, &store));
    else
        made->stream = (negate ? ks_stream_filter_not : ks_stream_filter)(
            from->stream, call_predicate, f, NULL);
    return true;
}

static bool make_map_values(struct plan *plan, json_t *step, const struct made *from,
                            struct made *made)
{
    struct function *f = plan_functions(plan, 1);
    ks_materialized  store;

    if (!parse(plan, step, "fn", is_value_function, from->key, from->value, 0, f))
        return false;
    if (from->table != NULL)
        made->table = ks_table_map_values(from->table, call_map_values, f,
                                          materialized(step, made, &store));
    else
        made->stream = ks_stream_map_values(from->stream, call_map_values, f, NULL);
    return true;
}

static bool make_map(struct plan *plan, json_t *step, const struct made *from, struct made *made)
{
    struct function *f = plan_functions(plan, 2);

    if (!parse(plan, step, "keyFn", is_key_function, from->key, from->value, 0, &f[0]) ||
        !parse(plan, step, "fn", is_value_function, from->key, from->value, 0, &f[1]))
        return false;
    made->stream = ks_stream_map(from->stream, call_map, f, NULL);
    return true;
}

static bool make_select_key(struct plan *plan, json_t *step, const struct made *from,
                            struct made *made)
{
    struct function *f = plan_functions(plan, 1);

    if (!parse(plan, step, "keyFn", is_key_function, from->key, from->value, 0, f))
        return false;
    made->stream = ks_stream_select_key(from->stream, call_select, f, NULL);
    return true;
}

static bool make_flat_map_values(struct plan *plan, json_t *step, const struct made *from,
                                 struct made *made)
{
    struct function *f = plan_functions(plan, 1);

    if (!parse(plan, step, "fn", is_flat_value_function, from->key, from->value, 0, f))
        return false;
    made->stream = ks_stream_flat_map_values(from->stream, call_flat_values, f, NULL);
    return true;
}

static bool make_flat_map(struct plan *plan, json_t *step, const struct made *from,
                          struct made *made)
{
    struct function *f = plan_functions(plan, 1);

    if (!parse(plan, step, "fn", is_flat_function, from->key, from->value, 0, f))
        return false;
    made->stream = ks_stream_flat_map(from->stream, call_flat, f, NULL);
    return true;
}

static bool make_merge(struct plan *plan, json_t *step, const struct made *from, struct made *made)
{
    const struct made *right = plan_find(plan, text_of(step, "right"));

    if (right == NULL)
        return plan_fail(plan, "merge with an unknown stream");
    made->stream = ks_stream_merge(from->stream, right->stream, NULL);
    return true;
}

/* The branches are results of their own; the step itself gives nothing. */
static bool make_split(struct plan *plan, json_t *step, const struct made *from, struct made *made)
{
    char        name[64];
    ks_split   *split;
    const char *rest = text_of(step, "default");
    json_t     *branch;
    size_t      i;

    /* The recorder named splits "<id>-" and branches by their ids. */
    snprintf(name, sizeof name, "%s-", text_of(step, "id"));
    split = ks_stream_split(from->stream, KS_NAMED(name));

    json_array_foreach(json_object_get(step, "branches"), i, branch) {
        struct function *f = plan_functions(plan, 1);
        if (!parse(plan, branch, "fn", is_predicate, from->key, from->value, 0, f))
            return false;
        struct made *out = &plan->made[plan->count++];
        *out             = *made;
        out->id          = text_of(branch, "id");
        out->stream      = ks_split_branch(split, call_predicate, f, KS_NAMED(out->id));
    }
    if (rest != NULL) {
        struct made *out = &plan->made[plan->count++];
        *out             = *made;
        out->id          = rest;
        out->stream      = ks_split_default(split, KS_NAMED(rest));
    }
    return true;
}

static bool make_repartition(struct plan *plan, json_t *step, const struct made *from,
                             struct made *made)
{
    ks_repartitioned options;

    (void)plan;
    ks_options_init(&options, sizeof options);
    options.name  = text_of(step, "name");
    options.key   = type_serde(made->key);
    options.value = type_serde(made->value);
    made->stream  = ks_stream_repartition(from->stream, &options);
    return true;
}

static bool make_group_by_key(struct plan *plan, json_t *step, const struct made *from,
                              struct made *made)
{
    ks_grouped options;

    (void)plan, (void)step;
    ks_options_init(&options, sizeof options);
    options.key   = type_serde(made->key);
    options.value = type_serde(made->value);
    made->grouped = ks_stream_group_by_key(from->stream, &options);
    return true;
}

/* Key and value of the group; the value function is optional. */
static bool group_table(struct plan *plan, json_t *step, const struct made *from,
                        struct made *made)
{
    struct function *f = plan_functions(plan, 2);
    ks_grouped       options;

    f[1] = function_parse("identity", from->key, from->value, 0);
    if (!parse(plan, step, "keyFn", is_key_function, from->key, from->value, 0, &f[0]) ||
        (text_of(step, "fn") != NULL &&
         !parse(plan, step, "fn", is_value_function, from->key, from->value, 0, &f[1])))
        return false;
    ks_options_init(&options, sizeof options);
    options.key         = type_serde(made->key);
    options.value       = type_serde(made->value);
    made->grouped_table = ks_table_group_by(from->table, call_map, f, &options);
    return true;
}

static bool make_group_by(struct plan *plan, json_t *step, const struct made *from,
                          struct made *made)
{
    struct function *f = plan_functions(plan, 1);
    ks_grouped       options;

    if (from->table != NULL)
        return group_table(plan, step, from, made);
    if (!parse(plan, step, "keyFn", is_key_function, from->key, from->value, 0, f))
        return false;
    ks_options_init(&options, sizeof options);
    options.key   = type_serde(made->key);
    options.value = type_serde(made->value);
    made->grouped = ks_stream_group_by(from->stream, call_select, f, &options);
    return true;
}

static bool make_count(struct plan *plan, json_t *step, const struct made *from, struct made *made)
{
    ks_materialized store;

    (void)plan;
    if (from->grouped_table != NULL)
        made->table = ks_grouped_table_count(from->grouped_table,
                                             aggregate_store(step, made, &store));
    else
        made->table = ks_grouped_stream_count(
            from->grouped, aggregate_store(step, made, &store));
    return true;
}

/* Adder and subtractor. */
static bool parse_pair(struct plan *plan, json_t *step, bool (*known)(const char *),
                       const struct made *from, const struct made *made, struct function *f)
{
    return parse(plan, step, "adder", known, from->key, from->value, made->value, &f[0]) &&
           parse(plan, step, "subtractor", known, from->key, from->value, made->value, &f[1]);
}

static bool make_reduce(struct plan *plan, json_t *step, const struct made *from,
                        struct made *made)
{
    struct function *f = plan_functions(plan, 2);
    ks_materialized  store;

    if (from->grouped_table != NULL) {
        if (!parse_pair(plan, step, is_reducer, from, made, f))
            return false;
        made->table = ks_grouped_table_reduce(from->grouped_table, call_reduce, call_unreduce, f,
                                              aggregate_store(step, made, &store));
        return true;
    }
    if (!parse(plan, step, "fn", is_reducer, from->key, from->value, made->value, f))
        return false;
    made->table = ks_grouped_stream_reduce(from->grouped, call_reduce, f,
                                           aggregate_store(step, made, &store));
    return true;
}

static bool make_aggregate(struct plan *plan, json_t *step, const struct made *from,
                           struct made *made)
{
    struct function *f = plan_functions(plan, 2);
    json_t          *init = json_object_get(step, "init");
    unsigned char    number[8];
    ks_materialized  store;
    ks_aggregate     options;

    if (from->grouped_table != NULL
            ? !parse_pair(plan, step, is_aggregator, from, made, f)
            : !parse(plan, step, "fn", is_aggregator, from->key, from->value, made->value, f))
        return false;
    ks_options_init(&options, sizeof options);
    options.add  = call_aggregate;
    options.user = f;
    if (json_is_integer(init))
        options.initial = ks_encode_i64(number, json_integer_value(init));
    else if (json_is_string(init))
        options.initial = ks_bytes_text(json_string_value(init));
    if (from->grouped_table != NULL) {
        options.subtract = call_unaggregate;
        made->table      = ks_grouped_table_aggregate(from->grouped_table, &options,
                                                      aggregate_store(step, made, &store));
        return true;
    }
    made->table = ks_grouped_stream_aggregate(from->grouped, &options,
                                              aggregate_store(step, made, &store));
    return true;
}

static bool make_to_table(struct plan *plan, json_t *step, const struct made *from,
                          struct made *made)
{
    ks_materialized store;

    (void)plan;
    made->table = ks_stream_to_table(from->stream, aggregate_store(step, made, &store));
    return true;
}

static bool make_suppress(struct plan *plan, json_t *step, const struct made *from,
                          struct made *made)
{
    const char   *mode = text_of(step, "mode"), *full = text_of(step, "full");
    ks_suppressed options;

    if (mode == NULL ||
        (strcmp(mode, "untilWindowCloses") != 0 && strcmp(mode, "untilTimeLimit") != 0))
        return plan_fail(plan, "unknown mode %s", mode ? mode : "(none)");
    ks_options_init(&options, sizeof options);
    options.until_close = strcmp(mode, "untilWindowCloses") == 0 ? KS_ON : KS_OFF;
    options.limit_ms    = json_integer_value(json_object_get(step, "ms"));
    options.max_records = json_integer_value(json_object_get(step, "maxRecords"));
    if (options.until_close != KS_ON && full != NULL)
        options.full = strcmp(full, "shutdown") == 0 ? KS_WHEN_FULL_FAIL : KS_WHEN_FULL_EMIT_EARLY;
    made->table = ks_table_suppress(from->table, &options);
    return true;
}

static bool make_to_stream(struct plan *plan, json_t *step, const struct made *from,
                           struct made *made)
{
    made->stream = ks_table_to_stream(from->table, NULL);
    if (text_of(step, "keyFn") == NULL)
        return true;
    struct function *f = plan_functions(plan, 1);
    if (!parse(plan, step, "keyFn", is_key_function, from->key, from->value, 0, f))
        return false;
    made->stream = ks_stream_select_key(made->stream, call_select, f, NULL);
    return true;
}

static bool is_left(struct plan *plan, json_t *step, bool *left)
{
    const char *type = text_of(step, "type");

    *left = strcmp(type, "left") == 0;
    return *left || strcmp(type, "inner") == 0 || plan_fail(plan, "unknown join %s", type);
}

static bool make_join_table(struct plan *plan, json_t *step, const struct made *from,
                            struct made *made)
{
    const struct made *right = plan_find(plan, text_of(step, "right"));
    struct function   *f     = plan_functions(plan, 1);
    ks_joined          options;
    bool               left;

    if (right == NULL)
        return plan_fail(plan, "no right side");
    if (!is_left(plan, step, &left) ||
        !parse(plan, step, "joiner", is_joiner, from->key, from->value, right->value, f))
        return false;
    ks_options_init(&options, sizeof options);
    options.key   = type_serde(from->key);
    options.value = type_serde(from->value);
    options.other = type_serde(right->value);
    options.out   = type_serde(made->value);
    if (json_object_get(step, "grace") != NULL) {
        options.buffer   = KS_ON;
        options.grace_ms = json_integer_value(json_object_get(step, "grace"));
    }
    made->stream = (left ? ks_stream_left_join_table : ks_stream_join_table)(
        from->stream, right->table, call_join, f, &options);
    return true;
}

static bool make_join_tables(struct plan *plan, json_t *step, const struct made *from,
                             struct made *made)
{
    const struct made *right = plan_find(plan, text_of(step, "right"));
    struct function   *f     = plan_functions(plan, 1);
    const bool         outer = strcmp(text_of(step, "type"), "outer") == 0;
    bool               left  = false;
    ks_materialized    store;

    if (right == NULL || (!outer && !is_left(plan, step, &left)))
        return plan_fail(plan, "no right side");
    if (!parse(plan, step, "joiner", is_joiner, from->key, from->value, right->value, f))
        return false;
    made->table = (outer  ? ks_table_outer_join
                   : left ? ks_table_left_join
                          : ks_table_join)(from->table, right->table, call_join, f,
                                           materialized(step, made, &store));
    return true;
}

static bool make_join_on(struct plan *plan, json_t *step, const struct made *from,
                         struct made *made)
{
    const struct made *right = plan_find(plan, text_of(step, "right"));
    struct function   *f     = plan_functions(plan, 2);
    ks_table_joined    options;
    bool               left;

    if (right == NULL || !is_left(plan, step, &left))
        return plan_fail(plan, "no right side");
    if (!parse(plan, step, "keyFn", is_key_function, from->key, from->value, 0, &f[0]) ||
        !parse(plan, step, "joiner", is_joiner, from->key, from->value, right->value, &f[1]))
        return false;
    ks_options_init(&options, sizeof options);
    options.store = text_of(step, "store");
    options.key   = type_serde(made->key);
    options.value = type_serde(made->value);
    made->table   = (left ? ks_table_left_join_on : ks_table_join_on)(
        from->table, right->table, call_foreign_of_pair, call_join_of_pair, f, &options);
    return true;
}

static bool make_join_global(struct plan *plan, json_t *step, const struct made *from,
                             struct made *made)
{
    const struct made *right = plan_find(plan, text_of(step, "right"));
    struct function   *f     = plan_functions(plan, 2);
    bool               left;

    if (right == NULL || !is_left(plan, step, &left))
        return plan_fail(plan, "no right side");
    if (!parse(plan, step, "keyFn", is_key_function, from->key, from->value, 0, &f[0]) ||
        !parse(plan, step, "joiner", is_joiner, from->key, from->value, right->value, &f[1]))
        return false;
    made->stream = (left ? ks_stream_left_join_global : ks_stream_join_global)(
        from->stream, right->global, call_select_of_pair, call_join_of_pair, f, NULL);
    return true;
}

static bool make_to(struct plan *plan, json_t *step, const struct made *from, struct made *made)
{
    (void)plan, (void)made;
    ks_stream_to(from->stream, text_of(step, "topic"), NULL);
    return true;
}

static const struct {
    const char *op;
    make_fn    *make;
} makers[] = {
    { "stream", make_stream },
    { "table", make_table },
    { "globalTable", make_global_table },
    { "filter", make_filter },
    { "filterNot", make_filter },
    { "mapValues", make_map_values },
    { "map", make_map },
    { "selectKey", make_select_key },
    { "flatMapValues", make_flat_map_values },
    { "flatMap", make_flat_map },
    { "merge", make_merge },
    { "split", make_split },
    { "repartition", make_repartition },
    { "toTable", make_to_table },
    { "suppress", make_suppress },
    { "toStream", make_to_stream },
    { "to", make_to },
    { "groupByKey", make_group_by_key },
    { "groupBy", make_group_by },
    { "count", make_count },
    { "reduce", make_reduce },
    { "aggregate", make_aggregate },
    { "joinStreamTable", make_join_table },
    { "joinStreamGlobal", make_join_global },
    { "joinTableTable", make_join_tables },
    { "joinFk", make_join_on },
    { "windowedBy", plan_windowed_by },
    { "cogroup", plan_cogroup },
    { "joinStreamStream", plan_join_streams },
    { "process", plan_process },
};

static make_fn *maker_of(const char *op)
{
    for (size_t i = 0; op != NULL && i < sizeof makers / sizeof *makers; i++)
        if (strcmp(makers[i].op, op) == 0)
            return makers[i].make;
    return NULL;
}

static bool build_step(struct plan *plan, json_t *step)
{
    const char        *op   = text_of(step, "op");
    make_fn           *make = maker_of(op);
    const char        *from = text_of(step, "from");
    const struct made *in   = plan_find(plan, from ? from : text_of(step, "left"));
    struct made        made = { .id = text_of(step, "id"), .store = text_of(step, "store") };

    if (make == NULL)
        return plan_fail(plan, "unknown op %s", op ? op : "(none)");
    if (json_object_get(step, "versioned") != NULL && made.store == NULL)
        return plan_fail(plan, "a history without a store");
    if (text_of(step, "kt") != NULL)
        made.key = type_of_name(text_of(step, "kt"));
    if (text_of(step, "vt") != NULL)
        made.value = type_of_name(text_of(step, "vt"));
    if ((from != NULL || text_of(step, "left") != NULL) && in == NULL)
        return plan_fail(plan, "op %s reads an unknown step", op);
    if (in != NULL && (in->windowed || in->cogrouped || in->windowed_cogrouped) &&
        make != plan_windowed_by)
        make = plan_fold;
    if (plan->count + json_array_size(json_object_get(step, "branches")) + 2 > MAX_STEPS)
        return plan_fail(plan, "more than %d steps", MAX_STEPS);
    if (!make(plan, step, in, &made))
        return false;
    if (made.id != NULL)
        plan->made[plan->count++] = made;
    return true;
}

bool plan_build(struct plan *plan, json_t *topology)
{
    json_t *step;
    size_t  i;

    json_array_foreach(topology, i, step)
        if (!build_step(plan, step))
            return false;
    return true;
}

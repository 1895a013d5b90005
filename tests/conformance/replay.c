/* SPDX-License-Identifier: Apache-2.0
 *
 * replay.c - the steps of a case: pipe, advance, compare the sink topics and the drops.
 */
#include "replay.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPORTED_DIFFERENCES 5

void replay_differs(struct replay *r, long step, const char *expected, const char *got)
{
    if (++r->differences > REPORTED_DIFFERENCES && r->verbosity < 2)
        return;
    if (step >= 0)
        printf("FAIL %s step %ld\n  expected %s\n  got      %s\n", r->name, step, expected, got);
    else
        printf("FAIL %s at the end\n  expected %s\n  got      %s\n", r->name, expected, got);
}

char *shown(ks_bytes bytes, enum type type)
{
    char *out = NULL;

    if (bytes.data == NULL)
        return strdup("null");
    if (type == TYPE_INT64)
        return asprintf(&out, "%" PRId64, ks_bytes_i64(bytes, INT64_MIN)) < 0 ? NULL : out;
    return asprintf(&out, "\"%.*s\"", KS_BYTES_ARG(bytes)) < 0 ? NULL : out;
}

char *shown_json(json_t *value)
{
    return value == NULL ? strdup("(none)") : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
}

bool same_value(ks_bytes bytes, enum type type, json_t *expected)
{
    if (bytes.data == NULL || expected == NULL || json_is_null(expected))
        return bytes.data == NULL && expected != NULL && json_is_null(expected);
    if (type == TYPE_INT64)
        return json_is_integer(expected) && bytes.size == 8 &&
               json_integer_value(expected) == ks_bytes_i64(bytes, 0);
    return json_is_string(expected) && json_string_length(expected) == bytes.size &&
           memcmp(json_string_value(expected), bytes.data, bytes.size) == 0;
}

char *shown_key(const ks_record *record, enum type type)
{
    char *out = NULL;

    if (type != TYPE_WINDOWED || record->window == NULL || record->key.data == NULL)
        return shown(record->key, type);
    return asprintf(&out, "\"%.*s@%" PRId64 "/%" PRId64 "\"", KS_BYTES_ARG(record->key),
                    record->window->start_ms, record->window->end_ms) < 0 ? NULL : out;
}

bool same_key(const ks_record *record, enum type type, json_t *expected)
{
    char *text = shown_key(record, type);
    bool  same = same_value(record->key, type, expected);

    if (type == TYPE_WINDOWED && record->window != NULL && text != NULL)
        same = json_is_string(expected) &&
               json_string_length(expected) + 2 == strlen(text) &&
               strncmp(text + 1, json_string_value(expected), strlen(text) - 2) == 0;
    free(text);
    return same;
}

/* --- topics --- */

static json_t *topic_of(struct replay *r, const char *name)
{
    json_t *topic;
    size_t  i;

    json_array_foreach(json_object_get(r->kase, "topics"), i, topic)
        if (strcmp(json_string_value(json_object_get(topic, "name")), name) == 0)
            return topic;
    return NULL;
}

static enum type column_type(json_t *topic, const char *column)
{
    return type_of_name(json_string_value(json_object_get(topic, column)));
}

static ks_bytes to_bytes(json_t *value, unsigned char number[8])
{
    if (json_is_integer(value))
        return ks_encode_i64(number, json_integer_value(value));
    if (json_is_string(value))
        return ks_bytes_of(json_string_value(value), json_string_length(value));
    return KS_NULL;
}

/* --- one step's outputs --- */

static void report_record(struct replay *r, long step, json_t *expected, const char *topic,
                          const ks_record *got)
{
    char *want = shown_json(expected), *text = NULL;

    if (got == NULL) {
        replay_differs(r, step, want, "nothing");
    } else {
        json_t *about = topic_of(r, topic);
        char   *key   = shown_key(got, column_type(about, "key"));
        char   *value = shown(got->value, column_type(about, "value"));
        if (asprintf(&text, "{\"topic\":\"%s\",\"key\":%s,\"value\":%s,\"ts\":%" PRId64 "}", topic,
                     key, value, got->timestamp_ms) < 0)
            text = NULL;
        replay_differs(r, step, want, text ? text : "?");
        free(key), free(value);
    }
    free(want), free(text);
}

/* The expected record of this step and topic that is due next, or NULL. */
static json_t *due(struct replay *r, long step, const char *topic)
{
    json_t *out = json_array_get(json_object_get(json_object_get(r->kase, "expected"), "out"),
                                 r->next_out);

    if (out == NULL || json_integer_value(json_object_get(out, "step")) != step ||
        strcmp(json_string_value(json_object_get(out, "topic")), topic) != 0)
        return NULL;
    return out;
}

static json_t *value_json(ks_bytes bytes, enum type type)
{
    if (bytes.data == NULL)
        return json_null();
    return type == TYPE_INT64 ? json_integer(ks_bytes_i64(bytes, 0))
                              : json_stringn(bytes.data, bytes.size);
}

/* A record as the cases have it. */
static json_t *record_json(long step, json_t *topic, const ks_record *record)
{
    enum type type = column_type(topic, "key");
    char     *text = shown_key(record, type);
    json_t   *key  = value_json(record->key, type);

    if (type == TYPE_WINDOWED && record->window != NULL && text != NULL) {
        json_decref(key);
        key = json_stringn(text + 1, strlen(text) - 2);
    }
    free(text);
    return json_pack("{s:I, s:O, s:o, s:o, s:I}", "step", (json_int_t)step, "topic",
                     json_object_get(topic, "name"), "key", key, "value",
                     value_json(record->value, column_type(topic, "value")), "ts",
                     (json_int_t)record->timestamp_ms);
}

static void compare_topic(struct replay *r, long step, json_t *topic)
{
    const char      *name = json_string_value(json_object_get(topic, "name"));
    enum type        key = column_type(topic, "key"), value = column_type(topic, "value");
    const ks_record *got;
    json_t          *expected;

    while ((got = ks_driver_read(r->driver, name)) != NULL) {
        if (r->collected != NULL) {
            json_array_append_new(r->collected, record_json(step, topic, got));
            continue;
        }
        expected = due(r, step, name);
        if (expected == NULL) {
            report_record(r, step, NULL, name, got);
            continue;
        }
        r->next_out++;
        if (!same_key(got, key, json_object_get(expected, "key")) ||
            !same_value(got->value, value, json_object_get(expected, "value")) ||
            got->timestamp_ms != json_integer_value(json_object_get(expected, "ts")))
            report_record(r, step, expected, name, got);
    }
    while (r->collected == NULL && (expected = due(r, step, name)) != NULL) {
        r->next_out++;
        report_record(r, step, expected, name, NULL);
    }
}

static int by_name(const void *a, const void *b)
{
    json_t *const *one = a, *const *other = b;

    return strcmp(json_string_value(json_object_get(*one, "name")),
                  json_string_value(json_object_get(*other, "name")));
}

static void compare_outputs(struct replay *r, long step)
{
    json_t *topics = json_object_get(r->kase, "topics"), *topic;
    json_t **outs = calloc(json_array_size(topics) + 1, sizeof(json_t *));
    size_t   i, count = 0;

    json_array_foreach(topics, i, topic)
        if (strcmp(json_string_value(json_object_get(topic, "dir")), "out") == 0)
            outs[count++] = topic;
    qsort(outs, count, sizeof *outs, by_name);
    for (i = 0; i < count; i++)
        compare_topic(r, step, outs[i]);
    free(outs);
}

/* --- drops --- */

static int64_t count_drops(struct replay *r)
{
    ks_metrics *metrics = ks_driver_metrics(r->driver);
    int64_t     drops   = ks_metrics_sum(metrics, "dropped-records-total", NULL);

    ks_metrics_free(metrics);
    return drops;
}

static bool drops_are_sensitive(struct replay *r)
{
    json_t *part;
    size_t  i;

    json_array_foreach(json_object_get(json_object_get(r->kase, "expected"), "storeSensitive"), i,
                       part)
        if (strcmp(json_string_value(part), "drops") == 0)
            return true;
    return false;
}

static void compare_drops(struct replay *r, long step)
{
    json_t *drop = json_array_get(json_object_get(json_object_get(r->kase, "expected"), "drops"),
                                  r->next_drop);
    bool    mine = drop != NULL && json_integer_value(json_object_get(drop, "step")) == step;
    int64_t expected = mine ? json_integer_value(json_object_get(drop, "n")) : 0;
    int64_t now      = count_drops(r);
    char    want[64], got[64];

    r->next_drop += mine;
    if (now - r->drops != expected && !drops_are_sensitive(r)) {
        snprintf(want, sizeof want, "%" PRId64 " drops", expected);
        snprintf(got, sizeof got, "%" PRId64 " drops", now - r->drops);
        replay_differs(r, step, want, got);
    }
    r->drops = now;
}

/* --- the driver --- */

static bool open_driver(struct replay *r)
{
    r->driver = ks_driver_new(r->topology, r->config, r->directory);
    r->drops  = 0;
    if (ks_error_status(ks_driver_error(r->driver)) == KS_OK)
        return true;
    replay_differs(r, -1, "a driver", ks_error_message(ks_driver_error(r->driver)));
    return false;
}

static ks_status feed(struct replay *r, json_t *input)
{
    json_t       *advance = json_object_get(input, "advanceWallClock");
    unsigned char key[8], value[8];
    ks_record     record;

    if (advance != NULL)
        return ks_driver_advance(r->driver, json_integer_value(advance));
    record = (ks_record){
        .key          = to_bytes(json_object_get(input, "key"), key),
        .value        = to_bytes(json_object_get(input, "value"), value),
        .timestamp_ms = json_integer_value(json_object_get(input, "ts")),
    };
    return ks_driver_pipe(r->driver, json_string_value(json_object_get(input, "topic")), &record);
}

/* False: the case ends here (the recorded error, or one that was not expected). */
static bool run_step(struct replay *r, long step, json_t *input)
{
    json_t   *error  = json_object_get(json_object_get(r->kase, "expected"), "error");
    bool      fails  = error && json_integer_value(json_object_get(error, "step")) == step;
    ks_status status = feed(r, input);

    compare_outputs(r, step);
    if (fails || status != KS_OK) {
        if (fails != (status != KS_OK))
            replay_differs(r, step, fails ? "a failure" : "no failure",
                           status == KS_OK ? "success"
                                           : ks_error_message(ks_driver_error(r->driver)));
        return false;
    }
    if (!r->outputs_only && !r->optimized)
        compare_drops(r, step);
    return true;
}

/* After a kill nobody knows what was read: everything is there again, and is read once more. */
static void read_again(struct replay *r)
{
    json_t *outs = json_object_get(json_object_get(r->kase, "expected"), "out"), *out;
    size_t  i;

    json_array_foreach(outs, i, out) {
        if (json_integer_value(json_object_get(out, "step")) >= (json_int_t)r->first_step)
            return;
        if (ks_driver_read(r->driver, json_string_value(json_object_get(out, "topic"))) == NULL) {
            char *lost = shown_json(out);
            replay_differs(r, (long)r->first_step, lost, "nothing: it was lost");
            free(lost);
        }
    }
}

/* Is the step the last one of so many? 0 = never. */
static bool is_nth(size_t step, size_t every)
{
    return every > 0 && (step + 1) % every == 0;
}

static void run_steps(struct replay *r)
{
    json_t *inputs = json_object_get(r->kase, "input"), *input;
    size_t  step;

    if (r->first_step > 0)
        read_again(r);
    for (step = r->first_step; step < json_array_size(inputs); step++) {
        input = json_array_get(inputs, step);
        if (!run_step(r, (long)step, input))
            return;
        if (is_nth(step, r->restart_every)) {
            ks_driver_free(r->driver);
            if (!open_driver(r))
                return;
        }
        if (is_nth(step, r->die_every))
            r->die(r, step + 1);
    }
    if (!r->outputs_only)
        replay_compare_stores(r);
}

static ks_config *make_config(json_t *kase, bool own_retention, bool optimized)
{
    static const char *const numbers[][2] = {
        { "cacheBytes", "statestore.cache.max.bytes" },
        { "joinEmitIntervalMs",
          "__emit.interval.ms.kstreams.outer.join.spurious.results.fix__" },
        { "windowEmitIntervalMs", "__emit.interval.ms.kstreams.windowed.aggregation__" },
    };
    ks_config *config = ks_config_new();
    char       text[32];

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        json_t *number = json_object_get(json_object_get(kase, "config"), numbers[i][0]);
        snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(number));
        ks_config_set(config, numbers[i][1], text);
    }
    if (!own_retention)
        ks_config_set(config, "windowstore.kafka.retention", "true");
    if (optimized || json_is_true(json_object_get(json_object_get(kase, "config"), "optimize")))
        ks_config_set(config, "topology.optimization", "all");
    ks_config_set(config, "statestore.cache.flush", "commit");
    ks_config_set(config, "log.sync", "false");
    return config;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

bool replay_make_directory(struct replay *r)
{
    /* In memory where that is possible: nothing here is about a power cut. */
    static const char *const roots[] = { "/dev/shm", "/tmp" };

    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        snprintf(r->directory_name, sizeof r->directory_name, "%s/conformance-XXXXXX", roots[i]);
        if (mkdtemp(r->directory_name) != NULL) {
            r->directory = r->directory_name;
            return true;
        }
    }
    replay_differs(r, -1, "a directory", strerror(errno));
    return false;
}

void replay_remove_directory(struct replay *r)
{
    if (r->directory != NULL)
        nftw(r->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    r->directory = NULL;
}

static void replay_topology(struct replay *r)
{
    if (open_driver(r))
        run_steps(r);
    if (!r->outputs_only && !r->optimized)
        replay_compare_description(r);
    ks_driver_free(r->driver);
}

/* The recorded error of step -1: the topology cannot be built, or the application not started. */
static bool must_be_refused(struct replay *r)
{
    json_t *error = json_object_get(json_object_get(r->kase, "expected"), "error");

    return error != NULL && json_integer_value(json_object_get(error, "step")) < 0;
}

static bool is_refused(struct replay *r)
{
    ks_driver *driver;
    bool       refused;

    if (ks_builder_build(r->plan->b, &r->topology) != KS_OK)
        return true;
    driver  = ks_driver_new(r->topology, r->config, NULL);
    refused = ks_error_status(ks_driver_error(driver)) != KS_OK;
    ks_driver_free(driver);
    return refused;
}

bool replay_run(struct replay *r)
{
    struct plan plan = { .b = ks_builder_new() };

    r->plan   = &plan;
    if (r->first_step == 0)
        memset(plan_fired, 0, PLAN_TICKS * sizeof *plan_fired);
    r->config = make_config(r->kase, r->own_retention, r->optimized);
    ks_builder_configure(plan.b, r->config);
    if (!plan_build(&plan, json_object_get(r->kase, "topology"))) {
        replay_differs(r, -1, "a topology", plan.error);
    } else if (must_be_refused(r)) {
        if (!is_refused(r))
            replay_differs(r, -1, "a refusal", "a topology");
    } else if (ks_builder_build(plan.b, &r->topology) != KS_OK) {
        replay_differs(r, -1, "a topology", ks_error_message(ks_builder_error(plan.b)));
    } else {
        replay_topology(r);
    }
    ks_topology_free(r->topology);
    ks_builder_free(plan.b);
    ks_config_free(r->config);
    return r->differences == 0;
}

bool replay_case(json_t *kase, const char *name, const struct variant *variant, int verbosity)
{
    struct replay r = { .kase = kase, .name = name, .verbosity = verbosity,
                        .optimized     = variant->optimized,
                        .restart_every = variant->restart_every };
    bool          passed;

    if (variant->restart_every > 0 && !replay_make_directory(&r))
        return false;
    passed = replay_run(&r);
    replay_remove_directory(&r);
    return passed;
}

bool replay_has_store(json_t *kase)
{
    json_t *line, *part;
    size_t  i, j;

    json_array_foreach(json_object_get(json_object_get(kase, "expected"), "describe"), i, part)
        json_array_foreach(json_object_get(part, "nodes"), j, line)
            if (strchr(json_string_value(line), '[') != NULL)
                return true;
    return false;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * snippets.h - what the C blocks of the documents use without declaring it, and what checks them.
 *
 * Streams and tables belong to the builder `b`; their topics are named like them, keys are texts,
 * values of no declared type. A page that claims results checks them, out of sight:
 *
 *      <!-- check
 *      run();                                      what was declared so far, in the test driver
 *      send("lines", "k", "to be", 5);
 *      gives("counts", "to=1@5 be=1@5");           all that came since; window keys as k[0,10)
 *      again();                                    a new builder: forget what was declared
 *      -->
 */
#ifndef SNIPPETS_H
#define SNIPPETS_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"

#include <kstream/kstream.h>
#include <kstream/sys/log.h>
#include <kstream/sys/store.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ks_builder        *b;
static ks_topology       *topology; /* word count: "lines" to the store and the topic "counts" */
static ks_driver         *d;
static ks_config         *config; /* of drivers, empty but for the intervals of emission */
static ks_stream         *lines, *orders, *payments, *alarms, *clicks, *impressions;
static ks_table          *customers, *balances;
static ks_global_table   *rates;
static ks_grouped_stream *groups; /* of clicks, by key */
static int                snippets_failures;

static ks_status snippets_split(ks_ctx *ctx, const ks_record *line, void *user)
{
    for (ks_bytes rest = line->value, word; ks_bytes_word(&rest, &word);)
        ks_ctx_forward_value(ctx, word);
    return KS_OK;
}

static ks_status by_value(ks_ctx *ctx, const ks_record *record, ks_bytes *key, void *user)
{
    *key = record->value;
    return KS_OK;
}

/* "left/right". */
static ks_status pair(ks_ctx *ctx, const ks_record *left, const ks_record *right, ks_bytes *out,
                      void *user)
{
    *out = ks_ctx_text(ctx, "%.*s/%.*s", KS_BYTES_ARG(left->value), KS_BYTES_ARG(right->value));
    return KS_OK;
}

static void again(void)
{
    ks_driver_free(d);
    d = NULL;
    ks_builder_free(b);
    b = ks_builder_new();
    lines = ks_builder_stream(b, "lines", NULL);
    orders = ks_builder_stream(b, "orders", NULL);
    payments = ks_builder_stream(b, "payments", NULL);
    alarms = ks_builder_stream(b, "alarms", NULL);
    clicks = ks_builder_stream(b, "clicks", NULL);
    impressions = ks_builder_stream(b, "impressions", NULL);
    customers = ks_builder_table(b, "customers", NULL, NULL);
    balances = ks_builder_table(b, "balances", NULL, NULL);
    rates = ks_builder_global_table(b, "rates", NULL, NULL);
    groups = ks_stream_group_by_key(clicks, NULL);
}

static ks_topology *snippets_word_count(void)
{
    ks_builder  *own = ks_builder_new();
    ks_topology *out;
    ks_stream   *words = ks_stream_flat_map_values(ks_builder_stream(own, "lines", NULL),
                                                   snippets_split, NULL, NULL);
    ks_table    *counts = ks_grouped_stream_count(ks_stream_group_by(words, by_value, NULL, NULL),
                                                  KS_MATERIALIZED(.store = "counts"));

    ks_stream_to(ks_table_to_stream(counts, NULL), "counts", NULL);
    ks_builder_build(own, &out);
    ks_builder_free(own);
    return out;
}

static void snippets_fail(int line, const char *what, const char *found)
{
    fprintf(stderr, "line %d: %s: %s\n", line, what, found);
    snippets_failures++;
}

static void snippets_expect(int line, ks_status status, const ks_error *error)
{
    if (status != KS_OK)
        snippets_fail(line, ks_status_name(status), ks_error_message(error));
}

static void snippets_open(int line)
{
    ks_topology *built;

    snippets_expect(line, ks_builder_build(b, &built), ks_builder_error(b));
    ks_driver_free(d);
    d = ks_driver_new(built, config, NULL);
    ks_topology_free(built);
    snippets_expect(line, ks_error_status(ks_driver_error(d)), ks_driver_error(d));
}

/* `value` NULL = null. */
static void snippets_send(int line, const char *topic, const char *key, const char *value,
                          int64_t timestamp_ms)
{
    snippets_expect(line, ks_driver_pipe_text(d, topic, key, value, timestamp_ms),
                    ks_driver_error(d));
}

/* A value of 8 bytes that begins with a zero byte is a number, others are text. */
static size_t snippets_show(const ks_record *record, char *text, size_t size)
{
    int  used = snprintf(text, size, "%.*s", KS_BYTES_ARG(record->key));
    bool number = record->value.size == 8 && *(const unsigned char *)record->value.data == 0;

    if (record->window != NULL)
        used += snprintf(text + used, size - (size_t)used, "[%lld,%lld)",
                         (long long)record->window->start_ms, (long long)record->window->end_ms);
    if (ks_bytes_is_null(record->value))
        used += snprintf(text + used, size - (size_t)used, "=x");
    else if (number)
        used += snprintf(text + used, size - (size_t)used, "=%lld",
                         (long long)ks_bytes_i64(record->value, 0));
    else
        used += snprintf(text + used, size - (size_t)used, "=%.*s", KS_BYTES_ARG(record->value));
    used += snprintf(text + used, size - (size_t)used, "@%lld ", (long long)record->timestamp_ms);
    return (size_t)used;
}

static void snippets_gives(int line, const char *topic, const char *expected)
{
    char   found[4096] = "";
    size_t used = 0;

    for (const ks_record *record; used < 4000 && (record = ks_driver_read(d, topic)) != NULL;)
        used += snippets_show(record, found + used, sizeof(found) - used);
    if (used > 0)
        found[used - 1] = 0;
    if (strcmp(found, expected) != 0)
        snippets_fail(line, expected, found);
}

#define run()          snippets_open(__LINE__)
#define send(...)      snippets_send(__LINE__, __VA_ARGS__)
#define gives(...)     snippets_gives(__LINE__, __VA_ARGS__)
#define holds(claim)   ((claim) ? (void)0 : snippets_fail(__LINE__, #claim, "is false"))
#define silent(topic)  snippets_gives(__LINE__, topic, "")

static int snippets_run(void (*page)(void))
{
    config = ks_config_new();
    ks_config_set(config, "__emit.interval.ms.kstreams.windowed.aggregation__", "0");
    ks_config_set(config, "__emit.interval.ms.kstreams.outer.join.spurious.results.fix__", "0");
    topology = snippets_word_count();
    again();
    page();
    run();
    ks_driver_free(d);
    ks_builder_free(b);
    ks_topology_free(topology);
    ks_config_free(config);
    return snippets_failures != 0;
}

#pragma GCC diagnostic pop

#endif

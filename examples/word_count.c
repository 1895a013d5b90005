/* SPDX-License-Identifier: Apache-2.0
 *
 * word_count.c - count the words of a topic: lines in, (word, count) out, on any log.
 *
 *      word_count --brokers HOST:PORT|embedded:DIR --input lines --output counts
 *
 * Values of the input are lines of words; the output has the word as key and its count as Kafka's
 * int64. Runs until SIGINT or SIGTERM, or until nothing has arrived for --exit-when-idle-ms.
 */
#define _POSIX_C_SOURCE 200809L /* nanosleep(), also with -std=c11 */

#include <kstream/kstream.h>

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static ks_status split(ks_ctx *ctx, const ks_record *line, void *user)
{
    (void)user;
    for (ks_bytes rest = line->value, word; ks_bytes_word(&rest, &word);)
        ks_ctx_forward_value(ctx, word);
    return KS_OK;
}

static ks_status by_word(ks_ctx *ctx, const ks_record *word, ks_bytes *key, void *user)
{
    (void)ctx, (void)user;
    *key = word->value;
    return KS_OK;
}

static ks_topology *word_count(const char *input, const char *output)
{
    ks_builder  *b = ks_builder_new();
    ks_topology *topology;

    ks_stream         *lines  = ks_builder_stream(b, input, KS_CONSUMED(.value = ks_serde_utf8()));
    ks_stream         *words  = ks_stream_flat_map_values(lines, split, NULL, KS_NAMED("split"));
    ks_grouped_stream *groups = ks_stream_group_by(words, by_word, NULL, KS_GROUPED(.name = "by"));
    ks_table          *counts = ks_grouped_stream_count(groups, KS_MATERIALIZED(.store = "counts"));
    ks_stream         *totals = ks_table_to_stream(counts, KS_NAMED("totals"));

    ks_stream_to(totals, output, KS_PRODUCED(.value = ks_serde_i64()));
    ks_builder_build(b, &topology);
    ks_builder_free(b);
    return topology;
}

static ks_app *running;

static void stop(int number)
{
    (void)number;
    ks_app_stop(running);
}

/* Run, and end when the counters have stood still for `idle_ms` (0 = never). */
static ks_status run(ks_app *app, int64_t idle_ms)
{
    if (idle_ms == 0)
        return ks_app_run(app);
    ks_status status = ks_app_start(app);
    for (int64_t last = -1, idle = 0; status == KS_OK && idle < idle_ms; idle += 20) {
        ks_metrics *metrics = ks_app_metrics(app);
        int64_t     now     = ks_metrics_sum(metrics, "process-total", NULL);
        if (now != last || ks_app_get_state(app) < KS_APP_RUNNING)
            idle = 0;
        last = now;
        ks_metrics_free(metrics);
        nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
    }
    return status == KS_OK ? ks_app_close(app, -1) : status;
}

static const struct option options[] = {
    { "brokers", 1, NULL, 'b' },   { "input", 1, NULL, 'i' },     { "output", 1, NULL, 'o' },
    { "guarantee", 1, NULL, 'g' }, { "state-dir", 1, NULL, 's' }, { "threads", 1, NULL, 't' },
    { "application-id", 1, NULL, 'a' }, { "cache-bytes", 1, NULL, 'c' },
    { "exit-when-idle-ms", 1, NULL, 'e' }, { "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 },
};
static const char *const property[128] = {
    ['a'] = "application.id",       ['b'] = "bootstrap.servers",  ['s'] = "state.dir",
    ['g'] = "processing.guarantee", ['t'] = "num.stream.threads",
    ['c'] = "statestore.cache.max.bytes",
};
static const char usage[] = "usage: word_count [--brokers ADDRESS] [--input TOPIC] "
    "[--output TOPIC] [--application-id ID]\n  [--guarantee NAME] [--state-dir DIR] [--threads N] "
    "[--cache-bytes N]\n  [--exit-when-idle-ms N] [-X name=value]...\n";

int main(int argc, char **argv)
{
    const char *input = "lines", *output = "word-counts";
    ks_config  *config  = ks_config_new();
    int64_t     idle_ms = 0;
    int         c;

    ks_config_set(config, "application.id", "word-count");
    while ((c = getopt_long(argc, argv, "X:h", options, NULL)) != -1) {
        if (c == 'h' || c == '?')
            return fputs(usage, c == 'h' ? stdout : stderr), c != 'h';
        if (c == 'i' || c == 'o')
            *(c == 'i' ? &input : &output) = optarg;
        else if (c == 'e')
            idle_ms = strtoll(optarg, NULL, 10);
        else if (c == 'X')
            ks_config_set_pair(config, optarg);
        else
            ks_config_set(config, property[c], optarg);
    }
    ks_topology *topology = word_count(input, output);
    running               = ks_app_new(topology, config);
    signal(SIGINT, stop), signal(SIGTERM, stop);
    ks_status status = run(running, idle_ms);
    if (status != KS_OK)
        fprintf(stderr, "word_count: %s\n", ks_error_message(ks_app_error(running)));
    ks_app_free(running), ks_topology_free(topology), ks_config_free(config);
    return status != KS_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * streams.c - one workload on one log, measured; one JSON line.
 *
 *      streams WORKLOAD --brokers ADDRESS --input T --output T --records N
 *              [--threads N] [--guarantee G] [--cache-bytes B] [--keys K] [--partitions P]
 *              [--idle-ms N]
 *
 *      stateless  filter (all pass) and map_values (first byte changed)
 *      count      group_by_key, count, to_stream
 *      scoring    11 doubles, joined with a linear model in a global table
 *      tumbling   count in windows of a minute, emitted on close
 *      hopping    the same with a window every second: a record is in 60
 *      slices     the same from slices
 *
 * Records: key 16 bytes, value 100 (scoring: 88), keys uniform over K, seeded. The input is filled
 * up to N records first, outside the measurement. Measured is from ks_app_new() to the end of
 * ks_app_close(), so everything is processed and committed; cpu_s_per_mrec is the process's own CPU
 * time of that span, first_output_ms the time to the first record that can be read from the output.
 * With --idle-ms the app stays for a while after its last record; with --records 0 as well,
 * max_rss_mb is what an app without work takes.
 */
#include <kstream/kstream.h>

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define FEATURES 11

static struct {
    const char *workload, *brokers, *input, *output, *guarantee, *cache_bytes, *threads, *state;
    int64_t     records, keys, idle_ms;
    int32_t     partitions;
} o = { .brokers = "memory:bench", .input = "bench-in", .output = "bench-out", .records = 1000000,
        .guarantee = "at_least_once", .threads = "1", .keys = 100000, .partitions = 1 };

/* --- topologies --- */

static bool keep(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx, (void)user;
    return record->value.size > 0;
}

static ks_status change(ks_ctx *ctx, ks_record *record, void *user)
{
    char *value = ks_ctx_edit(ctx, &record->value, record->value.size);

    (void)user;
    value[0] ^= 1;
    return KS_OK;
}

static ks_status choose_model(ks_ctx *ctx, const ks_record *record, ks_bytes *io, void *user)
{
    (void)ctx, (void)record, (void)user;
    *io = KS_TEXT("linear");
    return KS_OK;
}

static ks_status score(ks_ctx *ctx, const ks_record *left, const ks_record *right, ks_bytes *out,
                       void *user)
{
    double x[FEATURES], w[FEATURES], sum = 0;

    (void)user;
    if (!ks_bytes_read(x, sizeof x, left->value) || !ks_bytes_read(w, sizeof w, right->value))
        return KS_SKIP;
    for (int i = 0; i < FEATURES; i++)
        sum += x[i] * w[i];
    *out = ks_ctx_f64(ctx, sum);
    return KS_OK;
}

static ks_stream *windows(ks_stream *in)
{
    ks_grouped_stream  *g = ks_stream_group_by_key(in, NULL);
    ks_windowed_stream *w;

    if (strcmp(o.workload, "tumbling") == 0)
        w = ks_grouped_stream_windowed_by(g, KS_TUMBLING(.size_ms = KS_MINUTES(1),
                                                         .emit = KS_EMIT_ON_CLOSE));
    else
        w = ks_grouped_stream_windowed_by(
            g, KS_HOPPING(.size_ms = KS_MINUTES(1), .advance_ms = KS_SECONDS(1),
                          .emit   = KS_EMIT_ON_CLOSE,
                          .slices = strcmp(o.workload, "slices") == 0 ? KS_ON : KS_OFF));
    return ks_table_to_stream(ks_windowed_stream_count(w, KS_MATERIALIZED(.store = "counts")),
                              NULL);
}

static ks_topology *build(void)
{
    ks_builder  *b = ks_builder_new();
    ks_topology *topology;
    ks_stream   *in = ks_builder_stream(b, o.input, KS_CONSUMED(.name = "bench-source"));

    if (strcmp(o.workload, "stateless") == 0) {
        in = ks_stream_map_values(ks_stream_filter(in, keep, NULL, NULL), change, NULL, NULL);
    } else if (strcmp(o.workload, "count") == 0) {
        in = ks_table_to_stream(
            ks_grouped_stream_count(ks_stream_group_by_key(in, NULL),
                                    KS_MATERIALIZED(.store = "counts")),
            NULL);
    } else if (strcmp(o.workload, "scoring") != 0) {
        in = windows(in);
    } else {
        ks_global_table *models = ks_builder_global_table(b, "bench-models", NULL, NULL);
        in = ks_stream_join_global(in, models, choose_model, score, NULL, NULL);
    }
    ks_stream_to(in, o.output, NULL);
    ks_builder_build(b, &topology);
    ks_builder_free(b);
    return topology;
}

/* --- input --- */

static void die(const char *what, const ks_error *error)
{
    fprintf(stderr, "streams: %s: %s\n", what, ks_error_message(error));
    exit(1);
}

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

static void append(ks_writer *writer, const char *topic, const ks_record *record)
{
    ks_status status;

    while ((status = ks_writer_append(writer, topic, -1, record)) == KS_EAGAIN)
        if (ks_writer_flush(writer, 10000) != KS_OK)
            break;
    if (status != KS_OK)
        die("append", ks_writer_error(writer));
}

static void fill(ks_log *log, int64_t from)
{
    ks_writer *writer = ks_log_writer(log, NULL);
    uint64_t   seed   = 42;
    double     x[FEATURES];
    char       key[24], value[100];
    bool       scoring = strcmp(o.workload, "scoring") == 0;

    memset(value, 'v', sizeof value);
    for (int64_t i = 0; i < o.records; i++) {
        uint64_t random = random_next(&seed);
        if (i < from)
            continue;
        snprintf(key, sizeof key, "%016" PRIu64, random % (uint64_t)o.keys);
        for (int j = 0; scoring && j < FEATURES; j++)
            x[j] = (double)(random % 1000) / (j + 1);
        append(writer, o.input,
               &(ks_record){ .key          = ks_bytes_of(key, 16),
                             .value        = scoring ? ks_bytes_of(x, sizeof x)
                                                     : ks_bytes_of(value, sizeof value),
                             .timestamp_ms = i });
        if (i % 100000 == 99999 && ks_writer_flush(writer, -1) != KS_OK)
            die("fill", ks_writer_error(writer));
    }
    for (int j = 0; j < FEATURES; j++)
        x[j] = 0.5 * j;
    if (scoring)
        append(writer, "bench-models", &(ks_record){ .key = KS_TEXT("linear"),
                                                     .value = KS_OBJECT(x) });
    if (ks_writer_flush(writer, -1) != KS_OK)
        die("fill", ks_writer_error(writer));
    ks_writer_free(writer);
}

static int64_t end_of(ks_log *log, const char *topic)
{
    int64_t sum = 0, end;

    for (int32_t p = 0; p < o.partitions; p++)
        if (ks_log_end_offset(log, topic, p, &end) == KS_OK)
            sum += end;
    return sum;
}

/* --- measurement --- */

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static long max_rss_kb(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

static int64_t processed(ks_app *app)
{
    ks_metrics *metrics = ks_app_metrics(app);
    int64_t     sum     = 0;

    for (const ks_metric *m; (m = ks_metrics_next(metrics)) != NULL;)
        if (strcmp(m->name, "process-total") == 0 && strcmp(m->node, "bench-source") == 0)
            sum += m->value;
    ks_metrics_free(metrics);
    return sum;
}

static void run(ks_log *log, ks_config *config, ks_topology *topology)
{
    int64_t before = end_of(log, o.output);
    double  start = now_s(), cpu = cpu_s(), first = -1;
    ks_app *app    = ks_app_new(topology, config);

    if (ks_app_start(app) != KS_OK)
        die("start", ks_app_error(app));
    while (processed(app) < o.records && ks_app_get_state(app) <= KS_APP_RUNNING) {
        if (first < 0 && end_of(log, o.output) > before)
            first = now_s() - start;
        nanosleep(&(struct timespec){ .tv_nsec = first < 0 ? 200000 : 2000000 }, NULL);
    }
    nanosleep(&(struct timespec){ .tv_sec = o.idle_ms / 1000,
                                  .tv_nsec = o.idle_ms % 1000 * 1000000 }, NULL);
    if (ks_app_close(app, -1) != KS_OK)
        die("run", ks_app_error(app));
    double seconds = now_s() - start;
    if (first < 0)
        first = seconds;
    printf("{\"workload\":\"%s\",\"log\":\"%.*s\",\"threads\":%s,\"guarantee\":\"%s\","
           "\"records\":%" PRId64 ",\"seconds\":%.3f,\"records_per_s\":%.0f,"
           "\"cpu_s_per_mrec\":%.3f,\"max_rss_mb\":%.1f,\"first_output_ms\":%.1f}\n",
           o.workload, (int)strcspn(o.brokers, ":"), o.brokers, o.threads, o.guarantee, o.records,
           seconds, (double)o.records / seconds,
           o.records > 0 ? (cpu_s() - cpu) * 1e6 / (double)o.records : 0,
           (double)max_rss_kb() / 1024, first * 1000);
    ks_app_free(app);
}

/* --- command line --- */

static const struct option options[] = {
    { "brokers", 1, NULL, 'b' },     { "input", 1, NULL, 'i' },  { "output", 1, NULL, 'o' },
    { "records", 1, NULL, 'n' },     { "threads", 1, NULL, 't' }, { "guarantee", 1, NULL, 'g' },
    { "cache-bytes", 1, NULL, 'c' }, { "keys", 1, NULL, 'k' },   { "partitions", 1, NULL, 'p' },
    { "state-dir", 1, NULL, 's' },   { "idle-ms", 1, NULL, 'w' }, { "help", 0, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static void set(int c, const char *value)
{
    const char **texts[128] = { ['b'] = &o.brokers, ['i'] = &o.input,       ['o'] = &o.output,
                                ['t'] = &o.threads, ['g'] = &o.guarantee,   ['c'] = &o.cache_bytes,
                                ['s'] = &o.state };

    if (texts[c] != NULL)
        *texts[c] = value;
    else if (c == 'p')
        o.partitions = (int32_t)strtol(value, NULL, 10);
    else
        *(c == 'n' ? &o.records : c == 'w' ? &o.idle_ms : &o.keys) = strtoll(value, NULL, 10);
}

static int usage(int status)
{
    fprintf(status ? stderr : stdout,
            "usage: streams stateless|count|scoring|tumbling|hopping|slices\n"
            "  [--brokers ADDRESS] [--input T] [--output T] [--records N] [--threads N]\n"
            "  [--guarantee G] [--cache-bytes B] [--keys K] [--partitions P]\n"
            "  [--state-dir DIR] [--idle-ms N] [-X name=value]...\n");
    return status;
}

static bool is_workload(const char *name)
{
    static const char *const all[] = { "stateless", "count",   "scoring",
                                       "tumbling",  "hopping", "slices" };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(name, all[i]) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    ks_config *config = ks_config_new();
    int        c;

    ks_config_set(config, "application.id", "bench");
    while ((c = getopt_long(argc, argv, "X:h", options, NULL)) != -1) {
        if (c == 'h' || c == '?')
            return usage(c != 'h');
        if (c == 'X')
            ks_config_set_pair(config, optarg);
        else
            set(c, optarg);
    }
    o.workload = optind < argc ? argv[optind] : "";
    if (!is_workload(o.workload))
        return usage(2);
    ks_config_set(config, "bootstrap.servers", o.brokers);
    ks_config_set(config, "num.stream.threads", o.threads);
    ks_config_set(config, "processing.guarantee", o.guarantee);
    if (o.cache_bytes != NULL)
        ks_config_set(config, "statestore.cache.max.bytes", o.cache_bytes);
    if (o.state != NULL)
        ks_config_set(config, "state.dir", o.state);

    ks_log *log = ks_log_new(o.brokers, config);
    ks_log_create_topic(log, o.input, o.partitions, false);
    ks_log_create_topic(log, o.output, o.partitions, false);
    if (strcmp(o.workload, "scoring") == 0)
        ks_log_create_topic(log, "bench-models", 1, true);
    if (ks_error_status(ks_log_error(log)) != KS_OK &&
        ks_error_status(ks_log_error(log)) != KS_EEXISTS)
        die("log", ks_log_error(log));
    fill(log, end_of(log, o.input));
    ks_topology *topology = build();
    run(log, config, topology);
    ks_topology_free(topology);
    ks_config_free(config);
    ks_log_free(log);
    return 0;
}

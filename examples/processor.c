/* SPDX-License-Identifier: Apache-2.0
 *
 * processor.c - a processor of one's own, with a store, a schedule and two children.
 *
 *      printf '0 door open\n5 door open\n9 door shut\n60 lamp on\n' | processor [NAME=VALUE...]
 *
 * A line is SECOND SENSOR STATE. A state that is new goes to the topic "changes", a sensor that was
 * silent for 30 seconds to "silent", once. The log is in memory; nothing is left behind.
 */
#include <kstream/kstream.h>

#include <stdio.h>
#include <string.h>

struct watchdog {
    ks_kv_store    *last; /* sensor -> its state, with the time of the reading */
    const ks_child *changes, *silent;
    int            *seen; /* readings so far */
};

static ks_status look_for_silence(ks_ctx *ctx, int64_t now_ms, void *user)
{
    struct watchdog *dog = user;
    ks_iter         *it = ks_kv_store_all(dog->last, KS_ASCENDING);

    for (ks_record row; ks_iter_next(it, &row);)
        if (now_ms - row.timestamp_ms >= 30000) {
            ks_kv_store_delete(dog->last, row.key);
            row.value = ks_ctx_text(ctx, "since %lld s", (long long)row.timestamp_ms / 1000);
            row.timestamp_ms = now_ms;
            ks_ctx_forward_to(ctx, dog->silent, &row);
        }
    return KS_OK;
}

static ks_status watchdog_open(ks_ctx *ctx, void *self, void *user)
{
    *(struct watchdog *)self = (struct watchdog){ ks_ctx_kv_store(ctx, "last"),
                                                  ks_ctx_child(ctx, "changes"),
                                                  ks_ctx_child(ctx, "silent"), user };
    ks_ctx_schedule(ctx, 10000, KS_STREAM_TIME, look_for_silence, self);
    return KS_OK; /* whatever failed is in ctx */
}

static ks_status watchdog_process(ks_ctx *ctx, const ks_record *reading, void *self)
{
    struct watchdog *dog = self;
    ks_record        row;

    ++*dog->seen;
    if (!ks_kv_store_get(dog->last, reading->key, &row) ||
        !ks_bytes_equal(row.value, reading->value))
        ks_ctx_forward_to(ctx, dog->changes, reading);
    ks_kv_store_put_record(dog->last, reading);
    return KS_OK;
}

static const ks_processor watchdog = KS_PROCESSOR(
    .state_size = sizeof(struct watchdog), .open = watchdog_open, .process = watchdog_process);

static ks_topology *watch(int *seen)
{
    ks_builder  *b = ks_builder_new();
    ks_topology *topology;

    ks_builder_add_store(b, KS_KV_STORE("last"));
    ks_stream *news = ks_stream_process(ks_builder_stream(b, "readings", NULL), &watchdog, seen,
                                        KS_CONNECTED(.name = "watchdog", .stores = { "last" }));
    ks_stream_to(news, "changes", KS_PRODUCED(.name = "changes")); /* children have names */
    ks_stream_to(news, "silent", KS_PRODUCED(.name = "silent"));
    ks_builder_build(b, &topology);
    ks_builder_free(b);
    return topology;
}

static void print(ks_log *log, const char *topic)
{
    ks_reader *reader = ks_log_reader(log, NULL);

    ks_reader_assign(reader, topic, 0, 0);
    for (ks_entry e; ks_reader_next(reader, 0, &e);)
        printf("%s at %lld s: %.*s %.*s\n", topic, (long long)e.record.timestamp_ms / 1000,
               KS_BYTES_ARG(e.record.key), KS_BYTES_ARG(e.record.value));
    ks_reader_free(reader);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--help") == 0)
        return printf("usage: %s [NAME=VALUE...] < READINGS\n", argv[0]) < 0;
    int          seen = 0, count = 0;
    long long    at;
    char         sensor[64], state[64];
    ks_log      *log = ks_log_new("memory:processor", NULL);
    ks_writer   *writer = ks_log_writer(log, NULL);
    ks_topology *topology = watch(&seen);
    ks_config   *config = ks_config_new();

    for (int i = 0; i < 3; i++)
        ks_log_create_topic(log, (const char *[]){ "readings", "changes", "silent" }[i], 1, false);
    ks_config_set(config, "application.id", "processor-example");
    ks_config_set(config, "bootstrap.servers", "memory:processor");
    for (int i = 1; i < argc; i++)
        ks_config_set_pair(config, argv[i]);
    ks_app *app = ks_app_new(topology, config);

    while (scanf("%lld %63s %63s", &at, sensor, state) == 3)
        count += ks_writer_append_text(writer, "readings", sensor, state, at * 1000) == KS_OK;
    if (ks_writer_flush(writer, 1000) != KS_OK)
        count = 0;
    while (seen < count && ks_app_step(app, 10) == KS_OK) {}
    ks_status status = ks_app_close(app, -1);
    if (status != KS_OK)
        fprintf(stderr, "processor: %s\n", ks_error_message(ks_app_error(app)));
    print(log, "changes"), print(log, "silent");
    ks_app_clean_up(app), ks_app_free(app), ks_topology_free(topology), ks_config_free(config);
    ks_writer_free(writer), ks_log_free(log);
    return status != KS_OK;
}

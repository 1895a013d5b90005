/* SPDX-License-Identifier: Apache-2.0
 *
 * engine.c - see engine.h.
 */
#include "engine.h"

#include "base/clock.h"
#include "base/io.h"
#include "runtime/app.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEPS_LIMIT 20000 /* of ks_app_step(): far more than any program needs */
#define STEP_MS     7     /* that the clock moves per step */
#define QUIET_STEPS 40    /* with everything read and committed: it has worked everything off */

static void complain(struct engine *engine, const char *what, const ks_error *error)
{
    if (engine->complaint[0] == '\0')
        snprintf(engine->complaint, sizeof(engine->complaint), "%s: %s", what,
                 ks_error_message(error));
}

static ks_config *configuration(const struct engine *engine)
{
    ks_config *config = ks_config_new();

    ks_config_set(config, "statestore.cache.max.bytes", engine->caches ? "1MiB" : "0");
    ks_config_set(config, "state.map.bytes", "4MiB"); /* many are opened */
    ks_config_set(config, "__emit.interval.ms.kstreams.windowed.aggregation__", "0");
    ks_config_set(config, "__emit.interval.ms.kstreams.outer.join.spurious.results.fix__", "0");
    return config;
}

static ks_record record_of(const struct input *input)
{
    ks_record record = { .timestamp_ms = input->at_ms };

    if (input->key != 0)
        record.key = ks_bytes_of(&input->key, 1);
    if (input->value != 0)
        record.value = ks_bytes_of(&input->value, 1);
    return record;
}

static char *text_of(ks_bytes bytes)
{
    char *text = bytes.data != NULL ? malloc(bytes.size + 1) : NULL;

    if (text == NULL)
        return NULL;
    memcpy(text, bytes.data, bytes.size);
    text[bytes.size] = '\0';
    return text;
}

static void add_line(struct lines *out, int step, const ks_record *record)
{
    char *key = text_of(record->key), *value = text_of(record->value);

    lines_add(out, step, key, value, record->timestamp_ms);
    free(key);
    free(value);
}

/* ---- driver ---- */

static ks_driver *open_driver(struct engine *engine, const ks_topology *topology)
{
    ks_config *config = configuration(engine);
    ks_driver *driver = ks_driver_new(topology, config,
                                      engine->restart != RESTART_NEVER ? engine->directory : NULL);

    ks_config_free(config);
    return driver;
}

static void remove_state(struct engine *engine)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/0_0", engine->directory); /* of the one task */
    if (access(path, F_OK) != 0 || ks__io_remove_tree(path) != 0)
        complain(engine, "no state to remove", NULL);
}

static int cut_off(const char *path, const struct stat *found, int type, struct FTW *place)
{
    if (type == FTW_F && strcmp(path + place->base, "data.mdb") == 0)
        return truncate(path, found->st_size / 2);
    return 0;
}

static void damage_state(struct engine *engine)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/0_0", engine->directory);
    if (nftw(path, cut_off, 8, FTW_PHYS) != 0)
        complain(engine, "no state to damage", NULL);
}

void engine_drive(struct engine *engine, struct lines *out)
{
    const struct plan *plan     = engine->plan;
    struct random      random   = { .state = ~plan->seed };
    ks_topology       *topology = topology_of(plan);
    ks_driver         *driver   = open_driver(engine, topology);

    for (int i = 0; i < plan->input_count && engine->complaint[0] == '\0'; i++) {
        ks_record        record = record_of(&plan->inputs[i]);
        const ks_record *row;

        if (ks_driver_pipe(driver, plan->inputs[i].topic == 0 ? "a" : "b", &record) != KS_OK)
            complain(engine, "driver", ks_driver_error(driver));
        while ((row = ks_driver_read(driver, "out")) != NULL)
            add_line(out, i, row);
        if (engine->restart == RESTART_NEVER || !random_percent(&random, plan->restarts))
            continue;
        ks_driver_free(driver);
        if (engine->restart == RESTART_WITHOUT_STATE)
            remove_state(engine);
        if (engine->restart == RESTART_DAMAGED)
            damage_state(engine);
        driver = open_driver(engine, topology);
    }
    ks_driver_free(driver);
    ks_topology_free(topology);
}

/* ---- app ---- */

static ks_config *app_configuration(const struct engine *engine, const char *address)
{
    ks_config *config = configuration(engine);

    ks_config_set(config, "application.id", "property");
    ks_config_set(config, "bootstrap.servers", address);
    ks_config_set(config, "state.dir", engine->directory);
    ks_config_set(config, "commit.interval.ms", engine->caches ? "20" : "0");
    ks_config_set(config, "statestore.cache.flush", engine->caches ? "commit" : "batch");
    ks_config_set(config, "log.sync", "false");
    return config;
}

static void write_inputs(struct engine *engine, ks_log *log)
{
    const struct plan *plan   = engine->plan;
    ks_writer         *writer = ks_log_writer(log, NULL);

    for (int i = 0; i < plan->input_count; i++) {
        ks_record record = record_of(&plan->inputs[i]);

        if (ks_writer_append(writer, plan->inputs[i].topic == 0 ? "a" : "b",
                             engine->partitions == 1 ? 0 : -1, &record) != KS_OK)
            complain(engine, "append", ks_writer_error(writer));
    }
    if (ks_writer_flush(writer, 60000) != KS_OK)
        complain(engine, "flush", ks_writer_error(writer));
    ks_writer_free(writer);
}

/* Committed up to its end, or not there. */
static bool is_read(ks_log *log, const char *topic)
{
    for (int32_t p = 0; p < ks_log_partitions(log, topic); p++) {
        int64_t end = 0, at = 0;

        if (ks_log_end_offset(log, topic, p, &end) != KS_OK ||
            ks_log_committed(log, "property", topic, p, &at) != KS_OK || (end > 0 && at < end))
            return false;
    }
    return true;
}

/* All that goes through the app, in the order in which it does. */
static bool all_read(ks_log *log)
{
    static const char *const topics[] = {
        "a", "b", "property-key-repartition", "property-join-repartition",
        "property-join-left-repartition", "property-group-repartition",
        "property-fk-subscription-registration-topic", "property-fk-subscription-response-topic",
    };

    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
        if (!is_read(log, topics[i]))
            return false;
    return true;
}

/* The clock is moved by hand, so that a run is the same on every machine; main() sees that the
 * embedded log has no writer thread, which would go by another. */
static void step_until_done(struct engine *engine, ks_log *log, ks_app *app)
{
    struct ks__manual_clock clock;
    int                     quiet = 0, steps = 0;

    ks__manual_clock_init(&clock, INT64_C(1700000000000));
    ks__app_set_clock(app, &clock.clock);

    while (quiet < QUIET_STEPS && steps++ < STEPS_LIMIT) {
        if (ks_app_step(app, 0) != KS_OK) {
            complain(engine, "app", ks_app_error(app));
            return;
        }
        ks__manual_clock_advance(&clock, STEP_MS);
        quiet = all_read(log) ? quiet + 1 : 0;
    }
    if (quiet < QUIET_STEPS)
        complain(engine, "the app does not come to an end", ks_app_error(app));
    ks_app_stop(app);   /* the app has the clock until it is freed: it does nothing more then */
    for (int i = 0; i < STEPS_LIMIT && ks_app_get_state(app) != KS_APP_NOT_RUNNING; i++) {
        ks_app_step(app, 0);
        ks__manual_clock_advance(&clock, STEP_MS);
    }
    if (ks_app_get_state(app) != KS_APP_NOT_RUNNING)
        complain(engine, "the app does not stop", ks_app_error(app));
}

static void read_out(struct engine *engine, ks_log *log, struct lines *out)
{
    for (int32_t p = 0; p < engine->partitions; p++) {
        ks_reader *reader = ks_log_reader(log, NULL);
        ks_entry   entry;

        if (ks_reader_assign(reader, "out", p, 0) != KS_OK)
            complain(engine, "reader", ks_reader_error(reader));
        while (!ks_reader_at_end(reader) && ks_reader_next(reader, 60000, &entry))
            add_line(out, p, &entry.record);
        ks_reader_free(reader);
    }
}

void engine_step(struct engine *engine, struct lines *out)
{
    char         address[320];
    ks_topology *topology = topology_of(engine->plan);
    ks_config   *config;
    ks_log      *log;
    ks_app      *app;

    if (engine->log == ENGINE_MEMORY)
        snprintf(address, sizeof(address), "memory:%s", engine->directory);
    else
        snprintf(address, sizeof(address), "embedded:%s/log", engine->directory);
    config = app_configuration(engine, address);
    log    = ks_log_new(address, config);
    if (ks_log_create_topic(log, "a", engine->partitions, false) != KS_OK ||
        ks_log_create_topic(log, "b", engine->partitions, false) != KS_OK ||
        ks_log_create_topic(log, "out", engine->partitions, false) != KS_OK)
        complain(engine, "topics", ks_log_error(log));
    write_inputs(engine, log);
    app = ks_app_new(topology, config);
    if (engine->complaint[0] == '\0')
        step_until_done(engine, log, app);
    ks_app_free(app);
    read_out(engine, log, out);
    ks_config_free(config);
    ks_log_free(log);
    ks_topology_free(topology);
}

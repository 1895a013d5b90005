/* SPDX-License-Identifier: Apache-2.0
 *
 * run.c - see run.h.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "run.h"
#include "scratch.h"
#include "topics.h"
#include "topology.h"

enum {
    STEP_MS = 20,     /* of work between two looks at the condition                   */
    LOOK_MS = 5,      /* between two looks at an app that has its own threads         */
    WAIT_MS = 60000,  /* then something is wrong: nothing here takes so long          */
    CLOSE_MS = 30000,
};

static volatile sig_atomic_t was_signalled;

static void on_signal(int number)
{
    (void)number;
    was_signalled = 1;
}

void run_catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal };

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* --- Opening ---------------------------------------------------------------------------------- */

static bool make_topic(struct run *run, const char *topic, int partitions, bool compacted,
                       struct reason *reason)
{
    ks_status status = ks_log_create_topic(run->log, topic, partitions, compacted);
    int32_t   found;

    if (status != KS_OK && status != KS_EEXISTS)
        return reason_set(reason, "topic %s: %s", topic,
                          ks_error_message(ks_log_error(run->log)));
    found = ks_log_partitions(run->log, topic);
    return found == partitions ||
           reason_set(reason, "topic %s has %d partitions, not %d: give --partitions %d or another "
                      "--log", topic, found, partitions, found);
}

static bool make_topics(struct run *run, struct reason *reason)
{
    int partitions = run->options->partitions;

    return make_topic(run, TOPIC_WINES, partitions, false, reason) &&
           make_topic(run, TOPIC_MODELS, 1, false, reason) &&
           make_topic(run, TOPIC_ACCEPTED, 1, true, reason) &&
           make_topic(run, TOPIC_SCORES, partitions, false, reason) &&
           make_topic(run, TOPIC_ERRORS, partitions, false, reason);
}

static bool choose_state_dir(struct run *run, char *path, size_t size, struct reason *reason)
{
    const struct options *options = run->options;

    path[0] = '\0';
    if (options->state_dir != NULL)
        snprintf(path, size, "%s", options->state_dir);
    else if (options->log == LOG_EMBEDDED)
        snprintf(path, size, "%s/state", strchr(options->address, ':') + 1);
    else if (options->log == LOG_MEMORY)
        return scratch_make(path, size, reason) && snprintf(run->state_dir, size, "%s", path) > 0;
    return true;
}

/* What the command line says last wins over what the program would choose. */
static bool configure(struct run *run, ks_config *config, struct reason *reason)
{
    const struct options *options = run->options;
    char                  path[sizeof(run->state_dir)], threads[16];

    if (!choose_state_dir(run, path, sizeof(path), reason))
        return false;
    snprintf(threads, sizeof(threads), "%d", options->threads);
    ks_config_set(config, "application.id", options->application_id);
    ks_config_set(config, "bootstrap.servers", options->address);
    ks_config_set(config, "num.stream.threads", threads);
    ks_config_set(config, "processing.guarantee", "exactly_once_v2");
    if (run->is_stepped) /* it waits for a commit before and after every model */
        ks_config_set(config, "commit.interval.ms", "5");
    if (path[0] != '\0')
        ks_config_set(config, "state.dir", path);
    for (int i = 0; i < options->properties; i++)
        ks_config_set_pair(config, options->property[i]);
    return ks_error_status(ks_config_error(config)) == KS_OK ||
           reason_set(reason, "%s", ks_error_message(ks_config_error(config)));
}

static bool build(const struct options *options, ks_topology **topology, struct reason *reason)
{
    ks_builder *b = ks_builder_new();
    ks_status   status;

    if (options->engine == ENGINE_PROCESSOR)
        topology_processor(b);
    else
        topology_dsl(b);
    status = ks_builder_build(b, topology);
    ks_builder_free(b);
    return status == KS_OK ||
           reason_set(reason, "%s", ks_error_message(ks_topology_error(*topology)));
}

static bool start(struct run *run, const ks_topology *topology, const ks_config *config,
                  struct reason *reason)
{
    ks_status status;

    run->app = ks_app_new(topology, config);
    status = run->is_stepped ? ks_app_step(run->app, 0) : ks_app_start(run->app);
    return status == KS_OK ||
           reason_set(reason, "%s", ks_error_message(ks_app_error(run->app)));
}

bool run_open(struct run *run, const struct options *options, ks_topology **topology,
              struct reason *reason)
{
    ks_config *config = ks_config_new();
    bool       done;

    *run = (struct run){ .options = options,
                         .is_stepped = options->log == LOG_MEMORY && options->threads == 1 };
    done = build(options, topology, reason) && configure(run, config, reason);
    if (done) {
        run->log = ks_log_new(options->address, config);
        done = ks_error_status(ks_log_error(run->log)) == KS_OK ||
               reason_set(reason, "%s", ks_error_message(ks_log_error(run->log)));
    }
    done = done && make_topics(run, reason) && start(run, *topology, config, reason);
    ks_config_free(config);
    return done;
}

bool run_close(struct run *run, struct reason *reason)
{
    bool done = run->app == NULL || ks_app_close(run->app, CLOSE_MS) == KS_OK ||
                reason_set(reason, "%s", ks_error_message(ks_app_error(run->app)));

    ks_app_free(run->app);
    ks_log_free(run->log);
    if (run->state_dir[0] != '\0')
        scratch_remove(run->state_dir);
    *run = (struct run){ 0 };
    return done;
}

/* --- Waiting ---------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One step and, where that leaves nothing to do, a pause until there is. */
static bool let_work(struct run *run, struct reason *reason)
{
    struct pollfd wake = { .events = POLLIN };
    int           next_ms;

    if (!run->is_stepped) {
        poll(NULL, 0, LOOK_MS);
        return ks_app_get_state(run->app) != KS_APP_ERROR ||
               reason_set(reason, "%s", ks_error_message(ks_app_error(run->app)));
    }
    if (ks_app_step(run->app, STEP_MS) != KS_OK)
        return reason_set(reason, "%s", ks_error_message(ks_app_error(run->app)));
    wake.fd = ks_app_fd(run->app);
    next_ms = ks_app_next_ms(run->app);
    if (next_ms != 0)
        poll(&wake, 1, next_ms > 0 && next_ms < STEP_MS ? next_ms : STEP_MS);
    return true;
}

bool run_until(struct run *run, run_condition *holds, void *user, const char *what,
               struct reason *reason)
{
    int64_t give_up_ms = now_ms() + WAIT_MS;

    reason->text[0] = '\0';
    while (!holds(run, user, reason)) {
        if (reason->text[0] != '\0')
            return false;
        if (was_signalled)
            return reason_set(reason, "stopped by a signal while waiting for %s", what);
        if (now_ms() > give_up_ms)
            return reason_set(reason, "waited %d s for %s", WAIT_MS / 1000, what);
        if (!let_work(run, reason))
            return false;
    }
    return true;
}

bool run_has_processed(struct run *run, const char *topic)
{
    int32_t partitions = ks_log_partitions(run->log, topic);

    for (int32_t p = 0; p < partitions; p++) {
        int64_t end, committed;

        if (ks_log_end_offset(run->log, topic, p, &end) != KS_OK ||
            ks_log_committed(run->log, run->options->application_id, topic, p, &committed) != KS_OK)
            return false; /* perhaps a broker that is away for a moment */
        if (end > 0 && committed < end)
            return false;
    }
    return partitions > 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * driver_open.c - settings, log, topics, global tables, task, restore: the pieces of a driver.
 *
 * Opened on a directory that a driver left, or was killed in, everything goes on from there: the
 * embedded log holds the committed offsets and the changelogs, the state may be behind them and is
 * brought up to date as an app does it.
 */
#include "testing/driver.h"

#include "base/io.h"
#include "runtime/log_input.h"
#include "runtime/restore.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define APPLICATION "kstream-driver"

/* ---- settings ---- */

static ks_status preset(struct ks_config *config, const char *name, const char *value)
{
    const int row = ks__config_find(&ks__settings_table, name);

    if (ks__config_is_set(&config->values, (size_t)row))
        return KS_OK;
    return ks__config_set(&config->values, name, value);
}

/* The caller's properties with the driver's own defaults. The clock stands still between two calls,
 * so what is to outlive a kill is written at each commit. */
static ks_status read_settings(ks_driver *d, const ks_config *config, bool kept)
{
    struct ks_config copy;
    ks_status        status;

    status = config != NULL ? ks__config_copy(&copy.values, &config->values)
                            : ks__config_init(&copy.values, &ks__settings_table);
    if (status == KS_OK)
        status = preset(&copy, "statestore.cache.max.bytes", "0");
    if (status == KS_OK)
        status = preset(&copy, "processing.guarantee", "exactly_once_v2");
    if (status == KS_OK)
        status = preset(&copy, "application.id", APPLICATION);
    if (status == KS_OK && kept)
        status = preset(&copy, "state.flush.ms", "0");
    if (status == KS_OK)
        status = ks__settings_read(&d->settings, &copy, true, &d->error);
    ks__config_release(&copy.values);
    if (status != KS_OK && !ks__error_is_set(&d->error))
        ks__error_no_memory(&d->error, "the driver's settings");
    d->settings.max_task_idle_ms = -1; /* everything that exists has been drawn */
    return d->error.status;
}

/* ---- log ---- */

static ks_status take_directory(ks_driver *d, const char *directory)
{
    const char *root = getenv("TMPDIR");

    d->in_memory = directory == NULL;
    if (directory != NULL)
        d->directory = ks__strdup(directory);
    else
        d->directory = ks__format("%s/kstream-XXXXXX", root != NULL && root[0] != '\0' ? root
                                                                                       : "/tmp");
    d->group = ks__format("%s-driver", d->settings.application_id);
    if (d->directory == NULL || d->group == NULL)
        return ks__error_no_memory(&d->error, "the driver's directory");
    if (d->in_memory && mkdtemp(d->directory) == NULL) {
        ks__error_set_errno(&d->error, KS_EIO, errno, "no directory %s", d->directory);
        ks__free(d->directory);
        d->directory = NULL;
    } else if (!d->in_memory && ks__io_make_path(d->directory, 0700) != 0) {
        ks__error_set_errno(&d->error, errno == EACCES ? KS_EACCESS : KS_EIO, errno,
                            "no directory %s", d->directory);
    }
    return d->error.status;
}

static ks_status open_log(ks_driver *d)
{
    static atomic_uint          drivers;
    struct ks__cluster_options  options = { .clock = &d->clock.clock, .log = &d->log,
                                            .no_sync = true };
    char                       *address;

    if (d->in_memory)
        address = ks__format("memory:driver-%u", atomic_fetch_add(&drivers, 1));
    else
        address = ks__format("embedded:%s/log", d->directory);
    if (address == NULL)
        return ks__error_no_memory(&d->error, "the driver's log");
    ks__cluster_open(&d->cluster, address, &options, &d->error);
    ks__free(address);
    return d->error.status;
}

static ks_status open_sessions(ks_driver *d)
{
    const bool                 transactions = d->settings.guarantee == KS__EXACTLY_ONCE_V2;
    struct ks__session_options options = {
        .client_id        = d->settings.application_id,
        .group            = d->settings.application_id,
        .transactional_id = transactions ? d->group : NULL,
        .undelivered      = ks__production_undelivered,
        .undelivered_user = &d->production,
    };
    ks_status status;

    d->production.handlers = &d->handlers;
    d->production.settings = &d->settings;
    status = ks__session_open(&d->session, d->cluster, &options, &d->error);
    if (status == KS_OK)
        status = ks__session_open(&d->io, d->cluster, &(struct ks__session_options){
            .client_id = d->settings.application_id, .group = d->group }, &d->error);
    return status;
}

/* ---- topics ---- */

static ks_status make_topic(void *user, const char *name)
{
    ks_driver            *d    = user;
    struct ks__topic_spec spec = { .name = name, .partitions = 1, .retention_ms = -1 };
    ks_error              error = { .status = KS_OK };
    ks_status             status;

    status = ks__cluster_create(d->cluster, &spec, 1, -1, &error);
    return status == KS_EEXISTS ? KS_OK : status;
}

static ks_status make_users_topic(ks_driver *d, const struct ks__topic_ref *topic)
{
    ks_status status = KS_OK;

    if (topic->name != NULL && !topic->internal && topic->pattern == NULL)
        status = make_topic(d, topic->name);
    if (status != KS_OK)
        ks__error_set(&d->error, status, "topic %s cannot be made: %s", topic->name,
                      ks_status_text(status));
    return status;
}

static ks_status plan_topics(ks_driver *d)
{
    ks_status status;

    do
        status = ks__topics_plan(&d->topics, d->cluster, -1, &d->error);
    while (status == KS_EAGAIN);
    return status;
}

/* The topics of sources and sinks; then the internal ones as an app plans them. */
static ks_status make_topics(ks_driver *d)
{
    const struct ks__topic_ref letters = { .name = d->settings.dead_letter_topic };
    ks_status                  status = make_users_topic(d, &letters);

    for (size_t i = 0; i < d->topology->node_count && status == KS_OK; i++) {
        const struct ks__node        *node   = d->topology->nodes[i];
        const struct ks__source_args *source = node->args;
        const struct ks__sink_args   *sink   = node->args;

        if (node->kind == KS__NODE_SINK)
            status = make_users_topic(d, &sink->topic);
        for (size_t t = 0; node->kind == KS__NODE_SOURCE && t < source->topic_count; t++)
            if (status == KS_OK)
                status = make_users_topic(d, &source->topics[t]);
    }
    return status == KS_OK ? plan_topics(d) : status;
}

/* ---- global tables ---- */

static ks_status open_globals(ks_driver *d)
{
    ks_status status;

    status = ks__globals_open(&d->globals, &(struct ks__globals_options){
        .topology  = d->topology,
        .settings  = &d->settings,
        .handlers  = &d->handlers,
        .clock     = &d->clock.clock,
        .log       = &d->log,
        .cluster   = d->cluster,
        .directory = d->directory,
    }, &d->error);
    while (status == KS_OK && d->globals != NULL && !ks__globals_ready(d->globals)) {
        status = ks__globals_fill(d->globals, NULL, &d->error);
        if (status == KS_EAGAIN)
            status = KS_OK;
    }
    return status;
}

static struct ks_kv_store *global_store(void *user, const char *name, ks_error *error)
{
    ks_driver *d = user;

    return d->globals != NULL ? ks__global_view_store(&d->view, d->globals, name, error)
                              : NULL;
}

/* ---- task ---- */

static ks_status open_task(ks_driver *d)
{
    const size_t            count = d->topology->subtopology_count;
    int                    *all   = ks__zalloc_array(count + 1, sizeof(*all));
    char                   *home  = ks__format("%s/0_0", d->directory);
    struct ks__task_options options = {
        .topology          = d->topics.topology,
        .subtopologies     = all,
        .subtopology_count = count,
        .id                = "0_0",
        .directory         = home,
        .application_id    = d->settings.application_id,
        .settings          = &d->settings,
        .clock             = &d->clock.clock,
        .log               = &d->log,
        .session           = d->session,
        .commit            = &d->commit,
        .handlers          = &d->handlers,
        .global_store      = global_store,
        .global_user       = d,
        .wake              = &d->wake,
        .make_topic        = make_topic,
        .make_user         = d,
        .draws_ahead       = true,
    };
    ks_status status;

    if (d->wake.fd < 0 && ks__wake_init(&d->wake) != KS_OK)
        status = ks__error_set_errno(&d->error, KS_EIO, errno, "no descriptor for the driver");
    else if (all == NULL || home == NULL)
        status = ks__error_no_memory(&d->error, "the driver's task");
    else {
        for (size_t i = 0; i < count; i++)
            all[i] = (int)i;
        status = ks__task_open(&d->task, &options, &d->error);
    }
    ks__free(all);
    ks__free(home);
    return status;
}

static ks_status connect(ks_driver *d, const struct ks__restore *restore)
{
    for (size_t i = 0; i < ks__task_input_count(d->task); i++) {
        const int64_t position = ks__restore_input(restore, i);
        const char   *topic    = ks__task_input_topic(d->task, i);
        void         *input;
        ks_status     status;

        status = ks__log_input_open(&input, d->session, topic, 0, position);
        if (status != KS_OK)
            return ks__error_set(&d->error, status, "topic %s cannot be read from offset %lld: %s",
                                 topic, (long long)position, ks_status_text(status));
        ks__task_connect(d->task, i, &ks__log_input_class, input, position);
    }
    return KS_OK;
}

static ks_status restore(ks_driver *d)
{
    struct ks__restore_options options = { .task = d->task, .cluster = d->cluster,
                                           .session = d->io };
    struct ks__restore        *run     = NULL;
    ks_status                  status  = ks__restore_open(&run, &options, &d->error);

    while (status == KS_OK && (status = ks__restore_step(run, 0, &d->error)) == KS_EAGAIN)
        status = KS_OK;
    if (status == KS_OK)
        status = connect(d, run);
    ks__restore_close(run);
    return status;
}

ks_status ks__driver_open(ks_driver *d, const ks_config *config, const char *directory)
{
    ks_status status = read_settings(d, config, directory != NULL);

    ks__topics_init(&d->topics, d->topology, &d->settings);
    if (status == KS_OK)
        status = ks__settings_fit(&d->settings, d->topology, &d->error);
    if (status == KS_OK)
        status = take_directory(d, directory);
    if (status == KS_OK)
        status = ks__driver_load_clock(d);
    if (status == KS_OK)
        status = open_log(d);
    if (status == KS_OK)
        status = open_sessions(d);
    if (status == KS_OK)
        status = make_topics(d);
    if (status == KS_OK)
        status = open_globals(d);
    if (status == KS_OK)
        status = open_task(d);
    if (status == KS_OK)
        status = restore(d);
    if (status != KS_OK && !ks__error_is_set(&d->error))
        ks__error_set(&d->error, status, "the driver cannot be opened: %s", ks_status_text(status));
    return status;
}

ks_status ks__driver_match(ks_driver *d, const char *topic)
{
    ks_status status;

    if (ks__topics_partitions(&d->topics, topic) > 0)
        return KS_OK;
    status = make_topic(d, topic);
    if (status != KS_OK)
        return ks__error_set(&d->error, status, "topic %s cannot be made: %s", topic,
                             ks_status_text(status));
    ks__task_close(d->task, true);
    d->task = NULL;
    ks__commit_release(&d->commit);
    d->commit = (struct ks__commit){ .phase = KS__COMMIT_NONE };
    ks__topics_release(&d->topics);
    status = plan_topics(d);
    if (status == KS_OK)
        status = open_task(d);
    if (status == KS_OK)
        status = restore(d);
    d->dead = status != KS_OK;
    return status;
}

void ks__driver_close(ks_driver *d)
{
    if (!d->dead && !d->in_memory)
        ks__driver_keep_outputs(d);
    ks__driver_free_outputs(d);
    ks__task_close(d->task, !d->dead);
    ks__wake_release(&d->wake);
    ks__global_view_release(&d->view);
    ks__globals_close(d->globals, !d->dead);
    ks__commit_release(&d->commit);
    ks__topics_release(&d->topics);
    if (d->session != NULL)
        ks__session_close(d->session);
    if (d->io != NULL)
        ks__session_close(d->io);
    if (d->cluster != NULL)
        ks__cluster_close(d->cluster);
    if (d->in_memory && d->directory != NULL)
        ks__io_remove_tree(d->directory);
    ks__settings_release(&d->settings);
    ks__free(d->directory);
    ks__free(d->group);
}

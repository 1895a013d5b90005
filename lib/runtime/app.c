/* SPDX-License-Identifier: Apache-2.0
 *
 * app.c - the life of an app: new, run or step, stop, close, free.
 *
 * Not here: states and errors (app_state.c), what a thread does (thread.c), metrics, queries.
 */
#include "runtime/app.h"

#include "base/assert.h"
#include "runtime/global.h"
#include "runtime/portable.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- new and free ---- */

static atomic_uint next_serial;

static ks_status init_locks(struct ks_app *app)
{
    ks_status status = ks__mutex_init(&app->lock);

    if (status == KS_OK)
        status = ks__mutex_init(&app->state_lock);
    if (status == KS_OK)
        status = ks__mutex_init(&app->step_lock);
    if (status == KS_OK)
        status = ks__mutex_init(&app->tasks_lock);
    if (status == KS_OK)
        status = ks__condition_init(&app->ended);
    if (status == KS_OK)
        status = ks__condition_init(&app->served);
    return status;
}

/* Mistakes are kept until the start. */
static void read_parts(struct ks_app *app, const ks_topology *topology, const ks_config *config)
{
    ks_error error = { .status = KS_OK };

    ks__settings_read(&app->settings, config, false, &error);
    if (topology == NULL) {
        ks__error_clear(&error);
        ks__error_set(&error, KS_EINVAL, "an app needs a topology");
    } else {
        app->topology = ks__topology_ref(topology);
        if (ks__error_is_set(&topology->error))
            error = topology->error;
        else if (!ks__error_is_set(&error))
            ks__settings_fit(&app->settings, topology, &error);
    }
    if (ks__error_is_set(&error))
        ks__app_set_error(app, &error);
}

static bool make_threads(struct ks_app *app)
{
    int count = atomic_load(&app->has_error) ? 0 : app->settings.stream_threads;

    app->threads = ks__zalloc_array((size_t)count + 1, sizeof(*app->threads));
    if (app->threads == NULL)
        return false;
    for (; app->thread_count < count; app->thread_count++)
        if (ks__stream_thread_init(&app->threads[app->thread_count], app,
                                   app->thread_count + 1) != KS_OK) {
            ks_error error = { .status = KS_OK };

            ks__error_set(&error, KS_EIO, "no file descriptor is left");
            ks__app_set_error(app, &error);
            break;
        }
    return true;
}

ks_app *ks_app_new(const ks_topology *topology, const ks_config *config)
{
    struct ks_app *app = ks__zalloc(sizeof(*app));

    if (app == NULL)
        return NULL;
    app->clock  = ks__clock_real();
    app->forks  = ks__fork_count();
    app->serial = atomic_fetch_add(&next_serial, 1);
    atomic_store(&app->state, KS_APP_CREATED);
    if (init_locks(app) != KS_OK) {
        ks__free(app);
        return NULL;
    }
    read_parts(app, topology, config);
    if (!make_threads(app)) {
        ks_app_free(app);
        return NULL;
    }
    return app;
}

/* Others read the pointer under tasks_lock. */
static struct ks__globals *swap_globals(struct ks_app *app, struct ks__globals *globals)
{
    struct ks__globals *before;

    ks__mutex_lock(&app->tasks_lock);
    before       = app->globals;
    app->globals = globals;
    ks__mutex_unlock(&app->tasks_lock);
    return before;
}

static void close_log(struct ks_app *app, bool clean)
{
    ks__globals_close(swap_globals(app, NULL), clean);
    if (app->cluster != NULL)
        ks__cluster_close(app->cluster);
    app->cluster = NULL;
}

static bool is_own_thread(const struct ks_app *app);

void ks_app_free(ks_app *app)
{
    ks_status status;

    if (app == NULL || ks__is_forked(app->forks))
        return;                         /* in a child of fork(2) all of it is the parent's */
    ks__assert(!is_own_thread(app));    /* freed in a callback of its own */
    status = ks_app_close(app, -1);
    (void)status;                       /* what the app failed with, which goes with it */
    for (int i = 0; i < app->thread_count; i++)
        ks__stream_thread_release(&app->threads[i]);
    close_log(app, false);
    ks__app_free_refusals(app);
    ks_topology_free(app->topology);
    ks__settings_release(&app->settings);
    ks__free(app->threads);
    ks__free(app->properties);
    ks__free(app->directory);
    ks__condition_release(&app->served);
    ks__condition_release(&app->ended);
    ks__mutex_release(&app->tasks_lock);
    ks__mutex_release(&app->step_lock);
    ks__mutex_release(&app->state_lock);
    ks__mutex_release(&app->lock);
    ks__free(app);
}

void ks__app_set_clock(ks_app *app, const struct ks__clock *clock)
{
    app->clock = clock;
}

/* ---- start ---- */

/* The user's pairs, and what has a name of its own here but is the log's business; a pair of the
 * user comes last and counts. */
static ks_status list_properties(struct ks_app *app, ks_error *error)
{
    static char                session_name[] = "session.timeout.ms";
    static char                transaction_name[] = "transaction.timeout.ms";
    const struct ks__settings *settings = &app->settings;
    size_t                     n = 0;

    app->properties = ks__zalloc_array(settings->values.pair_count + 2, sizeof(*app->properties));
    if (app->properties == NULL)
        return ks__error_no_memory(error, "properties");
    if (settings->session_timeout_ms > 0) {
        snprintf(app->session_timeout, sizeof(app->session_timeout), "%" PRId64,
                 settings->session_timeout_ms);
        app->properties[n++] = (struct ks__config_pair){ 0, session_name,
                                                         app->session_timeout };
    }
    snprintf(app->transaction_timeout, sizeof(app->transaction_timeout), "%" PRId64,
             settings->transaction_timeout_ms);
    app->properties[n++] = (struct ks__config_pair){ 1, transaction_name,
                                                     app->transaction_timeout };
    for (size_t i = 0; i < settings->values.pair_count; i++)
        app->properties[n++] = settings->values.pairs[i];
    app->property_count = n;
    return KS_OK;
}

/* Of what internal topics are created with, the logs of one machine know the policy alone. */
static void tell_unused(const struct ks_app *app)
{
    const struct ks__config_values *values = &app->settings.values;
    const char                     *kind   = ks__cluster_kind(app->cluster);

    for (size_t i = 0; i < values->pair_count && strcmp(kind, "kafka") != 0; i++)
        if (values->pairs[i].prefix == KS__PREFIX_TOPIC &&
            strcmp(values->pairs[i].name, "cleanup.policy") != 0)
            KS__LOG_AT_WARN(&app->log, "runtime", "topic.%s is without effect on the %s log",
                            values->pairs[i].name, kind);
}

static ks_status open_cluster(struct ks_app *app, ks_error *error)
{
    struct ks__cluster_options options = { .clock          = app->clock,
                                           .log            = &app->log,
                                           .properties     = app->properties,
                                           .property_count = app->property_count,
                                           .suspect_ms     = app->settings.transaction_suspect_ms,
                                           .replication_factor = app->settings.replication_factor,
                                           .no_sync        = !app->settings.log_sync };
    char                      *address = ks__settings_address(&app->settings);
    ks_status                  status;

    if (address == NULL)
        return ks__error_no_memory(error, "address");
    status = ks__cluster_open(&app->cluster, address, &options, error);
    ks__free(address);
    if (status == KS_OK)
        tell_unused(app);
    return status;
}

static ks_status open_globals(struct ks_app *app, ks_error *error)
{
    struct ks__globals_options options = { .topology  = app->topology,
                                           .settings  = &app->settings,
                                           .handlers  = &app->handlers,
                                           .listener  = &app->restore_listener,
                                           .clock     = app->clock,
                                           .log       = &app->log,
                                           .cluster   = app->cluster,
                                           .directory = app->directory };

    struct ks__globals *globals;
    ks_status           status = ks__globals_open(&globals, &options, error);

    swap_globals(app, globals);
    return status;
}

static ks_status prepare_directories(struct ks_app *app, ks_error *error)
{
    ks_status status = ks__state_check_directory(app->settings.state_dir, error);

    if (status != KS_OK)
        return status;
    app->directory = ks__format("%s/%s", app->settings.state_dir, app->settings.application_id);
    if (app->directory == NULL)
        return ks__error_no_memory(error, "state directory");
    return ks__state_check_directory(app->directory, error);
}

/* Everything that can be known to be wrong before a thread runs. */
static ks_status open_app(struct ks_app *app)
{
    ks_error  error = { .status = KS_OK };
    ks_status status = prepare_directories(app, &error);

    if (status == KS_OK)
        status = list_properties(app, &error);
    if (status == KS_OK)
        status = open_cluster(app, &error);
    if (status == KS_OK)
        status = ks__check_portable(app->topology, ks__cluster_kind(app->cluster), &error);
    if (status == KS_OK)
        status = open_globals(app, &error);
    if (status == KS_OK) {
        ks__app_move(app, KS_APP_REBALANCING);
        return KS_OK;
    }
    close_log(app, false);
    ks__error_set(&error, status, "%s", ks_status_text(status));
    ks__app_set_error(app, &error);
    ks__app_move(app, KS_APP_PENDING_ERROR);
    ks__app_move(app, KS_APP_ERROR);
    return status;
}

/* Why an app cannot be started any more. */
static ks_status refuse_start(struct ks_app *app, const char *call, enum ks__app_mode before)
{
    switch (before) {
    case KS__APP_IDLE:
        return ks__app_refuse(app, KS_ESTATE, "%s: the app was closed", call);
    case KS__APP_THREADS:
        return ks__app_refuse(app, KS_ESTATE, "%s: the app was started already, on threads of its "
                              "own", call);
    case KS__APP_STEPPED:
        return ks__app_refuse(app, KS_ESTATE, "%s: the app is stepped by ks_app_step() already",
                              call);
    }
    ks__unreachable();
}

/* Choose how the app runs, once. KS_ESTATE: it does already, or was closed. */
static ks_status choose_mode(struct ks_app *app, enum ks__app_mode mode, const char *call)
{
    enum ks__app_mode before;
    ks_status status = KS_OK;

    if (atomic_load(&app->has_error))
        return ks_error_status(ks_app_error(app));
    ks__mutex_lock(&app->lock);
    before = (enum ks__app_mode)app->mode;
    if (before != KS__APP_IDLE || ks_app_get_state(app) != KS_APP_CREATED)
        status = KS_ESTATE;
    else {
        app->working = mode == KS__APP_STEPPED ? 1 : app->thread_count;
        app->alive   = app->working + (mode == KS__APP_THREADS);
        app->mode    = (int)mode;
    }
    ks__mutex_unlock(&app->lock);
    if (status == KS_ESTATE)
        return refuse_start(app, call, before);
    status = open_app(app);
    if (status != KS_OK)
        app->alive = 0;
    return status;
}

/* ---- threads ---- */

static void leave(struct ks_app *app)
{
    ks__mutex_lock(&app->lock);
    app->alive--;
    ks__condition_broadcast(&app->ended);
    ks__mutex_unlock(&app->lock);
}

/* The last one closes what they shared. */
void ks__app_thread_ended(struct ks_app *app)
{
    bool last;

    ks__mutex_lock(&app->lock);
    last = --app->working == 0;
    ks__mutex_unlock(&app->lock);
    if (last) {
        close_log(app, true);
        ks__app_move(app, ks_app_get_state(app) == KS_APP_PENDING_ERROR ? KS_APP_ERROR
                                                                        : KS_APP_NOT_RUNNING);
    }
    leave(app);
}

/* How long a thread of the app steps before it looks whether it shall sleep. */
#define STEP_MS 1000

static void thread_main(void *user)
{
    struct ks__stream_thread *thread = user;

    while (ks__stream_thread_step(thread, ks__stream_thread_now_ms(thread) + STEP_MS) !=
           KS__TURN_ENDED)
        ks__wake_wait(&thread->wake, ks__stream_thread_next_ms(thread));
    ks__app_thread_ended(thread->app);
}

ks_status ks_app_start(ks_app *app)
{
    ks_status status;
    int       started = 0;
    int       count;

    if (app == NULL)
        return KS_ENOMEM;
    status = choose_mode(app, KS__APP_THREADS, __func__);
    if (status != KS_OK)
        return status;
    count = app->thread_count;
    while (started < count && status == KS_OK) {
        status = ks__thread_start(&app->threads[started].os, "kstream", thread_main,
                                  &app->threads[started]);
        started += status == KS_OK;
    }
    if (status != KS_OK) {
        ks_error error = { .status = KS_OK };

        ks__error_set(&error, status, "cannot start thread %d", started + 1);
        ks__app_fail(app, &error);
        for (int i = started; i < count; i++)
            ks__app_thread_ended(app);
    }
    leave(app);     /* nobody joins a thread that is still being started */
    return status;
}

/* All have ended: give their resources back, once. */
static void reap(struct ks_app *app)
{
    bool mine;

    ks__mutex_lock(&app->lock);
    mine        = !app->reaped;
    app->reaped = true;
    ks__mutex_unlock(&app->lock);
    for (int i = 0; mine && i < app->thread_count; i++)
        ks__thread_join(&app->threads[i].os);
}

/* KS_ETIMEOUT; -1 = for ever. */
static ks_status wait_ended(struct ks_app *app, int timeout_ms)
{
    const struct ks__clock *clock = ks__clock_real();
    int64_t                 end = ks__clock_mono_ms(clock) + timeout_ms;
    ks_status               status = KS_OK;

    ks__mutex_lock(&app->lock);
    while (app->alive > 0 && status == KS_OK) {
        int64_t left = end - ks__clock_mono_ms(clock);

        if (timeout_ms < 0)
            ks__condition_wait(&app->ended, &app->lock);
        else if (left <= 0)
            status = KS_ETIMEOUT;
        else
            ks__condition_wait_for(&app->ended, &app->lock, left * INT64_C(1000000));
    }
    ks__mutex_unlock(&app->lock);
    if (status == KS_OK)
        reap(app);
    return status;
}

ks_status ks_app_run(ks_app *app)
{
    ks_status status = ks_app_start(app);

    if (app == NULL || status == KS_ESTATE)
        return status;
    wait_ended(app, -1);
    return ks_error_status(ks_app_error(app));
}

/* ---- steps ---- */

/* The steps that the calling thread is in, innermost first: a callback may step another app. */
struct stepping {
    const struct ks_app   *app;
    const struct stepping *outer;
};

static _Thread_local const struct stepping *stepping;

bool ks__app_is_stepped_here(const struct ks_app *app)
{
    for (const struct stepping *one = stepping; one != NULL; one = one->outer)
        if (one->app == app)
            return true;
    return false;
}

/* One step of the only thread. */
static void step(struct ks_app *app, int budget_ms)
{
    struct ks__stream_thread *thread = &app->threads[0];
    const struct stepping     here = { app, stepping };

    stepping = &here;
    if (ks__stream_thread_step(thread, ks__stream_thread_now_ms(thread) + budget_ms) ==
        KS__TURN_ENDED)
        ks__app_thread_ended(app);
    stepping = here.outer;
}

ks_status ks_app_step(ks_app *app, int budget_ms)
{
    ks_status status = KS_OK;

    if (app == NULL)
        return KS_ENOMEM;
    ks__mutex_lock(&app->step_lock);
    if (app->mode != KS__APP_STEPPED)
        status = choose_mode(app, KS__APP_STEPPED, __func__);
    if (status == KS_OK && app->alive > 0)
        step(app, budget_ms);
    ks__mutex_unlock(&app->step_lock);
    return status != KS_OK ? status : ks_error_status(ks_app_error(app));
}

int ks_app_fd(const ks_app *app)
{
    if (app == NULL || app->thread_count == 0 || ks_app_next_ms(app) < 0)
        return -1;
    return ks__wake_fd(&app->threads[0].wake);
}

int ks_app_next_ms(const ks_app *app)
{
    if (app == NULL || app->thread_count == 0)
        return -1;
    return ks__stream_thread_next_ms(&app->threads[0]);
}

/* ---- stop and close ---- */

void ks_app_stop(ks_app *app)
{
    if (app == NULL)
        return;
    atomic_store(&app->stopping, true);
    for (int i = 0; i < app->thread_count; i++)
        ks__wake_set(&app->threads[i].wake);
}

static bool is_own_thread(const struct ks_app *app)
{
    for (int i = 0; i < app->thread_count; i++)
        if (ks__thread_is_current(&app->threads[i].os))
            return true;
    return ks__app_is_stepped_here(app);
}

/* Step to the end. */
static ks_status step_out(struct ks_app *app, int timeout_ms)
{
    const struct ks__clock *clock = ks__clock_real();
    int64_t                 end = ks__clock_mono_ms(clock) + timeout_ms;

    for (;;) {
        int64_t left = end - ks__clock_mono_ms(clock);
        int64_t wait = ks_app_next_ms(app);

        (void)ks_app_step(app, 10);
        if (app->alive == 0)
            return KS_OK;
        if (timeout_ms >= 0 && left <= 0)
            return KS_ETIMEOUT;
        if (timeout_ms >= 0 && left < wait)
            wait = left;
        ks__wake_wait(&app->threads[0].wake, wait);
    }
}

/* Never started: nothing to wait for. */
static bool close_new(struct ks_app *app)
{
    bool is_new;

    ks__mutex_lock(&app->lock);
    is_new = app->mode == KS__APP_IDLE;
    ks__mutex_unlock(&app->lock);
    if (is_new) {
        ks__app_move(app, KS_APP_PENDING_SHUTDOWN);
        ks__app_move(app, KS_APP_NOT_RUNNING);
    }
    return is_new;
}

ks_status ks_app_close(ks_app *app, int timeout_ms)
{
    ks_status status;

    if (app == NULL)
        return KS_OK;
    if (ks__is_forked(app->forks))
        return KS_ESTATE;               /* no text: another thread may have had the lock */
    if (is_own_thread(app))
        return ks__app_refuse(app, KS_ESTATE, "%s: called in a callback of the app, which cannot "
                              "wait for itself; call ks_app_stop() there", __func__);
    ks_app_stop(app);
    if (close_new(app))
        return ks_error_status(ks_app_error(app));
    if (app->mode == KS__APP_STEPPED)
        status = step_out(app, timeout_ms);
    else
        status = wait_ended(app, timeout_ms);
    if (status == KS_ETIMEOUT)
        ks__app_refuse(app, status, "%s: not closed within %d ms; closing goes on", __func__,
                       timeout_ms);
    return status != KS_OK ? status : ks_error_status(ks_app_error(app));
}

void ks__app_abandon(ks_app *app)
{
    ks__assert(app->mode == KS__APP_STEPPED);
    if (app->alive == 0)
        return;
    ks__stream_thread_abandon(&app->threads[0]);
    close_log(app, false);
    ks__app_move(app, KS_APP_PENDING_SHUTDOWN);
    ks__app_move(app, KS_APP_NOT_RUNNING);
    app->alive = 0;
}

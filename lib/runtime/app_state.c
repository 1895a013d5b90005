/* SPDX-License-Identifier: Apache-2.0
 *
 * app_state.c - the state of an app and who hears of it; its error; its log lines.
 *
 * Threads: any.
 */
#include "base/assert.h"
#include "runtime/app.h"

#include <stdio.h>
#include <string.h>

/* ---- states ---- */

const char *ks_app_state_name(ks_app_state state)
{
    switch (state) {
    case KS_APP_CREATED:
        return "CREATED";
    case KS_APP_REBALANCING:
        return "REBALANCING";
    case KS_APP_RUNNING:
        return "RUNNING";
    case KS_APP_PENDING_SHUTDOWN:
        return "PENDING_SHUTDOWN";
    case KS_APP_NOT_RUNNING:
        return "NOT_RUNNING";
    case KS_APP_PENDING_ERROR:
        return "PENDING_ERROR";
    case KS_APP_ERROR:
        return "ERROR";
    }
    return "?";
}

#define BIT(state) (1u << (state))

/* Kafka Streams' KafkaStreams.State, and CREATED -> PENDING_ERROR for a start that fails. */
static const unsigned arrows[KS_APP_ERROR + 1] = {
    [KS_APP_CREATED]     = BIT(KS_APP_REBALANCING) | BIT(KS_APP_PENDING_SHUTDOWN) |
                           BIT(KS_APP_PENDING_ERROR),
    [KS_APP_REBALANCING] = BIT(KS_APP_RUNNING) | BIT(KS_APP_PENDING_SHUTDOWN) |
                           BIT(KS_APP_PENDING_ERROR),
    [KS_APP_RUNNING]     = BIT(KS_APP_REBALANCING) | BIT(KS_APP_PENDING_SHUTDOWN) |
                           BIT(KS_APP_PENDING_ERROR),
    [KS_APP_PENDING_SHUTDOWN] = BIT(KS_APP_NOT_RUNNING) | BIT(KS_APP_PENDING_ERROR),
    [KS_APP_PENDING_ERROR]    = BIT(KS_APP_ERROR),
};

ks_app_state ks_app_get_state(const ks_app *app)
{
    return app != NULL ? (ks_app_state)atomic_load(&app->state) : KS_APP_ERROR;
}

/* Under state_lock. */
static void move_locked(struct ks_app *app, ks_app_state to)
{
    ks_app_state from = ks_app_get_state(app);

    if ((arrows[from] & BIT(to)) == 0)
        return;
    atomic_store(&app->state, (int)to);
    KS__LOG_AT_INFO(&app->log, "runtime", "state %s -> %s", ks_app_state_name(from),
                    ks_app_state_name(to));
    if (app->listener != NULL)
        app->listener(app, to, from, app->listener_user);
}

void ks__app_move(struct ks_app *app, ks_app_state to)
{
    ks__mutex_lock(&app->state_lock);
    move_locked(app, to);
    ks__mutex_unlock(&app->state_lock);
}

int ks__app_active_threads(const struct ks_app *app)
{
    return app->mode == KS__APP_STEPPED ? 1 : app->thread_count;
}

void ks__app_refresh(struct ks_app *app)
{
    bool steady = true;

    ks__mutex_lock(&app->state_lock);
    for (int i = 0; i < ks__app_active_threads(app); i++)
        steady = steady && atomic_load(&app->threads[i].steady);
    move_locked(app, steady ? KS_APP_RUNNING : KS_APP_REBALANCING);
    ks__mutex_unlock(&app->state_lock);
}

/* ---- errors ---- */

void ks__app_set_error(struct ks_app *app, const ks_error *error)
{
    ks__mutex_lock(&app->lock);
    if (!atomic_load(&app->has_error)) {
        app->error = *error;
        atomic_store(&app->has_error, true);
    }
    ks__mutex_unlock(&app->lock);
}

void ks__app_fail(struct ks_app *app, const ks_error *error)
{
    ks__app_set_error(app, error);
    ks__app_move(app, KS_APP_PENDING_ERROR);
    ks_app_stop(app);
}

const ks_error *ks_app_error(const ks_app *app)
{
    static const ks_error no_memory = { .status = KS_ENOMEM, .message = "out of memory" };
    static const ks_error none = { .status = KS_OK };

    if (app == NULL)
        return &no_memory;
    return atomic_load(&app->has_error) ? &app->error : &none;
}

/* ---- before the start ---- */

/* KS_ESTATE once it was started. */
static ks_status still_new(ks_app *app, const char *call)
{
    bool is_new;

    if (app == NULL)
        return KS_ENOMEM;
    ks__mutex_lock(&app->lock);
    is_new = app->mode == KS__APP_IDLE;
    ks__mutex_unlock(&app->lock);
    return is_new ? KS_OK
                  : ks__app_refuse(app, KS_ESTATE, "%s: the app was started already", call);
}

ks_status ks_app_set_state_listener(ks_app *app, ks_state_fn *listener, void *user)
{
    ks_status status = still_new(app, __func__);

    if (status == KS_OK) {
        app->listener      = listener;
        app->listener_user = user;
    }
    return status;
}

ks_status ks_app_on_failure(ks_app *app, ks_failure_kind kind, ks_failure_fn *handler, void *user)
{
    ks_status status = still_new(app, __func__);

    if (status == KS_OK && (kind < KS_FAILURE_DESERIALIZATION || kind > KS_FAILURE_UNCAUGHT))
        status = ks__app_refuse(app, KS_EINVAL, "%s: %d is no kind of failure", __func__,
                                (int)kind);
    if (status == KS_OK)
        app->handlers.of[kind] = (struct ks__failure_handler){ handler, user };
    return status;
}

ks_status ks_app_set_restore_listener(ks_app *app, ks_restore_fn *listener, void *user)
{
    ks_status status = still_new(app, __func__);

    if (status == KS_OK)
        app->restore_listener = (struct ks__restore_listener){ listener, user };
    return status;
}

/* ---- log lines ---- */

/* "task node: text" into the stack; the end of a long one is cut. */
static void bridge(const struct ks__log_line *line, void *user)
{
    const struct ks_app *app = user;
    const char          *task = line->task != NULL ? line->task : "";
    const char          *node = line->node != NULL ? line->node : "";
    const char          *space = task[0] != '\0' && node[0] != '\0' ? " " : "";
    const char          *colon = task[0] != '\0' || node[0] != '\0' ? ": " : "";
    char                 message[1024];

    snprintf(message, sizeof(message), "%s%s%s%s%s", task, space, node, colon, line->text);
    app->logger((ks_log_level)line->level, line->room, message, app->logger_user);
}

_Static_assert((int)KS_LOG_ERROR == (int)KS__LOG_ERROR && (int)KS_LOG_DEBUG == (int)KS__LOG_DEBUG,
               "levels are the same inside and outside");

ks_status ks_app_set_logger(ks_app *app, ks_log_level level, ks_logger_fn *logger, void *user)
{
    ks_status status = still_new(app, __func__);

    if (status != KS_OK)
        return status;
    app->logger      = logger;
    app->logger_user = user;
    app->log         = (struct ks__log){ .fn = logger != NULL ? bridge : NULL, .user = app,
                                         .level = (enum ks__log_level)level };
    return KS_OK;
}

/* ---- pausing ---- */

void ks_app_pause(ks_app *app)
{
    if (app != NULL)
        atomic_store(&app->paused, true);
}

void ks_app_resume(ks_app *app)
{
    if (app == NULL)
        return;
    atomic_store(&app->paused, false);
    for (int i = 0; i < app->thread_count; i++)
        ks__wake_set(&app->threads[i].wake);
}

bool ks_app_is_paused(const ks_app *app)
{
    return app != NULL && atomic_load(&app->paused);
}

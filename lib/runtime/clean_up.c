/* SPDX-License-Identifier: Apache-2.0
 *
 * clean_up.c - removing the local state of an application.
 *
 * Only directories of tasks and global stores go: what a user, or the embedded log, keeps beside
 * them stays.
 */
#include "runtime/app.h"

#include "state/state.h"

static bool has_ended(const struct ks_app *app)
{
    const ks_app_state state = ks_app_get_state(app);

    return state == KS_APP_NOT_RUNNING || state == KS_APP_ERROR;
}

/* New or ended; and it stays so while the lock is held. */
static bool is_at_rest(const struct ks_app *app)
{
    if (atomic_load(&app->mode) == KS__APP_IDLE)
        return true;
    return has_ended(app) && atomic_load(&app->alive) == 0;
}

ks_status ks_app_clean_up(ks_app *app)
{
    ks_error  error = { .status = KS_OK };
    ks_status status;
    char     *directory;

    if (app == NULL)
        return KS_ENOMEM;
    if (app->settings.state_dir == NULL || app->settings.application_id == NULL)
        return ks__app_refuse(app, KS_ESTATE, "%s: the configuration does not say whose state: %s",
                              __func__, ks_error_message(ks_app_error(app)));
    directory = ks__format("%s/%s", app->settings.state_dir, app->settings.application_id);
    if (directory == NULL)
        return ks__app_refuse(app, KS_ENOMEM, "%s: no memory", __func__);
    ks__mutex_lock(&app->lock);
    status = is_at_rest(app) ? ks__state_remove_all(directory, &error) : KS_ESTATE;
    ks__mutex_unlock(&app->lock);
    ks__free(directory);
    if (status == KS_ESTATE)
        return ks__app_refuse(app, status, "%s: the app is %s; close it first", __func__,
                              ks_app_state_name(ks_app_get_state(app)));
    if (status != KS_OK)
        return ks__app_refuse(app, status, "%s: %s", __func__, ks_error_message(&error));
    return KS_OK;
}

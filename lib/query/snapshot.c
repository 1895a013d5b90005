/* SPDX-License-Identifier: Apache-2.0
 *
 * snapshot.c - one store of a running app, over all its tasks here, as one view.
 *
 *      committed   caller's thread: under tasks_lock a read transaction on the env of each task
 *      fresh       each owning thread, between two batches: the same and its memory layers
 *
 *      ks_snapshot = parts [partition 0] [partition 1] ...      rows come part after part
 *
 * Invariants
 *   Q1  A snapshot has a part of every task of the store that this instance owns, or there is none:
 *       while one of them is opened, restored or given back the answer is KS_EUNAVAILABLE.
 *   Q2  Nothing of a snapshot refers to the app: it may be freed first.
 *
 * Threads: opened by any; used by one at a time.
 */
#include "query/parts.h"

#include "base/assert.h"
#include "runtime/app.h"
#include "runtime/global.h"

#include <inttypes.h>
#include <string.h>

#define FRESH_TIMEOUT_MS 1000

/* ---- taking ---- */

/* What is collected, and by whom. */
struct taking {
    struct ks_app            *app;
    struct ks_snapshot       *snapshot;
    const char               *store;
    int                       home;     /* sub-topology */
    struct ks__stream_thread *thread;   /* whose tasks; NULL = all */
    const ks_queried         *queried;
    bool                      fresh;
    ks_status                 status;
    ks_error                  error;    /* may say more */
};

static ks_status add_part(struct ks_snapshot *snapshot, int32_t partition,
                          struct ks__snapshot *rows)
{
    size_t at;

    if (!KS__GROW(&snapshot->parts, &snapshot->capacity, snapshot->count + 1)) {
        ks__snapshot_free(rows);
        return KS_ENOMEM;
    }
    for (at = snapshot->count++; at > 0 && snapshot->parts[at - 1].partition > partition; at--)
        snapshot->parts[at] = snapshot->parts[at - 1];
    snapshot->parts[at] = (struct ks__part){ partition, rows };
    return KS_OK;
}

static ks_status take_task(struct taking *taking, const struct ks__owned_task *owned)
{
    struct ks__snapshot *rows;
    struct ks__state    *state;
    struct ks_kv_store  *store;
    ks_status            status;

    if (owned->phase != KS__OWNED_RUNNING)
        return KS_EUNAVAILABLE;
    state = ks__task_state(owned->task);
    store = state != NULL ? ks__state_find(state, taking->store) : NULL;
    if (store == NULL)
        return KS_ENOTFOUND;
    status = taking->fresh ? ks__snapshot_of_store(&rows, store, &taking->error)
                           : ks__snapshot_of_committed(&rows, store, &taking->error);
    return status == KS_OK ? add_part(taking->snapshot, owned->partition, rows) : status;
}

static bool is_wanted(const struct taking *taking, int32_t partition)
{
    const ks_queried *queried = taking->queried;

    if (queried == NULL || queried->partition_count == 0)
        return true;
    for (size_t i = 0; i < queried->partition_count; i++)
        if (queried->partitions[i] == partition)
            return true;
    return false;
}

/* Under tasks_lock. */
static void take_tasks(struct taking *taking)
{
    for (const struct ks__owned_task *owned = taking->app->tasks; owned != NULL;
         owned = owned->next)
        if (owned->subtopology == taking->home && taking->status == KS_OK &&
            is_wanted(taking, owned->partition) &&
            (taking->thread == NULL || owned->thread == taking->thread))
            taking->status = take_task(taking, owned);
}

static ks_status take_here(struct taking *taking)
{
    ks__mutex_lock(&taking->app->tasks_lock);
    take_tasks(taking);
    ks__mutex_unlock(&taking->app->tasks_lock);
    return taking->status;
}

static void serve(struct ks__stream_thread *thread, void *user)
{
    ks__assert(((struct taking *)user)->thread == thread);
    take_tasks(user);
}

/* ---- fresh ---- */

static bool has_tasks(struct taking *taking, const struct ks__stream_thread *thread)
{
    bool found = false;

    ks__mutex_lock(&taking->app->tasks_lock);
    for (const struct ks__owned_task *owned = taking->app->tasks; owned != NULL && !found;
         owned = owned->next)
        found = owned->thread == thread && owned->subtopology == taking->home;
    ks__mutex_unlock(&taking->app->tasks_lock);
    return found;
}

static ks_status take_from_threads(struct taking *taking, int64_t timeout_ms)
{
    struct ks_app *app = taking->app;

    for (int i = 0; i < app->thread_count && taking->status == KS_OK; i++) {
        struct ks__request request = { .run = serve, .user = taking };
        ks_status          status = KS_OK;

        taking->thread = &app->threads[i];
        if (!has_tasks(taking, taking->thread))
            continue;
        if (ks__thread_is_current(&taking->thread->os))
            take_here(taking);
        else
            status = ks__stream_thread_ask(taking->thread, &request, timeout_ms);
        if (status != KS_OK)
            return status;
    }
    return taking->status;
}

/* The app is stepped: between two steps nobody else has the tasks. */
static ks_status take_between_steps(struct taking *taking)
{
    struct ks_app *app = taking->app;

    if (ks__app_is_stepped_here(app))
        return take_here(taking);
    ks__mutex_lock(&app->step_lock);
    take_here(taking);
    ks__mutex_unlock(&app->step_lock);
    return taking->status;
}

/* ---- opening ---- */

static ks_status take_global(struct taking *taking)
{
    struct ks_app       *app = taking->app;
    struct ks__state    *state;
    struct ks__snapshot *rows;
    ks_status            status = KS_EUNAVAILABLE;

    ks__mutex_lock(&app->tasks_lock);
    state = app->globals != NULL ? ks__globals_state(app->globals) : NULL;
    if (state != NULL)
        status = ks__snapshot_of_env(&rows, ks__state_env(state), taking->store, &taking->error);
    ks__mutex_unlock(&app->tasks_lock);
    return status == KS_OK ? add_part(taking->snapshot, 0, rows) : status;
}

/* Q1 for chosen partitions: all of them are here. */
static bool lacks_partition(const struct taking *taking)
{
    const struct ks_snapshot *snapshot = taking->snapshot;

    for (size_t i = 0; taking->queried != NULL && i < taking->queried->partition_count; i++) {
        bool here = taking->home == -1; /* a global store has them all in one */

        for (size_t k = 0; k < snapshot->count && !here; k++)
            here = snapshot->parts[k].partition == taking->queried->partitions[i];
        if (!here)
            return true;
    }
    return false;
}

static ks_status take(struct taking *taking, int64_t timeout_ms)
{
    ks_status status;

    if (taking->home == -1)
        status = take_global(taking);
    else if (!taking->fresh)
        status = take_here(taking);
    else if (taking->app->mode == KS__APP_STEPPED)
        status = take_between_steps(taking);
    else
        status = take_from_threads(taking, timeout_ms);
    if (status == KS_OK && (taking->snapshot->count == 0 || lacks_partition(taking)))
        status = KS_EUNAVAILABLE;
    return status;
}

static ks_status refuse(const struct taking *taking, ks_status status, int64_t timeout_ms)
{
    struct ks_app *app = taking->app;
    const char    *store = taking->store;

    if (ks__error_is_set(&taking->error))
        return ks__app_refuse(app, status, "store \"%s\": %s", store,
                              ks_error_message(&taking->error));
    if (status == KS_EUNAVAILABLE)
        return ks__app_refuse(app, status, "store \"%s\" cannot be read now: the app is %s and has "
                              "no task of it here, or one that is not restored yet, or not one of "
                              "the partitions asked for", store,
                              ks_app_state_name(ks_app_get_state(app)));
    if (status == KS_ETYPE)
        return ks__app_refuse(app, status, "store \"%s\" is one of your own: nobody else can read "
                              "it", store);
    if (status == KS_ETIMEOUT)
        return ks__app_refuse(app, status, "store \"%s\": its threads did not answer within %"
                              PRId64 " ms; ask for committed rows, or raise "
                              "KS_QUERIED(.timeout_ms)", store, timeout_ms);
    return ks__app_refuse(app, status, "store \"%s\": %s", store, ks_status_text(status));
}

ks_status ks_app_snapshot(ks_app *app, const char *store, const ks_queried *queried,
                          ks_snapshot **out)
{
    struct taking                taking = { .app = app, .store = store };
    const struct ks__store_spec *spec;
    int64_t                      timeout_ms = FRESH_TIMEOUT_MS;
    ks_status                    status;

    if (out != NULL)
        *out = NULL;
    if (app == NULL)
        return KS_EINVAL;
    if (out == NULL || store == NULL)
        return ks__app_refuse(app, KS_EINVAL, "%s: needs %s, but it is NULL", __func__,
                              out == NULL ? "a place for the snapshot" : "a store");
    if (queried != NULL && queried->partition_count > 0 && queried->partitions == NULL)
        return ks__app_refuse(app, KS_EINVAL, "%s: a partition_count without partitions", __func__);
    if (queried != NULL && queried->struct_size == 0)
        return ks__app_refuse(app, KS_EINVAL, "%s: the options have struct_size 0; use a literal "
                              "macro or ks_options_init()", __func__);
    spec        = app->topology != NULL ? ks__topology_store(app->topology, store) : NULL;
    taking.home = spec != NULL ? ks__topology_store_home(app->topology, store) : -2;
    if (taking.home == -2)
        return ks__app_refuse(app, KS_ENOTFOUND, "%s: the topology has no store \"%s\"", __func__,
                              store);
    if (spec->kind == KS__STORE_USER)
        return refuse(&taking, KS_ETYPE, 0);
    if (queried != NULL && queried->timeout_ms > 0)
        timeout_ms = queried->timeout_ms;
    taking.fresh    = queried != NULL && queried->freshness == KS_FRESH;
    taking.queried  = queried;
    taking.snapshot = ks__zalloc(sizeof(*taking.snapshot));
    if (taking.snapshot == NULL)
        return KS_ENOMEM;
    taking.snapshot->kind = spec->kind;
    status = take(&taking, timeout_ms);
    if (status != KS_OK) {
        ks_snapshot_free(taking.snapshot);
        return refuse(&taking, status, timeout_ms);
    }
    *out = taking.snapshot;
    return KS_OK;
}

void ks_snapshot_free(ks_snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    ks__snapshot_free_walks(snapshot);
    for (size_t i = 0; i < snapshot->count; i++)
        ks__snapshot_free(snapshot->parts[i].rows);
    ks__free(snapshot->parts);
    ks__free(snapshot);
}

const ks_error *ks_snapshot_error(const ks_snapshot *snapshot)
{
    return snapshot != NULL ? &snapshot->error : NULL;
}

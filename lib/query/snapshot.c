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
#include "base/assert.h"
#include "runtime/app.h"
#include "runtime/global.h"
#include "state/iter.h"
#include "state/snapshot.h"

#include <kstream/query.h>

#include <inttypes.h>
#include <string.h>

#define FRESH_TIMEOUT_MS 1000

struct part {
    int32_t              partition;
    struct ks__snapshot *rows;
};

/* The rows of all parts. */
struct walk {
    struct ks_iter      iter;       /* first */
    struct walk        *next;       /* of the snapshot's */
    struct ks_snapshot *snapshot;
    size_t              part;       /* whose rows come now */
    ks_iter            *rows;
    ks_bytes            from, to;   /* copies behind this struct */
    ks_order            order;
};

struct ks_snapshot {
    struct part *parts;
    size_t       count, capacity;
    struct walk *walks;
    ks_error     error;
};

/* ---- taking ---- */

/* What is collected, and by whom. */
struct taking {
    struct ks_app            *app;
    struct ks_snapshot       *snapshot;
    const char               *store;
    int                       home;     /* sub-topology */
    struct ks__stream_thread *thread;   /* whose tasks; NULL = all */
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
    snapshot->parts[at] = (struct part){ partition, rows };
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
    if (ks__kv_spec(store)->kind != KS__STORE_KV)
        return KS_ETYPE;
    status = taking->fresh
                 ? ks__snapshot_of_store(&rows, store, &taking->error)
                 : ks__snapshot_of_env(&rows, ks__state_env(state), taking->store,
                                       &taking->error);
    return status == KS_OK ? add_part(taking->snapshot, owned->partition, rows) : status;
}

/* Under tasks_lock. */
static void take_tasks(struct taking *taking)
{
    for (const struct ks__owned_task *owned = taking->app->tasks; owned != NULL;
         owned = owned->next)
        if (owned->subtopology == taking->home && taking->status == KS_OK &&
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
    if (status == KS_OK && taking->snapshot->count == 0)
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
                              "no task of it here, or one that is not restored yet", store,
                              ks_app_state_name(ks_app_get_state(app)));
    if (status == KS_ETYPE)
        return ks__app_refuse(app, status, "store \"%s\" is no key-value store", store);
    if (status == KS_ETIMEOUT)
        return ks__app_refuse(app, status, "store \"%s\": its threads did not answer within %"
                              PRId64 " ms; ask for committed rows, or raise "
                              "KS_QUERIED(.timeout_ms)", store, timeout_ms);
    return ks__app_refuse(app, status, "store \"%s\": %s", store, ks_status_text(status));
}

ks_status ks_app_snapshot(ks_app *app, const char *store, const ks_queried *queried,
                          ks_snapshot **out)
{
    struct taking taking = { .app = app, .store = store };
    int64_t       timeout_ms = FRESH_TIMEOUT_MS;
    ks_status     status;

    if (out != NULL)
        *out = NULL;
    if (app == NULL)
        return KS_EINVAL;
    if (out == NULL || store == NULL)
        return ks__app_refuse(app, KS_EINVAL, "%s: needs %s, but it is NULL", __func__,
                              out == NULL ? "a place for the snapshot" : "a store");
    if (queried != NULL && queried->struct_size == 0)
        return ks__app_refuse(app, KS_EINVAL, "%s: the options have struct_size 0; use a literal "
                              "macro or ks_options_init()", __func__);
    taking.home = app->topology != NULL ? ks__topology_store_home(app->topology, store) : -2;
    if (taking.home == -2)
        return ks__app_refuse(app, KS_ENOTFOUND, "%s: the topology has no store \"%s\"", __func__,
                              store);
    if (queried != NULL && queried->timeout_ms > 0)
        timeout_ms = queried->timeout_ms;
    taking.fresh    = queried != NULL && queried->freshness == KS_FRESH;
    taking.snapshot = ks__zalloc(sizeof(*taking.snapshot));
    if (taking.snapshot == NULL)
        return KS_ENOMEM;
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
    while (snapshot->walks != NULL) {
        struct walk *walk = snapshot->walks;

        snapshot->walks = walk->next;
        ks_iter_close(&walk->iter);
        ks__free(walk);
    }
    for (size_t i = 0; i < snapshot->count; i++)
        ks__snapshot_free(snapshot->parts[i].rows);
    ks__free(snapshot->parts);
    ks__free(snapshot);
}

/* ---- reading ---- */

static void keep_error(struct ks_snapshot *snapshot, const struct ks__snapshot *rows)
{
    ks__error_copy(&snapshot->error, ks__snapshot_error(rows));
}

bool ks_snapshot_get(ks_snapshot *snapshot, ks_bytes key, ks_record *row)
{
    ks_record none = { .timestamp_ms = -1 };

    if (row == NULL)
        row = &none;
    *row = (ks_record){ .timestamp_ms = 0 };
    if (snapshot != NULL && key.data == NULL)
        ks__error_set(&snapshot->error, KS_EINVAL, "a key must not be null");
    if (snapshot == NULL || key.data == NULL)
        return false;
    for (size_t i = 0; i < snapshot->count; i++) {
        if (ks__snapshot_get(snapshot->parts[i].rows, key, row))
            return true;
        keep_error(snapshot, snapshot->parts[i].rows);
    }
    return false;
}

static bool walk_next(ks_iter *iter, ks_record *row)
{
    struct walk        *walk = (struct walk *)iter;
    struct ks_snapshot *snapshot = walk->snapshot;

    while (walk->part < snapshot->count) {
        struct ks__snapshot *rows = snapshot->parts[walk->part].rows;

        if (walk->rows == NULL)
            walk->rows = ks__snapshot_range(rows, walk->from, walk->to, walk->order);
        if (ks_iter_next(walk->rows, row))
            return true;
        keep_error(snapshot, rows);
        ks_iter_close(walk->rows);
        walk->rows = NULL;
        walk->part++;
    }
    return false;
}

static void walk_close(ks_iter *iter)
{
    struct walk *walk = (struct walk *)iter;

    ks_iter_close(walk->rows);
    walk->rows = NULL;
}

static const struct ks__iter_class walk_class = { .next = walk_next, .close = walk_close };

/* A copy of the bound behind the struct; null stays null. */
static ks_bytes keep_bound(unsigned char *at, ks_bytes bound)
{
    if (bound.data == NULL)
        return bound;
    if (bound.size > 0)
        memcpy(at, bound.data, bound.size);
    return (ks_bytes){ at, bound.size };
}

ks_iter *ks_snapshot_range(ks_snapshot *snapshot, ks_bytes from, ks_bytes to, ks_order order)
{
    size_t         more = (from.data != NULL ? from.size : 0) + (to.data != NULL ? to.size : 0);
    struct walk   *walk;
    unsigned char *behind;

    if (snapshot == NULL)
        return NULL;
    walk = ks__zalloc(sizeof(*walk) + more);
    if (walk == NULL) {
        ks__error_no_memory(&snapshot->error, "iterator");
        return NULL;
    }
    behind          = (unsigned char *)(walk + 1);
    walk->iter      = (struct ks_iter){ .class = &walk_class };
    walk->snapshot  = snapshot;
    walk->order     = order;
    walk->from      = keep_bound(behind, from);
    walk->to        = keep_bound(behind + (from.data != NULL ? from.size : 0), to);
    walk->next      = snapshot->walks;
    snapshot->walks = walk;
    return &walk->iter;
}

ks_iter *ks_snapshot_all(ks_snapshot *snapshot, ks_order order)
{
    return ks_snapshot_range(snapshot, KS_NULL, KS_NULL, order);
}

uint64_t ks_snapshot_count(ks_snapshot *snapshot)
{
    uint64_t count = 0;

    for (size_t i = 0; snapshot != NULL && i < snapshot->count; i++) {
        count += ks__snapshot_count(snapshot->parts[i].rows);
        keep_error(snapshot, snapshot->parts[i].rows);
    }
    return count;
}

const ks_error *ks_snapshot_error(const ks_snapshot *snapshot)
{
    return snapshot != NULL ? &snapshot->error : NULL;
}

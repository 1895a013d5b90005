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
#define LONGEST_PAUSE_MS 16

/* ---- taking ---- */

/* What is collected, and by whom. */
struct taking {
    struct ks_app            *app;
    struct ks_snapshot       *snapshot;
    const char               *store;
    const char               *topic;    /* of a global store */
    int                       home;     /* sub-topology */
    struct ks__stream_thread *thread;   /* whose tasks; NULL = all */
    ks_queried                queried;
    bool                      fresh;
    const ks_origin          *lacks;    /* of the records asked for; NULL = nothing */
    int64_t                   at;       /* which one it has instead; -1 = none */
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

/* What has been processed up to now, in place of what was written. */
static ks_status note_positions(struct ks__snapshot *rows, const struct ks__owned_task *owned)
{
    ks__snapshot_forget_positions(rows);
    for (size_t i = 0; i < ks__task_input_count(owned->task); i++) {
        const int64_t seen = ks__task_seen(owned->task, i);

        if (seen >= 0 && !ks__snapshot_add_position(rows, ks__task_input_topic(owned->task, i),
                                                    owned->partition, seen))
            return KS_ENOMEM;
    }
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
    if (status == KS_OK && taking->fresh)
        status = note_positions(rows, owned);
    if (status != KS_OK) {
        ks__snapshot_free(rows);
        return status;
    }
    return add_part(taking->snapshot, owned->partition, rows);
}

static bool is_wanted(const struct taking *taking, int32_t partition)
{
    const ks_queried *queried = &taking->queried;

    if (queried->partition_count == 0)
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

/* All positions of a global store are those of its topic. */
static ks_status name_topic(struct ks__snapshot *rows, const char *topic)
{
    const struct ks__snapshot_position *at = ks__snapshot_positions(rows);

    ks__snapshot_forget_positions(rows);
    for (; at != NULL; at = at->next)
        if (!ks__snapshot_add_position(rows, topic, at->partition, at->offset))
            return KS_ENOMEM;
    return KS_OK;
}

static ks_status take_global(struct taking *taking)
{
    struct ks_app       *app = taking->app;
    struct ks__state    *state;
    struct ks__snapshot *rows = NULL;
    ks_status            status = KS_EUNAVAILABLE;

    ks__mutex_lock(&app->tasks_lock);
    state = app->globals != NULL ? ks__globals_state(app->globals) : NULL;
    if (state != NULL)
        status = ks__snapshot_of_env(&rows, ks__state_env(state), taking->store, &taking->error);
    ks__mutex_unlock(&app->tasks_lock);
    if (status == KS_OK)
        status = name_topic(rows, taking->topic);
    if (status == KS_OK)
        return add_part(taking->snapshot, 0, rows);
    ks__snapshot_free(rows);
    return status;
}

/* Q1 for chosen partitions: all of them are here. */
static bool lacks_partition(const struct taking *taking)
{
    const struct ks_snapshot *snapshot = taking->snapshot;

    for (size_t i = 0; i < taking->queried.partition_count; i++) {
        bool here = taking->home == -1; /* a global store has them all in one */

        for (size_t k = 0; k < snapshot->count && !here; k++)
            here = snapshot->parts[k].partition == taking->queried.partitions[i];
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

/* ---- what must be in it ---- */

/* Is somebody else at work whom we may wait for? */
static bool may_wait(const struct ks_app *app)
{
    for (int i = 0; i < app->thread_count; i++)
        if (ks__thread_is_current(&app->threads[i].os))
            return false;
    return app->mode == KS__APP_THREADS;
}

static void pause_for(struct ks_app *app, int64_t ms)
{
    ks__mutex_lock(&app->tasks_lock);
    ks__condition_wait_for(&app->served, &app->tasks_lock, ms * INT64_C(1000000));
    ks__mutex_unlock(&app->tasks_lock);
}

/* What it lacks is kept as text for the refusal; the snapshot is gone then. */
static ks_status take_once(struct taking *taking, enum ks__store_kind kind, int64_t timeout_ms)
{
    const ks_origin *lacks;
    ks_status        status;

    taking->status   = KS_OK;
    taking->snapshot = ks__zalloc(sizeof(*taking->snapshot));
    if (taking->snapshot == NULL)
        return KS_ENOMEM;
    taking->snapshot->kind = kind;
    status = take(taking, timeout_ms);
    lacks  = status == KS_OK ? ks__snapshot_lacks(taking->snapshot, &taking->queried) : NULL;
    if (lacks != NULL)
        ks_snapshot_position(taking->snapshot, lacks->topic, lacks->partition, &taking->at);
    taking->lacks = lacks;
    if (status == KS_OK && lacks == NULL)
        return KS_OK;
    ks_snapshot_free(taking->snapshot);
    taking->snapshot = NULL;
    return status != KS_OK ? status : KS_EAGAIN;
}

/* Until it has seen what it must, or the time is over. */
static ks_status take_when_seen(struct taking *taking, enum ks__store_kind kind, int64_t timeout_ms)
{
    const struct ks__clock *clock = ks__clock_real();
    const int64_t           end   = ks__clock_mono_ms(clock) + timeout_ms;
    int64_t                 left  = timeout_ms;
    int64_t                 pause = 1;
    ks_status               status;

    while ((status = take_once(taking, kind, left)) == KS_EAGAIN) {
        left = end - ks__clock_mono_ms(clock);
        if (left <= 0 || !may_wait(taking->app))
            return KS_ETIMEOUT;
        pause_for(taking->app, pause < left ? pause : left);
        if (pause < LONGEST_PAUSE_MS)
            pause *= 2;
    }
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
    if (status == KS_ETIMEOUT && taking->lacks != NULL)
        return ks__app_refuse(app, status, "store \"%s\" has not seen record %s-%" PRId32
                              "@%" PRId64 " yet, but %" PRId64 " (-1: none of that partition); "
                              "raise KS_QUERIED(.timeout_ms), or step the app", store,
                              taking->lacks->topic, taking->lacks->partition,
                              taking->lacks->offset, taking->at);
    if (status == KS_ETIMEOUT)
        return ks__app_refuse(app, status, "store \"%s\": its threads did not answer within %"
                              PRId64 " ms; ask for committed rows, or raise "
                              "KS_QUERIED(.timeout_ms)", store, timeout_ms);
    return ks__app_refuse(app, status, "store \"%s\": %s", store, ks_status_text(status));
}

/* Copy as much as the caller knows of. */
static ks_status read_queried(ks_app *app, const ks_queried *given, ks_queried *queried)
{
    const char *function = "ks_app_snapshot";

    if (given == NULL)
        return KS_OK;
    memcpy(queried, given,
           given->struct_size < sizeof(*queried) ? given->struct_size : sizeof(*queried));
    if (given->struct_size == 0)
        return ks__app_refuse(app, KS_EINVAL, "%s: the options have struct_size 0; use a literal "
                              "macro or ks_options_init()", function);
    if (queried->partition_count > 0 && queried->partitions == NULL)
        return ks__app_refuse(app, KS_EINVAL, "%s: a partition_count without partitions", function);
    if (queried->seen_count > 0 && queried->seen == NULL)
        return ks__app_refuse(app, KS_EINVAL, "%s: a seen_count without records", function);
    for (size_t i = 0; i < queried->seen_count; i++)
        if (queried->seen[i].topic == NULL)
            return ks__app_refuse(app, KS_EINVAL, "%s: seen[%zu] has no topic", function, i);
    return KS_OK;
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
    status = read_queried(app, queried, &taking.queried);
    if (status != KS_OK)
        return status;
    spec        = app->topology != NULL ? ks__topology_store(app->topology, store) : NULL;
    taking.home = spec != NULL ? ks__topology_store_home(app->topology, store) : -2;
    if (taking.home == -2)
        return ks__app_refuse(app, KS_ENOTFOUND, "%s: the topology has no store \"%s\"", __func__,
                              store);
    if (spec->kind == KS__STORE_USER)
        return refuse(&taking, KS_ETYPE, 0);
    if (taking.queried.timeout_ms > 0)
        timeout_ms = taking.queried.timeout_ms;
    taking.fresh   = taking.queried.freshness == KS_FRESH;
    taking.topic   = spec->source_topic != NULL ? spec->source_topic : "";
    status         = take_when_seen(&taking, spec->kind, timeout_ms);
    if (status != KS_OK)
        return refuse(&taking, status, timeout_ms);
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

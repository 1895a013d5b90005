/* SPDX-License-Identifier: Apache-2.0
 *
 * driver.c - the public test driver: pipe, advance, look at stores.
 *
 *      each call: { draw, process ONE record, punctuate, commit } until all inputs are empty
 *
 * Not here: opening (driver_open.c), reading outputs (driver_read.c).
 * Threads: one.
 */
#include "testing/driver.h"

#include "runtime/user_store.h"
#include "serde/windowed_key.h"

#include <string.h>

ks_driver *ks_driver_new(const ks_topology *topology, const ks_config *config,
                         const char *directory)
{
    ks_driver *d = ks__zalloc(sizeof(*d));

    if (d == NULL)
        return NULL;
    ks__manual_clock_init(&d->clock, 0);
    d->forks   = ks__fork_count();
    d->wake.fd = -1;
    if (topology == NULL)
        ks__error_set(&d->error, KS_EINVAL, "a driver needs a topology");
    else if (ks_error_status(ks_topology_error(topology)) != KS_OK)
        ks__error_copy(&d->error, ks_topology_error(topology));
    else
        d->topology = ks__topology_ref(topology);
    if (d->topology != NULL)
        ks__driver_open(d, config, directory);
    d->dead = ks__error_is_set(&d->error);
    return d;
}

/* ---- work ---- */

static ks_status fail(ks_driver *d, const ks_error *why)
{
    if (!d->dead) {
        ks__error_clear(&d->error);
        ks__error_copy(&d->error, why);
        d->dead = true;
    }
    return d->error.status;
}

/* A call that the driver refuses and that changes nothing. */
#define REFUSE(d, ...) (ks__error_clear(&(d)->error), ks__error_set(&(d)->error, __VA_ARGS__))

static ks_status commit(ks_driver *d)
{
    ks_error  error  = { .status = KS_OK };
    ks_status status = ks__commit_run(&d->commit, d->session, &d->task, 1, &d->settings, false, -1,
                                      &error);

    if (status == KS_EAGAIN && d->commit.phase == KS__COMMIT_CACHES &&
        ks__task_pending(d->task) > 0)
        return KS_OK; /* it goes on when they have their answers */
    return status == KS_OK ? KS_OK : fail(d, &error);
}

/* Records for global tables are applied at once. */
static ks_status apply_globals(ks_driver *d)
{
    ks_error error = { .status = KS_OK };

    if (d->globals == NULL)
        return KS_OK;
    if (ks__globals_apply(d->globals, &error) != KS_OK ||
        ks__global_view_renew(&d->view, &error) != KS_OK)
        return fail(d, &error);
    return KS_OK;
}

static ks_status work_off(ks_driver *d)
{
    ks_status status = apply_globals(d);

    while (status == KS_OK) {
        size_t               processed = 0;
        enum ks__task_result result    = ks__task_process(d->task, 1, &processed);

        if (result == KS__TASK_FAILED)
            return fail(d, ks__task_error(d->task));
        ks__task_end_step(d->task);
        if (!ks__task_is_dirty(d->task) && processed == 0)
            break;
        status = commit(d);
        if (status == KS_OK)
            status = apply_globals(d);
        if (processed == 0 && ks__task_is_dirty(d->task))
            break; /* the commit waits for answers */
    }
    return status;
}

/* Every call that works begins here. */
static ks_status begin(ks_driver *d)
{
    if (d == NULL)
        return KS_ENOMEM;
    if (d->dead)
        return d->error.status;
    ks__error_clear(&d->error);
    return KS_OK;
}

/* ---- pipe ---- */

const struct ks__source_args *ks__driver_source_of(const ks_driver *d, const char *topic)
{
    const struct ks__topic_ref wanted = { .name = topic };

    for (size_t i = 0; i < d->topology->node_count; i++) {
        const struct ks__node        *node = d->topology->nodes[i];
        const struct ks__source_args *args = node->args;

        for (size_t t = 0; node->kind == KS__NODE_SOURCE && t < args->topic_count; t++)
            if (ks__topic_ref_means(&args->topics[t], &wanted))
                return args;
    }
    return NULL;
}

static ks_status append(ks_driver *d, const char *topic, const ks_record *record)
{
    struct ks__topic *handle = NULL;
    ks_status         status = ks__session_topic(d->io, topic, &handle, -1);

    if (status == KS_OK)
        status = ks__topic_append(handle, 0, record);
    if (status == KS_OK)
        status = ks__session_flush(d->io, -1);
    if (status != KS_OK)
        return REFUSE(d, status, "topic %s takes no record: %s", topic,
                      d->io->error.status != KS_OK ? d->io->error.message : ks_status_text(status));
    return KS_OK;
}

ks_status ks_driver_pipe(ks_driver *d, const char *topic, const ks_record *record)
{
    ks_status                     status = begin(d);
    const struct ks__source_args *source;
    struct ks__arena              arena = { .next = NULL };
    ks_record                     copy;

    if (status != KS_OK)
        return status;
    if (topic == NULL || record == NULL)
        return REFUSE(d, KS_EINVAL, "ks_driver_pipe() needs a topic and a record");
    source = ks__driver_source_of(d, topic);
    if (source == NULL)
        return REFUSE(d, KS_ENOTFOUND, "no source reads topic \"%s\"", topic);
    if (source->topics[0].pattern != NULL) {
        status = ks__task_is_dirty(d->task) ? commit(d) : KS_OK;
        if (status == KS_OK)
            status = ks__driver_match(d, topic);
        if (status != KS_OK)
            return status;
    }
    copy       = *record;
    d->started = true;
    if (ks__serde_is_windowed(source->key) && copy.window != NULL && copy.key.data != NULL &&
        (ks__arena_init(&arena, 0, 0) != KS_OK ||
         !ks__windowed_key_write(source->key, copy.key, copy.window, &arena, &copy.key)))
        status = ks__error_no_memory(&d->error, "a windowed key");
    copy.window = NULL;
    if (status == KS_OK)
        status = append(d, topic, &copy);
    ks__arena_release(&arena);
    return status == KS_OK ? work_off(d) : status;
}

ks_status ks_driver_pipe_text(ks_driver *d, const char *topic, const char *key, const char *value,
                              int64_t timestamp_ms)
{
    const ks_record record = { ks_bytes_text(key), ks_bytes_text(value), timestamp_ms, NULL, NULL };

    return ks_driver_pipe(d, topic, &record);
}

const char *ks_driver_produced_topic(ks_driver *d, size_t n)
{
    return d != NULL && d->task != NULL ? ks__task_produced_topic(d->task, n) : NULL;
}

/* ---- time ---- */

ks_status ks_driver_advance(ks_driver *d, int64_t by_ms)
{
    ks_status status = begin(d);

    if (status != KS_OK)
        return status;
    if (by_ms < 0)
        return REFUSE(d, KS_EINVAL, "the clock cannot advance by %lld ms", (long long)by_ms);
    d->started = true;
    ks__manual_clock_advance(&d->clock, by_ms);
    status = ks__driver_keep_clock(d);
    if (status != KS_OK)
        return status;
    if (!ks__task_punctuate(d->task))
        return fail(d, ks__task_error(d->task));
    status = commit(d);
    return status == KS_OK ? work_off(d) : status;
}

/* ---- answers ---- */

ks_status ks_driver_await(ks_driver *d, int64_t timeout_ms)
{
    const struct ks__clock *clock = ks__clock_real();
    ks_status               status = begin(d);
    int64_t                 end;

    if (status != KS_OK)
        return status;
    if (timeout_ms < 0)
        return REFUSE(d, KS_EINVAL, "cannot wait for %lld ms", (long long)timeout_ms);
    end = ks__clock_mono_ms(clock) + timeout_ms;
    for (;;) {
        const int64_t left = end - ks__clock_mono_ms(clock);

        ks__wake_drain(&d->wake);
        status = work_off(d);
        if (status != KS_OK || ks__task_pending(d->task) == 0)
            return status;
        if (left <= 0)
            return REFUSE(d, KS_ETIMEOUT, "%zu records wait for their answers",
                          ks__task_pending(d->task));
        ks__wake_wait(&d->wake, left);
    }
}

/* ---- looking in ---- */

static struct ks_kv_store *find_store(ks_driver *d, const char *name, enum ks__store_kind kind,
                                      const char *what)
{
    const struct ks__store_spec *spec;
    struct ks__state            *state;
    struct ks_kv_store          *store = NULL;

    if (begin(d) != KS_OK)
        return NULL;
    spec  = name != NULL ? ks__topology_store(d->topology, name) : NULL;
    state = ks__task_state(d->task);
    if (spec != NULL && spec->kind != kind)
        REFUSE(d, KS_ETYPE, "store \"%s\" is no %s", name, what);
    else if (spec != NULL && spec->global)
        store = ks__global_view_store(&d->view, d->globals, name, &d->error);
    else if (spec != NULL && state != NULL)
        store = ks__state_find(state, name);
    if (store == NULL && d->error.status == KS_OK)
        REFUSE(d, KS_ENOTFOUND, "there is no store \"%s\"", name != NULL ? name : "");
    return store;
}

ks_kv_store *ks_driver_kv_store(ks_driver *d, const char *name)
{
    return find_store(d, name, KS__STORE_KV, "key-value store");
}

ks_window_store *ks_driver_window_store(ks_driver *d, const char *name)
{
    return (ks_window_store *)find_store(d, name, KS__STORE_WINDOW, "window store");
}

ks_session_store *ks_driver_session_store(ks_driver *d, const char *name)
{
    return (ks_session_store *)find_store(d, name, KS__STORE_SESSION, "session store");
}

ks_versioned_store *ks_driver_versioned_store(ks_driver *d, const char *name)
{
    return (ks_versioned_store *)find_store(d, name, KS__STORE_VERSIONED, "versioned store");
}

void *ks_driver_user_store(ks_driver *d, const char *name)
{
    struct ks_store_ctx *own = NULL;

    if (begin(d) != KS_OK)
        return NULL;
    if (name != NULL && ks__topology_store(d->topology, name) != NULL)
        own = ks__task_user_store(d->task, name);
    if (own != NULL)
        return ks__user_store_self(own);
    if (name != NULL && ks__topology_store(d->topology, name) != NULL)
        REFUSE(d, KS_ETYPE, "store \"%s\" is no store of your own", name);
    else
        REFUSE(d, KS_ENOTFOUND, "there is no store \"%s\"", name != NULL ? name : "");
    return NULL;
}

const ks_error *ks_driver_error(const ks_driver *d)
{
    static const ks_error none = { .status = KS_ENOMEM, .message = "there is no driver" };

    if (d == NULL)
        return &none;
    if (!ks__error_is_set(&d->error) && d->task != NULL)
        return ks__task_error(d->task); /* a call of a store that was lent */
    return &d->error;
}

ks_status ks_driver_on_failure(ks_driver *d, ks_failure_kind kind, ks_failure_fn *handler,
                               void *user)
{
    ks_status status = begin(d);

    if (status != KS_OK)
        return status;
    if (kind < KS_FAILURE_DESERIALIZATION || kind > KS_FAILURE_UNCAUGHT)
        return REFUSE(d, KS_EINVAL, "%d is no kind of failure", (int)kind);
    if (d->started)
        return REFUSE(d, KS_ESTATE, "handlers are set before the first record");
    d->handlers.of[kind] = (struct ks__failure_handler){ handler, user };
    return KS_OK;
}

/* ---- end ---- */

void ks_driver_free(ks_driver *d)
{
    if (d == NULL || ks__is_forked(d->forks))
        return;
    if (!d->dead && ks__task_is_dirty(d->task))
        commit(d); /* what was put into lent stores */
    ks__driver_close(d);
    ks_topology_free(d->topology);
    ks__free(d);
}

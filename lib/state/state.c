/* SPDX-License-Identifier: Apache-2.0
 *
 * state.c - the state of a task: open and close, the record's end, seal, drop and write.
 *
 *      directory check -> env (lock, gate) -> meta database -> stores, as the task asks for them
 *
 * The env is opened so that snapshots of this process may go on reading it after the state was
 * closed; it has one owner, and a registry of our own makes sure that only one state writes (T4).
 *
 * Not here: layers of one store (layers.c), caches (cache.c), restore (restore.c).
 */
#include "state/expiry.h"
#include "state/lru.h"
#include "state/ring.h"

#include "base/assert.h"
#include "base/thread.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define FORMAT    1u        /* of keys and rows, see row.h */
#define DATABASES 256u      /* at least; they cost a transaction 16 KiB of address space */
#define MARK      "opened"  /* the number that tells a state from an emptied env */

static struct ks__mutex  registry = KS__MUTEX_INIT;
static struct ks__state *states;    /* open ones, guarded by `registry` */

/* ---- registry ---- */

static ks_status enlist(struct ks__state *state, ks_error *error)
{
    ks_status status = KS_OK;

    ks__mutex_lock(&registry);
    for (const struct ks__state *other = states; other != NULL; other = other->next)
        if (other->env == state->env)
            status = KS_EBUSY;
    if (status == KS_OK) {
        state->next = states;
        states      = state;
    }
    ks__mutex_unlock(&registry);
    if (status != KS_OK)
        ks__error_set(error, status, "state directory %s is in use by another task of this process",
                      ks__env_directory(state->env));
    return status;
}

static void delist(const struct ks__state *state)
{
    ks__mutex_lock(&registry);
    for (struct ks__state **link = &states; *link != NULL; link = &(*link)->next)
        if (*link == state) {
            *link = state->next;
            break;
        }
    ks__mutex_unlock(&registry);
}

/* ---- open ---- */

static ks_status open_env(struct ks__state *state, const struct ks__state_options *options,
                          ks_error *error)
{
    /* LMDB sets up that many with every transaction, so it is no larger than it must be. */
    const size_t           databases = 2 + options->stores * KS__RING_SLOTS;
    struct ks__env_options env = {
        .map_bytes        = options->map_bytes,
        .max_databases    = databases > DATABASES ? (unsigned)databases : DATABASES,
        .format           = FORMAT,
        .topology_hash    = options->topology_hash,
        .no_sync          = true,
        .share_in_process = true,   /* with snapshots */
        .owner            = true,
        .log              = options->log,
    };
    ks_error  found  = { .status = KS_OK };
    ks_status status = ks__env_open(&state->env, options->directory, &env, &found);

    if (status == KS_OK)
        return KS_OK;
    if (status == KS_ESTATE)    /* open in this process, for something else */
        found.status = status = KS_EBUSY;
    if (found.cause == ENOMEM)
        ks__error_prefix(&found, "no address space is left: each task maps up to state.map.bytes "
                                 "(%" PRIu64 " MiB here), which may be set to less: ",
                         options->map_bytes >> 20);
    ks__error_copy(error, &found);
    return status;
}

/* Is the mark there? The transaction is not kept: it reports to an error that dies here. */
static ks_status find_mark(struct ks__state *state, bool *found, ks_error *error)
{
    ks_error failure = { .status = KS_OK };

    state->reading.error = &failure;
    *found               = ks__state_number(state, MARK, 0) != 0;
    ks__reading_end(&state->reading);
    state->reading.error = state->host->error;
    ks__error_copy(error, &failure);
    return failure.status;
}

/* Everything is read from the log again after an env was emptied, whoever emptied it: the mark
 * went with the rest. */
static ks_status mark_opened(struct ks__state *state, ks_error *error)
{
    struct ks__txn *txn;
    bool            found;
    ks_status       status = find_mark(state, &found, error);

    state->is_new = !found;
    if (status != KS_OK || found)
        return status;
    status = ks__txn_begin_write(state->env, &txn, error);
    if (status != KS_OK)
        return status;
    status = ks__meta_write_number(state, txn, MARK, 1, error);
    if (status == KS_OK)
        return ks__txn_commit(txn);
    ks__txn_abort(txn);
    return status;
}

static void state_free(struct ks__state *state)
{
    for (size_t i = 0; i < state->store_count; i++) {
        ks__ring_free(state->stores[i]);
        ks__expiry_free(state->stores[i]);
        ks__lru_free(state->stores[i]);
        ks__kv_release(state->stores[i]);
        ks__free(state->stores[i]);
    }
    if (state->numbers != NULL)
        ks__kv_release(state->numbers);
    ks__free(state->numbers);
    ks__free(state->stores);
    ks__buffer_release(&state->scratch);
    ks__free(state);
}

static ks_status open_parts(struct ks__state *state, const struct ks__state_options *options,
                            ks_error *error)
{
    ks_status status = ks__state_check_directory(options->directory, error);

    if (status == KS_OK)
        status = open_env(state, options, error);
    if (status != KS_OK)
        return status;
    state->reading.env = state->env;
    status             = enlist(state, error);
    if (status != KS_OK)
        return status;
    status = ks__meta_open(state, error);
    if (status == KS_OK)
        status = mark_opened(state, error);
    if (status != KS_OK) {
        ks__reading_end(&state->reading);
        delist(state);
    }
    return status;
}

ks_status ks__state_open(struct ks__state **out, const struct ks__state_options *options,
                         ks_error *error)
{
    struct ks__state *state = ks__zalloc(sizeof(*state));
    ks_status         status;

    *out = NULL;
    if (state == NULL)
        return ks__error_no_memory(error, "the state of a task");
    state->host    = options->host;
    state->log     = options->log;
    state->caches  = options->caches;
    state->kafka_retention = options->kafka_retention;
    state->reading = (struct ks__reading){
        .error = options->host->error, .arena = options->host->arena, .generation = 1
    };
    status = open_parts(state, options, error);
    if (status != KS_OK) {
        ks__env_disown(state->env);
        ks__env_close(state->env, NULL);
        state_free(state);
        return status;
    }
    *out = state;
    return KS_OK;
}

bool ks__state_is_new(const struct ks__state *state)
{
    return state->is_new;
}

struct ks__env *ks__state_env(const struct ks__state *state)
{
    return state->env;
}

/* ---- stores ---- */

ks_status ks__state_database(struct ks__env *env, const char *store, unsigned *db, ks_error *error)
{
    char     *name = ks__format("store/%s", store);
    ks_status status;

    if (name == NULL)
        return ks__error_no_memory(error, store);
    status = ks__env_database(env, name, db, error);
    ks__free(name);
    return status;
}

/* The databases of a store. */
static ks_status open_databases(struct ks_kv_store *store, struct ks_kv_store *owner,
                                ks_error *error)
{
    struct ks__state *state = store->state;

    if (store->spec->kind == KS__STORE_WINDOW || store->spec->kind == KS__STORE_SESSION)
        return ks__ring_open(store, state->env, owner,
                             state->kafka_retention && !store->spec->owed, error);
    return ks__state_database(state->env, store->spec->name, &store->dbs[0], error);
}

/* Open a store, or the index of `owner`. */
static ks_status open_store(struct ks__state *state, const struct ks__store_spec *spec,
                            struct ks_kv_store *owner, struct ks_kv_store **out, ks_error *error)
{
    struct ks_kv_store *store;
    ks_status           status;

    *out = NULL;
    if (ks__state_find(state, spec->name) != NULL)
        return ks__error_set(error, KS_EEXISTS, "store \"%s\" is open already", spec->name);
    store = ks__alloc(sizeof(*store));
    if (store == NULL ||
        !KS__GROW(&state->stores, &state->store_capacity, state->store_count + 1)) {
        ks__free(store);
        return ks__error_no_memory(error, spec->name);
    }
    ks__kv_init(store, spec, &state->reading);
    store->state  = state;
    store->cached = spec->cache && state->caches;
    status        = open_databases(store, owner, error);
    if (status != KS_OK) {
        ks__ring_free(store);
        ks__free(store);
        return status;
    }
    ks__reading_renew(&state->reading);     /* an older transaction does not know the database */
    state->stores[state->store_count++] = store;
    *out                                = store;
    return KS_OK;
}

ks_status ks__state_kv(struct ks__state *state, const struct ks__store_spec *spec,
                       struct ks_kv_store **out, ks_error *error)
{
    struct ks_kv_store *store;
    ks_status           status = open_store(state, spec, NULL, &store, error);

    *out = NULL;
    if (status == KS_OK && spec->by_time)
        status = open_store(state, &store->ring->index_spec, store, &store->ring->index, error);
    if (status == KS_OK)
        status = ks__expiry_open(store, error);
    if (status == KS_OK && store->expiry != NULL)
        status = open_store(state, &store->expiry->index_spec, NULL, &store->expiry->index, error);
    if (status == KS_OK)
        status = ks__lru_open(store, error);
    if (status == KS_OK && store->lru != NULL)
        status = open_store(state, &store->lru->uses_spec, NULL, &store->lru->uses, error);
    if (status == KS_OK && store->lru != NULL)
        status = open_store(state, &store->lru->order_spec, NULL, &store->lru->order, error);
    if (status == KS_OK)
        *out = store;
    return status;
}

struct ks_kv_store *ks__state_find(struct ks__state *state, const char *name)
{
    for (size_t i = 0; i < state->store_count; i++)
        if (strcmp(state->stores[i]->spec->name, name) == 0)
            return state->stores[i];
    return NULL;
}

/* ---- records and commits ---- */

void ks__state_end_record(struct ks__state *state)
{
    if (state->reading.iterators != NULL)
        ks__reading_end_record(&state->reading);
    while (state->touched != NULL) {
        struct ks_kv_store *store = state->touched;

        state->touched = store->next_touched;
        store->touched = false;
        ks__map_purge(&store->rows);
    }
}

ks_status ks__state_seal(struct ks__state *state, ks_error *error)
{
    for (size_t i = 0; i < state->store_count; i++) {
        ks__ring_keep(state->stores[i]);
        ks__expiry_keep(state->stores[i]);
    }
    ks__state_end_record(state);
    if (ks__state_has_cached(state))
        return ks__error_set(error, KS_ESTATE, "the caches were not flushed before the commit");
    for (size_t i = 0; i < state->store_count; i++)
        ks__layers_seal(state->stores[i]);
    ks__layers_seal(state->numbers);
    return KS_OK;
}

void ks__state_drop(struct ks__state *state)
{
    ks__state_end_record(state);
    for (size_t i = 0; i < state->store_count; i++) {
        ks__layers_drop(state->stores[i]);
        ks__ring_forget(state->stores[i]);
        ks__expiry_forget(state->stores[i]);
        ks__lru_forget(state->stores[i]);
    }
    ks__layers_drop(state->numbers);
}

static ks_status write_layers(struct ks__state *state, struct ks__txn *txn, ks_error *error)
{
    ks_status status = KS_OK;

    for (size_t i = 0; i < state->store_count && status == KS_OK; i++)
        status = ks__layers_write(state->stores[i], txn, error);
    return status == KS_OK ? ks__layers_write(state->numbers, txn, error) : status;
}

ks_status ks__state_write(struct ks__state *state, ks_error *error)
{
    struct ks__txn *txn;
    ks_status       status;

    if (ks__state_sealed_bytes(state) == 0)
        return KS_OK;
    ks__state_end_record(state);
    status = ks__txn_begin_write(state->env, &txn, error);
    if (status != KS_OK)
        return status;
    status = write_layers(state, txn, error);
    for (size_t i = 0; i < state->store_count && status == KS_OK; i++)
        status = ks__ring_sweep(state->stores[i], txn, error);
    if (status != KS_OK) {
        ks__txn_abort(txn);
        return status;
    }
    status = ks__txn_commit(txn);
    if (status != KS_OK)
        return status;
    for (size_t i = 0; i < state->store_count; i++)
        ks__layers_written(state->stores[i]);
    ks__layers_written(state->numbers);
    ks__layers_trim(state->numbers, 0); /* some numbers are also written past the layers */
    ks__reading_renew(&state->reading);
    return KS_OK;
}

void ks__state_trim(struct ks__state *state, size_t keep_bytes)
{
    size_t used = 0;

    for (size_t i = 0; i < state->store_count; i++)
        used += ks__map_used_bytes(&state->stores[i]->rows);
    if (used <= keep_bytes)
        return;
    ks__state_end_record(state);
    for (size_t i = 0; i < state->store_count; i++)
        ks__layers_trim(state->stores[i], 0);
}

size_t ks__state_open_bytes(const struct ks__state *state)
{
    size_t bytes = state->numbers->open_bytes;

    for (size_t i = 0; i < state->store_count; i++)
        bytes += state->stores[i]->open_bytes;
    return bytes;
}

size_t ks__state_sealed_bytes(const struct ks__state *state)
{
    size_t bytes = state->numbers->sealed_bytes;

    for (size_t i = 0; i < state->store_count; i++)
        bytes += state->stores[i]->sealed_bytes;
    return bytes;
}

/* ---- close ---- */

ks_status ks__state_close(struct ks__state *state, ks_error *error)
{
    ks_status status, closed;

    if (state == NULL)
        return KS_OK;
    ks__state_end_record(state);
    status = ks__state_write(state, error);
    ks__reading_end(&state->reading);
    delist(state);
    ks__env_disown(state->env);
    closed = ks__env_close(state->env, error);
    state_free(state);
    return status != KS_OK ? status : closed;
}

void ks__state_abandon(struct ks__state *state)
{
    if (state == NULL)
        return;
    delist(state);
    ks__env_abandon(state->env);
    ks__reading_end(&state->reading);
    ks__env_close(state->env, NULL);
    state_free(state);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * snapshot.c - see snapshot.h.
 *
 * A snapshot is a store handle that cannot be written: its transaction, arena and error are its
 * own, and a fresh one has the rows of the memory layers in its committed map.
 */
#include "state/snapshot.h"

#include "state/expiry.h"
#include "state/ring.h"

#include <stdio.h>
#include <string.h>

struct ks__snapshot {
    struct ks_kv_store    store;
    struct ks__store_spec spec;         /* without serdes: they are not the snapshot's */
    struct ks__reading    reading;
    struct ks__arena      arena;        /* never reset: rows live as long as the snapshot */
    struct ks__env       *own_env;      /* opened for the snapshot alone */
    char                 *name;
    ks_error              error;
    struct ks__snapshot_position *positions;
};

/* ---- make ---- */

/* `like` NULL = a key-value store. */
static struct ks__snapshot *snapshot_new(const char *store, const struct ks__store_spec *like,
                                         ks_error *error)
{
    struct ks__snapshot *snapshot = ks__zalloc(sizeof(*snapshot));

    if (snapshot == NULL) {
        ks__error_no_memory(error, "a snapshot");
        return NULL;
    }
    snapshot->spec    = (struct ks__store_spec){ .kind = KS__STORE_KV };
    if (like != NULL)
        snapshot->spec = (struct ks__store_spec){ .kind         = like->kind,
                                                  .history_ms   = like->history_ms,
                                                  .retention_ms = like->retention_ms,
                                                  .keep_ms      = like->keep_ms,
                                                  .window_ms    = like->window_ms,
                                                  .duplicates   = like->duplicates,
                                                  .by_time      = like->by_time,
                                                  .holders      = like->holders };
    snapshot->reading = (struct ks__reading){ .arena = &snapshot->arena, .generation = 1 };
    ks__kv_init(&snapshot->store, &snapshot->spec, &snapshot->reading);
    snapshot->name      = ks__strdup(store);
    snapshot->spec.name = snapshot->name;
    if (snapshot->name == NULL || ks__arena_init(&snapshot->arena, 0, 0) != KS_OK) {
        ks__error_no_memory(error, "a snapshot");
        ks__snapshot_free(snapshot);
        return NULL;
    }
    snapshot->reading.error = &snapshot->error;
    return snapshot;
}

/* Of `like` (NULL = a key-value store): a window store has a ring, which hides what it hides. */
static ks_status open_databases(struct ks__snapshot *snapshot, struct ks__env *env,
                                const struct ks_kv_store *like, ks_error *error)
{
    ks_status status;

    if (like == NULL || like->ring == NULL)
        return ks__state_database(env, snapshot->name, &snapshot->store.dbs[0], error);
    snapshot->store.cached = like->cached;
    status = ks__ring_open(&snapshot->store, env, NULL, like->ring->kafka, error);
    snapshot->store.cached = false;
    return status;
}

/* ---- positions ---- */

struct ks__snapshot_position *ks__snapshot_positions(const struct ks__snapshot *snapshot)
{
    return snapshot->positions;
}

void ks__snapshot_forget_positions(struct ks__snapshot *snapshot)
{
    snapshot->positions = NULL;
}

/* `topic` without a NUL; null = not known. */
static bool add_position(struct ks__snapshot *snapshot, ks_bytes topic, int32_t partition,
                         int64_t offset)
{
    struct ks__snapshot_position *position = ks__arena_zalloc(&snapshot->arena, sizeof(*position));
    char                         *text     = ks__arena_zalloc(&snapshot->arena, topic.size + 1);

    if (position == NULL || text == NULL) {
        ks__error_no_memory(&snapshot->error, "a snapshot");
        return false;
    }
    if (topic.data != NULL) {
        memcpy(text, topic.data, topic.size);
        position->topic = text;
    }
    position->partition = partition;
    position->offset    = offset;
    position->next      = snapshot->positions;
    snapshot->positions = position;
    return true;
}

bool ks__snapshot_add_position(struct ks__snapshot *snapshot, const char *topic, int32_t partition,
                               int64_t offset)
{
    return add_position(snapshot, (ks_bytes){ topic, strlen(topic) }, partition, offset);
}

/* A number that ends the text behind a slash; false = it does not. */
static bool split(ks_bytes text, ks_bytes *before, int32_t *number)
{
    const char *at    = text.data;
    size_t      slash = text.size;

    *number = 0;
    while (slash > 0 && at[slash - 1] != '/')
        slash--;
    if (slash == 0 || slash == text.size || text.size - slash > 9)
        return false;
    for (size_t i = slash; i < text.size; i++) {
        if (at[i] < '0' || at[i] > '9')
            return false;
        *number = *number * 10 + (at[i] - '0');
    }
    *before = (ks_bytes){ at, slash - 1 };
    return true;
}

/* The numbers "PREFIX.../PARTITION"; `named`: what stands between is the topic. */
static void load_positions(struct ks__snapshot *snapshot, struct ks_kv_store *numbers,
                           const char *prefix, bool named)
{
    const size_t length = strlen(prefix);
    ks_iter     *rows   = ks__kv_prefix(numbers, (ks_bytes){ prefix, length }, KS_ASCENDING);
    ks_bytes     topic;
    int32_t      partition;

    for (ks_record row; ks_iter_next(rows, &row);) {
        const size_t   skip = named ? length : length - 1;
        const ks_bytes rest = { (const char *)row.key.data + skip, row.key.size - skip };

        if (split(rest, &topic, &partition) &&
            !add_position(snapshot, named ? topic : KS_NULL, partition,
                          ks_bytes_i64(row.value, 0)))
            break;
    }
    ks_iter_close(rows);
}

/* Inputs of a task, or partitions of the topic of a global store (struct ks__state, numbers). */
static void load_all_positions(struct ks__snapshot *snapshot, struct ks_kv_store *numbers)
{
    char prefix[300]; /* names of stores have 249 characters at most */

    load_positions(snapshot, numbers, "input/", true);
    snprintf(prefix, sizeof(prefix), "changelog/%s/", snapshot->name);
    load_positions(snapshot, numbers, prefix, false);
}

/* Begin to read: from here on nothing changes. The times that hide rows are of the same moment. */
static ks_status start(struct ks__snapshot *snapshot, struct ks__env *env,
                       const struct ks_kv_store *like, ks_error *error)
{
    struct ks_kv_store numbers;
    ks_status          status = open_databases(snapshot, env, like, error);

    if (status == KS_OK)
        status = ks__meta_open_reader(&numbers, env, &snapshot->reading, error);
    if (status != KS_OK)
        return status;
    snapshot->reading.env = env;
    if (ks__reading_begin(&snapshot->reading)) {
        snapshot->store.horizon_ms = ks__expiry_kept_horizon(&numbers, snapshot->name);
        if (snapshot->store.ring != NULL)
            ks__ring_load(&snapshot->store, &numbers);
        load_all_positions(snapshot, &numbers);
    }
    ks__kv_release(&numbers);
    ks__error_copy(error, &snapshot->error);
    return snapshot->error.status;
}

/* Hand it out, or free it. */
static ks_status finish(struct ks__snapshot **out, struct ks__snapshot *snapshot, ks_status status)
{
    if (status != KS_OK) {
        ks__snapshot_free(snapshot);
        snapshot = NULL;
    }
    *out = snapshot;
    return status;
}

ks_status ks__snapshot_of_env(struct ks__snapshot **out, struct ks__env *env, const char *store,
                              ks_error *error)
{
    struct ks__snapshot *snapshot = snapshot_new(store, NULL, error);

    *out = NULL;
    if (snapshot == NULL)
        return KS_ENOMEM;
    return finish(out, snapshot, start(snapshot, env, NULL, error));
}

ks_status ks__snapshot_of_committed(struct ks__snapshot **out, const struct ks_kv_store *store,
                                    ks_error *error)
{
    struct ks__snapshot *snapshot = snapshot_new(store->spec->name, store->spec, error);

    *out = NULL;
    if (snapshot == NULL)
        return KS_ENOMEM;
    return finish(out, snapshot, start(snapshot, store->reading->env, store, error));
}

ks_status ks__snapshot_of_directory(struct ks__snapshot **out, const char *directory,
                                    const char *store, ks_error *error)
{
    const struct ks__env_options options  = { .read_only = true, .max_databases = 256 };
    struct ks__snapshot         *snapshot = snapshot_new(store, NULL, error);
    ks_status                    status;

    *out = NULL;
    if (snapshot == NULL)
        return KS_ENOMEM;
    status = ks__env_open(&snapshot->own_env, directory, &options, error);
    if (status == KS_OK)
        status = start(snapshot, snapshot->own_env, NULL, error);
    return finish(out, snapshot, status);
}

/* ---- fresh ---- */

static ks_status copy_layer(struct ks_kv_store *to, const struct ks__entry_list *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct ks__map_entry *entry = from->items[i];
        struct ks__row_parts  parts = ks__cell_parts(ks__kv_entry(entry)->now);
        struct ks__map_entry *copy  = ks__map_put_hashed(&to->rows, entry->key, entry->hash, NULL);
        struct ks__cell      *cell  = copy != NULL ? ks__cell_new(&to->rows, &parts) : NULL;

        if (cell == NULL ||
            !KS__GROW(&to->opened.items, &to->opened.capacity, to->opened.count + 1))
            return KS_ENOMEM;
        if (!ks__kv_entry(copy)->open) /* it may be in both layers */
            to->opened.items[to->opened.count++] = copy;
        ks__kv_entry(copy)->now  = cell;
        ks__kv_entry(copy)->open = true;
    }
    return KS_OK;
}

ks_status ks__snapshot_of_store(struct ks__snapshot **out, struct ks_kv_store *store,
                                ks_error *error)
{
    struct ks__snapshot *snapshot = snapshot_new(store->spec->name, store->spec, error);
    ks_status            status;

    *out = NULL;
    if (snapshot == NULL)
        return KS_ENOMEM;
    status = start(snapshot, store->reading->env, store, error);
    if (status == KS_OK && store->ring != NULL)
        ks__ring_copy(&snapshot->store, store);
    if (status == KS_OK) {
        snapshot->store.horizon_ms = ks__expiry_horizon(store);
        status = copy_layer(&snapshot->store, &store->sealed);
        if (status == KS_OK)
            status = copy_layer(&snapshot->store, &store->opened);
        if (status != KS_OK)
            ks__error_no_memory(error, "a snapshot");
    }
    return finish(out, snapshot, status);
}

void ks__snapshot_free(struct ks__snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    ks__reading_end(&snapshot->reading);
    ks__env_close(snapshot->own_env, NULL);
    ks__ring_free(&snapshot->store);
    ks__kv_release(&snapshot->store);
    ks__arena_release(&snapshot->arena);
    ks__free(snapshot->name);
    ks__free(snapshot);
}

/* ---- read ---- */

bool ks__snapshot_get(struct ks__snapshot *snapshot, ks_bytes key, ks_record *row)
{
    return ks_kv_store_get(&snapshot->store, key, row);
}

ks_iter *ks__snapshot_range(struct ks__snapshot *snapshot, ks_bytes from, ks_bytes to,
                            ks_order order)
{
    return ks__kv_range(&snapshot->store, from, to, order);
}

ks_iter *ks__snapshot_prefix(struct ks__snapshot *snapshot, ks_bytes prefix, ks_order order)
{
    return ks__kv_prefix(&snapshot->store, prefix, order);
}

uint64_t ks__snapshot_count(struct ks__snapshot *snapshot)
{
    return ks__kv_count(&snapshot->store);
}

struct ks_kv_store *ks__snapshot_store(struct ks__snapshot *snapshot)
{
    return &snapshot->store;
}

const ks_error *ks__snapshot_error(const struct ks__snapshot *snapshot)
{
    return &snapshot->error;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * expiry.c - see expiry.h.
 */
#include "state/expiry.h"

#include "base/assert.h"
#include "window/window.h"

#include <stdio.h>
#include <string.h>

#define TIME_BYTES 8

/* ---- open ---- */

ks_status ks__expiry_open(struct ks_kv_store *store, ks_error *error)
{
    const struct ks__store_spec *spec = store->spec;
    const size_t                 size = strlen(spec->name) + sizeof("/expiry");
    struct ks__expiry           *expiry;

    if (spec->ttl_ms <= 0)
        return KS_OK;
    expiry = ks__zalloc(sizeof(*expiry) + size);
    if (expiry == NULL)
        return ks__error_no_memory(error, spec->name);
    snprintf((char *)(expiry + 1), size, "%s/expiry", spec->name);
    expiry->index_spec = (struct ks__store_spec){ .name = (char *)(expiry + 1),
                                                  .kind = KS__STORE_KV };
    expiry->ttl_ms     = spec->ttl_ms;
    expiry->kept_ms    = INT64_MIN;
    store->expiry      = expiry;
    return KS_OK;
}

void ks__expiry_free(struct ks_kv_store *store)
{
    if (store->expiry != NULL) {
        ks__buffer_release(&store->expiry->from);
        ks__buffer_release(&store->expiry->next);
    }
    ks__free(store->expiry);
    store->expiry = NULL;
}

void ks__expiry_forget(struct ks_kv_store *store)
{
    struct ks__expiry *expiry = store->expiry;

    if (expiry == NULL)
        return;
    expiry->known   = false;
    expiry->kept_ms = INT64_MIN;
    ks__buffer_clear(&expiry->from);
    ks__buffer_clear(&expiry->next);
    expiry->added = 0;
}

void ks__kv_on_expire(struct ks_kv_store *store, ks__kv_expire_fn *fn, void *user)
{
    ks__assert(store->expiry != NULL);
    store->expiry->fn   = fn;
    store->expiry->user = user;
}

/* ---- who is dead ---- */

int64_t ks__expiry_horizon(const struct ks_kv_store *store)
{
    const struct ks__state_host *host;

    if (store->expiry == NULL)
        return store->horizon_ms;
    host = store->state->host;
    return host->stream_ms != NULL
               ? ks__time_sub(host->stream_ms(host->user), store->expiry->ttl_ms) : INT64_MIN;
}

bool ks__kv_is_dead(const struct ks_kv_store *store, const struct ks__row *row)
{
    return row->timestamp_ms < ks__expiry_horizon(store);
}

static void horizon_name(const char *store, char out[KS__HORIZON_NAME])
{
    snprintf(out, KS__HORIZON_NAME, "horizon/%s", store);
}

void ks__expiry_keep(struct ks_kv_store *store)
{
    char    name[KS__HORIZON_NAME];
    int64_t horizon;

    if (store->expiry == NULL)
        return;
    horizon = ks__expiry_horizon(store);
    if (horizon == store->expiry->kept_ms)
        return;
    store->expiry->kept_ms = horizon;
    horizon_name(store->spec->name, name);
    ks__state_set_number(store->state, name, horizon);
}

int64_t ks__expiry_kept_horizon(struct ks_kv_store *numbers, const char *store)
{
    char           name[KS__HORIZON_NAME];
    struct ks__row row;

    horizon_name(store, name);
    if (!ks__kv_get(numbers, (ks_bytes){ name, strlen(name) }, &row))
        return INT64_MIN;
    return ks_bytes_i64(row.value, INT64_MIN);
}

/* ---- index ---- */

/* In the arena; null = no memory, set. */
static ks_bytes entry_key(const struct ks_kv_store *store, ks_bytes key, int64_t timestamp_ms)
{
    unsigned char *text = ks__arena_alloc(store->reading->arena, TIME_BYTES + key.size);

    if (text == NULL) {
        ks__error_no_memory(store->reading->error, store->spec->name);
        return KS_NULL;
    }
    ks__put_be64(text, (uint64_t)ks__time_max(timestamp_ms, 0));
    if (key.size > 0)
        memcpy(text + TIME_BYTES, key.data, key.size);
    return (ks_bytes){ text, TIME_BYTES + key.size };
}

static int64_t time_of(ks_bytes entry)
{
    return (int64_t)ks__get_be64(entry.data);
}

/* Without memory it stays empty: nothing is known then. */
static void set_bound(struct ks__buffer *bound, ks_bytes entry)
{
    ks__buffer_clear(bound);
    ks__buffer_append_bytes(bound, entry);
    if (bound->failed)
        ks__buffer_clear(bound);
}

static bool lies_before(ks_bytes entry, const struct ks__buffer *bound)
{
    return bound->size > 0 && ks__bytes_compare(entry, ks__buffer_bytes(bound)) < 0;
}

/* Entries that were deleted stay in memory for a while, and would be passed over again and again:
 * so where the first one was is remembered when an earlier one is added. */
static void note_added(struct ks__expiry *expiry, ks_bytes entry)
{
    const bool first = lies_before(entry, &expiry->from);

    if (first && expiry->next.size == 0)
        set_bound(&expiry->next, ks__buffer_bytes(&expiry->from));
    if (lies_before(entry, &expiry->next))
        expiry->added++;
    if (first)
        set_bound(&expiry->from, entry);
}

static void note_removed(struct ks__expiry *expiry, ks_bytes entry)
{
    set_bound(&expiry->from, entry);
    if (!lies_before(entry, &expiry->next)) {
        ks__buffer_clear(&expiry->next);
        expiry->added = 0;
    } else if (--expiry->added == 0) {
        set_bound(&expiry->from, ks__buffer_bytes(&expiry->next));
        ks__buffer_clear(&expiry->next);
    }
}

static void add_entry(struct ks_kv_store *store, ks_bytes key, int64_t timestamp_ms)
{
    struct ks__expiry   *expiry = store->expiry;
    const struct ks__row there = { .value = ks_bytes_of("", 0) };
    const ks_bytes       entry = entry_key(store, key, timestamp_ms);

    if (entry.data == NULL)
        return;
    ks__kv_put(expiry->index, entry, &there);
    expiry->first_ms = ks__time_min(expiry->first_ms, time_of(entry));
    note_added(expiry, entry);
}

/* The row as it is, dead or not; headers are left out. */
static bool read_any(struct ks_kv_store *store, ks_bytes key, uint64_t hash,
                     struct ks__row_parts *parts)
{
    const struct ks__map_entry *entry = ks__map_get_hashed(&store->rows, key, hash);

    if (entry == NULL)
        return ks__disk_has_rows(store) && ks__disk_find(store, key, parts);
    *parts = ks__cell_parts(ks__kv_entry(entry)->now);
    return parts->value.data != NULL;
}

void ks__expiry_note(struct ks_kv_store *store, const struct ks__kv_slot *slot,
                     const struct ks__row *row)
{
    struct ks__row_parts before;

    if (row->value.data == NULL ||
        (read_any(store, slot->key, slot->hash, &before) &&
         before.timestamp_ms <= row->timestamp_ms))
        return;
    add_entry(store, slot->key, row->timestamp_ms);
}

ks_status ks__expiry_restore(struct ks__disk_writer *index, const struct ks_kv_store *store,
                             ks_bytes key, int64_t timestamp_ms, ks_error *error)
{
    const struct ks__row_parts there = { .value = ks_bytes_of("", 0) };
    struct ks__arena_mark      mark  = ks__arena_mark(store->reading->arena);
    const ks_bytes             entry = entry_key(store, key, timestamp_ms);
    ks_status                  status;

    if (entry.data == NULL)
        return ks__error_no_memory(error, store->spec->name);
    status = ks__disk_put(index, entry, &there, error);
    ks__arena_rewind(store->reading->arena, mark);
    return status;
}

/* ---- what is due ---- */

/* The first entry, lent to the end of the record; null = none, or an error is set. */
static ks_bytes first_entry(struct ks_kv_store *store)
{
    struct ks__expiry *expiry = store->expiry;
    ks_bytes           from = expiry->from.size > 0 ? ks__buffer_bytes(&expiry->from) : KS_NULL;
    ks_iter           *entries = ks__kv_range(expiry->index, from, KS_NULL, KS_ASCENDING);
    ks_record          entry;

    if (!ks_iter_next(entries, &entry))
        entry.key = KS_NULL;
    ks_iter_close(entries);
    if (entry.key.data != NULL && entry.key.size < TIME_BYTES) {
        ks__error_set(store->reading->error, KS_ECORRUPT, "store \"%s\": an entry of its times is "
                      "damaged", store->spec->name);
        entry.key = KS_NULL;
    }
    return entry.key;
}

static int64_t first_ms(struct ks_kv_store *store)
{
    struct ks__expiry *expiry = store->expiry;
    ks_bytes           entry;

    if (expiry->known)
        return expiry->first_ms;
    entry            = first_entry(store);
    expiry->first_ms = entry.data != NULL ? time_of(entry) : INT64_MAX;
    expiry->known    = true;
    if (entry.data != NULL)
        set_bound(&expiry->from, entry);
    return expiry->first_ms;
}

/* Compared as rows are (X3). */
static bool is_due(struct ks_kv_store *store, int64_t stream_ms)
{
    return store->expiry != NULL &&
           first_ms(store) < ks__time_sub(stream_ms, store->expiry->ttl_ms);
}

/* The row is dead: whoever keeps it deletes it and tells of it. */
static void delete_dead(struct ks_kv_store *store, ks_bytes key, const struct ks__row *row)
{
    struct ks__expiry *expiry = store->expiry;

    if (expiry->fn != NULL)
        expiry->fn(expiry->user, key, row);
    else
        ks__kv_put(store, key, &(struct ks__row){ .timestamp_ms = ks__kv_death_ms(store, row) });
}

int64_t ks__kv_death_ms(const struct ks_kv_store *store, const struct ks__row *row)
{
    return ks__time_add(row->timestamp_ms, store->expiry->ttl_ms);
}

/* Work off the first entry, which is due. */
static void work_off(struct ks_kv_store *store)
{
    const ks_bytes       entry = first_entry(store);
    ks_bytes             key;
    struct ks__row_parts parts;
    struct ks__row       row;

    store->expiry->known = false;
    if (entry.data == NULL)
        return;
    note_removed(store->expiry, entry);
    ks__kv_put(store->expiry->index, entry, &(struct ks__row){ .value = KS_NULL });
    key = (ks_bytes){ (const unsigned char *)entry.data + TIME_BYTES, entry.size - TIME_BYTES };
    if (!read_any(store, key, ks__map_hash(key), &parts) || !ks__kv_read(store, &parts, &row))
        return;
    if (ks__time_max(row.timestamp_ms, 0) <= time_of(entry))
        delete_dead(store, key, &row);
    else
        add_entry(store, key, row.timestamp_ms); /* rows go in the order of their times */
}

bool ks__state_expires(struct ks__state *state, int64_t stream_ms)
{
    for (size_t i = 0; i < state->store_count; i++)
        if (is_due(state->stores[i], stream_ms))
            return true;
    return false;
}

bool ks__state_expire_one(struct ks__state *state, int64_t stream_ms)
{
    for (size_t i = 0; i < state->store_count; i++)
        if (is_due(state->stores[i], stream_ms)) {
            work_off(state->stores[i]);
            return true;
        }
    return false;
}

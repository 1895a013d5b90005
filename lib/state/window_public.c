/* SPDX-License-Identifier: Apache-2.0
 *
 * window_public.c - the public window and session stores: the handles of the room, with checks.
 *
 * A NULL store stands for a name that was refused; the refusal is in the context already.
 */
#include "state/ring.h"

static struct ks_kv_store *of_window(ks_window_store *store)
{
    return (struct ks_kv_store *)store;
}

static struct ks_kv_store *of_session(ks_session_store *store)
{
    return (struct ks_kv_store *)store;
}

static bool has_key(struct ks_kv_store *store, ks_bytes key)
{
    if (key.data != NULL)
        return true;
    ks__error_set(store->reading->error, KS_EINVAL, "store \"%s\": the key is null",
                  store->spec->name);
    return false;
}

static bool is_span(struct ks_kv_store *store, int64_t start_ms, int64_t end_ms)
{
    if (start_ms >= 0 && end_ms >= start_ms)
        return true;
    ks__error_set(store->reading->error, KS_EINVAL, "store \"%s\": [%lld, %lld] is no window",
                  store->spec->name, (long long)start_ms, (long long)end_ms);
    return false;
}

static bool may_write(struct ks_kv_store *store)
{
    if (store->state != NULL)
        return true;
    ks__error_set(store->reading->error, KS_ESTATE, "store \"%s\" is only read here",
                  store->spec->name);
    return false;
}

static struct ks__row row_of(struct ks_kv_store *store, ks_bytes value)
{
    const struct ks__state_host *host = store->state->host;

    return (struct ks__row){ .value = value, .timestamp_ms = host->now_ms(host->user) };
}

/* Hand out a row that was found. */
static bool finish(struct ks_kv_store *store, const struct ks__window_slot *slot,
                   const struct ks__row *found, ks_record *row)
{
    const struct ks__timed_key parts  = { .time_ms = slot->time_ms, .start_ms = slot->start_ms };
    ks_window                 *window = ks__arena_alloc(store->reading->arena, sizeof(*window));

    if (window == NULL) {
        ks__error_no_memory(store->reading->error, store->spec->name);
        return false;
    }
    *window = ks__timed_window(store, &parts);
    *row    = (ks_record){ slot->key, found->value, found->timestamp_ms, found->headers, window };
    return true;
}

/* ---- window stores ---- */

bool ks_window_store_get(ks_window_store *window_store, ks_bytes key, int64_t start_ms,
                         ks_record *row)
{
    struct ks_kv_store    *store = of_window(window_store);
    struct ks__window_slot slot;
    struct ks__row         found;

    *row = (ks_record){ .key = KS_NULL };
    return store != NULL && has_key(store, key) && is_span(store, start_ms, start_ms) &&
           ks__window_find(store, key, start_ms, &slot, &found) &&
           finish(store, &slot, &found, row);
}

void ks_window_store_put(ks_window_store *window_store, ks_bytes key, ks_bytes value,
                         int64_t start_ms)
{
    struct ks_kv_store *store = of_window(window_store);
    struct ks__row      row;

    if (store == NULL || !may_write(store) || !has_key(store, key) ||
        !is_span(store, start_ms, start_ms))
        return;
    row = row_of(store, value);
    ks__window_put(store, key, start_ms, &row);
}

void ks_window_store_delete(ks_window_store *store, ks_bytes key, int64_t start_ms)
{
    ks_window_store_put(store, key, KS_NULL, start_ms);
}

ks_iter *ks_window_store_fetch(ks_window_store *window_store, ks_bytes key, int64_t from_ms,
                               int64_t to_ms, ks_order order)
{
    struct ks_kv_store *store = of_window(window_store);

    if (store == NULL || !has_key(store, key))
        return NULL;
    return ks__window_fetch(store, key, from_ms, to_ms, order);
}

ks_iter *ks_window_store_range(ks_window_store *store, ks_bytes from, ks_bytes to,
                               ks_window starts, ks_order order)
{
    if (store == NULL)
        return NULL;
    return ks__window_all(of_window(store), from, to, starts.start_ms, starts.end_ms, order);
}

ks_iter *ks_window_store_all(ks_window_store *store, ks_order order)
{
    return ks_window_store_range(store, KS_NULL, KS_NULL, (ks_window){ 0, INT64_MAX }, order);
}

/* ---- session stores ---- */

bool ks_session_store_get(ks_session_store *session_store, ks_bytes key, ks_window session,
                          ks_record *row)
{
    struct ks_kv_store    *store = of_session(session_store);
    struct ks__window_slot slot;
    struct ks__row         found;

    *row = (ks_record){ .key = KS_NULL };
    return store != NULL && has_key(store, key) &&
           is_span(store, session.start_ms, session.end_ms) &&
           ks__session_find(store, key, session, &slot, &found) &&
           finish(store, &slot, &found, row);
}

void ks_session_store_put(ks_session_store *session_store, ks_bytes key, ks_window session,
                          ks_bytes value)
{
    struct ks_kv_store *store = of_session(session_store);
    struct ks__row      row;

    if (store == NULL || !may_write(store) || !has_key(store, key) ||
        !is_span(store, session.start_ms, session.end_ms))
        return;
    row = row_of(store, value);
    ks__session_put(store, key, session, &row);
}

void ks_session_store_delete(ks_session_store *store, ks_bytes key, ks_window session)
{
    ks_session_store_put(store, key, session, KS_NULL);
}

ks_iter *ks_session_store_find(ks_session_store *session_store, ks_bytes key, int64_t end_from_ms,
                               int64_t start_to_ms, ks_order order)
{
    struct ks_kv_store *store = of_session(session_store);

    if (store == NULL || !has_key(store, key))
        return NULL;
    return ks__session_fetch(store, key, end_from_ms, start_to_ms, order);
}

ks_iter *ks_session_store_range(ks_session_store *store, ks_bytes from, ks_bytes to,
                                ks_order order)
{
    if (store == NULL)
        return NULL;
    return ks__window_all(of_session(store), from, to, 0, INT64_MAX, order);
}

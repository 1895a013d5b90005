/* SPDX-License-Identifier: Apache-2.0
 *
 * kv_store.c - the public key-value store: the same handle, with checks.
 *
 * A NULL store stands for a name that was refused; the refusal is in the context already, so the
 * calls stay silent. Stores with a bound on their rows are declared for processors only, so their
 * uses are noted here, off the path of operators.
 */
#include "state/lru.h"

static bool has_key(ks_kv_store *store, ks_bytes key)
{
    if (key.data != NULL)
        return true;
    ks__error_set(store->reading->error, KS_EINVAL, "store \"%s\": the key is null",
                  store->spec->name);
    return false;
}

/* A store that is filled from a topic is written by whom it has for that, if anybody. */
static bool is_writable(const ks_kv_store *store)
{
    const struct ks__store_spec *spec = store->spec;

    if (store->state == NULL)
        return false;
    if (spec->keeper == NULL)
        return !spec->global;
    return store->state->host->keeps != NULL &&
           store->state->host->keeps(store->state->host->user, spec->keeper);
}

static bool may_write(ks_kv_store *store, ks_bytes key)
{
    if (is_writable(store))
        return has_key(store, key);
    ks__error_set(store->reading->error, KS_ESTATE, "store \"%s\" is only read here: it is filled "
                  "from its topic", store->spec->name);
    return false;
}

static int64_t now_ms(ks_kv_store *store)
{
    const struct ks__state_host *host = store->state->host;

    return host->now_ms(host->user);
}

/* ---- read ---- */

bool ks_kv_store_get(ks_kv_store *store, ks_bytes key, ks_record *row)
{
    struct ks__row found;

    *row = (ks_record){ .key = KS_NULL };
    if (store == NULL || !has_key(store, key) || !ks__kv_get(store, key, &found))
        return false;
    if (store->lru != NULL)
        ks__lru_note_read(store, key);
    *row = (ks_record){ key, found.value, found.timestamp_ms, found.headers, NULL };
    return true;
}

ks_iter *ks_kv_store_range(ks_kv_store *store, ks_bytes from, ks_bytes to, ks_order order)
{
    return store != NULL ? ks__kv_for_user(ks__kv_range(store, from, to, order)) : NULL;
}

ks_iter *ks_kv_store_all(ks_kv_store *store, ks_order order)
{
    return ks_kv_store_range(store, KS_NULL, KS_NULL, order);
}

ks_iter *ks_kv_store_prefix(ks_kv_store *store, ks_bytes prefix, ks_order order)
{
    return store != NULL ? ks__kv_for_user(ks__kv_prefix(store, prefix, order)) : NULL;
}

uint64_t ks_kv_store_count(ks_kv_store *store)
{
    return store != NULL ? ks__kv_count(store) : 0;
}

/* ---- write ---- */

static void put(ks_kv_store *store, ks_bytes key, const struct ks__row *row)
{
    if (store->lru != NULL)
        ks__lru_note_put(store, key, row);
    ks__kv_put(store, key, row);
}

void ks_kv_store_put(ks_kv_store *store, ks_bytes key, ks_bytes value)
{
    if (store == NULL || !may_write(store, key))
        return;
    put(store, key, &(struct ks__row){ .value = value, .timestamp_ms = now_ms(store) });
}

void ks_kv_store_put_record(ks_kv_store *store, const ks_record *row)
{
    if (store == NULL)
        return;
    if (row == NULL) {
        ks__error_set(store->reading->error, KS_EINVAL, "store \"%s\": the row is NULL",
                      store->spec->name);
        return;
    }
    if (may_write(store, row->key))
        put(store, row->key,
            &(struct ks__row){ row->value, row->timestamp_ms, row->headers });
}

bool ks_kv_store_put_if_absent(ks_kv_store *store, ks_bytes key, ks_bytes value)
{
    struct ks__kv_slot slot;
    struct ks__row     row;

    if (store == NULL || !may_write(store, key) || ks__error_is_set(store->reading->error))
        return false;
    if (ks__kv_find(store, key, &slot, &row) && !ks__kv_is_dead(store, &row)) {
        if (store->lru != NULL)
            ks__lru_note_read(store, key);
        return false;
    }
    if (ks__error_is_set(store->reading->error))
        return false;
    row = (struct ks__row){ .value = value, .timestamp_ms = now_ms(store) };
    if (store->lru != NULL)
        ks__lru_note_put(store, key, &row);
    ks__kv_put_slot(store, &slot, &row);
    return !ks__error_is_set(store->reading->error);
}

void ks_kv_store_delete(ks_kv_store *store, ks_bytes key)
{
    ks_kv_store_put(store, key, KS_NULL);
}

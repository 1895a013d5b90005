/* SPDX-License-Identifier: Apache-2.0
 *
 * versioned_public.c - the public versioned store: the handle of the room, with checks.
 *
 * A NULL store stands for a name that was refused; the refusal is in the context already.
 */
#include "state/parts.h"
#include "state/versioned.h"

static struct ks_kv_store *of(ks_versioned_store *store)
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

static bool may_write(struct ks_kv_store *store, ks_bytes key, int64_t timestamp_ms)
{
    if (store->state == NULL)
        ks__error_set(store->reading->error, KS_ESTATE, "store \"%s\" is only read here",
                      store->spec->name);
    else if (timestamp_ms < 0)
        ks__error_set(store->reading->error, KS_EINVAL, "store \"%s\": %lld is no timestamp",
                      store->spec->name, (long long)timestamp_ms);
    else
        return has_key(store, key);
    return false;
}

bool ks_versioned_store_get(ks_versioned_store *store, ks_bytes key, ks_versioned *version)
{
    *version = (ks_versioned){ .value = KS_NULL };
    return store != NULL && has_key(of(store), key) && ks__versioned_get(of(store), key, version);
}

bool ks_versioned_store_as_of(ks_versioned_store *store, ks_bytes key, int64_t as_of_ms,
                              ks_versioned *version)
{
    *version = (ks_versioned){ .value = KS_NULL };
    return store != NULL && has_key(of(store), key) &&
           ks__versioned_as_of(of(store), key, as_of_ms, version);
}

int64_t ks_versioned_store_put(ks_versioned_store *store, ks_bytes key, ks_bytes value,
                               int64_t timestamp_ms)
{
    const struct ks__row row = { .value = value, .timestamp_ms = timestamp_ms };

    if (store == NULL || !may_write(of(store), key, timestamp_ms))
        return KS_NOT_PUT;
    return ks__versioned_put(of(store), key, &row);
}

int64_t ks_versioned_store_delete(ks_versioned_store *store, ks_bytes key, int64_t timestamp_ms)
{
    return ks_versioned_store_put(store, key, KS_NULL, timestamp_ms);
}

ks_iter *ks_versioned_store_history(ks_versioned_store *store, ks_bytes key, int64_t from_ms,
                                    int64_t to_ms, ks_order order)
{
    if (store == NULL || !has_key(of(store), key))
        return NULL;
    if (from_ms <= to_ms)
        return ks__versioned_history(of(store), key, from_ms, to_ms, order);
    ks__error_set(of(store)->reading->error, KS_EINVAL, "store \"%s\": a history from %lld to %lld",
                  of(store)->spec->name, (long long)from_ms, (long long)to_ms);
    return NULL;
}

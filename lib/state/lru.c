/* SPDX-License-Identifier: Apache-2.0
 *
 * lru.c - see lru.h.
 *
 * A use of the key that was used last costs one lookup; another one a lookup and three small writes
 * to the open layer. Threads: the task's.
 */
#include "state/lru.h"

#include <stdio.h>
#include <string.h>

#define USE_BYTES     8
#define EVICT_AT_ONCE 1000 /* per put, when the bound was lowered */

/* ---- life ---- */

ks_status ks__lru_open(struct ks_kv_store *store, ks_error *error)
{
    const char    *name = store->spec->name;
    const size_t   size = strlen(name) + sizeof("/order");
    struct ks__lru *lru;
    char           *names;

    if (store->spec->max_rows == 0)
        return KS_OK;
    lru = ks__zalloc(sizeof(*lru) + 2 * size);
    if (lru == NULL)
        return ks__error_no_memory(error, name);
    names = (char *)(lru + 1);
    snprintf(names, size, "%s/uses", name);
    snprintf(names + size, size, "%s/order", name);
    lru->uses_spec  = (struct ks__store_spec){ .name = names, .kind = KS__STORE_KV };
    lru->order_spec = (struct ks__store_spec){ .name = names + size, .kind = KS__STORE_KV };
    lru->max_rows   = store->spec->max_rows;
    store->lru      = lru;
    return KS_OK;
}

void ks__lru_free(struct ks_kv_store *store)
{
    if (store->lru != NULL)
        ks__buffer_release(&store->lru->from);
    ks__free(store->lru);
    store->lru = NULL;
}

void ks__lru_forget(struct ks_kv_store *store)
{
    if (store->lru == NULL)
        return;
    store->lru->known = false;
    ks__buffer_clear(&store->lru->from);
}

/* ---- the two indexes ---- */

static bool failed(const struct ks_kv_store *store)
{
    return ks__error_is_set(store->reading->error);
}

/* In the arena; null = no memory, set. */
static ks_bytes order_key(const struct ks_kv_store *store, int64_t use, ks_bytes key)
{
    unsigned char *text = ks__arena_alloc(store->reading->arena, USE_BYTES + key.size);

    if (text == NULL) {
        ks__error_no_memory(store->reading->error, store->spec->name);
        return KS_NULL;
    }
    ks__put_be64(text, (uint64_t)use);
    if (key.size > 0)
        memcpy(text + USE_BYTES, key.data, key.size);
    return (ks_bytes){ text, USE_BYTES + key.size };
}

static void put_order(struct ks_kv_store *store, int64_t use, ks_bytes key, ks_bytes value)
{
    const ks_bytes entry = order_key(store, use, key);

    if (entry.data != NULL)
        ks__kv_put(store->lru->order, entry, &(struct ks__row){ .value = value });
}

static void put_use(struct ks_kv_store *store, ks_bytes key, int64_t use)
{
    unsigned char text[USE_BYTES];

    ks__put_be64(text, (uint64_t)use);
    ks__kv_put(store->lru->uses, key, &(struct ks__row){ .value = { text, sizeof(text) } });
}

/* When the key was used last; -1 = there is no row, or an error is set. */
static int64_t use_of(struct ks_kv_store *store, ks_bytes key)
{
    struct ks__row row;

    return ks__kv_get(store->lru->uses, key, &row) ? ks_bytes_i64(row.value, -1) : -1;
}

/* The first or the last entry of the order, lent to the end of the record; null = none, or an error
 * is set. */
static ks_bytes edge(struct ks_kv_store *store, ks_order order)
{
    const struct ks__lru *lru  = store->lru;
    const ks_bytes        from = lru->from.size > 0 ? ks__buffer_bytes(&lru->from) : KS_NULL;
    ks_iter              *entries = ks__kv_range(lru->order, from, KS_NULL, order);
    ks_record             entry;

    if (!ks_iter_next(entries, &entry))
        entry.key = KS_NULL;
    ks_iter_close(entries);
    if (entry.key.data != NULL && entry.key.size < USE_BYTES) {
        ks__error_set(store->reading->error, KS_ECORRUPT, "store \"%s\": an entry of its order of "
                      "use is damaged", store->spec->name);
        entry.key = KS_NULL;
    }
    return entry.key;
}

/* Know what follows from the state; false = an error is set. */
static bool know(struct ks_kv_store *store)
{
    struct ks__lru *lru = store->lru;
    ks_bytes        last;

    if (lru->known)
        return !failed(store);
    last       = edge(store, KS_DESCENDING);
    lru->next  = last.data != NULL ? (int64_t)ks__get_be64(last.data) + 1 : 0;
    lru->count = ks__kv_count(lru->uses);
    lru->known = !failed(store);
    return lru->known;
}

/* ---- uses ---- */

static void use(struct ks_kv_store *store, ks_bytes key, int64_t before)
{
    struct ks__lru *lru = store->lru;

    if (before == lru->next - 1 && before >= 0)
        return;
    if (before >= 0)
        put_order(store, before, key, KS_NULL);
    else
        lru->count++;
    put_order(store, lru->next, key, ks_bytes_of("", 0));
    put_use(store, key, lru->next++);
}

static void unuse(struct ks_kv_store *store, ks_bytes key, int64_t before)
{
    if (before < 0)
        return;
    put_order(store, before, key, KS_NULL);
    ks__kv_put(store->lru->uses, key, &(struct ks__row){ .value = KS_NULL });
    store->lru->count--;
}

/* Delete the row that was used the longest ago; false = there is none. */
static bool evict(struct ks_kv_store *store, int64_t timestamp_ms)
{
    struct ks__lru *lru   = store->lru;
    const ks_bytes  entry = edge(store, KS_ASCENDING);
    ks_bytes        key;

    if (entry.data == NULL)
        return false;
    ks__buffer_clear(&lru->from);
    ks__buffer_append_bytes(&lru->from, entry);
    if (lru->from.failed)
        ks__buffer_clear(&lru->from); /* then the search begins at the start */
    key = (ks_bytes){ (const unsigned char *)entry.data + USE_BYTES, entry.size - USE_BYTES };
    unuse(store, key, (int64_t)ks__get_be64(entry.data));
    ks__kv_put(store, key, &(struct ks__row){ .timestamp_ms = timestamp_ms });
    return true;
}

void ks__lru_note_read(struct ks_kv_store *store, ks_bytes key)
{
    if (know(store))
        use(store, key, use_of(store, key));
}

void ks__lru_note_put(struct ks_kv_store *store, ks_bytes key, const struct ks__row *row)
{
    const struct ks__lru *lru = store->lru;

    if (!know(store))
        return;
    if (row->value.data == NULL) {
        unuse(store, key, use_of(store, key));
        return;
    }
    use(store, key, use_of(store, key));
    for (int n = 0; n < EVICT_AT_ONCE && lru->count > lru->max_rows && !failed(store); n++)
        if (!evict(store, row->timestamp_ms))
            break;
}

void ks__lru_restore(struct ks_kv_store *store, ks_bytes key, const struct ks__row *row)
{
    store->quiet = true;
    ks__lru_note_put(store, key, row);
    ks__kv_put(store, key, row);
    store->quiet = false;
}

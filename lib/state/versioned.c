/* SPDX-License-Identifier: Apache-2.0
 *
 * versioned.c - the history of each key as rows of a key-value store.
 *
 *      [0]                            -> time of the store, time at which the next row may go
 *      [1][key]                       -> the latest version, unless it is a deletion
 *      [2][size][key][from]           -> an older version, or a latest deletion; row time = until
 *      [3][gone at][size][key][from]  -> nothing: the order in which rows of [2] are forgotten
 *
 * Times are big-endian with the sign turned, so that they lie in their order. The versions of a key
 * meet: one ends where the next begins. A put that moves the time forgets a few rows that are due.
 *
 * Invariants
 *   VR1  Every row of [2] has its row of [3]: gone at its end, a latest deletion at its start.
 *   VR2  The row [0] never says later than the first row of [3].
 */
#include "state/versioned.h"

#include "state/parts.h"

#include "window/window.h"

#include <string.h>

#define SWEEP_ROWS 4 /* forgotten per put at most: more than a put adds */
#define TIME_BYTES 8u
#define SIZE_BYTES 4u
#define SIGN       (UINT64_C(1) << 63)

enum tag { TAG_STORE = 0, TAG_LATEST = 1, TAG_HISTORY = 2, TAG_EXPIRY = 3 };

struct clock {
    int64_t now_ms;  /* INT64_MIN = nothing was put yet */
    int64_t next_ms; /* VR2 */
};

/* A row of [2]. */
struct version {
    ks_bytes value; /* null = a deletion */
    int64_t  from_ms;
    int64_t  to_ms; /* KS_VALID_NOW = a latest deletion */
};

/* ---- bytes ---- */

static uint8_t *put_time(uint8_t *at, int64_t time_ms)
{
    ks__put_be64(at, (uint64_t)time_ms ^ SIGN);
    return at + TIME_BYTES;
}

static int64_t get_time(const uint8_t *at)
{
    return (int64_t)((uint64_t)ks_bytes_i64((ks_bytes){ at, TIME_BYTES }, 0) ^ SIGN);
}

static void *alloc(struct ks_kv_store *store, size_t size)
{
    void *memory = ks__arena_alloc(store->reading->arena, size);

    if (memory == NULL)
        ks__error_no_memory(store->reading->error, store->spec->name);
    return memory;
}

static ks_bytes latest_key(struct ks_kv_store *store, ks_bytes key)
{
    uint8_t *text = alloc(store, 1 + key.size);

    if (text == NULL)
        return KS_NULL;
    text[0] = TAG_LATEST;
    if (key.size != 0)
        memcpy(text + 1, key.data, key.size);
    return (ks_bytes){ text, 1 + key.size };
}

static size_t history_size(ks_bytes key)
{
    return 1 + SIZE_BYTES + key.size + TIME_BYTES;
}

static void write_history_key(uint8_t *at, ks_bytes key, int64_t from_ms)
{
    *at++ = TAG_HISTORY;
    for (unsigned i = 0; i < SIZE_BYTES; i++)
        *at++ = (uint8_t)(key.size >> (24 - 8 * i));
    if (key.size != 0)
        memcpy(at, key.data, key.size);
    put_time(at + key.size, from_ms);
}

static ks_bytes history_key(struct ks_kv_store *store, ks_bytes key, int64_t from_ms)
{
    uint8_t *text = alloc(store, history_size(key));

    if (text == NULL)
        return KS_NULL;
    write_history_key(text, key, from_ms);
    return (ks_bytes){ text, history_size(key) };
}

static int64_t gone_ms(const struct version *version)
{
    return version->to_ms == KS_VALID_NOW ? version->from_ms : version->to_ms;
}

/* The tag of the history key makes room for the time: [3][gone at] and the rest of it. */
static ks_bytes expiry_key(struct ks_kv_store *store, ks_bytes key, const struct version *version)
{
    uint8_t *text = alloc(store, TIME_BYTES + history_size(key));

    if (text == NULL)
        return KS_NULL;
    write_history_key(text + TIME_BYTES, key, version->from_ms);
    text[0] = TAG_EXPIRY;
    put_time(text + 1, gone_ms(version));
    return (ks_bytes){ text, TIME_BYTES + history_size(key) };
}

/* ---- the clock of the store ---- */

static const uint8_t clock_key[1] = { TAG_STORE };

static struct clock read_clock(struct ks_kv_store *store)
{
    struct clock   clock = { INT64_MIN, INT64_MAX };
    struct ks__row row;

    if (ks__kv_get(store, (ks_bytes){ clock_key, 1 }, &row) && row.value.size == 2 * TIME_BYTES) {
        clock.now_ms  = get_time(row.value.data);
        clock.next_ms = get_time((const uint8_t *)row.value.data + TIME_BYTES);
    }
    return clock;
}

static void write_clock(struct ks_kv_store *store, const struct clock *clock)
{
    uint8_t        text[2 * TIME_BYTES];
    struct ks__row row = { .value = { text, sizeof(text) } };

    put_time(put_time(text, clock->now_ms), clock->next_ms);
    ks__kv_put(store, (ks_bytes){ clock_key, 1 }, &row);
}

/* What ended then, or before, is forgotten. */
static int64_t limit_ms(const struct ks_kv_store *store, const struct clock *clock)
{
    if (clock->now_ms < INT64_MIN + store->spec->history_ms)
        return INT64_MIN;
    return clock->now_ms - store->spec->history_ms;
}

/* ---- history ---- */

static void write_history(struct ks_kv_store *store, ks_bytes key, const struct version *version,
                          struct clock *clock)
{
    ks_bytes       row_key = history_key(store, key, version->from_ms);
    ks_bytes       expiry  = expiry_key(store, key, version);
    uint8_t       *text    = alloc(store, 1 + version->value.size);
    struct ks__row row     = { .timestamp_ms = version->to_ms };

    if (row_key.data == NULL || expiry.data == NULL || text == NULL ||
        gone_ms(version) <= limit_ms(store, clock))
        return;
    text[0] = version->value.data != NULL;
    if (version->value.size != 0)
        memcpy(text + 1, version->value.data, version->value.size);
    row.value = (ks_bytes){ text, 1 + version->value.size };
    ks__kv_put(store, row_key, &row);
    ks__kv_put(store, expiry, &(struct ks__row){ .value = { "", 0 } });
    if (gone_ms(version) < clock->next_ms)
        clock->next_ms = gone_ms(version);
}

static void delete_history(struct ks_kv_store *store, ks_bytes key, const struct version *version)
{
    ks_bytes row_key = history_key(store, key, version->from_ms);
    ks_bytes expiry  = expiry_key(store, key, version);

    if (row_key.data == NULL || expiry.data == NULL)
        return;
    ks__kv_put(store, row_key, &(struct ks__row){ .value = KS_NULL });
    ks__kv_put(store, expiry, &(struct ks__row){ .value = KS_NULL });
}

/* A row of [2] of this key; false = not a row of this store. */
static bool read_history(const ks_record *row, ks_bytes key, struct version *out)
{
    if (row->value.size == 0 || row->key.size != history_size(key))
        return false;
    out->from_ms = get_time((const uint8_t *)row->key.data + row->key.size - TIME_BYTES);
    out->to_ms   = row->timestamp_ms;
    out->value   = KS_NULL;
    if (*(const uint8_t *)row->value.data != 0)
        out->value = (ks_bytes){ (const uint8_t *)row->value.data + 1, row->value.size - 1 };
    return true;
}

/* The first version of a key that starts in [from, to], in this order. */
static bool find(struct ks_kv_store *store, ks_bytes key, int64_t from_ms, int64_t to_ms,
                 ks_order order, struct version *out)
{
    ks_bytes  from = history_key(store, key, from_ms);
    ks_bytes  to   = history_key(store, key, to_ms);
    ks_iter  *it   = from.data != NULL && to.data != NULL ? ks__kv_range(store, from, to, order)
                                                          : NULL;
    ks_record row;
    bool      found = ks_iter_next(it, &row);

    ks_iter_close(it);
    return found && read_history(&row, key, out);
}

/* Forget a few rows that are due. */
static void sweep(struct ks_kv_store *store, struct clock *clock)
{
    static const uint8_t first[1] = { TAG_EXPIRY };
    const int64_t        limit    = limit_ms(store, clock);
    ks_record            row;
    ks_iter             *it;
    int                  swept = 0;

    if (clock->next_ms > limit)
        return;
    it             = ks__kv_prefix(store, (ks_bytes){ first, 1 }, KS_ASCENDING);
    clock->next_ms = INT64_MAX;
    while (ks_iter_next(it, &row)) {
        const uint8_t *text = row.key.data;
        const size_t   size = row.key.size - TIME_BYTES;
        uint8_t       *history;

        if (row.key.size < 2 * TIME_BYTES)
            continue; /* not a row of this store */
        clock->next_ms = get_time(text + 1);
        if (clock->next_ms > limit || swept++ == SWEEP_ROWS)
            break;
        clock->next_ms = INT64_MAX;
        history        = alloc(store, size);
        if (history == NULL)
            break;
        memcpy(history, text + TIME_BYTES, size);
        history[0] = TAG_HISTORY;
        ks__kv_put(store, (ks_bytes){ history, size }, &(struct ks__row){ .value = KS_NULL });
        ks__kv_put(store, row.key, &(struct ks__row){ .value = KS_NULL });
    }
    ks_iter_close(it);
}

/* ---- put ---- */

static void put_latest(struct ks_kv_store *store, ks_bytes key, const struct ks__row *row,
                       struct clock *clock)
{
    const struct version deletion = { KS_NULL, row->timestamp_ms, KS_VALID_NOW };
    ks_bytes             latest   = latest_key(store, key);

    if (latest.data == NULL)
        return;
    ks__kv_put(store, latest, row);
    if (row->value.data == NULL)
        write_history(store, key, &deletion, clock);
}

/* At or after the latest version. */
static void put_on_top(struct ks_kv_store *store, ks_bytes key, const struct ks__row *latest,
                       const struct ks__row *row, struct clock *clock)
{
    const struct version older = { latest->value, latest->timestamp_ms, row->timestamp_ms };

    if (row->timestamp_ms > latest->timestamp_ms)
        write_history(store, key, &older, clock);
    put_latest(store, key, row, clock);
}

/* Before the latest version, or after a latest deletion, or the first of all. */
static int64_t put_between(struct ks_kv_store *store, ks_bytes key, const struct ks__row *latest,
                           const struct ks__row *row, struct clock *clock)
{
    const int64_t  time_ms = row->timestamp_ms;
    struct version version = { row->value, time_ms, KS_VALID_NOW };
    struct version other;

    if (find(store, key, INT64_MIN, time_ms, KS_DESCENDING, &other) && other.to_ms > time_ms) {
        version.to_ms = other.to_ms;
        delete_history(store, key, &other);
        other.to_ms = time_ms;
        if (other.from_ms < time_ms)
            write_history(store, key, &other, clock);
    } else if (time_ms < INT64_MAX &&
               find(store, key, time_ms + 1, INT64_MAX, KS_ASCENDING, &other)) {
        version.to_ms = other.from_ms;
    } else if (latest->value.data != NULL) {
        version.to_ms = latest->timestamp_ms;
    }
    if (version.to_ms == KS_VALID_NOW)
        put_latest(store, key, row, clock);
    else
        write_history(store, key, &version, clock);
    return version.to_ms;
}

static int64_t put(struct ks_kv_store *store, ks_bytes key, const struct ks__row *row)
{
    struct clock   clock  = read_clock(store);
    int64_t        to_ms  = KS_VALID_NOW;
    ks_bytes       latest = latest_key(store, key);
    struct ks__row old;

    if (latest.data == NULL || row->timestamp_ms < limit_ms(store, &clock))
        return KS_NOT_PUT;
    if (row->timestamp_ms > clock.now_ms)
        clock.now_ms = row->timestamp_ms;
    if (ks__kv_get(store, latest, &old) && row->timestamp_ms >= old.timestamp_ms)
        put_on_top(store, key, &old, row, &clock);
    else
        to_ms = put_between(store, key, &old, row, &clock);
    sweep(store, &clock);
    write_clock(store, &clock);
    return to_ms;
}

int64_t ks__versioned_put(struct ks_kv_store *store, ks_bytes key, const struct ks__row *row)
{
    const struct ks__state_host *host  = store->state->host;
    const int64_t                to_ms = put(store, key, row);

    if (to_ms == KS_NOT_PUT && host->refused != NULL && !ks__error_is_set(store->reading->error))
        host->refused(host->user, store);
    if (to_ms != KS_NOT_PUT && store->spec->changelog && host->changed != NULL)
        host->changed(host->user, store, key, row);
    return to_ms;
}

void ks__versioned_restore(struct ks_kv_store *store, ks_bytes key, const struct ks__row *row)
{
    put(store, key, row);
}

/* ---- get ---- */

bool ks__versioned_get(struct ks_kv_store *store, ks_bytes key, ks_versioned *out)
{
    ks_bytes       latest = latest_key(store, key);
    struct ks__row row;

    *out = (ks_versioned){ .value = KS_NULL };
    if (latest.data == NULL || !ks__kv_get(store, latest, &row))
        return false;
    *out = (ks_versioned){ row.value, row.timestamp_ms, KS_VALID_NOW };
    return true;
}

bool ks__versioned_as_of(struct ks_kv_store *store, ks_bytes key, int64_t as_of_ms,
                         ks_versioned *out)
{
    struct version version;
    struct clock   clock;

    if (ks__versioned_get(store, key, out) && out->timestamp_ms <= as_of_ms)
        return true;
    *out  = (ks_versioned){ .value = KS_NULL };
    clock = read_clock(store);
    if (as_of_ms < limit_ms(store, &clock) ||
        !find(store, key, INT64_MIN, as_of_ms, KS_DESCENDING, &version) ||
        version.to_ms <= as_of_ms || version.value.data == NULL)
        return false;
    *out = (ks_versioned){ version.value, version.from_ms, version.to_ms };
    return true;
}

/* ---- all versions ---- */

struct history_iter {
    struct ks_iter      iter;   /* first */
    struct ks_kv_store *store;
    ks_iter            *inner;  /* older versions, by start; NULL = through */
    ks_bytes            key;
    ks_versioned        latest; /* null value = there is none, or it was given */
    int64_t             from_ms;
    bool                descending;
};

static bool give(const struct history_iter *it, const ks_versioned *version, ks_record *row)
{
    ks_window *window = alloc(it->store, sizeof(*window));

    if (window == NULL)
        return false;
    *window = (ks_window){ version->timestamp_ms, version->valid_to_ms };
    *row    = (ks_record){ it->key, version->value, version->timestamp_ms, NULL, window };
    return true;
}

static bool give_latest(struct history_iter *it, ks_record *row)
{
    const ks_versioned latest = it->latest;

    it->latest.value = KS_NULL;
    return latest.value.data != NULL && give(it, &latest, row);
}

static bool history_next(ks_iter *iter, ks_record *row)
{
    struct history_iter *it = (struct history_iter *)iter;
    struct version       version;
    ks_record            found;

    if (it->descending && give_latest(it, row))
        return true;
    while (ks_iter_next(it->inner, &found))
        if (read_history(&found, it->key, &version) && version.value.data != NULL &&
            version.to_ms > it->from_ms)
            return give(it, &(ks_versioned){ version.value, version.from_ms, version.to_ms }, row);
    it->inner = NULL;
    return give_latest(it, row);
}

static void history_close(ks_iter *iter)
{
    ks_iter_close(((struct history_iter *)iter)->inner);
}

static const struct ks__iter_class history_class = { .next  = history_next,
                                                     .close = history_close };

ks_iter *ks__versioned_history(struct ks_kv_store *store, ks_bytes key, int64_t from_ms,
                               int64_t to_ms, ks_order order)
{
    struct history_iter *it    = alloc(store, sizeof(*it));
    const struct clock   clock = read_clock(store);
    ks_bytes             first = history_key(store, key, INT64_MIN);
    ks_bytes             last  = history_key(store, key, to_ms);

    if (it == NULL || first.data == NULL || last.data == NULL)
        return NULL;
    *it = (struct history_iter){ .iter       = { &history_class },
                                 .store      = store,
                                 .from_ms    = ks__time_max(from_ms, limit_ms(store, &clock)),
                                 .descending = order == KS_DESCENDING };
    if (!ks__arena_copy(store->reading->arena, key, &it->key)) {
        ks__error_no_memory(store->reading->error, store->spec->name);
        return NULL;
    }
    if (ks__versioned_get(store, key, &it->latest) && it->latest.timestamp_ms > to_ms)
        it->latest.value = KS_NULL;
    it->inner = ks__kv_range(store, first, last, order);
    return &it->iter;
}

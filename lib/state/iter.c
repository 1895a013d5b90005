/* SPDX-License-Identifier: Apache-2.0
 *
 * iter.c - iterators: the class table behind ks_iter, and the merge of memory and LMDB.
 *
 *      memory     a b . d e f      the smaller key of the two heads is next; of equal keys the
 *      LMDB       a b c . . f      one in memory wins and both heads step past; a deletion is
 *                                  passed over
 *
 * The view of the opening (S2): entries and cells younger than the iterator are not seen; LMDB does
 * not change inside a record.
 *
 * Memory is the record's arena; iterators still open at its end are closed by the state.
 */
#include "state/expiry.h"

#include "base/assert.h"
#include "serde/windowed_key.h"

#include <string.h>

struct ks__kv_iter {
    struct ks_iter        iter;
    struct ks__kv_iter   *next, **link;     /* among the open ones */
    struct ks_kv_store   *store;
    bool                  descending;
    bool                  below_upper;      /* `upper` itself is not in the range */
    ks_bytes              lower, upper;     /* null = open */
    uint64_t              version;          /* of the store at the opening */
    int64_t               horizon_ms;       /* the same: older rows are dead */
    struct ks__map_entry *head;             /* the next in memory, NULL = none left */
    struct ks__walks      disk;
    unsigned              slots;            /* databases to look into */
    const ks_serde       *windowed;         /* takes keys apart for a user; NULL = as they are */
};

/* ---- the class table ---- */

bool ks_iter_next(ks_iter *it, ks_record *row)
{
    *row = (ks_record){ .key = KS_NULL };
    return it != NULL && it->class != NULL && it->class->next(it, row);
}

void ks_iter_close(ks_iter *it)
{
    const struct ks__iter_class *class = it != NULL ? it->class : NULL;

    if (class == NULL)
        return;
    it->class = NULL;
    class->close(it);
}

/* ---- heads ---- */

/* The cell that the iterator may see, NULL = the entry is younger. */
static const struct ks__cell *cell_seen(const struct ks__kv_iter *it,
                                        const struct ks__map_entry *entry)
{
    const struct ks__cell *cell = ks__kv_entry(entry)->now;

    while (cell != NULL && cell->version > it->version)
        cell = cell->older;
    return cell;
}

static struct ks__map_entry *step(const struct ks__kv_iter *it, struct ks__map *map,
                                  const struct ks__map_entry *entry)
{
    return it->descending ? ks__map_prev(map, entry) : ks__map_next(map, entry);
}

/* From `entry` on, the first that the iterator may see. */
static struct ks__map_entry *skip_unseen(const struct ks__kv_iter *it, struct ks__map_entry *entry)
{
    while (entry != NULL && cell_seen(it, entry) == NULL)
        entry = step(it, &it->store->rows, entry);
    return entry;
}

static struct ks__map_entry *start(const struct ks__kv_iter *it, struct ks__map *map)
{
    if (ks__map_count(map) == 0)
        return NULL;
    if (!it->descending)
        return it->lower.data != NULL ? ks__map_lower_bound(map, it->lower) : ks__map_first(map);
    if (it->upper.data == NULL)
        return ks__map_last(map);
    return it->below_upper ? ks__map_before(map, it->upper) : ks__map_at_or_before(map, it->upper);
}

static void start_all(struct ks__kv_iter *it)
{
    it->head = skip_unseen(it, start(it, &it->store->rows));
    ks__walks_open(&it->disk, it->store, it->slots, it->descending ? it->upper : it->lower,
                   it->descending);
    if (it->descending && it->below_upper && it->disk.head != NULL && it->upper.data != NULL &&
        ks__bytes_compare(it->disk.head->at.key, it->upper) == 0)
        ks__walks_next(&it->disk);
}

/* ---- merge ---- */

/* The smaller of two keys, in the direction of the walk; null counts as none. */
static ks_bytes nearer(const struct ks__kv_iter *it, ks_bytes one, ks_bytes other)
{
    int order;

    if (one.data == NULL || other.data == NULL)
        return one.data != NULL ? one : other;
    order = ks__bytes_compare(one, other);
    return (it->descending ? order >= 0 : order <= 0) ? one : other;
}

static ks_bytes nearest(const struct ks__kv_iter *it)
{
    ks_bytes key = it->head != NULL ? it->head->key : KS_NULL;

    return nearer(it, key, it->disk.head != NULL ? it->disk.head->at.key : KS_NULL);
}

static bool is_past_end(const struct ks__kv_iter *it, ks_bytes key)
{
    if (it->descending)
        return it->lower.data != NULL && ks__bytes_compare(key, it->lower) < 0;
    if (it->upper.data == NULL)
        return false;
    return ks__bytes_compare(key, it->upper) >= (it->below_upper ? 0 : 1);
}

/* The row of the key, from memory if it is there; the heads that stand on the key step past.
 * False = damaged. */
static bool take(struct ks__kv_iter *it, ks_bytes key, struct ks__row_parts *parts)
{
    bool found = false;

    *parts = (struct ks__row_parts){ .value = KS_NULL };
    if (it->head != NULL && ks__bytes_compare(it->head->key, key) == 0) {
        *parts   = ks__cell_parts(cell_seen(it, it->head));
        found    = true;
        it->head = skip_unseen(it, step(it, &it->store->rows, it->head));
    }
    if (it->disk.head != NULL && ks__bytes_compare(it->disk.head->at.key, key) == 0) {
        ks_status status = found ? KS_OK : ks__row_split(it->disk.head->at.row, parts);

        ks__walks_next(&it->disk);
        if (status != KS_OK) {
            ks__error_set(it->store->reading->error, status,
                          "store \"%s\": a row on disk is damaged", it->store->spec->name);
            return false;
        }
    }
    return true;
}

/* Key and window of a windowed key. */
static bool take_apart(struct ks__kv_iter *it, ks_record *row)
{
    struct ks__reading *reading = it->store->reading;
    ks_window          *window  = ks__arena_alloc(reading->arena, sizeof(*window));

    if (window == NULL) {
        ks__error_no_memory(reading->error, it->store->spec->name);
    } else if (ks__windowed_key_read(it->windowed, row->key, &row->key, window)) {
        row->window = window;
        return true;
    } else {
        ks__error_set(reading->error, KS_ECORRUPT, "store \"%s\": a key is not windowed",
                      it->store->spec->name);
    }
    *row = (ks_record){ .key = KS_NULL };
    ks_iter_close(&it->iter);
    return false;
}

static bool kv_next(ks_iter *iter, ks_record *row)
{
    struct ks__kv_iter  *it = (struct ks__kv_iter *)iter;
    struct ks__row_parts parts;
    struct ks__row       found;

    for (;;) {
        ks_bytes key = nearest(it);

        if (it->disk.failed || key.data == NULL || is_past_end(it, key) ||
            !take(it, key, &parts)) {
            ks_iter_close(iter);
            return false;
        }
        if (parts.value.data == NULL || parts.timestamp_ms < it->horizon_ms)
            continue;
        if (!ks__kv_read(it->store, &parts, &found)) {
            ks_iter_close(iter);
            return false;
        }
        *row = (ks_record){ key, found.value, found.timestamp_ms, found.headers, NULL };
        return it->windowed == NULL || take_apart(it, row);
    }
}

static void kv_close(ks_iter *iter)
{
    struct ks__kv_iter *it = (struct ks__kv_iter *)iter;

    ks__walks_close(&it->disk);
    *it->link = it->next;
    if (it->next != NULL)
        it->next->link = it->link;
}

static const struct ks__iter_class kv_class = { .next = kv_next, .close = kv_close };

/* ---- open ---- */

/* An iterator without bounds yet; NULL = error set. */
static struct ks__kv_iter *iter_new(struct ks_kv_store *store, ks_order order)
{
    struct ks__reading *reading = store->reading;
    struct ks__kv_iter *it      = ks__arena_zalloc(reading->arena, sizeof(*it));

    if (it == NULL) {
        ks__error_no_memory(reading->error, "an iterator");
        return NULL;
    }
    it->store      = store;
    it->descending = order == KS_DESCENDING;
    it->version    = store->version;
    it->horizon_ms = ks__expiry_horizon(store);
    it->slots      = ~0u;
    return it;
}

static ks_iter *iter_open(struct ks__kv_iter *it)
{
    struct ks__reading *reading = it->store->reading;

    it->iter.class = &kv_class;
    it->next       = reading->iterators;
    it->link       = &reading->iterators;
    if (it->next != NULL)
        it->next->link = &it->next;
    reading->iterators = it;
    start_all(it);
    if (it->disk.failed) {
        ks_iter_close(&it->iter);
        return NULL;
    }
    return &it->iter;
}

ks_iter *ks__kv_range_in(struct ks_kv_store *store, unsigned slots, ks_bytes from, ks_bytes to,
                         ks_order order)
{
    struct ks__kv_iter *it = iter_new(store, order);

    if (it == NULL)
        return NULL;
    it->slots = slots;
    if (!ks__arena_copy(store->reading->arena, from, &it->lower) ||
        !ks__arena_copy(store->reading->arena, to, &it->upper)) {
        ks__error_no_memory(store->reading->error, "an iterator");
        return NULL;
    }
    return iter_open(it);
}

ks_iter *ks__kv_range(struct ks_kv_store *store, ks_bytes from, ks_bytes to, ks_order order)
{
    return ks__kv_range_in(store, ~0u, from, to, order);
}

ks_iter *ks__kv_for_user(ks_iter *iter)
{
    struct ks__kv_iter *it = (struct ks__kv_iter *)iter;

    if (it != NULL && ks__serde_is_windowed(it->store->spec->key))
        it->windowed = it->store->spec->key;
    return iter;
}

/* The smallest bytes above everything that begins so; null = there are none. */
static bool successor(struct ks__arena *arena, ks_bytes prefix, ks_bytes *out)
{
    const uint8_t *last = prefix.data;
    size_t         size = prefix.size;

    *out = KS_NULL;
    while (size > 0 && last[size - 1] == 0xff)
        size--;
    if (size == 0)
        return true;
    if (!ks__arena_copy(arena, (ks_bytes){ prefix.data, size }, out))
        return false;
    ((uint8_t *)(uintptr_t)out->data)[size - 1]++;
    return true;
}

ks_iter *ks__kv_prefix(struct ks_kv_store *store, ks_bytes prefix, ks_order order)
{
    struct ks__kv_iter *it = iter_new(store, order);

    if (it == NULL)
        return NULL;
    it->below_upper = true;
    if (!ks__arena_copy(store->reading->arena, prefix, &it->lower) ||
        !successor(store->reading->arena, prefix, &it->upper)) {
        ks__error_no_memory(store->reading->error, "an iterator");
        return NULL;
    }
    return iter_open(it);
}

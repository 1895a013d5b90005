/* SPDX-License-Identifier: Apache-2.0
 *
 * ring.c - the time of a window or session store, its floors, its numbers and databases.
 *
 *      ring/STORE/time  ring/STORE/sequence  ring/STORE/held/N      kept with the state, sealed and
 *                                                                   dropped with the rows
 *
 * Not here: rows (window.c, session.c), the sweep (ring_sweep.c).
 */
#include "state/ring.h"

#include "base/assert.h"
#include "window/window.h"

#include <stdio.h>
#include <string.h>

#define SEGMENT_FLOOR_MS 60000 /* shorter ones would only cost seeks; as Kafka Streams */
#define HOLD_LIMIT_MS KS_DAYS(1) /* how long an idle input of a cogroup may hold rows back */
#define CACHED_MS     KS_DAYS(1) /* how long a row stays in a cache of Kafka, which knows no time */

/* ---- floors ---- */

/* What all holders have worked off. */
static int64_t released_ms(const struct ks__ring *ring)
{
    int64_t least = ring->time_ms;

    for (unsigned i = 0; i < ring->holders; i++) {
        int64_t held = ring->held_ms[i];

        if (ring->holders > 1)
            held = ks__time_max(held, ks__time_sub(ring->time_ms, HOLD_LIMIT_MS));
        least = ks__time_min(least, held);
    }
    return least;
}

static void set_floors(struct ks__ring *ring)
{
    const int64_t released = released_ms(ring);
    int64_t       longest  = ks__time_max(ring->keep_ms, ring->retention_ms);

    if (ring->kafka && ring->cached)
        longest = ks__time_add(longest, CACHED_MS);
    ring->dead_ms  = ks__time_sub(ks__time_sub(released, longest), 1);
    ring->floor_ms = ring->kafka ? ks__time_sub(ring->time_ms, ring->retention_ms)
                                 : ks__time_sub(released, ring->keep_ms);
    if (ring->kafka && ring->cached) /* what lies in a cache of Kafka is not hidden */
        ring->floor_ms = ks__ring_dead_segments_end(ring, ring->dead_ms);
}

int64_t ks__ring_dead_segments_end(const struct ks__ring *ring, int64_t dead_ms)
{
    return dead_ms < 0 ? -1 : ks__time_add(dead_ms, 1) / ring->interval_ms * ring->interval_ms - 1;
}

void ks__ring_advance(struct ks_kv_store *store, int64_t time_ms)
{
    struct ks__ring *ring = store->ring;

    ks__ring_know(store);
    if (time_ms <= ring->time_ms)
        return;
    ring->time_ms = time_ms;
    ring->moved   = true;
    set_floors(ring);
}

void ks__window_release(struct ks_kv_store *store, unsigned holder, int64_t time_ms)
{
    struct ks__ring *ring = store->ring;

    ks__ring_know(store);
    ks__assert(holder < ring->holders);
    if (time_ms <= ring->held_ms[holder])
        return;
    ring->held_ms[holder] = time_ms;
    ring->moved           = true;
    set_floors(ring);
}

int64_t ks__window_time(struct ks_kv_store *store)
{
    ks__ring_know(store);
    return store->ring->time_ms;
}

bool ks__ring_refuses(const struct ks__ring *ring, int64_t time_ms, int64_t now_ms)
{
    const int64_t dead_ms = ks__time_sub(ks__time_sub(now_ms, ring->retention_ms), 1);

    return time_ms <= (ring->kafka ? ks__ring_dead_segments_end(ring, dead_ms) : ring->dead_ms);
}

void ks__ring_tell_refused(struct ks_kv_store *store)
{
    const struct ks__state_host *host = store->state != NULL ? store->state->host : NULL;

    if (host != NULL && host->refused != NULL)
        host->refused(host->user, store);
}

bool ks__session_merges(struct ks_kv_store *store, int64_t end_ms)
{
    const struct ks__ring *ring = store->ring;

    ks__ring_know(store);
    return ring->kafka || end_ms > ks__time_sub(ring->time_ms, ring->retention_ms);
}

bool ks__ring_hides_flushed(struct ks_kv_store *store, ks_bytes key)
{
    struct ks__ring *ring   = store->ring;
    const int64_t    time   = ks__ring_time_of(ring, key);
    const bool       hidden = time <= ks__time_sub(ring->flushed_ms, ring->retention_ms);

    ring->flushed_ms = ks__time_max(ring->flushed_ms, time);
    if (ring->kafka && ks__ring_refuses(ring, time, ring->flushed_ms))
        ks__ring_tell_refused(store);
    return ring->kafka && hidden;
}

int64_t ks__ring_lost_sessions_ms(const struct ks__ring *ring)
{
    const int64_t dead_ms = ks__time_sub(ks__time_sub(ring->time_ms, ring->retention_ms), 1);

    return ring->kafka ? ks__ring_dead_segments_end(ring, dead_ms) : ring->floor_ms;
}

/* ---- numbers ---- */

static int64_t number(struct ks_kv_store *store, const char *what, int64_t otherwise)
{
    char    *name  = ks__format("ring/%s/%s", store->spec->name, what);
    int64_t  found = otherwise;

    if (name == NULL)
        ks__error_no_memory(store->reading->error, store->spec->name);
    else if (store->state != NULL)
        found = ks__state_number(store->state, name, otherwise);
    ks__free(name);
    return found;
}

static void set_number(struct ks_kv_store *store, const char *what, int64_t value)
{
    char *name = ks__format("ring/%s/%s", store->spec->name, what);

    if (name == NULL)
        ks__error_no_memory(store->reading->error, store->spec->name);
    else
        ks__state_set_number(store->state, name, value);
    ks__free(name);
}

void ks__ring_know(struct ks_kv_store *store)
{
    struct ks__ring *ring = store->ring;
    char             what[32];

    if (ring->known)
        return;
    ring->known    = true;
    ring->time_ms  = number(store, "time", -1);
    ring->flushed_ms = ring->time_ms;
    ring->sequence = (uint32_t)number(store, "sequence", 0);
    ring->swept_ms = number(store, "swept", -1);
    for (unsigned i = 0; i < ring->holders; i++) {
        snprintf(what, sizeof(what), "held/%u", i);
        ring->held_ms[i] = number(store, what, INT64_MIN);
    }
    set_floors(ring);
    ring->sealed_dead_ms = ring->dead_ms;
}

void ks__ring_keep(struct ks_kv_store *store)
{
    struct ks__ring *ring = store->ring;
    char             what[32];

    if (ring == NULL || ring->is_index || !ring->moved)
        return;
    ring->moved          = false;
    ring->sealed_dead_ms = ring->dead_ms;
    set_number(store, "time", ring->time_ms);
    if (store->spec->duplicates)
        set_number(store, "sequence", ring->sequence);
    for (unsigned i = 0; i < ring->holders; i++)
        if (ring->held_ms[i] != INT64_MIN) {
            snprintf(what, sizeof(what), "held/%u", i);
            set_number(store, what, ring->held_ms[i]);
        }
}

/* ---- snapshots ---- */

static int64_t number_in(struct ks_kv_store *store, struct ks_kv_store *numbers, const char *what,
                         int64_t otherwise)
{
    char          *name = ks__format("ring/%s/%s", store->spec->name, what);
    struct ks__row row;
    int64_t        found = otherwise;

    if (name == NULL)
        ks__error_no_memory(store->reading->error, store->spec->name);
    else if (ks__kv_get(numbers, ks_bytes_text(name), &row))
        found = ks_bytes_i64(row.value, otherwise);
    ks__free(name);
    return found;
}

void ks__ring_load(struct ks_kv_store *store, struct ks_kv_store *numbers)
{
    struct ks__ring *ring = store->ring;
    char             what[32];

    ring->known   = true;
    ring->time_ms = number_in(store, numbers, "time", -1);
    for (unsigned i = 0; i < ring->holders; i++) {
        snprintf(what, sizeof(what), "held/%u", i);
        ring->held_ms[i] = number_in(store, numbers, what, INT64_MIN);
    }
    set_floors(ring);
}

void ks__ring_copy(struct ks_kv_store *store, struct ks_kv_store *from)
{
    struct ks__ring *ring = store->ring;

    ks__ring_know(from);
    ring->known   = true;
    ring->time_ms = from->ring->time_ms;
    memcpy(ring->held_ms, from->ring->held_ms, sizeof(ring->held_ms));
    set_floors(ring);
}

/* ---- slots ---- */

int64_t ks__ring_time_of(const struct ks__ring *ring, ks_bytes key)
{
    return ring->is_index ? ks__index_key_time(key) : ks__timed_key_time(ring->kind, key);
}

unsigned ks__ring_slots(const struct ks__ring *ring, int64_t from_ms, int64_t to_ms)
{
    int64_t  from = ks__time_max(from_ms, 0) / ring->interval_ms;
    int64_t  to   = ks__time_max(to_ms, 0) / ring->interval_ms;
    unsigned slots = 0;

    if (to - from >= (int64_t)KS__RING_SLOTS)
        return (1u << KS__RING_SLOTS) - 1;
    for (int64_t segment = from; segment <= to; segment++)
        slots |= 1u << (segment % KS__RING_SLOTS);
    return slots;
}

/* ---- open ---- */

static ks_status open_slots(struct ks_kv_store *store, struct ks__env *env, ks_error *error)
{
    ks_status status = KS_OK;

    for (unsigned i = 0; i < KS__RING_SLOTS && status == KS_OK; i++) {
        char *name = ks__format("%s/%u", store->spec->name, i);

        if (name == NULL)
            return ks__error_no_memory(error, store->spec->name);
        status = ks__state_database(env, name, &store->dbs[i], error);
        ks__free(name);
    }
    store->db_count = KS__RING_SLOTS;
    return status;
}

/* The name of the index is kept behind the ring. */
static struct ks__ring *ring_new(const struct ks__store_spec *spec)
{
    const size_t     size = strlen(spec->name) + sizeof("/index");
    struct ks__ring *ring = ks__zalloc(sizeof(*ring) + size);

    if (ring == NULL)
        return NULL;
    snprintf((char *)(ring + 1), size, "%s/index", spec->name);
    ring->index_spec         = *spec;
    ring->index_spec.name    = (char *)(ring + 1);
    ring->index_spec.cache   = false;
    ring->index_spec.changelog  = false;
    ring->index_spec.duplicates = false;
    return ring;
}

ks_status ks__ring_open(struct ks_kv_store *store, struct ks__env *env, struct ks_kv_store *owner,
                        bool kafka, ks_error *error)
{
    const struct ks__store_spec *spec = store->spec;
    struct ks__ring             *ring = ring_new(spec);

    if (ring == NULL)
        return ks__error_no_memory(error, spec->name);
    ks__assert(spec->holders <= KS__HOLDERS_MAX && spec->retention_ms >= 0);
    store->ring        = ring;
    ring->kind         = spec->kind;
    ring->is_index     = owner != NULL;
    ring->owner        = owner != NULL ? owner->ring : ring;
    ring->kafka        = kafka;
    ring->cached       = store->cached || (spec->lingers && store->state->caches);
    ring->retention_ms = spec->retention_ms;
    ring->keep_ms      = ks__time_max(spec->keep_ms, spec->retention_ms);
    ring->interval_ms  = ks__time_max(spec->retention_ms / 2, SEGMENT_FLOOR_MS);
    ring->holders      = spec->holders;
    ring->sweep_slot   = KS__RING_SLOTS;
    return open_slots(store, env, error);
}

void ks__ring_free(struct ks_kv_store *store)
{
    ks__free(store->ring);
    store->ring = NULL;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * rows.c - rows of stores, of the embedded log, and changelogs that are restored.
 */
#include "fuzz.h"

#include "base/headers.h"
#include "base/io.h"
#include "dsl/ops/suppress_buffer.h"
#include "log/embedded/embedded.h"
#include "state/row.h"
#include "state/state.h"
#include "state/timed_key.h"
#include "state/versioned.h"
#include "state/window_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows of a store ---- */

static bool same_row(const struct ks__row_parts *a, const struct ks__row_parts *b)
{
    return fuzz_same(a->value, b->value) && a->timestamp_ms == b->timestamp_ms &&
           a->headers.size == b->headers.size &&
           (a->headers.size == 0 || fuzz_same(a->headers, b->headers));
}

void fuzz_row(ks_bytes bytes)
{
    struct ks__row_parts one, twice;
    struct ks__buffer    out = { .data = NULL };

    if (ks__row_split(bytes, &one) != KS_OK)
        return;
    ks__row_encode(&out, &one);
    DEMAND(!out.failed && ks__row_split(ks__buffer_bytes(&out), &twice) == KS_OK);
    DEMAND(same_row(&one, &twice));
    ks__buffer_release(&out);
}

/* Each link of a chain, whole and taken apart; what is left at the end is damage. */
void fuzz_chain(ks_bytes bytes)
{
    struct ks__buffer out = { .data = NULL };
    ks_bytes          key, row, whole;
    size_t            sum = 0;

    for (ks_bytes rest = bytes; ks__row_next_link(&rest, &key, &row, &whole); sum += whole.size) {
        struct ks__row_parts parts;
        ks_bytes             again, key_again, row_again;

        DEMAND(whole.size == 8 + key.size + row.size);
        if (ks__row_split(row, &parts) != KS_OK)
            continue;
        ks__buffer_clear(&out);
        ks__row_encode_link(&out, key, &parts);
        DEMAND(!out.failed);
        again = ks__buffer_bytes(&out);
        DEMAND(ks__row_next_link(&again, &key_again, &row_again, NULL) && again.size == 0);
        DEMAND(fuzz_same(key, key_again));
    }
    DEMAND(sum <= bytes.size);
    ks__buffer_release(&out);
}

void fuzz_timed_key(ks_bytes bytes)
{
    const enum ks__store_kind kinds[2] = { KS__STORE_WINDOW, KS__STORE_SESSION };

    for (int i = 0; i < 2; i++) {
        struct ks__timed_key parts;

        ks__timed_key_time(kinds[i], bytes);
        ks__index_key_time(bytes);
        if (ks__timed_key_split(kinds[i], bytes, &parts)) {
            DEMAND(parts.time_ms == ks__timed_key_time(kinds[i], bytes));
            DEMAND(fuzz_same(bytes, ks__timed_key_make(kinds[i], &parts, &fuzz_arena)));
        }
        if (ks__index_key_split(kinds[i], bytes, &parts)) {
            DEMAND(parts.time_ms == ks__index_key_time(bytes));
            DEMAND(fuzz_same(bytes, ks__index_key_make(kinds[i], &parts, &fuzz_arena)));
        }
    }
}

/* The first byte is the size of the key. */
void fuzz_held(ks_bytes bytes)
{
    size_t         size = fuzz_byte(&bytes);
    ks_bytes       key  = { bytes.data, size < bytes.size ? size : bytes.size };
    ks_bytes       row  = { (const uint8_t *)bytes.data + key.size, bytes.size - key.size };
    struct ks__held held;
    uint8_t        *out;

    if (!ks__held_read(key, row, &held))
        return;
    DEMAND(held.key.size + 9 == key.size);
    out = ks__arena_alloc(&fuzz_arena, ks__held_size(&held));
    DEMAND(out != NULL);
    ks__held_write(&held, out);
    DEMAND(fuzz_same(row, (ks_bytes){ out, ks__held_size(&held) }));
}

/* ---- the embedded log ---- */

static void same_records(const struct ks__segment *a, const struct ks__segment *b)
{
    DEMAND(a->count == b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        const struct ks__log_record *one = &a->records[i], *two = &b->records[i];

        DEMAND(one->offset == two->offset && one->record.timestamp_ms == two->record.timestamp_ms);
        DEMAND(fuzz_same(one->record.key, two->record.key));
        DEMAND(fuzz_same(one->record.value, two->record.value));
        DEMAND(ks_headers_count(one->record.headers) == ks_headers_count(two->record.headers));
    }
}

static struct ks__segment *decoded(ks_bytes bytes, int64_t base)
{
    struct ks__chunk    chunk;
    struct ks__segment *segment;

    if (ks__chunk_open(bytes, &chunk) != KS_OK)
        return NULL;
    segment = ks__segment_new(chunk.count, ks__chunk_need(&chunk));
    DEMAND(segment != NULL);
    if (ks__chunk_decode(&chunk, base, 0, segment) == KS_OK)
        return segment;
    ks__segment_drop(segment);
    return NULL;
}

static bool ascends(const struct ks__segment *segment)
{
    for (uint32_t i = 1; i < segment->count; i++)
        if (segment->records[i].offset <= segment->records[i - 1].offset)
            return false;
    return segment->count > 0;
}

void fuzz_chunk(ks_bytes bytes)
{
    struct ks__segment *one = decoded(bytes, 1000), *twice;
    struct ks__buffer   out = { .data = NULL };

    if (one == NULL)
        return;
    DEMAND(ascends(one));
    DEMAND(ks__chunk_encode_holes(&out, one) == KS_OK);
    twice = decoded(ks__buffer_bytes(&out), one->records[0].offset);
    DEMAND(twice != NULL);
    same_records(one, twice);
    ks__segment_drop(one);
    ks__segment_drop(twice);
    ks__buffer_release(&out);
}

static void write_group(ks_bytes bytes, struct ks__buffer *out, bool demand)
{
    struct ks__group group;

    DEMAND(ks__group_init(&group, "fuzz") == KS_OK);
    if (ks__group_read(bytes, &group) == KS_OK)
        ks__group_write(&group, out);
    else
        DEMAND(!demand);
    ks__group_release(&group);
}

void fuzz_group(ks_bytes bytes)
{
    struct ks__buffer once = { .data = NULL }, twice = { .data = NULL };

    write_group(bytes, &once, false);
    if (once.size > 0) {
        write_group(ks__buffer_bytes(&once), &twice, true);
        DEMAND(fuzz_same(ks__buffer_bytes(&once), ks__buffer_bytes(&twice)));
    }
    ks__buffer_release(&once);
    ks__buffer_release(&twice);
}

/* ---- changelogs: any bytes as keys and values of any store ---- */

static const struct ks__store_spec specs[4] = {
    { .name = "rows", .kind = KS__STORE_KV },
    { .name = "windows", .kind = KS__STORE_WINDOW, .retention_ms = 100, .window_ms = 10,
      .by_time = true },
    { .name = "sessions", .kind = KS__STORE_SESSION, .retention_ms = 100 },
    { .name = "history", .kind = KS__STORE_VERSIONED, .history_ms = 50 },
};

static struct {
    char                directory[64];
    struct ks__state   *state;
    struct ks_kv_store *stores[4];
    ks_error            error;
} world;

static void close_world(void)
{
    ks__state_abandon(world.state);
    ks__io_remove_tree(world.directory);
}

static int64_t now_ms(void *user)
{
    (void)user;
    return 0;
}

static void open_world(void)
{
    static const struct ks__state_host host = { .now_ms = now_ms, .error = &world.error,
                                                .arena = &fuzz_arena };
    struct ks__state_options options = { .host = &host, .map_bytes = 1 << 24, .stores = 4 };
    const char              *folder  = getenv("TMPDIR");

    if (world.state != NULL)
        return;
    snprintf(world.directory, sizeof(world.directory), "%.30s/kstream-fuzz.XXXXXX",
             folder != NULL ? folder : "/tmp");
    DEMAND(mkdtemp(world.directory) != NULL);
    options.directory = world.directory;
    DEMAND(ks__state_open(&world.state, &options, &world.error) == KS_OK);
    for (int i = 0; i < 4; i++)
        DEMAND(ks__state_kv(world.state, &specs[i], &world.stores[i], &world.error) == KS_OK);
    atexit(close_world);
}

static void count_rows(ks_iter *it)
{
    size_t bytes = 0;

    for (ks_record row; ks_iter_next(it, &row);)
        bytes += row.key.size + row.value.size;
    ks_iter_close(it);
    DEMAND(bytes < (size_t)1 << 40);
}

static void read_store(int n, ks_bytes key)
{
    struct ks_kv_store *store = world.stores[n];
    ks_versioned        version;

    switch (specs[n].kind) {
    case KS__STORE_WINDOW:
        count_rows(ks__window_all(store, KS_NULL, KS_NULL, 0, INT64_MAX, KS_ASCENDING));
        count_rows(ks__window_by_time(store, INT64_MIN, INT64_MAX));
        count_rows(ks__window_fetch(store, key, INT64_MIN, INT64_MAX, KS_DESCENDING));
        break;
    case KS__STORE_SESSION:
        count_rows(ks__window_all(store, KS_NULL, KS_NULL, 0, INT64_MAX, KS_DESCENDING));
        count_rows(ks__session_fetch(store, key, INT64_MIN, INT64_MAX, KS_ASCENDING));
        break;
    case KS__STORE_VERSIONED:
        ks__versioned_get(store, key, &version);
        ks__versioned_as_of(store, key, 5, &version);
        break;
    default:
        count_rows(ks__kv_range(store, KS_NULL, KS_NULL, KS_ASCENDING));
    }
}

/* store byte, then changes: sizes of key and value (255 = null), time (signed), bytes. */
void fuzz_restore(ks_bytes bytes)
{
    struct ks__state_change changes[8];
    size_t                  count = 0;
    ks_bytes                last  = { "", 0 };
    int                     n;

    open_world();
    n = fuzz_byte(&bytes) % 4;
    while (count < 8 && bytes.size > 0) {
        ks_bytes parts[2];
        size_t   sizes[2];

        sizes[0]             = fuzz_byte(&bytes);
        sizes[1]             = fuzz_byte(&bytes);
        changes[count].row   = (struct ks__row){ .timestamp_ms = (int8_t)fuzz_byte(&bytes) };
        for (int i = 0; i < 2; i++) {
            parts[i] = (ks_bytes){ sizes[i] == 255 ? NULL : bytes.data,
                                   sizes[i] == 255 ? 0 : sizes[i] };
            if (parts[i].size > bytes.size)
                parts[i].size = bytes.size;
            bytes.data = (const uint8_t *)bytes.data + parts[i].size;
            bytes.size -= parts[i].size;
        }
        changes[count].key         = parts[0];
        changes[count++].row.value = parts[1];
        if (parts[0].data != NULL)
            last = parts[0];
    }
    ks__error_clear(&world.error);
    if (ks__state_restore(world.state, world.stores[n], changes, count, "position", 7,
                          &world.error) == KS_OK)
        DEMAND(ks__state_number(world.state, "position", 0) == 7);
    ks__error_clear(&world.error);
    read_store(n, last);
    ks__state_end_record(world.state);
    ks__error_clear(&world.error);
    DEMAND(ks__state_wipe(world.state, world.stores[n], "position", &world.error) == KS_OK);
    ks__state_end_record(world.state);
}

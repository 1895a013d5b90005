/* SPDX-License-Identifier: Apache-2.0
 *
 * test_model.c - random work on a store against a naive sorted array: reads, writes, iterators
 * during writes, seal, drop, write, restart, kill, caches and snapshots. Seeds are fixed; KS_SEED
 * adds one.
 */
#include "fixture.h"

#include "base/error.h"
#include "state/row.h"
#include "state/snapshot.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS      96
#define STEPS     6000
#define ITERATORS 6
#define LOANS     64
#define LONG_KEY  700

static uint8_t  texts[KEYS][LONG_KEY];
static ks_bytes keys[KEYS];         /* sorted */
static uint32_t random_state;

/* What the layers should hold: 0 = no row, else the number its content is made from. */
typedef uint32_t rows[KEYS];
static rows      now, sealed, written, forwarded;
static uint32_t  serial;
static bool      cached;
static bool      weak;              /* long keys share a hash: counts are estimates */

/* Keys written since they were forwarded, in order of last write. */
static int    dirty[KEYS];
static size_t dirty_count, dirty_next;

/* Iterators and rows that were lent in this record, with what they must show. */
static struct {
    ks_iter *it;
    rows     view;
    int      at, end;
    bool     down;
} open_iterators[ITERATORS];
static size_t iterator_count;
static struct {
    ks_record row;
    uint32_t  content;
} loans[LOANS];
static size_t loan_count;

static uint32_t draw(uint32_t below)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % below;
}

/* ---- keys and contents ---- */

static int compare_keys(const void *one, const void *other)
{
    return ks_bytes_compare(*(const ks_bytes *)one, *(const ks_bytes *)other);
}

/* The empty key, short ones that are prefixes of each other, 0 and 255, and long ones around
 * LMDB's limit with equal starts. */
static void make_keys(void)
{
    for (int i = 0; i < KEYS; i++) {
        size_t size = (size_t)(i / 8);

        memset(texts[i], "\0\001a\377"[i % 4], LONG_KEY);
        if (i >= KEYS / 2) {
            memset(texts[i], 'x' + (i % 2), LONG_KEY);
            size = KS__ROW_SHORT_KEY - 2 + draw(LONG_KEY - KS__ROW_SHORT_KEY + 2);
            if (size > KS__ROW_SHORT_KEY + 2)
                texts[i][size - 1] = (uint8_t)i;
        } else if (i % 8 >= 4 && size > 0) {
            texts[i][size - 1] = (uint8_t)draw(256);
        }
        keys[i] = (ks_bytes){ texts[i], size };
    }
    qsort(keys, KEYS, sizeof(keys[0]), compare_keys);
}

/* Equal keys may arise: only the first of each is used. */
static int draw_key(void)
{
    int i = (int)draw(KEYS);

    while (i > 0 && ks_bytes_equal(keys[i], keys[i - 1]))
        i--;
    return i;
}

static ks_bytes content(uint32_t n)
{
    static uint8_t text[3000];
    size_t         size = n % 50 == 0 ? sizeof(text) : n % 40;

    memset(text, (int)(n * 7), size);
    if (size >= 4)
        memcpy(text, &n, 4);
    return (ks_bytes){ text, size };
}

static void check_row(const ks_record *row, uint32_t n)
{
    ks_bytes value;

    ck_assert(ks_bytes_equal(row->value, content(n)));
    ck_assert_int_eq(row->timestamp_ms, n);
    ck_assert_uint_eq(ks_headers_count(row->headers), n % 5 == 0 ? 1 : 0);
    if (n % 5 == 0) {
        ck_assert(ks_headers_last(row->headers, "n", &value));
        ck_assert(ks_bytes_equal(value, KS_OBJECT(n)));
    }
}

static void lend(const ks_record *row, uint32_t n)
{
    if (loan_count < LOANS) {
        loans[loan_count].row       = *row;
        loans[loan_count++].content = n;
    }
}

/* ---- steps ---- */

static void put(void)
{
    int         key     = draw_key();
    bool        removes = draw(4) == 0;
    ks_headers *headers = NULL;
    ks_record   row     = { .key = keys[key] };

    serial++;
    if (!removes)
        row.value = content(serial);
    if (!removes && serial % 5 == 0) {
        headers = ks_headers_new();
        ck_assert_int_eq(ks_headers_add(headers, "n", KS_OBJECT(serial)), KS_OK);
    }
    row.headers      = headers;
    row.timestamp_ms = serial;
    ks_kv_store_put_record(fixture_store, &row);
    ks_headers_free(headers);
    now[key] = removes ? 0 : serial;
    for (size_t i = 0; i < dirty_count; i++)
        if (dirty[i] == key) { /* the last of all now */
            memmove(&dirty[i], &dirty[i + 1], (dirty_count - i - 1) * sizeof(*dirty));
            dirty_count--;
        }
    dirty[dirty_count++] = key;
}

static void get(void)
{
    int       key = draw_key();
    ks_record row;

    ck_assert_int_eq(ks_kv_store_get(fixture_store, keys[key], &row), now[key] != 0);
    if (now[key] == 0)
        return;
    check_row(&row, now[key]);
    lend(&row, now[key]);
}

/* [from, to] as positions in the sorted keys. */
static void open_iterator(void)
{
    int       a = draw_key(), b = draw_key(), from = 0, to = KEYS - 1;
    bool      down = draw(2) == 0;
    ks_order  order = down ? KS_DESCENDING : KS_ASCENDING;
    ks_bytes  prefix;
    ks_iter  *it;

    if (iterator_count == ITERATORS)
        return;
    switch (draw(4)) {
    case 0:
        it = ks_kv_store_all(fixture_store, order);
        break;
    case 1:
        prefix = (ks_bytes){ keys[a].data, keys[a].size / (1 + draw(3)) };
        while (from < KEYS && (keys[from].size < prefix.size ||
                               memcmp(keys[from].data, prefix.data, prefix.size) != 0))
            from++;
        for (to = from; to + 1 < KEYS && keys[to + 1].size >= prefix.size &&
                        memcmp(keys[to + 1].data, prefix.data, prefix.size) == 0;)
            to++;
        it = ks_kv_store_prefix(fixture_store, prefix, order);
        break;
    default:
        from = a, to = b;
        it   = ks_kv_store_range(fixture_store, keys[a], keys[b], order);
        break;
    }
    open_iterators[iterator_count].it   = it;
    open_iterators[iterator_count].down = down;
    open_iterators[iterator_count].at   = down ? to : from;
    open_iterators[iterator_count].end  = down ? from : to;
    memcpy(open_iterators[iterator_count++].view, now, sizeof(now));
}

static void step_iterator(size_t i)
{
    int       step = open_iterators[i].down ? -1 : 1;
    int       end  = open_iterators[i].end;
    int      *at   = &open_iterators[i].at;
    ks_record row;

    while ((end - *at) * step >= 0 && open_iterators[i].view[*at] == 0)
        *at += step;
    if ((end - *at) * step < 0) {
        ck_assert(!ks_iter_next(open_iterators[i].it, &row));
        return;
    }
    ck_assert_msg(ks_iter_next(open_iterators[i].it, &row), "%s", fixture_error.message);
    ck_assert_msg(ks_bytes_equal(row.key, keys[*at]), "key %d", *at);
    check_row(&row, open_iterators[i].view[*at]);
    lend(&row, open_iterators[i].view[*at]);
    *at += step;
}

static void end_record(void)
{
    for (size_t i = 0; i < loan_count; i++)     /* S1 */
        check_row(&loans[i].row, loans[i].content);
    iterator_count = loan_count = 0;
    fixture_end_record();
}

static uint64_t count_of(const rows of)
{
    uint64_t count = 0;

    for (int i = 0; i < KEYS; i++)
        count += of[i] != 0;
    return count;
}

static void check_snapshot(struct ks__snapshot *snapshot, const rows expected)
{
    ks_iter  *it = ks__snapshot_range(snapshot, KS_NULL, KS_NULL, KS_ASCENDING);
    ks_record row;
    int       key = draw_key();

    for (int i = 0; i < KEYS; i++)
        if (expected[i] != 0) {
            ck_assert(ks_iter_next(it, &row));
            ck_assert(ks_bytes_equal(row.key, keys[i]));
            check_row(&row, expected[i]);
        }
    ck_assert(!ks_iter_next(it, &row));
    ck_assert(weak || ks__snapshot_count(snapshot) == count_of(expected));
    ck_assert_int_eq(ks__snapshot_get(snapshot, keys[key], &row), expected[key] != 0);
    ks__snapshot_free(snapshot);
}

static void take_snapshots(void)
{
    struct ks__snapshot *committed, *fresh;
    rows                 before;

    ck_assert_int_eq(ks__snapshot_of_env(&committed, ks__state_env(fixture_state), "plain", NULL),
                     KS_OK);
    ck_assert_int_eq(ks__snapshot_of_store(&fresh, fixture_store, NULL), KS_OK);
    memcpy(before, now, sizeof(now));
    put();
    check_snapshot(committed, written);
    check_snapshot(fresh, before);
}

/* ---- caches ---- */

static void check_flushed(ks_bytes key, const struct ks__row *row, uint32_t expected)
{
    ks_record public = { key, row->value, row->timestamp_ms, row->headers, NULL };

    ck_assert_int_eq(row->value.data != NULL, expected != 0);
    if (expected != 0)
        check_row(&public, expected);
}

static void on_flush(void *user, ks_bytes key, const struct ks__row *row,
                     const struct ks__row *before)
{
    int at;

    (void)user;
    while (now[dirty[dirty_next]] == 0 && forwarded[dirty[dirty_next]] == 0)
        dirty_next++;                           /* S3: created and deleted */
    ck_assert_uint_lt(dirty_next, dirty_count);
    at = dirty[dirty_next++];
    ck_assert(ks_bytes_equal(key, keys[at]));
    check_flushed(key, row, now[at]);
    check_flushed(key, before, forwarded[at]);
}

static void after_flushed(void *user)
{
    (void)user;
    ks__arena_reset(&fixture_arena);
}

static void flush(void)
{
    end_record();
    dirty_next = 0;
    if (cached)
        ks__state_flush_caches(fixture_state, after_flushed, NULL);
    for (; cached && dirty_next < dirty_count; dirty_next++)
        ck_assert(now[dirty[dirty_next]] == 0 && forwarded[dirty[dirty_next]] == 0);
    ck_assert(!ks__state_has_cached(fixture_state));
    memcpy(forwarded, now, sizeof(now));
    dirty_count = 0;
}

/* ---- commits ---- */

static uint32_t written_serial, sealed_serial;

static void seal(void)
{
    flush();
    ks__state_set_number(fixture_state, "serial", serial);
    ck_assert_int_eq(ks__state_seal(fixture_state, NULL), KS_OK);
    memcpy(sealed, now, sizeof(now));
    sealed_serial = serial;
}

static void write_state(void)
{
    end_record();
    ck_assert_int_eq(ks__state_write(fixture_state, NULL), KS_OK);
    ck_assert_uint_eq(ks__state_sealed_bytes(fixture_state), 0);
    memcpy(written, sealed, sizeof(sealed));
    written_serial = sealed_serial;
}

static void back_to(const rows layer)
{
    memcpy(now, layer, sizeof(now));
    memcpy(forwarded, layer, sizeof(now));
    dirty_count = 0;
}

static void drop(void)
{
    end_record();
    ks__state_set_number(fixture_state, "serial", 0);
    ks__state_drop(fixture_state);
    ck_assert_int_eq(ks__state_number(fixture_state, "serial", 0), sealed_serial);
    back_to(sealed);
}

static void open_again(void)
{
    fixture_open();
    if (cached)
        ks__kv_on_flush(fixture_store, on_flush, NULL);
    ck_assert(!ks__state_is_new(fixture_state));
    ck_assert_int_eq(ks__state_number(fixture_state, "serial", 0), written_serial);
    sealed_serial = written_serial;
    memcpy(sealed, written, sizeof(written));
    back_to(written);
}

static void restart(bool kill)
{
    end_record();
    if (kill) {
        fixture_abandon();
    } else {
        fixture_close();
        memcpy(written, sealed, sizeof(sealed));
        written_serial = sealed_serial;
    }
    open_again();
}

static void check_all(void)
{
    ck_assert(weak || ks_kv_store_count(fixture_store) == count_of(now));
    iterator_count = 0;
    for (size_t i = 0; i < ITERATORS; i++)
        open_iterator();
    for (size_t i = 0; i < iterator_count; i++)
        for (int n = 0; n <= KEYS; n++)
            step_iterator(i);
    end_record();
}

static void one_step(void)
{
    uint32_t n = draw(1000);

    if (n < 400)
        put();
    else if (n < 600)
        get();
    else if (n < 650)
        open_iterator();
    else if (n < 850 && iterator_count > 0)
        step_iterator(draw((uint32_t)iterator_count));
    else if (n < 860 && iterator_count > 0)
        ks_iter_close(open_iterators[--iterator_count].it);
    else if (n < 940)
        end_record();
    else if (n < 950)
        flush();
    else if (n < 970)
        seal();
    else if (n < 980)
        write_state();
    else if (n < 985)
        drop();
    else if (n < 990)
        take_snapshots();
    else if (n < 993)
        restart(n == 992);
    else
        check_all();
}

static void run(uint32_t seed)
{
    random_state = seed;
    serial = written_serial = sealed_serial = 0;
    cached = seed % 2 == 1;
    fixture_close();
    fixture_spec.cache     = cached;
    fixture_spec.changelog = false;
    fixture_open();
    if (cached)
        ks__kv_on_flush(fixture_store, on_flush, NULL);
    make_keys();
    memset(now, 0, sizeof(now));
    memset(sealed, 0, sizeof(now));
    memset(written, 0, sizeof(now));
    memset(forwarded, 0, sizeof(now));
    dirty_count = iterator_count = loan_count = 0;
    for (int i = 0; i < STEPS; i++) {
        one_step();
        ck_assert_msg(!ks__error_is_set(&fixture_error), "seed %u step %d: %s", seed, i,
                      fixture_error.message);
    }
    check_all();
    flush();
}

START_TEST(a_store_behaves_as_a_sorted_array)
{
    run((uint32_t)_i + 1);
}
END_TEST

/* Every long key of equal start shares one LMDB key: chains carry them all. */
static void weak_hash(const void *data, size_t size, uint8_t out[16])
{
    memset(out, size != 0 ? ((const uint8_t *)data)[size - 1] % 2 : 0, 16);
}

START_TEST(a_store_behaves_as_a_sorted_array_when_hashes_are_equal)
{
    ks__row_set_hash(weak_hash);
    weak = true;
    run((uint32_t)_i + 1);
    weak = false;
    ks__row_set_hash(NULL);
}
END_TEST

START_TEST(a_seed_of_the_caller_runs_too)
{
    const char *seed = getenv("KS_SEED");

    if (seed != NULL)
        run((uint32_t)strtoul(seed, NULL, 10));
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("state/model");
    TCase   *tcase = tcase_create("random");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(tcase, fixture_set_up, fixture_tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_store_behaves_as_a_sorted_array, 0, 12);
    tcase_add_loop_test(tcase, a_store_behaves_as_a_sorted_array_when_hashes_are_equal, 0, 4);
    tcase_add_test(tcase, a_seed_of_the_caller_runs_too);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

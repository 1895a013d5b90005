/* SPDX-License-Identifier: Apache-2.0
 *
 * test_map.c - the ordered map against a naive array, and its promises on memory.
 */
#include "base/alloc.h"
#include "base/map.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS  400
#define STEPS 30000

static struct ks__map map;
static uint32_t       random_state;

/* The model: which keys exist, with their value and the number of their insertion. */
static struct row {
    bool     present;
    uint32_t value;
    uint64_t inserted;
} rows[KEYS];
static uint64_t insertions;

static uint32_t draw(uint32_t below)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % below;
}

/* Key n: all keys of one length, then the next, so that prefixes and lengths mix. Their byte order
 * is found by sorting. */
static char   texts[KEYS][24];
static size_t sizes[KEYS];

static ks_bytes key_of(int n)
{
    return (ks_bytes){ texts[n], sizes[n] };
}

static int compare_texts(const void *one, const void *other)
{
    return strcmp(one, other);
}

static void make_keys(void)
{
    for (int i = 1; i < KEYS; i++)
        snprintf(texts[i], sizeof(texts[i]), i % 3 == 0 ? "%d" : "a-longer-key-%d", i);
    qsort(texts, KEYS, sizeof(texts[0]), compare_texts);
    for (int i = 0; i < KEYS; i++)
        sizes[i] = strlen(texts[i]);            /* texts[0] is the empty key */
}

static void set_up(void)
{
    make_keys();
    memset(rows, 0, sizeof(rows));
    insertions = 0;
    ks__map_init(&map, sizeof(uint32_t));
}

static void tear_down(void)
{
    ks__map_release(&map);
}

static int index_of(const struct ks__map_entry *entry)
{
    if (entry == NULL)
        return -1;
    for (int i = 0; i < KEYS; i++)
        if (sizes[i] == entry->key.size && memcmp(texts[i], entry->key.data, sizes[i]) == 0)
            return i;
    ck_abort_msg("a key that was never put");
    return -1;
}

static int above(int n)
{
    while (++n < KEYS && !rows[n].present)
        ;
    return n < KEYS ? n : -1;
}

static int below(int n)
{
    while (--n >= 0 && !rows[n].present)
        ;
    return n;
}

static int count_rows(void)
{
    int count = 0;

    for (int i = 0; i < KEYS; i++)
        count += rows[i].present;
    return count;
}

static void put(int n, uint32_t value)
{
    bool                  inserted;
    struct ks__map_entry *entry = ks__map_put(&map, key_of(n), &inserted);
    uint32_t             *payload;

    ck_assert_ptr_nonnull(entry);
    ck_assert_int_eq(inserted, !rows[n].present);
    payload = ks__map_payload(entry);
    ck_assert_uint_eq((uintptr_t)payload % 16, 0);
    if (inserted) {
        ck_assert_uint_eq(*payload, 0);
        rows[n].inserted = ++insertions;
    }
    *payload        = value;
    rows[n].present = true;
    rows[n].value   = value;
}

static void take_out(int n)
{
    struct ks__map_entry *entry = ks__map_get(&map, key_of(n));

    ck_assert_int_eq(entry != NULL, rows[n].present);
    if (entry != NULL)
        ks__map_remove(&map, entry);
    rows[n].present = false;
}

static void check_next(struct ks__map_entry *entry, int *at)
{
    *at = above(*at);
    ck_assert_int_eq(index_of(entry), *at);
}

/* All of the map equals all of the model. */
static void check_all(bool ordered)
{
    uint64_t last = 0;
    int      n = -1, count = 0;

    ck_assert_uint_eq(ks__map_count(&map), (size_t)count_rows());
    for (struct ks__map_entry *entry = ks__map_oldest(&map); entry != NULL;
         entry = ks__map_newer(entry), count++) {
        ck_assert_uint_gt(rows[index_of(entry)].inserted, last);
        last = rows[index_of(entry)].inserted;
        ck_assert_uint_eq(*(uint32_t *)ks__map_payload(entry), rows[index_of(entry)].value);
    }
    ck_assert_int_eq(count, count_rows());
    if (!ordered)
        return;
    for (struct ks__map_entry *entry = ks__map_first(&map); entry != NULL;
         entry = ks__map_next(&map, entry))
        check_next(entry, &n);
    ck_assert_int_eq(above(n), -1);
    n = KEYS;
    for (struct ks__map_entry *entry = ks__map_last(&map); entry != NULL;
         entry = ks__map_prev(&map, entry)) {
        n = below(n);
        ck_assert_int_eq(index_of(entry), n);
    }
    ck_assert_int_eq(below(n), -1);
}

static void check_bounds(int n)
{
    int up = above(n), down = below(n);

    ck_assert_int_eq(index_of(ks__map_upper_bound(&map, key_of(n))), up);
    ck_assert_int_eq(index_of(ks__map_lower_bound(&map, key_of(n))), rows[n].present ? n : up);
    ck_assert_int_eq(index_of(ks__map_before(&map, key_of(n))), down);
    ck_assert_int_eq(index_of(ks__map_at_or_before(&map, key_of(n))), rows[n].present ? n : down);
}

START_TEST(random_operations_equal_the_model)           /* M1, lazy and eager order */
{
    random_state = (uint32_t)_i + 1;
    for (int i = 0; i < STEPS; i++) {
        int n = (int)draw(KEYS);

        switch (draw(6)) {
        case 0:
        case 1:
        case 2:
            put(n, draw(1000));
            break;
        case 3:
            take_out(n);
            break;
        case 4:
            if (_i % 2 == 0)
                check_bounds(n);
            else
                ks__map_purge(&map);
            break;
        default:
            if (draw(100) == 0)
                ks__map_purge(&map);
            if (draw(1000) == 0) {
                ks__map_clear(&map, draw(2) ? 0 : 1 << 20);
                memset(rows, 0, sizeof(rows));
            }
        }
        if (i % 1000 == 999)
            check_all(_i % 2 == 0 || i % 3000 == 2999);
    }
}
END_TEST

START_TEST(a_walk_survives_inserts_and_removals_at_every_step)     /* M3 */
{
    struct ks__map_entry *entry;
    int                   at = -1;

    random_state = (uint32_t)_i + 1;
    for (int i = 0; i < KEYS; i += 2)
        put(i, 1);
    entry = ks__map_first(&map);
    while (entry != NULL) {
        at = above(at);
        ck_assert_int_eq(index_of(entry), at);
        take_out(at);
        if (draw(2) == 0)
            put(at, 2);                             /* a new entry of the same key */
        for (int k = 0; k < 3; k++) {
            int n = (int)draw(KEYS);

            if (n != at && rows[n].present)
                take_out(n);
            else if (n != at)
                put(n, 3);
        }
        entry = ks__map_next(&map, entry);
    }
    ck_assert_int_eq(above(at), -1);
    ks__map_purge(&map);
    check_all(true);
}
END_TEST

START_TEST(a_walk_by_age_passes_removed_entries_and_finds_new_ones)     /* M3 */
{
    struct ks__map_entry *entry;
    int                   seen = 0;

    for (int i = 0; i < 10; i++)
        put(i, 0);
    entry = ks__map_oldest(&map);
    for (int i = 0; i < 9; i++)
        take_out(i);
    put(20, 0);
    for (entry = ks__map_newer(entry); entry != NULL; entry = ks__map_newer(entry))
        seen = seen * 100 + index_of(entry);
    ck_assert_int_eq(seen, 920);
    ks__map_move_newest(&map, ks__map_get(&map, key_of(9)));
    ck_assert_int_eq(index_of(ks__map_oldest(&map)), 20);
}
END_TEST

START_TEST(nothing_moves_or_is_reused_before_purge)     /* M2 */
{
    struct ks__map_entry *entry;
    uint8_t              *value;
    size_t                used;

    put(7, 77);
    entry = ks__map_get(&map, key_of(7));
    value = ks__map_alloc(&map, 100);
    memset(value, 5, 100);
    used = ks__map_used_bytes(&map);
    ks__map_remove(&map, entry);
    ks__map_retire(&map, value, 100);
    for (int i = 0; i < KEYS; i++) {
        ck_assert_ptr_ne(ks__map_put(&map, key_of(i), NULL), entry);
        ck_assert_ptr_ne(ks__map_alloc(&map, 100), value);
    }
    ck_assert_uint_eq(*(uint32_t *)ks__map_payload(entry), 77);
    ck_assert_uint_eq(entry->key.size, sizes[7]);
    ck_assert_mem_eq(entry->key.data, texts[7], sizes[7]);
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(value[i], 5);
    ck_assert_uint_gt(ks__map_used_bytes(&map), used);
    ks__map_purge(&map);
    ck_assert_ptr_eq(ks__map_alloc(&map, 100), value);
}
END_TEST

START_TEST(memory_is_kept_by_clear_up_to_its_bound_and_given_back_by_release)
{
    struct ks__alloc_probe probe = { .fail_at = 0 };
    uint64_t               before;

    ks__alloc_probe_install(&probe);
    for (int i = 0; i < KEYS; i++)
        put(i, 0);
    ck_assert_ptr_nonnull(ks__map_alloc(&map, 100000));
    before = probe.requests;
    ks__map_clear(&map, 1 << 20);
    ck_assert_uint_eq(ks__map_used_bytes(&map), 0);
    memset(rows, 0, sizeof(rows));
    for (int i = 0; i < KEYS; i++)
        put(i, 0);
    ck_assert_uint_eq(probe.requests, before);
    ks__map_clear(&map, 0);
    ck_assert_int_eq(probe.live_blocks, 0);
    ks__allocator_set(NULL);
}
END_TEST

START_TEST(every_failed_allocation_leaves_the_map_whole)
{
    bool done = false;

    for (uint64_t n = 1; !done; n++) {
        struct ks__alloc_probe probe = { .fail_at = n };

        memset(rows, 0, sizeof(rows));
        ks__alloc_probe_install(&probe);
        for (int i = 0; i < KEYS; i++)
            if (ks__map_put(&map, key_of(i), NULL) != NULL)
                rows[i] = (struct row){ .present = true, .inserted = (uint64_t)i + 1 };
        check_all(false);
        check_all(true);
        ks__map_clear(&map, 0);
        ks__allocator_set(NULL);
        ck_assert_int_eq(probe.live_blocks, 0);
        done = probe.failed == 0;
        ck_assert_uint_lt(n, 100);
    }
}
END_TEST

START_TEST(swap_exchanges_two_maps)     /* M5 */
{
    struct ks__map other;

    ks__map_init(&other, sizeof(uint32_t));
    put(1, 1);
    put(2, 2);
    ks__map_first(&map);
    ks__map_swap(&map, &other);
    ck_assert_uint_eq(ks__map_count(&map), 0);
    ck_assert_int_eq(index_of(ks__map_first(&other)), 1);
    ks__map_swap(&map, &other);
    check_all(true);
    ks__map_release(&other);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("base/map");
    TCase   *tests = tcase_create("map");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, random_operations_equal_the_model, 0, 6);
    tcase_add_loop_test(tests, a_walk_survives_inserts_and_removals_at_every_step, 0, 5);
    tcase_add_test(tests, a_walk_by_age_passes_removed_entries_and_finds_new_ones);
    tcase_add_test(tests, nothing_moves_or_is_reused_before_purge);
    tcase_add_test(tests, memory_is_kept_by_clear_up_to_its_bound_and_given_back_by_release);
    tcase_add_test(tests, every_failed_allocation_leaves_the_map_whole);
    tcase_add_test(tests, swap_exchanges_two_maps);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

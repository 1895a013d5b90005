/* SPDX-License-Identifier: Apache-2.0
 *
 * test_arena.c - pieces, marks, the bound on kept chunks, and the reserve.
 */
#include "base/alloc.h"
#include "base/arena.h"

#include <check.h>
#include <stdint.h>
#include <string.h>

static struct ks__arena arena;

static void set_up(void)
{
    ck_assert_int_eq(ks__arena_init(&arena, 4096, 16384), KS_OK);
}

static void tear_down(void)
{
    ks__arena_release(&arena);
}

START_TEST(pieces_are_aligned_apart_and_stay)       /* R1 */
{
    uint8_t *pieces[500];
    size_t   wrong = 0;

    for (size_t i = 0; i < 500; i++) {
        pieces[i] = ks__arena_alloc(&arena, i * 7);
        ck_assert_ptr_nonnull(pieces[i]);
        ck_assert_uint_eq((uintptr_t)pieces[i] % KS__ARENA_ALIGN, 0);
        memset(pieces[i], (int)i, i * 7);
    }
    for (size_t i = 0; i < 500; i++)
        for (size_t k = 0; k < i * 7; k++)
            wrong += pieces[i][k] != (uint8_t)i;
    ck_assert_uint_eq(wrong, 0);
    ck_assert(ks__arena_owns(&arena, pieces[400] + 10));
    ck_assert(!ks__arena_owns(&arena, &arena));
}
END_TEST

START_TEST(impossible_sizes_are_refused)
{
    ck_assert_ptr_null(ks__arena_alloc(&arena, SIZE_MAX));
    ck_assert_ptr_null(ks__arena_alloc(&arena, SIZE_MAX - 20));
    ck_assert(!arena.pressed);
}
END_TEST

START_TEST(reset_serves_the_same_memory_again_and_keeps_no_more_than_its_bound)
{
    void *first = ks__arena_alloc(&arena, 10);

    ks__arena_reset(&arena);
    ck_assert_ptr_eq(ks__arena_alloc(&arena, 10), first);
    for (int i = 0; i < 1000; i++)
        ck_assert_ptr_nonnull(ks__arena_alloc(&arena, 500));
    ck_assert_ptr_nonnull(ks__arena_alloc(&arena, 1000000));
    ks__arena_reset(&arena);
    ck_assert_uint_le(arena.held_bytes, 16384 + 1024);
    ck_assert_ptr_eq(ks__arena_alloc(&arena, 10), first);
}
END_TEST

START_TEST(rewind_forgets_exactly_what_came_after_the_mark)
{
    char                  *kept = ks__arena_alloc(&arena, 100);
    struct ks__arena_mark  mark;
    void                  *after;

    memcpy(kept, "kept", 5);
    mark  = ks__arena_mark(&arena);
    after = ks__arena_alloc(&arena, 50);
    for (int i = 0; i < 100; i++)
        ck_assert_ptr_nonnull(ks__arena_alloc(&arena, 900));
    ck_assert_ptr_nonnull(ks__arena_alloc(&arena, 50000));
    ks__arena_rewind(&arena, mark);
    ck_assert_str_eq(kept, "kept");
    ck_assert_ptr_eq(ks__arena_alloc(&arena, 50), after);
}
END_TEST

START_TEST(the_reserve_serves_a_record_when_the_heap_is_exhausted)     /* R2 */
{
    struct ks__alloc_probe probe = { .fail_at = 1, .fail_all_after = true };
    uint8_t               *piece;

    ks__alloc_probe_install(&probe);
    ck_assert_ptr_null(ks__arena_alloc(&arena, KS__ARENA_LEND_LIMIT));
    ck_assert(!arena.pressed);
    for (int i = 0; i < 5; i++) {
        piece = ks__arena_lend(&arena, KS__ARENA_LEND_LIMIT - (size_t)i);
        ck_assert_ptr_nonnull(piece);
        ck_assert_uint_eq((uintptr_t)piece % KS__ARENA_ALIGN, 0);
        memset(piece, 1, KS__ARENA_LEND_LIMIT - (size_t)i);
        ck_assert(ks__arena_owns(&arena, piece));
    }
    ck_assert(arena.pressed);
    ck_assert_ptr_null(ks__arena_lend(&arena, KS__ARENA_LEND_LIMIT + 1));
    ks__arena_reset(&arena);
    ck_assert(!arena.pressed);
    ks__allocator_set(NULL);
}
END_TEST

START_TEST(a_copy_of_null_is_null_and_of_nothing_is_not)
{
    ks_bytes out;

    ck_assert(ks__arena_copy(&arena, (ks_bytes){ NULL, 0 }, &out));
    ck_assert_ptr_null(out.data);
    ck_assert(ks__arena_copy(&arena, (ks_bytes){ "", 0 }, &out));
    ck_assert_ptr_nonnull(out.data);
    ck_assert_uint_eq(out.size, 0);
    ck_assert(ks__arena_copy(&arena, (ks_bytes){ "abc", 3 }, &out));
    ck_assert_mem_eq(out.data, "abc", 3);
}
END_TEST

START_TEST(init_fails_cleanly_at_every_allocation)
{
    for (uint64_t n = 1; n <= 2; n++) {
        struct ks__alloc_probe probe = { .fail_at = n };
        struct ks__arena       other;

        ks__alloc_probe_install(&probe);
        ck_assert_int_eq(ks__arena_init(&other, 0, 0), KS_ENOMEM);
        ks__arena_release(&other);
        ks__allocator_set(NULL);
        ck_assert_int_eq(probe.live_blocks, 0);
    }
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("base/arena");
    TCase   *tests = tcase_create("arena");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, pieces_are_aligned_apart_and_stay);
    tcase_add_test(tests, impossible_sizes_are_refused);
    tcase_add_test(tests, reset_serves_the_same_memory_again_and_keeps_no_more_than_its_bound);
    tcase_add_test(tests, rewind_forgets_exactly_what_came_after_the_mark);
    tcase_add_test(tests, the_reserve_serves_a_record_when_the_heap_is_exhausted);
    tcase_add_test(tests, a_copy_of_null_is_null_and_of_nothing_is_not);
    tcase_add_test(tests, init_fails_cleanly_at_every_allocation);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * test_heap.c - order, moves and removals of the heap against sorting.
 */
#include "base/alloc.h"
#include "base/heap.h"

#include <check.h>
#include <stdint.h>

#define ITEMS 500

struct item {
    struct ks__heap_node node;
    uint32_t             key;
};

static bool before(const struct ks__heap_node *one, const struct ks__heap_node *other)
{
    const struct item *a = (const struct item *)(const void *)one;
    const struct item *b = (const struct item *)(const void *)other;

    return a->key != b->key ? a->key < b->key : a < b;
}

START_TEST(items_come_out_in_order_after_moves_and_removals)
{
    struct ks__heap heap;
    struct item     items[ITEMS] = { { { 0 }, 0 } };
    uint32_t        state = 7, last = 0;
    int             left = ITEMS;

    ks__heap_init(&heap, before);
    for (int i = 0; i < ITEMS; i++) {
        items[i].key = (state = state * 1664525u + 1013904223u) >> 24;
        ck_assert_int_eq(ks__heap_push(&heap, &items[i].node), KS_OK);
    }
    for (int i = 0; i < ITEMS; i += 3) {
        items[i].key = (state = state * 1664525u + 1013904223u) >> 24;
        ks__heap_fix(&heap, &items[i].node);
    }
    for (int i = 0; i < ITEMS; i += 5, left--)
        ks__heap_remove(&heap, &items[i].node);
    ks__heap_remove(&heap, &items[0].node);         /* in no heap: fine */
    for (; left > 0; left--) {
        struct item *first = (struct item *)(void *)ks__heap_pop(&heap);

        ck_assert_ptr_nonnull(first);
        ck_assert_uint_ge(first->key, last);
        ck_assert_uint_eq(first->node.place, 0);
        ck_assert_int_ne((first - items) % 5, 0);
        last = first->key;
    }
    ck_assert_ptr_null(ks__heap_pop(&heap));
    ck_assert_ptr_null(ks__heap_peek(&heap));
    ks__heap_release(&heap);
}
END_TEST

START_TEST(a_failed_push_changes_nothing)
{
    struct ks__alloc_probe probe = { .fail_at = 1 };
    struct ks__heap        heap;
    struct item            item = { { 0 }, 1 };

    ks__heap_init(&heap, before);
    ks__alloc_probe_install(&probe);
    ck_assert_int_eq(ks__heap_push(&heap, &item.node), KS_ENOMEM);
    ks__allocator_set(NULL);
    ck_assert_uint_eq(item.node.place, 0);
    ck_assert_ptr_null(ks__heap_peek(&heap));
    ck_assert_int_eq(ks__heap_push(&heap, &item.node), KS_OK);
    ck_assert_ptr_eq(ks__heap_peek(&heap), &item.node);
    ks__heap_release(&heap);
    ck_assert_uint_eq(item.node.place, 0);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("base/heap");
    TCase   *tests = tcase_create("heap");
    SRunner *runner;
    int      failed;

    tcase_add_test(tests, items_come_out_in_order_after_moves_and_removals);
    tcase_add_test(tests, a_failed_push_changes_nothing);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * test_cursor.c - cursors against a model: a table of which of 300 keys exist.
 */
#include "base/error.h"
#include "base/io.h"
#include "lmdb/env.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS  300
#define STEPS 20000

static char            directory[64];
static ks_error        error;
static struct ks__env *env;
static unsigned        db;
static bool            present[KEYS];
static uint32_t        random_state;

static uint32_t draw(uint32_t below)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % below;
}

/* Long values, so that the tree has many pages and deletes rebalance it. */
static const char filler[400];

static ks_bytes key_of(int n)
{
    static char text[16];

    snprintf(text, sizeof(text), "k%06d", n);
    return (ks_bytes){ text, 7 };
}

static int number_of(ks_bytes key)
{
    ck_assert_uint_eq(key.size, 7);
    return atoi((const char *)key.data + 1);
}

static int after(int n)
{
    while (++n < KEYS && !present[n])
        ;
    return n < KEYS ? n : -1;
}

static int before(int n)
{
    while (--n >= 0 && !present[n])
        ;
    return n;
}

static void set_up(void)
{
    const struct ks__env_options options = { .no_sync = true };

    snprintf(directory, sizeof(directory), "/tmp/ks-test-cursor-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ks__error_clear(&error);
    memset(present, 0, sizeof(present));
    ck_assert_int_eq(ks__env_open(&env, directory, &options, &error), KS_OK);
    ck_assert_int_eq(ks__env_database(env, "data", &db, &error), KS_OK);
}

static void tear_down(void)
{
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
    ck_assert_int_eq(ks__io_remove_tree(directory), 0);
}

static struct ks__txn *begin_write(void)
{
    struct ks__txn *txn;

    ck_assert_int_eq(ks__txn_begin_write(env, &txn, &error), KS_OK);
    return txn;
}

/* One random move, write or delete; `at` is where the model's cursor stands, -1 = at an end. */
static void step(struct ks__txn *txn, struct ks__db_cursor *cursor, int *at, bool *gap)
{
    const ks_bytes value = { filler, sizeof(filler) };
    int            n = (int)draw(KEYS), expected = -1;
    ks_bytes       key;
    bool           found = false, moved = true;

    switch (draw(9)) {
    case 0:
        found    = ks__db_cursor_seek(cursor, key_of(n), &key, NULL);
        expected = present[n] ? n : after(n);
        break;
    case 1:
        found    = ks__db_cursor_seek_back(cursor, key_of(n), &key, NULL);
        expected = present[n] ? n : before(n);
        break;
    case 2:
    case 3:
        found    = ks__db_cursor_next(cursor, &key, NULL);
        expected = *at >= 0 ? after(*at) : -1;
        break;
    case 4:
        found    = ks__db_cursor_prev(cursor, &key, NULL);
        expected = *at >= 0 ? before(*at) : -1;
        break;
    case 5:
        ck_assert_int_eq(ks__db_cursor_put(cursor, key_of(n), value), KS_OK);
        present[n] = true;
        *at        = n;
        *gap       = false;
        moved      = false;
        break;
    case 6:
        ck_assert_int_eq(ks__txn_put(txn, db, key_of(n), value), KS_OK);
        present[n] = true;
        moved      = false;
        break;
    case 7:
        moved = false;
        if (n == *at && !*gap)
            break;                      /* only the cursor deletes the entry it stands on */
        ck_assert_int_eq(ks__txn_delete(txn, db, key_of(n), NULL), KS_OK);
        present[n] = false;
        break;
    default:
        moved = false;
        if (*at < 0 || *gap)
            break;
        ck_assert_int_eq(ks__db_cursor_delete(cursor), KS_OK);
        present[*at] = false;
        *gap         = true;
        break;
    }
    if (!moved)
        return;
    ck_assert_int_eq(found, expected >= 0);
    if (found)
        ck_assert_int_eq(number_of(key), expected);
    *at  = expected;
    *gap = false;
}

START_TEST(a_cursor_walks_writes_and_deletes_as_the_model_says)
{
    struct ks__txn       *txn = begin_write();
    struct ks__db_cursor *cursor;
    int                   at  = -1;
    bool                  gap = false;

    random_state = (uint32_t)_i + 1;
    ck_assert_int_eq(ks__db_cursor_open(txn, db, &cursor), KS_OK);
    ck_assert(!ks__db_cursor_first(cursor, NULL, NULL));
    for (int i = 0; i < STEPS; i++) {
        step(txn, cursor, &at, &gap);
        if (i % 500 != 499)
            continue;
        ck_assert_int_eq(ks__txn_commit(txn), KS_OK);
        txn = begin_write();
        ck_assert_int_eq(ks__db_cursor_open(txn, db, &cursor), KS_OK);
        at  = after(-1);
        gap = false;
        ck_assert_int_eq(ks__db_cursor_first(cursor, NULL, NULL), at >= 0);
    }
    ck_assert_int_eq(ks__txn_commit(txn), KS_OK);
    ck_assert(!ks__error_is_set(&error));
}
END_TEST

START_TEST(deleting_while_walking_visits_every_entry_once)
{
    struct ks__txn       *txn = begin_write();
    struct ks__db_cursor *cursor;
    ks_bytes              key;
    uint64_t              count;
    int                   visited = 0;

    for (int i = 0; i < KEYS; i++)
        ck_assert_int_eq(ks__txn_append(txn, db, key_of(i), (ks_bytes){ filler, 400 }), KS_OK);
    ck_assert_int_eq(ks__db_cursor_open(txn, db, &cursor), KS_OK);
    while (ks__db_cursor_next(cursor, &key, NULL)) {
        ck_assert_int_eq(number_of(key), visited++);
        ck_assert_int_eq(ks__db_cursor_delete(cursor), KS_OK);
        ck_assert_int_eq(ks__db_cursor_delete(cursor), KS_ESTATE);
        ks__error_clear(&error);
    }
    ck_assert_int_eq(visited, KEYS);
    ck_assert_int_eq(ks__txn_count(txn, db, &count), KS_OK);
    ck_assert_uint_eq(count, 0);
    ks__txn_abort(txn);
}
END_TEST

START_TEST(a_renewed_transaction_leaves_its_cursor_nowhere)
{
    struct ks__txn       *txn = begin_write(), *reading;
    struct ks__db_cursor *cursor;
    ks_bytes              key;

    ck_assert_int_eq(ks__txn_put(txn, db, key_of(1), (ks_bytes){ "x", 1 }), KS_OK);
    ck_assert_int_eq(ks__txn_commit(txn), KS_OK);
    ck_assert_int_eq(ks__txn_begin_read(env, &reading, &error), KS_OK);
    ck_assert_int_eq(ks__db_cursor_open(reading, db, &cursor), KS_OK);
    ck_assert(ks__db_cursor_first(cursor, &key, NULL));
    ck_assert(!ks__db_cursor_next(cursor, &key, NULL));
    ck_assert(!ks__db_cursor_prev(cursor, &key, NULL));
    ck_assert_int_eq(ks__db_cursor_delete(cursor), KS_ESTATE);
    ks__error_clear(&error);

    txn = begin_write();
    ck_assert_int_eq(ks__txn_put(txn, db, key_of(0), (ks_bytes){ "x", 1 }), KS_OK);
    ck_assert_int_eq(ks__txn_commit(txn), KS_OK);
    ck_assert_int_eq(ks__txn_renew(reading), KS_OK);
    ck_assert(ks__db_cursor_next(cursor, &key, NULL));
    ck_assert_int_eq(number_of(key), 0);
    ks__txn_abort(reading);
}
END_TEST

START_TEST(bounds_longer_than_any_key_are_taken_as_they_are)
{
    struct ks__txn       *txn = begin_write();
    struct ks__db_cursor *cursor;
    char                  bound[600], stored[KS__ENV_KEY_LIMIT];
    ks_bytes              key;

    memset(bound, 'm', sizeof(bound));
    memset(stored, 'm', sizeof(stored));
    ck_assert_int_eq(ks__txn_put(txn, db, (ks_bytes){ stored, sizeof(stored) },
                                 (ks_bytes){ "", 0 }), KS_OK);
    ck_assert_int_eq(ks__txn_put(txn, db, (ks_bytes){ "n", 1 }, (ks_bytes){ "", 0 }), KS_OK);
    ck_assert_int_eq(ks__db_cursor_open(txn, db, &cursor), KS_OK);
    ck_assert(ks__db_cursor_seek(cursor, (ks_bytes){ bound, sizeof(bound) }, &key, NULL));
    ck_assert_uint_eq(key.size, 1);
    ck_assert(ks__db_cursor_seek_back(cursor, (ks_bytes){ bound, sizeof(bound) }, &key, NULL));
    ck_assert_uint_eq(key.size, sizeof(stored));
    ck_assert(ks__db_cursor_find(cursor, (ks_bytes){ "n", 1 }, NULL));
    ck_assert(!ks__db_cursor_find(cursor, (ks_bytes){ "o", 1 }, NULL));
    ck_assert_int_eq(ks__db_cursor_status(cursor), KS_OK);
    ks__txn_abort(txn);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("lmdb/cursor");
    TCase   *tests = tcase_create("cursor");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, a_cursor_walks_writes_and_deletes_as_the_model_says, 0, 5);
    tcase_add_test(tests, deleting_while_walking_visits_every_entry_once);
    tcase_add_test(tests, a_renewed_transaction_leaves_its_cursor_nowhere);
    tcase_add_test(tests, bounds_longer_than_any_key_are_taken_as_they_are);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * test_fault.c - the n-th allocation fails, for every n, through a life of a state: a clean error,
 * no leak, and it opens afterwards. The same for calls on files.
 */
#include "base/alloc.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/io.h"
#include "state/snapshot.h"
#include "state/state.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT 3000

static char             directory[64];
static ks_error         error;      /* of store calls */
static ks_error         failure;    /* of the other calls */
static struct ks__arena arena;

static int64_t now_ms(void *user)
{
    (void)user;
    return 1;
}

static void changed(void *user, struct ks_kv_store *store, ks_bytes key, const struct ks__row *row)
{
    (void)user, (void)store, (void)key, (void)row;
}

static const struct ks__state_host  host = { .changed = changed, .now_ms = now_ms, .error = &error,
                                             .arena = &arena };
static const struct ks__store_spec  spec = { .name = "s", .kind = KS__STORE_KV, .cache = true,
                                             .changelog = true };
static const struct ks__state_options options = { .directory = directory, .host = &host,
                                                  .caches = true, .map_bytes = 1 << 24 };

static void set_up(void)
{
    snprintf(directory, sizeof(directory), "/tmp/ks-test-fault-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void tear_down(void)
{
    ks__allocator_set(NULL);
    ks__io_set(NULL);
    ck_assert_int_eq(ks__io_remove_tree(directory), 0);
}

static void end_record(void *user)
{
    (void)user;
    ks__arena_reset(&arena);
}

static bool fill(struct ks_kv_store *store, const char *value)
{
    char       key[700];
    ks_headers *headers = ks_headers_new();
    ks_record  row      = { .key = { key, 0 }, .value = ks_bytes_text(value), .timestamp_ms = 1 };

    memset(key, 'k', sizeof(key));
    if (headers == NULL || ks_headers_add(headers, "h", KS_TEXT("v")) != KS_OK) {
        ks_headers_free(headers);
        return ks__error_no_memory(&failure, "headers") == KS_OK;
    }
    row.headers = headers;
    for (row.key.size = 1; row.key.size < sizeof(key); row.key.size += 50)
        ks_kv_store_put_record(store, &row);
    ks_headers_free(headers);
    return !ks__error_is_set(&error);
}

static bool read_all(struct ks_kv_store *store, size_t expected)
{
    size_t rows = 0;

    for (ks_iter *it = ks_kv_store_all(store, KS_ASCENDING); it != NULL; it = NULL)
        for (ks_record row; ks_iter_next(it, &row);)
            rows++;
    ck_assert(rows == expected || ks__error_is_set(&error));
    return !ks__error_is_set(&error);
}

static bool commit(struct ks__state *state)
{
    ks__state_end_record(state);
    ks__arena_reset(&arena);
    ks__state_flush_caches(state, end_record, NULL);
    return !ks__error_is_set(&error) && ks__state_seal(state, &failure) == KS_OK;
}

static bool look(struct ks_kv_store *store)
{
    struct ks__snapshot *snapshot;
    bool                 good;

    if (ks__snapshot_of_store(&snapshot, store, &failure) != KS_OK)
        return false;
    good = ks__snapshot_count(snapshot) == 14;
    ck_assert(good || ks__error_is_set(ks__snapshot_error(snapshot)));
    ks__snapshot_free(snapshot);
    return good;
}

/* True = all went well. */
static bool use(struct ks__state *state)
{
    struct ks_kv_store *store;

    if (ks__state_kv(state, &spec, &store, &failure) != KS_OK)
        return false;
    ks__state_set_number(state, "n", ks__state_number(state, "n", 0) + 1);
    return fill(store, "one") && read_all(store, 14) && commit(state) && fill(store, "two") &&
           commit(state) && look(store) && ks__state_write(state, &failure) == KS_OK &&
           read_all(store, 14);
}

static bool live(void)
{
    struct ks__state *state;
    bool              good;

    ks__error_clear(&error);
    ks__error_clear(&failure);
    if (ks__arena_init(&arena, 0, 0) != KS_OK)
        return ks__error_no_memory(&failure, "the arena") == KS_OK;
    good = ks__state_open(&state, &options, &failure) == KS_OK;
    if (good) {
        good = use(state);
        ks__state_end_record(state);
        if (good)
            good = ks__state_close(state, &failure) == KS_OK;
        else
            ks__state_abandon(state);
    }
    ks__arena_release(&arena);
    return good;
}

START_TEST(every_allocation_may_fail)
{
    uint64_t n = 1;

    ck_assert(live());
    for (; n < LIMIT; n++) {
        struct ks__alloc_probe probe = { .fail_at = n };
        bool                   good;

        ks__alloc_probe_install(&probe);
        good = live();
        ks__allocator_set(NULL);
        ck_assert_msg(probe.live_blocks == 0, "allocation %d leaks %d blocks", (int)n,
                      (int)probe.live_blocks);
        ck_assert_msg(good || error.status == KS_ENOMEM || failure.status == KS_ENOMEM,
                      "allocation %d: %s%s", (int)n, error.message, failure.message);
        if (probe.failed == 0)
            break;
    }
    ck_assert_uint_lt(n, LIMIT);
    ck_assert_uint_gt(n, 50);
    ck_assert(live());
}
END_TEST

START_TEST(every_call_on_files_may_fail)
{
    uint64_t n = 1;

    for (; n < LIMIT; n++) {
        struct ks__io_probe probe = { .fail_at = n };
        bool                good;

        ks__io_probe_install(&probe);
        good = live();
        ks__io_set(NULL);
        ck_assert_msg(good || error.status != KS_OK || failure.status != KS_OK, "call %d", (int)n);
        if (probe.failed == 0)
            break;
    }
    ck_assert_uint_gt(n, 5);
    ck_assert(live());
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("state/fault");
    TCase   *tcase = tcase_create("state/fault");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, every_allocation_may_fail);
    tcase_add_test(tcase, every_call_on_files_may_fail);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

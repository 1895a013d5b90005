/* SPDX-License-Identifier: Apache-2.0
 *
 * test_thread.c - threads, conditions and wake-ups; the clocks.
 */
#include "base/clock.h"
#include "base/counter.h"
#include "base/thread.h"
#include "base/wake.h"

#include <check.h>

struct shared {
    struct ks__mutex     mutex;
    struct ks__condition changed;
    struct ks__wake      wake;
    struct ks__counter   counter;
    int                  turns;
};

static void add_turns(void *user)
{
    struct shared *shared = user;

    for (int i = 0; i < 1000; i++) {
        ks__mutex_lock(&shared->mutex);
        shared->turns++;
        ks__condition_signal(&shared->changed);
        ks__mutex_unlock(&shared->mutex);
        ks__counter_add_shared(&shared->counter, 2);
    }
    ks__wake_set(&shared->wake);
}

START_TEST(two_threads_and_a_waiter_agree)
{
    struct shared     shared = { .turns = 0 };
    struct ks__thread one, two;

    ck_assert_int_eq(ks__mutex_init(&shared.mutex), KS_OK);
    ck_assert_int_eq(ks__condition_init(&shared.changed), KS_OK);
    ck_assert_int_eq(ks__wake_init(&shared.wake), KS_OK);
    ck_assert_int_eq(ks__thread_start(&one, "one", add_turns, &shared), KS_OK);
    ck_assert_int_eq(ks__thread_start(&two, "two", add_turns, &shared), KS_OK);
    ks__mutex_lock(&shared.mutex);
    while (shared.turns < 2000)
        ks__condition_wait_for(&shared.changed, &shared.mutex, 1000000000);
    ks__mutex_unlock(&shared.mutex);
    ck_assert(!ks__thread_is_current(&one));
    ks__thread_join(&one);
    ks__thread_join(&two);
    ks__thread_join(&two);              /* a second time is fine */
    ck_assert_int_eq(ks__counter_read(&shared.counter), 4000);
    ck_assert(ks__wake_wait(&shared.wake, -1));
    ck_assert(ks__wake_drain(&shared.wake));
    ck_assert(!ks__wake_drain(&shared.wake));
    ck_assert(!ks__wake_wait(&shared.wake, 0));
    ks__wake_release(&shared.wake);
    ks__condition_release(&shared.changed);
    ks__mutex_release(&shared.mutex);
}
END_TEST

START_TEST(a_wait_ends_at_its_deadline)
{
    const struct ks__clock *clock = ks__clock_real();
    struct ks__mutex        mutex = KS__MUTEX_INIT;
    struct ks__condition    never;
    int64_t                 start = ks__clock_mono_ns(clock);
    bool                    woken = true;

    ck_assert_int_eq(ks__condition_init(&never), KS_OK);
    ks__mutex_lock(&mutex);
    ck_assert(!ks__mutex_try_lock(&mutex));
    while (woken)
        woken = ks__condition_wait_for(&never, &mutex, 5000000);
    ks__mutex_unlock(&mutex);
    ck_assert_int_ge(ks__clock_mono_ns(clock) - start, 5000000);
    ks__condition_release(&never);
}
END_TEST

START_TEST(a_manual_clock_moves_only_when_told)
{
    struct ks__manual_clock manual;

    ks__manual_clock_init(&manual, 1000);
    ck_assert_int_eq(ks__clock_wall_ms(&manual.clock), 1000);
    ks__manual_clock_advance(&manual, 250);
    ck_assert_int_eq(ks__clock_wall_ms(&manual.clock), 1250);
    ck_assert_int_eq(ks__clock_mono_ms(&manual.clock), 250);
    ks__manual_clock_set_wall(&manual, 5);
    ck_assert_int_eq(ks__clock_wall_ms(&manual.clock), 5);
    ck_assert_int_eq(ks__clock_mono_ns(&manual.clock), 250000000);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("base/thread");
    TCase   *tests = tcase_create("thread");
    SRunner *runner;
    int      failed;

    tcase_add_test(tests, two_threads_and_a_waiter_agree);
    tcase_add_test(tests, a_wait_ends_at_its_deadline);
    tcase_add_test(tests, a_manual_clock_moves_only_when_told);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * test_turns.c - how the tasks of one thread take turns.
 */
#include "support/stage.h"

#include <check.h>
#include <kstream/kstream.h>
#include <stdlib.h>
#include <string.h>

#define EACH 200 /* records of a partition */

static struct stage stage;

static void setup(void)
{
    stage_open(&stage, STAGE_MEMORY);
    stage_topic(&stage, "in", 2);
    stage_topic(&stage, "out", 1);
}

static void teardown(void)
{
    stage_close(&stage);
}

static ks_topology *copying(void)
{
    ks_builder  *b = ks_builder_new();
    ks_topology *topology;

    ks_stream_to(ks_builder_stream(b, "in", NULL), "out", NULL);
    ck_assert_int_eq(ks_builder_build(b, &topology), KS_OK);
    ks_builder_free(b);
    return topology;
}

/* Partition 0 has the keys "0", partition 1 the keys "1", all before the app starts. */
static void feed_both(void)
{
    for (int i = 0; i < 2 * EACH; i++) {
        const ks_record record = { .key          = i % 2 == 0 ? KS_TEXT("0") : KS_TEXT("1"),
                                   .value        = KS_TEXT("v"),
                                   .timestamp_ms = i };

        ck_assert_int_eq(ks_writer_append(stage.writer, "in", i % 2, &record), KS_OK);
    }
    stage_flush(&stage);
}

/* How many records of one task came in a row, at most. */
static int longest_run(void)
{
    ks_reader *reader = ks_log_reader(stage.log, NULL);
    int        run = 0, longest = 0, count = 0;
    char       last = '\0';

    ck_assert_int_eq(ks_reader_assign(reader, "out", 0, 0), KS_OK);
    for (ks_entry entry; count < 2 * EACH && ks_reader_next(reader, 1000, &entry); count++) {
        const char key = *(const char *)entry.record.key.data;

        run     = key == last ? run + 1 : 1;
        longest = run > longest ? run : longest;
        last    = key;
    }
    ks_reader_free(reader);
    ck_assert_int_eq(count, 2 * EACH);
    return longest;
}

static const struct {
    const char *limit;
    int         least, most; /* of the longest run */
} limits[] = { { "1", 1, 2 }, { "10", 5, 20 }, { "1024", 100, EACH } };

START_TEST(a_task_leaves_its_turn_after_so_many_records)
{
    ks_topology *topology = copying();
    ks_app      *app;

    stage_set(&stage, "max.poll.records", limits[_i].limit);
    feed_both();
    app = ks_app_new(topology, stage.config);
    for (int i = 0; i < 2000 && stage_count(&stage, "out") < 2 * EACH; i++)
        ck_assert_int_eq(ks_app_step(app, 10), KS_OK);
    ck_assert_int_ge(longest_run(), limits[_i].least);
    ck_assert_int_le(longest_run(), limits[_i].most);
    ck_assert_int_eq(ks_app_close(app, -1), KS_OK);
    ks_app_free(app);
    ks_topology_free(topology);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("runtime/turns");
    TCase *turns = tcase_create("turns");

    tcase_set_timeout(turns, 60);
    tcase_add_checked_fixture(turns, setup, teardown);
    tcase_add_loop_test(turns, a_task_leaves_its_turn_after_so_many_records, 0, 3);
    suite_add_tcase(suite, turns);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(make_suite());
    int      failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

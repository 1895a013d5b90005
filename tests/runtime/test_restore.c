/* SPDX-License-Identifier: Apache-2.0
 *
 * test_restore.c - one task, its changelog written by the test: where it starts, what it wipes.
 */
#include "log/cluster.h"
#include "runtime/commit.h"
#include "runtime/restore.h"
#include "runtime/topics.h"
#include "support/stage.h"

#include <check.h>
#include <inttypes.h>
#include <kstream/kstream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANGELOG "wc-counts-changelog"
#define INPUT     "wc-by-repartition"

static struct stage         stage;
static struct ks__settings  settings;
static struct ks__topics    topics;
static struct ks__cluster  *cluster;
static struct ks__session  *session, *reader;
static struct ks__commit    commit;
static struct ks__task     *task;
static struct ks__restore  *restore;
static ks_topology         *topology;
static ks_error             failure;
static char                 directory[256];

static void read_settings(const char *guarantee)
{
    ks__settings_release(&settings);
    stage_set(&stage, "processing.guarantee", guarantee);
    ck_assert_int_eq(ks__settings_read(&settings, stage.config, false, &failure), KS_OK);
}

static void setup(void)
{
    struct ks__cluster_options options = { .clock = NULL };
    struct ks__session_options plain = { .client_id = "test", .group = "wc" };
    struct ks__session_options reading = { .client_id = "restore" };

    failure  = (ks_error){ .status = KS_OK };
    settings = (struct ks__settings){ .stream_threads = 0 };
    commit   = (struct ks__commit){ .phase = KS__COMMIT_NONE };
    task     = NULL;
    restore  = NULL;
    stage_open(&stage, STAGE_MEMORY);
    stage_topic(&stage, "lines", 1);
    stage_topic(&stage, "totals", 1);
    topology = stage_word_count();
    read_settings("at_least_once");
    ck_assert_int_eq(ks__cluster_open(&cluster, stage.address, &options, &failure), KS_OK);
    ks__topics_init(&topics, topology, &settings);
    ck_assert_int_eq(ks__topics_plan(&topics, cluster, 0, &failure), KS_OK);
    ck_assert_int_eq(ks__session_open(&session, cluster, &plain, &failure), KS_OK);
    ck_assert_int_eq(ks__session_open(&reader, cluster, &reading, &failure), KS_OK);
    snprintf(directory, sizeof(directory), "%s/1_0", stage.directory);
}

static void close_task(bool clean)
{
    ks__restore_close(restore);
    if (task != NULL)
        ks__task_close(task, clean);
    restore = NULL;
    task    = NULL;
}

static void teardown(void)
{
    close_task(false);
    ks__commit_release(&commit);
    ks__session_close(reader);
    ks__session_close(session);
    ks__topics_release(&topics);
    ks__cluster_close(cluster);
    ks__settings_release(&settings);
    ks_topology_free(topology);
    stage_close(&stage);
}

/* The counting half of word count: sub-topology 1, partition 0. */
static void open_task(void)
{
    static const int            part = 1;
    struct ks__task_options     options = { .topology          = topology,
                                            .subtopologies     = &part,
                                            .subtopology_count = 1,
                                            .id                = "1_0",
                                            .directory         = directory,
                                            .application_id    = "wc",
                                            .settings          = &settings,
                                            .clock             = ks__clock_real(),
                                            .session           = session,
                                            .commit            = &commit };
    struct ks__restore_options  how;

    ck_assert_msg(ks__task_open(&task, &options, &failure) == KS_OK, "%s", failure.message);
    how = (struct ks__restore_options){ .task = task, .cluster = cluster, .session = reader };
    ck_assert_int_eq(ks__restore_open(&restore, &how, &failure), KS_OK);
}

static ks_status run_restore(void)
{
    ks_status status = KS_EAGAIN;

    for (int i = 0; i < 1000 && status == KS_EAGAIN; i++)
        status = ks__restore_step(restore, 0, &failure);
    return status;
}

static int64_t restored(void)
{
    return ks__counter_read(&ks__restore_get_progress(restore)->restored);
}

static int64_t count_of(const char *word)
{
    struct ks__row row;
    int64_t        count = -1;

    if (ks__kv_get(ks__state_find(ks__task_state(task), "counts"), ks_bytes_text(word), &row))
        count = ks_bytes_i64(row.value, -2);
    ks__state_end_record(ks__task_state(task));
    return count;
}

/* Write a count as a changelog has it. */
static void log_count(const char *word, int64_t count)
{
    unsigned char text[8];
    ks_record     record = { .key = ks_bytes_text(word), .value = ks_encode_i64(text, count),
                             .timestamp_ms = 1 };

    ck_assert_int_eq(ks_writer_append(stage.writer, CHANGELOG, 0, &record), KS_OK);
    stage_flush(&stage);
}

static void log_deletion(const char *word)
{
    ks_record record = { .key = ks_bytes_text(word), .timestamp_ms = 1 };

    ck_assert_int_eq(ks_writer_append(stage.writer, CHANGELOG, 0, &record), KS_OK);
    stage_flush(&stage);
}

static void commit_input(int64_t offset)
{
    struct ks__position position = { .topic = INPUT, .offset = offset };

    ck_assert_int_eq(ks__session_commit_offsets(session, &position, 1, 1000), KS_OK);
}

static void fill_input(int records)
{
    for (int i = 0; i < records; i++)
        stage_append(&stage, INPUT, "a", "a");
    stage_flush(&stage);
}

static int64_t saved_position(void)
{
    return ks__state_number(ks__task_state(task), "changelog/counts", -1);
}

/* ---- replay ---- */

START_TEST(a_new_state_is_replayed_from_the_begin)
{
    for (int i = 1; i <= 100; i++)
        log_count(i % 2 == 0 ? "even" : "odd", i);
    log_count("gone", 1);
    log_deletion("gone");
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    ck_assert_int_eq(run_restore(), KS_OK);     /* also when called again */
    ck_assert_int_eq(restored(), 102);
    ck_assert_int_eq(count_of("even"), 100);
    ck_assert_int_eq(count_of("odd"), 99);
    ck_assert_int_eq(count_of("gone"), -1);
    ck_assert_int_eq(saved_position(), 102);
    ck_assert_int_eq(ks__restore_input(restore, 0), 0);
    ck_assert_int_eq(ks__counter_read(&ks__restore_get_progress(restore)->remaining), 0);
}
END_TEST

START_TEST(a_known_state_reads_only_what_came_since)
{
    log_count("a", 1);
    fill_input(1);
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    close_task(_i == 0);
    log_count("b", 2);
    commit_input(1);
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    ck_assert_int_eq(restored(), 1);
    ck_assert_int_eq(count_of("a"), 1);
    ck_assert_int_eq(count_of("b"), 2);
}
END_TEST

START_TEST(a_restore_that_was_cut_short_goes_on)
{
    ks_status status = KS_EAGAIN;

    for (int i = 0; i < 25000; i++) {
        unsigned char text[8];
        char          key[16];
        ks_record     record = { .value = ks_encode_i64(text, i), .timestamp_ms = 1 };

        snprintf(key, sizeof(key), "%d", i);
        record.key = ks_bytes_text(key);
        ck_assert_int_eq(ks_writer_append(stage.writer, CHANGELOG, 0, &record), KS_OK);
        if (i % 1000 == 0)
            stage_flush(&stage);
    }
    stage_flush(&stage);
    open_task();
    while (status == KS_EAGAIN && restored() == 0)
        status = ks__restore_step(restore, 0, &failure);
    ck_assert_int_eq(status, KS_EAGAIN);
    ck_assert_int_lt(restored(), 25000);
    ck_assert_int_eq(saved_position(), restored());         /* R3 */
    close_task(false);
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    ck_assert_int_lt(restored(), 25000);
    ck_assert_int_eq(saved_position(), 25000);
    ck_assert_int_eq(count_of("0"), 0);
    ck_assert_int_eq(count_of("24999"), 24999);
}
END_TEST

/* ---- wipes ---- */

START_TEST(a_position_before_the_begin_wipes_the_store)
{
    log_count("dead", 1);
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    close_task(true);
    for (int i = 0; i < 4; i++)
        log_count("alive", i);
    ck_assert_int_eq(ks_log_trim(stage.log, CHANGELOG, 0, 3), KS_OK);
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    ck_assert_int_eq(restored(), 2);
    ck_assert_int_eq(count_of("dead"), -1);
    ck_assert_int_eq(count_of("alive"), 3);
}
END_TEST

START_TEST(a_position_behind_the_end_wipes_the_store)
{
    log_count("a", 1);
    open_task();
    ck_assert_int_eq(ks__state_restore(
                         ks__task_state(task), ks__state_find(ks__task_state(task), "counts"),
                         &(struct ks__state_change){ .key = KS_TEXT("ghost"),
                                                     .row = { .value = KS_TEXT("12345678") } },
                         1, "changelog/counts", 99, &failure), KS_OK);
    close_task(true);
    open_task();
    ck_assert_int_eq(count_of("ghost"), INT64_C(0x3132333435363738));
    ck_assert_int_eq(run_restore(), KS_OK);
    ck_assert_int_eq(count_of("ghost"), -1);
    ck_assert_int_eq(count_of("a"), 1);
}
END_TEST

/* ---- inputs ---- */

START_TEST(an_input_goes_on_at_the_group_s_offset)
{
    fill_input(10);
    commit_input(7);
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    ck_assert_int_eq(ks__restore_input(restore, 0), 7);
}
END_TEST

/* Leave a state behind that says it has read its input up to `own`. */
static void leave_state(int64_t own)
{
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    ks__state_set_number(ks__task_state(task), "input/" INPUT "/0", own);
    ck_assert_int_eq(ks__state_seal(ks__task_state(task), &failure), KS_OK);
    close_task(true);
}

START_TEST(the_state_s_own_position_counts_when_nobody_has_written_since)
{
    fill_input(10);
    commit_input(5);
    log_count("a", 1);
    leave_state(8);
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    ck_assert_int_eq(ks__restore_input(restore, 0), 8);
}
END_TEST

START_TEST(what_nobody_has_committed_is_not_replayed)
{
    fill_input(10);
    commit_input(5);
    log_count("a", 1);
    leave_state(8);
    log_count("a", 2);
    log_count("b", 1);
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    ck_assert_int_eq(ks__restore_input(restore, 0), 8);
    ck_assert(ks__restore_is_ahead(restore, 0));
    ck_assert_int_eq(restored(), 0);
    ck_assert_int_eq(count_of("a"), 1);
    ck_assert_int_eq(count_of("b"), -1);
    ck_assert_int_eq(saved_position(), 1);
}
END_TEST

/* By another host, whose state has it, so that it writes nothing of it again. */
START_TEST(what_was_left_out_is_replayed_once_somebody_has_committed_it)
{
    fill_input(10);
    commit_input(5);
    log_count("a", 1);
    leave_state(8);
    log_count("a", 2);
    log_count("b", 1);
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    ck_assert_int_eq(count_of("b"), -1);
    close_task(true);
    commit_input(10);
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    ck_assert_int_eq(ks__restore_input(restore, 0), 10);
    ck_assert_int_eq(count_of("a"), 2);
    ck_assert_int_eq(count_of("b"), 1);
}
END_TEST

START_TEST(what_was_not_committed_in_a_first_interval_is_not_replayed)
{
    fill_input(10);
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    ck_assert_int_eq(ks__restore_input(restore, 0), 0);
    close_task(false);      /* killed before its first commit */
    log_count("a", 1);
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    ck_assert_int_eq(ks__restore_input(restore, 0), 0);
    ck_assert_int_eq(count_of("a"), -1);
}
END_TEST

START_TEST(the_group_s_offset_counts_when_somebody_has_worked_on_since)
{
    fill_input(10);
    commit_input(5);
    log_count("a", 1);
    leave_state(8);
    log_count("a", 2);
    commit_input(9);
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    ck_assert_int_eq(ks__restore_input(restore, 0), 9);
    ck_assert_int_eq(count_of("a"), 2);
}
END_TEST

/* The store's position had left its changelog; nobody has committed anything since. */
START_TEST(a_replay_that_was_cut_short_is_not_taken_for_a_tail)
{
    ks_status status = KS_EAGAIN;

    fill_input(10);
    commit_input(5);
    log_count("a", 1);
    leave_state(5);
    for (int i = 0; i < 25000; i++)
        log_count("b", i);
    ck_assert_int_eq(ks__cluster_trim(cluster, CHANGELOG, 0, 2, 1000, &failure), KS_OK);
    open_task();
    while (status == KS_EAGAIN && restored() == 0)
        status = ks__restore_step(restore, 0, &failure);
    ck_assert_int_eq(status, KS_EAGAIN);
    close_task(false);
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    ck_assert_int_eq(count_of("b"), 24999);
    ck_assert_int_eq(saved_position(), 25001);
    ck_assert_int_eq(ks__restore_input(restore, 0), 5);
}
END_TEST

START_TEST(at_most_once_replays_whatever_was_written)
{
    read_settings("at_most_once");
    fill_input(10);
    commit_input(5);
    log_count("a", 1);
    leave_state(5);
    log_count("a", 2);
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    ck_assert_int_eq(ks__restore_input(restore, 0), 5);
    ck_assert_int_eq(count_of("a"), 2);
}
END_TEST

START_TEST(a_position_of_another_log_is_not_used)
{
    fill_input(10);
    commit_input(5);
    leave_state(11);
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    ck_assert_int_eq(ks__restore_input(restore, 0), 5);
    ck_assert(!ks__error_is_set(&failure));
}
END_TEST

START_TEST(the_position_of_a_state_that_was_wiped_is_not_used)
{
    fill_input(10);
    commit_input(5);
    open_task();
    ks__state_set_number(ks__task_state(task), "changelog/counts", 3);  /* the changelog is empty */
    ks__state_set_number(ks__task_state(task), "input/" INPUT "/0", 8);
    ck_assert_int_eq(ks__state_seal(ks__task_state(task), &failure), KS_OK);
    close_task(true);
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    ck_assert_int_eq(ks__restore_input(restore, 0), 5);
}
END_TEST

START_TEST(under_exactly_once_the_group_s_offset_counts_always)
{
    read_settings("exactly_once_v2");
    fill_input(10);
    commit_input(5);
    log_count("a", 1);
    leave_state(8);
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    ck_assert_int_eq(ks__restore_input(restore, 0), 5);
}
END_TEST

START_TEST(an_offset_that_is_not_in_the_log_any_more_is_reset)
{
    fill_input(10);
    commit_input(2);
    ck_assert_int_eq(ks_log_trim(stage.log, INPUT, 0, 4), KS_OK);
    open_task();
    ck_assert_int_eq(run_restore(), KS_OK);
    ck_assert_int_eq(ks__restore_input(restore, 0), 4);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("runtime/restore");
    TCase   *tcase = tcase_create("restore");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_new_state_is_replayed_from_the_begin);
    tcase_add_loop_test(tcase, a_known_state_reads_only_what_came_since, 0, 2);
    tcase_add_test(tcase, a_restore_that_was_cut_short_goes_on);
    tcase_add_test(tcase, a_position_before_the_begin_wipes_the_store);
    tcase_add_test(tcase, a_position_behind_the_end_wipes_the_store);
    tcase_add_test(tcase, an_input_goes_on_at_the_group_s_offset);
    tcase_add_test(tcase, the_state_s_own_position_counts_when_nobody_has_written_since);
    tcase_add_test(tcase, what_nobody_has_committed_is_not_replayed);
    tcase_add_test(tcase, what_was_left_out_is_replayed_once_somebody_has_committed_it);
    tcase_add_test(tcase, what_was_not_committed_in_a_first_interval_is_not_replayed);
    tcase_add_test(tcase, the_group_s_offset_counts_when_somebody_has_worked_on_since);
    tcase_add_test(tcase, a_replay_that_was_cut_short_is_not_taken_for_a_tail);
    tcase_add_test(tcase, at_most_once_replays_whatever_was_written);
    tcase_add_test(tcase, a_position_of_another_log_is_not_used);
    tcase_add_test(tcase, the_position_of_a_state_that_was_wiped_is_not_used);
    tcase_add_test(tcase, under_exactly_once_the_group_s_offset_counts_always);
    tcase_add_test(tcase, an_offset_that_is_not_in_the_log_any_more_is_reset);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

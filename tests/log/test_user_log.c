/* SPDX-License-Identifier: Apache-2.0
 *
 * test_user_log.c - the contract on a log of one's own (shelf.c), and what only such a log does.
 */
#include "log/contract.h"
#include "log/shelf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void open_log(char *address, size_t size)
{
    static int number;

    ck_assert_int_eq(ks_log_register(&shelf_class), KS_OK);
    snprintf(address, size, "shelf:test-%d", number++);
}

static void close_log(void)
{
    shelf_fail_at(0);
    shelf_clear();
}

static const struct contract user = { "user", open_log, close_log, true };

/* ---- registering ---- */

START_TEST(a_class_that_is_not_whole_is_refused)
{
    ks_log_class class = shelf_class;

    ck_assert_int_eq(ks_log_register(NULL), KS_EINVAL);
    class.commit = NULL;
    ck_assert_int_eq(ks_log_register(&class), KS_EINVAL);
    class             = shelf_class;
    class.struct_size = 0;
    ck_assert_int_eq(ks_log_register(&class), KS_EINVAL);
    class            = shelf_class;
    class.state_size = 0;
    ck_assert_int_eq(ks_log_register(&class), KS_EINVAL);
}
END_TEST

START_TEST(a_class_without_a_list_has_no_patterns)
{
    static ks_log_class class;
    struct ks__cluster *bare;
    struct ks__buffer   names = { .data = NULL };
    ks_error            error = { .status = KS_OK };

    class        = shelf_class;
    class.scheme = "bare:";
    class.list   = NULL;
    ck_assert_int_eq(ks_log_register(&class), KS_OK);
    ck_assert_int_eq(ks__cluster_open(&bare, "bare:x", NULL, &error), KS_OK);
    ck_assert_int_eq(ks__cluster_topics(bare, &names, 0, &error), KS_ESTATE);
    ck_assert_ptr_nonnull(strstr(ks_error_message(&error), "has no list"));
    ks__cluster_close(bare);
}
END_TEST

START_TEST(a_scheme_must_have_a_form_and_be_free)
{
    static const char *const wrong[] = { NULL, "", ":", "shelf", "she lf:", "9:", "memory:",
                                         "embedded:", "localhost:9092" };
    ks_log_class class = shelf_class;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        class.scheme = wrong[i];
        ck_assert_int_eq(ks_log_register(&class), KS_EINVAL);
    }
    ck_assert_int_eq(ks_log_register(&shelf_class), KS_OK);
    class.scheme = "shelf:";
    ck_assert_int_eq(ks_log_register(&class), KS_EEXISTS);
}
END_TEST

/* ---- what the library keeps in it ---- */

START_TEST(offsets_of_groups_and_fencing_outlive_a_reopening)
{
    struct ks__session *session = open_session("g", NULL), *first, *second;

    create("t", 1);
    append_text(session, "t", 0, "k", "v", 1);
    ck_assert_int_eq(ks__session_flush(session, -1), KS_OK);
    ck_assert_int_eq(ks__session_commit_offsets(
                         session, &(struct ks__position){ "t", 0, 1, "meta" }, 1, -1), KS_OK);
    ks__session_close(session);
    first = open_session(NULL, "id");
    ck_assert_int_eq(ks__session_begin(first, -1), KS_OK);
    ks__session_close(first);
    contract_reopen();
    ck_assert_int_eq(committed_of("g", "t", 0), 1);
    ck_assert_str_eq(read_all("t", 0, 0), "v ");
    first = open_session(NULL, "id");
    ck_assert_int_eq(ks__session_begin(first, -1), KS_OK);
    second = open_session(NULL, "id");
    append_text(first, "t", 0, "k", "stray", 2);
    ck_assert_int_eq(ks__session_commit(first, NULL, 0, -1), KS_EFENCED);
    ck_assert_str_eq(read_all("t", 0, 0), "v ");
    ks__session_close(first);
    ks__session_close(second);
}
END_TEST

START_TEST(the_id_of_the_log_stays_and_differs_from_others)
{
    char before[KS__CLUSTER_ID_BYTES];

    snprintf(before, sizeof(before), "%s", ks__cluster_id(cluster));
    ck_assert_uint_eq(strlen(before), KS__CLUSTER_ID_BYTES - 1);
    contract_reopen();
    ck_assert_str_eq(ks__cluster_id(cluster), before);
    ks__cluster_close(cluster);
    shelf_clear();
    ck_assert_int_eq(ks__cluster_open(&cluster, contract_address(), NULL, NULL), KS_OK);
    ck_assert_str_ne(ks__cluster_id(cluster), before);
}
END_TEST

/* ---- from outside ---- */

START_TEST(records_that_arrive_from_elsewhere_wake_and_are_read)
{
    const char      *name = contract_address() + strlen("shelf:");
    ks_log          *log  = ks_log_new(contract_address(), NULL);
    ks_reader       *reader;
    ks_entry         entry;

    ck_assert_int_eq(ks_log_create_topic(log, "t", 1, false), KS_OK);
    reader = ks_log_reader(log, NULL);
    ck_assert_int_eq(ks_reader_assign(reader, "t", 0, 0), KS_OK);
    ck_assert(!ks_reader_next(reader, 0, &entry));
    shelf_deliver(name, "t", &(ks_record){ .key = KS_TEXT("k"), .value = KS_TEXT("v") });
    ck_assert(ks_reader_next(reader, 30000, &entry));
    ck_assert(ks_bytes_equal(entry.record.value, KS_TEXT("v")));
    ks_reader_free(reader);
    ks_log_free(log);
}
END_TEST

/* ---- failures ---- */

START_TEST(an_address_that_does_not_open_says_why)
{
    struct ks__cluster *none;
    ks_error            error = { .status = KS_OK };

    ck_assert_int_eq(ks__cluster_open(&none, "shelf:locked", NULL, &error), KS_EACCESS);
    ck_assert_str_eq(ks_error_message(&error), "shelf:locked: open: it is locked");
}
END_TEST

/* One round of writing and reading; false = something failed, and its text names the hook. */
static bool round_trip(unsigned n)
{
    ks_log    *log    = ks_log_new(contract_address(), NULL);
    ks_writer *writer = ks_log_writer(log, NULL);
    ks_reader *reader = ks_log_reader(log, NULL);
    bool       fine;
    ks_status  status;
    ks_entry   entry;
    char       topic[16];

    snprintf(topic, sizeof(topic), "t%u", n);
    status = ks_log_create_topic(log, topic, 1, false);
    fine   = status == KS_OK || status == KS_EEXISTS;
    if (!fine)
        ck_assert_ptr_nonnull(strstr(ks_error_message(ks_log_error(log)), "fails as told"));
    fine = fine && ks_writer_append_text(writer, topic, "k", "v", 0) == KS_OK &&
           ks_writer_flush(writer, -1) == KS_OK;
    fine = fine && ks_reader_assign(reader, topic, 0, 0) == KS_OK &&
           ks_reader_next(reader, 0, &entry);
    ks_reader_free(reader);
    ks_writer_free(writer);
    ks_log_free(log);
    return fine;
}

START_TEST(every_hook_may_fail_and_can_be_tried_again)
{
    unsigned failed = 0, n = 1;

    for (;; n++) {
        shelf_fail_at(n);
        if (!round_trip(n))
            failed++;
        if (shelf_calls() < n)
            break;
        shelf_fail_at(0);
        ck_assert(round_trip(n));
    }
    ck_assert_uint_ge(n, 6);
    ck_assert_uint_eq(failed, n - 1);
}
END_TEST

START_TEST(a_commit_that_does_not_say_where_records_lie_is_an_error)
{
    ks_log    *log    = ks_log_new(contract_address(), NULL);
    ks_writer *writer = ks_log_writer(log, NULL);

    ck_assert_int_eq(ks_log_create_topic(log, "t", 1, false), KS_OK);
    shelf_forget_offsets(true);
    ck_assert_int_eq(ks_writer_append_text(writer, "t", "k", "v", 0), KS_OK);
    ck_assert_int_eq(ks_writer_flush(writer, -1), KS_ELOG);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_writer_error(writer)),
                                 "commit: it stored records of t-0 and set no first_offset"));
    shelf_forget_offsets(false);
    ks_writer_free(writer);
    ks_log_free(log);
}
END_TEST

/* ---- an app ---- */

static ks_topology *count_topology(void)
{
    ks_builder  *b = ks_builder_new();
    ks_topology *topology;
    ks_stream   *in = ks_builder_stream(b, "in", KS_CONSUMED(.key = ks_serde_utf8()));

    ks_stream_to(ks_table_to_stream(ks_grouped_stream_count(
                                        ks_stream_group_by_key(in, NULL),
                                        KS_MATERIALIZED(.store = "counts")),
                                    NULL),
                 "out", NULL);
    ck_assert_int_eq(ks_builder_build(b, &topology), KS_OK);
    ks_builder_free(b);
    return topology;
}

static void run_app(const char *guarantee, const char *state)
{
    ks_config   *config   = ks_config_new();
    ks_topology *topology = count_topology();
    ks_app      *app;

    ks_config_set(config, "application.id", "app");
    ks_config_set(config, "bootstrap.servers", contract_address());
    ks_config_set(config, "processing.guarantee", guarantee);
    ks_config_set(config, "state.dir", state);
    app = ks_app_new(topology, config);
    for (int i = 0; i < 2000; i++) {
        ck_assert_msg(ks_app_step(app, 10) == KS_OK, "%s", ks_error_message(ks_app_error(app)));
        if (ks_app_get_state(app) == KS_APP_RUNNING && i > 20)
            break;
    }
    ck_assert_int_eq(ks_app_get_state(app), KS_APP_RUNNING);
    ck_assert_int_eq(ks_app_close(app, -1), KS_OK);
    ks_app_free(app);
    ks_topology_free(topology);
    ks_config_free(config);
}

static int64_t last_count(const char *key)
{
    ks_log    *log    = ks_log_new(contract_address(), NULL);
    ks_reader *reader = ks_log_reader(log, NULL);
    ks_entry   entry;
    int64_t    last = -1;

    ck_assert_int_eq(ks_reader_assign(reader, "out", 0, 0), KS_OK);
    while (ks_reader_next(reader, 0, &entry))
        if (ks_bytes_equal(entry.record.key, ks_bytes_text(key)))
            last = ks_bytes_i64(entry.record.value, -1);
    ks_reader_free(reader);
    ks_log_free(log);
    return last;
}

START_TEST(an_app_runs_on_it_under_every_guarantee)
{
    static const char *const guarantees[] = { "at_most_once", "at_least_once",
                                              "exactly_once_v2" };
    char                     state[] = "/tmp/kstream-shelf-XXXXXX", command[64];
    ks_log                  *log     = ks_log_new(contract_address(), NULL);
    ks_writer               *writer  = ks_log_writer(log, NULL);

    ck_assert_ptr_nonnull(mkdtemp(state));
    ck_assert_int_eq(ks_log_create_topic(log, "in", 1, false), KS_OK);
    ck_assert_int_eq(ks_log_create_topic(log, "out", 1, false), KS_OK);
    for (int run = 0; run < 3; run++) {
        for (int i = 0; i < 100; i++)
            ck_assert_int_eq(ks_writer_append_text(writer, "in", i % 2 ? "odd" : "even", "x", i),
                             KS_OK);
        ck_assert_int_eq(ks_writer_flush(writer, -1), KS_OK);
        run_app(guarantees[run], state);
        ck_assert_int_eq(last_count("odd"), 50 * (run + 1));
        ck_assert_int_eq(last_count("even"), 50 * (run + 1));
    }
    ks_writer_free(writer);
    ks_log_free(log);
    snprintf(command, sizeof(command), "rm -rf %s", state);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

int main(void)
{
    Suite   *s = contract_suite(&user);
    TCase   *c = tcase_create("user");
    SRunner *runner;
    int      failed;

    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, contract_setup, contract_teardown);
    tcase_add_test(c, a_class_that_is_not_whole_is_refused);
    tcase_add_test(c, a_class_without_a_list_has_no_patterns);
    tcase_add_test(c, a_scheme_must_have_a_form_and_be_free);
    tcase_add_test(c, offsets_of_groups_and_fencing_outlive_a_reopening);
    tcase_add_test(c, the_id_of_the_log_stays_and_differs_from_others);
    tcase_add_test(c, records_that_arrive_from_elsewhere_wake_and_are_read);
    tcase_add_test(c, an_address_that_does_not_open_says_why);
    tcase_add_test(c, every_hook_may_fail_and_can_be_tried_again);
    tcase_add_test(c, a_commit_that_does_not_say_where_records_lie_is_an_error);
    tcase_add_test(c, an_app_runs_on_it_under_every_guarantee);
    suite_add_tcase(s, c);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

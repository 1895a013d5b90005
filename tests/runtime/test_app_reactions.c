/* SPDX-License-Identifier: Apache-2.0
 *
 * test_app_reactions.c - failures of user code: what a handler may answer, and what the text names.
 */
#include "app_fixture.h"

#include <check.h>
#include <kstream/kstream.h>
#include <stdlib.h>
#include <string.h>

static ks_status refuse(ks_ctx *ctx, ks_record *record, void *user)
{
    (void)record, (void)user;
    return ks_ctx_fail(ctx, "no %s", "way");
}

static ks_topology *refusing_topology(void)
{
    ks_builder  *b = ks_builder_new();
    ks_topology *made;

    ks_stream_to(ks_stream_map_values(ks_builder_stream(b, "lines", NULL), refuse, NULL,
                                      KS_NAMED("refuse")),
                 "totals", NULL);
    ck_assert_int_eq(ks_builder_build(b, &made), KS_OK);
    ks_builder_free(b);
    return made;
}

static ks_reaction answer_retry(const ks_failure *failure, void *user)
{
    (void)failure, (void)user;
    return KS_REACTION_RETRY;
}

START_TEST(an_answer_that_is_none_for_the_failure_fails_and_is_told)
{
    ks_topology *refusing = refusing_topology();

    stage_set(&stage, "processing.exception.handler", "continue");
    app = ks_app_new(refusing, stage.config);
    ck_assert_int_eq(ks_app_on_failure(app, KS_FAILURE_PROCESSING, answer_retry, NULL), KS_OK);
    ck_assert_int_eq(ks_app_start(app), KS_OK);
    stage_feed(&stage, "lines", NULL, "a");
    stage_await_state(app, NULL, KS_APP_ERROR);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_app_error(app)),
                                 "the handler's answer KS_REACTION_RETRY is none for this kind of "
                                 "failure (app.h): no way"));
    ks_topology_free(refusing);
}
END_TEST

static ks_status put_into_global(ks_ctx *ctx, const ks_record *record, void *self)
{
    (void)self;
    ks_kv_store_put(ks_ctx_kv_store(ctx, "everywhere"), record->value, record->value);
    return KS_OK;
}

START_TEST(a_write_to_a_global_table_fails_the_record_and_names_its_place)
{
    static const ks_processor writer = KS_PROCESSOR(.process = put_into_global);
    ks_builder               *b = ks_builder_new();
    ks_topology              *made;
    const char               *text;

    stage_topic(&stage, "all", 1);
    ks_builder_global_table(b, "all", NULL, KS_MATERIALIZED(.store = "everywhere"));
    ks_stream_to(ks_stream_process_values(ks_builder_stream(b, "lines", NULL), &writer, NULL,
                                          KS_CONNECTED(.name = "writer")),
                 "totals", NULL);
    ck_assert_msg(ks_builder_build(b, &made) == KS_OK, "%s",
                  ks_error_message(ks_builder_error(b)));
    ks_builder_free(b);
    app = ks_app_new(made, stage.config);
    ck_assert_int_eq(ks_app_start(app), KS_OK);
    stage_feed(&stage, "lines", NULL, "a");
    stage_await_state(app, NULL, KS_APP_ERROR);
    text = ks_error_message(ks_app_error(app));
    ck_assert_msg(strstr(text, "task 0_0: node \"writer\", lines-0 offset 0: store "
                               "\"everywhere\" is only read here") != NULL, "%s", text);
    ks_topology_free(made);
}
END_TEST

/* ---- main ---- */

static Suite *make_suite(void)
{
    Suite *suite     = suite_create("runtime/app_reactions");
    TCase *reactions = tcase_create("reactions");

    tcase_set_timeout(reactions, 60);
    tcase_add_checked_fixture(reactions, app_setup, app_teardown);
    tcase_add_test(reactions, an_answer_that_is_none_for_the_failure_fails_and_is_told);
    tcase_add_test(reactions, a_write_to_a_global_table_fails_the_record_and_names_its_place);
    suite_add_tcase(suite, reactions);
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

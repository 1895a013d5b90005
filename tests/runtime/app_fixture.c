/* SPDX-License-Identifier: Apache-2.0
 *
 * app_fixture.c - making and closing the app of a test.
 */
#include "app_fixture.h"

#include <check.h>

struct stage stage;
ks_topology *topology;
ks_app      *app;

void app_setup(void)
{
    stage_open(&stage, STAGE_MEMORY);
    stage_topic(&stage, "lines", 1);
    stage_topic(&stage, "totals", 1);
    topology = stage_word_count();
    app      = NULL;
}

void app_teardown(void)
{
    ks_app_free(app);
    ks_topology_free(topology);
    stage_close(&stage);
}

void make_app(void)
{
    app = ks_app_new(topology, stage.config);
    ck_assert_ptr_nonnull(app);
}

void start_app(void)
{
    make_app();
    ck_assert_msg(ks_app_start(app) == KS_OK, "%s", ks_error_message(ks_app_error(app)));
}

void close_app(void)
{
    ck_assert_msg(ks_app_close(app, 10000) == KS_OK, "%s", ks_error_message(ks_app_error(app)));
    ks_app_free(app);
    app = NULL;
}

void assert_refused(ks_status status, const char *text)
{
    ck_assert_int_eq(ks_error_status(ks_app_call_error(app)), status);
    ck_assert_str_eq(ks_error_message(ks_app_call_error(app)), text);
    ck_assert_int_eq(ks_error_status(ks_app_error(app)), KS_OK);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * test_max_rows.c - stores of processors that keep the rows used last.
 */
#include "dsl/flow.h"

#include <string.h>

struct keeper {
    ks_kv_store *rows;
};

static ks_status keeper_open(ks_ctx *ctx, void *self, void *user)
{
    (void)user;
    ((struct keeper *)self)->rows = ks_ctx_kv_store(ctx, "rows");
    return KS_OK;
}

/* "?" forwards whether there is a row; anything else is put. */
static ks_status keeper_process(ks_ctx *ctx, const ks_record *record, void *self)
{
    ks_kv_store *rows = ((struct keeper *)self)->rows;
    ks_record    row;

    if (ks_bytes_equal(record->value, KS_TEXT("?")))
        ks_ctx_forward_value(ctx, ks_kv_store_get(rows, record->key, &row) ? KS_TEXT("yes")
                                                                           : KS_TEXT("no"));
    else
        ks_kv_store_put(rows, record->key, record->value);
    return KS_OK;
}

static const ks_processor keeper = KS_PROCESSOR(.state_size = sizeof(struct keeper),
                                                .open = keeper_open, .process = keeper_process);

static void declare(void)
{
    ks_builder_add_store(flow.b, KS_KV_STORE("rows", .key = ks_serde_utf8(),
                                             .value = ks_serde_utf8(), .max_rows = 2));
    ks_stream_to(ks_stream_process(text_stream("in"), &keeper, NULL,
                                   KS_CONNECTED(.name = "keep", .stores = { "rows" })), "out",
                 NULL);
}

static void ask(const char *key, const char *answer)
{
    feed("in", key, "?", 9);
    expect("out", key, answer, 9);
}

START_TEST(the_least_recently_used_row_goes_with_a_tombstone)
{
    declare();
    flow_start();
    feed("in", "a", "1", 1);
    feed("in", "b", "2", 2);
    ask("a", "yes");
    feed("in", "c", "3", 3);
    ask("b", "no");
    ask("a", "yes");
    ask("c", "yes");
    expect("kstream-driver-rows-changelog", "a", "1", 1);
    expect("kstream-driver-rows-changelog", "b", "2", 2);
    expect("kstream-driver-rows-changelog", "b", NULL, 3);
    expect("kstream-driver-rows-changelog", "c", "3", 3);
    expect_nothing("kstream-driver-rows-changelog");
}
END_TEST

static void put_two_and_read_the_first(void)
{
    declare();
    flow_start_kept(NULL);
    feed("in", "a", "1", 1);
    feed("in", "b", "2", 2);
    ask("a", "yes");
}

START_TEST(a_restart_keeps_the_order_of_use)
{
    put_two_and_read_the_first();
    flow_reopen();
    feed("in", "c", "3", 3);
    ask("a", "yes");
    ask("b", "no");
}
END_TEST

START_TEST(a_move_keeps_the_order_of_the_puts)
{
    put_two_and_read_the_first();
    flow_move();
    feed("in", "c", "3", 3);
    ask("a", "no");
    ask("b", "yes");
}
END_TEST

/* ---- mistakes ---- */

static void expect_mistake(const char *text)
{
    ck_assert_int_eq(ks_error_status(ks_builder_error(flow.b)), KS_EINVAL);
    ck_assert_msg(strstr(ks_error_message(ks_builder_error(flow.b)), text) != NULL, "%s",
                  ks_error_message(ks_builder_error(flow.b)));
}

START_TEST(a_bound_must_be_positive)
{
    ks_builder_add_store(flow.b, KS_KV_STORE("rows", .max_rows = -1));
    expect_mistake(".max_rows is -1; it must be at least 1");
}
END_TEST

START_TEST(rows_go_by_use_or_by_time)
{
    ks_builder_add_store(flow.b, KS_KV_STORE("rows", .ttl_ms = 5, .max_rows = 5));
    expect_mistake("leave out .max_rows or .ttl_ms");
}
END_TEST

START_TEST(a_bounded_store_takes_no_cache)
{
    ks_builder_add_store(flow.b, KS_KV_STORE("rows", .cache = KS_ON, .max_rows = 5));
    expect_mistake("leave out .cache");
}
END_TEST

START_TEST(a_store_that_a_topic_fills_takes_no_bound)
{
    ks_builder_add_read_only_store(flow.b, KS_KV_STORE("rows", .max_rows = 5), "t", NULL, &keeper,
                                   NULL);
    expect_mistake("leave out .max_rows");
}
END_TEST

FLOW_MAIN("max rows", the_least_recently_used_row_goes_with_a_tombstone,
          a_restart_keeps_the_order_of_use, a_move_keeps_the_order_of_the_puts,
          a_bound_must_be_positive, rows_go_by_use_or_by_time, a_bounded_store_takes_no_cache,
          a_store_that_a_topic_fills_takes_no_bound)

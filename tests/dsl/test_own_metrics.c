/* SPDX-License-Identifier: Apache-2.0
 *
 * test_own_metrics.c - counters, gauges and latencies of the user's own.
 */
#include "dsl/flow.h"

#include <string.h>

struct shop {
    ks_counter *orders;
    ks_counter *basket;
    ks_latency *lookup;
};

static ks_status shop_open(ks_ctx *ctx, void *self, void *user)
{
    struct shop *shop = self;

    (void)user;
    shop->orders = ks_ctx_counter(ctx, "orders-total");
    shop->basket = ks_ctx_counter(ctx, "basket-size");
    shop->lookup = ks_ctx_latency(ctx, "lookup");
    ck_assert_ptr_eq(ks_ctx_counter(ctx, "orders-total"), shop->orders);
    ck_assert_ptr_eq(ks_ctx_latency(ctx, "lookup"), shop->lookup);
    return KS_OK;
}

/* The value is the size of the basket, its digit times 100 ns the latency. */
static ks_status shop_process(ks_ctx *ctx, const ks_record *record, void *self)
{
    struct shop *shop = self;
    int          size = *(const char *)record->value.data - '0';

    (void)ctx;
    ks_counter_add(shop->orders, 1);
    ks_counter_set(shop->basket, size);
    ks_latency_add(shop->lookup, size * 100);
    return KS_OK;
}

static const ks_processor shop = KS_PROCESSOR(.state_size = sizeof(struct shop),
                                              .open = shop_open, .process = shop_process);

/* The value of the one row of this name; of no row, -1. */
static int64_t metric(const char *task, const char *node, const char *name)
{
    ks_metrics *metrics = ks_driver_metrics(flow.driver);
    int64_t     value   = -1;

    for (const ks_metric *m; (m = ks_metrics_next(metrics)) != NULL;)
        if (strcmp(m->name, name) == 0 && strcmp(m->task, task) == 0 &&
            strcmp(m->node, node) == 0) {
            ck_assert_int_eq(value, -1);
            value = m->value;
        }
    ks_metrics_free(metrics);
    return value;
}

START_TEST(metrics_of_a_processor_are_rows_of_its_task)
{
    ks_stream_process(text_stream("in"), &shop, NULL, KS_CONNECTED(.name = "shop"));
    flow_start();
    ck_assert_int_eq(metric("0_0", "shop", "orders-total"), 0);
    feed("in", "k", "7", 1);
    feed("in", "k", "3", 2);
    ck_assert_int_eq(metric("0_0", "shop", "orders-total"), 2);
    ck_assert_int_eq(metric("0_0", "shop", "basket-size"), 3);
    ck_assert_int_eq(metric("0_0", "shop", "lookup-total"), 2);
    ck_assert_int_eq(metric("0_0", "shop", "lookup-latency-total"), 1000);
    ck_assert_int_eq(metric("0_0", "shop", "lookup-latency-max"), 700);
}
END_TEST

START_TEST(metrics_begin_anew_with_the_task)
{
    ks_stream_process(text_stream("in"), &shop, NULL, KS_CONNECTED(.name = "shop"));
    flow_start_kept(NULL);
    feed("in", "k", "7", 1);
    flow_reopen();
    ck_assert_int_eq(metric("0_0", "shop", "orders-total"), 0);
}
END_TEST

static ks_status count_and_pass(ks_ctx *ctx, ks_record *record, void *user)
{
    ks_counter_add(ks_ctx_counter(ctx, user), ks_bytes_is_null(record->value) ? 0 : 1);
    return KS_OK;
}

START_TEST(operators_of_the_dsl_have_them_too_and_each_its_own)
{
    ks_stream *s = ks_stream_map_values(text_stream("in"), count_and_pass, USER("n"),
                                        KS_NAMED("one"));

    ks_stream_map_values(s, count_and_pass, USER("n"), KS_NAMED("two"));
    flow_start();
    feed("in", "k", "v", 1);
    feed("in", "k", "v", 2);
    ck_assert_int_eq(metric("0_0", "one", "n"), 2);
    ck_assert_int_eq(metric("0_0", "two", "n"), 2);
}
END_TEST

START_TEST(the_processor_of_a_global_store_has_those_of_the_store)
{
    ks_builder_add_global_store(flow.b, KS_KV_STORE("g"), "t", NULL, &shop, NULL);
    flow_start();
    feed("t", "k", "4", 1);
    ck_assert_int_eq(metric("", "g", "orders-total"), 1);
    ck_assert_int_eq(metric("", "g", "lookup-latency-max"), 400);
}
END_TEST

static ks_status nameless_open(ks_ctx *ctx, void *self, void *user)
{
    (void)self, (void)user;
    ck_assert_ptr_null(ks_ctx_counter(ctx, ""));
    ck_assert_ptr_null(ks_ctx_latency(ctx, "after a failure there is none"));
    return KS_OK;
}

static ks_status nothing(ks_ctx *ctx, const ks_record *record, void *self)
{
    (void)ctx, (void)record, (void)self;
    ks_counter_add(NULL, 1);
    ks_counter_set(NULL, 1);
    ks_latency_add(NULL, 1);
    return KS_OK;
}

START_TEST(a_metric_without_a_name_fails_the_open)
{
    static const ks_processor nameless = KS_PROCESSOR(.open = nameless_open, .process = nothing);

    ks_stream_process(text_stream("in"), &nameless, NULL, KS_CONNECTED(.name = "shop"));
    ks_builder_build(flow.b, &flow.topology);
    flow.driver = ks_driver_new(flow.topology, NULL, NULL);
    ck_assert_int_eq(ks_error_status(ks_driver_error(flow.driver)), KS_EINVAL);
    ck_assert_str_eq(ks_error_message(ks_driver_error(flow.driver)),
                     "ks_ctx_counter() needs a name");
}
END_TEST

START_TEST(without_a_metric_nothing_is_counted)
{
    static const ks_processor quiet = KS_PROCESSOR(.process = nothing);

    ks_stream_process(text_stream("in"), &quiet, NULL, KS_CONNECTED(.name = "shop"));
    flow_start();
    feed("in", "k", "v", 1);
    ck_assert_int_eq(metric("0_0", "shop", "orders-total"), -1);
}
END_TEST

FLOW_MAIN("own metrics", metrics_of_a_processor_are_rows_of_its_task,
          metrics_begin_anew_with_the_task, operators_of_the_dsl_have_them_too_and_each_its_own,
          the_processor_of_a_global_store_has_those_of_the_store,
          a_metric_without_a_name_fails_the_open, without_a_metric_nothing_is_counted)

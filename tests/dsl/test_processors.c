/* SPDX-License-Identifier: Apache-2.0
 *
 * test_processors.c - processors of the user: in the DSL and with the Topology API.
 */
#include "dsl/flow.h"

#include <string.h>

/* A processor with a store: it forwards how often it saw the value, under the value as key. */

struct seen {
    ks_kv_store *store;
};

static ks_status seen_open(ks_ctx *ctx, void *self, void *user)
{
    ((struct seen *)self)->store = ks_ctx_kv_store(ctx, user);
    return KS_OK;
}

static ks_status seen_process(ks_ctx *ctx, const ks_record *record, void *self)
{
    ks_kv_store *store = ((struct seen *)self)->store;
    ks_record    row;
    ks_record    out = *record;

    ks_kv_store_get(store, record->value, &row);
    out.key   = record->value;
    out.value = ks_ctx_i64(ctx, ks_bytes_i64(row.value, 0) + 1);
    ks_kv_store_put(store, out.key, out.value);
    ks_ctx_forward(ctx, &out);
    return KS_OK;
}

static const ks_processor seen = KS_PROCESSOR(.state_size = sizeof(struct seen),
                                              .open = seen_open, .process = seen_process);

START_TEST(a_processor_has_its_store_and_changes_keys)
{
    ks_stream *s;

    ks_builder_add_store(flow.b, KS_KV_STORE("seen"));
    s = ks_stream_process(text_stream("in"), &seen, USER("seen"),
                          KS_CONNECTED(.stores = { "seen" }));
    ks_stream_to(s, "out", NULL);
    flow_start();
    feed("in", "k", "a", 1);
    feed("in", "j", "a", 2);
    expect_i64("out", "a", 1, 1);
    expect_i64("out", "a", 2, 2);
}
END_TEST

START_TEST(process_values_keeps_the_key)
{
    ks_stream *s;

    ks_builder_add_store(flow.b, KS_KV_STORE("seen"));
    s = ks_stream_process_values(text_stream("in"), &seen, USER("seen"),
                                 KS_CONNECTED(.stores = { "seen" }));
    ks_stream_to(s, "out", NULL);
    flow_start();
    feed("in", "k", "a", 1);
    feed("in", "j", "a", 2);
    expect_i64("out", "k", 1, 1);
    expect_i64("out", "j", 2, 2);
}
END_TEST

START_TEST(an_unconnected_store_is_not_found)
{
    ks_builder_add_store(flow.b, KS_KV_STORE("seen"));
    ks_builder_add_store(flow.b, KS_KV_STORE("other"));
    ks_stream_process(text_stream("in"), &seen, USER("other"), KS_CONNECTED(.stores = { "seen" }));
    ks_builder_build(flow.b, &flow.topology);
    flow.driver = ks_driver_new(flow.topology, NULL, NULL);
    ck_assert_int_eq(ks_error_status(ks_driver_error(flow.driver)), KS_ENOTFOUND);
    ck_assert_str_eq(ks_error_message(ks_driver_error(flow.driver)),
                     "store \"other\" is not connected to this processor; add it to"
                     " KS_CONNECTED(.stores = { \"other\" })");
    ck_assert_str_eq(ks_error_node(ks_driver_error(flow.driver)), "KSTREAM-PROCESSOR-0000000001");
}
END_TEST

START_TEST(the_topology_api_wires_by_name)
{
    const char *const topics[] = { "in", "also" };

    ks_builder_add_source(flow.b, "source", topics, 2, NULL);
    ks_builder_add_store(flow.b, KS_KV_STORE("seen"));
    ks_builder_add_processor(flow.b, "first", &seen, USER("seen"),
                             KS_CONNECTED(.parents = { "source" }));
    ks_builder_connect(flow.b, "first", "seen");
    ks_builder_add_sink(flow.b, "all", "all-out", NULL,
                        KS_CONNECTED(.parents = { "first", "source" }));
    flow_start();
    feed("also", "k", "a", 3);
    expect_i64("all-out", "a", 1, 3);
    expect("all-out", "k", "a", 3);
    expect_nothing("all-out");
}
END_TEST

static ks_status topic_of_key(ks_ctx *ctx, const ks_record *record, ks_bytes *io, void *user)
{
    *io = ks_ctx_text(ctx, "%.*s-%s", KS_BYTES_ARG(record->key), (const char *)user);
    return KS_OK;
}

START_TEST(a_sink_of_the_topology_api_may_choose_its_topic)
{
    const char *const topics[] = { "in" };

    ks_builder_add_source(flow.b, "source", topics, 1, NULL);
    ks_builder_add_sink_chosen(flow.b, "chosen", topic_of_key, USER("out"), NULL,
                               KS_CONNECTED(.parents = { "source" }));
    flow_start();
    feed("in", "a", "1", 3);
    feed("in", "b", "2", 4);
    expect("b-out", "b", "2", 4);
    expect("a-out", "a", "1", 3);
}
END_TEST

START_TEST(a_processor_may_read_a_global_table)
{
    ks_builder_global_table(flow.b, "g", NULL, KS_MATERIALIZED(.store = "seen"));
    ks_stream_process(text_stream("in"), &seen, USER("seen"), NULL);
    flow_start();
    /* It may not write it, though. */
    ck_assert_int_eq(ks_driver_pipe_text(flow.driver, "in", "k", "a", 1), KS_ESTATE);
}
END_TEST

/* ---- children and parents by name ---- */

struct router {
    const ks_child *even;
    const ks_child *odd;
};

static ks_status router_open(ks_ctx *ctx, void *self, void *user)
{
    struct router *router = self;

    (void)user;
    router->even = ks_ctx_child(ctx, "even");
    router->odd  = ks_ctx_child(ctx, "odd");
    return KS_OK;
}

/* By the length of the value; an empty one goes to all. */
static ks_status route(ks_ctx *ctx, const ks_record *record, void *self)
{
    const struct router *router = self;

    if (record->value.size == 0)
        ks_ctx_forward(ctx, record);
    else
        ks_ctx_forward_to(ctx, record->value.size % 2 == 0 ? router->even : router->odd, record);
    return KS_OK;
}

static const ks_processor router = KS_PROCESSOR(.state_size = sizeof(struct router),
                                                .open = router_open, .process = route);

static void add_router(void)
{
    const char *const topics[] = { "in" };
    const char *const more[]   = { "more" };

    ks_builder_add_source(flow.b, "one", topics, 1, NULL);
    ks_builder_add_source(flow.b, "two", more, 1, NULL);
    ks_builder_add_processor(flow.b, "router", &router, NULL,
                             KS_CONNECTED(.parents = { "one", "two" }));
    ks_builder_add_sink(flow.b, "even", "evens", NULL, KS_CONNECTED(.parents = { "router" }));
}

START_TEST(a_record_goes_to_one_child_or_to_all)
{
    add_router();
    ks_builder_add_sink(flow.b, "odd", "odds", NULL, KS_CONNECTED(.parents = { "router", "two" }));
    flow_start();
    feed("in", "k", "ab", 1);
    feed("more", "k", "abc", 2);
    feed("in", "k", "", 3);
    expect("evens", "k", "ab", 1);
    expect("evens", "k", "", 3);
    expect_nothing("evens");
    expect("odds", "k", "abc", 2);      /* once from the router, once from its other parent */
    expect("odds", "k", "abc", 2);
    expect("odds", "k", "", 3);
    expect_nothing("odds");
}
END_TEST

START_TEST(an_unknown_child_fails_the_open)
{
    add_router();
    ck_assert_int_eq(ks_builder_build(flow.b, &flow.topology), KS_OK);
    flow.driver = ks_driver_new(flow.topology, NULL, NULL);
    ck_assert_int_eq(ks_error_status(ks_driver_error(flow.driver)), KS_ENOTFOUND);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_driver_error(flow.driver)),
                                 "no child is named \"odd\""));
}
END_TEST

/* ---- keys that stay ---- */

static ks_status rename_key(ks_ctx *ctx, const ks_record *record, void *self)
{
    ks_record renamed = *record;

    (void)self;
    renamed.key = KS_TEXT("renamed");
    renamed.timestamp_ms += 100;
    ks_ctx_forward(ctx, &renamed);
    return KS_OK;
}

static const ks_processor renamer = KS_PROCESSOR(.process = rename_key);

START_TEST(a_processor_of_values_cannot_change_the_key_but_the_time)
{
    ks_stream *s = ks_stream_process_values(text_stream("in"), &renamer, NULL, NULL);

    ks_stream_to(s, "out", NULL);
    ks_stream_to(ks_stream_process(s, &renamer, NULL, NULL), "all", NULL);
    flow_start();
    feed("in", "k", "v", 1);
    expect("out", "k", "v", 101);
    expect("all", "renamed", "v", 201);
}
END_TEST

/* ---- where and when ---- */

static ks_status tell_where(ks_ctx *ctx, const ks_record *record, void *self)
{
    ks_origin origin;

    (void)self;
    ck_assert(ks_ctx_origin(ctx, &origin));
    ks_ctx_forward_value(ctx, ks_ctx_text(ctx, "%s-%d@%lld task %s partition %d stream %lld wall "
                                          "%lld", origin.topic, (int)origin.partition,
                                          (long long)origin.offset, ks_ctx_task(ctx),
                                          (int)ks_ctx_partition(ctx),
                                          (long long)ks_ctx_stream_time_ms(ctx),
                                          (long long)ks_ctx_wall_time_ms(ctx)));
    (void)record;
    return KS_OK;
}

static const ks_processor teller = KS_PROCESSOR(.process = tell_where);

START_TEST(a_processor_knows_where_a_record_comes_from_and_when_it_is)
{
    ks_stream *s = text_stream("in");

    ks_stream_to(ks_stream_process(s, &teller, NULL, NULL), "out", NULL);
    ks_stream_to(ks_stream_process(ks_stream_repartition(s, KS_REPARTITIONED(.name = "again")),
                                   &teller, NULL, NULL), "behind", NULL);
    flow_start();
    feed("in", "k", "v", 50);
    ck_assert_int_eq(ks_driver_advance(flow.driver, 7), KS_OK);
    feed("in", "k", "v", 40);
    expect("out", "k", "in-0@0 task 0_0 partition 0 stream 50 wall 0", 50);
    expect("out", "k", "in-0@1 task 0_0 partition 0 stream 50 wall 7", 40);
    expect("behind", "k", "kstream-driver-again-repartition-0@0 task 0_0 partition 0 stream 50 "
           "wall 0", 50);
}
END_TEST

FLOW_MAIN("processors", a_processor_has_its_store_and_changes_keys, process_values_keeps_the_key,
          an_unconnected_store_is_not_found, the_topology_api_wires_by_name,
          a_sink_of_the_topology_api_may_choose_its_topic,
          a_processor_may_read_a_global_table, a_record_goes_to_one_child_or_to_all,
          an_unknown_child_fails_the_open, a_processor_of_values_cannot_change_the_key_but_the_time,
          a_processor_knows_where_a_record_comes_from_and_when_it_is)

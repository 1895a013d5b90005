/* SPDX-License-Identifier: Apache-2.0
 *
 * test_processors.c - processors of the user: in the DSL and with the Topology API.
 */
#include "dsl/flow.h"

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

FLOW_MAIN("processors", a_processor_has_its_store_and_changes_keys, process_values_keeps_the_key,
          an_unconnected_store_is_not_found, the_topology_api_wires_by_name,
          a_sink_of_the_topology_api_may_choose_its_topic,
          a_processor_may_read_a_global_table)

/* SPDX-License-Identifier: Apache-2.0
 *
 * test_fed_stores.c - stores that a processor fills from a topic: global and read-only ones.
 */
#include "dsl/flow.h"
#include "log/client.h"
#include "support/stage.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- processors ---- */

struct keeper {
    ks_kv_store *store;
};

static ks_status keeper_open(ks_ctx *ctx, void *self, void *user)
{
    ((struct keeper *)self)->store = ks_ctx_kv_store(ctx, user);
    return KS_OK;
}

/* The row's key is the value: an index the other way round. A null key counts as "none". */
static ks_status invert(ks_ctx *ctx, const ks_record *record, void *self)
{
    ks_record row = *record;

    if (ks_bytes_equal(record->value, KS_TEXT("poison")))
        return ks_ctx_fail(ctx, "poisoned");
    ck_assert_int_eq(ks_ctx_stream_time_ms(ctx), -1);
    row.key   = record->value;
    row.value = record->key.data != NULL ? record->key : KS_TEXT("none");
    ks_kv_store_put_record(((struct keeper *)self)->store, &row);
    return KS_OK;
}

static const ks_processor inverter = KS_PROCESSOR(.state_size = sizeof(struct keeper),
                                                  .open = keeper_open, .process = invert);

static ks_status keep(ks_ctx *ctx, const ks_record *record, void *self)
{
    (void)ctx;
    ks_kv_store_put_record(((struct keeper *)self)->store, record);
    return KS_OK;
}

static const ks_processor keeper = KS_PROCESSOR(.state_size = sizeof(struct keeper),
                                                .open = keeper_open, .process = keep);

/* Its value becomes the row of its value in the store, "-" without. */
static ks_status look_up(ks_ctx *ctx, const ks_record *record, void *self)
{
    ks_record row;
    bool      found = ks_kv_store_get(((struct keeper *)self)->store, record->value, &row);

    ks_ctx_forward_value(ctx, found ? row.value : KS_TEXT("-"));
    return KS_OK;
}

static const ks_processor reader = KS_PROCESSOR(.state_size = sizeof(struct keeper),
                                                .open = keeper_open, .process = look_up);

static void declare_global(const char *name)
{
    ks_builder_add_global_store(flow.b, KS_KV_STORE(name), "names", NULL, &inverter, USER(name));
    ks_stream_to(ks_stream_process(text_stream("in"), &reader, USER(name), NULL), "out", NULL);
}

/* ---- global ---- */

START_TEST(a_global_store_is_what_its_processor_makes_of_the_topic)
{
    ks_record row;

    declare_global("index");
    flow_start();
    feed("names", "1", "ann", 10);
    feed("names", NULL, "bob", 11);
    feed("in", "k", "ann", 1);
    feed("in", "k", "bob", 2);
    feed("in", "k", "cid", 3);
    expect("out", "k", "1", 1);
    expect("out", "k", "none", 2);
    expect("out", "k", "-", 3);
    ck_assert(ks_kv_store_get(ks_driver_kv_store(flow.driver, "index"), KS_TEXT("ann"), &row));
    ck_assert_int_eq(row.timestamp_ms, 10);
}
END_TEST

START_TEST(names_are_kafkas)
{
    char *text;

    ks_builder_add_global_store(flow.b, KS_KV_STORE("g1"), "t1", NULL, &keeper, USER("g1"));
    ks_builder_add_global_store(flow.b, KS_KV_STORE("g2"), "t2", KS_CONSUMED(.name = "mine"),
                                &keeper, USER("g2"));
    ks_stream_to(text_stream("in"), "out", NULL);
    ck_assert_int_eq(ks_builder_build(flow.b, &flow.topology), KS_OK);
    text = ks_topology_describe(flow.topology, KS_DESCRIBE_TEXT);
    ck_assert_str_eq(text,
                     "Topologies:\n"
                     "   Sub-topology: 0 for global store (will not generate tasks)\n"
                     "    Source: KSTREAM-SOURCE-0000000000 (topics: [t1])\n"
                     "      --> KTABLE-SOURCE-0000000001\n"
                     "    Processor: KTABLE-SOURCE-0000000001 (stores: [g1])\n"
                     "      --> none\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "  Sub-topology: 1 for global store (will not generate tasks)\n"
                     "    Source: mine-source (topics: [t2])\n"
                     "      --> mine\n"
                     "    Processor: mine (stores: [g2])\n"
                     "      --> none\n"
                     "      <-- mine-source\n"
                     "  Sub-topology: 2\n"
                     "    Source: KSTREAM-SOURCE-0000000004 (topics: [in])\n"
                     "      --> KSTREAM-SINK-0000000005\n"
                     "    Sink: KSTREAM-SINK-0000000005 (topic: out)\n"
                     "      <-- KSTREAM-SOURCE-0000000004\n\n");
    ks_text_free(text);
}
END_TEST

START_TEST(names_of_the_topology_api_are_as_given)
{
    const char *const topics[] = { "in" };
    char             *text;

    ks_builder_add_global_store(flow.b, KS_KV_STORE("g1"), "t1",
                                KS_CONSUMED(.name = "gp", .source = "gs"), &keeper, USER("g1"));
    ks_builder_add_read_only_store(flow.b, KS_KV_STORE("ro"), "rt",
                                   KS_CONSUMED(.name = "rp", .source = "rs"), &keeper, USER("ro"));
    ks_builder_add_source(flow.b, "src", topics, 1, NULL);
    ks_builder_add_processor(flow.b, "use", &reader, USER("ro"),
                             KS_CONNECTED(.stores = { "ro" }, .parents = { "src" }));
    ck_assert_int_eq(ks_builder_build(flow.b, &flow.topology), KS_OK);
    text = ks_topology_describe(flow.topology, KS_DESCRIBE_TEXT);
    ck_assert_str_eq(text,
                     "Topologies:\n"
                     "   Sub-topology: 0 for global store (will not generate tasks)\n"
                     "    Source: gs (topics: [t1])\n"
                     "      --> gp\n"
                     "    Processor: gp (stores: [g1])\n"
                     "      --> none\n"
                     "      <-- gs\n"
                     "  Sub-topology: 1\n"
                     "    Source: rs (topics: [rt])\n"
                     "      --> rp\n"
                     "    Source: src (topics: [in])\n"
                     "      --> use\n"
                     "    Processor: rp (stores: [ro])\n"
                     "      --> none\n"
                     "      <-- rs\n"
                     "    Processor: use (stores: [ro])\n"
                     "      --> none\n"
                     "      <-- src\n\n");
    ks_text_free(text);
}
END_TEST

START_TEST(a_failure_of_a_global_processor_stops_the_driver)
{
    declare_global("index");
    flow_start();
    feed("names", "1", "ann", 10);
    ck_assert_int_eq(ks_driver_pipe_text(flow.driver, "names", "2", "poison", 11), KS_EUSER);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_driver_error(flow.driver)), "poisoned"));
    ck_assert_int_eq(ks_driver_pipe_text(flow.driver, "in", "k", "ann", 1), KS_EUSER);
}
END_TEST

START_TEST(a_failure_of_a_global_processor_is_forgiven_if_that_is_enabled)
{
    ks_config *config = ks_config_new();

    declare_global("index");
    ks_config_set(config, "processing.exception.handler", "continue");
    ks_config_set(config, "processing.exception.handler.global.enabled",
                  _i == 1 ? "true" : "false");
    ck_assert_int_eq(ks_builder_build(flow.b, &flow.topology), KS_OK);
    flow.driver = ks_driver_new(flow.topology, config, NULL);
    ks_config_free(config);
    ck_assert_int_eq(ks_driver_pipe_text(flow.driver, "names", "2", "poison", 11),
                     _i == 1 ? KS_OK : KS_EUSER);
    if (_i == 0)
        return;
    feed("names", "1", "ann", 12);
    feed("in", "k", "ann", 1);
    expect("out", "k", "1", 1);
}
END_TEST

static ks_status schedules(ks_ctx *ctx, void *self, void *user)
{
    (void)self, (void)user;
    ks_ctx_schedule(ctx, 10, KS_WALL_CLOCK_TIME, (ks_punctuator_fn *)(uintptr_t)user, NULL);
    return KS_OK;
}

static ks_status never(ks_ctx *ctx, int64_t now_ms, void *user)
{
    (void)ctx, (void)now_ms, (void)user;
    ck_abort();
}

static ks_status ignore(ks_ctx *ctx, const ks_record *record, void *self)
{
    (void)ctx, (void)record, (void)self;
    return KS_OK;
}

START_TEST(a_global_processor_has_no_punctuations)
{
    static const ks_processor punctual = KS_PROCESSOR(.open = schedules, .process = ignore);

    ks_builder_add_global_store(flow.b, KS_KV_STORE("g"), "t", NULL, &punctual,
                                (void *)(uintptr_t)never);
    ks_builder_build(flow.b, &flow.topology);
    flow.driver = ks_driver_new(flow.topology, NULL, NULL);
    ck_assert_int_eq(ks_error_status(ks_driver_error(flow.driver)), KS_ESTATE);
}
END_TEST

START_TEST(nobody_else_writes_to_a_global_store)
{
    declare_global("index");
    ks_stream_process(text_stream("more"), &keeper, USER("index"), NULL);
    flow_start();
    ck_assert_int_eq(ks_driver_pipe_text(flow.driver, "more", "k", "v", 1), KS_ESTATE);
}
END_TEST

/* ---- read-only ---- */

static void declare_read_only(void)
{
    ks_builder_add_read_only_store(flow.b, KS_KV_STORE("prices"), "prices", NULL, &keeper,
                                   USER("prices"));
    ks_stream_to(ks_stream_process(text_stream("in"), &reader, USER("prices"),
                                   KS_CONNECTED(.stores = { "prices" })),
                 "out", NULL);
}

START_TEST(a_read_only_store_is_read_by_those_connected)
{
    declare_read_only();
    flow_start();
    feed("prices", "apple", "3", 10);
    feed("in", "k", "apple", 11);
    feed("prices", "apple", NULL, 12);
    feed("in", "k", "apple", 13);
    expect("out", "k", "3", 11);
    expect("out", "k", "-", 13);
}
END_TEST

START_TEST(nobody_else_writes_to_a_read_only_store)
{
    declare_read_only();
    ks_stream_process(text_stream("more"), &keeper, USER("prices"),
                      KS_CONNECTED(.stores = { "prices" }));
    flow_start();
    ck_assert_int_eq(ks_driver_pipe_text(flow.driver, "more", "k", "v", 1), KS_ESTATE);
}
END_TEST

START_TEST(a_read_only_store_has_to_be_connected)
{
    ks_builder_add_read_only_store(flow.b, KS_KV_STORE("prices"), "prices", NULL, &keeper,
                                   USER("prices"));
    ks_stream_process(text_stream("in"), &reader, USER("prices"), NULL);
    ks_builder_build(flow.b, &flow.topology);
    flow.driver = ks_driver_new(flow.topology, NULL, NULL);
    ck_assert_int_eq(ks_error_status(ks_driver_error(flow.driver)), KS_ENOTFOUND);
}
END_TEST

/* ---- mistakes ---- */

struct mistake {
    void (*make)(ks_builder *b);
    ks_status   status;
    const char *text;
};

static void without_processor(ks_builder *b)
{
    ks_builder_add_global_store(b, KS_KV_STORE("g"), "t", NULL, NULL, NULL);
}

static void without_store(ks_builder *b)
{
    ks_builder_add_global_store(b, NULL, "t", NULL, &keeper, NULL);
}

static void with_cache(ks_builder *b)
{
    ks_builder_add_global_store(b, KS_KV_STORE("g", .cache = KS_ON), "t", NULL, &keeper, NULL);
}

static void with_ttl(ks_builder *b)
{
    ks_builder_add_global_store(b, KS_KV_STORE("g", .ttl_ms = 5), "t", NULL, &keeper, NULL);
}

static void with_changelog(ks_builder *b)
{
    ks_builder_add_read_only_store(b, KS_KV_STORE("g", .changelog = KS_ON), "t", NULL, &keeper,
                                   NULL);
}

static void from_latest(ks_builder *b)
{
    ks_builder_add_read_only_store(b, KS_KV_STORE("g"), "t",
                                   KS_CONSUMED(.reset = KS_RESET_LATEST), &keeper, NULL);
}

static void with_time(ks_builder *b)
{
    ks_builder_add_global_store(b, KS_KV_STORE("g"), "t",
                                KS_CONSUMED(.time = KS_TIME_WALL_CLOCK), &keeper, NULL);
}

static void source_without_name(ks_builder *b)
{
    ks_builder_add_global_store(b, KS_KV_STORE("g"), "t", KS_CONSUMED(.source = "s"), &keeper,
                                NULL);
}

static void source_of_a_stream(ks_builder *b)
{
    ks_builder_stream(b, "t", KS_CONSUMED(.source = "s"));
}

static void topic_twice(ks_builder *b)
{
    ks_builder_stream(b, "t", NULL);
    ks_builder_add_global_store(b, KS_KV_STORE("g"), "t", NULL, &keeper, NULL);
}

static void other_types(ks_builder *b)
{
    ks_builder_add_read_only_store(b, KS_KV_STORE("g", .value = ks_serde_i64()), "t",
                                   KS_CONSUMED(.value = ks_serde_utf8()), &keeper, NULL);
}

static void child(ks_builder *b)
{
    ks_builder_add_read_only_store(b, KS_KV_STORE("g"), "t", KS_CONSUMED(.name = "p"), &keeper,
                                   NULL);
    ks_builder_add_sink(b, "sink", "out", NULL, KS_CONNECTED(.parents = { "p" }));
}

static void connected(ks_builder *b)
{
    ks_builder_add_global_store(b, KS_KV_STORE("g"), "t", NULL, &keeper, NULL);
    ks_stream_process(ks_builder_stream(b, "in", NULL), &reader, NULL,
                      KS_CONNECTED(.stores = { "g" }));
}

static const struct mistake mistakes[] = {
    { without_processor, KS_EINVAL, "a processor" },
    { without_store, KS_EINVAL, "a name for the store" },
    { with_cache, KS_EINVAL, "leave out .changelog and .cache" },
    { with_ttl, KS_EINVAL, "leave out .ttl_ms" },
    { with_changelog, KS_EINVAL, "leave out .changelog and .cache" },
    { from_latest, KS_EINVAL, "leave out .reset" },
    { with_time, KS_EINVAL, "leave out .time" },
    { source_without_name, KS_EINVAL, "the processor needs one too" },
    { source_of_a_stream, KS_EINVAL, "leave out .source" },
    { topic_twice, KS_ETOPOLOGY, "already read by" },
    { other_types, KS_ETYPE, "i64" },
    { child, KS_ETOPOLOGY, "has no children" },
    { connected, KS_ETOPOLOGY, "leave out the store" },
};

START_TEST(a_mistake_is_told_with_its_cure)
{
    const struct mistake *mistake = &mistakes[_i];

    mistake->make(flow.b);
    ck_assert_int_eq(ks_builder_build(flow.b, &flow.topology), mistake->status);
    ck_assert_msg(strstr(ks_error_message(ks_builder_error(flow.b)), mistake->text) != NULL, "%s",
                  ks_error_message(ks_builder_error(flow.b)));
}
END_TEST

/* ---- apps ---- */

static struct stage stage;
static ks_app      *app;

static void start_app(void)
{
    app = ks_app_new(flow.topology, stage.config);
    ck_assert_msg(ks_app_start(app) == KS_OK, "%s", ks_error_message(ks_app_error(app)));
    stage_await_state(app, NULL, KS_APP_RUNNING);
}

static void await_text(const char *topic, const char *key, const char *value)
{
    for (int i = 0; i < 5000; i++) {
        const char *last = stage_last_text(&stage, topic, key);

        if (last != NULL && strcmp(last, value) == 0)
            return;
        stage_pause(NULL);
    }
    ck_abort_msg("%s: %s never became %s", topic, key, value);
}

/* Remove the state, but not the log. */
static void lose_state(void)
{
    char command[320];

    snprintf(command, sizeof(command), "test -d '%s/state' && rm -r '%s/state'",
             stage.directory, stage.directory);
    ck_assert_int_eq(system(command), 0);
}

static void open_app_stage(void (*declare)(void), const char *topic)
{
    char state[192];

    stage_open(&stage, STAGE_EMBEDDED);
    stage_set(&stage, "log.sync", "false");
    snprintf(state, sizeof(state), "%s/state", stage.directory);
    stage_set(&stage, "state.dir", state);
    stage_topic(&stage, topic, 2);
    stage_topic(&stage, "in", 2);
    stage_topic(&stage, "out", 1);
    declare();
    ck_assert_int_eq(ks_builder_build(flow.b, &flow.topology), KS_OK);
}

static void declare_index(void)
{
    declare_global("index");
}

START_TEST(a_global_store_is_full_before_the_app_runs_and_again_after_its_loss)
{
    open_app_stage(declare_index, "names");
    stage_feed(&stage, "names", "1", "ann");
    stage_feed(&stage, "names", "2", "bob");
    start_app();
    stage_feed(&stage, "in", "a", "ann");
    stage_feed(&stage, "in", "b", "bob");
    await_text("out", "a", "1");
    await_text("out", "b", "2");
    ks_app_free(app);

    stage_feed(&stage, "names", "3", "cid");   /* while nobody looks */
    if (_i == 1)
        lose_state();
    start_app();
    stage_feed(&stage, "in", "c", "cid");
    stage_feed(&stage, "in", "d", "bob");
    await_text("out", "c", "3");
    await_text("out", "d", "2");
    ks_app_free(app);
    stage_close(&stage);
}
END_TEST

/* ---- a topic that lost what the store stands at ---- */

static atomic_int opened, closed;

static ks_status counted_open(ks_ctx *ctx, void *self, void *user)
{
    atomic_fetch_add(&opened, 1);
    return keeper_open(ctx, self, user);
}

static void counted_close(ks_ctx *ctx, void *self)
{
    (void)ctx, (void)self;
    atomic_fetch_add(&closed, 1);
}

static void declare_counted(void)
{
    static const ks_processor counted =
        KS_PROCESSOR(.state_size = sizeof(struct keeper), .open = counted_open,
                     .process = invert, .close = counted_close);

    ks_builder_add_global_store(flow.b, KS_KV_STORE("index"), "names", NULL, &counted,
                                USER("index"));
    ks_stream_to(ks_stream_process(text_stream("in"), &reader, USER("index"), NULL), "out", NULL);
}

START_TEST(a_global_store_is_made_anew_with_its_processor_when_its_topic_was_trimmed)
{
    ks_error error = { .status = KS_OK };

    open_app_stage(declare_counted, "names");
    stage_feed(&stage, "names", "1", "ann");
    start_app();
    stage_feed(&stage, "in", "a", "ann");
    await_text("out", "a", "1");
    ks_app_free(app);
    ck_assert_int_eq(atomic_load(&opened), 1);

    for (int i = 0; i < 8; i++) {       /* some in each partition */
        char key[2] = { (char)('2' + i), '\0' };

        stage_feed(&stage, "names", key, "gone");
    }
    for (int32_t p = 0; p < 2; p++) {
        int64_t end;

        ck_assert_int_eq(ks_log_end_offset(stage.log, "names", p, &end), KS_OK);
        ck_assert_int_gt(end, 0);
        ck_assert_int_eq(ks__cluster_trim(stage.log->cluster, "names", p, end, -1, &error), KS_OK);
    }
    stage_feed(&stage, "names", "3", "cid");
    start_app();
    stage_feed(&stage, "in", "b", "cid");
    stage_feed(&stage, "in", "c", "ann");
    await_text("out", "b", "3");
    await_text("out", "c", "-");
    ks_app_free(app);
    ck_assert_int_ge(atomic_load(&opened), 3);
    ck_assert_int_eq(atomic_load(&opened), atomic_load(&closed));
    stage_close(&stage);
}
END_TEST

START_TEST(a_read_only_store_comes_back_from_its_topic)
{
    open_app_stage(declare_read_only, "prices");
    start_app();
    stage_feed(&stage, "prices", "apple", "3");
    for (int i = 0; i < 100 && (stage_last_text(&stage, "out", "apple") == NULL ||
                                strcmp(stage_last_text(&stage, "out", "apple"), "3") != 0); i++) {
        stage_feed(&stage, "in", "apple", "apple");    /* the same key, so the same task */
        stage_pause(NULL);
    }
    await_text("out", "apple", "3");
    ks_app_free(app);
    if (_i == 1)
        lose_state();
    start_app();
    stage_feed(&stage, "in", "apple", "pear");
    await_text("out", "apple", "-");
    stage_feed(&stage, "in", "apple", "apple");
    await_text("out", "apple", "3");
    ks_app_free(app);
    stage_close(&stage);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("dsl/fed_stores");
    TCase   *tcase = tcase_create("fed stores");
    SRunner *runner;
    int      failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, flow_setup, flow_teardown);
    tcase_add_test(tcase, a_global_store_is_what_its_processor_makes_of_the_topic);
    tcase_add_test(tcase, names_are_kafkas);
    tcase_add_test(tcase, names_of_the_topology_api_are_as_given);
    tcase_add_test(tcase, a_failure_of_a_global_processor_stops_the_driver);
    tcase_add_loop_test(tcase, a_failure_of_a_global_processor_is_forgiven_if_that_is_enabled, 0,
                        2);
    tcase_add_test(tcase, a_global_processor_has_no_punctuations);
    tcase_add_test(tcase, nobody_else_writes_to_a_global_store);
    tcase_add_test(tcase, a_read_only_store_is_read_by_those_connected);
    tcase_add_test(tcase, nobody_else_writes_to_a_read_only_store);
    tcase_add_test(tcase, a_read_only_store_has_to_be_connected);
    tcase_add_loop_test(tcase, a_mistake_is_told_with_its_cure, 0,
                        (int)(sizeof(mistakes) / sizeof(mistakes[0])));
    tcase_add_loop_test(tcase, a_global_store_is_full_before_the_app_runs_and_again_after_its_loss,
                        0, 2);
    tcase_add_test(tcase,
                   a_global_store_is_made_anew_with_its_processor_when_its_topic_was_trimmed);
    tcase_add_loop_test(tcase, a_read_only_store_comes_back_from_its_topic, 0, 2);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

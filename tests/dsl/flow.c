/* SPDX-License-Identifier: Apache-2.0
 *
 * flow.c - a topology under test.
 */
#include "dsl/flow.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct flow flow;

void flow_setup(void)
{
    flow = (struct flow){ .b = ks_builder_new() };
    ck_assert_ptr_nonnull(flow.b);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

void flow_teardown(void)
{
    ks_driver_free(flow.driver);
    if (flow.home[0] != '\0')
        nftw(flow.home, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    ks_config_free(flow.config);
    ks_topology_free(flow.topology);
    ks_builder_free(flow.b);
    flow = (struct flow){ 0 };
}

static void start(const ks_config *config)
{
    ks_builder_build(flow.b, &flow.topology);
    ck_assert_str_eq(ks_error_message(ks_topology_error(flow.topology)), "");
    flow.driver = ks_driver_new(flow.topology, config, NULL);
    ck_assert_str_eq(ks_error_message(ks_driver_error(flow.driver)), "");
}

void flow_start(void)
{
    start(NULL);
}

void flow_start_cached(void)
{
    ks_config *config = ks_config_new();

    ks_config_set(config, "statestore.cache.max.bytes", "1000000");
    start(config);
    ks_config_free(config);
}

static void open_kept(void)
{
    flow.driver = ks_driver_new(flow.topology, flow.config, flow.home);
    ck_assert_str_eq(ks_error_message(ks_driver_error(flow.driver)), "");
}

void flow_start_kept(const char *const *settings)
{
    const char *root = getenv("TMPDIR");

    flow.config = ks_config_new();
    for (; settings != NULL && *settings != NULL; settings++)
        ks_config_set_pair(flow.config, *settings);
    snprintf(flow.home, sizeof(flow.home), "%.40s/flow-XXXXXX", root != NULL ? root : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(flow.home));
    ks_builder_build(flow.b, &flow.topology);
    ck_assert_str_eq(ks_error_message(ks_topology_error(flow.topology)), "");
    open_kept();
}

void flow_reopen(void)
{
    ks_driver_free(flow.driver);
    open_kept();
}

void flow_move(void)
{
    char state[80];

    ks_driver_free(flow.driver);
    snprintf(state, sizeof(state), "%s/0_0", flow.home);
    ck_assert_int_eq(nftw(state, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    open_kept();
}

void feed(const char *topic, const char *key, const char *value, int64_t timestamp_ms)
{
    ks_driver_pipe_text(flow.driver, topic, key, value, timestamp_ms);
    ck_assert_str_eq(ks_error_message(ks_driver_error(flow.driver)), "");
}

void feed_i64(const char *topic, const char *key, int64_t value, int64_t timestamp_ms)
{
    unsigned char   bytes[8];
    const ks_record record = { .key          = ks_bytes_text(key),
                               .value        = ks_encode_i64(bytes, value),
                               .timestamp_ms = timestamp_ms };

    ks_driver_pipe(flow.driver, topic, &record);
    ck_assert_str_eq(ks_error_message(ks_driver_error(flow.driver)), "");
}

/* Two texts for an assertion: what came and what should have come. */
static void compare(const char *what, ks_bytes got, ks_bytes wanted)
{
    ck_assert_msg(ks_bytes_equal(got, wanted), "%s is %s\"%.*s\", not %s\"%.*s\"", what,
                  got.data != NULL ? "" : "null ", KS_BYTES_ARG(got),
                  wanted.data != NULL ? "" : "null ", KS_BYTES_ARG(wanted));
}

static const ks_record *next(const char *topic)
{
    const ks_record *record = ks_driver_read(flow.driver, topic);

    ck_assert_msg(record != NULL, "nothing on %s", topic);
    return record;
}

void expect(const char *topic, const char *key, const char *value, int64_t timestamp_ms)
{
    const ks_record *record = next(topic);

    compare("key", record->key, ks_bytes_text(key));
    compare("value", record->value, ks_bytes_text(value));
    ck_assert_int_eq(record->timestamp_ms, timestamp_ms);
}

void expect_i64(const char *topic, const char *key, int64_t value, int64_t timestamp_ms)
{
    const ks_record *record = next(topic);

    compare("key", record->key, ks_bytes_text(key));
    ck_assert_uint_eq(record->value.size, 8);
    ck_assert_int_eq(ks_bytes_i64(record->value, -1), value);
    ck_assert_int_eq(record->timestamp_ms, timestamp_ms);
}

void expect_nothing(const char *topic)
{
    const ks_record *record = ks_driver_read(flow.driver, topic);

    ck_assert_msg(record == NULL, "%s has \"%.*s\"", topic, KS_BYTES_ARG(record->value));
}

int64_t drops(const char *reason)
{
    ks_metrics *metrics = ks_driver_metrics(flow.driver);
    int64_t     sum     = ks_metrics_sum(metrics, "dropped-records-total", reason);

    ks_metrics_free(metrics);
    return sum;
}

/* ---- declarations ---- */

ks_stream *text_stream(const char *topic)
{
    return ks_builder_stream(flow.b, topic,
                             KS_CONSUMED(.key = ks_serde_utf8(), .value = ks_serde_utf8()));
}

ks_table *text_table(const char *topic, const char *store)
{
    return ks_builder_table(flow.b, topic,
                            KS_CONSUMED(.key = ks_serde_utf8(), .value = ks_serde_utf8()),
                            KS_MATERIALIZED(.store = store));
}

/* ---- callbacks ---- */

bool value_is(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx;
    return ks_bytes_equal(record->value, ks_bytes_text(user));
}

ks_status suffix_value(ks_ctx *ctx, ks_record *record, void *user)
{
    record->value = ks_ctx_text(ctx, "%.*s%s", KS_BYTES_ARG(record->value), (const char *)user);
    return KS_OK;
}

ks_status key_from_value(ks_ctx *ctx, const ks_record *record, ks_bytes *io, void *user)
{
    (void)ctx, (void)user;
    *io = record->value;
    return KS_OK;
}

ks_status join_texts(ks_ctx *ctx, const ks_record *left, const ks_record *right, ks_bytes *out,
                     void *user)
{
    (void)user;
    *out = ks_ctx_text(ctx, "%.*s|%.*s@%lld", KS_BYTES_ARG(left->value),
                       KS_BYTES_ARG(right->value), (long long)right->timestamp_ms);
    return KS_OK;
}

ks_status concat(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    (void)user;
    *acc = ks_ctx_text(ctx, "%.*s%.*s", KS_BYTES_ARG(*acc), KS_BYTES_ARG(record->value));
    return KS_OK;
}

/* ---- main ---- */

int flow_main(const char *name, const TTest *const *tests, size_t count)
{
    Suite   *suite  = suite_create(name);
    TCase   *cases  = tcase_create(name);
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_checked_fixture(cases, flow_setup, flow_teardown);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

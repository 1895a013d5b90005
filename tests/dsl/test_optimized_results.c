/* SPDX-License-Identifier: Apache-2.0
 *
 * test_optimized_results.c - an optimized topology answers as the one that was declared.
 *
 * Each topology runs twice on the same records, as it is and with all optimizations; what comes out
 * must be the same, record by record.
 */
#include "dsl/flow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- two runs ---- */

#define TEXT 65536

static char results[2][TEXT];

static void add_result(char *text, const char *topic, const ks_record *record)
{
    const size_t used = strlen(text);
    const int    size = snprintf(text + used, TEXT - used, "%s %.*s=%.*s@%" PRId64 "\n", topic,
                                 KS_BYTES_ARG(record->key), KS_BYTES_ARG(record->value),
                                 record->timestamp_ms);

    ck_assert(size > 0 && (size_t)size < TEXT - used);
}

static void open_flow(const char *how, void (*declare)(void))
{
    ks_config *config = ks_config_new();

    flow_setup();
    ks_config_set(config, "topology.optimization", how);
    ks_builder_configure(flow.b, config);
    declare();
    ck_assert_msg(ks_builder_build(flow.b, &flow.topology) == KS_OK, "%s",
                  ks_error_message(ks_builder_error(flow.b)));
    flow.driver = ks_driver_new(flow.topology, config, NULL);
    ck_assert_str_eq(ks_error_message(ks_driver_error(flow.driver)), "");
    ks_config_free(config);
}

static void run(const char *how, void (*declare)(void), void (*feed_all)(void), char *text)
{
    static const char *const topics[] = { "out", "out2" };

    text[0] = '\0';
    open_flow(how, declare);
    feed_all();
    for (size_t i = 0; i < 2; i++)
        for (const ks_record *record; (record = ks_driver_read(flow.driver, topics[i])) != NULL;)
            add_result(text, topics[i], record);
    flow_teardown();
}

/* The first line that differs, shortly. */
static void compare_results(void)
{
    const char *one = results[0], *other = results[1];

    while (*one != '\0' || *other != '\0') {
        const size_t size = strcspn(one, "\n") + 1, other_size = strcspn(other, "\n") + 1;

        ck_assert_msg(size == other_size && strncmp(one, other, size) == 0,
                      "optimized: %.*s, as declared: %.*s", (int)(other_size - 1), other,
                      (int)(size - 1), one);
        one += size;
        other += size;
    }
}

static void expect_same(void (*declare)(void), void (*feed_all)(void))
{
    flow_teardown();
    run("none", declare, feed_all, results[0]);
    run("all", declare, feed_all, results[1]);
    flow_setup();
    ck_assert_str_ne(results[0], "");
    compare_results();
}

/* ---- self joins ---- */

static void declare_self(int64_t before_ms, int64_t after_ms, int64_t grace_ms)
{
    ks_stream *in = text_stream("in");

    ks_stream_to(ks_stream_join_stream(in, in,
                                       KS_WITHIN(.before_ms = before_ms, .after_ms = after_ms,
                                                 .grace_ms = grace_ms),
                                       join_texts, NULL, NULL),
                 "out", NULL);
}

static void declare_even(void)
{
    declare_self(5, 5, 5);
}

static void declare_uneven(void)
{
    declare_self(2, 9, 0);
}

static void declare_later(void)
{
    declare_self(-3, 9, 20);
}

static void declare_left(void)
{
    ks_stream *in = text_stream("in");

    ks_stream_to(ks_stream_left_join_stream(in, in, KS_WITHIN(.difference_ms = 4), join_texts,
                                            NULL, NULL),
                 "out", NULL);
}

static void declare_outer(void)
{
    ks_stream *in = text_stream("in");

    ks_stream_to(ks_stream_outer_join_stream(in, in, KS_WITHIN(.difference_ms = 4, .grace_ms = 2),
                                             join_texts, NULL, NULL),
                 "out", NULL);
}

/* Two keys, times that go back a little, and now and then further than what is kept. */
static void feed_jumpy(void)
{
    unsigned seed = 7;
    int64_t  time_ms = 100;

    for (int i = 0; i < 120; i++) {
        char value[8];

        seed    = seed * 1103515245u + 12345u;
        time_ms = time_ms + (int64_t)(seed >> 16) % 5;
        snprintf(value, sizeof(value), "%d", i);
        feed("in", i % 13 == 7 ? NULL : (seed >> 24) % 2 == 0 ? "a" : "b",
             i % 17 == 3 ? NULL : value,
             time_ms - (i % 11 == 5 ? 40 : (int64_t)(seed >> 20) % 7));
    }
}

START_TEST(a_self_join_gives_what_two_stores_give_in_the_same_order)
{
    expect_same(declare_even, feed_jumpy);
}
END_TEST

START_TEST(a_self_join_of_uneven_windows_gives_what_two_stores_give)
{
    expect_same(declare_uneven, feed_jumpy);
}
END_TEST

/* Kafka Streams joins the record with itself there too. */
START_TEST(a_record_out_of_its_own_reach_does_not_meet_itself)
{
    expect_same(declare_later, feed_jumpy);
}
END_TEST

START_TEST(a_left_self_join_gives_what_two_stores_give)
{
    expect_same(declare_left, feed_jumpy);
    ck_assert_ptr_nonnull(strstr(results[1], "|@-1@"));
}
END_TEST

START_TEST(an_outer_self_join_gives_what_two_stores_give)
{
    expect_same(declare_outer, feed_jumpy);
    ck_assert_ptr_nonnull(strstr(results[1], "=|"));
}
END_TEST

/* ---- merged topics ---- */

static bool accept(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return true;
}

static ks_status keep_or_drop_key(ks_ctx *ctx, const ks_record *record, ks_bytes *io, void *user)
{
    (void)ctx, (void)user;
    *io = ks_bytes_equal(record->value, KS_TEXT("null")) ? KS_NULL : record->value;
    return KS_OK;
}

static ks_stream *keyed(const char *topic)
{
    return ks_stream_select_key(text_stream(topic), keep_or_drop_key, NULL, NULL);
}

static ks_table *gather(ks_stream *s, const char *store)
{
    return ks_grouped_stream_reduce(ks_stream_group_by_key(s, NULL), concat, NULL,
                                    KS_MATERIALIZED(.store = store));
}

static void declare_grouped_twice(void)
{
    ks_stream *s = keyed("in");

    ks_stream_to(ks_table_to_stream(gather(ks_stream_filter(s, accept, NULL, NULL), "one"), NULL),
                 "out", NULL);
    ks_stream_to(ks_table_to_stream(gather(s, "two"), NULL), "out2", NULL);
}

static void declare_passing_by(void)
{
    ks_stream *s = ks_stream_filter(keyed("in"), accept, NULL, NULL);

    ks_stream_to(s, "out", NULL);
    ks_stream_to(ks_table_to_stream(gather(s, "one"), NULL), "out2", NULL);
}

/* Numbers all records, with or without a key. */
static ks_status number(ks_ctx *ctx, const ks_record *record, void *self)
{
    int *numbers = self;

    (void)record;
    ks_ctx_forward_value(ctx, ks_ctx_text(ctx, "%d,", ++*numbers));
    return KS_OK;
}

static const ks_processor numbering = KS_PROCESSOR(.state_size = sizeof(int), .process = number);

static void declare_numbered(void)
{
    ks_stream *s = ks_stream_process_values(keyed("in"), &numbering, NULL, NULL);

    ks_stream_to(ks_table_to_stream(gather(s, "one"), NULL), "out", NULL);
}

static void declare_merged_with_others(void)
{
    ks_stream *s = keyed("in"), *other = keyed("in2");

    ks_stream_to(ks_table_to_stream(gather(s, "one"), NULL), "out", NULL);
    ks_stream_to(ks_table_to_stream(gather(ks_stream_merge(s, other, NULL), "two"), NULL), "out2",
                 NULL);
}

static void feed_words(void)
{
    static const char *const words[] = { "x", "y", "null", "x", "z", "null", "y", "x" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        feed("in", "k", words[i], (int64_t)i);
}

static void feed_two(void)
{
    feed_words();
    feed("in2", "k", "x", 20);
    feed("in2", "k", "null", 21);
    feed("in", "k", "x", 22);
}

START_TEST(aggregations_behind_one_topic_give_what_they_gave_behind_two)
{
    expect_same(declare_grouped_twice, feed_words);
}
END_TEST

/* Kafka Streams drops them there. */
START_TEST(null_keys_reach_what_does_not_group_by_them)
{
    expect_same(declare_passing_by, feed_words);
    ck_assert_ptr_nonnull(strstr(results[1], "out =null@2\n"));
}
END_TEST

START_TEST(null_keys_reach_a_processor_that_moved)
{
    expect_same(declare_numbered, feed_words);
    ck_assert_ptr_nonnull(strstr(results[1], "out x=1,4,8,@7\n"));
}
END_TEST

/* Kafka Streams aggregates the others on the partition they come from. */
START_TEST(a_stream_merged_with_another_gets_the_records_of_both)
{
    expect_same(declare_merged_with_others, feed_two);
}
END_TEST

FLOW_MAIN("optimized results", a_self_join_gives_what_two_stores_give_in_the_same_order,
          a_self_join_of_uneven_windows_gives_what_two_stores_give,
          a_record_out_of_its_own_reach_does_not_meet_itself,
          a_left_self_join_gives_what_two_stores_give,
          an_outer_self_join_gives_what_two_stores_give,
          aggregations_behind_one_topic_give_what_they_gave_behind_two,
          null_keys_reach_what_does_not_group_by_them, null_keys_reach_a_processor_that_moved,
          a_stream_merged_with_another_gets_the_records_of_both)

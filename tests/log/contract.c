/* SPDX-License-Identifier: Apache-2.0
 *
 * contract.c - see contract.h. G1 to G6 are the invariants of log/cluster.h.
 */
#include "log/contract.h"

#include "base/error.h"
#include "base/headers.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct contract *contract;
static char                   address[256];
struct ks__cluster           *cluster;
struct ks__manual_clock       test_clock;

/* ---- helpers ---- */

void contract_reopen(void)
{
    struct ks__cluster_options options = { .clock = contract->is_local ? &test_clock.clock : NULL };
    ks_error                   error   = { .status = KS_OK };

    ks__cluster_close(cluster);
    ck_assert_msg(ks__cluster_open(&cluster, address, &options, &error) == KS_OK, "%s",
                  error.message);
}

void contract_setup(void)
{
    ks__manual_clock_init(&test_clock, 1000);
    contract->open(address, sizeof(address));
    cluster = NULL;
    contract_reopen();
}

void contract_teardown(void)
{
    ks__cluster_set_fault(NULL, NULL);
    ks__cluster_close(cluster);
    contract->close();
}

const char *contract_address(void)
{
    return address;
}

void create(const char *topic, int32_t partitions)
{
    struct ks__topic_spec spec  = { topic, partitions, false, 0, NULL };
    ks_error              error = { .status = KS_OK };

    ck_assert_msg(ks__cluster_create(cluster, &spec, 1, 30000, &error) == KS_OK, "%s",
                  error.message);
}

static struct ks__session *open_with(const struct ks__session_options *options)
{
    struct ks__session *session;
    ks_error            error = { .status = KS_OK };

    ck_assert_msg(ks__session_open(&session, cluster, options, &error) == KS_OK, "%s",
                  error.message);
    return session;
}

struct ks__session *open_session(const char *group, const char *transactional_id)
{
    struct ks__session_options options = { .client_id = "test", .group = group,
                                           .transactional_id = transactional_id };

    return open_with(&options);
}

static void append_record(struct ks__session *session, const char *name, int32_t partition,
                          const ks_record *record)
{
    struct ks__topic *topic;

    ck_assert_int_eq(ks__session_topic(session, name, &topic, 30000), KS_OK);
    ck_assert_int_eq(ks__topic_append(topic, partition, record), KS_OK);
}

void append_text(struct ks__session *session, const char *topic, int32_t partition,
                 const char *key, const char *value, int64_t timestamp_ms)
{
    ks_record record = { .key = ks_bytes_text(key), .value = ks_bytes_text(value),
                         .timestamp_ms = timestamp_ms };

    append_record(session, topic, partition, &record);
}

int64_t offset_of(const char *topic, int32_t partition, enum ks__offset_kind kind)
{
    int64_t offset;

    ck_assert_int_eq(ks__cluster_offset(cluster, topic, partition, kind, 0, &offset, 30000, NULL),
                     KS_OK);
    return offset;
}

int64_t committed_of(const char *group, const char *topic, int32_t partition)
{
    int64_t offset;

    ck_assert_int_eq(ks__cluster_committed(cluster, group, topic, partition, &offset, NULL, 30000,
                                           NULL),
                     KS_OK);
    return offset;
}

const char *read_all(const char *topic, int32_t partition, int64_t offset)
{
    static char         texts[4096];
    struct ks__session *session = open_session(NULL, NULL);
    struct ks__source  *source;
    struct ks__batch    batch;
    size_t              size = 0;

    texts[0] = '\0';
    ck_assert_int_eq(ks__session_start(session, topic, partition, offset, &source), KS_OK);
    do {
        struct ks__event event;

        ks__session_poll(session, &event);
        ck_assert_msg(ks__source_fetch(source, 1000, &batch) == KS_OK, "%s",
                      ks_error_message(ks__session_error(session)));
        for (size_t i = 0; i < batch.count; i++)
            size += (size_t)snprintf(texts + size, sizeof(texts) - size, "%.*s ",
                                     KS_BYTES_ARG(batch.records[i].record.value));
        ks__batch_release(&batch);
    } while (!batch.caught_up && size < sizeof(texts) &&
             batch.next_offset < offset_of(topic, partition, KS__OFFSET_END));
    ks__session_stop(session, source);
    ks__session_close(session);
    return texts;
}

struct ks__event await_event(struct ks__session *session)
{
    const int64_t    give_up_ms = ks__clock_mono_ms(ks__clock_real()) + 60000;
    struct ks__event event;

    do {
        if (ks__session_poll(session, &event))
            return event;
        sched_yield();
    } while (ks__clock_mono_ms(ks__clock_real()) < give_up_ms);
    ck_abort_msg("no event came");
    return event;
}

static const char *partitions_in(const struct ks__event *event)
{
    static char text[1024];
    size_t      size = 0;

    text[0] = '\0';
    for (size_t i = 0; i < event->count; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s-%d ",
                                 event->partitions[i].topic, (int)event->partitions[i].partition);
    return text;
}

const char *expect_event(struct ks__session *session, enum ks__event_kind kind)
{
    struct ks__event event = await_event(session);
    const char      *text  = partitions_in(&event);

    ck_assert_int_eq(event.kind, kind);
    ck_assert_int_eq(ks__session_acknowledge(session, 30000), KS_OK);
    return text;
}

static void subscribe(struct ks__session *session, const char *topic)
{
    ck_assert_int_eq(ks__session_subscribe(session, &topic, 1, 30000), KS_OK);
}

static ks_status commit_position(struct ks__session *session, const char *topic, int32_t partition,
                                 int64_t offset)
{
    struct ks__position position = { topic, partition, offset, NULL };

    return ks__session_commit_offsets(session, &position, 1, 30000);
}

/* Fetch until there are records, or an error: a log across a network has none at once. */
static ks_status fetch_some(struct ks__source *source, size_t limit, struct ks__batch *batch)
{
    ks_status status;

    do
        status = ks__source_fetch(source, limit, batch);
    while (status == KS_OK && batch->count == 0);
    return status;
}

/* Where a commit is decided before its records are visible, or a push is not yet decided when it
 * returns, they come soon. */
static void expect_values(const char *topic, int32_t partition, int64_t offset, const char *texts)
{
    for (int i = 0; i < 10000 && strcmp(read_all(topic, partition, offset), texts) != 0; i++)
        usleep(1000);
    ck_assert_str_eq(read_all(topic, partition, offset), texts);
}

/* ---- topics ---- */

START_TEST(topics_are_counted_and_unknown_ones_are_told)
{
    struct ks__session *session = open_session(NULL, NULL);
    struct ks__source  *source;
    struct ks__topic   *topic;
    int32_t             partitions;
    int64_t             offset;
    ks_error            error = { .status = KS_OK };

    create("in", 3);
    ck_assert_int_eq(ks__cluster_partitions(cluster, "in", &partitions, 30000, NULL), KS_OK);
    ck_assert_int_eq(partitions, 3);
    ck_assert_int_eq(ks__cluster_partitions(cluster, "none", &partitions, 30000, NULL), KS_OK);
    ck_assert_int_eq(partitions, 0);
    ck_assert_int_eq(ks__cluster_offset(cluster, "none", 0, KS__OFFSET_END, 0, &offset, 30000,
                                        &error),
                     KS_ENOTFOUND);
    ck_assert_ptr_nonnull(strstr(error.message, "none"));
    ck_assert_int_eq(ks__session_topic(session, "none", &topic, 30000), KS_ENOTFOUND);
    ck_assert_int_eq(ks__session_start(session, "none", 0, 0, &source), KS_ENOTFOUND);
    ck_assert_int_eq(ks__session_start(session, "in", 3, 0, &source), KS_ENOTFOUND);
    ks__session_close(session);
}
END_TEST

static bool lists(const struct ks__buffer *names, const char *name)
{
    const char *at = (const char *)names->data;

    for (; at != NULL && at < (const char *)names->data + names->size; at += strlen(at) + 1)
        if (strcmp(at, name) == 0)
            return true;
    return false;
}

START_TEST(the_topics_are_listed)
{
    struct ks__buffer names = { .data = NULL };
    ks_error          error = { .status = KS_OK };

    create("one", 1);
    ck_assert_int_eq(ks__cluster_topics(cluster, &names, 30000, &error), KS_OK);
    ck_assert(lists(&names, "one") && !lists(&names, "two"));
    create("two", 2);
    ck_assert_int_eq(ks__cluster_topics(cluster, &names, 30000, &error), KS_OK);
    ck_assert(lists(&names, "one") && lists(&names, "two"));
    ks__buffer_release(&names);
}
END_TEST

START_TEST(a_taken_name_and_wrong_names_are_refused)
{
    const struct ks__topic_spec specs[] = { { "in", 2, false, 0, NULL },
                                            { "more", 1, false, 0, NULL } };
    const struct ks__topic_spec bad[]   = { { "a b", 1, false, 0, NULL }, { "", 1, false, 0, NULL },
                                            { "zero", 0, false, 0, NULL } };
    int32_t                     partitions;

    create("in", 3);
    ck_assert_int_eq(ks__cluster_create(cluster, specs, 2, 30000, NULL), KS_EEXISTS);
    ck_assert_int_eq(ks__cluster_partitions(cluster, "more", &partitions, 30000, NULL), KS_OK);
    ck_assert_int_eq(partitions, 1);            /* the others are made */
    for (size_t i = 0; i < 3; i++) {
        ks_error error = { .status = KS_OK };

        ck_assert_int_eq(ks__cluster_create(cluster, &bad[i], 1, 30000, &error), KS_EINVAL);
        ck_assert_str_ne(error.message, "");
    }
}
END_TEST

/* ---- records ---- */

START_TEST(records_come_back_in_order_with_rising_offsets)
{
    struct ks__session *session = open_session(NULL, NULL);
    struct ks__source  *source;
    struct ks__batch    batch;
    int64_t             next = 0;

    create("in", 2);
    for (int64_t i = 0; i < 3000; i++) {
        ks_record record = { .key = KS_OBJECT(i), .value = KS_TEXT("v"), .timestamp_ms = i + 1 };

        append_record(session, "in", 1, &record);
        if (i % 700 == 0)
            ck_assert_int_eq(ks__session_flush(session, 30000), KS_OK);
    }
    ck_assert_int_eq(ks__session_flush(session, 30000), KS_OK);
    ck_assert_int_eq(ks__session_start(session, "in", 1, 0, &source), KS_OK);
    while (next < 3000) {                       /* G1 */
        ck_assert_int_eq(ks__source_fetch(source, 97, &batch), KS_OK);
        ck_assert_uint_le(batch.count, 97);
        for (size_t i = 0; i < batch.count; i++, next++) {
            ck_assert_int_eq(batch.records[i].offset, next);
            ck_assert_int_eq(batch.records[i].record.timestamp_ms, next + 1);
            ck_assert_mem_eq(batch.records[i].record.key.data, &next, sizeof(next));
        }
        ck_assert_int_eq(batch.next_offset, next);
        ks__batch_release(&batch);
    }
    ck_assert_int_eq(ks__source_lag(source), 0);
    ck_assert_int_eq(offset_of("in", 1, KS__OFFSET_END), 3000);
    ck_assert_int_eq(offset_of("in", 0, KS__OFFSET_END), 0);
    ks__session_stop(session, source);
    ks__session_close(session);
}
END_TEST

START_TEST(null_empty_and_headers_come_back_as_they_were)
{
    struct ks__session *session = open_session(NULL, NULL);
    ks_headers         *headers = ks_headers_new();
    ks_record           nulls   = { .timestamp_ms = 5 };
    ks_record           empties = { .key = KS_TEXT(""), .value = KS_TEXT(""), .timestamp_ms = 6,
                                    .headers = headers };
    struct ks__source  *source;
    struct ks__batch    batch;
    const char         *name;
    ks_bytes            value;

    create("in", 1);
    ck_assert_int_eq(ks_headers_add(headers, "a", KS_TEXT("1")), KS_OK);
    ck_assert_int_eq(ks_headers_add(headers, "none", KS_NULL), KS_OK);
    ck_assert_int_eq(ks_headers_add(headers, "", KS_TEXT("")), KS_OK);
    append_record(session, "in", 0, &nulls);
    append_record(session, "in", 0, &empties);
    ks_headers_free(headers);                   /* G5: append() copies */
    ck_assert_int_eq(ks__session_flush(session, 30000), KS_OK);
    ck_assert_int_eq(ks__session_start(session, "in", 0, 0, &source), KS_OK);
    ck_assert_int_eq(fetch_some(source, 10, &batch), KS_OK);
    ck_assert_uint_eq(batch.count, 2);
    ck_assert_ptr_null(batch.records[0].record.key.data);
    ck_assert_ptr_null(batch.records[0].record.value.data);
    ck_assert_ptr_null(batch.records[0].record.headers);
    ck_assert_ptr_nonnull(batch.records[1].record.key.data);
    ck_assert_uint_eq(batch.records[1].record.value.size, 0);
    ck_assert_uint_eq(ks_headers_count(batch.records[1].record.headers), 3);
    ck_assert(ks_headers_at(batch.records[1].record.headers, 0, &name, &value));
    ck_assert_str_eq(name, "a");
    ck_assert_mem_eq(value.data, "1", 1);
    ck_assert(ks_headers_last(batch.records[1].record.headers, "none", &value));
    ck_assert_ptr_null(value.data);
    ck_assert(ks_headers_last(batch.records[1].record.headers, "", &value));
    ck_assert_ptr_nonnull(value.data);
    ks__batch_release(&batch);
    ks__session_stop(session, source);
    ks__session_close(session);
}
END_TEST

START_TEST(a_batch_stays_valid_while_the_partition_is_trimmed_and_grows)
{
    struct ks__session *session = open_session(NULL, NULL);
    struct ks__source  *source;
    struct ks__batch    first, second;

    create("in", 1);
    for (int i = 0; i < 200; i++)
        append_text(session, "in", 0, "k", i < 100 ? "early" : "later", i);
    ck_assert_int_eq(ks__session_flush(session, 30000), KS_OK);
    ck_assert_int_eq(ks__session_start(session, "in", 0, 0, &source), KS_OK);
    ck_assert_int_eq(fetch_some(source, 50, &first), KS_OK);
    ck_assert_int_eq(fetch_some(source, 100, &second), KS_OK);
    ck_assert_int_eq(ks__cluster_trim(cluster, "in", 0, 200, 30000, NULL), KS_OK);
    append_text(session, "in", 0, "k", "last", 1);
    ck_assert_int_eq(ks__session_flush(session, 30000), KS_OK);
    ck_assert_mem_eq(first.records[49].record.value.data, "early", 5);      /* G5 */
    ck_assert_int_eq(second.records[0].offset, 50);
    ck_assert_mem_eq(second.records[second.count - 1].record.key.data, "k", 1);
    ks__batch_release(&first);
    ks__batch_release(&second);
    ks__session_stop(session, source);
    ks__session_close(session);
}
END_TEST

START_TEST(a_record_past_the_limit_is_refused_and_one_at_it_is_not)
{
    struct ks__session *session = open_session(NULL, NULL);
    void               *data    = calloc(1, 2000000);
    ks_record           record  = { .value = { data, 2000000 }, .timestamp_ms = 1 };
    struct ks__topic   *topic;

    create("in", 1);
    ck_assert_int_eq(ks__session_topic(session, "in", &topic, 30000), KS_OK);
    ck_assert_int_eq(ks__topic_append(topic, 0, &record), KS_ETOOBIG);
    record.value.size = 990000;
    ck_assert_int_eq(ks__topic_append(topic, 0, &record), KS_OK);
    ck_assert_int_eq(ks__session_flush(session, 30000), KS_OK);
    ck_assert_int_eq(offset_of("in", 0, KS__OFFSET_END), 1);
    ck_assert_int_eq(ks__topic_appended(topic, 0), 1);
    free(data);
    ks__session_close(session);
}
END_TEST

START_TEST(offsets_are_found_by_time)
{
    struct ks__session *session = open_session(NULL, NULL);
    int64_t             offset;

    create("in", 1);
    for (int i = 0; i < 1000; i++)
        append_text(session, "in", 0, "k", "v", 10 * i);
    ck_assert_int_eq(ks__session_flush(session, 30000), KS_OK);
    ck_assert_int_eq(ks__cluster_offset(cluster, "in", 0, KS__OFFSET_AT, 4995, &offset, 30000,
                                        NULL),
                     KS_OK);
    ck_assert_int_eq(offset, 500);
    ck_assert_int_eq(ks__cluster_offset(cluster, "in", 0, KS__OFFSET_AT, 1000000, &offset, 30000,
                                        NULL),
                     KS_OK);
    ck_assert_int_eq(offset, 1000);
    ks__session_close(session);
}
END_TEST

START_TEST(a_trimmed_partition_begins_where_it_was_told)
{
    struct ks__session *session = open_session(NULL, NULL);
    struct ks__source  *source;
    struct ks__batch    batch;

    create("in", 1);
    for (int i = 0; i < 10; i++) {
        char value[16];

        snprintf(value, sizeof(value), "%d", i);
        append_text(session, "in", 0, "k", value, i);
    }
    ck_assert_int_eq(ks__session_flush(session, 30000), KS_OK);
    ck_assert_int_eq(ks__cluster_trim(cluster, "in", 0, 7, 30000, NULL), KS_OK);
    ck_assert_int_eq(offset_of("in", 0, KS__OFFSET_BEGIN), 7);
    ck_assert_str_eq(read_all("in", 0, 7), "7 8 9 ");
    ck_assert_int_eq(ks__session_start(session, "in", 0, 3, &source), KS_OK);
    ck_assert_int_eq(fetch_some(source, 10, &batch), KS_EOFFSET);
    ks__session_stop(session, source);
    ck_assert_int_eq(ks__session_start(session, "in", 0, 11, &source), KS_OK);
    ck_assert_int_eq(fetch_some(source, 10, &batch), KS_EOFFSET);
    ks__session_stop(session, source);
    ck_assert_int_eq(ks__cluster_trim(cluster, "in", 0, 11, 30000, NULL), KS_EOFFSET);
    ck_assert_int_eq(ks__cluster_trim(cluster, "in", 0, 10, 30000, NULL), KS_OK);
    ck_assert_int_eq(offset_of("in", 0, KS__OFFSET_END), 10);
    append_text(session, "in", 0, "k", "ten", 1);
    ck_assert_int_eq(ks__session_flush(session, 30000), KS_OK);
    ck_assert_str_eq(read_all("in", 0, 10), "ten ");
    ks__session_close(session);
}
END_TEST

START_TEST(a_reader_at_the_end_is_woken_by_the_next_record)
{
    struct ks__wake            wake;
    struct ks__session_options options = { .wake = &wake };
    struct ks__session        *reader, *writer = open_session(NULL, NULL);
    struct ks__source         *source;
    struct ks__batch           batch;

    create("in", 2);
    ck_assert_int_eq(ks__wake_init(&wake), KS_OK);
    reader = open_with(&options);
    ck_assert_int_eq(ks__session_start(reader, "in", 0, 0, &source), KS_OK);
    ck_assert_int_eq(ks__source_fetch(source, 10, &batch), KS_OK);
    ck_assert_uint_eq(batch.count, 0);
    ck_assert(!contract->is_local || batch.caught_up);
    ks__batch_release(&batch);
    ks__wake_drain(&wake);
    append_text(writer, "in", 0, "k", "v", 1);
    ck_assert_int_eq(ks__session_flush(writer, 30000), KS_OK);
    ck_assert(ks__wake_wait(&wake, 30000));
    do {
        ck_assert_int_eq(ks__source_fetch(source, 10, &batch), KS_OK);
    } while (batch.count == 0);
    ck_assert_uint_eq(batch.count, 1);
    ks__batch_release(&batch);
    ks__session_stop(reader, source);
    ks__session_close(reader);
    ks__session_close(writer);
    ks__wake_release(&wake);
}
END_TEST

START_TEST(what_is_pushed_is_read_before_the_flush_but_for_what_is_held)
{
    struct ks__session *writer = open_session(NULL, NULL);
    struct ks__topic   *held;

    create("out", 2);
    create("held", 1);
    ck_assert_int_eq(ks__session_topic(writer, "held", &held, 30000), KS_OK);
    ks__topic_hold(held);
    ck_assert(!ks__session_push(writer));
    append_text(writer, "held", 0, "k", "one", 1);
    ck_assert(!ks__session_push(writer));
    append_text(writer, "out", 0, "k", "two", 1);
    append_text(writer, "out", 1, "k", "three", 1);
    ck_assert(ks__session_push(writer) || !contract->is_local);
    append_text(writer, "held", 0, "k", "four", 1);
    expect_values("out", 0, 0, "two ");
    expect_values("out", 1, 0, "three ");
    ck_assert(!contract->is_local || strcmp(read_all("held", 0, 0), "") == 0);
    ck_assert_int_eq(ks__session_flush(writer, 30000), KS_OK);
    expect_values("held", 0, 0, "one four ");
    ks__session_close(writer);
}
END_TEST

/* ---- transactions ---- */

START_TEST(a_transaction_is_seen_whole_or_not_at_all)
{
    struct ks__session *session  = open_session("group", "id");
    struct ks__position position = { "in", 0, 42, "note" };
    char               *metadata;
    int64_t             offset;

    create("in", 1);
    create("out", 2);
    ck_assert_int_eq(ks__session_begin(session, 30000), KS_OK);
    append_text(session, "out", 0, "k", "dropped", 1);
    ck_assert_int_eq(ks__session_abort(session, 30000), KS_OK);

    ck_assert_int_eq(ks__session_begin(session, 30000), KS_OK);
    append_text(session, "out", 0, "k", "one", 1);
    append_text(session, "out", 1, "k", "two", 1);
    ck_assert_int_eq(ks__session_flush(session, 30000), KS_OK);
    ck_assert_str_eq(read_all("out", 0, 0), "");        /* G2 */
    ck_assert_int_eq(committed_of("group", "in", 0), KS__OFFSET_NONE);
    ck_assert_int_eq(ks__session_commit(session, &position, 1, 30000), KS_OK);
    expect_values("out", 0, 0, "one ");                 /* G3 */
    expect_values("out", 1, 0, "two ");
    ck_assert_int_eq(ks__cluster_committed(cluster, "group", "in", 0, &offset, &metadata, 30000,
                                           NULL),
                     KS_OK);
    ck_assert_int_eq(offset, 42);
    ck_assert_str_eq(metadata, "note");
    ks__free(metadata);
    ks__session_close(session);
}
END_TEST

START_TEST(a_newer_session_fences_the_older_one_for_good)
{
    struct ks__session *older = open_session(NULL, "id"), *newer;

    create("out", 1);
    ck_assert_int_eq(ks__session_begin(older, 30000), KS_OK);
    append_text(older, "out", 0, "k", "stray", 1);
    newer = open_session(NULL, "id");
    ck_assert_int_eq(ks__session_begin(newer, 30000), KS_OK);
    append_text(newer, "out", 0, "k", "good", 1);
    ck_assert_int_eq(ks__session_commit(older, NULL, 0, 30000), KS_EFENCED);
    ck_assert(!contract->is_local || ks_error_is_fatal(ks__session_error(older)));
    ck_assert_int_eq(ks__session_commit(newer, NULL, 0, 30000), KS_OK);
    ck_assert_int_ne(ks__session_abort(older, 30000), KS_OK);
    ck_assert(ks_error_is_fatal(ks__session_error(older)));
    ck_assert_int_ne(ks__session_begin(older, 30000), KS_OK);
    ks__session_close(older);
    expect_values("out", 0, 0, "good ");                /* G4 */
    ks__session_close(newer);
}
END_TEST

START_TEST(calls_out_of_order_are_refused)
{
    struct ks__session *plain = open_session(NULL, NULL), *session = open_session(NULL, "id");
    struct ks__topic   *topic;
    ks_record           record = { .timestamp_ms = 1 };

    create("out", 1);
    ck_assert_int_eq(ks__session_begin(plain, 30000), KS_ESTATE);
    ck_assert_int_eq(ks__session_commit(session, NULL, 0, 30000), KS_ESTATE);
    ck_assert_int_eq(ks__session_topic(session, "out", &topic, 30000), KS_OK);
    ck_assert_int_eq(ks__topic_append(topic, 0, &record), KS_ESTATE);
    ck_assert_int_eq(ks__session_begin(session, 30000), KS_OK);
    ck_assert_int_eq(ks__session_begin(session, 30000), KS_ESTATE);
    ks__session_close(plain);
    ks__session_close(session);
}
END_TEST

/* ---- groups ---- */

START_TEST(committed_offsets_are_kept_per_group)
{
    struct ks__session *session = open_session("one", NULL), *none = open_session(NULL, NULL);

    create("in", 2);
    ck_assert_int_eq(commit_position(session, "in", 1, 7), KS_OK);
    ck_assert_int_eq(committed_of("one", "in", 1), 7);
    ck_assert_int_eq(committed_of("one", "in", 0), KS__OFFSET_NONE);
    ck_assert_int_eq(committed_of("other", "in", 1), KS__OFFSET_NONE);
    ck_assert_int_eq(commit_position(none, "in", 1, 8), KS_EINVAL);
    ks__session_close(session);
    ks__session_close(none);
}
END_TEST

START_TEST(members_share_the_partitions_by_range)
{
    struct ks__session *one = open_session("group", NULL), *two = open_session("group", NULL);

    create("in", 5);
    subscribe(one, "in");
    ck_assert_str_eq(expect_event(one, KS__EVENT_ASSIGNED), "in-0 in-1 in-2 in-3 in-4 ");
    subscribe(two, "in");
    ck_assert_str_eq(expect_event(one, KS__EVENT_REVOKED), "in-0 in-1 in-2 in-3 in-4 ");
    ck_assert_str_eq(expect_event(one, KS__EVENT_ASSIGNED), "in-0 in-1 in-2 ");
    ck_assert_str_eq(expect_event(two, KS__EVENT_ASSIGNED), "in-3 in-4 ");
    ks__session_close(one);
    ck_assert_str_eq(expect_event(two, KS__EVENT_REVOKED), "in-3 in-4 ");
    ck_assert_str_eq(expect_event(two, KS__EVENT_ASSIGNED), "in-0 in-1 in-2 in-3 in-4 ");
    ks__session_close(two);
}
END_TEST

START_TEST(a_member_that_gave_back_may_not_commit_any_more)
{
    struct ks__session *one = open_session("group", NULL), *two = open_session("group", NULL);
    struct ks__session *stranger = open_session("group", NULL);
    struct ks__event    event;

    create("in", 1);
    subscribe(one, "in");
    expect_event(one, KS__EVENT_ASSIGNED);
    ck_assert_int_eq(commit_position(one, "in", 0, 1), KS_OK);
    ck_assert_int_eq(commit_position(stranger, "in", 0, 5), KS_EFENCED);
    subscribe(two, "in");
    event = await_event(one);
    ck_assert_int_eq(event.kind, KS__EVENT_REVOKED);
    ck_assert_int_eq(commit_position(one, "in", 0, 2), KS_OK);      /* the last chance */
    ck_assert_int_eq(ks__session_acknowledge(one, 30000), KS_OK);
    ck_assert_int_eq(commit_position(one, "in", 0, 3), KS_EFENCED); /* G6 */
    ck_assert_int_eq(committed_of("group", "in", 0), 2);
    ks__session_close(one);
    ks__session_close(two);
    ks__session_close(stranger);
}
END_TEST

START_TEST(a_silent_member_loses_its_partitions_and_its_transaction)
{
    struct ks__session *silent = open_session("group", "a"), *other = open_session("group", "b");
    struct ks__position position = { "in", 0, 9, NULL };

    create("in", 1);
    create("out", 1);
    subscribe(silent, "in");
    expect_event(silent, KS__EVENT_ASSIGNED);
    ck_assert_int_eq(ks__session_begin(silent, 30000), KS_OK);
    append_text(silent, "out", 0, "k", "stale", 1);
    subscribe(other, "in");
    ks__manual_clock_advance(&test_clock, 60000);
    ck_assert_str_eq(expect_event(other, KS__EVENT_ASSIGNED), "in-0 ");
    ck_assert_int_eq(ks__session_commit(silent, &position, 1, 30000), KS_EFENCED);
    ck_assert(!ks_error_is_fatal(ks__session_error(silent)));
    ck_assert(ks_error_requires_abort(ks__session_error(silent)));
    ck_assert_int_eq(ks__session_abort(silent, 30000), KS_OK);
    ck_assert_str_eq(read_all("out", 0, 0), "");
    ck_assert_str_eq(expect_event(silent, KS__EVENT_LOST), "in-0 ");
    ck_assert_int_eq(ks__session_begin(silent, 30000), KS_OK);      /* and is ready again */
    ks__session_close(silent);
    ks__session_close(other);
}
END_TEST

START_TEST(a_static_member_comes_back_to_its_partitions)
{
    struct ks__session_options options = { .group = "group", .instance_id = "i-1" };
    struct ks__session *other = open_session("group", NULL), *first = open_with(&options), *second;
    struct ks__event    event;

    create("in", 2);
    subscribe(other, "in");
    expect_event(other, KS__EVENT_ASSIGNED);
    subscribe(first, "in");
    expect_event(other, KS__EVENT_REVOKED);
    ck_assert_str_eq(expect_event(first, KS__EVENT_ASSIGNED), "in-0 ");     /* static ones first */
    ck_assert_str_eq(expect_event(other, KS__EVENT_ASSIGNED), "in-1 ");
    second = open_with(&options);
    subscribe(second, "in");
    ck_assert_str_eq(expect_event(second, KS__EVENT_ASSIGNED), "in-0 ");
    ck_assert(!ks__session_poll(other, &event));        /* no rebalance */
    event = await_event(first);
    ck_assert_int_eq(event.kind, KS__EVENT_FAILED);
    ck_assert_int_eq(event.error->status, KS_EFENCED);
    ck_assert_uint_ne(event.error->flags & KS__ERROR_REPLACED, 0);
    ks__session_close(first);
    ks__session_close(second);
    ck_assert(!ks__session_poll(other, &event));        /* static members do not leave */
    ks__session_close(other);
}
END_TEST

START_TEST(a_topic_made_later_joins_the_assignment)
{
    struct ks__session *session = open_session("group", NULL);
    const char         *topics[2] = { "now", "later" };

    create("now", 1);
    ck_assert_int_eq(ks__session_subscribe(session, topics, 2, 30000), KS_OK);
    ck_assert_str_eq(expect_event(session, KS__EVENT_ASSIGNED), "now-0 ");
    create("later", 2);
    ck_assert_str_eq(expect_event(session, KS__EVENT_REVOKED), "now-0 ");
    ck_assert_str_eq(expect_event(session, KS__EVENT_ASSIGNED), "later-0 later-1 now-0 ");
    ks__session_close(session);
}
END_TEST

START_TEST(an_abandoned_session_leaves_nothing_but_its_member)
{
    struct ks__session *dead = open_session("group", "id"), *other = open_session("group", NULL);

    create("in", 1);
    create("out", 1);
    subscribe(dead, "in");
    expect_event(dead, KS__EVENT_ASSIGNED);
    ck_assert_int_eq(ks__session_begin(dead, 30000), KS_OK);
    append_text(dead, "out", 0, "k", "v", 1);
    ks__session_abandon(dead);
    ck_assert_str_eq(read_all("out", 0, 0), "");
    ks__manual_clock_advance(&test_clock, 30000);
    subscribe(other, "in");
    ks__manual_clock_advance(&test_clock, 16000);       /* the dead one's time is over */
    ck_assert_str_eq(expect_event(other, KS__EVENT_ASSIGNED), "in-0 ");
    ks__session_close(other);
}
END_TEST

/* ---- faults ---- */

static int  fault_countdown;
static char fault_commit[] = "commit", fault_partitions[] = "partitions";

static ks_status fail_once(const char *call, void *user)
{
    if (strcmp(call, user) != 0 || --fault_countdown != 0)
        return KS_OK;
    return KS_EUNAVAILABLE;
}

START_TEST(the_hook_fails_calls_and_what_failed_can_be_repeated)
{
    struct ks__session *session = open_session("group", "id");
    struct ks__position position = { "out", 0, 1, NULL };
    ks_error            error    = { .status = KS_OK };
    int32_t             partitions;

    create("out", 1);
    fault_countdown = 1;
    ks__cluster_set_fault(fail_once, fault_commit);
    ck_assert_int_eq(ks__session_begin(session, 30000), KS_OK);
    append_text(session, "out", 0, "k", "v", 1);
    ck_assert_int_eq(ks__session_commit(session, &position, 1, 30000), KS_EUNAVAILABLE);
    ck_assert_str_eq(read_all("out", 0, 0), "");
    ck_assert_int_eq(ks__session_commit(session, &position, 1, 30000), KS_OK);
    expect_values("out", 0, 0, "v ");
    fault_countdown = 1;
    ks__cluster_set_fault(fail_once, fault_partitions);
    ck_assert_int_eq(ks__cluster_partitions(cluster, "out", &partitions, 0, &error),
                     KS_EUNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(error.message, "partitions"));
    ks__session_close(session);
}
END_TEST

/* A life of all kinds of calls; the first failure ends it. Everything is closed in any case. */
static ks_status live(const char *address_of_log, int patience_ms)
{
    static const struct ks__topic_spec specs[] = { { "in", 2, false, 0, NULL },
                                                   { "out", 1, true, 0, NULL } };
    struct ks__cluster_options clocked  = { .clock = &test_clock.clock };
    struct ks__session_options options  = { .group = "group", .transactional_id = "id" };
    struct ks__position        position = { "in", 0, 1, "note" };
    ks_record                  record   = { .key = KS_TEXT("k"), .value = KS_TEXT("v") };
    const char                *topic    = "in";
    struct ks__cluster        *own;
    struct ks__session        *session = NULL;
    struct ks__source         *source  = NULL;
    struct ks__topic          *out;
    struct ks__event           event;
    struct ks__batch           batch;
    ks_status                  status = ks__cluster_open(&own, address_of_log, &clocked, NULL);

    if (status != KS_OK)
        return status;
    status = ks__cluster_create(own, specs, 2, patience_ms, NULL);
    if (status == KS_OK || status == KS_EEXISTS)
        status = ks__session_open(&session, own, &options, NULL);
    if (status == KS_OK)
        status = ks__session_subscribe(session, &topic, 1, patience_ms);
    if (status == KS_OK)
        status = ks__session_poll(session, &event) ? KS_OK : KS_ENOMEM;
    if (status == KS_OK)
        status = ks__session_acknowledge(session, patience_ms);
    if (status == KS_OK)
        status = ks__session_begin(session, patience_ms);
    if (status == KS_OK)
        status = ks__session_topic(session, "out", &out, patience_ms);
    for (int i = 0; i < 40 && status == KS_OK; i++)
        status = ks__topic_append(out, 0, &record);
    if (status == KS_OK)
        status = ks__session_commit(session, &position, 1, patience_ms);
    if (status == KS_OK)
        status = ks__session_start(session, "out", 0, 0, &source);
    if (status == KS_OK)
        status = ks__source_fetch(source, 10, &batch);
    if (status == KS_OK)
        ks__batch_release(&batch);
    ks__session_stop(session, source);
    ks__session_close(session);
    ks__cluster_close(own);
    return status;
}

/* Once with calls that wait as long as it takes, once with calls that would give up. */
START_TEST(every_allocation_may_fail)
{
    struct ks__alloc_probe probe = { .fail_at = 0 };
    ks_status              status;
    uint64_t               failed;

    ks__alloc_probe_install(&probe);
    do {
        failed = atomic_load(&probe.failed);
        atomic_store(&probe.requests, 0);
        probe.fail_at++;
        status = live(address, _i == 0 ? -1 : 30000);
        ck_assert_msg(status == KS_OK || status == KS_ENOMEM, "request %d: %s",
                      (int)probe.fail_at, ks_status_name(status));
        ks__manual_clock_advance(&test_clock, 60000);   /* a member that could not leave is gone */
    } while (atomic_load(&probe.failed) > failed);
    ck_assert_int_eq(status, KS_OK);
    ks__allocator_set(NULL);
    ck_assert_int_ge(offset_of("out", 0, KS__OFFSET_END), 40);
}
END_TEST

/* ---- suite ---- */

static void add_local_tests(TCase *c)
{
    tcase_add_loop_test(c, every_allocation_may_fail, 0, 2);
    tcase_add_test(c, a_silent_member_loses_its_partitions_and_its_transaction);
    tcase_add_test(c, a_static_member_comes_back_to_its_partitions);
    tcase_add_test(c, a_topic_made_later_joins_the_assignment);
    tcase_add_test(c, an_abandoned_session_leaves_nothing_but_its_member);
    tcase_add_test(c, a_member_that_gave_back_may_not_commit_any_more);
    tcase_add_test(c, members_share_the_partitions_by_range);
}

void contract_use(const struct contract *of)
{
    contract = of;
}

Suite *contract_suite(const struct contract *of)
{
    Suite *s = suite_create(of->name);
    TCase *c = tcase_create("contract");

    contract_use(of);
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, contract_setup, contract_teardown);
    tcase_add_test(c, topics_are_counted_and_unknown_ones_are_told);
    tcase_add_test(c, the_topics_are_listed);
    tcase_add_test(c, a_taken_name_and_wrong_names_are_refused);
    tcase_add_test(c, records_come_back_in_order_with_rising_offsets);
    tcase_add_test(c, null_empty_and_headers_come_back_as_they_were);
    tcase_add_test(c, a_batch_stays_valid_while_the_partition_is_trimmed_and_grows);
    tcase_add_test(c, a_record_past_the_limit_is_refused_and_one_at_it_is_not);
    tcase_add_test(c, offsets_are_found_by_time);
    tcase_add_test(c, a_trimmed_partition_begins_where_it_was_told);
    tcase_add_test(c, a_reader_at_the_end_is_woken_by_the_next_record);
    tcase_add_test(c, what_is_pushed_is_read_before_the_flush_but_for_what_is_held);
    tcase_add_test(c, a_transaction_is_seen_whole_or_not_at_all);
    tcase_add_test(c, a_newer_session_fences_the_older_one_for_good);
    tcase_add_test(c, calls_out_of_order_are_refused);
    tcase_add_test(c, committed_offsets_are_kept_per_group);
    tcase_add_test(c, the_hook_fails_calls_and_what_failed_can_be_repeated);
    if (of->is_local)
        add_local_tests(c);
    suite_add_tcase(s, c);
    return s;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * test_threads.c - many threads commit to one log: group commit, and a reader meanwhile.
 *
 * Each transaction writes the same number to two partitions; whoever reads must find the numbers of
 * each writer in order, each once, in both.
 */
#include "base/io.h"
#include "base/thread.h"
#include "log/cluster.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRITERS 4
#define COMMITS 60

static char                directory[64];
static struct ks__cluster *cluster;
static ks_status           results[WRITERS];

struct note {
    int32_t writer, number;
};

static void open_cluster(const char *address)
{
    const struct ks__topic_spec topic = { "out", 2, false, 0, NULL };

    ck_assert_int_eq(ks__cluster_open(&cluster, address, NULL, NULL), KS_OK);
    ck_assert_int_eq(ks__cluster_create(cluster, &topic, 1, -1, NULL), KS_OK);
}

/* No assertions in here: Check's are for the main thread. */
static ks_status write_one(struct ks__session *session, struct ks__topic *topic, struct note note)
{
    ks_record record = { .value = KS_OBJECT(note), .timestamp_ms = 1 };
    ks_status status = ks__session_begin(session, -1);

    for (int32_t p = 0; p < 2 && status == KS_OK; p++)
        status = ks__topic_append(topic, p, &record);
    if (status == KS_OK && note.number % 10 == 9)
        return ks__session_abort(session, -1);
    /* Some wait as long as it takes and may write for others, some ask again and again. */
    if (status == KS_OK && note.writer % 2 == 0)
        return ks__session_commit(session, NULL, 0, -1);
    if (status == KS_OK)
        do
            status = ks__session_commit(session, NULL, 0, note.number % 3);
        while (status == KS_EAGAIN);
    return status;
}

static void write_all(void *user)
{
    int32_t                    me = (int32_t)((ks_status *)user - results);
    char                       id[16];
    struct ks__session_options options = { .transactional_id = id };
    struct ks__session        *session;
    struct ks__topic          *topic;
    ks_status                  status;

    snprintf(id, sizeof(id), "writer-%d", (int)me);
    status = ks__session_open(&session, cluster, &options, NULL);
    if (status == KS_OK)
        status = ks__session_topic(session, "out", &topic, -1);
    for (int32_t i = 0; i < COMMITS && status == KS_OK; i++)
        status = write_one(session, topic, (struct note){ me, i });
    ks__session_close(session);
    results[me] = status;
}

/* The next number a writer's commit must carry behind `number`. */
static int32_t after(int32_t number)
{
    return (number + 1) % 10 == 9 ? number + 2 : number + 1;
}

static void read_partition(int32_t partition)
{
    struct ks__wake            wake;
    struct ks__session_options options = { .wake = &wake };
    struct ks__session        *session;
    struct ks__source         *source;
    int32_t                    expected[WRITERS] = { 0 }, left = WRITERS * COMMITS * 9 / 10;

    ck_assert_int_eq(ks__wake_init(&wake), KS_OK);
    ck_assert_int_eq(ks__session_open(&session, cluster, &options, NULL), KS_OK);
    ck_assert_int_eq(ks__session_start(session, "out", partition, 0, &source), KS_OK);
    while (left > 0) {
        struct ks__batch batch;

        ck_assert_int_eq(ks__source_fetch(source, 1000, &batch), KS_OK);
        for (size_t i = 0; i < batch.count; i++, left--) {
            struct note note;

            ck_assert(ks_bytes_read(&note, sizeof(note), batch.records[i].record.value));
            ck_assert_int_eq(note.number, expected[note.writer]);
            expected[note.writer] = after(note.number);
        }
        ks__batch_release(&batch);
        if (batch.caught_up && left > 0)
            ck_assert(ks__wake_wait(&wake, 30000));
        ks__wake_drain(&wake);
    }
    ks__session_stop(session, source);
    ks__session_close(session);
    ks__wake_release(&wake);
}

static void run(const char *address)
{
    struct ks__thread threads[WRITERS] = { { .running = false } };

    open_cluster(address);
    for (size_t i = 0; i < WRITERS; i++)
        ck_assert_int_eq(ks__thread_start(&threads[i], "writer", write_all, &results[i]), KS_OK);
    read_partition(0);
    for (size_t i = 0; i < WRITERS; i++) {
        ks__thread_join(&threads[i]);
        ck_assert_int_eq(results[i], KS_OK);
    }
    read_partition(1);
    ks__cluster_close(cluster);
}

START_TEST(commits_of_threads_reach_the_memory_log_whole_and_in_order)
{
    run("memory:threads");
}
END_TEST

static const char *embedded_address(void)
{
    static char address[128];

    snprintf(directory, sizeof(directory), "/tmp/ks-test-log-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(address, sizeof(address), "embedded:%s", directory);
    return address;
}

START_TEST(commits_of_threads_reach_the_embedded_log_whole_and_in_order)
{
    run(embedded_address());
    ck_assert_int_eq(ks__io_remove_tree(directory), 0);
}
END_TEST

/* ---- a group with threads that come and go ---- */

#define RECORDS 400

static atomic_int processed[RECORDS];
static atomic_int total;

static ks_status work(struct ks__session *session, struct ks__source **sources, int64_t *next)
{
    ks_status status = KS_OK;

    for (int32_t p = 0; p < 4 && status == KS_OK; p++) {
        struct ks__position position = { "in", p, 0, NULL };
        struct ks__batch    batch;

        if (sources[p] == NULL)
            continue;
        status = ks__source_fetch(sources[p], 7, &batch);
        if (status != KS_OK || batch.count == 0)
            continue;
        position.offset = batch.next_offset;
        status          = ks__session_begin(session, -1);
        while (status == KS_OK &&
               (status = ks__session_commit(session, &position, 1, 1)) == KS_EAGAIN)
            status = KS_OK;
        for (size_t i = 0; i < batch.count && status == KS_OK; i++) {
            struct note note;

            ks_bytes_read(&note, sizeof(note), batch.records[i].record.value);
            atomic_fetch_add(&processed[note.number], 1);
            atomic_fetch_add(&total, 1);
        }
        next[p] = batch.next_offset;
        ks__batch_release(&batch);
    }
    if (status == KS_EFENCED)
        status = ks__session_abort(session, -1);        /* another one has them now */
    return status;
}

static ks_status follow(struct ks__session *session, struct ks__source **sources)
{
    struct ks__event event;
    ks_status        status = KS_OK;

    if (!ks__session_poll(session, &event))
        return KS_OK;
    for (int32_t p = 0; p < 4; p++) {
        if (sources[p] != NULL)
            ks__session_stop(session, sources[p]);
        sources[p] = NULL;
    }
    if (event.kind != KS__EVENT_ASSIGNED)
        event.count = 0;
    for (size_t i = 0; i < event.count && status == KS_OK; i++) {
        int32_t p = event.partitions[i].partition;
        int64_t offset;

        status = ks__cluster_committed(cluster, "group", "in", p, &offset, NULL, -1, NULL);
        if (status == KS_OK)
            status = ks__session_start(session, "in", p, offset < 0 ? 0 : offset, &sources[p]);
    }
    return status == KS_OK ? ks__session_acknowledge(session, -1) : status;
}

static void take_part(void *user)
{
    int32_t                    me = (int32_t)((ks_status *)user - results);
    char                       id[16];
    struct ks__session_options options = { .group = "group", .transactional_id = id };
    struct ks__session        *session;
    struct ks__source         *sources[4] = { NULL };
    int64_t                    next[4];
    const char                *topic = "in";
    ks_status                  status;

    snprintf(id, sizeof(id), "worker-%d", (int)me);
    status = ks__session_open(&session, cluster, &options, NULL);
    if (status == KS_OK)
        status = ks__session_subscribe(session, &topic, 1, 30000);
    /* The first worker leaves in the middle. */
    while (status == KS_OK && atomic_load(&total) < (me == 0 ? RECORDS / 3 : RECORDS)) {
        status = follow(session, sources);
        if (status == KS_OK)
            status = work(session, sources, next);
    }
    for (int32_t p = 0; p < 4; p++)
        if (sources[p] != NULL)
            ks__session_stop(session, sources[p]);
    ks__session_close(session);
    results[me] = status;
}

START_TEST(members_in_threads_process_every_record_once)
{
    const struct ks__topic_spec topic = { "in", 4, false, 0, NULL };
    struct ks__thread           threads[3] = { { .running = false } };
    struct ks__session         *session;
    struct ks__topic           *in;

    ck_assert_int_eq(ks__cluster_open(&cluster, _i == 0 ? "memory:group" : embedded_address(), NULL,
                                      NULL),
                     KS_OK);
    ck_assert_int_eq(ks__cluster_create(cluster, &topic, 1, -1, NULL), KS_OK);
    ck_assert_int_eq(ks__session_open(&session, cluster, NULL, NULL), KS_OK);
    ck_assert_int_eq(ks__session_topic(session, "in", &in, 0), KS_OK);
    for (int32_t i = 0; i < RECORDS; i++) {
        struct note note   = { 0, i };
        ks_record   record = { .value = KS_OBJECT(note), .timestamp_ms = 1 };

        ck_assert_int_eq(ks__topic_append(in, i % 4, &record), KS_OK);
    }
    ck_assert_int_eq(ks__session_flush(session, -1), KS_OK);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(ks__thread_start(&threads[i], "worker", take_part, &results[i]), KS_OK);
    for (size_t i = 0; i < 3; i++) {
        ks__thread_join(&threads[i]);
        ck_assert_int_eq(results[i], KS_OK);
    }
    for (int i = 0; i < RECORDS; i++)
        ck_assert_int_eq(atomic_load(&processed[i]), 1);
    ks__session_close(session);
    ks__cluster_close(cluster);
    if (_i == 1)
        ck_assert_int_eq(ks__io_remove_tree(directory), 0);
}
END_TEST

int main(void)
{
    Suite   *s = suite_create("threads");
    TCase   *c = tcase_create("threads");
    SRunner *runner;
    int      failed;

    tcase_set_timeout(c, 120);
    tcase_add_test(c, commits_of_threads_reach_the_memory_log_whole_and_in_order);
    tcase_add_test(c, commits_of_threads_reach_the_embedded_log_whole_and_in_order);
    tcase_add_loop_test(c, members_in_threads_process_every_record_once, 0, 2);
    suite_add_tcase(s, c);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

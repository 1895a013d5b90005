/* SPDX-License-Identifier: Apache-2.0
 *
 * test_queue.c - the embedded log on a disk that takes its time: who does not wait is not kept,
 * what was handed over is decided once, and what waits together is written together.
 */
#include "base/io.h"
#include "log/contract.h"
#include "log/embedded/embedded.h"
#include "support/slow_disk.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64], data_file[96];

static void open_log(char *address, size_t size)
{
    snprintf(directory, sizeof(directory), "/tmp/ks-test-log-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(data_file, sizeof(data_file), "%s/log/data.mdb", directory);
    snprintf(address, size, "embedded:%s/log", directory);
}

static void close_log(void)
{
    ck_assert_int_eq(ks__io_remove_tree(directory), 0);
}

static const struct contract embedded = { "embedded", open_log, close_log, true };

static void setup(void)
{
    contract_setup();
    create("in", 2);
    create("out", 1);
    contract_reopen();                          /* without a thread yet */
}

static void teardown(void)
{
    disk_release();
    contract_teardown();
}

static struct ks__session *open_woken(const struct ks__wake *wake, const char *id)
{
    struct ks__session_options options = { .client_id = "test", .group = "group",
                                           .transactional_id = id, .wake = wake };
    struct ks__session        *session;

    ck_assert_int_eq(ks__session_open(&session, cluster, &options, NULL), KS_OK);
    return session;
}

static ks_status commit(struct ks__session *session, int timeout_ms)
{
    return ks__session_commit(session, NULL, 0, timeout_ms);
}

/* A transaction with one record, ready to be committed. */
static struct ks__session *transaction(const char *id, const char *value)
{
    struct ks__session *session = open_session(NULL, id);

    ck_assert_int_eq(ks__session_begin(session, -1), KS_OK);
    append_text(session, "out", 0, "k", value, 1);
    return session;
}

/* Have the log write something, and the disk hold it. */
static struct ks__session *busy_disk(void)
{
    struct ks__session *session = open_session(NULL, NULL);

    append_text(session, "in", 1, "k", "busy", 1);
    disk_hold(data_file);
    ck_assert_int_eq(ks__session_flush(session, 0), KS_EAGAIN);
    disk_await(1);
    return session;
}

/* ---- without waiting ---- */

START_TEST(a_flush_without_time_is_decided_by_the_disk_and_appends_go_on_meanwhile)
{
    struct ks__session *session = open_session(NULL, NULL);

    append_text(session, "out", 0, "k", "one", 1);
    disk_hold(data_file);
    ck_assert_int_eq(ks__session_flush(session, 0), KS_EAGAIN);
    disk_await(1);
    ck_assert_int_eq(ks__session_flush(session, 0), KS_EAGAIN);
    ck_assert_int_eq(ks__session_flush(session, 1), KS_EAGAIN);
    append_text(session, "out", 0, "k", "two", 1);
    ck_assert_str_eq(read_all("out", 0, 0), "");
    disk_release();
    ck_assert_int_eq(ks__session_flush(session, -1), KS_OK);    /* both of them */
    ck_assert_str_eq(read_all("out", 0, 0), "one two ");
    ck_assert_int_eq(disk_syncs(), 2);
    ks__session_close(session);
}
END_TEST

START_TEST(a_commit_asked_about_again_and_again_is_made_once)
{
    struct ks__position position = { "in", 0, 7, NULL };
    struct ks__session *session  = open_session("group", "id");
    ks_status           status;

    ck_assert_int_eq(ks__session_begin(session, -1), KS_OK);
    append_text(session, "out", 0, "k", "one", 1);
    disk_hold(data_file);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(ks__session_commit(session, &position, 1, 0), KS_EAGAIN);
    position.offset = 8;        /* it was handed over with 7 */
    disk_release();
    while ((status = ks__session_commit(session, &position, 1, 0)) == KS_EAGAIN)
        ;
    ck_assert_int_eq(status, KS_OK);
    ck_assert_int_eq(ks__session_commit(session, &position, 1, 0), KS_ESTATE);
    ck_assert_str_eq(read_all("out", 0, 0), "one ");
    ck_assert_int_eq(committed_of("group", "in", 0), 7);
    ck_assert_int_eq(disk_syncs(), 1);
    ks__session_close(session);
}
END_TEST

START_TEST(the_wake_is_set_when_it_is_decided_and_not_before)
{
    struct ks__wake     wake;
    struct ks__session *session;

    ck_assert_int_eq(ks__wake_init(&wake), KS_OK);
    session = open_woken(&wake, "id");
    ck_assert_int_eq(ks__session_begin(session, -1), KS_OK);
    append_text(session, "out", 0, "k", "one", 1);
    ks__wake_drain(&wake);
    disk_hold(data_file);
    ck_assert_int_eq(commit(session, 0), KS_EAGAIN);
    disk_await(1);
    ck_assert(!ks__wake_wait(&wake, 0));
    disk_release();
    ck_assert(ks__wake_wait(&wake, 30000));
    ck_assert_int_eq(commit(session, 0), KS_OK);
    ks__wake_drain(&wake);
    ck_assert_int_eq(ks__session_begin(session, 0), KS_OK);
    append_text(session, "out", 0, "k", "two", 1);
    ck_assert_int_eq(commit(session, -1), KS_OK);
    ck_assert(!ks__wake_wait(&wake, 0));        /* who waited needs no wake */
    ks__session_close(session);
    ks__wake_release(&wake);
}
END_TEST

START_TEST(topics_and_trims_without_time_are_decided_by_the_disk_too)
{
    const struct ks__topic_spec spec    = { "new", 1, false, 0, NULL };
    struct ks__session         *session = open_session(NULL, NULL);
    ks_status                   status;

    append_text(session, "in", 0, "k", "gone", 1);
    append_text(session, "in", 0, "k", "stays", 1);
    ck_assert_int_eq(ks__session_flush(session, -1), KS_OK);
    disk_hold(data_file);
    ck_assert_int_eq(ks__cluster_create(cluster, &spec, 1, 0, NULL), KS_EAGAIN);
    ck_assert_int_eq(ks__cluster_create(cluster, &spec, 1, 0, NULL), KS_EAGAIN);
    ck_assert_int_eq(ks__cluster_trim(cluster, "in", 0, 1, 0, NULL), KS_EAGAIN);
    ck_assert_int_eq(ks__cluster_trim(cluster, "in", 0, 1, 0, NULL), KS_EAGAIN);
    disk_release();
    while ((status = ks__cluster_create(cluster, &spec, 1, 0, NULL)) == KS_EAGAIN)
        ;
    ck_assert_int_eq(status, KS_OK);
    ck_assert_int_eq(ks__cluster_create(cluster, &spec, 1, 0, NULL), KS_EEXISTS);
    ck_assert_int_eq(ks__cluster_trim(cluster, "in", 0, 1, 30000, NULL), KS_OK);
    ck_assert_int_eq(offset_of("in", 0, KS__OFFSET_BEGIN), 1);
    ck_assert_int_eq(disk_syncs(), 2);
    ks__session_close(session);
}
END_TEST

START_TEST(joining_and_acknowledging_without_time_are_decided_by_the_disk_too)
{
    struct ks__wake     wake;
    struct ks__session *session;
    struct ks__event    event;
    const char         *topic = "in";
    ks_status           status;

    ck_assert_int_eq(ks__wake_init(&wake), KS_OK);
    disk_hold(data_file);
    session = open_woken(&wake, "id");          /* which makes older ones stale */
    disk_await(1);
    ck_assert_int_eq(ks__session_begin(session, 0), KS_EAGAIN);
    ck_assert_int_eq(ks__session_subscribe(session, &topic, 1, 0), KS_EAGAIN);
    ck_assert(!ks__session_poll(session, &event));
    ck_assert_int_eq(ks__session_subscribe(session, &topic, 1, 0), KS_EAGAIN);
    disk_let_through(1);
    ck_assert_int_eq(ks__session_begin(session, 30000), KS_OK);
    disk_await(2);
    ck_assert_int_eq(ks__session_subscribe(session, &topic, 1, 0), KS_EAGAIN);
    disk_let_through(1);
    ck_assert_int_eq(ks__session_subscribe(session, &topic, 1, 30000), KS_OK);
    event = await_event(session);               /* to look is to read */
    ck_assert_int_eq(event.kind, KS__EVENT_ASSIGNED);
    ck_assert_uint_eq(event.count, 2);
    ck_assert_int_eq(ks__session_acknowledge(session, 0), KS_EAGAIN);
    ck_assert_int_eq(ks__session_acknowledge(session, 0), KS_EAGAIN);
    disk_release();
    while ((status = ks__session_acknowledge(session, 0)) == KS_EAGAIN)
        ;
    ck_assert_int_eq(status, KS_OK);
    ck_assert_int_eq(disk_syncs(), 3);
    ck_assert_int_eq(ks__session_abort(session, 0), KS_OK);
    ks__session_close(session);
    ks__wake_release(&wake);
}
END_TEST

START_TEST(an_idle_member_writes_nothing_and_wakes_nobody)
{
    struct ks__wake     wake;
    struct ks__session *session;
    struct ks__event    event;
    const char         *topic = "in";

    ck_assert_int_eq(ks__wake_init(&wake), KS_OK);
    session = open_woken(&wake, NULL);
    ck_assert_int_eq(ks__session_subscribe(session, &topic, 1, 30000), KS_OK);
    expect_event(session, KS__EVENT_ASSIGNED);
    while (ks__session_poll(session, &event))
        ;
    ks__wake_drain(&wake);
    disk_hold(data_file);
    for (int i = 0; i < 10; i++) {              /* a second each: looks for dead members */
        ks__manual_clock_advance(&test_clock, 1000);
        ck_assert(!ks__session_poll(session, &event));
    }
    ck_assert(!ks__wake_wait(&wake, 0));
    ks__manual_clock_advance(&test_clock, 5000);
    ck_assert(!ks__session_poll(session, &event));      /* a sign of life */
    disk_await(1);
    disk_release();
    ks__manual_clock_advance(&test_clock, 40000);       /* not gone: it was seen */
    ck_assert(!ks__session_poll(session, &event));
    ck_assert_int_eq(disk_syncs(), 1);
    ks__session_close(session);
    ks__wake_release(&wake);
}
END_TEST

/* ---- groups ---- */

#define MEMBERS 6

START_TEST(commits_that_wait_are_one_transaction)
{
    struct ks__session *others[MEMBERS], *busy;
    char                id[16];

    for (int i = 0; i < MEMBERS; i++) {
        snprintf(id, sizeof(id), "id-%d", i);
        others[i] = transaction(id, "v");
    }
    busy = busy_disk();
    for (int i = 0; i < MEMBERS; i++)
        ck_assert_int_eq(commit(others[i], 0), KS_EAGAIN);
    ck_assert_int_eq(disk_syncs(), 1);
    disk_release();
    for (int i = 0; i < MEMBERS; i++)
        ck_assert_int_eq(commit(others[i], 30000), KS_OK);
    ck_assert_int_eq(disk_syncs(), 2);
    ck_assert_str_eq(read_all("out", 0, 0), "v v v v v v ");
    for (int i = 0; i < MEMBERS; i++)
        ks__session_close(others[i]);
    ks__session_close(busy);
}
END_TEST

START_TEST(a_fenced_member_of_a_group_fails_alone)
{
    struct ks__session *first = transaction("one", "1"), *stale = transaction("two", "no"),
                       *last = transaction("three", "3"), *newer = open_session(NULL, "two"),
                       *busy = busy_disk();

    ck_assert_int_eq(commit(first, 0), KS_EAGAIN);
    ck_assert_int_eq(commit(stale, 0), KS_EAGAIN);
    ck_assert_int_eq(commit(last, 0), KS_EAGAIN);
    disk_release();
    ck_assert_int_eq(commit(first, 30000), KS_OK);
    ck_assert_int_eq(commit(stale, 30000), KS_EFENCED);
    ck_assert(ks_error_is_fatal(ks__session_error(stale)));
    ck_assert_int_eq(commit(last, 30000), KS_OK);
    ck_assert_int_eq(disk_syncs(), 2);
    ck_assert_str_eq(read_all("out", 0, 0), "1 3 ");
    ck_assert_int_eq(ks__session_abort(stale, 0), KS_EFENCED);
    ks__session_close(newer);
    ks__session_close(first);
    ks__session_close(stale);
    ks__session_close(last);
    ks__session_close(busy);
}
END_TEST

START_TEST(who_loses_its_partitions_behind_its_commit_has_committed)
{
    struct ks__session *member = open_session("group", "id"), *other, *busy;
    struct ks__position position = { "in", 0, 1, NULL };
    const char         *topic = "in";

    ck_assert_int_eq(ks__session_subscribe(member, &topic, 1, -1), KS_OK);
    expect_event(member, KS__EVENT_ASSIGNED);
    ck_assert_int_eq(ks__session_begin(member, -1), KS_OK);
    append_text(member, "out", 0, "k", "in time", 1);
    busy = busy_disk();
    ck_assert_int_eq(ks__session_commit(member, &position, 1, 0), KS_EAGAIN);
    ks__manual_clock_advance(&test_clock, 60000);       /* it is thrown out by the one that joins */
    other = open_session("group", NULL);
    ck_assert_int_eq(ks__session_subscribe(other, &topic, 1, 0), KS_EAGAIN);
    disk_release();
    ck_assert_int_eq(ks__session_subscribe(other, &topic, 1, -1), KS_OK);
    ck_assert_int_eq(ks__session_commit(member, &position, 1, 0), KS_OK);
    ck_assert_int_eq(committed_of("group", "in", 0), 1);
    ck_assert_int_eq(ks__session_begin(member, -1), KS_OK);
    append_text(member, "out", 0, "k", "late", 1);
    position.offset = 2;
    ck_assert_int_eq(ks__session_commit(member, &position, 1, 30000), KS_EFENCED);
    ck_assert_int_eq(ks__session_abort(member, -1), KS_OK);
    ck_assert_str_eq(read_all("out", 0, 0), "in time ");
    ks__session_close(other);
    ks__session_close(member);
    ks__session_close(busy);
}
END_TEST

/* ---- too late ---- */

START_TEST(an_abort_that_comes_too_late_says_so)
{
    struct ks__session *session = transaction("id", "kept");

    disk_hold(data_file);
    ck_assert_int_eq(commit(session, 0), KS_EAGAIN);
    ck_assert_int_eq(ks__session_abort(session, 0), KS_EAGAIN);
    disk_release();
    ck_assert_int_eq(ks__session_abort(session, -1), KS_ESTATE);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks__session_error(session)), "committed"));
    ck_assert_int_eq(ks__session_begin(session, 0), KS_OK);
    append_text(session, "out", 0, "k", "dropped", 1);
    ck_assert_int_eq(ks__session_abort(session, 0), KS_OK);
    ck_assert_str_eq(read_all("out", 0, 0), "kept ");
    ks__session_close(session);
}
END_TEST

START_TEST(a_push_under_way_is_no_obstacle_to_flush_and_offsets)
{
    struct ks__session *session  = open_session("group", NULL);
    struct ks__position position = { "in", 0, 3, NULL };
    struct ks__topic   *out;

    ck_assert_int_eq(ks__session_topic(session, "out", &out, -1), KS_OK);
    append_text(session, "out", 0, "k", "1", 1);
    disk_hold(data_file);
    ck_assert(ks__session_push(session));
    disk_await(1);
    append_text(session, "out", 0, "k", "2", 1);
    ck_assert(ks__session_push(session));       /* as soon as the other one is through */
    ck_assert_int_eq(ks__topic_appended(out, 0), KS__OFFSET_NONE);
    ck_assert_int_eq(ks__session_flush(session, 0), KS_EAGAIN);
    disk_let_through(1);
    disk_await(1);
    while (disk_syncs() < 2)
        ck_assert_int_eq(ks__session_flush(session, 0), KS_EAGAIN);
    ck_assert_int_eq(ks__topic_appended(out, 0), 1);
    disk_release();
    ck_assert_int_eq(ks__session_flush(session, 30000), KS_OK);
    ck_assert_int_eq(ks__topic_appended(out, 0), 2);
    ck_assert_int_eq(ks__session_commit_offsets(session, &position, 1, 30000), KS_OK);
    ck_assert_str_eq(read_all("out", 0, 0), "1 2 ");
    ck_assert_int_eq(committed_of("group", "in", 0), 3);
    ks__session_close(session);
}
END_TEST

/* Whatever cannot be stored stays where it was, in its order. */
START_TEST(records_of_a_refused_flush_are_stored_by_the_next_one_in_their_order)
{
    struct ks__session *member = open_session("group", NULL), *other;
    const char         *topic  = "in";

    ck_assert_int_eq(ks__session_subscribe(member, &topic, 1, -1), KS_OK);
    expect_event(member, KS__EVENT_ASSIGNED);
    ks__manual_clock_advance(&test_clock, 60000);
    other = open_session("group", NULL);
    ck_assert_int_eq(ks__session_subscribe(other, &topic, 1, -1), KS_OK);  /* throws it out */
    append_text(member, "out", 0, "k", "1", 1);
    append_text(member, "out", 0, "k", "2", 1);
    disk_hold(data_file);
    ck_assert_int_eq(ks__session_flush(member, 0), KS_EAGAIN);
    append_text(member, "out", 0, "k", "3", 1);
    disk_release();
    ck_assert_int_eq(ks__session_flush(member, 30000), KS_EFENCED);
    ck_assert_int_eq(expect_event(member, KS__EVENT_LOST)[0], 'i');
    while (ks__session_flush(member, 30000) != KS_OK) { /* a member again, as soon as it is told */
        struct ks__event event;

        if (ks__session_poll(other, &event))
            ck_assert_int_eq(ks__session_acknowledge(other, -1), KS_OK);
        if (ks__session_poll(member, &event))
            ck_assert_int_eq(ks__session_acknowledge(member, -1), KS_OK);
    }
    ck_assert_str_eq(read_all("out", 0, 0), "1 2 3 ");
    ks__session_close(other);
    ks__session_close(member);
}
END_TEST

/* ---- closing ---- */

START_TEST(a_session_with_a_wake_is_closed_at_once_and_what_it_handed_over_is_decided)
{
    struct ks__wake     wake;
    struct ks__session *session, *busy;
    const char         *topic = "in";

    ck_assert_int_eq(ks__wake_init(&wake), KS_OK);
    session = open_woken(&wake, NULL);
    ck_assert_int_eq(ks__session_subscribe(session, &topic, 1, 30000), KS_OK);
    expect_event(session, KS__EVENT_ASSIGNED);
    busy = busy_disk();
    append_text(session, "out", 0, "k", "last", 1);
    ck_assert_int_eq(ks__session_flush(session, 0), KS_EAGAIN);
    ks__session_close(session);                 /* and it leaves the group, behind that */
    ks__wake_release(&wake);
    disk_release();
    ks__session_close(busy);
    contract_reopen();                          /* the last close writes what is left */
    ck_assert_str_eq(read_all("out", 0, 0), "last ");
    session = open_session("group", NULL);
    ck_assert_int_eq(ks__session_subscribe(session, &topic, 1, -1), KS_OK);
    ck_assert_str_eq(expect_event(session, KS__EVENT_ASSIGNED), "in-0 in-1 ");
    ks__session_close(session);
}
END_TEST

START_TEST(a_session_closed_while_it_joins_leaves_no_member_behind)
{
    struct ks__wake     wake;
    struct ks__session *session;
    const char         *topic = "in";

    ck_assert_int_eq(ks__wake_init(&wake), KS_OK);
    session = open_woken(&wake, NULL);
    disk_hold(data_file);
    ck_assert_int_eq(ks__session_subscribe(session, &topic, 1, 0), KS_EAGAIN);
    ks__session_close(session);
    disk_release();
    session = open_session("group", NULL);
    ck_assert_int_eq(ks__session_subscribe(session, &topic, 1, -1), KS_OK);
    ck_assert_str_eq(expect_event(session, KS__EVENT_ASSIGNED), "in-0 in-1 ");
    ks__session_close(session);
    ks__wake_release(&wake);
}
END_TEST

static int count_entries(const char *path)
{
    DIR *dir   = opendir(path);
    int  count = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

START_TEST(the_thread_comes_with_who_does_not_wait_and_goes_with_the_log)
{
    const int           threads = count_entries("/proc/self/task");
    const int           files   = count_entries("/proc/self/fd");
    struct ks__session *session = transaction("id", "v");

    ck_assert_int_eq(commit(session, -1), KS_OK);
    ck_assert_str_eq(read_all("out", 0, 0), "v ");
    ck_assert_int_eq(count_entries("/proc/self/task"), threads);
    ck_assert_int_eq(ks__session_begin(session, 0), KS_OK);
    append_text(session, "out", 0, "k", "w", 1);
    while (commit(session, 0) == KS_EAGAIN)
        ;
    ck_assert_int_eq(count_entries("/proc/self/task"), threads + 1);
    ck_assert_int_eq(count_entries("/proc/self/fd"), files);
    ks__session_close(session);
    ks__cluster_close(cluster);
    ck_assert_int_eq(count_entries("/proc/self/task"), threads - 1);   /* that of the FIFO, too */
    cluster = NULL;
    contract_reopen();
}
END_TEST

START_TEST(without_a_thread_the_callers_write_themselves)
{
    struct ks__embedded_log *log =
        (struct ks__embedded_log *)((struct ks__local_cluster *)cluster)->log;
    struct ks__wake     wake;
    struct ks__session *session;
    const char         *topic = "in";

    log->queue.threadless = true;               /* as if it could not be started */
    ck_assert_int_eq(ks__wake_init(&wake), KS_OK);
    session = open_woken(&wake, "id");
    ck_assert_int_eq(ks__session_subscribe(session, &topic, 1, 0), KS_OK);
    expect_event(session, KS__EVENT_ASSIGNED);
    ck_assert_int_eq(ks__session_begin(session, 0), KS_OK);
    append_text(session, "out", 0, "k", "v", 1);
    ck_assert_int_eq(commit(session, 0), KS_OK);
    ks__session_close(session);
    ck_assert_str_eq(read_all("out", 0, 0), "v ");
    session = open_session("group", NULL);      /* it has left, too */
    ck_assert_int_eq(ks__session_subscribe(session, &topic, 1, 0), KS_OK);
    ck_assert_str_eq(expect_event(session, KS__EVENT_ASSIGNED), "in-0 in-1 ");
    ks__session_close(session);
    ks__wake_release(&wake);
}
END_TEST

/* ---- other processes ---- */

static int ended(pid_t child)
{
    int status;

    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

START_TEST(a_child_of_fork_is_refused_and_the_parent_goes_on)
{
    struct ks__session *idle = open_session(NULL, NULL), *busy = busy_disk();
    pid_t               child;

    append_text(idle, "out", 0, "k", "v", 1);
    fflush(NULL);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (ks__session_flush(idle, -1) != KS_ESTATE || ks__session_flush(idle, 0) != KS_ESTATE)
            _exit(1);
        if (strstr(ks_error_message(ks__session_error(idle)), "fork") == NULL)
            _exit(2);
        ks__session_close(idle);
        ks__cluster_close(cluster);             /* neither hangs nor takes anything away */
        _exit(0);
    }
    ck_assert_int_eq(ended(child), 0);
    disk_release();
    ck_assert_int_eq(ks__session_flush(busy, 30000), KS_OK);
    ck_assert_int_eq(ks__session_flush(idle, 30000), KS_OK);
    ck_assert_str_eq(read_all("out", 0, 0), "v ");
    ks__session_close(idle);
    ks__session_close(busy);
}
END_TEST

/* One input record processed: an output and the position behind it, in one transaction, up to its
 * commit. */
static struct ks__session *process_one(void)
{
    struct ks__session *session = open_session("group", "id");

    ck_assert_int_eq(ks__session_begin(session, -1), KS_OK);
    append_text(session, "out", 0, "k", "done", 1);
    return session;
}

static ks_status commit_one(struct ks__session *session, int timeout_ms)
{
    struct ks__position position = { "in", 0, 1, NULL };

    return ks__session_commit(session, &position, 1, timeout_ms);
}

static void die_before_it_is_decided(void)
{
    struct ks__session *session = process_one();

    disk_hold(data_file);
    if (commit_one(session, 0) != KS_EAGAIN)
        _exit(1);
    disk_await(1);
    raise(SIGKILL);
}

/* Nobody was told, but it is there. */
static void die_when_it_is_decided(void)
{
    if (commit_one(process_one(), 0) != KS_EAGAIN)
        _exit(1);
    while (committed_of("group", "in", 0) != 1)
        usleep(1000);
    raise(SIGKILL);
}

START_TEST(a_kill_before_it_was_told_the_decision_loses_nothing_and_doubles_nothing)
{
    static void (*const deaths[])(void) = { die_before_it_is_decided, die_when_it_is_decided };
    int                 status;
    pid_t               child;

    ks__cluster_close(cluster);
    cluster = NULL;
    fflush(NULL);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        contract_reopen();
        deaths[_i]();
        _exit(0);
    }
    status = ended(child);
    contract_reopen();
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_assert_int_eq(committed_of("group", "in", 0), _i == 0 ? -1 : 1);
    if (committed_of("group", "in", 0) != 1) {  /* what a restart does */
        struct ks__session *again = process_one();

        ck_assert_int_eq(commit_one(again, -1), KS_OK);
        ks__session_close(again);
    }
    ck_assert_str_eq(read_all("out", 0, 0), "done ");
    ck_assert_int_eq(committed_of("group", "in", 0), 1);
}
END_TEST

int main(void)
{
    Suite   *s = suite_create("queue");
    TCase   *c = tcase_create("queue");
    SRunner *runner;
    int      failed;

    contract_use(&embedded);
    tcase_set_timeout(c, 20);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_flush_without_time_is_decided_by_the_disk_and_appends_go_on_meanwhile);
    tcase_add_test(c, a_commit_asked_about_again_and_again_is_made_once);
    tcase_add_test(c, the_wake_is_set_when_it_is_decided_and_not_before);
    tcase_add_test(c, topics_and_trims_without_time_are_decided_by_the_disk_too);
    tcase_add_test(c, joining_and_acknowledging_without_time_are_decided_by_the_disk_too);
    tcase_add_test(c, an_idle_member_writes_nothing_and_wakes_nobody);
    tcase_add_test(c, commits_that_wait_are_one_transaction);
    tcase_add_test(c, a_fenced_member_of_a_group_fails_alone);
    tcase_add_test(c, who_loses_its_partitions_behind_its_commit_has_committed);
    tcase_add_test(c, an_abort_that_comes_too_late_says_so);
    tcase_add_test(c, a_push_under_way_is_no_obstacle_to_flush_and_offsets);
    tcase_add_test(c, records_of_a_refused_flush_are_stored_by_the_next_one_in_their_order);
    tcase_add_test(c, a_session_with_a_wake_is_closed_at_once_and_what_it_handed_over_is_decided);
    tcase_add_test(c, a_session_closed_while_it_joins_leaves_no_member_behind);
    tcase_add_test(c, the_thread_comes_with_who_does_not_wait_and_goes_with_the_log);
    tcase_add_test(c, without_a_thread_the_callers_write_themselves);
    tcase_add_test(c, a_child_of_fork_is_refused_and_the_parent_goes_on);
    tcase_add_loop_test(c, a_kill_before_it_was_told_the_decision_loses_nothing_and_doubles_nothing,
                        0, 2);
    suite_add_tcase(s, c);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

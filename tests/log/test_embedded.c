/* SPDX-License-Identifier: Apache-2.0
 *
 * test_embedded.c - the contract on the embedded log, and what only it does: restart, several
 * processes, directories that are not ours, a full file.
 */
#include "base/io.h"
#include "log/contract.h"
#include "log/embedded/embedded.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64];

static void open_log(char *address, size_t size)
{
    snprintf(directory, sizeof(directory), "/tmp/ks-test-log-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(address, size, "embedded:%s/log", directory);
}

static void close_log(void)
{
    ck_assert_int_eq(ks__io_remove_tree(directory), 0);
}

static const struct contract embedded = { "embedded", open_log, close_log, true };

/* ---- restart ---- */

START_TEST(a_restart_keeps_everything)
{
    struct ks__session *session  = open_session("group", "id"), *old;
    struct ks__position position = { "in", 1, 5, "note" };
    ks_headers         *headers  = ks_headers_new();
    int32_t             partitions;

    create("in", 2);
    ck_assert_int_eq(ks_headers_add(headers, "name", KS_TEXT("value")), KS_OK);
    ck_assert_int_eq(ks__session_begin(session, 0), KS_OK);
    append_text(session, "in", 1, "k", "one", 1);
    append_text(session, "in", 1, NULL, "two", 2);
    ck_assert_int_eq(ks__session_commit(session, &position, 1, -1), KS_OK);
    ck_assert_int_eq(ks__cluster_trim(cluster, "in", 1, 1, -1, NULL), KS_OK);
    ck_assert_int_eq(ks__session_begin(session, 0), KS_OK);
    append_text(session, "in", 1, "k", "lost", 1);
    ks__session_close(session);
    contract_reopen();
    ck_assert_int_eq(ks__cluster_partitions(cluster, "in", &partitions, 0, NULL), KS_OK);
    ck_assert_int_eq(partitions, 2);
    ck_assert_str_eq(read_all("in", 1, 1), "two ");
    ck_assert_int_eq(offset_of("in", 1, KS__OFFSET_BEGIN), 1);
    ck_assert_int_eq(offset_of("in", 1, KS__OFFSET_END), 2);
    ck_assert_int_eq(committed_of("group", "in", 1), 5);
    old = open_session("group", "id");
    ck_assert_int_eq(ks__session_begin(old, 0), KS_OK);
    append_text(old, "in", 1, "k", "three", 1);
    ck_assert_int_eq(ks__session_commit(old, NULL, 0, -1), KS_OK);
    ck_assert_str_eq(read_all("in", 1, 1), "two three ");
    ks__session_close(old);
    ks_headers_free(headers);
}
END_TEST

START_TEST(a_log_whose_file_was_cut_off_is_refused_and_kept)
{
    struct ks__session *session = open_session("group", "id");
    ks_error            failure = { .status = KS_OK };
    char                path[96];
    struct stat         found, now;

    create("in", 1);
    ck_assert_int_eq(ks__session_begin(session, 0), KS_OK);
    append_text(session, "in", 0, "k", "one", 1);
    ck_assert_int_eq(ks__session_commit(session, NULL, 0, -1), KS_OK);
    ks__session_close(session);
    ks__cluster_close(cluster);
    snprintf(path, sizeof(path), "%s/log/data.mdb", directory);
    ck_assert_int_eq(stat(path, &found), 0);
    ck_assert_int_eq(truncate(path, found.st_size / 2), 0);
    ck_assert_int_eq(ks__cluster_open(&cluster, contract_address(), NULL, &failure), KS_ECORRUPT);
    ck_assert_ptr_nonnull(strstr(failure.message, "was cut off"));
    ck_assert_ptr_null(cluster);
    ck_assert_int_eq(stat(path, &now), 0);
    ck_assert_int_eq(now.st_size, found.st_size / 2);
}
END_TEST

/* ---- processes ---- */

/* Start a process that opens the log by itself; our own cluster is closed meanwhile, as nothing of
 * a log may be carried over a fork. */
static pid_t start_process(void (*body)(void))
{
    pid_t child;

    ks__cluster_close(cluster);
    cluster = NULL;
    fflush(NULL);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        contract_reopen();
        body();
        ks__cluster_close(cluster);
        _exit(0);
    }
    contract_reopen();
    return child;
}

static void wait_for(const char *topic, int64_t end)
{
    for (int i = 0; i < 20000 && offset_of(topic, 0, KS__OFFSET_END) < end; i++)
        usleep(1000);
    ck_assert_int_ge(offset_of(topic, 0, KS__OFFSET_END), end);
}

static void write_when_asked(void)
{
    struct ks__session *session = open_session(NULL, NULL);

    append_text(session, "hello", 0, "k", "here", 1);
    if (ks__session_flush(session, -1) != KS_OK)
        _exit(1);
    wait_for("ask", 1);
    append_text(session, "in", 0, "k", "answer", 1);
    if (ks__session_flush(session, -1) != KS_OK)
        _exit(1);
    ks__session_close(session);
}

START_TEST(a_record_of_another_process_wakes_a_reader)
{
    struct ks__wake            wake;
    struct ks__session_options options = { .wake = &wake };
    struct ks__session        *session;
    struct ks__source         *source;
    struct ks__batch           batch;
    pid_t                      child;
    int                        status;

    create("hello", 1);
    create("ask", 1);
    create("in", 1);
    child = start_process(write_when_asked);
    wait_for("hello", 1);
    ck_assert_int_eq(ks__wake_init(&wake), KS_OK);
    ck_assert_int_eq(ks__session_open(&session, cluster, &options, NULL), KS_OK);
    ck_assert_int_eq(ks__session_start(session, "in", 0, 0, &source), KS_OK);
    for (int asked = 0;;) {
        ck_assert_int_eq(ks__source_fetch(source, 10, &batch), KS_OK);
        if (batch.count > 0)
            break;
        if (!asked++)
            append_text(session, "ask", 0, "k", "?", 1);
        ck_assert_int_eq(ks__session_flush(session, -1), KS_OK);
        ck_assert(ks__wake_wait(&wake, 20000));
        ks__wake_drain(&wake);
    }
    ck_assert_mem_eq(batch.records[0].record.value.data, "answer", 6);
    ks__batch_release(&batch);
    ks__session_stop(session, source);
    ks__session_close(session);
    ks__wake_release(&wake);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

static void join_and_hang(void)
{
    struct ks__session *session = open_session("group", NULL), *writer = open_session(NULL, NULL);
    const char         *topic   = "in";

    if (ks__session_subscribe(session, &topic, 1, 30000) != KS_OK)
        _exit(1);
    expect_event(session, KS__EVENT_ASSIGNED);
    append_text(writer, "hello", 0, "k", "joined", 1);
    if (ks__session_flush(writer, -1) != KS_OK)
        _exit(1);
    for (;;)
        pause();
}

START_TEST(partitions_of_a_killed_process_go_to_the_living_at_once)
{
    struct ks__session *session;
    struct ks__event    event;
    const char         *topic = "in";
    pid_t               child;

    create("hello", 1);
    create("in", 2);
    child = start_process(join_and_hang);
    wait_for("hello", 1);
    session = open_session("group", NULL);
    ck_assert_int_eq(ks__session_subscribe(session, &topic, 1, 30000), KS_OK);
    ck_assert(!ks__session_poll(session, &event));      /* the other one has them still */
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ks__manual_clock_advance(&test_clock, 1000);        /* far less than the session's timeout */
    ck_assert_str_eq(expect_event(session, KS__EVENT_ASSIGNED), "in-0 in-1 ");
    ks__session_close(session);
}
END_TEST

static void write_elsewhere(void)
{
    struct ks__session *session = open_session(NULL, NULL);

    append_text(session, "hello", 0, "k", "here", 1);
    if (ks__session_flush(session, -1) != KS_OK)
        _exit(1);
    wait_for("ask", 1);
    append_text(session, "other", 1, "k", "v", 1);
    if (ks__session_flush(session, -1) != KS_OK)
        _exit(1);
    ks__session_close(session);
}

/* A session that has read a partition to its end and waits. */
static struct ks__session *hungry_session(struct ks__wake *wake, const char *topic,
                                          int32_t partition)
{
    struct ks__session_options options = { .wake = wake };
    struct ks__session        *session;
    struct ks__source         *source;
    struct ks__batch           batch;

    ck_assert_int_eq(ks__wake_init(wake), KS_OK);
    ck_assert_int_eq(ks__session_open(&session, cluster, &options, NULL), KS_OK);
    ck_assert_int_eq(ks__session_start(session, topic, partition, 0, &source), KS_OK);
    do {
        ck_assert_int_eq(ks__source_fetch(source, 10, &batch), KS_OK);
        ck_assert_uint_eq(batch.count, 0);
    } while (!batch.caught_up);
    ks__wake_drain(wake);
    return session;
}

START_TEST(a_record_of_another_process_wakes_the_readers_of_its_partition_alone)
{
    static const struct { const char *topic; int32_t partition; } idle[2] = { { "in", 1 },
                                                                              { "other", 0 } };
    struct ks__wake     wakes[2], wake;
    struct ks__session *sessions[2], *session, *writer;
    pid_t               child;
    int                 status;

    create("hello", 1);
    create("ask", 1);
    create("in", 2);
    create("other", 2);
    child = start_process(write_elsewhere);
    wait_for("hello", 1);
    usleep(50000);                              /* its poke has come */
    for (int i = 0; i < 2; i++)
        sessions[i] = hungry_session(&wakes[i], idle[i].topic, idle[i].partition);
    session = hungry_session(&wake, "other", 1);
    writer  = open_session(NULL, NULL);
    append_text(writer, "ask", 0, "k", "?", 1);
    ck_assert_int_eq(ks__session_flush(writer, -1), KS_OK);
    ck_assert(ks__wake_wait(&wake, 20000));
    for (int i = 0; i < 2; i++) {
        ck_assert(!ks__wake_wait(&wakes[i], 100));
        ks__session_close(sessions[i]);
        ks__wake_release(&wakes[i]);
    }
    ks__session_close(writer);
    ks__session_close(session);
    ks__wake_release(&wake);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* ---- waiters ---- */

struct heard {
    struct ks__mutex mutex;
    atomic_int       told, all, groups;
};

static void hear(void *user, const struct ks__poke *pokes, size_t count)
{
    struct heard *heard = user;

    ks__mutex_lock(&heard->mutex);
    for (size_t i = 0; i < count; i++) {
        heard->told += pokes[i].partition >= 0 && pokes[i].end == 7;
        heard->all += pokes[i].partition == KS__POKE_ALL;
        heard->groups += pokes[i].partition == KS__POKE_GROUPS;
    }
    ks__mutex_unlock(&heard->mutex);
}

static void open_waiters(struct ks__waiters *waiters, struct heard *heard)
{
    ck_assert_int_eq(ks__mutex_init(&heard->mutex), KS_OK);
    atomic_init(&heard->told, 0);
    atomic_init(&heard->all, 0);
    atomic_init(&heard->groups, 0);
    ck_assert_int_eq(ks__waiters_open(waiters, directory, hear, heard, NULL), KS_OK);
}

static void await(atomic_int *number, int least)
{
    for (int i = 0; i < 20000 && atomic_load(number) < least; i++)
        usleep(1000);
    ck_assert_int_ge(atomic_load(number), least);
}

START_TEST(pokes_that_were_lost_in_a_full_fifo_are_known_to_be_lost)
{
    struct ks__poke    pokes[KS__POKE_LIMIT + 1];
    struct ks__waiters one, other;
    struct heard       heard, none;

    for (size_t i = 0; i <= KS__POKE_LIMIT; i++)
        pokes[i] = (struct ks__poke){ .topic = 3, .partition = (int32_t)i, .end = 7 };
    open_waiters(&one, &none);
    open_waiters(&other, &heard);
    ks__waiters_poke(&one, pokes, KS__POKE_LIMIT);
    await(&heard.told, KS__POKE_LIMIT);
    ck_assert_int_eq(atomic_load(&heard.all), 0);
    ks__waiters_poke(&one, pokes, KS__POKE_LIMIT + 1);
    await(&heard.all, 1);
    ck_assert_int_eq(atomic_load(&heard.told), KS__POKE_LIMIT);
    ck_assert_int_eq(atomic_load(&heard.groups), 0);
    ks__mutex_lock(&heard.mutex);
    for (int i = 0; i < 100; i++)               /* 100 KiB into at most 64 */
        ks__waiters_poke(&one, pokes, KS__POKE_LIMIT);
    ks__mutex_unlock(&heard.mutex);
    await(&heard.all, 2);
    await(&heard.groups, 1);                    /* one of the lost may have told of a group */
    pokes[0].partition = KS__POKE_GROUPS;
    ks__waiters_poke(&one, pokes, 1);
    await(&heard.groups, 2);
    ck_assert_int_eq(atomic_load(&none.told) + atomic_load(&none.all), 0);
    ks__waiters_close(&one);
    ks__waiters_close(&other);
    ks__mutex_release(&heard.mutex);
    ks__mutex_release(&none.mutex);
}
END_TEST

START_TEST(a_process_is_not_dead_because_no_descriptor_is_left_to_ask_it)
{
    struct ks__waiters one, other;
    struct heard       heard, none;
    struct rlimit      old, limit;
    char               name[64];
    bool               alive;

    open_waiters(&one, &none);
    open_waiters(&other, &heard);
    snprintf(name, sizeof(name), "%s", other.name);
    ck_assert(ks__waiters_is_alive(&one, name));
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    limit = (struct rlimit){ 3, old.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    alive = ks__waiters_is_alive(&one, name);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
    ck_assert(alive);
    ks__waiters_close(&other);
    ck_assert(!ks__waiters_is_alive(&one, name));
    ks__waiters_close(&one);
    ks__mutex_release(&heard.mutex);
    ks__mutex_release(&none.mutex);
}
END_TEST

/* ---- damage ---- */

/* Keep a group as it never is. */
static void keep_group(struct ks__group *group)
{
    struct ks__embedded_log *log =
        (struct ks__embedded_log *)((struct ks__local_cluster *)cluster)->log;
    struct ks__txn *txn;

    ck_assert_int_eq(ks__txn_begin_write(log->env, &txn, NULL), KS_OK);
    ck_assert_int_eq(ks__row_put_group(log, txn, group), KS_OK);
    ck_assert_int_eq(ks__txn_commit(txn), KS_OK);
}

START_TEST(a_damaged_group_is_an_error)
{
    char                        in[] = "in", more[] = "more", id[] = "id", name[] = "group";
    char                       *topics[] = { in, more }, *unsorted[] = { more, in };
    const char                 *topic = "in";
    struct ks__member_partition owned  = { in, 0 };
    struct ks__member           member = { .id = id, .topics = topics, .topic_count = 2,
                                           .owned = &owned, .owned_count = 1, .timeout_ms = 1000000,
                                           .phase = KS__MEMBER_JOINING };
    struct ks__member          *members = &member;
    struct ks__group            group = { .name = name, .rebalancing = true, .members = &members,
                                          .count = 1 };
    struct ks__session         *session = open_session("group", NULL);

    create("in", 1);
    keep_group(&group);                         /* who waits for partitions has some */
    ck_assert_int_eq(ks__session_subscribe(session, &topic, 1, 30000), KS_ECORRUPT);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks__session_error(session)), "group"));
    member.owned_count = 0;
    member.topics      = unsorted;
    keep_group(&group);
    ck_assert_int_eq(ks__session_subscribe(session, &topic, 1, 30000), KS_ECORRUPT);
    member.topics    = topics;
    group.generation = INT32_MAX;
    keep_group(&group);
    ck_assert_int_eq(ks__session_subscribe(session, &topic, 1, 30000), KS_ECORRUPT);
    group.generation = 3;
    keep_group(&group);
    ck_assert_int_eq(ks__session_subscribe(session, &topic, 1, 30000), KS_OK);
    ks__session_close(session);
}
END_TEST

/* ---- compaction ---- */

/* Write keys 0..9 over and over, with a commit every 500 records; each value is its number. */
static void overwrite(struct ks__session *session, int from, int to)
{
    char key[16], value[16];

    for (int i = from; i < to; i++) {
        snprintf(key, sizeof(key), "%d", i % 10);
        snprintf(value, sizeof(value), "%d", i);
        append_text(session, "table", 0, key, value, 1);
        if (i % 500 == 499)
            ck_assert_int_eq(ks__session_flush(session, -1), KS_OK);
    }
    ck_assert_int_eq(ks__session_flush(session, -1), KS_OK);
}

/* Read all of "table": how many records there are, and the last value of each key. */
static size_t read_table(int64_t from, int last[10])
{
    struct ks__session *session = open_session(NULL, NULL);
    struct ks__source  *source;
    struct ks__batch    batch;
    size_t              count = 0;
    int64_t             before = -1;

    ck_assert_int_eq(ks__session_start(session, "table", 0, from, &source), KS_OK);
    do {
        ck_assert_int_eq(ks__source_fetch(source, 1000, &batch), KS_OK);
        for (size_t i = 0; i < batch.count; i++) {
            const ks_record *record = &batch.records[i].record;
            char             text[16] = "";

            ck_assert_int_gt(batch.records[i].offset, before);
            before = batch.records[i].offset;
            memcpy(text, record->value.data, record->value.size);
            ck_assert_int_eq(atoi(text), before);       /* every record kept its offset */
            last[*(const char *)record->key.data - '0'] = atoi(text);
        }
        count += batch.count;
        ks__batch_release(&batch);
    } while (!batch.caught_up);
    ks__session_stop(session, source);
    ks__session_close(session);
    return count;
}

START_TEST(a_compacted_topic_shrinks_and_keeps_the_last_of_each_key)
{
    const struct ks__topic_spec spec = { "table", 1, true, 0, NULL };
    struct ks__session         *session = open_session(NULL, NULL);
    int                         last[10] = { 0 };

    ck_assert_int_eq(ks__cluster_create(cluster, &spec, 1, -1, NULL), KS_OK);
    append_text(session, "table", 0, "5", "0", 1);
    ck_assert_int_eq(ks__session_flush(session, -1), KS_OK);
    overwrite(session, 1, 69000);
    ck_assert_uint_lt(read_table(0, last), 5000);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(last[i], 68990 + i);
    ck_assert_int_eq(offset_of("table", 0, KS__OFFSET_BEGIN), 0);
    ck_assert_int_eq(offset_of("table", 0, KS__OFFSET_END), 69000);
    ck_assert_uint_lt(read_table(33333, last), 5000);   /* from the middle of a hole */
    ks__session_close(session);
    contract_reopen();
    session = open_session(NULL, NULL);
    overwrite(session, 69000, 140000);
    ck_assert_uint_lt(read_table(0, last), 10000);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(last[i], 139990 + i);
    ks__session_close(session);
}
END_TEST

/* ---- a full log ---- */

static ks_status fill(struct ks__session *session, int64_t *stored)
{
    static const char filler[60000];
    ks_record         record = { .value = { filler, sizeof(filler) }, .timestamp_ms = 1 };
    struct ks__topic *topic;
    ks_status         status = ks__session_topic(session, "in", &topic, 0);

    while (status == KS_OK) {
        for (int i = 0; i < 50 && status == KS_OK; i++)
            status = ks__topic_append(topic, 0, &record);
        if (status == KS_OK)
            status = ks__session_flush(session, -1);
        if (status == KS_OK)
            *stored += 50;
    }
    return status;
}

/* With little address space the map is halved until it fits; then it can be filled. The exit status
 * says which expectation failed. */
static void fill_a_small_map(void)
{
    struct rlimit       limit = { 400u << 20, 400u << 20 };
    struct ks__session *session;
    int64_t             stored = 0;

    ks__cluster_close(cluster);
    cluster = NULL;
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        _exit(2);
    contract_reopen();
    session = open_session(NULL, NULL);
    if (fill(session, &stored) != KS_EFULL)
        _exit(3);
    if (ks_error_message(ks__session_error(session))[0] == '\0')
        _exit(4);
    if (offset_of("in", 0, KS__OFFSET_END) != stored)
        _exit(5);
    if (ks__cluster_trim(cluster, "in", 0, stored / 2, -1, NULL) != KS_OK)
        _exit(6);
    if (ks__session_flush(session, -1) != KS_OK)         /* what was staged is still there */
        _exit(7);
    if (offset_of("in", 0, KS__OFFSET_END) != stored + 50)
        _exit(8);
    ks__session_close(session);
}

START_TEST(a_full_log_says_so_and_loses_nothing)
{
    pid_t child;
    int   status;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return;                                     /* their shadow needs all the address space */
#endif
    create("in", 1);
    child = start_process(fill_a_small_map);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* ---- directories ---- */

static void expect_refusal(const char *path, ks_status expected, const char *part)
{
    struct ks__cluster *none;
    char                address[256];
    ks_error            error = { .status = KS_OK };

    snprintf(address, sizeof(address), "embedded:%s", path);
    ck_assert_int_eq(ks__cluster_open(&none, address, NULL, &error), expected);
    ck_assert_ptr_null(none);
    ck_assert_msg(strstr(error.message, part) != NULL, "%s", error.message);
}

START_TEST(a_directory_that_is_not_ours_is_refused)
{
    char path[128], link[128];

    snprintf(path, sizeof(path), "%s/log", directory);
    snprintf(link, sizeof(link), "%s/link", directory);
    ck_assert_int_eq(symlink(path, link), 0);
    expect_refusal(link, KS_EACCESS, "symbolic link");
    strcat(link, "/");
    expect_refusal(link, KS_EACCESS, "symbolic link");
    snprintf(path, sizeof(path), "%s/file", directory);
    ck_assert_int_eq(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
    expect_refusal(path, KS_EIO, "no directory");
    if (geteuid() == 0) {
        snprintf(path, sizeof(path), "%s/foreign", directory);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        ck_assert_int_eq(chown(path, 12345, 12345), 0);
        expect_refusal(path, KS_EACCESS, "12345");
    } else {
        snprintf(path, sizeof(path), "%s/closed", directory);
        ck_assert_int_eq(mkdir(path, 0500), 0);
        expect_refusal(path, KS_EACCESS, "closed");
    }
}
END_TEST

START_TEST(two_clusters_of_a_process_share_the_log)
{
    struct ks__cluster *second, *first = cluster;

    create("in", 1);
    ck_assert_int_eq(ks__cluster_open(&second, contract_address(), NULL, NULL), KS_OK);
    cluster = second;
    {
        struct ks__session *session = open_session(NULL, NULL);

        append_text(session, "in", 0, "k", "v", 1);
        ck_assert_int_eq(ks__session_flush(session, -1), KS_OK);
        ks__session_close(session);
    }
    cluster = first;
    ck_assert_str_eq(read_all("in", 0, 0), "v ");
    ks__cluster_close(second);
    ck_assert_str_eq(read_all("in", 0, 0), "v ");
}
END_TEST

int main(void)
{
    Suite   *s = contract_suite(&embedded);
    TCase   *c = tcase_create("embedded");
    SRunner *runner;
    int      failed;

    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, contract_setup, contract_teardown);
    tcase_add_test(c, a_restart_keeps_everything);
    tcase_add_test(c, a_log_whose_file_was_cut_off_is_refused_and_kept);
    tcase_add_test(c, a_compacted_topic_shrinks_and_keeps_the_last_of_each_key);
    tcase_add_test(c, a_record_of_another_process_wakes_a_reader);
    tcase_add_test(c, a_record_of_another_process_wakes_the_readers_of_its_partition_alone);
    tcase_add_test(c, pokes_that_were_lost_in_a_full_fifo_are_known_to_be_lost);
    tcase_add_test(c, a_process_is_not_dead_because_no_descriptor_is_left_to_ask_it);
    tcase_add_test(c, partitions_of_a_killed_process_go_to_the_living_at_once);
    tcase_add_test(c, a_damaged_group_is_an_error);
    tcase_add_test(c, a_directory_that_is_not_ours_is_refused);
    tcase_add_test(c, two_clusters_of_a_process_share_the_log);
    suite_add_tcase(s, c);
    c = tcase_create("full");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, contract_setup, contract_teardown);
    tcase_add_test(c, a_full_log_says_so_and_loses_nothing);
    suite_add_tcase(s, c);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

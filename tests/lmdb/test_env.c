/* SPDX-License-Identifier: Apache-2.0
 *
 * test_env.c - open, close, trust and abandon of LMDB environments, and their transactions.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "base/io.h"
#include "base/thread.h"
#include "lmdb/env.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static char                         directory[64];
static ks_error                     error;
static const struct ks__env_options task_env = { .format = 1, .no_sync = true,
                                                 .topology_hash = "t1" };
static const char                  *boot = "boot-1";

static bool fake_boot_id(char *out, size_t size, void *user)
{
    (void)user;
    if (boot == NULL)
        return false;
    snprintf(out, size, "%s", boot);
    return true;
}

static void set_up(void)
{
    snprintf(directory, sizeof(directory), "/tmp/ks-test-env-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ks__error_clear(&error);
    boot = "boot-1";
    ks__env_set_boot_id(fake_boot_id, NULL);
}

static void tear_down(void)
{
    ck_assert_uint_eq(ks__env_open_count(), 0);
    ks__env_set_boot_id(NULL, NULL);
    ck_assert_int_eq(ks__io_remove_tree(directory), 0);
}

static ks_bytes text(const char *z)
{
    return (ks_bytes){ z, strlen(z) };
}

static struct ks__env *open_env(const struct ks__env_options *options)
{
    struct ks__env *env;
    ks_status       status = ks__env_open(&env, directory, options, &error);

    ck_assert_msg(status == KS_OK, "%s", ks_error_message(&error));
    return env;
}

static void put_one(struct ks__env *env, const char *key, const char *value)
{
    struct ks__txn *txn;
    unsigned        db;

    ck_assert_int_eq(ks__env_database(env, "data", &db, &error), KS_OK);
    ck_assert_int_eq(ks__txn_begin_write(env, &txn, &error), KS_OK);
    ck_assert_int_eq(ks__txn_put(txn, db, text(key), text(value)), KS_OK);
    ck_assert_int_eq(ks__txn_commit(txn), KS_OK);
}

static bool holds(struct ks__env *env, const char *key, const char *value)
{
    struct ks__txn *txn;
    ks_bytes        found;
    unsigned        db;
    bool            same;

    ck_assert_int_eq(ks__env_database(env, "data", &db, &error), KS_OK);
    ck_assert_int_eq(ks__txn_begin_read(env, &txn, &error), KS_OK);
    ck_assert_int_eq(ks__txn_get(txn, db, text(key), &found), KS_OK);
    same = found.data != NULL && found.size == strlen(value) &&
           memcmp(found.data, value, found.size) == 0;
    ks__txn_abort(txn);
    return same;
}

START_TEST(a_clean_close_is_trusted_also_after_a_reboot)
{
    struct ks__env *env = open_env(&task_env);

    ck_assert_int_eq(ks__env_origin(env), KS__ENV_NEW);
    put_one(env, "a", "1");
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
    boot = "boot-2";

    env = open_env(&task_env);
    ck_assert_int_eq(ks__env_origin(env), KS__ENV_TRUSTED);
    ck_assert(holds(env, "a", "1"));
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

START_TEST(an_abandoned_env_is_trusted_until_a_reboot)      /* L3 */
{
    struct ks__env *env = open_env(&task_env);

    put_one(env, "a", "1");
    ks__env_abandon(env);
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);

    env = open_env(&task_env);
    ck_assert_int_eq(ks__env_origin(env), KS__ENV_TRUSTED);
    ck_assert(holds(env, "a", "1"));
    ks__env_abandon(env);
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
    boot = "boot-2";

    env = open_env(&task_env);
    ck_assert_int_eq(ks__env_origin(env), KS__ENV_DISCARDED_BOOT);
    ck_assert(!holds(env, "a", "1"));
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

START_TEST(an_unclean_env_is_not_trusted_when_the_boot_id_is_unknown)
{
    struct ks__env *env;

    boot = NULL;
    env  = open_env(&task_env);
    put_one(env, "a", "1");
    ks__env_abandon(env);
    ks__env_close(env, &error);

    env = open_env(&task_env);
    ck_assert_int_eq(ks__env_origin(env), KS__ENV_DISCARDED_BOOT);
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

static struct ks__env *reopen_after_reboot(const struct ks__env_options *options,
                                           struct ks__env *crashed)
{
    struct ks__env *env = NULL;

    ks__env_abandon(crashed);
    ks__env_close(crashed, &error);
    boot = "boot-2";
    ks__env_open(&env, directory, options, &error);
    return env;
}

START_TEST(who_opens_it_now_does_not_decide_whether_what_was_written_is_trusted)
{
    struct ks__env_options synced = { .format = 1, .keep_always = true };
    struct ks__env        *env    = open_env(&task_env);

    put_one(env, "a", "1");
    ck_assert_ptr_null(reopen_after_reboot(&synced, env));
    ck_assert_int_eq(ks_error_status(&error), KS_ECORRUPT);
}
END_TEST

START_TEST(what_was_synced_is_trusted_after_a_reboot_by_all)
{
    struct ks__env_options synced = { .format = 1, .topology_hash = "t1" };
    struct ks__env        *env    = open_env(&synced);

    put_one(env, "a", "1");
    env = reopen_after_reboot(&task_env, env);
    ck_assert_ptr_nonnull(env);
    ck_assert(holds(env, "a", "1"));
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

START_TEST(one_user_who_syncs_makes_all_of_the_process_sync)
{
    struct ks__env_options lax = { .format = 1, .no_sync = true, .shared = true,
                                   .share_in_process = true };
    struct ks__env_options strict = lax;
    struct ks__env        *one = open_env(&lax), *two;

    put_one(one, "a", "1");
    strict.no_sync = false;
    two            = open_env(&strict);
    put_one(one, "b", "2");
    ks__env_close(one, &error);
    two = reopen_after_reboot(&strict, two);
    ck_assert_ptr_nonnull(two);
    ck_assert(holds(two, "a", "1"));
    ck_assert(holds(two, "b", "2"));
    ck_assert_int_eq(ks__env_close(two, &error), KS_OK);
}
END_TEST

START_TEST(reopening_a_clean_env_marks_it_in_use)           /* L4 */
{
    struct ks__env *env = open_env(&task_env);

    put_one(env, "a", "1");
    ks__env_close(env, &error);
    env = open_env(&task_env);
    ks__env_abandon(env);
    ks__env_close(env, &error);
    boot = "boot-2";

    env = open_env(&task_env);
    ck_assert_int_eq(ks__env_origin(env), KS__ENV_DISCARDED_BOOT);
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

START_TEST(another_format_or_topology_discards)
{
    struct ks__env_options other = task_env;
    struct ks__env        *env   = open_env(&task_env);

    put_one(env, "a", "1");
    ks__env_close(env, &error);
    other.topology_hash = "t2";
    env = open_env(&other);
    ck_assert_int_eq(ks__env_origin(env), KS__ENV_DISCARDED_TOPOLOGY);
    put_one(env, "a", "1");
    ks__env_close(env, &error);
    other.format = 2;
    env = open_env(&other);
    ck_assert_int_eq(ks__env_origin(env), KS__ENV_DISCARDED_FORMAT);
    ck_assert(!holds(env, "a", "1"));
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

static void overwrite(const char *name, const char *content)
{
    char  path[96];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(content, 1, strlen(content), file), strlen(content));
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(damaged_files_are_discarded)
{
    struct ks__env *env = open_env(&task_env);
    char            garbage[9000];

    put_one(env, "a", "1");
    ks__env_close(env, &error);
    memset(garbage, 'x', sizeof(garbage) - 1);
    garbage[sizeof(garbage) - 1] = '\0';
    overwrite("data.mdb", garbage);
    env = open_env(&task_env);
    ck_assert_int_eq(ks__env_origin(env), KS__ENV_DISCARDED_CORRUPT);
    put_one(env, "a", "1");
    ks__env_close(env, &error);

    overwrite("env.gate", "kstream env 1\nformat");
    env = open_env(&task_env);
    ck_assert_int_eq(ks__env_origin(env), KS__ENV_DISCARDED_CORRUPT);
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

START_TEST(an_env_to_keep_is_refused_rather_than_discarded)
{
    struct ks__env_options log_env = { .format = 1, .keep_always = true };
    struct ks__env        *env     = open_env(&log_env);

    put_one(env, "a", "1");
    ks__env_close(env, &error);
    log_env.format = 2;
    ck_assert_int_eq(ks__env_open(&env, directory, &log_env, &error), KS_ECORRUPT);
    ck_assert_ptr_null(env);
    ck_assert_ptr_nonnull(strstr(ks_error_message(&error), "another format"));

    ks__error_clear(&error);
    log_env.format = 1;
    env            = open_env(&log_env);
    ck_assert(holds(env, "a", "1"));
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

START_TEST(a_second_open_in_the_process_is_shared_only_when_both_ask)      /* L1 */
{
    struct ks__env_options shared = { .format = 1, .share_in_process = true };
    struct ks__env        *one    = open_env(&task_env), *two;

    ck_assert_int_eq(ks__env_open(&two, directory, &shared, &error), KS_ESTATE);
    ks__error_clear(&error);
    ks__env_close(one, &error);

    shared.no_sync = true;
    one            = open_env(&shared);
    two            = open_env(&shared);
    ck_assert_ptr_eq(one, two);
    ck_assert_uint_eq(ks__env_open_count(), 1);
    ks__env_close(one, &error);
    put_one(two, "a", "1");
    ck_assert_int_eq(ks__env_close(two, &error), KS_OK);
}
END_TEST

/* A task that lost its partition drops its env as a crash would; who takes over must not have got
 * hold of it before. */
START_TEST(an_env_has_one_owner_at_a_time)
{
    struct ks__env_options owner = { .format = 1, .no_sync = true, .share_in_process = true,
                                     .owner = true };
    struct ks__env_options guest = owner;
    struct ks__env        *one   = open_env(&owner), *two, *three;

    guest.owner = false;
    ck_assert_int_eq(ks__env_open(&two, directory, &owner, &error), KS_ESTATE);
    ck_assert_ptr_nonnull(strstr(error.message, "another thread of this process has it"));
    ks__error_clear(&error);
    three = open_env(&guest);
    ck_assert_ptr_eq(one, three);
    ks__env_disown(one);
    two = open_env(&owner);
    ck_assert_ptr_eq(one, two);
    ks__env_close(one, &error);
    ck_assert_int_eq(ks__env_open(&one, directory, &owner, &error), KS_ESTATE);
    ks__error_clear(&error);
    ks__env_abandon(two);
    one = open_env(&owner);
    ck_assert_ptr_ne(one, two);
    put_one(one, "a", "1");
    ks__env_close(two, &error);
    ks__env_close(three, &error);
    ck_assert(holds(one, "a", "1"));
    ck_assert_int_eq(ks__env_close(one, &error), KS_OK);
}
END_TEST

/* A process of its own that holds the env until it is killed; returns when it is open. */
static pid_t hold_in_child(const struct ks__env_options *options)
{
    int   ready[2];
    char  byte;
    pid_t pid;

    ck_assert_int_eq(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        struct ks__env *env;
        ssize_t         put = -1;

        if (ks__env_open(&env, directory, options, NULL) == KS_OK)
            put = write(ready[1], "x", 1);
        if (put != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

START_TEST(another_process_finds_the_env_locked_until_the_owner_dies)      /* L2 */
{
    struct ks__env *env;
    pid_t           pid = hold_in_child(&task_env);

    ck_assert_int_eq(ks__env_open(&env, directory, &task_env, &error), KS_EBUSY);
    ck_assert_ptr_null(env);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    ks__error_clear(&error);
    env = open_env(&task_env);
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

/* A process that has the env open is killed; what it forked lives on. */
START_TEST(a_child_does_not_hold_the_lock_for_its_dead_parent)
{
    int             ends[2];
    pid_t           owner, child;
    struct ks__env *env;

    ck_assert_int_eq(pipe(ends), 0);
    owner = fork();
    if (owner == 0) {
        open_env(&task_env);
        child = fork();
        if (child == 0) {
            child = getpid();
            if (write(ends[1], &child, sizeof(child)) != (ssize_t)sizeof(child))
                _exit(1);
            sleep(60);
            _exit(0);
        }
        sleep(60);
        _exit(0);
    }
    ck_assert_int_eq(read(ends[0], &child, sizeof(child)), (ssize_t)sizeof(child));
    ck_assert_int_eq(ks__env_open(&env, directory, &task_env, &error), KS_EBUSY);
    ks__error_clear(&error);
    kill(owner, SIGKILL);
    waitpid(owner, NULL, 0);
    env = open_env(&task_env);
    ck_assert_int_eq(kill(child, SIGKILL), 0);      /* it was still there */
    put_one(env, "a", "1");
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

/* Its reader slot and its locks are the parent's. */
START_TEST(a_child_gives_nothing_back_that_is_its_parents)
{
    struct ks__env *env = open_env(&task_env);
    struct ks__txn *txn;
    unsigned        db;
    ks_bytes        found;
    int             status;
    pid_t           pid;

    put_one(env, "a", "1");
    ck_assert_int_eq(ks__env_database(env, "data", &db, &error), KS_OK);
    ck_assert_int_eq(ks__txn_begin_read(env, &txn, &error), KS_OK);
    pid = fork();
    if (pid == 0) {
        alarm(20);
        ks__txn_abort(txn);
        _exit(ks__env_close(env, NULL) == KS_OK ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    for (int i = 0; i < 50; i++)        /* would use the pages again that the snapshot has */
        put_one(env, "a", i % 2 == 0 ? "2" : "3");
    ck_assert_int_eq(ks__txn_get(txn, db, text("a"), &found), KS_OK);
    ck_assert_int_eq(memcmp(found.data, "1", 1), 0);
    ks__txn_abort(txn);
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

START_TEST(processes_share_an_env_that_says_so)
{
    struct ks__env_options shared = { .format = 1, .shared = true, .keep_always = true };
    pid_t                  one    = hold_in_child(&shared);
    pid_t                  two    = hold_in_child(&shared);
    struct ks__env        *env    = open_env(&shared);

    put_one(env, "a", "1");
    ck_assert(holds(env, "a", "1"));
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
    kill(one, SIGKILL);
    kill(two, SIGKILL);
    waitpid(one, NULL, 0);
    waitpid(two, NULL, 0);
}
END_TEST

START_TEST(another_process_reads_what_is_committed_and_sees_no_locks_of_ours)
{
    const struct ks__env_options reader = { .read_only = true };
    struct ks__env              *env    = open_env(&task_env);
    struct ks__txn              *txn;
    pid_t                        pid;

    put_one(env, "a", "1");
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
    pid = hold_in_child(&task_env);
    env = open_env(&reader);
    ck_assert(holds(env, "a", "1"));
    ck_assert_int_eq(ks__txn_begin_write(env, &txn, &error), KS_ESTATE);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    ks__error_clear(&error);
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

START_TEST(shells_of_an_abandoned_env_fail_and_can_be_given_back)
{
    struct ks__env       *env = open_env(&task_env), *again;
    struct ks__txn       *reading, *writing;
    struct ks__db_cursor *cursor;
    ks_error              first = { .status = KS_OK };
    ks_bytes              value;
    unsigned              db;

    put_one(env, "a", "1");
    ck_assert_int_eq(ks__env_database(env, "data", &db, &error), KS_OK);
    ck_assert_int_eq(ks__txn_begin_read(env, &reading, &error), KS_OK);
    ck_assert_int_eq(ks__txn_begin_write(env, &writing, &first), KS_OK);
    ck_assert_int_eq(ks__txn_put(writing, db, text("a"), text("2")), KS_OK);
    ck_assert_int_eq(ks__db_cursor_open(writing, db, &cursor), KS_OK);
    ck_assert_uint_eq(ks__env_abandon_under(directory), 1);

    again = open_env(&task_env);
    ck_assert(holds(again, "a", "1"));
    ck_assert_int_eq(ks__txn_get(reading, db, text("a"), &value), KS_ESTATE);
    ck_assert_int_eq(ks__txn_put(writing, db, text("a"), text("3")), KS_ESTATE);
    ck_assert(!ks__db_cursor_first(cursor, NULL, NULL));
    ck_assert_int_eq(ks__db_cursor_status(cursor), KS_ESTATE);
    ck_assert_int_eq(ks__txn_commit(writing), KS_ESTATE);
    ck_assert_int_eq(ks_error_status(&first), KS_ESTATE);
    ks__txn_abort(reading);
    ks__env_close(env, NULL);
    ks__error_clear(&error);
    ck_assert(holds(again, "a", "1"));
    ck_assert_int_eq(ks__env_close(again, &error), KS_OK);
}
END_TEST

START_TEST(a_read_transaction_sees_its_snapshot_until_it_is_renewed)
{
    struct ks__env *env = open_env(&task_env);
    struct ks__txn *txn;
    ks_bytes        value;
    unsigned        db;

    put_one(env, "a", "1");
    ck_assert_int_eq(ks__env_database(env, "data", &db, &error), KS_OK);
    ck_assert_int_eq(ks__txn_begin_read(env, &txn, &error), KS_OK);
    put_one(env, "a", "2");
    ck_assert_int_eq(ks__txn_get(txn, db, text("a"), &value), KS_OK);
    ck_assert_mem_eq(value.data, "1", 1);
    ks__txn_reset(txn);
    ck_assert_int_eq(ks__txn_get(txn, db, text("a"), &value), KS_ESTATE);
    ck_assert_int_eq(ks__txn_renew(txn), KS_OK);
    ck_assert_int_eq(ks__txn_get(txn, db, text("a"), &value), KS_OK);
    ck_assert_mem_eq(value.data, "2", 1);

    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
    ck_assert_uint_eq(ks__env_open_count(), 1);         /* X1: the snapshot still holds it */
    ck_assert_int_eq(ks__txn_get(txn, db, text("a"), &value), KS_OK);
    ks__txn_abort(txn);
}
END_TEST

START_TEST(waiting_for_oneself_is_an_error_not_a_deadlock)
{
    struct ks__env *env = open_env(&task_env);
    struct ks__txn *one, *two;
    unsigned        db;

    ck_assert_int_eq(ks__txn_begin_write(env, &one, &error), KS_OK);
    ck_assert_int_eq(ks__txn_begin_write(env, &two, &error), KS_ESTATE);
    ks__error_clear(&error);
    ck_assert_int_eq(ks__env_database(env, "new", &db, &error), KS_ESTATE);
    ks__txn_abort(one);
    ks__error_clear(&error);
    ck_assert_int_eq(ks__env_database(env, "new", &db, &error), KS_OK);
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

static void write_and_read(void *user)
{
    struct ks__env *env   = user;
    ks_error        first = { .status = KS_OK };

    for (int i = 0; i < 300; i++) {
        struct ks__txn *writing, *reading;

        ck_assert_int_eq(ks__txn_begin_write(env, &writing, &first), KS_OK);
        ck_assert_int_eq(ks__txn_begin_read(env, &reading, &first), KS_OK);
        ks__txn_abort(reading);
        ck_assert_int_eq(ks__txn_commit(writing), KS_OK);
    }
}

START_TEST(databases_are_opened_while_another_thread_writes)
{
    struct ks__env   *env = open_env(&task_env);
    struct ks__thread writer;
    char              name[16];
    unsigned          db, again;

    ck_assert_int_eq(ks__thread_start(&writer, "writer", write_and_read, env), KS_OK);
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof(name), "db%d", i);
        ck_assert_int_eq(ks__env_database(env, name, &db, &error), KS_OK);
        ck_assert_int_eq(ks__env_database(env, name, &again, &error), KS_OK);
        ck_assert_uint_eq(db, again);
    }
    ks__thread_join(&writer);
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

START_TEST(writes_of_every_kind_obey_their_limits)
{
    struct ks__env *env = open_env(&task_env);
    struct ks__txn *txn;
    char            long_key[KS__ENV_KEY_LIMIT + 1];
    ks_bytes        value;
    uint64_t        count;
    unsigned        db;
    void           *at;
    bool            flag;

    memset(long_key, 'k', sizeof(long_key));
    ck_assert_int_eq(ks__env_database(env, "data", &db, &error), KS_OK);
    ck_assert_int_eq(ks__txn_begin_write(env, &txn, &error), KS_OK);
    ck_assert_int_eq(ks__txn_append(txn, db, text("b"), text("1")), KS_OK);
    ck_assert_int_eq(ks__txn_append(txn, db, text("a"), text("1")), KS_ESTATE);
    ks__error_clear(&error);
    ck_assert_int_eq(ks__txn_put(txn, db, (ks_bytes){ long_key, sizeof(long_key) }, text("")),
                     KS_EINVAL);
    ks__error_clear(&error);
    ck_assert_int_eq(ks__txn_put(txn, db, text(""), text("")), KS_EINVAL);
    ks__error_clear(&error);
    ck_assert_int_eq(ks__txn_put(txn, db, (ks_bytes){ long_key, KS__ENV_KEY_LIMIT }, text("")),
                     KS_OK);
    ck_assert_int_eq(ks__txn_get(txn, db, (ks_bytes){ long_key, KS__ENV_KEY_LIMIT }, &value),
                     KS_OK);
    ck_assert_ptr_nonnull(value.data);
    ck_assert_uint_eq(value.size, 0);
    ck_assert_int_eq(ks__txn_reserve(txn, db, text("c"), 100000, &at), KS_OK);
    memset(at, 7, 100000);
    ck_assert_int_eq(ks__txn_delete(txn, db, text("nobody"), &flag), KS_OK);
    ck_assert(!flag);
    ck_assert_int_eq(ks__txn_delete(txn, db, text("b"), &flag), KS_OK);
    ck_assert(flag);
    ck_assert_int_eq(ks__txn_count(txn, db, &count), KS_OK);
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(ks__txn_empty_some(txn, db, 1, &flag), KS_OK);
    ck_assert(flag);
    ck_assert_int_eq(ks__txn_empty_some(txn, db, 1, &flag), KS_OK);
    ck_assert(!flag);
    ck_assert_int_eq(ks__txn_commit(txn), KS_OK);
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

START_TEST(a_full_map_is_reported_as_full_and_loses_only_its_transaction)
{
    struct ks__env_options small = { .format = 1, .no_sync = true, .map_bytes = 1 << 20 };
    struct ks__env        *env   = open_env(&small);
    struct ks__txn        *txn;
    ks_status              status = KS_OK;
    char                   block[4000];
    unsigned               db;

    memset(block, 1, sizeof(block));
    put_one(env, "a", "1");
    ck_assert_int_eq(ks__env_database(env, "data", &db, &error), KS_OK);
    ck_assert_int_eq(ks__txn_begin_write(env, &txn, &error), KS_OK);
    for (uint32_t i = 0; status == KS_OK && i < 1000; i++)
        status = ks__txn_put(txn, db, (ks_bytes){ &i, sizeof(i) },
                             (ks_bytes){ block, sizeof(block) });
    ck_assert_int_eq(status, KS_EFULL);
    ck_assert_int_eq(ks_error_status(&error), KS_EFULL);
    ks__txn_abort(txn);
    ks__error_clear(&error);
    ck_assert(holds(env, "a", "1"));
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

START_TEST(a_copy_opens_as_trusted)
{
    struct ks__env *env = open_env(&task_env), *copy;
    char            target[96];

    put_one(env, "a", "1");
    snprintf(target, sizeof(target), "%s/copy", directory);
    ck_assert_int_eq(ks__io_make_path(target, 0700), 0);
    ck_assert_int_eq(ks__env_copy(env, target, &error), KS_OK);
    put_one(env, "a", "2");
    ck_assert_int_eq(ks__env_open(&copy, target, &task_env, &error), KS_OK);
    ck_assert_int_eq(ks__env_origin(copy), KS__ENV_TRUSTED);
    ck_assert(holds(copy, "a", "1"));
    ck_assert_int_eq(ks__env_close(copy, &error), KS_OK);
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
START_TEST(little_address_space_gives_a_smaller_map)
{
    pid_t pid = fork();
    int   status;

    if (pid == 0) {
        const struct rlimit limit = { UINT64_C(4) << 30, UINT64_C(4) << 30 };
        struct ks__env     *env;

        if (setrlimit(RLIMIT_AS, &limit) != 0 ||
            ks__env_open(&env, directory, &task_env, NULL) != KS_OK)
            _exit(1);
        _exit(ks__env_map_bytes(env) < (UINT64_C(4) << 30) ? 0 : 2);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST
#endif

/* Open, write, close under a probe that fails request n, for every n until none fails. */
START_TEST(every_failed_allocation_and_io_call_is_a_clean_error)
{
    bool done = false;

    for (uint64_t n = 1; !done; n++) {
        struct ks__alloc_probe memory = { .fail_at = n };
        struct ks__io_probe    io     = { .fail_at = n };
        struct ks__env        *env;
        unsigned               db;
        bool                   by_io = _i == 1;

        ks__error_clear(&error);
        if (by_io)
            ks__io_probe_install(&io);
        else
            ks__alloc_probe_install(&memory);
        if (ks__env_open(&env, directory, &task_env, &error) == KS_OK) {
            struct ks__txn *txn;

            if (ks__env_database(env, "data", &db, &error) == KS_OK &&
                ks__txn_begin_write(env, &txn, &error) == KS_OK) {
                ks__txn_put(txn, db, text("a"), text("1"));
                (void)!ks__txn_commit(txn);
            }
            ks__env_close(env, &error);
        }
        ks__io_set(NULL);
        ks__allocator_set(NULL);
        done = memory.failed == 0 && io.failed == 0;
        ck_assert(done || ks__error_is_set(&error));
        ck_assert_int_eq(memory.live_blocks, 0);
        ck_assert_uint_eq(ks__env_open_count(), 0);
        ck_assert_uint_lt(n, 200);
    }
    ck_assert(!ks__error_is_set(&error));
}
END_TEST

/* ---- lock.mdb ---- */

static struct stat stat_of_lock_file(void)
{
    char        path[96];
    struct stat found;

    snprintf(path, sizeof(path), "%s/lock.mdb", directory);
    ck_assert_int_eq(stat(path, &found), 0);
    return found;
}

/* LMDB maps it and writes to it: a hole on a full disk would be a SIGBUS, at opening or at the
 * 65th reader. */
START_TEST(the_lock_file_has_no_hole_after_opening)
{
    struct ks__env_space space;
    struct ks__env      *env   = open_env(&task_env);
    struct stat          found = stat_of_lock_file();
    const off_t          size  = found.st_size;
    char                 path[96];

    ck_assert_int_ge((int64_t)found.st_blocks * 512, size);
    ck_assert_int_eq(ks__env_space(env, &space, &error), KS_OK);
    ck_assert_uint_ge(space.max_readers, 1024);
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);

    snprintf(path, sizeof(path), "%s/lock.mdb", directory);     /* as LMDB alone leaves it */
    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert_int_eq(truncate(path, size), 0);
    env   = open_env(&task_env);
    found = stat_of_lock_file();
    ck_assert_int_eq(found.st_size, size);
    ck_assert_int_ge((int64_t)found.st_blocks * 512, size);
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

static int no_room(void *user, int fd, off_t size)
{
    (void)user;
    (void)fd;
    (void)size;
    errno = ENOSPC;
    return -1;
}

START_TEST(a_disk_without_room_for_the_lock_file_is_full)
{
    struct ks__io   table = *ks__io_system();
    struct ks__env *env;

    table.allocate = no_room;
    ks__io_set(&table);
    ck_assert_int_eq(ks__env_open(&env, directory, &task_env, &error), KS_EFULL);
    ks__io_set(NULL);
    ck_assert_ptr_nonnull(strstr(ks_error_message(&error), "lock.mdb"));
    ks__error_clear(&error);
    env = open_env(&task_env);          /* once there is room */
    put_one(env, "a", "1");
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

START_TEST(too_many_databases_are_told)
{
    const struct ks__env_options two = { .format = 1, .no_sync = true, .max_databases = 2 };
    struct ks__env              *env = open_env(&two);
    ks_status                    status = KS_OK;
    unsigned                     db;
    char                         name[8];

    for (int i = 0; i < 3 && status == KS_OK; i++) {
        snprintf(name, sizeof(name), "d%d", i);
        status = ks__env_database(env, name, &db, &error);
    }
    ck_assert_int_eq(status, KS_EFULL);
    ck_assert_ptr_nonnull(strstr(ks_error_message(&error), "MDB_DBS_FULL"));
    ck_assert_int_eq(ks__env_close(env, NULL), KS_OK);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("lmdb/env");
    TCase   *gate  = tcase_create("env");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(gate, set_up, tear_down);
    tcase_add_test(gate, a_clean_close_is_trusted_also_after_a_reboot);
    tcase_add_test(gate, too_many_databases_are_told);
    tcase_add_test(gate, the_lock_file_has_no_hole_after_opening);
    tcase_add_test(gate, a_disk_without_room_for_the_lock_file_is_full);
    tcase_add_test(gate, an_abandoned_env_is_trusted_until_a_reboot);
    tcase_add_test(gate, an_unclean_env_is_not_trusted_when_the_boot_id_is_unknown);
    tcase_add_test(gate, who_opens_it_now_does_not_decide_whether_what_was_written_is_trusted);
    tcase_add_test(gate, what_was_synced_is_trusted_after_a_reboot_by_all);
    tcase_add_test(gate, one_user_who_syncs_makes_all_of_the_process_sync);
    tcase_add_test(gate, reopening_a_clean_env_marks_it_in_use);
    tcase_add_test(gate, another_format_or_topology_discards);
    tcase_add_test(gate, damaged_files_are_discarded);
    tcase_add_test(gate, an_env_to_keep_is_refused_rather_than_discarded);
    tcase_add_test(gate, a_second_open_in_the_process_is_shared_only_when_both_ask);
    tcase_add_test(gate, an_env_has_one_owner_at_a_time);
    tcase_add_test(gate, another_process_finds_the_env_locked_until_the_owner_dies);
    tcase_add_test(gate, a_child_does_not_hold_the_lock_for_its_dead_parent);
    tcase_add_test(gate, a_child_gives_nothing_back_that_is_its_parents);
    tcase_add_test(gate, processes_share_an_env_that_says_so);
    tcase_add_test(gate, another_process_reads_what_is_committed_and_sees_no_locks_of_ours);
    tcase_add_test(gate, shells_of_an_abandoned_env_fail_and_can_be_given_back);
    tcase_add_test(gate, a_read_transaction_sees_its_snapshot_until_it_is_renewed);
    tcase_add_test(gate, waiting_for_oneself_is_an_error_not_a_deadlock);
    tcase_add_test(gate, databases_are_opened_while_another_thread_writes);
    tcase_add_test(gate, writes_of_every_kind_obey_their_limits);
    tcase_add_test(gate, a_full_map_is_reported_as_full_and_loses_only_its_transaction);
    tcase_add_test(gate, a_copy_opens_as_trusted);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    tcase_add_test(gate, little_address_space_gives_a_smaller_map);
#endif
    tcase_add_loop_test(gate, every_failed_allocation_and_io_call_is_a_clean_error, 0, 2);
    suite_add_tcase(suite, gate);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

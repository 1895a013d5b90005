/* SPDX-License-Identifier: Apache-2.0
 *
 * test_fork.c - what a child of fork(2) does not keep.
 */
#include "base/fork.h"
#include "base/thread.h"
#include "base/wake.h"

#include <check.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ks__private_fd one, two;
static struct ks__thread     thread;
static unsigned              forks;

/* The bits that are not as they should be in a child. */
static int look(void)
{
    int wrong = 0;

    alarm(20);
    wrong |= one.fd != -1 || two.fd != -1 ? 1 : 0;
    wrong |= ks__is_forked(forks) ? 0 : 2;
    ks__private_fd_set(&two, dup(STDIN_FILENO));
    wrong |= two.fd >= 0 && !ks__is_forked(ks__fork_count()) ? 0 : 4;
    close(ks__private_fd_take(&two));
    ks__thread_join(&thread);
    return wrong;
}

static int in_child(int (*fn)(void))
{
    int   status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(fn());
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void wait_for_end(void *user)
{
    ks__wake_wait(user, -1);
}

START_TEST(a_child_has_neither_the_descriptors_nor_the_threads_of_its_parent)
{
    struct ks__wake wake;
    int             ends[2];
    char            byte;

    ck_assert_int_eq(ks__wake_init(&wake), KS_OK);
    ck_assert_int_eq(ks__thread_start(&thread, "parent", wait_for_end, &wake), KS_OK);
    ck_assert_int_eq(pipe(ends), 0);
    forks = ks__fork_count();
    ks__private_fd_set(&one, ends[0]);
    ks__private_fd_set(&two, ends[1]);
    ck_assert_int_eq(in_child(look), 0);
    ck_assert(!ks__is_forked(forks));
    ck_assert_int_eq(ks__private_fd_take(&one), ends[0]);       /* the parent keeps all of it */
    ck_assert_int_eq(ks__private_fd_take(&two), ends[1]);
    ck_assert_int_eq(ks__private_fd_take(&two), -1);
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &byte, 1), 0);
    close(ends[0]);
    ks__wake_set(&wake);
    ks__thread_join(&thread);
    ks__wake_release(&wake);
}
END_TEST

static int given_back;

static int is_open(void)
{
    return fcntl(given_back, F_GETFD) >= 0 ? 0 : 1;
}

START_TEST(what_was_taken_back_is_left_to_the_child)
{
    struct ks__private_fd first, second, third;

    ks__private_fd_set(&first, dup(STDIN_FILENO));
    ks__private_fd_set(&second, dup(STDIN_FILENO));
    ks__private_fd_set(&third, dup(STDIN_FILENO));
    given_back = ks__private_fd_take(&second);
    ck_assert_int_eq(in_child(is_open), 0);
    close(given_back);
    close(ks__private_fd_take(&first));
    given_back = third.fd;
    ck_assert_int_eq(in_child(is_open), 1);
    close(ks__private_fd_take(&third));
    ks__private_fd_set(&first, -1);
    ck_assert_int_eq(first.fd, -1);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("base/fork");
    TCase   *tests = tcase_create("fork");
    SRunner *runner;
    int      failed;

    tcase_add_test(tests, a_child_has_neither_the_descriptors_nor_the_threads_of_its_parent);
    tcase_add_test(tests, what_was_taken_back_is_left_to_the_child);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * test_membership.c - the group as plain data: who gets what, as Kafka's RangeAssignor decides it.
 */
#include "log/membership.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ks__group group;

static int32_t partitions_of(const char *topic, void *user)
{
    (void)user;
    return strcmp(topic, "t7") == 0 ? 7 : strcmp(topic, "t3") == 0 ? 3 : 0;
}

static void setup(void)
{
    ck_assert_int_eq(ks__group_init(&group, "group"), KS_OK);
}

static void teardown(void)
{
    ks__group_release(&group);
}

static void join(const char *id, const char *instance_id, const char *topics_text)
{
    const char            *topics[2] = { "t7", "t3" };
    struct ks__member_spec spec = { .id = id, .instance_id = instance_id, .topics = topics,
                                    .topic_count = 2, .timeout_ms = 100 };

    if (strcmp(topics_text, "t3") == 0)
        spec.topics++;
    if (strcmp(topics_text, "t7 t3") != 0)
        spec.topic_count = 1;
    ck_assert_int_eq(ks__group_join(&group, &spec), KS_OK);
}

/* All give back, then all are given. */
static void settle(void)
{
    bool changed;

    for (size_t i = 0; i < group.count; i++)
        if (group.members[i]->phase == KS__MEMBER_REVOKING)
            ks__group_revoked(&group, group.members[i]);
    ck_assert_int_eq(ks__group_settle(&group, partitions_of, NULL, &changed), KS_OK);
}

static const char *owned(const char *id)
{
    static char              text[256];
    const struct ks__member *member = ks__group_find(&group, id);
    size_t                   size   = 0;

    text[0] = '\0';
    for (size_t i = 0; i < member->owned_count; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s-%d ",
                                 member->owned[i].topic, (int)member->owned[i].partition);
    return text;
}

START_TEST(the_first_members_get_one_more)
{
    join("c", NULL, "t7 t3");
    join("a", NULL, "t7 t3");
    join("b", NULL, "t7");
    settle();
    ck_assert_str_eq(owned("a"), "t3-0 t3-1 t7-0 t7-1 t7-2 ");
    ck_assert_str_eq(owned("b"), "t7-3 t7-4 ");
    ck_assert_str_eq(owned("c"), "t3-2 t7-5 t7-6 ");
}
END_TEST

START_TEST(members_past_the_partitions_get_none)
{
    join("a", NULL, "t3");
    join("b", NULL, "t3");
    join("c", NULL, "t3");
    join("d", NULL, "t3");
    settle();
    ck_assert_str_eq(owned("c"), "t3-2 ");
    ck_assert_str_eq(owned("d"), "");
    ck_assert_int_eq(ks__group_find(&group, "d")->phase, KS__MEMBER_ASSIGNED);
}
END_TEST

START_TEST(static_members_come_first_by_instance_id)
{
    join("a", NULL, "t3");
    join("z", "i-1", "t3");
    join("y", "i-2", "t3");
    settle();
    ck_assert_str_eq(owned("z"), "t3-0 ");
    ck_assert_str_eq(owned("y"), "t3-1 ");
    ck_assert_str_eq(owned("a"), "t3-2 ");
}
END_TEST

START_TEST(nothing_is_assigned_while_somebody_has_not_given_back)
{
    bool changed;

    join("a", NULL, "t3");
    settle();
    ks__group_find(&group, "a")->phase = KS__MEMBER_OWNING;
    join("b", NULL, "t3");
    ck_assert_int_eq(ks__group_settle(&group, partitions_of, NULL, &changed), KS_OK);
    ck_assert(!changed);
    ck_assert_int_eq(ks__group_find(&group, "b")->phase, KS__MEMBER_JOINING);
    ck_assert(ks__group_may_commit(&group, "a", 1));
    ck_assert(!ks__group_may_commit(&group, "b", 1));
    settle();
    ck_assert_str_eq(owned("a"), "t3-0 t3-1 ");
    ck_assert(!ks__group_may_commit(&group, "a", 1));           /* an older generation */
    ck_assert(ks__group_may_commit(&group, "a", 2));
    ck_assert(!ks__group_may_commit(&group, NULL, 0));
}
END_TEST

START_TEST(who_is_not_seen_in_time_is_out)
{
    join("a", NULL, "t3");
    join("b", NULL, "t3");
    settle();
    ck_assert(!ks__group_expire(&group, 99));
    ks__group_find(&group, "a")->seen_ms = 50;
    ck_assert(ks__group_expire(&group, 100));
    ck_assert_ptr_null(ks__group_find(&group, "b"));
    settle();
    ck_assert_str_eq(owned("a"), "t3-0 t3-1 t3-2 ");
    ks__group_leave(&group, ks__group_find(&group, "a"));
    ck_assert(ks__group_may_commit(&group, NULL, 0));           /* an empty group is free to all */
}
END_TEST

int main(void)
{
    Suite   *s = suite_create("membership");
    TCase   *c = tcase_create("membership");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, the_first_members_get_one_more);
    tcase_add_test(c, members_past_the_partitions_get_none);
    tcase_add_test(c, static_members_come_first_by_instance_id);
    tcase_add_test(c, nothing_is_assigned_while_somebody_has_not_given_back);
    tcase_add_test(c, who_is_not_seen_in_time_is_out);
    suite_add_tcase(s, c);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * membership.c - members come, go, give back and get partitions.
 */
#include "log/membership.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

/* ---- members ---- */

static void free_topics(char **topics, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ks__free(topics[i]);
    ks__free(topics);
}

void ks__member_free(struct ks__member *member)
{
    if (member == NULL)
        return;
    free_topics(member->topics, member->topic_count);
    ks__free(member->owned);
    ks__free(member->id);
    ks__free(member->instance_id);
    ks__free(member->process);
    ks__free(member);
}

static int compare_texts(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

static ks_status copy_topics(struct ks__member *member, const char *const *topics, size_t count)
{
    size_t unique = 0;

    member->topics = ks__zalloc_array(count, sizeof(*member->topics));
    if (member->topics == NULL)
        return KS_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        member->topics[i] = ks__strdup(topics[i]);
        if (member->topics[i] == NULL)
            return KS_ENOMEM;
        member->topic_count++;
    }
    qsort(member->topics, count, sizeof(*member->topics), compare_texts);
    for (size_t i = 0; i < count; i++) {
        if (unique > 0 && strcmp(member->topics[unique - 1], member->topics[i]) == 0)
            ks__free(member->topics[i]);
        else
            member->topics[unique++] = member->topics[i];
    }
    member->topic_count = unique;
    return KS_OK;
}

/* `copy` NULL though `text` is not = no memory. */
static bool copy_text(char **copy, const char *text)
{
    *copy = ks__strdup(text);
    return *copy != NULL || text == NULL;
}

static struct ks__member *member_new(const struct ks__member_spec *spec)
{
    struct ks__member *member = ks__zalloc(sizeof(*member));

    if (member == NULL)
        return NULL;
    member->seen_ms    = spec->now_ms;
    member->timeout_ms = spec->timeout_ms;
    if (!copy_text(&member->id, spec->id) || !copy_text(&member->instance_id, spec->instance_id) ||
        !copy_text(&member->process, spec->process) ||
        copy_topics(member, spec->topics, spec->topic_count) != KS_OK) {
        ks__member_free(member);
        return NULL;
    }
    return member;
}

/* As Kafka's AbstractPartitionAssignor.MemberInfo. */
static int compare_members(const struct ks__member *one, const struct ks__member *other)
{
    if (one->instance_id != NULL && other->instance_id != NULL)
        return strcmp(one->instance_id, other->instance_id);
    if (one->instance_id != NULL || other->instance_id != NULL)
        return one->instance_id != NULL ? -1 : 1;
    return strcmp(one->id, other->id);
}

static bool same_topics(const struct ks__member *one, const struct ks__member *other)
{
    if (one->topic_count != other->topic_count)
        return false;
    for (size_t i = 0; i < one->topic_count; i++)
        if (strcmp(one->topics[i], other->topics[i]) != 0)
            return false;
    return true;
}

/* The member's own text of the topic; NULL = it does not subscribe to it. */
static char *subscribed(const struct ks__member *member, const char *topic)
{
    char **found = bsearch(&topic, member->topics, member->topic_count, sizeof(topic),
                           compare_texts);

    return found != NULL ? *found : NULL;
}

/* ---- group ---- */

ks_status ks__group_init(struct ks__group *group, const char *name)
{
    *group = (struct ks__group){ .name = ks__strdup(name) };
    return group->name != NULL ? KS_OK : KS_ENOMEM;
}

void ks__group_release(struct ks__group *group)
{
    for (size_t i = 0; i < group->count; i++)
        ks__member_free(group->members[i]);
    ks__free(group->members);
    ks__free(group->name);
    *group = (struct ks__group){ .name = NULL };
}

struct ks__member *ks__group_find(const struct ks__group *group, const char *id)
{
    for (size_t i = 0; id != NULL && i < group->count; i++)
        if (strcmp(group->members[i]->id, id) == 0)
            return group->members[i];
    return NULL;
}

static void take_out(struct ks__group *group, size_t at)
{
    ks__member_free(group->members[at]);
    memmove(&group->members[at], &group->members[at + 1],
            (group->count - at - 1) * sizeof(*group->members));
    group->count--;
}

ks_status ks__group_add(struct ks__group *group, struct ks__member *member)
{
    size_t at = 0;

    if (!KS__GROW(&group->members, &group->capacity, group->count + 1)) {
        ks__member_free(member);
        return KS_ENOMEM;
    }
    while (at < group->count && compare_members(group->members[at], member) < 0)
        at++;
    memmove(&group->members[at + 1], &group->members[at],
            (group->count - at) * sizeof(*group->members));
    group->members[at] = member;
    group->count++;
    return KS_OK;
}

/* All give back what they own; who has not been told yet gives back without being told. */
static void begin_rebalance(struct ks__group *group)
{
    group->rebalancing = true;
    for (size_t i = 0; i < group->count; i++)
        if (group->members[i]->phase != KS__MEMBER_JOINING)
            group->members[i]->phase = KS__MEMBER_REVOKING;
}

/* The new one gets the partitions of the old one, to be told of them. */
static void inherit(struct ks__group *group, struct ks__member *from, struct ks__member *to)
{
    if (group->rebalancing || from->phase == KS__MEMBER_JOINING) {
        begin_rebalance(group);
        return;
    }
    for (size_t i = 0; i < from->owned_count; i++)
        for (size_t j = 0; j < to->topic_count; j++)
            if (strcmp(from->owned[i].topic, to->topics[j]) == 0)
                from->owned[i].topic = to->topics[j];
    to->owned         = from->owned;
    to->owned_count   = from->owned_count;
    to->generation    = from->generation;
    to->phase         = KS__MEMBER_ASSIGNED;
    from->owned       = NULL;
    from->owned_count = 0;
}

ks_status ks__group_join(struct ks__group *group, const struct ks__member_spec *spec)
{
    struct ks__member *member = member_new(spec);
    bool               inherited = false;

    if (member == NULL)
        return KS_ENOMEM;
    if (!KS__GROW(&group->members, &group->capacity, group->count + 1)) {
        ks__member_free(member);
        return KS_ENOMEM;
    }
    for (size_t i = 0; spec->instance_id != NULL && i < group->count; i++) {
        struct ks__member *other = group->members[i];

        if (other->instance_id == NULL || strcmp(other->instance_id, spec->instance_id) != 0)
            continue;
        if (same_topics(other, member)) {
            inherit(group, other, member);
            inherited = true;
        }
        take_out(group, i);
        break;
    }
    if (!inherited)
        begin_rebalance(group);
    return ks__group_add(group, member);        /* there is room */
}

void ks__group_leave(struct ks__group *group, struct ks__member *member)
{
    for (size_t i = 0; i < group->count; i++)
        if (group->members[i] == member) {
            take_out(group, i);
            begin_rebalance(group);
            return;
        }
}

bool ks__group_expire(struct ks__group *group, int64_t now_ms)
{
    bool gone = false;

    for (size_t i = group->count; i > 0; i--) {
        const struct ks__member *member = group->members[i - 1];

        if (now_ms - member->seen_ms < member->timeout_ms)
            continue;
        take_out(group, i - 1);
        gone = true;
    }
    if (gone)
        begin_rebalance(group);
    return gone;
}

void ks__group_revoked(struct ks__group *group, struct ks__member *member)
{
    (void)group;
    ks__assert(member->phase == KS__MEMBER_REVOKING);
    ks__free(member->owned);
    member->owned       = NULL;
    member->owned_count = 0;
    member->phase       = KS__MEMBER_JOINING;
}

/* ---- assignment ---- */

struct assigning {
    struct ks__group             *group;
    ks__partitions_fn            *partitions;
    void                         *user;
    struct ks__member_partition **owned;    /* per member                                         */
    size_t                       *counts, *capacities;
};

/* Kafka's RangeAssignor for one topic: the first n % c members get one partition more. */
static bool assign_topic(struct assigning *to, const char *topic)
{
    int32_t count = to->partitions(topic, to->user), next = 0, members = 0, nth = 0;

    for (size_t i = 0; i < to->group->count; i++)
        members += subscribed(to->group->members[i], topic) != NULL;
    for (size_t i = 0; i < to->group->count; i++) {
        struct ks__member *member = to->group->members[i];
        char              *name   = subscribed(member, topic);
        int32_t            share  = count / members + (nth < count % members);

        if (name == NULL)
            continue;
        if (!KS__GROW(&to->owned[i], &to->capacities[i], to->counts[i] + (size_t)share))
            return false;
        for (int32_t j = 0; j < share; j++) {
            to->owned[i][to->counts[i]++] =
                (struct ks__member_partition){ .topic = name, .partition = next++ };
        }
        nth++;
    }
    return true;
}

/* The least topic behind `after` that any member subscribes to; NULL = no more. */
static const char *next_topic(const struct ks__group *group, const char *after)
{
    const char *least = NULL;

    for (size_t i = 0; i < group->count; i++)
        for (size_t j = 0; j < group->members[i]->topic_count; j++) {
            const char *topic = group->members[i]->topics[j];

            if ((after == NULL || strcmp(topic, after) > 0) &&
                (least == NULL || strcmp(topic, least) < 0))
                least = topic;
        }
    return least;
}

static void hand_out(struct assigning *from)
{
    struct ks__group *group = from->group;

    group->generation++;
    group->rebalancing = false;
    for (size_t i = 0; i < group->count; i++) {
        struct ks__member *member = group->members[i];

        ks__assert(member->owned == NULL);
        member->owned       = from->owned[i];
        member->owned_count = from->counts[i];
        member->generation  = group->generation;
        member->phase       = KS__MEMBER_ASSIGNED;
        from->owned[i]      = NULL;
    }
}

static ks_status assign(struct ks__group *group, ks__partitions_fn *partitions, void *user)
{
    struct assigning work = { .group = group, .partitions = partitions, .user = user,
                              .owned      = ks__zalloc_array(group->count, sizeof(*work.owned)),
                              .counts     = ks__zalloc_array(group->count, sizeof(size_t)),
                              .capacities = ks__zalloc_array(group->count, sizeof(size_t)) };
    bool             ok = work.owned != NULL && work.counts != NULL && work.capacities != NULL;

    for (const char *topic = NULL; ok && (topic = next_topic(group, topic)) != NULL;)
        ok = assign_topic(&work, topic);
    if (ok)
        hand_out(&work);
    for (size_t i = 0; work.owned != NULL && i < group->count; i++)
        ks__free(work.owned[i]);
    ks__free(work.owned);
    ks__free(work.counts);
    ks__free(work.capacities);
    return ok ? KS_OK : KS_ENOMEM;
}

static int64_t count_partitions(const struct ks__group *group, ks__partitions_fn *partitions,
                                void *user)
{
    int64_t sum = 0;

    for (const char *topic = NULL; (topic = next_topic(group, topic)) != NULL;)
        sum += partitions(topic, user);
    return sum;
}

ks_status ks__group_settle(struct ks__group *group, ks__partitions_fn *partitions, void *user,
                           bool *changed)
{
    int64_t   sum = count_partitions(group, partitions, user);
    ks_status status;

    *changed = false;
    if (!group->rebalancing && group->count > 0 && sum != group->partitions) {
        begin_rebalance(group);
        *changed = true;
    }
    if (!group->rebalancing)
        return KS_OK;
    for (size_t i = 0; i < group->count; i++)
        if (group->members[i]->phase != KS__MEMBER_JOINING)
            return KS_OK;
    status = assign(group, partitions, user);
    if (status == KS_OK) {
        group->partitions = sum;
        *changed          = true;
    }
    return status;
}

bool ks__group_may_commit(const struct ks__group *group, const char *id, int32_t generation)
{
    const struct ks__member *member;

    if (group == NULL || id == NULL)
        return id == NULL && (group == NULL || group->count == 0);
    member = ks__group_find(group, id);
    return member != NULL && member->phase != KS__MEMBER_JOINING &&
           member->generation == generation;
}

bool ks__group_has_instance(const struct ks__group *group, const char *instance_id)
{
    for (size_t i = 0; group != NULL && instance_id != NULL && i < group->count; i++)
        if (group->members[i]->instance_id != NULL &&
            strcmp(group->members[i]->instance_id, instance_id) == 0)
            return true;
    return false;
}

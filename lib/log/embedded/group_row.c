/* SPDX-License-Identifier: Apache-2.0
 *
 * group_row.c - a group as a row, so that processes share it.
 *
 *      generation u32 | rebalancing u8 | partitions u64 | members u32 |
 *      per member: id, instance id, process (u32 size or -1, text) | phase u8 | generation u32 |
 *                  seen u64 | timeout u64 | topics u32, texts | owned u32, { index of topic u32,
 *                  partition u32 }
 */
#include "log/embedded/embedded.h"

#include "base/reader.h"

#include <string.h>

/* ---- to bytes ---- */

static void put_text(struct ks__buffer *out, const char *text)
{
    ks__buffer_append_be32(out, text != NULL ? (uint32_t)strlen(text) : UINT32_MAX);
    if (text != NULL)
        ks__buffer_append_text(out, text);
}

static uint32_t topic_index(const struct ks__member *member, const char *topic)
{
    uint32_t i = 0;

    while (member->topics[i] != topic)
        i++;
    return i;
}

static void put_member(struct ks__buffer *out, const struct ks__member *member)
{
    put_text(out, member->id);
    put_text(out, member->instance_id);
    put_text(out, member->process);
    ks__buffer_append_u8(out, (uint8_t)member->phase);
    ks__buffer_append_be32(out, (uint32_t)member->generation);
    ks__buffer_append_be64(out, (uint64_t)member->seen_ms);
    ks__buffer_append_be64(out, (uint64_t)member->timeout_ms);
    ks__buffer_append_be32(out, (uint32_t)member->topic_count);
    for (size_t i = 0; i < member->topic_count; i++)
        put_text(out, member->topics[i]);
    ks__buffer_append_be32(out, (uint32_t)member->owned_count);
    for (size_t i = 0; i < member->owned_count; i++) {
        ks__buffer_append_be32(out, topic_index(member, member->owned[i].topic));
        ks__buffer_append_be32(out, (uint32_t)member->owned[i].partition);
    }
}

/* The key of a group's row, unless the buffer says that it failed. */
static void group_key(struct ks__buffer *key, const char *name)
{
    ks__buffer_append_u8(key, 'g');
    ks__buffer_append_text(key, name);
}

void ks__group_write(const struct ks__group *group, struct ks__buffer *out)
{
    ks__buffer_append_be32(out, (uint32_t)group->generation);
    ks__buffer_append_u8(out, group->rebalancing);
    ks__buffer_append_be64(out, (uint64_t)group->partitions);
    ks__buffer_append_be32(out, (uint32_t)group->count);
    for (size_t i = 0; i < group->count; i++)
        put_member(out, group->members[i]);
}

ks_status ks__row_put_group(struct ks__embedded_log *log, struct ks__txn *txn,
                            const struct ks__group *group)
{
    struct ks__buffer out    = { .data = NULL }, key = { .data = NULL };
    ks_status         status = KS_ENOMEM;

    ks__group_write(group, &out);
    group_key(&key, group->name);
    if (!out.failed && !key.failed)
        status = ks__txn_put(txn, log->meta, ks__buffer_bytes(&key), ks__buffer_bytes(&out));
    ks__buffer_release(&out);
    ks__buffer_release(&key);
    return status;
}

/* ---- from bytes ---- */

/* Not what put_member() writes; false, so that it tells from want of memory. */
static bool damaged(struct ks__reader *in)
{
    in->failed = true;
    return false;
}

static bool get_text(struct ks__reader *in, char **out)
{
    ks_bytes text = ks__reader_sized(in);

    if (in->failed || text.data == NULL)
        return !in->failed;
    *out = ks__strndup(text.data, text.size);
    return *out != NULL;
}

static bool get_topics(struct ks__reader *in, struct ks__member *member)
{
    uint32_t count = ks__reader_u32(in);

    if (in->failed || count > in->left / sizeof(uint32_t))
        return damaged(in);
    member->topics = ks__zalloc_array(count, sizeof(*member->topics));
    for (uint32_t i = 0; member->topics != NULL && i < count; i++) {
        if (!get_text(in, &member->topics[i]))
            return false;
        if (member->topics[i] == NULL)
            return damaged(in);
        member->topic_count++;
    }
    return member->topics != NULL;
}

static bool get_owned(struct ks__reader *in, struct ks__member *member)
{
    uint32_t count = ks__reader_u32(in);

    if (in->failed || count > in->left / (2 * sizeof(uint32_t)))
        return damaged(in);
    if (count == 0)
        return true;
    member->owned = ks__zalloc_array(count, sizeof(*member->owned));
    for (uint32_t i = 0; member->owned != NULL && i < count; i++) {
        uint32_t topic = ks__reader_u32(in);

        if (topic >= member->topic_count)
            return damaged(in);
        member->owned[i].topic     = member->topics[topic];
        member->owned[i].partition = ks__reader_i32(in);
        member->owned_count++;
    }
    return member->owned != NULL;
}

/* What the bookkeeping of a group relies on; a damaged row may say anything. */
static bool is_sound(const struct ks__member *member)
{
    if (member->id == NULL || member->phase > KS__MEMBER_REVOKING || member->timeout_ms < 0 ||
        member->seen_ms < INT64_MIN / 2 || member->seen_ms > INT64_MAX / 2)
        return false;
    for (size_t i = 1; i < member->topic_count; i++)
        if (strcmp(member->topics[i - 1], member->topics[i]) >= 0)
            return false;
    return member->phase != KS__MEMBER_JOINING || member->owned_count == 0;
}

static struct ks__member *get_member(struct ks__reader *in)
{
    struct ks__member *member = ks__zalloc(sizeof(*member));
    bool               ok     = member != NULL && get_text(in, &member->id) &&
              get_text(in, &member->instance_id) && get_text(in, &member->process);

    if (ok) {
        uint8_t phase = ks__reader_u8(in);

        member->phase      = (enum ks__member_phase)phase;
        member->generation = ks__reader_i32(in);
        member->seen_ms    = ks__reader_i64(in);
        member->timeout_ms = ks__reader_i64(in);
        ok = get_topics(in, member) && get_owned(in, member);
        ok = ok && (is_sound(member) || damaged(in));
    }
    if (ok)
        return member;
    ks__member_free(member);
    return NULL;
}

/* Ids are unique, those of instances too. */
static bool is_there(const struct ks__group *group, const struct ks__member *member)
{
    for (size_t i = 0; i < group->count; i++) {
        const struct ks__member *other = group->members[i];

        if (strcmp(other->id, member->id) == 0 ||
            (other->instance_id != NULL && member->instance_id != NULL &&
             strcmp(other->instance_id, member->instance_id) == 0))
            return true;
    }
    return false;
}

ks_status ks__group_read(ks_bytes bytes, struct ks__group *group)
{
    struct ks__reader in     = ks__reader_of(bytes);
    ks_status         status = KS_OK;
    uint32_t          count;

    group->generation  = ks__reader_i32(&in);
    group->rebalancing = ks__reader_u8(&in) != 0;
    group->partitions  = ks__reader_i64(&in);
    count              = ks__reader_u32(&in);
    if (group->generation < 0 || group->generation == INT32_MAX)
        status = KS_ECORRUPT;
    for (uint32_t i = 0; i < count && status == KS_OK; i++) {
        struct ks__member *member = get_member(&in);

        if (member == NULL)
            status = in.failed ? KS_ECORRUPT : KS_ENOMEM;
        else if (is_there(group, member))
            status = KS_ECORRUPT;
        if (status == KS_OK)
            status = ks__group_add(group, member);
        else
            ks__member_free(member);
    }
    if (status == KS_OK && !ks__reader_done(&in))
        status = KS_ECORRUPT;
    return status;
}

ks_status ks__row_get_group(struct ks__embedded_log *log, struct ks__txn *txn, const char *name,
                            struct ks__group *group, bool *found)
{
    struct ks__buffer key = { .data = NULL };
    ks_bytes          value;
    ks_status         status = ks__group_init(group, name);

    *found = false;
    group_key(&key, name);
    if (status == KS_OK)
        status = key.failed ? KS_ENOMEM
                            : ks__txn_get(txn, log->meta, ks__buffer_bytes(&key), &value);
    ks__buffer_release(&key);
    if (status != KS_OK || value.data == NULL)
        return status;
    *found = true;
    return ks__group_read(value, group);
}

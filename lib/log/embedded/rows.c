/* SPDX-License-Identifier: Apache-2.0
 *
 * rows.c - keys and values of the log's two databases. Numbers are big-endian.
 *
 *      records  topic id u32 | partition u32 | base offset u64      -> a chunk (chunk.c)
 *      meta     't' name                  -> id u32 | partitions u32 | compacted u8
 *               'i'                       -> last topic id u32
 *               'b' topic id | partition  -> begin i64
 *               'c' topic id | partition  -> compacted up to i64
 *               'k' topic id | partition  -> records kept by that i64
 *               'o' group 0 topic 0 partition u32 -> offset i64 | metadata
 *               'e' transactional id      -> epoch i64
 *               'g' group                 -> members (group_row.c)
 *               's'                       -> last serial u64
 *               'n'                       -> identity of the log, 32 hexadecimal digits
 *
 * LMDB's errors go into the error bound to the transaction; KS_ECORRUPT of our own has no text yet.
 */
#include "log/embedded/embedded.h"

#include "base/assert.h"
#include "base/reader.h"

#include <string.h>

#define META_KEY_LIMIT 511u     /* LMDB's; names of 249 characters twice and the rest fit */

/* ---- keys ---- */

struct meta_key {
    size_t  size;
    uint8_t bytes[META_KEY_LIMIT + 1];
};

static struct meta_key key_of(char kind, const char *name)
{
    struct meta_key key    = { .size = 1, .bytes = { (uint8_t)kind } };
    size_t          length = strlen(name);

    ks__assert(length <= KS__LOCAL_NAME_LIMIT); /* checked where names come in */
    memcpy(key.bytes + 1, name, length);
    key.size += length;
    return key;
}

static void key_text(struct meta_key *key, const char *text)
{
    size_t length = strlen(text) + 1;

    ks__assert(key->size + length + sizeof(uint32_t) <= META_KEY_LIMIT);
    memcpy(key->bytes + key->size, text, length);
    key->size += length;
}

static void key_number(struct meta_key *key, uint32_t number)
{
    ks__put_be32(key->bytes + key->size, number);
    key->size += sizeof(number);
}

static ks_bytes bytes_of(const struct meta_key *key)
{
    return (ks_bytes){ key->bytes, key->size };
}

static struct meta_key partition_key(uint8_t kind, uint32_t topic, int32_t partition)
{
    struct meta_key key = { .size = 1, .bytes = { kind } };

    key_number(&key, topic);
    key_number(&key, (uint32_t)partition);
    return key;
}

static struct meta_key begin_key(uint32_t topic, int32_t partition)
{
    return partition_key('b', topic, partition);
}

static struct meta_key position_key(const char *group, const char *topic, int32_t partition)
{
    struct meta_key key = { .size = 1, .bytes = { 'o' } };

    key_text(&key, group);
    key_text(&key, topic);
    key_number(&key, (uint32_t)partition);
    return key;
}

/* ---- numbers ---- */

/* `otherwise` when there is no such row. */
static ks_status get_number(struct ks__embedded_log *log, struct ks__txn *txn,
                            const struct meta_key *key, int64_t otherwise, int64_t *out)
{
    ks_bytes  value;
    ks_status status = ks__txn_get(txn, log->meta, bytes_of(key), &value);

    *out = otherwise;
    if (status != KS_OK || value.data == NULL)
        return status;
    if (value.size != sizeof(uint64_t))
        return KS_ECORRUPT;
    *out = (int64_t)ks__get_be64(value.data);
    return KS_OK;
}

static ks_status put_number(struct ks__embedded_log *log, struct ks__txn *txn,
                            const struct meta_key *key, int64_t number)
{
    uint8_t value[sizeof(uint64_t)];

    ks__put_be64(value, (uint64_t)number);
    return ks__txn_put(txn, log->meta, bytes_of(key), (ks_bytes){ value, sizeof(value) });
}

ks_status ks__row_put_begin(struct ks__embedded_log *log, struct ks__txn *txn, uint32_t topic,
                            int32_t partition, int64_t begin)
{
    struct meta_key key = begin_key(topic, partition);

    return put_number(log, txn, &key, begin);
}

ks_status ks__row_get_clean(struct ks__embedded_log *log, struct ks__txn *txn, uint32_t topic,
                            int32_t partition, int64_t *clean, int64_t *kept)
{
    struct meta_key at = partition_key('c', topic, partition);
    struct meta_key of = partition_key('k', topic, partition);
    ks_status       status = get_number(log, txn, &at, 0, clean);

    return status != KS_OK ? status : get_number(log, txn, &of, 0, kept);
}

ks_status ks__row_put_clean(struct ks__embedded_log *log, struct ks__txn *txn, uint32_t topic,
                            int32_t partition, int64_t clean, int64_t kept)
{
    struct meta_key at = partition_key('c', topic, partition);
    struct meta_key of = partition_key('k', topic, partition);
    ks_status       status = put_number(log, txn, &at, clean);

    return status != KS_OK ? status : put_number(log, txn, &of, kept);
}

ks_status ks__row_get_epoch(struct ks__embedded_log *log, struct ks__txn *txn, const char *id,
                            int64_t *epoch)
{
    struct meta_key key = key_of('e', id);

    return get_number(log, txn, &key, 0, epoch);
}

ks_status ks__row_put_epoch(struct ks__embedded_log *log, struct ks__txn *txn, const char *id,
                            int64_t epoch)
{
    struct meta_key key = key_of('e', id);

    return put_number(log, txn, &key, epoch);
}

ks_status ks__row_get_identity(struct ks__embedded_log *log, struct ks__txn *txn,
                               char out[KS__CLUSTER_ID_BYTES])
{
    struct meta_key key = key_of('n', "");
    ks_bytes        value;
    ks_status       status = ks__txn_get(txn, log->meta, bytes_of(&key), &value);

    out[0] = '\0';
    if (status != KS_OK || value.data == NULL)
        return status;
    if (value.size != KS__CLUSTER_ID_BYTES - 1)
        return KS_ECORRUPT;
    memcpy(out, value.data, value.size);
    out[value.size] = '\0';
    return KS_OK;
}

ks_status ks__row_put_identity(struct ks__embedded_log *log, struct ks__txn *txn,
                               const char *identity)
{
    struct meta_key key = key_of('n', "");

    return ks__txn_put(txn, log->meta, bytes_of(&key),
                       (ks_bytes){ identity, KS__CLUSTER_ID_BYTES - 1 });
}

ks_status ks__row_serial(struct ks__embedded_log *log, struct ks__txn *txn, uint64_t *serial)
{
    struct meta_key key = key_of('s', "");
    int64_t         last;
    ks_status       status = get_number(log, txn, &key, 0, &last);

    *serial = (uint64_t)last + 1;
    return status != KS_OK ? status : put_number(log, txn, &key, last + 1);
}

/* ---- records ---- */

void ks__record_key(uint8_t out[KS__RECORD_KEY_BYTES], uint32_t topic, int32_t partition,
                    int64_t offset)
{
    ks__put_be32(out, topic);
    ks__put_be32(out + 4, (uint32_t)partition);
    ks__put_be64(out + 8, (uint64_t)offset);
}

bool ks__record_key_is(ks_bytes key, uint32_t topic, int32_t partition, int64_t *offset)
{
    const uint8_t *bytes = key.data;

    if (key.size != KS__RECORD_KEY_BYTES || ks__get_be32(bytes) != topic ||
        ks__get_be32(bytes + 4) != (uint32_t)partition)
        return false;
    *offset = (int64_t)ks__get_be64(bytes + 8);
    return true;
}

/* The end behind the last chunk; `*end` stays when there is none. */
static ks_status end_of_chunks(struct ks__embedded_log *log, struct ks__txn *txn, uint32_t topic,
                               int32_t partition, int64_t *end)
{
    uint8_t              last[KS__RECORD_KEY_BYTES];
    struct ks__db_cursor *cursor;
    struct ks__chunk     chunk;
    ks_bytes             key, value;
    int64_t              base;
    ks_status            status = ks__db_cursor_open(txn, log->records, &cursor);

    if (status != KS_OK)
        return status;
    ks__record_key(last, topic, partition, INT64_MAX);
    if (ks__db_cursor_seek_back(cursor, (ks_bytes){ last, sizeof(last) }, &key, &value) &&
        ks__record_key_is(key, topic, partition, &base)) {
        status = ks__chunk_open(value, &chunk);
        if (status == KS_OK)
            *end = base + chunk.span;
    } else {
        status = ks__db_cursor_status(cursor);
    }
    ks__db_cursor_close(cursor);
    return status;
}

ks_status ks__row_bounds(struct ks__embedded_log *log, struct ks__txn *txn, uint32_t topic,
                         int32_t partition, int64_t *begin, int64_t *end)
{
    struct meta_key key = begin_key(topic, partition);
    int64_t         from, to;
    ks_status       status = get_number(log, txn, &key, 0, &from);

    to = from;
    if (status == KS_OK && end != NULL)
        status = end_of_chunks(log, txn, topic, partition, &to);
    if (begin != NULL)
        *begin = from;
    if (end != NULL)
        *end = to;
    return status;
}

/* ---- topics ---- */

ks_status ks__row_get_topic(struct ks__embedded_log *log, struct ks__txn *txn, const char *name,
                            uint32_t *id, int32_t *partitions, bool *compacted)
{
    struct meta_key   key = key_of('t', name);
    ks_bytes          value;
    struct ks__reader in;
    ks_status         status = ks__txn_get(txn, log->meta, bytes_of(&key), &value);

    *partitions = 0;
    if (status != KS_OK || value.data == NULL)
        return status;
    in          = ks__reader_of(value);
    *id         = ks__reader_u32(&in);
    *partitions = ks__reader_i32(&in);
    *compacted  = ks__reader_u8(&in) != 0;
    if (!ks__reader_done(&in) || *partitions < 1)
        return KS_ECORRUPT;
    return KS_OK;
}

ks_status ks__row_put_topic(struct ks__embedded_log *log, struct ks__txn *txn,
                            const struct ks__topic_spec *spec, uint32_t *id)
{
    struct meta_key last = key_of('i', ""), key = key_of('t', spec->name);
    int64_t         number;
    uint8_t         value[9];
    ks_status       status = get_number(log, txn, &last, 0, &number);

    if (status == KS_OK)
        status = put_number(log, txn, &last, number + 1);
    if (status != KS_OK)
        return status;
    *id = (uint32_t)number + 1;
    ks__put_be32(value, *id);
    ks__put_be32(value + 4, (uint32_t)spec->partitions);
    value[8] = spec->compacted;
    return ks__txn_put(txn, log->meta, bytes_of(&key), (ks_bytes){ value, sizeof(value) });
}

ks_status ks__row_list_topics(struct ks__embedded_log *log, struct ks__txn *txn,
                              struct ks__buffer *names)
{
    struct ks__db_cursor *cursor;
    struct meta_key       from = key_of('t', "");
    ks_bytes              key;
    ks_status             status = ks__db_cursor_open(txn, log->meta, &cursor);
    bool                  found;

    if (status != KS_OK)
        return status;
    for (found = ks__db_cursor_seek(cursor, bytes_of(&from), &key, NULL);
         found && key.size > 0 && *(const char *)key.data == 't';
         found = ks__db_cursor_next(cursor, &key, NULL)) {
        ks__buffer_append(names, (const char *)key.data + 1, key.size - 1);
        ks__buffer_append_u8(names, 0);
    }
    status = ks__db_cursor_status(cursor);
    ks__db_cursor_close(cursor);
    return status;
}

/* ---- positions ---- */

ks_status ks__row_get_position(struct ks__embedded_log *log, struct ks__txn *txn,
                               const char *group, const char *topic, int32_t partition,
                               int64_t *offset, ks_bytes *metadata)
{
    struct meta_key key = position_key(group, topic, partition);
    ks_bytes        value;
    ks_status       status = ks__txn_get(txn, log->meta, bytes_of(&key), &value);

    *offset = KS__OFFSET_NONE;
    if (status != KS_OK || value.data == NULL)
        return status;
    if (value.size < sizeof(uint64_t))
        return KS_ECORRUPT;
    *offset   = (int64_t)ks__get_be64(value.data);
    *metadata = (ks_bytes){ (const uint8_t *)value.data + sizeof(uint64_t),
                            value.size - sizeof(uint64_t) };
    return KS_OK;
}

ks_status ks__row_put_position(struct ks__embedded_log *log, struct ks__txn *txn,
                               const char *group, const struct ks__position *position)
{
    struct meta_key key  = position_key(group, position->topic, position->partition);
    const char     *text = position->metadata != NULL ? position->metadata : "";
    size_t          size = strlen(text);
    void           *at;
    ks_status       status = ks__txn_reserve(txn, log->meta, bytes_of(&key),
                                             sizeof(uint64_t) + size, &at);

    if (status != KS_OK)
        return status;
    ks__put_be64(at, (uint64_t)position->offset);
    memcpy((uint8_t *)at + sizeof(uint64_t), text, size);
    return KS_OK;
}

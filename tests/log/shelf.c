/* SPDX-License-Identifier: Apache-2.0
 *
 * shelf.c - see shelf.h.
 */
#include "log/shelf.h"

#include <stdlib.h>
#include <string.h>

#define TOPICS     16
#define PARTITIONS 16
#define VALUES     64

struct header {
    char    *name;
    ks_bytes value;
};

struct row {
    ks_bytes       key, value;
    int64_t        timestamp_ms;
    struct header *headers;
    size_t         header_count;
};

struct part {
    struct row *rows;
    size_t      count;
    int64_t     begin;
};

struct topic {
    char        name[64];
    int32_t     partitions;
    bool        compacted;
    struct part parts[PARTITIONS];
};

struct shelf {
    struct shelf *next;
    char          name[64];
    ks_log_ctx   *ctx;          /* of who has it open */
    struct topic  topics[TOPICS];
    size_t        topic_count;
    ks_bytes      keys[VALUES], values[VALUES];
    size_t        value_count;
};

struct self {
    struct shelf *shelf;
};

static struct shelf *shelves;
static unsigned      calls, fail_at;
static bool          forgets;

void shelf_fail_at(unsigned n)
{
    calls   = 0;
    fail_at = n;
}

unsigned shelf_calls(void)
{
    return calls;
}

void shelf_forget_offsets(bool forget)
{
    forgets = forget;
}

static ks_status count_call(ks_log_ctx *ctx, const char *what)
{
    return ++calls == fail_at ? ks_log_ctx_fail(ctx, KS_EIO, "%s fails as told", what) : KS_OK;
}

/* ---- bytes ---- */

static ks_bytes copy_of(ks_bytes bytes)
{
    char *copy;

    if (bytes.data == NULL)
        return KS_NULL;
    copy = malloc(bytes.size + 1);
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    return (ks_bytes){ copy, bytes.size };
}

static struct row row_of(const ks_record *record)
{
    struct row row = { copy_of(record->key), copy_of(record->value), record->timestamp_ms, NULL,
                       ks_headers_count(record->headers) };

    row.headers = calloc(row.header_count + 1, sizeof(*row.headers));
    for (size_t i = 0; i < row.header_count; i++) {
        const char *name;
        ks_bytes    value;

        ks_headers_at(record->headers, i, &name, &value);
        row.headers[i] = (struct header){ strdup(name), copy_of(value) };
    }
    return row;
}

static void row_free(struct row *row)
{
    for (size_t i = 0; i < row->header_count; i++) {
        free(row->headers[i].name);
        free((void *)(uintptr_t)row->headers[i].value.data);
    }
    free(row->headers);
    free((void *)(uintptr_t)row->key.data);
    free((void *)(uintptr_t)row->value.data);
}

/* ---- hooks ---- */

static struct topic *topic_of(struct shelf *shelf, const char *name)
{
    for (size_t i = 0; i < shelf->topic_count; i++)
        if (strcmp(shelf->topics[i].name, name) == 0)
            return &shelf->topics[i];
    return NULL;
}

static struct part *part_of(void *self, const char *topic, int32_t partition)
{
    struct topic *found = topic_of(((struct self *)self)->shelf, topic);

    if (found == NULL)
        abort();                /* the library asks only for topics that it found */
    return &found->parts[partition];
}

static struct shelf *shelf_of(const char *name)
{
    struct shelf *shelf = shelves;

    while (shelf != NULL && strcmp(shelf->name, name) != 0)
        shelf = shelf->next;
    if (shelf == NULL) {
        shelf       = calloc(1, sizeof(*shelf));
        shelf->next = shelves;
        shelves     = shelf;
        strncpy(shelf->name, name, sizeof(shelf->name) - 1);
    }
    return shelf;
}

static ks_status shelf_open(ks_log_ctx *ctx, const char *rest, void *self)
{
    if (strcmp(rest, "locked") == 0)
        return ks_log_ctx_fail_text(ctx, KS_EACCESS, "it is locked");
    ((struct self *)self)->shelf      = shelf_of(rest);
    ((struct self *)self)->shelf->ctx = ctx;
    return count_call(ctx, "open");
}

static void shelf_close(ks_log_ctx *ctx, void *self)
{
    (void)ctx;
    ((struct self *)self)->shelf->ctx = NULL;
}

static ks_status shelf_create(ks_log_ctx *ctx, const ks_log_topic *topic, void *self)
{
    struct shelf *shelf  = ((struct self *)self)->shelf;
    ks_status     status = count_call(ctx, "create");

    if (status != KS_OK)
        return status;
    if (shelf->topic_count == TOPICS || topic->partitions > PARTITIONS)
        return ks_log_ctx_fail(ctx, KS_EFULL, "no room for \"%s\"", topic->name);
    struct topic *made = &shelf->topics[shelf->topic_count++];
    strncpy(made->name, topic->name, sizeof(made->name) - 1);
    made->partitions = topic->partitions;
    made->compacted  = topic->compacted;
    return KS_OK;
}

static ks_status shelf_find(ks_log_ctx *ctx, const char *name, ks_log_topic *topic, void *self)
{
    const struct topic *found  = topic_of(((struct self *)self)->shelf, name);
    ks_status           status = count_call(ctx, "find");

    if (status == KS_OK && found != NULL) {
        topic->partitions = found->partitions;
        topic->compacted  = found->compacted;
    }
    return status;
}

static ks_status shelf_range(ks_log_ctx *ctx, const char *topic, int32_t partition, int64_t *begin,
                             int64_t *end, void *self)
{
    const struct part *part = part_of(self, topic, partition);

    *begin = part->begin;
    *end   = (int64_t)part->count;
    return count_call(ctx, "range");
}

/* False = no memory. */
static bool headers_of(const struct row *row, ks_headers **out)
{
    *out = row->header_count > 0 ? ks_headers_new() : NULL;
    for (size_t i = 0; *out != NULL && i < row->header_count; i++)
        if (ks_headers_add(*out, row->headers[i].name, row->headers[i].value) != KS_OK)
            return false;
    return *out != NULL || row->header_count == 0;
}

static ks_status shelf_read(ks_log_ctx *ctx, const char *topic, int32_t partition, int64_t offset,
                            ks_log_batch *batch, void *self)
{
    const struct part *part   = part_of(self, topic, partition);
    ks_status          status = count_call(ctx, "read");
    bool               wanted = status == KS_OK;

    for (size_t i = (size_t)offset; wanted && i < part->count; i++) {
        const struct row *row = &part->rows[i];
        ks_headers       *headers;

        if (!headers_of(row, &headers))
            status = ks_log_ctx_fail_text(ctx, KS_ENOMEM, "no memory for headers");
        wanted = status == KS_OK &&
                 ks_log_batch_add(batch,
                                  &(ks_record){ .key          = row->key,
                                                .value        = row->value,
                                                .timestamp_ms = row->timestamp_ms,
                                                .headers      = headers },
                                  (int64_t)i);
        ks_headers_free(headers);
    }
    return status;
}

static ks_status shelf_trim(ks_log_ctx *ctx, const char *topic, int32_t partition, int64_t offset,
                            void *self)
{
    ks_status status = count_call(ctx, "trim");

    if (status == KS_OK)
        part_of(self, topic, partition)->begin = offset;
    return status;
}

static size_t value_place(const struct shelf *shelf, ks_bytes key)
{
    size_t i = 0;

    while (i < shelf->value_count && !ks_bytes_equal(shelf->keys[i], key))
        i++;
    return i;
}

static ks_status shelf_get(ks_log_ctx *ctx, ks_bytes key, ks_bytes *value, void *self)
{
    const struct shelf *shelf = ((struct self *)self)->shelf;
    const size_t        at    = value_place(shelf, key);

    if (at < shelf->value_count)
        *value = shelf->values[at];
    return count_call(ctx, "get");
}

static void put(struct part *part, const ks_record *record)
{
    part->rows = realloc(part->rows, (part->count + 1) * sizeof(*part->rows));
    part->rows[part->count++] = row_of(record);
}

static ks_status shelf_commit(ks_log_ctx *ctx, ks_log_commit *commit, void *self)
{
    struct shelf *shelf  = ((struct self *)self)->shelf;
    ks_status     status = count_call(ctx, "commit");

    if (status != KS_OK)
        return status;
    if (shelf->value_count + commit->value_count > VALUES)
        return ks_log_ctx_fail_text(ctx, KS_EFULL, "no room for values");
    for (size_t i = 0; i < commit->append_count; i++) {
        ks_log_append *append = &commit->appends[i];
        struct part   *part   = part_of(self, append->topic, append->partition);

        if (!forgets)
            append->first_offset = (int64_t)part->count;
        for (size_t j = 0; j < append->count; j++)
            put(part, append->records[j]);
    }
    for (size_t i = 0; i < commit->value_count; i++) {
        const size_t at = value_place(shelf, commit->values[i].key);

        if (at == shelf->value_count)
            shelf->keys[shelf->value_count++] = copy_of(commit->values[i].key);
        free((void *)(uintptr_t)shelf->values[at].data);
        shelf->values[at] = copy_of(commit->values[i].value);
    }
    return KS_OK;
}

static ks_status shelf_list(ks_log_ctx *ctx, ks_log_names *names, void *self)
{
    const struct shelf *shelf  = ((struct self *)self)->shelf;
    ks_status           status = count_call(ctx, "list");

    for (size_t i = 0; status == KS_OK && i < shelf->topic_count; i++)
        ks_log_names_add(names, shelf->topics[i].name);
    return status;
}

const ks_log_class shelf_class = KS_LOG_CLASS(
    .scheme = "shelf:", .state_size = sizeof(struct self), .open = shelf_open,
    .close = shelf_close, .create = shelf_create, .find = shelf_find, .range = shelf_range,
    .read = shelf_read, .trim = shelf_trim, .get = shelf_get, .commit = shelf_commit,
    .list = shelf_list);

/* ---- from outside ---- */

void shelf_deliver(const char *name, const char *topic, const ks_record *record)
{
    struct shelf *shelf = shelf_of(name);

    put(part_of(&(struct self){ shelf }, topic, 0), record);
    ks_log_ctx_arrived(shelf->ctx);
}

static void topic_clear(struct topic *topic)
{
    for (int32_t p = 0; p < topic->partitions; p++) {
        for (size_t i = 0; i < topic->parts[p].count; i++)
            row_free(&topic->parts[p].rows[i]);
        free(topic->parts[p].rows);
    }
}

void shelf_clear(void)
{
    while (shelves != NULL) {
        struct shelf *shelf = shelves;

        shelves = shelf->next;
        for (size_t i = 0; i < shelf->topic_count; i++)
            topic_clear(&shelf->topics[i]);
        for (size_t i = 0; i < shelf->value_count; i++) {
            free((void *)(uintptr_t)shelf->keys[i].data);
            free((void *)(uintptr_t)shelf->values[i].data);
        }
        free(shelf);
    }
}

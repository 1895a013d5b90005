/* SPDX-License-Identifier: Apache-2.0
 *
 * read.c - records out of a log of the user's own: a hook fills a segment, which is lent.
 */
#include "log/user/user.h"

#define BATCH_RECORDS 512u
#define BATCH_BYTES   (64u * 1024u)
#define SCAN_RECORDS  BATCH_RECORDS         /* at a time, looking for a time                      */

static struct ks_log_ctx *ctx_of(const struct ks__local_source *source)
{
    return (struct ks_log_ctx *)((struct ks__local_session *)source->base.session)->log;
}

bool ks_log_batch_add(ks_log_batch *batch, const ks_record *record, int64_t offset)
{
    const size_t need = ks__segment_need(record);

    if (batch->no_memory || batch->falls)
        return false;
    if (offset < batch->next) {
        batch->falls = true;
        return false;
    }
    if (batch->segment == NULL) {
        const size_t records = batch->limit < BATCH_RECORDS ? batch->limit : BATCH_RECORDS;

        batch->segment = ks__segment_new((uint32_t)records,
                                         need > BATCH_BYTES ? need : BATCH_BYTES);
        batch->no_memory = batch->segment == NULL;
        if (batch->no_memory)
            return false;
    }
    if (!ks__segment_fits(batch->segment, need))
        return false;
    ks__segment_append(batch->segment, record, offset);
    batch->next = offset + 1;
    return true;
}

/* The range, then records from `offset` on if there are any; under `hooks`. */
static ks_status read(struct ks_log_ctx *ctx, struct ks__local_topic *topic, int32_t partition,
                      int64_t offset, struct ks_log_batch *batch, int64_t *end)
{
    int64_t   begin  = 0;
    ks_status status = ctx->class->range(ctx, topic->name, partition, &begin, end, ctx->self);

    if (status != KS_OK)
        return status;
    atomic_store(&((struct ks__user_topic *)topic)->ends[partition], *end);
    if (offset < begin || offset > *end)
        return KS_EOFFSET;
    if (offset == *end)
        return KS_OK;
    batch->next = offset;
    status = ctx->class->read(ctx, topic->name, partition, offset, batch, ctx->self);
    if (batch->no_memory)
        return ks__error_no_memory(&ctx->error, "records read");
    if (batch->falls)
        return ks__error_set(&ctx->error, KS_ECORRUPT,
                             "%s-%d: read gave offsets that do not rise from %lld on",
                             topic->name, (int)partition, (long long)offset);
    return status;
}

ks_status ks__user_fetch(struct ks__local_source *source, size_t limit, struct ks__batch *batch)
{
    struct ks_log_ctx  *ctx = ctx_of(source);
    struct ks_log_batch in  = { .limit = limit };
    int64_t             end = 0;
    ks_status           status;

    atomic_store(&source->hungry, true);        /* before the look: nothing is missed */
    ks__user_enter(ctx);
    status = read(ctx, source->topic, source->partition, source->next, &in, &end);
    status = ks__user_leave(ctx, status, "read", &source->base.session->error);
    if (status != KS_OK) {
        ks__segment_drop(in.segment);
        return status;
    }
    batch->next_offset = end;                   /* nothing more: compacted away up to the end */
    if (in.segment != NULL) {
        batch->held        = in.segment;
        batch->records     = in.segment->records;
        batch->count       = in.segment->count;
        batch->next_offset = in.next;
    }
    batch->caught_up = batch->next_offset == end;
    if (!batch->caught_up)
        atomic_store_explicit(&source->hungry, false, memory_order_relaxed);
    return KS_OK;
}

int64_t ks__user_lag(const struct ks__local_source *source)
{
    const int64_t end =
        atomic_load(&((const struct ks__user_topic *)source->topic)->ends[source->partition]);

    return end > source->next ? end - source->next : 0;
}

/* The first record of the segment at or after the time; NULL = none. */
static const struct ks__log_record *first_at(const struct ks__segment *segment, int64_t time_ms)
{
    for (uint32_t i = 0; i < segment->count; i++)
        if (segment->records[i].record.timestamp_ms >= time_ms)
            return &segment->records[i];
    return NULL;
}

ks_status ks__user_at(struct ks_log_ctx *ctx, struct ks__local_topic *topic, int32_t partition,
                      int64_t time_ms, int64_t *offset, ks_error *error)
{
    int64_t   next = 0, end = 0;
    ks_status status;
    bool      found = false;

    ks__user_enter(ctx);
    status = ctx->class->range(ctx, topic->name, partition, &next, &end, ctx->self);
    while (status == KS_OK && !found && next < end) {
        struct ks_log_batch          in = { .limit = SCAN_RECORDS };
        const struct ks__log_record *at = NULL;

        status = read(ctx, topic, partition, next, &in, &end);
        if (status == KS_OK && in.segment != NULL)
            at = first_at(in.segment, time_ms);
        found = at != NULL;
        next  = found ? at->offset : in.segment != NULL ? in.next : end;
        ks__segment_drop(in.segment);
    }
    *offset = found ? next : end;
    return ks__user_leave(ctx, status, "read", error);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * pending.c - references, answers, and the way of an answer to the stream thread.
 */
#include "dsl/ops/pending.h"

#include "base/alloc.h"
#include "base/record.h"

#include <string.h>

/* ---- desk ---- */

struct ks__desk *ks__desk_new(struct ks__wake *wake)
{
    struct ks__desk *desk = ks__zalloc(sizeof(*desk));

    if (desk == NULL)
        return NULL;
    if (ks__mutex_init(&desk->lock) != KS_OK) {
        ks__free(desk);
        return NULL;
    }
    atomic_init(&desk->references, 1);
    desk->wake = wake;
    desk->end  = &desk->first;
    return desk;
}

void ks__desk_release(struct ks__desk *desk)
{
    if (desk == NULL || atomic_fetch_sub(&desk->references, 1) > 1)
        return;
    ks__mutex_release(&desk->lock);
    ks__free(desk);
}

struct ks_pending *ks__desk_take(struct ks__desk *desk)
{
    struct ks_pending *all;

    if (!atomic_load(&desk->some))
        return NULL;
    ks__mutex_lock(&desk->lock);
    all         = desk->first;
    desk->first = NULL;
    desk->end   = &desk->first;
    desk->woken = false;
    atomic_store(&desk->some, false);
    ks__mutex_unlock(&desk->lock);
    return all;
}

/* Under the lock. */
static void put_on_desk(struct ks__desk *desk, struct ks_pending *pending)
{
    pending->next_answered = NULL;
    *desk->end             = pending;
    desk->end              = &pending->next_answered;
    atomic_store(&desk->some, true);
    if (pending->starting || desk->woken || desk->wake == NULL)
        return;
    desk->woken = true;
    ks__wake_set(desk->wake);
}

/* ---- life ---- */

struct ks_pending *ks__pending_new(struct ks__desk *desk)
{
    struct ks_pending *pending = ks__zalloc(sizeof(*pending));

    if (pending == NULL)
        return NULL;
    atomic_fetch_add(&desk->references, 1);
    pending->desk = desk;
    pending->held = true;
    return pending;
}

void ks__pending_release(struct ks_pending *pending)
{
    struct ks__desk *desk = pending->desk;

    ks__free(pending->reply);
    ks__free(pending->block);
    ks__free(pending);
    ks__desk_release(desk);
}

/* What the raw record has in common with the one processed is not copied twice. */
static ks_record own_part(const ks_record *raw, const ks_record *record)
{
    ks_record own = *raw;

    if (own.key.data == record->key.data && own.key.size == record->key.size)
        own.key = KS_NULL;
    if (own.value.data == record->value.data && own.value.size == record->value.size)
        own.value = KS_NULL;
    if (own.headers == record->headers)
        own.headers = NULL;
    return own;
}

static void add_common_part(ks_record *own, const ks_record *raw, const ks_record *copy)
{
    if (own->key.data == NULL && raw->key.data != NULL)
        own->key = copy->key;
    if (own->value.data == NULL && raw->value.data != NULL)
        own->value = copy->value;
    if (own->headers == NULL && raw->headers != NULL)
        own->headers = copy->headers;
}

bool ks__pending_fill(struct ks_pending *pending, const ks_ctx *ctx,
                      const struct ks__record *record)
{
    const ks_record none = { .key = KS_NULL };
    const ks_record *raw = ctx->raw != NULL ? ctx->raw : &none;
    ks_record        own = own_part(raw, &record->record);
    size_t           bytes = ks__record_bytes(&record->record) + ks__record_bytes(&own);
    unsigned char   *at;

    if (bytes > pending->capacity) {
        at = ks__alloc(bytes);
        if (at == NULL)
            return false;
        ks__free(pending->block);
        pending->block    = at;
        pending->capacity = bytes;
    }
    at              = pending->block;
    pending->record = *record;
    ks__record_put(&at, &pending->record.record);
    if (record->record.window != NULL) {
        pending->window               = *record->record.window;
        pending->record.record.window = &pending->window;
    }
    ks__record_put(&at, &own);
    add_common_part(&own, raw, &pending->record.record);
    own.window       = NULL;
    pending->raw     = own;
    pending->has_raw = ctx->raw != NULL;
    pending->origin  = ctx->origin;
    return true;
}

void ks__pending_begin(struct ks_pending *pending)
{
    ks__mutex_lock(&pending->desk->lock);
    pending->users    = 1;
    pending->settled  = false;
    pending->starting = true;
    pending->answer   = KS__ANSWER_NONE;
    ks__mutex_unlock(&pending->desk->lock);
    pending->answered = false;
}

bool ks__pending_started(struct ks_pending *pending, bool refused, bool take_back)
{
    bool stays;

    ks__mutex_lock(&pending->desk->lock);
    stays             = !refused || pending->answer != KS__ANSWER_NONE;
    pending->starting = false;
    if (refused && stays)
        pending->answer = KS__ANSWER_REFUSED;
    else if (refused && take_back)
        pending->users--;
    pending->settled = !stays;
    ks__mutex_unlock(&pending->desk->lock);
    return stays;
}

bool ks__pending_time_out(struct ks_pending *pending)
{
    bool late;

    ks__mutex_lock(&pending->desk->lock);
    late = pending->answer == KS__ANSWER_NONE;
    if (late)
        pending->answer = KS__ANSWER_TIMEOUT;
    ks__mutex_unlock(&pending->desk->lock);
    return late;
}

/* Under the lock. */
static bool settle(struct ks_pending *pending)
{
    pending->settled = true;
    pending->held    = pending->users == 0;
    return pending->held;
}

bool ks__pending_settle(struct ks_pending *pending)
{
    bool alone;

    ks__mutex_lock(&pending->desk->lock);
    alone = settle(pending);
    ks__mutex_unlock(&pending->desk->lock);
    return alone;
}

struct ks_pending *ks__desk_settle(struct ks__desk *desk, struct ks_pending *all)
{
    struct ks_pending *alone = NULL, *next;

    ks__mutex_lock(&desk->lock);
    desk->first = NULL;
    desk->end   = &desk->first;
    desk->woken = false;
    atomic_store(&desk->some, false);
    for (; all != NULL; all = next) {
        next = all->after;
        if (settle(all)) {
            all->after = alone;
            alone      = all;
        }
    }
    ks__mutex_unlock(&desk->lock);
    return alone;
}

/* ---- answers ---- */

/* Under the lock. */
static void keep_reply(struct ks_pending *pending, enum ks__answer answer, ks_bytes reply)
{
    unsigned char *block;

    pending->answer  = answer;
    pending->is_null = reply.data == NULL;
    if (pending->is_null)
        reply.size = 0;
    if (reply.size > pending->reply_capacity) {
        block = ks__alloc(reply.size);
        if (block == NULL) {
            pending->answer = KS__ANSWER_NO_MEMORY;
            return;
        }
        ks__free(pending->reply);
        pending->reply          = block;
        pending->reply_capacity = reply.size;
    }
    if (reply.size > 0)
        memcpy(pending->reply, reply.data, reply.size);
    pending->reply_size = reply.size;
}

/* End a reference, with an answer or (NONE) without one. */
static void end_reference(struct ks_pending *pending, enum ks__answer answer, ks_bytes reply)
{
    static const char nobody[] = "nobody answered: the last reference was let go";
    struct ks__desk  *desk = pending->desk;
    bool              last;

    ks__mutex_lock(&desk->lock);
    last = --pending->users == 0;
    if (answer == KS__ANSWER_NONE && last) {
        answer = KS__ANSWER_FAILURE;
        reply  = (ks_bytes){ nobody, sizeof(nobody) - 1 };
    }
    if (answer != KS__ANSWER_NONE && pending->answer == KS__ANSWER_NONE && !pending->settled) {
        keep_reply(pending, answer, reply);
        put_on_desk(desk, pending);
    }
    last = last && !pending->held;
    ks__mutex_unlock(&desk->lock);
    if (last)
        ks__pending_release(pending);
}

void ks_pending_complete(ks_pending *pending, ks_bytes value)
{
    if (pending != NULL)
        end_reference(pending, KS__ANSWER_VALUE, value);
}

void ks_pending_fail(ks_pending *pending, const char *text)
{
    if (pending != NULL)
        end_reference(pending, KS__ANSWER_FAILURE,
                      ks_bytes_text(text != NULL ? text : "no reason was given"));
}

ks_pending *ks_pending_keep(ks_pending *pending)
{
    if (pending == NULL)
        return NULL;
    ks__mutex_lock(&pending->desk->lock);
    pending->users++;
    ks__mutex_unlock(&pending->desk->lock);
    return pending;
}

void ks_pending_free(ks_pending *pending)
{
    if (pending != NULL)
        end_reference(pending, KS__ANSWER_NONE, KS_NULL);
}

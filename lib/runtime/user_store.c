/* SPDX-License-Identifier: Apache-2.0
 *
 * user_store.c - see user_store.h; and the public calls of a store's context.
 */
#include "runtime/user_store.h"

#include "base/io.h"
#include "runtime/task_parts.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#define DIRECTORY "user" /* below the task's */

struct ks_store_ctx {
    struct ks__task             *task;
    const struct ks__store_spec *spec;
    const ks_store_class        *class;
    void                        *self;
    char                        *directory; /* NULL = not asked for yet */
    int64_t                      position;
    ks_error                     error;     /* of the hook that runs */
    bool                         in_open;
    bool                         in_hook;
    bool                         opened;    /* close is owed */
};

/* ---- hooks ---- */

/* What the hook answered, told with the store's name. */
static ks_status end_hook(struct ks_store_ctx *store, ks_status status, const char *hook,
                          ks_error *error)
{
    store->in_hook = false;
    if (status == KS_OK && !ks__error_is_set(&store->error))
        return KS_OK;
    if (!ks__error_is_set(&store->error))
        ks__error_set(&store->error, status < 0 ? status : KS_EUSER, "returned %s",
                      ks_status_name(status));
    ks__error_prefix(&store->error, "store \"%s\", %s: ", store->spec->name, hook);
    ks__error_copy(error, &store->error);
    status = store->error.status;
    ks__error_clear(&store->error);
    return status;
}

static void begin_hook(struct ks_store_ctx *store)
{
    ks__error_clear(&store->error);
    store->in_hook = true;
}

/* ---- life ---- */

static char *directory_of(const struct ks__task *task, const struct ks__store_spec *spec)
{
    return ks__format("%s/" DIRECTORY "/%s", task->directory, spec->name);
}

static ks_status remove_files(const struct ks_store_ctx *store, ks_error *error)
{
    char       *directory = directory_of(store->task, store->spec);
    struct stat there;
    int         failed = 0;

    if (directory == NULL)
        return ks__error_no_memory(error, store->spec->name);
    if (lstat(directory, &there) == 0)
        failed = ks__io_remove_tree(directory);
    if (failed != 0)
        ks__error_set_errno(error, KS_EIO, errno, "store \"%s\": cannot empty %s",
                            store->spec->name, directory);
    ks__free(directory);
    return failed == 0 ? KS_OK : KS_EIO;
}

static ks_status open_self(struct ks_store_ctx *store, bool fresh, ks_error *error)
{
    ks_status status = fresh ? remove_files(store, error) : KS_OK;

    if (status != KS_OK)
        return status;
    store->position = KS__OFFSET_NONE;
    memset(store->self, 0, store->class->state_size);
    begin_hook(store);
    store->in_open = true;
    if (store->class->open != NULL)
        status = store->class->open(store, store->self, store->spec->user);
    store->in_open = false;
    status         = end_hook(store, status, "open", error);
    store->opened  = status == KS_OK;
    return status;
}

static void close_self(struct ks_store_ctx *store)
{
    begin_hook(store);
    if (store->opened && store->class->close != NULL)
        store->class->close(store, store->self);
    store->in_hook = false;
    store->opened  = false;
}

ks_status ks__user_store_open(struct ks_store_ctx **out, struct ks__task *task,
                              const struct ks__store_spec *spec, bool fresh, ks_error *error)
{
    struct ks_store_ctx *store = ks__zalloc(sizeof(*store));
    ks_status            status;

    *out = NULL;
    if (store == NULL)
        return ks__error_no_memory(error, spec->name);
    store->task  = task;
    store->spec  = spec;
    store->class = spec->class;
    store->self  = ks__zalloc(store->class->state_size);
    status       = store->self != NULL ? open_self(store, fresh, error)
                                       : ks__error_no_memory(error, spec->name);
    if (status != KS_OK) {
        ks__user_store_close(store);
        return status;
    }
    *out = store;
    return KS_OK;
}

void ks__user_store_close(struct ks_store_ctx *store)
{
    if (store == NULL)
        return;
    close_self(store);
    ks__free(store->self);
    ks__free(store->directory);
    ks__free(store);
}

ks_status ks__user_store_reopen(struct ks_store_ctx *store, bool fresh, ks_error *error)
{
    close_self(store);
    ks__free(store->directory);
    store->directory = NULL;
    return open_self(store, fresh, error);
}

/* ---- what the task does with it ---- */

void *ks__user_store_self(const struct ks_store_ctx *store)
{
    return store->self;
}

int64_t ks__user_store_position(const struct ks_store_ctx *store)
{
    return store->position;
}

void ks__user_store_set_position(struct ks_store_ctx *store, int64_t position)
{
    store->position = position;
}

ks_status ks__user_store_restore(struct ks_store_ctx *store, const ks_record *records,
                                 size_t count, int64_t position, ks_error *error)
{
    ks_status status = KS_OK;

    begin_hook(store);
    if (count > 0)
        status = store->class->restore(store, records, count, store->self);
    status = end_hook(store, status, "restore", error);
    if (status == KS_OK)
        store->position = position;
    return status;
}

ks_status ks__user_store_commit(struct ks_store_ctx *store, ks_error *error)
{
    const int64_t position = store->position == KS__OFFSET_NONE ? -1 : store->position;

    if (store->class->commit == NULL)
        return KS_OK;
    begin_hook(store);
    return end_hook(store, store->class->commit(store, position, store->self), "commit", error);
}

/* ---- public ---- */

static int64_t time_ms(const struct ks__task *task)
{
    return task->ctx.record != NULL ? task->ctx.record->record.timestamp_ms : task->ctx.now_ms;
}

void ks_store_ctx_log(ks_store_ctx *ctx, ks_bytes key, ks_bytes value)
{
    struct ks__task *task;
    ks_record        record;

    if (ctx == NULL)
        return;
    task = ctx->task;
    if (ctx->in_hook) {
        ks__error_set(&ctx->error, KS_ESTATE, "a hook of the store changes nothing");
        return;
    }
    if (key.data == NULL) {
        ks__ctx_raise(&task->ctx, KS_EINVAL, "store \"%s\": the key is null", ctx->spec->name);
        return;
    }
    task->dirty = true;
    record      = (ks_record){ key, value, time_ms(task), NULL, NULL };
    if (record.timestamp_ms < 0)
        record.timestamp_ms = 0;
    ks__task_log_change(task, ctx, &record);
}

void ks_store_ctx_set_position(ks_store_ctx *ctx, int64_t position)
{
    if (ctx != NULL && ctx->in_open && position >= 0)
        ctx->position = position;
}

ks_status ks_store_ctx_fail(ks_store_ctx *ctx, const char *format, ...)
{
    va_list arguments;

    if (ctx == NULL)
        return KS_EUSER;
    va_start(arguments, format);
    ks__error_vset(&ctx->error, KS_EUSER, format, arguments);
    va_end(arguments);
    return KS_EUSER;
}

ks_status ks_store_ctx_fail_text(ks_store_ctx *ctx, const char *text)
{
    return ks_store_ctx_fail(ctx, "%s", text != NULL ? text : "");
}

const char *ks_store_ctx_name(const ks_store_ctx *ctx)
{
    return ctx != NULL ? ctx->spec->name : "";
}

const char *ks_store_ctx_application(const ks_store_ctx *ctx)
{
    return ctx != NULL ? ctx->task->application_id : "";
}

const char *ks_store_ctx_task(const ks_store_ctx *ctx)
{
    return ctx != NULL ? ctx->task->id : "";
}

int32_t ks_store_ctx_partition(const ks_store_ctx *ctx)
{
    return ctx != NULL ? ctx->task->options.partition : -1;
}

int64_t ks_store_ctx_time_ms(const ks_store_ctx *ctx)
{
    return ctx == NULL || ctx->in_hook ? -1 : time_ms(ctx->task);
}

const char *ks_store_ctx_directory(ks_store_ctx *ctx)
{
    ks_error *error;
    char     *directory;

    if (ctx == NULL || ctx->directory != NULL)
        return ctx != NULL ? ctx->directory : NULL;
    error     = ctx->in_hook ? &ctx->error : &ctx->task->error;
    directory = directory_of(ctx->task, ctx->spec);
    if (directory == NULL) {
        ks__error_no_memory(error, ctx->spec->name);
    } else if (ks__io_make_path(directory, 0700) != 0) {
        ks__error_set_errno(error, KS_EIO, errno, "no directory %s", directory);
        ks__free(directory);
        directory = NULL;
    }
    ctx->directory = directory;
    return directory;
}

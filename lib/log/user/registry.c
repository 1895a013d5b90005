/* SPDX-License-Identifier: Apache-2.0
 *
 * registry.c - classes of logs by their scheme, and the logs that are open by their address.
 *
 * Both lists are the process's: like the registry of logs in memory, one mutex guards them. Opening
 * and closing run under it, so that an address is opened once.
 */
#include "log/user/user.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#define SCHEME_LIMIT 32u

struct registered {
    struct registered  *next;
    const ks_log_class *class;
};

static struct ks__mutex    registry_mutex = KS__MUTEX_INIT;
static struct registered  *classes;         /* grows only                                         */
static struct ks_log_ctx  *opened;

static const struct ks__cluster_class cluster_class;

/* ---- classes ---- */

static const ks_log_class *class_of(const char *address)
{
    for (const struct registered *r = classes; r != NULL; r = r->next)
        if (strncmp(address, r->class->scheme, strlen(r->class->scheme)) == 0)
            return r->class;
    return NULL;
}

bool ks__user_takes(const char *address)
{
    bool taken;

    ks__mutex_lock(&registry_mutex);
    taken = class_of(address) != NULL;
    ks__mutex_unlock(&registry_mutex);
    return taken;
}

static bool is_scheme(const char *scheme)
{
    size_t size = scheme != NULL ? strlen(scheme) : 0;

    if (size < 2 || size > SCHEME_LIMIT || scheme[size - 1] != ':' ||
        strcmp(scheme, "memory:") == 0 || strcmp(scheme, "embedded:") == 0)
        return false;
    for (size_t i = 0; i < size - 1; i++)
        if (!isalpha((unsigned char)scheme[i]))
            return false;
    return true;
}

static bool is_whole(const ks_log_class *class)
{
    return class != NULL && class->struct_size == sizeof(*class) && class->state_size > 0 &&
           class->open != NULL && class->create != NULL && class->find != NULL &&
           class->range != NULL && class->read != NULL && class->trim != NULL &&
           class->get != NULL && class->commit != NULL && is_scheme(class->scheme);
}

ks_status ks_log_register(const ks_log_class *log)
{
    struct registered *entry;
    ks_status          status = KS_OK;

    if (!is_whole(log))
        return KS_EINVAL;
    ks__mutex_lock(&registry_mutex);
    if (class_of(log->scheme) != NULL) {
        status = class_of(log->scheme) == log ? KS_OK : KS_EEXISTS;
    } else {
        entry = ks__alloc(sizeof(*entry));
        if (entry != NULL) {
            *entry  = (struct registered){ classes, log };
            classes = entry;
        }
        status = entry != NULL ? KS_OK : KS_ENOMEM;
    }
    ks__mutex_unlock(&registry_mutex);
    return status;
}

/* ---- what a hook may ask ---- */

ks_status ks_log_ctx_fail(ks_log_ctx *ctx, ks_status status, const char *format, ...)
{
    va_list arguments;

    if (status == KS_OK)
        status = KS_ELOG;
    if (ks__error_is_set(&ctx->error))
        return status;
    va_start(arguments, format);
    ks__error_vset(&ctx->error, status, format, arguments);
    va_end(arguments);
    return status;
}

ks_status ks_log_ctx_fail_text(ks_log_ctx *ctx, ks_status status, const char *text)
{
    return ks_log_ctx_fail(ctx, status, "%s", text != NULL ? text : "no reason was given");
}

void ks_log_ctx_arrived(ks_log_ctx *ctx)
{
    ks__local_changed(&ctx->base);
}

/* ---- open and close ---- */

static void ctx_free(struct ks_log_ctx *ctx)
{
    for (size_t i = 0; i < ctx->topic_count; i++)
        ks__user_topic_free(ctx->topics[i]);
    ks__local_groups_release(&ctx->groups);
    ks__mutex_release(&ctx->hooks);
    ks__mutex_release(&ctx->base.mutex);
    ks__free(ctx->topics);
    ks__free(ctx->address);
    ks__free(ctx->self);
    ks__free(ctx);
}

static struct ks_log_ctx *ctx_new(const ks_log_class *class, const char *address)
{
    struct ks_log_ctx *ctx = ks__zalloc(sizeof(*ctx));

    if (ctx == NULL)
        return NULL;
    ctx->base.class = &ks__user_class;
    ctx->class      = class;
    atomic_init(&ctx->base.changes, 0);
    ctx->address = ks__strdup(address);
    ctx->self    = ks__zalloc(class->state_size);
    if (ks__mutex_init(&ctx->base.mutex) == KS_OK) {
        if (ks__mutex_init(&ctx->hooks) == KS_OK) {
            if (ks__local_groups_init(&ctx->groups) == KS_OK) {
                if (ctx->address != NULL && ctx->self != NULL)
                    return ctx;
                ctx_free(ctx);
                return NULL;
            }
            ks__mutex_release(&ctx->hooks);
        }
        ks__mutex_release(&ctx->base.mutex);
    }
    ks__free(ctx->address);
    ks__free(ctx->self);
    ks__free(ctx);
    return NULL;
}

/* The id that the storage keeps, made when it has none. */
static ks_status know_id(struct ks_log_ctx *ctx)
{
    const ks_bytes key   = KS_TEXT("i");
    ks_bytes       value = KS_NULL;
    ks_status      status = ctx->class->get(ctx, key, &value, ctx->self);

    if (status != KS_OK)
        return status;
    if (value.data != NULL && value.size != KS__CLUSTER_ID_BYTES - 1)
        return ks__error_set(&ctx->error, KS_ECORRUPT, "get gave no id as it was committed");
    if (value.data != NULL) {
        memcpy(ctx->base.id, value.data, value.size);
        return KS_OK;
    }
    ks__local_make_id(ctx->base.id);
    return ctx->class->commit(ctx,
                              &(ks_log_commit){
                                  .values = &(ks_log_value){ key, ks_bytes_text(ctx->base.id) },
                                  .value_count = 1 },
                              ctx->self);
}

static ks_status open_self(struct ks_log_ctx *ctx, ks_error *error)
{
    const char *rest = ctx->address + strlen(ctx->class->scheme);
    const char *hook = "open";
    ks_status   status;

    ks__user_enter(ctx);
    status = ctx->class->open(ctx, rest, ctx->self);
    if (status == KS_OK) {
        hook   = "id";
        status = know_id(ctx);
        if (status != KS_OK && ctx->class->close != NULL)
            ctx->class->close(ctx, ctx->self);
    }
    return ks__user_leave(ctx, status, hook, error);
}

/* The open log of the address, opened when it is not, with a reference more; under the mutex. */
static ks_status acquire(const char *address, struct ks_log_ctx **out, ks_error *error)
{
    struct ks_log_ctx *ctx = opened;
    ks_status          status;

    while (ctx != NULL && strcmp(ctx->address, address) != 0)
        ctx = ctx->next;
    if (ctx == NULL) {
        ctx = ctx_new(class_of(address), address);
        if (ctx == NULL)
            return ks__error_no_memory(error, "log");
        status = open_self(ctx, error);
        if (status != KS_OK) {
            ctx_free(ctx);
            return status;
        }
        ctx->next = opened;
        opened    = ctx;
    }
    ctx->references++;
    *out = ctx;
    return KS_OK;
}

static void release(struct ks_log_ctx *ctx)
{
    struct ks_log_ctx **at = &opened;

    if (--ctx->references > 0)
        return;
    while (*at != ctx)
        at = &(*at)->next;
    *at = ctx->next;
    if (ctx->class->close != NULL)
        ctx->class->close(ctx, ctx->self);
    ctx_free(ctx);
}

ks_status ks__user_open(struct ks__cluster **out, const char *address,
                        const struct ks__cluster_options *options, ks_error *error)
{
    struct ks__local_cluster *cluster = ks__zalloc(sizeof(*cluster));
    struct ks_log_ctx        *ctx = NULL;
    ks_status                 status;

    if (cluster == NULL)
        return ks__error_no_memory(error, "log");
    ks__mutex_lock(&registry_mutex);
    status = acquire(address, &ctx, error);
    ks__mutex_unlock(&registry_mutex);
    if (status != KS_OK) {
        ks__free(cluster);
        return status;
    }
    ks__local_cluster_init(cluster, &cluster_class, options, &ctx->base);
    *out = &cluster->base;
    return KS_OK;
}

static void cluster_close(struct ks__cluster *base)
{
    struct ks__local_cluster *cluster = (struct ks__local_cluster *)base;

    ks__local_cluster_release(cluster);
    ks__mutex_lock(&registry_mutex);
    release((struct ks_log_ctx *)cluster->log);
    ks__mutex_unlock(&registry_mutex);
    ks__free(cluster);
}

static const struct ks__cluster_class cluster_class = {
    .kind = "user", .scheme = "", .close = cluster_close, KS__LOCAL_CLUSTER_CALLS
};

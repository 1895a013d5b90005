/* SPDX-License-Identifier: Apache-2.0
 *
 * refusal.c - why a call on an app was refused: one text per thread that was, kept by the app.
 *
 *      app --- refusal (thread 7) --- refusal (thread 3)      added in front, freed with the app
 *
 * Two threads that are refused at once each find their own reason, and no text outlives its app.
 *
 * Invariants
 *   F1  A refusal is found by the thread that it was told to and by no other that lives; after its
 *       end, one with the same id may take it over.
 *   F2  The list only grows: `next` and `thread` are fixed before a refusal is in it.
 *
 * Threads: any.
 */
#include "base/alloc.h"
#include "runtime/app.h"

#include <pthread.h>
#include <stdarg.h>

struct ks__refusal {
    struct ks__refusal *next;
    pthread_t           thread;
    ks_error            error;  /* of that thread; set under `lock` of the app */
};

static struct ks__refusal *find(const struct ks_app *app)
{
    struct ks__refusal *one = atomic_load(&app->refusals);

    while (one != NULL && !pthread_equal(one->thread, pthread_self()))
        one = one->next;
    return one;
}

/* Of the calling thread, under `lock`; NULL without memory. */
static struct ks__refusal *find_or_add(struct ks_app *app)
{
    struct ks__refusal *one = find(app);

    if (one != NULL)
        return one;
    one = ks__zalloc(sizeof(*one));
    if (one == NULL) {
        atomic_store(&app->refusal_lost, true);
        return NULL;
    }
    one->thread = pthread_self();
    one->next   = atomic_load(&app->refusals);
    atomic_store(&app->refusals, one);
    return one;
}

ks_status ks__app_refuse(struct ks_app *app, ks_status status, const char *format, ...)
{
    struct ks__refusal *refusal;
    va_list             arguments;

    va_start(arguments, format);
    ks__mutex_lock(&app->lock);
    refusal = find_or_add(app);
    if (refusal != NULL) {
        ks__error_clear(&refusal->error);
        ks__error_vset(&refusal->error, status, format, arguments);
    }
    ks__mutex_unlock(&app->lock);
    va_end(arguments);
    return status;
}

const ks_error *ks_app_call_error(const ks_app *app)
{
    static const ks_error    none = { .status = KS_OK };
    static const ks_error    lost = { .status  = KS_ENOMEM,
                                      .message = "there was no memory to keep the reason" };
    const struct ks__refusal *refusal;

    if (app == NULL)
        return ks_app_error(app);
    refusal = find(app);
    if (refusal != NULL)
        return &refusal->error;
    return atomic_load(&app->refusal_lost) ? &lost : &none;
}

void ks__app_free_refusals(struct ks_app *app)
{
    struct ks__refusal *one = atomic_load(&app->refusals);

    while (one != NULL) {
        struct ks__refusal *next = one->next;

        ks__free(one);
        one = next;
    }
}

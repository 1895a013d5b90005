/* SPDX-License-Identifier: Apache-2.0
 *
 * intern.c - serdes made on demand: one per identity, kept for ever.
 *
 * A program declares a handful of them while it builds its topologies, so a list under a lock is
 * enough. They are never freed: topologies and records may point at them to the end of the process.
 *
 * Threads: any.
 */
#include "serde/serde.h"

#include "base/alloc.h"

#include <pthread.h>
#include <string.h>

struct interned {
    ks_serde         serde;
    struct interned *next;
};

static pthread_mutex_t  lock = PTHREAD_MUTEX_INITIALIZER;
static struct interned *all;

static bool same(const ks_serde *a, const ks_serde *b)
{
    return a->as_is == b->as_is && a->plain == b->plain && ks__serde_equal(a, b);
}

static const ks_serde *find(const ks_serde *wanted)
{
    for (struct interned *one = all; one != NULL; one = one->next)
        if (same(&one->serde, wanted))
            return &one->serde;
    return NULL;
}

/* Add a copy whose texts are its own. */
static const ks_serde *add(const ks_serde *wanted)
{
    struct interned *one     = ks__zalloc(sizeof(*one));
    char            *name    = ks__strdup(wanted->name);
    char            *literal = ks__strdup(wanted->literal);

    if (one == NULL || name == NULL || literal == NULL) {
        ks__free(name);
        ks__free(literal);
        ks__free(one);
        return NULL;
    }
    one->serde         = *wanted;
    one->serde.name    = name;
    one->serde.literal = literal;
    one->next          = all;
    all                = one;
    return &one->serde;
}

static const ks_serde *intern(const ks_serde *wanted)
{
    const ks_serde *serde;

    pthread_mutex_lock(&lock);
    serde = find(wanted);
    if (serde == NULL)
        serde = add(wanted);
    pthread_mutex_unlock(&lock);
    return serde;
}

const ks_serde *ks_serde_struct(const char *name, size_t size, bool as_is)
{
    const ks_serde *serde;
    char           *literal;

    if (size == 0 || name == NULL)
        return ks_serde_bytes();
    literal = ks__format("%s(%s)", as_is ? "KS_STRUCT_AS_IS" : "KS_STRUCT", name);
    if (literal == NULL)
        return NULL;
    serde = intern(&(ks_serde){ .kind    = KS__SERDE_STRUCT,
                                .name    = name,
                                .literal = literal,
                                .size    = size,
                                .as_is   = as_is });
    ks__free(literal);
    return serde;
}

static const ks_serde *intern_windowed(const ks_serde *wanted, const char *prefix,
                                       const char *literal)
{
    char           *name  = ks__format("%s<%s>", prefix, wanted->inner->name);
    const ks_serde *serde = NULL;
    ks_serde        named = *wanted;

    named.name    = name;
    named.literal = literal;
    if (name != NULL && literal != NULL)
        serde = intern(&named);
    ks__free(name);
    return serde;
}

static const ks_serde *inner_of(const ks_serde *inner)
{
    return inner != NULL ? inner : ks_serde_bytes();
}

/* Time windows; `plain` as in ks_serde. */
static const ks_serde *time_windows(const ks_serde *inner, int64_t size_ms, const ks_serde *plain)
{
    const ks_serde  wanted  = { .kind      = KS__SERDE_WINDOWED,
                                .inner     = inner_of(inner),
                                .window_ms = size_ms < 0 ? 0 : size_ms,
                                .plain     = plain };
    char           *literal = ks__format("ks_serde_windowed%s(%s, %lld)",
                                         plain != NULL ? "_changelog" : "", wanted.inner->literal,
                                         (long long)wanted.window_ms);
    const ks_serde *serde   = intern_windowed(&wanted, plain != NULL ? "windowed-changelog"
                                                                     : "windowed", literal);

    ks__free(literal);
    return serde;
}

const ks_serde *ks_serde_windowed(const ks_serde *inner, int64_t size_ms)
{
    return time_windows(inner, size_ms, NULL);
}

const ks_serde *ks_serde_windowed_changelog(const ks_serde *inner, int64_t size_ms)
{
    const ks_serde *plain = time_windows(inner, size_ms, NULL);

    return plain != NULL ? time_windows(inner, size_ms, plain) : NULL;
}

const ks_serde *ks_serde_session(const ks_serde *inner)
{
    const ks_serde  wanted  = { .kind = KS__SERDE_SESSION, .inner = inner_of(inner) };
    char           *literal = ks__format("ks_serde_session(%s)", wanted.inner->literal);
    const ks_serde *serde   = intern_windowed(&wanted, "session", literal);

    ks__free(literal);
    return serde;
}

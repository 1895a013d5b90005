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
    return a->as_is == b->as_is && ks__serde_equal(a, b);
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

static const ks_serde *intern_windowed(enum ks__serde_kind kind, const char *prefix,
                                       const ks_serde *inner, int64_t size_ms)
{
    const ks_serde *plain   = inner != NULL ? inner : ks_serde_bytes();
    char           *name    = ks__format("%s<%s>", prefix, plain->name);
    char           *literal = kind == KS__SERDE_SESSION
                                  ? ks__format("ks_serde_session(%s)", plain->literal)
                                  : ks__format("ks_serde_windowed(%s, %lld)", plain->literal,
                                               (long long)size_ms);
    const ks_serde *serde   = NULL;

    if (name != NULL && literal != NULL)
        serde = intern(&(ks_serde){ .kind      = kind,
                                    .name      = name,
                                    .literal   = literal,
                                    .inner     = plain,
                                    .window_ms = size_ms });
    ks__free(name);
    ks__free(literal);
    return serde;
}

const ks_serde *ks_serde_windowed(const ks_serde *inner, int64_t size_ms)
{
    return intern_windowed(KS__SERDE_WINDOWED, "windowed", inner, size_ms < 0 ? 0 : size_ms);
}

const ks_serde *ks_serde_session(const ks_serde *inner)
{
    return intern_windowed(KS__SERDE_SESSION, "session", inner, 0);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * served.c - see served.h.
 *
 * The cost of a record without a swap: one look at the version in the envelope's head, the decoding
 * of the wine, two readings of the clock, and the model itself.
 */
#include <string.h>
#include <time.h>

#include "served.h"
#include "wine.h"

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool swap(struct served *served, ks_bytes newest, struct reason *reason)
{
    struct envelope envelope;
    struct model   *model;

    if (!envelope_decode(&envelope, newest.data, newest.size, reason))
        return false;
    model = model_parse(envelope.kind, envelope.model, envelope.size, &wine_features, reason);
    if (model == NULL)
        return false;
    model_free(served->model);
    served->model = model;
    served->version = envelope.version;
    memcpy(served->name, envelope.name, sizeof(served->name));
    return true;
}

bool served_score(struct served *served, ks_bytes newest, ks_bytes wine, struct score *score,
                  struct reason *reason)
{
    struct wine decoded;
    uint64_t    before_ns;
    bool        is_scored;

    *score = (struct score){ 0 };
    if (!wine_decode(&decoded, wine.data, wine.size, reason))
        return false;
    if (ks_bytes_is_null(newest))
        return reason_set(reason, "row %llu: no model has been accepted yet",
                          (unsigned long long)decoded.row);
    if ((served->model == NULL || served->version != envelope_version(newest.data, newest.size)) &&
        !swap(served, newest, reason))
        return false;
    score->row = decoded.row;
    score->version = served->version;
    memcpy(score->name, served->name, sizeof(score->name));
    before_ns = now_ns();
    is_scored =
        model_score(served->model, decoded.feature, WINE_FEATURES, &score->value, reason);
    score->took_ns = now_ns() - before_ns;
    return is_scored;
}

void served_close(void *served)
{
    model_free(((struct served *)served)->model);
}

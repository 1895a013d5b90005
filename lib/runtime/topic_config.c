/* SPDX-License-Identifier: Apache-2.0
 *
 * topic_config.c - lines "name=value" out of three sources, each name once.
 */
#include "runtime/topic_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)

struct making {
    const struct ks__store_spec *store;
    const struct ks__settings   *settings;
    struct ks__buffer           *text;
};

/* ---- the sources ---- */

static bool is_line_of(const char *line, const char *name, size_t size)
{
    return strncmp(line, name, size) == 0 && line[size] == '=';
}

static bool has_line(const char *lines, const char *name, size_t size)
{
    for (const char *at = lines; at != NULL && *at != '\0'; at = strchr(at, '\n') + 1)
        if (is_line_of(at, name, size))
            return true;
    return false;
}

static const char *of_store(const struct making *m)
{
    return m->store != NULL ? m->store->topic_config : NULL;
}

static const char *of_properties(const struct making *m, const char *name)
{
    for (size_t i = 0; i < m->settings->values.pair_count; i++) {
        const struct ks__config_pair *pair = &m->settings->values.pairs[i];

        if (pair->prefix == KS__PREFIX_TOPIC && strcmp(pair->name, name) == 0)
            return pair->value;
    }
    return NULL;
}

static void put(const struct making *m, const char *name, const char *value)
{
    ks__buffer_printf(m->text, "%s=%s\n", name, value);
}

/* What we need, unless somebody says otherwise. */
static void by_default(const struct making *m, const char *name, const char *value)
{
    if (of_properties(m, name) == NULL && !has_line(of_store(m), name, strlen(name)))
        put(m, name, value);
}

/* What bounds the rows of the store, unless the store itself says otherwise. */
static void bound(const struct making *m, const char *name, int64_t ms, int64_t more_ms)
{
    char value[32];

    if (has_line(of_store(m), name, strlen(name)))
        return;
    snprintf(value, sizeof(value), "%" PRId64, ms > INT64_MAX - more_ms ? INT64_MAX : ms + more_ms);
    put(m, name, value);
}

/* `bounded`: the name that bound() is for; NULL = none. */
static void put_properties(const struct making *m, const char *bounded)
{
    for (size_t i = 0; i < m->settings->values.pair_count; i++) {
        const struct ks__config_pair *pair = &m->settings->values.pairs[i];

        if (pair->prefix == KS__PREFIX_TOPIC &&
            !has_line(of_store(m), pair->name, strlen(pair->name)) &&
            (bounded == NULL || strcmp(pair->name, bounded) != 0))
            put(m, pair->name, pair->value);
    }
}

/* ---- by kind ---- */

static void make_repartition(const struct making *m)
{
    by_default(m, "cleanup.policy", "delete");
    by_default(m, "segment.bytes", "52428800");
    by_default(m, "retention.ms", "-1");
    put_properties(m, NULL);
}

static void make_changelog(const struct making *m)
{
    const struct ks__store_spec *store = m->store;
    const bool timed = store->kind == KS__STORE_WINDOW || store->kind == KS__STORE_SESSION;
    const bool versioned = store->kind == KS__STORE_VERSIONED;
    const int64_t kept = store->keep_ms > store->retention_ms ? store->keep_ms
                                                              : store->retention_ms;

    by_default(m, "cleanup.policy", timed ? "compact,delete" : "compact");
    put_properties(m, timed ? "retention.ms" : versioned ? "min.compaction.lag.ms" : NULL);
    if (timed)
        bound(m, "retention.ms", kept, m->settings->changelog_more_ms);
    if (versioned)
        bound(m, "min.compaction.lag.ms", store->history_ms, DAY_MS);
    if (of_store(m) != NULL)
        ks__buffer_append_text(m->text, of_store(m));
}

/* ---- what it means ---- */

/* The value of a name, up to the end of its line; "" = it is not there. */
static const char *value_of(const char *lines, const char *name)
{
    const size_t size = strlen(name);

    for (const char *at = lines; *at != '\0'; at = strchr(at, '\n') + 1)
        if (is_line_of(at, name, size))
            return at + size + 1;
    return "";
}

static bool is_compacted(const char *lines)
{
    const char *policy = value_of(lines, "cleanup.policy");
    const char *word   = strstr(policy, "compact");

    return word != NULL && word < policy + strcspn(policy, "\n");
}

ks_status ks__topic_config(const struct ks__store_spec *store, const struct ks__settings *settings,
                           struct ks__buffer *text, struct ks__topic_spec *spec, ks_error *error)
{
    const struct making m = { store, settings, text };
    const char         *retention;

    ks__buffer_clear(text);
    by_default(&m, "message.timestamp.type", "CreateTime");
    if (store == NULL)
        make_repartition(&m);
    else
        make_changelog(&m);
    spec->config = ks__buffer_text(text);
    if (spec->config == NULL)
        return ks__error_no_memory(error, "the configuration of a topic");
    retention          = value_of(spec->config, "retention.ms");
    spec->compacted    = is_compacted(spec->config);
    spec->retention_ms = *retention != '\0' ? strtoll(retention, NULL, 10) : -1;
    return KS_OK;
}

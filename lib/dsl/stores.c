/* SPDX-License-Identifier: Apache-2.0
 *
 * stores.c - stores that are declared by name: those of processors, and of operators that keep more
 * than their table.
 */
#include "dsl/dsl.h"

#include <kstream/sys/store.h>

bool ks__store_add(ks_builder *b, const struct ks__call *call, const struct ks__store_spec *spec)
{
    struct ks__store_part *part;

    if (!ks__take_store_name(b, call, spec->name))
        return false;
    part = ks__arena_zalloc(&b->owned->arena, sizeof(*part));
    if (part == NULL)
        return ks__latch_no_memory(b) != NULL;
    part->spec     = *spec;
    if (!ks__topic_lines(b, call, &part->spec))
        return false;
    *b->stores_end = part;
    b->stores_end  = &part->next;
    return true;
}

bool ks__check_ttl(ks_builder *b, const struct ks__call *call, int64_t ttl_ms)
{
    if (ttl_ms < 0)
        ks__latch(b, call, KS_EINVAL, ".ttl_ms is %lld; it must be at least 1", (long long)ttl_ms);
    return ttl_ms >= 0;
}

static bool check_retention(ks_builder *b, const struct ks__call *call, int64_t retention_ms)
{
    if (retention_ms < 1)
        ks__latch(b, call, KS_EINVAL, ".retention_ms is %lld; it must be at least 1",
                  (long long)retention_ms);
    return retention_ms >= 1;
}

static bool check_max_rows(ks_builder *b, const struct ks__call *call,
                           const ks_store_options *options)
{
    if (options->max_rows < 0)
        ks__latch(b, call, KS_EINVAL, ".max_rows is %lld; it must be at least 1",
                  (long long)options->max_rows);
    else if (options->max_rows > 0 && options->ttl_ms > 0)
        ks__latch(b, call, KS_EINVAL, "rows go by use or by time; leave out .max_rows or .ttl_ms");
    else if (options->max_rows > 0 && options->cache == KS_ON)
        ks__latch(b, call, KS_EINVAL, "a store with .max_rows takes no cache; leave out .cache");
    else
        return true;
    return false;
}

void ks_builder_add_store(ks_builder *b, const ks_store_options *store)
{
    struct ks__call  call;
    ks_store_options options;

    if (!ks__enter(b, KS__KIND_BUILDER, __func__, store, &options, sizeof(options), &call) ||
        !ks__need(b, &call, call.name != NULL, "a name") ||
        !ks__check_ttl(b, &call, options.ttl_ms) || !check_max_rows(b, &call, &options))
        return;
    ks__store_add(b, &call,
                  &(struct ks__store_spec){ .name      = call.name,
                                            .kind      = KS__STORE_KV,
                                            .ttl_ms    = options.ttl_ms,
                                            .max_rows  = (uint64_t)options.max_rows,
                                            .key       = options.key,
                                            .value     = options.value,
                                            .cache     = options.cache == KS_ON,
                                            .changelog = options.changelog != KS_OFF,
                                            .topic_config = options.topic_config,
                                            .plain     = true });
}

void ks_builder_add_window_store(ks_builder *b, const ks_window_store_options *store)
{
    struct ks__call         call;
    ks_window_store_options options;

    if (!ks__enter(b, KS__KIND_BUILDER, __func__, store, &options, sizeof(options), &call) ||
        !ks__need(b, &call, call.name != NULL, "a name") ||
        !check_retention(b, &call, options.retention_ms))
        return;
    if (options.size_ms < 0 || options.size_ms > options.retention_ms) {
        ks__latch(b, &call, KS_EINVAL, "a size of %lld ms does not fit a retention of %lld ms",
                  (long long)options.size_ms, (long long)options.retention_ms);
        return;
    }
    ks__store_add(b, &call,
                  &(struct ks__store_spec){ .name         = call.name,
                                            .kind         = KS__STORE_WINDOW,
                                            .key          = options.key,
                                            .value        = options.value,
                                            .cache        = options.cache == KS_ON,
                                            .changelog    = options.changelog != KS_OFF,
                                            .topic_config = options.topic_config,
                                            .plain        = true,
                                            .retention_ms = options.retention_ms,
                                            .window_ms    = options.size_ms,
                                            .duplicates   = options.duplicates });
}

void ks_builder_add_session_store(ks_builder *b, const ks_session_store_options *store)
{
    struct ks__call          call;
    ks_session_store_options options;

    if (!ks__enter(b, KS__KIND_BUILDER, __func__, store, &options, sizeof(options), &call) ||
        !ks__need(b, &call, call.name != NULL, "a name") ||
        !check_retention(b, &call, options.retention_ms))
        return;
    ks__store_add(b, &call,
                  &(struct ks__store_spec){ .name         = call.name,
                                            .kind         = KS__STORE_SESSION,
                                            .key          = options.key,
                                            .value        = options.value,
                                            .cache        = options.cache == KS_ON,
                                            .changelog    = options.changelog != KS_OFF,
                                            .topic_config = options.topic_config,
                                            .plain        = true,
                                            .retention_ms = options.retention_ms });
}

void ks_builder_add_versioned_store(ks_builder *b, const ks_versioned_store_options *store)
{
    struct ks__call            call;
    ks_versioned_store_options options;

    if (!ks__enter(b, KS__KIND_BUILDER, __func__, store, &options, sizeof(options), &call) ||
        !ks__need(b, &call, call.name != NULL, "a name"))
        return;
    if (options.history_ms < 0) {
        ks__latch(b, &call, KS_EINVAL, "the history must not be negative");
        return;
    }
    ks__store_add(b, &call,
                  &(struct ks__store_spec){ .name       = call.name,
                                            .kind       = KS__STORE_VERSIONED,
                                            .key        = options.key,
                                            .value      = options.value,
                                            .changelog  = options.changelog != KS_OFF,
                                            .topic_config = options.topic_config,
                                            .plain      = true,
                                            .history_ms = options.history_ms });
}

void ks_builder_add_user_store(ks_builder *b, const ks_store_class *store, void *user,
                               const ks_user_store_options *options)
{
    struct ks__call       call;
    ks_user_store_options mine;
    ks_store_class        class;
    bool                  changelog;

    if (!ks__enter(b, KS__KIND_BUILDER, __func__, options, &mine, sizeof(mine), &call) ||
        !ks__need(b, &call, call.name != NULL, "a name") ||
        !ks__need(b, &call, store != NULL, "a class") ||
        !ks__enter_more(b, &call, store, &class, sizeof(class)))
        return;
    changelog = mine.changelog != KS_OFF;
    if (!ks__need(b, &call, class.state_size > 0, "a class with a state_size of at least 1 byte") ||
        !ks__need(b, &call, class.restore != NULL || !changelog,
                  "a restore function, or .changelog = KS_OFF"))
        return;
    store = ks__owned_copy(b->owned, &class, sizeof(class));
    if (store == NULL) {
        ks__latch_no_memory(b);
        return;
    }
    ks__store_add(b, &call,
                  &(struct ks__store_spec){ .name      = call.name,
                                            .kind      = KS__STORE_USER,
                                            .changelog = changelog,
                                            .topic_config = mine.topic_config,
                                            .plain     = true,
                                            .class     = store,
                                            .user      = user });
}

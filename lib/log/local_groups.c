/* SPDX-License-Identifier: Apache-2.0
 *
 * local_groups.c - a list of groups, each as membership.h makes it.
 */
#include "log/local_groups.h"

#include <string.h>

ks_status ks__local_groups_init(struct ks__local_groups *groups)
{
    *groups = (struct ks__local_groups){ .items = NULL };
    return ks__mutex_init(&groups->mutex);
}

void ks__local_groups_release(struct ks__local_groups *groups)
{
    for (size_t i = 0; i < groups->count; i++) {
        ks__group_release(groups->items[i]);
        ks__free(groups->items[i]);
    }
    ks__free(groups->items);
    ks__mutex_release(&groups->mutex);
}

static struct ks__group *known(const struct ks__local_groups *groups, const char *name)
{
    for (size_t i = 0; i < groups->count; i++)
        if (strcmp(groups->items[i]->name, name) == 0)
            return groups->items[i];
    return NULL;
}

static struct ks__group *add(struct ks__local_groups *groups, const char *name)
{
    struct ks__group *group = ks__zalloc(sizeof(*group));

    if (group == NULL || ks__group_init(group, name) != KS_OK ||
        !KS__GROW(&groups->items, &groups->capacity, groups->count + 1)) {
        if (group != NULL)
            ks__group_release(group);
        ks__free(group);
        return NULL;
    }
    groups->items[groups->count++] = group;
    return group;
}

ks_status ks__local_groups_begin(struct ks__local_groups *groups, const char *name,
                                 struct ks__group **group, ks_error *error)
{
    ks__mutex_lock(&groups->mutex);
    *group = known(groups, name);
    if (*group == NULL)
        *group = add(groups, name);
    if (*group != NULL)
        return KS_OK;
    ks__mutex_unlock(&groups->mutex);
    return ks__error_no_memory(error, name);
}

void ks__local_groups_end(struct ks__local_groups *groups)
{
    ks__mutex_unlock(&groups->mutex);
}

uint64_t ks__local_groups_serial(struct ks__local_groups *groups)
{
    return ++groups->serial;
}

ks_status ks__local_groups_check(const struct ks__local_groups *groups,
                                 const struct ks__local_commit *commit)
{
    return ks__local_groups_concern(commit)
               ? ks__local_check_member(known(groups, commit->group), commit)
               : KS_OK;
}

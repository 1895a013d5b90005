/* SPDX-License-Identifier: Apache-2.0
 *
 * config.c - ks_config: the public face of the table of properties.
 *
 * Not here: the properties (settings.c), the engine that checks them (base/config.c).
 */
#include "runtime/settings.h"

#include <string.h>

ks_config *ks_config_new(void)
{
    struct ks_config *config = ks__zalloc(sizeof(*config));

    if (config != NULL && ks__config_init(&config->values, &ks__settings_table) != KS_OK) {
        ks__free(config);
        return NULL;
    }
    return config;
}

void ks_config_free(ks_config *config)
{
    if (config == NULL)
        return;
    ks__config_release(&config->values);
    ks__free(config);
}

ks_status ks_config_set(ks_config *config, const char *name, const char *value)
{
    return config != NULL ? ks__config_set(&config->values, name, value) : KS_ENOMEM;
}

ks_status ks_config_set_pair(ks_config *config, const char *pair)
{
    return config != NULL ? ks__config_set_pair(&config->values, pair) : KS_ENOMEM;
}

/* What was given under a prefix. */
static const char *passed_through(const struct ks__config_values *values, const char *name)
{
    for (size_t i = 0; i < values->pair_count; i++) {
        const char *prefix = values->table->prefixes[values->pairs[i].prefix].prefix;
        size_t      size   = strlen(prefix);

        if (strncmp(name, prefix, size) == 0 && strcmp(name + size, values->pairs[i].name) == 0)
            return values->pairs[i].value;
    }
    return NULL;
}

const char *ks_config_get(const ks_config *config, const char *name)
{
    int row;

    if (config == NULL || name == NULL)
        return NULL;
    row = ks__config_find(config->values.table, name);
    if (row < 0)
        return passed_through(&config->values, name);
    return ks__config_text(&config->values, (size_t)row);
}

const ks_error *ks_config_error(const ks_config *config)
{
    static const ks_error no_memory = { .status = KS_ENOMEM, .message = "out of memory" };

    return config != NULL ? &config->values.error : &no_memory;
}

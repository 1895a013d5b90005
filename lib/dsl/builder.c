/* SPDX-License-Identifier: Apache-2.0
 *
 * builder.c - the builder itself: life, first mistake, what is handed over to it.
 */
#include "dsl/dsl.h"

#include "serde/serde.h"
#include "topology/names.h"
#include "topology/optimization.h"

#include <string.h>

ks_builder *ks_builder_new(void)
{
    ks_builder *b = ks__zalloc(sizeof(*b));

    if (b == NULL)
        return NULL;
    b->owned = ks__owned_new();
    if (b->owned == NULL) {
        ks__free(b);
        return NULL;
    }
    b->head       = (struct ks__handle){ KS__KIND_BUILDER, b };
    b->stores_end = &b->stores;
    ks__map_init(&b->names, sizeof(struct ks__logical *));
    ks__map_init(&b->store_names, 0);
    ks__map_init(&b->serde_names, 0);
    return b;
}

void ks_builder_free(ks_builder *b)
{
    if (b == NULL)
        return;
    ks__map_release(&b->names);
    ks__map_release(&b->store_names);
    ks__map_release(&b->serde_names);
    ks__free(b->nodes);
    ks__owned_release(b->owned);
    ks__free(b);
}

const ks_error *ks_builder_error(const ks_builder *b)
{
    static const ks_error none = { .status = KS_ENOMEM, .message = "there is no builder" };

    if (b == NULL)
        return &none;
    return ks__error_is_set(&b->error) ? &b->error : &b->build_error;
}

void *ks_builder_own(ks_builder *b, void *object, void (*destroy)(void *object))
{
    const struct ks__call call = { .function = __func__ };

    if (object == NULL || destroy == NULL)
        return object;
    if (b != NULL && ks__owned_add(b->owned, object, destroy))
        return object;
    destroy(object);
    if (b != NULL)
        ks__latch(b, &call, KS_ENOMEM, "out of memory");
    return NULL;
}

void ks_builder_configure(ks_builder *b, const ks_config *config)
{
    struct ks__call call;
    ks_named        options;

    if (!ks__enter(b, KS__KIND_BUILDER, __func__, NULL, &options, sizeof(options), &call) ||
        !ks__need(b, &call, config != NULL, "a configuration"))
        return;
    if (ks__error_is_set(ks_config_error(config))) {
        const ks_error *mistake = ks_config_error(config);

        ks__latch(b, &call, mistake->status, "%s", mistake->message);
        return;
    }
    b->optimization   = ks__optimization_read(ks_config_get(config, KS__OPTIMIZATION_ROW));
    b->explicit_names = strcmp(ks_config_get(config, KS__EXPLICIT_NAMES_ROW), "true") == 0;
}

/* ---- serdes ---- */

static const ks_serde *make_serde(ks_builder *b, const ks_serde_class *class)
{
    ks_serde      *serde = ks__arena_zalloc(&b->owned->arena, sizeof(*serde));
    ks_serde_class copy  = *class;

    copy.name = ks__owned_text(b->owned, class->name);
    if (serde == NULL || copy.name == NULL) {
        ks__latch_no_memory(b);
        return ks_serde_bytes();
    }
    ks__serde_init_user(serde, &copy);
    return serde;
}

static bool is_built_in(const char *name)
{
    const ks_serde *all[] = { ks_serde_bytes(), ks_serde_utf8(), ks_serde_i32(),
                              ks_serde_i64(),   ks_serde_f32(),  ks_serde_f64() };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(all[i]->name, name) == 0)
            return true;
    return false;
}

const ks_serde *ks_builder_serde(ks_builder *b, const ks_serde_class *serde)
{
    struct ks__call call;
    ks_named        options;
    bool            inserted = false;

    if (!ks__enter(b, KS__KIND_BUILDER, __func__, NULL, &options, sizeof(options), &call) ||
        !ks__need(b, &call, serde != NULL, "a class") ||
        !ks__need(b, &call, serde->name != NULL && serde->name[0] != '\0', "a name"))
        return ks_serde_bytes();
    if (ks__map_put(&b->serde_names, ks_bytes_text(serde->name), &inserted) == NULL) {
        ks__latch_no_memory(b);
        return ks_serde_bytes();
    }
    if (!inserted || is_built_in(serde->name)) {
        ks__latch(b, &call, KS_EEXISTS, "a serde is already named \"%s\"", serde->name);
        return ks_serde_bytes();
    }
    return make_serde(b, serde);
}

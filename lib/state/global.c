/* SPDX-License-Identifier: Apache-2.0
 *
 * global.c - see global.h.
 */
#include "state/global.h"

#include "state/parts.h"

struct reader {
    struct ks_kv_store store;   /* first: the handle is this struct */
    struct ks__reading reading;
};

ks_status ks__global_reader_open(struct ks_kv_store **out, struct ks__state *global,
                                 const struct ks__store_spec *spec,
                                 const struct ks__state_host *host, ks_error *error)
{
    struct reader *reader = ks__zalloc(sizeof(*reader));
    ks_status      status;

    *out = NULL;
    if (reader == NULL)
        return ks__error_no_memory(error, spec->name);
    reader->reading = (struct ks__reading){
        .env = global->env, .error = host->error, .arena = host->arena, .generation = 1
    };
    ks__kv_init(&reader->store, spec, &reader->reading);
    status = ks__state_database(global->env, spec->name, &reader->store.dbs[0], error);
    if (status != KS_OK) {
        ks__free(reader);
        return status;
    }
    *out = &reader->store;
    return KS_OK;
}

void ks__global_reader_renew(struct ks_kv_store *reader)
{
    ks__reading_renew(reader->reading);
}

void ks__global_reader_end_record(struct ks_kv_store *reader)
{
    ks__reading_end_record(reader->reading);
}

void ks__global_reader_close(struct ks_kv_store *reader)
{
    if (reader == NULL)
        return;
    ks__reading_end(reader->reading);
    ks__kv_release(reader);
    ks__free(reader);
}

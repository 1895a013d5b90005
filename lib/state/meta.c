/* SPDX-License-Identifier: Apache-2.0
 *
 * meta.c - numbers kept with the state: positions and clocks.
 *
 * They are the rows of one more store, {name -> i64}, so they are sealed, dropped and written with
 * the rest. Nobody is lent a number, so one in the open layer is overwritten in place.
 *
 * Threads: the task's.
 */
#include "state/parts.h"

#include <string.h>

#define DATABASE "meta"

static const struct ks__store_spec numbers_spec = { .name = "meta", .kind = KS__STORE_KV };

ks_status ks__meta_open(struct ks__state *state, ks_error *error)
{
    state->numbers = ks__zalloc(sizeof(*state->numbers));
    if (state->numbers == NULL)
        return ks__error_no_memory(error, "the numbers of the state");
    ks__kv_init(state->numbers, &numbers_spec, &state->reading);
    state->numbers->state = state;
    return ks__env_database(state->env, DATABASE, &state->numbers->dbs[0], error);
}

ks_status ks__meta_open_reader(struct ks_kv_store *numbers, struct ks__env *env,
                               struct ks__reading *reading, ks_error *error)
{
    ks__kv_init(numbers, &numbers_spec, reading);
    return ks__env_database(env, DATABASE, &numbers->dbs[0], error);
}

static ks_bytes key_of(const char *name)
{
    return (ks_bytes){ name, strlen(name) };
}

int64_t ks__state_number(struct ks__state *state, const char *name, int64_t otherwise)
{
    struct ks__row row;

    if (!ks__kv_get(state->numbers, key_of(name), &row))
        return otherwise;
    return ks_bytes_i64(row.value, otherwise);
}

void ks__state_set_number(struct ks__state *state, const char *name, int64_t number)
{
    struct ks__kv_slot slot = { .key = key_of(name) };
    uint8_t            text[8];
    struct ks__row     row = { .value = { text, sizeof(text) } };

    ks__put_be64(text, (uint64_t)number);
    slot.hash  = ks__map_hash(slot.key);
    slot.entry = ks__map_get_hashed(&state->numbers->rows, slot.key, slot.hash);
    if (slot.entry != NULL && ks__kv_entry(slot.entry)->open)
        memcpy(ks__kv_entry(slot.entry)->now + 1, text, sizeof(text));
    else
        ks__kv_put_slot(state->numbers, &slot, &row);
}

/* ---- past the layers ---- */

static ks_status write_number(struct ks__state *state, struct ks__txn *txn, const char *name,
                              ks_bytes value, ks_error *error)
{
    struct ks__row_parts   row = { .value = value };
    struct ks__disk_writer writer;
    ks_status              status;

    ks__disk_writer_open(&writer, txn, state->numbers, &state->scratch);
    status = ks__disk_put(&writer, key_of(name), &row, error);
    ks__disk_writer_close(&writer);
    return status;
}

ks_status ks__meta_write_number(struct ks__state *state, struct ks__txn *txn, const char *name,
                                int64_t number, ks_error *error)
{
    uint8_t text[8];

    ks__put_be64(text, (uint64_t)number);
    return write_number(state, txn, name, (ks_bytes){ text, sizeof(text) }, error);
}

ks_status ks__meta_delete_number(struct ks__state *state, struct ks__txn *txn, const char *name,
                                 ks_error *error)
{
    return write_number(state, txn, name, KS_NULL, error);
}

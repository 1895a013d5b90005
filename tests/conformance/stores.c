/* SPDX-License-Identifier: Apache-2.0
 *
 * stores.c - the final contents of the named stores against the recorded rows.
 */
#include "replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The types of a store's columns: those of the step that names it; processors' stores by the
 * JSON's. */
static void store_types(struct replay *r, const char *store, enum type *key, enum type *value)
{
    *key   = TYPE_STRING;
    *value = 0;
    for (size_t i = 0; i < r->plan->count; i++) {
        const struct made *made = &r->plan->made[i];
        if (made->store != NULL && strcmp(made->store, store) == 0 && made->stream == NULL) {
            *key   = made->key;
            *value = made->value;
        }
    }
}

static char *shown_row(const ks_record *row, enum type key, enum type value)
{
    char *k = shown_key(row, key), *v = shown(row->value, value), *out = NULL;

    if (asprintf(&out, "{\"key\":%s,\"start\":%" PRId64 ",\"end\":%" PRId64
                 ",\"value\":%s,\"ts\":%" PRId64 "}", k,
                 row->window != NULL ? row->window->start_ms : -1,
                 row->window != NULL ? row->window->end_ms : -1, v, row->timestamp_ms) < 0)
        out = NULL;
    free(k), free(v);
    return out;
}

static bool same_row(const ks_record *row, enum type key, enum type value, json_t *expected)
{
    json_t *time = json_object_get(expected, "ts");

    json_t *start = json_object_get(expected, "start"), *end = json_object_get(expected, "end");

    if ((start != NULL || end != NULL) && row->window == NULL)
        return false;
    if ((start != NULL && json_integer_value(start) != row->window->start_ms) ||
        (end != NULL && json_integer_value(end) != row->window->end_ms))
        return false;
    return same_key(row, key, json_object_get(expected, "key")) &&
           same_value(row->value, value, json_object_get(expected, "value")) &&
           (time == NULL || json_integer_value(time) == row->timestamp_ms);
}

/* All rows of a store of a kind; NULL = no such store, or nothing in it. */
static ks_iter *open_rows(struct replay *r, const char *name, const char *kind)
{
    if (strcmp(kind, "window") == 0)
        return ks_window_store_all(ks_driver_window_store(r->driver, name), KS_ASCENDING);
    if (strcmp(kind, "session") == 0)
        return ks_session_store_range(ks_driver_session_store(r->driver, name), KS_NULL, KS_NULL,
                                      KS_ASCENDING);
    return ks_kv_store_all(ks_driver_kv_store(r->driver, name), KS_ASCENDING);
}

/* The recorded row of a windowed key: these rows stand in the order of their printed keys, a store
 * has them in that of key and window. */
static json_t *row_of_key(json_t *rows, const ks_record *row)
{
    json_t *expected;
    size_t  i;

    json_array_foreach(rows, i, expected)
        if (same_key(row, TYPE_WINDOWED, json_object_get(expected, "key")))
            return expected;
    return NULL;
}

static void compare_row(struct replay *r, const ks_record *row, enum type key, enum type declared,
                        json_t *expected)
{
    enum type value = declared ? declared
                      : json_is_integer(json_object_get(expected, "value")) ? TYPE_INT64
                                                                            : TYPE_STRING;
    char     *want, *got;

    if (expected != NULL && same_row(row, key, value, expected))
        return;
    want = shown_json(expected);
    got  = shown_row(row, key, value);
    replay_differs(r, -1, want, got);
    free(want), free(got);
}

static void compare_rows(struct replay *r, const char *name, const char *kind, json_t *rows)
{
    ks_iter  *it = open_rows(r, name, kind);
    enum type key, declared;
    size_t    i = 0;

    store_types(r, name, &key, &declared);
    if (key == TYPE_WINDOWED && strcmp(kind, "kv") != 0)
        key = TYPE_STRING; /* start and end stand beside it */
    for (ks_record row; ks_iter_next(it, &row); i++)
        compare_row(r, &row, key, declared,
                    key == TYPE_WINDOWED ? row_of_key(rows, &row) : json_array_get(rows, i));
    ks_iter_close(it);
    for (; i < json_array_size(rows); i++) {
        char *want = shown_json(json_array_get(rows, i));
        replay_differs(r, -1, want, it == NULL ? "no such store" : "no row");
        free(want);
    }
}

/* --- versioned: probes --- */

static char *shown_version(bool found, const ks_versioned *version, enum type type)
{
    char *value = shown(version->value, type), *out = NULL;

    if (asprintf(&out, "{\"value\":%s,\"validFrom\":%" PRId64 ",\"validTo\":%" PRId64 "}",
                 found ? value : "null", version->timestamp_ms, version->valid_to_ms) < 0)
        out = NULL;
    free(value);
    return out;
}

static bool same_version(bool found, const ks_versioned *version, enum type type, json_t *expected)
{
    json_t *to = json_object_get(expected, "validTo");

    if (!found)
        return json_is_null(json_object_get(expected, "value"));
    return same_value(version->value, type, json_object_get(expected, "value")) &&
           json_integer_value(json_object_get(expected, "validFrom")) == version->timestamp_ms &&
           (to == NULL || json_integer_value(to) == version->valid_to_ms);
}

static void compare_versions(struct replay *r, const char *name, json_t *rows)
{
    ks_versioned_store *store = ks_driver_versioned_store(r->driver, name);
    enum type           key, declared;
    json_t             *row;
    size_t              i;

    store_types(r, name, &key, &declared);
    json_array_foreach(rows, i, row) {
        json_t       *as_of = json_object_get(row, "asOf");
        ks_bytes      text  = ks_bytes_text(json_string_value(json_object_get(row, "key")));
        enum type     value = declared ? declared
                              : json_is_integer(json_object_get(row, "value")) ? TYPE_INT64
                                                                               : TYPE_STRING;
        ks_versioned  version;
        bool          found = json_is_null(as_of)
                                  ? ks_versioned_store_get(store, text, &version)
                                  : ks_versioned_store_as_of(store, text,
                                                             json_integer_value(as_of), &version);
        if (store == NULL || !same_version(found, &version, value, row)) {
            char *want = shown_json(row), *got = shown_version(found, &version, value);
            replay_differs(r, -1, want, store == NULL ? "no such store" : got);
            free(want), free(got);
        }
    }
}

void replay_compare_stores(struct replay *r)
{
    json_t     *stores = json_object_get(json_object_get(r->kase, "expected"), "stores"), *store;
    const char *name;

    json_object_foreach(stores, name, store) {
        const char *kind = json_string_value(json_object_get(store, "kind"));
        if (strcmp(kind, "versioned") == 0)
            compare_versions(r, name, json_object_get(store, "rows"));
        else if (strcmp(kind, "kv") != 0 && strcmp(kind, "window") != 0 &&
                 strcmp(kind, "session") != 0)
            replay_differs(r, -1, kind, "a kind of store that the runner does not know");
        else
            compare_rows(r, name, kind, json_object_get(store, "rows"));
    }
}

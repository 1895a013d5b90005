/* SPDX-License-Identifier: Apache-2.0
 *
 * fixture.c - see fixture.h.
 */
#include "fixture.h"

#include "base/error.h"
#include "base/io.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char                   fixture_directory[64];
ks_error               fixture_error;
struct ks__arena       fixture_arena;
int64_t                fixture_now_ms;
struct ks__state      *fixture_state;
struct ks_kv_store    *fixture_store;
struct ks__store_spec  fixture_spec;
char                   fixture_lines[FIXTURE_LINES][FIXTURE_LINE];
size_t                 fixture_line_count;
static size_t          lines_seen;

static char *next_line(void)
{
    ck_assert_uint_lt(fixture_line_count, FIXTURE_LINES);
    return fixture_lines[fixture_line_count++];
}

static void changed(void *user, struct ks_kv_store *store, ks_bytes key, const struct ks__row *row)
{
    (void)user, (void)store;
    snprintf(next_line(), FIXTURE_LINE, "log %.*s=%.*s@%" PRId64, KS_BYTES_ARG(key),
             row->value.data != NULL ? (int)row->value.size : 1,
             row->value.data != NULL ? (const char *)row->value.data : "-", row->timestamp_ms);
}

static void flushed(void *user, ks_bytes key, const struct ks__row *now,
                    const struct ks__row *before)
{
    (void)user;
    snprintf(next_line(), FIXTURE_LINE, "flush %.*s=%.*s was %.*s", KS_BYTES_ARG(key),
             now->value.data != NULL ? (int)now->value.size : 1,
             now->value.data != NULL ? (const char *)now->value.data : "-",
             before->value.data != NULL ? (int)before->value.size : 1,
             before->value.data != NULL ? (const char *)before->value.data : "-");
}

static int64_t now_ms(void *user)
{
    (void)user;
    return fixture_now_ms;
}

struct ks__state_host fixture_host = { .changed = changed,
                                       .now_ms = now_ms,
                                       .error  = &fixture_error,
                                       .arena  = &fixture_arena };

void fixture_listen(struct ks_kv_store *store)
{
    ks__kv_on_flush(store, flushed, NULL);
}

void fixture_expect(const char *line)
{
    if (line == NULL) {
        ck_assert_msg(lines_seen == fixture_line_count, "one more: %s", fixture_lines[lines_seen]);
        return;
    }
    ck_assert_msg(lines_seen < fixture_line_count, "missing: %s", line);
    ck_assert_str_eq(fixture_lines[lines_seen++], line);
}

/* ---- life ---- */

void fixture_open(void)
{
    const struct ks__state_options options = {
        .directory = fixture_directory, .host = &fixture_host, .caches = true, .map_bytes = 1 << 28
    };
    ks_error error = { .status = KS_OK };

    ck_assert_msg(ks__state_open(&fixture_state, &options, &error) == KS_OK, "%s", error.message);
    ck_assert_msg(ks__state_kv(fixture_state, &fixture_spec, &fixture_store, &error) == KS_OK, "%s",
                  error.message);
}

void fixture_close(void)
{
    ks_error error = { .status = KS_OK };

    fixture_end_record();
    ck_assert_msg(ks__state_close(fixture_state, &error) == KS_OK, "%s", error.message);
    fixture_state = NULL;
}

void fixture_abandon(void)
{
    fixture_end_record();
    ks__state_abandon(fixture_state);
    fixture_state = NULL;
}

void fixture_set_up(void)
{
    snprintf(fixture_directory, sizeof(fixture_directory), "/tmp/ks-test-state-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(fixture_directory));
    ks__error_clear(&fixture_error);
    fixture_line_count = lines_seen = 0;
    fixture_now_ms                  = 5;
    fixture_spec = (struct ks__store_spec){ .name = "plain", .kind = KS__STORE_KV,
                                            .changelog = true };
    ck_assert_int_eq(ks__arena_init(&fixture_arena, 0, 0), KS_OK);
    fixture_open();
}

void fixture_tear_down(void)
{
    if (fixture_state != NULL)
        fixture_close();
    ks__arena_release(&fixture_arena);
    ck_assert_int_eq(ks__io_remove_tree(fixture_directory), 0);
}

void fixture_end_record(void)
{
    ks__state_end_record(fixture_state);
    ks__arena_reset(&fixture_arena);
}

void fixture_commit(void)
{
    ks_error error = { .status = KS_OK };

    fixture_end_record();
    ck_assert_msg(ks__state_seal(fixture_state, &error) == KS_OK, "%s", error.message);
    ck_assert_msg(ks__state_write(fixture_state, &error) == KS_OK, "%s", error.message);
}

/* ---- rows ---- */

void fixture_put(struct ks_kv_store *store, const char *key, const char *value)
{
    ks_kv_store_put(store, ks_bytes_text(key), ks_bytes_text(value));
}

const char *fixture_get(struct ks_kv_store *store, const char *key)
{
    static char text[512];
    ks_record   row;

    if (!ks_kv_store_get(store, ks_bytes_text(key), &row))
        return "-";
    snprintf(text, sizeof(text), "%.*s", KS_BYTES_ARG(row.value));
    return text;
}

const char *fixture_rows(ks_iter *it)
{
    static char text[4096];
    size_t      size = 0;

    text[0] = '\0';
    for (ks_record row; ks_iter_next(it, &row);)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%.*s=%.*s",
                                 size != 0 ? " " : "", KS_BYTES_ARG(row.key),
                                 KS_BYTES_ARG(row.value));
    return text;
}

const char *fixture_all(struct ks_kv_store *store, ks_order order)
{
    return fixture_rows(ks_kv_store_all(store, order));
}

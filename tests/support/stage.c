/* SPDX-License-Identifier: Apache-2.0
 *
 * stage.c - directories, logs and topics for tests of apps.
 */
#include "support/stage.h"

#include "base/clock.h"
#include "base/io.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 20000

/* ---- life ---- */

void stage_open(struct stage *stage, enum stage_log kind)
{
    static int serial;

    *stage = (struct stage){ .log = NULL };
    snprintf(stage->directory, sizeof(stage->directory), "/tmp/kstream-test-%ld-%d",
             (long)getpid(), ++serial);
    ck_assert_int_eq(ks__io_remove_tree(stage->directory), 0);
    ck_assert_int_eq(ks__io_make_path(stage->directory, 0700), 0);
    if (kind == STAGE_MEMORY)
        snprintf(stage->address, sizeof(stage->address), "memory:test-%ld-%d", (long)getpid(),
                 serial);
    else
        snprintf(stage->address, sizeof(stage->address), "embedded:%s/log", stage->directory);
    stage->log    = ks_log_new(stage->address, NULL);
    stage->writer = ks_log_writer(stage->log, NULL);
    stage->config = ks_config_new();
    ck_assert_msg(ks_error_status(ks_log_error(stage->log)) == KS_OK, "%s",
                  ks_error_message(ks_log_error(stage->log)));
    stage_set(stage, "application.id", "wc");
    stage_set(stage, "bootstrap.servers", stage->address);
    stage_set(stage, "state.dir", stage->directory);
    stage_set(stage, "commit.interval.ms", "20");
}

void stage_close(struct stage *stage)
{
    ks_writer_free(stage->writer);
    ks_log_free(stage->log);
    ks_config_free(stage->config);
    ck_assert_int_eq(ks__io_remove_tree(stage->directory), 0);
}

void stage_set(struct stage *stage, const char *name, const char *value)
{
    ck_assert_msg(ks_config_set(stage->config, name, value) == KS_OK, "%s=%s", name, value);
}

void stage_topic(struct stage *stage, const char *topic, int32_t partitions)
{
    ck_assert_int_eq(ks_log_create_topic(stage->log, topic, partitions, false), KS_OK);
}

/* ---- in ---- */

void stage_append(struct stage *stage, const char *topic, const char *key, const char *value)
{
    static int64_t time_ms = 1000;
    ks_status      status;

    status = ks_writer_append_text(stage->writer, topic, key, value, time_ms++);
    ck_assert_msg(status == KS_OK, "%s: %s", topic, ks_status_name(status));
}

void stage_flush(struct stage *stage)
{
    ck_assert_int_eq(ks_writer_flush(stage->writer, 10000), KS_OK);
}

void stage_feed(struct stage *stage, const char *topic, const char *key, const char *value)
{
    stage_append(stage, topic, key, value);
    stage_flush(stage);
}

/* ---- out ---- */

typedef void seen_fn(const ks_record *record, void *user);

/* Show every committed record of the topic. */
static void read_all(struct stage *stage, const char *topic, seen_fn *seen, void *user)
{
    int32_t    partitions = ks_log_partitions(stage->log, topic);
    ks_reader *reader;

    for (int32_t p = 0; p < partitions; p++) {
        int64_t begin, end;

        ck_assert_int_eq(ks_log_begin_offset(stage->log, topic, p, &begin), KS_OK);
        ck_assert_int_eq(ks_log_end_offset(stage->log, topic, p, &end), KS_OK);
        if (begin == end)
            continue;
        reader = ks_log_reader(stage->log, NULL);
        ck_assert_int_eq(ks_reader_assign(reader, topic, p, begin), KS_OK);
        for (ks_entry entry; ks_reader_next(reader, 0, &entry);) {
            seen(&entry.record, user);
            if (entry.offset + 1 >= end)
                break;
        }
        ks_reader_free(reader);
    }
}

static void count_one(const ks_record *record, void *user)
{
    (void)record;
    ++*(size_t *)user;
}

size_t stage_count(struct stage *stage, const char *topic)
{
    size_t count = 0;

    read_all(stage, topic, count_one, &count);
    return count;
}

struct last {
    ks_bytes key;
    char     text[256];
    int64_t  number;
    bool     found;
};

static void keep_last(const ks_record *record, void *user)
{
    struct last *last = user;

    if (record->key.size != last->key.size ||
        memcmp(record->key.data, last->key.data, last->key.size) != 0)
        return;
    last->found  = record->value.data != NULL;
    last->number = ks_bytes_i64(record->value, -1);
    snprintf(last->text, sizeof(last->text), "%.*s", KS_BYTES_ARG(record->value));
}

int64_t stage_last_i64(struct stage *stage, const char *topic, const char *key)
{
    struct last last = { .key = ks_bytes_text(key), .number = -1 };

    read_all(stage, topic, keep_last, &last);
    return last.number;
}

const char *stage_last_text(struct stage *stage, const char *topic, const char *key)
{
    static struct last last;

    last = (struct last){ .key = ks_bytes_text(key) };
    read_all(stage, topic, keep_last, &last);
    return last.found ? last.text : NULL;
}

/* ---- waiting ---- */

void stage_pause(ks_app *stepped)
{
    const struct timespec moment = { .tv_nsec = 2000000 };

    if (stepped != NULL)
        (void)ks_app_step(stepped, 5);
    if (stepped == NULL || ks_app_next_ms(stepped) > 0)
        nanosleep(&moment, NULL);
}

static int64_t now_ms(void)
{
    return ks__clock_mono_ms(ks__clock_real());
}

void stage_await_i64(struct stage *stage, ks_app *stepped, const char *topic, const char *key,
                     int64_t value)
{
    int64_t end = now_ms() + PATIENCE_MS;

    while (stage_last_i64(stage, topic, key) != value && now_ms() < end)
        stage_pause(stepped);
    ck_assert_int_eq(stage_last_i64(stage, topic, key), value);
}

void stage_await_count(struct stage *stage, ks_app *stepped, const char *topic, size_t count)
{
    int64_t end = now_ms() + PATIENCE_MS;

    while (stage_count(stage, topic) < count && now_ms() < end)
        stage_pause(stepped);
    ck_assert_uint_eq(stage_count(stage, topic), count);
}

void stage_await_state(ks_app *app, ks_app *stepped, ks_app_state state)
{
    int64_t end = now_ms() + PATIENCE_MS;

    while (ks_app_get_state(app) != state && now_ms() < end)
        stage_pause(stepped);
    ck_assert_str_eq(ks_app_state_name(ks_app_get_state(app)), ks_app_state_name(state));
}

/* ---- a topology ---- */

static ks_status split(ks_ctx *ctx, const ks_record *line, void *user)
{
    (void)user;
    for (ks_bytes rest = line->value, word; ks_bytes_word(&rest, &word);)
        ks_ctx_forward_value(ctx, word);
    return KS_OK;
}

static ks_status by_word(ks_ctx *ctx, const ks_record *record, ks_bytes *key, void *user)
{
    (void)ctx, (void)user;
    *key = record->value;
    return KS_OK;
}

ks_topology *stage_word_count(void)
{
    ks_builder        *b = ks_builder_new();
    ks_stream         *lines = ks_builder_stream(b, "lines", NULL);
    ks_stream         *words = ks_stream_flat_map_values(lines, split, NULL, KS_NAMED("split"));
    ks_grouped_stream *groups = ks_stream_group_by(words, by_word, NULL, KS_GROUPED(.name = "by"));
    ks_table          *counts = ks_grouped_stream_count(groups, KS_MATERIALIZED(.store = "counts"));
    ks_topology       *topology;

    ks_stream_to(ks_table_to_stream(counts, NULL), "totals", NULL);
    ck_assert_int_eq(ks_builder_build(b, &topology), KS_OK);
    ks_builder_free(b);
    return topology;
}

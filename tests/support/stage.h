/* SPDX-License-Identifier: Apache-2.0
 *
 * stage.h - what an app needs around it in a test: a directory, a log, topics, records in and out.
 *
 *      stage_open(&stage, STAGE_MEMORY);
 *      stage_topic(&stage, "lines", 1);
 *      ks_app *app = ks_app_new(topology, stage.config);
 *
 * Everything is checked with ck_assert. Threads: one.
 */
#ifndef TESTS_SUPPORT_STAGE_H
#define TESTS_SUPPORT_STAGE_H

#include <kstream/kstream.h>

enum stage_log { STAGE_MEMORY, STAGE_EMBEDDED };

struct stage {
    char       directory[128]; /* removed by stage_close() */
    char       address[192];
    ks_log    *log;
    ks_writer *writer;
    ks_config *config;         /* application.id, bootstrap.servers, state.dir are set */
};

void stage_open(struct stage *stage, enum stage_log kind);
void stage_close(struct stage *stage);

void stage_set(struct stage *stage, const char *name, const char *value);
void stage_topic(struct stage *stage, const char *topic, int32_t partitions);
/* Append texts (NULL = null) and flush. */
void stage_feed(struct stage *stage, const char *topic, const char *key, const char *value);
/* Append without a flush, and flush. */
void stage_append(struct stage *stage, const char *topic, const char *key, const char *value);
void stage_flush(struct stage *stage);

/* Committed records in a topic. */
size_t stage_count(struct stage *stage, const char *topic);
/* The last value of a key as i64, or as text into a static buffer; -1, NULL = none. */
int64_t     stage_last_i64(struct stage *stage, const char *topic, const char *key);
const char *stage_last_text(struct stage *stage, const char *topic, const char *key);

/* Step (threads == false) or wait until it is so; fails after ten seconds. */
void stage_await_i64(struct stage *stage, ks_app *stepped, const char *topic, const char *key,
                     int64_t value);
void stage_await_count(struct stage *stage, ks_app *stepped, const char *topic, size_t count);
void stage_await_state(ks_app *app, ks_app *stepped, ks_app_state state);
/* Step, or sleep for a moment when NULL. */
void stage_pause(ks_app *stepped);

/* "lines" -> words -> count "counts" -> "totals". */
ks_topology *stage_word_count(void);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * flow.h - a topology under test: declare on flow.b, start, feed, look.
 */
#ifndef TESTS_DSL_FLOW_H
#define TESTS_DSL_FLOW_H

#include <check.h>
#include <kstream/kstream.h>

struct flow {
    ks_builder  *b;
    ks_topology *topology;
    ks_driver   *driver;
    ks_config   *config;    /* of flow_start_kept() */
    char         home[64];
};

extern struct flow flow;

/* A checked fixture: an empty builder before, everything freed after. */
void flow_setup(void);
void flow_teardown(void);
/* Build and open; with record caches if asked. */
void flow_start(void);
void flow_start_cached(void);
/* In a folder, with settings ("name=value", NULL at the end; NULL = none); close and open again. */
void flow_start_kept(const char *const *settings);
void flow_reopen(void);
/* The same on another host: the state comes from the changelogs. */
void flow_move(void);
/* Feed texts (NULL = null) or an i64; asserts success. */
void feed(const char *topic, const char *key, const char *value, int64_t timestamp_ms);
void feed_i64(const char *topic, const char *key, int64_t value, int64_t timestamp_ms);
/* The next record of a topic is this (NULL = null). */
void expect(const char *topic, const char *key, const char *value, int64_t timestamp_ms);
void expect_i64(const char *topic, const char *key, int64_t value, int64_t timestamp_ms);
void expect_nothing(const char *topic);
/* dropped-records-total of a reason; NULL = of all. */
int64_t drops(const char *reason);

/* A literal as `user` of a callback that only reads it. */
#define USER(literal) ((void *)(uintptr_t)(literal))

/* Streams and tables of texts. */
ks_stream *text_stream(const char *topic);
ks_table  *text_table(const char *topic, const char *store);

/* Callbacks that several tests use. */
bool      value_is(ks_ctx *ctx, const ks_record *record, void *user); /* user: a text */
ks_status suffix_value(ks_ctx *ctx, ks_record *record, void *user);   /* user: a text */
ks_status key_from_value(ks_ctx *ctx, const ks_record *record, ks_bytes *io, void *user);
ks_status join_texts(ks_ctx *ctx, const ks_record *left, const ks_record *right, ks_bytes *out,
                     void *user);
ks_status concat(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user);

/* Run tests with the fixture; the exit code of main. */
int flow_main(const char *name, const TTest *const *tests, size_t count);
#define FLOW_MAIN(name, ...)                                                           \
    int main(void)                                                                     \
    {                                                                                  \
        const TTest *const tests[] = { __VA_ARGS__ };                                  \
                                                                                       \
        return flow_main(name, tests, sizeof(tests) / sizeof(tests[0]));               \
    }

#endif

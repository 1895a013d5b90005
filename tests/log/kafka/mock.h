/* SPDX-License-Identifier: Apache-2.0
 *
 * mock.h - a broker inside the test: librdkafka's mock cluster, and shortcuts to use our log on it.
 *
 * The mock keeps no transactions apart, fences nobody and serves no admin requests: it shows order,
 * flow and errors. What a broker decides is tested on a broker (tests/kafka).
 */
#ifndef KS_TESTS_LOG_KAFKA_MOCK_H
#define KS_TESTS_LOG_KAFKA_MOCK_H

#include "log/cluster.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

/* Numbers of the requests that errors are injected into. */
enum { API_PRODUCE = 0, API_METADATA = 3, API_COMMIT_OFFSETS = 8, API_END_TXN = 26,
       API_TXN_OFFSETS = 28 };

extern struct ks__cluster      *cluster; /* ours, on the mock */
extern rd_kafka_mock_cluster_t *mock;

/* A mock with one broker and the topic "numbers" of 2 partitions. Checked fixture. */
void mock_start(void);
void mock_stop(void);

/* A cluster at an address, with the application's properties ("consumer.x", "value", ... NULL). */
struct ks__cluster *open_cluster(const char *address, const char *const *properties);

struct ks__session *open_session(struct ks__session_options options);
struct ks__topic   *open_topic(struct ks__session *session, const char *name);
struct ks__source  *open_source(struct ks__session *session, const char *topic, int32_t partition,
                                int64_t offset);

ks_status append_text(struct ks__topic *topic, int32_t partition, const char *key,
                      const char *value);
/* Call until it is decided; fails the test after 10 s. */
ks_status flush(struct ks__session *session);
ks_status begin(struct ks__session *session);
ks_status commit(struct ks__session *session, const struct ks__position *positions, size_t count);
ks_status abort_(struct ks__session *session);
ks_status commit_offsets(struct ks__session *session, const struct ks__position *positions,
                         size_t count);
int64_t   offset_of(const char *topic, int32_t partition, enum ks__offset_kind kind);

/* Read until `count` records are there; their values, separated by blanks (static text). */
const char *read_values(struct ks__source *source, size_t count);
/* Read nothing until the end is reached. */
void read_to_end(struct ks__source *source);
/* Wait for the next event. */
void await_event(struct ks__session *session, struct ks__event *event);

int64_t now_ms(void);
void    sleep_ms(int ms);

#endif

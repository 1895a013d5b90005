/* SPDX-License-Identifier: Apache-2.0
 *
 * contract.h - the tests that every log must pass; a program per log runs them on its address.
 */
#ifndef TESTS_LOG_CONTRACT_H
#define TESTS_LOG_CONTRACT_H

#include "base/clock.h"
#include "log/cluster.h"

#include <check.h>

struct contract {
    const char *name;
    /* A new, empty log before each test; its address, terminated. */
    void (*open)(char *address, size_t size);
    void (*close)(void);
    bool is_local;      /* membership follows our clock; what was flushed is seen */
};

Suite *contract_suite(const struct contract *contract);
/* For a program with tests of its own only. */
void contract_use(const struct contract *contract);

/* What the tests of one log may use too. The cluster is open between setup and teardown. */
extern struct ks__cluster     *cluster;
extern struct ks__manual_clock test_clock;
void contract_setup(void);
void contract_teardown(void);
/* Close the cluster and open the same address again. */
void contract_reopen(void);
const char *contract_address(void);

void create(const char *topic, int32_t partitions);
struct ks__session *open_session(const char *group, const char *transactional_id);
void append_text(struct ks__session *session, const char *topic, int32_t partition,
                 const char *key, const char *value, int64_t timestamp_ms);
int64_t offset_of(const char *topic, int32_t partition, enum ks__offset_kind kind);
int64_t committed_of(const char *group, const char *topic, int32_t partition);
/* Values of a partition from an offset on, each followed by a blank, until nothing more is there.
 * */
const char *read_all(const char *topic, int32_t partition, int64_t offset);
/* Poll until there is an event. */
struct ks__event await_event(struct ks__session *session);
/* The event of this kind, acknowledged; the partitions as "t-0 t-1 ". */
const char *expect_event(struct ks__session *session, enum ks__event_kind kind);

#endif

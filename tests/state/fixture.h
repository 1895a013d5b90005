/* SPDX-License-Identifier: Apache-2.0
 *
 * fixture.h - a state in a directory of its own, with a host that notes what it is told.
 */
#ifndef TESTS_STATE_FIXTURE_H
#define TESTS_STATE_FIXTURE_H

#include "base/arena.h"
#include "state/state.h"

#define FIXTURE_LINES 64
#define FIXTURE_LINE  160

extern char                   fixture_directory[64];
extern ks_error               fixture_error;    /* of store calls */
extern struct ks__arena       fixture_arena;
extern int64_t                fixture_now_ms;
extern struct ks__state_host  fixture_host;
extern struct ks__state      *fixture_state;
extern struct ks_kv_store    *fixture_store;    /* "plain", of the spec below */
extern struct ks__store_spec  fixture_spec;

/* What the changelog and the listener were told: "log KEY=VALUE@TIME", "flush KEY=VALUE was
 * VALUE". */
extern char   fixture_lines[FIXTURE_LINES][FIXTURE_LINE];
extern size_t fixture_line_count;

void fixture_set_up(void);                      /* directory, arena, state, store */
void fixture_tear_down(void);
void fixture_open(void);
void fixture_close(void);
void fixture_abandon(void);
void fixture_end_record(void);
void fixture_commit(void);                      /* seal and write */
void fixture_listen(struct ks_kv_store *store);
void fixture_expect(const char *line);          /* the next line noted; NULL = no more */

void fixture_put(struct ks_kv_store *store, const char *key, const char *value);
/* The value of the key, "-" if there is none. */
const char *fixture_get(struct ks_kv_store *store, const char *key);
/* All rows as "a=1 b=2". */
const char *fixture_all(struct ks_kv_store *store, ks_order order);
const char *fixture_rows(ks_iter *it);

#endif

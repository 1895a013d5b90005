/* SPDX-License-Identifier: Apache-2.0
 *
 * cluster.h - the contract of the three logs: topics, partitions, append, read, groups, commits.
 *
 *      ks__cluster  one per address and user (app, driver, log client): topics and offsets
 *          `-- ks__session  one per stream thread, writer or reader: membership, sources, appends
 *                  |-- ks__source  a partition being read, from an offset on
 *                  `-- ks__topic   a topic being written to
 *
 *      kafka     librdkafka; the only includer of rdkafka.h is log/kafka/
 *      embedded  one LMDB env per directory; its commit plays the Kafka commit
 *      memory    a registry of named logs in this process; deterministic
 *      user      a storage of the user's own: sys/log.h
 *
 * Bytes only: no serdes, no operators. Everything that may wait takes `timeout_ms` (0 = look once,
 * -1 = as long as it takes) and answers KS_EAGAIN when it is not decided yet: the caller calls
 * again with the same arguments until it is. No call blocks past its timeout.
 *
 * Invariants
 *   G1  Records of one partition have rising offsets and are read in that order.
 *   G2  A session without read_uncommitted sees a record only after its transaction (or flush) is
 *       decided.
 *   G3  commit() makes appends and offsets visible together or not at all; so does a crash.
 *   G4  After KS_EFENCED nothing of the session's open transaction will ever become visible.
 *   G5  A batch's bytes are valid until it is released; a record handed to append() is copied.
 *   G6  offsets committed by a member whose partition has been given to another one are refused; on
 *       the local logs all that it flushes too, so that a late one cannot write to a changelog.
 *
 * On the embedded and memory logs nothing undecided is ever in the log: a reader with
 * read_uncommitted sees what all see, and HIGH is END. In memory a call is decided when it returns.
 * The embedded log decides by and by what is handed over to it with a timeout; a session with a
 * `wake` is opened and closed without waiting for that (docs/decisions/0004).
 *
 * Threads: a cluster is for any thread, a session for one at a time. `wake` may be set from any.
 */
#ifndef KS_LOG_CLUSTER_H
#define KS_LOG_CLUSTER_H

#include "base/buffer.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/error.h"
#include "base/log.h"
#include "base/wake.h"

#include <kstream/record.h>

struct ks__cluster;
struct ks__session;
struct ks__source;
struct ks__topic;

#define KS__OFFSET_NONE (-1)

struct ks__cluster_options {
    const struct ks__clock       *clock;      /* NULL = the real one */
    const struct ks__log         *log;        /* NULL = silent */
    const struct ks__config_pair *properties; /* consumer. (prefix 0) and producer. (prefix 1) */
    size_t                        property_count;
    int64_t                       suspect_ms; /* kafka: transaction.suspect.ms; 0 = 1000 */
    int32_t                       replication_factor; /* kafka: of new topics; 0 = the broker's */
    bool                          no_sync;    /* embedded: commits survive a kill, no power cut */
};

/* A topic to create. */
struct ks__topic_spec {
    const char *name;
    int32_t     partitions;
    bool        compacted;
    int64_t     retention_ms; /* -1 = for ever; 0 = the log's default */
    const char *config;       /* kafka, instead of both: lines "name=value\n"; NULL = none */
};

enum ks__offset_kind {
    KS__OFFSET_BEGIN,     /* first record that is still there */
    KS__OFFSET_END,       /* end as a reader of committed records sees it */
    KS__OFFSET_HIGH,      /* end including what is not decided: where a restore must get to */
    KS__OFFSET_AT         /* first record at or after a time, else the end */
};

/* A record that could not be written. */
struct ks__undelivered {
    const char     *topic;
    int32_t         partition;
    ks_record       record; /* lent for the call */
    const ks_error *error;
};

struct ks__session_options {
    const char            *client_id;        /* for logs and lists of members */
    const char            *group;            /* NULL = no membership, no offsets */
    const char            *instance_id;      /* NULL = dynamic membership */
    const char            *transactional_id; /* NULL = no transactions */
    bool                   read_uncommitted;
    int                    expected_partitions; /* to divide the fetch budget by; 0 = 16 */
    int64_t                fetch_bytes;      /* budget of prefetching, 0 = 16 MiB */
    const struct ks__wake *wake;             /* set when a call may have something new */
    /* A record that could not be written: KS_OK = leave it out, else the flush or commit fails. */
    ks_status (*undelivered)(const struct ks__undelivered *failed, void *user);
    void *undelivered_user;
};

/* A record read. */
struct ks__log_record {
    ks_record record; /* `window` unused */
    int64_t   offset;
};

/* Records of one source in order; lent until ks__batch_release(). */
struct ks__batch {
    const struct ks__log_record *records;
    size_t                       count;
    int64_t                      next_offset; /* where reading goes on, also when count is 0 */
    bool                         caught_up;   /* nothing more was there when it was taken */
    struct ks__source           *source;
    void                        *held;        /* the log's own */
};

enum ks__event_kind {
    KS__EVENT_NONE,
    KS__EVENT_ASSIGNED, /* these partitions are ours now: start them, then acknowledge */
    KS__EVENT_REVOKED,  /* these go: commit and stop them, then acknowledge */
    KS__EVENT_LOST,     /* these are gone already: no commit; stop them, then acknowledge */
    KS__EVENT_FAILED    /* the session cannot go on: `error` */
};

struct ks__event_partition {
    const char *topic;
    int32_t     partition;
};

/* Lent until the acknowledgement or the next poll. */
struct ks__event {
    enum ks__event_kind               kind;
    const struct ks__event_partition *partitions;
    size_t                            count;
    const ks_error                   *error;
};

/* The next offset of an input, to be committed; `metadata` NULL = "". */
struct ks__position {
    const char *topic;
    int32_t     partition;
    int64_t     offset;
    const char *metadata;
};

/* ---- cluster ---- */

/* Connect: the address chooses the log ("memory:NAME", "embedded:DIRECTORY", "HOST:PORT,...").
 * Kafka clusters are not contacted yet. KS_EINVAL for an address of no form; KS_EIO,
 * KS_EACCESS, ... */
ks_status ks__cluster_open(struct ks__cluster **out, const char *address,
                           const struct ks__cluster_options *options, ks_error *error);
/* All sessions are closed before. */
void ks__cluster_close(struct ks__cluster *cluster);
/* "memory", "embedded", "kafka". */
const char *ks__cluster_kind(const struct ks__cluster *cluster);
/* The kind of log that an address names; NULL = it is none. */
const char *ks__cluster_kind_of(const char *address);
/* Which log it is: another text for another set of topics under the same address (a log in memory
 * that was made anew, a directory that was emptied); "" = not known. State is stamped with it. */
const char *ks__cluster_id(const struct ks__cluster *cluster);

/* KS_EEXISTS when a topic is there already (the others are made). */
ks_status ks__cluster_create(struct ks__cluster *cluster, const struct ks__topic_spec *topics,
                             size_t count, int timeout_ms, ks_error *error);
/* `*partitions` = 0 for an unknown topic (KS_OK). */
ks_status ks__cluster_partitions(struct ks__cluster *cluster, const char *topic,
                                 int32_t *partitions, int timeout_ms, ks_error *error);
/* Append the names of all topics, each with its terminator, in no order. KS_ESTATE: this log cannot
 * tell. */
ks_status ks__cluster_topics(struct ks__cluster *cluster, struct ks__buffer *names, int timeout_ms,
                             ks_error *error);
ks_status ks__cluster_offset(struct ks__cluster *cluster, const char *topic, int32_t partition,
                             enum ks__offset_kind kind, int64_t time_ms, int64_t *offset,
                             int timeout_ms, ks_error *error);
/* What a group committed; KS__OFFSET_NONE if nothing. Waits while a transaction that may change it
 * is undecided. `metadata` (may be NULL) is a heap text that the caller frees with ks__free(). */
ks_status ks__cluster_committed(struct ks__cluster *cluster, const char *group, const char *topic,
                                int32_t partition, int64_t *offset, char **metadata,
                                int timeout_ms, ks_error *error);
/* Forget records below the offset. */
ks_status ks__cluster_trim(struct ks__cluster *cluster, const char *topic, int32_t partition,
                           int64_t offset, int timeout_ms, ks_error *error);

/* ---- session ---- */

/* With a transactional id this fences older sessions of the same id; it may take several calls of
 * ks__session_begin() to be through with that. */
ks_status ks__session_open(struct ks__session **out, struct ks__cluster *cluster,
                           const struct ks__session_options *options, ks_error *error);
/* Leaves the group and drops what was not flushed or committed. What a call left undecided is
 * decided later, as a whole or not at all. */
void ks__session_close(struct ks__session *session);
/* For the simulator: drop the session as a crash would; its member stays until its timeout. */
void ks__session_abandon(struct ks__session *session);
/* The last failure of the session: a fatal one stays, one that requires abort goes with abort(). */
const ks_error *ks__session_error(const struct ks__session *session);

/* Join the group for these topics, with assignment by range. Once. */
ks_status ks__session_subscribe(struct ks__session *session, const char *const *topics,
                                size_t count, int timeout_ms);
/* The next event of membership; false = none now. To be called in every step, even without a
 * group. */
bool ks__session_poll(struct ks__session *session, struct ks__event *event);
/* In how many milliseconds to poll though nothing has set the wake; 0 = as often as one can: the
 * wake does not tell all; -1 = no need to. */
int64_t ks__session_next_ms(const struct ks__session *session);
/* The event has been worked off. KS_EAGAIN = call again. */
ks_status ks__session_acknowledge(struct ks__session *session, int timeout_ms);

/* Read a partition from an offset on. Topic names are copied. KS_ENOTFOUND, KS_ENOMEM. */
ks_status ks__session_start(struct ks__session *session, const char *topic, int32_t partition,
                            int64_t offset, struct ks__source **out);
void ks__session_stop(struct ks__session *session, struct ks__source *source);
/* Take what is there, at most `limit` records, never waiting. Count 0 is KS_OK. Batches are
 * released in the order they were taken, before the source is stopped. KS_EOFFSET: the position is
 * not in the log. */
ks_status ks__source_fetch(struct ks__source *source, size_t limit, struct ks__batch *batch);
/* The records go; next_offset and caught_up stay readable. Again is fine. */
void ks__batch_release(struct ks__batch *batch);
/* Records between `next_offset` of the last fetch and the known end: the lag; -1 = unknown. */
int64_t ks__source_lag(const struct ks__source *source);

/* A handle to write with: lent as long as the session. KS_ENOTFOUND, KS_EAGAIN. */
ks_status ks__session_topic(struct ks__session *session, const char *name, struct ks__topic **out,
                            int timeout_ms);
int32_t ks__topic_partitions(const struct ks__topic *topic);
const char *ks__topic_name(const struct ks__topic *topic);
/* Append to a partition (0..n-1). In a session with transactional id: into the open transaction.
 * KS_EAGAIN: full, flush or poll first; KS_ETOOBIG; KS_EFENCED; KS_ENOMEM. */
ks_status ks__topic_append(struct ks__topic *topic, int32_t partition, const ks_record *record);
/* Wait until all appends are stored. KS_OK, KS_EAGAIN, or the first that could not be (KS_EFULL,
 * KS_ELOG). */
ks_status ks__session_flush(struct ks__session *session, int timeout_ms);
/* Outside transactions: let readers have what was appended so far, before the flush. Never waits
 * for others; a log that does so by itself does nothing. A failure is the next flush's to report.
 * False = there was nothing. */
bool ks__session_push(struct ks__session *session);
/* Leave the records of this topic to the flush. */
void ks__topic_hold(struct ks__topic *topic);
/* The offset after the last record of this session that is known to be stored there;
 * KS__OFFSET_NONE if none was. */
int64_t ks__topic_appended(const struct ks__topic *topic, int32_t partition);

/* Commit offsets alone (no transaction), as a member where there is a group. */
ks_status ks__session_commit_offsets(struct ks__session *session,
                                     const struct ks__position *positions, size_t count,
                                     int timeout_ms);
/* Transactions. commit(): all appends since begin and the positions, together. After KS_EFENCED or
 * an error that requires abort, abort() (also resumable) leaves the session ready for the next
 * begin, unless the error is fatal. A suspect end (its reply may be lost) is handled inside, before
 * the next begin returns. abort() is KS_ESTATE when a commit that answered KS_EAGAIN before turns
 * out to have been made: it was too late. Without a transactional id abort() forgets what was not
 * flushed, where the log still can. */
ks_status ks__session_begin(struct ks__session *session, int timeout_ms);
ks_status ks__session_commit(struct ks__session *session, const struct ks__position *positions,
                             size_t count, int timeout_ms);
ks_status ks__session_abort(struct ks__session *session, int timeout_ms);

/* ---- for a log that implements the contract ---- */

struct ks__cluster_class {
    const char *kind;
    const char *scheme; /* "memory:", "embedded:"; "" = everything else */
    ks_status (*open)(struct ks__cluster **out, const char *rest,
                      const struct ks__cluster_options *options, ks_error *error);
    void (*close)(struct ks__cluster *cluster);
    ks_status (*create)(struct ks__cluster *, const struct ks__topic_spec *, size_t, int,
                        ks_error *);
    ks_status (*partitions)(struct ks__cluster *, const char *, int32_t *, int, ks_error *);
    ks_status (*topics)(struct ks__cluster *, struct ks__buffer *, int, ks_error *);
    ks_status (*offset)(struct ks__cluster *, const char *, int32_t, enum ks__offset_kind, int64_t,
                        int64_t *, int, ks_error *);
    ks_status (*committed)(struct ks__cluster *, const char *, const char *, int32_t, int64_t *,
                           char **, int, ks_error *);
    ks_status (*trim)(struct ks__cluster *, const char *, int32_t, int64_t, int, ks_error *);
    ks_status (*session_open)(struct ks__session **out, struct ks__cluster *,
                              const struct ks__session_options *, ks_error *);
    void (*session_close)(struct ks__session *);
    ks_status (*subscribe)(struct ks__session *, const char *const *, size_t, int);
    bool (*poll)(struct ks__session *, struct ks__event *);
    ks_status (*acknowledge)(struct ks__session *, int);
    ks_status (*start)(struct ks__session *, const char *, int32_t, int64_t, struct ks__source **);
    void (*stop)(struct ks__session *, struct ks__source *);
    ks_status (*fetch)(struct ks__source *, size_t, struct ks__batch *);
    void (*release)(struct ks__batch *);
    int64_t (*lag)(const struct ks__source *);
    ks_status (*topic)(struct ks__session *, const char *, struct ks__topic **, int);
    ks_status (*append)(struct ks__topic *, int32_t, const ks_record *);
    ks_status (*flush)(struct ks__session *, int);
    bool (*push)(struct ks__session *); /* NULL = it does so by itself */
    void (*hold)(struct ks__topic *);   /* NULL with push */
    int64_t (*appended)(const struct ks__topic *, int32_t);
    ks_status (*commit_offsets)(struct ks__session *, const struct ks__position *, size_t, int);
    ks_status (*begin)(struct ks__session *, int);
    ks_status (*commit)(struct ks__session *, const struct ks__position *, size_t, int);
    ks_status (*abort)(struct ks__session *, int);
    void (*abandon)(struct ks__session *); /* NULL = as session_close */
    int64_t (*next_ms)(const struct ks__session *); /* NULL = 0 */
};

/* First members of every implementation's structs. */
#define KS__CLUSTER_ID_BYTES 33
struct ks__cluster {
    const struct ks__cluster_class *class;
    char                            id[KS__CLUSTER_ID_BYTES];
    unsigned                        forks;  /* of the process that opened it                  */
};
struct ks__session {
    struct ks__cluster *cluster;
    ks_error            error;
};
struct ks__source {
    struct ks__session *session;
};
struct ks__topic {
    struct ks__session *session;
    const char         *name;
    int32_t             partitions;
};

extern const struct ks__cluster_class ks__cluster_memory;
extern const struct ks__cluster_class ks__cluster_embedded;
extern const struct ks__cluster_class ks__cluster_kafka;
/* Logs of the user's own (sys/log.h): does one of their classes take the address? Then open it. */
bool ks__user_takes(const char *address);
ks_status ks__user_open(struct ks__cluster **out, const char *address,
                        const struct ks__cluster_options *options, ks_error *error);

/* For tests: every log call of the process asks it first, with the name of the call ("append",
 * "commit", "fetch", ...); another answer than KS_OK is the result of that call. NULL = none. */
typedef ks_status ks__cluster_fault_fn(const char *call, void *user);
void ks__cluster_set_fault(ks__cluster_fault_fn *fn, void *user);

/* For tests: take the name off the memory log, which lives on for those that have it open; who
 * opens the name next gets an empty one. */
void ks__memory_log_forget(const char *name);

#endif

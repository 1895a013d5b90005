/* SPDX-License-Identifier: Apache-2.0
 *
 * local.h - what the two logs of this machine share: sessions, staged appends, commits, groups.
 *
 *      session --append--> staged segments --commit---> log->class->commit() ---> memory | embedded
 *         |                                 {appends, positions, generation, epoch}
 *         `--poll--> group (membership.h), kept by the log
 *
 * Nothing undecided is ever in a local log: appends wait in the session and are handed over as a
 * whole, so an abort drops them and a crash forgets them.
 *
 * Whatever changes the log is handed over (struct ks__handover). The memory log does it in the
 * call. The embedded one may do it later, on a thread of its own: until it is decided it belongs to
 * the log, and the session only looks whether it is decided.
 *
 * Invariants
 *   N1  A session has at most one hand-over of each sort (writing, membership, fence) with the log,
 *       and what the log may read of the session meanwhile does not change.
 *   N2  What came of it is taken into the session by the session's own thread, once.
 *   N3  Who gave the session a wake is never kept waiting by open and close; others may be.
 *
 * Lock order: a storage's own writer lock, then log->mutex. log->mutex guards the lists of sessions
 * and of sources, topics, and the requests of clusters.
 */
#ifndef KS_LOG_LOCAL_H
#define KS_LOG_LOCAL_H

#include "base/thread.h"
#include "log/cluster.h"
#include "log/membership.h"
#include "log/segment.h"

#include <stdatomic.h>

struct ks__local_session;
struct ks__local_source;

#define KS__LOCAL_NAME_LIMIT 249u           /* characters of a topic or group, as in Kafka        */

/* A topic; the storage's own struct begins with it and lives as long as the log. */
struct ks__local_topic {
    char                    *name;
    int32_t                  partitions;
    bool                     compacted;
    struct ks__local_source **readers;      /* per partition: the sources that read it            */
};

/* Appends of one session to one partition, handed over. */
struct ks__appends {
    struct ks__appends     *next;           /* of the same commit                                 */
    struct ks__local_topic *topic;
    int32_t                 partition;
    struct ks__segment     *first, *last;   /* the storage may take them away                     */
    size_t                  records;
    int64_t                 end;            /* the storage's word: offset after the last one      */
};

/* Appends that are not handed over yet, beside those that are, and where the last stored ones came
 * to lie. */
struct ks__staged {
    struct ks__appends  sent;               /* the first member; empty = none                     */
    struct ks__staged  *next;               /* of those with records to hand over                 */
    uint32_t            want;               /* records of the next segment                        */
    bool                held;               /* not before the flush                               */
    struct ks__segment *first, *last;
    size_t              records;
    int64_t             end;                /* offset after the last stored one, or NONE          */
};

/* A unit to be applied as a whole. */
struct ks__local_commit {
    struct ks__appends        *appends;
    const struct ks__position *positions;
    size_t                    position_count;
    const char               *group;        /* of the positions                                   */
    const char               *member_id;    /* NULL = never joined                                */
    const char               *instance_id;  /* the session's; NULL = dynamic                      */
    int32_t                   generation;
    const char               *transactional_id; /* NULL = none                                    */
    int64_t                   epoch;
    ks_error                 *error;
};

struct ks__local_log;

/* Something that changes the log: a commit, or a call that a storage makes when it may write.
 * Zeroed = not handed over. */
struct ks__handover {
    struct ks__handover     *next;          /* the log's                                          */
    struct ks__local_commit *commit;        /* NULL = call() instead                              */
    /* KS_EAGAIN: there is more to do, others may go before. */
    ks_status (*call)(struct ks__local_log *log, struct ks__handover *handover);
    /* Not NULL: nobody comes back for it; called when it is decided, maybe by another thread. */
    void (*release)(struct ks__handover *handover);
    const struct ks__wake   *wake;          /* set when it is decided and nobody waits for it     */
    bool                     pending;       /* of who handed it over: not taken in yet            */
    bool                     decided;       /* the log's, and so is all behind                    */
    bool                     awaited;       /* somebody sleeps until it is decided                */
    ks_status                status;
    ks_error                 error;
};

/* What a storage does. */
struct ks__local_class {
    ks_status (*create)(struct ks__local_log *log, const struct ks__topic_spec *spec,
                        ks_error *error);
    /* NULL in `*out` = unknown. */
    ks_status (*find)(struct ks__local_log *log, const char *name, struct ks__local_topic **out,
                      ks_error *error);
    /* The names of all, each with its terminator. */
    ks_status (*topics)(struct ks__local_log *log, struct ks__buffer *names, ks_error *error);
    ks_status (*offset)(struct ks__local_log *log, struct ks__local_topic *topic,
                        int32_t partition, enum ks__offset_kind kind, int64_t time_ms,
                        int64_t *offset, ks_error *error);
    ks_status (*committed)(struct ks__local_log *log, const char *group, const char *topic,
                           int32_t partition, int64_t *offset, char **metadata, ks_error *error);
    /* KS_EAGAIN: begun; call again for the rest. */
    ks_status (*trim)(struct ks__local_log *log, struct ks__local_topic *topic, int32_t partition,
                      int64_t offset, ks_error *error);
    /* The next epoch of a transactional id: older ones are refused from now on. */
    ks_status (*fence)(struct ks__local_log *log, const char *id, int64_t *epoch, ks_error *error);
    /* All or nothing. KS_EFENCED for a stale generation or epoch (fatal only for the epoch). Sets
     * `end` of the appends and wakes their readers. */
    ks_status (*commit)(struct ks__local_log *log, struct ks__local_commit *commit);
    /* Take it, do it by and by, in the order it came; KS_OK = it is decided, KS_EAGAIN = not within
     * the time. NULL = it is done in the call, with `commit` above. */
    ks_status (*hand_over)(struct ks__local_log *log, struct ks__handover *handover,
                           int timeout_ms);
    ks_status (*await)(struct ks__local_log *log, struct ks__handover *handover, int timeout_ms);
    /* Nobody comes back for it: release() follows when it is decided. False = it is. */
    bool (*orphan)(struct ks__local_log *log, struct ks__handover *handover,
                   void (*release)(struct ks__handover *handover));
    /* Lock and read a group, made when missing; give it back, `changed` or not. The session numbers
     * members by `*serial`. */
    ks_status (*group_begin)(struct ks__local_log *log, const char *name, struct ks__group **group,
                             ks_error *error);
    ks_status (*group_end)(struct ks__local_log *log, struct ks__group *group, bool changed,
                           ks_error *error);
    /* A copy of the group as it is, without waiting for who writes; the caller releases it. NULL =
     * group_begin() does not wait. */
    ks_status (*group_read)(struct ks__local_log *log, const char *name, struct ks__group *group,
                            ks_error *error);
    /* A number never given before in this log; between group_begin and group_end. */
    ks_status (*serial)(struct ks__local_log *log, uint64_t *serial, ks_error *error);
    ks_status (*fetch)(struct ks__local_source *source, size_t limit, struct ks__batch *batch);
    int64_t (*lag)(const struct ks__local_source *source);
    /* Open and close what the storage keeps in `source->own`. */
    void (*source_release)(struct ks__local_source *source);
};

struct ks__local_log {
    const struct ks__local_class *class;
    struct ks__mutex              mutex;
    struct ks__local_session     *sessions;
    atomic_uint_fast64_t          changes;  /* of groups and topics                               */
    const char                   *process;  /* name of this process among members; NULL = alone   */
    char                          id[KS__CLUSTER_ID_BYTES];
};

/* Calls of a cluster that are not decided yet, or not asked about any more; see local_log.c. */
struct ks__local_request;

/* A text that no other log has. */
void ks__local_make_id(char out[KS__CLUSTER_ID_BYTES]);

struct ks__local_cluster {
    struct ks__cluster     base;
    struct ks__local_log  *log;
    const struct ks__clock *clock;
    struct ks__log         logger;
    int64_t                session_timeout_ms;
    size_t                 record_limit;    /* bytes of key, value and headers                    */
    struct ks__local_request *requests;     /* under log->mutex                                   */
};

struct ks__local_source {
    struct ks__source        base;
    struct ks__local_topic  *topic;
    int32_t                  partition;
    int64_t                  next;          /* offset                                             */
    atomic_bool              hungry;        /* found nothing more: to be woken                    */
    struct ks__local_source *next_reader;   /* of the partition                                   */
    struct ks__local_source *next_of_session;
    size_t                   hint;          /* where the storage found the last one               */
    void                    *own;           /* the storage's; NULL at first                       */
};

struct ks__local_writer {                   /* a ks__topic                                        */
    struct ks__topic         base;
    struct ks__local_topic  *topic;
    struct ks__local_writer *next;
    struct ks__staged        parts[];
};

enum ks__local_writing { KS__WROTE_PUSH, KS__WROTE_FLUSH, KS__WROTE_OFFSETS, KS__WROTE_COMMIT };

enum ks__local_change_kind {
    KS__CHANGE_JOIN,
    KS__CHANGE_LOOK,                        /* is there something to tell?                        */
    KS__CHANGE_SIGN,                        /* a sign of life, while an event is worked off       */
    KS__CHANGE_ACKNOWLEDGE,
    KS__CHANGE_LEAVE
};

/* A change of a group by a member, and what came of it; see local_change.c. */
struct ks__local_change {
    struct ks__handover             handover;   /* the first member                               */
    enum ks__local_change_kind      what;
    const struct ks__local_session *session;
    int64_t                         now_ms;
    bool                            is_trial;   /* on a copy: is there something to change?       */
    bool                            changed;    /* others should look again                       */
    bool                            seen;       /* only the sign of life                          */
    enum ks__event_kind             told;
    char                           *member_id;  /* joined, anew                                   */
    struct ks__event_partition     *held;       /* of ASSIGNED                                    */
    size_t                          held_count;
    int32_t                         generation;
};

struct ks__local_session {
    struct ks__session        base;
    struct ks__local_log     *log;
    struct ks__local_session *next;         /* of log->sessions                                   */
    char                     *client_id, *group, *instance_id, *transactional_id;
    const struct ks__wake    *wake;
    struct ks__local_source  *sources;
    struct ks__local_writer  *writers;
    struct ks__staged        *staged;       /* partitions with records to hand over, newest first */
    size_t                    staged_bytes; /* with what is handed over                           */
    int64_t                   epoch;
    bool                      in_transaction;
    bool                      must_abort;

    /* Writing; see local_write.c. */
    struct ks__handover       writing;
    struct ks__local_commit   commit;       /* what it hands over                                 */
    enum ks__local_writing    wrote;        /* which call handed it over                          */
    void                     *copy;         /* of the positions and the member's id               */
    size_t                    copy_bytes;
    struct ks__handover       fence;
    bool                      is_fenced;    /* the epoch is ours                                  */

    /* Membership; see local_group.c. */
    char                       *member_id;  /* NULL = not joined                                  */
    char                      **topics;
    size_t                      topic_count;
    int32_t                     generation;
    enum ks__event_kind         told;       /* not acknowledged yet                               */
    struct ks__event_partition *held;       /* what the user was told it owns; texts are `topics` */
    size_t                      held_count;
    uint64_t                    seen_changes, asked_changes;
    int64_t                     next_check_ms;
    struct ks__local_change     change;

    atomic_uint                 holders;    /* its user, and when closed what is handed over      */
};

/* ---- handing over (local_handover.c) ---- */

/* Hand over what is prepared; decided or not: KS_OK, KS_EAGAIN. One with release() is not looked at
 * afterwards. */
ks_status ks__local_hand_over(struct ks__local_log *log, struct ks__handover *handover,
                              int timeout_ms);
/* Is it decided? KS_OK, KS_EAGAIN. Then its status and error are the caller's, and it is not
 * pending. */
ks_status ks__local_await(struct ks__local_log *log, struct ks__handover *handover,
                          int timeout_ms);
/* Leave it to the log, which calls release() once, now or when it is decided. */
void ks__local_orphan(struct ks__local_log *log, struct ks__handover *handover,
                      void (*release)(struct ks__handover *handover));
/* Does the log keep what is handed over beyond the call, if it takes longer than that? */
bool ks__local_may_keep(const struct ks__local_log *log, int timeout_ms);

/* ---- log (local_log.c) ---- */

void ks__local_cluster_init(struct ks__local_cluster *cluster,
                            const struct ks__cluster_class *class,
                            const struct ks__cluster_options *options, struct ks__local_log *log);
/* Before the cluster is closed. */
void ks__local_cluster_release(struct ks__local_cluster *cluster);
/* Wake who waits for records of the partition; with log->mutex held. */
void ks__local_wake_readers(const struct ks__local_topic *topic, int32_t partition);
/* Wake all sessions: a group or a topic changed; takes log->mutex. */
void ks__local_changed(struct ks__local_log *log);
/* KS_EINVAL unless it is a name as Kafka allows it. */
ks_status ks__local_check_name(const char *what, const char *name, ks_error *error);
/* The epoch of the commit is an old one: KS_EFENCED, for good. */
ks_status ks__local_fenced(const struct ks__local_commit *commit);
/* A topic by name; NULL in `*out` = unknown. */
ks_status ks__local_find(struct ks__local_log *log, const char *name, struct ks__local_topic **out,
                         ks_error *error);

ks_status ks__local_create(struct ks__cluster *cluster, const struct ks__topic_spec *topics,
                           size_t count, int timeout_ms, ks_error *error);
ks_status ks__local_topics(struct ks__cluster *cluster, struct ks__buffer *names, int timeout_ms,
                           ks_error *error);
ks_status ks__local_partitions(struct ks__cluster *cluster, const char *topic, int32_t *partitions,
                               int timeout_ms, ks_error *error);
ks_status ks__local_offset(struct ks__cluster *cluster, const char *topic, int32_t partition,
                           enum ks__offset_kind kind, int64_t time_ms, int64_t *offset,
                           int timeout_ms, ks_error *error);
ks_status ks__local_committed(struct ks__cluster *cluster, const char *group, const char *topic,
                              int32_t partition, int64_t *offset, char **metadata, int timeout_ms,
                              ks_error *error);
ks_status ks__local_trim(struct ks__cluster *cluster, const char *topic, int32_t partition,
                         int64_t offset, int timeout_ms, ks_error *error);

/* ---- session (local_session.c) ---- */

ks_status ks__local_session_open(struct ks__session **out, struct ks__cluster *cluster,
                                 const struct ks__session_options *options, ks_error *error);
void ks__local_session_close(struct ks__session *session);
void ks__local_session_abandon(struct ks__session *session);
ks_status ks__local_start(struct ks__session *session, const char *topic, int32_t partition,
                          int64_t offset, struct ks__source **out);
void ks__local_stop(struct ks__session *session, struct ks__source *source);
ks_status ks__local_fetch(struct ks__source *source, size_t limit, struct ks__batch *batch);
void ks__local_release(struct ks__batch *batch);
int64_t ks__local_lag(const struct ks__source *source);

/* ---- writing (local_write.c) ---- */

ks_status ks__local_topic(struct ks__session *session, const char *name, struct ks__topic **out,
                          int timeout_ms);
ks_status ks__local_append(struct ks__topic *topic, int32_t partition, const ks_record *record);
int64_t ks__local_appended(const struct ks__topic *topic, int32_t partition);
ks_status ks__local_flush(struct ks__session *session, int timeout_ms);
bool ks__local_push(struct ks__session *session);
void ks__local_hold(struct ks__topic *topic);
ks_status ks__local_commit_offsets(struct ks__session *session,
                                   const struct ks__position *positions, size_t count,
                                   int timeout_ms);
ks_status ks__local_begin(struct ks__session *session, int timeout_ms);
ks_status ks__local_commit_transaction(struct ks__session *session,
                                       const struct ks__position *positions, size_t count,
                                       int timeout_ms);
ks_status ks__local_abort(struct ks__session *session, int timeout_ms);
/* Forget all staged records, also those that were handed over and are decided; keep the handles. */
void ks__local_drop_staged(struct ks__local_session *session);
/* Make older sessions of the same transactional id stale; KS_EAGAIN = not decided yet. */
ks_status ks__local_fence(struct ks__local_session *session, int timeout_ms);

/* ---- membership (local_group.c) ---- */

ks_status ks__local_subscribe(struct ks__session *session, const char *const *topics,
                              size_t count, int timeout_ms);
bool ks__local_poll(struct ks__session *session, struct ks__event *event);
int64_t ks__local_next_ms(const struct ks__session *session);
ks_status ks__local_acknowledge(struct ks__session *session, int timeout_ms);
/* Leave the group, unless the membership is static. Waits only for those without a wake. */
void ks__local_leave(struct ks__local_session *session);
/* The change that is handed over, if any, is left to the log, and lets go of the session. */
void ks__local_orphan_change(struct ks__local_session *session);

/* The change itself (local_change.c); by whoever may write. */
ks_status ks__local_call_change(struct ks__local_log *log, struct ks__handover *handover);
/* Try it on a copy of the group; true = there is nothing to write, and what came of it holds. */
bool ks__local_try_change(struct ks__local_log *log, struct ks__local_change *change);
/* KS_EFENCED, with a text, unless the member may commit; `group` NULL = a group nobody knows. */
ks_status ks__local_check_member(const struct ks__group        *group,
                                 const struct ks__local_commit *commit);
/* Forget what came of it. */
void ks__local_reset_change(struct ks__local_change *change);
/* Milliseconds without a sign of life after which a member is thrown out. */
int64_t ks__local_timeout_of(const struct ks__local_session *session);
/* One holder of a closed session less; with the last one it is freed. */
void ks__local_session_let_go(struct ks__local_session *session);

/* The members of ks__cluster_class from `create` on, for both logs. */
#define KS__LOCAL_CLUSTER_CALLS                                                              \
    .create = ks__local_create, .partitions = ks__local_partitions, .topics = ks__local_topics,\
    .offset = ks__local_offset, .committed = ks__local_committed, .trim = ks__local_trim,    \
    .session_open = ks__local_session_open, .session_close = ks__local_session_close,        \
    .subscribe = ks__local_subscribe, .poll = ks__local_poll,                                \
    .acknowledge = ks__local_acknowledge, .start = ks__local_start, .stop = ks__local_stop,  \
    .fetch = ks__local_fetch, .release = ks__local_release, .lag = ks__local_lag,            \
    .topic = ks__local_topic, .append = ks__local_append, .flush = ks__local_flush,          \
    .push = ks__local_push, .hold = ks__local_hold,                                          \
    .appended = ks__local_appended, .commit_offsets = ks__local_commit_offsets,              \
    .begin = ks__local_begin, .commit = ks__local_commit_transaction,                        \
    .abort = ks__local_abort, .abandon = ks__local_session_abandon,                          \
    .next_ms = ks__local_next_ms

#endif

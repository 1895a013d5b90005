/* SPDX-License-Identifier: Apache-2.0
 *
 * sys/log.h - a log of your own beneath an app: a database, a file format, a client of some broker.
 *
 * A log is a class of functions that store topics: create, find, read, and one atomic commit.
 * Everything else that makes a log of them (groups and the assignment of partitions, transactions,
 * fencing of older producers, offsets of groups, buffering, waking) is the library's, which keeps
 * what must survive as a few small values in your storage.
 *
 *      static const ks_log_class shelf_class = KS_LOG_CLASS(
 *          .scheme = "shelf:", .state_size = sizeof(struct shelf), .open = shelf_open,
 *          .create = shelf_create, .find = shelf_find, .range = shelf_range, .read = shelf_read,
 *          .trim = shelf_trim, .get = shelf_get, .commit = shelf_commit, .close = shelf_close);
 *
 *      ks_log_register(&shelf_class);                              // once, at the program's start
 *      ks_config_set(config, "bootstrap.servers", "shelf:/var/lib/x");
 *
 * The contract
 *   UL1  Offsets of a partition rise by one per record, from 0 on; compaction and trimming leave
 *        holes but never give an offset twice.
 *   UL2  commit stores all appends and all values, or nothing, also when the process is killed in
 *        it. When it has returned KS_OK, read and get see them.
 *   UL3  Hooks of one open log are called by one thread at a time, though not always by the same;
 *        logs that are open under different addresses are independent. Hooks do not call the
 *        library but for ks_log_ctx_...(), ks_log_batch_add() and ks_log_names_add().
 *   UL4  One process has the log open at a time: members of groups are known in this process only.
 *        Within it an address is opened once, whoever uses it, and closed with its last user.
 *   UL5  The number of partitions of a topic does not change.
 *   UL6  A failure of a hook is the failure of the call that needed it, and it has done nothing: as
 *        a commit that fails may be tried again, it must not have stored anything. Where a storage
 *        cannot know (the answer of a server was lost) it must find out before commit returns.
 *   UL7  A read that adds no record says that there are none from `offset` to the end any more:
 *        they are passed over.
 *
 * The hooks run on stream threads: while one waits, so does the thread.
 */
#ifndef KSTREAM_SYS_LOG_H
#define KSTREAM_SYS_LOG_H

#include <kstream/options.h>
#include <kstream/record.h>

/* What an open log asks of the library; as long as it is open. */
typedef struct ks_log_ctx ks_log_ctx;
/* Where read puts records. */
typedef struct ks_log_batch ks_log_batch;
/* Where list puts names. */
typedef struct ks_log_names ks_log_names;

/* A topic. Compacted: the latest record of a key must stay, others may go. */
typedef struct ks_log_topic {
    const char *name;
    int32_t     partitions;
    bool        compacted;
    int64_t     retention_ms; /* older ones may go, compacted or not; -1 = none, 0 = as you like */
} ks_log_topic;

/* Records for the end of a partition, in this order. */
typedef struct ks_log_append {
    const char             *topic;
    int32_t                 partition;
    const ks_record *const *records;
    size_t                  count;
    int64_t                 first_offset; /* to be set by commit */
} ks_log_append;

/* A small value under a key; null = remove it. */
typedef struct ks_log_value {
    ks_bytes key;
    ks_bytes value;
} ks_log_value;

/* All or nothing (UL2). Lent for the call. */
typedef struct ks_log_commit {
    ks_log_append      *appends;
    size_t              append_count;
    const ks_log_value *values;
    size_t              value_count;
} ks_log_commit;

typedef struct ks_log_class ks_log_class;
struct ks_log_class {
    size_t      struct_size KS_SIZEOF(ks_log_class);
    size_t      state_size KS_ZERO; /* `self`: so many zeroed bytes per open log; at least 1 */
    const char *scheme KS_ZERO;     /* what its addresses begin with: letters, and a colon */
    /* `rest` is the address behind the scheme. */
    ks_status (*open)(ks_log_ctx *ctx, const char *rest, void *self) KS_ZERO;
    void (*close)(ks_log_ctx *ctx, void *self) KS_ZERO; /* may be NULL; not after a failed open */
    /* The name is a legal one and not taken. */
    ks_status (*create)(ks_log_ctx *ctx, const ks_log_topic *topic, void *self) KS_ZERO;
    /* Fill in `topic->partitions`, `compacted`; partitions 0, as it comes = unknown. */
    ks_status (*find)(ks_log_ctx *ctx, const char *name, ks_log_topic *topic, void *self) KS_ZERO;
    /* Offsets of the first record that is still there and of the next one to come. */
    ks_status (*range)(ks_log_ctx *ctx, const char *topic, int32_t partition, int64_t *begin,
                       int64_t *end, void *self) KS_ZERO;
    /* Add the records at and behind `offset` to `batch`, in order, until it wants no more. */
    ks_status (*read)(ks_log_ctx *ctx, const char *topic, int32_t partition, int64_t offset,
                      ks_log_batch *batch, void *self) KS_ZERO;
    /* The records below `offset`, which is within the range, may go; it begins there from now. */
    ks_status (*trim)(ks_log_ctx *ctx, const char *topic, int32_t partition, int64_t offset,
                      void *self) KS_ZERO;
    /* The value of a key, lent to the next hook; null, as it comes = none. */
    ks_status (*get)(ks_log_ctx *ctx, ks_bytes key, ks_bytes *value, void *self) KS_ZERO;
    ks_status (*commit)(ks_log_ctx *ctx, ks_log_commit *commit, void *self) KS_ZERO;
    /* Add the names of all topics, in any order. NULL = topics cannot be read by a pattern. */
    ks_status (*list)(ks_log_ctx *ctx, ks_log_names *names, void *self) KS_ZERO;
};

/* A brace list, for a static const. */
#define KS_LOG_CLASS(...) { .struct_size = sizeof(ks_log_class), __VA_ARGS__ }

/**
 * Make addresses that begin with the class's scheme ("shelf:...") open logs of this class, in
 * `bootstrap.servers` and for ks_log_new() alike.
 *
 * Ownership: keeps `log`, which must stay as long as the process uses the library.
 * Threads:   any; before the first use of such an address.
 * Errors:    KS_EINVAL for a missing function, a scheme of no form or one of the library's,
 *            KS_EEXISTS for one that another class has (the same class again is KS_OK), KS_ENOMEM.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API ks_status ks_log_register(const ks_log_class *log);

/**
 * Add a record that was read; false = enough, the record was not taken.
 *
 * The first one is always taken. Its timestamp must not be negative if it was not so when it was
 * appended.
 *
 * Ownership: copies.
 * Threads:   inside `read`.
 * Errors:    false without memory, the read then fails; likewise for offsets that do not rise.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API bool ks_log_batch_add(ks_log_batch *batch, const ks_record *record, int64_t offset);

/**
 * Add the name of a topic.
 *
 * Ownership: copies.
 * Threads:   inside `list`.
 * Errors:    without memory the list fails.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API void ks_log_names_add(ks_log_names *names, const char *name);

/**
 * Say why a hook fails; gives `status`, to be returned. The text without a format: fail_text.
 *
 * Ownership: copies the text.
 * Threads:   inside a hook.
 * Errors:    the first reason of a hook is kept; KS_OK is taken as KS_ELOG.
 * Kafka:     KafkaException.
 * Since:     0.1
 */
KS_API ks_status ks_log_ctx_fail(ks_log_ctx *ctx, ks_status status, const char *format, ...)
    KS_PRINTF(3, 4);
KS_API ks_status ks_log_ctx_fail_text(ks_log_ctx *ctx, ks_status status, const char *text);

/**
 * Tell that records came from elsewhere, so that readers look: for a log that others write to.
 *
 * Ownership: none.
 * Threads:   any, between open and close; not inside a hook.
 * Errors:    none.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API void ks_log_ctx_arrived(ks_log_ctx *ctx);

#endif

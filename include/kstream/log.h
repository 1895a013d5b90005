/* SPDX-License-Identifier: Apache-2.0
 *
 * log.h - the log client: write and read topics on any log.
 *
 * What feeds an app and reads its results, in examples, tools and tests. The address chooses the
 * log, as bootstrap.servers does: "memory:NAME" (this process), "embedded:DIRECTORY" (durable, this
 * machine), "HOST:PORT[,...]" (Kafka), or a scheme that ks_log_register() made known (sys/log.h).
 * Everything else is the same.
 *
 *      ks_log    *log    = ks_log_new("embedded:/tmp/demo", NULL);
 *      ks_writer *writer = ks_log_writer(log, NULL);
 *      ks_log_create_topic(log, "lines", 4, false);
 *      ks_writer_append_text(writer, "lines", NULL, "to be or not to be", -1);
 *      ks_writer_flush(writer, -1);
 *
 *      ks_reader *reader = ks_log_reader(log, KS_READER(.group = "me"));
 *      ks_reader_subscribe(reader, "counts");
 *      for (ks_entry entry; ks_reader_next(reader, 1000, &entry);) ...
 *
 * Mistakes are returned, and kept in the log, writer or reader: ks_log_error() is the last failure;
 * ks_writer_error() and ks_reader_error() are the last failure until a later call of the same kind
 * succeeds. All calls on a writer are of one kind. On a reader there are two: choosing what to read
 * (subscribe, assign) and reading (next, at_end, commit), so that a failed assign is not forgotten
 * by reading on.
 *
 * Threads: a log from any thread; a writer or a reader from one at a time.
 * Lifecycle: a log, its writers and its readers are freed in any order: writers and readers keep
 * the log open, also after ks_log_free(). A memory log lives as long as some ks_log (with its
 * writers and readers) or app has it open; with the last one its topics are gone.
 *
 * Limits: a record (key, value and headers) has at most message.max.bytes, 1,000,000 unless the
 * configuration says "producer.message.max.bytes"; larger ones are refused with KS_ETOOBIG.
 */
#ifndef KSTREAM_LOG_H
#define KSTREAM_LOG_H

#include <kstream/config.h>
#include <kstream/options.h>
#include <kstream/record.h>

typedef struct ks_log    ks_log;
typedef struct ks_writer ks_writer;
typedef struct ks_reader ks_reader;

/* A record as it lies in a log. */
typedef struct ks_entry {
    ks_record   record;
    const char *topic;
    int32_t     partition;
    int64_t     offset;
} ks_entry;

/**
 * Connect to a log. `config` (may be NULL) gives what apps would use too, for example
 * "producer.linger.ms".
 *
 * Ownership: copies; the caller frees with ks_log_free().
 * Threads:   any.
 * Errors:    NULL only without memory; a wrong address or a failing directory is kept:
 *            ks_log_error().
 * Kafka:     Admin.
 * Since:     0.1
 */
KS_API ks_log         *ks_log_new(const char *address, const ks_config *config);
KS_API void            ks_log_free(ks_log *log);
KS_API const ks_error *ks_log_error(const ks_log *log);

/**
 * Create a topic; compacted ones keep at least the latest record of each key.
 *
 * The local logs compact now and then, while records are written: once 65,536 records have come in,
 * or as many as were kept the last time, if that is more. Offsets stay. The latest
 * record of a key stays also when it is a tombstone.
 *
 * Ownership: copies.
 * Threads:   any.
 * Errors:    KS_EEXISTS (harmless if it has as many partitions: the text tells), KS_EINVAL for a
 *            name or a count out of range, KS_ELOG, KS_EIO.
 * Kafka:     Admin#createTopics.
 * Since:     0.1
 */
KS_API ks_status ks_log_create_topic(ks_log *log, const char *topic, int32_t partitions,
                                     bool compacted);

/**
 * Count the partitions of a topic; 0 if there is no such topic, negative status if it cannot be
 * known.
 *
 * Ownership: none.
 * Threads:   any.
 * Errors:    a negative ks_status.
 * Kafka:     Admin#describeTopics.
 * Since:     0.1
 */
KS_API int32_t ks_log_partitions(ks_log *log, const char *topic);

/**
 * Read offsets: the first and the next one of a partition; the first at or after a time; a group's
 * committed one (-1 if none).
 *
 * The end is what a reader of committed records can reach.
 *
 * Ownership: none.
 * Threads:   any.
 * Errors:    KS_ENOTFOUND, KS_EUNAVAILABLE; `*out` is -1 then.
 * Kafka:     Admin#listOffsets, listConsumerGroupOffsets.
 * Since:     0.1
 */
KS_API ks_status ks_log_begin_offset(ks_log *log, const char *topic, int32_t partition,
                                     int64_t *out);
KS_API ks_status ks_log_end_offset(ks_log *log, const char *topic, int32_t partition, int64_t *out);
KS_API ks_status ks_log_offset_at(ks_log *log, const char *topic, int32_t partition,
                                  int64_t time_ms, int64_t *out);
KS_API ks_status ks_log_committed(ks_log *log, const char *group, const char *topic,
                                  int32_t partition, int64_t *out);

/**
 * Forget the records below `offset`: the partition begins there.
 *
 * Ownership: none.
 * Threads:   any.
 * Errors:    KS_ENOTFOUND, KS_EOFFSET beyond the end.
 * Kafka:     Admin#deleteRecords.
 * Since:     0.1
 */
KS_API ks_status ks_log_trim(ks_log *log, const char *topic, int32_t partition, int64_t offset);

/* How to write: a transactional id makes transactions possible and fences an older writer. */
typedef struct ks_writer_options {
    size_t      struct_size KS_SIZEOF(ks_writer_options);
    const char *site KS_ZERO;
    const char *transactional_id KS_ZERO;
} ks_writer_options;
#define KS_WRITER(...) KS_LITERAL_(ks_writer_options, __VA_ARGS__)

/**
 * Open a writer, append records, make them durable.
 *
 * `partition` -1 = by murmur2 of the key; null keys go round robin. A negative timestamp = now.
 * Appended records become visible at the latest with ks_writer_flush() (at the commit, in a
 * transaction). Flushing returns OK only when every record appended so far is stored.
 * ks_writer_append_text() is for NUL-terminated texts; NULL = null.
 *
 * Ownership: the caller frees with ks_writer_free(), which does not flush; records are copied.
 * Threads:   one at a time.
 * Errors:    append: KS_EINVAL for NULL, KS_ENOTFOUND, KS_ETOOBIG, KS_EAGAIN (full: flush first),
 *            KS_ESTATE of a transactional writer outside of a transaction; flush: KS_ETIMEOUT (it
 *            goes on; call again to see what came of it), KS_ELOG, KS_EFENCED, KS_EFULL. NULL only
 *            without memory.
 * Kafka:     KafkaProducer#send, flush.
 * Since:     0.1
 */
KS_API ks_writer      *ks_log_writer(ks_log *log, const ks_writer_options *options);
KS_API void            ks_writer_free(ks_writer *writer);
KS_API ks_status       ks_writer_append(ks_writer *writer, const char *topic, int32_t partition,
                                        const ks_record *record);
KS_API ks_status       ks_writer_append_text(ks_writer *writer, const char *topic, const char *key,
                                             const char *value, int64_t timestamp_ms);
KS_API ks_status       ks_writer_flush(ks_writer *writer, int timeout_ms) KS_MUST_CHECK;
KS_API const ks_error *ks_writer_error(const ks_writer *writer);

/**
 * Write in transactions: what was appended since begin becomes visible at once, or never.
 *
 * Ownership: none.
 * Threads:   the writer's.
 * Errors:    KS_ESTATE without a transactional id or out of order, KS_EFENCED, KS_ETIMEOUT (call
 *            again). Abort after a commit that timed out: KS_ESTATE when that was made after all.
 * Kafka:     KafkaProducer#beginTransaction, commitTransaction, abortTransaction.
 * Since:     0.1
 */
KS_API ks_status ks_writer_begin(ks_writer *writer);
KS_API ks_status ks_writer_commit(ks_writer *writer, int timeout_ms) KS_MUST_CHECK;
KS_API ks_status ks_writer_abort(ks_writer *writer, int timeout_ms);

/* How to read: `group` for subscribing and committing; `reset` where the group has no offset
 * (default earliest); `uncommitted` also shows records of open transactions, where there are
 * such. */
typedef struct ks_reader_options {
    size_t      struct_size KS_SIZEOF(ks_reader_options);
    const char *site KS_ZERO;
    const char *group KS_ZERO;
    ks_reset    reset KS_ZERO;
    bool        uncommitted KS_ZERO;
} ks_reader_options;
#define KS_READER(...) KS_LITERAL_(ks_reader_options, __VA_ARGS__)

/**
 * Open a reader; join a group for a topic, or take a partition from an offset by hand (not both).
 *
 * Subscribing may be repeated for several topics, before the first ks_reader_next(); a topic must
 * exist by then. Assigning the same partition again seeks.
 *
 * Ownership: the caller frees with ks_reader_free(), which leaves the group and commits nothing.
 * Threads:   one at a time.
 * Errors:    KS_EINVAL without a group, KS_ESTATE for a mixture, KS_ENOTFOUND. NULL only without
 *            memory.
 * Kafka:     KafkaConsumer#subscribe, assign, seek.
 * Since:     0.1
 */
KS_API ks_reader      *ks_log_reader(ks_log *log, const ks_reader_options *options);
KS_API void            ks_reader_free(ks_reader *reader);
KS_API ks_status       ks_reader_subscribe(ks_reader *reader, const char *topic);
KS_API ks_status       ks_reader_assign(ks_reader *reader, const char *topic, int32_t partition,
                                        int64_t offset);
KS_API const ks_error *ks_reader_error(const ks_reader *reader);

/**
 * Read the next record, waiting at most `timeout_ms` for one (0 = not at all, -1 = for ever).
 *
 * False: there is none in time, or a failure (ks_reader_error()).
 *
 * Ownership: lends the entry to the next call on this reader.
 * Threads:   the reader's.
 * Errors:    false; KS_EOFFSET when the position was trimmed away and the reset is none.
 * Kafka:     KafkaConsumer#poll.
 * Since:     0.1
 */
KS_API bool ks_reader_next(ks_reader *reader, int timeout_ms, ks_entry *out);

/**
 * Tell whether all that was committed when this is asked has been read, on every partition of this
 * reader: to read a topic to its end, read until it is true.
 *
 *      while (!ks_reader_at_end(reader))
 *          if (ks_reader_next(reader, 100, &entry)) ...
 *          else if (ks_error_status(ks_reader_error(reader)) != KS_OK) break;
 *
 * Of a subscribing reader it is false until the group has told its partitions; a reader without
 * partitions is at their end, but not one whose last subscribe or assign failed. It asks the log
 * only when nothing that was fetched is left to read.
 *
 * Ownership: ends the loan of the last entry.
 * Threads:   the reader's.
 * Errors:    false, also when it cannot be known (ks_reader_error()).
 * Kafka:     KafkaConsumer#position against endOffsets.
 * Since:     0.1
 */
KS_API bool ks_reader_at_end(ks_reader *reader);

/**
 * Commit what was read so far as the group's position (the next offset of every partition read).
 *
 * Ownership: none.
 * Threads:   the reader's.
 * Errors:    KS_EFENCED when the partition has gone to another member, KS_EINVAL without a group.
 * Kafka:     KafkaConsumer#commitSync.
 * Since:     0.1
 */
KS_API ks_status ks_reader_commit(ks_reader *reader) KS_MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * settings.c - the table of all properties, and from a configuration to numbers and texts.
 *
 *      rows (name, type, default, range, doc) --> ks_config (checked while it is set)
 *                   |                                 `--> struct ks__settings, read once
 *                   `--> docs/configuration.md (tools/configuration.c)
 *
 * Names are Kafka's where Kafka has the property; ours say so in their text.
 */
#include "runtime/settings.h"

#include "base/assert.h"
#include "base/duration.h"
#include "topology/graph.h"
#include "topology/names.h"
#include "topology/optimization.h"

#include <string.h>
#include <unistd.h>

enum row {
    ROW_APPLICATION_ID,
    ROW_BOOTSTRAP_SERVERS,
    ROW_CLIENT_ID,
    ROW_GROUP_INSTANCE_ID,
    ROW_STATE_DIR,
    ROW_STREAM_THREADS,
    ROW_GUARANTEE,
    ROW_COMMIT_INTERVAL,
    ROW_CACHE_BYTES,
    ROW_CACHE_FLUSH,
    ROW_STATE_FLUSH_BYTES,
    ROW_STATE_FLUSH_MS,
    ROW_STATE_MAP_BYTES,
    ROW_KAFKA_RETENTION,
    ROW_CHANGELOG_MORE,
    ROW_WINDOW_EMIT,
    ROW_JOIN_EMIT,
    ROW_MAX_TASK_IDLE,
    ROW_IDLE_ADVANCE,
    ROW_POLL,
    ROW_BUFFERED_RECORDS,
    ROW_POLL_RECORDS,
    ROW_EXTRACTOR,
    ROW_RESET,
    ROW_METADATA_AGE,
    ROW_ON_DESERIALIZATION,
    ROW_ON_PROCESSING,
    ROW_ON_PROCESSING_GLOBAL,
    ROW_ON_PRODUCTION,
    ROW_DEAD_LETTERS,
    ROW_TASK_TIMEOUT,
    ROW_SESSION_TIMEOUT,
    ROW_TRANSACTION_TIMEOUT,
    ROW_TRANSACTION_SUSPECT,
    ROW_REPLICATION_FACTOR,
    ROW_REPARTITION_PURGE,
    ROW_LOG_SYNC,
    ROW_OPTIMIZATION,
    ROW_EXPLICIT_NAMES,
    ROW_COUNT_
};

#define DAY_MS  86400000.0
#define YEAR_MS (366.0 * DAY_MS)
#define TIB     1099511627776.0

#define STRING(...)   { .type = KS__CONFIG_STRING, __VA_ARGS__ }
#define INT(...)      { .type = KS__CONFIG_INT, __VA_ARGS__ }
#define BOOL(...)     { .type = KS__CONFIG_BOOL, __VA_ARGS__ }
#define LIST(...)     { .type = KS__CONFIG_LIST, __VA_ARGS__ }
#define ENUM(...)     { .type = KS__CONFIG_ENUM, __VA_ARGS__ }
#define DURATION(...) { .type = KS__CONFIG_DURATION_MS, __VA_ARGS__ }
#define BYTES(...)    { .type = KS__CONFIG_BYTES, __VA_ARGS__ }

#define BY_DURATION "by_duration:"

static bool is_by_duration(const char *text)
{
    int64_t ms;

    return strncmp(text, BY_DURATION, strlen(BY_DURATION)) == 0 &&
           ks__duration_read(text + strlen(BY_DURATION), &ms);
}

/* The default of state.dir, before the number of the user. */
#define STATE_DIR "/tmp/kstream-"

static const struct ks__config_row rows[ROW_COUNT_] = {
    [ROW_APPLICATION_ID] = STRING(
        .name = "application.id",
        .doc  = "Names the application: its group, the prefix of its internal topics, its folder "
                "below state.dir. Letters, digits, '.', '_' and '-'. Required."),
    [ROW_BOOTSTRAP_SERVERS] = STRING(
        .name = "bootstrap.servers",
        .doc  = "Chooses the log: HOST:PORT,... a Kafka cluster; embedded:DIRECTORY the durable "
                "log of one machine; memory:NAME a log of this process; a scheme given to "
                "ks_log_register() one of your own. Unset: embedded, in the folder log of "
                "state.dir."),
    [ROW_CLIENT_ID] = STRING(
        .name = "client.id",
        .doc  = "Names this instance in logs and lists of members. Unset: application.id."),
    [ROW_GROUP_INSTANCE_ID] = STRING(
        .name = "group.instance.id",
        .doc  = "Makes the membership static: a restart within session.timeout.ms moves no "
                "partitions. Must be unique in the group, or the older of two ends in ERROR with "
                "KS_EFENCED; each thread appends its number."),
    [ROW_STATE_DIR] = STRING(
        .name = "state.dir", .by_default = STATE_DIR "UID",
        .doc  = "The directory of the state, made with mode 0700: it belongs to one user, whose "
                "number the default ends in. Applications and processes of that user may share "
                "it. Name one that outlives a restart of the machine, above all with the embedded "
                "log. A task with stores keeps 4 files open in it (`ulimit -n`)."),
    [ROW_STREAM_THREADS] = INT(
        .name = "num.stream.threads", .by_default = "1", .min = 1, .max = 256,
        .doc  = "How many threads work on the partitions. Without effect when the application "
                "steps the app itself."),
    [ROW_GUARANTEE] = ENUM(
        .name = "processing.guarantee", .by_default = "at_least_once",
        .allowed = "at_most_once|at_least_once|exactly_once_v2",
        .doc  = "What a failure may do to the effect of a record: lose it, repeat it, neither."),
    [ROW_COMMIT_INTERVAL] = DURATION(
        .name = "commit.interval.ms", .max = YEAR_MS,
        .doc  = "The time between two commits. Unset: 100 under exactly_once_v2, 1000 otherwise. "
                "0 commits after every batch."),
    [ROW_CACHE_BYTES] = BYTES(
        .name = "statestore.cache.max.bytes", .by_default = "10MiB", .max = TIB,
        .doc  = "Memory for the record caches of all threads. 0 turns caches off: every update is "
                "forwarded."),
    [ROW_CACHE_FLUSH] = ENUM(
        .name = "statestore.cache.flush", .by_default = "batch", .allowed = "batch|commit",
        .doc  = "When caches forward the last update of each key: at the end of each batch of "
                "input, or at the commit only, as Kafka Streams does. Ours."),
    [ROW_STATE_FLUSH_BYTES] = BYTES(
        .name = "state.flush.bytes", .by_default = "64MiB", .min = 65536, .max = TIB,
        .doc  = "Changes of state that a thread keeps in memory before it writes them to LMDB; "
                "without transactions it commits early at this size. Up to half of it is used "
                "besides for rows that are in LMDB already, to be read again. Ours."),
    [ROW_STATE_FLUSH_MS] = DURATION(
        .name = "state.flush.ms", .by_default = "1000", .max = YEAR_MS,
        .doc  = "How long committed changes of state may wait for LMDB under exactly_once_v2: the "
                "age of a committed query and what a crash has to read again. Ours."),
    [ROW_STATE_MAP_BYTES] = BYTES(
        .name = "state.map.bytes", .by_default = "64GiB", .min = 1048576, .max = 64 * TIB,
        .doc  = "Address space per task for its state: the largest size of its data file. Ours."),
    [ROW_KAFKA_RETENTION] = BOOL(
        .name = "windowstore.kafka.retention", .by_default = "false",
        .doc  = "Whether window and session stores hide rows exactly when Kafka Streams does, even "
                "rows that a final result or a slower input of a cogroup still needs. Ours."),
    [ROW_CHANGELOG_MORE] = DURATION(
        .name = "windowstore.changelog.additional.retention.ms", .by_default = "1d",
        .max  = YEAR_MS,
        .doc  = "How much longer than its rows can be read a new changelog of a window or session "
                "store keeps them, where the log deletes by time."),
    [ROW_WINDOW_EMIT] = DURATION(
        .name = "__emit.interval.ms.kstreams.windowed.aggregation__", .by_default = "1000",
        .max  = YEAR_MS,
        .doc  = "The least wall-clock time between two rounds of final results of windows."),
    [ROW_JOIN_EMIT] = DURATION(
        .name = "__emit.interval.ms.kstreams.outer.join.spurious.results.fix__",
        .by_default = "1000", .max = YEAR_MS,
        .doc  = "The least wall-clock time between two rounds of results without partner of left "
                "and outer stream-stream joins."),
    [ROW_MAX_TASK_IDLE] = DURATION(
        .name = "max.task.idle.ms", .by_default = "0", .min = -1, .max = YEAR_MS,
        .doc  = "How long a task with several inputs waits for an empty one whose records may be "
                "earlier. 0: only for what the log already has; -1: does not wait."),
    [ROW_IDLE_ADVANCE] = DURATION(
        .name = "idle.advance.ms", .by_default = "0", .max = YEAR_MS,
        .doc  = "How long nothing may come to an operator before its time goes on with the wall "
                "clock: windows close, suppressed results and results without partner leave. "
                "0: only records move time, as in Kafka Streams. Ours."),
    [ROW_POLL] = DURATION(
        .name = "poll.ms", .min = 1, .max = 60000,
        .doc  = "How long a thread sleeps at most when there is nothing to do. Unset: 100 on "
                "Kafka; 1000 on the other logs, which wake it when something comes."),
    [ROW_BUFFERED_RECORDS] = INT(
        .name = "buffered.records.per.partition", .by_default = "1000", .min = 1, .max = 1e9,
        .doc  = "How many records of a partition a task keeps before it stops reading it."),
    [ROW_POLL_RECORDS] = INT(
        .name = "max.poll.records", .by_default = "1024", .min = 1, .max = 1e9,
        .doc  = "How many records a task processes at most before the next task of its thread has "
                "its turn. Fewer bring the tasks forward more evenly in time, so that less is late "
                "behind a repartition, and cost throughput."),
    [ROW_EXTRACTOR] = ENUM(
        .name = "default.timestamp.extractor", .by_default = "record",
        .allowed = "record|record-or-skip|record-or-partition|wall-clock",
        .doc  = "What gives the time of a record where the source does not say: its timestamp "
                "(a negative one fails, is skipped, or takes the partition's time), or the clock. "
                "Kafka: FailOnInvalidTimestamp, LogAndSkipOnInvalidTimestamp, "
                "UsePartitionTimeOnInvalidTimestamp, WallclockTimestampExtractor."),
    [ROW_RESET] = ENUM(
        .name = "auto.offset.reset", .by_default = "earliest", .fits = is_by_duration,
        .allowed = "earliest|latest|none|" BY_DURATION "PnDTnHnMn.nS",
        .doc  = "Where a source starts when its group has no offset yet; none is an error, "
                "by_duration so long before now, by the times of the records."),
    [ROW_METADATA_AGE] = DURATION(
        .name = "metadata.max.age.ms", .by_default = "5m", .max = YEAR_MS,
        .doc  = "How often sources that read topics by a pattern look for topics that came or "
                "went; they do with every rebalance, too."),
    [ROW_ON_DESERIALIZATION] = ENUM(
        .name = "deserialization.exception.handler", .by_default = "fail",
        .allowed = "fail|continue",
        .doc  = "What a record means whose bytes its serde refuses."),
    [ROW_ON_PROCESSING] = ENUM(
        .name = "processing.exception.handler", .by_default = "fail", .allowed = "fail|continue",
        .doc  = "What a failure in user code means."),
    [ROW_ON_PROCESSING_GLOBAL] = BOOL(
        .name = "processing.exception.handler.global.enabled", .by_default = "false",
        .doc  = "Whether failures in the processor of a global store are judged by the processing "
                "handler too. Otherwise they stop the app."),
    [ROW_ON_PRODUCTION] = ENUM(
        .name = "production.exception.handler", .by_default = "fail",
        .allowed = "fail|continue|retry",
        .doc  = "What a record means that cannot be written."),
    [ROW_DEAD_LETTERS] = STRING(
        .name = "errors.dead.letter.queue.topic.name",
        .doc  = "Where a handler's \"continue\" sends the record as it was read, with headers that "
                "say why and where from. Unset: nowhere."),
    [ROW_TASK_TIMEOUT] = DURATION(
        .name = "task.timeout.ms", .by_default = "5m", .max = YEAR_MS,
        .doc  = "How long a thread tries again what may pass (a log that does not answer, state in "
                "use by another process, a full disk, no file descriptor left) before it fails "
                "and the uncaught-error handler decides. A topic that is not there fails at once."),
    [ROW_SESSION_TIMEOUT] = DURATION(
        .name = "session.timeout.ms", .min = 100, .max = DAY_MS,
        .doc  = "How long a silent member keeps its partitions. Unset: the log's default, 45000. "
                "A process that was killed is seen within about a second by others that have the "
                "same embedded log open."),
    [ROW_TRANSACTION_TIMEOUT] = DURATION(
        .name = "transaction.timeout.ms", .by_default = "10s", .min = 1000, .max = 900000,
        .doc  = "How long a transaction may stay open before the log ends it."),
    [ROW_TRANSACTION_SUSPECT] = DURATION(
        .name = "transaction.suspect.ms", .by_default = "1000", .min = 10, .max = 60000,
        .doc  = "The end of a transaction that took longer is suspect: the producer is made anew "
                "before the next one begins. Ours."),
    [ROW_REPLICATION_FACTOR] = INT(
        .name = "replication.factor", .by_default = "-1", .min = -1, .max = 32767,
        .doc  = "Replicas of internal topics on Kafka; -1: the broker's default."),
    [ROW_REPARTITION_PURGE] = DURATION(
        .name = "repartition.purge.interval.ms", .by_default = "30000", .max = YEAR_MS,
        .doc  = "The least time between two rounds, after a commit, that forget the records of our "
                "repartition topics that have been processed."),
    [ROW_LOG_SYNC] = BOOL(
        .name = "log.sync", .by_default = "true",
        .doc  = "Whether each commit of the embedded log is synced to disk. Without it a commit "
                "survives a kill of the process, not a power cut. Ours."),
    [ROW_OPTIMIZATION] = LIST(
        .name = KS__OPTIMIZATION_ROW, .by_default = "none",
        .allowed = "none|all|reuse.ktable.source.topics|merge.repartition.topics|"
                   "single.store.self.join",
        .alone = "none|all",
        .doc  = "How the topology is rewritten when it is built: none, all, or a list of single "
                "ways. Takes effect by `ks_builder_configure()` before the build; an app whose "
                "configuration says otherwise than its topology refuses to start."),
    [ROW_EXPLICIT_NAMES] = BOOL(
        .name = KS__EXPLICIT_NAMES_ROW, .by_default = "false",
        .doc  = "Whether a generated name of a store or of an internal topic is a build error, as "
                "the next edit of the topology may change it. Takes effect by "
                "`ks_builder_configure()` before the build."),
};

static const struct ks__config_prefix prefixes[] = {
    { "consumer.", "Given to librdkafka's consumers as it is, without the prefix." },
    { "producer.", "Given to librdkafka's producers as it is, without the prefix." },
    { "topic.", "Given to Kafka, without the prefix, when an internal topic is created. Of the "
                "other logs, those of your own see `cleanup.policy` and `retention.ms`." },
};

/* Names of Kafka Streams 3. */
static const struct ks__config_former formers[] = {
    { "cache.max.bytes.buffering", "statestore.cache.max.bytes" },
    { "default.deserialization.exception.handler", "deserialization.exception.handler" },
    { "default.production.exception.handler", "production.exception.handler" },
};

const struct ks__config_table ks__settings_table = {
    .rows         = rows,
    .row_count    = ROW_COUNT_,
    .prefixes     = prefixes,
    .prefix_count = sizeof(prefixes) / sizeof(prefixes[0]),
    .formers      = formers,
    .former_count = sizeof(formers) / sizeof(formers[0]),
};

/* ---- reading ---- */

/* Kafka keeps 249 characters for a topic; ours begin with the id. */
#define ID_CHARACTERS 160

static bool is_id_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '_' || c == '-';
}

static ks_status check_id(const char *id, bool log_beside, ks_error *error)
{
    size_t size = id != NULL ? strlen(id) : 0;

    if (size == 0)
        return ks__error_set(error, KS_ECONFIG, "application.id is not set");
    if (size > ID_CHARACTERS)
        return ks__error_set(error, KS_ECONFIG,
                             "application.id has %zu characters, %d is the limit", size,
                             ID_CHARACTERS);
    for (size_t i = 0; i < size; i++)
        if (!is_id_character(id[i]))
            return ks__error_set(error, KS_ECONFIG,
                                 "application.id = \"%s\": only letters, digits, '.', '_' and '-' "
                                 "are allowed", id);
    if (id[0] == '.')
        return ks__error_set(error, KS_ECONFIG, "application.id = \"%s\": must not begin with '.'",
                             id);
    if (log_beside && strcmp(id, "log") == 0)
        return ks__error_set(error, KS_ECONFIG, "application.id = \"log\" is the folder of the "
                             "embedded log; choose another one, or set bootstrap.servers");
    return KS_OK;
}

/* A text, NULL when it is unset or empty. */
static const char *text_of(const struct ks__settings *settings, enum row row)
{
    const char *text = ks__config_text(&settings->values, row);

    return text != NULL && text[0] != '\0' ? text : NULL;
}

static ks_reaction reaction_of(const struct ks__settings *settings, enum row row)
{
    static const ks_reaction reactions[] = { KS_REACTION_FAIL, KS_REACTION_CONTINUE,
                                             KS_REACTION_RETRY };

    return reactions[ks__config_enum(&settings->values, row)];
}

static void read_behaviour(struct ks__settings *settings)
{
    static const ks_time_source times[] = { KS_TIME_RECORD, KS_TIME_RECORD_OR_SKIP,
                                            KS_TIME_RECORD_OR_PARTITION, KS_TIME_WALL_CLOCK };
    static const ks_reset resets[] = { KS_RESET_EARLIEST, KS_RESET_LATEST, KS_RESET_NONE,
                                       KS_RESET_LATEST };
    const struct ks__config_values *values = &settings->values;

    settings->guarantee = (enum ks__guarantee)ks__config_enum(values, ROW_GUARANTEE);
    settings->commit_interval_ms =
        settings->guarantee == KS__EXACTLY_ONCE_V2 ? 100 : 1000;
    if (ks__config_is_set(values, ROW_COMMIT_INTERVAL))
        settings->commit_interval_ms = ks__config_int(values, ROW_COMMIT_INTERVAL);
    settings->cache_flush_at_commit = ks__config_enum(values, ROW_CACHE_FLUSH) == 1;
    settings->time  = times[ks__config_enum(values, ROW_EXTRACTOR)];
    settings->reset = resets[ks__config_enum(values, ROW_RESET)];
    if (is_by_duration(ks__config_text(values, ROW_RESET)))
        ks__duration_read(ks__config_text(values, ROW_RESET) + strlen(BY_DURATION),
                          &settings->reset_before_ms);
    settings->on_deserialization = reaction_of(settings, ROW_ON_DESERIALIZATION);
    settings->on_processing      = reaction_of(settings, ROW_ON_PROCESSING);
    settings->on_processing_global = ks__config_bool(values, ROW_ON_PROCESSING_GLOBAL);
    settings->on_production      = reaction_of(settings, ROW_ON_PRODUCTION);
}

static void read_values(struct ks__settings *settings)
{
    const struct ks__config_values *values = &settings->values;

    settings->application_id    = text_of(settings, ROW_APPLICATION_ID);
    settings->bootstrap_servers = text_of(settings, ROW_BOOTSTRAP_SERVERS);
    settings->state_dir         = text_of(settings, ROW_STATE_DIR);
    settings->client_id         = text_of(settings, ROW_CLIENT_ID);
    settings->group_instance_id = text_of(settings, ROW_GROUP_INSTANCE_ID);
    settings->dead_letter_topic = text_of(settings, ROW_DEAD_LETTERS);
    if (settings->client_id == NULL)
        settings->client_id = settings->application_id;

    settings->stream_threads         = (int)ks__config_int(values, ROW_STREAM_THREADS);
    settings->cache_max_bytes        = ks__config_int(values, ROW_CACHE_BYTES);
    settings->state_flush_bytes      = ks__config_int(values, ROW_STATE_FLUSH_BYTES);
    settings->state_flush_ms         = ks__config_int(values, ROW_STATE_FLUSH_MS);
    settings->state_map_bytes        = ks__config_int(values, ROW_STATE_MAP_BYTES);
    settings->changelog_more_ms      = ks__config_int(values, ROW_CHANGELOG_MORE);
    settings->kafka_retention        = ks__config_bool(values, ROW_KAFKA_RETENTION);
    settings->window_emit_ms         = ks__config_int(values, ROW_WINDOW_EMIT);
    settings->join_emit_ms           = ks__config_int(values, ROW_JOIN_EMIT);
    settings->max_task_idle_ms       = ks__config_int(values, ROW_MAX_TASK_IDLE);
    settings->idle_advance_ms        = ks__config_int(values, ROW_IDLE_ADVANCE);
    settings->metadata_age_ms        = ks__config_int(values, ROW_METADATA_AGE);
    settings->poll_ms                = ks__config_int(values, ROW_POLL);
    settings->buffered_records       = (size_t)ks__config_int(values, ROW_BUFFERED_RECORDS);
    settings->poll_records           = (size_t)ks__config_int(values, ROW_POLL_RECORDS);
    settings->task_timeout_ms        = ks__config_int(values, ROW_TASK_TIMEOUT);
    settings->session_timeout_ms     = ks__config_int(values, ROW_SESSION_TIMEOUT);
    settings->transaction_timeout_ms = ks__config_int(values, ROW_TRANSACTION_TIMEOUT);
    settings->transaction_suspect_ms = ks__config_int(values, ROW_TRANSACTION_SUSPECT);
    settings->replication_factor     = (int32_t)ks__config_int(values, ROW_REPLICATION_FACTOR);
    settings->repartition_purge_ms   = ks__config_int(values, ROW_REPARTITION_PURGE);
    settings->log_sync               = ks__config_bool(values, ROW_LOG_SYNC);
    read_behaviour(settings);
}

static ks_status check_values(const struct ks__settings *settings, bool for_driver, ks_error *error)
{
    ks_status status = KS_OK;

    if (!for_driver || settings->application_id != NULL)
        status = check_id(settings->application_id, settings->bootstrap_servers == NULL, error);
    if (status == KS_OK && settings->state_dir == NULL)
        status = ks__error_set(error, KS_ECONFIG, "state.dir must not be empty");
    if (status == KS_OK && settings->guarantee == KS__EXACTLY_ONCE_V2 &&
        settings->commit_interval_ms >= settings->transaction_timeout_ms)
        status = ks__error_set(error, KS_ECONFIG,
                               "commit.interval.ms (%lld) must be less than "
                               "transaction.timeout.ms (%lld)",
                               (long long)settings->commit_interval_ms,
                               (long long)settings->transaction_timeout_ms);
    return status;
}

ks_status ks__settings_read(struct ks__settings *settings, const ks_config *config, bool for_driver,
                            ks_error *error)
{
    ks_status status;

    *settings = (struct ks__settings){ .stream_threads = 1 };
    status    = config != NULL ? ks__config_copy(&settings->values, &config->values)
                               : ks__config_init(&settings->values, &ks__settings_table);
    if (status != KS_OK)
        return ks__error_no_memory(error, "configuration");
    if (ks__error_is_set(&settings->values.error)) {
        ks__error_copy(error, &settings->values.error);
        return settings->values.error.status;
    }
    read_values(settings);
    if (!ks__config_is_set(&settings->values, ROW_STATE_DIR)) {
        settings->default_state_dir = ks__format(STATE_DIR "%lu", (unsigned long)geteuid());
        settings->state_dir         = settings->default_state_dir;
        if (settings->state_dir == NULL)
            return ks__error_no_memory(error, "configuration");
    }
    return check_values(settings, for_driver, error);
}

ks_status ks__settings_fit(const struct ks__settings *settings, const ks_topology *topology,
                           ks_error *error)
{
    char        built[KS__OPTIMIZATION_TEXT_SIZE];
    const char *text = ks__config_text(&settings->values, ROW_OPTIMIZATION);

    if (!ks__config_is_set(&settings->values, ROW_OPTIMIZATION) ||
        ks__error_is_set(&topology->error) || ks__optimization_read(text) == topology->optimization)
        return KS_OK;
    return ks__error_set(error, KS_ECONFIG,
                         KS__OPTIMIZATION_ROW " = \"%s\", but the topology was built with \"%s\"; "
                         "give this configuration to ks_builder_configure() before the build", text,
                         ks__optimization_text(topology->optimization, built));
}

void ks__settings_release(struct ks__settings *settings)
{
    if (settings->values.table != NULL)
        ks__config_release(&settings->values);
    ks__free(settings->default_state_dir);
    *settings = (struct ks__settings){ .stream_threads = 0 };
}

char *ks__settings_address(const struct ks__settings *settings)
{
    if (settings->bootstrap_servers != NULL)
        return ks__strdup(settings->bootstrap_servers);
    return ks__format("embedded:%s/log", settings->state_dir);
}

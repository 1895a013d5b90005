/* SPDX-License-Identifier: Apache-2.0
 *
 * restore.c - replay of changelogs into the state of a task, in slices.
 *
 *      OFFSETS (per input) -> ENDS (per store) -> REPLAY (per store) -> DONE
 *                                ^------------------'  the position left the changelog: wiped
 *
 * Every phase works on `index` and can stop at any call that is not decided yet.
 *
 * At least once, and what of a changelog is not replayed. Changelogs are stored before LMDB and
 * LMDB before the group's offsets, and a full log is flushed in mid-interval; so after a crash a
 * changelog may go on behind the state's position: its *tail*. Records that gave rise to a tail
 * will be processed again, unless their offsets were committed. So:
 *
 *      committed <= own, of every input    nobody has committed what the state does not know. The
 *                                          state, as a whole, is its inputs up to `own`, each once:
 *                                          go on there, leave the tails out. Replayed, they and the
 *                                          inputs would count twice.
 *      committed > own, of some input      somebody else worked on: replay, the group's offsets.
 *
 *   - All stores and input positions of a task are one transaction (T2 of state.h), so one input
 *     that others have taken further makes all tails count: there is no state between the two.
 *   - The state's position stays before a tail that was left out until this session has stored
 *     something behind it: should another host, whose state has the tail, commit first, the tail
 *     has to be replayed here after all, as nobody will write it again.
 *   - A tail's keys are written again behind it when its records are processed again. What was
 *     not derived from records alone (of the wall clock, say) may differ there, and whoever
 *     restores elsewhere before that counts it: both are what at least once allows.
 *   - A first interval has a position to go on from too: restoring ends with writing where it
 *     ended (keep_positions), before anything is processed.
 *   - A store that was emptied or is new to the state makes the state incomplete: replay. Until
 *     that has ended, the state is of no position at all; it says so itself (HALF).
 *   - Repartition topics are inputs like any other. Their records may be there twice, as the task
 *     that writes them, mostly without a state, begins at the group's offset; each of these
 *     counts.
 *   - at_most_once commits before it processes: committed > own, tails are the only trace of what
 *     will not be processed again, and are replayed. exactly_once_v2: a tail is committed with its
 *     offsets, and is replayed; what was aborted is not read.
 */
#include "runtime/restore.h"

#include "base/assert.h"
#include "runtime/topics.h"
#include "runtime/user_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Records of one LMDB transaction: bounds its pages and the memory of one fetch. */
#define REPLAY_RECORDS 10000
#define INPUT_NAME_SIZE 300 /* topic names have 249 characters at most */
#define HALF "restore/half" /* a number of the state: 1 = a replay has begun and not ended */

enum phase { PHASE_OFFSETS, PHASE_ENDS, PHASE_REPLAY, PHASE_DONE };

struct input {
    const char *topic;    /* the task's */
    int64_t     position; /* where it goes on; KS__OFFSET_NONE = not known yet */
    int64_t     high;     /* end of its partition */
    int64_t     committed; /* by the group; KS__OFFSET_NONE = nothing */
    int64_t     own;      /* the state's; KS__OFFSET_NONE = none that the log could hold */
    bool        ahead;    /* of what the group knows */
};

struct changelog {
    const struct ks__store_spec *spec;
    struct ks_kv_store  *store;
    struct ks_store_ctx *own;     /* the user's, in place of `store` */
    int64_t              noted;   /* of `own`: up to where the state knows of it */
    char               *topic;
    char               *position_name;
    int64_t             position; /* next record to apply; KS__OFFSET_NONE = from the begin */
    int64_t             end;
    bool                 told;    /* of its start, and not of its end */
    int64_t              records; /* applied since its start */
    int                 input;    /* restored from this input of the task; -1 = own changelog */
    bool                left_out; /* its tail is not in the state, whose position stays before it */
};

struct ks__restore {
    struct ks__restore_options     options;
    const struct ks__task_options *task;
    struct ks__state              *state;
    const char                    *group;
    enum phase                     phase;
    size_t                         index;
    int                            timeout_ms;
    int64_t                        now_ms;  /* of the first who asked; -1 = nobody did */
    bool                           was_new;
    bool                           foreign; /* a changelog is not as the state left it */
    bool                           knows_all; /* nobody has committed what the state knows not */
    struct input                  *inputs;
    size_t                         input_count;
    struct changelog              *changelogs;
    size_t                         changelog_count;
    struct ks__source             *source;  /* of changelogs[index] in REPLAY */
    struct ks__state_change       *changes;
    size_t                         capacity;
    ks_record                     *records; /* for a hook of the user's */
    size_t                         record_capacity;
    struct ks__restore_progress    progress;
};

/* ---- opening ---- */

static int find_input(const struct ks__restore *restore, const char *topic)
{
    for (size_t i = 0; i < restore->input_count; i++)
        if (strcmp(restore->inputs[i].topic, topic) == 0)
            return (int)i;
    return -1;
}

static ks_status add_changelog(struct ks__restore *restore, const struct ks__store_spec *spec,
                               ks_error *error)
{
    struct changelog *log = &restore->changelogs[restore->changelog_count];

    *log = (struct changelog){ .spec  = spec,
                               .store = ks__state_find(restore->state, spec->name),
                               .own   = ks__task_user_store(restore->options.task, spec->name),
                               .input = -1 };
    if (log->store == NULL && log->own == NULL)
        return ks__error_set(error, KS_ENOTFOUND, "store \"%s\" is not open", spec->name);
    restore->changelog_count++;
    if (spec->source_topic != NULL)
        log->input = find_input(restore, spec->source_topic);
    if (log->input >= 0) {
        log->topic         = ks__strdup(spec->source_topic);
        log->position_name = ks__format("input/%s/%" PRId32, spec->source_topic,
                                        restore->task->partition);
    } else {
        log->topic = ks__format("%s-%s-changelog", restore->task->application_id, spec->name);
        log->position_name = ks__format("changelog/%s", spec->name);
    }
    if (log->topic == NULL || log->position_name == NULL)
        return ks__error_no_memory(error, "restore");
    log->position = ks__state_number(restore->state, log->position_name, KS__OFFSET_NONE);
    log->noted    = log->position;
    if (log->own != NULL)
        log->position = ks__user_store_position(log->own);
    return KS_OK;
}

/* Stores with a changelog, in the order of the topology. */
static ks_status list_changelogs(struct ks__restore *restore, ks_error *error)
{
    const struct ks__task_options *task = restore->task;
    ks_status                      status = KS_OK;

    restore->changelogs = ks__zalloc_array(task->topology->store_count + 1,
                                           sizeof(*restore->changelogs));
    if (restore->changelogs == NULL)
        return ks__error_no_memory(error, "restore");
    for (size_t i = 0; i < task->subtopology_count; i++) {
        const struct ks__subtopology *part = &task->topology->subtopologies[task->subtopologies[i]];

        for (size_t n = 0; n < part->store_count && status == KS_OK; n++)
            if (part->stores[n]->changelog && !part->stores[n]->global)
                status = add_changelog(restore, part->stores[n], error);
    }
    return status;
}

static ks_status list_inputs(struct ks__restore *restore, ks_error *error)
{
    size_t count = ks__task_input_count(restore->options.task);

    restore->inputs = ks__zalloc_array(count + 1, sizeof(*restore->inputs));
    if (restore->inputs == NULL)
        return ks__error_no_memory(error, "restore");
    for (size_t i = 0; i < count; i++) {
        restore->inputs[i].topic    = ks__task_input_topic(restore->options.task, i);
        restore->inputs[i].position = KS__OFFSET_NONE;
    }
    restore->input_count = count;
    return KS_OK;
}

ks_status ks__restore_open(struct ks__restore **out, const struct ks__restore_options *options,
                           ks_error *error)
{
    struct ks__restore *restore = ks__zalloc(sizeof(*restore));
    ks_status           status;

    *out = NULL;
    if (restore == NULL)
        return ks__error_no_memory(error, "restore");
    restore->options = *options;
    restore->now_ms  = -1;
    restore->task    = ks__task_get_options(options->task);
    restore->state   = ks__task_state(options->task);
    restore->group   = options->group != NULL ? options->group : restore->task->application_id;
    restore->was_new = restore->state != NULL && ks__state_is_new(restore->state);
    status           = list_inputs(restore, error);
    if (status == KS_OK && restore->state != NULL)
        status = list_changelogs(restore, error);
    if (status != KS_OK) {
        ks__restore_close(restore);
        return status;
    }
    *out = restore;
    return KS_OK;
}

/* ---- offsets of the inputs ---- */

/* Where an input without a valid offset begins. Of repartition topics nothing may be missed. */
static ks_reset reset_of(const struct ks__restore *restore, size_t n, int64_t *before_ms)
{
    const struct ks__source_args *source = ks__task_source(restore->options.task, n);
    const char                   *topic = restore->inputs[n].topic;

    *before_ms = 0;
    for (size_t i = 0; source != NULL && i < source->topic_count; i++)
        if (source->topics[i].internal &&
            ks__topic_is(&source->topics[i], restore->task->application_id, topic))
            return KS_RESET_EARLIEST;
    *before_ms = source != NULL ? source->reset_before_ms : 0;
    if (*before_ms > 0)
        return KS_RESET_LATEST;
    if (source != NULL && source->reset != KS_RESET_DEFAULT)
        return source->reset;
    *before_ms = restore->task->settings->reset_before_ms;
    return restore->task->settings->reset;
}

static ks_status offset_of(struct ks__restore *restore, const char *topic,
                           enum ks__offset_kind kind, int64_t time_ms, int64_t *offset,
                           ks_error *error)
{
    return ks__cluster_offset(restore->options.cluster, topic, restore->task->partition, kind,
                              time_ms, offset, restore->timeout_ms, error);
}

/* The same time in every call: a log may have to be asked several times. */
static int64_t now_ms(struct ks__restore *restore)
{
    if (restore->now_ms < 0)
        restore->now_ms = ks__clock_wall_ms(restore->task->clock);
    return restore->now_ms;
}

/* No offset, or one that the log does not hold any more. */
static ks_status reset_input(struct ks__restore *restore, size_t n, int64_t begin, ks_error *error)
{
    struct input *input = &restore->inputs[n];
    int64_t       before_ms;
    ks_reset      reset = reset_of(restore, n, &before_ms);

    if (reset == KS_RESET_NONE)
        return ks__error_set(error, KS_EOFFSET,
                             "group \"%s\" has no valid offset for %s-%" PRId32
                             " and auto.offset.reset is none",
                             restore->group, input->topic, restore->task->partition);
    if (before_ms > 0 && before_ms <= now_ms(restore))
        return offset_of(restore, input->topic, KS__OFFSET_AT, now_ms(restore) - before_ms,
                         &input->position, error);
    if (reset == KS_RESET_LATEST && before_ms == 0)
        return offset_of(restore, input->topic, KS__OFFSET_END, 0, &input->position, error);
    input->position = begin;
    return KS_OK;
}

static bool input_name(const struct ks__restore *restore, size_t n, char name[INPUT_NAME_SIZE])
{
    int size = snprintf(name, INPUT_NAME_SIZE, "input/%s/%" PRId32, restore->inputs[n].topic,
                        restore->task->partition);

    return size >= 0 && size < INPUT_NAME_SIZE;
}

/* The state's own position of an input, where it may be used instead of the group's. */
static int64_t own_position(const struct ks__restore *restore, size_t n)
{
    char name[INPUT_NAME_SIZE];

    if (restore->state == NULL || restore->was_new || !input_name(restore, n, name) ||
        ks__state_number(restore->state, HALF, 0) != 0 ||
        restore->task->settings->guarantee == KS__EXACTLY_ONCE_V2)
        return KS__OFFSET_NONE;
    return ks__state_number(restore->state, name, KS__OFFSET_NONE);
}

static bool is_absent(const struct ks__restore *restore, const char *topic)
{
    return restore->options.topics != NULL &&
           restore->task->partition >= ks__topics_partitions(restore->options.topics, topic);
}

static ks_status find_offset(struct ks__restore *restore, ks_error *error)
{
    struct input *input = &restore->inputs[restore->index];
    char         *metadata = NULL;
    int64_t       committed, begin, high;
    ks_status     status;

    if (is_absent(restore, input->topic)) {
        input->position = input->own = input->committed = KS__OFFSET_NONE;
        return KS_OK;
    }
    status = ks__cluster_committed(restore->options.cluster, restore->group, input->topic,
                                   restore->task->partition, &committed, &metadata,
                                   restore->timeout_ms, error);
    if (status == KS_OK &&
        ks__task_set_metadata(restore->options.task, restore->index, metadata) != KS_OK)
        status = ks__error_no_memory(error, "the clocks of a task");
    ks__free(metadata);
    if (status == KS_OK)
        status = offset_of(restore, input->topic, KS__OFFSET_BEGIN, 0, &begin, error);
    if (status == KS_OK)
        status = offset_of(restore, input->topic, KS__OFFSET_HIGH, 0, &high, error);
    if (status != KS_OK)
        return status;
    input->position  = committed;
    input->high      = high;
    input->committed = committed;
    input->own       = own_position(restore, restore->index);
    if (input->own < begin || input->own > high)
        input->own = KS__OFFSET_NONE;
    if (committed != KS__OFFSET_NONE && committed >= begin && committed <= high)
        return KS_OK;
    if (committed != KS__OFFSET_NONE)
        KS__LOG_AT_WARN(restore->task->log, "runtime",
                        "%s-%" PRId32 ": offset=%" PRId64 " is not in the log [%" PRId64
                        ", %" PRId64 "], reset",
                        input->topic, restore->task->partition, committed, begin, high);
    return reset_input(restore, restore->index, begin, error);
}

/* At least once, see the head of this file. */
static bool knows_all(const struct ks__restore *restore)
{
    if (restore->state == NULL || restore->task->settings->guarantee != KS__AT_LEAST_ONCE)
        return false;
    for (size_t i = 0; i < restore->input_count; i++)
        if (restore->inputs[i].own == KS__OFFSET_NONE ||
            restore->inputs[i].committed > restore->inputs[i].own)
            return false;
    return true;
}

/* ---- ends of the changelogs ---- */

static ks_status wipe(struct ks__restore *restore, struct changelog *log, const char *why,
                      int64_t bound, ks_error *error)
{
    KS__LOG_AT_WARN(restore->task->log, "runtime",
                    "store %s is restored from the begin: position=%" PRId64 " is %s %" PRId64
                    " of %s-%" PRId32,
                    log->spec->name, log->position, why, bound, log->topic,
                    restore->task->partition);
    log->position    = KS__OFFSET_NONE;
    restore->foreign = true;
    if (log->own != NULL)
        return ks__user_store_reopen(log->own, true, error);
    return ks__state_wipe(restore->state, log->store, log->position_name, error);
}

static void count_remaining(struct ks__restore *restore)
{
    int64_t remaining = 0;

    for (size_t i = 0; i < restore->changelog_count; i++)
        if (restore->changelogs[i].end > restore->changelogs[i].position)
            remaining += restore->changelogs[i].end - restore->changelogs[i].position;
    ks__counter_set(&restore->progress.remaining, remaining);
}

/* A table that is restored from its own source: up to where the group has read it. */
static void end_at_input(struct ks__restore *restore, struct changelog *log, int64_t begin)
{
    log->end = restore->inputs[log->input].position;
    if (log->position < begin)
        log->position = begin;
    if (log->end < log->position)
        log->end = log->position;
}

static ks_status find_end(struct ks__restore *restore, ks_error *error)
{
    struct changelog *log = &restore->changelogs[restore->index];
    int64_t           begin, high;
    ks_status         status;
    bool              known;

    status = offset_of(restore, log->topic, KS__OFFSET_BEGIN, 0, &begin, error);
    if (status == KS_OK)
        status = offset_of(restore, log->topic, KS__OFFSET_HIGH, 0, &high, error);
    if (status != KS_OK)
        return status;
    if (log->position != KS__OFFSET_NONE && log->position < begin)
        status = wipe(restore, log, "before the begin", begin, error);
    else if (log->position > high)
        status = wipe(restore, log, "behind the end", high, error);
    if (status != KS_OK)
        return status;
    if (log->input >= 0) {
        end_at_input(restore, log, begin);
        return KS_OK;
    }
    known    = log->noted != KS__OFFSET_NONE && log->noted <= high;
    log->end = high;
    if (log->position == KS__OFFSET_NONE)
        log->position = begin;
    if ((log->own != NULL ? log->noted : log->position) != high && !(known && restore->knows_all))
        restore->foreign = true;
    return KS_OK;
}

/* What lies behind the state's position is of records that will be processed again. A store of the
 * user's own gets its tail all the same: it is filled from the changelog alone, where compaction
 * may have left of a key what is in the tail and nothing else. */
static void leave_tails_out(struct ks__restore *restore)
{
    for (size_t i = 0; i < restore->changelog_count; i++) {
        struct changelog *log = &restore->changelogs[i];

        if (log->own != NULL || log->position >= log->end)
            continue;
        KS__LOG_AT_INFO(restore->task->log, "runtime",
                        "store %s is not restored from %s-%" PRId32 ": nobody has committed what "
                        "offsets %" PRId64 " to %" PRId64 " come from, it is processed again",
                        log->spec->name, log->topic, restore->task->partition, log->position,
                        log->end);
        log->position = log->end;
        log->left_out = true;
    }
}

/* ---- replay ---- */

/* A source has records that are no rows: what the deserialization handler let go when it was read.
 * (A changelog of ours has none.) */
static bool is_row(const struct changelog *log, const ks_record *record)
{
    const struct ks__store_spec *spec = ks__kv_spec(log->store);

    return record->key.data != NULL &&
           (log->input < 0 || (ks_serde_check(spec->key, record->key) &&
                               ks_serde_check(spec->value, record->value)));
}

static ks_status collect(struct ks__restore *restore, const struct changelog *log,
                         const struct ks__batch *batch, size_t *count, ks_error *error)
{
    size_t filled = 0;

    if (!KS__GROW(&restore->changes, &restore->capacity, batch->count))
        return ks__error_no_memory(error, "restore");
    for (size_t i = 0; i < batch->count && batch->records[i].offset < log->end; i++) {
        const ks_record *record = &batch->records[i].record;

        if (!is_row(log, record))
            continue;
        restore->changes[filled++] = (struct ks__state_change){
            .key = record->key,
            .row = { record->value, record->timestamp_ms, record->headers },
        };
    }
    *count = filled;
    return KS_OK;
}

/* The same for a store of the user's own: its hook. */
static ks_status hand_over(struct ks__restore *restore, struct changelog *log,
                           const struct ks__batch *batch, int64_t reached, size_t *count,
                           ks_error *error)
{
    size_t filled = 0;

    if (!KS__GROW(&restore->records, &restore->record_capacity, batch->count + 1))
        return ks__error_no_memory(error, "restore");
    for (size_t i = 0; i < batch->count && batch->records[i].offset < log->end; i++)
        if (batch->records[i].record.key.data != NULL)
            restore->records[filled++] = batch->records[i].record;
    *count = filled;
    return ks__user_store_restore(log->own, restore->records, filled, reached, error);
}

static void tell(const struct ks__restore *restore, const struct changelog *log,
                 ks_restore_kind kind, int64_t records)
{
    ks__restore_tell(restore->options.listener,
                     &(ks_restore_event){ .kind      = kind,
                                          .store     = log->spec->name,
                                          .task      = restore->task->id,
                                          .topic     = log->topic,
                                          .partition = restore->task->partition,
                                          .offset    = log->position,
                                          .end       = log->end,
                                          .records   = records });
}

static void tell_start(const struct ks__restore *restore, struct changelog *log)
{
    if (log->told)
        return;
    log->told    = true;
    log->records = 0;
    tell(restore, log, KS_RESTORE_START, 0);
}

static void tell_stop(const struct ks__restore *restore, struct changelog *log,
                      ks_restore_kind kind)
{
    if (log->told)
        tell(restore, log, kind, log->records);
    log->told = false;
}

/* One bounded transaction; KS_EAGAIN = nothing has come yet. */
static ks_status apply_batch(struct ks__restore *restore, struct changelog *log, ks_error *error)
{
    struct ks__batch batch;
    size_t           count = 0;
    int64_t          reached;
    ks_status        status = ks__source_fetch(restore->source, REPLAY_RECORDS, &batch);

    if (status != KS_OK)
        return status;
    reached = batch.next_offset < log->end ? batch.next_offset : log->end;
    if (batch.count > 0 && log->own == NULL)
        status = collect(restore, log, &batch, &count, error);
    if (status == KS_OK && reached > log->position && log->own != NULL)
        status = hand_over(restore, log, &batch, reached, &count, error);
    else if (status == KS_OK && reached > log->position)
        status = ks__state_restore(restore->state, log->store, restore->changes, count,
                                   log->position_name, reached, error);
    else if (status == KS_OK)
        status = KS_EAGAIN;
    ks__batch_release(&batch);
    if (status == KS_OK) {
        log->position = reached;
        log->records += (int64_t)count;
        tell(restore, log, KS_RESTORE_BATCH, (int64_t)count);
        ks__counter_add(&restore->progress.restored, (int64_t)count);
        count_remaining(restore);
    }
    return status;
}

static void stop_source(struct ks__restore *restore)
{
    if (restore->source != NULL)
        ks__session_stop(restore->options.session, restore->source);
    restore->source = NULL;
}

/* The log was trimmed meanwhile: all from the begin. */
static ks_status start_over(struct ks__restore *restore, struct changelog *log, ks_error *error)
{
    ks_status status;

    stop_source(restore);
    tell_stop(restore, log, KS_RESTORE_SUSPENDED);
    status         = wipe(restore, log, "not in the log, end", log->end, error);
    restore->phase = PHASE_ENDS;
    restore->index = 0;
    return status;
}

static ks_status replay(struct ks__restore *restore, ks_error *error)
{
    struct changelog *log = &restore->changelogs[restore->index];
    ks_status         status = KS_OK;

    tell_start(restore, log);
    if (log->position >= log->end)
        return KS_OK;
    if (restore->source == NULL)
        status = ks__session_start(restore->options.session, log->topic, restore->task->partition,
                                   log->position, &restore->source);
    if (status == KS_OK)
        status = apply_batch(restore, log, error);
    if (status == KS_EOFFSET)
        return start_over(restore, log, error);
    if (status != KS_OK && status != KS_EAGAIN)
        return ks__error_set(error, status, "cannot read changelog %s-%" PRId32 ": %s", log->topic,
                             restore->task->partition, ks_status_text(status));
    if (status == KS_OK && log->position < log->end)
        return KS_OK;   /* the next round goes on here */
    if (status == KS_OK)
        stop_source(restore);
    return status;
}

/* ---- what the state says of itself ---- */

static bool keep_number(struct ks__restore *restore, const char *name, int64_t number)
{
    if (number == KS__OFFSET_NONE ||
        ks__state_number(restore->state, name, KS__OFFSET_NONE) == number)
        return false;
    ks__state_set_number(restore->state, name, number);
    return true;
}

static ks_status write_numbers(struct ks__restore *restore, ks_error *error)
{
    ks_status status = ks__state_seal(restore->state, error);

    return status == KS_OK ? ks__state_write(restore->state, error) : status;
}

/* Half of a replay is the state of no position. */
static ks_status begin_replay(struct ks__restore *restore, ks_error *error)
{
    if (restore->knows_all && !restore->foreign)
        leave_tails_out(restore);
    count_remaining(restore);
    if (restore->foreign && keep_number(restore, HALF, 1))
        return write_numbers(restore, error);
    return KS_OK;
}

/* ---- the machine ---- */

static bool is_through(const struct ks__restore *restore)
{
    const struct changelog *log = &restore->changelogs[restore->index];

    return restore->phase != PHASE_REPLAY || log->position >= log->end;
}

static size_t items_of(const struct ks__restore *restore)
{
    return restore->phase == PHASE_OFFSETS ? restore->input_count : restore->changelog_count;
}

static ks_status one_round(struct ks__restore *restore, ks_error *error)
{
    enum phase phase = restore->phase;
    ks_status  status = KS_OK;

    if (restore->index < items_of(restore)) {
        if (phase == PHASE_OFFSETS)
            status = find_offset(restore, error);
        else if (phase == PHASE_ENDS)
            status = find_end(restore, error);
        else
            status = replay(restore, error);
        if (status == KS_OK && phase == restore->phase && is_through(restore)) {
            if (phase == PHASE_REPLAY)
                tell_stop(restore, &restore->changelogs[restore->index], KS_RESTORE_END);
            restore->index++;
        }
        return status;
    }
    restore->phase++;
    restore->index = 0;
    if (restore->phase == PHASE_ENDS)
        restore->knows_all = knows_all(restore);
    if (restore->phase == PHASE_REPLAY)
        return begin_replay(restore, error);
    return KS_OK;
}

/* Without transactions the state may know more than the group. */
static void prefer_own_positions(struct ks__restore *restore)
{
    for (size_t i = 0; i < restore->input_count && !restore->foreign; i++) {
        struct input *input = &restore->inputs[i];

        if (input->own == KS__OFFSET_NONE || (input->own <= input->position && !restore->knows_all))
            continue;
        input->ahead    = input->own > input->position || input->committed == KS__OFFSET_NONE;
        input->position = input->own;
    }
}

/* The state knows where it stands before anything is processed: so tails can be left out. Where a
 * store of the user's own stands nobody else has noted; the others (`all`) wait for the commit. */
static bool note_positions(struct ks__restore *restore, bool all)
{
    bool moved = false;

    for (size_t i = 0; all && i < restore->input_count; i++) {
        char name[INPUT_NAME_SIZE];

        if (input_name(restore, i, name))
            moved |= keep_number(restore, name, restore->inputs[i].position);
    }
    for (size_t i = 0; i < restore->changelog_count; i++)
        if (restore->changelogs[i].input < 0 && !restore->changelogs[i].left_out &&
            (all || restore->changelogs[i].own != NULL))
            moved |= keep_number(restore, restore->changelogs[i].position_name,
                                 restore->changelogs[i].position);
    return moved;
}

static ks_status end_replay(struct ks__restore *restore, ks_error *error)
{
    bool      moved;
    ks_status status;

    prefer_own_positions(restore);
    if (restore->state == NULL)
        return KS_OK;
    moved = note_positions(restore, restore->task->settings->guarantee == KS__AT_LEAST_ONCE);
    if (ks__state_number(restore->state, HALF, 0) != 0)
        moved |= keep_number(restore, HALF, 0);
    status = moved ? write_numbers(restore, error) : KS_OK;
    if (status != KS_EFULL)
        return status;
    KS__LOG_AT_WARN(restore->task->log, "runtime",
                    "where the state stands is not written yet: %s", error->message);
    ks__error_clear(error);     /* the sealed layer stays, commits try again */
    return KS_OK;
}

ks_status ks__restore_step(struct ks__restore *restore, int timeout_ms, ks_error *error)
{
    const struct ks__clock *clock = restore->task->clock;
    int64_t                 end = ks__clock_mono_ms(clock) + timeout_ms;
    ks_status               status = KS_OK;

    restore->timeout_ms = timeout_ms;
    while (restore->phase != PHASE_DONE) {
        enum phase before = restore->phase;

        status = one_round(restore, error);
        if (status != KS_OK)
            return status;
        if (restore->phase == PHASE_DONE)
            return end_replay(restore, error);
        if (before == PHASE_REPLAY && ks__clock_mono_ms(clock) >= end)
            return KS_EAGAIN;
    }
    return KS_OK;
}

int64_t ks__restore_input(const struct ks__restore *restore, size_t input)
{
    ks__assert(restore->phase == PHASE_DONE && input < restore->input_count);
    return restore->inputs[input].position;
}

bool ks__restore_is_ahead(const struct ks__restore *restore, size_t input)
{
    ks__assert(restore->phase == PHASE_DONE && input < restore->input_count);
    return restore->inputs[input].ahead;
}

const struct ks__restore_progress *ks__restore_get_progress(const struct ks__restore *restore)
{
    return &restore->progress;
}

void ks__restore_close(struct ks__restore *restore)
{
    if (restore == NULL)
        return;
    stop_source(restore);
    for (size_t i = 0; i < restore->changelog_count; i++) {
        tell_stop(restore, &restore->changelogs[i], KS_RESTORE_SUSPENDED);
        ks__free(restore->changelogs[i].topic);
        ks__free(restore->changelogs[i].position_name);
    }
    ks__free(restore->changelogs);
    ks__free(restore->inputs);
    ks__free(restore->changes);
    ks__free(restore->records);
    ks__free(restore);
}

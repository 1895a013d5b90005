/* SPDX-License-Identifier: Apache-2.0
 *
 * global.c - fill and follow the global tables of a process.
 *
 *      OPEN (env, session) -> FIND (partitions, ends) -> FILL -> READY
 */
#include "runtime/global.h"

#include "runtime/global_processor.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

/* Processes that may run the application on one state directory at a time. */
#define ENV_LIMIT     1024
/* Records of one LMDB transaction. */
#define APPLY_RECORDS 4096
/* What is kept in memory of rows that a processor wrote. */
#define KEPT_BYTES    (4u << 20)

enum phase { PHASE_OPEN, PHASE_FIND, PHASE_FILL, PHASE_READY };

struct part {
    int32_t            partition;
    char              *position_name;
    int64_t            position;
    int64_t            end;     /* as it was at the start */
    int64_t            records; /* applied on the way there */
    bool               told;    /* of its start, and not of its end */
    struct ks__source *source;
};

struct table {
    const struct ks__global   *global;
    struct ks_kv_store        *store;
    struct ks__global_processor *processor; /* fills it; NULL = the records are the rows */
    struct part               *parts;
    int32_t                    part_count;
    struct ks__global_counters counters;
};

struct ks__globals {
    struct ks__globals_options options;
    enum phase                 phase;
    atomic_bool                ready;
    struct ks__state          *state;
    struct ks__state_host      host;
    struct ks__arena           arena;
    ks_error                   error;   /* of the stores */
    struct ks__session        *session;
    struct table              *tables;
    size_t                     table_count;
    struct ks__state_change   *changes;
    size_t                     capacity;
    const struct ks__global_processor *running;
};

/* ---- listener ---- */

static void tell(const struct ks__globals *globals, const struct table *table,
                 const struct part *part, ks_restore_kind kind, int64_t records)
{
    ks__restore_tell(globals->options.listener,
                     &(ks_restore_event){ .kind      = kind,
                                          .store     = table->global->store->name,
                                          .task      = "",
                                          .topic     = table->global->topic,
                                          .partition = part->partition,
                                          .offset    = part->position,
                                          .end       = part->end,
                                          .records   = records });
}

static void tell_stop(const struct ks__globals *globals, const struct table *table,
                      struct part *part, ks_restore_kind kind)
{
    if (part->told)
        tell(globals, table, part, kind, part->records);
    part->told = false;
}

/* ---- life ---- */

static void host_changed(void *user, struct ks_kv_store *store, ks_bytes key,
                         const struct ks__row *row)
{
    (void)user, (void)store, (void)key, (void)row;      /* the topic is its changelog */
}

static int64_t host_now(void *user)
{
    const struct ks__globals *globals = user;

    return globals->running != NULL ? ks__global_processor_time_ms(globals->running)
                                    : ks__clock_wall_ms(globals->options.clock);
}

static bool host_keeps(void *user, const char *keeper)
{
    const struct ks__globals *globals = user;

    return globals->running != NULL &&
           strcmp(ks__global_processor_name(globals->running), keeper) == 0;
}

ks_status ks__globals_open(struct ks__globals **out, const struct ks__globals_options *options,
                           ks_error *error)
{
    struct ks__globals *globals;

    *out = NULL;
    if (options->topology->global_count == 0)
        return KS_OK;
    globals = ks__zalloc(sizeof(*globals));
    if (globals == NULL)
        return ks__error_no_memory(error, "global tables");
    globals->options = *options;
    globals->tables  = ks__zalloc_array(options->topology->global_count, sizeof(*globals->tables));
    if (globals->tables == NULL || ks__arena_init(&globals->arena, 0, 0) != KS_OK) {
        ks__globals_close(globals, false);
        return ks__error_no_memory(error, "global tables");
    }
    globals->table_count = options->topology->global_count;
    for (size_t i = 0; i < globals->table_count; i++) {
        globals->tables[i].global         = &options->topology->globals[i];
        globals->tables[i].counters.store = options->topology->globals[i].store->name;
    }
    globals->host = (struct ks__state_host){ .changed = host_changed,
                                             .now_ms  = host_now,
                                             .keeps   = host_keeps,
                                             .user    = globals,
                                             .error   = &globals->error,
                                             .arena   = &globals->arena };
    *out = globals;
    return KS_OK;
}

static void close_processors(struct ks__globals *globals)
{
    for (size_t i = 0; i < globals->table_count; i++) {
        ks__global_processor_close(globals->tables[i].processor);
        globals->tables[i].processor = NULL;
    }
}

static void free_parts(struct ks__globals *globals, struct table *table)
{
    for (int32_t p = 0; p < table->part_count; p++) {
        tell_stop(globals, table, &table->parts[p], KS_RESTORE_SUSPENDED);
        if (table->parts[p].source != NULL)
            ks__session_stop(globals->session, table->parts[p].source);
        ks__free(table->parts[p].position_name);
    }
    ks__free(table->parts);
    table->parts      = NULL;
    table->part_count = 0;
}

void ks__globals_close(struct ks__globals *globals, bool clean)
{
    if (globals == NULL)
        return;
    atomic_store(&globals->ready, false);
    close_processors(globals);
    for (size_t i = 0; i < globals->table_count; i++) {
        free_parts(globals, &globals->tables[i]);
        ks__meters_release(&globals->tables[i].counters.meters);
    }
    if (globals->session != NULL)
        ks__session_close(globals->session);
    if (globals->state != NULL && clean)
        ks__state_close(globals->state, NULL);
    else if (globals->state != NULL)
        ks__state_abandon(globals->state);
    ks__arena_release(&globals->arena);
    ks__free(globals->tables);
    ks__free(globals->changes);
    ks__free(globals);
}

bool ks__globals_ready(const struct ks__globals *globals)
{
    return atomic_load(&globals->ready);
}

struct ks__state *ks__globals_state(const struct ks__globals *globals)
{
    return ks__globals_ready(globals) ? globals->state : NULL;
}

const struct ks__global_counters *ks__globals_counters(const struct ks__globals *globals, size_t n)
{
    return n < globals->table_count ? &globals->tables[n].counters : NULL;
}

/* ---- open ---- */

/* A reader for the processor of another store: any that the state has. */
static struct ks_kv_store *host_store(void *user, const char *name)
{
    return ks__state_find(((struct ks__globals *)user)->state, name);
}

static ks_status open_processor(struct ks__globals *globals, struct table *table, ks_error *error)
{
    ks_status status;

    if (table->processor != NULL || table->global->table->class != &ks__processor_class)
        return KS_OK;
    status = ks__global_processor_new(&table->processor,
                                      &(struct ks__global_processor_options){
                                          .node     = table->global->table,
                                          .host     = &globals->host,
                                          .settings = globals->options.settings,
                                          .meters   = &table->counters.meters,
                                          .handlers = globals->options.handlers,
                                          .clock    = globals->options.clock,
                                          .store    = host_store,
                                          .user     = globals }, error);
    if (status != KS_OK)
        return status;
    globals->running = table->processor;
    status           = ks__global_processor_open(table->processor, error);
    globals->running = NULL;
    if (status == KS_OK)
        return KS_OK;
    ks__state_drop(globals->state);
    ks__global_processor_close(table->processor);
    table->processor = NULL;
    return status;
}

/* The first env that no other process holds. */
static ks_status open_env(struct ks__globals *globals, ks_error *error)
{
    struct ks__state_options options = { .host      = &globals->host,
                                         .log       = globals->options.log,
                                         .map_bytes =
                                             (uint64_t)globals->options.settings->state_map_bytes };
    ks_status                status = KS_EBUSY;

    if (ks__cluster_id(globals->options.cluster)[0] != '\0')
        options.topology_hash = ks__cluster_id(globals->options.cluster);
    for (int n = 0; n < ENV_LIMIT && status == KS_EBUSY; n++) {
        char *directory = ks__format("%s/global_%d", globals->options.directory, n);

        if (directory == NULL)
            return ks__error_no_memory(error, "global tables");
        ks__error_clear(error);
        options.directory = directory;
        status            = ks__state_open(&globals->state, &options, error);
        ks__free(directory);
    }
    return status;
}

static ks_status open_all(struct ks__globals *globals, const struct ks__wake *wake, ks_error *error)
{
    struct ks__session_options options = { .client_id = globals->options.settings->client_id,
                                           .wake      = wake };
    ks_status                  status = KS_OK;

    if (globals->state == NULL)
        status = open_env(globals, error);
    for (size_t i = 0; i < globals->table_count && status == KS_OK; i++)
        if (globals->tables[i].store == NULL)
            status = ks__state_kv(globals->state, globals->tables[i].global->store,
                                  &globals->tables[i].store, error);
    for (size_t i = 0; i < globals->table_count && status == KS_OK; i++)
        status = open_processor(globals, &globals->tables[i], error);
    if (status == KS_OK && globals->session == NULL)
        status = ks__session_open(&globals->session, globals->options.cluster, &options, error);
    return status;
}

/* ---- find ---- */

static ks_status make_parts(struct table *table, int32_t count, ks_error *error)
{
    table->parts = ks__zalloc_array((size_t)count, sizeof(*table->parts));
    if (table->parts == NULL)
        return ks__error_no_memory(error, "global tables");
    for (table->part_count = 0; table->part_count < count; table->part_count++) {
        struct part *part = &table->parts[table->part_count];

        part->partition     = table->part_count;
        part->end           = KS__OFFSET_NONE;
        part->position_name = ks__format("changelog/%s/%" PRId32, table->global->store->name,
                                         part->partition);
        if (part->position_name == NULL)
            return ks__error_no_memory(error, "global tables");
    }
    return KS_OK;
}

/* All partitions anew: their rows are mixed. */
static ks_status wipe(struct ks__globals *globals, struct table *table, const struct part *why,
                      ks_error *error)
{
    ks_status status = KS_OK;

    KS__LOG_AT_WARN(globals->options.log, "runtime",
                    "global table %s is filled anew: offset=%" PRId64 " is not in %s-%" PRId32,
                    table->global->store->name, why->position, table->global->topic,
                    why->partition);
    for (int32_t p = 0; p < table->part_count && status == KS_OK; p++) {
        tell_stop(globals, table, &table->parts[p], KS_RESTORE_SUSPENDED);
        status = ks__state_wipe(globals->state, table->store, table->parts[p].position_name, error);
        if (table->parts[p].source != NULL)
            ks__session_stop(globals->session, table->parts[p].source);
        table->parts[p].source = NULL;
        table->parts[p].end    = KS__OFFSET_NONE;
    }
    if (status == KS_OK && table->processor != NULL) { /* what it remembers goes as well */
        ks__global_processor_close(table->processor);
        table->processor = NULL;
        status           = open_processor(globals, table, error);
    }
    return status != KS_OK ? status : KS_EAGAIN;    /* found again from the first */
}

static ks_status find_part(struct ks__globals *globals, struct table *table, struct part *part,
                           ks_error *error)
{
    struct ks__cluster *cluster = globals->options.cluster;
    const char         *topic = table->global->topic;
    int64_t             begin, end;
    ks_status           status;

    if (part->source != NULL)
        return KS_OK;
    status = ks__cluster_offset(cluster, topic, part->partition, KS__OFFSET_BEGIN, 0, &begin, 0,
                                error);
    if (status == KS_OK)
        status = ks__cluster_offset(cluster, topic, part->partition, KS__OFFSET_END, 0, &end, 0,
                                    error);
    if (status != KS_OK)
        return status;
    part->position = ks__state_number(globals->state, part->position_name, KS__OFFSET_NONE);
    if (part->position != KS__OFFSET_NONE && (part->position < begin || part->position > end))
        return wipe(globals, table, part, error);
    if (part->position == KS__OFFSET_NONE)
        part->position = begin;
    part->end     = end;
    part->records = 0;
    part->told    = true;
    tell(globals, table, part, KS_RESTORE_START, 0);
    return ks__session_start(globals->session, topic, part->partition, part->position,
                             &part->source);
}

static ks_status find_table(struct ks__globals *globals, struct table *table, ks_error *error)
{
    int32_t   count = 0;
    ks_status status = KS_OK;

    if (table->parts == NULL) {
        status = ks__cluster_partitions(globals->options.cluster, table->global->topic, &count, 0,
                                        error);
        if (status == KS_OK && count == 0)
            return ks__error_set(error, KS_ENOTFOUND, "unknown topic \"%s\" of a global table",
                                 table->global->topic);
        if (status == KS_OK)
            status = make_parts(table, count, error);
    }
    for (int32_t p = 0; p < table->part_count && status == KS_OK; p++)
        status = find_part(globals, table, &table->parts[p], error);
    return status;
}

/* ---- apply ---- */

/* May the record be applied? `*status` is set when the application must fail. */
static bool is_welcome(struct ks__globals *globals, struct table *table,
                       const struct ks__log_record *read, const struct part *part,
                       ks_status *status, ks_error *error)
{
    const struct ks__source_args *source = table->global->source->args;
    const ks_record              *record = &read->record;
    bool                          key = ks_serde_check(source->key, record->key);
    ks_error                      why = { .status = KS_OK };
    ks_failure                    failure = { .kind   = KS_FAILURE_DESERIALIZATION,
                                              .error  = &why,
                                              .node   = table->global->source->name,
                                              .task   = "",
                                              .record = record,
                                              .raw    = record };

    if (record->key.data == NULL && table->processor == NULL)
        return false;
    key = key || record->key.data == NULL;
    if (key && (record->value.data == NULL || ks_serde_check(source->value, record->value)))
        return true;
    ks__error_set(&why, KS_EDATA, "%s of %s-%" PRId32 " offset %" PRId64 " is no %s",
                  key ? "the value" : "the key", table->global->topic, part->partition,
                  read->offset, ks_serde_name(key ? source->value : source->key));
    ks__error_set_node(&why, failure.node);
    failure.origin = (ks_origin){ table->global->topic, part->partition, read->offset };
    if (ks__failure_ask(globals->options.handlers, globals->options.settings, &failure, &why) !=
        KS_REACTION_CONTINUE) {
        ks__error_copy(error, &why);
        *status = KS_EDATA;
    }
    return false;
}

/* What the processor has written, and how far it has read: one transaction. */
static ks_status write_processed(struct ks__globals *globals, struct part *part,
                                 int64_t next_offset, ks_error *error)
{
    ks_status status;

    ks__state_set_number(globals->state, part->position_name, next_offset);
    if (ks__error_is_set(&globals->error)) {
        ks__error_copy(error, &globals->error);
        return error->status;
    }
    status = ks__state_seal(globals->state, error);
    if (status == KS_OK)
        status = ks__state_write(globals->state, error);
    ks__state_trim(globals->state, KEPT_BYTES);
    return status;
}

/* The same by way of the processor. After a failure nothing of the batch has been. */
static ks_status process_batch(struct ks__globals *globals, struct table *table, struct part *part,
                               const struct ks__batch *batch, ks_error *error)
{
    int64_t   applied = 0;
    ks_status status = KS_OK;

    globals->running = table->processor;
    ks__global_processor_begin_batch(table->processor);
    for (size_t i = 0; i < batch->count && status == KS_OK; i++) {
        const struct ks__log_record *read = &batch->records[i];
        const ks_origin origin = { table->global->topic, part->partition, read->offset };
        bool            done = is_welcome(globals, table, read, part, &status, error);

        if (done)
            status = ks__global_processor_run(table->processor, &read->record, &origin, &done,
                                              error);
        ks__state_end_record(globals->state);
        ks__arena_reset(&globals->arena);
        if (done)
            applied++;
        else
            ks__counter_add(&table->counters.dropped, 1);
    }
    globals->running = NULL;
    if (status == KS_OK)
        status = write_processed(globals, part, batch->next_offset, error);
    if (status == KS_OK)
        ks__counter_add(&table->counters.applied, applied);
    else
        ks__state_drop(globals->state);
    ks__error_clear(&globals->error);
    return status;
}

static ks_status apply_batch(struct ks__globals *globals, struct table *table, struct part *part,
                             const struct ks__batch *batch, ks_error *error)
{
    size_t    count = 0;
    ks_status status = KS_OK;

    if (batch->count > 0 && !KS__GROW(&globals->changes, &globals->capacity, batch->count))
        return ks__error_no_memory(error, "global tables");
    for (size_t i = 0; i < batch->count && status == KS_OK; i++) {
        const ks_record *record = &batch->records[i].record;

        if (is_welcome(globals, table, &batch->records[i], part, &status, error))
            globals->changes[count++] = (struct ks__state_change){
                .key = record->key,
                .row = { record->value, record->timestamp_ms, record->headers },
            };
        else
            ks__counter_add(&table->counters.dropped, 1);
    }
    if (status == KS_OK)
        status = ks__state_restore(globals->state, table->store, globals->changes, count,
                                   part->position_name, batch->next_offset, error);
    if (status == KS_OK)
        ks__counter_add(&table->counters.applied, (int64_t)count);
    return status;
}

static ks_status apply_part(struct ks__globals *globals, struct table *table, struct part *part,
                            ks_error *error)
{
    struct ks__batch batch;
    ks_status        status = ks__source_fetch(part->source, APPLY_RECORDS, &batch);

    if (status == KS_EOFFSET) {
        status = wipe(globals, table, part, error);
        if (status == KS_EAGAIN)
            globals->phase = PHASE_FIND;
        return status;
    }
    if (status != KS_OK)
        return ks__error_set(error, status, "cannot read %s-%" PRId32 ": %s", table->global->topic,
                             part->partition, ks_status_text(status));
    if (batch.next_offset > part->position)
        status = table->processor != NULL
                     ? process_batch(globals, table, part, &batch, error)
                     : apply_batch(globals, table, part, &batch, error);
    if (status == KS_OK && batch.next_offset > part->position) {
        part->position = batch.next_offset;
        part->records += (int64_t)batch.count;
        if (part->told)
            tell(globals, table, part, KS_RESTORE_BATCH, (int64_t)batch.count);
    }
    if (status == KS_OK && part->position >= part->end)
        tell_stop(globals, table, part, KS_RESTORE_END);
    ks__batch_release(&batch);
    return status;
}

static ks_status apply_all(struct ks__globals *globals, ks_error *error)
{
    ks_status status = KS_OK;

    for (size_t i = 0; i < globals->table_count; i++)
        for (int32_t p = 0; p < globals->tables[i].part_count && status == KS_OK; p++)
            status = apply_part(globals, &globals->tables[i], &globals->tables[i].parts[p], error);
    return status;
}

static bool is_filled(const struct ks__globals *globals)
{
    for (size_t i = 0; i < globals->table_count; i++)
        for (int32_t p = 0; p < globals->tables[i].part_count; p++)
            if (globals->tables[i].parts[p].position < globals->tables[i].parts[p].end)
                return false;
    return true;
}

ks_status ks__globals_apply(struct ks__globals *globals, ks_error *error)
{
    ks_status status = KS_OK;

    if (globals->phase != PHASE_READY)      /* trimmed under our feet */
        status = ks__globals_fill(globals, NULL, error);
    else
        status = apply_all(globals, error);
    return status == KS_EAGAIN ? KS_OK : status;
}

/* ---- fill ---- */

static ks_status fill_round(struct ks__globals *globals, const struct ks__wake *wake,
                            ks_error *error)
{
    ks_status status = KS_OK;

    switch (globals->phase) {
    case PHASE_OPEN:
        return open_all(globals, wake, error);
    case PHASE_FIND:
        for (size_t i = 0; i < globals->table_count && status == KS_OK; i++)
            status = find_table(globals, &globals->tables[i], error);
        return status;
    case PHASE_FILL:
        status = apply_all(globals, error);
        if (status == KS_OK && !is_filled(globals))
            status = KS_EAGAIN;
        return status;
    case PHASE_READY:
        return KS_OK;
    }
    ks__unreachable();
}

ks_status ks__globals_fill(struct ks__globals *globals, const struct ks__wake *wake,
                           ks_error *error)
{
    while (globals->phase != PHASE_READY) {
        ks_status status = fill_round(globals, wake, error);

        if (status != KS_OK)
            return status;
        globals->phase++;
    }
    atomic_store(&globals->ready, true);
    return KS_OK;
}

/* ---- what one task reads ---- */

static ks_status init_view(struct ks__global_view *view)
{
    if (view->host.error != NULL)
        return KS_OK;
    if (ks__arena_init(&view->arena, 0, 0) != KS_OK)
        return KS_ENOMEM;
    view->host = (struct ks__state_host){
        .error = view->told != NULL ? view->told : &view->error, .arena = &view->arena
    };
    return KS_OK;
}

static const struct table *find_declared(const struct ks__globals *globals, const char *name)
{
    for (size_t i = 0; globals != NULL && i < globals->table_count; i++)
        if (strcmp(globals->tables[i].global->store->name, name) == 0)
            return &globals->tables[i];
    return NULL;
}

struct ks_kv_store *ks__global_view_store(struct ks__global_view *view,
                                          struct ks__globals *globals, const char *name,
                                          ks_error *error)
{
    const struct table       *table = find_declared(globals, name);
    struct ks__global_reader *reader;

    if (table == NULL)
        return NULL;
    for (reader = view->readers; reader != NULL; reader = reader->next)
        if (strcmp(ks__kv_spec(reader->store)->name, name) == 0)
            return reader->store;
    reader = ks__zalloc(sizeof(*reader));
    if (reader == NULL || init_view(view) != KS_OK) {
        ks__free(reader);
        ks__error_no_memory(error, name);
        return NULL;
    }
    if (ks__global_reader_open(&reader->store, globals->state, table->global->store, &view->host,
                               error) != KS_OK) {
        ks__free(reader);
        return NULL;
    }
    reader->next  = view->readers;
    view->readers = reader;
    return reader->store;
}

ks_status ks__global_view_renew(struct ks__global_view *view, ks_error *error)
{
    for (struct ks__global_reader *reader = view->readers; reader != NULL; reader = reader->next) {
        ks__global_reader_end_record(reader->store);
        ks__global_reader_renew(reader->store);
    }
    if (view->readers != NULL)
        ks__arena_reset(&view->arena);
    if (view->host.error == NULL || !ks__error_is_set(view->host.error))
        return KS_OK;
    ks__error_copy(error, view->host.error);
    return view->host.error->status;
}

void ks__global_view_release(struct ks__global_view *view)
{
    while (view->readers != NULL) {
        struct ks__global_reader *reader = view->readers;

        view->readers = reader->next;
        ks__global_reader_close(reader->store);
        ks__free(reader);
    }
    ks__arena_release(&view->arena);
    *view = (struct ks__global_view){ .readers = NULL };
}

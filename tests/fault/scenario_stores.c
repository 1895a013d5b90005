/* SPDX-License-Identifier: Apache-2.0
 *
 * scenario_stores.c - stores beyond tables: one of the user's own with a restart, a global and a
 * read-only one with processors, a history, a bounded one, a schedule with a start, metrics.
 */
#include "fault/scenario.h"

#include <kstream/sys/store.h>
#include <stdio.h>

/* ---- a store of the user's own: the sum of all numbers ---- */

struct sum {
    ks_store_ctx *ctx;
    int64_t       sum;
};

static ks_status sum_open(ks_store_ctx *ctx, void *self, void *user)
{
    (void)user;
    ((struct sum *)self)->ctx = ctx;
    return ks_store_ctx_directory(ctx) != NULL ? KS_OK : KS_ENOMEM;
}

static ks_status sum_restore(ks_store_ctx *ctx, const ks_record *records, size_t count, void *self)
{
    (void)ctx;
    ((struct sum *)self)->sum = ks_bytes_i64(records[count - 1].value, -1);
    return KS_OK;
}

static const ks_store_class sum_class = KS_STORE_CLASS(
    .state_size = sizeof(struct sum), .open = sum_open, .restore = sum_restore);

/* ---- processors ---- */

struct keeper {
    ks_kv_store *store;
};

static ks_status keeper_open(ks_ctx *ctx, void *self, void *user)
{
    ((struct keeper *)self)->store = ks_ctx_kv_store(ctx, user);
    return KS_OK;
}

static ks_status keep_row(ks_ctx *ctx, const ks_record *record, void *self)
{
    (void)ctx;
    ks_kv_store_put_record(((struct keeper *)self)->store, record);
    return KS_OK;
}

static const ks_processor keeper = KS_PROCESSOR(.state_size = sizeof(struct keeper),
                                                .open = keeper_open, .process = keep_row);

struct adder {
    struct sum         *sum;
    ks_kv_store        *names, *prices, *last;
    ks_counter         *records;
    ks_latency         *lookups;
    ks_versioned_store *history;
};

static ks_status tick(ks_ctx *ctx, int64_t now_ms, void *user)
{
    (void)user;
    ks_ctx_forward(ctx, &(ks_record){ .key          = KS_TEXT("tick"),
                                      .value        = ks_ctx_i64(ctx, now_ms),
                                      .timestamp_ms = now_ms });
    return KS_OK;
}

static ks_status adder_open(ks_ctx *ctx, void *self, void *user)
{
    struct adder *adder = self;

    (void)user;
    adder->sum     = ks_ctx_user_store(ctx, "sum");
    adder->names   = ks_ctx_kv_store(ctx, "names");
    adder->prices  = ks_ctx_kv_store(ctx, "prices");
    adder->history = ks_ctx_versioned_store(ctx, "history");
    adder->last    = ks_ctx_kv_store(ctx, "last");
    adder->records = ks_ctx_counter(ctx, "records-total");
    adder->lookups = ks_ctx_latency(ctx, "lookup");
    ks_ctx_schedule_at(ctx, 15, 10, KS_STREAM_TIME, tick, NULL);
    return KS_OK;
}

/* Adds the price of the record's name, how many versions the key has had, and much if the name is
 * still the last one, which it never is. */
static ks_status adder_process(ks_ctx *ctx, const ks_record *record, void *self)
{
    struct adder *adder = self;
    ks_record     name, price, version;
    ks_iter      *versions;
    ks_bytes      sum;

    ks_versioned_store_put(adder->history, record->key, record->value, record->timestamp_ms);
    versions = ks_versioned_store_history(adder->history, record->key, 0, INT64_MAX,
                                          KS_DESCENDING);
    while (ks_iter_next(versions, &version))
        adder->sum->sum++;
    if (ks_kv_store_get(adder->names, record->value, &name) &&
        ks_kv_store_get(adder->prices, name.value, &price))
        adder->sum->sum += (int64_t)price.value.size * 100;
    if (!ks_kv_store_put_if_absent(adder->last, record->value, record->key))
        adder->sum->sum += 10000;
    ks_counter_add(adder->records, 1);
    ks_latency_add(adder->lookups, 1);
    sum = ks_ctx_i64(ctx, adder->sum->sum);
    ks_store_ctx_log(adder->sum->ctx, KS_TEXT("sum"), sum);
    ks_ctx_forward_value(ctx, sum);
    return KS_OK;
}

static const ks_processor adder = KS_PROCESSOR(.state_size = sizeof(struct adder),
                                               .open = adder_open, .process = adder_process);

static ks_topology *declare(void)
{
    ks_builder  *b = ks_builder_new();
    ks_topology *topology = NULL;
    ks_stream   *s;

    ks_builder_add_global_store(b, KS_KV_STORE("names"), "names", NULL, &keeper,
                                (void *)(uintptr_t) "names");
    ks_builder_add_read_only_store(b, KS_KV_STORE("prices"), "prices", NULL, &keeper,
                                   (void *)(uintptr_t) "prices");
    ks_builder_add_versioned_store(b, KS_VERSIONED_STORE("history", .history_ms = 100));
    ks_builder_add_store(b, KS_KV_STORE("last", .max_rows = 1));
    ks_builder_add_user_store(b, &sum_class, NULL, KS_USER_STORE("sum"));
    s = ks_stream_process(ks_builder_stream(b, "in", NULL), &adder, NULL,
                          KS_CONNECTED(.stores = { "sum", "prices", "history", "last" }));
    ks_stream_to(s, "out", NULL);
    ks_builder_build(b, &topology);
    ks_builder_free(b);
    return topology;
}

/* ---- the run ---- */

static const struct {
    const char *topic, *key, *value;
    int64_t     time_ms;
} in[] = {
    { "names", "ann", "apple", 1 }, { "prices", "apple", "xxx", 2 }, { "in", "k", "ann", 10 },
    { "in", "k", "bob", 16 },       { "in", "j", "ann", 30 },
};

static const int64_t out[] = { 301, 303, 16, 604, 30 };

static bool read_outputs(ks_driver *d)
{
    for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++) {
        const ks_record *record = ks_driver_read(d, "out");

        if (record == NULL || ks_bytes_i64(record->value, -1) != out[i])
            return false;
    }
    return ks_driver_read(d, "out") == NULL;
}

static void keep(struct outcome *outcome, const ks_error *error)
{
    if (outcome->status != KS_OK || ks_error_status(error) == KS_OK)
        return;
    outcome->status = ks_error_status(error);
    snprintf(outcome->text, sizeof(outcome->text), "%s", ks_error_message(error));
}

void scenario_stores(struct outcome *outcome, const char *directory)
{
    ks_topology *topology = declare();
    ks_driver   *d;

    *outcome = (struct outcome){ .status = KS_OK };
    keep(outcome, ks_topology_error(topology));
    d = ks_driver_new(topology, NULL, directory);
    keep(outcome, ks_driver_error(d));
    for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++) {
        ks_driver_pipe_text(d, in[i].topic, in[i].key, in[i].value, in[i].time_ms);
        keep(outcome, ks_driver_error(d));
    }
    outcome->right = outcome->status == KS_OK && read_outputs(d);
    keep(outcome, ks_driver_error(d));
    ks_driver_free(d);
    ks_topology_free(topology);
}

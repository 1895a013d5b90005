/* SPDX-License-Identifier: Apache-2.0
 *
 * test_driver.c - how to test a topology: without a broker, without waiting, with a clock by hand.
 *
 * The topology under test reminds of orders: "placed" opens one, "paid" closes it, and what is
 * open after 15 minutes goes to the topic "reminders", once. Prints a line per test (TAP); 1 if one
 * fails.
 */
#define _POSIX_C_SOURCE 200809L /* mkdtemp(), also with -std=c11 */

#include <kstream/kstream.h>

#include <stdio.h>
#include <stdlib.h>

#define MINUTE_MS 60000

/* ---- the topology: this would be the program's own file ---- */

struct reminder {
    ks_kv_store *open; /* order -> i64: wall time of its reminder */
};

static ks_status remind(ks_ctx *ctx, int64_t now_ms, void *user)
{
    struct reminder *self = user;
    ks_iter         *it   = ks_kv_store_all(self->open, KS_ASCENDING);

    for (ks_record row; ks_iter_next(it, &row);)
        if (ks_bytes_i64(row.value, INT64_MAX) <= now_ms) {
            ks_ctx_forward(ctx, &(ks_record){ .key = row.key, .value = KS_TEXT("please pay"),
                                              .timestamp_ms = now_ms });
            ks_kv_store_delete(self->open, row.key);
        }
    return KS_OK;
}

static ks_status reminder_open(ks_ctx *ctx, void *self, void *user)
{
    (void)user;
    ((struct reminder *)self)->open = ks_ctx_kv_store(ctx, "open");
    ks_ctx_schedule(ctx, MINUTE_MS, KS_WALL_CLOCK_TIME, remind, self);
    return KS_OK;
}

static ks_status reminder_process(ks_ctx *ctx, const ks_record *order, void *self)
{
    ks_kv_store *open = ((struct reminder *)self)->open;

    if (ks_bytes_equal(order->value, KS_TEXT("placed")))
        ks_kv_store_put(open, order->key,
                        ks_ctx_i64(ctx, ks_ctx_wall_time_ms(ctx) + 15 * MINUTE_MS));
    else if (ks_bytes_equal(order->value, KS_TEXT("paid")))
        ks_kv_store_delete(open, order->key);
    else
        return ks_ctx_fail(ctx, "an order is neither placed nor paid");
    return KS_OK;
}

static ks_topology *reminders(void)
{
    static const ks_processor reminder =
        KS_PROCESSOR(.state_size = sizeof(struct reminder), .open = reminder_open,
                     .process = reminder_process);
    ks_builder  *b = ks_builder_new();
    ks_topology *topology;
    ks_stream   *orders = ks_builder_stream(b, "orders", NULL);

    ks_builder_add_store(b, KS_KV_STORE("open"));
    ks_stream_to(ks_stream_process(orders, &reminder, NULL, KS_CONNECTED(.stores = { "open" })),
                 "reminders", NULL);
    ks_builder_build(b, &topology);
    ks_builder_free(b);
    return topology;
}

/* ---- the tests ---- */

static int number, failed;

static void check(bool good, const char *what)
{
    failed += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", ++number, what);
}

static bool reminded_of(ks_driver *d, const char *order)
{
    const ks_record *out = ks_driver_read(d, "reminders");

    return out != NULL && ks_bytes_equal(out->key, ks_bytes_text(order));
}

int main(void)
{
    ks_topology *topology = reminders();
    char         directory[] = "/tmp/test_driver-XXXXXX", command[64];
    ks_driver   *d = ks_driver_new(topology, NULL, mkdtemp(directory));
    ks_record    row;

    ks_driver_pipe_text(d, "orders", "1", "placed", 0);
    ks_driver_pipe_text(d, "orders", "2", "placed", 0);
    ks_driver_pipe_text(d, "orders", "1", "paid", 0);
    check(!ks_kv_store_get(ks_driver_kv_store(d, "open"), KS_TEXT("1"), &row), "paid is closed");
    check(ks_kv_store_get(ks_driver_kv_store(d, "open"), KS_TEXT("2"), &row), "unpaid is open");
    ks_driver_advance(d, 14 * MINUTE_MS);
    check(ks_driver_read(d, "reminders") == NULL, "nobody is reminded too early");

    ks_driver_free(d); /* a restart: state, log and clock lie in the directory */
    d = ks_driver_new(topology, NULL, directory);
    ks_driver_advance(d, 2 * MINUTE_MS);
    check(reminded_of(d, "2"), "a restart does not forget");
    ks_driver_advance(d, 60 * MINUTE_MS);
    check(ks_driver_read(d, "reminders") == NULL, "a reminder comes once");

    check(ks_driver_pipe_text(d, "orders", "3", "lost", 0) == KS_EUSER, "nonsense is refused");
    printf("1..%d\n", number);
    ks_driver_free(d), ks_topology_free(topology);
    snprintf(command, sizeof command, "rm -r %s", directory);
    return failed > 0 || system(command) != 0;
}

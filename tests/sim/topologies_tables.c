/* SPDX-License-Identifier: Apache-2.0
 *
 * topologies_tables.c - two tables joined by a foreign key: whatever happened on the way, in the
 * end the result is that of the last rows of both.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW_TEXT 40

struct rows {
    int  foreign[TALLY_WORDS];      /* of left row n, + 1; 0 = no row, -1 = deleted for good */
    int  number[TALLY_WORDS];       /* of right row n, + 1; 0 = no row */
    int  next;
    char out[TALLY_WORDS][ROW_TEXT];  /* the last output of each key; "" = none, or a deletion */
    char kept[TALLY_WORDS][ROW_TEXT]; /* the row in the store of a new instance */
};

static struct rows *rows_of(struct world *world)
{
    if (world->rows == NULL)
        world->rows = calloc(1, sizeof(*world->rows));
    if (world->rows == NULL)
        tally_complain(&world->tally, "no memory for rows");
    return world->rows;
}

/* ---- topology ---- */

static ks_status foreign_key(ks_ctx *ctx, const ks_record *left, ks_bytes *io, void *user)
{
    (void)ctx, (void)user;
    *io = left->value;
    return KS_OK;
}

static ks_status join_rows(ks_ctx *ctx, const ks_record *left, const ks_record *right,
                           ks_bytes *out, void *user)
{
    (void)user;
    *out = ks_ctx_text(ctx, "%.*s is %.*s", KS_BYTES_ARG(left->value), KS_BYTES_ARG(right->value));
    return KS_OK;
}

static void build_foreign(ks_builder *b, struct world *world)
{
    ks_table *left = ks_builder_table(b, INPUT, KS_CONSUMED(.key = ks_serde_utf8()), NULL);
    ks_table *right = ks_builder_table(b, OTHERS, KS_CONSUMED(.key = ks_serde_utf8()), NULL);
    ks_table *joined = ks_table_join_on(left, right, foreign_key, join_rows, NULL,
                                        KS_TABLE_JOINED(.name = "j", .store = STORE));

    (void)world;
    ks_stream_to(ks_table_to_stream(joined, KS_NAMED("changes")), OUTPUT, NULL);
}

/* ---- input ---- */

static void append_row(struct world *world, const char *topic, int n, const char *value)
{
    char      key[8];
    ks_record record = { .timestamp_ms = shape_time_ms(world) };

    record.key = (ks_bytes){ key, (size_t)snprintf(key, sizeof(key), "w%d", n) };
    if (value != NULL)
        record.value = ks_bytes_text(value);
    shape_append(world, topic, -1, &record);
}

/* A left row that was deleted does not come back: as in Kafka Streams, the answer to a deletion is
 * dropped if a new row is there before it, and nothing then takes back the old result if the new
 * row has none (docs/joins.md). */
static void write_row(struct world *world)
{
    struct rows *rows   = rows_of(world);
    int          n      = random_below(&world->random, TALLY_WORDS);
    bool         left   = random_percent(&world->random, 50);
    bool         delete = random_percent(&world->random, 15);
    int          m      = random_below(&world->random, TALLY_WORDS / 4); /* many to one */
    char         value[ROW_TEXT];

    if (rows == NULL || (left && rows->foreign[n] < 0))
        return;
    if (left)
        snprintf(value, sizeof(value), "w%d", m);
    else
        snprintf(value, sizeof(value), "%d", rows->next);
    if (left)
        rows->foreign[n] = delete ? -1 : m + 1;
    else
        rows->number[n / 4] = delete ? 0 : rows->next + 1;
    rows->next += !left;
    append_row(world, left ? INPUT : OTHERS, left ? n : n / 4, delete ? NULL : value);
}

/* ---- what came out ---- */

static void keep_text(struct world *world, char texts[TALLY_WORDS][ROW_TEXT],
                      const ks_record *record)
{
    int n = tally_number(&world->tally, record->key);

    if (n < 0)
        return;
    snprintf(texts[n], sizeof(texts[n]), "%.*s", (int)record->value.size,
             record->value.data != NULL ? (const char *)record->value.data : "");
}

/* The one that is left out must be the last, or a later one makes up for it. */
static void take_output(struct world *world, const ks_entry *entry)
{
    keep_text(world, rows_of(world)->out, &entry->record);
}

static void take_row(struct world *world, const ks_record *row)
{
    keep_text(world, rows_of(world)->kept, row);
}

/* With a cache a row may be asked for before it is forwarded, and a row that is made and deleted
 * between two flushes never is: then nothing takes back what was answered (docs/joins.md). */
static bool is_promised(const struct plan *plan)
{
    return plan->rule != TALLY_AT_MOST_ONCE && !plan->caches;
}

static void check_foreign(struct world *world)
{
    struct rows *rows = rows_of(world);

    check_topic(world, OUTPUT, take_output);
    check_store(world, STORE, take_row);
    if (world->spoiled)
        snprintf(rows->out[0], sizeof(rows->out[0]), "spoiled");
    for (int n = 0; is_promised(&world->plan) && n < TALLY_WORDS; n++) {
        int  foreign = rows->foreign[n] - 1;
        int  number = foreign >= 0 ? rows->number[foreign] - 1 : -1;
        char wanted[ROW_TEXT] = "";

        if (number >= 0)
            snprintf(wanted, sizeof(wanted), "w%d is %d", foreign, number);
        if (strcmp(rows->out[n], wanted) != 0)
            tally_complain(&world->tally, "w%d: \"%s\" came out last, not \"%s\"", n,
                           rows->out[n], wanted);
        if (strcmp(rows->kept[n], wanted) != 0)
            tally_complain(&world->tally, "w%d: the store has \"%s\", not \"%s\"", n,
                           rows->kept[n], wanted);
    }
}

const struct shape_class foreign_shape = {
    .name = "foreign", .build = build_foreign, .write = write_row, .check = check_foreign,
    .consumed = { INPUT, OTHERS, APPLICATION "-j-subscription-registration-topic",
                  APPLICATION "-j-subscription-response-topic" },
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * topology_processor.c - the application by processors, each written as plain C with its state.
 *
 *      models -> check-model -> models-accepted ~> (global store) . . reads
 *                     `-------> errors                          .
 *      mdata --> score <. . . . . . . . . . . . . . . . . . . . .
 *                  |-> scores
 *                  |-> errors
 *                  `.. statistics (store of the task)
 *
 * Unlike the operators, each task counts for itself: a model has one row per partition in the
 * store, which whoever reads them adds up (statistics_merge). No repartition topic is needed.
 */
#include "check_model.h"
#include "refusal.h"
#include "served.h"
#include "statistics.h"
#include "topics.h"
#include "topology.h"

struct scorer {
    struct served   served;
    ks_kv_store    *models;
    ks_kv_store    *statistics;
    const ks_child *scored;
    const ks_child *refused;
};

static ks_status scorer_open(ks_ctx *ctx, void *self, void *user)
{
    struct scorer *scorer = self;

    (void)user;
    scorer->models = ks_ctx_kv_store(ctx, STORE_MODELS);
    scorer->statistics = ks_ctx_kv_store(ctx, STORE_STATISTICS);
    scorer->scored = ks_ctx_child(ctx, "write-scores");
    scorer->refused = ks_ctx_child(ctx, "write-errors");
    return KS_OK;
}

static void count(ks_ctx *ctx, const struct scorer *scorer, const struct score *score,
                  bool is_scored, int64_t time_ms)
{
    unsigned char      bytes[STATISTICS_KEY_MAX];
    ks_bytes           key = ks_bytes_of(bytes, statistics_key(score->name, score->version, bytes));
    ks_record          row;
    struct statistics *statistics;

    ks_kv_store_get(scorer->statistics, key, &row);
    statistics = ks_ctx_edit(ctx, &row.value, sizeof(*statistics));
    statistics_of_key(statistics, key.data, key.size);
    statistics_add(statistics, time_ms, score->took_ns, is_scored);
    ks_kv_store_put(scorer->statistics, key, row.value);
}

static ks_status scorer_process(ks_ctx *ctx, const ks_record *wine, void *self)
{
    struct scorer *scorer = self;
    struct score   score;
    struct reason  reason;
    unsigned char  bytes[SCORE_BYTES_MAX];
    ks_record      newest, out = *wine;
    bool           is_scored;

    ks_kv_store_get(scorer->models, KS_TEXT(MODELS_KEY), &newest);
    is_scored = served_score(&scorer->served, newest.value, wine->value, &score, &reason);
    if (score.version != 0)
        count(ctx, scorer, &score, is_scored, wine->timestamp_ms);
    if (is_scored)
        out.value = ks_bytes_of(bytes, score_encode(&score, bytes));
    else
        refusal_label(ctx, &out, ks_bytes_text(reason.text));
    ks_ctx_forward_to(ctx, is_scored ? scorer->scored : scorer->refused, &out);
    return KS_OK;
}

static void scorer_close(ks_ctx *ctx, void *self)
{
    (void)ctx;
    served_close(&((struct scorer *)self)->served);
}

static const ks_processor score_wine =
    KS_PROCESSOR(.state_size = sizeof(struct scorer), .open = scorer_open,
                 .process = scorer_process, .close = scorer_close);

static void models(ks_builder *b)
{
    static const char *const topics[] = { TOPIC_MODELS };

    ks_builder_add_store(b, KS_KV_STORE(STORE_VERSIONS, .key = ks_serde_utf8(),
                                        .value = ks_serde_i64()));
    ks_builder_add_source(b, "read-models", topics, 1, KS_CONSUMED(.key = ks_serde_utf8()));
    ks_builder_add_processor(
        b, "check-model", &check_model, NULL,
        KS_CONNECTED(.stores = { STORE_VERSIONS }, .parents = { "read-models" }));
    ks_builder_add_sink(b, CHILD_ACCEPTED, TOPIC_ACCEPTED, NULL,
                        KS_CONNECTED(.parents = { "check-model" }));
    ks_builder_add_sink(b, CHILD_REJECTED, TOPIC_ERRORS, NULL,
                        KS_CONNECTED(.parents = { "check-model" }));
    ks_builder_global_table(b, TOPIC_ACCEPTED,
                            KS_CONSUMED(.name = "read-accepted", .key = ks_serde_utf8()),
                            KS_MATERIALIZED(.store = STORE_MODELS));
}

void topology_processor(ks_builder *b)
{
    static const char *const topics[] = { TOPIC_WINES };

    models(b);
    ks_builder_add_store(b, KS_KV_STORE(STORE_STATISTICS, .key = ks_serde_bytes(),
                                        .value = KS_STRUCT(struct statistics)));
    ks_builder_add_source(b, "read-wines", topics, 1, KS_CONSUMED(.key = ks_serde_i64()));
    ks_builder_add_processor(
        b, "score", &score_wine, NULL,
        KS_CONNECTED(.stores = { STORE_STATISTICS }, .parents = { "read-wines" }));
    ks_builder_add_sink(b, "write-scores", TOPIC_SCORES, NULL,
                        KS_CONNECTED(.parents = { "score" }));
    ks_builder_add_sink(b, "write-errors", TOPIC_ERRORS, NULL,
                        KS_CONNECTED(.parents = { "score" }));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * topology_dsl.c - the application by operators.
 *
 *      models -> check -> models-accepted ~> (global table) --.
 *                                                             v
 *      mdata -------------------------------------------> left join -> verdicts
 *                                                                        |-- refused -> errors
 *                                                                        |-- scored  -> scores
 *                                                                        `-- samples by model
 *                                                                              -> statistics
 *
 * A verdict is a score (score.h) or a refusal (refusal.h); the first byte tells which. Statistics
 * are grouped by model, so each lives in one partition, whichever task scored.
 */
#include <string.h>

#include "check_model.h"
#include "refusal.h"
#include "served.h"
#include "statistics.h"
#include "topics.h"
#include "topology.h"

/* What the statistics want to know of a verdict. Travels through a repartition topic. */
struct sample {
    uint64_t took_ns;
    uint64_t is_scored;
};

static ks_status by_subject(ks_ctx *ctx, const ks_record *wine, ks_bytes *io, void *user)
{
    (void)ctx, (void)wine, (void)user;
    *io = KS_TEXT(MODELS_KEY);
    return KS_OK;
}

static ks_bytes scored(ks_ctx *ctx, const struct score *score)
{
    unsigned char *bytes = ks_ctx_alloc(ctx, SCORE_BYTES_MAX);

    return ks_bytes_of(bytes, score_encode(score, bytes));
}

static ks_bytes refused(ks_ctx *ctx, const struct score *score, const struct reason *reason,
                        ks_bytes original)
{
    struct refusal refusal = { .version = score->version,
                               .reason = ks_bytes_text(reason->text),
                               .original = original };

    memcpy(refusal.name, score->name, sizeof(refusal.name));
    return refusal_encode(ctx, &refusal);
}

static ks_status judge(ks_ctx *ctx, const ks_record *wine, const ks_record *model, ks_bytes *out,
                       void *user)
{
    struct served *served = ks_ctx_local(ctx, sizeof(*served), served_close);
    struct score   score;
    struct reason  reason;

    (void)user;
    if (served == NULL)
        return KS_ENOMEM;
    if (served_score(served, model->value, wine->value, &score, &reason))
        *out = scored(ctx, &score);
    else
        *out = refused(ctx, &score, &reason, wine->value);
    return KS_OK;
}

static bool is_refused(ks_ctx *ctx, const ks_record *verdict, void *user)
{
    struct refusal refusal;

    (void)ctx, (void)user;
    return refusal_decode(&refusal, verdict->value);
}

static ks_status restore_original(ks_ctx *ctx, ks_record *verdict, void *user)
{
    struct refusal refusal;

    (void)user;
    if (!refusal_decode(&refusal, verdict->value))
        return ks_ctx_fail_text(ctx, "a refusal does not decode");
    verdict->value = refusal.original;
    refusal_label(ctx, verdict, refusal.reason);
    return KS_OK;
}

/* Verdicts without a model are nobody's statistics. */
static ks_status sample_by_model(ks_ctx *ctx, ks_record *verdict, void *user)
{
    struct score   score = { 0 };
    struct refusal refusal;
    struct reason  reason;
    struct sample *sample = ks_ctx_alloc(ctx, sizeof(*sample));
    unsigned char *key = ks_ctx_alloc(ctx, STATISTICS_KEY_MAX);

    (void)user;
    if (refusal_decode(&refusal, verdict->value)) {
        score.version = refusal.version;
        memcpy(score.name, refusal.name, sizeof(score.name));
    } else if (score_decode(&score, verdict->value.data, verdict->value.size, &reason)) {
        sample->took_ns = score.took_ns;
        sample->is_scored = 1;
    }
    if (score.version == 0)
        return KS_SKIP;
    verdict->key = ks_bytes_of(key, statistics_key(score.name, score.version, key));
    verdict->value = ks_bytes_of(sample, sizeof(*sample));
    return KS_OK;
}

static ks_status count_sample(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    struct statistics *statistics = ks_ctx_edit(ctx, acc, sizeof(*statistics));
    struct sample      sample;

    (void)user;
    if (!ks_bytes_read(&sample, sizeof(sample), record->value) ||
        !statistics_of_key(statistics, record->key.data, record->key.size))
        return ks_ctx_fail_text(ctx, "a sample does not decode");
    statistics_add(statistics, record->timestamp_ms, sample.took_ns, sample.is_scored == 1);
    return KS_OK;
}

static ks_global_table *models(ks_builder *b)
{
    ks_stream *all = ks_builder_stream(
        b, TOPIC_MODELS, KS_CONSUMED(.name = "read-models", .key = ks_serde_utf8()));

    ks_builder_add_store(b, KS_KV_STORE(STORE_VERSIONS, .key = ks_serde_utf8(),
                                        .value = ks_serde_i64()));
    ks_stream *checked = ks_stream_process_values(
        all, &check_model, NULL, KS_CONNECTED(.name = "check-model", .stores = { STORE_VERSIONS }));
    ks_stream_to(checked, TOPIC_ACCEPTED, KS_PRODUCED(.name = CHILD_ACCEPTED));
    ks_stream_to(checked, TOPIC_ERRORS, KS_PRODUCED(.name = CHILD_REJECTED));
    return ks_builder_global_table(
        b, TOPIC_ACCEPTED, KS_CONSUMED(.name = "read-accepted", .key = ks_serde_utf8()),
        KS_MATERIALIZED(.store = STORE_MODELS));
}

void topology_dsl(ks_builder *b)
{
    ks_global_table *served = models(b);
    ks_stream       *wines = ks_builder_stream(
        b, TOPIC_WINES, KS_CONSUMED(.name = "read-wines", .key = ks_serde_i64()));
    ks_stream *verdicts =
        ks_stream_left_join_global(wines, served, by_subject, judge, NULL,
                                   KS_JOINED(.name = "score", .out = ks_serde_bytes()));
    ks_split  *split = ks_stream_split(verdicts, KS_NAMED("verdicts"));
    ks_stream *bad = ks_split_branch(split, is_refused, NULL, KS_NAMED("-refused"));
    ks_stream *good = ks_split_default(split, KS_NAMED("-scored"));
    ks_stream *raw = ks_stream_map_values(bad, restore_original, NULL, KS_NAMED("original"));
    ks_stream *samples = ks_stream_map(
        verdicts, sample_by_model, NULL,
        KS_NAMED("sample", .key = ks_serde_bytes(), .value = KS_STRUCT(struct sample)));
    ks_grouped_stream *by_model = ks_stream_group_by_key(samples, KS_GROUPED(.name = "by-model"));

    ks_stream_to(good, TOPIC_SCORES, KS_PRODUCED(.name = "write-scores"));
    ks_stream_to(raw, TOPIC_ERRORS, KS_PRODUCED(.name = "write-errors"));
    ks_grouped_stream_aggregate(by_model, KS_AGGREGATE(.add = count_sample),
                                KS_MATERIALIZED(.name = "count", .store = STORE_STATISTICS,
                                                .value = KS_STRUCT(struct statistics)));
}

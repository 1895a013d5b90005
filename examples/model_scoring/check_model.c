/* SPDX-License-Identifier: Apache-2.0
 *
 * check_model.c - see check_model.h.
 *
 * A model is accepted when it is a whole record, parses against the wine's features, and is newer
 * than the one accepted before. So what the global table reads always serves, also right after a
 * restart, and versions never go back.
 */
#include <inttypes.h>

#include "check_model.h"
#include "envelope.h"
#include "model.h"
#include "refusal.h"
#include "topics.h"
#include "wine.h"

struct checker {
    ks_kv_store    *versions;
    const ks_child *accepted;
    const ks_child *rejected;
};

static ks_status checker_open(ks_ctx *ctx, void *self, void *user)
{
    struct checker *checker = self;

    (void)user;
    checker->versions = ks_ctx_kv_store(ctx, STORE_VERSIONS);
    checker->accepted = ks_ctx_child(ctx, CHILD_ACCEPTED);
    checker->rejected = ks_ctx_child(ctx, CHILD_REJECTED);
    return KS_OK;
}

/* The version of a model that may serve; 0 with a reason: it may not. */
static uint64_t check(const struct checker *checker, const ks_record *record,
                      struct reason *reason)
{
    struct envelope envelope;
    struct model   *model;
    ks_record       last;
    int64_t         newest;

    if (!ks_bytes_equal(record->key, KS_TEXT(MODELS_KEY))) {
        reason_set(reason, "the key of a model must be \"%s\"", MODELS_KEY);
        return 0;
    }
    if (!envelope_decode(&envelope, record->value.data, record->value.size, reason))
        return 0;
    ks_kv_store_get(checker->versions, record->key, &last);
    newest = ks_bytes_i64(last.value, 0);
    if (envelope.version <= (uint64_t)newest) {
        reason_set(reason, "version %" PRIu64 " is not newer than %" PRId64, envelope.version,
                   newest);
        return 0;
    }
    model = model_parse(envelope.kind, envelope.model, envelope.size, &wine_features, reason);
    model_free(model);
    return model != NULL ? envelope.version : 0;
}

static ks_status checker_process(ks_ctx *ctx, const ks_record *record, void *self)
{
    struct checker *checker = self;
    struct reason   reason = { "" };
    ks_record       refused = *record;
    uint64_t        version = check(checker, record, &reason);

    if (version != 0) {
        ks_kv_store_put(checker->versions, record->key, ks_ctx_i64(ctx, (int64_t)version));
        ks_ctx_forward_to(ctx, checker->accepted, record);
        return KS_OK;
    }
    refusal_label(ctx, &refused, ks_bytes_text(reason.text));
    ks_ctx_forward_to(ctx, checker->rejected, &refused);
    return KS_OK;
}

const ks_processor check_model = KS_PROCESSOR(
    .state_size = sizeof(struct checker), .open = checker_open, .process = checker_process);

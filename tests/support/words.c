/* SPDX-License-Identifier: Apache-2.0
 *
 * words.c - word count, as in the example.
 */
#include "support/words.h"

static ks_status split(ks_ctx *ctx, const ks_record *line, void *user)
{
    (void)user;
    for (ks_bytes rest = line->value, word; ks_bytes_word(&rest, &word);)
        ks_ctx_forward_value(ctx, word);
    return KS_OK;
}

static ks_status by_word(ks_ctx *ctx, const ks_record *word, ks_bytes *key, void *user)
{
    (void)ctx, (void)user;
    *key = word->value;
    return KS_OK;
}

ks_topology *words_topology(const char *input, const char *output)
{
    ks_builder  *b = ks_builder_new();
    ks_topology *topology;

    ks_stream         *lines  = ks_builder_stream(b, input, KS_CONSUMED(.value = ks_serde_utf8()));
    ks_stream         *words  = ks_stream_flat_map_values(lines, split, NULL, KS_NAMED("split"));
    ks_grouped_stream *groups = ks_stream_group_by(words, by_word, NULL, KS_GROUPED(.name = "by"));
    ks_table          *counts = ks_grouped_stream_count(groups, KS_MATERIALIZED(.store = "counts"));
    ks_stream         *totals = ks_table_to_stream(counts, KS_NAMED("totals"));

    ks_stream_to(totals, output, KS_PRODUCED(.value = ks_serde_i64()));
    ks_builder_build(b, &topology);
    ks_builder_free(b);
    return topology;
}

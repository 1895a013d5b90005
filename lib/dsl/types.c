/* SPDX-License-Identifier: Apache-2.0
 *
 * types.c - do declared serdes agree with what flows?
 *
 *      declared  found     result
 *      -         -         unknown
 *      -         i64       i64
 *      f64       -         f64
 *      f64       i64       a mistake: where, found, expected, the fix
 */
#include "dsl/dsl.h"

#include "serde/serde.h"

bool ks__agree(ks_builder *b, const struct ks__call *call, const char *member,
               const ks_serde **declared, const struct ks__found *found)
{
    if (*declared == NULL) {
        *declared = found->serde;
        return true;
    }
    if (ks__serde_fits(*declared, found->serde))
        return true;
    if (found->options != NULL)
        ks__latch(b, call, KS_ETYPE, "%s serde is %s but \"%s\" yields %s; use %s(.%s = %s)",
                  member, ks_serde_name(*declared), found->yielder, ks_serde_name(found->serde),
                  found->options, member, found->serde->literal);
    else
        ks__latch(b, call, KS_ETYPE, "%s serde is %s but \"%s\" yields %s", member,
                  ks_serde_name(*declared), found->yielder, ks_serde_name(found->serde));
    return false;
}

bool ks__agree_keys(ks_builder *b, const struct ks__call *call, const ks_serde **declared,
                    const struct ks__found *left, const struct ks__found *right)
{
    if (!ks__serde_fits(left->serde, right->serde)) {
        ks__latch(b, call, KS_ETYPE,
                  "the keys of the two sides differ: \"%s\" yields %s, \"%s\" yields %s; give one"
                  " side the other's key first (ks_stream_select_key(), ks_stream_map())",
                  left->yielder, ks_serde_name(left->serde), right->yielder,
                  ks_serde_name(right->serde));
        return false;
    }
    return ks__agree(b, call, "key", declared, left) && ks__agree(b, call, "key", declared, right);
}

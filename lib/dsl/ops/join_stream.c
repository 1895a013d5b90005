/* SPDX-License-Identifier: Apache-2.0
 *
 * join_stream.c - declaring a join of two streams: five nodes, two or three stores.
 *
 * Names follow Kafka Streams: indexes are taken for both windows, both joins and the merge, in this
 * order. Not here: the operators (join_stream_op.c).
 */
#include "dsl/ops/join_stream.h"

#include <string.h>

enum join_kind { JOIN_INNER, JOIN_LEFT, JOIN_OUTER };

/* A join under construction. */
struct join {
    ks_builder          *b;
    struct ks__call      call;
    ks_stream_joined     options;
    enum join_kind       kind;
    struct ks__join_span span; /* as the left side sees it */
    ks_joiner_fn        *fn;
    void                *user;
    ks_stream            left, right; /* after repartition */
    const char          *names[5];    /* windows, joins, merge */
    const char          *stores[3];   /* left, right, waiting */
};

/* ---- windows ---- */

static bool read_windows(struct join *j, const ks_join_windows *given)
{
    ks_join_windows w;

    if (!ks__need(j->b, &j->call, given != NULL, "windows (KS_WITHIN)") ||
        !ks__enter_more(j->b, &j->call, given, &w, sizeof(w)))
        return false;
    if (w.difference_ms != 0 && (w.before_ms != 0 || w.after_ms != 0))
        return ks__latch(j->b, &j->call, KS_EINVAL,
                         ".difference_ms is before and after alike; leave out the others") != NULL;
    if (w.difference_ms < 0 || w.grace_ms < 0)
        return ks__latch(j->b, &j->call, KS_EINVAL,
                         ".difference_ms and .grace_ms must not be negative") != NULL;
    if (w.difference_ms != 0)
        w.before_ms = w.after_ms = w.difference_ms;
    if (ks__time_add(w.before_ms, w.after_ms) < 0)
        return ks__latch(j->b, &j->call, KS_EINVAL,
                         "the windows end (%lld ms after) before they begin (%lld ms before)",
                         (long long)w.after_ms, (long long)w.before_ms) != NULL;
    j->span = (struct ks__join_span){ w.before_ms, w.after_ms, w.grace_ms };
    return true;
}

/* ---- names ---- */

static const char *suffixed(struct join *j, const char *name, const char *suffix)
{
    return name != NULL ? ks__join_text(j->b, name, suffix) : NULL;
}

static const char *node_name(struct join *j, const char *suffix, const char *generated)
{
    const char *given = suffixed(j, j->call.name, suffix);

    return given != NULL ? given : generated;
}

static void choose_names(struct join *j)
{
    const bool  right_outer = j->kind == JOIN_OUTER, left_outer = j->kind != JOIN_INNER;
    const char *this_suffix = right_outer ? "-outer-this-join" : "-this-join";
    const char *that_suffix = left_outer ? "-outer-other-join" : "-other-join";
    const char *this_prefix = right_outer ? "KSTREAM-OUTERTHIS-" : "KSTREAM-JOINTHIS-";
    const char *base        = j->options.store;
    const char *left, *right, *shared = NULL;

    j->names[0] = node_name(j, "-this-windowed", ks__generate(j->b, ks__join_keep_class.prefix));
    j->names[1] = node_name(j, "-other-windowed", ks__generate(j->b, ks__join_keep_class.prefix));
    left        = ks__generate(j->b, this_prefix);
    right       = ks__generate(j->b, left_outer ? "KSTREAM-OUTEROTHER-" : "KSTREAM-JOINOTHER-");
    j->names[2] = node_name(j, this_suffix, left);
    j->names[3] = node_name(j, that_suffix, right);
    j->names[4] = node_name(j, "-merge", ks__generate(j->b, ks__pass_class.prefix));
    if (left_outer && left != NULL)
        shared = ks__join_text(j->b, "KSTREAM-OUTERSHARED-", left + strlen(this_prefix));
    if (base != NULL) {
        left   = suffixed(j, base, this_suffix);
        right  = suffixed(j, base, that_suffix);
        shared = suffixed(j, base, right_outer ? "-outer-shared-join" : "-left-shared-join");
    }
    j->stores[0] = suffixed(j, left, "-store");
    j->stores[1] = suffixed(j, right, "-store");
    j->stores[2] = left_outer ? suffixed(j, shared, "-store") : NULL;
}

/* ---- stores ---- */

static bool add_stores(struct join *j)
{
    const int64_t width = ks__time_add(ks__time_add(j->span.before_ms, j->span.after_ms),
                                       j->span.grace_ms);
    struct ks__store_spec side = { .kind         = KS__STORE_WINDOW,
                                   .key          = j->options.key,
                                   .value        = j->options.value,
                                   .changelog    = j->options.changelog != KS_OFF,
                                   .topic_config = j->options.topic_config,
                                   .plain        = true,
                                   .duplicates   = true,
                                   .retention_ms = width,
                                   .keep_ms      = ks__time_add(width, 1),
                                   .window_ms    = ks__time_add(j->span.before_ms,
                                                                j->span.after_ms) };
    const struct ks__store_spec waiting = { .name      = j->stores[2],
                                            .kind      = KS__STORE_KV,
                                            .changelog = side.changelog,
                                            .topic_config = side.topic_config,
                                            .plain     = true };

    side.name = j->stores[0];
    if (!ks__store_add(j->b, &j->call, &side))
        return false;
    side.name  = j->stores[1];
    side.value = j->options.other;
    if (!ks__store_add(j->b, &j->call, &side))
        return false;
    return j->stores[2] == NULL || ks__store_add(j->b, &j->call, &waiting);
}

/* ---- nodes ---- */

static struct ks__logical *add_node(struct join *j, const char *name,
                                    const struct ks__op_class *class, const void *args,
                                    size_t args_size, struct ks__logical *const *parents,
                                    size_t parent_count)
{
    return ks__logical_add(j->b, &j->call,
                           &(struct ks__logical_seed){ .kind         = KS__LOGICAL_PROCESSOR,
                                                       .name         = name,
                                                       .class        = class,
                                                       .args         = args,
                                                       .args_size    = args_size,
                                                       .user         = j->user,
                                                       .parents      = parents,
                                                       .parent_count = parent_count });
}

static struct ks__logical *add_keep(struct join *j, unsigned n, struct ks__logical *parent)
{
    const struct ks__join_keep_args args = { .store = j->stores[n] };
    struct ks__logical             *node = add_node(j, j->names[n], &ks__join_keep_class, &args,
                                                    sizeof(args), &parent, 1);

    if (node == NULL)
        return NULL;
    ks__logical_use_store(j->b, node, j->stores[n]);
    /* Both sides of a left join: the optional one drops and counts them itself. */
    node->null_keys = j->kind != JOIN_INNER;
    return node;
}

static struct ks__logical *add_side(struct join *j, unsigned n, struct ks__logical *parent)
{
    const struct ks__join_side_args args = {
        .join    = j->fn,
        .other   = j->stores[1 - n],
        .waiting = j->stores[2],
        .span    = n == 0 ? j->span : ks__join_mirror(&j->span),
        .left    = n == 0,
        .outer   = n == 0 ? j->kind != JOIN_INNER : j->kind == JOIN_OUTER,
    };
    struct ks__logical *node = add_node(j, j->names[2 + n], &ks__join_side_class, &args,
                                        sizeof(args), &parent, 1);

    if (node == NULL)
        return NULL;
    ks__logical_use_store(j->b, node, args.other);
    if (args.waiting != NULL)
        ks__logical_use_store(j->b, node, args.waiting);
    return node;
}

/* What the five nodes become if the two streams turn out to be one: build decides. */
static void add_self(struct join *j, struct ks__logical *merge, struct ks__logical *const *keeps,
                     struct ks__logical *const *sides)
{
    const struct ks__join_self_args args = { .join        = j->fn,
                                             .store       = j->stores[0],
                                             .span        = j->span,
                                             .left_outer  = j->kind != JOIN_INNER,
                                             .right_outer = j->kind == JOIN_OUTER };
    const struct ks__self_join      self = {
             .keeps     = { keeps[0], keeps[1] },
             .sides     = { sides[0], sides[1] },
             .stores    = { j->stores[0], j->stores[1], j->stores[2] },
             .class     = &ks__join_self_class,
             .args      = ks__owned_copy(j->b->owned, &args, sizeof(args)),
             .args_size = sizeof(args),
    };

    /* A record that does not meet itself would have to wait for its partner. */
    if (merge == NULL || (j->kind != JOIN_INNER && (j->span.before_ms < 0 || j->span.after_ms < 0)))
        return;
    merge->self = ks__owned_copy(j->b->owned, &self, sizeof(self));
    if (merge->self == NULL || self.args == NULL)
        ks__latch_no_memory(j->b);
}

static ks_stream *add_nodes(struct join *j)
{
    ks_stream           like = j->left;
    struct ks__logical *keeps[2], *sides[2], *merge;

    choose_names(j);
    if (j->b->error.status != KS_OK || !add_stores(j))
        return ks__inert(j->b);
    keeps[0] = add_keep(j, 0, j->left.node);
    keeps[1] = keeps[0] != NULL ? add_keep(j, 1, j->right.node) : NULL;
    sides[0] = keeps[1] != NULL ? add_side(j, 0, keeps[0]) : NULL;
    sides[1] = sides[0] != NULL ? add_side(j, 1, keeps[1]) : NULL;
    if (sides[1] == NULL)
        return ks__inert(j->b);
    merge        = add_node(j, j->names[4], &ks__pass_class, NULL, 0, sides, 2);
    add_self(j, merge, keeps, sides);
    like.sources = ks__sources_union(j->b, j->left.sources, j->right.sources);
    ks__copartition(j->b, like.sources, j->names[4]);
    return ks__stream_typed(ks__stream_make(&like, merge), j->options.key, j->options.out);
}

/* ---- declaration ---- */

static bool agree(struct join *j, const ks_stream *left, const ks_stream *right)
{
    return ks__agree_keys(
               j->b, &j->call, &j->options.key,
               &(struct ks__found){ left->key, left->node->name, "KS_STREAM_JOINED" },
               &(struct ks__found){ right->key, right->node->name, "KS_STREAM_JOINED" }) &&
           ks__agree(j->b, &j->call, "value", &j->options.value,
                     &(struct ks__found){ left->value, left->node->name, "KS_STREAM_JOINED" }) &&
           ks__agree(j->b, &j->call, "other", &j->options.other,
                     &(struct ks__found){ right->value, right->node->name, "KS_STREAM_JOINED" });
}

static bool gather(struct join *j, ks_stream *s, const char *suffix, const ks_serde *value,
                   ks_stream *gathered)
{
    const struct ks__gathering how = { suffixed(j, j->call.name, suffix), j->options.key, value };

    *gathered = *s;
    return !s->rekeyed || ks__stream_gather(s, &j->call, &how, gathered);
}

static ks_stream *join_streams(struct join *j, ks_stream *left, ks_stream *right,
                               const ks_join_windows *windows, const ks_stream_joined *joined,
                               const char *function)
{
    if (!ks__enter(left, KS__KIND_STREAM, function, joined, &j->options, sizeof(j->options),
                   &j->call))
        return ks__inert(left);
    j->b = left->head.builder;
    if (!ks__enter_other(j->b, &j->call, right, KS__KIND_STREAM, "the right side") ||
        !ks__need(j->b, &j->call, j->fn != NULL, "a joiner") || !read_windows(j, windows) ||
        !agree(j, left, right) || !gather(j, left, "-left", j->options.value, &j->left) ||
        !gather(j, right, "-right", j->options.other, &j->right))
        return ks__inert(left);
    return add_nodes(j);
}

ks_stream *ks_stream_join_stream(ks_stream *left, ks_stream *right,
                                 const ks_join_windows *windows, ks_joiner_fn *join, void *user,
                                 const ks_stream_joined *joined)
{
    struct join j = { .kind = JOIN_INNER, .fn = join, .user = user };

    return join_streams(&j, left, right, windows, joined, __func__);
}

ks_stream *ks_stream_left_join_stream(ks_stream *left, ks_stream *right,
                                      const ks_join_windows *windows, ks_joiner_fn *join,
                                      void *user, const ks_stream_joined *joined)
{
    struct join j = { .kind = JOIN_LEFT, .fn = join, .user = user };

    return join_streams(&j, left, right, windows, joined, __func__);
}

ks_stream *ks_stream_outer_join_stream(ks_stream *left, ks_stream *right,
                                       const ks_join_windows *windows, ks_joiner_fn *join,
                                       void *user, const ks_stream_joined *joined)
{
    struct join j = { .kind = JOIN_OUTER, .fn = join, .user = user };

    return join_streams(&j, left, right, windows, joined, __func__);
}

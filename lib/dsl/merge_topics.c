/* SPDX-License-Identifier: Apache-2.0
 *
 * merge_topics.c - one repartition topic for all that follows a change of key.
 *
 *      select_key ─┬─> filter ─> [a-repartition] ─> count         select_key ─> [a-repartition]
 *                  └─> [b-repartition] ─> reduce             ==>    ─┬─> filter ─> count
 *                                                                    └─> reduce
 *
 * The place of a topic is the operator that changed the key last, if no operator between makes
 * values, or a stream merge above which all topics of that operator lie. What stood between moves
 * behind the topic, which has the name of the first of those it replaces. That is Kafka Streams'
 * rule (InternalStreamsBuilder#mergeRepartitionTopics), also for a single topic.
 *
 * RW2: a topic is merged only if all records that reach it come from the place, with the place's
 * keys. Kafka Streams merges others too and then aggregates records on a partition that is not
 * theirs, or fails. Something else than grouping behind what moved still gets its null keys.
 *
 * Kafka takes three indexes for the new nodes; nothing is named after them.
 */
#include "dsl/rewrite.h"

#include <string.h>

/* A place, and an operator whose topics shall stand there. */
struct site {
    struct ks__logical *place;
    struct ks__logical *changer;
};

struct merging {
    struct ks__rewrite  *r;
    struct ks__logical **topics; /* that may move, in the order of declaration */
    size_t               topic_count;
    struct site         *sites;  /* at merges, then at the operators themselves */
    size_t               site_count, site_capacity;
};

/* ---- which topics, where to ---- */

static bool changes(const struct ks__logical *node, const void *what)
{
    (void)what;
    return node->effect != KS__EFFECT_NONE;
}

static bool is_movable(const struct ks__logical *node)
{
    return node->kind == KS__LOGICAL_REPARTITION && node->repartition->movable;
}

/* Is the change of key the last change above the topic? */
static void find_origin(struct ks__rewrite *r, struct ks__logical *topic)
{
    struct ks__logical *last = ks__rewrite_find(r, topic, changes, NULL);

    topic->origin = last != NULL && last->effect == KS__EFFECT_KEY ? last : NULL;
}

static bool is_below(struct ks__rewrite *r, struct ks__logical *node,
                     const struct ks__logical *above)
{
    return ks__rewrite_find(r, node, ks__logical_has_parent, above) != NULL;
}

static bool has_topics(const struct merging *m, const struct ks__logical *changer)
{
    for (size_t i = 0; i < m->topic_count; i++)
        if (m->topics[i]->origin == changer)
            return true;
    return false;
}

/* Do all topics of the changer lie below the merge, and the merge below the changer? */
static bool gathers(const struct merging *m, struct ks__logical *merge,
                    const struct ks__logical *changer)
{
    for (size_t i = 0; i < m->topic_count; i++)
        if (m->topics[i]->origin == changer && !is_below(m->r, m->topics[i], merge))
            return false;
    return is_below(m->r, merge, changer);
}

static void add_site(struct merging *m, struct ks__logical *place, struct ks__logical *changer)
{
    if (KS__GROW(&m->sites, &m->site_capacity, m->site_count + 1))
        m->sites[m->site_count++] = (struct site){ place, changer };
    else
        m->r->failed = true;
}

static bool has_site(const struct merging *m, const struct ks__logical *changer)
{
    for (size_t i = 0; i < m->site_count; i++)
        if (m->sites[i].changer == changer)
            return true;
    return false;
}

static bool is_changer(const struct merging *m, const struct ks__logical *node)
{
    return node->effect == KS__EFFECT_KEY && has_topics(m, node);
}

static void find_sites(struct merging *m)
{
    struct ks__rewrite *r = m->r;

    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; r->nodes[i]->merges && k < r->count; k++)
            if (is_changer(m, r->nodes[k]) && gathers(m, r->nodes[i], r->nodes[k]))
                add_site(m, r->nodes[i], r->nodes[k]);
    for (size_t k = 0; k < r->count; k++)
        if (is_changer(m, r->nodes[k]) && !has_site(m, r->nodes[k]))
            add_site(m, r->nodes[k], r->nodes[k]);
}

static bool open_merging(struct merging *m)
{
    struct ks__rewrite *r = m->r;

    m->topics = ks__zalloc_array(r->count + 1, sizeof(struct ks__logical *));
    if (m->topics == NULL) {
        r->failed = true;
        return false;
    }
    for (size_t i = 0; i < r->count; i++)
        if (is_movable(r->nodes[i])) {
            find_origin(r, r->nodes[i]);
            m->topics[m->topic_count++] = r->nodes[i];
        }
    find_sites(m);
    return !r->failed;
}

/* ---- one topic ---- */

/* The merged topic of a place. */
struct merged {
    struct ks__logical *place;
    struct ks__logical *node; /* NULL = nothing was moved yet */
};

/* Is the node right behind the place? The merged topic itself is not meant. */
static bool follows_place(const struct ks__logical *node, const void *what)
{
    const struct merged *to = what;

    return node != to->node && ks__logical_has_parent(node, to->place);
}

static bool uses_store(const struct ks__logical *node, const char *store)
{
    for (const struct ks__store_use *use = node->stores; use != NULL; use = use->next)
        if (strcmp(use->store, store) == 0)
            return true;
    return false;
}

/* A processor that moves alone would take its stores to other tasks than those who share them. */
static bool shares_stores(const struct ks__rewrite *r, const struct ks__logical *node)
{
    if (node->class != &ks__processor_class)
        return false;
    for (const struct ks__store_use *use = node->stores; use != NULL; use = use->next)
        for (size_t i = 0; i < r->count; i++)
            if (r->nodes[i] != node && uses_store(r->nodes[i], use->store))
                return true;
    return false;
}

/* May the parent stand above a topic that moves: is it the merged topic, or the place by way of
 * `child`, or something whose own parents decide? */
static bool is_way(const struct merged *to, const struct ks__logical *node,
                   const struct ks__logical *parent, const struct ks__logical *child)
{
    if (parent == to->place)
        return node == child;
    return parent == to->node ||
           (parent->kind == KS__LOGICAL_PROCESSOR && parent->now_count > 0 &&
            parent->effect != KS__EFFECT_KEY && parent->effect != KS__EFFECT_ANY);
}

/* Do all records that reach the topic come from the place, with its keys (RW2)? Marks what is
 * between. */
static bool is_safe(struct ks__rewrite *r, const struct merged *to, struct ks__logical *topic,
                    const struct ks__logical *child)
{
    r->round++;
    r->stack_size = 0;
    ks__rewrite_push(r, topic);
    while (r->stack_size > 0 && !r->failed) {
        struct ks__logical *node = r->stack[--r->stack_size];

        node->mark = r->round;
        if (shares_stores(r, node))
            return false;
        for (size_t i = 0; i < node->now_count; i++) {
            if (!is_way(to, node, node->now[i], child))
                return false;
            if (node->now[i] != to->place && node->now[i] != to->node)
                ks__rewrite_push(r, node->now[i]);
        }
    }
    return !r->failed;
}

static bool is_between(const struct ks__rewrite *r, const struct ks__logical *node,
                       const struct ks__logical *topic)
{
    return node->mark == r->round && node != topic;
}

/* Remember what moves; does all of it keep the types? */
static bool note_moved(struct ks__rewrite *r, struct ks__logical *topic,
                       struct ks__logical *merged)
{
    bool keeps = true;

    for (size_t i = 0; i < r->count; i++) {
        struct ks__logical *node = r->nodes[i];

        if (!is_between(r, node, topic))
            continue;
        node->moved_behind = merged;
        if (node->class == &ks__processor_class)
            merged->repartition->nulls_too = true; /* it may do something about them */
        keeps = keeps && (node->class->traits & KS__OP_KEEPS_TYPES) != 0;
    }
    return keeps;
}

static struct ks__logical *make_merged(struct ks__rewrite *r, struct ks__logical *place,
                                       const struct ks__logical *first)
{
    const char                  *topic = first->repartition->topic;
    struct ks__logical          *node  = ks__arena_zalloc(&r->arena, sizeof(*node));
    struct ks__repartition_part *part  = ks__arena_zalloc(&r->arena, sizeof(*part));

    if (node == NULL || part == NULL ||
        !KS__GROW(&r->nodes, &r->capacity, r->count + 1)) {
        r->failed = true;
        return NULL;
    }
    *part = (struct ks__repartition_part){ .topic       = topic,
                                           .filter_name = ks__join_text(r->b, topic, "-filter"),
                                           .sink_name   = ks__join_text(r->b, topic, "-sink") };
    *node = (struct ks__logical){ .kind        = KS__LOGICAL_REPARTITION,
                                  .call        = first->call,
                                  .name        = ks__join_text(r->b, topic, "-source"),
                                  .class       = first->class,
                                  .priority    = place->priority,
                                  .made        = true,
                                  .repartition = part };
    r->failed = r->failed || part->filter_name == NULL || part->sink_name == NULL ||
                node->name == NULL;
    ks__rewrite_reparent(r, node, NULL, &place, 1);
    r->nodes[r->count++] = node;
    return r->failed ? NULL : node;
}

/* The topic's children become those of its parents. */
static void take_out(struct ks__rewrite *r, struct ks__logical *topic, struct ks__logical *merged)
{
    for (size_t i = 0; i < r->count; i++) {
        struct ks__logical *node = r->nodes[i];

        if (!ks__logical_has_parent(node, topic))
            continue;
        ks__rewrite_reparent(r, node, topic, topic->now, topic->now_count);
        node->fed_by = merged;
    }
    topic->gone    = true;
    topic->instead = merged;
}

static void move_topic(struct ks__rewrite *r, struct merged *to, struct ks__logical *topic)
{
    struct ks__logical          *child = ks__rewrite_find(r, topic, follows_place, to);
    struct ks__repartition_part *part;
    bool                         typed;

    if (topic->gone || !is_safe(r, to, topic, child))
        return;
    if (to->node == NULL)
        to->node = make_merged(r, to->place, topic);
    if (to->node == NULL)
        return;
    part  = to->node->repartition;
    typed = note_moved(r, topic, to->node);
    if (part->key == NULL)
        part->key = topic->repartition->key;
    if (part->value == NULL && typed)
        part->value = topic->repartition->value;
    if (child != NULL)
        ks__rewrite_reparent(r, child, to->place, &to->node, 1);
    take_out(r, topic, to->node);
}

/* ---- all topics of a place ---- */

/* Does something get records behind what moved that is not behind one of the old topics? */
static bool feeds_others(const struct ks__rewrite *r, const struct ks__logical *merged)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct ks__logical *node = r->nodes[i];

        if (node->gone || node->moved_behind == merged || node->fed_by == merged ||
            node->kind == KS__LOGICAL_REPARTITION)
            continue;
        for (size_t k = 0; k < node->now_count; k++)
            if (node->now[k]->moved_behind == merged)
                return true;
    }
    return false;
}

/* The sites from `first` that have one place; returns how many. */
static size_t merge_at(struct merging *m, size_t first)
{
    struct merged to   = { .place = m->sites[first].place };
    size_t        next = first;

    for (; next < m->site_count && m->sites[next].place == to.place; next++)
        for (size_t i = 0; i < m->topic_count && !m->r->failed; i++)
            if (m->topics[i]->origin == m->sites[next].changer)
                move_topic(m->r, &to, m->topics[i]);
    if (to.node != NULL && feeds_others(m->r, to.node))
        to.node->repartition->nulls_too = true;
    return next - first;
}

void ks__rewrite_merge_topics(struct ks__rewrite *r)
{
    struct merging m = { .r = r };

    if (open_merging(&m))
        for (size_t i = 0; i < m.site_count && !r->failed;)
            i += merge_at(&m, i);
    ks__free(m.topics);
    ks__free(m.sites);
}

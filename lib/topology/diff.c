/* SPDX-License-Identifier: Apache-2.0
 *
 * diff.c - two shapes compared: what an edit keeps, adds, leaves behind, breaks.
 *
 *      before ─┐  by name: stores, sources, topics     `why` per pair
 *              ├─ by content: sub-topologies        ──> entries ──sort──> the worst first
 *      after ──┘  by pattern: generated names whose number changed
 *
 * Changelogs are no items of a shape: their entries follow from those of their stores.
 *
 * Threads: one at a time.
 */
#include "topology/diff.h"

#include <stdlib.h>
#include <string.h>

/* ---- entries ---- */

static const char *keep(struct ks_diff *diff, const char *text)
{
    ks_bytes copy;

    if (text == NULL)
        return NULL;
    if (ks__arena_copy(&diff->arena, (ks_bytes){ text, strlen(text) + 1 }, &copy))
        return copy.data;
    diff->failed = true;
    return "";
}

const char *ks__diff_why(struct ks_diff *diff, const char *format, ...)
{
    struct ks__buffer text = { 0 };
    va_list           arguments;
    const char       *kept;

    va_start(arguments, format);
    ks__buffer_vprintf(&text, format, arguments);
    va_end(arguments);
    diff->failed = diff->failed || text.failed;
    kept         = diff->failed ? "" : keep(diff, ks__buffer_text(&text));
    ks__buffer_release(&text);
    return kept;
}

static void add(struct ks_diff *diff, const ks_difference *entry)
{
    if (diff->failed || !KS__GROW(&diff->entries, &diff->capacity, diff->count + 1)) {
        diff->failed = true;
        return;
    }
    diff->entries[diff->count]        = *entry;
    diff->entries[diff->count].before = keep(diff, entry->before);
    diff->entries[diff->count].after  = keep(diff, entry->after);
    diff->count++;
}

/* ---- pairs ---- */

static struct ks__shape_item *find(const struct ks__shape *shape, ks_diff_subject subject,
                                   const char *name)
{
    for (size_t i = 0; i < shape->count; i++)
        if (shape->items[i].subject == subject && strcmp(shape->items[i].name, name) == 0)
            return &shape->items[i];
    return NULL;
}

/* The entry of a changelog, named after its store. */
static void add_changelog(struct ks_diff *diff, const struct ks__shape_item *before,
                          const struct ks__shape_item *after, ks_diff_verdict verdict,
                          const char *why)
{
    const bool    was  = before != NULL && strcmp(before->fields[KS__SHAPE_CHANGELOG], "own") == 0;
    const bool    is   = after != NULL && strcmp(after->fields[KS__SHAPE_CHANGELOG], "own") == 0;
    ks_difference entry = { .subject = KS_DIFF_TOPIC, .verdict = verdict, .why = why };

    if (!was && !is)
        return;
    if (was)
        entry.before = ks__diff_why(diff, "%s-changelog", before->name);
    if (is)
        entry.after = ks__diff_why(diff, "%s-changelog", after->name);
    if (!was || !is) {
        entry.verdict = was ? KS_DIFF_ORPHANED : KS_DIFF_ADDED;
        entry.why     = was ? "nobody writes or restores it any more" : "";
    } else if (verdict == KS_DIFF_RESTORED) {
        entry.verdict = KS_DIFF_KEPT;
        entry.why     = "";
    }
    add(diff, &entry);
}

static void add_pair(struct ks_diff *diff, const struct ks__shape_item *before,
                     const struct ks__shape_item *after, struct ks__judgement judged)
{
    const ks_diff_subject subject = before != NULL ? before->subject : after->subject;

    add(diff, &(ks_difference){ .subject = subject,
                                .verdict = judged.verdict,
                                .before  = before != NULL ? before->name : NULL,
                                .after   = after != NULL ? after->name : NULL,
                                .why     = judged.why });
    if (subject == KS_DIFF_STORE)
        add_changelog(diff, before, after, judged.verdict, judged.why);
}

/* ---- who belongs to whom ---- */

static bool is_matched(const struct ks__match *matches, size_t count,
                       const struct ks__shape_item *before)
{
    for (size_t i = 0; i < count; i++)
        if (matches[i].before == before)
            return true;
    return false;
}

/* How much of what two sub-topologies hold is the same; stores weigh more than topics. */
static size_t likeness(const struct ks_diff *diff, const struct ks__shape_item *one,
                       const struct ks__shape_item *other)
{
    const char *list  = one->fields[KS__SHAPE_HOLDS];
    size_t      score = 0;

    for (size_t i = 0; i < diff->before.count; i++) {
        const struct ks__shape_item *item = &diff->before.items[i];

        if (item->subject != KS_DIFF_SUBTOPOLOGY && ks__shape_lists(list, item->name) &&
            ks__shape_lists(other->fields[KS__SHAPE_HOLDS], item->name))
            score += item->subject == KS_DIFF_STORE ? 1000 : 1;
    }
    return score * 2 + (strcmp(one->name, other->name) == 0);
}

/* A sub-topology is the one that holds most of it. */
static const struct ks__shape_item *same_subtopology(const struct ks_diff *diff,
                                                     const struct ks__shape_item *after)
{
    const struct ks__shape_item *best  = NULL;
    size_t                       score = 1; /* the same number alone is not enough */

    for (size_t i = 0; i < diff->before.count; i++) {
        const struct ks__shape_item *item = &diff->before.items[i];
        size_t                       mine;

        if (item->subject != KS_DIFF_SUBTOPOLOGY ||
            is_matched(diff->matches, diff->match_count, item))
            continue;
        mine = likeness(diff, item, after);
        if (mine > score) {
            best  = item;
            score = mine;
        }
    }
    return best;
}

/* A generated name without its match may have had another number before. */
static const struct ks__shape_item *renamed(const struct ks_diff *diff,
                                            const struct ks__shape_item *after)
{
    for (size_t i = 0; i < diff->before.count; i++) {
        const struct ks__shape_item *item = &diff->before.items[i];

        if (item->subject == after->subject &&
            find(&diff->after, item->subject, item->name) == NULL &&
            !is_matched(diff->matches, diff->match_count, item) &&
            ks__diff_is_renamed(item, after))
            return item;
    }
    return NULL;
}

static const struct ks__shape_item *match_of(const struct ks_diff *diff,
                                             const struct ks__shape_item *after)
{
    const struct ks__shape_item *same;

    if (after->subject == KS_DIFF_SUBTOPOLOGY)
        return same_subtopology(diff, after);
    same = find(&diff->before, after->subject, after->name);
    return same != NULL ? same : renamed(diff, after);
}

/* ---- the whole ---- */

static void match_all(struct ks_diff *diff)
{
    diff->matches = ks__zalloc_array(diff->after.count + 1, sizeof(*diff->matches));
    if (diff->matches == NULL) {
        diff->failed = true;
        return;
    }
    for (size_t i = 0; i < diff->after.count; i++) {
        const struct ks__shape_item *after = &diff->after.items[i];

        diff->matches[diff->match_count].before = match_of(diff, after);
        diff->matches[diff->match_count].after  = after;
        diff->match_count++;
    }
}

static int by_verdict(const void *one, const void *other)
{
    const ks_difference *a = one, *b = other;

    if (a->verdict != b->verdict)
        return a->verdict > b->verdict ? -1 : 1;
    if (a->subject != b->subject)
        return a->subject > b->subject ? -1 : 1;
    return strcmp(a->after != NULL ? a->after : a->before, b->after != NULL ? b->after : b->before);
}

static void compare(struct ks_diff *diff)
{
    match_all(diff);
    for (size_t i = 0; i < diff->match_count && !diff->failed; i++) {
        const struct ks__match *match = &diff->matches[i];

        add_pair(diff, match->before, match->after, ks__diff_judge(diff, match));
    }
    for (size_t i = 0; i < diff->before.count && !diff->failed; i++) {
        const struct ks__match match = { .before = &diff->before.items[i] };

        if (!is_matched(diff->matches, diff->match_count, match.before))
            add_pair(diff, match.before, NULL, ks__diff_judge(diff, &match));
    }
    if (!diff->failed && diff->count > 0)
        qsort(diff->entries, diff->count, sizeof(*diff->entries), by_verdict);
}

static ks_diff *finish(struct ks_diff *diff, ks_status status, const ks_topology *after)
{
    if (status == KS_OK)
        status = ks__shape_of(&diff->after, after, &diff->error);
    if (status == KS_OK)
        compare(diff);
    if (diff->failed || diff->error.status == KS_ENOMEM) {
        ks_diff_free(diff);
        return NULL;
    }
    return diff;
}

static struct ks_diff *make_diff(void)
{
    struct ks_diff *diff = ks__zalloc(sizeof(*diff));

    if (diff != NULL && ks__arena_init(&diff->arena, 0, 0) != KS_OK) {
        ks__free(diff);
        return NULL;
    }
    return diff;
}

ks_diff *ks_topology_diff(const ks_topology *before, const ks_topology *after)
{
    struct ks_diff *diff = make_diff();

    return diff != NULL ? finish(diff, ks__shape_of(&diff->before, before, &diff->error), after)
                        : NULL;
}

ks_diff *ks_topology_diff_text(const char *before, const ks_topology *after)
{
    struct ks_diff *diff = make_diff();

    return diff != NULL ? finish(diff, ks__shape_read(&diff->before, before, &diff->error), after)
                        : NULL;
}

/* ---- reading ---- */

const ks_difference *ks_diff_next(ks_diff *diff)
{
    return diff != NULL && diff->next < diff->count ? &diff->entries[diff->next++] : NULL;
}

void ks_diff_rewind(ks_diff *diff)
{
    if (diff != NULL)
        diff->next = 0;
}

ks_diff_verdict ks_diff_worst(const ks_diff *diff)
{
    if (diff == NULL || ks__error_is_set(&diff->error))
        return KS_DIFF_BROKEN;
    return diff->count > 0 ? diff->entries[0].verdict : KS_DIFF_KEPT;
}

const ks_error *ks_diff_error(const ks_diff *diff)
{
    static const ks_error none = { .status = KS_ENOMEM, .message = "there is no diff" };

    return diff != NULL ? &diff->error : &none;
}

static void append_counts(struct ks__buffer *out, const struct ks_diff *diff)
{
    for (int verdict = KS_DIFF_BROKEN; verdict >= KS_DIFF_KEPT; verdict--) {
        size_t count = 0;

        for (size_t i = 0; i < diff->count; i++)
            count += (int)diff->entries[i].verdict == verdict;
        ks__buffer_printf(out, "%zu %s%s", count, ks__diff_verdict_name((ks_diff_verdict)verdict),
                          verdict > KS_DIFF_KEPT ? ", " : "\n");
    }
}

static void append_entry(struct ks__buffer *out, const ks_difference *entry)
{
    const char *name = entry->after != NULL ? entry->after : entry->before;

    ks__buffer_printf(out, "%-8s  %-12s %s", ks__diff_verdict_name(entry->verdict),
                      ks__diff_subject_name(entry->subject), name);
    if (entry->why[0] != '\0')
        ks__buffer_printf(out, ": %s", entry->why);
    ks__buffer_append_u8(out, '\n');
}

char *ks_diff_text(const ks_diff *diff)
{
    struct ks__buffer out = { 0 };

    if (diff == NULL || ks__error_is_set(&diff->error)) {
        ks__buffer_printf(&out, "cannot compare: %s\n", ks_error_message(ks_diff_error(diff)));
        return ks__buffer_steal_text(&out);
    }
    append_counts(&out, diff);
    for (size_t i = 0; i < diff->count; i++)
        append_entry(&out, &diff->entries[i]);
    return ks__buffer_steal_text(&out);
}

void ks_diff_free(ks_diff *diff)
{
    if (diff == NULL)
        return;
    ks__shape_release(&diff->before);
    ks__shape_release(&diff->after);
    ks__arena_release(&diff->arena);
    ks__free(diff->entries);
    ks__free(diff->matches);
    ks__free(diff);
}

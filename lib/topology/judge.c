/* SPDX-License-Identifier: Apache-2.0
 *
 * judge.c - does what a running application has left fit what the edited topology says of it?
 *
 * What decides:
 *   - the rows of a store and of its changelog: kind, types, layout, retention;
 *   - what windows they are of: rows tell only when one starts, so those of two cuts mix;
 *   - where they lie: by which topics, and in how many partitions, keys are distributed;
 *   - whose they are: a generated name may belong to another operator after an edit;
 *   - the task's directory: named by the number of its sub-topology, stamped with all stores in it.
 *     It is emptied when that changes, and filled again from the changelogs.
 */
#include "topology/diff.h"
#include "topology/names.h"

#include <stdlib.h>
#include <string.h>

#define VERDICT(verdict_, why_) ((struct ks__judgement){ (verdict_), (why_) })
#define KEPT                    VERDICT(KS_DIFF_KEPT, "")

/* ---- generated names ---- */

/* Equal but for the number? */
static bool are_alike(const char *one, const char *other)
{
    const size_t end = ks__name_number_end(one);

    return end > 0 && ks__name_number_end(other) == end &&
           strncmp(one, other, end - KS__NAME_DIGITS) == 0 && strcmp(one + end, other + end) == 0;
}

/* ---- fields ---- */

static const char *was(const struct ks__match *match, enum ks__shape_field field)
{
    return match->before->fields[field];
}

static const char *is(const struct ks__match *match, enum ks__shape_field field)
{
    return match->after->fields[field];
}

static bool is_same(const struct ks__match *match, enum ks__shape_field field)
{
    return strcmp(was(match, field), is(match, field)) == 0;
}

/* An undeclared type fits anything. */
static bool fits(const struct ks__match *match, enum ks__shape_field field)
{
    return is_same(match, field) || strcmp(was(match, field), "?") == 0 ||
           strcmp(is(match, field), "?") == 0;
}

static const char *or_none(const char *text)
{
    return text[0] != '\0' ? text : "none";
}

static struct ks__judgement changed(struct ks_diff *diff, const struct ks__match *match,
                                    enum ks__shape_field field, const char *what,
                                    const char *more)
{
    return VERDICT(KS_DIFF_BROKEN,
                   ks__diff_why(diff, "%s was %s, is %s%s", what, or_none(was(match, field)),
                                or_none(is(match, field)), more));
}

static bool share_a_word(const char *one, const char *other)
{
    char        word[256];
    const char *at = one;

    while (*at != '\0') {
        const size_t size = strcspn(at, ",");

        if (size < sizeof(word)) {
            memcpy(word, at, size);
            word[size] = '\0';
            if (ks__shape_lists(other, word))
                return true;
        }
        at += size + (at[size] == ',');
    }
    return *one == '\0' && *other == '\0';
}

bool ks__diff_is_renamed(const struct ks__shape_item *before, const struct ks__shape_item *after)
{
    const struct ks__match match = { before, after };

    return are_alike(before->name, after->name) && fits(&match, KS__SHAPE_KEY) &&
           fits(&match, KS__SHAPE_VALUE) && is_same(&match, KS__SHAPE_KIND) &&
           is_same(&match, KS__SHAPE_OPERATOR) &&
           share_a_word(was(&match, KS__SHAPE_FROM), is(&match, KS__SHAPE_FROM));
}

/* ---- stores ---- */

/* Do the rows fit? */
static bool judge_rows(struct ks_diff *diff, const struct ks__match *match,
                       struct ks__judgement *judged)
{
    static const struct {
        enum ks__shape_field field;
        const char          *what;
    } facts[] = {
        { KS__SHAPE_KIND, "kind" },           { KS__SHAPE_KEY, "key" },
        { KS__SHAPE_VALUE, "value" },         { KS__SHAPE_LAYOUT, "layout" },
        { KS__SHAPE_HISTORY, "history_ms" },
    };

    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
        if (!fits(match, facts[i].field)) {
            *judged = changed(diff, match, facts[i].field, facts[i].what, "");
            return true;
        }
    return false;
}

/* Are they of the same windows? An older shape does not say. */
static bool judge_cut(struct ks_diff *diff, const struct ks__match *match,
                      struct ks__judgement *judged)
{
    if (is_same(match, KS__SHAPE_CUT) || was(match, KS__SHAPE_CUT)[0] == '\0' ||
        is(match, KS__SHAPE_CUT)[0] == '\0')
        return false;
    *judged = changed(diff, match, KS__SHAPE_CUT, "the cut of windows", ": rows of both mix");
    return true;
}

/* A longer retention keeps what is there, a shorter one forgets some. */
static bool judge_retention(struct ks_diff *diff, const struct ks__match *match,
                            struct ks__judgement *judged)
{
    if (strtoll(is(match, KS__SHAPE_RETENTION), NULL, 10) >=
        strtoll(was(match, KS__SHAPE_RETENTION), NULL, 10))
        return false;
    *judged = changed(diff, match, KS__SHAPE_RETENTION, "retention_ms", ": older rows are lost");
    return true;
}

/* Do they lie where they are looked for, and belong to this operator? */
static bool judge_place(struct ks_diff *diff, const struct ks__match *match,
                        struct ks__judgement *judged)
{
    if (ks__name_is_generated(match->after->name) &&
        (!is_same(match, KS__SHAPE_OPERATOR) ||
         !share_a_word(was(match, KS__SHAPE_FROM), is(match, KS__SHAPE_FROM)))) {
        *judged = VERDICT(KS_DIFF_BROKEN,
                          ks__diff_why(diff, "the generated name was that of \"%s\" of %s, is that "
                                       "of \"%s\" of %s",
                                       was(match, KS__SHAPE_OPERATOR),
                                       or_none(was(match, KS__SHAPE_FROM)),
                                       is(match, KS__SHAPE_OPERATOR),
                                       or_none(is(match, KS__SHAPE_FROM))));
        return true;
    }
    if (!is_same(match, KS__SHAPE_FED_BY)) {
        *judged = changed(diff, match, KS__SHAPE_FED_BY, "what its keys are distributed by",
                          ": rows lie on other partitions");
        return true;
    }
    if (!is_same(match, KS__SHAPE_PARTITIONS)) {
        *judged = changed(diff, match, KS__SHAPE_PARTITIONS, "the count of partitions", "");
        return true;
    }
    return false;
}

/* Can it be restored from what was written so far? */
static bool judge_changelog(struct ks_diff *diff, const struct ks__match *match,
                            struct ks__judgement *judged)
{
    const bool had_none = strcmp(was(match, KS__SHAPE_CHANGELOG), "none") == 0;

    if (is_same(match, KS__SHAPE_CHANGELOG))
        return false;
    if (strcmp(is(match, KS__SHAPE_CHANGELOG), "own") == 0) {
        *judged = changed(diff, match, KS__SHAPE_CHANGELOG, "its changelog",
                          ": that begins empty, so older rows are restored from nothing");
        return true;
    }
    if (strcmp(is(match, KS__SHAPE_CHANGELOG), "none") != 0 && !had_none &&
        strcmp(was(match, KS__SHAPE_CHANGELOG), "own") != 0) {
        *judged = changed(diff, match, KS__SHAPE_CHANGELOG, "the topic it is restored from", "");
        return true;
    }
    return false;
}

static const struct ks__shape_item *home_of(const struct ks__shape *shape, const char *number)
{
    for (size_t i = 0; i < shape->count; i++)
        if (shape->items[i].subject == KS_DIFF_SUBTOPOLOGY &&
            strcmp(shape->items[i].name, number) == 0)
            return &shape->items[i];
    return NULL;
}

/* Is the directory of its tasks still trusted? */
static bool judge_directory(struct ks_diff *diff, const struct ks__match *match,
                            struct ks__judgement *judged)
{
    const char                  *number = is(match, KS__SHAPE_SUBTOPOLOGY);
    const struct ks__shape_item *before = home_of(&diff->before, number);
    const struct ks__shape_item *after  = home_of(&diff->after, number);
    const bool                   moved  = !is_same(match, KS__SHAPE_SUBTOPOLOGY);
    const char                  *why;

    if (!moved && before != NULL && after != NULL &&
        strcmp(before->fields[KS__SHAPE_STATE], after->fields[KS__SHAPE_STATE]) == 0)
        return false;
    if (!moved && (before == NULL || after == NULL))
        return false; /* global, or used by nobody */
    if (moved)
        why = ks__diff_why(diff, "its sub-topology was %s, is %s",
                           or_none(was(match, KS__SHAPE_SUBTOPOLOGY)), or_none(number));
    else if (!is_same(match, KS__SHAPE_RETENTION))
        why = ks__diff_why(diff, "retention_ms was %s, is %s",
                           or_none(was(match, KS__SHAPE_RETENTION)),
                           or_none(is(match, KS__SHAPE_RETENTION)));
    else
        why = ks__diff_why(diff, "the stores of sub-topology %s have changed", number);
    *judged = VERDICT(KS_DIFF_RESTORED, why);
    if (strcmp(was(match, KS__SHAPE_CHANGELOG), "none") == 0 ||
        strcmp(is(match, KS__SHAPE_CHANGELOG), "none") == 0)
        *judged = VERDICT(KS_DIFF_BROKEN,
                          ks__diff_why(diff, "%s: its task's directory is emptied, and it has no "
                                       "changelog", why));
    return true;
}

static struct ks__judgement judge_store(struct ks_diff *diff, const struct ks__match *match)
{
    struct ks__judgement judged = KEPT;

    if (strcmp(match->before->name, match->after->name) != 0)
        return VERDICT(KS_DIFF_BROKEN,
                       ks__diff_why(diff, "was \"%s\": the generated number changed, and the rows "
                                    "stay under the old name; name the store",
                                    match->before->name));
    if (judge_rows(diff, match, &judged) || judge_cut(diff, match, &judged) ||
        judge_retention(diff, match, &judged) || judge_place(diff, match, &judged) ||
        judge_changelog(diff, match, &judged) || judge_directory(diff, match, &judged))
        return judged;
    if (!is_same(match, KS__SHAPE_CHANGELOG))
        judged.why = ks__diff_why(diff, "restored from %s, no longer from %s",
                                  is(match, KS__SHAPE_CHANGELOG),
                                  was(match, KS__SHAPE_CHANGELOG));
    return judged;
}

/* ---- the others ---- */

static struct ks__judgement judge_source(struct ks_diff *diff, const struct ks__match *match)
{
    if (!fits(match, KS__SHAPE_KEY))
        return changed(diff, match, KS__SHAPE_KEY, "key", "");
    if (!fits(match, KS__SHAPE_VALUE))
        return changed(diff, match, KS__SHAPE_VALUE, "value", "");
    return KEPT;
}

static struct ks__judgement judge_topic(struct ks_diff *diff, const struct ks__match *match)
{
    if (strcmp(match->before->name, match->after->name) != 0)
        return VERDICT(KS_DIFF_BROKEN,
                       ks__diff_why(diff, "was \"%s\": the generated number changed, and records "
                                    "that wait stay in the old topic; name the grouping or join",
                                    match->before->name));
    if (ks__name_is_generated(match->after->name) &&
        !share_a_word(was(match, KS__SHAPE_FROM), is(match, KS__SHAPE_FROM)))
        return changed(diff, match, KS__SHAPE_FROM, "where its records come from", "");
    if (!is_same(match, KS__SHAPE_PARTITIONS))
        return changed(diff, match, KS__SHAPE_PARTITIONS, "the count of partitions",
                       ": the topic is there already and is not made again");
    return judge_source(diff, match);
}

static struct ks__judgement judge_subtopology(struct ks_diff *diff, const struct ks__match *match)
{
    const bool  stateful = is(match, KS__SHAPE_STATE)[0] != '\0';
    const bool  moved    = strcmp(match->before->name, match->after->name) != 0;
    const char *why      = moved ? ks__diff_why(diff, "was number %s", match->before->name) : "";

    if (moved && stateful)
        return VERDICT(KS_DIFF_RESTORED, why);
    if (!moved && stateful && !is_same(match, KS__SHAPE_STATE))
        return VERDICT(KS_DIFF_RESTORED, "its stores have changed");
    return VERDICT(KS_DIFF_KEPT, why);
}

static struct ks__judgement judge_pair(struct ks_diff *diff, const struct ks__match *match)
{
    switch (match->after->subject) {
    case KS_DIFF_SUBTOPOLOGY:
        return judge_subtopology(diff, match);
    case KS_DIFF_SOURCE:
        return judge_source(diff, match);
    case KS_DIFF_TOPIC:
        return judge_topic(diff, match);
    case KS_DIFF_STORE:
        break;
    }
    return judge_store(diff, match);
}

static const char *left_behind(ks_diff_subject subject)
{
    switch (subject) {
    case KS_DIFF_SUBTOPOLOGY:
        return "its task directories stay";
    case KS_DIFF_SOURCE:
        return "not read any more; its committed offsets stay";
    case KS_DIFF_TOPIC:
        return "records that wait in it are not read any more";
    case KS_DIFF_STORE:
        break;
    }
    return "its rows are not read any more";
}

struct ks__judgement ks__diff_judge(struct ks_diff *diff, const struct ks__match *match)
{
    if (match->before == NULL)
        return VERDICT(KS_DIFF_ADDED, "");
    if (match->after == NULL)
        return VERDICT(KS_DIFF_ORPHANED, left_behind(match->before->subject));
    return judge_pair(diff, match);
}

/* ---- words ---- */

const char *ks__diff_verdict_name(ks_diff_verdict verdict)
{
    static const char *const names[] = { [KS_DIFF_KEPT]     = "kept",
                                         [KS_DIFF_ADDED]    = "added",
                                         [KS_DIFF_ORPHANED] = "orphaned",
                                         [KS_DIFF_RESTORED] = "restored",
                                         [KS_DIFF_BROKEN]   = "broken" };

    return names[verdict];
}

const char *ks__diff_subject_name(ks_diff_subject subject)
{
    static const char *const names[] = { [KS_DIFF_SUBTOPOLOGY] = "sub-topology",
                                         [KS_DIFF_SOURCE]      = "source",
                                         [KS_DIFF_TOPIC]       = "topic",
                                         [KS_DIFF_STORE]       = "store" };

    return names[subject];
}

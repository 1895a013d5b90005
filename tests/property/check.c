/* SPDX-License-Identifier: Apache-2.0
 *
 * check.c - the properties; the first that does not hold is told.
 */
#include "check.h"

#include "engine.h"
#include "model.h"

#include "base/io.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct check {
    const struct plan *plan;
    char              *why;
    size_t             size;
    char               directory[128];
    int                runs;
};

static bool fails(struct check *check, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));

static bool fails(struct check *check, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(check->why, check->size, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- compare ---- */

static bool equal_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void say_line(const struct lines *lines, size_t i, char *text, size_t size)
{
    const struct line *line = i < lines->count ? &lines->items[i] : NULL;

    if (line == NULL)
        snprintf(text, size, "nothing");
    else
        snprintf(text, size, "by input %d: %s=%s @%" PRId64, line->step,
                 line->key != NULL ? line->key : "-", line->value != NULL ? line->value : "-",
                 line->at_ms);
}

/* All alike, one by one. */
static bool same_lines(struct check *check, const char *what, const struct lines *want,
                       const struct lines *got)
{
    char one[300], two[300];

    for (size_t i = 0; i < want->count || i < got->count; i++) {
        const struct line *a = &want->items[i], *b = &got->items[i];

        if (i < want->count && i < got->count && a->step == b->step && a->at_ms == b->at_ms &&
            equal_text(a->key, b->key) && equal_text(a->value, b->value))
            continue;
        say_line(want, i, one, sizeof(one));
        say_line(got, i, two, sizeof(two));
        return fails(check, "%s: record %zu\n    should be  %s\n    is         %s", what, i, one,
                     two);
    }
    return true;
}

/* The n-th line of a key, or its last one for n < 0; NULL = none. */
static const struct line *of_key(const struct lines *lines, const char *key, int n)
{
    const struct line *last = NULL;
    int                seen = 0;

    for (size_t i = 0; i < lines->count; i++) {
        if (!equal_text(lines->items[i].key, key))
            continue;
        last = &lines->items[i];
        if (seen++ == n)
            return last;
    }
    return n < 0 ? last : NULL;
}

static bool same_line(const struct line *a, const struct line *b)
{
    return a != NULL && b != NULL && equal_text(a->value, b->value) && a->at_ms == b->at_ms;
}

/* The lines of each key alike, whatever lies between them. */
static bool same_by_key(struct check *check, const char *what, const struct lines *want,
                        const struct lines *got)
{
    if (want->count != got->count)
        return fails(check, "%s: %zu records instead of %zu", what, got->count, want->count);
    for (size_t i = 0; i < want->count; i++) {
        const char *key = want->items[i].key;
        int         n   = 0;

        for (size_t j = 0; j < i; j++)
            n += equal_text(want->items[j].key, key);
        if (!same_line(&want->items[i], of_key(got, key, n))) {
            const struct line *other = of_key(got, key, n);

            return fails(check, "%s: record %d of key %s should be %s, is %s", what, n,
                         key != NULL ? key : "-",
                         want->items[i].value != NULL ? want->items[i].value : "-",
                         other == NULL ? "nothing" : other->value != NULL ? other->value : "-");
        }
    }
    return true;
}

/* The value as it counts in the end: deleted, never there and a count of nothing are the same. */
static const char *last_value(const struct lines *lines, const char *key)
{
    const struct line *line = of_key(lines, key, -1);

    return line == NULL || equal_text(line->value, "0") ? NULL : line->value;
}

static bool same_in_the_end(struct check *check, const char *what, const struct lines *want,
                            const struct lines *got)
{
    const struct lines *both[2] = { want, got };

    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < both[side]->count; i++) {
            const char *key = both[side]->items[i].key;
            const char *one = last_value(want, key), *two = last_value(got, key);

            if (!equal_text(one, two))
                return fails(check, "%s: key %s ends as %s, should as %s", what,
                             key != NULL ? key : "-", two != NULL ? two : "-",
                             one != NULL ? one : "-");
        }
    return true;
}

/* ---- runs ---- */

/* A folder for one run, removed with all others at the end. */
static bool run(struct check *check, const char *what, struct engine engine, bool app,
                struct lines *out)
{
    char folder[160];

    snprintf(folder, sizeof(folder), "%s/%d", check->directory, check->runs++);
    if (mkdir(folder, 0700) != 0)
        return fails(check, "no folder %s", folder);
    engine.plan      = check->plan;
    engine.directory = folder;
    if (app)
        engine_step(&engine, out);
    else
        engine_drive(&engine, out);
    return engine.complaint[0] == '\0' || fails(check, "%s: %s", what, engine.complaint);
}

static bool is_table(const struct plan *plan)
{
    return plan->core != CORE_NONE && plan->core != CORE_STREAM_STREAM &&
           plan->core != CORE_STREAM_TABLE;
}

/* Does the result of a key depend on the times of other keys? */
static bool is_local(const struct plan *plan)
{
    return plan->in_order && !plan_has_step(plan, STEP_KEY) && !plan->on_close &&
           (plan->end == END_NONE || plan->end == END_FILTER) &&
           (plan->core != CORE_STREAM_STREAM || plan->join == JOIN_INNER) &&
           plan->core < CORE_FOREIGN;
}

/* Has it a state that changelogs bring back whole? They do not have the times of operators. */
static bool comes_back(const struct plan *plan)
{
    return plan->core != CORE_NONE && plan->core != CORE_STREAM_STREAM &&
           !plan_is_windowed(plan) && plan->end != END_SUPPRESS_LIMIT;
}

static bool check_driver(struct check *check, const struct lines *model)
{
    struct lines plain = { NULL, 0, 0 }, again = { NULL, 0, 0 }, lost = { NULL, 0, 0 };
    struct lines damaged = { NULL, 0, 0 };
    bool         ok;

    ok = run(check, "driver", (struct engine){ .caches = false }, false, &plain) &&
         same_lines(check, "engine and model", model, &plain) &&
         run(check, "restarts", (struct engine){ .restart = RESTART_SOMETIMES }, false, &again) &&
         same_lines(check, "with restarts", &plain, &again);
    if (ok && comes_back(check->plan))
        ok = run(check, "lost state", (struct engine){ .restart = RESTART_WITHOUT_STATE }, false,
                 &lost) && same_lines(check, "with lost state", &plain, &lost) &&
             run(check, "damaged state", (struct engine){ .restart = RESTART_DAMAGED }, false,
                 &damaged) && same_lines(check, "with damaged state", &plain, &damaged);
    lines_free(&plain);
    lines_free(&again);
    lines_free(&lost);
    lines_free(&damaged);
    return ok;
}

/* A cache leaves out changes. What follows ends alike unless it is a function of the changes
 * themselves (an aggregate that says what was taken away), of their times (suppress), or of old
 * values that no row ever had: those of a new row are its initial value, those of a session are
 * null, but a cache has them from its rows. */
static bool ends_alike(const struct plan *plan)
{
    const bool initial = plan->core == CORE_COUNT || plan->core == CORE_AGGREGATE;
    const bool session = plan->windowing == WINDOW_SESSION;
    const bool sliding = plan->windowing == WINDOW_SLIDING;

    if (!is_table(plan) || plan->core == CORE_TABLE_AGGREGATE || plan->end == END_SUPPRESS_LIMIT ||
        plan->end == END_SUPPRESS_CLOSE)
        return false;
    if (plan->end == END_FILTER)
        return !session && !sliding;
    return plan->end != END_GROUP || (!initial && !session && !sliding);
}

static bool check_caches(struct check *check, const struct lines *model)
{
    struct lines cached = { NULL, 0, 0 }, app = { NULL, 0, 0 };
    bool         ok     = true;

    if (ends_alike(check->plan))
        ok = run(check, "caches", (struct engine){ .caches = true }, false, &cached) &&
             same_in_the_end(check, "with caches", model, &cached) &&
             run(check, "caches in an app", (struct engine){ .caches = true, .partitions = 1 },
                 true, &app) &&
             (plan_is_join(check->plan) ||
              same_in_the_end(check, "with caches in an app", model, &app));
    lines_free(&cached);
    lines_free(&app);
    return ok;
}

static bool check_logs(struct check *check, const struct lines *model)
{
    struct lines memory = { NULL, 0, 0 }, embedded = { NULL, 0, 0 }, many = { NULL, 0, 0 };
    bool         ok;

    ok = run(check, "memory", (struct engine){ .partitions = 1 }, true, &memory) &&
         run(check, "embedded", (struct engine){ .partitions = 1, .log = ENGINE_EMBEDDED }, true,
             &embedded) &&
         same_lines(check, "embedded and memory log", &memory, &embedded);
    /* One topic is read in its order, by a driver and by an app; repartition topics in theirs. */
    if (ok && !plan_is_join(check->plan) && check->plan->core < CORE_STREAM_STREAM)
        ok = same_by_key(check, "app and model", model, &memory);
    if (ok && is_local(check->plan))
        ok = run(check, "partitions", (struct engine){ .partitions = 4 }, true, &many) &&
             same_by_key(check, "four partitions and one", &memory, &many);
    lines_free(&memory);
    lines_free(&embedded);
    lines_free(&many);
    return ok;
}

bool check_plan(const struct plan *plan, char *why, size_t size)
{
    struct check check = { .plan = plan, .why = why, .size = size };
    struct lines model = { NULL, 0, 0 };
    const char  *folder = getenv("TMPDIR");
    bool         ok;

    snprintf(check.directory, sizeof(check.directory), "%.60s/kstream-property.XXXXXX",
             folder != NULL ? folder : "/tmp");
    if (mkdtemp(check.directory) == NULL)
        return fails(&check, "no folder %s", check.directory);
    model_run(plan, &model);
    ok = check_driver(&check, &model) && check_caches(&check, &model) && check_logs(&check, &model);
    lines_free(&model);
    if (ks__io_remove_tree(check.directory) != 0 && ok)
        return fails(&check, "%s is left over", check.directory);
    return ok;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * windowing.c - a specification of windows: what is allowed, which store and serde follow from it.
 *
 *                 needs               retention (Kafka's default)   kept for the operator
 *      tumbling   size                size + grace                  as long
 *      hopping    size, advance       size + grace                  as long
 *      sliding    difference          2 * difference + grace        3 * difference + grace + 1
 *      sessions   gap                 gap + grace                   2 * gap + grace + 1
 *      unlimited                      for ever
 *      counted    count               until it is full              (windowed_stream.c)
 *
 * The last column: a late record looks back from where it lies, two differences or a gap, and
 * inclusive ends live one millisecond longer than Kafka keeps them.
 */
#include "dsl/ops/windowed.h"

#include "serde/serde.h"

#include <stdio.h>

/* ---- what is allowed ---- */

struct member {
    const char *name;
    int64_t     value;
    bool        used;
};

static bool check_members(ks_builder *b, const struct ks__call *call, const struct member *members,
                          size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++) {
        if (members[i].value < 0)
            return ks__latch(b, call, KS_EINVAL, ".%s is %lld; it must not be negative",
                             members[i].name, (long long)members[i].value) != NULL;
        if (!members[i].used && members[i].value != 0)
            return ks__latch(b, call, KS_EINVAL, ".%s is no member of %s; leave it out",
                             members[i].name, what) != NULL;
    }
    return true;
}

static bool positive(ks_builder *b, const struct ks__call *call, const char *member, int64_t value)
{
    if (value > 0)
        return true;
    return ks__latch(b, call, KS_EINVAL, ".%s must be at least 1 ms", member) != NULL;
}

static const char *kind_name(ks_window_kind kind)
{
    static const char *const names[] = { "", "KS_TUMBLING", "KS_HOPPING", "KS_SLIDING",
                                         "KS_SESSIONS", "KS_UNLIMITED", "KS_COUNTED" };

    return names[kind];
}

static bool check_slices(ks_builder *b, const struct ks__call *call, const ks_windowing *w)
{
    if (w->slices < KS_DEFAULT || w->slices > KS_OFF)
        return ks__latch(b, call, KS_EINVAL, ".slices is %d, which is unknown",
                         (int)w->slices) != NULL;
    if (w->slices == KS_DEFAULT)
        return true;
    if (w->kind == KS_WINDOWS_SLIDING)
        return ks__latch(b, call, KS_EINVAL, "sliding windows begin and end with their records: "
                         "they have no slices in common; leave .slices out") != NULL;
    if (w->kind != KS_WINDOWS_HOPPING)
        return ks__latch(b, call, KS_EINVAL, ".slices is no member of %s; leave it out",
                         kind_name(w->kind)) != NULL;
    if (w->slices == KS_ON && w->emit != KS_EMIT_ON_CLOSE)
        return ks__latch(b, call, KS_EINVAL, "slices save nothing when every update is sent; use "
                         ".emit = KS_EMIT_ON_CLOSE, or leave .slices out") != NULL;
    return true;
}

static bool check(ks_builder *b, const struct ks__call *call, const ks_windowing *w)
{
    const bool grid      = w->kind == KS_WINDOWS_TUMBLING || w->kind == KS_WINDOWS_HOPPING;
    const bool unlimited = w->kind == KS_WINDOWS_UNLIMITED;
    const bool counted   = w->kind == KS_WINDOWS_COUNTED;
    const struct member members[] = {
        { "size_ms", w->size_ms, grid },
        { "advance_ms", w->advance_ms, w->kind == KS_WINDOWS_HOPPING },
        { "difference_ms", w->difference_ms, w->kind == KS_WINDOWS_SLIDING },
        { "gap_ms", w->gap_ms, w->kind == KS_WINDOWS_SESSIONS },
        { "start_ms", w->start_ms, unlimited },
        { "grace_ms", w->grace_ms, !unlimited && !counted },
        { "count", w->count, counted },
        { "advance", w->advance, counted },
    };

    if (w->kind < KS_WINDOWS_TUMBLING || w->kind > KS_WINDOWS_COUNTED)
        return ks__latch(b, call, KS_EINVAL, "the windows are of no known kind; use KS_TUMBLING, "
                         "KS_HOPPING, KS_SLIDING, KS_SESSIONS, KS_UNLIMITED or KS_COUNTED") != NULL;
    if (!check_members(b, call, members, sizeof(members) / sizeof(*members), kind_name(w->kind)))
        return false;
    if (w->emit != KS_EMIT_ON_UPDATE && w->emit != KS_EMIT_ON_CLOSE)
        return ks__latch(b, call, KS_EINVAL, ".emit is %d, which is unknown", (int)w->emit) != NULL;
    if (unlimited && w->emit == KS_EMIT_ON_CLOSE)
        return ks__latch(b, call, KS_EINVAL, "unlimited windows never close; emit on update") !=
               NULL;
    if (counted && (w->count < 1 || w->advance > w->count))
        return ks__latch(b, call, KS_EINVAL,
                         ".count is %lld and .advance %lld; the count must be at least 1, the"
                         " advance from 1 to the count, or left out",
                         (long long)w->count, (long long)w->advance) != NULL;
    if (grid && !positive(b, call, "size_ms", w->size_ms))
        return false;
    if (w->kind == KS_WINDOWS_HOPPING && (w->advance_ms < 1 || w->advance_ms > w->size_ms))
        return ks__latch(b, call, KS_EINVAL,
                         ".advance_ms is %lld; it must be from 1 to the size, %lld",
                         (long long)w->advance_ms, (long long)w->size_ms) != NULL;
    return check_slices(b, call, w) && (w->kind != KS_WINDOWS_SLIDING ||
                                        positive(b, call, "difference_ms", w->difference_ms));
}

bool ks__windowing_read(ks_builder *b, struct ks__call *call, const ks_windowing *given,
                        struct ks__windowing *out)
{
    ks_windowing w;

    if (!ks__need(b, call, given != NULL, "windows") ||
        !ks__enter_more(b, call, given, &w, sizeof(w)) || !check(b, call, &w))
        return false;
    *out = (struct ks__windowing){ .final    = w.emit == KS_EMIT_ON_CLOSE,
                                   .slices_asked = w.slices,
                                   .grace_ms = w.grace_ms,
                                   .start_ms = w.start_ms };
    switch (w.kind) {
    case KS_WINDOWS_TUMBLING:
    case KS_WINDOWS_HOPPING:
        out->kind       = KS__WINDOWS_TIME;
        out->size_ms    = w.size_ms;
        out->advance_ms = w.kind == KS_WINDOWS_HOPPING ? w.advance_ms : w.size_ms;
        break;
    case KS_WINDOWS_SLIDING:
        out->kind    = KS__WINDOWS_SLIDING;
        out->size_ms = w.difference_ms;
        break;
    case KS_WINDOWS_SESSIONS:
        out->kind    = KS__WINDOWS_SESSION;
        out->size_ms = w.gap_ms;
        break;
    case KS_WINDOWS_UNLIMITED:
        out->kind    = KS__WINDOWS_UNLIMITED;
        out->size_ms = INT64_MAX;
        break;
    case KS_WINDOWS_COUNTED:
        out->kind       = KS__WINDOWS_COUNTED;
        out->size_ms    = w.count;
        out->advance_ms = w.advance != 0 ? w.advance : w.count;
        break;
    }
    return true;
}

/* ---- what follows ---- */

static int64_t needed_ms(const struct ks__windowing *windows)
{
    const int64_t once = ks__time_add(windows->size_ms, windows->grace_ms);

    return windows->kind == KS__WINDOWS_SLIDING ? ks__time_add(once, windows->size_ms) : once;
}

const char *ks__windowing_cut(ks_builder *b, const struct ks__windowing *windows)
{
    char text[96];

    switch (windows->kind) {
    case KS__WINDOWS_TIME:
        snprintf(text, sizeof(text), "%lld ms, one every %lld ms", (long long)windows->size_ms,
                 (long long)windows->advance_ms);
        break;
    case KS__WINDOWS_SLIDING:
        snprintf(text, sizeof(text), "sliding, %lld ms", (long long)windows->size_ms);
        break;
    case KS__WINDOWS_UNLIMITED:
        snprintf(text, sizeof(text), "unlimited from %lld ms", (long long)windows->start_ms);
        break;
    case KS__WINDOWS_COUNTED:
        snprintf(text, sizeof(text), "%lld records, one every %lld", (long long)windows->size_ms,
                 (long long)windows->advance_ms);
        break;
    case KS__WINDOWS_SESSION:
        return NULL; /* their rows have both bounds, and grow together by any gap */
    }
    return ks__join_text(b, text, "");
}

bool ks__windowing_store(ks_builder *b, const struct ks__call *call,
                         const struct ks__windowing *windows, int64_t retention_ms,
                         unsigned writers, struct ks__store_spec *out)
{
    const int64_t needed = needed_ms(windows);
    int64_t       keep   = needed;

    if (retention_ms != 0 && retention_ms < needed)
        return ks__latch(b, call, KS_EINVAL,
                         "a retention of %lld ms is too short for these windows and their grace: "
                         "%lld ms are needed",
                         (long long)retention_ms, (long long)needed) != NULL;
    if (windows->kind == KS__WINDOWS_SLIDING || windows->kind == KS__WINDOWS_SESSION)
        keep = ks__time_add(ks__time_add(needed, windows->size_ms), 1);
    *out = (struct ks__store_spec){
        .kind = windows->kind == KS__WINDOWS_SESSION ? KS__STORE_SESSION : KS__STORE_WINDOW,
        .retention_ms = retention_ms != 0 ? retention_ms : needed,
        .keep_ms      = keep,
        .window_ms    = windows->kind == KS__WINDOWS_SESSION ? 0 : windows->size_ms,
        .by_time      = windows->final,
        .lingers      = windows->final && windows->kind == KS__WINDOWS_TIME,
        .holders      = windows->final || writers > 1 ? writers : 0,
        .owed         = windows->slices,
        .sliced       = windows->slices,
        .cut          = ks__windowing_cut(b, windows),
    };
    return true;
}

const ks_serde *ks__windowing_serde(const struct ks__windowing *windows, const ks_serde *key)
{
    if (windows->kind == KS__WINDOWS_SESSION)
        return ks_serde_session(key);
    return ks_serde_windowed(key, windows->size_ms);
}

/* Whether the windows are put together from slices: only if that is asked for. What combines them
 * does not ask: to give a function must not change what an application keeps. */
static bool choose_slices(ks_builder *b, const struct ks__call *call, bool combines,
                          struct ks__windowing *windows)
{
    if (windows->slices_asked == KS_ON && !ks__need(b, call, combines, "KS_AGGREGATE(.combine)"))
        return false;
    windows->slices = windows->slices_asked == KS_ON;
    return true;
}

bool ks__windowing_functions(ks_builder *b, const struct ks__call *call,
                             const ks_aggregate *functions, struct ks__windowed_args *args)
{
    const bool sessions = args->windows.kind == KS__WINDOWS_SESSION;

    const bool grid     = args->windows.kind == KS__WINDOWS_TIME;

    args->merge      = sessions ? functions->merge : functions->combine;
    args->merge_user = functions->user;
    return ks__aggregation_refuse(b, call, functions->subtract != NULL, ".subtract") &&
           ks__aggregation_refuse(b, call, functions->combine != NULL && !grid, ".combine") &&
           choose_slices(b, call, functions->combine != NULL, &args->windows) &&
           (sessions ? ks__need(b, call, functions->merge != NULL, "KS_AGGREGATE(.merge)")
                     : ks__aggregation_refuse(b, call, functions->merge != NULL, ".merge"));
}

const struct ks__op_class *ks__windowed_class(const struct ks__windowing *windows, bool reduce)
{
    if (windows->kind == KS__WINDOWS_SESSION)
        return reduce ? &ks__session_reduce_class : &ks__session_aggregate_class;
    if (windows->kind == KS__WINDOWS_SLIDING)
        return reduce ? &ks__sliding_reduce_class : &ks__sliding_aggregate_class;
    if (windows->kind == KS__WINDOWS_COUNTED)
        return reduce ? &ks__counted_reduce_class : &ks__counted_aggregate_class;
    if (windows->slices)
        return reduce ? &ks__slices_reduce_class : &ks__slices_aggregate_class;
    return reduce ? &ks__time_reduce_class : &ks__time_aggregate_class;
}

bool ks__windowed_is(const struct ks__op_class *class)
{
    static const struct ks__op_class *const all[] = {
        &ks__time_aggregate_class,    &ks__time_reduce_class,    &ks__slices_aggregate_class,
        &ks__slices_reduce_class,     &ks__sliding_reduce_class, &ks__sliding_aggregate_class,
        &ks__session_aggregate_class, &ks__session_reduce_class,
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        if (class == all[i])
            return true;
    return false;
}

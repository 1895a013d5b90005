/* SPDX-License-Identifier: Apache-2.0
 *
 * enter.c - the first steps of every public call: is it a handle, is all well, which options.
 */
#include "dsl/dsl.h"

#include <stdio.h>
#include <string.h>

/* Every options struct begins like this; most go on with a name. */
struct options_head {
    size_t      struct_size;
    const char *site;
    const char *name;
};

/* ---- mistakes ---- */

static void KS__PRINTF(4, 0) vlatch(ks_builder *b, const struct ks__call *call, ks_status status,
                                    const char *format, va_list arguments)
{
    char text[KS__ERROR_MESSAGE_BYTES];
    bool named = call->name != NULL;
    const char *who = named ? call->name : call->after;
    const char *mark = named ? " \"" : who != NULL ? " after \"" : "";

    vsnprintf(text, sizeof(text), format, arguments);
    ks__error_set(&b->error, status, "%s%s%s%s%s%s: %s", call->site != NULL ? call->site : "",
                  call->site != NULL ? ": " : "", call->function, mark, who != NULL ? who : "",
                  who != NULL ? "\"" : "", text);
    ks__error_set_node(&b->error, named ? call->name : "");
}

void *ks__latch(ks_builder *b, const struct ks__call *call, ks_status status, const char *format,
                ...)
{
    va_list arguments;

    va_start(arguments, format);
    vlatch(b, call, status, format, arguments);
    va_end(arguments);
    return NULL;
}

void *ks__latch_no_memory(ks_builder *b)
{
    ks__error_no_memory(&b->error, "builder");
    return NULL;
}

bool ks__need(ks_builder *b, const struct ks__call *call, bool given, const char *what)
{
    if (!given)
        ks__latch(b, call, KS_EINVAL, "needs %s, but it is NULL", what);
    return given;
}

/* ---- handles ---- */

static const char *kind_name(uint32_t kind)
{
    switch (kind) {
    case KS__KIND_BUILDER:
        return "a builder";
    case KS__KIND_STREAM:
        return "a stream";
    case KS__KIND_TABLE:
        return "a table";
    case KS__KIND_GLOBAL_TABLE:
        return "a global table";
    case KS__KIND_SPLIT:
        return "a split stream";
    case KS__KIND_GROUPED_STREAM:
        return "a grouped stream";
    case KS__KIND_GROUPED_TABLE:
        return "a grouped table";
    case KS__KIND_WINDOWED_STREAM:
        return "a windowed stream";
    case KS__KIND_COGROUPED_STREAM:
        return "a cogrouped stream";
    case KS__KIND_WINDOWED_COGROUPED_STREAM:
        return "a windowed cogrouped stream";
    default:
        return "something else";
    }
}

/* The builder of a handle of any kind; NULL when it is none of ours. */
static ks_builder *builder_of(const void *handle)
{
    const struct ks__handle *head = handle;

    if (head == NULL || head->kind < KS__KIND_BUILDER || head->kind >= KS__KIND_END_)
        return NULL;
    return head->builder;
}

/* The node that a call on this handle comes after; NULL if that is not one. */
static const char *node_of(const void *handle)
{
    const struct ks__logical *node = NULL;

    switch (((const struct ks__handle *)handle)->kind) {
    case KS__KIND_STREAM:
        node = ((const ks_stream *)handle)->node;
        break;
    case KS__KIND_TABLE:
        node = ((const ks_table *)handle)->node;
        break;
    case KS__KIND_GROUPED_STREAM:
        node = ((const ks_grouped_stream *)handle)->node;
        break;
    case KS__KIND_GROUPED_TABLE:
        node = ((const ks_grouped_table *)handle)->node;
        break;
    default:
        break;
    }
    return node != NULL ? node->name : NULL;
}

void *ks__inert(const void *handle)
{
    return builder_of(handle);
}

static bool check_kind(ks_builder *b, const struct ks__call *call, const void *handle,
                       enum ks__kind kind, const char *what)
{
    const struct ks__handle *head = handle;

    if (head->kind == (uint32_t)kind)
        return true;
    ks__latch(b, call, KS_ETYPE, "%s must be %s but is %s", what, kind_name((uint32_t)kind),
              kind_name(head->kind));
    return false;
}

bool ks__enter_other(ks_builder *b, const struct ks__call *call, const void *handle,
                     enum ks__kind kind, const char *what)
{
    ks_builder *other = builder_of(handle);

    if (other == NULL) {
        ks__latch(b, call, KS_EINVAL, "%s is NULL or not a handle", what);
        return false;
    }
    if (other != b) {
        ks__latch(b, call, KS_EINVAL, "%s belongs to another builder", what);
        return false;
    }
    return check_kind(b, call, handle, kind, what);
}

/* ---- options ---- */

/* Members that this library does not know must be at their default. */
static bool is_zero(const unsigned char *p, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (p[i] != 0)
            return false;
    return true;
}

static bool copy_options(ks_builder *b, const struct ks__call *call, const void *options,
                         void *copy, size_t size)
{
    size_t given = options != NULL ? *(const size_t *)options : 0;

    memset(copy, 0, size);
    if (options == NULL)
        return true;
    if (given < sizeof(size_t)) {
        ks__latch(b, call, KS_EINVAL,
                  "the options have struct_size 0; use a literal macro or ks_options_init()");
        return false;
    }
    if (given > size && !is_zero((const unsigned char *)options + size, given - size)) {
        ks__latch(b, call, KS_EINVAL, "the options have members that library %s does not know",
                  ks_version_string());
        return false;
    }
    memcpy(copy, options, given < size ? given : size);
    return true;
}

/* The first place that is given is that of the call. */
static bool adopt_site(ks_builder *b, struct ks__call *call, const char *site)
{
    if (call->site != NULL || site == NULL)
        return true;
    call->site = ks__owned_text(b->owned, site);
    return call->site != NULL || ks__latch_no_memory(b) != NULL;
}

bool ks__enter(const void *handle, enum ks__kind kind, const char *function, const void *options,
               void *copy, size_t size, struct ks__call *call)
{
    ks_builder                *b    = builder_of(handle);
    const struct options_head *head = copy;

    *call = (struct ks__call){ .function = function };
    if (b == NULL || b->error.status != KS_OK)
        return false;
    call->after = node_of(handle);
    if (!check_kind(b, call, handle, kind, "the first argument") ||
        !copy_options(b, call, options, copy, size))
        return false;
    if (!adopt_site(b, call, head->site))
        return false;
    if (head->name != NULL) {
        call->name = ks__owned_text(b->owned, head->name);
        if (call->name == NULL)
            return ks__latch_no_memory(b) != NULL;
        return ks__check_name(b, call, "the name", call->name);
    }
    return true;
}

bool ks__enter_more(ks_builder *b, struct ks__call *call, const void *options, void *copy,
                    size_t size)
{
    const struct options_head *head = copy;

    return copy_options(b, call, options, copy, size) && adopt_site(b, call, head->site);
}

bool ks__enter_functions(ks_builder *b, const struct ks__call *call, const void *table,
                         void *copy, size_t size)
{
    return copy_options(b, call, table, copy, size);
}

void ks_options_init(void *options, size_t size)
{
    if (options == NULL || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    memcpy(options, &size, sizeof(size));
}

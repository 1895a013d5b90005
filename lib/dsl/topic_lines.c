/* SPDX-License-Identifier: Apache-2.0
 *
 * topic_lines.c - .topic_config of options: the configuration of a store's changelog.
 *
 *      "cleanup.policy=compact,delete,retention.ms=5"  -->  "cleanup.policy=compact,delete\n"
 *                                                           "retention.ms=5\n"
 *
 * What has no '=' is an item more of the value before it.
 */
#include "dsl/dsl.h"

#include "base/buffer.h"

#include <string.h>

static bool is_name(const char *text, size_t size)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_";

    return size > 0 && strspn(text, letters) >= size;
}

static bool refuse(ks_builder *b, const struct ks__call *call, const char *text)
{
    return ks__latch(b, call, KS_EINVAL, ".topic_config = \"%s\": expected name=value,...", text) !=
           NULL;
}

bool ks__topic_lines(ks_builder *b, const struct ks__call *call, struct ks__store_spec *spec)
{
    const char       *text  = spec->topic_config;
    struct ks__buffer lines = { .data = NULL };
    bool              right = true;

    if (text == NULL)
        return true;
    if (!spec->changelog)
        return ks__latch(b, call, KS_EINVAL,
                         ".topic_config is about the changelog, which is off") != NULL;
    for (const char *at = text; right; ) {
        const size_t size = strcspn(at, ",\n");
        const char  *sign = memchr(at, '=', size);

        right = at[size] != '\n' && (sign != NULL ? is_name(at, (size_t)(sign - at)) : at > text);
        if (at > text)
            ks__buffer_append_u8(&lines, sign != NULL ? '\n' : ',');
        ks__buffer_append(&lines, at, size);
        if (at[size] == '\0')
            break;
        at += size + 1;
    }
    ks__buffer_append_u8(&lines, '\n');
    if (!right) {
        ks__buffer_release(&lines);
        return refuse(b, call, text);
    }
    spec->topic_config = ks__owned_text(b->owned, ks__buffer_text(&lines));
    ks__buffer_release(&lines);
    return spec->topic_config != NULL || ks__latch_no_memory(b) != NULL;
}

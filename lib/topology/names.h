/* SPDX-License-Identifier: Apache-2.0
 *
 * names.h - generated names, told from given ones by their form: a dash and ten digits, at the end
 * or before another dash ("KSTREAM-JOINTHIS-0000000003-store").
 */
#ifndef KS_TOPOLOGY_NAMES_H
#define KS_TOPOLOGY_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* Whether they are refused for what outlives a run. */
#define KS__EXPLICIT_NAMES_ROW "ensure.explicit.internal.resource.naming"

#define KS__NAME_DIGITS 10 /* of a generated number */

/* The end of the generated number in a name; 0 = it has none. */
static inline size_t ks__name_number_end(const char *name)
{
    size_t digits = 0;

    for (size_t i = 0; name[i] != '\0'; i++) {
        digits = name[i] >= '0' && name[i] <= '9' ? digits + 1 : 0;
        if (digits == KS__NAME_DIGITS && i >= KS__NAME_DIGITS &&
            name[i - KS__NAME_DIGITS] == '-' && (name[i + 1] == '\0' || name[i + 1] == '-'))
            return i + 1;
    }
    return 0;
}

static inline bool ks__name_is_generated(const char *name)
{
    return ks__name_number_end(name) > 0;
}

#endif

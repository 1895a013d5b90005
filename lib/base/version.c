/* SPDX-License-Identifier: Apache-2.0
 *
 * version.c - which library is linked.
 */
#include <kstream/api.h>

const char *ks_version_string(void)
{
    return KS_VERSION_TEXT;
}

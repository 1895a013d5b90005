/* SPDX-License-Identifier: Apache-2.0
 *
 * config_value.h - one checked value of the configuration. For config.c and config_parse.c only.
 */
#ifndef KS_BASE_CONFIG_VALUE_H
#define KS_BASE_CONFIG_VALUE_H

#include "base/config.h"

struct ks__config_value {
    char   *text;               /* as given; NULL = unset without default                     */
    char   *list;               /* LIST: the copy that the items point into                   */
    char  **items;
    size_t  item_count, item_capacity;
    int64_t integer;            /* INT, DURATION_MS, BYTES, BOOL, ENUM                        */
    double  real;
    bool    is_set;             /* by the application, not by default                         */
};

/* Check `text` against the row (NULL: unset) and make the value; on failure it is empty and the
 * error names the row, the text and what is allowed. */
ks_status ks__config_value_parse(struct ks__config_value *value, const struct ks__config_row *row,
                                 const char *text, ks_error *error);
void ks__config_value_release(struct ks__config_value *value);

#endif

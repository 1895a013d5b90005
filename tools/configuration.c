/* SPDX-License-Identifier: Apache-2.0
 *
 * configuration.c - prints docs/configuration.md, made from the table that checks the properties.
 */
#include "base/buffer.h"
#include "runtime/settings.h"

#include <stdio.h>

static const char head[] =
    "<!-- Made by build/tools/configuration; edit the table in lib/runtime/settings.c. -->\n"
    "# Configuration\n"
    "\n"
    "Properties are set by name and text: `ks_config_set(config, \"application.id\", \"wc\")`, or\n"
    "`ks_config_set_pair(config, \"application.id=wc\")`. Names are Kafka's where Kafka has the\n"
    "property. Durations are milliseconds, or carry a unit (`250ms`, `5s`, `2m`, `1h`, `1d`);\n"
    "sizes are bytes, or carry one (`64KiB`, `10MiB`, `1GiB`). A wrong name or value is kept as\n"
    "an error, which names the nearest property, and comes out of `ks_app_run()`.\n"
    "\n";

int main(void)
{
    struct ks__buffer text = { .failed = false };

    ks__buffer_append_text(&text, head);
    ks__config_to_markdown(&ks__settings_table, &text);
    if (ks__buffer_text(&text) == NULL)
        return 1;
    fputs(ks__buffer_text(&text), stdout);
    ks__buffer_release(&text);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * app_fixture.h - word count on a memory log, to be run as an app.
 */
#ifndef KS_TESTS_RUNTIME_APP_FIXTURE_H
#define KS_TESTS_RUNTIME_APP_FIXTURE_H

#include "support/stage.h"

#include <kstream/kstream.h>

extern struct stage stage;      /* topics "lines" and "totals" of one partition */
extern ks_topology *topology;   /* word count from one to the other */
extern ks_app      *app;        /* NULL until a test makes it; freed with the rest */

void app_setup(void);
void app_teardown(void);

void make_app(void);
void start_app(void);
/* Close and free. */
void close_app(void);

/* The last call was refused for this reason, and the app knows nothing of it. */
void assert_refused(ks_status status, const char *text);

#endif

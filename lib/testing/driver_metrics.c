/* SPDX-License-Identifier: Apache-2.0
 *
 * driver_metrics.c - the counters of the driver's task and global tables.
 */
#include "runtime/metrics.h"
#include "testing/driver.h"

ks_metrics *ks_driver_metrics(ks_driver *d)
{
    ks_metrics *metrics;

    if (d == NULL)
        return NULL;
    metrics = ks__metrics_new();
    if (metrics == NULL)
        return NULL;
    if (d->task != NULL)
        ks__metrics_add_task(metrics, d->task);
    ks__metrics_add_globals(metrics, d->globals);
    ks__metrics_add(metrics, "dropped-records-total", "", "", "production",
                    ks__counter_read(&d->production.dropped));
    return ks__metrics_done(metrics);
}

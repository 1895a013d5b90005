/* SPDX-License-Identifier: Apache-2.0
 *
 * kstream.h - everything, in the order in which one would read it.
 */
#ifndef KSTREAM_KSTREAM_H
#define KSTREAM_KSTREAM_H

#include <kstream/api.h>
#include <kstream/status.h>
#include <kstream/bytes.h>
#include <kstream/window.h>
#include <kstream/record.h>
#include <kstream/serde.h>
#include <kstream/options.h>
#include <kstream/builder.h>
#include <kstream/stream.h>
#include <kstream/async.h>
#include <kstream/table.h>
#include <kstream/group.h>
#include <kstream/windowed.h>
#include <kstream/cogroup.h>
#include <kstream/processor.h>
#include <kstream/store.h>
#include <kstream/topology.h>
#include <kstream/config.h>
#include <kstream/app.h>
#include <kstream/query.h>
#include <kstream/metrics.h>
#include <kstream/log.h>
#include <kstream/testing.h>

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * record.h - what flows: a key, a value, a time, headers, and the window of a windowed key.
 *
 * A record is a value of 56 bytes that never changes its shape. Handlers receive `const ks_record
 * *` or, where they may edit, a private copy. The bytes in it are lent to the end of the record:
 * until it, and everything that it caused downstream, has been processed.
 *
 * Headers are immutable and shared: ks_ctx_header_add() makes a new list for one record only.
 */
#ifndef KSTREAM_RECORD_H
#define KSTREAM_RECORD_H

#include <kstream/bytes.h>
#include <kstream/status.h>
#include <kstream/window.h>

typedef struct ks_headers ks_headers; /* immutable; NULL = none */

typedef struct ks_record {
    ks_bytes          key;
    ks_bytes          value;
    int64_t           timestamp_ms; /* since the epoch; negative = none */
    const ks_headers *headers;      /* NULL = none */
    const ks_window  *window;       /* NULL = the key is plain */
} ks_record;

/* Where a record was read. */
typedef struct ks_origin {
    const char *topic;
    int32_t     partition;
    int64_t     offset;
} ks_origin;

/**
 * Count headers, read the one at `index` (0 = first added), or the last one of a name.
 *
 * Ownership: lends; name and value live as long as the record.
 * Threads:   where the record is.
 * Errors:    false, and the outputs cleared, if there is none; NULL headers are empty.
 * Kafka:     Headers#lastHeader, Headers#toArray.
 * Since:     0.1
 */
KS_API size_t ks_headers_count(const ks_headers *headers);
KS_API bool   ks_headers_at(const ks_headers *headers, size_t index, const char **name,
                            ks_bytes *value);
KS_API bool   ks_headers_last(const ks_headers *headers, const char *name, ks_bytes *value);

/**
 * Build a list outside a stream, for the log client and the test driver.
 *
 * ks_headers_new() gives an empty list, NULL without memory; ks_headers_add() appends.
 *
 * Ownership: the caller frees with ks_headers_free(); name and value are copied.
 * Threads:   one.
 * Errors:    KS_ENOMEM, KS_EINVAL for a NULL list or name.
 * Kafka:     RecordHeaders.
 * Since:     0.1
 */
KS_API ks_headers *ks_headers_new(void);
KS_API ks_status   ks_headers_add(ks_headers *headers, const char *name, ks_bytes value);
KS_API void        ks_headers_free(ks_headers *headers);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * bytes.h - the one value type: a pointer and a size, and typed readers for it.
 *
 * Keys and values are bytes from end to end: what came from a log or out of a store is looked at
 * where it lies, without a copy. `data` NULL is the null of Kafka (a missing key, a deletion); an
 * empty value has a non-NULL `data` and size 0. Bytes from logs and stores are not aligned: read
 * numbers and structs with the readers below, never through a cast pointer. Every reader takes a
 * fallback, because null is ordinary in streams.
 *
 *      int64_t count = ks_bytes_i64(record->value, 0);
 *      struct order order;
 *      if (!ks_bytes_read(&order, sizeof order, record->value)) return KS_SKIP;
 */
#ifndef KSTREAM_BYTES_H
#define KSTREAM_BYTES_H

#include <kstream/api.h>

typedef struct ks_bytes {
    const void *data; /* NULL = null */
    size_t      size; /* in bytes */
} ks_bytes;

#ifdef __cplusplus
#define KS_BYTES_LITERAL_(data_, size_) (ks_bytes{ (data_), (size_) })
#else
#define KS_BYTES_LITERAL_(data_, size_) ((ks_bytes){ (data_), (size_) })
#endif

#define KS_NULL           KS_BYTES_LITERAL_(NULL, 0)
#define KS_TEXT(literal)  KS_BYTES_LITERAL_("" literal, sizeof(literal) - 1) /* literals only */
#define KS_OBJECT(lvalue) KS_BYTES_LITERAL_(&(lvalue), sizeof(lvalue)) /* lives as the object */

/* For printf("%.*s"): length and pointer; null prints as nothing. */
#define KS_BYTES_ARG(b) (int)(b).size, (b).data != NULL ? (const char *)(b).data : ""

/**
 * Make bytes of a NUL-terminated text (without the NUL; NULL gives null) or of memory.
 *
 * Ownership: borrows nothing: the result points at the caller's memory.
 * Threads:   any.
 * Errors:    none.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API ks_bytes ks_bytes_text(const char *text);
KS_API ks_bytes ks_bytes_of(const void *data, size_t size);

/**
 * Compare two bytes: null, equal content, unsigned lexicographic order (null first).
 *
 * Ownership: borrows.
 * Threads:   any.
 * Errors:    none.
 * Kafka:     Bytes#compareTo: the order of all stores.
 * Since:     0.1
 */
KS_API bool ks_bytes_is_null(ks_bytes b);
KS_API bool ks_bytes_equal(ks_bytes a, ks_bytes b);
KS_API int  ks_bytes_compare(ks_bytes a, ks_bytes b);

/**
 * Decode a number in Kafka's byte layout (big-endian), or give `otherwise` for null or another
 * size.
 *
 * Ownership: borrows.
 * Threads:   any.
 * Errors:    a null or a wrong size is answered by `otherwise`.
 * Kafka:     IntegerDeserializer, LongDeserializer, FloatDeserializer, DoubleDeserializer.
 * Since:     0.1
 */
KS_API int32_t ks_bytes_i32(ks_bytes b, int32_t otherwise);
KS_API int64_t ks_bytes_i64(ks_bytes b, int64_t otherwise);
KS_API float   ks_bytes_f32(ks_bytes b, float otherwise);
KS_API double  ks_bytes_f64(ks_bytes b, double otherwise);

/**
 * Copy exactly `size` bytes into `object`; false, and `object` zeroed, for null or another size.
 *
 * The way to read a plain struct that travels between operators (see KS_STRUCT).
 *
 * Ownership: copies.
 * Threads:   any.
 * Errors:    false.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API bool ks_bytes_read(void *object, size_t size, ks_bytes b);

/**
 * Cut the next word (run of bytes that are not ASCII white space), or the next field up to
 * `separator`, off the front of `*rest`.
 *
 * Words: empty words do not occur; false at the end. Fields: empty fields do; "a," has two; after
 * the last field `*rest` is null, and a null `*rest` has none.
 *
 * Ownership: `*out` points into `*rest`.
 * Threads:   any.
 * Errors:    none.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API bool ks_bytes_word(ks_bytes *rest, ks_bytes *out);
KS_API bool ks_bytes_field(ks_bytes *rest, char separator, ks_bytes *out);

#endif

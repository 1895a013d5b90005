/* SPDX-License-Identifier: Apache-2.0
 *
 * serde.h - serdes are type tags: a name, a check, a way to show.
 *
 * Bytes stay bytes; a serde says which bytes they are. Handles know the serdes of their keys and
 * values, and the builder refuses to connect two that differ (ETYPE, with both names, the node and
 * the call site). Undeclared fits anything. The built-in layouts are Kafka's.
 *
 *      KS_CONSUMED(.key = ks_serde_utf8(), .value = KS_STRUCT(struct trade))
 *
 * KS_STRUCT(type) declares plain C structs: they travel between operators, in stores, changelogs
 * and on topics of the memory and embedded logs without any encoding. They may hold no pointers. On
 * a topic of a Kafka cluster they are refused unless made with KS_STRUCT_AS_IS: the layout of one
 * host's memory must not leave the host unnoticed.
 */
#ifndef KSTREAM_SERDE_H
#define KSTREAM_SERDE_H

#include <kstream/bytes.h>
#include <kstream/status.h>

typedef struct ks_serde ks_serde;

/* The hooks of a user's serde; each may be NULL. `name` is the identity. */
typedef struct ks_serde_class {
    const char *name;
    /* Do these (non-null) bytes decode? Called at sources; false: deserialization handler. */
    bool (*check)(const ks_bytes *bytes, void *user);
    /* Write a text for people into buffer[size], NUL-terminated; give the length it would need. */
    size_t (*show)(const ks_bytes *bytes, char *buffer, size_t size, void *user);
    /* Decode into an object for ks_ctx_decode(); *destroy (may stay NULL) is called at the end of
     * the record. NULL = does not decode. */
    void *(*decode)(const ks_bytes *bytes, void (**destroy)(void *object), void *user);
    void *user;
} ks_serde_class;

/**
 * The built-in serdes: raw bytes, UTF-8 text, big-endian integers and IEEE numbers.
 *
 * Ownership: lends; they live for ever.
 * Threads:   any.
 * Errors:    none.
 * Kafka:     Serdes.ByteArray, String, Integer, Long, Float, Double: the same bytes.
 * Since:     0.1
 */
KS_API const ks_serde *ks_serde_bytes(void);
KS_API const ks_serde *ks_serde_utf8(void);
KS_API const ks_serde *ks_serde_i32(void);
KS_API const ks_serde *ks_serde_i64(void);
KS_API const ks_serde *ks_serde_f32(void);
KS_API const ks_serde *ks_serde_f64(void);

/**
 * The serde of a plain struct: equal by name and size; its check is the size.
 *
 * Ownership: lends; kept for ever, one per (name, size, as_is). `name` is copied.
 * Threads:   any.
 * Errors:    NULL only without memory; size 0 gives the bytes serde.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API const ks_serde *ks_serde_struct(const char *name, size_t size, bool as_is);

#define KS_STRUCT(type)       ks_serde_struct(#type, sizeof(type), false)
#define KS_STRUCT_AS_IS(type) ks_serde_struct(#type, sizeof(type), true)

/**
 * Serdes of windowed keys on topics: time windows (key, 8-byte start; the reader knows the size)
 * and sessions (key, 8-byte end, 8-byte start). At a source they fill record->window, at a sink
 * they spend it. Windowed tables have theirs without being told.
 *
 * Ownership: lends; kept for ever, one per (inner, size_ms).
 * Threads:   any.
 * Errors:    NULL only without memory.
 * Kafka:     WindowedSerdes.TimeWindowedSerde, SessionWindowedSerde: the same bytes.
 * Since:     0.1
 */
KS_API const ks_serde *ks_serde_windowed(const ks_serde *inner, int64_t size_ms);
KS_API const ks_serde *ks_serde_session(const ks_serde *inner);

/**
 * The serde of time windows for the changelog topic of a window store: behind the start stands a
 * 4-byte sequence number, which is not shown.
 *
 * To read such a topic as an input. It fits ks_serde_windowed() of the same window, and what comes
 * out of a source that is declared with it has that type: a sink writes plain windowed keys, as in
 * Kafka Streams, unless it is declared with this one, which writes the number 0. The changelogs of
 * session stores are read with ks_serde_session().
 *
 * Ownership: as ks_serde_windowed().
 * Threads:   any.
 * Errors:    NULL only without memory.
 * Kafka:     WindowedSerdes.TimeWindowedSerde#forChangelog(true).
 * Since:     0.1
 */
KS_API const ks_serde *ks_serde_windowed_changelog(const ks_serde *inner, int64_t size_ms);

/**
 * Name a serde ("i64"), ask whether bytes decode (null always does), show bytes to people.
 *
 * ks_serde_show() writes at most `size` bytes with the NUL and returns the length it would need;
 * null shows as "null", bytes without a serde as escaped text.
 *
 * Ownership: borrows; the name is lent.
 * Threads:   any.
 * Errors:    none; a NULL serde is the bytes serde.
 * Kafka:     Serde, Serializer, Deserializer.
 * Since:     0.1
 */
KS_API const char *ks_serde_name(const ks_serde *serde);
KS_API bool        ks_serde_check(const ks_serde *serde, ks_bytes bytes);
KS_API size_t      ks_serde_show(const ks_serde *serde, ks_bytes bytes, char *buffer, size_t size);

/**
 * Encode a number into `out` in Kafka's layout, for code outside a callback; gives bytes over
 * `out`.
 *
 * Ownership: the result points at `out`.
 * Threads:   any.
 * Errors:    none.
 * Kafka:     IntegerSerializer, LongSerializer, FloatSerializer, DoubleSerializer.
 * Since:     0.1
 */
KS_API ks_bytes ks_encode_i32(unsigned char out[4], int32_t number);
KS_API ks_bytes ks_encode_i64(unsigned char out[8], int64_t number);
KS_API ks_bytes ks_encode_f32(unsigned char out[4], float number);
KS_API ks_bytes ks_encode_f64(unsigned char out[8], double number);

#endif

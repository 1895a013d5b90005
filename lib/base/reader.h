/* SPDX-License-Identifier: Apache-2.0
 *
 * reader.h - the one bounds-checked reader for bytes that somebody else wrote.
 *
 * Failure latches: after the first read past the end `failed` is set and every read gives zero,
 * so a parser reads straight through and checks once at the end. All numbers are big-endian.
 *
 *      struct ks__reader in = ks__reader_of(bytes);
 *      int64_t  at   = ks__reader_i64(&in);
 *      ks_bytes name = ks__reader_bytes(&in, ks__reader_u16(&in));
 *      if (!ks__reader_done(&in))
 *          return KS_ECORRUPT;
 *
 * Threads: one owner; the bytes are borrowed.
 */
#ifndef KS_BASE_READER_H
#define KS_BASE_READER_H

#include <kstream/bytes.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ks__reader {
    const uint8_t *next;
    size_t         left;
    bool           failed;
};

/* Null bytes read as empty. */
struct ks__reader ks__reader_of(ks_bytes bytes);

uint8_t ks__reader_u8(struct ks__reader *reader);
uint16_t ks__reader_u16(struct ks__reader *reader);
uint32_t ks__reader_u32(struct ks__reader *reader);
uint64_t ks__reader_u64(struct ks__reader *reader);
int16_t ks__reader_i16(struct ks__reader *reader);
int32_t ks__reader_i32(struct ks__reader *reader);
int64_t ks__reader_i64(struct ks__reader *reader);

/* The next `size` bytes, lent from the input; empty (not null) when failed. */
ks_bytes ks__reader_bytes(struct ks__reader *reader, size_t size);
/* A 32-bit length and so many bytes; length -1 is null; any other negative length fails. */
ks_bytes ks__reader_sized(struct ks__reader *reader);
/* Everything that is left. */
ks_bytes ks__reader_rest(struct ks__reader *reader);

/* Latch a failure that the parser found itself (a bad tag, say). */
void ks__reader_fail(struct ks__reader *reader);
/* True when nothing failed and nothing is left. */
bool ks__reader_done(const struct ks__reader *reader);

#endif

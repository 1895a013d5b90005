/* SPDX-License-Identifier: Apache-2.0
 *
 * serde.h - what is inside a ks_serde.
 *
 *      built in   bytes utf8 i32 i64 f32 f64          static, one each
 *      interned   struct, windowed, session           made on first use, kept for ever
 *      user       ks_builder_serde()                  owned by builder and topologies
 *
 * A serde changes no bytes; it names, checks and shows them. Only windowed keys are taken apart at
 * sources and put together at sinks (serde/windowed_key.h).
 *
 * Invariants
 *   SE1  A serde never changes after it was made.
 *   SE2  Two serdes fit together when their identities are equal; NULL (undeclared) fits anything.
 *
 * Threads: any.
 */
#ifndef KS_SERDE_SERDE_H
#define KS_SERDE_SERDE_H

#include <kstream/serde.h>

enum ks__serde_kind {
    KS__SERDE_BYTES = 1,
    KS__SERDE_UTF8,
    KS__SERDE_I32,
    KS__SERDE_I64,
    KS__SERDE_F32,
    KS__SERDE_F64,
    KS__SERDE_STRUCT,
    KS__SERDE_WINDOWED,
    KS__SERDE_SESSION,
    KS__SERDE_USER
};

struct ks_serde {
    enum ks__serde_kind kind;
    const char         *name;      /* "i64", "struct trade", "windowed<utf8>" */
    const char         *literal;   /* how to write it in C: "ks_serde_i64()" */
    size_t              size;      /* of the bytes; 0 = any */
    bool                as_is;     /* struct: may go to a topic of another host */
    const ks_serde     *inner;     /* windowed, session: of the plain key */
    int64_t             window_ms; /* windowed: size of the window */
    const ks_serde     *plain;     /* of a changelog: the same for other topics; NULL = is none */
    ks_serde_class      user;      /* user: its hooks */
};

/* Do the two fit together (SE2)? */
bool ks__serde_fits(const ks_serde *a, const ks_serde *b);
/* Are the identities equal? NULL equals NULL only. */
bool ks__serde_equal(const ks_serde *a, const ks_serde *b);
/* True for serdes that fill and spend record->window. */
bool ks__serde_is_windowed(const ks_serde *serde);
/* Do they fit and take the same bytes for the same key? */
bool ks__serde_reads_alike(const ks_serde *a, const ks_serde *b);
/* The type of what was read: the serde itself, but for changelogs. NULL stays NULL. */
const ks_serde *ks__serde_plain(const ks_serde *serde);
/* True for plain structs that may not leave the host. */
bool ks__serde_is_local(const ks_serde *serde);
/* Fill in a user's serde; the texts of `class` must live as long as `*serde`. */
void ks__serde_init_user(ks_serde *serde, const ks_serde_class *class);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * tally.h - words w0 .. w39 that went in, and whether what came out counts each of them once.
 *
 *      struct tally tally = { .exact = true, .contiguous = true };
 *      tally_expect(&tally, 7);                                    // one more w7 went in
 *      tally_output(&tally, w7, 1); tally_output(&tally, w7, 2);   // what the output topic says
 *      tally_row(&tally, w7, 2);                                   // what the store says
 *      if (!tally_settle(&tally)) puts(tally.complaint);
 *
 * The first complaint is kept.
 */
#ifndef KS_TESTS_TALLY_H
#define KS_TESTS_TALLY_H

#include <kstream/bytes.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TALLY_WORDS 40

struct tally_word {
    int64_t in;          /* how often it went in */
    int64_t seen;        /* how often user code saw it, replays included; bounds at least once */
    int64_t moved;       /* how often it is in a repartition topic */
    int64_t out;         /* the last count that came out */
    int64_t row;         /* the count in the store */
    int64_t changelog;   /* the last count in the changelog */
};

enum tally_rule {
    TALLY_EXACTLY_ONCE,  /* counts go up to `in`; contiguous ones without a gap */
    TALLY_AT_LEAST_ONCE, /* counts end between `in` and `seen`; `kept`: at `in`, or at `moved` */
    TALLY_AT_MOST_ONCE   /* counts end at `in` or below */
};

struct tally {
    enum tally_rule   rule;
    bool              contiguous; /* no cache merges counts: 1, 2, 3, ... */
    bool              kept;       /* at least once, the state was never lost: it counts each once */
    struct tally_word words[TALLY_WORDS];
    char              complaint[256];
};

void tally_init(struct tally *tally, enum tally_rule rule, bool contiguous);
void tally_complain(struct tally *tally, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));
/* The number of a word "w7"; -1 and a complaint for anything else. */
int tally_number(struct tally *tally, ks_bytes word);
/* A record of the output topic, of the store, of the changelog. */
void tally_output(struct tally *tally, ks_bytes word, int64_t count);
void tally_row(struct tally *tally, ks_bytes word, int64_t count);
void tally_changelog(struct tally *tally, ks_bytes word, int64_t count);
/* Everything was told: true if output, store and changelog are as the rule demands. */
bool tally_settle(struct tally *tally);

#endif

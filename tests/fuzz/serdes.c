/* SPDX-License-Identifier: Apache-2.0
 *
 * serdes.c - keys, messages and values as they come from topics.
 */
#include "fuzz.h"

#include "base/headers.h"
#include "runtime/queue.h"
#include "serde/change.h"
#include "serde/subscription.h"
#include "serde/windowed_key.h"

#include <string.h>

void fuzz_windowed_key(ks_bytes bytes)
{
    const ks_serde *serdes[2] = { ks_serde_windowed(ks_serde_utf8(), 10),
                                  ks_serde_session(ks_serde_utf8()) };

    for (int i = 0; i < 2; i++) {
        ks_bytes  inner, again;
        ks_window window;

        if (!ks__windowed_key_read(serdes[i], bytes, &inner, &window))
            continue;
        DEMAND(window.start_ms >= 0 && window.end_ms >= window.start_ms);
        DEMAND(ks__windowed_key_write(serdes[i], inner, &window, &fuzz_arena, &again));
        DEMAND(fuzz_same(bytes, again));
    }
}

void fuzz_change(ks_bytes bytes)
{
    struct ks__change change, twice;
    ks_bytes          again;

    if (!ks__change_read(bytes, &change))
        return;
    DEMAND(change.now.data != NULL || change.before.data != NULL);
    DEMAND(ks__change_write(&change, &fuzz_arena, &again));
    DEMAND(ks__change_read(again, &twice));
    DEMAND(fuzz_same(change.now, twice.now) && fuzz_same(change.before, twice.before));
}

void fuzz_subscription(ks_bytes bytes)
{
    struct ks__subscription one, twice;
    ks_bytes                again;

    if (!ks__subscription_read(bytes, &one))
        return;
    DEMAND(ks__subscription_write(&one, &fuzz_arena, &again));
    DEMAND(ks__subscription_read(again, &twice));
    DEMAND(one.instruction == twice.instruction && one.partition == twice.partition);
    DEMAND(fuzz_same(one.hash, twice.hash) && fuzz_same(one.primary, twice.primary));
}

void fuzz_answer(ks_bytes bytes)
{
    struct ks__answer one;
    ks_bytes          again;

    if (!ks__answer_read(bytes, &one))
        return;
    DEMAND(ks__answer_write(&one, &fuzz_arena, &again));
    DEMAND(fuzz_same(bytes, again));
}

void fuzz_subscription_key(ks_bytes bytes)
{
    ks_bytes foreign, primary, again;

    if (!ks__subscription_key_read(bytes, &foreign, &primary))
        return;
    DEMAND(ks__subscription_key_write(foreign, primary, &fuzz_arena, &again));
    DEMAND(fuzz_same(bytes, again));
}

/* ---- values ---- */

static void check_numbers(ks_bytes bytes)
{
    unsigned char out[8];
    ks_bytes      again;

    if (ks_serde_check(ks_serde_i32(), bytes)) {
        again = ks_encode_i32(out, ks_bytes_i32(bytes, 0));
        DEMAND(fuzz_same(bytes, again));
    }
    if (ks_serde_check(ks_serde_i64(), bytes)) {
        again = ks_encode_i64(out, ks_bytes_i64(bytes, 0));
        DEMAND(fuzz_same(bytes, again));
    }
    if (ks_serde_check(ks_serde_f32(), bytes)) {
        float number = ks_bytes_f32(bytes, 0);

        DEMAND(number != number || fuzz_same(bytes, ks_encode_f32(out, number)));
    }
    if (ks_serde_check(ks_serde_f64(), bytes)) {
        double number = ks_bytes_f64(bytes, 0);

        DEMAND(number != number || fuzz_same(bytes, ks_encode_f64(out, number)));
    }
}

void fuzz_serde(ks_bytes bytes)
{
    const ks_serde *serdes[] = {
        ks_serde_bytes(), ks_serde_utf8(), ks_serde_i32(), ks_serde_i64(), ks_serde_f32(),
        ks_serde_f64(), ks_serde_struct("struct fuzz", 12, false),
        ks_serde_windowed(ks_serde_i32(), 5), ks_serde_session(ks_serde_utf8()),
    };

    for (size_t i = 0; i < sizeof(serdes) / sizeof(serdes[0]); i++) {
        char   text[24], whole[4096];
        size_t size;

        ks_serde_check(serdes[i], bytes);
        size = ks_serde_show(serdes[i], bytes, text, sizeof(text));
        DEMAND(memchr(text, '\0', sizeof(text)) != NULL);
        DEMAND(ks_serde_show(serdes[i], bytes, whole, sizeof(whole)) == size);
        DEMAND(ks_serde_show(serdes[i], bytes, NULL, 0) == size);
    }
    check_numbers(bytes);
}

/* ---- headers, metadata ---- */

void fuzz_headers(ks_bytes bytes)
{
    const ks_headers *one, *twice;
    struct ks__buffer out = { .data = NULL };

    if (ks__headers_decode(bytes, &fuzz_arena, &one) != KS_OK)
        return;
    DEMAND(ks__headers_encode(one, &out) == KS_OK);
    DEMAND(ks__headers_decode(ks__buffer_bytes(&out), &fuzz_arena, &twice) == KS_OK);
    DEMAND(ks_headers_count(one) == ks_headers_count(twice));
    for (size_t i = 0; i < ks_headers_count(one); i++) {
        const char *a, *b;
        ks_bytes    c, d;

        DEMAND(ks_headers_at(one, i, &a, &c) && ks_headers_at(twice, i, &b, &d));
        DEMAND(strcmp(a, b) == 0 && fuzz_same(c, d));
    }
    ks__buffer_release(&out);
}

static void add_told(ks_bytes key, int64_t value, void *user)
{
    for (size_t i = 0; i < key.size; i++)   /* each byte must be there to be read */
        *(int64_t *)user ^= ((const unsigned char *)key.data)[i] ^ value;
}

void fuzz_metadata(ks_bytes bytes)
{
    struct ks__buffer out     = { .data = NULL };
    int64_t           told    = 0;
    int64_t           time_ms = ks__metadata_read(fuzz_text(bytes), add_told, &told);

    DEMAND(ks__metadata_read(ks__metadata_write(time_ms, NULL, 0, &out), NULL, NULL) == time_ms);
    ks__buffer_release(&out);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * show.c - bytes as text for people: prints, errors, logs.
 *
 *      null  "null"      utf8  as it is      i64  decimal      windowed  [key@start/end]
 *      bytes, structs, and whatever does not decode: ASCII as it is, the rest as \xNN
 */
#include "serde/windowed_key.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A bounded text that counts what it would need. */
struct text {
    char  *out;
    size_t size;
    size_t needed;
};

static void put(struct text *text, const char *what, size_t length)
{
    if (text->needed < text->size) {
        size_t room = text->size - text->needed;

        memcpy(text->out + text->needed, what, length < room ? length : room);
    }
    text->needed += length;
}

/* Terminate, inside the buffer. */
static size_t finish(struct text *text)
{
    if (text->size > 0)
        text->out[text->needed < text->size ? text->needed : text->size - 1] = '\0';
    return text->needed;
}

static void put_escaped(struct text *text, ks_bytes bytes)
{
    const unsigned char *p = bytes.data;
    char                 piece[8];

    for (size_t i = 0; i < bytes.size; i++) {
        bool plain  = p[i] >= 0x20 && p[i] < 0x7f && p[i] != '\\';
        int  length = snprintf(piece, sizeof(piece), plain ? "%c" : "\\x%02x", p[i]);

        put(text, piece, (size_t)length);
    }
}

/* The shortest decimal form that reads back as the same number. */
static int print_float(char *out, size_t size, double number, int most)
{
    int length = 0;

    for (int digits = most == 9 ? 6 : 15; digits <= most; digits++) {
        double back = 0;

        length = snprintf(out, size, "%.*g", digits, number);
        if (sscanf(out, "%lf", &back) == 1 &&
            (most == 9 ? (float)back == (float)number : back == number))
            break;
    }
    return length;
}

static void put_number(struct text *text, const ks_serde *serde, ks_bytes bytes)
{
    char piece[40];
    int  length = 0;

    switch (serde->kind) {
    case KS__SERDE_I32:
        length = snprintf(piece, sizeof(piece), "%" PRId32, ks_bytes_i32(bytes, 0));
        break;
    case KS__SERDE_I64:
        length = snprintf(piece, sizeof(piece), "%" PRId64, ks_bytes_i64(bytes, 0));
        break;
    case KS__SERDE_F32:
        length = print_float(piece, sizeof(piece), (double)ks_bytes_f32(bytes, 0), 9);
        break;
    default:
        length = print_float(piece, sizeof(piece), ks_bytes_f64(bytes, 0), 17);
        break;
    }
    put(text, piece, length > 0 ? (size_t)length : 0);
}

static void put_windowed(struct text *text, const ks_serde *serde, ks_bytes bytes)
{
    ks_bytes  inner;
    ks_window window;
    char      piece[64];
    size_t    length;

    ks__windowed_key_read(serde, bytes, &inner, &window);
    put(text, "[", 1);
    if (text->needed < text->size)
        length = ks_serde_show(serde->inner, inner, text->out + text->needed,
                               text->size - text->needed);
    else
        length = ks_serde_show(serde->inner, inner, NULL, 0);
    text->needed += length;
    snprintf(piece, sizeof(piece), "@%" PRId64 "/%" PRId64 "]", window.start_ms, window.end_ms);
    put(text, piece, strlen(piece));
}

size_t ks_serde_show(const ks_serde *serde, ks_bytes bytes, char *buffer, size_t size)
{
    struct text text = { .out = buffer, .size = buffer != NULL ? size : 0 };

    if (bytes.data == NULL) {
        put(&text, "null", 4);
        return finish(&text);
    }
    if (serde == NULL || !ks_serde_check(serde, bytes)) {
        put_escaped(&text, bytes);
        return finish(&text);
    }
    switch (serde->kind) {
    case KS__SERDE_UTF8:
        put(&text, bytes.data, bytes.size);
        break;
    case KS__SERDE_I32:
    case KS__SERDE_I64:
    case KS__SERDE_F32:
    case KS__SERDE_F64:
        put_number(&text, serde, bytes);
        break;
    case KS__SERDE_WINDOWED:
    case KS__SERDE_SESSION:
        put_windowed(&text, serde, bytes);
        break;
    case KS__SERDE_USER:
        if (serde->user.show != NULL)
            return serde->user.show(&bytes, buffer, text.size, serde->user.user);
        put_escaped(&text, bytes);
        break;
    default:
        put_escaped(&text, bytes);
        break;
    }
    return finish(&text);
}

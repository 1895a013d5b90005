/* SPDX-License-Identifier: Apache-2.0
 *
 * duration.c - reading durations as java.time.Duration writes them.
 */
#include "base/duration.h"

#include <ctype.h>
#include <stddef.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c, char letter)
{
    return toupper((unsigned char)c) == letter;
}

/* False: too much. */
static bool add(int64_t *sum, int64_t number, int64_t unit_ms)
{
    if (number > (INT64_MAX - *sum) / unit_ms)
        return false;
    *sum += number * unit_ms;
    return true;
}

/* Milliseconds of what stands behind the point. */
static int64_t read_fraction(const char **at)
{
    int64_t ms = 0, unit = 100;

    for (; is_digit(**at); ++*at, unit /= 10)
        ms += unit * (**at - '0');
    return ms;
}

/* One number with one of the letters from `*next` on; `*next` goes behind that. */
static bool read_part(const char **at, const char *letters, size_t *next, int64_t *ms)
{
    static const int64_t units[] = { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS };
    int64_t              number = 0, fraction = 0;
    bool                 has_point;

    if (!is_digit(**at))
        return false;
    for (; is_digit(**at); ++*at)
        if (number > (INT64_MAX - 9) / 10)
            return false;
        else
            number = number * 10 + (**at - '0');
    has_point = **at == '.' || **at == ',';
    if (has_point) {
        ++*at;
        fraction = read_fraction(at);
    }
    while (letters[*next] != '\0' && !is_letter(**at, letters[*next]))
        ++*next;
    if (letters[*next] == '\0' || (has_point && letters[*next] != 'S'))
        return false;
    ++*at;
    return add(ms, number, units[(*next)++]) && add(ms, fraction, 1);
}

bool ks__duration_read(const char *text, int64_t *ms)
{
    const char *at   = text;
    size_t      next = 0;

    *ms = 0;
    if (!is_letter(*at++, 'P'))
        return false;
    if (is_digit(*at) && !read_part(&at, "D", &next, ms))
        return false;
    if (*at == '\0')
        return next > 0;
    if (!is_letter(*at++, 'T'))
        return false;
    next = 1;
    do
        if (!read_part(&at, "DHMS", &next, ms))
            return false;
    while (*at != '\0');
    return true;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * load.c - see load.h. Grows as it reads, so that pipes and /dev/stdin work as well as files.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

static char *load_stream(FILE *file, size_t *size, struct reason *reason)
{
    size_t room = 128 * 1024;
    char  *data = malloc(room + 1);

    *size = 0;
    while (data != NULL && !feof(file) && !ferror(file)) {
        *size += fread(data + *size, 1, room - *size, file);
        if (*size < room)
            continue;
        if (room >= LOAD_BYTES_MAX) {
            reason_set(reason, "larger than %d bytes", LOAD_BYTES_MAX);
            free(data);
            return NULL;
        }
        char *larger = realloc(data, 2 * room + 1);
        if (larger == NULL)
            free(data);
        data = larger;
        room *= 2;
    }
    if (data == NULL) {
        reason_set(reason, "out of memory");
        return NULL;
    }
    if (ferror(file)) {
        reason_set(reason, "%s", strerror(errno));
        free(data);
        return NULL;
    }
    data[*size] = '\0';
    return data;
}

char *load_file(const char *path, size_t *size, struct reason *reason)
{
    struct reason why = { "" };
    FILE         *file = fopen(path, "rb");
    char         *data = NULL;

    if (file == NULL) {
        reason_set(reason, "%s: %s", path, strerror(errno));
        return NULL;
    }
    data = load_stream(file, size, &why);
    if (data == NULL)
        reason_set(reason, "%s: %s", path, why.text);
    fclose(file);
    return data;
}

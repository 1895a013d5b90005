/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - fuzz: the targets by name; by libFuzzer, or over a corpus.
 *
 *      FUZZ_TARGET=name build/fuzz/tests/fuzz ...    libFuzzer (KS_LIBFUZZER; see `make fuzz`)
 *      build/tests/fuzz FOLDER                       all files of FOLDER/NAME, by their target
 *      build/tests/fuzz NAME FILE...                 these files
 *      build/tests/fuzz --list
 *
 * The corpus driver also runs every prefix of a small file, and each file with bits turned, so that
 * a run without libFuzzer reaches more than the files themselves. Last line `N passed, N failed`.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX_BYTES 256 /* files up to this size are also cut everywhere */
#define FILE_BYTES   (1 << 22)

const struct fuzz_target fuzz_targets[] = {
    { "windowed_key", fuzz_windowed_key },
    { "change", fuzz_change },
    { "subscription", fuzz_subscription },
    { "answer", fuzz_answer },
    { "subscription_key", fuzz_subscription_key },
    { "serde", fuzz_serde },
    { "headers", fuzz_headers },
    { "metadata", fuzz_metadata },
    { "row", fuzz_row },
    { "chain", fuzz_chain },
    { "timed_key", fuzz_timed_key },
    { "held", fuzz_held },
    { "chunk", fuzz_chunk },
    { "group", fuzz_group },
    { "restore", fuzz_restore },
    { "config", fuzz_config },
    { "address", fuzz_address },
    { "words", fuzz_words },
    { "shape", fuzz_shape },
    { "pmml", fuzz_pmml },
    { "graph", fuzz_graph },
    { "envelope", fuzz_envelope },
};
const size_t fuzz_target_count = sizeof(fuzz_targets) / sizeof(fuzz_targets[0]);

struct ks__arena fuzz_arena;

/* ---- for targets ---- */

void fuzz_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

uint8_t fuzz_byte(ks_bytes *bytes)
{
    uint8_t byte = 0;

    if (bytes->size == 0)
        return 0;
    byte        = *(const uint8_t *)bytes->data;
    bytes->data = (const uint8_t *)bytes->data + 1;
    bytes->size--;
    return byte;
}

ks_bytes fuzz_until(ks_bytes *bytes, char separator)
{
    const char *end  = bytes->size > 0 ? memchr(bytes->data, separator, bytes->size) : NULL;
    ks_bytes    part = *bytes;

    if (end == NULL) {
        *bytes = (ks_bytes){ (const char *)bytes->data + bytes->size, 0 };
        return part;
    }
    part.size   = (size_t)(end - (const char *)part.data);
    bytes->data = end + 1;
    bytes->size -= part.size + 1;
    return part;
}

const char *fuzz_text(ks_bytes bytes)
{
    char *text = ks__arena_alloc(&fuzz_arena, bytes.size + 1);

    DEMAND(text != NULL);
    if (bytes.size > 0)
        memcpy(text, bytes.data, bytes.size);
    text[bytes.size] = '\0';
    return text;
}

bool fuzz_same(ks_bytes a, ks_bytes b)
{
    return (a.data == NULL) == (b.data == NULL) && a.size == b.size &&
           (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* ---- runs ---- */

const struct fuzz_target *fuzz_find(const char *name)
{
    for (size_t i = 0; name != NULL && i < fuzz_target_count; i++)
        if (strcmp(fuzz_targets[i].name, name) == 0)
            return &fuzz_targets[i];
    return NULL;
}

void fuzz_run(const struct fuzz_target *target, const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);

    DEMAND(exact != NULL && ks__arena_init(&fuzz_arena, 0, 0) == KS_OK);
    if (size > 0)
        memcpy(exact, data, size);
    target->run((ks_bytes){ exact, size });
    ks__arena_release(&fuzz_arena);
    free(exact);
}

#ifdef KS_LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const struct fuzz_target *target;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    target = fuzz_find(getenv("FUZZ_TARGET"));
    if (target == NULL) {
        fprintf(stderr, "FUZZ_TARGET is none of the targets\n");
        exit(2);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_run(target, data, size);
    return 0;
}

#else

/* The file, all its prefixes, and with one bit of each byte turned. */
static void run_around(const struct fuzz_target *one, uint8_t *data, size_t size)
{
    fuzz_run(one, data, size);
    if (size > PREFIX_BYTES)
        return;
    for (size_t i = 0; i < size; i++) {
        fuzz_run(one, data, i);
        for (unsigned bit = 0; bit < 8; bit += 7) {
            data[i] ^= (uint8_t)(1u << bit);
            fuzz_run(one, data, size);
            data[i] ^= (uint8_t)(1u << bit);
        }
    }
}

static bool run_file(const struct fuzz_target *one, const char *path)
{
    FILE    *file = fopen(path, "rb");
    uint8_t *data = malloc(FILE_BYTES);
    size_t   size = 0;

    if (file == NULL || data == NULL) {
        printf("%s: cannot be read\n", path);
        if (file != NULL)
            fclose(file);
        free(data);
        return false;
    }
    size = fread(data, 1, FILE_BYTES, file);
    fclose(file);
    run_around(one, data, size);
    free(data);
    return true;
}

struct tally {
    int passed, failed;
};

static void count(struct tally *tally, bool passed)
{
    tally->passed += passed;
    tally->failed += !passed;
}

/* All files of the target; none at all is a failure. */
static void run_folder(const struct fuzz_target *one, const char *folder, struct tally *tally)
{
    char           path[512];
    DIR           *directory;
    struct dirent *entry;
    bool           any = false;

    snprintf(path, sizeof(path), "%s/%s", folder, one->name);
    directory = opendir(path);
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s/%s", folder, one->name, entry->d_name);
        count(tally, run_file(one, path));
        any = true;
    }
    if (directory != NULL)
        closedir(directory);
    if (any)
        return;
    printf("%s has no files in %s\n", one->name, folder);
    count(tally, false);
}

int main(int argc, char **argv)
{
    const struct fuzz_target *one   = argc > 2 ? fuzz_find(argv[1]) : NULL;
    struct tally              tally = { 0, 0 };

    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (size_t i = 0; i < fuzz_target_count; i++)
            printf("%s\n", fuzz_targets[i].name);
        return 0;
    }
    if (argc < 2 || (argc > 2 && one == NULL)) {
        fprintf(stderr, "usage: fuzz FOLDER | fuzz NAME FILE... | fuzz --list\n");
        return 2;
    }
    for (int i = 2; i < argc; i++)
        count(&tally, run_file(one, argv[i]));
    for (size_t i = 0; argc == 2 && i < fuzz_target_count; i++)
        run_folder(&fuzz_targets[i], argv[1], &tally);
    printf("%d passed, %d failed\n", tally.passed, tally.failed);
    return tally.failed > 0;
}

#endif

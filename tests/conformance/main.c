/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - conformance [-v] [-r] [-o] [-m STEPS] [-k NAME] PATH...: replay recorded cases.
 *
 * A PATH is a case, a folder of cases, or a list of file names (.txt, relative to the folder
 * "cases" beside it). Every case runs as it is; with -r those with a store run once more with a
 * restart (close and reopen) after every step, with -m only those of at most so many steps; with -o
 * every case runs once more with all optimizations, and with -r restarts. Last line: "N passed, N
 * failed"; status 1 if any failed, 2 for a wrong call.
 */
#include "replay.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    int         verbosity;
    bool        restart, optimized;
    size_t      restart_steps; /* 0 = any number */
    const char *only;
    size_t      passed, failed;
} run;

static void count(const char *name, const char *variant, bool passed)
{
    run.passed += passed;
    run.failed += !passed;
    if (run.verbosity > 0 || !passed)
        printf("%s %s%s\n", passed ? "ok  " : "FAIL", name, variant);
}

static bool may_restart(json_t *kase)
{
    return run.restart && replay_has_store(kase) &&
           (run.restart_steps == 0 ||
            json_array_size(json_object_get(kase, "input")) <= run.restart_steps);
}

static void run_case(json_t *kase, const char *name)
{
    count(name, "", replay_case(kase, name, VARIANT_PLAIN, run.verbosity));
    if (replay_is_retention_sensitive(kase))
        count(name, " without loss", replay_without_loss(kase, name, run.verbosity));
    if (may_restart(kase))
        count(name, " with restarts", replay_case(kase, name, VARIANT_RESTART, run.verbosity));
    if (run.optimized)
        count(name, " optimized",
              replay_case(kase, name,
                          VARIANT_OPTIMIZED | (may_restart(kase) ? VARIANT_RESTART : 0),
                          run.verbosity));
}

static void run_file(const char *path)
{
    const char  *slash = strrchr(path, '/');
    char        *name  = strdup(slash ? slash + 1 : path);
    json_error_t error;
    json_t      *kase = json_load_file(path, JSON_ALLOW_NUL, &error);

    if (strlen(name) > 5 && strcmp(name + strlen(name) - 5, ".json") == 0)
        name[strlen(name) - 5] = '\0';
    if (run.only == NULL || strcmp(run.only, name) == 0) {
        if (kase == NULL) {
            printf("%s:%d: %s\n", path, error.line, error.text);
            count(name, "", false);
        } else {
            run_case(kase, name);
        }
    }
    json_decref(kase);
    free(name);
}

static int is_case(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);

    return size > 5 && strcmp(entry->d_name + size - 5, ".json") == 0;
}

static bool run_folder(const char *path)
{
    struct dirent **entries;
    int             found = scandir(path, &entries, is_case, alphasort);
    char            file[4096];

    for (int i = 0; i < found; i++) {
        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        run_file(file);
        free(entries[i]);
    }
    if (found >= 0)
        free(entries);
    return found >= 0;
}

static bool run_list(const char *path)
{
    FILE *list = fopen(path, "r");
    char  line[256], file[4096];

    if (list == NULL)
        return false;
    while (fgets(line, sizeof line, list) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        const char *slash = strrchr(path, '/');
        snprintf(file, sizeof file, "%.*scases/%s", slash ? (int)(slash - path + 1) : 0, path,
                 line);
        if (line[0] != '\0')
            run_file(file);
    }
    fclose(list);
    return true;
}

static bool run_path(const char *path)
{
    size_t      size = strlen(path);
    struct stat info;

    if (stat(path, &info) != 0)
        return false;
    if (S_ISDIR(info.st_mode))
        return run_folder(path);
    if (size > 4 && strcmp(path + size - 4, ".txt") == 0)
        return run_list(path);
    run_file(path);
    return true;
}

int main(int argc, char **argv)
{
    int option;

    setvbuf(stdout, NULL, _IOLBF, 0);
    while ((option = getopt(argc, argv, "vrom:k:")) != -1) {
        if (option == 'v')
            run.verbosity++;
        else if (option == 'r')
            run.restart = true;
        else if (option == 'o')
            run.optimized = true;
        else if (option == 'm')
            run.restart_steps = strtoul(optarg, NULL, 10);
        else if (option == 'k')
            run.only = optarg;
        else
            return 2;
    }
    if (optind >= argc) {
        fprintf(stderr, "usage: %s [-v] [-r] [-o] [-m STEPS] [-k NAME] PATH...\n", argv[0]);
        return 2;
    }
    for (; optind < argc; optind++)
        if (!run_path(argv[optind])) {
            perror(argv[optind]);
            run.failed++;
        }
    printf("%zu passed, %zu failed\n", run.passed, run.failed);
    return run.failed > 0;
}

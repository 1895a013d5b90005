/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - conformance [-v] [-r] [-o] [-K] [-m RESTARTS] [-k NAME] PATH...: replay recorded cases.
 *
 * A PATH is a case, a folder of cases, or a list of file names (.txt, relative to the folder
 * "cases" beside it). Every case runs as it is; those with a store once more
 *
 *      -r  with restarts (close and reopen) after every step, with -m as rarely as makes at most
 *          so many of them: a case of 2,200 steps with -m 200 is restarted after every 11th step
 *      -K  killed (SIGKILL) and reopened after every tenth step, in a case of less than twenty
 *          after every third
 *
 * and with -o every case with all optimizations, and with -r restarts. Last line: "N passed, N
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
    bool        restart, optimized, killed;
    size_t      restarts; /* at most, of one case; 0 = any number */
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

/* Steps between two restarts; 0 = none are wanted. */
static size_t restart_every(json_t *kase)
{
    const size_t steps = json_array_size(json_object_get(kase, "input"));

    if (!run.restart || !replay_has_store(kase))
        return 0;
    return run.restarts == 0 || steps <= run.restarts ? 1
                                                      : (steps + run.restarts - 1) / run.restarts;
}

static size_t kill_every(json_t *kase)
{
    return json_array_size(json_object_get(kase, "input")) < 20 ? 3 : 10;
}

static void run_case(json_t *kase, const char *name)
{
    const size_t every = restart_every(kase);
    char         text[64];

    count(name, "", replay_case(kase, name, &(struct variant){ 0 }, run.verbosity));
    if (replay_is_retention_sensitive(kase))
        count(name, " without loss", replay_without_loss(kase, name, run.verbosity));
    snprintf(text, sizeof text, " with restarts after every %zu steps", every);
    if (every > 0)
        count(name, every == 1 ? " with restarts" : text,
              replay_case(kase, name, &(struct variant){ .restart_every = every },
                          run.verbosity));
    if (run.killed && replay_has_store(kase))
        count(name, " killed", replay_killed(kase, name, kill_every(kase), run.verbosity));
    if (run.optimized)
        count(name, " optimized",
              replay_case(kase, name,
                          &(struct variant){ .restart_every = every, .optimized = true },
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
    while ((option = getopt(argc, argv, "vroKm:k:")) != -1) {
        if (option == 'v')
            run.verbosity++;
        else if (option == 'r')
            run.restart = true;
        else if (option == 'o')
            run.optimized = true;
        else if (option == 'K')
            run.killed = true;
        else if (option == 'm')
            run.restarts = strtoul(optarg, NULL, 10);
        else if (option == 'k')
            run.only = optarg;
        else
            return 2;
    }
    if (optind >= argc) {
        fprintf(stderr, "usage: %s [-v] [-r] [-o] [-K] [-m RESTARTS] [-k NAME] PATH...\n",
                argv[0]);
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

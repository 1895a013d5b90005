/* SPDX-License-Identifier: Apache-2.0
 *
 * options.c - see options.h.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

enum { PARTITIONS_MAX = 1024, THREADS_MAX = 256 };

static const char help[] =
    "Usage: model_scoring --data CSV --model FILE [--model FILE]... [OPTION]...\n"
    "Score streams of wines with models that arrive as a stream themselves.\n"
    "\n"
    "  -d, --data CSV          the wines: 11 features and the quality, between ';'\n"
    "  -m, --model FILE        a model (PMML or a frozen TensorFlow graph); give more\n"
    "                          of them, they are published one after the other\n"
    "\n"
    "Where it runs:\n"
    "  -l, --log LOG           memory, embedded:DIR, or HOST:PORT of a Kafka broker\n"
    "                          (default: memory)\n"
    "  -p, --partitions N      partitions of the topics (default: 1)\n"
    "  -t, --threads N         stream threads (default: 1)\n"
    "      --engine ENGINE     the topology by dsl or by processor (default: dsl)\n"
    "      --application-id ID name of the group and of the state (default:\n"
    "                          model-scoring)\n"
    "      --state-dir DIR     where the state lives (default: DIR/state of an\n"
    "                          embedded log, a temporary one for memory)\n"
    "  -X NAME=VALUE           set any property of libkstream\n"
    "\n"
    "What it does:\n"
    "  -s, --swap-every N      publish the next model every N wines (default: spread\n"
    "                          over all wines)\n"
    "  -b, --break SHARE       damage this share of the wines, 0 to 1 (default: 0)\n"
    "      --seed S            which wines are damaged, and how (default: 1)\n"
    "\n"
    "What it writes:\n"
    "      --scores FILE       row,model,score of every wine, sorted by row\n"
    "      --errors FILE       the reason for every refused wine and model\n"
    "  -q, --quiet             no progress\n"
    "  -h, --help              this text\n"
    "\n"
    "Example:\n"
    "  model_scoring -d examples/data/wine/winequality_red.csv -p 4 \\\n"
    "      -m examples/data/wine/winequalityDesisionTreeRegression.pmml \\\n"
    "      -m examples/data/wine/optimized_WineQuality.pb --swap-every 50\n";

enum { LONG_ENGINE = 256, LONG_APPLICATION, LONG_STATE, LONG_SEED, LONG_SCORES, LONG_ERRORS };

static const struct option long_options[] = {
    { "data", required_argument, NULL, 'd' },
    { "model", required_argument, NULL, 'm' },
    { "log", required_argument, NULL, 'l' },
    { "partitions", required_argument, NULL, 'p' },
    { "threads", required_argument, NULL, 't' },
    { "swap-every", required_argument, NULL, 's' },
    { "break", required_argument, NULL, 'b' },
    { "quiet", no_argument, NULL, 'q' },
    { "help", no_argument, NULL, 'h' },
    { "engine", required_argument, NULL, LONG_ENGINE },
    { "application-id", required_argument, NULL, LONG_APPLICATION },
    { "state-dir", required_argument, NULL, LONG_STATE },
    { "seed", required_argument, NULL, LONG_SEED },
    { "scores", required_argument, NULL, LONG_SCORES },
    { "errors", required_argument, NULL, LONG_ERRORS },
    { NULL, 0, NULL, 0 },
};

void options_help(FILE *out)
{
    fputs(help, out);
}

static bool read_count(const char *option, const char *text, long least, long most, int *count,
                       struct reason *reason)
{
    char *end;
    long  value;

    errno = 0;
    value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value < least || value > most)
        return reason_set(reason, "--%s: \"%s\" is not a whole number from %ld to %ld", option,
                          text, least, most);
    *count = (int)value;
    return true;
}

static bool read_share(const char *text, double *share, struct reason *reason)
{
    char *end;

    *share = strtod(text, &end);
    if (end == text || *end != '\0' || !(*share >= 0.0 && *share <= 1.0))
        return reason_set(reason, "--break: \"%s\" is not a share from 0 to 1", text);
    return true;
}

static bool read_seed(const char *text, uint64_t *seed, struct reason *reason)
{
    char *end;

    errno = 0;
    *seed = strtoull(text, &end, 0);
    if (end == text || *end != '\0' || errno != 0 || *text == '-')
        return reason_set(reason, "--seed: \"%s\" is not a whole number", text);
    return true;
}

static bool read_log(const char *text, struct options *options, struct reason *reason)
{
    const char *colon = strrchr(text, ':');

    options->address = text;
    if (strcmp(text, "memory") == 0) {
        options->log = LOG_MEMORY;
        options->address = "memory:model-scoring";
        return true;
    }
    if (strncmp(text, "embedded:", 9) == 0 && text[9] != '\0') {
        options->log = LOG_EMBEDDED;
        return true;
    }
    options->log = LOG_KAFKA;
    return (colon != NULL && colon != text && colon[1] != '\0' &&
            strncmp(text, "embedded:", 9) != 0) ||
           reason_set(reason, "--log: \"%s\" is none of memory, embedded:DIR, HOST:PORT", text);
}

static bool read_engine(const char *text, struct options *options, struct reason *reason)
{
    options->engine = strcmp(text, "processor") == 0 ? ENGINE_PROCESSOR : ENGINE_DSL;
    return options->engine == ENGINE_PROCESSOR || strcmp(text, "dsl") == 0 ||
           reason_set(reason, "--engine: \"%s\" is neither dsl nor processor", text);
}

static bool add(const char **list, int *count, int most, const char *text, struct reason *reason)
{
    if (*count == most)
        return reason_set(reason, "more than %d of one option", most);
    list[(*count)++] = text;
    return true;
}

static bool read_property(const char *text, struct options *options, struct reason *reason)
{
    const char *equals = strchr(text, '=');

    if (equals == NULL || equals == text)
        return reason_set(reason, "-X: \"%s\" is not NAME=VALUE", text);
    return add(options->property, &options->properties, OPTIONS_PROPERTIES_MAX, text, reason);
}

static bool read_option(int option, const char *text, struct options *options,
                        struct reason *reason)
{
    switch (option) {
    case 'd':
        options->data = text;
        return true;
    case 'm':
        return add(options->model, &options->models, OPTIONS_MODELS_MAX, text, reason);
    case 'l':
        return read_log(text, options, reason);
    case 'p':
        return read_count("partitions", text, 1, PARTITIONS_MAX, &options->partitions, reason);
    case 't':
        return read_count("threads", text, 1, THREADS_MAX, &options->threads, reason);
    case 's':
        return read_count("swap-every", text, 1, INT_MAX, &options->swap_every, reason);
    case 'b':
        return read_share(text, &options->break_share, reason);
    case 'X':
        return read_property(text, options, reason);
    case 'q':
        options->quiet = true;
        return true;
    case LONG_ENGINE:
        return read_engine(text, options, reason);
    case LONG_APPLICATION:
        options->application_id = text;
        return true;
    case LONG_STATE:
        options->state_dir = text;
        return true;
    case LONG_SEED:
        return read_seed(text, &options->seed, reason);
    case LONG_SCORES:
        options->scores = text;
        return true;
    default: /* LONG_ERRORS */
        options->errors = text;
        return true;
    }
}

/* getopt's own message goes to stderr; ours is text like all others. */
static bool refuse(int option, char **argv, struct reason *reason)
{
    const char *what = argv[optind - 1];

    return reason_set(reason, "%s: %s", what,
                      option == ':' ? "a value is missing" : "there is no such option");
}

static bool check(const struct options *options, int argc, char **argv, struct reason *reason)
{
    if (optind < argc)
        return reason_set(reason, "unexpected argument \"%s\"", argv[optind]);
    if (options->data == NULL)
        return reason_set(reason, "--data is missing");
    if (options->models == 0)
        return reason_set(reason, "--model is missing");
    return true;
}

enum options_result options_parse(struct options *options, int argc, char **argv,
                                  struct reason *reason)
{
    int option;

    *options = (struct options){
        .log = LOG_MEMORY,
        .address = "memory:model-scoring",
        .partitions = 1,
        .threads = 1,
        .application_id = "model-scoring",
        .seed = 1,
    };
    optind = 0; /* glibc: forget what an earlier call left */
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":d:m:l:p:t:s:b:X:qh", long_options, NULL)) != -1) {
        if (option == 'h')
            return OPTIONS_HELP;
        if (option == '?' || option == ':') {
            refuse(option, argv, reason);
            return OPTIONS_WRONG;
        }
        if (!read_option(option, optarg, options, reason))
            return OPTIONS_WRONG;
    }
    return check(options, argc, argv, reason) ? OPTIONS_RUN : OPTIONS_WRONG;
}

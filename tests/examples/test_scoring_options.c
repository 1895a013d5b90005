/* SPDX-License-Identifier: Apache-2.0
 *
 * test_scoring_options.c - the command line of model_scoring.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "model_scoring/options.h"

enum { WORDS_MAX = 40 };

static struct options options;
static struct reason  reason;

/* The words are split at blanks, as a shell would. */
static enum options_result parse(const char *line)
{
    static char name[] = "model_scoring";
    static char text[1000];
    char       *argv[WORDS_MAX + 1] = { name };
    int         argc = 1;

    strcpy(text, line);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    return options_parse(&options, argc, argv, &reason);
}

START_TEST(two_options_are_enough)
{
    ck_assert_int_eq(parse("--data a.csv --model b.pmml"), OPTIONS_RUN);
    ck_assert_str_eq(options.data, "a.csv");
    ck_assert_int_eq(options.models, 1);
    ck_assert_int_eq(options.log, LOG_MEMORY);
    ck_assert_int_eq(options.partitions, 1);
    ck_assert_int_eq(options.threads, 1);
    ck_assert_int_eq(options.engine, ENGINE_DSL);
}
END_TEST

START_TEST(every_option_is_taken)
{
    ck_assert_int_eq(parse("-d a.csv -m b -m c --log embedded:/var/x -p 4 --threads=2 "
                           "--swap-every 50 --engine processor --scores s --errors e --break 0.05 "
                           "--seed 99 -X commit.interval.ms=10 -Xa=b=c --state-dir st "
                           "--application-id id -q"),
                     OPTIONS_RUN);
    ck_assert_int_eq(options.models, 2);
    ck_assert_str_eq(options.model[1], "c");
    ck_assert_int_eq(options.log, LOG_EMBEDDED);
    ck_assert_str_eq(options.address, "embedded:/var/x");
    ck_assert_int_eq(options.partitions, 4);
    ck_assert_int_eq(options.threads, 2);
    ck_assert_int_eq(options.swap_every, 50);
    ck_assert_int_eq(options.engine, ENGINE_PROCESSOR);
    ck_assert_str_eq(options.scores, "s");
    ck_assert_str_eq(options.errors, "e");
    ck_assert_double_eq(options.break_share, 0.05);
    ck_assert_uint_eq(options.seed, 99);
    ck_assert_int_eq(options.properties, 2);
    ck_assert_str_eq(options.property[1], "a=b=c");
    ck_assert_str_eq(options.state_dir, "st");
    ck_assert_str_eq(options.application_id, "id");
    ck_assert(options.quiet);
}
END_TEST

START_TEST(a_broker_is_an_address)
{
    ck_assert_int_eq(parse("-d a -m b --log localhost:9092"), OPTIONS_RUN);
    ck_assert_int_eq(options.log, LOG_KAFKA);
    ck_assert_str_eq(options.address, "localhost:9092");
}
END_TEST

static const char *const mistakes[][2] = {
    { "", "--data is missing" },
    { "-d a", "--model is missing" },
    { "-d a -m b c", "unexpected argument \"c\"" },
    { "-d a -m b --partitions 0", "--partitions: \"0\" is not a whole number from 1 to 1024" },
    { "-d a -m b -t 2x", "--threads: \"2x\" is not a whole number from 1 to 256" },
    { "-d a -m b --break 1.5", "--break: \"1.5\" is not a share from 0 to 1" },
    { "-d a -m b --break nan", "--break: \"nan\" is not a share from 0 to 1" },
    { "-d a -m b --seed -1", "--seed: \"-1\" is not a whole number" },
    { "-d a -m b --log kafka", "--log: \"kafka\" is none of memory, embedded:DIR, HOST:PORT" },
    { "-d a -m b --log embedded:",
      "--log: \"embedded:\" is none of memory, embedded:DIR, HOST:PORT" },
    { "-d a -m b --engine flow", "--engine: \"flow\" is neither dsl nor processor" },
    { "-d a -m b -X novalue", "-X: \"novalue\" is not NAME=VALUE" },
    { "-d a -m b --colour", "--colour: there is no such option" },
    { "-d a -m b --seed", "--seed: a value is missing" },
};

START_TEST(a_mistake_is_named)
{
    ck_assert_int_eq(parse(mistakes[_i][0]), OPTIONS_WRONG);
    ck_assert_str_eq(reason.text, mistakes[_i][1]);
}
END_TEST

START_TEST(help_names_every_option)
{
    static const char *const names[] = { "--data",   "--model",  "--log",    "--partitions",
                                         "--threads", "--engine", "--scores", "--errors",
                                         "--break",  "--seed",   "--swap-every", "-X" };
    char  *text = NULL;
    size_t size = 0;
    FILE  *out = open_memstream(&text, &size);

    ck_assert_int_eq(parse("--help"), OPTIONS_HELP);
    ck_assert_ptr_nonnull(out);
    options_help(out);
    fclose(out);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        ck_assert_msg(strstr(text, names[i]) != NULL, "%s is missing", names[i]);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
        ck_assert_uint_le(strlen(line), 80);
    free(text);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("scoring options");
    TCase   *tests = tcase_create("scoring options");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_test(tests, two_options_are_enough);
    tcase_add_test(tests, every_option_is_taken);
    tcase_add_test(tests, a_broker_is_an_address);
    tcase_add_loop_test(tests, a_mistake_is_named, 0, sizeof(mistakes) / sizeof(mistakes[0]));
    tcase_add_test(tests, help_names_every_option);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

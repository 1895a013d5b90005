/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - kill: word count as a process of its own on the embedded log, killed with SIGKILL again
 * and again while lines are fed to it; then every count must be there once, and all must be as
 * after a second run of the same lines that is never killed. At least once, what is counted may be
 * in the repartition topic twice, but the state counts each record of that once.
 *
 *      KILLS=200 SEED=5 kill PROGRAM           (PROGRAM = build/examples/word_count)
 *
 *      round: a new log --> { start PROGRAM, feed, SIGKILL }* --> run to the end, SIGTERM
 *                       `-> output topic, changelog, store of a new app: all against the input
 *      quiet: a new log --> the same lines --> start PROGRAM once, run to the end, SIGTERM
 *                       `-> the same checks, and outputs and rows of both runs side by side
 *
 * KILLS kills with each guarantee. Rounds alternate between no cache (outputs per key are exactly
 * 1, 2, 3 ...) and the default one (they rise, and the last one is right). Each start chooses
 * another commit.interval.ms, state.flush.ms and log.sync (a synced commit takes long), so that
 * kills hit all windows: inside a transaction, between the log's commit and LMDB's, inside LMDB's,
 * while state is restored. A line per round, last line `N passed, N failed`.
 */
#include "base/io.h"
#include "round.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KILLS_PER_ROUND 10

/* ---- feeding ---- */

static void append_line(struct round *round, size_t n)
{
    const ks_record record = { .value        = { round->fed[n], strlen(round->fed[n]) },
                               .timestamp_ms = (int64_t)n };

    if (ks_writer_append(round->writer, "lines", (int32_t)(n % PARTITIONS), &record) != KS_OK)
        tally_complain(&round->tally, "append: %s",
                       ks_error_message(ks_writer_error(round->writer)));
}

static void flush_lines(struct round *round)
{
    if (ks_writer_flush(round->writer, 10000) != KS_OK)
        tally_complain(&round->tally, "flush: %s",
                       ks_error_message(ks_writer_error(round->writer)));
}

/* Room for one more line; false = a complaint. */
static bool grow(struct round *round)
{
    size_t capacity = round->capacity * 2 + 256;
    void  *fed;

    if (round->lines < round->capacity)
        return true;
    fed = realloc(round->fed, capacity * sizeof(*round->fed));
    if (fed == NULL) {
        tally_complain(&round->tally, "no memory for %zu lines", capacity);
        return false;
    }
    round->fed      = fed;
    round->capacity = capacity;
    return true;
}

static void feed_line(struct round *round)
{
    size_t size  = 0;
    int    words = 1 + random_below(&round->random, 5);

    if (!grow(round))
        return;
    for (int i = 0; i < words; i++) {
        int n = random_below(&round->random, TALLY_WORDS);

        size += (size_t)snprintf(round->fed[round->lines] + size, LINE_BYTES - size, " w%d", n);
        round->tally.words[n].in++;
    }
    append_line(round, round->lines++);
}

static void feed(struct round *round, int lines)
{
    for (int i = 0; i < lines; i++)
        feed_line(round);
    flush_lines(round);
}

/* Feed for so long. */
static void feed_for(struct round *round, int ms)
{
    for (int64_t end = now_ms() + ms; now_ms() < end && round_is_sound(round);) {
        feed(round, 1 + random_below(&round->random, 40));
        sleep_us(random_below(&round->random, 3000));
    }
}

/* ---- a round ---- */

bool round_is_sound(const struct round *round)
{
    return round->tally.complaint[0] == '\0';
}

void round_open(struct round *round)
{
    const char *folder  = getenv("TMPDIR");
    const bool  exactly = strcmp(round->guarantee, "exactly_once_v2") == 0;

    tally_init(&round->tally, exactly ? TALLY_EXACTLY_ONCE : TALLY_AT_LEAST_ONCE, !round->caches);
    round->tally.kept = !exactly;
    snprintf(round->directory, sizeof(round->directory), "%.40s/kstream-kill.XXXXXX",
             folder != NULL ? folder : "/tmp");
    if (mkdtemp(round->directory) == NULL)
        tally_complain(&round->tally, "%s: %s", round->directory, strerror(errno));
    snprintf(round->address, sizeof(round->address), "embedded:%s/log", round->directory);
    snprintf(round->state, sizeof(round->state), "%s/state", round->directory);
    ks_config *config = ks_config_new();
    ks_config_set(config, "log.sync", "false");
    round->log = ks_log_new(round->address, config);
    ks_config_free(config);
    round->writer = ks_log_writer(round->log, NULL);
    if (ks_log_create_topic(round->log, "lines", PARTITIONS, false) != KS_OK ||
        ks_log_create_topic(round->log, "counts", PARTITIONS, false) != KS_OK)
        tally_complain(&round->tally, "topics: %s", ks_error_message(ks_log_error(round->log)));
}

void round_close(struct round *round)
{
    ks_writer_free(round->writer);
    ks_log_free(round->log);
    outcome_release(&round->outcome);
    free(round->fed);
    if (!round_is_sound(round))
        printf("# left for you to look at: %s\n", round->directory);
    else if (ks__io_remove_tree(round->directory) != 0)
        tally_complain(&round->tally, "%s cannot be removed", round->directory);
}

/* Kill it again and again, then let it come to its end. */
static void run_with_kills(struct round *round, int kills)
{
    pid_t pid;

    for (int i = 0; i < kills && round_is_sound(round); i++) {
        int64_t before = program_progress(round);

        pid = program_start(round);
        feed_for(round, random_below(&round->random, 90));
        kill(pid, SIGKILL);
        program_wait(round, pid, SIGKILL);
        round->hits += program_progress(round) > before;
    }
    if (!round_is_sound(round))
        return;
    pid = program_start(round);
    feed(round, 1); /* so that it is up, with its signal handlers, when all is worked off */
    program_finish(round, pid);
    if (round_is_sound(round))
        round_check(round);
}

/* The same lines without a kill, on a log of their own; what differs is a complaint of `killed`. */
static void compare_with_quiet_run(struct round *killed)
{
    struct round quiet = { .program = killed->program, .random = killed->random,
                           .guarantee = killed->guarantee, .caches = killed->caches };

    round_open(&quiet);
    for (size_t n = 0; n < killed->lines && grow(&quiet); n++) {
        memcpy(quiet.fed[n], killed->fed[n], LINE_BYTES);
        append_line(&quiet, quiet.lines++);
    }
    for (int n = 0; n < TALLY_WORDS; n++)
        quiet.tally.words[n].in = killed->tally.words[n].in;
    flush_lines(&quiet);
    if (round_is_sound(&quiet))
        program_finish(&quiet, program_start(&quiet));
    if (round_is_sound(&quiet))
        round_check(&quiet);
    if (round_is_sound(&quiet))
        outcome_compare(&killed->outcome, &quiet.outcome, &killed->tally);
    else
        tally_complain(&killed->tally, "the run without kills: %s", quiet.tally.complaint);
    round_close(&quiet);
}

/* True = all is as if nobody had been killed. */
static bool run_round(struct round round, int number, int kills, int *hits)
{
    round.random.state += (uint64_t)number;
    round.caches = number % 2 == 1;
    round_open(&round);
    run_with_kills(&round, kills);
    if (round_is_sound(&round))
        compare_with_quiet_run(&round);
    round_close(&round);
    *hits += round.hits;
    printf("%s %s, round %d, %s, %d kills, %d at work, %zu lines%s%s\n",
           round_is_sound(&round) ? "ok   " : "FAIL ", round.guarantee, number,
           round.caches ? "default cache" : "no cache", kills, round.hits, round.lines,
           round_is_sound(&round) ? "" : ": ", round.tally.complaint);
    return round_is_sound(&round);
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

/* All rounds of one guarantee; how many failed. */
static int run_rounds(struct round round, int kills, int *passed)
{
    int failed = 0, hits = 0;

    for (int number = 0; kills > 0; number++) {
        /* At least one round without and one with a cache. */
        int now = kills > KILLS_PER_ROUND ? KILLS_PER_ROUND : number == 0 ? (kills + 1) / 2 : kills;

        *(run_round(round, number, now, &hits) ? passed : &failed) += 1;
        kills -= now;
    }
    if (hits == 0) {
        printf("FAIL  no kill met a process at work: the rounds show nothing\n");
        failed++;
    }
    return failed;
}

int main(int argc, char **argv)
{
    static const char *const guarantees[] = { "exactly_once_v2", "at_least_once" };

    int      kills  = (int)number_of("KILLS", 16);
    uint64_t seed   = number_of("SEED", (uint64_t)time(NULL));
    int      passed = 0, failed = 0;

    if (argc != 2) {
        fprintf(stderr, "usage: [KILLS=N] [SEED=S] kill PROGRAM\n");
        return 2;
    }
    printf("# SEED=%" PRIu64 " KILLS=%d\n", seed, kills);
    for (int g = 0; g < 2; g++)
        failed += run_rounds((struct round){ .program = argv[1], .guarantee = guarantees[g],
                                             .random.state = seed }, kills, &passed);
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - kill: word count as a process of its own on the embedded log, killed with SIGKILL again
 * and again while lines are fed to it; then every count must be there once. At least once, what is
 * counted may be in the repartition topic twice, but the state counts each record of that once.
 *
 *      KILLS=200 SEED=5 kill PROGRAM           (PROGRAM = build/examples/word_count)
 *
 *      round: a new log --> { start PROGRAM, feed, SIGKILL }* --> run to the end, SIGTERM
 *                       `-> output topic, changelog, store of a new app: all against the input
 *
 * KILLS kills with each guarantee. Rounds alternate between no cache (outputs per key are exactly
 * 1, 2, 3 ...) and the default one (they rise, and the last one is right). Each start chooses
 * another commit.interval.ms, state.flush.ms and log.sync (a synced commit takes long), so that
 * kills hit all windows: inside a transaction, between the log's commit and LMDB's, inside LMDB's,
 * while state is restored. A line per round, last line `N passed, N failed`.
 */
#include "base/io.h"
#include "support/random.h"
#include "support/tally.h"
#include "support/words.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PARTITIONS      3
#define KILLS_PER_ROUND 10
#define END_LIMIT_MS    30000 /* for the last start of a round; takes well under a second */
#define APPLICATION     "word-count"

struct round {
    const char   *program;
    struct random random;
    const char   *guarantee;
    bool          caches;
    char          directory[64];
    char          address[80], state[80];
    ks_log       *log;
    ks_writer    *writer;
    struct tally  tally;
    int64_t       lines;
    int           hits; /* kills of a process that had committed something */
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void sleep_us(int us)
{
    nanosleep(&(struct timespec){ .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000L }, NULL);
}

/* ---- the program ---- */

static pid_t start(struct round *round)
{
    char  commit[48], flush[48], sync[16];
    pid_t pid;

    snprintf(commit, sizeof(commit), "commit.interval.ms=%d",
             RANDOM_OF(&round->random, 0, 1, 5, 20, 100));
    snprintf(flush, sizeof(flush), "state.flush.ms=%d",
             RANDOM_OF(&round->random, 0, 2, 20, 200, 100000));
    snprintf(sync, sizeof(sync), "log.sync=%s",
             random_percent(&round->random, 50) ? "true" : "false");
    fflush(stdout);
    pid = fork();
    if (pid != 0)
        return pid;
    execl(round->program, round->program, "--brokers", round->address, "--input", "lines",
          "--output", "counts", "--application-id", APPLICATION, "--state-dir", round->state,
          "--guarantee", round->guarantee, "--cache-bytes", round->caches ? "10MiB" : "0",
          "-X", commit, "-X", flush, "-X", sync, "-X", "session.timeout.ms=1000",
          "-X", "repartition.purge.interval.ms=31622400000", /* take_moved() reads it all */
          (char *)NULL);
    _exit(127);
}

/* Wait for its end; the complaint if it is not the one expected (0 = exit status 0). */
static void wait_for(struct round *round, pid_t pid, int signal)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (signal != 0 ? !(WIFSIGNALED(status) && WTERMSIG(status) == signal) : status != 0)
        tally_complain(&round->tally, "%s ended with status %#x", round->program,
                       (unsigned)status);
}

/* ---- feeding ---- */

static void feed_line(struct round *round)
{
    char      text[64];
    size_t    size   = 0;
    int       words  = 1 + random_below(&round->random, 5);
    ks_record record = { .timestamp_ms = round->lines };

    for (int i = 0; i < words; i++) {
        int n = random_below(&round->random, TALLY_WORDS);

        size += (size_t)snprintf(text + size, sizeof(text) - size, " w%d", n);
        round->tally.words[n].in++;
    }
    record.value = (ks_bytes){ text, size };
    if (ks_writer_append(round->writer, "lines", (int32_t)(round->lines++ % PARTITIONS),
                         &record) != KS_OK)
        tally_complain(&round->tally, "append: %s",
                       ks_error_message(ks_writer_error(round->writer)));
}

static void feed(struct round *round, int lines)
{
    for (int i = 0; i < lines; i++)
        feed_line(round);
    if (ks_writer_flush(round->writer, 10000) != KS_OK)
        tally_complain(&round->tally, "flush: %s",
                       ks_error_message(ks_writer_error(round->writer)));
}

/* Feed for so long. */
static void feed_for(struct round *round, int ms)
{
    for (int64_t end = now_ms() + ms; now_ms() < end && round->tally.complaint[0] == '\0';) {
        feed(round, 1 + random_below(&round->random, 40));
        sleep_us(random_below(&round->random, 3000));
    }
}

/* ---- the end of a round ---- */

static bool is_worked_off(struct round *round, const char *topic)
{
    for (int32_t p = 0; p < PARTITIONS; p++) {
        int64_t end, committed;

        if (ks_log_end_offset(round->log, topic, p, &end) != KS_OK ||
            ks_log_committed(round->log, APPLICATION, topic, p, &committed) != KS_OK)
            return false;
        if (end > 0 && committed < end)
            return false;
    }
    return true;
}

/* Lines that are worked off. */
static int64_t progress(struct round *round)
{
    int64_t sum = 0, committed;

    for (int32_t p = 0; p < PARTITIONS; p++)
        if (ks_log_committed(round->log, APPLICATION, "lines", p, &committed) == KS_OK &&
            committed > 0)
            sum += committed;
    return sum;
}

static void run_to_end(struct round *round)
{
    pid_t   pid = start(round);
    int64_t end = now_ms() + END_LIMIT_MS;

    feed(round, 1); /* so that it is up, with its signal handlers, when all is worked off */
    while (!is_worked_off(round, "lines") ||
           !is_worked_off(round, APPLICATION "-by-repartition")) {
        if (now_ms() > end || waitpid(pid, NULL, WNOHANG) != 0) {
            tally_complain(&round->tally, "the last start does not work off the input");
            kill(pid, SIGKILL);
            return;
        }
        sleep_us(5000);
    }
    kill(pid, SIGTERM);
    wait_for(round, pid, 0);
}

static void read_topic(struct round *round, const char *topic,
                       void (*take)(struct tally *, ks_bytes, int64_t))
{
    ks_reader *reader = ks_log_reader(round->log, NULL);
    int64_t    left = 0, end;

    for (int32_t p = 0; p < PARTITIONS; p++)
        if (ks_reader_assign(reader, topic, p, 0) == KS_OK &&
            ks_log_end_offset(round->log, topic, p, &end) == KS_OK)
            left += end;
    for (ks_entry entry; ks_reader_next(reader, 0, &entry); left--)
        take(&round->tally, entry.record.key, ks_bytes_i64(entry.record.value, -1));
    if (left != 0)
        tally_complain(&round->tally, "%s: %" PRId64 " records were not read: %s", topic, left,
                       ks_error_message(ks_reader_error(reader)));
    ks_reader_free(reader);
}

static void read_rows(struct round *round, ks_app *app)
{
    ks_snapshot *snapshot;
    ks_status    status = ks_app_snapshot(app, "counts", KS_QUERIED(.freshness = KS_FRESH),
                                          &snapshot);

    if (status != KS_OK) {
        tally_complain(&round->tally, "no snapshot: %s", ks_status_name(status));
        return;
    }
    ks_iter *rows = ks_snapshot_all(snapshot, KS_ASCENDING);
    for (ks_record row; ks_iter_next(rows, &row);)
        tally_row(&round->tally, row.key, ks_bytes_i64(row.value, -1));
    ks_snapshot_free(snapshot);
}

/* The state as the next start finds it: an app of this process opens it and is asked. */
static void read_store(struct round *round)
{
    ks_config   *config   = ks_config_new();
    ks_topology *topology = words_topology("lines", "counts");
    int64_t      end      = now_ms() + END_LIMIT_MS;

    ks_config_set(config, "application.id", APPLICATION);
    ks_config_set(config, "bootstrap.servers", round->address);
    ks_config_set(config, "state.dir", round->state);
    ks_config_set(config, "processing.guarantee", round->guarantee);
    ks_app *app = ks_app_new(topology, config);
    while (ks_app_get_state(app) != KS_APP_RUNNING && now_ms() < end &&
           ks_app_step(app, 10) == KS_OK)
        sleep_us(500);
    if (ks_app_get_state(app) == KS_APP_RUNNING)
        read_rows(round, app);
    else
        tally_complain(&round->tally, "does not run again: %s, %s",
                       ks_app_state_name(ks_app_get_state(app)),
                       ks_error_message(ks_app_error(app)));
    ks_app_free(app);
    ks_topology_free(topology);
    ks_config_free(config);
}

/* A record that the counting task has to count, which is all that bounds it at least once. */
static void take_moved(struct tally *tally, ks_bytes word, int64_t count)
{
    int n = tally_number(tally, word);

    (void)count;
    if (n >= 0)
        tally->words[n].seen = ++tally->words[n].moved;
}

static void check(struct round *round)
{
    if (round->tally.kept)
        read_topic(round, APPLICATION "-by-repartition", take_moved);
    read_topic(round, "counts", tally_output);
    read_topic(round, APPLICATION "-counts-changelog", tally_changelog);
    read_store(round);
    tally_settle(&round->tally);
}

/* ---- a round ---- */

static void open_round(struct round *round)
{
    const char *folder = getenv("TMPDIR");

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

static void close_round(struct round *round)
{
    ks_writer_free(round->writer);
    ks_log_free(round->log);
    if (round->tally.complaint[0] != '\0')
        printf("# left for you to look at: %s\n", round->directory);
    else if (ks__io_remove_tree(round->directory) != 0)
        tally_complain(&round->tally, "%s cannot be removed", round->directory);
}

/* True = all is as if nobody had been killed. */
static bool run_round(struct round round, int number, int kills, int *hits)
{
    bool exactly = strcmp(round.guarantee, "exactly_once_v2") == 0;

    round.random.state += (uint64_t)number;
    round.caches = number % 2 == 1;
    tally_init(&round.tally, exactly ? TALLY_EXACTLY_ONCE : TALLY_AT_LEAST_ONCE, !round.caches);
    round.tally.kept = !exactly;
    open_round(&round);
    for (int i = 0; i < kills && round.tally.complaint[0] == '\0'; i++) {
        int64_t before = progress(&round);
        pid_t   pid    = start(&round);

        feed_for(&round, random_below(&round.random, 90));
        kill(pid, SIGKILL);
        wait_for(&round, pid, SIGKILL);
        round.hits += progress(&round) > before;
    }
    if (round.tally.complaint[0] == '\0')
        run_to_end(&round);
    if (round.tally.complaint[0] == '\0')
        check(&round);
    close_round(&round);
    *hits += round.hits;
    printf("%s %s, round %d, %s, %d kills, %d at work, %" PRId64 " lines%s%s\n",
           round.tally.complaint[0] == '\0' ? "ok   " : "FAIL ", round.guarantee, number,
           round.caches ? "default cache" : "no cache", kills, round.hits, round.lines,
           round.tally.complaint[0] == '\0' ? "" : ": ", round.tally.complaint);
    return round.tally.complaint[0] == '\0';
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

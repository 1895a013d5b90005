/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - beneath: LMDB's own calls of libc fail, the n-th of them, for every n, while word count
 * runs on the embedded log; then a start without faults must find every word counted once.
 *
 *      LD_PRELOAD=build/tests/preload.so beneath          (tests/beneath/test_beneath.sh)
 *
 *      for each kind of call, errno, guarantee; for n = 1 ..:
 *          a new log with lines in it
 *          child:  run word count, the n-th call fails     -> it ends well, or with an error that
 *                                                             has a text; it does not crash, and
 *                                                             frees all that it took
 *          parent: run word count without faults to its end -> output, changelog, store are right
 *
 * Until the child makes fewer than n such calls. Everything in it goes by one clock that is moved
 * by hand: the log gets no writer thread, whose time would be another. A line per sweep, last line
 * `N passed, N failed`.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/thread.h"
#include "preload/shim.h"
#include "runtime/app.h"
#include "support/tally.h"
#include "support/words.h"
#include "support/words_check.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define APPLICATION "beneath"
#define START_MS    INT64_C(1700000000000)
#define STEPS       60      /* of the child: works off the input about twice over */
#define FINISH      4000    /* of the parent; takes some hundred when instances died */
#define STEP_MS     5

static const char *const lines[] = { "w0 w1", "w1 w2", "w1", "w0 w2 w2" };
#define LINES (sizeof(lines) / sizeof(lines[0]))

static const struct sweep {
    const char *title;
    unsigned    calls;
    int         error;
    bool        all_after, partly;
    bool        sync;           /* log.sync: fdatasync is called */
    const char *guarantee;
} sweeps[] = {
    { "no memory once", SHIM_MEMORY, ENOMEM, false, false, false, "exactly_once_v2" },
    { "no memory once", SHIM_MEMORY, ENOMEM, false, false, false, "at_least_once" },
    { "no memory from then on", SHIM_MEMORY, ENOMEM, true, false, false, "exactly_once_v2" },
    { "a write gives EIO", SHIM_WRITE, EIO, false, false, true, "exactly_once_v2" },
    { "a write gives EIO", SHIM_WRITE, EIO, false, false, true, "at_least_once" },
    { "a full disk", SHIM_WRITE | SHIM_TRUNCATE, ENOSPC, true, false, true, "exactly_once_v2" },
    { "a full disk", SHIM_WRITE | SHIM_TRUNCATE, ENOSPC, true, false, true, "at_least_once" },
    { "a disk that runs full within a write", SHIM_WRITE, ENOSPC, false, true, true,
      "exactly_once_v2" },
    { "a sync gives EIO", SHIM_SYNC, EIO, false, false, true, "exactly_once_v2" },
    { "a sync gives EIO", SHIM_SYNC, EIO, false, false, true, "at_least_once" },
    { "all syncs give EIO", SHIM_SYNC, EIO, true, false, true, "exactly_once_v2" },
    { "a map gives ENOMEM", SHIM_MAP, ENOMEM, false, false, false, "exactly_once_v2" },
    { "all maps give ENOMEM", SHIM_MAP, ENOMEM, true, false, false, "exactly_once_v2" },
    { "a read gives EIO", SHIM_READ, EIO, false, false, false, "exactly_once_v2" },
    { "an open gives EMFILE", SHIM_OPEN, EMFILE, false, false, false, "exactly_once_v2" },
    { "a lock gives ENOLCK", SHIM_LOCK, ENOLCK, false, false, false, "exactly_once_v2" },
};

/* A log with lines on it. */
struct place {
    const struct sweep *sweep;
    char                directory[64], address[80], state[80];
    struct tally        tally;
};

/* What the child tells. */
struct report {
    long         seen, failed;
    ks_app_state state;
    ks_status    status;
    int64_t      lost_blocks;
    char         text[256];
};

static shim_arm_fn *arm;

/* Between faults: nothing fails, and nothing waits for a disk, whose power does not fail here. */
static struct shim_plan quiet = { .library = "liblmdb", .no_sync = true };

/* ---- the place ---- */

static ks_log *open_log(struct place *place)
{
    ks_config *config = ks_config_new();
    ks_log    *log;

    ks_config_set(config, "log.sync", "false");
    log = ks_log_new(place->address, config);
    ks_config_free(config);
    return log;
}

static void write_lines(struct place *place)
{
    ks_log    *log    = open_log(place);
    ks_writer *writer = ks_log_writer(log, NULL);

    if (ks_log_create_topic(log, "lines", 1, false) != KS_OK ||
        ks_log_create_topic(log, "counts", 1, false) != KS_OK)
        tally_complain(&place->tally, "topics: %s", ks_error_message(ks_log_error(log)));
    for (size_t i = 0; i < LINES; i++) {
        const ks_record record = { .value        = ks_bytes_text(lines[i]),
                                   .timestamp_ms = START_MS + (int64_t)i };

        if (ks_writer_append(writer, "lines", 0, &record) != KS_OK)
            tally_complain(&place->tally, "append: %s", ks_error_message(ks_writer_error(writer)));
        for (ks_bytes rest = record.value, word; ks_bytes_word(&rest, &word);)
            place->tally.words[tally_number(&place->tally, word)].in++;
    }
    if (ks_writer_flush(writer, 10000) != KS_OK)
        tally_complain(&place->tally, "flush: %s", ks_error_message(ks_writer_error(writer)));
    ks_writer_free(writer);
    ks_log_free(log);
}

static void open_place(struct place *place, const struct sweep *sweep)
{
    const char *folder  = getenv("TMPDIR");
    const bool  exactly = strcmp(sweep->guarantee, "exactly_once_v2") == 0;

    *place = (struct place){ .sweep = sweep };
    tally_init(&place->tally, exactly ? TALLY_EXACTLY_ONCE : TALLY_AT_LEAST_ONCE, true);
    place->tally.kept = !exactly;
    snprintf(place->directory, sizeof(place->directory), "%.30s/kstream-beneath.XXXXXX",
             folder != NULL ? folder : "/tmp");
    if (mkdtemp(place->directory) == NULL) {
        tally_complain(&place->tally, "%s: %s", place->directory, strerror(errno));
        return;
    }
    snprintf(place->address, sizeof(place->address), "embedded:%s/log", place->directory);
    snprintf(place->state, sizeof(place->state), "%s/state", place->directory);
    write_lines(place);
}

/* ---- word count ---- */

static ks_app *make_app(const struct place *place, const struct ks__clock *clock, bool sync)
{
    ks_config   *config   = ks_config_new();
    ks_topology *topology = words_topology("lines", "counts");
    ks_app      *app;

    ks_config_set(config, "application.id", APPLICATION);
    ks_config_set(config, "bootstrap.servers", place->address);
    ks_config_set(config, "state.dir", place->state);
    ks_config_set(config, "processing.guarantee", place->sweep->guarantee);
    ks_config_set(config, "statestore.cache.max.bytes", "0");
    ks_config_set(config, "commit.interval.ms", "0");
    ks_config_set(config, "state.flush.ms", "0");
    ks_config_set(config, "task.timeout.ms", "100");
    ks_config_set(config, "session.timeout.ms", "1000");
    ks_config_set(config, "repartition.purge.interval.ms", "31622400000");
    ks_config_set(config, "log.sync", sync ? "true" : "false");
    app = ks_app_new(topology, config);
    ks__app_set_clock(app, clock);
    ks_topology_free(topology);
    ks_config_free(config);
    return app;
}

static bool has_ended(const ks_app *app)
{
    return ks_app_get_state(app) == KS_APP_NOT_RUNNING || ks_app_get_state(app) == KS_APP_ERROR;
}

static void step(ks_app *app, struct ks__manual_clock *clock, int steps)
{
    for (int i = 0; i < steps && !has_ended(app); i++) {
        (void)ks_app_step(app, 0);
        ks__manual_clock_advance(clock, STEP_MS);
    }
}

/* ---- the child ---- */

static void run_with_fault(const struct place *place, long n, struct report *report)
{
    const struct sweep     *sweep = place->sweep;
    struct shim_plan        plan  = { .library = "liblmdb", .calls = sweep->calls, .fail_at = n,
                                      .all_after = sweep->all_after, .error = sweep->error,
                                      .partly = sweep->partly, .no_sync = true };
    struct ks__alloc_probe  memory = { .fail_at = 0 };
    struct ks__manual_clock clock;
    ks_app                 *app;

    ks__manual_clock_init(&clock, START_MS);
    ks__alloc_probe_install(&memory);
    arm(&plan);
    app = make_app(place, &clock.clock, sweep->sync);
    step(app, &clock, STEPS);
    ks_app_stop(app);
    step(app, &clock, STEPS);
    arm(&quiet);
    report->state  = ks_app_get_state(app);
    report->status = ks_error_status(ks_app_error(app));
    snprintf(report->text, sizeof(report->text), "%s", ks_error_message(ks_app_error(app)));
    ks_app_free(app);
    report->lost_blocks = memory.live_blocks;
    report->seen        = plan.seen;
    report->failed      = plan.failed;
}

/* In a process of its own: true = it told how it went. */
static bool run_child(struct place *place, long n, struct report *report)
{
    int   ends[2], status = 0;
    bool  told;
    pid_t pid;

    if (pipe(ends) != 0)
        return false;
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        alarm(60);
        *report = (struct report){ .seen = 0 };
        run_with_fault(place, n, report);
        _exit(write(ends[1], report, sizeof(*report)) != (ssize_t)sizeof(*report));
    }
    close(ends[1]);
    told = read(ends[0], report, sizeof(*report)) == (ssize_t)sizeof(*report);
    close(ends[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        tally_complain(&place->tally, "it died of %s", strsignal(WTERMSIG(status)));
    else if (!told)
        tally_complain(&place->tally, "it ended with status %d", WEXITSTATUS(status));
    return told;
}

static void judge(struct place *place, const struct report *report)
{
    if (report->lost_blocks != 0)
        tally_complain(&place->tally, "%" PRId64 " blocks are lost (%s)", report->lost_blocks,
                       report->text);
    if (report->state == KS_APP_ERROR && report->text[0] == '\0')
        tally_complain(&place->tally, "ERROR without a text");
    if (report->state == KS_APP_NOT_RUNNING && report->status != KS_OK)
        tally_complain(&place->tally, "stopped with %s", ks_status_name(report->status));
    if (report->state != KS_APP_ERROR && report->state != KS_APP_NOT_RUNNING)
        tally_complain(&place->tally, "does not come to an end: %s",
                       ks_app_state_name(report->state));
}

/* ---- afterwards ---- */

static bool is_worked_off(ks_log *log, const char *topic)
{
    int64_t end, committed;

    return ks_log_end_offset(log, topic, 0, &end) == KS_OK &&
           ks_log_committed(log, APPLICATION, topic, 0, &committed) == KS_OK && end > 0 &&
           committed == end;
}

static void run_without_faults(struct place *place)
{
    const struct words_place where = { .address = place->address, .state = place->state,
                                       .application = APPLICATION, .partitions = 1,
                                       .guarantee = place->sweep->guarantee };
    struct words_place       at = where;
    struct ks__manual_clock  clock;
    ks_app                  *app;

    ks__manual_clock_init(&clock, START_MS);
    ks__manual_clock_advance(&clock, 1000000);
    at.clock = &clock;
    at.log   = open_log(place);
    app      = make_app(place, &clock.clock, false);
    for (int i = 0; i < FINISH && !has_ended(app) &&
                    !(is_worked_off(at.log, "lines") &&
                      is_worked_off(at.log, APPLICATION "-by-repartition"));
         i++)
        step(app, &clock, 1);
    ks_app_stop(app);
    step(app, &clock, FINISH);
    if (ks_app_get_state(app) != KS_APP_NOT_RUNNING)
        tally_complain(&place->tally, "the next start ends in %s: %s",
                       ks_app_state_name(ks_app_get_state(app)),
                       ks_error_message(ks_app_error(app)));
    ks_app_free(app);
    if (place->tally.complaint[0] == '\0')
        words_check(&at, &place->tally, NULL);
    ks_log_free(at.log);
}

/* ---- sweeps ---- */

/* 1 = right, 0 = there is no n-th call any more, -1 = wrong. */
static int run_one(const struct sweep *sweep, long n, int *errors)
{
    struct place  place;
    struct report report;
    bool          wrong;

    open_place(&place, sweep);
    if (place.tally.complaint[0] == '\0' && run_child(&place, n, &report)) {
        judge(&place, &report);
        *errors += report.state == KS_APP_ERROR;
    }
    if (place.tally.complaint[0] == '\0')
        run_without_faults(&place);
    wrong = place.tally.complaint[0] != '\0';
    if (wrong)
        printf("# %s, %s, call %ld: %s; left for you to look at: %s\n", sweep->title,
               sweep->guarantee, n, place.tally.complaint, place.directory);
    else
        (void)ks__io_remove_tree(place.directory);
    return wrong ? -1 : report.failed > 0;
}

static bool run_sweep(const struct sweep *sweep)
{
    int  errors = 0, wrong = 0, result = 1;
    long n = 0;

    while (result != 0 && wrong < 5) {
        result = run_one(sweep, ++n, &errors);
        wrong += result < 0;
    }
    printf("%s %s, %s: %ld calls failed one by one, %d runs ended with an error\n",
           wrong == 0 && n > 1 ? "ok   " : "FAIL ", sweep->title, sweep->guarantee, n - 1, errors);
    return wrong == 0 && n > 1;
}

int main(int argc, char **argv)
{
    const char *only   = argc > 1 ? argv[1] : NULL;
    int         passed = 0, failed = 0;

    *(void **)(&arm) = dlsym(RTLD_DEFAULT, "shim_arm");
    if (arm == NULL) {
        fprintf(stderr, "beneath: preload.so is not preloaded\n");
        return 2;
    }
    ks__thread_refuse("ks-log-writer");
    arm(&quiet);
    for (size_t i = 0; i < sizeof(sweeps) / sizeof(sweeps[0]); i++)
        if (only == NULL || strstr(sweeps[i].title, only) != NULL)
            *(run_sweep(&sweeps[i]) ? &passed : &failed) += 1;
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}

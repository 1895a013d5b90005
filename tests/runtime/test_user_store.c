/* SPDX-License-Identifier: Apache-2.0
 *
 * test_user_store.c - stores of the user's own: the example of sys/store.h, and the contract there.
 */
#include "runtime/app.h"
#include "base/clock.h"
#include "support/stage.h"

#include <check.h>
#include <kstream/kstream.h>
#include <kstream/sys/store.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the example of sys/store.h, as it stands there ---- */

struct sketch { ks_store_ctx *ctx; int64_t buckets[256]; };

static ks_status sketch_open(ks_store_ctx *ctx, void *self, void *user)
{
    (void)user;
    ((struct sketch *)self)->ctx = ctx;
    return KS_OK;
}
static ks_status sketch_restore(ks_store_ctx *ctx, const ks_record *records, size_t count,
                                void *self)
{
    struct sketch *sketch = self;

    for (size_t i = 0; i < count; i++) {
        if (records[i].key.size != 1)
            return ks_store_ctx_fail(ctx, "a key of %zu bytes", records[i].key.size);
        sketch->buckets[*(const unsigned char *)records[i].key.data] =
            ks_bytes_i64(records[i].value, 0);
    }
    return KS_OK;
}
static const ks_store_class sketch_class = KS_STORE_CLASS(
    .state_size = sizeof(struct sketch), .open = sketch_open, .restore = sketch_restore);

static void sketch_add(struct sketch *sketch, unsigned char bucket, ks_bytes number)
{
    sketch->buckets[bucket] = ks_bytes_i64(number, 0);
    ks_store_ctx_log(sketch->ctx, (ks_bytes){ &bucket, 1 }, number);
}

/* ---- a processor that counts in it ---- */

static atomic_int poison_left; /* so many records "poison" fail */
static atomic_int processed;

struct counter {
    struct sketch *sketch;
};

static ks_status counter_open(ks_ctx *ctx, void *self, void *user)
{
    (void)user;
    ((struct counter *)self)->sketch = ks_ctx_user_store(ctx, "sketch");
    return KS_OK;
}

/* Counts the first letter of the value and forwards the count. A poisoned record counts, too. */
static ks_status counter_process(ks_ctx *ctx, const ks_record *record, void *self)
{
    struct sketch      *sketch = ((struct counter *)self)->sketch;
    const unsigned char letter = *(const unsigned char *)record->value.data;

    sketch_add(sketch, letter, ks_ctx_i64(ctx, sketch->buckets[letter] + 1));
    if (ks_bytes_equal(record->value, KS_TEXT("poison")) && atomic_fetch_sub(&poison_left, 1) > 0)
        return ks_ctx_fail(ctx, "poisoned");
    ks_ctx_forward_value(ctx, ks_ctx_i64(ctx, sketch->buckets[letter]));
    atomic_fetch_add(&processed, 1);
    return KS_OK;
}

static const ks_processor counter = KS_PROCESSOR(.state_size = sizeof(struct counter),
                                                 .open = counter_open, .process = counter_process);

static ks_topology *counting(const ks_store_class *class, void *user, ks_switch changelog)
{
    ks_builder  *b = ks_builder_new();
    ks_topology *topology;
    ks_stream   *s;

    ks_builder_add_user_store(b, class, user, KS_USER_STORE("sketch", .changelog = changelog));
    s = ks_stream_process(ks_builder_stream(b, "in", NULL), &counter, NULL,
                          KS_CONNECTED(.stores = { "sketch" }));
    ks_stream_to(s, "out", NULL);
    ck_assert_msg(ks_builder_build(b, &topology) == KS_OK, "%s",
                  ks_error_message(ks_builder_error(b)));
    ks_builder_free(b);
    return topology;
}

/* ---- the driver ---- */

static struct stage stage;

static void setup(void)
{
    stage_open(&stage, STAGE_EMBEDDED);
    stage_set(&stage, "log.sync", "false");
    stage_topic(&stage, "in", 4);
    stage_topic(&stage, "out", 1);
    atomic_store(&poison_left, 0);
}

static void teardown(void)
{
    stage_close(&stage);
}

static ks_driver *open_driver(const ks_topology *topology, const char *directory)
{
    ks_config *config = ks_config_new();
    ks_driver *d;

    ks_config_set(config, "processing.guarantee", "at_least_once"); /* each commit is written */
    d = ks_driver_new(topology, config, directory);
    ks_config_free(config);
    ck_assert_msg(ks_error_status(ks_driver_error(d)) == KS_OK, "%s",
                  ks_error_message(ks_driver_error(d)));
    return d;
}

static void pipe_in(ks_driver *d, const char *value)
{
    ck_assert_int_eq(ks_driver_pipe_text(d, "in", "k", value, 1), KS_OK);
}

static int64_t read_out(ks_driver *d)
{
    const ks_record *out = ks_driver_read(d, "out");

    return out != NULL ? ks_bytes_i64(out->value, -2) : -1;
}

static void driver_directory(char out[160])
{
    snprintf(out, 160, "%s/driver", stage.directory);
}

START_TEST(a_store_of_ones_own_is_used_and_comes_back_from_its_changelog)
{
    ks_topology   *topology = counting(&sketch_class, NULL, KS_DEFAULT);
    char           directory[160];
    ks_driver     *d;
    struct sketch *sketch;

    driver_directory(directory);
    d = open_driver(topology, directory);
    pipe_in(d, "ann");
    pipe_in(d, "bob");
    pipe_in(d, "abe");
    ck_assert_int_eq(read_out(d), 1);
    ck_assert_int_eq(read_out(d), 1);
    ck_assert_int_eq(read_out(d), 2);
    ks_driver_free(d);

    d      = open_driver(topology, directory);
    sketch = ks_driver_user_store(d, "sketch");
    ck_assert_ptr_nonnull(sketch);
    ck_assert_int_eq(sketch->buckets['a'], 2);
    ck_assert_int_eq(sketch->buckets['b'], 1);
    pipe_in(d, "alf");
    ck_assert_int_eq(read_out(d), 3);
    ks_driver_free(d);
    ks_topology_free(topology);
}
END_TEST

/* What a crash leaves behind the state under at least once; it may be all that compaction kept. */
START_TEST(the_tail_of_the_changelog_is_not_left_out)
{
    ks_topology        *topology = counting(&sketch_class, NULL, KS_DEFAULT);
    const unsigned char bytes[8] = { 0, 0, 0, 0, 0, 0, 0, 5 };
    char                directory[160], address[192];
    ks_driver          *d;
    ks_log             *log;
    ks_writer          *writer;
    struct sketch      *sketch;

    driver_directory(directory);
    d = open_driver(topology, directory);
    pipe_in(d, "ann");
    ks_driver_free(d);

    snprintf(address, sizeof(address), "embedded:%s/log", directory);
    log    = ks_log_new(address, NULL);
    writer = ks_log_writer(log, NULL);
    ck_assert_int_eq(ks_writer_append(writer, "kstream-driver-sketch-changelog", 0,
                                      &(ks_record){ .key          = KS_TEXT("z"),
                                                    .value        = { bytes, sizeof(bytes) },
                                                    .timestamp_ms = 1 }), KS_OK);
    ck_assert_int_eq(ks_writer_flush(writer, -1), KS_OK);
    ks_writer_free(writer);
    ks_log_free(log);

    d      = open_driver(topology, directory);
    sketch = ks_driver_user_store(d, "sketch");
    ck_assert_int_eq(sketch->buckets['z'], 5);
    ck_assert_int_eq(sketch->buckets['a'], 1);
    pipe_in(d, "abe");
    ck_assert_int_eq(read_out(d), 1);
    ck_assert_int_eq(read_out(d), 2);
    ks_driver_free(d);
    ks_topology_free(topology);
}
END_TEST

START_TEST(without_a_changelog_a_store_begins_empty)
{
    ks_topology *topology = counting(&sketch_class, NULL, KS_OFF);
    char         directory[160];
    ks_driver   *d;

    driver_directory(directory);
    d = open_driver(topology, directory);
    pipe_in(d, "ann");
    pipe_in(d, "abe");
    ks_driver_free(d);
    d = open_driver(topology, directory);
    ck_assert_int_eq(read_out(d), 1);
    ck_assert_int_eq(read_out(d), 2);
    pipe_in(d, "alf");
    ck_assert_int_eq(read_out(d), 1);
    ks_driver_free(d);
    ks_topology_free(topology);
}
END_TEST

START_TEST(a_driver_tells_unknown_stores_from_others)
{
    ks_topology *topology = counting(&sketch_class, NULL, KS_DEFAULT);
    ks_driver   *d = open_driver(topology, NULL);

    ck_assert_ptr_null(ks_driver_user_store(d, "none"));
    ck_assert_int_eq(ks_error_status(ks_driver_error(d)), KS_ENOTFOUND);
    ck_assert_ptr_null(ks_driver_kv_store(d, "sketch"));
    ck_assert_int_eq(ks_error_status(ks_driver_error(d)), KS_ETYPE);
    ks_driver_free(d);
    ks_topology_free(topology);
}
END_TEST

/* ---- files of its own ---- */

struct kept {
    int64_t position;
    int64_t buckets[256];
};

static atomic_int restored; /* records that restore hooks got */
static atomic_int commit_failures; /* so many commits fail */

static void file_of(ks_store_ctx *ctx, char path[256])
{
    snprintf(path, 256, "%s/sketch", ks_store_ctx_directory(ctx));
}

static ks_status filed_open(ks_store_ctx *ctx, void *self, void *user)
{
    struct sketch *sketch = self;
    struct kept    kept;
    char           path[256];
    FILE          *file;

    (void)user;
    sketch->ctx = ctx;
    file_of(ctx, path);
    file = fopen(path, "rb");
    if (file == NULL)
        return KS_OK;
    ck_assert_int_eq(fread(&kept, sizeof(kept), 1, file), 1);
    fclose(file);
    memcpy(sketch->buckets, kept.buckets, sizeof(kept.buckets));
    ks_store_ctx_set_position(ctx, kept.position);
    return KS_OK;
}

static ks_status filed_restore(ks_store_ctx *ctx, const ks_record *records, size_t count,
                               void *self)
{
    atomic_fetch_add(&restored, (int)count);
    return sketch_restore(ctx, records, count, self);
}

static ks_status filed_commit(ks_store_ctx *ctx, int64_t position, void *self)
{
    struct kept kept = { .position = position };
    char        path[256], beside[300];
    FILE       *file;

    if (atomic_fetch_sub(&commit_failures, 1) > 0)
        return ks_store_ctx_fail_text(ctx, "no room");
    memcpy(kept.buckets, ((struct sketch *)self)->buckets, sizeof(kept.buckets));
    file_of(ctx, path);
    snprintf(beside, sizeof(beside), "%s.new", path);
    file = fopen(beside, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fwrite(&kept, sizeof(kept), 1, file), 1);
    fclose(file);
    ck_assert_int_eq(rename(beside, path), 0);
    return KS_OK;
}

static const ks_store_class filed_class =
    KS_STORE_CLASS(.state_size = sizeof(struct sketch), .open = filed_open,
                   .restore = filed_restore, .commit = filed_commit);

START_TEST(files_of_its_own_spare_a_store_the_restore)
{
    ks_topology *topology = counting(&filed_class, NULL, KS_DEFAULT);
    char         directory[160];
    ks_driver   *d;

    atomic_store(&restored, 0);
    driver_directory(directory);
    d = open_driver(topology, directory);
    pipe_in(d, "ann");
    pipe_in(d, "abe");
    ks_driver_free(d);
    d = open_driver(topology, directory);
    pipe_in(d, "alf");
    for (int64_t n = 1; n <= 3; n++)
        ck_assert_int_eq(read_out(d), n);
    ks_driver_free(d);
    ck_assert_int_eq(atomic_load(&restored), 0);
    ks_topology_free(topology);
}
END_TEST

START_TEST(files_that_lag_behind_are_followed_by_the_rest_of_the_changelog)
{
    ks_topology *topology = counting(&filed_class, NULL, KS_DEFAULT);
    char         directory[160];
    ks_driver   *d;

    atomic_store(&restored, 0);
    driver_directory(directory);
    d = open_driver(topology, directory);
    pipe_in(d, "ann");
    atomic_store(&commit_failures, 1000); /* from now on the files stay as they are */
    pipe_in(d, "bob");
    pipe_in(d, "abe");
    ks_driver_free(d);
    atomic_store(&commit_failures, 0);
    d = open_driver(topology, directory);
    ck_assert_int_eq(atomic_load(&restored), 2);
    pipe_in(d, "alf");
    ck_assert_int_eq(((struct sketch *)ks_driver_user_store(d, "sketch"))->buckets['a'], 3);
    ck_assert_int_eq(((struct sketch *)ks_driver_user_store(d, "sketch"))->buckets['b'], 1);
    ks_driver_free(d);
    ks_topology_free(topology);
}
END_TEST

/* ---- apps ---- */

static ks_app *app;

static ks_reaction replace(const ks_failure *failure, void *user)
{
    (void)failure, (void)user;
    return KS_REACTION_REPLACE;
}

static void start(const ks_topology *topology)
{
    app = ks_app_new(topology, stage.config);
    ks_app_on_failure(app, KS_FAILURE_UNCAUGHT, replace, NULL);
    ck_assert_msg(ks_app_start(app) == KS_OK, "%s", ks_error_message(ks_app_error(app)));
}

static const char *const guarantees[] = { "at_least_once", "exactly_once_v2" };

/* Every count comes out once, in order: what a failed thread had counted was forgotten. */
START_TEST(what_was_not_committed_is_forgotten_on_abort)
{
    ks_topology *topology = counting(&sketch_class, NULL, KS_DEFAULT);

    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    stage_set(&stage, "commit.interval.ms", "20");
    start(topology);
    stage_feed(&stage, "in", "k", "pan");
    stage_await_i64(&stage, NULL, "out", "k", 1);
    atomic_store(&poison_left, 3);
    stage_feed(&stage, "in", "k", "poison");
    stage_await_i64(&stage, NULL, "out", "k", 2);
    stage_feed(&stage, "in", "k", "pen");
    stage_await_i64(&stage, NULL, "out", "k", 3);
    ck_assert_int_lt(atomic_load(&poison_left), 1);
    ck_assert_int_eq(ks_app_close(app, -1), KS_OK);
    ks_app_free(app);
    ks_topology_free(topology);
}
END_TEST

static atomic_int hooks; /* calls in the task that has records */

static ks_status count_hook(ks_store_ctx *ctx, int64_t position, void *self)
{
    (void)ctx, (void)self;
    if (position >= 0)
        atomic_fetch_add(&hooks, 1);
    return KS_OK;
}

static const ks_store_class hooked_class =
    KS_STORE_CLASS(.state_size = sizeof(struct sketch), .open = sketch_open,
                   .restore = sketch_restore, .commit = count_hook);

/* A record in each step, so that the task is found as it was sealed by its commits alone. */
START_TEST(under_steady_load_the_commit_hook_keeps_to_the_rhythm_of_the_writes)
{
    ks_topology            *topology = counting(&hooked_class, NULL, KS_DEFAULT);
    struct ks__manual_clock clock;

    stage_close(&stage);
    stage_open(&stage, STAGE_MEMORY);
    stage_topic(&stage, "in", 1);
    stage_topic(&stage, "out", 1);
    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    stage_set(&stage, "commit.interval.ms", "7");
    stage_set(&stage, "state.flush.ms", "100");
    ks__manual_clock_init(&clock, 1000);
    app = ks_app_new(topology, stage.config);
    ks__app_set_clock(app, &clock.clock);
    while (ks_app_get_state(app) != KS_APP_RUNNING)
        ck_assert_int_eq(ks_app_step(app, 0), KS_OK);
    atomic_store(&hooks, 0);
    for (int ms = 0; ms < 1000; ms++) {
        stage_feed(&stage, "in", "a", "a");
        ck_assert_int_eq(ks_app_step(app, 0), KS_OK);
        ks__manual_clock_advance(&clock, 1);
    }
    ck_assert_int_ge(atomic_load(&hooks), 8);
    ck_assert_int_eq(ks_app_close(app, -1), KS_OK);
    ks_app_free(app);
    ks_topology_free(topology);
}
END_TEST

/* Tasks are revoked, kept, taken over by another instance and given back: each record counts once.
 */
START_TEST(counts_go_on_through_rebalances)
{
    ks_topology *topology = counting(&sketch_class, NULL, KS_DEFAULT);
    ks_app      *other = NULL;

    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    stage_set(&stage, "commit.interval.ms", "20");
    start(topology);
    stage_await_state(app, NULL, KS_APP_RUNNING);
    for (int64_t round = 1; round <= 3; round++) {
        if (round == 2) {
            other = ks_app_new(topology, stage.config);
            ck_assert_int_eq(ks_app_start(other), KS_OK);
            stage_await_state(other, NULL, KS_APP_RUNNING);
        }
        for (char key[] = "a"; key[0] <= 'h'; key[0]++)
            stage_append(&stage, "in", key, key);
        stage_flush(&stage);
        for (char key[] = "a"; key[0] <= 'h'; key[0]++)
            stage_await_i64(&stage, NULL, "out", key, round);
        if (round == 2) {
            ck_assert_int_eq(ks_app_close(other, -1), KS_OK);
            ks_app_free(other);
            stage_await_state(app, NULL, KS_APP_RUNNING);
        }
    }
    ck_assert_uint_eq(stage_count(&stage, "out"), 3 * 8);
    ck_assert_int_eq(ks_app_close(app, -1), KS_OK);
    ks_app_free(app);
    ks_topology_free(topology);
}
END_TEST

static const ks_store_class *const classes[] = { &sketch_class, &filed_class };

/* A process that dies in mid-interval: what it had counted since the last commit counts once. */
START_TEST(what_a_dead_instance_had_not_committed_counts_once)
{
    ks_topology *topology = counting(classes[_i / 2], NULL, KS_DEFAULT);

    stage_set(&stage, "processing.guarantee", guarantees[_i % 2]);
    stage_set(&stage, "session.timeout.ms", "300");
    stage_set(&stage, "transaction.timeout.ms", "120s");
    for (int run = 0; run < 3; run++) {
        stage_set(&stage, "commit.interval.ms", run == 1 ? "60s" : "20");
        app = ks_app_new(topology, stage.config);
        atomic_store(&processed, 0);
        for (int i = 0; i < 3; i++)
            stage_append(&stage, "in", "k", "ann");
        stage_flush(&stage);
        if (run == 1) {
            while (atomic_load(&processed) < 3)
                stage_pause(app);
            ks__app_abandon(app);
        } else {
            stage_await_i64(&stage, app, "out", "k", 3 + 3 * run);
            ck_assert_int_eq(ks_app_close(app, -1), KS_OK);
        }
        ks_app_free(app);
    }
    if (_i % 2 == 1)
        ck_assert_uint_eq(stage_count(&stage, "out"), 9);
    ks_topology_free(topology);
}
END_TEST

START_TEST(a_lost_state_directory_comes_back_and_stale_files_are_not_believed)
{
    ks_topology *topology = counting(&filed_class, NULL, KS_DEFAULT);
    char         state[192], command[1024];

    snprintf(state, sizeof(state), "%s/state", stage.directory);
    stage_set(&stage, "state.dir", state);
    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    start(topology);
    stage_feed(&stage, "in", "k", "ann");
    stage_feed(&stage, "in", "k", "abe");
    stage_await_i64(&stage, NULL, "out", "k", 2);
    ck_assert_int_eq(ks_app_close(app, -1), KS_OK);
    ks_app_free(app);

    atomic_store(&restored, 0);
    /* The env goes, a file of unknown age stays. */
    snprintf(command, sizeof(command), "cd '%s/wc/0_0' && test -f user/sketch/sketch && "
             "find . -maxdepth 1 -type f -exec rm {} +", state);
    ck_assert_int_eq(system(command), 0);
    start(topology);
    stage_feed(&stage, "in", "k", "alf");
    stage_await_i64(&stage, NULL, "out", "k", 3);
    ck_assert_int_ge(atomic_load(&restored), 1);
    ck_assert_int_eq(ks_app_close(app, -1), KS_OK);
    ks_app_free(app);
    ks_topology_free(topology);
}
END_TEST

START_TEST(a_commit_that_fails_is_tried_again)
{
    ks_topology *topology = counting(&filed_class, NULL, KS_DEFAULT);

    atomic_store(&commit_failures, 2);
    stage_set(&stage, "commit.interval.ms", "20");
    start(topology);
    stage_feed(&stage, "in", "k", "ann");
    stage_await_i64(&stage, NULL, "out", "k", 1);
    for (int i = 0; i < 5000 && atomic_load(&commit_failures) >= 0; i++) {
        stage_feed(&stage, "in", "j", "bob");
        stage_pause(NULL);
    }
    ck_assert_int_lt(atomic_load(&commit_failures), 0);
    ck_assert_int_eq(ks_app_close(app, -1), KS_OK);
    ks_app_free(app);
    ks_topology_free(topology);
}
END_TEST

/* ---- hooks that fail, and mistakes ---- */

static ks_status failing_open(ks_store_ctx *ctx, void *self, void *user)
{
    (void)self;
    return ks_store_ctx_fail(ctx, "no %s in %s of %s, partition %d", (const char *)user,
                             ks_store_ctx_name(ctx), ks_store_ctx_task(ctx),
                             (int)ks_store_ctx_partition(ctx));
}

static void count_close(ks_store_ctx *ctx, void *self)
{
    (void)ctx, (void)self;
    ck_abort_msg("closed what was not opened");
}

START_TEST(an_open_that_fails_is_told_with_store_and_hook)
{
    static const ks_store_class class =
        KS_STORE_CLASS(.state_size = 1, .open = failing_open, .restore = sketch_restore,
                       .close = count_close);
    char         model[] = "model";
    ks_topology *topology = counting(&class, model, KS_DEFAULT);
    ks_driver   *d = ks_driver_new(topology, NULL, NULL);

    ck_assert_int_eq(ks_error_status(ks_driver_error(d)), KS_EUSER);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_driver_error(d)), "store \"sketch\", open: "
                                 "no model in sketch of 0_0, partition 0"));
    ks_driver_free(d);
    ks_topology_free(topology);
}
END_TEST

static ks_status logging_open(ks_store_ctx *ctx, void *self, void *user)
{
    (void)self, (void)user;
    ks_store_ctx_log(ctx, KS_TEXT("k"), KS_TEXT("v"));
    return KS_OK;
}

START_TEST(a_hook_must_not_log_changes)
{
    static const ks_store_class class = KS_STORE_CLASS(
        .state_size = 1, .open = logging_open, .restore = sketch_restore);
    ks_topology *topology = counting(&class, NULL, KS_DEFAULT);
    ks_driver   *d = ks_driver_new(topology, NULL, NULL);

    ck_assert_int_eq(ks_error_status(ks_driver_error(d)), KS_ESTATE);
    ks_driver_free(d);
    ks_topology_free(topology);
}
END_TEST

struct mistake {
    ks_store_class class;
    const char    *name;
    ks_switch      changelog;
    const char    *text; /* NULL = none */
};

static const struct mistake mistakes[] = {
    { KS_STORE_CLASS(.state_size = 1, .restore = sketch_restore), NULL, KS_DEFAULT, "a name" },
    { KS_STORE_CLASS(.restore = sketch_restore), "s", KS_DEFAULT, "state_size" },
    { KS_STORE_CLASS(.state_size = 1), "s", KS_DEFAULT, ".changelog = KS_OFF" },
    { KS_STORE_CLASS(.state_size = 1), "s", KS_OFF, NULL },
    { { .state_size = 1, .restore = sketch_restore }, "s", KS_DEFAULT, "struct_size" },
};

START_TEST(a_mistake_is_told_with_its_cure)
{
    const struct mistake *mistake = &mistakes[_i];
    ks_builder           *b = ks_builder_new();
    const ks_error       *error;

    ks_builder_add_user_store(b, &mistake->class, NULL,
                              KS_USER_STORE(mistake->name, .changelog = mistake->changelog));
    error = ks_builder_error(b);
    ck_assert_int_eq(ks_error_status(error), mistake->text != NULL ? KS_EINVAL : KS_OK);
    if (mistake->text != NULL)
        ck_assert_msg(strstr(ks_error_message(error), mistake->text) != NULL, "%s",
                      ks_error_message(error));
    ks_builder_free(b);
}
END_TEST

static ks_status look(ks_ctx *ctx, void *self, void *user)
{
    (void)self;
    if (user != NULL)
        ks_ctx_kv_store(ctx, "sketch");
    else
        ks_ctx_user_store(ctx, "rows");
    return KS_OK;
}

START_TEST(kinds_of_stores_are_told_apart)
{
    static const ks_processor looking = KS_PROCESSOR(.open = look, .process = counter_process);
    ks_builder  *b = ks_builder_new();
    ks_topology *topology;
    ks_driver   *d;

    ks_builder_add_store(b, KS_KV_STORE("rows"));
    ks_builder_add_user_store(b, &sketch_class, NULL, KS_USER_STORE("sketch"));
    ks_stream_process(ks_builder_stream(b, "in", NULL), &looking, _i < 2 ? NULL : b,
                      _i % 2 == 0 ? KS_CONNECTED(.stores = { "rows", "sketch" }) : NULL);
    ks_builder_build(b, &topology);
    d = ks_driver_new(topology, NULL, NULL);
    ck_assert_int_eq(ks_error_status(ks_driver_error(d)), _i % 2 == 0 ? KS_ETYPE : KS_ENOTFOUND);
    ks_driver_free(d);
    ks_topology_free(topology);
    ks_builder_free(b);
}
END_TEST

/* ---- the header ---- */

/* Lines of a file without what makes a comment of them, and without white space. */
static char *squeeze(const char *path, const char *from, const char *to)
{
    static char text[100000];
    FILE       *file = fopen(path, "r");
    size_t      size = 0;
    bool        inside = false;

    ck_assert_msg(file != NULL, "%s: run from the top of the project", path);
    for (char line[512]; fgets(line, sizeof(line), file) != NULL;) {
        const char *at = strncmp(line, " *", 2) == 0 ? line + 2 : line;

        inside = (inside || strstr(line, from) != NULL) && strstr(line, to) == NULL;
        for (; inside && *at != '\0'; at++)
            if (strchr(" \n", *at) == NULL)
                text[size++] = *at;
    }
    fclose(file);
    text[size] = '\0';
    ck_assert_uint_gt(size, 500);
    return strdup(text);
}

START_TEST(the_example_of_the_header_is_the_one_of_this_test)
{
    char *header = squeeze("include/kstream/sys/store.h", "struct sketch {", "void sketch_add");
    char *here   = squeeze("tests/runtime/test_user_store.c", "struct sketch {", "void sketch_add");

    ck_assert_str_eq(header, here);
    free(header);
    free(here);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("runtime/user_store");
    TCase   *tcase = tcase_create("user store");
    SRunner *runner;
    int      failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_store_of_ones_own_is_used_and_comes_back_from_its_changelog);
    tcase_add_test(tcase, the_tail_of_the_changelog_is_not_left_out);
    tcase_add_test(tcase, without_a_changelog_a_store_begins_empty);
    tcase_add_test(tcase, a_driver_tells_unknown_stores_from_others);
    tcase_add_test(tcase, files_of_its_own_spare_a_store_the_restore);
    tcase_add_test(tcase, files_that_lag_behind_are_followed_by_the_rest_of_the_changelog);
    tcase_add_loop_test(tcase, what_was_not_committed_is_forgotten_on_abort, 0, 2);
    tcase_add_loop_test(tcase, counts_go_on_through_rebalances, 0, 2);
    tcase_add_loop_test(tcase,
                        under_steady_load_the_commit_hook_keeps_to_the_rhythm_of_the_writes, 0,
                        2);
    tcase_add_loop_test(tcase, what_a_dead_instance_had_not_committed_counts_once, 0, 4);
    tcase_add_loop_test(tcase, a_lost_state_directory_comes_back_and_stale_files_are_not_believed,
                        0, 2);
    tcase_add_test(tcase, a_commit_that_fails_is_tried_again);
    tcase_add_test(tcase, an_open_that_fails_is_told_with_store_and_hook);
    tcase_add_test(tcase, a_hook_must_not_log_changes);
    tcase_add_loop_test(tcase, a_mistake_is_told_with_its_cure, 0,
                        (int)(sizeof(mistakes) / sizeof(mistakes[0])));
    tcase_add_loop_test(tcase, kinds_of_stores_are_told_apart, 0, 4);
    tcase_add_test(tcase, the_example_of_the_header_is_the_one_of_this_test);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

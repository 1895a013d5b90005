/* SPDX-License-Identifier: Apache-2.0
 *
 * world.c - the plan of a seed, and its actions.
 */
#include "world.h"

#include "base/io.h"
#include "runtime/app.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_MS     INT64_C(1700000000000)
#define THROTTLE_MS  3000 /* more than operators wait that look for closed windows now and then */
#define STEP_MS      7
#define PUNCTUATED   12   /* steps in which every punctuation comes once */
#define FINISH_STEPS 40000 /* more than any run needs to work everything off */

/* ---- trace ---- */

void world_note(struct world *world, const char *format, ...)
{
    char    text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    for (const char *c = text; *c != '\0'; c++)
        world->trace = (world->trace ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    if (world->verbose)
        printf("%8" PRId64 " %s\n", ks__clock_wall_ms(&world->clock.clock) - START_MS, text);
}

bool world_is_sound(const struct world *world)
{
    return world->tally.complaint[0] == '\0';
}

/* ---- plan ---- */

static void plan_make(struct plan *plan, struct random *random)
{
    int guarantee = random_below(random, 100);

    *plan = (struct plan){
        .shape            = (enum shape)random_below(random, SHAPES),
        .rule             = guarantee < 65   ? TALLY_EXACTLY_ONCE
                            : guarantee < 90 ? TALLY_AT_LEAST_ONCE
                                             : TALLY_AT_MOST_ONCE,
        .actions          = RANDOM_OF(random, 500, 2000, 5000),
        .partitions       = RANDOM_OF(random, 1, 2, 4, 4),
        .fault_permille   = RANDOM_OF(random, 0, 1, 5, 20),
        .disturb_permille = RANDOM_OF(random, 3, 10, 25),
        .fatal_faults     = random_percent(random, 20),
        .caches           = random_percent(random, 50),
        .flush_at_commit  = random_percent(random, 50),
        .shared_state     = random_percent(random, 50),
        .commit_ms        = RANDOM_OF(random, 0, 10, 100, 1000),
        .state_flush_ms   = RANDOM_OF(random, 0, 50, 1000, 100000),
        .buffered         = RANDOM_OF(random, 1, 7, 1000),
        .session_ms       = RANDOM_OF(random, 200, 500, 2000),
        .idle_ms          = RANDOM_OF(random, 0, -1, 20),
        .async            = random_percent(random, 30),
    };
}

static void plan_note(struct world *world)
{
    static const char *const rules[]  = { "exactly-once", "at-least-once", "at-most-once" };
    const struct plan       *plan     = &world->plan;

    world_note(world, "%s %s actions=%d partitions=%d faults=%d/1000%s caches=%d%s shared=%d",
               world->shape->name, rules[plan->rule], plan->actions, plan->partitions,
               plan->fault_permille, plan->fatal_faults ? "+fatal" : "", plan->caches,
               plan->flush_at_commit ? "+commit" : "", plan->shared_state);
    world_note(world, "commit=%d state.flush=%d buffered=%d session=%d idle=%d async=%d",
               plan->commit_ms, plan->state_flush_ms, plan->buffered, plan->session_ms,
               plan->idle_ms, plan->async);
}

/* ---- begin and end ---- */

static bool make_topics(struct world *world)
{
    static const char *const topics[] = { INPUT, OTHERS, OUTPUT, TOTALS };

    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
        if (ks_log_create_topic(world->log, topics[i], world->plan.partitions, false) != KS_OK)
            return false;
    return true;
}

bool world_open(struct world *world, uint64_t seed, bool verbose, bool spoiled)
{
    const char *folder = getenv("TMPDIR");

    *world = (struct world){ .seed = seed, .random.state = seed, .faults.state = ~seed,
                             .verbose = verbose, .spoiled = spoiled,
                             .trace = UINT64_C(0xcbf29ce484222325) };
    ks__manual_clock_init(&world->clock, START_MS);
    plan_make(&world->plan, &world->random);
    world->shape = shape_of(world->plan.shape);
    tally_init(&world->tally, world->plan.rule,
               world->plan.shape == SHAPE_PROCESSOR || !world->plan.caches);
    /* Whoever takes a task over finds its state: then at least once counts each record once. */
    world->tally.kept = world->plan.rule == TALLY_AT_LEAST_ONCE && world->plan.shared_state;
    plan_note(world);
    snprintf(world->directory, sizeof(world->directory), "%.40s/kstream-sim.XXXXXX",
             folder != NULL ? folder : "/tmp");
    snprintf(world->address, sizeof(world->address), "memory:sim-%" PRIu64, seed);
    if (mkdtemp(world->directory) == NULL)
        return false;
    world->topology = topology_of(world);
    world->log      = ks_log_new(world->address, NULL);
    world->writer   = ks_log_writer(world->log, NULL);
    if (ks_error_status(ks_topology_error(world->topology)) != KS_OK)
        tally_complain(&world->tally, "topology: %s",
                       ks_error_message(ks_topology_error(world->topology)));
    faults_install(world);
    return make_topics(world);
}

void world_close(struct world *world)
{
    faults_remove();
    for (int n = 0; n < INSTANCES; n++)
        ks_app_free(world->instances[n].app);
    while (world->waiting_count > 0)
        world_answer(world, 0);
    ks_writer_free(world->writer);
    ks_log_free(world->log);
    ks_topology_free(world->topology);
    shape_release(world);
    if (ks__io_remove_tree(world->directory) != 0)
        fprintf(stderr, "sim: %s is left over\n", world->directory);
}

/* ---- instances ---- */

static void set_number(ks_config *config, const char *name, int number)
{
    char text[16];

    snprintf(text, sizeof(text), "%d", number);
    ks_config_set(config, name, text);
}

static ks_config *configuration(const struct world *world, int n)
{
    static const char *const guarantees[] = { "exactly_once_v2", "at_least_once", "at_most_once" };
    const struct plan       *plan         = &world->plan;
    ks_config               *config       = ks_config_new();
    char                     directory[80];

    snprintf(directory, sizeof(directory), "%s/%d", world->directory, plan->shared_state ? 0 : n);
    ks_config_set(config, "application.id", APPLICATION);
    ks_config_set(config, "bootstrap.servers", world->address);
    ks_config_set(config, "state.dir", directory);
    ks_config_set(config, "processing.guarantee", guarantees[plan->rule]);
    ks_config_set(config, "statestore.cache.max.bytes", plan->caches ? "1MiB" : "0");
    ks_config_set(config, "statestore.cache.flush", plan->flush_at_commit ? "commit" : "batch");
    set_number(config, "commit.interval.ms", plan->commit_ms);
    set_number(config, "state.flush.ms", plan->state_flush_ms);
    set_number(config, "buffered.records.per.partition", plan->buffered);
    set_number(config, "session.timeout.ms", plan->session_ms);
    set_number(config, "max.task.idle.ms", plan->idle_ms);
    if (world->tally.kept)      /* check.c reads all that was ever in the repartition topic */
        ks_config_set(config, "repartition.purge.interval.ms", "31622400000");
    return config;
}

static void print_line(ks_log_level level, const char *room, const char *message, void *user)
{
    const struct world *world = user;
    int                 n     = world->stepped != NULL ? (int)(world->stepped - world->instances)
                                                       : -1;

    printf("%8" PRId64 "   %d: level %d %s: %s\n",
           ks__clock_wall_ms(&world->clock.clock) - START_MS, n, (int)level, room, message);
}

void world_start(struct world *world, int n)
{
    struct instance *instance = &world->instances[n];
    ks_config       *config   = configuration(world, n);

    *instance = (struct instance){ .app = ks_app_new(world->topology, config) };
    ks__app_set_clock(instance->app, &world->clock.clock);
    if (world->verbose)
        ks_app_set_logger(instance->app, KS_LOG_DEBUG, print_line, world);
    ks_config_free(config);
    world->started++;
    world_note(world, "%d start", n);
}

static void release(struct world *world, int n)
{
    ks_app_free(world->instances[n].app);
    world->instances[n] = (struct instance){ .app = NULL };
}

/* An instance has come to its end, as it was told to or by a failure. */
static void ended(struct world *world, int n)
{
    struct instance *instance = &world->instances[n];
    const ks_error  *error    = ks_app_error(instance->app);

    world_note(world, "%d ended %s", n, ks_status_name(ks_error_status(error)));
    if (ks_error_status(error) == KS_OK && instance->stopping) {
        world->stopped++;
    } else if (instance->fatal == 0) {
        tally_complain(&world->tally, "instance %d ended by itself: %s: %s", n,
                       ks_status_name(ks_error_status(error)), ks_error_message(error));
    } else if (ks_error_message(error)[0] == '\0') {
        tally_complain(&world->tally, "instance %d failed without a text", n);
    } else {
        world->failed++;
    }
    release(world, n);
}

void world_step(struct world *world, int n)
{
    struct instance *instance = &world->instances[n];
    ks_app_state     state;
    ks_status        status;

    world->stepped = instance;
    status         = ks_app_step(instance->app, 0);
    world->stepped = NULL;
    state          = ks_app_get_state(instance->app);
    world_note(world, "%d %s %s", n, ks_app_state_name(state), ks_status_name(status));
    if (state == KS_APP_NOT_RUNNING || state == KS_APP_ERROR)
        ended(world, n);
}

static void abandon(struct world *world, int n)
{
    world_note(world, "%d abandon", n);
    if (ks_app_get_state(world->instances[n].app) != KS_APP_CREATED) /* else it has nothing yet */
        ks__app_abandon(world->instances[n].app);
    release(world, n);
    world->abandoned++;
}

static void stop(struct world *world, int n)
{
    world_note(world, "%d stop", n);
    ks_app_stop(world->instances[n].app);
    world->instances[n].stopping = true;
}

/* ---- actions ---- */

static void advance(struct world *world)
{
    int ms = random_percent(&world->random, 96) ? random_below(&world->random, 50)
                                                : random_below(&world->random, 3000);

    ks__manual_clock_advance(&world->clock, ms);
    world_note(world, "clock %d", ms);
}

static void flush(struct world *world)
{
    if (ks_writer_flush(world->writer, 0) != KS_OK)
        tally_complain(&world->tally, "flush: %s",
                       ks_error_message(ks_writer_error(world->writer)));
}

static void write_some(struct world *world)
{
    int count = 1 + random_below(&world->random, 5);

    for (int i = 0; i < count; i++)
        world->shape->write(world);
    flush(world);
    world_note(world, "wrote %d", count);
}

/* Some of what waits gets its answer, whoever asked. */
static void answer_some(struct world *world)
{
    int count = world->waiting_count > 0 ? 1 + random_below(&world->random, 10) : 0;

    for (int i = 0; i < count && world->waiting_count > 0; i++)
        world_answer(world, random_below(&world->random, world->waiting_count));
    world_note(world, "answered %d", count);
}

/* Something happens to an instance, there or not; one that is not there comes with its next turn. A
 * frozen one may lose its partitions without hearing of it before it goes on. */
static void disturb(struct world *world, int n)
{
    struct instance *instance = &world->instances[n];
    int              what     = random_below(&world->random, 100);

    if (what < 35 && instance->app != NULL)
        abandon(world, n);
    else if (what < 60 && instance->app != NULL && !instance->stopping)
        stop(world, n);
    else
        instance->frozen = random_below(&world->random, 200);
    if (instance->frozen > 0 && world->plan.fault_permille > 0 &&
        random_percent(&world->random, 50))
        instance->deaf = instance->frozen + random_below(&world->random, 40);
}

void world_act(struct world *world)
{
    int n = random_below(&world->random, INSTANCES), what = random_below(&world->random, 100);

    for (int i = 0; i < INSTANCES; i++) {
        world->instances[i].frozen -= world->instances[i].frozen > 0;
        world->instances[i].deaf -= world->instances[i].deaf > 0;
    }
    if (random_below(&world->random, 1000) < world->plan.disturb_permille)
        disturb(world, n);
    else if (what < 10)
        advance(world);
    else if (what < 20)
        write_some(world);
    else if (what < 35 && world->plan.async)
        answer_some(world);
    else if (world->instances[n].frozen > 0)
        return;
    else if (world->instances[n].app == NULL)
        world_start(world, n);
    else
        world_step(world, n);
}

/* ---- the end ---- */

static bool is_worked_off(struct world *world, const char *topic)
{
    for (int32_t p = 0; p < world->plan.partitions; p++) {
        int64_t end, committed;

        if (ks_log_end_offset(world->log, topic, p, &end) != KS_OK ||
            ks_log_committed(world->log, APPLICATION, topic, p, &committed) != KS_OK)
            return false;
        if (end > 0 && committed < end)
            return false;
    }
    return true;
}

static bool all_is_worked_off(struct world *world)
{
    for (const char *const *topic = world->shape->consumed; *topic != NULL; topic++)
        if (!is_worked_off(world, *topic))
            return false;
    return true;
}

static int worked_percent(struct world *world)
{
    int64_t ends = 0, sum = 0;

    for (int32_t p = 0; p < world->plan.partitions; p++) {
        int64_t end = 0, committed = 0;

        ks_log_end_offset(world->log, INPUT, p, &end);
        ks_log_committed(world->log, APPLICATION, INPUT, p, &committed);
        ends += end;
        sum += committed > 0 ? committed : 0;
    }
    return ends > 0 ? (int)(100 * sum / ends) : 100;
}

static void step_all(struct world *world)
{
    for (int n = 0; n < INSTANCES; n++)
        if (world->instances[n].app != NULL)
            world_step(world, n);
    while (world->waiting_count > 0)
        world_answer(world, 0);
    ks__manual_clock_advance(&world->clock, STEP_MS);
}

static bool anybody_runs(const struct world *world)
{
    for (int n = 0; n < INSTANCES; n++)
        if (world->instances[n].app != NULL && !world->instances[n].stopping)
            return true;
    return false;
}

static int instance_count(const struct world *world)
{
    int count = 0;

    for (int n = 0; n < INSTANCES; n++)
        count += world->instances[n].app != NULL;
    return count;
}

/* Where it stands when it does not come to an end. */
static void complain_of_lag(struct world *world)
{
    for (const char *const *topic = world->shape->consumed; *topic != NULL; topic++)
        for (int32_t p = 0; p < world->plan.partitions; p++) {
            int64_t end = -1, committed = -1;

            ks_log_end_offset(world->log, *topic, p, &end);
            ks_log_committed(world->log, APPLICATION, *topic, p, &committed);
            if (end > 0 && committed < end)
                tally_complain(&world->tally, "does not end: %s-%d is at %" PRId64 " of %" PRId64,
                               *topic, (int)p, committed, end);
        }
    tally_complain(&world->tally, "does not end: %d instances are left", instance_count(world));
}

static void work_off(struct world *world, int quiet, int *steps)
{
    int idle = 0;

    while (idle < quiet && (*steps)++ < FINISH_STEPS && world_is_sound(world)) {
        if (!anybody_runs(world) && world->instances[0].app == NULL)
            world_start(world, 0);
        step_all(world);
        idle = all_is_worked_off(world) ? idle + 1 : 0;
    }
}

void world_finish(struct world *world)
{
    /* At most once commits before it processes, and what that yields comes with the next commit. */
    int quiet = world->plan.rule != TALLY_AT_MOST_ONCE ? 2
                                                       : 20 + 4 * world->plan.commit_ms / STEP_MS;
    int steps = 0;

    if (world->shape->close != NULL && quiet < PUNCTUATED)
        quiet = PUNCTUATED;
    world_note(world, "finish");
    world->worked              = worked_percent(world);
    world->plan.fault_permille = 0;
    for (int n = 0; n < INSTANCES; n++)
        world->instances[n].deaf = 0;
    work_off(world, quiet, &steps);
    for (int round = 1; round <= 2 && world->shape->close != NULL; round++) {
        world->shape->close(world, round * BEYOND_MS);
        flush(world);
        world_note(world, "closed");
        work_off(world, quiet, &steps);
        ks__manual_clock_advance(&world->clock, THROTTLE_MS);
    }
    for (int n = 0; n < INSTANCES; n++)
        if (world->instances[n].app != NULL)
            stop(world, n);
    while (instance_count(world) > 0 && steps++ < FINISH_STEPS && world_is_sound(world))
        step_all(world);
    if (world_is_sound(world) && steps >= FINISH_STEPS)
        complain_of_lag(world);
}

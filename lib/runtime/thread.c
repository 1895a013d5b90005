/* SPDX-License-Identifier: Apache-2.0
 *
 * thread.c - the phases of a stream thread around its work, and how it fails.
 *
 * Not here: membership (thread_group.c), processing (thread_work.c), commits (thread_commit.c).
 */
#include "runtime/thread.h"

#include "base/assert.h"
#include "runtime/app.h"
#include "runtime/global.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How long a turn that waits for somebody who cannot wake us waits. */
#define SOON_MS    5
/* How long a thread sleeps at most, when poll.ms is not set: where the wake does not tell all, and
 * where it does, so that it is only for what nobody thought of. */
#define POLL_MS      100
#define TOLD_POLL_MS 1000
/* How long after a failure that may pass the work is tried again. */
#define BACKOFF_MS 100

int64_t ks__stream_thread_now_ms(const struct ks__stream_thread *thread)
{
    return ks__clock_mono_ms(thread->app->clock);
}

/* ---- life ---- */

ks_status ks__stream_thread_init(struct ks__stream_thread *thread, struct ks_app *app, int number)
{
    *thread = (struct ks__stream_thread){
        .app              = app,
        .number           = number,
        .wake             = { .fd = -1 },
        .failing_since_ms = -1,
        .unwritten_since_ms = -1,
        .asking_since_ms  = -1,
        .due_ms           = -1,
    };
    snprintf(thread->name, sizeof(thread->name), "%s-StreamThread-%d",
             app->settings.client_id != NULL ? app->settings.client_id : "", number);
    ks__topics_init(&thread->topics, app->topology, &app->settings);
    return ks__wake_init(&thread->wake);
}

void ks__stream_thread_release(struct ks__stream_thread *thread)
{
    ks__stream_thread_drop(thread);
    ks__topics_release(&thread->topics);
    ks__commit_release(&thread->commit);
    ks__free(thread->told);
    ks__free(thread->partitions);
    ks__free(thread->owned);
    ks__free(thread->committed);
    ks__wake_release(&thread->wake);
}

/* Tasks first: their inputs and appends hang on the session. */
static void free_tasks(struct ks__stream_thread *thread, bool clean)
{
    for (size_t i = 0; i < thread->owned_count; i++)
        ks__owned_task_free(thread->owned[i], clean);
    thread->owned_count     = 0;
    thread->partition_count = 0;
    thread->committed_count = 0;
}

static void close_sessions(struct ks__stream_thread *thread)
{
    if (thread->restorer != NULL)
        ks__session_close(thread->restorer);
    if (thread->session != NULL)
        ks__session_close(thread->session);
    thread->session = thread->restorer = NULL;
    thread->event   = (struct ks__event){ .kind = KS__EVENT_NONE };
    thread->assigned = thread->event_done = thread->event_committed = false;
}

void ks__stream_thread_drop(struct ks__stream_thread *thread)
{
    free_tasks(thread, false);
    close_sessions(thread);
    ks__commit_release(&thread->commit);
    thread->commit     = (struct ks__commit){ .phase = KS__COMMIT_NONE };
    thread->committing = KS__COMMIT_NO;
    thread->aborting   = false;
}

/* The group hears of it only when the session's time is over. */
void ks__stream_thread_abandon(struct ks__stream_thread *thread)
{
    free_tasks(thread, false);
    ks__session_abandon(thread->restorer);
    ks__session_abandon(thread->session);
    thread->session = thread->restorer = NULL;
    ks__stream_thread_drop(thread);
    thread->phase = KS__THREAD_ENDED;
    atomic_store(&thread->due_ms, -1);
}

/* ---- trouble ---- */

/* May the same work succeed later? */
static bool may_pass(ks_status status)
{
    return status == KS_EUNAVAILABLE || status == KS_ETIMEOUT || status == KS_ELOG ||
           status == KS_EFULL || status == KS_EIO || status == KS_EBUSY || status == KS_EAGAIN;
}

static enum ks__turn rejoin(struct ks__stream_thread *thread)
{
    KS__LOG_AT_WARN(&thread->app->log, "runtime", "%s: another instance has taken over: rejoin",
                    thread->name);
    ks__stream_thread_drop(thread);
    ks__error_clear(&thread->error);
    if (thread->topics.resolved != NULL)
        ks__topics_release(&thread->topics);
    thread->culprit = NULL;
    thread->phase   = KS__THREAD_OPEN;
    return KS__TURN_AGAIN;
}

enum ks__turn ks__stream_thread_restart(struct ks__stream_thread *thread)
{
    free_tasks(thread, true);
    ks__stream_thread_drop(thread);
    ks__topics_release(&thread->topics);
    thread->phase = KS__THREAD_OPEN;
    return KS__TURN_AGAIN;
}

/* The uncaught-error handler decides. */
enum ks__turn ks__stream_thread_give_up(struct ks__stream_thread *thread)
{
    const struct ks__owned_task *culprit = thread->culprit;
    struct ks_app               *app = thread->app;
    ks_failure                   failure = {
        .kind  = KS_FAILURE_UNCAUGHT,
        .error = &thread->error,
        .node  = ks_error_node(&thread->error),
        .task  = culprit != NULL ? culprit->id : "",
    };
    ks_reaction reaction;

    if (culprit != NULL && culprit->task != NULL)
        failure.origin = ks__task_origin(culprit->task);
    reaction = ks__failure_ask(&app->handlers, &app->settings, &failure, &thread->error);
    thread->culprit = NULL;
    KS__LOG_AT_ERROR(&app->log, "runtime", "%s: %s", thread->name,
                     ks_error_message(&thread->error));
    ks__stream_thread_drop(thread);
    if (reaction == KS_REACTION_REPLACE && !atomic_load(&app->stopping)) {
        ks__error_clear(&thread->error);
        ks__topics_release(&thread->topics);
        thread->failing_since_ms = -1;
        thread->phase            = KS__THREAD_OPEN;
        return KS__TURN_AGAIN;
    }
    ks__app_fail(app, &thread->error);
    thread->phase = KS__THREAD_ENDED;
    return KS__TURN_ENDED;
}

/* Is there still time to try again? Takes note of the failure. */
static bool try_again(struct ks__stream_thread *thread, ks_status status)
{
    int64_t now = ks__stream_thread_now_ms(thread);

    if (!may_pass(status))
        return false;
    if (thread->failing_since_ms < 0)
        thread->failing_since_ms = now;
    if (now - thread->failing_since_ms >= thread->app->settings.task_timeout_ms)
        return false;
    KS__LOG_AT_WARN(&thread->app->log, "runtime", "%s: %s; trying again", thread->name,
                    ks_error_message(&thread->error));
    thread->retry_at_ms = now + BACKOFF_MS;
    thread->culprit     = NULL;
    ks__error_clear(&thread->error);
    return true;
}

enum ks__turn ks__stream_thread_trouble(struct ks__stream_thread *thread, ks_status status)
{
    if (!ks__error_is_set(&thread->error))
        ks__error_set(&thread->error, status, "%s", ks_status_text(status));
    if (status == KS_EFENCED && (thread->error.flags & KS__ERROR_REPLACED) == 0)
        return rejoin(thread);              /* else we would take the other's place in turn */
    if (!try_again(thread, status))
        return ks__stream_thread_give_up(thread);
    if (thread->phase == KS__THREAD_WORK || thread->phase == KS__THREAD_CLOSE)
        thread->aborting = true;
    return KS__TURN_AGAIN;
}

/* ---- phases ---- */

/* The log has not answered yet; it may be that nobody is there. */
static enum ks__turn wait_for_answer(struct ks__stream_thread *thread)
{
    const struct ks__settings *settings = &thread->app->settings;
    int64_t                    now = ks__stream_thread_now_ms(thread);

    if (thread->asking_since_ms < 0)
        thread->asking_since_ms = now;
    if (now - thread->asking_since_ms < settings->task_timeout_ms)
        return KS__TURN_SOON;
    ks__error_clear(&thread->error);
    ks__error_set(&thread->error, KS_EUNAVAILABLE,
                  "the log at %s has not answered for %" PRId64 " ms (task.timeout.ms)",
                  settings->bootstrap_servers != NULL ? settings->bootstrap_servers
                                                      : settings->state_dir,
                  now - thread->asking_since_ms);
    thread->asking_since_ms = -1;
    return ks__stream_thread_give_up(thread);
}

/* Unique among all members of the group that may live at one time. */
static char *unique_id(const struct ks__stream_thread *thread)
{
    return ks__format("%s-%ld-%08x-%d", thread->app->settings.application_id, (long)getpid(),
                      thread->app->serial, thread->number);
}

static ks_status open_working_session(struct ks__stream_thread *thread)
{
    const struct ks__settings *settings = &thread->app->settings;
    struct ks__session_options options = {
        .client_id = thread->name,
        .group     = settings->application_id,
        .wake      = &thread->wake,
    };
    char     *transactional_id = NULL, *instance_id = NULL;
    ks_status status = KS_OK;

    if (settings->guarantee == KS__EXACTLY_ONCE_V2) {
        transactional_id = unique_id(thread);
        status           = transactional_id != NULL ? KS_OK : KS_ENOMEM;
    }
    if (status == KS_OK && settings->group_instance_id != NULL) {
        instance_id = ks__format("%s-%d", settings->group_instance_id, thread->number);
        status      = instance_id != NULL ? KS_OK : KS_ENOMEM;
    }
    options.transactional_id = transactional_id;
    options.instance_id      = instance_id;
    if (status == KS_OK)
        status = ks__session_open(&thread->session, thread->app->cluster, &options,
                                  &thread->error);
    ks__free(transactional_id);
    ks__free(instance_id);
    return status;
}

static enum ks__turn open_sessions(struct ks__stream_thread *thread)
{
    struct ks__session_options reading = { .client_id = thread->name, .wake = &thread->wake };
    ks_status                  status = KS_OK;

    if (ks__stream_thread_now_ms(thread) < thread->retry_at_ms)
        return KS__TURN_SOON;
    if (thread->session == NULL)
        status = open_working_session(thread);
    if (status == KS_OK && thread->restorer == NULL)
        status = ks__session_open(&thread->restorer, thread->app->cluster, &reading,
                                  &thread->error);
    if (status == KS_EAGAIN)
        return wait_for_answer(thread);
    thread->asking_since_ms = -1;
    if (status != KS_OK)
        return ks__stream_thread_trouble(thread, status);
    thread->phase = KS__THREAD_TOPICS;
    return KS__TURN_AGAIN;
}

static enum ks__turn plan_topics(struct ks__stream_thread *thread)
{
    ks_status status;

    if (ks__stream_thread_now_ms(thread) < thread->retry_at_ms)
        return KS__TURN_SOON;
    status = ks__topics_plan(&thread->topics, thread->app->cluster, 0, &thread->error);
    if (status == KS_EAGAIN)
        return wait_for_answer(thread);
    thread->asking_since_ms = -1;
    if (status != KS_OK)
        return ks__stream_thread_trouble(thread, status);
    thread->phase = KS__THREAD_GLOBALS;
    return KS__TURN_AGAIN;
}

/* The first thread fills the global tables; the others wait for it. */
static enum ks__turn fill_globals(struct ks__stream_thread *thread)
{
    struct ks__globals *globals = thread->app->globals;
    ks_status           status = KS_OK;

    if (globals != NULL && thread->number == 1)
        status = ks__globals_fill(globals, &thread->wake, &thread->error);
    else if (globals != NULL && !ks__globals_ready(globals))
        status = KS_EAGAIN;
    if (status == KS_EAGAIN)
        return KS__TURN_SOON;
    if (status != KS_OK)
        return ks__stream_thread_trouble(thread, status);
    thread->phase = KS__THREAD_JOIN;
    return KS__TURN_AGAIN;
}

static enum ks__turn join_group(struct ks__stream_thread *thread)
{
    const char *const *inputs = (const char *const *)thread->topics.inputs;
    ks_status          status = KS_OK;

    if (thread->topics.present_count > 0)
        status = ks__session_subscribe(thread->session, inputs, thread->topics.present_count, 0);
    else
        thread->assigned = true;
    if (status == KS_EAGAIN)
        return wait_for_answer(thread);
    thread->asking_since_ms = -1;
    if (status != KS_OK)
        return ks__stream_thread_trouble(thread, status);
    thread->last_commit_ms = thread->last_write_ms = ks__stream_thread_now_ms(thread);
    thread->purge.last_ms  = thread->last_commit_ms;
    thread->looked_ms      = thread->last_commit_ms;
    thread->phase          = KS__THREAD_WORK;
    return KS__TURN_AGAIN;
}

/* ---- closing ---- */

static void begin_closing(struct ks__stream_thread *thread)
{
    ks__app_move(thread->app, KS_APP_PENDING_SHUTDOWN);
    thread->close_asked = thread->phase != KS__THREAD_WORK;     /* nothing to commit before */
    thread->close_by_ms =
        ks__stream_thread_now_ms(thread) + thread->app->settings.transaction_timeout_ms;
    thread->phase = KS__THREAD_CLOSE;
}

static enum ks__turn finish_closing(struct ks__stream_thread *thread, bool clean)
{
    if (clean)
        free_tasks(thread, true);
    ks__stream_thread_drop(thread);
    thread->phase = KS__THREAD_ENDED;
    return KS__TURN_ENDED;
}

/* Not closed in time: what is not committed is left to the next owner. */
static enum ks__turn close_late(struct ks__stream_thread *thread)
{
    KS__LOG_AT_WARN(&thread->app->log, "runtime", "%s: closed without a last commit",
                    thread->name);
    return finish_closing(thread, false);
}

static enum ks__turn close_turn(struct ks__stream_thread *thread)
{
    bool is_late = ks__stream_thread_now_ms(thread) >= thread->close_by_ms;

    if (is_late && (thread->aborting || thread->committing != KS__COMMIT_NO))
        return close_late(thread);
    if (thread->session != NULL && ks__stream_thread_poll(thread) != KS_OK)
        return close_late(thread);
    if (thread->aborting)
        return ks__stream_thread_abort(thread);
    if (thread->committing != KS__COMMIT_NO)
        return ks__stream_thread_commit(thread);
    if (thread->close_asked)
        return finish_closing(thread, true);
    thread->close_asked = true;
    for (size_t i = 0; i < thread->owned_count; i++)
        if (thread->owned[i]->phase == KS__OWNED_RUNNING)
            ks__task_finish(thread->owned[i]->task);
    ks__stream_thread_commit_begin(thread, KS__COMMIT_CLOSE);
    return KS__TURN_AGAIN;
}

/* ---- steps ---- */

static void serve_requests(struct ks__stream_thread *thread)
{
    struct ks_app *app = thread->app;

    ks__mutex_lock(&app->tasks_lock);
    while (thread->requests != NULL) {
        struct ks__request *request = thread->requests;

        thread->requests = request->next;
        request->run(thread, request->user);
        request->done = true;
        ks__condition_broadcast(&app->served);
    }
    ks__mutex_unlock(&app->tasks_lock);
}

static enum ks__turn one_turn(struct ks__stream_thread *thread)
{
    enum ks__thread_phase phase;

    serve_requests(thread);
    if (atomic_load(&thread->app->stopping) && thread->phase < KS__THREAD_CLOSE)
        begin_closing(thread);
    phase = thread->phase;
    switch (phase) {
    case KS__THREAD_OPEN:
        return open_sessions(thread);
    case KS__THREAD_TOPICS:
        return plan_topics(thread);
    case KS__THREAD_GLOBALS:
        return fill_globals(thread);
    case KS__THREAD_JOIN:
        return join_group(thread);
    case KS__THREAD_WORK:
        return ks__stream_thread_work(thread);
    case KS__THREAD_CLOSE:
        return close_turn(thread);
    case KS__THREAD_ENDED:
        return KS__TURN_ENDED;
    }
    ks__unreachable();
}

/* It has been told what is its, and all of it runs. */
static bool is_steady(const struct ks__stream_thread *thread)
{
    if (thread->phase != KS__THREAD_WORK || !thread->assigned ||
        thread->event.kind != KS__EVENT_NONE)
        return false;
    for (size_t i = 0; i < thread->owned_count; i++)
        if (thread->owned[i]->phase != KS__OWNED_RUNNING)
            return false;
    return true;
}

static void tell_steady(struct ks__stream_thread *thread)
{
    bool steady = is_steady(thread);

    if (atomic_exchange(&thread->steady, steady) != steady)
        ks__app_refresh(thread->app);
}

/* The nearest of the punctuations, in ms from now. */
static int64_t next_punctuation(const struct ks__stream_thread *thread)
{
    int64_t wall = ks__clock_wall_ms(thread->app->clock);
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < thread->owned_count; i++)
        if (thread->owned[i]->phase == KS__OWNED_RUNNING) {
            int64_t due = ks__task_next_punctuation_ms(thread->owned[i]->task);

            if (due < next)
                next = due;
        }
    if (next == INT64_MAX)
        return INT64_MAX;
    return next > wall ? next - wall : 0;
}

/* Monotone time when a record that waits for an answer is out of time. */
static int64_t next_timeout(const struct ks__stream_thread *thread)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < thread->owned_count; i++)
        if (thread->owned[i]->phase == KS__OWNED_RUNNING) {
            int64_t due = ks__task_next_due_ms(thread->owned[i]->task);

            if (due < next)
                next = due;
        }
    return next;
}

static bool is_dirty(const struct ks__stream_thread *thread)
{
    for (size_t i = 0; i < thread->owned_count; i++)
        if (thread->owned[i]->phase == KS__OWNED_RUNNING &&
            ks__task_is_dirty(thread->owned[i]->task))
            return true;
    return false;
}

/* When there is committed state that no commit has taken to LMDB yet, or records to be forgotten;
 * INT64_MAX = neither. */
static int64_t next_upkeep(const struct ks__stream_thread *thread)
{
    const struct ks__settings *settings = &thread->app->settings;
    int64_t                    due = INT64_MAX;

    if (thread->purge.wanted)
        due = thread->purge.last_ms + settings->repartition_purge_ms;
    for (size_t i = 0; i < thread->owned_count; i++)
        if (thread->owned[i]->phase == KS__OWNED_RUNNING &&
            ks__task_sealed_bytes(thread->owned[i]->task) > 0 &&
            thread->last_write_ms + settings->state_flush_ms < due)
            due = thread->last_write_ms + settings->state_flush_ms;
    return due;
}

/* How long to sleep at most when there is nothing to do. */
static int64_t longest_wait_ms(const struct ks__stream_thread *thread)
{
    const int64_t next = thread->session != NULL ? ks__session_next_ms(thread->session) : 0;
    const int64_t set  = thread->app->settings.poll_ms;

    if (next == 0)
        return set > 0 ? set : POLL_MS;
    if (next > 0 && next < (set > 0 ? set : TOLD_POLL_MS))
        return next;
    return set > 0 ? set : TOLD_POLL_MS;
}

/* Nothing that is due comes before something else is over: a commit (H2), an event, a pause. */
static bool is_held_up(const struct ks__stream_thread *thread, int64_t now)
{
    return atomic_load(&thread->app->paused) || thread->committing != KS__COMMIT_NO ||
           thread->aborting || thread->event.kind != KS__EVENT_NONE || now < thread->retry_at_ms;
}

static int64_t next_due_ms(const struct ks__stream_thread *thread, enum ks__turn turn)
{
    int64_t now = ks__stream_thread_now_ms(thread);
    int64_t wait = longest_wait_ms(thread);
    int64_t due;

    if (turn == KS__TURN_ENDED)
        return -1;
    if (turn == KS__TURN_AGAIN)
        return now;
    if (turn == KS__TURN_SOON && wait > SOON_MS)
        wait = SOON_MS;
    if (is_held_up(thread, now))
        return now + wait;
    due = next_punctuation(thread);
    if (due < wait)
        wait = due;
    due = next_timeout(thread);
    if (due < now + wait)
        wait = due > now ? due - now : 0;
    due = next_upkeep(thread);
    if (due < now + wait)
        wait = due > now ? due - now : 0;
    due = thread->last_commit_ms + thread->app->settings.commit_interval_ms - now;
    if (due < wait && is_dirty(thread))
        wait = due > 0 ? due : 0;
    return now + wait;
}

enum ks__turn ks__stream_thread_step(struct ks__stream_thread *thread, int64_t deadline_ms)
{
    enum ks__turn turn;

    ks__wake_drain(&thread->wake);
    do {
        turn = one_turn(thread);
        tell_steady(thread);
    } while (turn == KS__TURN_AGAIN && ks__stream_thread_now_ms(thread) < deadline_ms);
    atomic_store(&thread->due_ms, next_due_ms(thread, turn));
    if (turn == KS__TURN_AGAIN)
        ks__wake_set(&thread->wake);        /* for who polls the descriptor alone */
    return turn;
}

int ks__stream_thread_next_ms(const struct ks__stream_thread *thread)
{
    int64_t due = atomic_load(&thread->due_ms);
    int64_t wait;

    if (due < 0)
        return -1;
    wait = due - ks__stream_thread_now_ms(thread);
    if (wait <= 0)
        return 0;
    return wait < 60000 ? (int)wait : 60000;
}

/* ---- requests ---- */

/* Take the request out of the queue; false = the thread has it. */
static bool withdraw(struct ks__stream_thread *thread, const struct ks__request *request)
{
    for (struct ks__request **at = &thread->requests; *at != NULL; at = &(*at)->next)
        if (*at == request) {
            *at = request->next;
            return true;
        }
    return false;
}

ks_status ks__stream_thread_ask(struct ks__stream_thread *thread, struct ks__request *request,
                                int64_t timeout_ms)
{
    struct ks_app *app = thread->app;
    int64_t        end = ks__clock_mono_ms(ks__clock_real()) + timeout_ms;
    ks_status      status = KS_OK;

    ks__mutex_lock(&app->tasks_lock);
    request->done    = false;
    request->next    = thread->requests;
    thread->requests = request;
    ks__wake_set(&thread->wake);
    while (!request->done && status == KS_OK) {
        int64_t left = end - ks__clock_mono_ms(ks__clock_real());

        if (left <= 0 && withdraw(thread, request))
            status = KS_ETIMEOUT;
        else
            ks__condition_wait_for(&app->served, &app->tasks_lock,
                                   (left > 0 ? left : 1) * INT64_C(1000000));
    }
    ks__mutex_unlock(&app->tasks_lock);
    return status;
}

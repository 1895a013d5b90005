/* SPDX-License-Identifier: Apache-2.0
 *
 * transaction.c - the transactions of a session.
 *
 *      NEW --init--> READY --begin--> OPEN --commit--> ENDING ------> READY
 *                      ^                |                 `--error--> BROKEN
 *                      |                `--abort--> ABORTING <--abort---'
 *                      `------------------------------'      (a fatal error ends the session)
 *
 * Init, commit and abort are turns of the worker: there they have time, and the caller asks again
 * until they are decided.
 *
 * An end is suspect when a request of it may still be on its way: when it took long, a call of it
 * timed out, or a disconnect was told meanwhile. librdkafka repeats such requests silently, and a
 * late one might end a *later* transaction of the same producer. So before the next begin a new
 * producer with the same id is made, whose epoch fences the stray request.
 *
 * Threads: the session's; functions with a turn run on the worker.
 */
#include "log/kafka/kafka.h"

#include "base/assert.h"
#include "base/clock.h"

#define TRY_MS     1000  /* one call of librdkafka; the turn repeats it */
#define PAUSE_MS   20    /* between two tries that fail at once */
#define INIT_MS    30000 /* then the caller hears that the brokers do not answer */
#define CLOSE_MS   1000  /* for the abort of what is open when a session is closed */

static int64_t now_ms(void)
{
    return ks__clock_mono_ms(ks__clock_real());
}

/* ---- on the worker ---- */

/* One call of librdkafka with a time limit; NULL = done. */
typedef rd_kafka_error_t *call_fn(struct ks__kafka_turn *turn, int timeout_ms);

static rd_kafka_error_t *call_init(struct ks__kafka_turn *turn, int timeout_ms)
{
    return rd_kafka_init_transactions(turn->session->producer->rk, timeout_ms);
}

static rd_kafka_error_t *call_offsets(struct ks__kafka_turn *turn, int timeout_ms)
{
    return rd_kafka_send_offsets_to_transaction(turn->session->producer->rk, turn->offsets,
                                                turn->membership, timeout_ms);
}

static rd_kafka_error_t *call_commit(struct ks__kafka_turn *turn, int timeout_ms)
{
    return rd_kafka_commit_transaction(turn->session->producer->rk, timeout_ms);
}

static rd_kafka_error_t *call_abort(struct ks__kafka_turn *turn, int timeout_ms)
{
    return rd_kafka_abort_transaction(turn->session->producer->rk, timeout_ms);
}

/* Repeat a call until it is decided, `until_ms` has come, or the session is closed. */
static ks_status repeat(struct ks__kafka_turn *turn, struct ks__kafka_worker *worker, call_fn *call,
                        int64_t until_ms, const char *what)
{
    rd_kafka_error_t *error;

    while ((error = call(turn, TRY_MS)) != NULL) {
        bool again = rd_kafka_error_is_retriable(error) && now_ms() < until_ms;

        if (rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__TIMED_OUT)
            turn->suspect = true;
        ks__kafka_client_poll(turn->session->producer, 0);
        if (!again || !ks__kafka_worker_pause(worker, PAUSE_MS))
            return ks__kafka_fail_object(&turn->error, error, what);
        rd_kafka_error_destroy(error);
    }
    return KS_OK;
}

static ks_status run_init(struct ks__kafka_turn *turn, struct ks__kafka_worker *worker)
{
    ks_status status = KS_OK;

    if (turn->task == KS__KAFKA_RENEW)
        status = ks__kafka_producer_renew(turn->session, &turn->error);
    if (status == KS_OK)
        status = repeat(turn, worker, call_init, now_ms() + INIT_MS,
                        "cannot initialise transactions");
    turn->suspect = false; /* nothing was ended */
    return status;
}

static ks_status run_commit(struct ks__kafka_turn *turn, struct ks__kafka_worker *worker)
{
    ks_status status = KS_OK;

    if (turn->offsets != NULL)
        status = repeat(turn, worker, call_offsets, INT64_MAX, "cannot add offsets");
    if (status != KS_OK)
        ks__error_add_flags(&turn->error, KS__ERROR_REQUIRES_ABORT);
    return status == KS_OK ? repeat(turn, worker, call_commit, INT64_MAX, "cannot commit") : status;
}

/* How long an end may take before it is suspect. */
static int64_t suspect_after_ms(const struct ks__kafka_session *session)
{
    return ((const struct ks__kafka_cluster *)session->base.cluster)->suspect_ms;
}

static void run_turn(struct ks__kafka_job *job, struct ks__kafka_worker *worker)
{
    struct ks__kafka_turn   *turn     = (struct ks__kafka_turn *)job;
    int64_t                  began_ms = now_ms();
    unsigned                 disturbances;

    turn->suspect = false;
    ks__error_clear(&turn->error);
    if (turn->task == KS__KAFKA_INIT || turn->task == KS__KAFKA_RENEW) {
        turn->status = run_init(turn, worker);
        return;
    }
    ks__kafka_client_poll(turn->session->producer, 0);
    disturbances = turn->session->producer->disturbances;
    turn->status = turn->task == KS__KAFKA_COMMIT
                       ? run_commit(turn, worker)
                       : repeat(turn, worker, call_abort, INT64_MAX, "cannot abort");
    ks__kafka_client_poll(turn->session->producer, 0);
    turn->suspect = turn->suspect || now_ms() - began_ms > suspect_after_ms(turn->session) ||
                    disturbances != turn->session->producer->disturbances;
}

/* ---- turns ---- */

bool ks__kafka_turn_is_busy(struct ks__kafka_session *session)
{
    return session->options.transactional_id != NULL &&
           !ks__kafka_worker_wait(&session->worker, &session->turn.job, 0);
}

static ks_status start_turn(struct ks__kafka_session *session, enum ks__kafka_task task)
{
    struct ks__kafka_turn *turn = &session->turn;

    turn->job     = (struct ks__kafka_job){ .run = run_turn, .wake = session->options.wake };
    turn->session = session;
    turn->task    = task;
    if (ks__kafka_worker_submit(&session->worker, &turn->job) == KS_OK)
        return KS_OK;
    return ks__error_set(ks__kafka_error(session), KS_EIO, "no thread for transactions");
}

static void drop_offsets(struct ks__kafka_turn *turn)
{
    if (turn->offsets != NULL)
        rd_kafka_topic_partition_list_destroy(turn->offsets);
    if (turn->membership != NULL)
        rd_kafka_consumer_group_metadata_destroy(turn->membership);
    turn->offsets    = NULL;
    turn->membership = NULL;
}

/* The outcome of a turn that is over, as the session's error too. */
static ks_status end_turn(struct ks__kafka_session *session)
{
    struct ks__kafka_turn *turn = &session->turn;

    drop_offsets(turn);
    session->suspect = session->suspect || turn->suspect;
    if (turn->status != KS_OK)
        ks__error_copy(ks__kafka_error(session), &turn->error);
    return turn->status != KS_EAGAIN ? turn->status : KS_ELOG;
}

/* KS_OK when the session may use transactions and has no fatal error. */
static ks_status check(struct ks__kafka_session *session)
{
    if (session->options.transactional_id == NULL)
        return ks__error_set(ks__kafka_error(session), KS_ESTATE,
                             "the session has no transactional id");
    return ks_error_is_fatal(&session->base.error) ? session->base.error.status : KS_OK;
}

/* ---- begin ---- */

static ks_status initialise(struct ks__kafka_session *session, int timeout_ms)
{
    struct ks__kafka_turn *turn = &session->turn;
    ks_status              status;

    if (turn->session == NULL || (turn->task != KS__KAFKA_INIT && turn->task != KS__KAFKA_RENEW)) {
        if ((status = ks__kafka_producer_need(session)) != KS_OK)
            return status;
        status = start_turn(session, session->suspect ? KS__KAFKA_RENEW : KS__KAFKA_INIT);
        if (status != KS_OK)
            return status;
    }
    if (!ks__kafka_worker_wait(&session->worker, &turn->job, timeout_ms))
        return KS_EAGAIN;
    status        = end_turn(session);
    turn->session = NULL; /* the next begin starts anew */
    if (status == KS_OK) {
        session->phase   = KS__KAFKA_READY;
        session->suspect = false;
    }
    return status;
}

ks_status ks__kafka_begin(struct ks__session *base, int timeout_ms)
{
    struct ks__kafka_session *session = (struct ks__kafka_session *)base;
    rd_kafka_error_t         *error;
    ks_status                 status  = check(session);

    if (status != KS_OK)
        return status;
    if (session->phase != KS__KAFKA_NEW && session->phase != KS__KAFKA_READY)
        return ks__error_set(ks__kafka_error(session), KS_ESTATE,
                             "a transaction is open already: commit or abort it first");
    if (session->phase == KS__KAFKA_READY && session->suspect)
        session->phase = KS__KAFKA_NEW;
    if (session->phase == KS__KAFKA_NEW && (status = initialise(session, timeout_ms)) != KS_OK)
        return status;
    if ((error = rd_kafka_begin_transaction(session->producer->rk)) != NULL)
        return ks__kafka_fail_object(ks__kafka_error(session), error,
                                     "cannot begin a transaction");
    ks__error_clear(&session->delivery_error);
    session->phase = KS__KAFKA_OPEN;
    return KS_OK;
}

/* ---- commit ---- */

static ks_status break_off(struct ks__kafka_session *session, ks_status status)
{
    session->phase = KS__KAFKA_BROKEN;
    ks__error_add_flags(&session->base.error, KS__ERROR_REQUIRES_ABORT);
    return status;
}

static ks_status prepare_offsets(struct ks__kafka_session *session,
                                 const struct ks__position *positions, size_t count)
{
    struct ks__kafka_turn *turn = &session->turn;
    ks_status              status;

    if (count == 0)
        return KS_OK;
    if ((status = ks__kafka_member_need(session)) != KS_OK)
        return status;
    status = ks__kafka_member_check(session, positions, count, ks__kafka_error(session));
    if (status != KS_OK)
        return status;
    turn->offsets    = ks__kafka_positions(positions, count);
    turn->membership = rd_kafka_consumer_group_metadata(session->member->rk);
    if (turn->offsets != NULL && turn->membership != NULL)
        return KS_OK;
    drop_offsets(turn);
    return ks__error_no_memory(ks__kafka_error(session), "offsets");
}

ks_status ks__kafka_commit(struct ks__session *base, const struct ks__position *positions,
                           size_t count, int timeout_ms)
{
    struct ks__kafka_session *session = (struct ks__kafka_session *)base;
    int64_t                   until_ms = now_ms() + timeout_ms;
    ks_status                 status   = check(session);

    if (status != KS_OK)
        return status;
    if (session->phase == KS__KAFKA_OPEN) {
        if ((status = ks__kafka_flush(base, timeout_ms)) == KS_EAGAIN)
            return status;
        if (status == KS_OK)
            status = prepare_offsets(session, positions, count);
        if (status == KS_OK)
            status = start_turn(session, KS__KAFKA_COMMIT);
        if (status != KS_OK)
            return break_off(session, status);
        session->phase = KS__KAFKA_ENDING;
        if (timeout_ms > 0)
            timeout_ms = now_ms() < until_ms ? (int)(until_ms - now_ms()) : 0;
    }
    if (session->phase != KS__KAFKA_ENDING)
        return ks__error_set(ks__kafka_error(session), KS_ESTATE,
                             "no transaction is open: begin one first");
    if (!ks__kafka_worker_wait(&session->worker, &session->turn.job, timeout_ms))
        return KS_EAGAIN;
    if ((status = end_turn(session)) != KS_OK)
        return break_off(session, status);
    session->phase = KS__KAFKA_READY;
    return ks__kafka_delivery_result(session);
}

/* ---- abort ---- */

static ks_status finish_abort(struct ks__kafka_session *session)
{
    ks_status status = end_turn(session);

    if (status != KS_OK)
        return break_off(session, status);
    session->phase = KS__KAFKA_READY;
    ks__error_clear(&session->delivery_error);
    (void)ks__kafka_error(session); /* what made the abort necessary is over */
    return KS_OK;
}

ks_status ks__kafka_abort(struct ks__session *base, int timeout_ms)
{
    struct ks__kafka_session *session = (struct ks__kafka_session *)base;
    ks_status                 status  = check(session);

    if (status != KS_OK)
        return status;
    if (session->phase == KS__KAFKA_NEW || session->phase == KS__KAFKA_READY)
        return KS_OK;
    if (session->phase == KS__KAFKA_ENDING) {
        if (!ks__kafka_worker_wait(&session->worker, &session->turn.job, timeout_ms))
            return KS_EAGAIN;
        if (end_turn(session) == KS_OK) {
            session->phase = KS__KAFKA_READY;
            return ks__error_set(ks__kafka_error(session), KS_ESTATE,
                                 "the transaction has been committed already");
        }
        session->phase = KS__KAFKA_BROKEN;
    }
    if (session->phase != KS__KAFKA_ABORTING) {
        if ((status = start_turn(session, KS__KAFKA_ABORT)) != KS_OK)
            return status;
        session->phase = KS__KAFKA_ABORTING;
    }
    if (!ks__kafka_worker_wait(&session->worker, &session->turn.job, timeout_ms))
        return KS_EAGAIN;
    return finish_abort(session);
}

void ks__kafka_transaction_close(struct ks__kafka_session *session)
{
    rd_kafka_error_t *error;
    bool              is_open;

    ks__kafka_worker_stop(&session->worker);
    drop_offsets(&session->turn);
    is_open = session->phase == KS__KAFKA_OPEN || session->phase == KS__KAFKA_BROKEN;
    if (!is_open || session->producer == NULL)
        return;
    session->options.undelivered = NULL;
    if ((error = rd_kafka_abort_transaction(session->producer->rk, CLOSE_MS)) != NULL)
        rd_kafka_error_destroy(error); /* the broker aborts it after transaction.timeout.ms */
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * error.c - what the errors of librdkafka and of brokers mean for the users of a log.
 */
#include "log/kafka/client.h"

#include <stdio.h>

/* One row per code that is not KS_ELOG. */
static const struct {
    rd_kafka_resp_err_t code;
    ks_status           status;
} meanings[] = {
    { RD_KAFKA_RESP_ERR_NO_ERROR, KS_OK },
    { RD_KAFKA_RESP_ERR__QUEUE_FULL, KS_EAGAIN },
    { RD_KAFKA_RESP_ERR__IN_PROGRESS, KS_EAGAIN },
    { RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS, KS_EAGAIN },
    { RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT, KS_EAGAIN },
    { RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, KS_ETOOBIG },
    { RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, KS_ETOOBIG },
    { RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, KS_ENOTFOUND },
    { RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, KS_ENOTFOUND },
    { RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, KS_ENOTFOUND },
    { RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, KS_EEXISTS },
    { RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, KS_EOFFSET },
    { RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, KS_EOFFSET },
    { RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, KS_EINVAL },
    { RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, KS_EINVAL },
    { RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, KS_EINVAL },
    { RD_KAFKA_RESP_ERR_INVALID_CONFIG, KS_EINVAL },
    { RD_KAFKA_RESP_ERR_INVALID_REQUEST, KS_EINVAL },
    { RD_KAFKA_RESP_ERR_POLICY_VIOLATION, KS_EINVAL },
    { RD_KAFKA_RESP_ERR__INVALID_ARG, KS_EINVAL },
    { RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, KS_EACCESS },
    { RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, KS_EACCESS },
    { RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, KS_EACCESS },
    { RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, KS_EACCESS },
    { RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, KS_EACCESS },
    { RD_KAFKA_RESP_ERR__AUTHENTICATION, KS_EACCESS },
    { RD_KAFKA_RESP_ERR__FENCED, KS_EFENCED },
    { RD_KAFKA_RESP_ERR_PRODUCER_FENCED, KS_EFENCED },
    { RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, KS_EFENCED },
    { RD_KAFKA_RESP_ERR_TRANSACTION_COORDINATOR_FENCED, KS_EFENCED },
    { RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, KS_EFENCED },
    { RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, KS_EFENCED },
    { RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, KS_EFENCED },
    { RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, KS_EFENCED },
    { RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST, KS_EFENCED },
    { RD_KAFKA_RESP_ERR__TIMED_OUT, KS_ETIMEOUT },
    { RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, KS_ETIMEOUT },
    { RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, KS_ETIMEOUT },
    { RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, KS_ETIMEOUT },
    { RD_KAFKA_RESP_ERR__STATE, KS_ESTATE },
    { RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, KS_ESTATE },
    { RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE, KS_ENOMEM },
};

/* What passes by itself. */
static const rd_kafka_resp_err_t transient[] = {
    RD_KAFKA_RESP_ERR__TRANSPORT,
    RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
    RD_KAFKA_RESP_ERR__RESOLVE,
    RD_KAFKA_RESP_ERR__WAIT_COORD,
    RD_KAFKA_RESP_ERR__WAIT_CACHE,
    RD_KAFKA_RESP_ERR__RETRY,
    RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
    RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
    RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
    RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
    RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
    RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE,
    RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE,
    RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION,
    RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
    RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    RD_KAFKA_RESP_ERR_NOT_CONTROLLER,
    RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE,
};

static bool is_unavailable(rd_kafka_resp_err_t code)
{
    for (size_t i = 0; i < sizeof(transient) / sizeof(transient[0]); i++)
        if (transient[i] == code)
            return true;
    return false;
}

ks_status ks__kafka_status(rd_kafka_resp_err_t code)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (meanings[i].code == code)
            return meanings[i].status;
    return is_unavailable(code) ? KS_EUNAVAILABLE : KS_ELOG;
}

bool ks__kafka_is_transient(rd_kafka_resp_err_t code)
{
    return is_unavailable(code) || ks__kafka_status(code) == KS_ETIMEOUT ||
           code == RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT;
}

ks_status ks__kafka_fail(ks_error *error, rd_kafka_resp_err_t code, const char *format, ...)
{
    char      what[256];
    va_list   arguments;
    ks_status status = ks__kafka_status(code);

    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    ks__error_set(error, status, "%s: %s (%s)", what, rd_kafka_err2str(code),
                  rd_kafka_err2name(code));
    ks__error_set_cause(error, code);
    if (ks__kafka_is_transient(code))
        ks__error_add_flags(error, KS__ERROR_RETRIABLE);
    if (code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
        ks__error_add_flags(error, KS__ERROR_REPLACED);
    return status;
}

ks_status ks__kafka_fail_object(ks_error *error, rd_kafka_error_t *object, const char *what)
{
    rd_kafka_resp_err_t code   = rd_kafka_error_code(object);
    ks_status           status = ks__kafka_status(code);
    unsigned            flags  = 0;

    if (rd_kafka_error_is_fatal(object))
        flags |= KS__ERROR_FATAL;
    if (rd_kafka_error_is_retriable(object))
        flags |= KS__ERROR_RETRIABLE;
    if (rd_kafka_error_txn_requires_abort(object))
        flags |= KS__ERROR_REQUIRES_ABORT;
    if (code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
        flags |= KS__ERROR_REPLACED;
    ks__error_set(error, status, "%s: %s (%s)", what, rd_kafka_error_string(object),
                  rd_kafka_error_name(object));
    ks__error_set_cause(error, code);
    ks__error_add_flags(error, flags);
    rd_kafka_error_destroy(object);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * client.c - how each handle of librdkafka is set up, and where its lines and errors go.
 *
 * Settings come in three classes: ours that an application may change, those of the application,
 * and ours that it may not (FIXED), because the log's promises stand on them.
 */
#include "log/kafka/client.h"

#include "base/assert.h"

#include <string.h>
#include <syslog.h>

#define VERSION_2_2 0x02020000

#define OF(role) (1u << (role))
#define ASKERS   (OF(KS__KAFKA_ASKER) | OF(KS__KAFKA_STABLE_ASKER))
#define READER   OF(KS__KAFKA_READER)
#define MEMBER   OF(KS__KAFKA_MEMBER)
#define PRODUCER OF(KS__KAFKA_PRODUCER)
#define CONSUMERS (ASKERS | READER | MEMBER)
#define ALL       (CONSUMERS | PRODUCER)

/* What an application may change. */
static const struct {
    unsigned    roles;
    const char *name;
    const char *value;
    int         since; /* version of librdkafka that knows it */
} defaults[] = {
    { ALL, "socket.nagle.disable", "true", 0 },     /* before 2.10 each commit costs 40 ms */
    { ALL, "reconnect.backoff.max.ms", "1000", 0 }, /* 10 s would delay every recovery */
    { ASKERS, "socket.timeout.ms", "10000", 0 },    /* also bounds how long closing may take */
    { READER, "fetch.wait.max.ms", "50", 0 },       /* an EOF comes up to that late */
    { READER, "fetch.queue.backoff.ms", "10", VERSION_2_2 },
    { PRODUCER, "enable.idempotence", "true", 0 },
    { PRODUCER, "queue.buffering.max.messages", "500000", 0 },
    { PRODUCER, "queue.buffering.max.kbytes", "65536", 0 },
};

/* What is ours. A NULL value is given by the session, or never. */
static const struct {
    unsigned    roles;
    const char *name;
    const char *value;
} fixed[] = {
    { ALL, "bootstrap.servers", NULL },
    { ALL, "metadata.broker.list", NULL },
    { ALL, "log.queue", "true" },
    { ALL, "allow.auto.create.topics", "false" },
    { CONSUMERS, "enable.auto.commit", "false" },
    { CONSUMERS, "enable.auto.offset.store", "false" },
    { CONSUMERS, "auto.offset.reset", "error" },
    { CONSUMERS, "isolation.level", NULL },
    { CONSUMERS, "group.id", NULL },
    { CONSUMERS, "group.instance.id", NULL },
    { READER, "enable.partition.eof", "true" },
    { MEMBER, "partition.assignment.strategy", "range" },
    { PRODUCER, "transactional.id", NULL },
    { PRODUCER, "delivery.report.only.error", "false" },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* ---- lines and errors ---- */

static enum ks__log_level level_of(int syslog_level)
{
    if (syslog_level <= LOG_CRIT)
        return KS__LOG_ERROR;
    if (syslog_level <= LOG_WARNING)
        return KS__LOG_WARN;
    return syslog_level <= LOG_INFO ? KS__LOG_INFO : KS__LOG_DEBUG;
}

/* Facilities of librdkafka's lines that name a lost request. */
static bool names_disturbance(const char *facility)
{
    return strcmp(facility, "FAIL") == 0 || strcmp(facility, "REQTMOUT") == 0;
}

static void on_line(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    struct ks__kafka_client *client = rk != NULL ? rd_kafka_opaque(rk) : NULL;

    if (client == NULL)
        return;
    if (names_disturbance(facility))
        client->disturbances++;
    KS__LOG(&client->log, level_of(level), "kafka", "%s: %s", facility, text);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct ks__kafka_client *client = opaque;
    char                     text[512];

    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        rd_kafka_resp_err_t cause = rd_kafka_fatal_error(rk, text, sizeof(text));

        ks__kafka_fail(&client->fatal, cause, "%s", text);
        ks__error_add_flags(&client->fatal, KS__ERROR_FATAL);
        KS__LOG_AT_ERROR(&client->log, "kafka", "%s", client->fatal.message);
        return;
    }
    if (ks__kafka_is_transient((rd_kafka_resp_err_t)code))
        client->disturbances++;
    KS__LOG_AT_DEBUG(&client->log, "kafka", "%s: %s",
                     rd_kafka_err2name((rd_kafka_resp_err_t)code), reason);
}

/* ---- configuration ---- */

static ks_status set(rd_kafka_conf_t *conf, const char *name, const char *value, ks_error *error)
{
    char                text[512];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, text, sizeof(text));

    return result == RD_KAFKA_CONF_OK
               ? KS_OK
               : ks__error_set(error, KS_ECONFIG, "librdkafka refuses %s = \"%s\": %s", name,
                               value, text);
}

static ks_status set_defaults(rd_kafka_conf_t *conf, enum ks__kafka_role role, ks_error *error)
{
    ks_status status = KS_OK;

    for (size_t i = 0; i < COUNT(defaults) && status == KS_OK; i++)
        if ((defaults[i].roles & OF(role)) != 0 && rd_kafka_version() >= defaults[i].since)
            status = set(conf, defaults[i].name, defaults[i].value, error);
    return status;
}

static size_t prefix_of(enum ks__kafka_role role)
{
    return role == KS__KAFKA_PRODUCER ? 1 : 0;
}

static ks_status set_properties(rd_kafka_conf_t *conf,
                                const struct ks__kafka_client_options *options, ks_error *error)
{
    ks_status status = KS_OK;

    for (size_t i = 0; i < options->property_count && status == KS_OK; i++)
        if (options->properties[i].prefix == prefix_of(options->role))
            status = set(conf, options->properties[i].name, options->properties[i].value, error);
    return status;
}

static ks_status set_fixed(rd_kafka_conf_t *conf, const struct ks__kafka_client_options *options,
                           ks_error *error)
{
    ks_status status = set(conf, "bootstrap.servers", options->servers, error);

    for (size_t i = 0; i < COUNT(fixed) && status == KS_OK; i++)
        if ((fixed[i].roles & OF(options->role)) != 0 && fixed[i].value != NULL)
            status = set(conf, fixed[i].name, fixed[i].value, error);
    if (status == KS_OK && options->role == KS__KAFKA_ASKER)
        status = set(conf, "isolation.level", "read_uncommitted", error);
    return status;
}

static ks_status set_for_session(rd_kafka_conf_t *conf,
                                 const struct ks__kafka_client_options *options, bool ours,
                                 ks_error *error)
{
    ks_status status = KS_OK;

    for (size_t i = 0; i < options->setting_count && status == KS_OK; i++) {
        const struct ks__kafka_setting *setting  = &options->settings[i];
        bool                            is_fixed = false;

        for (size_t k = 0; k < COUNT(fixed); k++)
            is_fixed = is_fixed || strcmp(fixed[k].name, setting->name) == 0;
        if (setting->value != NULL && is_fixed == ours)
            status = set(conf, setting->name, setting->value, error);
    }
    return status;
}

static ks_status configure(rd_kafka_conf_t *conf, const struct ks__kafka_client_options *options,
                           ks_error *error)
{
    ks_status status = set_defaults(conf, options->role, error);

    if (status == KS_OK)
        status = set_for_session(conf, options, false, error);
    if (status == KS_OK)
        status = set_properties(conf, options, error);
    if (status == KS_OK)
        status = set_fixed(conf, options, error);
    if (status == KS_OK)
        status = set_for_session(conf, options, true, error);
    return status;
}

static ks_status check_not_ours(const struct ks__config_pair *pair, ks_error *error)
{
    bool for_producer = pair->prefix == prefix_of(KS__KAFKA_PRODUCER);

    for (size_t i = 0; i < COUNT(fixed); i++) {
        unsigned roles = for_producer ? PRODUCER : CONSUMERS;

        if ((fixed[i].roles & roles) != 0 && strcmp(fixed[i].name, pair->name) == 0)
            return ks__error_set(error, KS_ECONFIG,
                                 "%s%s cannot be set: the library depends on its own value",
                                 for_producer ? "producer." : "consumer.", pair->name);
    }
    return KS_OK;
}

ks_status ks__kafka_check_properties(const struct ks__config_pair *properties, size_t count,
                                     ks_error *error)
{
    rd_kafka_conf_t *conf   = rd_kafka_conf_new();
    ks_status        status = KS_OK;
    char             text[512];

    for (size_t i = 0; i < count && status == KS_OK; i++) {
        const struct ks__config_pair *pair = &properties[i];

        if (pair->prefix > 1)
            continue; /* no client's */
        if ((status = check_not_ours(pair, error)) != KS_OK)
            break;
        if (rd_kafka_conf_set(conf, pair->name, pair->value, text, sizeof(text)) !=
            RD_KAFKA_CONF_OK)
            status = ks__error_set(error, KS_ECONFIG, "%s%s = \"%s\": %s",
                                   pair->prefix == 1 ? "producer." : "consumer.", pair->name,
                                   pair->value, text);
    }
    rd_kafka_conf_destroy(conf);
    return status;
}

/* ---- lifecycle ---- */

static rd_kafka_conf_t *conf_of(struct ks__kafka_client *client,
                                const struct ks__kafka_client_options *options, ks_error *error)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    if (configure(conf, options, error) != KS_OK) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_opaque(conf, client);
    rd_kafka_conf_set_log_cb(conf, on_line);
    rd_kafka_conf_set_error_cb(conf, on_error);
    if (options->delivered != NULL)
        rd_kafka_conf_set_dr_msg_cb(conf, options->delivered);
    if (options->rebalanced != NULL)
        rd_kafka_conf_set_rebalance_cb(conf, options->rebalanced);
    return conf;
}

ks_status ks__kafka_client_new(struct ks__kafka_client **out,
                               const struct ks__kafka_client_options *options, ks_error *error)
{
    rd_kafka_type_t          type   = options->role == KS__KAFKA_PRODUCER ? RD_KAFKA_PRODUCER
                                                                          : RD_KAFKA_CONSUMER;
    struct ks__kafka_client *client = ks__zalloc(sizeof(*client));
    rd_kafka_conf_t         *conf;
    char                     text[512];

    *out = NULL;
    if (client == NULL)
        return ks__error_no_memory(error, "a Kafka client");
    client->role = options->role;
    client->user = options->user;
    if (options->log != NULL)
        client->log = *options->log;
    if ((conf = conf_of(client, options, error)) == NULL) {
        ks__free(client);
        return KS_ECONFIG;
    }
    if ((client->rk = rd_kafka_new(type, conf, text, sizeof(text))) == NULL) {
        ks_status status = ks__kafka_fail(error, rd_kafka_last_error(), "%s", text);

        rd_kafka_conf_destroy(conf);
        ks__free(client);
        return status != KS_OK ? status : KS_ELOG;
    }
    if (options->role == KS__KAFKA_MEMBER)
        rd_kafka_poll_set_consumer(client->rk);
    rd_kafka_set_log_queue(client->rk, NULL); /* to the main queue, which we poll */
    *out = client;
    return KS_OK;
}

void ks__kafka_client_free(struct ks__kafka_client *client)
{
    if (client == NULL)
        return;
    rd_kafka_destroy_flags(client->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    ks__free(client);
}

void ks__kafka_client_poll(struct ks__kafka_client *client, int timeout_ms)
{
    ks__assert(client->role != KS__KAFKA_MEMBER);
    rd_kafka_poll(client->rk, timeout_ms);
}

void ks__kafka_queue_wake(rd_kafka_queue_t *queue, const struct ks__wake *wake)
{
    static const uint64_t one = 1; /* what an eventfd takes */

    if (wake != NULL)
        rd_kafka_queue_io_event_enable(queue, ks__wake_fd(wake), &one, sizeof(one));
    else
        rd_kafka_queue_io_event_enable(queue, -1, NULL, 0);
}

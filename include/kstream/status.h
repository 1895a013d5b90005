/* SPDX-License-Identifier: Apache-2.0
 *
 * status.h - result codes and error details.
 *
 * A function that can fail returns a ks_status; the text that explains it hangs on the object that
 * failed (ks_builder_error(), ks_topology_error(), ks_app_error(), ...). While a topology is built
 * nothing needs to be checked: the builder keeps the first mistake, later calls do nothing, and
 * ks_builder_build() or ks_app_run() returns it. There is no errno, and no error is kept in a
 * global or thread-local variable: why a call on a running app was refused hangs on the app, too,
 * once per calling thread (ks_app_call_error()).
 *
 *      ks_status status = ks_app_run(app);
 *      if (status != KS_OK)
 *          fprintf(stderr, "%s\n", ks_error_message(ks_app_error(app)));
 */
#ifndef KSTREAM_STATUS_H
#define KSTREAM_STATUS_H

#include <kstream/api.h>

/* name, value, text. Five families: misuse, topology, state, log, user code. */
#define KS_STATUS_MAP(XX)                                                        \
    XX(KS_OK, 0, "success")                                                      \
    XX(KS_SKIP, 1, "drop this record and go on")                                 \
    XX(KS_EINVAL, -1, "invalid argument")                                        \
    XX(KS_ENOMEM, -2, "out of memory")                                           \
    XX(KS_ESTATE, -3, "not possible in this state")                              \
    XX(KS_ETYPE, -4, "wrong kind of handle or mismatched serde")                 \
    XX(KS_ENOTFOUND, -5, "no such name")                                         \
    XX(KS_EEXISTS, -6, "the name is taken")                                      \
    XX(KS_ETOPOLOGY, -10, "the topology is not valid")                           \
    XX(KS_ECONFIG, -11, "the configuration is not valid")                        \
    XX(KS_EIO, -20, "the file system failed")                                    \
    XX(KS_EFULL, -21, "no space left")                                           \
    XX(KS_ECORRUPT, -22, "stored data is damaged")                               \
    XX(KS_EBUSY, -23, "in use by another process or thread")                     \
    XX(KS_EACCESS, -24, "permission denied, or not ours")                        \
    XX(KS_ELOG, -30, "the log failed")                                           \
    XX(KS_EUNAVAILABLE, -31, "the log or store cannot be reached now")           \
    XX(KS_EFENCED, -32, "another instance has taken over")                       \
    XX(KS_ETIMEOUT, -33, "timed out")                                            \
    XX(KS_ETOOBIG, -34, "too large")                                             \
    XX(KS_EAGAIN, -35, "not decided yet, call again")                            \
    XX(KS_EOFFSET, -36, "the offset is not in the log")                          \
    XX(KS_EDATA, -40, "bytes do not decode")                                     \
    XX(KS_EUSER, -41, "user code failed")

typedef enum ks_status {
#define XX(name, value, text) name = value,
    KS_STATUS_MAP(XX)
#undef XX
} ks_status;

/* What went wrong, in words. Lent by the object that failed; never freed by the caller. */
typedef struct ks_error ks_error;

/**
 * Name a status ("KS_EINVAL") or describe it ("invalid argument").
 *
 * Ownership: lends a static text, also for a value that is no status.
 * Threads:   any.
 * Errors:    none.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API const char *ks_status_name(ks_status status);
KS_API const char *ks_status_text(ks_status status);

/**
 * Read an error: its status, its text, the node concerned ("" if none), the cause number.
 *
 * `cause` is what the layer beneath reported: an errno, an LMDB code or a librdkafka code, 0 if
 * none. Fatal: the object that reported it must be closed. Retriable: the same call may succeed
 * later. Requires abort: the open transaction must be aborted first.
 * All accept NULL and then answer KS_OK, "", "", 0 and false.
 *
 * Ownership: lends; the texts live as long as the error.
 * Threads:   the thread that owns the failed object.
 * Errors:    none.
 * Kafka:     KafkaException and its traits.
 * Since:     0.1
 */
KS_API ks_status   ks_error_status(const ks_error *error);
KS_API const char *ks_error_message(const ks_error *error);
KS_API const char *ks_error_node(const ks_error *error);
KS_API int         ks_error_cause(const ks_error *error);
KS_API bool        ks_error_is_fatal(const ks_error *error);
KS_API bool        ks_error_is_retriable(const ks_error *error);
KS_API bool        ks_error_requires_abort(const ks_error *error);

#endif

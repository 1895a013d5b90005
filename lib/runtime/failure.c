/* SPDX-License-Identifier: Apache-2.0
 *
 * failure.c - ask the handler of a failure, else the configuration.
 *
 * Not here: what an answer does (task_failure.c, collector.c, thread.c).
 */
#include "runtime/failure.h"

#include "base/assert.h"

static ks_reaction configured(const struct ks__settings *settings, ks_failure_kind kind)
{
    switch (kind) {
    case KS_FAILURE_DESERIALIZATION:
        return settings->on_deserialization;
    case KS_FAILURE_PROCESSING:
        return settings->on_processing;
    case KS_FAILURE_PRODUCTION:
        return settings->on_production;
    case KS_FAILURE_UNCAUGHT:
        return KS_REACTION_SHUTDOWN;
    }
    ks__unreachable();
}

static const char *const names[] = {
    [KS_REACTION_DEFAULT] = "DEFAULT", [KS_REACTION_CONTINUE] = "CONTINUE",
    [KS_REACTION_FAIL] = "FAIL",       [KS_REACTION_RETRY] = "RETRY",
    [KS_REACTION_REPLACE] = "REPLACE", [KS_REACTION_SHUTDOWN] = "SHUTDOWN",
};

static bool fits(ks_failure_kind kind, ks_reaction reaction)
{
    switch (reaction) {
    case KS_REACTION_CONTINUE:
    case KS_REACTION_FAIL:
        return kind != KS_FAILURE_UNCAUGHT;
    case KS_REACTION_RETRY:
        return kind == KS_FAILURE_PRODUCTION;
    case KS_REACTION_REPLACE:
    case KS_REACTION_SHUTDOWN:
        return kind == KS_FAILURE_UNCAUGHT;
    case KS_REACTION_DEFAULT:
        break;
    }
    return false;
}

static ks_reaction refuse(ks_failure_kind kind, ks_reaction answer, ks_error *error)
{
    const size_t n = (size_t)answer;

    if (n < sizeof(names) / sizeof(names[0]))
        ks__error_prefix(error, "the handler's answer KS_REACTION_%s is none for this kind of "
                         "failure (app.h): ", names[n]);
    else
        ks__error_prefix(error, "the handler's answer %d is no ks_reaction: ", (int)answer);
    return kind == KS_FAILURE_UNCAUGHT ? KS_REACTION_SHUTDOWN : KS_REACTION_FAIL;
}

ks_reaction ks__failure_ask(const struct ks__failure_handlers *handlers,
                            const struct ks__settings *settings, const ks_failure *failure,
                            ks_error *error)
{
    ks_reaction answer = KS_REACTION_DEFAULT;

    if (handlers != NULL && handlers->of[failure->kind].fn != NULL)
        answer = handlers->of[failure->kind].fn(failure, handlers->of[failure->kind].user);
    if (fits(failure->kind, answer))
        return answer;
    if (answer != KS_REACTION_DEFAULT)
        return refuse(failure->kind, answer, error);
    answer = configured(settings, failure->kind);
    return answer != KS_REACTION_DEFAULT ? answer : KS_REACTION_FAIL;
}

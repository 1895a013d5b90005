/* SPDX-License-Identifier: Apache-2.0
 *
 * gate.c - whether the files found at open may be trusted.
 *
 *      kstream env 1                   fixed first line
 *      format 3                        ours
 *      lmdb 0                          LMDB's file format: its major version
 *      boot 6f1c...                    kernel boot id at the last open
 *      state open | synced | clean
 *      topology 9a0e...                or "-"
 *
 * Without sync, pages reach the disk in any order: after a crash of the machine the file may be
 * torn, after one of the process alone it is whole, because the kernel has it. So files are
 * trusted when the boot id is still the same, when the last close had synced ("clean"), or when
 * all who had them open synced every commit ("synced"). Who opens them now makes no difference.
 *
 * The write that must be on the disk before it is relied on is the one to "open" (L4). If the gate
 * itself is lost, the files are not trusted.
 */
#include "lmdb/parts.h"

#include "base/error.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GATE_LIMIT 512          /* bytes of the file                                          */

/* ---- boot id ---- */

static bool kernel_boot_id(char *out, size_t size, void *user)
{
    ssize_t got = ks__io_read_file("/proc/sys/kernel/random/boot_id", out, size - 1);

    (void)user;
    if (got <= 0)
        return false;
    out[got] = '\0';
    out[strcspn(out, " \n")] = '\0';
    return out[0] != '\0';
}

static ks__boot_id_fn *boot_id_fn = kernel_boot_id;
static void           *boot_id_user;

void ks__env_set_boot_id(ks__boot_id_fn *fn, void *user)
{
    boot_id_fn   = fn != NULL ? fn : kernel_boot_id;
    boot_id_user = user;
}

/* "-" when unknown: equal to nothing. */
static void boot_id(char out[64])
{
    if (!boot_id_fn(out, 64, boot_id_user))
        memcpy(out, "-", 2);
}

/* ---- file ---- */

static const char *const state_names[] = { [KS__GATE_OPEN]   = "open",
                                           [KS__GATE_SYNCED] = "synced",
                                           [KS__GATE_CLEAN]  = "clean" };

enum found { NO_GATE, BAD_GATE, GOOD_GATE };

static enum found gate_read(const char *directory, struct ks__gate *gate, ks_error *error,
                            ks_status *status)
{
    char    text[GATE_LIMIT + 1];
    char    state[8];
    char   *path = ks__env_path(directory, "env.gate");
    int     end  = 0;
    ssize_t got;

    *status = KS_OK;
    if (path == NULL) {
        *status = ks__error_no_memory(error, "env.gate");
        return BAD_GATE;
    }
    got = ks__io_read_file(path, text, GATE_LIMIT);
    ks__free(path);
    if (got < 0 && (errno == ENOENT || errno == EFBIG))
        return errno == ENOENT ? NO_GATE : BAD_GATE;
    if (got < 0) {
        *status = ks__error_set_errno(error, KS_EIO, errno, "%s/env.gate", directory);
        return BAD_GATE;
    }
    text[got] = '\0';
    if (sscanf(text, "kstream env 1\nformat %" SCNu32 "\nlmdb %u\nboot %63s\nstate %7s\n"
               "topology %64s\n%n", &gate->format, &gate->lmdb_major, gate->boot_id, state,
               gate->topology, &end) != 5 || end != got)
        return BAD_GATE;
    for (size_t i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++)
        if (strcmp(state, state_names[i]) == 0) {
            gate->state = (enum ks__gate_state)i;
            return GOOD_GATE;
        }
    return BAD_GATE;
}

ks_status ks__gate_write(const struct ks__env *env, const char *directory,
                         enum ks__gate_state state, bool sync, ks_error *error)
{
    char  text[GATE_LIMIT];
    char  boot[64];
    char *path = ks__env_path(directory, "env.gate");
    int   size, result;

    if (path == NULL)
        return ks__error_no_memory(error, "env.gate");
    boot_id(boot);
    size = snprintf(text, sizeof(text), "kstream env 1\nformat %" PRIu32 "\nlmdb %d\nboot %s\n"
                    "state %s\ntopology %s\n", env->options.format, MDB_VERSION_MAJOR, boot,
                    state_names[state],
                    env->topology_hash[0] != '\0' ? env->topology_hash : "-");
    result = ks__io_write_file(path, text, (size_t)size, sync);
    ks__free(path);
    return result == 0 ? KS_OK : ks__lmdb_error(error, errno, env, "write env.gate");
}

/* ---- judgement ---- */

static bool has_data(const struct ks__env *env, ks_error *error, ks_status *status)
{
    char       *path = ks__env_path(env->directory, "data.mdb");
    struct stat found;
    int         result;

    *status = KS_OK;
    if (path == NULL) {
        *status = ks__error_no_memory(error, "data.mdb");
        return false;
    }
    result = ks__io_lstat(AT_FDCWD, path, &found);
    ks__free(path);
    if (result != 0 && errno != ENOENT)
        *status = ks__lmdb_error(error, errno, env, "data.mdb");
    return result == 0 && found.st_size > 0;
}

static enum ks__env_origin judge(const struct ks__env *env, enum found found,
                                 const struct ks__gate *gate)
{
    char boot[64];

    if (found == NO_GATE && env->options.keep_always)
        return KS__ENV_TRUSTED;         /* a synced env: LMDB's own checks must do */
    if (found != GOOD_GATE)
        return KS__ENV_DISCARDED_CORRUPT;
    if (gate->format != env->options.format || gate->lmdb_major != MDB_VERSION_MAJOR)
        return KS__ENV_DISCARDED_FORMAT;
    if (env->topology_hash[0] != '\0' && strcmp(gate->topology, env->topology_hash) != 0)
        return KS__ENV_DISCARDED_TOPOLOGY;
    if (gate->state != KS__GATE_OPEN)
        return KS__ENV_TRUSTED;
    boot_id(boot);
    if (strcmp(boot, "-") == 0 || strcmp(gate->boot_id, boot) != 0)
        return KS__ENV_DISCARDED_BOOT;
    return KS__ENV_TRUSTED;
}

static ks_status remove_file(const struct ks__env *env, const char *name, ks_error *error)
{
    char *path = ks__env_path(env->directory, name);
    int   result;

    if (path == NULL)
        return ks__error_no_memory(error, name);
    result = ks__io_unlink(AT_FDCWD, path, 0);
    ks__free(path);
    if (result != 0 && errno != ENOENT)
        return ks__lmdb_error(error, errno, env, name);
    return KS_OK;
}

ks_status ks__gate_discard(struct ks__env *env, enum ks__env_origin why, const char *detail,
                           ks_error *error)
{
    const char *open = detail[0] != '\0' ? " (" : "", *end = detail[0] != '\0' ? ")" : "";
    ks_status   status;

    if (env->options.keep_always)
        return ks__error_set(error, KS_ECORRUPT, "%s: %s%s%s%s; it is kept as it is: restore a "
                             "copy, or use another directory", env->directory,
                             ks__env_origin_text(why), open, detail, end);
    KS__LOG_AT_WARN(env->options.log, "lmdb", "%s: %s%s%s%s; its content is discarded",
                    env->directory, ks__env_origin_text(why), open, detail, end);
    env->origin = why;
    status      = remove_file(env, "data.mdb", error);
    return status == KS_OK ? remove_file(env, "lock.mdb", error) : status;
}

ks_status ks__gate_enter(struct ks__env *env, ks_error *error)
{
    struct ks__gate     gate = { .format = 0 };
    ks_status           status;
    bool                data  = has_data(env, error, &status);
    enum found          found = NO_GATE;
    enum ks__env_origin origin;
    bool                same_boot, must_sync;
    char                boot[64];

    env->origin = KS__ENV_NEW;
    if (status == KS_OK)
        found = gate_read(env->directory, &gate, error, &status);
    if (status != KS_OK)
        return status;
    if (!data && found == GOOD_GATE && gate.state != KS__GATE_OPEN && env->options.keep_always)
        return ks__gate_discard(env, KS__ENV_DISCARDED_CORRUPT,
                                "data.mdb is missing or empty, but was in use", error);
    if (data) {
        origin = judge(env, found, &gate);
        if (origin != KS__ENV_TRUSTED)
            status = ks__gate_discard(env, origin, "", error);
        else
            env->origin = KS__ENV_TRUSTED;
    }
    if (status != KS_OK)
        return status;
    boot_id(boot);
    same_boot = found == GOOD_GATE && strcmp(gate.boot_id, boot) == 0;
    if (env->origin == KS__ENV_TRUSTED && same_boot && gate.state == KS__GATE_OPEN)
        return KS_OK;                   /* the file says so already */
    if (!data && env->options.keep_always && !env->options.no_sync)
        return KS_OK;                   /* said once the file is there */
    if (!env->options.no_sync)          /* nothing that was not synced is there */
        return ks__gate_write(env, env->directory, KS__GATE_SYNCED, false, error);
    must_sync = found == GOOD_GATE && gate.state != KS__GATE_OPEN;              /* L4 */
    return ks__gate_write(env, env->directory, KS__GATE_OPEN, must_sync, error);
}

ks_status ks__gate_join(struct ks__env *env, ks_error *error)
{
    struct ks__gate gate = { .format = 0 };
    ks_status       status;

    if (!env->options.no_sync || env->options.read_only)
        return KS_OK;
    if (gate_read(env->directory, &gate, error, &status) == GOOD_GATE &&
        gate.state == KS__GATE_OPEN)
        return KS_OK;
    return status != KS_OK ? status
                           : ks__gate_write(env, env->directory, KS__GATE_OPEN, true, error);
}

ks_status ks__gate_be_synced(struct ks__env *env, ks_error *error)
{
    struct ks__gate gate = { .format = 0 };
    ks_status       status;

    if (gate_read(env->directory, &gate, error, &status) == GOOD_GATE &&
        gate.state != KS__GATE_OPEN)
        return KS_OK;
    if (status == KS_OK)
        status = ks__env_sync(env, error);
    return status != KS_OK ? status
                           : ks__gate_write(env, env->directory, KS__GATE_SYNCED, true, error);
}

const char *ks__env_origin_text(enum ks__env_origin origin)
{
    switch (origin) {
    case KS__ENV_NEW:
        return "new";
    case KS__ENV_TRUSTED:
        return "as the last commit left it";
    case KS__ENV_DISCARDED_BOOT:
        return "the machine was restarted before a sync";
    case KS__ENV_DISCARDED_FORMAT:
        return "written in another format";
    case KS__ENV_DISCARDED_TOPOLOGY:
        return "written by another topology or for another log";
    case KS__ENV_DISCARDED_CORRUPT:
        return "the files are damaged or of unknown origin";
    }
    return "?";
}

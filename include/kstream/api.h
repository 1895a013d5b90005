/* SPDX-License-Identifier: Apache-2.0
 *
 * api.h - export marks, compiler attributes and the version.
 *
 * Every public function carries KS_API; nothing else leaves the shared library. This header is
 * included by all others and needs none of them.
 */
#ifndef KSTREAM_API_H
#define KSTREAM_API_H

#include <stddef.h>
#include <stdint.h>
#ifndef __cplusplus
#include <stdbool.h>
#endif

#define KS_VERSION_MAJOR 0
#define KS_VERSION_MINOR 1
#define KS_VERSION_PATCH 0
#define KS_VERSION_TEXT  "0.1.0"

#ifdef __cplusplus
#define KS_EXTERN_C extern "C"
#define KS_BEGIN_DECLS extern "C" {
#define KS_END_DECLS   }
#else
#define KS_EXTERN_C
#define KS_BEGIN_DECLS
#define KS_END_DECLS
#endif

#if defined(__GNUC__)
#define KS_API KS_EXTERN_C __attribute__((visibility("default")))
#define KS_PRINTF(format_index, first_index) \
    __attribute__((format(printf, format_index, first_index)))
#define KS_MUST_CHECK __attribute__((warn_unused_result))
#else
#define KS_API KS_EXTERN_C
#define KS_PRINTF(format_index, first_index)
#define KS_MUST_CHECK
#endif

/* "file:line" of the place where an options literal stands; errors of the builder name it. */
#define KS_SITE_TEXT_(line) #line
#define KS_SITE_LINE_(line) KS_SITE_TEXT_(line)
#define KS_SITE             __FILE__ ":" KS_SITE_LINE_(__LINE__)

/**
 * Say which version of the library is linked, for example "0.1.0".
 *
 * Ownership: lends a static text.
 * Threads:   any.
 * Errors:    none.
 * Kafka:     none.
 * Since:     0.1
 */
KS_API const char *ks_version_string(void);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * texts.c - what people write or keep: properties, addresses, lines, shapes of topologies.
 */
#include "fuzz.h"

#include "log/cluster.h"
#include "topology/shape.h"

#include <kstream/kstream.h>

#include <string.h>

/* Lines of "name=value". */
void fuzz_config(ks_bytes bytes)
{
    ks_config *config = ks_config_new();
    ks_status  first  = KS_OK;

    DEMAND(config != NULL);
    while (bytes.size > 0) {
        ks_status status = ks_config_set_pair(config, fuzz_text(fuzz_until(&bytes, '\n')));

        if (first == KS_OK)
            first = status;
    }
    DEMAND(ks_error_status(ks_config_error(config)) == first);
    DEMAND((ks_error_message(ks_config_error(config))[0] != '\0') == (first != KS_OK));
    ks_config_free(config);
}

/* Addresses that are refused, and memory logs: the others would reach for files and hosts. */
void fuzz_address(ks_bytes bytes)
{
    const char *address = fuzz_text(bytes);
    const char *kind    = ks__cluster_kind_of(address);
    ks_log     *log;

    if (kind != NULL && strcmp(kind, "memory") != 0)
        return;
    log = ks_log_new(address, NULL);
    DEMAND(log != NULL);
    DEMAND(kind != NULL || ks_error_status(ks_log_error(log)) == KS_EINVAL);
    if (ks_error_status(ks_log_error(log)) == KS_OK)
        DEMAND(ks_log_partitions(log, address) <= 0);
    else
        DEMAND(ks_error_message(ks_log_error(log))[0] != '\0');
    ks_log_free(log);
}

/* Words and fields lie in their order in the bytes; fields and separators are all there is. */
void fuzz_words(ks_bytes bytes)
{
    const char *end = bytes.data;
    size_t      sum = 0, count = 0;

    for (ks_bytes rest = bytes, word; ks_bytes_word(&rest, &word);) {
        DEMAND(word.size > 0 && (const char *)word.data >= end);
        end = (const char *)word.data + word.size;
        DEMAND(end <= (const char *)bytes.data + bytes.size);
    }
    for (ks_bytes rest = bytes, field; ks_bytes_field(&rest, ',', &field); count++) {
        DEMAND(field.size == 0 || memchr(field.data, ',', field.size) == NULL);
        sum += field.size;
    }
    DEMAND(count > 0 && sum + count - 1 == bytes.size);
}

/* The shape of a topology: what was read and written reads and writes as the same. */
void fuzz_shape(ks_bytes bytes)
{
    ks_error          error = { .status = KS_OK };
    struct ks__shape  shape, again;
    struct ks__buffer one = { 0 }, other = { 0 };
    ks_status         status = ks__shape_read(&shape, fuzz_text(bytes), &error);

    DEMAND((status == KS_OK) == (error.message[0] == '\0'));
    if (status == KS_OK) {
        ks__shape_write(&shape, &one);
        DEMAND(ks__shape_read(&again, ks__buffer_text(&one), &error) == KS_OK);
        DEMAND(again.count == shape.count);
        ks__shape_write(&again, &other);
        DEMAND(fuzz_same(ks__buffer_bytes(&one), ks__buffer_bytes(&other)));
        ks__shape_release(&again);
    }
    ks__shape_release(&shape);
    ks__buffer_release(&one);
    ks__buffer_release(&other);
}

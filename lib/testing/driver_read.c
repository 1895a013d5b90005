/* SPDX-License-Identifier: Apache-2.0
 *
 * driver_read.c - what was sent to a topic, read from the log.
 *
 * Where the log outlives the driver, what was read up to is committed at the end, under a group of
 * the driver's own: the next driver of the directory goes on behind it.
 * Threads: one.
 */
#include "testing/driver.h"

#include "serde/windowed_key.h"

#include <string.h>

#define BATCH_RECORDS 64

/* The windowed serde with which a sink writes keys to this topic; NULL = none. */
static const ks_serde *windowed_serde(const ks_driver *d, const char *topic)
{
    for (size_t i = 0; i < d->topology->node_count; i++) {
        const struct ks__node      *node = d->topology->nodes[i];
        const struct ks__sink_args *args = node->args;

        if (node->kind == KS__NODE_SINK && args->topic.name != NULL &&
            strcmp(args->topic.name, topic) == 0 && ks__serde_is_windowed(args->key))
            return args->key;
    }
    return NULL;
}

static void release(struct ks__driver_output *output)
{
    if (output->held)
        ks__batch_release(&output->batch);
    output->held = false;
}

static void free_output(ks_driver *d, struct ks__driver_output *output)
{
    release(output);
    if (output->source != NULL)
        ks__session_stop(d->io, output->source);
    ks__free(output->topic);
    ks__free(output);
}

/* May the topic be made by a record that is still to come: chosen by the record, or matched by the
 * pattern of a source? The topics that the topology names are there from the start. */
static bool may_come(const ks_driver *d, const char *topic)
{
    for (size_t i = 0; i < d->topology->node_count; i++) {
        const struct ks__node      *node = d->topology->nodes[i];
        const struct ks__sink_args *args = node->args;

        if (node->kind == KS__NODE_SINK && args->topic.name == NULL)
            return true;
    }
    return ks__driver_source_of(d, topic) != NULL;
}

/* The records are there, but could not be read, or nothing ever goes to this topic: kept, if
 * nothing is yet. */
static void keep_failure(ks_driver *d, const char *topic, ks_status status)
{
    if (ks__error_is_set(&d->error))
        return;
    if (status != KS_ENOTFOUND)
        ks__error_set(&d->error, status, "topic %s cannot be read: %s", topic,
                      ks_status_text(status));
    else if (!may_come(d, topic))
        ks__error_set(&d->error, status,
                      "there is no topic \"%s\": the topology neither reads nor writes it", topic);
}

static struct ks__driver_output *start(ks_driver *d, const char *topic)
{
    struct ks__driver_output *output = ks__zalloc(sizeof(*output));
    ks_error                  error  = { .status = KS_OK };
    ks_status                 status = KS_ENOMEM;

    if (output == NULL)
        goto fail;
    output->topic    = ks__strdup(topic);
    output->windowed = windowed_serde(d, topic);
    if (output->topic == NULL)
        goto fail;
    status = ks__cluster_committed(d->cluster, d->group, topic, 0, &output->position, NULL, -1,
                                   &error);
    if (output->position == KS__OFFSET_NONE)
        output->position = 0;
    if (status == KS_OK)
        status = ks__session_start(d->io, topic, 0, output->position, &output->source);
    if (status != KS_OK)
        goto fail;
    output->next = d->outputs;
    d->outputs   = output;
    return output;

fail:
    keep_failure(d, topic, status);
    if (output != NULL)
        free_output(d, output);
    return NULL;
}

static struct ks__driver_output *output_of(ks_driver *d, const char *topic)
{
    for (struct ks__driver_output *o = d->outputs; o != NULL; o = o->next)
        if (strcmp(o->topic, topic) == 0)
            return o;
    return start(d, topic);
}

const ks_record *ks_driver_read(ks_driver *d, const char *topic)
{
    struct ks__driver_output    *output;
    const struct ks__log_record *read;
    ks_status                    status;

    if (d == NULL || d->io == NULL || topic == NULL)
        return NULL;
    output = output_of(d, topic);
    if (output == NULL)
        return NULL;
    if (!output->held || output->index == output->batch.count) {
        release(output);
        status = ks__source_fetch(output->source, BATCH_RECORDS, &output->batch);
        if (status != KS_OK) {
            keep_failure(d, topic, status);
            return NULL;
        }
        output->held  = true;
        output->index = 0;
        if (output->batch.count == 0)
            return NULL;
    }
    read             = &output->batch.records[output->index++];
    output->position = read->offset + 1;
    output->record   = read->record;
    if (output->windowed != NULL && read->record.key.data != NULL &&
        ks__windowed_key_read(output->windowed, read->record.key, &output->record.key,
                              &output->window))
        output->record.window = &output->window;
    return &output->record;
}

void ks__driver_keep_outputs(ks_driver *d)
{
    for (const struct ks__driver_output *o = d->outputs; o != NULL; o = o->next) {
        const struct ks__position position = { .topic = o->topic, .offset = o->position };

        if (ks__session_commit_offsets(d->io, &position, 1, -1) != KS_OK)
            return; /* they will be read again */
    }
}

void ks__driver_free_outputs(ks_driver *d)
{
    while (d->outputs != NULL) {
        struct ks__driver_output *gone = d->outputs;

        d->outputs = gone->next;
        free_output(d, gone);
    }
}

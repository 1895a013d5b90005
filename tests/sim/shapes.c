/* SPDX-License-Identifier: Apache-2.0
 *
 * shapes.c - the shapes by name, and what they share.
 */
#include "world.h"

#include <stdlib.h>

const struct shape_class *shape_of(enum shape shape)
{
    static const struct shape_class *const classes[SHAPES] = {
        [SHAPE_AGGREGATE] = &aggregate_shape, [SHAPE_COUNT] = &count_shape,
        [SHAPE_PROCESSOR] = &processor_shape, [SHAPE_WINDOWS] = &windows_shape,
        [SHAPE_SUPPRESS] = &suppress_shape,   [SHAPE_FINAL] = &final_shape,
        [SHAPE_JOIN] = &join_shape,           [SHAPE_BUFFER] = &buffer_shape,
        [SHAPE_GLOBAL] = &global_shape,       [SHAPE_FOREIGN] = &foreign_shape,
    };

    return classes[shape];
}

ks_topology *topology_of(struct world *world)
{
    ks_builder  *b = ks_builder_new();
    ks_topology *topology;

    world->shape->build(b, world);
    ks_builder_build(b, &topology);
    ks_builder_free(b);
    return topology;
}

void shape_release(struct world *world)
{
    effects_release(&world->effects);
    free(world->windows);
    free(world->rows);
}

int64_t shape_time_ms(struct world *world)
{
    return ks__clock_wall_ms(&world->clock.clock) - random_below(&world->random, 50);
}

void shape_append(struct world *world, const char *topic, int32_t partition,
                  const ks_record *record)
{
    if (ks_writer_append(world->writer, topic, partition, record) != KS_OK)
        tally_complain(&world->tally, "append: %s",
                       ks_error_message(ks_writer_error(world->writer)));
}

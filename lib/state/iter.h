/* SPDX-License-Identifier: Apache-2.0
 *
 * iter.h - what a ks_iter is: a class of two functions, so that every room can make its own.
 *
 *      struct my_iter { struct ks_iter iter; ... };      the base is the first member
 *
 * Threads: that of its store or snapshot.
 */
#ifndef KS_STATE_ITER_H
#define KS_STATE_ITER_H

#include <kstream/store.h>

struct ks__iter_class {
    /* True and the next row; after the end always false. `*row` is zeroed before the call. */
    bool (*next)(ks_iter *it, ks_record *row);
    /* Give back what it holds, not the memory it lies in. Called at most once. */
    void (*close)(ks_iter *it);
};

struct ks_iter {
    const struct ks__iter_class *class;     /* NULL = closed */
};

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * xml.h - a foreign XML document as a small tree of elements and attributes.
 *
 * Made for model files: text between the tags is ignored, name prefixes are cut off, a document
 * type declaration (entities, external files) is refused. Depth, size and number of elements have
 * limits, so a hostile document costs a bounded amount of memory and no stack.
 */
#ifndef MODEL_SCORING_XML_H
#define MODEL_SCORING_XML_H

#include <stddef.h>

#include "reason.h"

enum {
    XML_BYTES_MAX = 32 * 1024 * 1024, /* of the document; a forest of 100 deep trees has a third */
    XML_DEPTH_MAX = 128,              /* learned trees are rarely deeper than 30                 */
    XML_ELEMENTS_MAX = 1000000,
};

struct xml_element {
    const char         *name;       /* without prefix                             */
    const char        **attributes; /* name, value, name, value, NULL             */
    size_t              depth;      /* of the root: 0                             */
    struct xml_element *parent;     /* of the root: NULL                          */
    struct xml_element *first;      /* child                                      */
    struct xml_element *last;       /* child                                      */
    struct xml_element *next;       /* sibling                                    */
};

struct xml_block;

struct xml_document {
    struct xml_element *root;
    size_t              elements;
    struct xml_block   *blocks; /* memory of everything above */
};

/* Borrows the bytes. False with a reason that names the line; the document is then empty. */
bool xml_read(struct xml_document *document, const void *data, size_t size, struct reason *reason);
void xml_release(struct xml_document *document);

/* The first child, the next sibling, of that name; NULL: none. */
const struct xml_element *xml_child(const struct xml_element *parent, const char *name);
const struct xml_element *xml_sibling(const struct xml_element *element, const char *name);
size_t                    xml_count(const struct xml_element *parent, const char *name);

/* The element after this one in document order, within `top`; NULL: the last one. */
const struct xml_element *xml_after(const struct xml_element *top,
                                    const struct xml_element *element);

/* NULL when it is not given. */
const char *xml_attribute(const struct xml_element *element, const char *name);

#endif

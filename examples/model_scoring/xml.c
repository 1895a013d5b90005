/* SPDX-License-Identifier: Apache-2.0
 *
 * xml.c - expat's events into a tree. See xml.h.
 *
 * All nodes and strings of a document live in a list of blocks and are freed with it, so an error
 * at any point needs no walk. Expat may still deliver events after XML_StopParser(): `stopped`
 * makes them void.
 */
#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "xml.h"

enum { BLOCK_BYTES = 64 * 1024, ALIGNMENT = 16 };

struct xml_block {
    struct xml_block *next;
    size_t            used;
    size_t            size;
    _Alignas(16) unsigned char bytes[];
};

struct reader {
    struct xml_document *document;
    struct xml_element  *open; /* the innermost element that has not ended */
    XML_Parser           parser;
    struct reason       *reason;
    bool                 stopped;
};

static void *take(struct xml_document *document, size_t size)
{
    struct xml_block *block = document->blocks;

    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (block == NULL || size > block->size - block->used) {
        size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;

        block = malloc(sizeof(*block) + room);
        if (block == NULL)
            return NULL;
        *block = (struct xml_block){ .next = document->blocks, .size = room };
        document->blocks = block;
    }
    block->used += size;
    return block->bytes + block->used - size;
}

static const char *take_text(struct xml_document *document, const char *text)
{
    size_t size = strlen(text) + 1;
    char  *copy = take(document, size);

    return copy == NULL ? NULL : memcpy(copy, text, size);
}

static void stop(struct reader *reader, const char *why)
{
    if (!reader->stopped)
        reason_set(reader->reason, "line %lu: %s",
                   (unsigned long)XML_GetCurrentLineNumber(reader->parser), why);
    reader->stopped = true;
    (void)XML_StopParser(reader->parser, XML_FALSE);
}

static bool copy_attributes(struct xml_document *document, struct xml_element *element,
                            const char **attributes)
{
    size_t count = 0;

    while (attributes[count] != NULL)
        count++;
    element->attributes = take(document, (count + 1) * sizeof(*attributes));
    if (element->attributes == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        if ((element->attributes[i] = take_text(document, attributes[i])) == NULL)
            return false;
    element->attributes[count] = NULL;
    return true;
}

static void append(struct reader *reader, struct xml_element *element)
{
    struct xml_element *parent = reader->open;

    element->parent = parent;
    if (parent == NULL)
        reader->document->root = element;
    else if (parent->last == NULL)
        parent->first = element;
    else
        parent->last->next = element;
    if (parent != NULL) {
        parent->last = element;
        element->depth = parent->depth + 1;
    }
    reader->open = element;
}

static void XMLCALL on_start(void *user, const char *name, const char **attributes)
{
    struct reader       *reader = user;
    struct xml_document *document = reader->document;
    const char          *colon = strrchr(name, ':');
    struct xml_element  *element;

    if (reader->stopped)
        return;
    if (document->elements++ >= XML_ELEMENTS_MAX) {
        stop(reader, "too many elements");
        return;
    }
    if (reader->open != NULL && reader->open->depth + 1 >= XML_DEPTH_MAX) {
        stop(reader, "elements are nested too deeply");
        return;
    }
    element = take(document, sizeof(*element));
    if (element != NULL) {
        *element = (struct xml_element){ 0 };
        element->name = take_text(document, colon == NULL ? name : colon + 1);
    }
    if (element == NULL || element->name == NULL || !copy_attributes(document, element, attributes))
        stop(reader, "out of memory");
    else
        append(reader, element);
}

static void XMLCALL on_end(void *user, const char *name)
{
    struct reader *reader = user;

    (void)name;
    if (!reader->stopped)
        reader->open = reader->open->parent;
}

static void XMLCALL on_doctype(void *user, const char *name, const char *system,
                               const char *public, int has_internal_subset)
{
    (void)name, (void)system, (void)public, (void)has_internal_subset;
    stop(user, "a document type declaration is not accepted");
}

bool xml_read(struct xml_document *document, const void *data, size_t size, struct reason *reason)
{
    struct reader reader = { .document = document, .reason = reason };

    *document = (struct xml_document){ 0 };
    if (size > XML_BYTES_MAX)
        return reason_set(reason, "%zu bytes: the limit is %d", size, XML_BYTES_MAX);
    reader.parser = XML_ParserCreate(NULL);
    if (reader.parser == NULL)
        return reason_set(reason, "out of memory");
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, on_start, on_end);
    XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
    if (XML_Parse(reader.parser, data, (int)size, 1) != XML_STATUS_OK)
        stop(&reader, XML_ErrorString(XML_GetErrorCode(reader.parser)));
    XML_ParserFree(reader.parser);
    if (reader.stopped)
        xml_release(document);
    return !reader.stopped;
}

void xml_release(struct xml_document *document)
{
    while (document->blocks != NULL) {
        struct xml_block *next = document->blocks->next;

        free(document->blocks);
        document->blocks = next;
    }
    *document = (struct xml_document){ 0 };
}

static const struct xml_element *named(const struct xml_element *element, const char *name)
{
    while (element != NULL && strcmp(element->name, name) != 0)
        element = element->next;
    return element;
}

const struct xml_element *xml_child(const struct xml_element *parent, const char *name)
{
    return parent == NULL ? NULL : named(parent->first, name);
}

const struct xml_element *xml_sibling(const struct xml_element *element, const char *name)
{
    return named(element->next, name);
}

size_t xml_count(const struct xml_element *parent, const char *name)
{
    size_t count = 0;

    for (const struct xml_element *e = xml_child(parent, name); e != NULL; e = xml_sibling(e, name))
        count++;
    return count;
}

const struct xml_element *xml_after(const struct xml_element *top,
                                    const struct xml_element *element)
{
    if (element->first != NULL)
        return element->first;
    while (element != top && element->next == NULL)
        element = element->parent;
    return element == top ? NULL : element->next;
}

const char *xml_attribute(const struct xml_element *element, const char *name)
{
    for (const char **a = element->attributes; *a != NULL; a += 2)
        if (strcmp(a[0], name) == 0)
            return a[1];
    return NULL;
}

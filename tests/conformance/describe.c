/* SPDX-License-Identifier: Apache-2.0
 *
 * describe.c - the text of ks_topology_describe() against the recorded structure.
 *
 * The text is Kafka's own form; the cases hold it line by line per sub-topology, in the recorder's
 * order, as "NAME <topics> [stores] >topic -> successors". Both are brought to one form: nodes and
 * lists sorted.
 */
#include "replay.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NODES 2048
#define TEXT      16384

struct part {
    char  label[32]; /* "0", or "global 1" */
    char *nodes[MAX_NODES];
    size_t count;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sort "b, a" or "b,a" into "a,b" (in place of a new text). */
static void sort_list(const char *list, size_t size, char *out)
{
    char  *copy = strndup(list, size), *items[1024], *rest = NULL;
    size_t count = 0;

    out[0] = '\0';
    for (char *item = strtok_r(copy, ", ", &rest); item && count < 1024;
         item = strtok_r(NULL, ", ", &rest))
        items[count++] = item;
    qsort(items, count, sizeof *items, by_text);
    for (size_t i = 0; i < count; i++) {
        strcat(out, i > 0 ? "," : "");
        strcat(out, items[i]);
    }
    free(copy);
}

/* Behind what is in `out`, of TEXT bytes; a recorded line that does not fit differs and fails. */
__attribute__((format(printf, 2, 3))) static void append(char *out, const char *format, ...)
{
    const size_t used = strlen(out);
    va_list      args;

    va_start(args, format);
    vsnprintf(out + used, TEXT - used, format, args);
    va_end(args);
}

/* One recorded line with its lists sorted. */
static char *normal_line(const char *line)
{
    char        out[TEXT] = "", list[TEXT];
    const char *at = line;

    while (*at != '\0') {
        size_t size = strcspn(at, " ");
        if (*at == '<' || *at == '[') {
            size = strcspn(at, *at == '<' ? ">" : "]");
            sort_list(at + 1, size - 1, list);
            append(out, "%c%s%c", *at, list, at[size]);
            size++;
        } else if (strncmp(at, "-> ", 3) == 0) {
            sort_list(at + 3, strlen(at + 3), list);
            append(out, "-> %s", list);
            size = strlen(at);
        } else {
            append(out, "%.*s", (int)size, at);
        }
        at += size;
        if (*at == ' ') {
            strcat(out, " ");
            at++;
        }
    }
    return strdup(out);
}

/* "Processor: NAME (stores: [a, b])" and so on, without the arrows. */
static void node_of_text(const char *line, char *out)
{
    char        name[256], list[TEXT] = "";
    const char *open = strchr(line, '['), *close = open ? strchr(open, ']') : NULL;
    const char *topic = strstr(line, "(topic: ");

    sscanf(line, "%*s %255s", name);
    if (open != NULL && close != NULL)
        sort_list(open + 1, (size_t)(close - open - 1), list);
    out[0] = '\0';
    if (strncmp(line, "Source:", 7) == 0)
        append(out, "%s <%s>", name, list);
    else if (strncmp(line, "Sink:", 5) == 0 && topic != NULL)
        append(out, "%s >%.*s", name, (int)strcspn(topic + 8, ")"), topic + 8);
    else if (list[0] != '\0')
        append(out, "%s [%s]", name, list);
    else
        append(out, "%s", name);
}

static void add_line(struct part *part, const char *text)
{
    char node[TEXT], list[TEXT];

    if (strncmp(text, "--> ", 4) == 0 && part->count > 0) {
        char *last = part->nodes[part->count - 1];
        if (strcmp(text + 4, "none") == 0)
            return;
        sort_list(text + 4, strlen(text + 4), list);
        if (asprintf(&part->nodes[part->count - 1], "%s -> %s", last, list) < 0)
            abort();
        free(last);
    } else if (strncmp(text, "<-- ", 4) != 0 && part->count < MAX_NODES) {
        node_of_text(text, node);
        part->nodes[part->count++] = strdup(node);
    }
}

/* Kafka's text into parts. */
static size_t read_text(char *text, struct part *parts, size_t limit)
{
    char  *rest  = NULL;
    size_t count = 0;

    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        line += strspn(line, " ");
        if (strncmp(line, "Sub-topology: ", 14) == 0 && count < limit) {
            bool global = strstr(line, "for global store") != NULL;
            snprintf(parts[count].label, sizeof parts->label, "%s%d", global ? "global " : "",
                     atoi(line + 14));
            count++;
        } else if (count > 0 && *line != '\0') {
            add_line(&parts[count - 1], line);
        }
    }
    return count;
}

static size_t read_case(json_t *list, struct part *parts, size_t limit)
{
    json_t *part, *line;
    size_t  i, j;

    json_array_foreach(list, i, part) {
        json_t *global = json_object_get(part, "global");
        if (i >= limit)
            break;
        snprintf(parts[i].label, sizeof parts->label, "%s%" JSON_INTEGER_FORMAT,
                 global ? "global " : "",
                 json_integer_value(global ? global : json_object_get(part, "subtopology")));
        json_array_foreach(json_object_get(part, "nodes"), j, line)
            if (parts[i].count < MAX_NODES)
                parts[i].nodes[parts[i].count++] = normal_line(json_string_value(line));
    }
    return i;
}

/* By number, whatever the kind: a case lists the global ones last, Kafka's text does not. */
static int by_number(const void *a, const void *b)
{
    const struct part *one = a, *other = b;

    return atoi(one->label + strcspn(one->label, "0123456789")) -
           atoi(other->label + strcspn(other->label, "0123456789"));
}

static void compare_parts(struct replay *r, struct part *want, struct part *got)
{
    if (strcmp(want->label, got->label) != 0)
        replay_differs(r, -1, want->label, got->label[0] ? got->label : "no sub-topology");
    qsort(want->nodes, want->count, sizeof *want->nodes, by_text);
    qsort(got->nodes, got->count, sizeof *got->nodes, by_text);
    for (size_t i = 0; i < want->count || i < got->count; i++) {
        const char *a = i < want->count ? want->nodes[i] : "(no node)";
        const char *b = i < got->count ? got->nodes[i] : "(no node)";
        if (strcmp(a, b) != 0)
            replay_differs(r, -1, a, b);
    }
}

static void free_parts(struct part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < parts[i].count; j++)
            free(parts[i].nodes[j]);
    free(parts);
}

void replay_compare_description(struct replay *r)
{
    enum { LIMIT = 256 };
    struct part *want = calloc(LIMIT, sizeof *want), *got = calloc(LIMIT, sizeof *got);
    char        *text = ks_topology_describe(r->topology, KS_DESCRIBE_TEXT);
    json_t      *list = json_object_get(json_object_get(r->kase, "expected"), "describe");
    size_t       wanted = read_case(list, want, LIMIT);
    size_t       count  = text ? read_text(text, got, LIMIT) : 0;

    qsort(want, wanted, sizeof *want, by_number);
    qsort(got, count, sizeof *got, by_number);

    for (size_t i = 0; i < wanted || i < count; i++)
        compare_parts(r, &want[i], &got[i]);
    if (r->differences > 0 && r->verbosity > 1 && text != NULL) {
        ks_text_free(text);
        text = ks_topology_describe(r->topology, KS_DESCRIBE_TEXT);
        printf("%s\n", text);
    }
    ks_text_free(text);
    free_parts(want, LIMIT);
    free_parts(got, LIMIT);
}

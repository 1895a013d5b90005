/* SPDX-License-Identifier: Apache-2.0
 *
 * verify.c - whether a data file holds together, before LMDB maps it.
 *
 * LMDB trusts its file: a page behind the file's end is a SIGBUS, a page of another kind may be an
 * assertion, and both end the process. So the trees are walked here first, from the newer meta page
 * down, all branch pages of a level before the next: each page must lie in the file, know its own
 * number and be what its parent says, and its nodes must lie in it. No page is referred to twice,
 * or referred to and free: LMDB would write over it. What the walk looks at is
 * bounded, so that opening stays quick; the bound is wider when the file ends before its last page,
 * which damage and an honest LMDB (of free pages) both leave behind.
 *
 * Not found: turned bits inside keys and values (LMDB has no checksums), and what lies beyond the
 * bound. The layout is that of LMDB 0.9, data version 1, of hosts with 64 bits; elsewhere nothing
 * is looked at.
 *
 * Threads: whoever opens the env, which nobody has open.
 */
#include "lmdb/parts.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define PAGES_PER_OPEN 4096u            /* looked at when nothing is suspicious: some ms */
#define PAGES_IF_SHORT (1u << 18)       /* 1 GiB: some tenths of a second */
#define MAGIC          UINT32_C(0xBEEFC0DE)
#define DATA_VERSION   1u
#define PAGE_HEAD      16u              /* number 8, pad 2, flags 2, lower 2, upper 2 */
#define NODE_HEAD      8u               /* low 2, high 2, flags 2, key size 2 */
#define DATABASE_BYTES 48u              /* pad 4, flags 2, depth 2, counts 32, root 8 */
#define META_BYTES     136u             /* magic 4, version 4, map 16, databases 96, last, number */
#define NO_PAGE        UINT64_MAX

/* Exactly one stands in a page of ours on the disk: LMDB clears what is for memory alone (dirty,
 * loose, keep) before it writes, and the kinds of MDB_DUPSORT are not used. */
enum page_flag { BRANCH = 1, LEAF = 2, OVERFLOW = 4 };
enum node_flag { BIG = 1, SUBDATA = 2 };

struct walk {
    const uint8_t *data;
    uint64_t       pages;       /* whole ones in the file */
    uint64_t       page_bytes;
    uint64_t       end;         /* pages up to the last one ever used */
    uint64_t       budget;
    uint8_t       *taken;       /* a bit per page: referred to, or free */
    uint64_t      *queue;       /* of page numbers, with the tree they are of */
    size_t         from, count, capacity;
    char          *why;
    size_t         why_size;
    bool           no_memory;
};

/* Which tree a page belongs to, above its number (which has 48 bits): free pages, databases by
 * name, or rows. */
enum tree { TREE_FREE, TREE_NAMES, TREE_ROWS };
#define TREE_SHIFT 60
#define PAGE_MASK  ((UINT64_C(1) << TREE_SHIFT) - 1)

static bool damaged(struct walk *walk, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));

static bool damaged(struct walk *walk, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(walk->why, walk->why_size, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- numbers of the host ---- */

static uint16_t get16(const uint8_t *at)
{
    uint16_t number;

    memcpy(&number, at, sizeof(number));
    return number;
}

static uint32_t get32(const uint8_t *at)
{
    uint32_t number;

    memcpy(&number, at, sizeof(number));
    return number;
}

static uint64_t get64(const uint8_t *at)
{
    uint64_t number;

    memcpy(&number, at, sizeof(number));
    return number;
}

/* ---- pages ---- */

/* False: it is in use already, or free. */
static bool take(struct walk *walk, uint64_t page)
{
    const uint8_t bit = (uint8_t)(1u << page % 8);

    if ((walk->taken[page / 8] & bit) != 0)
        return damaged(walk, "page %" PRIu64 " has two uses, or is in use and free", page);
    walk->taken[page / 8] |= bit;
    return true;
}

/* To be looked at, if the budget allows it. */
static bool enqueue(struct walk *walk, uint64_t page, enum tree tree)
{
    if (page == NO_PAGE)
        return true;
    if (page < 2 || page >= walk->end)
        return damaged(walk, "a page of number %" PRIu64 " is referred to, %" PRIu64 " are in use",
                       page, walk->end);
    if (page >= walk->pages)
        return damaged(walk, "the file was cut off: page %" PRIu64 " is missing, %" PRIu64
                       " are there", page, walk->pages);
    if (!take(walk, page))
        return false;
    if (walk->count == walk->budget)
        return true;
    walk->no_memory = !KS__GROW(&walk->queue, &walk->capacity, walk->count + 1);
    if (!walk->no_memory)
        walk->queue[walk->count++] = page | (uint64_t)tree << TREE_SHIFT;
    return !walk->no_memory;
}

static const uint8_t *page_at(const struct walk *walk, uint64_t page)
{
    return walk->data + page * walk->page_bytes;
}

/* The value of a large node, or NULL. */
static const uint8_t *check_overflow(struct walk *walk, uint64_t page, uint64_t bytes)
{
    const uint8_t *at = NULL;
    uint64_t       count;

    if (page < 2 || page >= walk->pages) {
        damaged(walk, "the file was cut off: page %" PRIu64 " of a large value is missing", page);
        return NULL;
    }
    at    = page_at(walk, page);
    count = get32(at + 12);
    if (get64(at) != page || get16(at + 10) != OVERFLOW) {
        damaged(walk, "page %" PRIu64 " is not that of a large value", page);
        return NULL;
    }
    if (page + count > walk->pages || page + count > walk->end ||
        count * walk->page_bytes < PAGE_HEAD + bytes) {
        damaged(walk, "the large value at page %" PRIu64 " is cut off", page);
        return NULL;
    }
    for (uint64_t i = 0; i < count; i++)
        if (!take(walk, page + i))
            return NULL;
    return at + PAGE_HEAD;
}

/* A list of free pages: how many, then their numbers, the greatest first. */
static bool check_free(struct walk *walk, uint64_t page, const uint8_t *value, uint64_t size)
{
    const uint64_t count = size >= 8 ? get64(value) : NO_PAGE;

    if (size % 8 != 0 || count != size / 8 - 1)
        return damaged(walk, "page %" PRIu64 " has a damaged list of free pages", page);
    for (uint64_t i = 1, before = walk->end; i <= count; i++) {
        const uint64_t number = get64(value + 8 * i);

        if (number < 2 || number >= before)
            return damaged(walk, "page %" PRIu64 " has a free page that cannot be", page);
        if (number < walk->pages && !take(walk, number))
            return false;
        before = number;
    }
    return true;
}

/* `left` = bytes of the page from the node on. */
static bool check_leaf_node(struct walk *walk, uint64_t page, const uint8_t *node, size_t left,
                            enum tree tree)
{
    const uint64_t size  = get16(node) | (uint64_t)get16(node + 2) << 16;
    const uint16_t flags = get16(node + 4);
    const uint64_t key   = get16(node + 6);
    const uint64_t need  = NODE_HEAD + key + ((flags & BIG) != 0 ? 8 : size);
    const uint8_t *value = node + NODE_HEAD + key;

    if (need > left)
        return damaged(walk, "page %" PRIu64 " has an entry that does not fit", page);
    if (flags != 0 && flags != BIG && (tree != TREE_NAMES || flags != SUBDATA))
        return damaged(walk, "page %" PRIu64 " has an entry of an unknown kind", page);
    if ((flags & BIG) != 0)
        value = check_overflow(walk, get64(value), size);
    if (value == NULL)
        return false;
    if (tree == TREE_FREE)
        return check_free(walk, page, value, size);
    if (tree != TREE_NAMES)
        return true;
    if (flags != SUBDATA || size != DATABASE_BYTES || get16(value + 4) != 0)
        return damaged(walk, "page %" PRIu64 " has a damaged database", page);
    return enqueue(walk, get64(value + DATABASE_BYTES - 8), TREE_ROWS);
}

static bool check_nodes(struct walk *walk, uint64_t page, enum tree tree)
{
    const uint8_t *at    = page_at(walk, page);
    const bool     leaf  = get16(at + 10) == LEAF;
    const size_t   lower = get16(at + 12), upper = get16(at + 14);

    if (lower < PAGE_HEAD || upper < lower || upper > walk->page_bytes)
        return damaged(walk, "page %" PRIu64 " has no sound head", page);
    if (!leaf && lower < PAGE_HEAD + 2 * sizeof(uint16_t))
        return damaged(walk, "page %" PRIu64 " is a branch without branches", page);
    for (size_t i = PAGE_HEAD; i + 1 < lower; i += 2) {
        const size_t   offset = get16(at + i);
        const uint8_t *node   = at + offset;

        if (offset < upper || offset + NODE_HEAD > walk->page_bytes)
            return damaged(walk, "page %" PRIu64 " has an entry outside of it", page);
        if (leaf) {
            if (!check_leaf_node(walk, page, node, walk->page_bytes - offset, tree))
                return false;
        } else if (!enqueue(walk, get16(node) | (uint64_t)get16(node + 2) << 16 |
                                      (uint64_t)get16(node + 4) << 32, tree)) {
            return false;
        }
    }
    return true;
}

static bool check_page(struct walk *walk, uint64_t page, enum tree tree)
{
    const uint8_t *at    = page_at(walk, page);
    const uint16_t flags = get16(at + 10);

    if (get64(at) != page || flags == 0)
        return damaged(walk, "page %" PRIu64 " is none of a tree: zeros, or another page", page);
    if (flags != BRANCH && flags != LEAF)
        return damaged(walk, "page %" PRIu64 " is of a kind that has no place there", page);
    return check_nodes(walk, page, tree);
}

/* ---- the file ---- */

/* The newer of the meta pages; NULL = LMDB says itself what is wrong with them. */
static const uint8_t *newer_meta(const uint8_t *data, uint64_t size, uint64_t *page_bytes)
{
    const uint8_t *first = data + PAGE_HEAD, *second;

    if (size < PAGE_HEAD + META_BYTES || get32(first) != MAGIC || get32(first + 4) != DATA_VERSION)
        return NULL;
    *page_bytes = get32(first + 24);
    if (*page_bytes < 512 || *page_bytes > 65536 || (*page_bytes & (*page_bytes - 1)) != 0 ||
        size < *page_bytes + PAGE_HEAD + META_BYTES)
        return NULL;
    second = data + *page_bytes + PAGE_HEAD;
    if (get32(second) != MAGIC || get32(second + 4) != DATA_VERSION)
        return NULL;
    return get64(first + 128) < get64(second + 128) ? second : first;
}

static bool check_trees(struct walk *walk, const uint8_t *meta)
{
    bool sound;

    walk->taken     = ks__zalloc((size_t)(walk->pages / 8) + 1);
    walk->no_memory = walk->taken == NULL;
    if (walk->no_memory)
        return false;
    walk->end    = get64(meta + 120) + 1;
    walk->budget = walk->pages < walk->end ? PAGES_IF_SHORT : PAGES_PER_OPEN;
    sound        = enqueue(walk, get64(meta + 24 + DATABASE_BYTES - 8), TREE_FREE) &&
            enqueue(walk, get64(meta + 24 + 2 * DATABASE_BYTES - 8), TREE_NAMES);
    for (; sound && walk->from < walk->count; walk->from++)
        sound = check_page(walk, walk->queue[walk->from] & PAGE_MASK,
                           (enum tree)(walk->queue[walk->from] >> TREE_SHIFT));
    return sound;
}

/* KS_OK also when there is nothing to map: LMDB will say what is wrong. */
static ks_status map_file(const struct ks__env *env, const char *path, void **data, uint64_t *size,
                          ks_error *error)
{
    int         fd = ks__io_open(AT_FDCWD, path, O_RDONLY, 0);
    struct stat found;
    ks_status   status = KS_OK;

    if (fd < 0)
        return errno == ENOENT ? KS_OK : ks__lmdb_error(error, errno, env, "data.mdb");
    if (ks__io_fstat(fd, &found) != 0)
        status = ks__lmdb_error(error, errno, env, "data.mdb");
    else if (found.st_size > 0)
        *data = mmap(NULL, (size_t)found.st_size, PROT_READ, MAP_SHARED, fd, 0);
    *size = status == KS_OK ? (uint64_t)found.st_size : 0;
    ks__io_close(fd);
    return status;
}

ks_status ks__data_file_check(const struct ks__env *env, const char *path, char *why,
                              size_t why_size, ks_error *error)
{
    struct walk    walk = { .why = why, .why_size = why_size };
    void          *data = MAP_FAILED;
    uint64_t       size = 0;
    ks_status      status = map_file(env, path, &data, &size, error);
    const uint8_t *meta;

    if (status != KS_OK || data == MAP_FAILED)
        return status;
    walk.data = data;
    meta      = newer_meta(data, size, &walk.page_bytes);
    if (meta != NULL && sizeof(size_t) == 8) {
        walk.pages = size / walk.page_bytes;
        if (!check_trees(&walk, meta))
            status = walk.no_memory ? ks__error_no_memory(error, path) : KS_ECORRUPT;
    }
    munmap(data, (size_t)size);
    ks__free(walk.queue);
    ks__free(walk.taken);
    return status;
}

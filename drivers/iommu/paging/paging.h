/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_PAGING_PAGING_H
#define DRIVERS_IOMMU_PAGING_PAGING_H

#include "arch/table.h"
#include "lib/lock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Page tables that a remapping unit walks: one algorithm (algorithm.h), one file per entry format.
 *
 *   level    1 is the level whose entries map 4 KiB; the root table has level `levels`
 *   live     an entry that is not zero: a table, or a leaf, readable or not
 *   gather   the tables that an unmap leaves: to free after its range has been invalidated
 *
 * Nothing here invalidates or waits; the caller does, and keeps two calls off one table at a time.
 * The pool is for many tables: it has a lock of its own, taken here where a call needs the pool.
 */
#define PT_PAGE_SHIFT 12u
#define PT_PAGE_SIZE  ((uint64_t)1 << PT_PAGE_SHIFT)
#define PT_INDEX_BITS 9u
#define PT_ENTRIES    512u
#define PT_LEVELS_MAX 6u

/* No leaf maps onto the physical addresses that reach the interrupt controllers. */
#define PT_INTERRUPT_FIRST UINT64_C(0xFEE00000)
#define PT_INTERRUPT_LAST  UINT64_C(0xFEEFFFFF)

enum pt_permission { PT_NONE = 0, PT_READ = 1, PT_WRITE = 2, PT_READ_WRITE = 3 };

enum pt_status {
    PT_OK,
    PT_NO_MEMORY,
    PT_LIVE,         /* map: part of the range is live already */
    PT_NOT_LIVE,     /* unmap: part of the range is not live */
    PT_BAD_RANGE,    /* empty, unaligned, wrapping, or beyond the address width */
    PT_NOT_ENCODABLE /* the format has no such permission or physical address, or the range holds
                        physical addresses of the interrupt window */
};

/*
 * Pages for tables, in naturally aligned chunks whose first page holds one pt_page for each page.
 * A chunk is never given back.
 */
struct pt_pool {
    uint64_t clean;   /* physical address of the first free page that is all zero; 0: none */
    uint64_t dirty;   /* the same, of those that are not */
    size_t available; /* pages on both lists */
    size_t reserved;  /* of these, set aside: for splits of the superpages that are mapped */
    size_t chunks;
    struct lock lock; /* inside that of a table */
};

/* Pages to wait for an invalidation, linked like the free lists. */
struct pt_gather {
    uint64_t tables; /* physical address of the first; 0: none */
};

#define PT_GATHER_INIT                                                                             \
    {                                                                                              \
        0                                                                                          \
    }

/* What the units allow; fixed for the life of a table. pt_create narrows it to what the format has
 * and the algorithm can split. */
struct pt_geometry {
    uint8_t levels;
    uint8_t width;          /* bits of an input address that may be used */
    uint8_t physical_width; /* bits of an output address */
    uint8_t leaf_levels;    /* bit n: level n may hold leaves; bit 1 is always set */
    bool coherent;          /* hardware snoops the processor's caches when it walks */
};

struct pt_format;

/* Book-keeping of one table page, kept apart from the page so that it costs no cache line there. A
 * list links pages by frame number, 40 bits; 0 ends it. */
struct pt_page {
    union {
        uint32_t next_low;
        uint32_t pins; /* linked: reservations that keep it so */
    };
    uint8_t next_high;
    uint8_t content; /* in a list, or new: enum pt_content, of all that is not filled */
    uint16_t live;   /* entries in use */
};

/* The level 1 table that was used last. */
struct pt_leaf_table {
    uint64_t key; /* its addresses shifted by PT_LEAF_SHIFT; PT_NO_LEAF: none */
    uint64_t *entries;
    struct pt_page *page;
};

#define PT_LEAF_SHIFT (PT_PAGE_SHIFT + PT_INDEX_BITS)
#define PT_NO_LEAF    UINT64_MAX

struct pt {
    const struct pt_format *format;
    struct pt_geometry geometry;
    uint64_t size, physical_size; /* 2 to the power of the widths */
    struct pt_leaf_table leaf;
    struct pt_pool *pool;
    uint64_t root; /* physical */
};

/* The entries on the way to one address, root first. */
struct pt_walk {
    uint64_t entries[PT_LEVELS_MAX];
    uint8_t count;       /* entries read */
    uint8_t leaf_level;  /* level of the leaf's table; 0: no leaf, and the rest is not set */
    uint16_t leaf_shift; /* the leaf maps 2 to this power bytes */
    uint64_t physical;   /* of the address itself */
    enum pt_permission permission;
};

struct pt_view;
struct pt_meaning;

/* Format ops: the second of the two dispatch points (the first is the unit's). */
struct pt_format {
    const char *name;
    uint8_t levels;      /* bit n: tables of n levels exist */
    uint8_t leaf_levels; /* bit n: level n may hold leaves */
    bool canonical;      /* the highest bit of an input address is its sign: it stays clear */
    uint64_t leaf[PT_READ_WRITE + 1]; /* 4 KiB, but for the address; 0: cannot be encoded */
    uint64_t group;                   /* bits that are clear in a 4 KiB leaf that takes one entry */
    enum pt_status (*map)(struct pt *table, uint64_t address, uint64_t physical, uint64_t length,
                          enum pt_permission permission);
    enum pt_status (*unmap)(struct pt *table, uint64_t address, uint64_t length,
                            struct pt_gather *gather);
    enum pt_status (*reserve)(struct pt *table, uint64_t address, uint64_t length);
    enum pt_status (*unreserve)(struct pt *table, uint64_t address, uint64_t length,
                                struct pt_gather *gather);
    void (*walk)(const struct pt *table, uint64_t address, struct pt_walk *walk);
    bool (*reaches)(const struct pt *table, uint64_t first, uint64_t last);
    void (*destroy)(struct pt *table, struct pt_gather *gather);
    /* What a unit makes of an entry of any table (inspect.h). */
    void (*read)(const struct pt_view *view, uint64_t entry, unsigned level,
                 struct pt_meaning *meaning);
};

/* An empty table: everything refused. PT_NO_MEMORY, or PT_BAD_RANGE for a geometry that the format
 * does not have. */
enum pt_status pt_create(struct pt *table, const struct pt_format *format,
                         const struct pt_geometry *geometry, struct pt_pool *pool)
    __attribute__((warn_unused_result));

/* Maps [address, address + length) to [physical, physical + length), all multiples of 4 KiB, with
 * the largest leaves that alignment and length allow. All or nothing: on any failure the table is
 * as before. */
static inline enum pt_status pt_map(struct pt *table, uint64_t address, uint64_t physical,
                                    uint64_t length, enum pt_permission permission)
    __attribute__((warn_unused_result));

/* Unmaps a range that is live from its first page to its last, whatever calls mapped it;
 * superpages at its ends are split. Needs no memory. On failure nothing has changed. */
static inline enum pt_status pt_unmap(struct pt *table, uint64_t address, uint64_t length,
                                      struct pt_gather *gather) __attribute__((warn_unused_result));

/* Links a level 1 table for every page of the range and keeps it: mapping there needs no memory,
 * and unmapping does not give the tables back. Live superpages in the range are split, and new
 * mappings there use 4 KiB leaves. Reservations are counted, and may overlap. All or nothing. */
static inline enum pt_status pt_reserve(struct pt *table, uint64_t address, uint64_t length)
    __attribute__((warn_unused_result));

/* Takes back one reservation of each table of the range, which has to be one that was given to
 * pt_reserve. Tables that are not used are unlinked. PT_NOT_LIVE: part of it is not reserved. */
static inline enum pt_status pt_unreserve(struct pt *table, uint64_t address, uint64_t length,
                                          struct pt_gather *gather)
    __attribute__((warn_unused_result));

static inline void pt_walk(const struct pt *table, uint64_t address, struct pt_walk *walk);

/* True when any leaf maps a page of the inclusive physical range. Reads the whole table. */
static inline bool pt_reaches(const struct pt *table, uint64_t first, uint64_t last);

/* Unlinks everything, the root included. No unit may refer to the table any more. */
static inline void pt_destroy(struct pt *table, struct pt_gather *gather);

/* Frees gathered tables: only after an invalidation that covers them has completed. */
void pt_release(struct pt_pool *pool, struct pt_gather *gather);

void pt_pool_init(struct pt_pool *pool);

/* Adds a chunk: PT_ENTRIES pages, aligned to their size. `dirty`: they are not known to be zero. */
void pt_pool_add(struct pt_pool *pool, uint64_t physical, bool dirty);

/* By so many pages at least. False: no memory, and the pool has not grown. */
bool pt_pool_grow(struct pt_pool *pool, size_t pages) __attribute__((warn_unused_result));

/* Pages that can be taken without touching what is set aside; grows the pool when it is short.
 * False: no memory, and the pool has not grown. */
static inline __attribute__((warn_unused_result)) bool pt_pool_ensure(struct pt_pool *pool,
                                                                      size_t pages)
{
    size_t left = pool->available - pool->reserved;

    return left >= pages || pt_pool_grow(pool, pages - left);
}

extern const struct pt_format pt_format_vtdss, pt_format_amdv1, pt_format_x86_64;

/* The range is one page of the level 1 table that was used last. */
static inline bool pt_is_near(const struct pt *table, uint64_t address, uint64_t length)
{
    return address >> PT_LEAF_SHIFT == table->leaf.key && length == PT_PAGE_SIZE &&
           !(address & (PT_PAGE_SIZE - 1));
}

static inline uint64_t *pt_near_slot(const struct pt *table, uint64_t address)
{
    return &table->leaf.entries[address >> PT_PAGE_SHIFT & (PT_ENTRIES - 1)];
}

static inline void pt_put(const struct pt *table, uint64_t *slot, uint64_t entry)
{
    table_store64(slot, entry);
    if (!table->geometry.coherent)
        table_write_back64(slot);
}

/* Maps a near page, of any format. False: it is not done. */
static inline bool pt_map_near(struct pt *table, uint64_t address, uint64_t physical,
                               uint64_t length, enum pt_permission permission)
{
    if (!pt_is_near(table, address, length) || physical & (PT_PAGE_SIZE - 1) ||
        permission > PT_READ_WRITE || physical >= table->physical_size ||
        physical - PT_INTERRUPT_FIRST <= PT_INTERRUPT_LAST - PT_INTERRUPT_FIRST)
        return false;
    uint64_t *slot = pt_near_slot(table, address), leaf = table->format->leaf[permission];
    if (!leaf || table_load64(slot))
        return false;
    table->leaf.page->live++;
    pt_put(table, slot, physical | leaf);
    return true;
}

/* Unmaps a near page, one that is alone in its leaf and not alone in its table, unless that is to
 * stay. False: it is not done. */
static inline bool pt_unmap_near(struct pt *table, uint64_t address, uint64_t length)
{
    if (!pt_is_near(table, address, length))
        return false;
    uint64_t *slot = pt_near_slot(table, address), entry = table_load64(slot);
    struct pt_page *page = table->leaf.page;
    if (!entry || entry & table->format->group || (page->live <= 1 && !page->pins))
        return false;
    page->live--;
    pt_put(table, slot, 0);
    return true;
}

/* What the format does: any call, near or not. */
static inline enum pt_status pt_map_far(struct pt *table, uint64_t address, uint64_t physical,
                                        uint64_t length, enum pt_permission permission)
{
    return table->format->map(table, address, physical, length, permission);
}

static inline enum pt_status pt_unmap_far(struct pt *table, uint64_t address, uint64_t length,
                                          struct pt_gather *gather)
{
    return table->format->unmap(table, address, length, gather);
}

static inline enum pt_status pt_map(struct pt *table, uint64_t address, uint64_t physical,
                                    uint64_t length, enum pt_permission permission)
{
    return pt_map_near(table, address, physical, length, permission)
               ? PT_OK
               : pt_map_far(table, address, physical, length, permission);
}

static inline enum pt_status pt_unmap(struct pt *table, uint64_t address, uint64_t length,
                                      struct pt_gather *gather)
{
    return pt_unmap_near(table, address, length) ? PT_OK
                                                 : pt_unmap_far(table, address, length, gather);
}

static inline enum pt_status pt_reserve(struct pt *table, uint64_t address, uint64_t length)
{
    return table->format->reserve(table, address, length);
}

static inline enum pt_status pt_unreserve(struct pt *table, uint64_t address, uint64_t length,
                                          struct pt_gather *gather)
{
    return table->format->unreserve(table, address, length, gather);
}

static inline void pt_walk(const struct pt *table, uint64_t address, struct pt_walk *walk)
{
    table->format->walk(table, address, walk);
}

static inline bool pt_reaches(const struct pt *table, uint64_t first, uint64_t last)
{
    return table->format->reaches(table, first, last);
}

static inline void pt_destroy(struct pt *table, struct pt_gather *gather)
{
    table->format->destroy(table, gather);
}

#endif

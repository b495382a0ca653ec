/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The one map, unmap, walk and destroy algorithm. A format file defines the functions below,
 * includes this file, and exports the result as its struct pt_format.
 *
 *   bool     fmt_can_encode(enum pt_permission permission)
 *   uint64_t fmt_table(uint64_t physical)                     entry that points to a table
 *   uint64_t fmt_leaf(uint64_t physical, unsigned level, enum pt_permission permission)
 *   bool     fmt_is_table(uint64_t entry, unsigned level)     of a live entry
 *   uint64_t fmt_physical(uint64_t entry)                     of a table or a leaf
 *   enum pt_permission fmt_permission(uint64_t entry)         of one entry
 *
 * Invariants: a linked table other than the root has at least one live entry. A superpage of level
 * n has split_cost(n) pages set aside in the pool, so that unmap never needs memory. New tables are
 * filled and written back before they are linked.
 */
#include "arch/table.h"
#include "drivers/iommu/paging/pool.h"

/* A run of input addresses within one table, and where it maps. `last` is inclusive. */
struct run {
    uint64_t first, last;
    uint64_t physical;
};

static inline unsigned level_shift(unsigned level)
{
    return PT_PAGE_SHIFT + PT_INDEX_BITS * (level - 1);
}

static inline uint64_t level_span(unsigned level)
{
    return (uint64_t)1 << level_shift(level);
}

static inline unsigned index_at(uint64_t address, unsigned level)
{
    return (unsigned)(address >> level_shift(level)) & (PT_ENTRIES - 1);
}

/* Tables that splitting a leaf of this level down to 4 KiB can need. */
static size_t split_cost(unsigned level)
{
    return level == 1 ? 0 : 1 + PT_ENTRIES * split_cost(level - 1);
}

/* The part of a run that one entry of `level` covers, cut off its front. */
static struct run cut_front(struct run *run, unsigned level)
{
    struct run front = *run;
    uint64_t end = run->first | (level_span(level) - 1);

    if (front.last > end)
        front.last = end;
    run->physical += end + 1 - run->first;
    run->first = end + 1;
    return front;
}

static bool covers_entry(const struct run *run, unsigned level)
{
    return run->last - run->first == level_span(level) - 1;
}

static bool leaf_fits(const struct pt *table, const struct run *run, unsigned level)
{
    return table->geometry.leaf_levels >> level & 1 && covers_entry(run, level) &&
           !(run->physical & (level_span(level) - 1));
}

static void write_back(const struct pt *table, const uint64_t *entries, unsigned first,
                       unsigned last)
{
    if (!table->geometry.coherent)
        table_write_back(&entries[first], (last - first + 1) * sizeof *entries);
}

/* Pages that mapping `run` will take and set aside. False: part of it is live. `entries` is NULL
 * where no table is linked yet. */
static bool plan(const struct pt *table, const uint64_t *entries, unsigned level, struct run run,
                 size_t *pages)
{
    unsigned last = index_at(run.last, level);

    for (unsigned i = index_at(run.first, level); i <= last; i++) {
        struct run part = cut_front(&run, level);
        uint64_t entry = entries ? table_load64(&entries[i]) : 0;

        if (entry && (covers_entry(&part, level) || !fmt_is_table(entry, level)))
            return false;
        if (!entry && leaf_fits(table, &part, level)) {
            *pages += split_cost(level);
            continue;
        }
        *pages += !entry;
        if (!plan(table, entry ? pt_table_at(fmt_physical(entry)) : NULL, level - 1, part, pages))
            return false;
    }
    return true;
}

static void fill(struct pt *table, uint64_t at, unsigned level, struct run run,
                 enum pt_permission permission)
{
    uint64_t *entries = pt_table_at(at);
    unsigned first = index_at(run.first, level), last = index_at(run.last, level);

    for (unsigned i = first; i <= last; i++) {
        struct run part = cut_front(&run, level);
        uint64_t entry = table_load64(&entries[i]);

        if (leaf_fits(table, &part, level)) {
            table_store64(&entries[i], fmt_leaf(part.physical, level, permission));
            table->pool->reserved += split_cost(level);
            pt_page_of(at)->live++;
            continue;
        }
        uint64_t child = entry ? fmt_physical(entry) : pt_pool_take(table->pool);
        fill(table, child, level - 1, part, permission);
        if (!entry) {
            if (!table->geometry.coherent)
                table_write_back(pt_table_at(child), PT_PAGE_SIZE);
            table_store64(&entries[i], fmt_table(child));
            pt_page_of(at)->live++;
        }
    }
    write_back(table, entries, first, last);
}

static bool range_is_good(const struct pt *table, uint64_t address, uint64_t length)
{
    uint64_t size = (uint64_t)1 << table->geometry.width;

    return length && !((address | length) & (PT_PAGE_SIZE - 1)) && address < size &&
           length <= size - address;
}

static enum pt_status map(struct pt *table, uint64_t address, uint64_t physical, uint64_t length,
                          enum pt_permission permission)
{
    uint64_t limit = (uint64_t)1 << table->geometry.physical_width;
    struct run run = {address, address + length - 1, physical};
    unsigned level = table->geometry.levels;
    size_t pages = 0;

    if (!range_is_good(table, address, length) || physical & (PT_PAGE_SIZE - 1))
        return PT_BAD_RANGE;
    if (!fmt_can_encode(permission) || physical >= limit || length > limit - physical)
        return PT_NOT_ENCODABLE;
    if (!plan(table, pt_table_at(table->root), level, run, &pages))
        return PT_LIVE;
    if (!pt_pool_ensure(table->pool, pages))
        return PT_NO_MEMORY;
    fill(table, table->root, level, run, permission);
    return PT_OK;
}

static bool is_live(const struct pt *table, uint64_t at, unsigned level, struct run run)
{
    const uint64_t *entries = pt_table_at(at);
    unsigned last = index_at(run.last, level);

    for (unsigned i = index_at(run.first, level); i <= last; i++) {
        struct run part = cut_front(&run, level);
        uint64_t entry = table_load64(&entries[i]);

        if (!entry)
            return false;
        if (fmt_is_table(entry, level) && !is_live(table, fmt_physical(entry), level - 1, part))
            return false;
    }
    return true;
}

/* Gathers a table that has just been unlinked, with all below it, without touching live words. */
static void gather_tree(struct pt *table, uint64_t at, unsigned level, struct pt_gather *gather)
{
    const uint64_t *entries = pt_table_at(at);
    struct pt_page *page = pt_page_of(at);

    page->dirty = page->live != 0;
    for (unsigned i = 0; level > 1 && page->live && i < PT_ENTRIES; i++) {
        uint64_t entry = table_load64(&entries[i]);

        if (!entry)
            continue;
        if (fmt_is_table(entry, level))
            gather_tree(table, fmt_physical(entry), level - 1, gather);
        else
            table->pool->reserved -= split_cost(level);
    }
    pt_gather_table(gather, at);
}

/* Replaces a leaf by a table of leaves that map the same. Its memory was set aside by map. */
static uint64_t split(struct pt *table, uint64_t *slot, unsigned level)
{
    uint64_t leaf = table_load64(slot);
    uint64_t child = pt_pool_take(table->pool);
    uint64_t *entries = pt_table_at(child);

    table_fill64(entries, PT_ENTRIES, fmt_leaf(fmt_physical(leaf), level - 1, fmt_permission(leaf)),
                 level_span(level - 1));
    pt_page_of(child)->live = PT_ENTRIES;
    table->pool->reserved -= 1;
    if (!table->geometry.coherent)
        table_write_back(entries, PT_PAGE_SIZE);
    table_store64(slot, fmt_table(child));
    return child;
}

static void clear(struct pt *table, uint64_t at, unsigned level, struct run run,
                  struct pt_gather *gather);

/* Takes `part` out of one live entry. True: the entry is gone. */
static bool clear_entry(struct pt *table, uint64_t *slot, unsigned level, struct run part,
                        struct pt_gather *gather)
{
    uint64_t entry = table_load64(slot);
    bool is_table = fmt_is_table(entry, level);
    uint64_t child = fmt_physical(entry);

    if (!covers_entry(&part, level)) {
        if (!is_table)
            child = split(table, slot, level);
        clear(table, child, level - 1, part, gather);
        if (pt_page_of(child)->live)
            return false;
        is_table = true;
    }
    table_store64(slot, 0);
    if (is_table)
        gather_tree(table, child, level - 1, gather);
    else
        table->pool->reserved -= split_cost(level);
    return true;
}

static void clear(struct pt *table, uint64_t at, unsigned level, struct run run,
                  struct pt_gather *gather)
{
    uint64_t *entries = pt_table_at(at);
    unsigned first = index_at(run.first, level), last = index_at(run.last, level);

    for (unsigned i = first; i <= last; i++) {
        struct run part = cut_front(&run, level);

        if (clear_entry(table, &entries[i], level, part, gather))
            pt_page_of(at)->live--;
    }
    write_back(table, entries, first, last);
}

static enum pt_status unmap(struct pt *table, uint64_t address, uint64_t length,
                            struct pt_gather *gather)
{
    struct run run = {address, address + length - 1, 0};

    if (!range_is_good(table, address, length))
        return PT_BAD_RANGE;
    if (!is_live(table, table->root, table->geometry.levels, run))
        return PT_NOT_LIVE;
    clear(table, table->root, table->geometry.levels, run, gather);
    if (gather->first > run.first)
        gather->first = run.first;
    if (gather->last < run.last)
        gather->last = run.last;
    return PT_OK;
}

static void walk(const struct pt *table, uint64_t address, struct pt_walk *walk)
{
    uint64_t at = table->root;
    unsigned permission = PT_READ_WRITE;

    *walk = (struct pt_walk){0};
    if (address >> table->geometry.width)
        return;
    for (unsigned level = table->geometry.levels; level; level--) {
        const uint64_t *entries = pt_table_at(at);
        uint64_t entry = table_load64(&entries[index_at(address, level)]);

        walk->entries[walk->count++] = entry;
        if (!entry)
            return;
        permission &= fmt_permission(entry);
        at = fmt_physical(entry);
        if (!fmt_is_table(entry, level)) {
            walk->leaf_level = (uint8_t)level;
            walk->physical = at | (address & (level_span(level) - 1));
            walk->permission = (enum pt_permission)permission;
            return;
        }
    }
}

static bool table_reaches(uint64_t at, unsigned level, uint64_t first, uint64_t last)
{
    const uint64_t *entries = pt_table_at(at);

    for (unsigned i = 0; i < PT_ENTRIES; i++) {
        uint64_t entry = table_load64(&entries[i]);

        if (!entry)
            continue;
        uint64_t physical = fmt_physical(entry);
        if (fmt_is_table(entry, level)) {
            if (table_reaches(physical, level - 1, first, last))
                return true;
        } else if (physical <= last && first <= physical + (level_span(level) - 1)) {
            return true;
        }
    }
    return false;
}

static bool reaches(const struct pt *table, uint64_t first, uint64_t last)
{
    return table_reaches(table->root, table->geometry.levels, first, last);
}

static void destroy(struct pt *table, struct pt_gather *gather)
{
    gather_tree(table, table->root, table->geometry.levels, gather);
    table->root = 0;
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The one map, unmap, reserve, walk and destroy algorithm. A format file defines the functions
 * below, includes this file, and exports the result as its struct pt_format.
 *
 *   bool     fmt_can_encode(enum pt_permission permission)
 *   uint64_t fmt_table(uint64_t physical, unsigned level)     entry of `level` for a table below
 *   bool     fmt_is_table(uint64_t entry, unsigned level)     of a live entry
 *   bool     fmt_is_link(uint64_t entry, unsigned level)      whether any entry is one of fmt_table
 *   bool     fmt_is_single(uint64_t entry, unsigned level)    whether any entry is a leaf of
 *                                                             one entry
 *   unsigned fmt_next_level(uint64_t entry, unsigned level)   of the table an entry refers to
 *   uint64_t fmt_physical(uint64_t entry, unsigned level)     of a table or a leaf
 *   uint64_t fmt_next(uint64_t entry, unsigned level)         the same, of an entry of fmt_table
 *   unsigned fmt_leaf_shift(uint64_t entry, unsigned level)   a leaf maps 2 to this power bytes
 *   enum pt_permission fmt_permission(uint64_t entry)         of one entry
 *   uint64_t fmt_leaf(uint64_t physical, unsigned level, enum pt_permission permission)
 *   void     fmt_fill(uint64_t *entries, unsigned first, unsigned count, uint64_t physical,
 *                     unsigned level, enum pt_permission permission)
 *                                                             leaves for a run of one table
 *   FMT_LEAF(permission)    the bits of fmt_leaf at level 1, a constant; 0: it cannot be encoded
 *   uint64_t fmt_group(uint64_t entry)                        bits of an address inside a leaf that
 *                                                             takes several entries; of any other
 *                                                             entry 0
 *   FMT_GROUPS                                                1: a leaf may take several entries
 *   FMT_SKIPS                                                 1: an entry may refer to a table that
 *                                                             is more than one level down. That is
 *                                                             read and never made: all but walk and
 *                                                             reaches work on tables made here.
 *
 * Invariants: a linked table other than the root has a live entry or is pinned by a reservation,
 * and then so is every table above it. Each live leaf entry of level n has split_cost(n) pages set
 * aside in the pool, so that unmap never needs memory. New tables are filled and written back
 * before they are linked. A table's entries are not read when its live count tells enough. The
 * pool's lock is held from the first look at what it has to the last page taken.
 */
#include "drivers/iommu/paging/level.h"
#include "drivers/iommu/paging/pool.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

static inline void write_back_entries(const struct pt *table, const uint64_t *first, unsigned count)
{
    if (!table->geometry.coherent)
        table_write_back(first, count * sizeof *first);
}

static inline void write_back(const struct pt *table, const struct node *at, unsigned level,
                              const struct run *run)
{
    write_back_entries(table, &at->entries[index_at(run->first, level)], entries_of(run, level));
}

static inline void write_back_all(const struct pt *table, uint64_t physical)
{
    if (!table->geometry.coherent)
        table_write_back(table_at(physical), PT_PAGE_SIZE);
}

#include "drivers/iommu/paging/find.h"

static inline bool range_is_good(const struct pt *table, uint64_t address, uint64_t length)
{
    uint64_t last = address + length - 1;

    return !((address | length) & (PT_PAGE_SIZE - 1)) && address <= last && last < table->size;
}

/*
 * Map.
 */

/* Scans read plain words: the domain's lock is held, and hardware never changes whether an entry is
 * live. */

/* No entry of [first, first + count) is live. */
static ALWAYS_INLINE bool all_zero(const uint64_t *entries, unsigned first, unsigned count)
{
    const uint64_t *word = &entries[first], *end = word + count;
    uint64_t live = 0;

    for (unsigned rest = count % 8; rest > 0; rest--)
        live |= *word++;
    for (; word < end; word += 8)
        live |= word[0] | word[1] | word[2] | word[3] | word[4] | word[5] | word[6] | word[7];
    return !live;
}

static ALWAYS_INLINE bool leaves_are_free(const struct node *at, unsigned first, unsigned count)
{
    return !at->page->live || all_zero(at->entries, first, count);
}

static bool is_free(const struct node *at, unsigned level, struct run run)
{
    unsigned first = index_at(run.first, level), last = index_at(run.last, level);

    if (level == 1)
        return leaves_are_free(at, first, last - first + 1);
    if (!at->page->live)
        return true;
    for (unsigned i = first; i <= last; i++) {
        struct run part = cut_front(&run, level);
        uint64_t entry = table_load64(&at->entries[i]);

        if (!entry)
            continue;
        if (!fmt_is_link(entry, level))
            return false;
        struct node child = node_at(fmt_next(entry, level));
        if (!is_free(&child, level - 1, part))
            return false;
    }
    return true;
}

/* How many leaves of `level` the run begins with: whole ones, aligned, into empty slots. */
static unsigned leading_leaves(const struct pt *table, const uint64_t *entries, unsigned level,
                               const struct run *run)
{
    unsigned first = index_at(run->first, level), count = 0;
    uint64_t whole = (run->last - run->first + 1) >> level_shift(level);

    if (!(table->geometry.leaf_levels >> level & 1) ||
        (run->first | run->physical) & (level_span(level) - 1))
        return 0;
    if (whole > PT_ENTRIES - first)
        whole = PT_ENTRIES - first;
    while (count < whole && (!entries || !table_load64(&entries[first + count])))
        count++;
    return count;
}

static inline void skip(struct run *run, uint64_t length)
{
    run->first += length;
    run->physical += length;
}

/* Pages that mapping, or reserving, will take and set aside. `entries` is NULL where no table is
 * linked yet. */
static size_t pages_missing(const struct pt *table, const uint64_t *entries, unsigned level,
                            struct run run)
{
    size_t pages = 0;

    for (unsigned i = index_at(run.first, level), n; level > 1 && run.first <= run.last; i += n) {
        uint64_t entry = entries ? table_load64(&entries[i]) : 0;

        n = leading_leaves(table, entries, level, &run);
        pages += n * split_cost(level);
        skip(&run, n * level_span(level));
        if (n)
            continue;
        n = 1;
        struct run part = cut_front(&run, level);
        pages += !entry;
        if (!entry || fmt_is_link(entry, level))
            pages += pages_missing(table, entry ? table_at(fmt_next(entry, level)) : NULL,
                                   level - 1, part);
    }
    return pages;
}

/* Under the pool's lock. Counts exactly only when the pool cannot serve the worst case: 4 KiB
 * leaves in new tables. */
static bool ensure_pages(struct pt *table, const struct node *at, unsigned level, struct run run)
{
    size_t most = 0;

    for (unsigned n = 2; n <= level; n++)
        most += (size_t)((run.last >> level_shift(n)) - (run.first >> level_shift(n))) + 1;
    return table->pool->available - table->pool->reserved >= most ||
           pt_pool_ensure(table->pool, pages_missing(table, at->entries, level, run));
}

/* What was stored in the new table has been written back; the zeros around it may not have been. */
static inline void link_table(struct pt *table, const struct node *at, unsigned index,
                              unsigned level, uint64_t child)
{
    if (pt_page_of(child)->content != PT_ZERO_IN_MEMORY)
        write_back_all(table, child);
    table_store64(&at->entries[index], fmt_table(child, level));
    at->page->live++;
}

static inline void fill_leaves(const struct node *at, unsigned first, unsigned count,
                               uint64_t physical, enum pt_permission permission)
{
    fmt_fill(at->entries, first, count, physical, 1, permission);
    at->page->live = (uint16_t)(at->page->live + count);
}

static void fill(struct pt *table, const struct node *at, unsigned level, struct run run,
                 enum pt_permission permission, bool fresh);

/* Fills the part of a run that one entry covers, through a table below. A table that is made here
 * has every entry of the part filled, so these are neither zeroed nor read. */
static void fill_below(struct pt *table, const struct node *at, unsigned level, struct run part,
                       enum pt_permission permission, bool fresh)
{
    unsigned index = index_at(part.first, level), below = level - 1;
    uint64_t entry = fresh ? 0 : table_load64(&at->entries[index]);
    uint64_t physical =
        entry ? fmt_next(entry, level)
              : pt_pool_take(table->pool, index_at(part.first, below), index_at(part.last, below));
    struct node child = node_at(physical);

    if (below == 1)
        fill_leaves(&child, index_at(part.first, 1), entries_of(&part, 1), part.physical,
                    permission);
    else
        fill(table, &child, below, part, permission, !entry);
    if (entry || child.page->content == PT_ZERO_IN_MEMORY)
        write_back(table, &child, below, &part);
    if (!entry)
        link_table(table, at, index, level, physical);
    if (below == 1)
        remember(table, part.first, child);
}

/* Stores the leaves of a run that is_free, from level 2 on. The caller writes back. `fresh`: the
 * entries of the run hold anything. */
static void fill(struct pt *table, const struct node *at, unsigned level, struct run run,
                 enum pt_permission permission, bool fresh)
{
    while (run.first <= run.last) {
        unsigned first = index_at(run.first, level);
        unsigned count = leading_leaves(table, fresh ? NULL : at->entries, level, &run);

        if (!count) {
            fill_below(table, at, level, cut_front(&run, level), permission, fresh);
            continue;
        }
        fmt_fill(at->entries, first, count, run.physical, level, permission);
        at->page->live = (uint16_t)(at->page->live + count);
        table->pool->reserved += count * split_cost(level);
        skip(&run, count * level_span(level));
    }
}

static __attribute__((noinline)) enum pt_status map_run(struct pt *table, struct node at,
                                                        unsigned level, struct run run,
                                                        enum pt_permission permission)
{
    if (!is_free(&at, level, run))
        return PT_LIVE;
    lock_take(&table->pool->lock);
    bool enough = ensure_pages(table, &at, level, run);
    if (enough)
        fill(table, &at, level, run, permission, false);
    lock_give(&table->pool->lock);
    if (!enough)
        return PT_NO_MEMORY;
    write_back(table, &at, level, &run);
    return PT_OK;
}

/* A range for a level 1 table that there is not yet, below one that there is. */
static __attribute__((noinline)) enum pt_status map_first(struct pt *table, uint64_t above,
                                                          uint64_t address, uint64_t physical,
                                                          uint64_t length,
                                                          enum pt_permission permission)
{
    struct run run = {address, address + length - 1, physical};
    struct node at = node_at(above);

    lock_take(&table->pool->lock);
    bool enough = pt_pool_ensure(table->pool, 1);
    if (enough)
        fill_below(table, &at, 2, run, permission, false);
    lock_give(&table->pool->lock);
    if (!enough)
        return PT_NO_MEMORY;
    write_back(table, &at, 2, &run);
    return PT_OK;
}

/* A range within the level 1 table that was used last. */
static __attribute__((noinline)) enum pt_status map_leaves(struct pt *table, uint64_t address,
                                                           uint64_t physical, uint64_t length,
                                                           enum pt_permission permission)
{
    struct node at = nearest(table);
    unsigned first = index_at(address, 1), count = (unsigned)(length >> PT_PAGE_SHIFT);

    if (!leaves_are_free(&at, first, count))
        return PT_LIVE;
    fill_leaves(&at, first, count, physical, permission);
    write_back_entries(table, &at.entries[first], count);
    return PT_OK;
}

/* The range is what one entry of `level` maps, and may. */
static inline bool is_leaf(const struct pt *table, unsigned level, uint64_t offsets,
                           uint64_t length)
{
    return length == level_span(level) && !(offsets & (length - 1)) &&
           table->geometry.leaf_levels >> level & 1;
}

/* Pages that stay in the pool, for splits. False: no memory. */
static inline bool set_aside(struct pt_pool *from, size_t pages)
{
    lock_take(&from->lock);
    bool enough = pt_pool_ensure(from, pages);
    if (enough)
        from->reserved += pages;
    lock_give(&from->lock);
    return enough;
}

static inline void give_back(struct pt_pool *to, size_t pages)
{
    lock_take(&to->lock);
    to->reserved -= pages;
    lock_give(&to->lock);
}

static inline enum pt_status map_leaf(struct pt *table, struct node at, uint64_t *slot,
                                      unsigned level, uint64_t leaf)
{
    if (level > 1 && !set_aside(table->pool, split_cost(level)))
        return PT_NO_MEMORY;
    at.page->live++;
    pt_put(table, slot, leaf);
    return PT_OK;
}

static __attribute__((noinline)) enum pt_status map_wide(struct pt *table, uint64_t address,
                                                         uint64_t physical, uint64_t length,
                                                         enum pt_permission permission)
{
    struct run run = {address, address + length - 1, physical};
    unsigned level;
    struct node at = lowest(table, run.first, run.last, &level);
    uint64_t *slot = &at.entries[index_at(address, level)];

    if (is_leaf(table, level, address | physical, length) && !table_load64(slot))
        return map_leaf(table, at, slot, level, fmt_leaf(physical, level, permission));
    return map_run(table, at, level, run, permission);
}

static inline enum pt_status map_page(struct pt *table, uint64_t address, uint64_t physical,
                                      enum pt_permission permission)
{
    uint64_t *slot = pt_near_slot(table, address);

    if (table_load64(slot))
        return PT_LIVE;
    return map_leaf(table, nearest(table), slot, 1, fmt_leaf(physical, 1, permission));
}

/* The level 1 table of the range is the one that was used last. */
static ALWAYS_INLINE enum pt_status map_last(struct pt *table, uint64_t address, uint64_t physical,
                                             uint64_t length, enum pt_permission permission)
{
    return length == PT_PAGE_SIZE ? map_page(table, address, physical, permission)
                                  : map_leaves(table, address, physical, length, permission);
}

/* A range for one level 1 table, another than the last one or one that is not there yet. */
static __attribute__((noinline)) enum pt_status map_other(struct pt *table, uint64_t address,
                                                          uint64_t physical, uint64_t length,
                                                          enum pt_permission permission)
{
    if (approach(table, address))
        return map_last(table, address, physical, length, permission);
    uint64_t above;
    return table_of(table, address, 2, &above) && !table_load64(slot_of(above, address))
               ? map_first(table, above, address, physical, length, permission)
               : map_wide(table, address, physical, length, permission);
}

static enum pt_status map(struct pt *table, uint64_t address, uint64_t physical, uint64_t length,
                          enum pt_permission permission)
{
    uint64_t last = physical + length - 1;

    if (physical & (PT_PAGE_SIZE - 1) || !range_is_good(table, address, length))
        return PT_BAD_RANGE;
    if (last < physical || last >= table->physical_size || !fmt_can_encode(permission) ||
        (physical <= PT_INTERRUPT_LAST && last >= PT_INTERRUPT_FIRST))
        return PT_NOT_ENCODABLE;
    if (!is_for_leaves(address, length))
        return map_wide(table, address, physical, length, permission);
    return address >> PT_LEAF_SHIFT == table->leaf.key
               ? map_last(table, address, physical, length, permission)
               : map_other(table, address, physical, length, permission);
}

/*
 * Unmap.
 */

static __attribute__((noinline)) bool none_of_eight_zero(const uint64_t *word)
{
    bool live = true;

    for (unsigned i = 0; i < 8; i++)
        live &= word[i] != 0;
    return live;
}

/* Every entry of [first, first + count) is live. Mostly they have a bit in common, a permission. */
static ALWAYS_INLINE bool none_zero(const uint64_t *entries, unsigned first, unsigned count)
{
    const uint64_t *word = &entries[first], *end = word + count;
    bool live = true;

    for (unsigned rest = count % 8; rest > 0; rest--)
        live &= *word++ != 0;
    for (; live && word < end; word += 8)
        live = (word[0] & word[1] & word[2] & word[3] & word[4] & word[5] & word[6] & word[7]) ||
               none_of_eight_zero(word);
    return live;
}

/* All entries of a leaf of several are live when one is. */
static ALWAYS_INLINE bool leaves_are_live(const struct node *at, const struct run *run)
{
    unsigned first = index_at(run->first, 1), count = entries_of(run, 1), live = at->page->live;

    if (FMT_GROUPS && fmt_group(table_load64(&at->entries[first])) >= (run->first ^ run->last))
        return true;
    return live == PT_ENTRIES || (live >= count && none_zero(at->entries, first, count));
}

static bool is_live(const struct node *at, unsigned level, struct run run)
{
    unsigned first = index_at(run.first, level), last = index_at(run.last, level);

    if (level == 1)
        return leaves_are_live(at, &run);
    if (at->page->live < last - first + 1)
        return false;
    for (unsigned i = first; i <= last; i++) {
        struct run part = cut_front(&run, level);
        uint64_t entry = table_load64(&at->entries[i]);

        if (!entry)
            return false;
        if (!fmt_is_link(entry, level))
            continue;
        struct node child = node_at(fmt_next(entry, level));
        if ((level > 2 || child.page->live != PT_ENTRIES) && !is_live(&child, level - 1, part))
            return false;
    }
    return true;
}

/* Gathers one table that has just been unlinked. */
static inline void gather_table(struct pt *table, uint64_t physical, struct pt_gather *gather)
{
    struct pt_page *page = pt_page_of(physical);

    page->content = page->live ? PT_DIRTY : table->geometry.coherent ? PT_ZERO : PT_ZERO_IN_MEMORY;
    if (page == table->leaf.page)
        table->leaf.key = PT_NO_LEAF;
    pt_push(&gather->tables, physical, page);
}

/* The same with all below it, without touching live words. */
static void gather_tree(struct pt *table, uint64_t physical, unsigned level,
                        struct pt_gather *gather)
{
    struct node at = node_at(physical);
    unsigned live = level > 1 ? at.page->live : 0;

    for (const uint64_t *word = at.entries; live; word++) {
        uint64_t entry = table_load64(word);

        if (!entry)
            continue;
        live--;
        if (!fmt_is_link(entry, level))
            table->pool->reserved -= split_cost(level);
        else if (level == 2)
            gather_table(table, fmt_next(entry, level), gather);
        else
            gather_tree(table, fmt_next(entry, level), level - 1, gather);
    }
    gather_table(table, physical, gather);
}

/* Replaces a leaf by a table of leaves that map the same. Its memory was set aside by map. */
static uint64_t split(struct pt *table, uint64_t *slot, unsigned level)
{
    uint64_t leaf = table_load64(slot);
    uint64_t physical = pt_pool_take(table->pool, 0, PT_ENTRIES - 1);
    struct node child = node_at(physical);

    fmt_fill(child.entries, 0, PT_ENTRIES, fmt_physical(leaf, level), level - 1,
             fmt_permission(leaf));
    child.page->live = PT_ENTRIES;
    table->pool->reserved -= 1;
    write_back_all(table, physical);
    table_store64(slot, fmt_table(physical, level));
    return physical;
}

/* Turns the leaf of several entries at `address` into leaves of one. Each of them alone maps what
 * it did, so hardware may read them at any moment. `touched` grows by what was stored. */
static __attribute__((noinline)) void loosen(const struct node *at, unsigned level,
                                             uint64_t address, struct run *touched)
{
    uint64_t entry = table_load64(&at->entries[index_at(address, level)]);
    uint64_t first = address & ~fmt_group(entry), last = address | fmt_group(entry);

    table_fill64(
        &at->entries[index_at(first, level)], index_at(last, level) - index_at(first, level) + 1,
        fmt_leaf(fmt_physical(entry, level), level, fmt_permission(entry)), level_span(level));
    if (touched->first > first)
        touched->first = first;
    if (touched->last < last)
        touched->last = last;
}

/* Where the run, all live, covers a leaf of several entries in part. */
static ALWAYS_INLINE void loosen_ends(const struct node *at, unsigned level, const struct run *run,
                                      struct run *touched)
{
    if (run->first & fmt_group(table_load64(&at->entries[index_at(run->first, level)])))
        loosen(at, level, run->first, touched);
    if (~run->last & fmt_group(table_load64(&at->entries[index_at(run->last, level)])))
        loosen(at, level, run->last, touched);
}

static ALWAYS_INLINE void clear_leaves(const struct pt *table, const struct node *at,
                                       struct run run)
{
    struct run touched = run;
    unsigned count = entries_of(&run, 1);

    if (FMT_GROUPS)
        loosen_ends(at, 1, &run, &touched);
    table_fill64(&at->entries[index_at(run.first, 1)], count, 0, 0);
    at->page->live = (uint16_t)(at->page->live - count);
    write_back(table, at, 1, &touched);
}

static void clear(struct pt *table, const struct node *at, unsigned level, struct run run,
                  struct pt_gather *gather);

/* Takes `part` out of one live entry. True: the entry is gone. */
static bool clear_entry(struct pt *table, uint64_t *slot, unsigned level, const struct run *part,
                        struct pt_gather *gather)
{
    uint64_t entry = table_load64(slot);
    bool whole = covers_entry(part, level), is_table = fmt_is_link(entry, level);

    if (whole && !is_table) {
        table_store64(slot, 0);
        table->pool->reserved -= split_cost(level);
        return true;
    }
    uint64_t physical = is_table ? fmt_next(entry, level) : split(table, slot, level);
    struct node child = node_at(physical);
    if (!whole || child.page->pins) {
        if (level == 2)
            clear_leaves(table, &child, *part);
        else
            clear(table, &child, level - 1, *part, gather);
        if (child.page->live || child.page->pins)
            return false;
    }
    table_store64(slot, 0);
    gather_tree(table, physical, level - 1, gather);
    return true;
}

/* Takes out a run that is_live, from level 2 on. */
static void clear(struct pt *table, const struct node *at, unsigned level, struct run run,
                  struct pt_gather *gather)
{
    struct run touched = run;
    unsigned first = index_at(run.first, level), last = index_at(run.last, level);

    if (FMT_GROUPS)
        loosen_ends(at, level, &run, &touched);
    for (unsigned i = first; i <= last; i++) {
        struct run part = cut_front(&run, level);

        if (clear_entry(table, &at->entries[i], level, &part, gather))
            at->page->live--;
    }
    write_back(table, at, level, &touched);
}

/* From the root when the table may become empty, so that it is unlinked on the way back. */
static __attribute__((noinline)) enum pt_status unmap_run(struct pt *table, struct node at,
                                                          unsigned level, struct run run,
                                                          struct pt_gather *gather)
{
    if (!is_live(&at, level, run))
        return PT_NOT_LIVE;
    unsigned entries = index_at(run.last, level) - index_at(run.first, level) + 1;
    if (at.page->live == entries && !at.page->pins) {
        at = node_at(table->root);
        level = table->geometry.levels;
    }
    lock_take(&table->pool->lock);
    clear(table, &at, level, run, gather);
    lock_give(&table->pool->lock);
    return PT_OK;
}

/* The entry is a leaf that takes no other, and the table stays without it. */
static inline bool stands_alone(struct node at, unsigned level, uint64_t entry)
{
    return (at.page->live > 1 || at.page->pins) && fmt_is_single(entry, level);
}

static inline enum pt_status unmap_leaf(struct pt *table, struct node at, unsigned level,
                                        uint64_t address)
{
    pt_put(table, &at.entries[index_at(address, level)], 0);
    at.page->live--;
    if (level > 1)
        give_back(table->pool, split_cost(level));
    return PT_OK;
}

/* Unmaps a leaf of `level` that stands alone. False: there is none. */
static ALWAYS_INLINE bool unmap_superpage(struct pt *table, uint64_t address, unsigned level)
{
    uint64_t at;

    if (address & (level_span(level) - 1) || !table_of(table, address, level, &at))
        return false;
    struct node node = node_at(at);
    if (!stands_alone(node, level, table_load64(&node.entries[index_at(address, level)])))
        return false;
    return unmap_leaf(table, node, level, address) == PT_OK;
}

static __attribute__((noinline)) enum pt_status
unmap_wide(struct pt *table, uint64_t address, uint64_t length, struct pt_gather *gather)
{
    uint64_t last = address + length - 1;
    unsigned level;
    struct node at = lowest(table, address, last, &level);

    return unmap_run(table, at, level, (struct run){address, last, 0}, gather);
}

/* Unlinks the level 1 table of an address, which has become empty, from a table that stays. */
static inline void drop_leaves(struct pt *table, struct node above, uint64_t address,
                               struct pt_gather *gather)
{
    uint64_t *slot = &above.entries[index_at(address, 2)];
    uint64_t physical = fmt_next(table_load64(slot), 2);

    pt_put(table, slot, 0);
    above.page->live--;
    gather_table(table, physical, gather);
}

/* A range that is all that is live in its level 1 table. */
static __attribute__((noinline)) enum pt_status unmap_all(struct pt *table, struct run run,
                                                          struct pt_gather *gather)
{
    struct node at = nearest(table), above;
    uint64_t linked;

    if (!table_of(table, run.first, 2, &linked))
        return PT_NOT_LIVE;
    above = node_at(linked);
    if (above.page->live == 1 && !above.page->pins)
        return unmap_run(table, node_at(table->root), table->geometry.levels, run, gather);
    clear_leaves(table, &at, run);
    drop_leaves(table, above, run.first, gather);
    return PT_OK;
}

/* A range within the level 1 table that was used last. */
static __attribute__((noinline)) enum pt_status
unmap_leaves(struct pt *table, uint64_t address, uint64_t length, struct pt_gather *gather)
{
    struct run run = {address, address + length - 1, 0};
    struct node at = nearest(table);
    unsigned count = (unsigned)(length >> PT_PAGE_SHIFT);

    if (!leaves_are_live(&at, &run))
        return PT_NOT_LIVE;
    if (at.page->live == count && !at.page->pins && table->geometry.levels > 1)
        return unmap_all(table, run, gather);
    clear_leaves(table, &at, run);
    return PT_OK;
}

static inline bool is_lone_page(const struct pt *table, uint64_t address)
{
    return stands_alone(nearest(table), 1,
                        table_load64(&table->leaf.entries[index_at(address, 1)]));
}

/* The level 1 table of the range is the one that was used last. */
static ALWAYS_INLINE enum pt_status unmap_last(struct pt *table, uint64_t address, uint64_t length,
                                               struct pt_gather *gather)
{
    return length == PT_PAGE_SIZE && is_lone_page(table, address)
               ? unmap_leaf(table, nearest(table), 1, address)
               : unmap_leaves(table, address, length, gather);
}

/* A range for one level 1 table, another than the last one. */
static __attribute__((noinline)) enum pt_status
unmap_other(struct pt *table, uint64_t address, uint64_t length, struct pt_gather *gather)
{
    return approach(table, address) ? unmap_last(table, address, length, gather)
                                    : unmap_wide(table, address, length, gather);
}

static enum pt_status unmap(struct pt *table, uint64_t address, uint64_t length,
                            struct pt_gather *gather)
{
    if (!range_is_good(table, address, length))
        return PT_BAD_RANGE;
    if (is_for_leaves(address, length))
        return address >> PT_LEAF_SHIFT == table->leaf.key
                   ? unmap_last(table, address, length, gather)
                   : unmap_other(table, address, length, gather);
    if (length == level_span(2) && unmap_superpage(table, address, 2))
        return PT_OK;
    if (length == level_span(3) && unmap_superpage(table, address, 3))
        return PT_OK;
    return unmap_wide(table, address, length, gather);
}

#include "drivers/iommu/paging/reserve.h"
#include "drivers/iommu/paging/walk.h"

static void destroy(struct pt *table, struct pt_gather *gather)
{
    lock_take(&table->pool->lock);
    gather_tree(table, table->root, table->geometry.levels, gather);
    lock_give(&table->pool->lock);
    table->root = 0;
}

#define PT_FORMAT_OPS                                                                              \
    .leaf = {FMT_LEAF(PT_NONE), FMT_LEAF(PT_READ), FMT_LEAF(PT_WRITE), FMT_LEAF(PT_READ_WRITE)},   \
    .map = map, .unmap = unmap, .reserve = reserve, .unreserve = unreserve, .walk = walk,          \
    .reaches = reaches, .destroy = destroy

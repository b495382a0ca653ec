/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The way to the table of an address: the part of algorithm.h that finds it. */

/* The lowest table that all of [first, last] goes through, but for those of level 1. */
static inline struct node lowest(const struct pt *table, uint64_t first, uint64_t last,
                                 unsigned *found)
{
    uint64_t at = table->root, differing = first ^ last;
    unsigned level = table->geometry.levels;

    for (; level > 2; level--) {
        const uint64_t *entries = table_at(at);
        uint64_t entry = table_load64(&entries[index_at(first, level)]);

        if (differing >> level_shift(level) || !fmt_is_link(entry, level))
            break;
        at = fmt_next(entry, level);
    }
    *found = level;
    return node_at(at);
}

/* The table of level `to` that an address goes through. False: there is none. */
static ALWAYS_INLINE bool descend(const struct pt *table, uint64_t address, unsigned levels,
                                  unsigned to, uint64_t *found)
{
    uint64_t at = table->root;

    if (levels < to)
        return false;
#pragma GCC unroll 6
    for (unsigned level = levels; level > to; level--) {
        const uint64_t *entries = table_at(at);
        uint64_t entry = table_load64(&entries[index_at(address, level)]);

        if (!fmt_is_link(entry, level))
            return false;
        at = fmt_next(entry, level);
    }
    *found = at;
    return true;
}

/* The usual depths are compiled as such. */
static ALWAYS_INLINE bool table_of(const struct pt *table, uint64_t address, unsigned level,
                                   uint64_t *found)
{
    if (table->geometry.levels == 4)
        return descend(table, address, 4, level, found);
    if (table->geometry.levels == 3)
        return descend(table, address, 3, level, found);
    return descend(table, address, table->geometry.levels, level, found);
}

/* A range that one level 1 table can map, but for whole ones. */
static inline bool is_for_leaves(uint64_t address, uint64_t length)
{
    return length < level_span(2) &&
           address >> PT_LEAF_SHIFT == (address + length - 1) >> PT_LEAF_SHIFT;
}

/* The entry of a level 2 table for an address. */
static inline uint64_t *slot_of(uint64_t above, uint64_t address)
{
    return (uint64_t *)table_at(above) + index_at(address, 2);
}

static inline void remember(struct pt *table, uint64_t address, struct node leaves)
{
    table->leaf = (struct pt_leaf_table){address >> PT_LEAF_SHIFT, leaves.entries, leaves.page};
}

/* Makes the level 1 table of an address the one that was used last. False: there is none. */
static ALWAYS_INLINE bool approach(struct pt *table, uint64_t address)
{
    uint64_t at;

    if (!table_of(table, address, 1, &at))
        return false;
    remember(table, address, node_at(at));
    return true;
}

static inline struct node nearest(const struct pt *table)
{
    return (struct node){table->leaf.entries, table->leaf.page};
}

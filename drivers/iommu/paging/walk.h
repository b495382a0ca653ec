/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What only reads tables: the part of algorithm.h that walks one address or all of them. */

/* `rights`: bits of the entries for tables on the way, as far as they matter. */
static inline __attribute__((always_inline)) void found(struct pt_walk *walk, uint64_t address,
                                                        uint64_t leaf, uint64_t rights,
                                                        unsigned count, unsigned level)
{
    unsigned shift = fmt_leaf_shift(leaf, level);

    walk->count = (uint8_t)count;
    walk->leaf_level = (uint8_t)level;
    walk->leaf_shift = (uint16_t)shift;
    walk->physical = fmt_physical(leaf, level) | (address & (((uint64_t)1 << shift) - 1));
    walk->permission = fmt_permission(leaf & rights);
}

static inline __attribute__((always_inline)) void absent(struct pt_walk *walk, unsigned count)
{
    walk->count = (uint8_t)count;
    walk->leaf_level = 0;
}

/* Any tables of the format. The address bits of levels that are skipped have to be zero. */
static __attribute__((noinline)) void walk_any(const struct pt *table, uint64_t address,
                                               struct pt_walk *walk)
{
    uint64_t at = table->root, rights = UINT64_MAX;

    absent(walk, 0);
    for (unsigned level = table->geometry.levels;;) {
        const uint64_t *entries = table_at(at);
        uint64_t entry = table_load64(&entries[index_at(address, level)]);

        walk->entries[walk->count++] = entry;
        if (!entry)
            return;
        if (!fmt_is_table(entry, level)) {
            found(walk, address, entry, rights, walk->count, level);
            return;
        }
        unsigned next = fmt_next_level(entry, level);
        if (address & (level_span(level) - level_span(next + 1)))
            return;
        at = fmt_physical(entry, level);
        rights &= entry;
        level = next;
    }
}

/* The tables of this engine: no level is skipped, and entries for tables take no permission away.
 */
static inline __attribute__((always_inline)) void
walk_levels(const struct pt *table, uint64_t address, struct pt_walk *walk, unsigned levels)
{
    uint64_t at = table->root;

#pragma GCC unroll 6
    for (unsigned count = 1, level = levels; level > 1; count++, level--) {
        const uint64_t *entries = table_at(at);
        uint64_t entry = table_load64(&entries[index_at(address, level)]);

        walk->entries[count - 1] = entry;
        if (!fmt_is_link(entry, level)) {
            walk_any(table, address, walk);
            return;
        }
        at = fmt_next(entry, level);
    }
    const uint64_t *entries = table_at(at);
    uint64_t entry = table_load64(&entries[index_at(address, 1)]);

    walk->entries[levels - 1] = entry;
    if (fmt_is_single(entry, 1))
        found(walk, address, entry, UINT64_MAX, levels, 1);
    else
        walk_any(table, address, walk);
}

static void walk(const struct pt *table, uint64_t address, struct pt_walk *walk)
{
    if (address >= table->size)
        absent(walk, 0);
    else if (table->geometry.levels == 4)
        walk_levels(table, address, walk, 4);
    else if (table->geometry.levels == 3)
        walk_levels(table, address, walk, 3);
    else
        walk_levels(table, address, walk, table->geometry.levels);
}

static bool table_reaches(uint64_t at, unsigned level, uint64_t first, uint64_t last)
{
    const uint64_t *entries = table_at(at);

    for (unsigned i = 0; i < PT_ENTRIES; i++) {
        uint64_t entry = table_load64(&entries[i]);

        if (!entry)
            continue;
        uint64_t physical = fmt_physical(entry, level);
        if (fmt_is_table(entry, level)) {
            if (table_reaches(physical, fmt_next_level(entry, level), first, last))
                return true;
        } else if (physical <= last &&
                   first <= physical + (((uint64_t)1 << fmt_leaf_shift(entry, level)) - 1)) {
            return true;
        }
    }
    return false;
}

static bool reaches(const struct pt *table, uint64_t first, uint64_t last)
{
    return table_reaches(table->root, table->geometry.levels, first, last);
}

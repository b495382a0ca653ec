/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * AMD I/O Virtualization Technology, "I/O Page Tables for Host Translations": figures "I/O Page
 * Translation Entry (PTE)" and "I/O Page Directory Entry (PDE)", table "Page Table Level
 * Parameters", table "Example Page Size Encodings".
 *
 * A PTE with Next Level 7 gives its own size: the address bits below the lowest zero bit from bit
 * 12 on, that bit included, are not address. It stands in as many entries as its size takes. Next
 * Level 0 is the level's own size. A PDE may skip levels, whose address bits are then zero; none is
 * made that does.
 */
#include "drivers/iommu/paging/level.h"
#include "drivers/iommu/paging/pool.h"

#define PTE_PR          ((uint64_t)1 << 0)
#define PTE_NEXT_SHIFT  9u
#define PTE_NEXT_SIZED  7u
#define PTE_ADDRESS     UINT64_C(0x000FFFFFFFFFF000)
#define PTE_FC          ((uint64_t)1 << 60)
#define PTE_IR          ((uint64_t)1 << 61)
#define PTE_IW          ((uint64_t)1 << 62)

#define FMT_GROUPS      1
#define FMT_SKIPS       1
#define GROUP_ORDER_MAX (PT_INDEX_BITS - 1)

static inline bool fmt_can_encode(enum pt_permission permission)
{
    return permission <= PT_READ_WRITE;
}

static inline unsigned next_level(uint64_t entry)
{
    return (unsigned)(entry >> PTE_NEXT_SHIFT) & 7;
}

static inline unsigned fmt_next_level(uint64_t entry, unsigned level)
{
    (void)level;
    return next_level(entry);
}

static inline uint64_t fmt_table(uint64_t physical, unsigned level)
{
    return physical | PTE_PR | PTE_IR | PTE_IW | (uint64_t)(level - 1) << PTE_NEXT_SHIFT;
}

static inline bool fmt_is_table(uint64_t entry, unsigned level)
{
    unsigned next = next_level(entry);

    return next && next < level;
}

static inline unsigned fmt_leaf_shift(uint64_t entry, unsigned level)
{
    if (next_level(entry) != PTE_NEXT_SIZED)
        return level_shift(level);
    uint64_t frame = (entry & PTE_ADDRESS) >> PT_PAGE_SHIFT;
    return PT_PAGE_SHIFT + 1 + (unsigned)__builtin_ctzll(~frame);
}

static inline uint64_t fmt_physical(uint64_t entry, unsigned level)
{
    uint64_t address = entry & PTE_ADDRESS;

    if (next_level(entry) != PTE_NEXT_SIZED)
        return address;
    return address & ~(((uint64_t)1 << fmt_leaf_shift(entry, level)) - 1);
}

static inline uint64_t fmt_next(uint64_t entry, unsigned level)
{
    return fmt_physical(entry, level);
}

static inline enum pt_permission fmt_permission(uint64_t entry)
{
    return (enum pt_permission)((entry & PTE_IR ? PT_READ : 0) | (entry & PTE_IW ? PT_WRITE : 0));
}

static inline uint64_t fmt_leaf(uint64_t physical, unsigned level, enum pt_permission permission)
{
    (void)level;
    return physical | PTE_PR | PTE_FC | (permission & PT_READ ? PTE_IR : 0) |
           (permission & PT_WRITE ? PTE_IW : 0);
}

/* A leaf of 2 to the power of `order` entries; order 0 is the level's own size. */
static inline uint64_t sized_leaf(uint64_t physical, unsigned level, unsigned order,
                                  enum pt_permission permission)
{
    uint64_t leaf = fmt_leaf(physical, level, permission);
    uint64_t below = level_span(level) << order >> 1;

    if (!order)
        return leaf;
    return leaf | (uint64_t)PTE_NEXT_SIZED << PTE_NEXT_SHIFT | ((below - 1) & PTE_ADDRESS);
}

/* The largest leaf at each step that fits both alignments and what is left. */
static inline void fmt_fill(uint64_t *entries, unsigned first, unsigned count, uint64_t physical,
                            unsigned level, enum pt_permission permission)
{
    uint64_t frame = physical >> level_shift(level);
    unsigned common = (unsigned)__builtin_ctzll((frame ^ first) | 1u << GROUP_ORDER_MAX);

    if (!common) {
        table_fill64(&entries[first], count, fmt_leaf(physical, level, permission),
                     level_span(level));
        return;
    }
    for (unsigned order; count; first += 1u << order, count -= 1u << order) {
        unsigned most = 31 - (unsigned)__builtin_clz(count);

        order = (unsigned)__builtin_ctz(first | 1u << common);
        if (order > most)
            order = most;
        table_fill64(&entries[first], (size_t)1 << order,
                     sized_leaf(physical, level, order, permission), 0);
        physical += level_span(level) << order;
    }
}

#include "drivers/iommu/paging/algorithm.h"

const struct pt_format pt_format_amdv1 = {
    .name = "amdv1", .levels = 0x7E, .leaf_levels = 0x3E, PT_FORMAT_OPS};

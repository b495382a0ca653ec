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
#include "drivers/iommu/paging/inspect.h"
#include "drivers/iommu/paging/level.h"
#include "drivers/iommu/paging/pool.h"

#define PTE_PR         ((uint64_t)1 << 0)
#define PTE_NEXT_SHIFT 9u
#define PTE_NEXT_SIZED 7u
#define PTE_NEXT       ((uint64_t)7 << PTE_NEXT_SHIFT)
#define PTE_ADDRESS    UINT64_C(0x000FFFFFFFFFF000)
#define PTE_FC         ((uint64_t)1 << 60)
#define PTE_IR         ((uint64_t)1 << 61)
#define PTE_IW         ((uint64_t)1 << 62)
#define PTE_IR_SHIFT   61u

_Static_assert((uint64_t)PT_READ << PTE_IR_SHIFT == PTE_IR &&
                   (uint64_t)PT_WRITE << PTE_IR_SHIFT == PTE_IW,
               "permissions are stored as they are");

#define FMT_LEAF(permission) (PTE_PR | PTE_FC | (uint64_t)(permission) << PTE_IR_SHIFT)
#define FMT_GROUPS           1
#define FMT_SKIPS            1
#define GROUP_ORDER_MAX      (PT_INDEX_BITS - 1)

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

static inline bool fmt_is_link(uint64_t entry, unsigned level)
{
    return !((entry - fmt_table(0, level)) & ~PTE_ADDRESS);
}

/* Level 1 has no entries for tables, and Next Level 0 is never one. */
static inline bool fmt_is_single(uint64_t entry, unsigned level)
{
    (void)level;
    return entry && !(entry & PTE_NEXT);
}

static inline uint64_t fmt_group(uint64_t entry)
{
    uint64_t below = (entry & PTE_ADDRESS) | (PT_PAGE_SIZE - 1);

    return (entry & PTE_NEXT) == PTE_NEXT ? below ^ (below + 1) : 0;
}

static inline unsigned fmt_leaf_shift(uint64_t entry, unsigned level)
{
    uint64_t group = fmt_group(entry);

    return group ? 64 - (unsigned)__builtin_clzll(group) : level_shift(level);
}

static inline uint64_t fmt_physical(uint64_t entry, unsigned level)
{
    (void)level;
    return entry & PTE_ADDRESS & ~fmt_group(entry);
}

static inline uint64_t fmt_next(uint64_t entry, unsigned level)
{
    return entry - fmt_table(0, level);
}

static inline enum pt_permission fmt_permission(uint64_t entry)
{
    return (enum pt_permission)((entry & (PTE_IR | PTE_IW)) >> PTE_IR_SHIFT);
}

static inline uint64_t fmt_leaf(uint64_t physical, unsigned level, enum pt_permission permission)
{
    (void)level;
    return physical | FMT_LEAF(permission);
}

/* A leaf of so many entries, a power of two; 1 is the level's own size. */
static inline uint64_t sized_leaf(uint64_t physical, unsigned level, unsigned count,
                                  enum pt_permission permission)
{
    uint64_t leaf = fmt_leaf(physical, level, permission);
    uint64_t below = level_span(level) * count >> 1;

    if (count == 1)
        return leaf;
    return leaf | (uint64_t)PTE_NEXT_SIZED << PTE_NEXT_SHIFT | ((below - 1) & PTE_ADDRESS);
}

/* Leaves of 2 to the power of `order` entries each; of one entry it is one leaf. */
static inline void fill_groups(uint64_t *word, unsigned groups, unsigned order, uint64_t leaf,
                               uint64_t step)
{
    if (!order)
        table_store64(word, leaf);
    else
        for (; groups; groups--, leaf += step)
            for (const uint64_t *end = word + ((size_t)1 << order); word < end; word += 2) {
                table_store64(&word[0], leaf);
                table_store64(&word[1], leaf);
            }
}

/* The largest leaf at each step that fits both alignments, which are the same up to the order
 * `common`, and what is left. */
static __attribute__((noinline)) void fill_sized(uint64_t *entries, unsigned first, unsigned count,
                                                 uint64_t physical, unsigned level,
                                                 enum pt_permission permission, unsigned common)
{
    for (unsigned order, groups; count; first += groups << order, count -= groups << order) {
        unsigned most = 31 - (unsigned)__builtin_clz(count);

        order = (unsigned)__builtin_ctz(first | 1u << common);
        if (order > most)
            order = most;
        groups = order == common ? count >> order : 1;
        fill_groups(&entries[first], groups, order,
                    sized_leaf(physical, level, 1u << order, permission),
                    level_span(level) << order);
        physical += groups * (level_span(level) << order);
    }
}

/* Mostly it is leaves of one entry, or one leaf. */
static inline __attribute__((always_inline)) void fmt_fill(uint64_t *entries, unsigned first,
                                                           unsigned count, uint64_t physical,
                                                           unsigned level,
                                                           enum pt_permission permission)
{
    uint64_t frame = physical >> level_shift(level);
    uint64_t differing = (frame ^ first) | (uint64_t)1 << GROUP_ORDER_MAX;

    if (differing & 1)
        table_fill64(&entries[first], count, fmt_leaf(physical, level, permission),
                     level_span(level));
    else if (!((first | frame | count) & (count - 1)) && count < PT_ENTRIES)
        table_fill64(&entries[first], count, sized_leaf(physical, level, count, permission), 0);
    else
        fill_sized(entries, first, count, physical, level, permission,
                   (unsigned)__builtin_ctzll(differing));
}

#include "drivers/iommu/paging/algorithm.h"

/* ---- As a unit reads it ---- */

static const struct pt_field table_fields[] = {
    {"PR", 0, 0, 0},         {"A", 5, 5, 0},
    {"NextLevel", 9, 11, 0}, {"Address", 12, 51, PT_FIELD_ADDRESS},
    {"IR", 61, 61, 0},       {"IW", 62, 62, 0},
};

static const struct pt_field page_fields[] = {
    {"PR", 0, 0, 0},
    {"A", 5, 5, 0},
    {"D", 6, 6, 0},
    {"NextLevel", 9, 11, 0},
    {"Address", 12, 51, PT_FIELD_ADDRESS},
    {"U", 59, 59, 0},
    {"FC", 60, 60, 0},
    {"IR", 61, 61, 0},
    {"IW", 62, 62, 0},
};

static const struct pt_layout table_layout = PT_LAYOUT("PDE", 8, table_fields);
static const struct pt_layout page_layout = PT_LAYOUT("PTE", 8, page_fields);

#define PDE_RESERVED UINT64_C(0x9FF0000000000000)
#define PTE_RESERVED UINT64_C(0x87F0000000000000)

/* A page has its level's own size, or up to half of what the table above maps. */
static bool is_bad_page(const struct pt_view *view, uint64_t entry, unsigned level, unsigned shift)
{
    unsigned natural = level_shift(level);
    bool sized = fmt_group(entry);

    return entry & PTE_RESERVED || level > 5 ||
           (sized && (shift <= natural || shift > natural + GROUP_ORDER_MAX)) ||
           (!sized && entry & PTE_ADDRESS & (level_span(level) - 1)) ||
           pt_is_beyond(fmt_physical(entry, level), view->physical_width);
}

/* Rights are those of the whole path, and looked at behind its end. */
static void read_entry(const struct pt_view *view, uint64_t entry, unsigned level,
                       struct pt_meaning *meaning)
{
    unsigned next = next_level(entry);
    bool page = !next || next == PTE_NEXT_SIZED;

    *meaning = (struct pt_meaning){
        .layout = page ? &page_layout : &table_layout,
        .end = page ? PT_END_PAGE : PT_END_NONE,
        .next = (uint8_t)next,
        .shift = (uint8_t)(page ? fmt_leaf_shift(entry, level) : 0),
        .physical = page ? fmt_physical(entry, level) : entry & PTE_ADDRESS,
        .permission = fmt_permission(entry),
    };
    if (!(entry & PTE_PR))
        meaning->end = PT_END_NOT_PRESENT;
    else if (page ? is_bad_page(view, entry, level, meaning->shift)
                  : next >= level || entry & PDE_RESERVED ||
                        pt_is_beyond(meaning->physical, view->physical_width))
        meaning->end = PT_END_RESERVED;
}

const struct pt_format pt_format_amdv1 = {.name = "amdv1",
                                          .levels = 0x7E,
                                          .leaf_levels = 0x3E,
                                          .group = PTE_NEXT,
                                          .read = read_entry,
                                          PT_FORMAT_OPS};

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * AMD64 Architecture Programmer's Manual volume 2, "Long-Mode Page Translation", as remapping units
 * walk it: "First-Stage Paging Entries" of Intel Virtualization Technology for Directed I/O, "Guest
 * page tables" of AMD I/O Virtualization Technology. Every entry is a user's; Accessed and Dirty
 * are set, so that hardware never has to; nothing is execute-disabled or global.
 */
#include "drivers/iommu/paging/inspect.h"
#include "drivers/iommu/paging/level.h"
#include "drivers/iommu/paging/pool.h"

#define PTE_P       ((uint64_t)1 << 0)
#define PTE_RW      ((uint64_t)1 << 1)
#define PTE_US      ((uint64_t)1 << 2)
#define PTE_A       ((uint64_t)1 << 5)
#define PTE_D       ((uint64_t)1 << 6)
#define PTE_PS      ((uint64_t)1 << 7)
#define PTE_ADDRESS UINT64_C(0x000FFFFFFFFFF000)
/* Of an entry that is not present all other bits are ignored: keeps one without permissions live.
 */
#define PTE_SOFTWARE        ((uint64_t)1 << 52)

#define PRESENT(permission) (PTE_P | PTE_US | PTE_A | ((permission)&PT_WRITE ? PTE_RW | PTE_D : 0))
#define FMT_LEAF(permission)                                                                       \
    ((permission) == PT_NONE ? PTE_SOFTWARE : (permission) == PT_WRITE ? 0 : PRESENT(permission))
#define FMT_GROUPS 0
#define FMT_SKIPS  0

/* There is no leaf that can be written and not read. */
static inline bool fmt_can_encode(enum pt_permission permission)
{
    return permission <= PT_READ_WRITE && permission != PT_WRITE;
}

static inline uint64_t fmt_table(uint64_t physical, unsigned level)
{
    (void)level;
    return physical | PTE_P | PTE_RW | PTE_US | PTE_A;
}

static inline bool fmt_is_table(uint64_t entry, unsigned level)
{
    return level > 1 && !(entry & PTE_PS);
}

static inline bool fmt_is_link(uint64_t entry, unsigned level)
{
    return entry && fmt_is_table(entry, level);
}

static inline bool fmt_is_single(uint64_t entry, unsigned level)
{
    return entry && !fmt_is_table(entry, level);
}

static inline unsigned fmt_next_level(uint64_t entry, unsigned level)
{
    (void)entry;
    return level - 1;
}

static inline uint64_t fmt_physical(uint64_t entry, unsigned level)
{
    (void)level;
    return entry & PTE_ADDRESS;
}

static inline uint64_t fmt_next(uint64_t entry, unsigned level)
{
    return fmt_physical(entry, level);
}

static inline uint64_t fmt_group(uint64_t entry)
{
    (void)entry;
    return 0;
}

static inline unsigned fmt_leaf_shift(uint64_t entry, unsigned level)
{
    (void)entry;
    return level_shift(level);
}

static inline enum pt_permission fmt_permission(uint64_t entry)
{
    if (!(entry & PTE_P))
        return PT_NONE;
    return entry & PTE_RW ? PT_READ_WRITE : PT_READ;
}

static inline uint64_t fmt_leaf(uint64_t physical, unsigned level, enum pt_permission permission)
{
    return physical | FMT_LEAF(permission) | (level > 1 ? PTE_PS : 0);
}

static inline void fmt_fill(uint64_t *entries, unsigned first, unsigned count, uint64_t physical,
                            unsigned level, enum pt_permission permission)
{
    table_fill64(&entries[first], count, fmt_leaf(physical, level, permission), level_span(level));
}

#include "drivers/iommu/paging/algorithm.h"

/* ---- As a unit reads it ---- */

static const struct pt_field table_fields[] = {
    {"P", 0, 0, 0},      {"R/W", 1, 1, 0},  {"U/S", 2, 2, 0},
    {"PWT", 3, 3, 0},    {"PCD", 4, 4, 0},  {"A", 5, 5, 0},
    {"PS", 7, 7, 0},     {"AVL", 9, 11, 0}, {"ADDR", 12, 51, PT_FIELD_ADDRESS},
    {"AVL2", 52, 62, 0}, {"XD", 63, 63, 0},
};

static const struct pt_field page_fields[] = {
    {"P", 0, 0, 0},
    {"R/W", 1, 1, 0},
    {"U/S", 2, 2, 0},
    {"PWT", 3, 3, 0},
    {"PCD", 4, 4, 0},
    {"A", 5, 5, 0},
    {"D", 6, 6, 0},
    {"PS", 7, 7, 0},
    {"G", 8, 8, 0},
    {"AVL", 9, 11, 0},
    {"ADDR", 12, 51, PT_FIELD_ADDRESS},
    {"AVL2", 52, 62, 0},
    {"XD", 63, 63, 0},
};

/* By PS, which is no page above level 3, and by level. */
static const struct pt_layout layouts[][PT_LEVELS_MAX] = {
    {
        [2] = PT_LAYOUT("PDE", 8, table_fields),
        [3] = PT_LAYOUT("PDPE", 8, table_fields),
        [4] = PT_LAYOUT("PML4E", 8, table_fields),
        [5] = PT_LAYOUT("PML5E", 8, table_fields),
    },
    {
        [1] = PT_LAYOUT("PTE", 8, page_fields),
        [2] = PT_LAYOUT("PDE (page)", 8, page_fields),
        [3] = PT_LAYOUT("PDPE (page)", 8, page_fields),
        [4] = PT_LAYOUT("PML4E", 8, table_fields),
        [5] = PT_LAYOUT("PML5E", 8, table_fields),
    },
};

/* Bit 12 of a page above level 1 is PAT. */
static bool is_reserved(const struct pt_view *view, uint64_t entry, unsigned level, bool page)
{
    uint64_t physical = entry & PTE_ADDRESS;
    uint64_t low = level > 1 ? level_span(level) - 2 * PT_PAGE_SIZE : 0;

    return pt_is_beyond(physical, view->physical_width) ||
           (page && (!(view->leaf_levels >> level & 1) || physical & low));
}

static void read_entry(const struct pt_view *view, uint64_t entry, unsigned level,
                       struct pt_meaning *meaning)
{
    bool page = !fmt_is_table(entry, level);

    *meaning = (struct pt_meaning){
        .layout = &layouts[page][level],
        .end = page ? PT_END_PAGE : PT_END_NONE,
        .next = (uint8_t)(level - 1),
        .shift = (uint8_t)level_shift(level),
        .physical = entry & PTE_ADDRESS & (page ? ~(level_span(level) - 1) : UINT64_MAX),
        .permission = entry & PTE_US ? fmt_permission(entry) : PT_NONE,
    };
    if (!(entry & PTE_P))
        meaning->end = PT_END_NOT_PRESENT;
    else if (is_reserved(view, entry, level, page))
        meaning->end = PT_END_RESERVED;
}

const struct pt_format pt_format_x86_64 = {.name = "x86_64",
                                           .levels = 1 << 4 | 1 << 5,
                                           .leaf_levels = 0xE,
                                           .canonical = true,
                                           .read = read_entry,
                                           PT_FORMAT_OPS};

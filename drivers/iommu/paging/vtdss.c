/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Intel Virtualization Technology for Directed I/O, "Second-Stage Paging Entries": tables "Format
 * of SS-PML5E/PML4E/PDPE/PDE that references a ... table" and "Format of SS-PDPE/PDE/PTE that
 * maps a ... page". Legacy mode: Execute, Snoop, Memory Type and Accessed/Dirty stay clear.
 */
#include "drivers/iommu/paging/inspect.h"
#include "drivers/iommu/paging/level.h"
#include "drivers/iommu/paging/pool.h"

#define SS_R       ((uint64_t)1 << 0)
#define SS_W       ((uint64_t)1 << 1)
#define SS_PS      ((uint64_t)1 << 7)
#define SS_ADDRESS UINT64_C(0x000FFFFFFFFFF000)
/* Ignored by hardware: keeps a leaf without permissions live, whatever its address is. */
#define SS_SOFTWARE ((uint64_t)1 << 52)

_Static_assert(PT_READ == SS_R && PT_WRITE == SS_W, "permissions are stored as they are");

#define FMT_LEAF(permission) ((uint64_t)(permission) | ((permission) == PT_NONE ? SS_SOFTWARE : 0))
#define FMT_GROUPS           0
#define FMT_SKIPS            0

static inline bool fmt_can_encode(enum pt_permission permission)
{
    return permission <= PT_READ_WRITE;
}

static inline uint64_t fmt_table(uint64_t physical, unsigned level)
{
    (void)level;
    return physical | SS_R | SS_W;
}

static inline bool fmt_is_table(uint64_t entry, unsigned level)
{
    return level > 1 && !(entry & SS_PS);
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
    return entry & SS_ADDRESS;
}

/* The table that an entry of fmt_table references: in legacy mode hardware sets no bit there. */
static inline uint64_t fmt_next(uint64_t entry, unsigned level)
{
    (void)level;
    return entry - (SS_R | SS_W);
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
    return (enum pt_permission)(entry & (SS_R | SS_W));
}

static inline uint64_t fmt_leaf(uint64_t physical, unsigned level, enum pt_permission permission)
{
    return physical | FMT_LEAF(permission) | (level > 1 ? SS_PS : 0);
}

static inline void fmt_fill(uint64_t *entries, unsigned first, unsigned count, uint64_t physical,
                            unsigned level, enum pt_permission permission)
{
    table_fill64(&entries[first], count, fmt_leaf(physical, level, permission), level_span(level));
}

#include "drivers/iommu/paging/algorithm.h"

/* ---- As a unit reads it ---- */

static const struct pt_field table_fields[] = {
    {"R", 0, 0, 0},     {"W", 1, 1, 0}, {"X", 2, 2, 0},
    {"PS", 7, 7, 0},    {"A", 8, 8, 0}, {"ADDR", 12, 51, PT_FIELD_ADDRESS},
    {"AVL", 52, 61, 0},
};

static const struct pt_field page_fields[] = {
    {"R", 0, 0, 0},     {"W", 1, 1, 0},
    {"X", 2, 2, 0},     {"EMT", 3, 5, 0},
    {"IPAT", 6, 6, 0},  {"PS", 7, 7, 0},
    {"A", 8, 8, 0},     {"D", 9, 9, 0},
    {"SNP", 11, 11, 0}, {"ADDR", 12, 51, PT_FIELD_ADDRESS},
    {"AVL", 52, 61, 0}, {"TM", 62, 62, 0},
};

/* By PS, which is no page above level 3, and by level. */
static const struct pt_layout layouts[][PT_LEVELS_MAX] = {
    {
        [2] = PT_LAYOUT("SS-PDE", 8, table_fields),
        [3] = PT_LAYOUT("SS-PDPE", 8, table_fields),
        [4] = PT_LAYOUT("SS-PML4E", 8, table_fields),
        [5] = PT_LAYOUT("SS-PML5E", 8, table_fields),
    },
    {
        [1] = PT_LAYOUT("SS-PTE", 8, page_fields),
        [2] = PT_LAYOUT("SS-PDE (page)", 8, page_fields),
        [3] = PT_LAYOUT("SS-PDPE (page)", 8, page_fields),
        [4] = PT_LAYOUT("SS-PML4E", 8, table_fields),
        [5] = PT_LAYOUT("SS-PML5E", 8, table_fields),
    },
};

#define SS_SNP ((uint64_t)1 << 11)
#define SS_TM  ((uint64_t)1 << 62)

static bool is_reserved(const struct pt_view *view, uint64_t entry, unsigned level, bool page)
{
    uint64_t physical = entry & SS_ADDRESS;

    if (entry & SS_TM || pt_is_beyond(physical, view->physical_width) ||
        (entry & SS_SNP && !(page && view->snoop)))
        return true;
    return page && (!(view->leaf_levels >> level & 1) || physical & (level_span(level) - 1));
}

/* The right that is asked for comes before anything else in an entry ("Second-Stage Translation":
 * an entry with neither right is not present). */
static void read_entry(const struct pt_view *view, uint64_t entry, unsigned level,
                       struct pt_meaning *meaning)
{
    bool page = !fmt_is_table(entry, level);

    *meaning = (struct pt_meaning){
        .layout = &layouts[page][level],
        .end = PT_END_NOT_PRESENT,
        .next = (uint8_t)(level - 1),
        .shift = (uint8_t)level_shift(level),
        .physical = entry & SS_ADDRESS,
        .permission = fmt_permission(entry),
    };
    if (!meaning->permission)
        return;
    meaning->end = pt_lacking(meaning->permission, view->wanted);
    if (meaning->end != PT_END_PAGE)
        return;
    if (is_reserved(view, entry, level, page))
        meaning->end = PT_END_RESERVED;
    else if (!page)
        meaning->end = PT_END_NONE;
    else if (meaning->physical <= PT_INTERRUPT_LAST &&
             meaning->physical + (level_span(level) - 1) >= PT_INTERRUPT_FIRST)
        meaning->end = PT_END_INTERRUPTS;
}

const struct pt_format pt_format_vtdss = {.name = "vtdss",
                                          .levels = 1 << 3 | 1 << 4 | 1 << 5,
                                          .leaf_levels = 0xE,
                                          .read = read_entry,
                                          PT_FORMAT_OPS};

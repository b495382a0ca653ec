/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Intel Virtualization Technology for Directed I/O, "Second-Stage Paging Entries": tables "Format
 * of SS-PML5E/PML4E/PDPE/PDE that references a ... table" and "Format of SS-PDPE/PDE/PTE that
 * maps a ... page". Legacy mode: Execute, Snoop, Memory Type and Accessed/Dirty stay clear.
 */
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

const struct pt_format pt_format_vtdss = {
    .name = "vtdss", .levels = 1 << 3 | 1 << 4 | 1 << 5, .leaf_levels = 0xE, PT_FORMAT_OPS};

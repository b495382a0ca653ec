/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * AMD64 Architecture Programmer's Manual volume 2, "Long-Mode Page Translation", as remapping units
 * walk it: "First-Stage Paging Entries" of Intel Virtualization Technology for Directed I/O, "Guest
 * page tables" of AMD I/O Virtualization Technology. Every entry is a user's; Accessed and Dirty
 * are set, so that hardware never has to; nothing is execute-disabled or global.
 */
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

const struct pt_format pt_format_x86_64 = {.name = "x86_64",
                                           .levels = 1 << 4 | 1 << 5,
                                           .leaf_levels = 0xE,
                                           .canonical = true,
                                           PT_FORMAT_OPS};

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_PAGING_LEVEL_H
#define DRIVERS_IOMMU_PAGING_LEVEL_H

#include "drivers/iommu/paging/paging.h"

static inline unsigned level_shift(unsigned level)
{
    return PT_PAGE_SHIFT - PT_INDEX_BITS + PT_INDEX_BITS * level;
}

static inline uint64_t level_span(unsigned level)
{
    return (uint64_t)1 << level_shift(level);
}

static inline unsigned index_at(uint64_t address, unsigned level)
{
    return (unsigned)(address >> level_shift(level)) & (PT_ENTRIES - 1);
}

#endif

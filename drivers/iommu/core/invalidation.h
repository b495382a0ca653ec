/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_CORE_INVALIDATION_H
#define DRIVERS_IOMMU_CORE_INVALIDATION_H

#include "drivers/iommu/paging/paging.h"

#include <stdbool.h>
#include <stdint.h>

/* A naturally aligned block of 2^order pages of 4 KiB. */
struct iommu_block {
    uint64_t address;
    unsigned order;
};

/* What one batch of descriptors, with one wait behind it, makes a unit forget of a domain. A range
 * that is a naturally aligned power of two is one exact block, any other at most two. */
#define IOMMU_BLOCKS_MAX 4

struct iommu_invalidation {
    uint16_t domain_id;
    bool tables; /* a table was unlinked: cached non-leaf entries must go too */
    bool whole;  /* more than IOMMU_BLOCKS_MAX blocks: the whole domain instead */
    uint8_t count;
    struct iommu_block blocks[IOMMU_BLOCKS_MAX];
};

/* Covers the pages of the inclusive range [first, last] by one or two blocks, never by twice as
 * many pages or more when there are two. 0: the range is empty (first > last). */
unsigned iommu_blocks(uint64_t first, uint64_t last, struct iommu_block blocks[2]);

static inline void iommu_invalidation_init(struct iommu_invalidation *invalidation,
                                           uint16_t domain_id)
{
    invalidation->domain_id = domain_id;
    invalidation->tables = invalidation->whole = false;
    invalidation->count = 0;
}

/* Adds a range that is no aligned power of two, or is one too many. */
void iommu_invalidation_add_odd(struct iommu_invalidation *invalidation, uint64_t first,
                                uint64_t last);

/* Adds the pages of an inclusive range. */
static inline void iommu_invalidation_add(struct iommu_invalidation *invalidation, uint64_t first,
                                          uint64_t last)
{
    uint64_t size = last - first + 1;

    if (size & (size - 1) || first & (size - 1) || invalidation->count >= IOMMU_BLOCKS_MAX) {
        iommu_invalidation_add_odd(invalidation, first, last);
        return;
    }
    invalidation->blocks[invalidation->count++] =
        (struct iommu_block){first, (unsigned)__builtin_ctzll(size) - PT_PAGE_SHIFT};
}

#endif

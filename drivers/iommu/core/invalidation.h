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
 * that is a naturally aligned power of two is one exact block, any other at most two; more than
 * IOMMU_BLOCKS_MAX blocks become one of IOMMU_ORDER_ALL. */
#define IOMMU_BLOCKS_MAX 4
#define IOMMU_ORDER_ALL  (64 - PT_PAGE_SHIFT)

struct iommu_invalidation {
    uint16_t domain_id;
    bool leaves_only; /* no table was linked or unlinked: cached non-leaf entries may stay */
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
    invalidation->leaves_only = true;
    invalidation->count = 0;
}

/* The range, which is not empty, is one block. */
static inline bool iommu_is_block(uint64_t address, uint64_t length)
{
    return !((length | address) & (length - 1));
}

static inline struct iommu_block iommu_block_of(uint64_t address, uint64_t length)
{
    return (struct iommu_block){address, (unsigned)__builtin_ctzll(length) - PT_PAGE_SHIFT};
}

/* Adds a range that is no aligned power of two, or is one too many. */
void iommu_invalidation_add_odd(struct iommu_invalidation *invalidation, uint64_t address,
                                uint64_t length);

/* Adds the pages of a range. */
static inline void iommu_invalidation_add(struct iommu_invalidation *invalidation, uint64_t address,
                                          uint64_t length)
{
    if (!iommu_is_block(address, length) || invalidation->count == IOMMU_BLOCKS_MAX) {
        iommu_invalidation_add_odd(invalidation, address, length);
        return;
    }
    invalidation->blocks[invalidation->count++] = iommu_block_of(address, length);
}

#endif

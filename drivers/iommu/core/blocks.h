/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_CORE_BLOCKS_H
#define DRIVERS_IOMMU_CORE_BLOCKS_H

#include <stdint.h>

/* A naturally aligned block of 2^order pages of 4 KiB. */
struct iommu_block {
    uint64_t address;
    unsigned order;
};

#define IOMMU_BLOCKS_MAX 2

/* Covers the pages of the inclusive range [first, last] by one or two blocks, never by twice as
 * many pages or more when there are two. 0: the range is empty (first > last). */
unsigned iommu_blocks(uint64_t first, uint64_t last, struct iommu_block blocks[IOMMU_BLOCKS_MAX]);

#endif

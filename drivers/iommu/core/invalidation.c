/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/core/invalidation.h"

static unsigned log2_floor(uint64_t value)
{
    return 63u - (unsigned)__builtin_clzll(value);
}

static unsigned log2_ceil(uint64_t value)
{
    return value == 1 ? 0 : log2_floor(value - 1) + 1;
}

/* Splits at the highest address bit in which first and last page differ; the left block ends at
 * the split and the right one begins there. */
unsigned iommu_blocks(uint64_t first, uint64_t last, struct iommu_block blocks[2])
{
    uint64_t from = first >> PT_PAGE_SHIFT, to = last >> PT_PAGE_SHIFT;

    if (first > last)
        return 0;
    unsigned common = from == to ? 0 : log2_floor(from ^ to) + 1;
    uint64_t split = common ? to >> (common - 1) << (common - 1) : 0;
    unsigned left = common ? log2_ceil(split - from) : 0;
    unsigned right = common ? log2_ceil(to - split + 1) : 0;

    if (!common || (UINT64_C(1) << left) + (UINT64_C(1) << right) >= UINT64_C(1) << common) {
        blocks[0] = (struct iommu_block){from >> common << common << PT_PAGE_SHIFT, common};
        return 1;
    }
    blocks[0] = (struct iommu_block){(split - (UINT64_C(1) << left)) << PT_PAGE_SHIFT, left};
    blocks[1] = (struct iommu_block){split << PT_PAGE_SHIFT, right};
    return 2;
}

void iommu_invalidation_add_odd(struct iommu_invalidation *invalidation, uint64_t address,
                                uint64_t length)
{
    struct iommu_block blocks[2];
    unsigned count = iommu_blocks(address, address + length - 1, blocks);

    if (invalidation->count + count > IOMMU_BLOCKS_MAX) {
        invalidation->blocks[0] = (struct iommu_block){0, IOMMU_ORDER_ALL};
        invalidation->count = 1;
        return;
    }
    for (unsigned i = 0; i < count; i++)
        invalidation->blocks[invalidation->count++] = blocks[i];
}

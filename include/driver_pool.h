/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVER_POOL_H
#define DRIVER_POOL_H

#include <driver.h>

/*
 * DMA buffers that stay mapped: memory of the driver, mapped once into a domain of the driver and
 * cut into buffers of one size. Taking and giving a buffer are a few instructions, whatever the
 * size: they never map, unmap, invalidate, allocate or wait.
 *
 * The price: while the pool is open, the device reaches all of its buffers at any time, taken or
 * not, by the pool's permission.
 *   - What earlier transfers left in a buffer is the device's to read or to overwrite: who takes a
 *     buffer that the device may read clears what he does not fill.
 *   - Data may change after the transfer and after it was checked: who decides by it copies first.
 * Data that needs more is mapped for its transfer alone. No buffer shares a page with anything
 * else: what the device could reach beside its data is another buffer of the same pool, no more.
 *
 * A buffer goes by its index, 0 to count - 1. The free list is in the driver's own memory, where
 * no device reaches it. A pool belongs to one task; one that is all zeros is closed.
 */
struct driver_pool {
    uint8_t *address;
    uint64_t logical;
    uint16_t *links; /* of a free buffer the next free one, else DRIVER_POOL_TAKEN */
    uint16_t count;
    uint16_t free; /* the first free buffer; none: not below count */
    unsigned size_log2;
    const DMA_IOMMU_INTERFACE_V2 *iommu;
    PIOMMU_DMA_DOMAIN domain;
    IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment; /* with a token */
};

#define DRIVER_POOL_NONE  ((uint16_t)0xFFFF)
#define DRIVER_POOL_TAKEN ((uint16_t)0xFFFE)

/* `iommu`, `domain`, `token`, `memory` and `links` are the pool's to use until it is closed. */
struct driver_pool_setup {
    const DMA_IOMMU_INTERFACE_V2 *iommu;
    PIOMMU_DMA_DOMAIN domain;
    ULONG permissions; /* of every buffer: IOMMU_ACCESS_... */
    struct driver_memory memory;
    size_t size; /* bytes of a buffer: a power of two, PAGE_SIZE or more */
    uint16_t count;
    uint16_t *links;                    /* room for `count` */
    PIOMMU_DMA_LOGICAL_ADDRESS logical; /* of buffer 0. NULL: the domain's allocator chooses */
    /* NULL, or a reserved range, from whose begin on the pool is mapped: then opening it needs no
     * memory, and `domain` and `logical` are not looked at. */
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
};

static inline __attribute__((warn_unused_result)) NTSTATUS
driver_pool_map(const struct driver_pool_setup *setup, IOMMU_DMA_LOGICAL_ADDRESS *given,
                IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT *segment)
{
    IOMMU_MAP_PHYSICAL_ADDRESS frames =
        driver_contiguous(setup->memory.physical, setup->memory.length);

    if (setup->token == NULL)
        return setup->iommu->MapLogicalRangeEx(setup->domain, setup->permissions, &frames,
                                               setup->logical, NULL, NULL, given);
    NTSTATUS status = setup->iommu->MapReservedLogicalRange(setup->token, 0, setup->permissions,
                                                            &frames, segment);
    if (NT_SUCCESS(status))
        *given = setup->token->LogicalAddressBase;
    return status;
}

/*
 * Maps the memory, by the largest leaves that its two addresses and its length allow (in a reserved
 * range by pages), and puts all buffers into the pool. On failure the pool is closed, and nothing
 * is mapped.
 *
 *   STATUS_INVALID_PARAMETER  the size is none, no buffer or too many, or not all of the memory
 *   others                    MapLogicalRangeEx's, or MapReservedLogicalRange's
 */
static inline __attribute__((warn_unused_result)) NTSTATUS
driver_pool_open(struct driver_pool *pool, const struct driver_pool_setup *setup)
{
    IOMMU_DMA_LOGICAL_ADDRESS given = 0;
    IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment = {0};

    *pool = (struct driver_pool){0};
    if (setup->size < PAGE_SIZE || (setup->size & (setup->size - 1)) != 0 || setup->count == 0 ||
        setup->count >= DRIVER_POOL_TAKEN || setup->memory.length % setup->size != 0 ||
        setup->memory.length / setup->size != setup->count)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = driver_pool_map(setup, &given, &segment);
    if (!NT_SUCCESS(status))
        return status;
    for (uint16_t i = 0; i < setup->count; i++)
        setup->links[i] = (uint16_t)(i + 1);
    setup->links[setup->count - 1] = DRIVER_POOL_NONE;
    *pool = (struct driver_pool){.address = setup->memory.address,
                                 .logical = given,
                                 .links = setup->links,
                                 .count = setup->count,
                                 .size_log2 = (unsigned)__builtin_ctzll(setup->size),
                                 .iommu = setup->iommu,
                                 .domain = setup->domain,
                                 .segment = segment};
    return STATUS_SUCCESS;
}

/*
 * Unmaps the memory: from then on no device reaches it, and it is the driver's again.
 *
 *   STATUS_RESOURCE_IN_USE  a buffer is taken; the pool stays as it was
 *   others                  UnmapLogicalRange's or UnmapReservedLogicalRange's; the pool is closed,
 *                           the memory must not be used again
 */
static inline __attribute__((warn_unused_result)) NTSTATUS
driver_pool_close(struct driver_pool *pool)
{
    struct driver_pool was = *pool;

    for (uint16_t i = 0; i < was.count; i++)
        if (was.links[i] == DRIVER_POOL_TAKEN)
            return STATUS_RESOURCE_IN_USE;
    *pool = (struct driver_pool){0};
    if (was.count == 0)
        return STATUS_SUCCESS;
    if (was.segment.OwningToken != NULL)
        return was.iommu->UnmapReservedLogicalRange(&was.segment);
    return was.iommu->UnmapLogicalRange(was.domain, was.logical,
                                        (ULONGLONG)was.count << was.size_log2 >> PAGE_SHIFT);
}

/* The buffer that was given last. DRIVER_POOL_NONE: all are taken, or the pool is closed. */
static inline __attribute__((warn_unused_result)) uint16_t
driver_pool_take(struct driver_pool *pool)
{
    uint16_t index = pool->free;

    if (index >= pool->count)
        return DRIVER_POOL_NONE;
    pool->free = pool->links[index];
    pool->links[index] = DRIVER_POOL_TAKEN;
    return index;
}

/* False, and nothing has changed: no such buffer, or it is not taken. Giving a buffer whose
 * transfer has not ended is not noticed: the device then writes into the next taker's. */
static inline __attribute__((warn_unused_result)) bool driver_pool_give(struct driver_pool *pool,
                                                                        uint16_t index)
{
    if (index >= pool->count || pool->links[index] != DRIVER_POOL_TAKEN)
        return false;
    pool->links[index] = pool->free;
    pool->free = index;
    return true;
}

/* Where the processor and where the device finds buffer `index`, which is below count. */
static inline void *driver_pool_address(const struct driver_pool *pool, uint16_t index)
{
    return pool->address + ((size_t)index << pool->size_log2);
}

static inline uint64_t driver_pool_logical(const struct driver_pool *pool, uint16_t index)
{
    return pool->logical + ((uint64_t)index << pool->size_log2);
}

#endif

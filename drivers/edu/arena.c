/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/edu/arena.h"

#define WORDS_OF_BLOCK (EDU_BLOCK / sizeof(uint64_t))
#define WORDS_OF_PAGE  (PAGE_SIZE / sizeof(uint64_t))

static uint64_t *page_words(const struct arena *arena, enum page page)
{
    return (uint64_t *)arena->memory.address + (size_t)page * WORDS_OF_PAGE;
}

/* Never 0: a refused read may leave zeros. */
static uint64_t canary(const struct arena *arena, enum page page, size_t word)
{
    uint64_t seed = (uint64_t)arena->edu->device->instance << 56 | (uint64_t)page << 48 |
                    (uint64_t)arena->salt[page] << 16 | word;
    seed = (seed ^ seed >> 31) * UINT64_C(0x9E3779B97F4A7C15);
    seed = (seed ^ seed >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
    return seed | 1;
}

static bool words_intact(const struct arena *arena, enum page page, size_t first, size_t end)
{
    const uint64_t *words = page_words(arena, page);

    for (size_t i = first; i < end; i++)
        if (words[i] != canary(arena, page, i))
            return false;
    return true;
}

bool arena_block_intact(const struct arena *arena, enum page page)
{
    return words_intact(arena, page, 0, WORDS_OF_BLOCK);
}

bool arena_intact(const struct arena *arena)
{
    for (unsigned page = 0; page < PAGES; page++)
        if (!words_intact(arena, page, page == PAGE_RESULT ? WORDS_OF_BLOCK : 0, WORDS_OF_PAGE))
            return false;
    return true;
}

void arena_fill(struct arena *arena, enum page page)
{
    uint64_t *words = page_words(arena, page);

    arena->salt[page]++;
    for (size_t i = 0; i < WORDS_OF_PAGE; i++)
        words[i] = canary(arena, page, i);
}

void arena_repair(struct arena *arena)
{
    for (unsigned page = 0; page < PAGES; page++)
        arena_fill(arena, page);
}

uint64_t arena_logical(const struct arena *arena, enum page page)
{
    return arena->logical[page];
}

uint64_t arena_physical(const struct arena *arena, enum page page)
{
    return arena->memory.physical + (uint64_t)page * PAGE_SIZE;
}

const void *arena_bytes(const struct arena *arena, enum page page)
{
    return page_words(arena, page);
}

/* The device's window begins above the first megabytes; its upper half is used where the lower one
 * would lie on the arena's own physical addresses. */
static uint64_t choose_span(const struct driver_device *device, uint64_t physical)
{
    uint64_t window = (device->instance + 1) * ARENA_WINDOW;
    uint64_t length = (uint64_t)PAGES * PAGE_SIZE;
    bool overlap = window < physical + length && physical < window + ARENA_SPAN;

    return overlap ? window + ARENA_WINDOW / 2 : window;
}

bool arena_open(struct arena *arena, struct edu *edu)
{
    struct driver_device *device = edu->device;

    *arena = (struct arena){.edu = edu};
    if (!device->services->memory_alloc(device, PAGES, &arena->memory))
        return false;
    arena->floor = choose_span(device, arena->memory.physical);
    arena->end = arena->floor + ARENA_SPAN;
    arena_repair(arena);
    return true;
}

static IOMMU_MAP_PHYSICAL_ADDRESS frame_of(const struct arena *arena, enum page page)
{
    return driver_contiguous(arena_physical(arena, page), PAGE_SIZE);
}

/* False: the allocator went beyond its bounds. */
static bool take_address(struct arena *arena, uint64_t given, uint64_t length)
{
    bool inside = given >= arena->floor && given + length <= arena->end;

    arena->floor = given + length;
    return inside;
}

NTSTATUS arena_map(struct arena *arena, enum page page, PIOMMU_DMA_DOMAIN domain, ULONG permissions)
{
    IOMMU_DMA_LOGICAL_ADDRESS low = arena->floor, high = arena->end - 1, given = 0;
    IOMMU_MAP_PHYSICAL_ADDRESS frame = frame_of(arena, page);
    NTSTATUS status = arena->edu->iommu.V2.MapLogicalRangeEx(domain, permissions, &frame, NULL,
                                                             &low, &high, &given);
    if (!NT_SUCCESS(status))
        return status;
    arena->domain[page] = domain;
    arena->logical[page] = given;
    arena->mapped[page] = true;
    return take_address(arena, given, PAGE_SIZE) ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

NTSTATUS arena_reserve(struct arena *arena, PIOMMU_DMA_DOMAIN domain)
{
    IOMMU_DMA_LOGICAL_ADDRESS low = arena->floor, high = arena->end - 1;
    const SIZE_T length = 2 * PAGE_SIZE;
    NTSTATUS status = arena->edu->iommu.V2.ReserveLogicalAddressRange(domain, length, NULL, &low,
                                                                      &high, &arena->token);
    if (!NT_SUCCESS(status))
        return status;
    arena->logical[PAGE_SEGMENT] = arena->token->LogicalAddressBase + PAGE_SIZE;
    return take_address(arena, arena->token->LogicalAddressBase, length) ? STATUS_SUCCESS
                                                                         : STATUS_UNSUCCESSFUL;
}

NTSTATUS arena_map_segment(struct arena *arena)
{
    IOMMU_MAP_PHYSICAL_ADDRESS frame = frame_of(arena, PAGE_SEGMENT);
    NTSTATUS status = arena->edu->iommu.V2.MapReservedLogicalRange(
        arena->token, PAGE_SIZE, IOMMU_ACCESS_READ | IOMMU_ACCESS_WRITE, &frame, &arena->segment);

    arena->mapped[PAGE_SEGMENT] = NT_SUCCESS(status);
    return status;
}

NTSTATUS arena_unmap(struct arena *arena, enum page page)
{
    const DMA_IOMMU_INTERFACE_V2 *iommu = &arena->edu->iommu.V2;
    NTSTATUS status =
        page == PAGE_SEGMENT
            ? iommu->UnmapReservedLogicalRange(&arena->segment)
            : iommu->UnmapLogicalRange(arena->domain[page], arena_logical(arena, page), 1);

    arena->mapped[page] = !NT_SUCCESS(status);
    return status;
}

void arena_close(struct arena *arena)
{
    struct driver_device *device = arena->edu->device;
    bool clean = true;

    for (unsigned page = 0; page < PAGES; page++)
        if (arena->mapped[page] && !NT_SUCCESS(arena_unmap(arena, page)))
            clean = false;
    if (arena->token != NULL &&
        !NT_SUCCESS(arena->edu->iommu.V2.FreeReservedLogicalAddressRange(arena->token)))
        device->services->log(device, DRIVER_ERROR, "a reserved range could not be freed");
    if (clean)
        device->services->memory_free(device, &arena->memory);
    else
        device->services->log(device, DRIVER_ERROR, "a page could not be unmapped");
}

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_EDU_ARENA_H
#define DRIVERS_EDU_ARENA_H

#include "drivers/edu/edu.h"

/*
 * The pages of one proof: contiguous memory, each page filled with a canary of its own. Where one
 * is mapped is the domain's allocator to choose, between bounds that hold no physical address of
 * the arena; no page ever gets an address that another one had.
 */
enum page {
    PAGE_GUARD_FIRST,
    PAGE_SOURCE, /* the device may read it */
    PAGE_RESULT, /* the device may write its first block */
    PAGE_SECRET, /* never mapped */
    PAGE_READ_ONLY,
    PAGE_UNMAPPED, /* mapped, then not */
    PAGE_DETACHED, /* mapped, the device then detached */
    PAGE_FOREIGN,  /* mapped in another domain */
    PAGE_LIVE,     /* mapped for this device, tried by another */
    PAGE_WRITE_ONLY,
    PAGE_SEGMENT,   /* mapped in a reserved range, then not, then again */
    PAGE_UNMANAGED, /* mapped, the device then attached to an unmanaged domain */
    PAGE_GUARD_LAST,
    PAGES,
};

/* Devices that fit side by side below EDU_ADDRESS_LIMIT, each in a window of its own. */
#define ARENA_WINDOW  ((uint64_t)16 << 20)
#define ARENA_WINDOWS 15u
/* Part of a window that addresses are asked from. */
#define ARENA_SPAN ((uint64_t)4 * PAGES * PAGE_SIZE)

struct arena {
    struct edu *edu;
    struct driver_memory memory;
    uint64_t floor;       /* lower bound of the next address */
    uint64_t end;         /* of the span: an address that is never given */
    uint32_t salt[PAGES]; /* makes every filling of a page a new one */
    uint64_t logical[PAGES];
    PIOMMU_DMA_DOMAIN domain[PAGES];
    bool mapped[PAGES];
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token; /* that PAGE_SEGMENT is mapped in */
    IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
};

/* Takes the memory and fills every page. False: no memory. */
bool arena_open(struct arena *arena, struct edu *edu) __attribute__((warn_unused_result));

/* Unmaps every page, frees the reserved range and gives the memory back. Pages that cannot be
 * unmapped stay the task's. */
void arena_close(struct arena *arena);

NTSTATUS arena_map(struct arena *arena, enum page page, PIOMMU_DMA_DOMAIN domain, ULONG permissions)
    __attribute__((warn_unused_result));
NTSTATUS arena_unmap(struct arena *arena, enum page page) __attribute__((warn_unused_result));

/* Sets two pages of addresses aside, once; PAGE_SEGMENT is mapped at the second. */
NTSTATUS arena_reserve(struct arena *arena, PIOMMU_DMA_DOMAIN domain)
    __attribute__((warn_unused_result));
NTSTATUS arena_map_segment(struct arena *arena) __attribute__((warn_unused_result));

/* Where a page is mapped, or was last. */
uint64_t arena_logical(const struct arena *arena, enum page page);
uint64_t arena_physical(const struct arena *arena, enum page page);
const void *arena_bytes(const struct arena *arena, enum page page);

/* Gives a page a canary that it never had before. */
void arena_fill(struct arena *arena, enum page page);

/* Gives every page a new canary. */
void arena_repair(struct arena *arena);

/* True: the first block of the page still is its canary. */
bool arena_block_intact(const struct arena *arena, enum page page);

/* True: no byte has changed, but for the block of PAGE_RESULT that is the device's to write. */
bool arena_intact(const struct arena *arena);

#endif

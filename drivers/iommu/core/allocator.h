/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_CORE_ALLOCATOR_H
#define DRIVERS_IOMMU_CORE_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The logical addresses of a domain: which pages of [0, 2^width) bytes are in use.
 *
 * Units: addresses in bytes, sizes in pages of 4 KiB. A request takes, and is aligned to, the next
 * power of two, so that one invalidation descriptor covers it and no other range. Never handed out:
 * page 0, so that no valid address is zero, and the interrupt window 0xFEE00000 to 0xFEEFFFFF.
 *
 * Which address a request gets: the newest released block of its size that lies between minimum and
 * maximum; without one, the lowest place in the smallest free block that has room there.
 *
 * A range is in one of three states: free, taken, or given. A given range is free again only when
 * the generation that it was given with has been released.
 *
 * Cost: constant; neither the size, the width nor the number of ranges matters. Memory (frames of
 * OWNER_IOMMU) follows what is in use, not the width: three pages for each 16 MiB that is partly in
 * use and for each 64 of those, 16 bytes for each range. Only init, exclude and take need any;
 * giving and releasing never do.
 *
 * Context: task level, under the lock of the domain. A failure changes nothing and leaves outputs
 * untouched. An object may be moved, but not duplicated.
 */
enum allocator_status {
    ALLOCATOR_OK,
    ALLOCATOR_NO_MEMORY, /* no frame for the book-keeping */
    ALLOCATOR_NO_SPACE,  /* no free block of that size between minimum and maximum */
    ALLOCATOR_BAD_RANGE, /* empty, not whole pages, or outside the window */
    ALLOCATOR_NOT_TAKEN, /* not taken, given already, or taken with another size */
    ALLOCATOR_IN_USE,    /* exclusion after ranges were taken */
};

#define ALLOCATOR_PAGE_SHIFT   12
#define ALLOCATOR_WIDTH_MIN    (ALLOCATOR_PAGE_SHIFT + 1)
#define ALLOCATOR_WIDTH_MAX    63
#define ALLOCATOR_STACK_DEPTH  64
#define ALLOCATOR_STACK_ORDERS 16  /* blocks up to 128 MiB; larger ones go straight to the tree */
#define ALLOCATOR_LOOKUPS      512 /* of leaves by number, as a cache of the tree */

struct allocator_node;

struct allocator {
    uint64_t last;         /* byte of the window */
    uint64_t completed;    /* the newest generation that was released */
    size_t count;          /* ranges, taken or given */
    size_t queue_capacity; /* never less than count: giving needs no memory */
    size_t queue_head;
    size_t given;
    struct allocator_given *queue; /* what was given, oldest first */
    struct allocator_node *root;
    uint64_t orders;              /* which orders have a free block in the tree */
    struct allocator_node *spare; /* nodes out of use, all zero */
    size_t spare_count;
    size_t node_count; /* in the tree */
    unsigned width;    /* in pages: the window has 2^width */
    uint16_t depth[ALLOCATOR_STACK_ORDERS];
    uint64_t stacks[ALLOCATOR_STACK_ORDERS][ALLOCATOR_STACK_DEPTH]; /* page numbers */
    struct {
        uint64_t number;
        struct allocator_node *leaf;
    } lookups[ALLOCATOR_LOOKUPS];
};

/* An empty window of 2^width_bits bytes. BAD_RANGE: width out of bounds. NO_MEMORY. */
enum allocator_status allocator_init(struct allocator *allocator, unsigned width_bits)
    __attribute__((warn_unused_result));

/* Gives all memory back, whatever is taken. The object must be initialised before its next use. */
void allocator_destroy(struct allocator *allocator);

/* Keeps every page that the inclusive byte range touches from ever being handed out. Parts that lie
 * outside the window or are excluded already do not matter. BAD_RANGE: first > last. IN_USE: ranges
 * are taken or given. NO_MEMORY. */
enum allocator_status allocator_exclude(struct allocator *allocator, uint64_t first, uint64_t last)
    __attribute__((warn_unused_result));

/* Takes `pages` pages of which no byte lies below `min` or above `max` (inclusive; beyond the
 * window is fine). BAD_RANGE: no pages, or min > max. NO_SPACE: given ranges that are not released
 * count as used. NO_MEMORY. */
enum allocator_status allocator_take(struct allocator *allocator, uint64_t pages, uint64_t min,
                                     uint64_t max, uint64_t *address)
    __attribute__((warn_unused_result));

/* Bytes of the naturally aligned block that a request of `length` bytes, whole pages, takes. */
static inline uint64_t allocator_block(uint64_t length)
{
    return UINT64_C(1) << (64 - __builtin_clzll(length - 1));
}

/* Whether exactly this range, address and pages as they were taken, is taken. */
bool allocator_is_taken(struct allocator *allocator, uint64_t address, uint64_t pages);

/* Gives a range back, address and pages as they were taken. It stays out of use until `generation`
 * has been released; one that was already released, as 0 always is, frees it at once: for ranges
 * that no device could reach. BAD_RANGE; NOT_TAKEN. */
enum allocator_status allocator_give(struct allocator *allocator, uint64_t address, uint64_t pages,
                                     uint64_t generation) __attribute__((warn_unused_result));

/* States that invalidations have completed which cover every range given with this generation or
 * an older one. Ranges become free in the order in which they were given: one given with a smaller
 * generation than its predecessor waits for the predecessor. */
void allocator_release(struct allocator *allocator, uint64_t generation);

/* Merges all free blocks and gives unused memory back. */
void allocator_trim(struct allocator *allocator);

#endif

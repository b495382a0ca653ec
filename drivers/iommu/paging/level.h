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

/* A run of input addresses within one table, and where it maps. `last` is inclusive. */
struct run {
    uint64_t first, last;
    uint64_t physical;
};

/* Entries of `level` that a run within one table touches. */
static inline unsigned entries_of(const struct run *run, unsigned level)
{
    return index_at(run->last, level) - index_at(run->first, level) + 1;
}

/* Tables that splitting a leaf of this level down to 4 KiB can need. */
static inline size_t split_cost(unsigned level)
{
    size_t cost = 0;

    while (--level)
        cost = 1 + PT_ENTRIES * cost;
    return cost;
}

/* The part of a run that one entry of `level` covers, cut off its front. */
static inline struct run cut_front(struct run *run, unsigned level)
{
    struct run front = *run;
    uint64_t end = run->first | (level_span(level) - 1);

    if (front.last > end)
        front.last = end;
    run->physical += end + 1 - run->first;
    run->first = end + 1;
    return front;
}

static inline bool covers_entry(const struct run *run, unsigned level)
{
    return run->last - run->first == level_span(level) - 1;
}

#endif

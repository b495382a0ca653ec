/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_PAGING_POOL_H
#define DRIVERS_IOMMU_PAGING_POOL_H

#include "arch/table.h"
#include "drivers/iommu/paging/paging.h"

#define PT_CHUNK_PAGES PT_ENTRIES
#define PT_CHUNK_SIZE  ((uint64_t)PT_CHUNK_PAGES * PT_PAGE_SIZE)

/* All zero as the processor sees it, or as hardware does that does not snoop, too. */
enum pt_content { PT_DIRTY, PT_ZERO, PT_ZERO_IN_MEMORY };

_Static_assert(sizeof(struct pt_page) * PT_CHUNK_PAGES == PT_PAGE_SIZE, "one page per chunk");

/* A table and its book-keeping. */
struct node {
    uint64_t *entries;
    struct pt_page *page;
};

static inline struct pt_page *pt_page_of(uint64_t physical)
{
    struct pt_page *pages = table_at(physical & ~(PT_CHUNK_SIZE - 1));

    return &pages[physical >> PT_PAGE_SHIFT & (PT_CHUNK_PAGES - 1)];
}

static inline struct node node_at(uint64_t physical)
{
    return (struct node){table_at(physical), pt_page_of(physical)};
}

/* A page that the caller has made sure of with pt_pool_ensure or set aside. Its entries outside
 * [first, last] are zero; those inside are for the caller to fill. first > last: all are zero.
 * Under the pool's lock, like pt_pool_ensure. */
uint64_t pt_pool_take(struct pt_pool *pool, unsigned first, unsigned last);

/* Whether there is memory for so many tables, those in use included: to ask before they are counted
 * one by one. Under the pool's lock. */
bool pt_pool_may_hold(const struct pt_pool *pool, uint64_t tables);

static inline void pt_push(uint64_t *list, uint64_t physical, struct pt_page *page)
{
    uint64_t next = *list >> PT_PAGE_SHIFT;

    page->next_low = (uint32_t)next;
    page->next_high = (uint8_t)(next >> 32);
    *list = physical;
}

#endif

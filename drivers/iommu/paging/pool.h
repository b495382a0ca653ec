/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_PAGING_POOL_H
#define DRIVERS_IOMMU_PAGING_POOL_H

#include "drivers/iommu/paging/paging.h"

/* Book-keeping of one table page, kept apart from the page so that it costs no cache line there. */
struct pt_page {
    uint32_t next; /* frame number of the next page in a list; 0: the last */
    uint16_t live; /* entries in use */
    bool dirty;    /* must be zeroed before it is used again */
};

_Static_assert(sizeof(struct pt_page) * PT_ENTRIES == PT_PAGE_SIZE, "one page of them per chunk");

#define PT_CHUNK_PAGES PT_ENTRIES

struct pt_page *pt_page_of(uint64_t physical);
uint64_t *pt_table_at(uint64_t physical);

/* A zeroed page that the caller has made sure of with pt_pool_ensure or set aside. */
uint64_t pt_pool_take(struct pt_pool *pool);

void pt_gather_table(struct pt_gather *gather, uint64_t physical);

#endif

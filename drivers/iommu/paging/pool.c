/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/paging/pool.h"

#include "arch/memory.h"
#include "arch/table.h"

#define CHUNK_SIZE ((uint64_t)PT_CHUNK_PAGES * PT_PAGE_SIZE)

uint64_t *pt_table_at(uint64_t physical)
{
    return memory_virtual(physical);
}

struct pt_page *pt_page_of(uint64_t physical)
{
    struct pt_page *pages = memory_virtual(physical & ~(CHUNK_SIZE - 1));

    return &pages[physical >> PT_PAGE_SHIFT & (PT_CHUNK_PAGES - 1)];
}

static void push(uint64_t *list, uint64_t physical)
{
    pt_page_of(physical)->next = (uint32_t)(*list >> PT_PAGE_SHIFT);
    *list = physical;
}

static uint64_t pop(uint64_t *list)
{
    uint64_t physical = *list;

    *list = (uint64_t)pt_page_of(physical)->next << PT_PAGE_SHIFT;
    return physical;
}

void pt_pool_init(struct pt_pool *pool)
{
    *pool = (struct pt_pool){0};
}

static bool grow(struct pt_pool *pool)
{
    void *chunk = memory_alloc(OWNER_IOMMU, PT_CHUNK_PAGES, 0);

    if (!chunk)
        return false;
    uint64_t base = memory_physical(chunk);
    for (size_t i = PT_CHUNK_PAGES - 1; i > 0; i--)
        push(&pool->free, base + i * PT_PAGE_SIZE);
    pool->available += PT_CHUNK_PAGES - 1;
    pool->chunks++;
    return true;
}

bool pt_pool_ensure(struct pt_pool *pool, size_t pages)
{
    while (pool->available - pool->reserved < pages)
        if (!grow(pool))
            return false;
    return true;
}

uint64_t pt_pool_take(struct pt_pool *pool)
{
    uint64_t physical = pop(&pool->free);
    struct pt_page *page = pt_page_of(physical);

    pool->available--;
    if (page->dirty)
        table_zero(pt_table_at(physical));
    *page = (struct pt_page){0};
    return physical;
}

void pt_gather_table(struct pt_gather *gather, uint64_t physical)
{
    push(&gather->tables, physical);
}

void pt_release(struct pt_pool *pool, struct pt_gather *gather)
{
    while (gather->tables) {
        push(&pool->free, pop(&gather->tables));
        pool->available++;
    }
    *gather = (struct pt_gather)PT_GATHER_INIT;
}

enum pt_status pt_create(struct pt *table, const struct pt_format *format,
                         const struct pt_geometry *geometry, struct pt_pool *pool)
{
    unsigned reach = PT_PAGE_SHIFT + PT_INDEX_BITS * geometry->levels;

    if (geometry->levels < 2 || geometry->levels > PT_LEVELS_MAX || geometry->width > reach ||
        geometry->width <= PT_PAGE_SHIFT || !(geometry->leaf_levels & 1u << 1))
        return PT_BAD_RANGE;
    if (!pt_pool_ensure(pool, 1))
        return PT_NO_MEMORY;
    *table = (struct pt){.format = format, .geometry = *geometry, .pool = pool};
    table->root = pt_pool_take(pool);
    if (!geometry->coherent)
        table_write_back(pt_table_at(table->root), PT_PAGE_SIZE);
    return PT_OK;
}

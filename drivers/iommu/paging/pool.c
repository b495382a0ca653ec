/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/paging/pool.h"

#include "arch/memory.h"
#include "drivers/iommu/paging/level.h"

static uint64_t pop(uint64_t *list)
{
    uint64_t physical = *list;
    const struct pt_page *page = pt_page_of(physical);

    *list = ((uint64_t)page->next_high << 32 | page->next_low) << PT_PAGE_SHIFT;
    return physical;
}

static void give(struct pt_pool *pool, uint64_t physical)
{
    struct pt_page *page = pt_page_of(physical);

    pt_push(page->content == PT_DIRTY ? &pool->dirty : &pool->clean, physical, page);
    pool->available++;
}

void pt_pool_init(struct pt_pool *pool)
{
    *pool = (struct pt_pool){.lock = LOCK_INIT};
}

void pt_pool_add(struct pt_pool *pool, uint64_t physical, bool dirty)
{
    for (uint64_t i = PT_CHUNK_PAGES - 1; i > 0; i--) {
        uint64_t page = physical + i * PT_PAGE_SIZE;

        *pt_page_of(page) = (struct pt_page){.content = dirty ? PT_DIRTY : PT_ZERO};
        give(pool, page);
    }
    pool->chunks++;
}

/* Chunks, linked by their first words. All of them, or NULL. */
static void *alloc_chunks(size_t count)
{
    void *first = NULL;

    for (; count > 0; count--) {
        void **chunk = memory_alloc(OWNER_IOMMU, PT_CHUNK_PAGES, 0);

        if (!chunk)
            break;
        *chunk = first;
        first = chunk;
    }
    while (first && count > 0) {
        void *chunk = first;

        first = *(void **)chunk;
        (void)memory_free(OWNER_IOMMU, chunk, PT_CHUNK_PAGES);
    }
    return first;
}

bool pt_pool_grow(struct pt_pool *pool, size_t pages)
{
    void *chunk = alloc_chunks((pages + PT_CHUNK_PAGES - 2) / (PT_CHUNK_PAGES - 1));
    bool enough = chunk != NULL;

    while (chunk) {
        void *next = *(void **)chunk;

        *(void **)chunk = NULL;
        pt_pool_add(pool, memory_physical(chunk), false);
        chunk = next;
    }
    return enough;
}

bool pt_pool_may_hold(const struct pt_pool *pool, uint64_t tables)
{
    return tables <= pool->chunks * (PT_CHUNK_PAGES - 1) + memory_free_frames();
}

static void zero_around(uint64_t *entries, unsigned first, unsigned last)
{
    if (first > last) {
        table_zero(entries);
        return;
    }
    table_fill64(entries, first, 0, 0);
    table_fill64(&entries[last + 1], PT_ENTRIES - 1 - last, 0, 0);
}

/* A page that will be filled completely need not be clean. */
uint64_t pt_pool_take(struct pt_pool *pool, unsigned first, unsigned last)
{
    bool any = first == 0 && last == PT_ENTRIES - 1;
    bool dirty = pool->dirty && (any || !pool->clean);
    uint64_t physical = pop(dirty ? &pool->dirty : &pool->clean);
    struct pt_page *page = pt_page_of(physical);

    pool->available--;
    if (dirty)
        zero_around(table_at(physical), first, last);
    *page = (struct pt_page){.content = dirty ? PT_ZERO : page->content};
    return physical;
}

void pt_release(struct pt_pool *pool, struct pt_gather *gather)
{
    lock_take(&pool->lock);
    while (gather->tables)
        give(pool, pop(&gather->tables));
    lock_give(&pool->lock);
    *gather = (struct pt_gather)PT_GATHER_INIT;
}

/* False: the format has no such table. A superpage is split into leaves one level down, so leaves
 * stand on every level up to the first that may hold none. */
static bool narrow(struct pt_geometry *geometry, const struct pt_format *format)
{
    unsigned levels = geometry->levels, leaves = geometry->leaf_levels & format->leaf_levels;
    unsigned reach = level_shift(levels + 1);

    if (levels > PT_LEVELS_MAX || !(format->levels >> levels & 1) || geometry->width > reach ||
        geometry->width <= PT_PAGE_SHIFT || geometry->width > 63 ||
        geometry->physical_width <= PT_PAGE_SHIFT || geometry->physical_width > 52 ||
        !(leaves & 1u << 1))
        return false;
    if (format->canonical && geometry->width == reach)
        geometry->width--;
    geometry->leaf_levels = 0;
    for (unsigned level = 1; level <= levels && leaves >> level & 1; level++)
        geometry->leaf_levels |= (uint8_t)(1u << level);
    return true;
}

enum pt_status pt_create(struct pt *table, const struct pt_format *format,
                         const struct pt_geometry *geometry, struct pt_pool *pool)
{
    struct pt_geometry narrowed = *geometry;

    if (!narrow(&narrowed, format))
        return PT_BAD_RANGE;
    lock_take(&pool->lock);
    uint64_t root = pt_pool_ensure(pool, 1) ? pt_pool_take(pool, 1, 0) : 0;
    lock_give(&pool->lock);
    if (!root)
        return PT_NO_MEMORY;
    *table = (struct pt){.format = format,
                         .geometry = narrowed,
                         .size = (uint64_t)1 << narrowed.width,
                         .physical_size = (uint64_t)1 << narrowed.physical_width,
                         .leaf.key = PT_NO_LEAF,
                         .pool = pool,
                         .root = root};
    if (!narrowed.coherent)
        table_write_back(table_at(table->root), PT_PAGE_SIZE);
    return PT_OK;
}

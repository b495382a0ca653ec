/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "tests/bench/bulkhead_pt.h"

#include "arch/memory.h"
#include "drivers/iommu/paging/pool.h"

#include <stdlib.h>

struct bh_pool {
    struct pt_pool pool;
};

struct bh_pt {
    struct pt pt;
};

/* What the engine needs of arch/: pools grow by bh_pool_create alone. */
struct x86_cache x86_cache = {64, false};

void *memory_alloc(owner_t owner, size_t count, uint64_t limit)
{
    (void)owner;
    (void)count;
    (void)limit;
    return NULL;
}

bool memory_free(owner_t owner, void *address, size_t count)
{
    (void)owner;
    (void)address;
    (void)count;
    return false;
}

size_t memory_free_frames(void)
{
    return 0;
}

uint64_t memory_physical(const void *address)
{
    return (uint64_t)(uintptr_t)address;
}

struct bh_pool *bh_pool_create(void *memory, size_t size)
{
    struct bh_pool *pool = malloc(sizeof *pool);
    uint64_t end = memory_physical(memory) + size;
    uint64_t at = (memory_physical(memory) + PT_CHUNK_SIZE - 1) & ~(PT_CHUNK_SIZE - 1);

    if (!pool)
        return NULL;
    pt_pool_init(&pool->pool);
    for (; at < end && PT_CHUNK_SIZE <= end - at; at += PT_CHUNK_SIZE)
        pt_pool_add(&pool->pool, at, true);
    return pool;
}

size_t bh_pool_available(const struct bh_pool *pool)
{
    return pool->pool.available;
}

void bh_pool_destroy(struct bh_pool *pool)
{
    free(pool);
}

struct bh_pt *bh_pt_create(enum bh_format format, unsigned levels, struct bh_pool *pool)
{
    static const struct pt_format *const formats[] = {[BH_VTDSS] = &pt_format_vtdss,
                                                      [BH_AMDV1] = &pt_format_amdv1,
                                                      [BH_X86_64] = &pt_format_x86_64};
    struct pt_geometry geometry = {.levels = (uint8_t)levels,
                                   .width = (uint8_t)(levels > 5 ? 63 : 12 + 9 * levels),
                                   .physical_width = 52,
                                   .leaf_levels = 0xE,
                                   .coherent = true};
    struct bh_pt *pt = aligned_alloc(64, (sizeof *pt + 63) / 64 * 64);

    if (pt && pt_create(&pt->pt, formats[format], &geometry, &pool->pool) == PT_OK)
        return pt;
    free(pt);
    return NULL;
}

int bh_pt_map(struct bh_pt *pt, uint64_t address, uint64_t physical, uint64_t length,
              unsigned permission)
{
    return (int)pt_map(&pt->pt, address, physical, length, (enum pt_permission)permission);
}

int bh_pt_unmap(struct bh_pt *pt, uint64_t address, uint64_t length)
{
    struct pt_gather gather = PT_GATHER_INIT;
    enum pt_status status = pt_unmap(&pt->pt, address, length, &gather);

    if (gather.tables)
        pt_release(pt->pt.pool, &gather);
    return (int)status;
}

int bh_pt_lookup(const struct bh_pt *pt, uint64_t address, uint64_t *physical)
{
    struct pt_walk walk;

    pt_walk(&pt->pt, address, &walk);
    if (!walk.leaf_level)
        return PT_NOT_LIVE;
    *physical = walk.physical;
    return PT_OK;
}

void bh_pt_destroy(struct bh_pt *pt)
{
    struct pt_gather gather = PT_GATHER_INIT;

    pt_destroy(&pt->pt, &gather);
    pt_release(pt->pt.pool, &gather);
    free(pt);
}

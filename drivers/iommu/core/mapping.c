/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/core/mapping.h"

#include "drivers/iommu/core/state.h"

enum iommu_status iommu_from_paging(enum pt_status status)
{
    switch (status) {
    case PT_OK:
        return IOMMU_OK;
    case PT_NO_MEMORY:
        return IOMMU_NO_MEMORY;
    case PT_LIVE:
        return IOMMU_OVERLAP;
    case PT_NOT_LIVE:
        return IOMMU_NOT_MAPPED;
    case PT_NOT_ENCODABLE:
        return IOMMU_BAD_ACCESS;
    case PT_BAD_RANGE:
        break;
    }
    return IOMMU_BAD_RANGE;
}

/* Of the interrupt window, or of a region that firmware demands: not for a caller to use. */
static bool is_reserved(const struct iommu *iommu, uint64_t first, uint64_t last)
{
    if (first <= IOMMU_INTERRUPT_LAST && last >= IOMMU_INTERRUPT_FIRST)
        return true;
    for (unsigned i = 0; i < iommu->region_count; i++)
        if (first <= iommu->regions[i].last && last >= iommu->regions[i].first)
            return true;
    return false;
}

/* The first unit of a set has failed; the others have not been asked yet. */
bool iommu_fail(struct iommu *iommu, uint64_t units, const struct iommu_invalidation *invalidation)
{
    iommu_poison(iommu, &iommu->units[__builtin_ctzll(units)]);
    (void)iommu_invalidate(iommu, units & (units - 1), invalidation);
    return false;
}

bool iommu_invalidate_rest(struct iommu *iommu, uint64_t units,
                           const struct iommu_invalidation *invalidation)
{
    return iommu_invalidate(iommu, units, invalidation);
}

bool iommu_forget_tables(struct iommu *iommu, const struct iommu_domain *domain,
                         struct iommu_invalidation *batch, struct pt_gather *gather)
{
    batch->leaves_only = false;
    if (!iommu_invalidate(iommu, domain->units, batch))
        return false;
    pt_release(&iommu->pool, gather);
    return true;
}

/* Takes back what a map that fails has put in. */
static enum iommu_status undo(struct iommu *iommu, struct iommu_domain *domain, uint64_t address,
                              uint64_t length, enum iommu_status status)
{
    return iommu_take_out(iommu, domain, address, length) == IOMMU_OK ? status : IOMMU_FAILED;
}

static enum iommu_status flush_new(struct iommu *iommu, struct iommu_domain *domain,
                                   uint64_t address, uint64_t length)
{
    struct iommu_invalidation fresh;

    iommu_invalidation_init(&fresh, domain->id);
    fresh.leaves_only = false;
    iommu_invalidation_add(&fresh, address, length);
    return iommu_invalidate(iommu, domain->flush_units, &fresh)
               ? IOMMU_OK
               : undo(iommu, domain, address, length, IOMMU_FAILED);
}

/* Pages of the list from `done` on that follow each other in memory. */
static uint64_t take_run(const struct iommu_mapping *mapping, uint64_t done, uint64_t *length)
{
    const uint64_t *frames = &mapping->frames[done >> PT_PAGE_SHIFT];
    uint64_t count = (mapping->length - done) >> PT_PAGE_SHIFT, n = 1;
    const uint64_t first = frames[0];

    while (n < count && frames[n] == first + n)
        n++;
    *length = n << PT_PAGE_SHIFT;
    return first < UINT64_C(1) << 52 ? first << PT_PAGE_SHIFT : UINT64_MAX & ~(PT_PAGE_SIZE - 1);
}

static enum iommu_status put_list(struct iommu *iommu, struct iommu_domain *domain,
                                  const struct iommu_mapping *mapping)
{
    for (uint64_t done = 0, length; done < mapping->length; done += length) {
        uint64_t physical = take_run(mapping, done, &length);
        enum iommu_status status =
            iommu_put_in(domain, mapping->address + done, physical, length, mapping->permission);

        if (status != IOMMU_OK)
            return done ? undo(iommu, domain, mapping->address, done, status) : status;
    }
    return IOMMU_OK;
}

/* Gives an address back to the allocator, for use when the generation has been released. */
static void give_place(struct iommu_domain *domain, uint64_t address, uint64_t length,
                       uint64_t generation)
{
    lock_take(&domain->lock);
    (void)!allocator_give(domain->allocator, address, length >> PT_PAGE_SHIFT, generation);
    lock_give(&domain->lock);
}

static enum iommu_status choose_place(const struct iommu *iommu, struct iommu_domain *domain,
                                      struct iommu_mapping *mapping)
{
    uint64_t first = mapping->address, last = first + (mapping->length - 1);

    if (mapping->explicit == (domain->allocator != NULL))
        return IOMMU_NO_CHOICE;
    if (mapping->explicit)
        return last >= first && last < domain->table.size && !is_reserved(iommu, first, last)
                   ? IOMMU_OK
                   : IOMMU_BAD_RANGE;
    lock_take(&domain->lock);
    enum allocator_status status =
        allocator_take(domain->allocator, mapping->length >> PT_PAGE_SHIFT, mapping->min,
                       mapping->max, &mapping->address);
    lock_give(&domain->lock);
    if (status == ALLOCATOR_OK)
        return IOMMU_OK;
    return status == ALLOCATOR_NO_MEMORY ? IOMMU_NO_MEMORY : IOMMU_NO_SPACE;
}

enum iommu_status iommu_map(struct iommu *iommu, struct iommu_domain *domain,
                            struct iommu_mapping *mapping)
{
    if (domain->poisoned)
        return IOMMU_FAILED;
    enum iommu_status status = choose_place(iommu, domain, mapping);
    if (status != IOMMU_OK)
        return status;
    status = mapping->frames ? put_list(iommu, domain, mapping)
                             : iommu_put_in(domain, mapping->address, mapping->physical,
                                            mapping->length, mapping->permission);
    if (status == IOMMU_OK && domain->flush_units)
        status = flush_new(iommu, domain, mapping->address, mapping->length);
    if (status != IOMMU_OK && status != IOMMU_FAILED && domain->allocator)
        give_place(domain, mapping->address, mapping->length, 0);
    return status;
}

/* With an allocator: one whole mapping, whose address is in use until the units have forgotten. */
static enum iommu_status take_out_allocated(struct iommu *iommu, struct iommu_domain *domain,
                                            uint64_t address, uint64_t length)
{
    lock_take(&domain->lock);
    bool taken = allocator_is_taken(domain->allocator, address, length >> PT_PAGE_SHIFT);
    uint64_t generation = ++domain->generation_issued;
    lock_give(&domain->lock);
    if (!taken)
        return IOMMU_NOT_MAPPED;
    enum iommu_status status = iommu_take_out(iommu, domain, address, length);
    give_place(domain, address, length, generation);
    if (status != IOMMU_OK)
        return status;
    lock_take(&domain->lock);
    allocator_release(domain->allocator, generation);
    lock_give(&domain->lock);
    return IOMMU_OK;
}

enum iommu_status iommu_unmap_special(struct iommu *iommu, struct iommu_domain *domain,
                                      uint64_t address, uint64_t length)
{
    uint64_t last = address + (length - 1);

    if (!length || last < address)
        return IOMMU_BAD_RANGE;
    if (is_reserved(iommu, address, last))
        return IOMMU_NOT_MAPPED;
    return domain->allocator ? take_out_allocated(iommu, domain, address, length)
                             : iommu_take_out(iommu, domain, address, length);
}

static enum iommu_status map_region(struct iommu *iommu, struct iommu_domain *domain,
                                    uint16_t index)
{
    const struct iommu_region *region = &iommu->regions[index];

    if (domain->region_uses[index]++)
        return IOMMU_OK;
    lock_take(&domain->lock);
    enum pt_status status = pt_map(&domain->table, region->first, region->first,
                                   region->last - region->first + 1, PT_READ_WRITE);
    lock_give(&domain->lock);
    if (status != PT_OK)
        domain->region_uses[index]--;
    return iommu_from_paging(status);
}

static bool unmap_region(const struct iommu *iommu, struct iommu_domain *domain, uint16_t index,
                         struct iommu_invalidation *batch, struct pt_gather *gather)
{
    const struct iommu_region *region = &iommu->regions[index];

    if (--domain->region_uses[index])
        return true;
    uint64_t length = region->last - region->first + 1;
    lock_take(&domain->lock);
    enum pt_status status = pt_unmap(&domain->table, region->first, length, gather);
    lock_give(&domain->lock);
    if (status == PT_OK)
        iommu_invalidation_add(batch, region->first, length);
    return status == PT_OK;
}

bool iommu_group_has_endpoint(const struct iommu *iommu, uint16_t group, uint16_t endpoint)
{
    return iommu->pci->functions[endpoint].group_leader == group;
}

static bool unmap_demands(struct iommu *iommu, uint16_t group, struct iommu_domain *domain,
                          unsigned end)
{
    struct iommu_invalidation batch;
    struct pt_gather gather = PT_GATHER_INIT;
    bool done = true;

    iommu_invalidation_init(&batch, domain->id);
    for (unsigned i = 0; i < end; i++)
        if (iommu_group_has_endpoint(iommu, group, iommu->demands[i].endpoint))
            done &= unmap_region(iommu, domain, iommu->demands[i].region, &batch, &gather);
    if (batch.count)
        done &= iommu_forget(iommu, domain, &batch, &gather);
    return done;
}

enum iommu_status iommu_map_regions(struct iommu *iommu, uint16_t group,
                                    struct iommu_domain *domain)
{
    for (unsigned i = 0; i < iommu->demand_count; i++) {
        if (!iommu_group_has_endpoint(iommu, group, iommu->demands[i].endpoint))
            continue;
        enum iommu_status status = map_region(iommu, domain, iommu->demands[i].region);
        if (status != IOMMU_OK)
            return unmap_demands(iommu, group, domain, i) ? status : IOMMU_FAILED;
    }
    return IOMMU_OK;
}

bool iommu_unmap_regions(struct iommu *iommu, uint16_t group, struct iommu_domain *domain)
{
    return unmap_demands(iommu, group, domain, iommu->demand_count);
}

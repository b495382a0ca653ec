/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/memory.h"
#include "drivers/iommu/core/state.h"

#define COLD __attribute__((noinline, cold))

/* What an unmap leaves to do: units must forget, then tables and addresses are free again. */
struct batch {
    struct iommu_invalidation invalidation;
    struct pt_gather gather;
};

static inline void batch_init(struct batch *batch, const struct iommu_domain *domain)
{
    iommu_invalidation_init(&batch->invalidation, domain->id);
    batch->gather = (struct pt_gather)PT_GATHER_INIT;
}

/* On every unit of a set. Not under the domain's lock: it waits. */
static inline bool invalidate(struct iommu *iommu, uint64_t units,
                              const struct iommu_invalidation *invalidation)
{
    bool done = true;

    for (; units; units &= units - 1) {
        struct iommu_unit *unit = &iommu->units[__builtin_ctzll(units)];

        if (unit->ops->invalidate(unit, invalidation))
            continue;
        iommu_poison(iommu, unit);
        done = false;
    }
    return done;
}

static COLD enum iommu_status from_paging(enum pt_status status)
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

static COLD bool meets_reserved(const struct iommu *iommu, uint64_t first, uint64_t last)
{
    if (first <= IOMMU_INTERRUPT_LAST && last >= IOMMU_INTERRUPT_FIRST)
        return true;
    for (unsigned i = 0; i < iommu->region_count; i++)
        if (first <= iommu->regions[i].last && last >= iommu->regions[i].first)
            return true;
    return false;
}

/* Of the interrupt window, or of a region that firmware demands: not for a caller to use. */
static inline bool is_reserved(const struct iommu *iommu, const struct iommu_domain *domain,
                               uint64_t first, uint64_t last)
{
    return first <= domain->reserved.last && last >= domain->reserved.first &&
           meets_reserved(iommu, first, last);
}

/* Takes a range out of the table; units may still know it until batch_finish. */
static inline bool batch_unmap(struct iommu_domain *domain, struct batch *batch, uint64_t address,
                               uint64_t length)
{
    lock_take(&domain->lock);
    enum pt_status status = pt_unmap(&domain->table, address, length, &batch->gather);
    lock_give(&domain->lock);
    if (status != PT_OK)
        return false;
    iommu_invalidation_add(&batch->invalidation, address, address + length - 1);
    return true;
}

/* One tail write and one wait per unit for all ranges of the batch. False: a wait ran out, and the
 * gathered tables stay out of the pool for ever. */
static inline bool batch_finish(struct iommu *iommu, struct iommu_domain *domain,
                                struct batch *batch)
{
    batch->invalidation.tables = batch->gather.tables != 0;
    if (!invalidate(iommu, domain->units, &batch->invalidation))
        return false;
    if (batch->gather.tables)
        pt_release(&iommu->pool, &batch->gather);
    return true;
}

static inline __attribute__((always_inline)) enum iommu_status
take_out(struct iommu *iommu, struct iommu_domain *domain, uint64_t address, uint64_t length)
{
    struct batch batch;

    batch_init(&batch, domain);
    if (!batch_unmap(domain, &batch, address, length))
        return IOMMU_NOT_MAPPED;
    return batch_finish(iommu, domain, &batch) ? IOMMU_OK : IOMMU_FAILED;
}

/* Takes back what a map that fails has put in. */
static COLD enum iommu_status undo(struct iommu *iommu, struct iommu_domain *domain,
                                   uint64_t address, uint64_t length, enum iommu_status status)
{
    return take_out(iommu, domain, address, length) == IOMMU_OK ? status : IOMMU_FAILED;
}

static COLD enum iommu_status flush_new(struct iommu *iommu, struct iommu_domain *domain,
                                        uint64_t address, uint64_t length)
{
    struct iommu_invalidation fresh;

    iommu_invalidation_init(&fresh, domain->id);
    fresh.tables = true;
    iommu_invalidation_add(&fresh, address, address + length - 1);
    return invalidate(iommu, domain->flush_units, &fresh)
               ? IOMMU_OK
               : undo(iommu, domain, address, length, IOMMU_FAILED);
}

static inline enum iommu_status put_in(struct iommu_domain *domain, uint64_t address,
                                       uint64_t physical, uint64_t length,
                                       enum pt_permission permission)
{
    if (!memory_owned(domain->owner, physical, length))
        return IOMMU_NOT_OWNED;
    lock_take(&domain->lock);
    enum pt_status status = pt_map(&domain->table, address, physical, length, permission);
    lock_give(&domain->lock);
    return status == PT_OK ? IOMMU_OK : from_paging(status);
}

/* Pages of the list from `done` on that follow each other in memory. */
static uint64_t take_run(const struct iommu_memory *memory, uint64_t done, uint64_t *length)
{
    const uint64_t *frames = &memory->frames[done >> PT_PAGE_SHIFT];
    uint64_t count = (memory->length - done) >> PT_PAGE_SHIFT, n = 1;
    const uint64_t first = frames[0];

    while (n < count && frames[n] == first + n)
        n++;
    *length = n << PT_PAGE_SHIFT;
    return first < UINT64_C(1) << 52 ? first << PT_PAGE_SHIFT : UINT64_MAX & ~(PT_PAGE_SIZE - 1);
}

static __attribute__((noinline)) enum iommu_status
put_list(struct iommu *iommu, struct iommu_domain *domain, uint64_t address,
         const struct iommu_memory *memory, enum pt_permission permission)
{
    for (uint64_t done = 0, length; done < memory->length; done += length) {
        uint64_t physical = take_run(memory, done, &length);
        enum iommu_status status = put_in(domain, address + done, physical, length, permission);

        if (status != IOMMU_OK)
            return done ? undo(iommu, domain, address, done, status) : status;
    }
    return IOMMU_OK;
}

/* All of it or, on any failure, nothing. */
static inline enum iommu_status put_all(struct iommu *iommu, struct iommu_domain *domain,
                                        uint64_t address, const struct iommu_memory *memory,
                                        enum pt_permission permission)
{
    enum iommu_status status =
        memory->frames ? put_list(iommu, domain, address, memory, permission)
                       : put_in(domain, address, memory->physical, memory->length, permission);

    if (status == IOMMU_OK && domain->flush_units)
        return flush_new(iommu, domain, address, memory->length);
    return status;
}

static __attribute__((noinline)) enum iommu_status allocate_place(struct iommu_domain *domain,
                                                                  const struct iommu_place *place,
                                                                  uint64_t length,
                                                                  uint64_t *address)
{
    lock_take(&domain->lock);
    enum allocator_status status =
        allocator_take(domain->allocator, length >> PT_PAGE_SHIFT, place->min, place->max, address);
    lock_give(&domain->lock);
    if (status == ALLOCATOR_OK)
        return IOMMU_OK;
    return status == ALLOCATOR_NO_MEMORY ? IOMMU_NO_MEMORY : IOMMU_NO_SPACE;
}

/* An explicit place is inside the width and not reserved. */
static inline enum iommu_status choose_place(const struct iommu *iommu, struct iommu_domain *domain,
                                             const struct iommu_place *place, uint64_t length,
                                             uint64_t *address)
{
    if ((domain->allocator != NULL) == (place->explicit != NULL))
        return IOMMU_NO_CHOICE;
    if (!place->explicit)
        return allocate_place(domain, place, length, address);
    *address = *place->explicit;
    uint64_t last = *address + (length - 1);
    return last >= *address && last < domain->table.size &&
                   !is_reserved(iommu, domain, *address, last)
               ? IOMMU_OK
               : IOMMU_BAD_RANGE;
}

/* Gives an address back to the allocator, for use when the generation has been released. */
static COLD void give_place(struct iommu_domain *domain, uint64_t address, uint64_t length,
                            uint64_t generation)
{
    lock_take(&domain->lock);
    (void)!allocator_give(domain->allocator, address, length >> PT_PAGE_SHIFT, generation);
    lock_give(&domain->lock);
}

enum iommu_status iommu_map(struct iommu *iommu, owner_t owner, iommu_ref_t ref,
                            const struct iommu_place *place, const struct iommu_memory *memory,
                            enum pt_permission permission, uint64_t *out)
{
    struct iommu_domain *domain = iommu_domain_at(iommu, owner, ref);
    uint64_t address;

    if (!domain)
        return IOMMU_BAD_HANDLE;
    if (domain->poisoned)
        return IOMMU_FAILED;
    enum iommu_status status = choose_place(iommu, domain, place, memory->length, &address);
    if (status != IOMMU_OK)
        return status;
    status = put_all(iommu, domain, address, memory, permission);
    if (status == IOMMU_OK)
        *out = address;
    else if (domain->allocator && status != IOMMU_FAILED)
        give_place(domain, address, memory->length, 0);
    return status;
}

/* With an allocator: one whole mapping, whose address is in use until the units have forgotten. */
static __attribute__((noinline)) enum iommu_status take_out_allocated(struct iommu *iommu,
                                                                      struct iommu_domain *domain,
                                                                      uint64_t address,
                                                                      uint64_t length)
{
    lock_take(&domain->lock);
    bool taken = allocator_is_taken(domain->allocator, address, length >> PT_PAGE_SHIFT);
    uint64_t generation = ++domain->generation_issued;
    lock_give(&domain->lock);
    if (!taken)
        return IOMMU_NOT_MAPPED;
    enum iommu_status status = take_out(iommu, domain, address, length);
    give_place(domain, address, length, generation);
    if (status != IOMMU_OK)
        return status;
    lock_take(&domain->lock);
    allocator_release(domain->allocator, generation);
    lock_give(&domain->lock);
    return IOMMU_OK;
}

enum iommu_status iommu_unmap(struct iommu *iommu, owner_t owner, iommu_ref_t ref, uint64_t address,
                              uint64_t length)
{
    struct iommu_domain *domain = iommu_domain_at(iommu, owner, ref);
    uint64_t last = address + (length - 1);

    if (!domain)
        return IOMMU_BAD_HANDLE;
    if (!length || last < address)
        return IOMMU_BAD_RANGE;
    if (is_reserved(iommu, domain, address, last))
        return IOMMU_NOT_MAPPED;
    return domain->allocator ? take_out_allocated(iommu, domain, address, length)
                             : take_out(iommu, domain, address, length);
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
    return from_paging(status);
}

static bool unmap_region(const struct iommu *iommu, struct iommu_domain *domain,
                         struct batch *batch, uint16_t index)
{
    const struct iommu_region *region = &iommu->regions[index];

    if (--domain->region_uses[index])
        return true;
    return batch_unmap(domain, batch, region->first, region->last - region->first + 1);
}

bool iommu_group_has_endpoint(const struct iommu *iommu, uint16_t group, uint16_t endpoint)
{
    return iommu->pci->functions[endpoint].group_leader == group;
}

static bool unmap_demands(struct iommu *iommu, uint16_t group, struct iommu_domain *domain,
                          unsigned end)
{
    struct batch batch;
    bool done = true;

    batch_init(&batch, domain);
    for (unsigned i = 0; i < end; i++)
        if (iommu_group_has_endpoint(iommu, group, iommu->demands[i].endpoint))
            done &= unmap_region(iommu, domain, &batch, iommu->demands[i].region);
    if (batch.invalidation.count || batch.invalidation.whole)
        done &= batch_finish(iommu, domain, &batch);
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

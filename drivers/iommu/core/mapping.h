/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_CORE_MAPPING_H
#define DRIVERS_IOMMU_CORE_MAPPING_H

#include "arch/memory.h"
#include "drivers/iommu/core/core.h"

/*
 * Map and unmap, the way of every transfer: inline where drivers' calls come in. What is rare, or
 * long, is in mapping.c.
 */

/* Memory, and where devices find it. Physical addresses, logical ones without an allocator, and the
 * length are multiples of 4 KiB. */
struct iommu_mapping {
    uint64_t physical;      /* of `length` bytes; ignored with a list */
    const uint64_t *frames; /* NULL, or a list: a frame number for each page, each read once */
    uint64_t length;
    bool explicit;     /* the caller names the address: the way without an allocator */
    uint64_t address;  /* of the mapping; an output with an allocator */
    uint64_t min, max; /* bounds for the allocator, inclusive; not read when explicit */
    enum pt_permission permission;
};

/* The parts of mapping.c. */
enum iommu_status iommu_from_paging(enum pt_status status) __attribute__((cold));
bool iommu_fail(struct iommu *iommu, uint64_t units, const struct iommu_invalidation *invalidation)
    __attribute__((cold));
bool iommu_invalidate_rest(struct iommu *iommu, uint64_t units,
                           const struct iommu_invalidation *invalidation) __attribute__((cold));
bool iommu_forget_tables(struct iommu *iommu, const struct iommu_domain *domain,
                         struct iommu_invalidation *batch, struct pt_gather *gather);
enum iommu_status iommu_unmap_special(struct iommu *iommu, struct iommu_domain *domain,
                                      uint64_t address, uint64_t length);

/* On every unit of a set; mostly it is one. Not under the domain's lock: it waits. */
static inline bool iommu_invalidate(struct iommu *iommu, uint64_t units,
                                    const struct iommu_invalidation *invalidation)
{
    if (!units)
        return true;
    struct iommu_unit *unit = &iommu->units[__builtin_ctzll(units)];
    if (!unit->ops->invalidate(unit, invalidation))
        return iommu_fail(iommu, units, invalidation);
    units &= units - 1;
    return !units || iommu_invalidate_rest(iommu, units, invalidation);
}

/* One tail write and one wait per unit for all ranges of a batch. False: a wait ran out, and the
 * gathered tables stay out of the pool for ever. */
static inline bool iommu_forget(struct iommu *iommu, struct iommu_domain *domain,
                                struct iommu_invalidation *batch, struct pt_gather *gather)
{
    return gather->tables ? iommu_forget_tables(iommu, domain, batch, gather)
                          : iommu_invalidate(iommu, domain->units, batch);
}

static inline enum iommu_status iommu_take_out(struct iommu *iommu, struct iommu_domain *domain,
                                               uint64_t address, uint64_t length)
{
    struct iommu_invalidation batch;
    struct pt_gather gather = PT_GATHER_INIT;

    iommu_invalidation_init(&batch, domain->id);
    iommu_invalidation_add(&batch, address, length);
    lock_take(&domain->lock);
    enum pt_status status = pt_unmap(&domain->table, address, length, &gather);
    lock_give(&domain->lock);
    if (status != PT_OK)
        return IOMMU_NOT_MAPPED;
    return iommu_forget(iommu, domain, &batch, &gather) ? IOMMU_OK : IOMMU_FAILED;
}

static inline enum iommu_status iommu_put_in(struct iommu_domain *domain, uint64_t address,
                                             uint64_t physical, uint64_t length,
                                             enum pt_permission permission)
{
    if (!memory_owned(domain->owner, physical, length))
        return IOMMU_NOT_OWNED;
    lock_take(&domain->lock);
    enum pt_status status = pt_map(&domain->table, address, physical, length, permission);
    lock_give(&domain->lock);
    return status == PT_OK ? IOMMU_OK : iommu_from_paging(status);
}

/* Nothing about the range, or the domain, needs a further look. */
static inline bool iommu_is_plain(const struct iommu_domain *domain, uint64_t address,
                                  uint64_t length)
{
    uint64_t last = address + (length - 1);

    return last >= address && last < domain->plain_end;
}

/* Maps memory at consecutive logical addresses. Every frame must be the caller's own. Checks, in
 * order: the place, then ownership and overlap piece by piece. All or nothing. What is explicit,
 * plain and without a list may as well go to iommu_put_in. */
enum iommu_status iommu_map(struct iommu *iommu, struct iommu_domain *domain,
                            struct iommu_mapping *mapping);

/* When it returns, whatever it returns, no device reaches the range through this domain, but for
 * IOMMU_BAD_RANGE and IOMMU_NOT_MAPPED, which change nothing. With an allocator the range is one
 * whole mapping. */
static inline enum iommu_status iommu_unmap(struct iommu *iommu, struct iommu_domain *domain,
                                            uint64_t address, uint64_t length)
{
    return iommu_is_plain(domain, address, length)
               ? iommu_take_out(iommu, domain, address, length)
               : iommu_unmap_special(iommu, domain, address, length);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_CORE_MAPPING_H
#define DRIVERS_IOMMU_CORE_MAPPING_H

#include "arch/memory.h"
#include "drivers/iommu/core/core.h"

/*
 * Map and unmap, the way of every transfer: inline where drivers' calls come in. It does the usual
 * call or nothing; iommu_map and iommu_unmap do every call and say what is wrong with one.
 */

/* The parts of mapping.c. */
bool iommu_fail(struct iommu *iommu, uint64_t units, const struct iommu_invalidation *invalidation)
    __attribute__((cold));
bool iommu_invalidate_rest(struct iommu *iommu, uint64_t units,
                           const struct iommu_invalidation *invalidation) __attribute__((cold));
bool iommu_finish_unlinking(struct iommu *iommu, struct iommu_domain *domain, uint64_t address,
                            uint64_t length, const struct pt_gather *gather)
    __attribute__((warn_unused_result));

/* On every unit of a set; mostly it is one. Not under the domain's lock: it waits. A unit that
 * joins after the entries have changed never saw the old ones. */
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

/* Under the lock of the slot: it holds the domain that is named, and nothing about that, or the
 * range, needs a further look. A range that wraps is for the tables to refuse. */
static inline bool iommu_is_plain(const struct iommu_domain *domain, owner_t owner, iommu_ref_t ref,
                                  uint64_t address, uint64_t length)
{
    return domain->ref == ref && domain->owner == owner && address >= domain->plain_first &&
           address + (length - 1) <= domain->plain_last;
}

/* Maps consecutive memory at a named address. IOMMU_OK and IOMMU_NO_MEMORY as iommu_map. Anything
 * else: nothing has changed, and iommu_map knows why. */
static inline enum iommu_status iommu_map_plain(struct iommu *iommu, owner_t owner, iommu_ref_t ref,
                                                uint64_t address, uint64_t physical,
                                                uint64_t length, enum pt_permission permission)
{
    struct iommu_domain *domain = iommu_domain_slot(iommu, ref);
    enum pt_status status = PT_BAD_RANGE;

    if (!memory_owned(owner, physical, length))
        return IOMMU_NOT_OWNED;
    lock_take(&domain->lock);
    if (iommu_is_plain(domain, owner, ref, address, length))
        status = pt_map(&domain->table, address, physical, length, permission);
    lock_give(&domain->lock);
    if (status == PT_OK)
        return IOMMU_OK;
    return status == PT_NO_MEMORY ? IOMMU_NO_MEMORY : IOMMU_BAD_RANGE;
}

/* IOMMU_OK and IOMMU_FAILED as iommu_unmap. IOMMU_NOT_MAPPED: nothing has changed, and iommu_unmap
 * knows why. */
static inline enum iommu_status iommu_unmap_plain(struct iommu *iommu, owner_t owner,
                                                  iommu_ref_t ref, uint64_t address,
                                                  uint64_t length)
{
    struct iommu_domain *domain = iommu_domain_slot(iommu, ref);
    struct pt_gather gather = PT_GATHER_INIT;
    struct iommu_invalidation range;

    lock_take(&domain->lock);
    if (!iommu_is_plain(domain, owner, ref, address, length) ||
        pt_unmap(&domain->table, address, length, &gather) != PT_OK) {
        lock_give(&domain->lock);
        return IOMMU_NOT_MAPPED;
    }
    if (gather.tables)
        return iommu_finish_unlinking(iommu, domain, address, length, &gather) ? IOMMU_OK
                                                                               : IOMMU_FAILED;
    lock_give(&domain->lock);
    iommu_invalidation_init(&range, domain->id);
    iommu_invalidation_add(&range, address, length);
    return iommu_invalidate(iommu, domain->units, &range) ? IOMMU_OK : IOMMU_FAILED;
}

#endif

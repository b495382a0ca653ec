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
bool iommu_forget_any(struct iommu *iommu, iommu_ref_t ref, uint64_t address, uint64_t length,
                      bool leaves_only) __attribute__((cold, warn_unused_result));
void iommu_undo(struct iommu *iommu, owner_t owner, iommu_ref_t ref, uint64_t address,
                uint64_t length) __attribute__((cold));
bool iommu_finish_unlinking(struct iommu *iommu, struct iommu_domain *domain, uint64_t address,
                            uint64_t length, const struct pt_gather *gather)
    __attribute__((warn_unused_result));

/* Makes every unit that may know a block of the domain forget it, if it is one unit and does it at
 * once: iommu_forget_any does it in any case. Not under the domain's lock: it waits. A unit that
 * joins after the entries have changed never saw the old ones. */
static inline bool iommu_forget(const struct iommu_domain *domain, struct iommu_block block,
                                bool leaves_only)
{
    struct iommu_unit *unit = domain->unit;

    return unit && unit->ops->forget(unit, domain->id, block, leaves_only);
}

static inline bool iommu_forget_range(struct iommu *iommu, iommu_ref_t ref, uint64_t address,
                                      uint64_t length, bool leaves_only)
{
    return (iommu_is_block(address, length) &&
            iommu_forget(iommu_domain_slot(iommu, ref), iommu_block_of(address, length),
                         leaves_only)) ||
           iommu_forget_any(iommu, ref, address, length, leaves_only);
}

/* The end of a map where units need an invalidation for new entries. Tables that lead to the range
 * may be new, even where the last one is not: whoever has linked it may not have come to its own
 * invalidation yet. */
static inline enum iommu_status iommu_flush(struct iommu *iommu, owner_t owner, iommu_ref_t ref,
                                            uint64_t address, uint64_t length)
{
    if (iommu_forget_range(iommu, ref, address, length, false))
        return IOMMU_OK;
    iommu_undo(iommu, owner, ref, address, length);
    return IOMMU_FAILED;
}

/* Under the lock of the slot: it holds the domain that is named, and nothing about that, or the
 * range, needs a further look. A range that wraps is for the tables to refuse. */
static inline bool iommu_is_plain(const struct iommu_domain *domain, owner_t owner, iommu_ref_t ref,
                                  uint64_t address, uint64_t length)
{
    return domain->ref == ref && domain->owner == owner && address >= domain->plain_first &&
           address + (length - 1) <= domain->plain_last;
}

/* One page beside the last one: all but the flush of what iommu_map_plain does. False: nothing has
 * changed. */
static inline bool iommu_map_near(struct iommu_domain *domain, owner_t owner, iommu_ref_t ref,
                                  uint64_t address, uint64_t physical,
                                  enum pt_permission permission)
{
    if (!memory_owned(owner, physical, 1) || !lock_try(&domain->lock))
        return false;
    bool done = iommu_is_plain(domain, owner, ref, address, PT_PAGE_SIZE) &&
                pt_map_near(&domain->table, address, physical, PT_PAGE_SIZE, permission);
    lock_give(&domain->lock);
    return done;
}

/* The same of unmap, but for making the units forget. */
static inline bool iommu_unmap_near(struct iommu_domain *domain, owner_t owner, iommu_ref_t ref,
                                    uint64_t address)
{
    if (!lock_try(&domain->lock))
        return false;
    bool done = iommu_is_plain(domain, owner, ref, address, PT_PAGE_SIZE) &&
                pt_unmap_near(&domain->table, address, PT_PAGE_SIZE);
    lock_give(&domain->lock);
    return done;
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
        status = pt_map_far(&domain->table, address, physical, length, permission);
    lock_give(&domain->lock);
    if (status == PT_OK)
        return domain->flush_units ? iommu_flush(iommu, owner, ref, address, length) : IOMMU_OK;
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

    lock_take(&domain->lock);
    if (!iommu_is_plain(domain, owner, ref, address, length) ||
        pt_unmap_far(&domain->table, address, length, &gather) != PT_OK) {
        lock_give(&domain->lock);
        return IOMMU_NOT_MAPPED;
    }
    if (gather.tables)
        return iommu_finish_unlinking(iommu, domain, address, length, &gather) ? IOMMU_OK
                                                                               : IOMMU_FAILED;
    lock_give(&domain->lock);
    return iommu_forget_range(iommu, ref, address, length, true) ? IOMMU_OK : IOMMU_FAILED;
}

#endif

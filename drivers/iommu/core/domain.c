/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/memory.h"
#include "drivers/iommu/core/state.h"

#include <string.h>

struct iommu_domain *iommu_domain_at(struct iommu *iommu, owner_t owner, iommu_ref_t ref)
{
    size_t index = (ref & 0xFFFF) - (size_t)1;

    if (index >= IOMMU_DOMAINS_MAX)
        return NULL;
    struct iommu_domain *domain = &iommu->domains[index];
    return domain->used && domain->generation == ref >> 16 && domain->owner == owner ? domain
                                                                                     : NULL;
}

/* A domain's table, and the pool that all tables share. */
static void lock_tables(struct iommu *iommu, struct iommu_domain *domain)
{
    lock_take(&domain->lock);
    lock_take(&iommu->pool_lock);
}

static void unlock_tables(struct iommu *iommu, struct iommu_domain *domain)
{
    lock_give(&iommu->pool_lock);
    lock_give(&domain->lock);
}

static void release_tables(struct iommu *iommu, struct pt_gather *gather)
{
    lock_take(&iommu->pool_lock);
    pt_release(&iommu->pool, gather);
    lock_give(&iommu->pool_lock);
}

bool iommu_has_domain(struct iommu *iommu, owner_t owner, iommu_ref_t ref)
{
    return iommu_domain_at(iommu, owner, ref) != NULL;
}

/* A slot's number decides its domain id: a slot is free again only when the id may be reused. */
enum iommu_status iommu_new_domain(struct iommu *iommu, owner_t owner, struct iommu_domain **out)
{
    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX && i + 1 < iommu->domain_ids; i++) {
        struct iommu_domain *domain = &iommu->domains[i];
        uint16_t generation = domain->generation;
        struct pt table;

        if (domain->used)
            continue;
        if (pt_create(&table, iommu->format, &iommu->geometry, &iommu->pool) != PT_OK)
            return IOMMU_NO_MEMORY;
        *domain = (struct iommu_domain){.used = true,
                                        .generation = generation,
                                        .id = (uint16_t)(i + 1),
                                        .owner = owner,
                                        .lock = LOCK_INIT,
                                        .table = table};
        *out = domain;
        return IOMMU_OK;
    }
    return IOMMU_NO_ID;
}

/* The last detach has flushed the domain id on every unit, so the tables may go at once. */
static void free_domain(struct iommu *iommu, struct iommu_domain *domain)
{
    struct pt_gather gather = PT_GATHER_INIT;

    domain->generation++;
    if (domain->poisoned) {
        domain->owner = OWNER_IOMMU;
        return;
    }
    domain->used = false;
    pt_destroy(&domain->table, &gather);
    release_tables(iommu, &gather);
}

enum iommu_status iommu_create_domain(struct iommu *iommu, owner_t owner, iommu_ref_t *out)
{
    struct iommu_domain *domain;

    if (!iommu->format)
        return IOMMU_NOT_COVERED;
    enum iommu_status status = iommu_new_domain(iommu, owner, &domain);
    if (status == IOMMU_OK)
        *out = iommu_ref(iommu_domain_index(iommu, domain), domain->generation);
    return status;
}

enum iommu_status iommu_delete_domain(struct iommu *iommu, owner_t owner, iommu_ref_t ref)
{
    struct iommu_domain *domain = iommu_domain_at(iommu, owner, ref);

    if (!domain)
        return IOMMU_BAD_HANDLE;
    if (domain->attached)
        return IOMMU_IN_USE;
    free_domain(iommu, domain);
    return IOMMU_OK;
}

/* Invalidates on every unit that may hold the domain. Not under the domain's lock: it waits. */
static bool invalidate(struct iommu *iommu, struct iommu_domain *domain,
                       const struct iommu_invalidation *invalidation)
{
    bool done = true;

    for (unsigned i = 0; i < iommu->unit_count; i++) {
        struct iommu_unit *unit = &iommu->units[i];

        if (!domain->unit_uses[i])
            continue;
        if (unit->ops->invalidate(unit, invalidation))
            continue;
        iommu_poison(iommu, unit);
        done = false;
    }
    return done;
}

static bool needs_flush_on_map(const struct iommu *iommu, const struct iommu_domain *domain)
{
    for (unsigned i = 0; i < iommu->unit_count; i++)
        if (domain->unit_uses[i] && iommu->units[i].caps.flush_on_map)
            return true;
    return false;
}

static enum iommu_status take_out(struct iommu *iommu, struct iommu_domain *domain,
                                  uint64_t address, uint64_t length)
{
    struct pt_gather gather = PT_GATHER_INIT;

    lock_tables(iommu, domain);
    enum pt_status status = pt_unmap(&domain->table, address, length, &gather);
    unlock_tables(iommu, domain);
    if (status != PT_OK)
        return status == PT_NOT_LIVE ? IOMMU_NOT_MAPPED : IOMMU_BAD_RANGE;
    struct iommu_invalidation invalidation = {.domain_id = domain->id,
                                              .first = gather.first,
                                              .last = gather.last,
                                              .tables = gather.tables != 0};
    if (!invalidate(iommu, domain, &invalidation))
        return IOMMU_FAILED; /* the gathered tables stay out of the pool for ever */
    release_tables(iommu, &gather);
    return IOMMU_OK;
}

static enum iommu_status from_paging(enum pt_status status)
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

static bool range_is_reserved(const struct iommu *iommu, uint64_t first, uint64_t last)
{
    if (first <= IOMMU_INTERRUPT_LAST && last >= IOMMU_INTERRUPT_FIRST)
        return true;
    for (unsigned i = 0; i < iommu->region_count; i++)
        if (first <= iommu->regions[i].last && last >= iommu->regions[i].first)
            return true;
    return false;
}

static bool range_is_usable(const struct iommu *iommu, const struct iommu_domain *domain,
                            uint64_t address, uint64_t length)
{
    uint64_t last = address + length - 1;

    return length && !((address | length) & (PT_PAGE_SIZE - 1)) && last >= address &&
           !(last >> domain->table.geometry.width) && !range_is_reserved(iommu, address, last);
}

static enum iommu_status put_in(struct iommu *iommu, struct iommu_domain *domain, uint64_t address,
                                const struct iommu_segment *segment, enum pt_permission permission)
{
    if (!memory_owned(domain->owner, segment->physical, segment->length))
        return IOMMU_NOT_OWNED;
    lock_tables(iommu, domain);
    enum pt_status status =
        pt_map(&domain->table, address, segment->physical, segment->length, permission);
    unlock_tables(iommu, domain);
    return from_paging(status);
}

static bool flush_new(struct iommu *iommu, struct iommu_domain *domain, uint64_t address,
                      uint64_t length)
{
    struct iommu_invalidation fresh = {
        .domain_id = domain->id, .first = address, .last = address + length - 1, .tables = true};

    return !needs_flush_on_map(iommu, domain) || invalidate(iommu, domain, &fresh);
}

enum iommu_status iommu_map(struct iommu *iommu, owner_t owner, iommu_ref_t ref, uint64_t address,
                            uint64_t length, enum pt_permission permission, iommu_segments next,
                            void *source)
{
    struct iommu_domain *domain = iommu_domain_at(iommu, owner, ref);
    enum iommu_status status = IOMMU_OK;
    struct iommu_segment segment;
    uint64_t done = 0;

    if (!domain)
        return IOMMU_BAD_HANDLE;
    if (!range_is_usable(iommu, domain, address, length))
        return IOMMU_BAD_RANGE;
    if (domain->poisoned)
        return IOMMU_FAILED;
    while (status == IOMMU_OK && done < length && next(source, &segment)) {
        status = segment.length <= length - done
                     ? put_in(iommu, domain, address + done, &segment, permission)
                     : IOMMU_BAD_RANGE;
        if (status == IOMMU_OK)
            done += segment.length;
    }
    if (status == IOMMU_OK && !flush_new(iommu, domain, address, length))
        status = IOMMU_FAILED;
    if (status != IOMMU_OK && done && take_out(iommu, domain, address, done) != IOMMU_OK)
        status = IOMMU_FAILED;
    return status;
}

enum iommu_status iommu_unmap(struct iommu *iommu, owner_t owner, iommu_ref_t ref, uint64_t address,
                              uint64_t length)
{
    struct iommu_domain *domain = iommu_domain_at(iommu, owner, ref);

    if (!domain)
        return IOMMU_BAD_HANDLE;
    if (!length || address + length - 1 < address)
        return IOMMU_BAD_RANGE;
    if (!range_is_usable(iommu, domain, address, length))
        return IOMMU_NOT_MAPPED;
    return take_out(iommu, domain, address, length);
}

static enum iommu_status map_region(struct iommu *iommu, struct iommu_domain *domain,
                                    uint16_t index)
{
    const struct iommu_region *region = &iommu->regions[index];

    if (domain->region_uses[index]++)
        return IOMMU_OK;
    lock_tables(iommu, domain);
    enum pt_status status = pt_map(&domain->table, region->first, region->first,
                                   region->last - region->first + 1, PT_READ_WRITE);
    unlock_tables(iommu, domain);
    if (status != PT_OK)
        domain->region_uses[index]--;
    return from_paging(status);
}

static bool unmap_region(struct iommu *iommu, struct iommu_domain *domain, uint16_t index)
{
    const struct iommu_region *region = &iommu->regions[index];

    if (--domain->region_uses[index])
        return true;
    return take_out(iommu, domain, region->first, region->last - region->first + 1) == IOMMU_OK;
}

bool iommu_group_has_endpoint(const struct iommu *iommu, uint16_t group, uint16_t endpoint)
{
    return iommu->pci->functions[endpoint].group_leader == group;
}

enum iommu_status iommu_map_regions(struct iommu *iommu, uint16_t group,
                                    struct iommu_domain *domain)
{
    for (unsigned i = 0; i < iommu->demand_count; i++) {
        if (!iommu_group_has_endpoint(iommu, group, iommu->demands[i].endpoint))
            continue;
        enum iommu_status status = map_region(iommu, domain, iommu->demands[i].region);
        if (status == IOMMU_OK)
            continue;
        while (i-- > 0)
            if (iommu_group_has_endpoint(iommu, group, iommu->demands[i].endpoint) &&
                !unmap_region(iommu, domain, iommu->demands[i].region))
                status = IOMMU_FAILED;
        return status;
    }
    return IOMMU_OK;
}

bool iommu_unmap_regions(struct iommu *iommu, uint16_t group, struct iommu_domain *domain)
{
    bool done = true;

    for (unsigned i = 0; i < iommu->demand_count; i++)
        if (iommu_group_has_endpoint(iommu, group, iommu->demands[i].endpoint))
            done &= unmap_region(iommu, domain, iommu->demands[i].region);
    return done;
}

bool iommu_releasable(struct iommu *iommu, owner_t owner, uint64_t physical, uint64_t length)
{
    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX; i++) {
        struct iommu_domain *domain = &iommu->domains[i];

        if (!domain->used || (domain->owner != owner && !domain->poisoned))
            continue;
        if (domain->poisoned || pt_reaches(&domain->table, physical, physical + length - 1))
            return false;
    }
    return true;
}

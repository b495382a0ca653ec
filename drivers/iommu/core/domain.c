/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/memory.h"
#include "drivers/iommu/core/state.h"

#define ALLOCATOR_FRAMES ((sizeof(struct allocator) + FRAME_SIZE - 1) / FRAME_SIZE)

static void free_allocator(struct allocator *allocator)
{
    allocator_destroy(allocator);
    (void)memory_free(OWNER_IOMMU, allocator, ALLOCATOR_FRAMES);
}

/* The interrupt window and page 0 are kept out by the allocator itself. */
static struct allocator *new_allocator(const struct iommu *iommu, unsigned width)
{
    struct allocator *allocator = memory_alloc(OWNER_IOMMU, ALLOCATOR_FRAMES, 0);

    if (!allocator)
        return NULL;
    if (allocator_init(allocator, width) != ALLOCATOR_OK) {
        (void)memory_free(OWNER_IOMMU, allocator, ALLOCATOR_FRAMES);
        return NULL;
    }
    for (unsigned i = 0; i < iommu->region_count; i++)
        if (allocator_exclude(allocator, iommu->regions[i].first, iommu->regions[i].last) !=
            ALLOCATOR_OK) {
            free_allocator(allocator);
            return NULL;
        }
    return allocator;
}

static enum iommu_status fill_domain(struct iommu *iommu, struct iommu_domain *domain,
                                     unsigned width)
{
    struct pt_geometry geometry = iommu->geometry;
    struct allocator *allocator = NULL;

    if (width) {
        geometry = iommu_geometry(iommu, (uint8_t)width);
        allocator = new_allocator(iommu, geometry.width);
        if (!allocator)
            return IOMMU_NO_MEMORY;
    }
    if (pt_create(&domain->table, iommu->format, &geometry, &iommu->pool) != PT_OK) {
        if (allocator)
            free_allocator(allocator);
        return IOMMU_NO_MEMORY;
    }
    domain->allocator = allocator;
    iommu_update_plain(domain);
    return IOMMU_OK;
}

static struct iommu_region reserved_bounds(const struct iommu *iommu)
{
    struct iommu_region bounds = {IOMMU_INTERRUPT_FIRST, IOMMU_INTERRUPT_LAST};

    for (unsigned i = 0; i < iommu->region_count; i++) {
        if (bounds.first > iommu->regions[i].first)
            bounds.first = iommu->regions[i].first;
        if (bounds.last < iommu->regions[i].last)
            bounds.last = iommu->regions[i].last;
    }
    return bounds;
}

/* A slot's number decides its domain id: a slot is free again only when the id may be reused. */
enum iommu_status iommu_new_domain(struct iommu *iommu, owner_t owner, unsigned width,
                                   struct iommu_domain **out)
{
    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX && i + 1 < iommu->domain_ids; i++) {
        struct iommu_domain *domain = &iommu->domains[i];
        struct iommu_domain fresh = {.ref = iommu_ref(IOMMU_DOMAIN_REF, i, domain->generation),
                                     .generation = domain->generation,
                                     .id = (uint16_t)(i + 1),
                                     .owner = owner,
                                     .reserved = reserved_bounds(iommu),
                                     .lock = LOCK_INIT};

        if (domain->ref)
            continue;
        enum iommu_status status = fill_domain(iommu, &fresh, width);
        if (status != IOMMU_OK)
            return status;
        *domain = fresh;
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
    domain->ref = 0;
    domain->owner = OWNER_FREE;
    if (domain->allocator)
        free_allocator(domain->allocator);
    pt_destroy(&domain->table, &gather);
    pt_release(&iommu->pool, &gather);
}

enum iommu_status iommu_create_domain(struct iommu *iommu, owner_t owner, unsigned width,
                                      iommu_ref_t *out)
{
    struct iommu_domain *domain;

    if (!iommu->format)
        return IOMMU_NOT_COVERED;
    enum iommu_status status = iommu_new_domain(iommu, owner, width, &domain);
    if (status == IOMMU_OK)
        *out = domain->ref;
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

bool iommu_releasable(struct iommu *iommu, owner_t owner, uint64_t physical, uint64_t length)
{
    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX; i++) {
        struct iommu_domain *domain = &iommu->domains[i];

        if (!domain->ref || (domain->owner != owner && !domain->poisoned))
            continue;
        if (domain->poisoned || pt_reaches(&domain->table, physical, physical + length - 1))
            return false;
    }
    return true;
}

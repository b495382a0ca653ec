/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_CORE_STATE_H
#define DRIVERS_IOMMU_CORE_STATE_H

#include "drivers/iommu/core/core.h"

/* What the files of core share. */
static inline iommu_ref_t iommu_ref(iommu_ref_t kind, size_t index, uint16_t generation)
{
    return kind | (uint32_t)generation << 16 | index;
}

/* Below this end a range that a caller names needs no further look: it is inside the width, not
 * reserved, and the domain has no allocator, has not failed and needs no invalidation after a map.
 * To call when any of these changes. */
static inline void iommu_update_plain(struct iommu_domain *domain)
{
    uint64_t end = domain->table.size;

    if (end > domain->reserved.first)
        end = domain->reserved.first;
    domain->plain_end = domain->allocator || domain->poisoned || domain->flush_units ? 0 : end;
}

static inline void iommu_poison_domain(struct iommu_domain *domain)
{
    domain->poisoned = true;
    iommu_update_plain(domain);
}

/* The fewest levels that all units have and that cover `width` bits, if any do. */
struct pt_geometry iommu_geometry(const struct iommu *iommu, uint8_t width);

enum iommu_status iommu_new_domain(struct iommu *iommu, owner_t owner, unsigned width,
                                   struct iommu_domain **out) __attribute__((warn_unused_result));

/* Makes the demanded regions of a group reachable in a domain, or takes them out again. */
enum iommu_status iommu_map_regions(struct iommu *iommu, uint16_t group,
                                    struct iommu_domain *domain)
    __attribute__((warn_unused_result));
bool iommu_unmap_regions(struct iommu *iommu, uint16_t group, struct iommu_domain *domain)
    __attribute__((warn_unused_result));

/* Domains for the regions of all groups that have any; their requesters are attached to them. */
void iommu_quarantine_all(struct iommu *iommu);

/* A wait ran out: the unit is not trusted any more, the devices behind it stop mastering the bus,
 * the domains on it keep their ids and tables for ever. */
void iommu_poison(struct iommu *iommu, struct iommu_unit *unit);

bool iommu_group_has_endpoint(const struct iommu *iommu, uint16_t group, uint16_t endpoint);

/* Index of the first requester of an endpoint from `from` on; requester_count: there is none. */
unsigned iommu_next_requester(const struct iommu *iommu, uint16_t endpoint, unsigned from);

static inline uint16_t iommu_domain_index(const struct iommu *iommu,
                                          const struct iommu_domain *domain)
{
    return (uint16_t)(domain - iommu->domains);
}

#endif

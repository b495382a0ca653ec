/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_EXPLORE_FAULTS_H
#define TESTS_HOST_EXPLORE_FAULTS_H

#include "tests/host/explore_oracle.h"

/* ---- What is explored ---- */

/* `own_leaves`: it matters whose access filled a cached page. */
enum space_name { ALL_FOUR, BESIDE_ONE, CACHING, OWN_LEAVES, SPACES };

static const struct space {
    unsigned pages;
    bool keeps_page, caching, own_leaves;
    const char *text;
} spaces[SPACES] = {
    [ALL_FOUR] = {.pages = PAGES, .text = ""},
    [BESIDE_ONE] = {.pages = 2, .keeps_page = true, .text = " beside one that stays"},
    [CACHING] = {.pages = 2, .caching = true, .text = ", what is not present cached"},
    [OWN_LEAVES] = {.pages = 2, .own_leaves = true, .text = ", cached for each device"},
};

/* ---- Faults: the unit's ops, each with something left out ---- */

static const struct iommu_unit_ops *sound;

static inline bool tell_nothing(struct iommu_unit *unit,
                                const struct iommu_invalidation *invalidation)
{
    (void)unit;
    (void)invalidation;
    return true;
}

static inline bool tell_other_domain(struct iommu_unit *unit,
                                     const struct iommu_invalidation *invalidation)
{
    struct iommu_invalidation other = *invalidation;

    other.domain_id ^= on.iommu.domains[0].id ^ on.iommu.domains[1].id;
    return sound->invalidate(unit, &other);
}

static inline bool tell_half(struct iommu_unit *unit, const struct iommu_invalidation *invalidation)
{
    struct iommu_invalidation half = *invalidation;

    for (unsigned i = 0; i < half.count; i++)
        half.blocks[i].order -= half.blocks[i].order > 0;
    return sound->invalidate(unit, &half);
}

static inline bool tell_neighbour(struct iommu_unit *unit,
                                  const struct iommu_invalidation *invalidation)
{
    struct iommu_invalidation other = *invalidation;

    for (unsigned i = 0; i < other.count; i++)
        other.blocks[i].address ^= (uint64_t)PAGE_SIZE << other.blocks[i].order;
    return sound->invalidate(unit, &other);
}

static inline bool tell_leaves(struct iommu_unit *unit,
                               const struct iommu_invalidation *invalidation)
{
    struct iommu_invalidation leaves = *invalidation;

    leaves.leaves_only = true;
    return sound->invalidate(unit, &leaves);
}

/* The caches from `first` on, which are after a call what they were before it. */
static struct {
    unsigned first;
    struct packed caches;
} before;

static inline void begin_untold(unsigned first)
{
    before.first = first;
    before.caches.size = 0;
    pack_caches(&before.caches, first);
}

static inline bool end_untold(bool done)
{
    (void)unpack_caches(before.caches.bytes, before.first);
    return done;
}

static inline bool attach_untold(struct iommu_unit *unit, pci_bdf_t requester,
                                 const struct iommu_binding *binding, bool *no_memory)
{
    begin_untold(UNIT_REQUESTERS);
    return end_untold(sound->attach(unit, requester, binding, no_memory));
}

static inline bool block_untold(struct iommu_unit *unit, pci_bdf_t requester, uint16_t domain_id)
{
    begin_untold(UNIT_REQUESTERS);
    return end_untold(sound->block(unit, requester, domain_id));
}

static inline bool block_leaving_pages(struct iommu_unit *unit, pci_bdf_t requester,
                                       uint16_t domain_id)
{
    begin_untold(UNIT_LEAVES);
    return end_untold(sound->block(unit, requester, domain_id));
}

static inline bool block_other_domain(struct iommu_unit *unit, pci_bdf_t requester,
                                      uint16_t domain_id)
{
    domain_id ^= on.iommu.domains[0].id ^ on.iommu.domains[1].id;
    return sound->block(unit, requester, domain_id);
}

/* `space`: the one that shows it. */
static const struct fault {
    const char *name;
    bool (*invalidate)(struct iommu_unit *unit, const struct iommu_invalidation *invalidation);
    bool (*attach)(struct iommu_unit *unit, pci_bdf_t requester,
                   const struct iommu_binding *binding, bool *no_memory);
    bool (*block)(struct iommu_unit *unit, pci_bdf_t requester, uint16_t domain_id);
    enum space_name space;
} faults[] = {
    {"unmap tells the unit nothing", tell_nothing, NULL, NULL, ALL_FOUR},
    {"unmap names another domain", tell_other_domain, NULL, NULL, ALL_FOUR},
    {"unmap names half of the range", tell_half, NULL, NULL, ALL_FOUR},
    {"unmap names the range beside", tell_neighbour, NULL, NULL, ALL_FOUR},
    {"tables go, leaves are forgotten", tell_leaves, NULL, NULL, ALL_FOUR},
    {"detach tells the unit nothing", NULL, NULL, block_untold, ALL_FOUR},
    {"detach names another domain", NULL, NULL, block_other_domain, ALL_FOUR},
    {"attach tells the unit nothing", NULL, attach_untold, NULL, CACHING},
    {"map tells the unit nothing", tell_nothing, NULL, NULL, CACHING},
    {"detach leaves pages", NULL, NULL, block_leaving_pages, OWN_LEAVES},
};

static const struct fault none;

static inline bool forget_by_invalidate(struct iommu_unit *unit, uint16_t domain_id,
                                        struct iommu_block block, bool leaves_only)
{
    const struct iommu_invalidation invalidation = {
        .domain_id = domain_id, .leaves_only = leaves_only, .count = 1, .blocks = {block}};

    return unit->ops->invalidate(unit, &invalidation);
}

static inline void install(const struct fault *fault)
{
    static struct iommu_unit_ops ops;

    sound = on.iommu.units[0].ops;
    ops = *sound;
    if (fault->invalidate) {
        ops.invalidate = fault->invalidate;
        ops.forget = forget_by_invalidate;
    }
    if (fault->attach)
        ops.attach = fault->attach;
    if (fault->block)
        ops.block = fault->block;
    on.iommu.units[0].ops = fault == &none ? sound : &ops;
}

#endif

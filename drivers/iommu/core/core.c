/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/core/core.h"

#include "arch/memory.h"
#include "drivers/iommu/core/state.h"
#include "lib/log.h"

#include <stdio.h>
#include <string.h>

static void add_requester(struct iommu *iommu, uint16_t segment, pci_bdf_t id)
{
    for (unsigned i = 0; i < iommu->requester_count; i++)
        if (iommu->requesters[i].segment == segment && iommu->requesters[i].id == id)
            return;
    if (iommu->requester_count == IOMMU_REQUESTERS_MAX)
        return;
    iommu->requesters[iommu->requester_count++] =
        (struct iommu_requester){.segment = segment, .id = id, .unit = PCI_NONE};
}

void iommu_init(struct iommu *iommu, const struct pci_inventory *pci)
{
    memset(iommu, 0, sizeof *iommu);
    iommu->pci = pci;
    pt_pool_init(&iommu->pool);
    for (unsigned i = 0; i < pci->count; i++) {
        const struct pci_function *function = &pci->functions[i];

        iommu->endpoints[i].unit = PCI_NONE;
        iommu->groups[i].quarantine = PCI_NONE;
        add_requester(iommu, function->segment, function->bdf);
        for (unsigned n = 0; n < function->alias_count; n++)
            add_requester(iommu, function->segment, function->aliases[n]);
    }
}

bool iommu_sends_as(const struct iommu *iommu, uint16_t endpoint, uint16_t segment, pci_bdf_t id)
{
    const struct pci_function *function = &iommu->pci->functions[endpoint];

    if (function->segment != segment)
        return false;
    if (function->bdf == id)
        return true;
    for (unsigned n = 0; n < function->alias_count; n++)
        if (function->aliases[n] == id)
            return true;
    return false;
}

unsigned iommu_next_requester(const struct iommu *iommu, uint16_t endpoint, unsigned from)
{
    while (from < iommu->requester_count &&
           !iommu_sends_as(iommu, endpoint, iommu->requesters[from].segment,
                           iommu->requesters[from].id))
        from++;
    return from;
}

struct iommu_unit *iommu_add_unit(struct iommu *iommu, const struct iommu_unit *unit)
{
    if (iommu->unit_count == IOMMU_UNITS_MAX)
        return NULL;
    struct iommu_unit *added = &iommu->units[iommu->unit_count++];
    *added = *unit;
    added->state = UNIT_FOUND;
    return added;
}

void iommu_cover(struct iommu *iommu, uint16_t endpoint, const struct iommu_unit *unit)
{
    uint16_t index = (uint16_t)(unit - iommu->units);
    unsigned i;

    for (i = iommu_next_requester(iommu, endpoint, 0); i < iommu->requester_count;
         i = iommu_next_requester(iommu, endpoint, i + 1)) {
        if (iommu->requesters[i].unit != PCI_NONE && iommu->requesters[i].unit != index) {
            iommu->incomplete = true;
            return;
        }
    }
    iommu->endpoints[endpoint].unit = index;
    for (i = iommu_next_requester(iommu, endpoint, 0); i < iommu->requester_count;
         i = iommu_next_requester(iommu, endpoint, i + 1))
        iommu->requesters[i].unit = index;
}

/* True for the registers of a unit and for configuration space: no device may reach those. */
static bool is_guarded(const struct iommu *iommu, uint64_t first, uint64_t last)
{
    for (unsigned i = 0; i < iommu->unit_count; i++)
        if (first <= iommu->units[i].base + (PT_PAGE_SIZE - 1) && last >= iommu->units[i].base)
            return true;
    for (unsigned i = 0; i < iommu->pci->ecam.count; i++) {
        const struct pci_ecam_range *range = &iommu->pci->ecam.ranges[i];
        uint64_t begin = range->base + ((uint64_t)range->first_bus << 20);
        uint64_t end = range->base + (((uint64_t)range->last_bus + 1) << 20);

        if (first < end && last >= begin)
            return true;
    }
    return false;
}

static const char *refuse_region(const struct iommu *iommu, uint64_t first, uint64_t last)
{
    if (first > last || first & (PT_PAGE_SIZE - 1) || (last + 1) & (PT_PAGE_SIZE - 1))
        return "it is not made of whole pages";
    if (first <= IOMMU_INTERRUPT_LAST && last >= IOMMU_INTERRUPT_FIRST)
        return "it covers the interrupt window";
    if (memory_overlaps_image(first, last))
        return "it covers memory of this image";
    if (is_guarded(iommu, first, last))
        return "it covers registers of a unit or configuration space";
    for (unsigned i = 0; i < iommu->region_count; i++)
        if (first <= iommu->regions[i].last && last >= iommu->regions[i].first)
            return "it overlaps another region";
    if (iommu->region_count == IOMMU_REGIONS_MAX)
        return "there are too many regions";
    return NULL;
}

static bool find_region(const struct iommu *iommu, uint64_t first, uint64_t last, uint16_t *index)
{
    for (unsigned i = 0; i < iommu->region_count; i++) {
        *index = (uint16_t)i;
        if (iommu->regions[i].first == first && iommu->regions[i].last == last)
            return true;
    }
    return false;
}

void iommu_demand_region(struct iommu *iommu, uint16_t endpoint, uint64_t first, uint64_t last)
{
    const struct pci_function *function = &iommu->pci->functions[endpoint];
    const char *refusal = NULL;
    char name[PCI_NAME_LENGTH];
    uint16_t region;

    pci_name(function->segment, function->bdf, name);
    if (!find_region(iommu, first, last, &region)) {
        refusal = refuse_region(iommu, first, last);
        region = (uint16_t)iommu->region_count;
    }
    if (!refusal && iommu->demand_count == IOMMU_REGIONS_MAX)
        refusal = "there are too many demands";
    if (!refusal && region == iommu->region_count && !memory_withhold(first, last))
        refusal = "its memory is in use";
    if (refusal) {
        log_write(LOG_WARNING, "iommu",
                  "region 0x%llx-0x%llx that firmware demands for %s refused: %s",
                  (unsigned long long)first, (unsigned long long)last, name, refusal);
        return;
    }
    if (region == iommu->region_count)
        iommu->regions[iommu->region_count++] = (struct iommu_region){first, last};
    iommu->demands[iommu->demand_count++] = (struct iommu_demand){region, endpoint};
    log_write(LOG_NOTICE, "iommu", "region 0x%llx-0x%llx demanded by firmware for %s",
              (unsigned long long)first, (unsigned long long)last, name);
}

static uint8_t lower(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

struct pt_geometry iommu_geometry(const struct iommu *iommu, uint8_t width)
{
    struct pt_geometry geometry = iommu->geometry;

    geometry.levels = 0;
    for (uint8_t n = 2; n <= PT_LEVELS_MAX; n++) {
        if (!(iommu->levels >> n & 1))
            continue;
        geometry.levels = n;
        if (PT_PAGE_SHIFT + PT_INDEX_BITS * n >= width)
            break;
    }
    geometry.width = lower(lower(width, geometry.width),
                           (uint8_t)(PT_PAGE_SHIFT + PT_INDEX_BITS * geometry.levels));
    return geometry;
}

/* What every unit that works can do. False: nothing in common. */
static bool intersect(struct iommu *iommu)
{
    struct pt_geometry *common = &iommu->geometry;
    unsigned levels = ~0u;

    *common = (struct pt_geometry){
        .width = 63, .physical_width = 52, .leaf_levels = 0xFF, .coherent = true};
    iommu->domain_ids = UINT32_MAX;
    iommu->pass_through = true;
    iommu->format = NULL;
    for (unsigned i = 0; i < iommu->unit_count; i++) {
        const struct iommu_unit *unit = &iommu->units[i];

        if (unit->state == UNIT_FAILED)
            continue;
        if (iommu->format && iommu->format != unit->ops->format)
            return false;
        iommu->format = unit->ops->format;
        levels &= unit->caps.levels;
        common->width = lower(common->width, unit->caps.width);
        common->physical_width = lower(common->physical_width, unit->caps.physical_width);
        common->leaf_levels &= unit->caps.leaf_levels;
        common->coherent &= unit->caps.coherent;
        iommu->pass_through &= unit->caps.pass_through;
        if (unit->caps.domain_ids < iommu->domain_ids)
            iommu->domain_ids = unit->caps.domain_ids;
    }
    iommu->levels = (uint8_t)levels;
    *common = iommu_geometry(iommu, common->width);
    return iommu->format && common->levels;
}

static void probe_all(struct iommu *iommu)
{
    for (unsigned i = 0; i < iommu->unit_count; i++) {
        struct iommu_unit *unit = &iommu->units[i];

        if (unit->ops->probe(unit))
            continue;
        unit->state = UNIT_FAILED;
        log_write(LOG_ERROR, unit->name, "unit at 0x%llx cannot be used: %s",
                  (unsigned long long)unit->base, unit->reason);
    }
}

static void enable_all(struct iommu *iommu)
{
    for (unsigned i = 0; i < iommu->unit_count; i++) {
        struct iommu_unit *unit = &iommu->units[i];

        if (unit->state == UNIT_FAILED)
            continue;
        if (unit->ops->enable(unit)) {
            unit->state = UNIT_ACTIVE;
            continue;
        }
        unit->state = UNIT_FAILED;
        log_write(LOG_ERROR, unit->name, "translation is not on: %s", unit->reason);
    }
}

static const char *find_reason(const struct iommu *iommu)
{
    for (unsigned i = 0; i < iommu->unit_count; i++)
        if (iommu->units[i].state != UNIT_ACTIVE)
            return iommu->units[i].reason;
    if (!iommu->format)
        return "the units have no table format and depth in common";
    for (unsigned i = 0; i < iommu->pci->count; i++)
        if (!iommu_covered(iommu, (uint16_t)i))
            return "some functions are behind no unit";
    if (iommu->incomplete)
        return "firmware's tables may leave a unit or a device out";
    return NULL;
}

/* A region that no table can map is not granted. */
static void drop_far_demands(struct iommu *iommu)
{
    unsigned kept = 0;
    uint8_t width = lower(iommu->geometry.width, iommu->geometry.physical_width);

    for (unsigned i = 0; i < iommu->demand_count; i++) {
        const struct iommu_region *region = &iommu->regions[iommu->demands[i].region];

        if (region->last >> width)
            log_write(LOG_WARNING, "iommu", "region 0x%llx-0x%llx is beyond %u bits: not granted",
                      (unsigned long long)region->first, (unsigned long long)region->last, width);
        else
            iommu->demands[kept++] = iommu->demands[i];
    }
    iommu->demand_count = kept;
}

/* Default deny needs no table, so it comes even where the units have no table in common. */
void iommu_enable(struct iommu *iommu)
{
    probe_all(iommu);
    if (intersect(iommu))
        drop_far_demands(iommu);
    else
        iommu->format = NULL;
    enable_all(iommu);
    if (iommu->format)
        iommu_quarantine_all(iommu);
    if (iommu->unit_count)
        iommu->reason = find_reason(iommu);
}

bool iommu_covered(const struct iommu *iommu, uint16_t endpoint)
{
    uint16_t unit = iommu->endpoints[endpoint].unit;

    return unit != PCI_NONE && iommu->units[unit].state == UNIT_ACTIVE;
}

enum iommu_state iommu_state(const struct iommu *iommu)
{
    unsigned active = 0;

    if (!iommu->unit_count)
        return iommu->announced ? IOMMU_STATE_FAILED : IOMMU_ABSENT;
    for (unsigned i = 0; i < iommu->unit_count; i++)
        active += iommu->units[i].state == UNIT_ACTIVE;
    if (!active)
        return IOMMU_STATE_FAILED;
    return active == iommu->unit_count && !find_reason(iommu) ? IOMMU_ACTIVE : IOMMU_PARTIAL;
}

void iommu_bind(struct iommu *iommu, uint16_t endpoint, owner_t owner)
{
    gate_enter(&iommu->gate);
    iommu->endpoints[endpoint].owner = owner;
    gate_leave(&iommu->gate);
}

/* Under the lock of bus mastering. */
static void stop_devices(const struct iommu *iommu, uint16_t index)
{
    for (unsigned i = 0; i < iommu->pci->count; i++)
        if (iommu->endpoints[i].unit == index && !pci_is_bridge(&iommu->pci->functions[i]))
            pci_set_bus_master(&iommu->pci->functions[i], false);
}

/* A bridge forwards requests and message interrupts upstream only while it masters the bus itself
 * (PCI-to-PCI Bridge Architecture Specification, "Command Register"). */
void iommu_let_master(struct iommu *iommu, uint16_t endpoint)
{
    lock_take(&iommu->master_lock);
    if (iommu_covered(iommu, endpoint))
        for (uint16_t i = endpoint; i != PCI_NONE; i = iommu->pci->functions[i].parent)
            pci_set_bus_master(&iommu->pci->functions[i], true);
    lock_give(&iommu->master_lock);
}

void iommu_poison(struct iommu *iommu, struct iommu_unit *unit)
{
    uint16_t index = (uint16_t)(unit - iommu->units);

    lock_take(&iommu->master_lock);
    if (atomic_exchange(&unit->state, UNIT_POISONED) == UNIT_POISONED) {
        lock_give(&iommu->master_lock);
        return;
    }
    if (!unit->reason)
        unit->reason = "it did not complete a command";
    iommu->reason = unit->reason;
    stop_devices(iommu, index);
    lock_give(&iommu->master_lock);
    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX; i++)
        if (iommu->domains[i].units >> index & 1)
            iommu_poison_domain(&iommu->domains[i]);
    log_write(LOG_ERROR, unit->name, "poisoned: %s; the devices behind it are stopped",
              unit->reason);
}
